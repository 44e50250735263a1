//! Writing in place, for a provider that knows files by number: cut short at every call, by a kill and by power cuts. What
//! was being written is never taken for a version, and what somebody else put there always is.

use std::path::Path;

use kitbag_core::finding::Exit;
use kitbag_platform::disk::{Disk, Failure};

use crate::machine::{Machine, World};

const NOTES: &str = "/cloud/share/notes.txt";
const SETTINGS: [&str; 2] = ["share.provider=google-drive", "sync.outside_settle_seconds=0"];

fn text(version: &str, lines: usize) -> Vec<u8> {
    (0..lines).flat_map(|line| format!("line {line} of {version}\n").into_bytes()).collect()
}

fn start(world: &World) -> Machine<'_> {
    let a = world.machine("HOME", &SETTINGS);
    a.save("notes.txt", &text("one", 40));
    a.save("old.txt", b"to go\n");
    a.sync();
    assert_eq!(a.sync().exit(), Exit::Done);
    a
}

/// The file in the cloud folder keeps its number through changes; new and removed files come and go as ever.
#[test]
fn the_number_stays() {
    let world = World::new(1);
    let a = start(&world);
    let number = |path: &str| world.disk.stat(Path::new(path)).unwrap().fingerprint.file;
    let before = number(NOTES);
    for (round, lines) in [60, 5, 0, 80].into_iter().enumerate() {
        let bytes = text(&format!("round {round}"), lines);
        a.save("notes.txt", &bytes);
        world.wait(5);
        assert_eq!(a.sync().exit(), Exit::Done);
        assert_eq!((world.read(NOTES).unwrap(), number(NOTES)), (bytes, before));
    }
    a.save("new.txt", b"n\n");
    world.disk.remove(&a.work("old.txt")).unwrap();
    assert_eq!(a.sync().exit(), Exit::Done);
    a.sync();
    assert_eq!(world.text("/cloud/share/new.txt"), "n\n");
    assert!(!world.exists("/cloud/share/old.txt"));
    let plain = world.names("/cloud/share").into_iter().filter(|name| !name.starts_with(".kitbag/"));
    assert_eq!(plain.collect::<Vec<_>>(), ["new.txt", "notes.txt"]);
    // other providers get a swap
    let mut a = a;
    a.config.set("share.provider=dropbox").unwrap();
    a.save("notes.txt", b"swapped\n");
    world.wait(5);
    a.sync();
    assert_ne!(number(NOTES), before);
}

enum Cut {
    Kill,
    Power(u64),
}

/// One sync that writes in place is cut at this call; then the next one finishes. False when the call never came.
fn cut_at(call: u64, cut: &Cut) -> bool {
    let world = World::new(call);
    let a = start(&world);
    let bytes = text("two", 70);
    a.save("notes.txt", &bytes);
    world.wait(5);
    world.disk.fail_at(call, Failure::Crash);
    let reached = a.try_sync().is_err();
    let story = match cut {
        Cut::Kill => {
            world.disk.restart();
            format!("kill at {call}")
        }
        Cut::Power(seed) => {
            world.disk.power_cut(*seed);
            format!("power cut at {call}, seed {seed}")
        }
    };
    for _ in 0..3 {
        a.sync();
        world.wait(5);
    }
    assert_eq!(a.sync().exit(), Exit::Done, "{story}");
    assert!(world.read(NOTES).as_ref() == Some(&bytes), "{story}: {:?}", world.read(NOTES).map(|b| b.len()));
    assert!(a.shows("notes.txt").as_ref() == Some(&bytes), "{story}");
    assert_eq!(a.versions("notes.txt"), 2, "{story}: a torn file became a version");
    let left = world.names("/cloud/share").into_iter().filter(|name| !name.starts_with(".kitbag/"));
    assert_eq!(left.collect::<Vec<_>>(), ["notes.txt", "old.txt"], "{story}");
    let b = world.machine("WORK", &SETTINGS);
    assert_eq!(b.sync().exit(), Exit::Done, "{story}");
    assert!(b.shows("notes.txt").as_ref() == Some(&bytes), "{story}");
    reached
}

/// Shows lines 1 and 5 of the design for writing in place: a kill and three power cuts at each mutating call of a sync.
#[test]
fn cut_short_at_every_call() {
    let mut calls = 0;
    for call in 1.. {
        let mut reached = cut_at(call, &Cut::Kill);
        for seed in 0..3 {
            reached |= cut_at(call, &Cut::Power(call * 100 + seed));
        }
        if !reached {
            break;
        }
        calls = call;
    }
    assert!(calls > 10, "the sync made only {calls} calls");
}

/// Between the crash and the next sync somebody else writes the file: those bytes are a version, whatever was torn.
#[test]
fn somebody_else_came_after_the_crash() {
    let mut torn = 0;
    for call in 1..60 {
        let world = World::new(call);
        let a = start(&world);
        a.save("notes.txt", &text("two", 70));
        world.wait(5);
        world.disk.fail_at(call, Failure::Crash);
        if a.try_sync().is_ok() {
            break;
        }
        world.disk.restart();
        let stands = world.read(NOTES).unwrap();
        torn += usize::from(stands != text("one", 40) && stands != text("two", 70));
        let other = [text("one", 40), b"by phone\n".to_vec()].concat();
        world.write(NOTES, &other);
        for _ in 0..3 {
            a.sync();
            world.wait(5);
        }
        let history = a.open();
        let path = kitbag_core::path::WorkPath::parse("notes.txt").unwrap();
        let id = kitbag_core::id::ContentId::of(&other);
        let records = history.ledger.admitted(&path).unwrap();
        assert!(records.iter().any(|(_, record)| record.content.id() == Some(id)), "call {call}: lost");
    }
    assert!(torn > 0, "the file was never torn");
}

/// A disk that fills up is found out before the old bytes go.
#[test]
fn a_full_disk_leaves_the_old_file() {
    let world = World::new(7);
    let a = start(&world);
    a.save("notes.txt", &text("two", 3000));
    world.wait(5);
    let used = 1 << 20;
    world.disk.set_capacity(Some(used));
    // only the last writes must not fit: history first needs room of its own
    let mut outcomes = Vec::new();
    for free in (0..120_000).step_by(4_000) {
        world.disk.set_capacity(Some(free + 90_000));
        outcomes.push(a.try_sync().is_ok());
        let stands = world.read(NOTES).unwrap();
        assert!(
            stands == text("one", 40) || stands == text("two", 3000),
            "torn at {free}: {} bytes",
            stands.len()
        );
    }
    assert!(outcomes.contains(&false) && outcomes.contains(&true), "{outcomes:?}");
}
