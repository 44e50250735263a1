//! Folders that are gone, emptied or swapped. Absence never decides by itself: nothing is deleted anywhere until the
//! person answers, and then the answer is carried out on both machines.

use std::fs;
use std::path::Path;
use std::time::Duration;

use serde_json::json;

use crate::machine::{Chance, Files, Machine, empty, pair, room};

/// Two machines with some thirty files.
fn thirty(root: &Path) -> (Machine, Machine, Files) {
    let files: Vec<_> =
        (0..30).map(|n| (format!("part {}/file {n}.txt", n % 3), format!("line of {n}\n"))).collect();
    let files: Vec<_> = files.iter().map(|(path, text)| (path.as_str(), text.as_bytes())).collect();
    let (a, b) = pair(root, &files);
    a.sync();
    let all = a.files();
    assert_eq!(all.0.len(), 30);
    (a, b, all)
}

/// Both machines show these files, and so does the share.
#[track_caller]
fn all_show(a: &Machine, b: &Machine, files: &Files) {
    for machine in [a, b, a, b] {
        machine.sync();
    }
    assert_eq!((&a.files(), &b.files(), &a.mirror()), (files, files, files));
    for machine in [a, b] {
        assert_eq!(machine.conflicts()["held"].as_array().unwrap().len(), 0);
    }
}

/// Shows line 6: a share that was renamed, moved or not mounted is said to be missing; nothing is deleted, nothing is
/// made in its place, and when it is back all goes on. First tier.
#[test]
fn a_share_renamed_away() {
    let room = room();
    let (a, b, all) = thirty(room.path());
    let away = room.path().join("renamed");
    fs::rename(&a.share, &away).unwrap();
    a.write("new.txt", "n");
    for machine in [&a, &b] {
        machine.run(&["sync"]).exits(&[1]).explains(&["cloud folder", "is not there", "Nothing was changed"]);
        machine.run(&["resolve", "--absent", "accept"]).exits(&[1]).explains(&["is not there"]);
        machine.run(&["status"]).exits(&[1]);
        assert!(!a.share.exists(), "it was made again");
    }
    assert_eq!(b.files(), all);
    // a file where the folder was is no folder either
    fs::write(&a.share, "a file").unwrap();
    b.run(&["sync"]).exits(&[1]).explains(&["is not there"]);
    fs::remove_file(&a.share).unwrap();
    fs::rename(&away, &a.share).unwrap();
    let mut all = all;
    all.0.insert("new.txt".into(), b"n".to_vec());
    all_show(&a, &b, &all);
}

/// The same in the middle of a sync, at random moments; and the working folder too. Seeded: STORY_SEED. First tier.
#[test]
fn a_folder_renamed_away_during_a_sync() {
    let seed = seed();
    let mut chance = Chance::new(seed);
    let room = room();
    let (a, b, mut all) = thirty(room.path());
    for n in 0..300 {
        a.write(&format!("many/{n}"), format!("{n}\n"));
        all.0.insert(format!("many/{n}"), format!("{n}\n").into());
    }
    all_show(&a, &b, &all);
    for round in 0..10 {
        let (at, machine) = if round % 2 == 0 { (&a.share, &a) } else { (&a.work, &b) };
        let away = room.path().join("renamed");
        for n in 0..300 {
            let text = format!("{n}\nround {round}\n");
            a.write(&format!("many/{n}"), &text);
            all.0.insert(format!("many/{n}"), text.into());
        }
        let mut running = a.start(&["sync"]);
        std::thread::sleep(Duration::from_millis(chance.below(250) as u64));
        fs::rename(at, &away).unwrap();
        let status = running.wait().unwrap().code();
        assert!(matches!(status, Some(0 | 1 | 4)), "seed {seed} round {round}: {status:?}");
        assert!(!at.exists(), "seed {seed} round {round}: {} was made again", at.display());
        if round % 2 == 1 {
            machine.run(&["sync"]).exits(&[0, 4]);
            assert_eq!(machine.files().0.len(), 330, "seed {seed} round {round}: files were deleted");
            a.run(&["sync"]).exits(&[1]).explains(&["working folder", "is not there"]);
        }
        fs::rename(&away, at).unwrap();
        a.run(&["sync"]).exits(&[0, 4]);
        all_show(&a, &b, &all);
    }
}

/// Shows line 6: plain files of the share deleted by hand. Every file is held, none is deleted, on both machines; the
/// answer is carried out on both. First tier.
#[test]
fn an_emptied_mirror() {
    for answer in ["restore", "accept"] {
        let room = room();
        let (a, b, all) = thirty(room.path());
        for folder in ["part 0", "part 1", "part 2"] {
            fs::remove_dir_all(a.share.join(folder)).unwrap();
        }
        for machine in [&a, &b, &a, &b] {
            let report = machine.run(&["--json", "sync"]).exits(&[1]).json();
            assert_eq!(report["held"].as_array().unwrap().len(), 30);
            assert_eq!(report["published"], 0);
            assert_eq!(machine.files(), all);
        }
        let told = b.run(&["conflicts"]).exits(&[1]).stdout;
        assert!(told.contains("--absent accept") && told.contains("--absent restore"), "{told}");
        b.run(&["resolve", "--absent", answer]).exits(&[0]);
        all_show(&a, &b, &if answer == "restore" { all } else { Files::default() });
    }
}

/// Shows line 10 (`cleaned_sidecar`): the history deleted by hand is written again, whole enough for a third machine
/// to join. First tier.
#[test]
fn a_sidecar_deleted_by_hand() {
    let room = room();
    let (a, b, mut all) = thirty(room.path());
    fs::remove_dir_all(a.share.join(".kitbag")).unwrap();
    b.write("new.txt", "n");
    all.0.insert("new.txt".into(), b"n".to_vec());
    all_show(&a, &b, &all);
    let c = Machine::new(room.path(), "THIRD-PC", &a.share);
    c.setup().exits(&[0]);
    assert_eq!(c.files(), all);
    assert_eq!(c.run(&["--json", "where"]).json()["workspace"], "share");
    c.write("new.txt", "n by C");
    c.sync();
    all.0.insert("new.txt".into(), b"n by C".to_vec());
    all_show(&b, &a, &all);
}

/// A lost state root: the same machine set up again knows nothing of before. Both folders come together, what was
/// removed meanwhile comes back, and nothing is removed anywhere. First tier.
#[test]
fn a_lost_state_root_is_a_union() {
    let room = room();
    let (a, b, mut all) = thirty(room.path());
    fs::remove_dir_all(&a.home).unwrap();
    a.remove("part 0/file 0.txt");
    a.write("while nobody looked.txt", "w\n");
    b.write("part 1/file 1.txt", "line of 1\nby B\n");
    b.sync();
    a.setup().exits(&[0]);
    all.0.insert("while nobody looked.txt".into(), b"w\n".to_vec());
    all.0.insert("part 1/file 1.txt".into(), b"line of 1\nby B\n".to_vec());
    all_show(&a, &b, &all);
    a.run(&["verify"]).exits(&[0]);
}

/// The same with a question open and with older versions that nobody has any more: the question stays the same one on
/// both machines, neither fails while the other has not yet written its side back, and the answer settles it. First tier.
#[test]
fn a_sidecar_deleted_while_a_question_is_open() {
    let room = room();
    let (a, b, mut all) = thirty(room.path());
    for (machine, text) in [(&a, "A\n"), (&b, "B\n")] {
        machine.write("part 0/file 0.txt", text);
        machine.run(&["sync"]).exits(&[0, 3]);
    }
    a.run(&["sync"]).exits(&[3]);
    let before = (a.conflicts(), b.conflicts());
    fs::remove_dir_all(a.share.join(".kitbag")).unwrap();
    b.write("new.txt", "n");
    for machine in [&b, &a, &b, &a] {
        machine.run(&["sync"]).exits(&[3]);
    }
    assert_eq!((a.conflicts(), b.conflicts()), before);
    b.run(&["resolve", "part 0/file 0.txt", "--keep", "both"]).exits(&[0]);
    all.0.insert("new.txt".into(), b"n".to_vec());
    all.0.insert("part 0/file 0.txt".into(), b"A\nB\n".to_vec());
    all_show(&a, &b, &all);
}

/// And a machine that joins after that: it has the newest version of every file, though older ones are nowhere any
/// more. First tier.
#[test]
fn joining_where_old_versions_are_gone() {
    let room = room();
    let (a, b, mut all) = thirty(room.path());
    a.write("part 0/file 0.txt", "line of 0\nand more\n");
    all.0.insert("part 0/file 0.txt".into(), b"line of 0\nand more\n".to_vec());
    all_show(&a, &b, &all);
    fs::remove_dir_all(a.share.join(".kitbag")).unwrap();
    all_show(&a, &b, &all);
    let c = Machine::new(room.path(), "THIRD-PC", &a.share);
    c.setup().exits(&[0]);
    assert_eq!(c.files(), all);
    // it is said once: nobody writes anything any more
    for machine in [&a, &b] {
        machine.sync();
    }
    for machine in [&a, &b, &c] {
        let report = machine.run(&["--json", "sync"]).exits(&[0]).json();
        assert_eq!((&report["bytes_published"], &report["waiting_for"]), (&0.into(), &json!([])), "{report}");
    }
    // and it is said again when the history is deleted again
    fs::remove_dir_all(a.share.join(".kitbag")).unwrap();
    all_show(&b, &a, &all);
    let d = Machine::new(room.path(), "FOURTH-PC", &a.share);
    d.setup().exits(&[0]);
    assert_eq!(d.files(), all);
}

/// Another machine's word that a version is gone does not keep one that still shows it from bringing it back. First
/// tier.
#[test]
fn a_gone_version_turns_up_again() {
    let room = room();
    let (a, b, mut all) = thirty(room.path());
    a.write("part 0/file 0.txt", "line of 0\nand more\n");
    all.0.insert("part 0/file 0.txt".into(), b"line of 0\nand more\n".to_vec());
    a.sync();
    fs::remove_dir_all(a.share.join(".kitbag")).unwrap();
    a.sync();
    let report = b.run(&["--json", "sync"]).exits(&[0]).json();
    assert_ne!(report["bytes_published"], 0, "{report}");
    all_show(&a, &b, &all);
    let report = b.run(&["--json", "sync"]).exits(&[0]).json();
    assert_eq!(report["bytes_published"], 0, "{report}");
}

/// Shows line 6: a share emptied with its history is not taken for a wish. It is said; `restore` fills it again, also
/// for the other machine. First tier.
#[test]
fn a_share_emptied_altogether() {
    let room = room();
    let (a, b, all) = thirty(room.path());
    empty(&a.share);
    for machine in [&a, &b] {
        machine.run(&["sync"]).exits(&[1]).explains(&["is empty", "--absent restore"]);
        machine.run(&["resolve", "--absent", "accept"]).exits(&[1]).explains(&["is empty"]);
        assert_eq!(machine.files(), all);
    }
    assert_eq!(fs::read_dir(&a.share).unwrap().count(), 0, "something was made in it");
    a.run(&["resolve", "--absent", "restore"]).exits(&[0]);
    all_show(&a, &b, &all);
    // while the provider is still bringing it back, the other one waits for nothing and breaks nothing
    empty(&a.share);
    fs::create_dir(a.share.join(".kitbag")).unwrap();
    b.run(&["sync"]).exits(&[1]);
    assert_eq!((a.files(), b.files()), (all.clone(), all));
}

/// Shows line 6: a working folder emptied by hand, its own mark too. Held until answered; then carried out on both
/// machines. First tier.
#[test]
fn an_emptied_working_folder() {
    for (answer, mark) in [("restore", true), ("accept", true), ("restore", false), ("accept", false)] {
        let room = room();
        let (a, b, all) = thirty(room.path());
        let kept = fs::read(a.work.join(".kitbag-folder")).unwrap();
        empty(&a.work);
        if mark {
            fs::write(a.work.join(".kitbag-folder"), kept).unwrap();
        }
        for _ in 0..3 {
            let report = a.run(&["--json", "sync"]).exits(&[1]).json();
            assert_eq!(report["held"].as_array().unwrap().len(), 30);
            assert_eq!(report["published"], 0);
            b.sync();
            assert_eq!((b.files(), a.mirror()), (all.clone(), all.clone()));
        }
        // one of them for itself first, then all the others
        a.run(&["resolve", "part 1/file 1.txt", "--absent", "restore"]).exits(&[1]);
        assert_eq!(a.files().0.keys().collect::<Vec<_>>(), ["part 1/file 1.txt"]);
        a.run(&["resolve", "--absent", answer]).exits(&[0]);
        let mut left = all;
        left.0.retain(|path, _| answer == "restore" || path == "part 1/file 1.txt");
        all_show(&a, &b, &left);
    }
}

/// Shows line 6: what was asked about once waits for its answer, also when by then the folder is empty no more.
/// First tier.
#[test]
fn an_emptied_folder_into_which_a_new_file_comes() {
    let room = room();
    let (a, b) = pair(room.path(), &[("one.txt", b"1\n"), ("two.txt", b"2\n"), ("three.txt", b"3\n")]);
    a.sync();
    let mut all = a.files();
    for name in ["one.txt", "two.txt", "three.txt"] {
        a.remove(name);
    }
    let held = |machine: &Machine| {
        let report = machine.run(&["--json", "sync"]).exits(&[1]).json();
        report["held"].as_array().unwrap().len()
    };
    assert_eq!(held(&a), 3);
    b.write("new.txt", "n\n");
    all.0.insert("new.txt".into(), b"n\n".to_vec());
    b.sync();
    for _ in 0..3 {
        assert_eq!(held(&a), 3);
        b.sync();
        assert_eq!(b.files(), all);
    }
    a.run(&["resolve", "--absent", "restore"]).exits(&[0]);
    all_show(&a, &b, &all);
}

/// Shows line 6: a working folder that is not there is said to be missing; a new, empty one in its place is filled, for
/// its ledger was another folder's. First tier.
#[test]
fn a_missing_working_folder() {
    let room = room();
    let (a, b, all) = thirty(room.path());
    let away = room.path().join("renamed");
    fs::rename(&a.work, &away).unwrap();
    a.run(&["sync"]).exits(&[1]).explains(&["working folder", "is not there", "Nothing was deleted"]);
    a.run(&["status"]).exits(&[1]);
    assert!(!a.work.exists());
    b.sync();
    assert_eq!(b.files(), all);
    // another folder, with an old and a changed file in it: nothing is a removal, nothing is reverted
    b.write("part 0/file 3.txt", "line of 3\nby B\n");
    b.sync();
    a.write("part 0/file 3.txt", "line of 3\n");
    a.write("part 0/file 6.txt", "line of 6\nwritten meanwhile\n");
    a.run(&["sync"]).exits(&[0]);
    let mut all = all;
    all.0.insert("part 0/file 3.txt".into(), b"line of 3\nby B\n".to_vec());
    all.0.insert("part 0/file 6.txt".into(), b"line of 6\nwritten meanwhile\n".to_vec());
    all_show(&a, &b, &all);
    // and back to the first one, which is older by now
    fs::remove_dir_all(&a.work).unwrap();
    fs::rename(&away, &a.work).unwrap();
    all_show(&a, &b, &all);
}

/// Shows that guards sum over 24 hours: single deletions pass, a folder that goes bit by bit is asked about. First tier.
#[test]
fn a_slow_disappearance() {
    let room = room();
    let (a, b, all) = thirty(room.path());
    let mut names: Vec<_> = all.0.keys().cloned().collect();
    let mut left = all.clone();
    for _ in 0..3 {
        for name in names.drain(..3) {
            a.remove(&name);
            left.0.remove(&name);
        }
        all_show(&a, &b, &left);
    }
    for name in names.drain(..3) {
        a.remove(&name);
    }
    let report = a.run(&["--json", "sync"]).exits(&[1]).json();
    assert_eq!(report["held"].as_array().unwrap().len(), 3, "{report}");
    b.sync();
    assert_eq!(b.files(), left);
    a.run(&["resolve", "--absent", "accept"]).exits(&[0]);
    let all_left = a.files();
    assert_eq!(all_left.0.len(), 18);
    all_show(&a, &b, &all_left);
}

/// The seed of a run: STORY_SEED to replay one.
pub fn seed() -> u64 {
    std::env::var("STORY_SEED").ok().and_then(|seed| seed.parse().ok()).unwrap_or(1)
}
