//! Packs made few of many, in two phases.

use std::fs;

use crate::world::{Cloud, DAY, World, tree};

/// More small packs than may stand.
const MANY: usize = 20;

fn join(world: &World, name: &str, share: &str) -> crate::world::Machine {
    let machine = world.machine(name, share);
    machine.sync();
    machine
}

/// Merged at once, removed when the other machine says it has the new pack; then all comes to rest, nothing is written
/// back, and a third machine finds every version.
#[test]
fn many_small_packs_become_few_once_seen() {
    let world = World::new();
    let (a, b) = (join(&world, "a", "share"), join(&world, "b", "share"));
    a.edits("notes.txt", MANY);
    let with_both = a.packs();
    assert!(with_both.len() > 16, "the old ones stand until the other machine has the new one");
    let leaving = a.open().ledger.leaving().unwrap().len();
    assert!(leaving > 10, "{leaving} leave");
    for machine in [&b, &a, &b, &a] {
        machine.sync();
    }
    assert!(a.packs().len() <= 6, "{:?}", a.packs());
    let rest = tree(&a.share);
    for machine in [&a, &b, &a, &b] {
        assert_eq!(machine.sync().bytes_published, 0);
        machine.is_well();
    }
    assert_eq!(tree(&a.share), rest, "at rest nothing is written");
    let c = join(&world, "c", "share");
    assert_eq!((c.files(), b.files()), (a.files(), a.files()));
    let path = kitbag_core::path::WorkPath::parse("notes.txt").unwrap();
    let known = |machine: &crate::world::Machine| machine.open().ledger.admitted(&path).unwrap();
    assert_eq!(known(&c).len(), MANY);
    assert_eq!(known(&c), known(&a));
    for (id, record) in known(&c) {
        let ledger = &c.open().ledger;
        assert!(ledger.has_content(record.content.id().unwrap()).unwrap());
        assert_eq!(ledger.label(id).unwrap().unwrap().machine, "A", "labels are carried on");
    }
}

/// A machine alone removes the old ones after two weeks of its own counting. A clock that jumps a year ahead, back, and
/// ahead again hurries it by no more than a day each.
#[test]
fn alone_it_takes_two_weeks_and_no_jump_hurries_it() {
    let world = World::new();
    let a = join(&world, "a", "share");
    a.edits("notes.txt", MANY);
    let standing = a.packs().len();
    let start = kitbag_platform::clock::Clock::now_millis(&world.clock);
    for jump in [365, 0, 366, 1, 400] {
        world.clock.set(start + jump * DAY as i64);
        a.sync();
    }
    assert_eq!(a.packs().len(), standing, "three days were counted");
    world.live(15, &[&a]);
    assert!(a.packs().len() < 10, "{:?}", a.packs());
    a.is_well();
}

/// Two machines with the same packs merge at the same time, far from each other: they write the same pack.
#[test]
fn two_at_once_write_the_same() {
    let world = World::new();
    let (a, b) = (join(&world, "a", "one"), join(&world, "b", "two"));
    let mut cloud = Cloud::default();
    cloud.carry(&[&a, &b]);
    a.sync();
    b.sync();
    // seventeen packs at A, held back until they are all there
    a.edits("notes.txt", 15);
    cloud.carry(&[&a, &b]);
    b.sync();
    let before = (a.packs(), b.packs());
    assert_eq!(before.0, before.1);
    a.edits("x.txt", 2);
    // B gets the packs of A, but not what A made of them
    let known: Vec<String> = a.packs().into_iter().filter(|pack| !before.0.contains(pack)).collect();
    let merged =
        a.open().ledger.replaced().unwrap().into_iter().map(|row| row.new.to_string()).next_back().unwrap();
    assert!(known.iter().any(|pack| pack.ends_with(&merged)));
    cloud.carry_some(&[&a, &b], |path| !path.ends_with(&merged) && !path.contains("/events/"));
    b.sync();
    let at_b: Vec<_> =
        b.open().ledger.replaced().unwrap().into_iter().map(|row| row.new.to_string()).collect();
    assert!(at_b.contains(&merged), "{at_b:?} and {merged}");
    for _ in 0..4 {
        cloud.carry(&[&a, &b]);
        a.sync();
        b.sync();
    }
    assert_eq!(a.packs(), b.packs());
    assert!(a.packs().len() < 8, "{:?}", a.packs());
    for machine in [&a, &b] {
        machine.is_well();
        assert_eq!(machine.sync().bytes_published, 0);
    }
}

/// A crash after the new pack was written and before the ledger heard of it: the state as it was before that sync, the
/// share as it is after.
#[test]
fn a_crash_between_the_phases() {
    let world = World::new();
    let (a, b) = (join(&world, "a", "share"), join(&world, "b", "share"));
    a.edits("notes.txt", 15);
    let saved = tree(&a.home);
    a.edits("notes.txt", 4);
    assert!(!a.open().ledger.leaving().unwrap().is_empty());
    fs::remove_dir_all(&a.home).unwrap();
    for (path, bytes) in saved {
        let file = a.home.join(path);
        fs::create_dir_all(file.parent().unwrap()).unwrap();
        fs::write(file, bytes).unwrap();
    }
    for machine in [&a, &b, &a, &b, &a] {
        machine.sync();
    }
    assert_eq!(a.files(), b.files());
    assert_eq!(a.read("notes.txt").lines().count(), 19);
    assert!(a.packs().len() <= 8, "{:?}", a.packs());
    a.is_well();
    b.is_well();
}

/// The cloud loses the new pack before anybody else has it, or delivers the removals long before the new pack: nothing is
/// lost, and it ends with few packs and the same on both.
#[test]
fn a_cloud_that_loses_and_delays() {
    for lose in [true, false] {
        let world = World::new();
        let (a, b) = (join(&world, "a", "one"), join(&world, "b", "two"));
        let c = join(&world, "c", "three");
        let mut cloud = Cloud::default();
        for _ in 0..2 {
            cloud.carry(&[&a, &b, &c]);
            [&a, &b, &c].iter().for_each(|machine| drop(machine.sync()));
        }
        a.edits("notes.txt", MANY);
        let merged = a.open().ledger.replaced().unwrap()[0].new.to_string();
        let file = a.share.join(".kitbag/packs").join(&merged[..2]).join(&merged);
        if lose {
            fs::remove_file(&file).unwrap();
        }
        for _ in 0..4 {
            cloud.carry_some(&[&a, &b, &c], |path| !path.ends_with(&merged));
            [&a, &b, &c].iter().for_each(|machine| drop(machine.sync()));
        }
        if !lose {
            // two have it and the old ones go; the third sees them go and not what came in their place
            for _ in 0..3 {
                cloud.carry(&[&a, &b]);
                [&a, &b].iter().for_each(|machine| drop(machine.sync()));
            }
            world.live(16, &[&a, &b]);
            cloud.carry_some(&[&a, &b, &c], |path| !path.ends_with(&merged));
            c.sync();
        }
        for _ in 0..6 {
            world.days(1);
            cloud.carry(&[&a, &b, &c]);
            [&a, &b, &c].iter().for_each(|machine| drop(machine.sync()));
        }
        for machine in [&a, &b, &c] {
            assert_eq!(machine.files(), a.files());
            assert_eq!(machine.packs(), a.packs());
            machine.is_well();
        }
        assert_eq!(a.read("notes.txt").lines().count(), MANY);
        assert!(a.packs().len() <= 17, "{:?}", a.packs());
        let path = kitbag_core::path::WorkPath::parse("notes.txt").unwrap();
        assert_eq!(c.open().ledger.admitted(&path).unwrap().len(), MANY);
    }
}

/// A machine that was away for a year, with work of its own that nobody saw: merged and pruned meanwhile, all comes
/// together, and none of its lines is lost.
#[test]
fn a_machine_that_was_away_for_a_year() {
    let world = World::new();
    let (a, b) = (join(&world, "a", "one"), join(&world, "b", "two"));
    let away = join(&world, "away", "three");
    let mut cloud = Cloud::default();
    a.edits("notes.txt", 3);
    for _ in 0..3 {
        cloud.carry(&[&a, &b, &away]);
        [&a, &b, &away].iter().for_each(|machine| drop(machine.sync()));
    }
    let old = away.read("notes.txt");
    away.write("notes.txt", format!("{old}written while away\n"));
    away.write("own.txt", "only here\n");
    away.sync();
    for _ in 0..100 {
        a.edits("notes.txt", 1);
        world.days(1);
        cloud.carry(&[&a, &b]);
        b.sync();
    }
    assert!(a.packs().len() < 60, "{} packs", a.packs().len());
    let first = old.lines().next().unwrap().to_owned();
    world.days(300);
    for _ in 0..6 {
        cloud.carry(&[&a, &b, &away]);
        [&a, &b, &away].iter().for_each(|machine| drop(machine.sync()));
    }
    for machine in [&a, &b, &away] {
        assert_eq!(machine.read("own.txt"), "only here\n");
        assert_eq!(machine.files().keys().collect::<Vec<_>>(), a.files().keys().collect::<Vec<_>>());
    }
    // merged, or both sides stand as a question: either way every line is somewhere to be had
    let conflicts = a.open().ledger.open_conflicts().unwrap();
    if conflicts.is_empty() {
        let text = a.read("notes.txt");
        assert!(text.contains("written while away\n") && text.contains(&first), "{text}");
        assert_eq!(text.lines().count(), 104);
    } else {
        let sides: Vec<_> = [&a, &away].map(|machine| machine.read("notes.txt")).into();
        assert!(sides.iter().any(|text| text.contains("written while away")), "{sides:?}");
        assert!(sides.iter().any(|text| text.lines().count() >= 103), "{sides:?}");
    }
}
