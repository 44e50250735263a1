//! Files follow between two machines that share one folder: there, back, changed, new, gone, large, empty, deep. And
//! when nothing is left to do, nothing is written.

use std::fs;
use std::os::unix::fs::MetadataExt;
use std::path::Path;

use crate::machine::{Files, Machine, noise, pair, room, tree};

/// Shows F2 (one set of files on several machines): the second machine has everything after `setup` alone, and the
/// plain files lie in the share at all times (F18). First tier.
#[test]
fn the_second_machine_has_all_of_it_after_setup() {
    let room = room();
    let share = room.path().join("share");
    let (a, b) = (Machine::new(room.path(), "HOME-PC", &share), Machine::new(room.path(), "WORK-PC", &share));
    let files = [
        ("notes.txt", b"one\ntwo\n".to_vec()),
        ("empty.txt", Vec::new()),
        ("Part 1/data/deep/er/table.csv", b"a,b\r\n1,2\r\n".to_vec()),
        ("Part 1/01 Intro.ipynb", br#"{"cells":[],"metadata":{},"nbformat":4,"nbformat_minor":5}"#.to_vec()),
        ("plots/large.png", noise(3 << 20, 1)),
        ("no newline at the end", b"last".to_vec()),
    ];
    for (path, bytes) in &files {
        a.write(path, bytes);
    }
    let expected = Files(files.into_iter().map(|(path, bytes)| (path.to_owned(), bytes)).collect());

    let made = a.setup().exits(&[0]).json();
    assert_eq!((&made["joined"], &made["machine"]), (&false.into(), &"HOME-PC".into()));
    assert_eq!(a.mirror(), expected);
    let joined = b.setup().exits(&[0]).json();
    assert_eq!(joined["joined"], true);
    assert_eq!(joined["sync"]["received"], 6);
    assert_eq!(b.files(), expected);
    assert_eq!(a.files(), expected);
    assert_no_temporaries(&a, &b);
}

/// Shows F2, both ways: edits, new, renamed, deleted files, and a folder that became empty. First tier.
#[test]
fn changes_go_both_ways() {
    let room = room();
    let notes = b"first\nsecond\nthird\nfourth\n";
    let (a, b) = pair(room.path(), &[("notes.txt", notes), ("old/only.txt", b"x"), ("keep.txt", b"k")]);
    let to_and_fro = |from: &Machine, to: &Machine| {
        from.sync();
        let received = to.sync()["received"].clone();
        assert_eq!(to.files(), from.files());
        assert_eq!(from.mirror(), from.files());
        received
    };

    a.write("notes.txt", "first\nsecond, by A\nthird\nfourth\n");
    assert_eq!(to_and_fro(&a, &b), 1);
    b.write("notes.txt", "first\nsecond, by A\nthird\nfourth, by B\n");
    b.write("new/deep/file.txt", "new");
    assert_eq!(to_and_fro(&b, &a), 2);
    assert_eq!(a.text("notes.txt"), "first\nsecond, by A\nthird\nfourth, by B\n");

    a.remove("old/only.txt");
    fs::remove_dir(a.work.join("old")).unwrap();
    assert_eq!(to_and_fro(&a, &b), 1);
    to_and_fro(&a, &b);
    assert!(!b.work.join("old").exists() && !a.share.join("old").exists(), "an emptied folder goes too");

    fs::rename(b.work.join("keep.txt"), b.work.join("kept.txt")).unwrap();
    b.write("new/deep/file.txt", "");
    to_and_fro(&b, &a);
    assert_eq!((a.text("kept.txt"), a.text("new/deep/file.txt")), ("k".into(), String::new()));
    a.write("new/deep/file.txt", "filled again");
    a.write("old/only.txt", "back");
    to_and_fro(&a, &b);
    // a later edit under the same size and in the same second is seen
    for round in 0..4 {
        a.write("kept.txt", round.to_string());
        to_and_fro(&a, &b);
        assert_eq!(b.text("kept.txt"), round.to_string());
    }
}

/// Shows "fast" (a small change in a large file publishes little): 1 MiB changed in the middle of 20 MiB, also with
/// bytes put in between so that everything behind moves. First tier.
#[test]
fn a_change_inside_a_large_file_costs_little() {
    let room = room();
    let mut large = noise(20 << 20, 7);
    let (a, b) = pair(room.path(), &[("model.bin", &large)]);
    large[10 << 20..11 << 20].copy_from_slice(&noise(1 << 20, 8));
    a.write("model.bin", &large);
    let published = a.sync()["bytes_published"].as_u64().unwrap();
    assert!((1 << 20..4 << 20).contains(&published), "{published}");
    b.sync();
    assert!(b.read("model.bin").unwrap() == large, "the changed file differs");

    large.splice(5 << 20..5 << 20, *b"some bytes in between");
    b.write("model.bin", &large);
    let published = b.sync()["bytes_published"].as_u64().unwrap();
    assert!((1..5 << 20).contains(&published), "{published}");
    a.sync();
    assert!(a.read("model.bin").unwrap() == large, "the longer file differs");
}

/// Shows invariant 12 (a cycle at the fixpoint writes nothing): no bytes published, no file of share or working folder
/// touched, whatever came before. First tier.
#[test]
fn with_nothing_to_do_nothing_is_written() {
    let room = room();
    let (a, b) = pair(room.path(), &[("notes.txt", b"one\n"), ("deep/data.bin", &noise(100_000, 3))]);
    a.write("notes.txt", "one\ntwo\n");
    b.write("deep/new.txt", "n");
    for machine in [&a, &b, &a, &b] {
        machine.sync();
    }
    let before = (stamps(&a.share), stamps(&a.work), stamps(&b.work));
    for machine in [&a, &b, &b, &a] {
        let report = machine.sync();
        for field in ["published", "received", "merged", "conflicts", "bytes_published", "pending"] {
            assert_eq!(report[field], 0, "{field}: {report}");
        }
    }
    assert_eq!((stamps(&a.share), stamps(&a.work), stamps(&b.work)), before);
    assert_no_temporaries(&a, &b);
    // a look changes nothing either
    for verb in ["status", "conflicts", "where"] {
        a.run(&[verb]).exits(&[0]);
    }
    a.write("notes.txt", "one\ntwo\nthree\n");
    let planned = a.run(&["--json", "sync", "--dry-run"]).exits(&[0, 4]).json();
    assert_eq!(planned["planned"][0]["path"], "notes.txt", "{planned}");
    assert_eq!(stamps(&a.share), before.0);
    a.sync();
    assert_ne!(stamps(&a.share), before.0, "the stamps tell nothing");
}

/// Name, bytes, time and number of every file.
fn stamps(root: &Path) -> Vec<(String, Vec<u8>, i64, i64, u64)> {
    let stamp = |(path, bytes): (String, Vec<u8>)| {
        let meta = fs::metadata(root.join(&path)).unwrap();
        (path, bytes, meta.mtime(), meta.mtime_nsec(), meta.ino())
    };
    tree(root).0.into_iter().map(stamp).collect()
}

/// After a sync that had nothing to swap, no temporary name of ours is left anywhere.
pub fn assert_no_temporaries(a: &Machine, b: &Machine) {
    for root in [&a.work, &b.work, &a.share, &b.share] {
        let left: Vec<_> = tree(root).0.into_keys().filter(|path| path.contains(".~kitbag-")).collect();
        assert_eq!(left, Vec::<String>::new(), "{}", root.display());
    }
}
