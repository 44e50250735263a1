//! Old contents go, what is needed stays.

use kitbag_core::id::ContentId;
use kitbag_core::path::WorkPath;

use crate::world::{Cloud, Machine, World, noise};

fn join(world: &World, name: &str, share: &str) -> Machine {
    let machine = world.machine(name, share);
    machine.sync();
    machine
}

fn has(machine: &Machine, bytes: &[u8]) -> bool {
    machine.open().ledger.has_content(ContentId::of(bytes)).unwrap()
}

/// Kept for two months of days on which the machine synced, then gone everywhere, while every record stays, the newest
/// content is untouched and a machine that joins waits for nothing.
#[test]
fn old_contents_go_after_two_months() {
    let world = World::new();
    let (a, b) = (join(&world, "a", "share"), join(&world, "b", "share"));
    let versions: Vec<_> = (0..4).map(|n| noise(300_000, n)).collect();
    for version in &versions {
        a.write("data.bin", version);
        a.sync();
        b.sync();
    }
    world.live(58, &[&a, &b]);
    assert!(versions.iter().all(|version| has(&a, version)), "they are not old yet");
    world.live(8, &[&a, &b]);
    for machine in [&a, &b] {
        assert_eq!(versions.each_ref_has(machine), [false, false, false, true]);
        assert_eq!(machine.sync().bytes_published, 0);
        machine.is_well();
    }
    assert!(a.history_bytes() < 400_000, "{} bytes", a.history_bytes());
    let c = join(&world, "c", "share");
    assert_eq!(c.files(), a.files());
    let path = WorkPath::parse("data.bin").unwrap();
    assert_eq!(c.open().ledger.admitted(&path).unwrap().len(), 4);
    assert_eq!(c.open().ledger.waiting_count().unwrap(), 0);
    c.is_well();
}

trait EachHas {
    fn each_ref_has(&self, machine: &Machine) -> Vec<bool>;
}

impl EachHas for Vec<Vec<u8>> {
    fn each_ref_has(&self, machine: &Machine) -> Vec<bool> {
        self.iter().map(|version| has(machine, version)).collect()
    }
}

/// A clock that is a year ahead for one sync, and one that goes back and forth every day, drop nothing early.
#[test]
fn no_jump_of_the_clock_makes_anything_old() {
    let world = World::new();
    let a = join(&world, "a", "share");
    let versions: Vec<_> = (0..2).map(|n| noise(300_000, n)).collect();
    for version in &versions {
        a.write("data.bin", version);
        a.sync();
    }
    for _ in 0..10 {
        world.days(365);
        a.sync();
        let now = kitbag_platform::clock::Clock::now_millis(&world.clock);
        world.clock.set(now - 365 * crate::world::DAY as i64);
        a.sync();
    }
    assert!(has(&a, &versions[0]), "ten days were counted");
}

/// What another machine may still show is kept while that machine was heard of lately; one that only took it in late is
/// asked first.
#[test]
fn what_another_machine_may_show_is_kept() {
    let world = World::new();
    let (mut a, b) = (join(&world, "a", "one"), join(&world, "b", "two"));
    a.config.keep_days = 3;
    let mut cloud = Cloud::default();
    let versions: Vec<_> = (0..2).map(|n| noise(300_000, n)).collect();
    a.write("data.bin", &versions[0]);
    for _ in 0..2 {
        a.sync();
        cloud.carry(&[&a, &b]);
        b.sync();
        cloud.carry(&[&a, &b]);
    }
    a.write("data.bin", &versions[1]);
    world.live(10, &[&a]);
    assert!(a.open().ledger.leaving().unwrap().is_empty(), "B shows it");
    cloud.carry(&[&a, &b]);
    b.sync();
    cloud.carry(&[&a, &b]);
    world.live(2, &[&a]);
    cloud.carry(&[&a, &b]);
    b.sync();
    cloud.carry(&[&a, &b]);
    world.live(2, &[&a]);
    assert!(!has(&a, &versions[0]), "B shows the next one");
    a.is_well();
}

/// An open question keeps the whole history of its file; once it is answered, the history ages like any other.
#[test]
fn an_open_question_keeps_what_it_may_need() {
    let world = World::new();
    let (mut a, b) = (join(&world, "a", "one"), join(&world, "b", "two"));
    a.config.keep_days = 2;
    let mut cloud = Cloud::default();
    let first = noise(300_000, 0);
    a.write("data.bin", &first);
    for _ in 0..2 {
        a.sync();
        cloud.carry(&[&a, &b]);
        b.sync();
        cloud.carry(&[&a, &b]);
    }
    a.write("data.bin", noise(300_000, 1));
    b.write("data.bin", noise(300_000, 2));
    for _ in 0..3 {
        a.sync();
        b.sync();
        cloud.carry(&[&a, &b]);
    }
    assert_eq!(a.sync().conflicts, 1);
    for _ in 0..10 {
        world.live(1, &[&a, &b]);
        cloud.carry(&[&a, &b]);
    }
    assert!(has(&a, &first));
}

/// Somebody goes back to an old version while another machine drops it: it is stored again.
#[test]
fn going_back_to_what_was_just_dropped() {
    let world = World::new();
    let (mut a, mut b) = (join(&world, "a", "one"), join(&world, "b", "two"));
    (a.config.keep_days, b.config.keep_days) = (3, 300);
    let mut cloud = Cloud::default();
    let versions: Vec<_> = (0..2).map(|n| noise(300_000, n)).collect();
    for version in &versions {
        a.write("data.bin", version);
        for _ in 0..2 {
            a.sync();
            cloud.carry(&[&a, &b]);
            b.sync();
            cloud.carry(&[&a, &b]);
        }
    }
    world.live(5, &[&a]);
    assert!(!a.open().ledger.leaving().unwrap().is_empty(), "A has written the history without it");
    // B does not know, and goes back; it stores nothing, since the old pack is there
    b.write("data.bin", &versions[0]);
    b.sync();
    for _ in 0..5 {
        cloud.carry(&[&a, &b]);
        world.live(1, &[&a, &b]);
        assert!(has(&b, &versions[0]), "at no moment it is gone where it is shown");
    }
    for machine in [&a, &b] {
        assert_eq!(machine.files()["data.bin"], versions[0]);
        assert!(has(machine, &versions[0]));
        machine.is_well();
    }
    let c = join(&world, "c", "one");
    assert_eq!(c.files(), a.files());
}

/// Lines that a merge would need and that are gone: nothing is lost, it only asks or keeps more.
#[test]
fn a_merge_whose_base_was_dropped_loses_nothing() {
    let world = World::new();
    let (mut a, b) = (join(&world, "a", "one"), join(&world, "b", "two"));
    a.config.keep_days = 0;
    let mut cloud = Cloud::default();
    let base: String =
        (0..3_000).map(|n| format!("{} {n}\n", ContentId::of(&[n as u8, (n >> 8) as u8]))).collect();
    a.write("notes.txt", &base);
    for _ in 0..2 {
        a.sync();
        cloud.carry(&[&a, &b]);
        b.sync();
        cloud.carry(&[&a, &b]);
    }
    // B goes on for itself and is not heard of for a long time
    b.write("notes.txt", format!("{base}by B\n"));
    b.sync();
    a.write("notes.txt", format!("by A\n{base}"));
    world.live(40, &[&a]);
    assert!(!has(&a, base.as_bytes()), "it was dropped");
    for _ in 0..5 {
        cloud.carry(&[&a, &b]);
        a.sync();
        b.sync();
    }
    let texts = [&a, &b].map(|machine| machine.read("notes.txt"));
    let everything = texts.concat();
    for line in base.lines().chain(["by A", "by B"]) {
        assert!(everything.contains(line), "{line}");
    }
}

/// A backup that changes every hour costs a few versions, not two months of them.
#[test]
fn backups_are_bounded_by_number_too() {
    let world = World::new();
    let (a, b) = (join(&world, "a", "share"), join(&world, "b", "share"));
    let mut most = 0;
    for day in 0..12 {
        for hour in 0..4 {
            a.write("backups/db/db.dump", noise(400_000, day * 24 + hour));
            a.sync();
        }
        world.live(1, &[&b, &a]);
        most = most.max(a.history_bytes());
    }
    // twelve days of four would be 19 MB; the last day's and five more, twice while they are replaced
    assert!(most < 12_000_000, "{most} bytes");
    for machine in [&a, &b] {
        machine.is_well();
    }
}

/// A file whose bytes changed while it looks as it was left: no sync would notice, `verify --files` does, and says that
/// the history has it.
#[test]
fn a_disk_that_spoils_a_file() {
    let world = World::new();
    let a = join(&world, "a", "share");
    a.write("data.bin", noise(1_000, 1));
    a.sync();
    a.write("data.bin", noise(1_000, 2));
    {
        // as if the times had stayed
        let (ws, path) = (a.open(), WorkPath::parse("data.bin").unwrap());
        let mut row = ws.ledger.path(&path).unwrap().unwrap();
        row.working = Some(ws.doors.disk.stat(&a.work.join("data.bin")).unwrap().fingerprint);
        row.dirty = false;
        ws.ledger.put_path(&row).unwrap();
    }
    let found = a.verify();
    assert_eq!(found.damaged.len(), 1, "{found:#?}");
    assert_eq!(found.damaged[0].place, "data.bin");
    assert!(found.damaged[0].what.contains("Its last version is in the history"), "{found:#?}");
}

/// What a received change replaced here can be taken back, so this machine does not drop it, whatever its age.
#[test]
fn what_undo_goes_back_to_is_kept() {
    let world = World::new();
    let (a, mut b) = (join(&world, "a", "share"), join(&world, "b", "share"));
    b.config.keep_days = 0;
    let versions: Vec<_> = (0..3).map(|n| noise(300_000, n)).collect();
    for version in &versions {
        a.write("data.bin", version);
        for machine in [&a, &b, &a] {
            machine.sync();
        }
    }
    world.live(3, &[&b, &a]);
    let ledger = &b.open().ledger;
    assert!(ledger.undo_contents().unwrap().contains(&ContentId::of(&versions[0])));
    for version in &versions {
        assert!(ledger.stays_packed(ContentId::of(version)).unwrap());
    }
}
