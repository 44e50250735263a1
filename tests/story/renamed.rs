//! A person renames files and folders as they please. What the other machine did under the old name lands under the new
//! one; nobody is asked, nothing is sent twice, and in doubt there are two files rather than a wrong one.

use std::fs;
use std::time::Duration;

use serde_json::Value;

use crate::gone::seed;
use crate::machine::{Chance, Files, Machine, noise, pair, room, write};

const TEXT: &str = "one\ntwo\nthree\nfour\nfive\n";

fn rename(machine: &Machine, from: &str, to: &str) {
    let to = machine.work.join(to);
    fs::create_dir_all(to.parent().unwrap()).unwrap();
    fs::rename(machine.work.join(from), to).unwrap();
}

/// Both machines show exactly these files, so does the share, and there is nothing left to do.
#[track_caller]
fn both_show(a: &Machine, b: &Machine, expected: &[(&str, &str)]) {
    for machine in [a, b, a, b] {
        machine.sync();
    }
    let expected = expected.iter().map(|(path, text)| ((*path).to_owned(), text.as_bytes().to_vec()));
    let expected = Files(expected.collect());
    assert_eq!((a.files(), b.files(), a.mirror()), (expected.clone(), expected.clone(), expected));
    at_rest(&[a, b]);
}

#[track_caller]
fn at_rest(machines: &[&Machine]) {
    for machine in machines {
        let report = machine.sync();
        assert_eq!((&report["bytes_published"], &report["received"]), (&0.into(), &0.into()), "{report:#}");
        assert_eq!(report["problems"], serde_json::json!([]), "{report:#}");
    }
}

/// Shows the row "rename" of the failures of a naive design: the name is recorded, the bytes are not sent again, and
/// later edits follow in both directions. First tier.
#[test]
fn a_renamed_file() {
    let room = room();
    let large = noise(3 << 20, 4);
    let (a, b) = pair(room.path(), &[("notes.txt", TEXT.as_bytes()), ("large.bin", &large)]);
    rename(&a, "notes.txt", "texts/essay.txt");
    rename(&a, "large.bin", "model.bin");
    let report = a.sync();
    assert_eq!(report["published"], 2, "one record for each: {report:#}");
    assert!(report["bytes_published"].as_u64().unwrap() < 4_096, "{report:#}");
    let report = b.sync();
    assert_eq!(report["bytes_published"], 0, "{report:#}");
    assert!(b.read("model.bin").unwrap() == large && b.text("texts/essay.txt") == TEXT);
    assert_eq!((a.files(), a.mirror()), (b.files(), b.files()));
    at_rest(&[&a, &b]);
    b.write("texts/essay.txt", format!("{TEXT}six\n"));
    a.write("notes.txt", "a new file under the old name\n");
    for machine in [&b, &a, &b] {
        machine.sync();
    }
    assert_eq!(a.text("texts/essay.txt"), format!("{TEXT}six\n"));
    assert_eq!(b.text("notes.txt"), "a new file under the old name\n");
    assert_eq!((a.files(), a.mirror()), (b.files(), b.files()));
    // and a machine that joins now
    let c = Machine::new(room.path(), "THIRD-PC", &a.share);
    c.setup().exits(&[0]);
    assert_eq!(c.files(), a.files());
    at_rest(&[&a, &b, &c]);
}

/// The same by way of a folder of many files, with edits on the other machine under the old name: they land under the
/// new one, whoever syncs first. First tier.
#[test]
fn a_renamed_folder_with_an_edit_elsewhere() {
    for other_first in [false, true] {
        let room = room();
        let (a, b) = pair(room.path(), &[]);
        let mut expected = Files::default();
        for n in 0..40 {
            a.write(&format!("part/deep/{n}.txt"), format!("{n}\n{TEXT}"));
            expected.0.insert(format!("chapter one/deep/{n}.txt"), format!("{n}\n{TEXT}").into());
        }
        a.sync();
        b.sync();
        rename(&a, "part", "chapter one");
        b.write("part/deep/7.txt", format!("7\n{TEXT}by B\n"));
        b.write("part/new.txt", "made meanwhile\n");
        expected.0.insert("chapter one/deep/7.txt".into(), format!("7\n{TEXT}by B\n").into());
        expected.0.insert("part/new.txt".into(), b"made meanwhile\n".to_vec());
        let order = if other_first { [&b, &a, &b, &a] } else { [&a, &b, &a, &b] };
        for machine in order {
            machine.sync();
        }
        assert_eq!(a.files(), expected, "other first: {other_first}");
        assert_eq!((b.files(), a.mirror()), (expected.clone(), expected));
        at_rest(&[&a, &b]);
    }
}

/// Shows that a folder of 500 files renamed is no question, also with a file really deleted along with it. First tier.
#[test]
fn a_large_folder_renamed_is_no_question() {
    let room = room();
    let (a, b) = pair(room.path(), &[("keep.txt", b"k"), ("delete.txt", b"d")]);
    for n in 0..500 {
        a.write(&format!("old/{}/{n}.txt", n % 7), format!("text of {n}\n"));
        // some are copies of one another
        a.write(&format!("old/copies/{n}.csv"), format!("{}\n", n % 100));
    }
    a.sync();
    b.sync();
    // what was written just before a sync is known by its number only after the next
    a.sync();
    rename(&a, "old", "new/deeper");
    a.remove("delete.txt");
    let report = a.sync();
    assert_eq!(
        (&report["published"], &report["held"]),
        (&1_001.into(), &serde_json::json!([])),
        "{report:#}"
    );
    let report = b.sync();
    assert_eq!(report["bytes_published"], 0, "{report:#}");
    assert_eq!(b.files().0.len(), 1_001);
    assert_eq!((a.files(), a.mirror()), (b.files(), b.files()));
    at_rest(&[&a, &b]);
    assert!(!b.work.join("old").exists() && !b.share.join("old").exists());
}

/// Renamed and edited before the next sync, and edited under the old name elsewhere: all of it is in the one file that
/// is left. First tier.
#[test]
fn renamed_and_edited_at_once() {
    let room = room();
    let (a, b) = pair(room.path(), &[("notes.txt", TEXT.as_bytes())]);
    rename(&a, "notes.txt", "essay.txt");
    a.write("essay.txt", format!("zero\n{TEXT}"));
    b.write("notes.txt", format!("{TEXT}six\n"));
    b.sync();
    both_show(&a, &b, &[("essay.txt", &format!("zero\n{TEXT}six\n"))]);
}

/// Edited and recorded first, renamed then, while the other machine edits the version of before. First tier.
#[test]
fn edited_then_renamed() {
    let room = room();
    let (a, b) = pair(room.path(), &[("notes.txt", TEXT.as_bytes()), ("plot.png", b"\0old")]);
    a.write("notes.txt", format!("zero\n{TEXT}"));
    a.write("plot.png", b"\0by A");
    a.sync();
    b.write("notes.txt", format!("{TEXT}six\n"));
    b.write("plot.png", b"\0by B");
    rename(&a, "notes.txt", "essay.txt");
    rename(&a, "plot.png", "figure.png");
    a.sync();
    b.run(&["sync"]).exits(&[3]);
    // what cannot be merged is asked under the new name
    let open = b.conflicts();
    let paths: Vec<_> = open["conflicts"].as_array().unwrap().iter().map(|open| &open["path"]).collect();
    assert_eq!(paths, ["figure.png"], "{open:#}");
    b.run(&["resolve", "figure.png", "--keep", "HOME-PC"]).exits(&[0]);
    both_show(&a, &b, &[("essay.txt", &format!("zero\n{TEXT}six\n")), ("figure.png", "\0by A")]);
}

/// Shows that a look says what would be done and does nothing. First tier.
#[test]
fn a_dry_run_says_it() {
    let room = room();
    let (a, b) = pair(room.path(), &[("notes.txt", TEXT.as_bytes())]);
    rename(&a, "notes.txt", "essay.txt");
    let report = a.run(&["--json", "sync", "--dry-run"]).exits(&[0]).json();
    let planned: Vec<_> = report["planned"].as_array().unwrap().iter().collect();
    let told =
        |step: &Value| (step["path"].as_str().unwrap().to_owned(), step["step"].as_str().unwrap().to_owned());
    let planned: Vec<_> = planned.into_iter().map(told).collect();
    assert!(planned.contains(&("essay.txt".into(), "record that it was renamed".into())), "{planned:?}");
    assert!(
        !planned.iter().any(|(path, step)| path == "notes.txt" || step.contains("removed")),
        "{planned:?}"
    );
    assert_eq!(b.sync()["received"], 0);
    both_show(&a, &b, &[("essay.txt", TEXT)]);
}

/// Two files change their names with each other, by way of a third name; and one goes there and back. First tier.
#[test]
fn two_names_swapped_and_one_put_back() {
    let room = room();
    let (a, b) =
        pair(room.path(), &[("a.txt", b"1\n2\n3\n"), ("b.txt", b"x\ny\n"), ("c.txt", TEXT.as_bytes())]);
    rename(&a, "a.txt", "between");
    rename(&a, "b.txt", "a.txt");
    rename(&a, "between", "b.txt");
    rename(&a, "c.txt", "d.txt");
    both_show(&a, &b, &[("a.txt", "x\ny\n"), ("b.txt", "1\n2\n3\n"), ("d.txt", TEXT)]);
    rename(&b, "d.txt", "c.txt");
    a.write("d.txt", format!("{TEXT}six\n"));
    a.sync();
    both_show(&b, &a, &[("a.txt", "x\ny\n"), ("b.txt", "1\n2\n3\n"), ("c.txt", &format!("{TEXT}six\n"))]);
    for round in 0..3 {
        let text = format!("{round}\n{TEXT}six\n");
        rename(&a, "c.txt", "d.txt");
        both_show(&a, &b, &[("a.txt", "x\ny\n"), ("b.txt", "1\n2\n3\n"), ("d.txt", &b.text("c.txt"))]);
        rename(&b, "d.txt", "c.txt");
        b.write("c.txt", &text);
        both_show(&b, &a, &[("a.txt", "x\ny\n"), ("b.txt", "1\n2\n3\n"), ("c.txt", &text)]);
    }
}

/// Another case of the same letters is another name where the file system says so. First tier.
#[test]
#[cfg(target_os = "linux")]
fn only_the_case_of_a_name() {
    let room = room();
    let (a, b) = pair(room.path(), &[("Notes.txt", TEXT.as_bytes())]);
    rename(&a, "Notes.txt", "notes.txt");
    b.write("Notes.txt", format!("{TEXT}six\n"));
    a.sync();
    both_show(&b, &a, &[("notes.txt", &format!("{TEXT}six\n"))]);
}

/// Renamed twice on one machine before the other hears of it, which has edited under the first name. First tier.
#[test]
fn renamed_twice_with_an_edit_of_the_first_name() {
    let room = room();
    let (a, b) = pair(room.path(), &[("x.txt", TEXT.as_bytes())]);
    for (from, to) in [("x.txt", "y.txt"), ("y.txt", "z.txt")] {
        rename(&a, from, to);
        a.sync();
    }
    b.write("x.txt", format!("{TEXT}six\n"));
    b.sync();
    both_show(&a, &b, &[("z.txt", &format!("{TEXT}six\n"))]);
}

/// Renamed differently on two machines: both stay, it is said, and nobody is asked. First tier.
#[test]
fn renamed_differently_on_two_machines() {
    let room = room();
    let (a, b) = pair(room.path(), &[("notes.txt", TEXT.as_bytes())]);
    rename(&a, "notes.txt", "essay.txt");
    rename(&b, "notes.txt", "report.txt");
    a.sync();
    let report = b.run(&["--json", "sync"]).exits(&[0]).json();
    let told = report["problems"].to_string();
    assert!(told.contains("essay.txt") && told.contains("report.txt"), "{report:#}");
    a.sync();
    both_show(&a, &b, &[("essay.txt", TEXT), ("report.txt", TEXT)]);
    // each is a file of its own from now on
    a.write("essay.txt", format!("{TEXT}six\n"));
    a.sync();
    both_show(&b, &a, &[("essay.txt", &format!("{TEXT}six\n")), ("report.txt", TEXT)]);
}

/// Deleted on one machine, renamed on the other: the file stays, under its new name. First tier.
#[test]
fn deleted_here_renamed_there() {
    let room = room();
    let (a, b) = pair(room.path(), &[("notes.txt", TEXT.as_bytes()), ("other.txt", b"o")]);
    rename(&a, "notes.txt", "essay.txt");
    b.remove("notes.txt");
    b.sync();
    both_show(&a, &b, &[("essay.txt", TEXT), ("other.txt", "o")]);
}

/// A phone that still has the old name saves under it: what it added is in the renamed file, and the old name goes
/// again. More often than a stale delivery would be put up with. First tier.
#[test]
fn a_phone_that_knows_only_the_old_name() {
    let room = room();
    let (a, b) = pair(room.path(), &[("notes.txt", TEXT.as_bytes())]);
    rename(&a, "notes.txt", "essay.txt");
    a.sync();
    let mut text = TEXT.to_owned();
    for n in 0..5 {
        text.push_str(&format!("from the phone, {n}\n"));
        write(&a.share.join("notes.txt"), &text);
        both_show(&b, &a, &[("essay.txt", &text)]);
    }
}

/// Killed in the middle of recording a renamed folder, or of bringing it: the next sync finishes it without a question.
/// Seeded: STORY_SEED. First tier.
#[test]
fn killed_while_a_folder_is_renamed() {
    let seed = seed();
    let mut chance = Chance::new(seed);
    let room = room();
    let (a, b) = pair(room.path(), &[("keep.txt", b"k"), ("keep too.txt", b"kk")]);
    for n in 0..300 {
        a.write(&format!("0/{n}.txt"), format!("text of {n}\n"));
    }
    a.sync();
    b.sync();
    for round in 0..6 {
        rename(&a, &round.to_string(), &(round + 1).to_string());
        for machine in [&a, &b] {
            let mut running = machine.start(&["sync"]);
            std::thread::sleep(Duration::from_millis(chance.below(400) as u64));
            running.kill().unwrap();
            running.wait().unwrap();
            machine.sync();
        }
        let names: Vec<_> =
            b.files().0.into_keys().filter(|path| path.starts_with(&format!("{}/", round + 1))).collect();
        assert_eq!((names.len(), b.files().0.len()), (300, 302), "seed {seed} round {round}");
        a.sync();
        assert_eq!((a.files(), a.mirror()), (b.files(), b.files()), "seed {seed} round {round}");
    }
    at_rest(&[&a, &b]);
}
