//! Week-old copies: a share, a state root or both are put back from a backup. Whatever is newer, on either side, is
//! still there afterwards; what was deleted since does not come back as if nothing had been. First tier.

use std::fs;
use std::path::Path;

use crate::machine::{Files, Machine, empty, pair, room, tree, write};

const FILES: usize = 2_000;

fn path(n: usize) -> String {
    format!("part {}/file {n}.txt", n % 40)
}

fn text(n: usize) -> String {
    format!("first line of {n}\nsecond line of {n}\nthird line of {n}\n")
}

/// Two machines with 2,000 files.
fn two_thousand(root: &Path) -> (Machine, Machine) {
    let files: Vec<_> = (0..FILES).map(|n| (path(n), text(n))).collect();
    let files: Vec<_> = files.iter().map(|(path, text)| (path.as_str(), text.as_bytes())).collect();
    let (a, b) = pair(root, &files);
    a.sync();
    (a, b)
}

/// A week of work on both machines: edits, new files, a few removals.
fn week(a: &Machine, b: &Machine) {
    for n in 0..100 {
        a.write(&path(n), text(n) + "by A, this week\n");
        b.write(&path(n + 500), format!("by B, this week\n{}", text(n + 500)));
        a.write(&format!("new/a {n}.txt"), format!("new by A {n}\n"));
        b.write(&format!("new/b {n}.txt"), format!("new by B {n}\n"));
    }
    for n in 1_000..1_005 {
        a.remove(&path(n));
    }
    for machine in [a, b, a, b] {
        machine.sync();
    }
    assert_eq!(a.files(), b.files());
    assert_eq!(a.files().0.len(), FILES + 200 - 5);
}

/// Put a folder's content back in place, as a backup program does; the folder stays the one it is.
fn put_back(folder: &Path, old: &Files) {
    empty(folder);
    for (path, bytes) in &old.0 {
        write(&folder.join(path), bytes);
    }
}

/// All machines come to these files; files that an old copy lacks may be asked about, and are wanted.
#[track_caller]
fn all_come_to(a: &Machine, b: &Machine, files: &Files) {
    for machine in [a, b, a, b] {
        let ran = machine.run(&["sync"]);
        if ran.status == 1 {
            assert_ne!(machine.conflicts()["held"].as_array().map(Vec::len), Some(0), "{ran:#?}");
            machine.run(&["resolve", "--absent", "restore"]).exits(&[0, 4]);
        }
    }
    for machine in [a, b] {
        machine.sync();
    }
    for (what, there) in [("A", a.files()), ("B", b.files()), ("the share", a.mirror())] {
        let missing: Vec<_> = files.0.keys().filter(|path| !there.0.contains_key(*path)).take(5).collect();
        let back: Vec<_> = there.0.keys().filter(|path| !files.0.contains_key(*path)).take(5).collect();
        let other: Vec<_> = files.0.iter().filter(|(p, b)| there.0.get(*p) != Some(b)).take(5).collect();
        assert!(there == *files, "{what}: missing {missing:?}, back again {back:?}, differs {other:?}");
    }
}

/// Shows "nothing lost": the share as it was a week ago, history and plain files. Both machines have newer work, and one
/// has some that never was in the share.
#[test]
fn a_share_from_last_week() {
    let room = room();
    let (a, b) = two_thousand(room.path());
    let old = tree(&a.share);
    week(&a, &b);
    b.write("only here.txt", "not carried yet\n");
    put_back(&a.share, &old);
    let mut wanted = a.files();
    wanted.0.insert("only here.txt".into(), b"not carried yet\n".to_vec());
    all_come_to(&a, &b, &wanted);
    // and a third machine finds all of it
    let c = Machine::new(room.path(), "LIBRARY", &a.share);
    c.setup().exits(&[0]);
    assert_eq!(c.files(), wanted);
}

/// Shows "nothing lost": one machine is put back to last week, state and working folder, and somebody works on it
/// before it syncs. What was newer comes back to it, what it does then counts, and nothing of the others is undone.
#[test]
fn a_machine_from_last_week() {
    let room = room();
    let (a, b) = two_thousand(room.path());
    let old = (tree(&b.home), tree(&b.work));
    week(&a, &b);
    for anew in [false, true] {
        if anew {
            // a new disk: the folders are other ones
            for folder in [&b.home, &b.work] {
                fs::rename(folder, folder.with_extension("broken")).unwrap();
                fs::create_dir(folder).unwrap();
            }
        }
        put_back(&b.home, &old.0);
        put_back(&b.work, &old.1);
        let mine = format!("after the restore {anew}.txt");
        b.write(&mine, "new on an old machine\n");
        b.write(&path(1_500), text(1_500) + "by B, after the restore\n");
        let mut wanted = a.files();
        wanted.0.insert(mine, b"new on an old machine\n".to_vec());
        wanted.0.insert(path(1_500), (text(1_500) + "by B, after the restore\n").into());
        all_come_to(&b, &a, &wanted);
    }
}

/// Shows "nothing lost": only the state is from last week, the working folder is as it was, with work that was never
/// carried.
#[test]
fn a_ledger_from_last_week() {
    let room = room();
    let (a, b) = two_thousand(room.path());
    let old = tree(&b.home);
    week(&a, &b);
    b.write("only here.txt", "not carried yet\n");
    b.write(&path(7), format!("by B, not carried yet\n{}by A, this week\n", text(7)));
    put_back(&b.home, &old);
    let mut wanted = a.files();
    wanted.0.insert("only here.txt".into(), b"not carried yet\n".to_vec());
    wanted.0.insert(path(7), format!("by B, not carried yet\n{}by A, this week\n", text(7)).into());
    all_come_to(&b, &a, &wanted);
}
