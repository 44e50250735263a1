//! Files whose bytes the cloud client has taken off the disk: present, with what stood there last, never opened and
//! never written over. Where their bytes are needed, the file waits and says so.

use std::path::Path;

use kitbag_core::finding::Exit;
use kitbag_engine::sync::report::Report;
use kitbag_platform::disk::Disk;

use crate::machine::World;

const NOTES: &str = "/cloud/share/notes.txt";

fn evict(world: &World, path: &str, gone: bool) {
    world.disk.set_placeholder(Path::new(path), gone).unwrap();
}

#[track_caller]
fn waits_for(report: &Report, path: &str) {
    assert_eq!(report.exit(), Exit::Waiting, "{report:#?}");
    let waiting = report.waiting_for.iter().find(|waiting| waiting.path.as_deref() == Some(path));
    let waiting = waiting.unwrap_or_else(|| panic!("does not wait for {path}: {report:#?}"));
    assert_eq!(waiting.what, "online only: make it available on this device");
    assert!(report.problems.iter().any(|told| told.path == path && told.reason.contains("online only")));
}

/// A placeholder of what is known is no absence, no change and no trouble; another machine's work still arrives.
#[test]
fn a_known_file_may_be_online_only() {
    let world = World::new(1);
    let a = world.machine("HOME", &["sync.absence_wait_seconds=0"]);
    a.save("notes.txt", b"1\n");
    a.sync();
    let b = world.machine("WORK", &[]);
    b.sync();
    // looked at once more when it is no longer brand-new
    world.wait(5);
    b.sync();
    evict(&world, NOTES, true);
    for machine in [&a, &b, &a] {
        let report = machine.sync();
        assert_eq!((report.exit(), report.published, report.received), (Exit::Done, 0, 0), "{report:#?}");
    }
    world.wait(100_000);
    assert_eq!(a.sync().exit(), Exit::Done);

    // the edit travels by the history; the placeholder stays as it is until its bytes are here
    a.save("notes.txt", b"1\n2\n");
    world.wait(5);
    waits_for(&a.sync(), "notes.txt");
    waits_for(&b.sync(), "notes.txt");
    assert_eq!(b.shows("notes.txt").unwrap(), b"1\n2\n");
    assert!(world.disk.stat(Path::new(NOTES)).unwrap().placeholder);
    evict(&world, NOTES, false);
    assert_eq!(world.text(NOTES), "1\n");
    assert_eq!(a.sync().exit(), Exit::Done);
    assert_eq!(b.sync().exit(), Exit::Done);
    assert_eq!(world.text(NOTES), "1\n2\n");
    assert_eq!((a.versions("notes.txt"), b.versions("notes.txt")), (2, 2));
}

/// A removed file's placeholder is removed only when its bytes could be looked at.
#[test]
fn a_placeholder_is_never_removed() {
    let world = World::new(2);
    let a = world.machine("HOME", &[]);
    a.save("notes.txt", b"1\n");
    a.sync();
    evict(&world, NOTES, true);
    world.disk.remove(&a.work("notes.txt")).unwrap();
    a.save("other.txt", b"o");
    waits_for(&a.sync(), "notes.txt");
    assert!(world.exists(NOTES) && a.shows("notes.txt").is_none());
    evict(&world, NOTES, false);
    assert_eq!(a.sync().exit(), Exit::Done);
    assert!(!world.exists(NOTES) && a.shows("notes.txt").is_none());
}

/// A file that is new or changed and online only: it is told, it waits, nothing is guessed; then it is taken in.
#[test]
fn unknown_bytes_online_only_wait() {
    let world = World::new(3);
    let a = world.machine("HOME", &["sync.outside_settle_seconds=0"]);
    a.save("notes.txt", b"1\n");
    a.sync();
    world.write("/cloud/share/phone.txt", b"from the phone\n");
    evict(&world, "/cloud/share/phone.txt", true);
    world.write(NOTES, b"1\nby phone\n");
    evict(&world, NOTES, true);
    for _ in 0..2 {
        let report = a.sync();
        waits_for(&report, "phone.txt");
        waits_for(&report, "notes.txt");
        assert_eq!(a.shows("notes.txt").unwrap(), b"1\n");
        assert!(a.shows("phone.txt").is_none());
        world.wait(1_000);
    }
    // an edit meanwhile is published, and the placeholder is left alone
    a.save("notes.txt", b"0\n1\n");
    world.wait(5);
    waits_for(&a.sync(), "notes.txt");
    evict(&world, NOTES, false);
    evict(&world, "/cloud/share/phone.txt", false);
    assert_eq!(a.sync().exit(), Exit::Done);
    assert_eq!(a.shows("notes.txt").unwrap(), b"0\n1\nby phone\n");
    assert_eq!(a.shows("phone.txt").unwrap(), b"from the phone\n");
    assert_eq!(a.sync().exit(), Exit::Done);
}

/// A part of the history that is online only is waited for by name, not taken for one that is on its way.
#[test]
fn history_online_only_is_told() {
    let world = World::new(4);
    let a = world.machine("HOME", &[]);
    let b = world.machine("WORK", &[]);
    a.save("notes.txt", b"1\n");
    a.sync();
    let packs: Vec<_> = world.names("/cloud/share/.kitbag/packs").into_iter().collect();
    let pack = |name: &str| format!("/cloud/share/.kitbag/packs/{name}");
    packs.iter().for_each(|name| evict(&world, &pack(name), true));
    evict(&world, NOTES, true);
    let report = b.sync();
    assert_eq!(report.exit(), Exit::Waiting);
    assert!(report.waiting_for.iter().any(|w| w.what.contains("history is online only")), "{report:#?}");
    packs.iter().for_each(|name| evict(&world, &pack(name), false));
    b.sync();
    assert_eq!(b.shows("notes.txt").unwrap(), b"1\n");
    evict(&world, NOTES, false);
    assert_eq!(b.sync().exit(), Exit::Done);
}

/// Clients that show such files under another name: of a known file it is no absence, of an unknown one it waits; a file
/// that only looks like one is a file.
#[test]
fn stubs_stand_for_files() {
    let stub = [b'x'; 180];
    for (provider, name, other, bytes) in [
        ("icloud", ".notes.txt.icloud", ".new.txt.icloud", &stub[..]),
        ("nextcloud", "notes.txt.nextcloud", "new.txt.nextcloud", b" "),
    ] {
        let world = World::new(5);
        let setting = format!("share.provider={provider}");
        let a = world.machine("HOME", &[&setting, "sync.absence_wait_seconds=0"]);
        a.save("deep/notes.txt", b"1\n");
        a.save("deep/aaa.txt", b"a\n");
        a.sync();
        // touched since, so that it is looked at again
        a.save("deep/notes.txt", b"1\n");
        world.disk.remove(Path::new("/cloud/share/deep/notes.txt")).unwrap();
        world.write(&format!("/cloud/share/deep/{name}"), bytes);
        for _ in 0..2 {
            assert_eq!(a.sync().exit(), Exit::Done, "{provider}");
            world.wait(1_000);
        }
        world.write(&format!("/cloud/share/deep/{other}"), bytes);
        waits_for(&a.sync(), "deep/new.txt");
        assert_eq!(a.versions("deep/new.txt") + a.versions(&format!("deep/{other}")), 0);
        // the bytes come back: nothing was changed
        world.disk.remove(&Path::new("/cloud/share/deep").join(name)).unwrap();
        world.disk.remove(&Path::new("/cloud/share/deep").join(other)).unwrap();
        world.write("/cloud/share/deep/notes.txt", b"1\n");
        let report = a.sync();
        assert_eq!(report.exit(), Exit::Done, "{provider}: {report:#?}");
        assert_eq!(a.versions("deep/notes.txt"), 1);
        // too large for a stub
        let large = vec![b'y'; 5000];
        world.write(&format!("/cloud/share/deep/{other}"), &large);
        a.sync();
        assert_eq!(a.shows(&format!("deep/{other}")), Some(large), "{provider}");
    }
}
