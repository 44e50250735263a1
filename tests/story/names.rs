//! Names that cannot stand together or cannot stand everywhere: a file where another machine has a folder, names that
//! other systems do not allow, names that other systems take for one. Nothing is lost, nothing waits, and what a name
//! has to look like in the cloud folder is seen nowhere else.

use std::fs;

use crate::entries::settle;
use crate::machine::{Machine, pair, room};

#[track_caller]
fn both_have(machines: [&Machine; 2], expected: &[(&str, &str)]) {
    for machine in machines {
        let files = machine.files();
        let found: Vec<_> = files
            .0
            .iter()
            .map(|(path, bytes)| (path.as_str(), std::str::from_utf8(bytes).unwrap()))
            .collect();
        assert_eq!(found, expected, "{}", machine.name);
    }
}

fn names_in_share(machine: &Machine) -> Vec<String> {
    machine.mirror().0.into_keys().collect()
}

/// A file on one machine becomes a folder on the other while it is edited: the folder has the name, the edit lies
/// beside it, and goes back to its name when the folder goes. First tier.
#[test]
fn a_folder_takes_the_place_of_a_file_that_is_edited() {
    let room = room();
    let (a, b) = pair(room.path(), &[("a", b"1\n"), ("z.txt", b"z\n")]);
    a.remove("a");
    a.write("a/x", "in a folder\n");
    b.write("a", "1\n2\n");
    settle([&a, &b]);
    let all = [("%{61}", "1\n2\n"), ("a/x", "in a folder\n"), ("z.txt", "z\n")];
    both_have([&a, &b], &all);
    assert_eq!(names_in_share(&a), ["%{61}", "a/x", "z.txt"]);
    assert_eq!(a.conflicts()["conflicts"].as_array().unwrap().len(), 0);

    // it is edited and carried under that name
    a.write("%{61}", "1\n2\n3\n");
    settle([&a, &b]);
    assert_eq!(b.text("%{61}"), "1\n2\n3\n");
    // a phone edits it too
    fs::write(b.share.join("%{61}"), "1\n2\n3\nphone\n").unwrap();
    settle([&b, &a]);
    both_have([&a, &b], &[("%{61}", "1\n2\n3\nphone\n"), ("a/x", "in a folder\n"), ("z.txt", "z\n")]);

    fs::remove_dir_all(b.work.join("a")).unwrap();
    settle([&b, &a]);
    both_have([&a, &b], &[("a", "1\n2\n3\nphone\n"), ("z.txt", "z\n")]);
    assert_eq!(names_in_share(&a), ["a", "z.txt"]);
}

/// The other way round: a folder becomes a file while something in it is edited. First tier.
#[test]
fn a_file_takes_the_place_of_a_folder_that_is_worked_in() {
    let room = room();
    let (a, b) =
        pair(room.path(), &[("box/in/deep.txt", b"1\n"), ("box/more.txt", b"m\n"), ("z.txt", b"z\n")]);
    fs::remove_dir_all(a.work.join("box")).unwrap();
    a.write("box", "a file now\n");
    b.write("box/in/deep.txt", "1\n2\n");
    settle([&a, &b]);
    let all = [("%{62}ox", "a file now\n"), ("box/in/deep.txt", "1\n2\n"), ("z.txt", "z\n")];
    both_have([&a, &b], &all);
    assert_eq!(names_in_share(&a), ["%{62}ox", "box/in/deep.txt", "z.txt"]);
    // removed under its other name, it is removed
    b.remove("%{62}ox");
    settle([&b, &a]);
    both_have([&a, &b], &[("box/in/deep.txt", "1\n2\n"), ("z.txt", "z\n")]);
}

/// Without anybody in between both follow in one sync each, there and back; also as a chain of names. First tier.
#[test]
fn files_and_folders_change_places() {
    let room = room();
    let (a, b) = pair(
        room.path(),
        &[("a", b"file\n"), ("b/x", b"x\n"), ("b/y/z", b"z\n"), ("c", b"c\n"), ("z", b"z\n")],
    );
    a.remove("a");
    a.write("a/b/c", "deep\n");
    fs::remove_dir_all(a.work.join("b")).unwrap();
    a.write("b", "file\n");
    a.remove("c");
    fs::create_dir(a.work.join("c")).unwrap();
    a.sync();
    b.sync();
    let there = [("a/b/c", "deep\n"), ("b", "file\n"), ("z", "z\n")];
    both_have([&a, &b], &there);
    assert!(b.work.join("c").is_dir());
    settle([&a, &b]);
    fs::remove_dir_all(b.work.join("a")).unwrap();
    b.write("a", "file again\n");
    b.remove("b");
    b.write("b/x", "x again\n");
    fs::remove_dir(b.work.join("c")).unwrap();
    b.write("c", "c again\n");
    b.sync();
    a.sync();
    both_have([&a, &b], &[("a", "file again\n"), ("b/x", "x again\n"), ("c", "c again\n"), ("z", "z\n")]);
    settle([&a, &b]);
    assert_eq!(a.mirror(), a.files());
}

/// A provider that has brought only half of it: the folder's file before the file's removal, and the other way round.
/// First tier.
#[test]
fn half_a_change_of_places_is_waited_for() {
    for folder_first in [true, false] {
        let room = room();
        let (mut a, mut b) = pair(room.path(), &[("a", b"1\n"), ("z.txt", b"z\n")]);
        // A's program has another copy of the share
        let apart = room.path().join("apart");
        crate::machine::copy(&b.share, &apart);
        a.share = apart;
        b.set("sync.absence_wait_seconds", 60);
        a.remove("a");
        fs::create_dir(a.work.join("a")).unwrap();
        a.write("a/x", "in a folder\n");
        let with = |machine: &Machine| machine.run(&["sync"]).exits(&[0, 4]);
        // the work is done with B's share moved away, as a provider that is behind
        let behind = room.path().join("behind");
        fs::rename(&b.share, &behind).unwrap();
        fs::rename(&a.share, &b.share).unwrap();
        with(&a);
        with(&a);
        fs::rename(&b.share, &a.share).unwrap();
        fs::rename(&behind, &b.share).unwrap();
        // half of the mirror, and nothing of the history
        fs::remove_file(b.share.join("a")).unwrap();
        if folder_first {
            crate::machine::write(&b.share.join("a/x"), "in a folder\n");
        }
        with(&b);
        // the rest of it
        crate::machine::copy(&a.share.join(".kitbag"), &b.share.join(".kitbag"));
        crate::machine::write(&b.share.join("a/x"), "in a folder\n");
        b.run(&["sync"]).exits(&[0, 4]);
        b.run(&["sync"]).exits(&[0, 4]);
        assert_eq!(b.text("a/x"), "in a folder\n", "folder first: {folder_first}");
        assert_eq!(names_in_share(&b), ["a/x", "z.txt"]);
    }
}

/// What other systems do not allow in names is spelled out in the cloud folder, and nowhere else; what a phone writes
/// there is taken as it was meant, and tidied. First tier.
#[test]
fn names_other_systems_cannot_have() {
    let room = room();
    let names = [
        ("12:30 notes?.txt", "12%{3A}30 notes%{3F}.txt"),
        ("CON.txt", "%{43}ON.txt"),
        ("dir. /in\\side", "dir.%{20}/in%{5C}side"),
        ("draft.tmp", "draft%{2E}tmp"),
        ("100%{41}.txt", "100%{25}{41}.txt"),
        (" leading", "%{20}leading"),
        ("plain.txt", "plain.txt"),
    ];
    let files: Vec<_> = names.iter().map(|(name, _)| (*name, name.as_bytes())).collect();
    let (a, b) = pair(room.path(), &files);
    let mut written: Vec<_> = names.iter().map(|(_, written)| (*written).to_owned()).collect();
    written.sort();
    assert_eq!(names_in_share(&a), written);
    assert_eq!(b.files(), a.files());
    assert_eq!(b.text("12:30 notes?.txt"), "12:30 notes?.txt");

    // changed by a phone, added by one that can have such names, removed by a person
    fs::write(a.share.join("12%{3A}30 notes%{3F}.txt"), "12:30 notes?.txt\nphone\n").unwrap();
    fs::write(a.share.join("new: from phone.txt"), "p\n").unwrap();
    b.remove("dir. /in\\side");
    fs::remove_dir(b.work.join("dir. ")).unwrap();
    settle([&a, &b]);
    assert_eq!(b.text("12:30 notes?.txt"), "12:30 notes?.txt\nphone\n");
    assert_eq!(b.text("new: from phone.txt"), "p\n");
    written.retain(|name| !name.starts_with("dir"));
    written.push("new%{3A} from phone.txt".to_owned());
    written.sort();
    assert_eq!(names_in_share(&a), written);
    assert_eq!(a.files(), b.files());
    assert!(!a.share.join("dir.%{20}").exists());

    // a name that would leave the folder if it were read as it is written
    fs::write(a.share.join("%{2E}%{2E}"), "up").unwrap();
    fs::write(a.share.join("x%{2F}y"), "slash").unwrap();
    settle([&a, &b]);
    assert_eq!((a.text("%{2E}%{2E}"), b.text("x%{2F}y")), ("up".into(), "slash".into()));
    assert_eq!(fs::read_dir(room.path()).unwrap().count(), 3, "nothing is beside the folders");
}

/// Names that other systems take for one: the first keeps its name in the cloud folder, the others are spelled out;
/// when it goes, the next one has the name. First tier.
#[test]
fn names_that_others_take_for_one() {
    let room = room();
    let names =
        ["Notes.txt", "notes.txt", "NOTES.txt", "caf\u{e9}", "cafe\u{301}", "Data/x", "data/x", "data/y"];
    let files: Vec<_> = names.iter().map(|name| (*name, name.as_bytes())).collect();
    let (a, b) = pair(room.path(), &files);
    let share = |expected: &[&str]| {
        let mut expected: Vec<_> = expected.iter().map(|name| (*name).to_owned()).collect();
        expected.sort();
        assert_eq!(names_in_share(&a), expected);
    };
    let rest = ["cafe\u{301}", "%{63}af%{E9}", "Data/x", "data/%{78}", "data/y"];
    share(&[["NOTES.txt", "%{4E}otes.txt", "%{6E}otes.txt"].as_slice(), &rest].concat());
    assert_eq!((a.files(), a.files().0.len()), (b.files(), names.len()));
    for name in names {
        assert_eq!(b.text(name), name);
    }

    // changed on both sides under the twin's name and in the cloud folder
    b.write("notes.txt", "notes.txt\nby B\n");
    fs::write(a.share.join("%{4E}otes.txt"), "Notes.txt\nphone\n").unwrap();
    settle([&a, &b]);
    assert_eq!(
        (a.text("notes.txt"), b.text("Notes.txt")),
        ("notes.txt\nby B\n".into(), "Notes.txt\nphone\n".into())
    );

    // the first goes
    a.remove("NOTES.txt");
    settle([&a, &b]);
    share(&[["Notes.txt", "%{6E}otes.txt"].as_slice(), &rest].concat());
    assert_eq!((a.files(), a.files().0.len()), (b.files(), names.len() - 1));

    // only the case of a name changes
    fs::rename(b.work.join("Notes.txt"), b.work.join("notES.txt")).unwrap();
    settle([&b, &a]);
    share(&[["notES.txt", "%{6E}otes.txt"].as_slice(), &rest].concat());
    assert_eq!((a.files(), a.text("notES.txt")), (b.files(), "Notes.txt\nphone\n".into()));
}

/// A cloud program or file system that writes a name in other letters made no new file and removed none. First tier.
#[test]
fn a_name_written_in_other_letters_is_the_same_file() {
    let room = room();
    let (a, b) = pair(room.path(), &[("Notes.txt", b"n\n"), ("\u{dc}bung/caf\u{e9}.txt", b"c\n")]);
    fs::rename(a.share.join("Notes.txt"), a.share.join("NOTES.TXT")).unwrap();
    fs::rename(a.share.join("\u{dc}bung"), a.share.join("U\u{308}bung")).unwrap();
    fs::rename(a.share.join("U\u{308}bung/caf\u{e9}.txt"), a.share.join("U\u{308}bung/cafe\u{301}.txt"))
        .unwrap();
    settle([&a, &b]);
    let written = ["NOTES.TXT", "U\u{308}bung/cafe\u{301}.txt"];
    assert_eq!(names_in_share(&a), written);
    both_have([&a, &b], &[("Notes.txt", "n\n"), ("\u{dc}bung/caf\u{e9}.txt", "c\n")]);
    // edits go both ways all the same
    fs::write(a.share.join("NOTES.TXT"), "n\nphone\n").unwrap();
    b.write("\u{dc}bung/caf\u{e9}.txt", "c\nby B\n");
    settle([&a, &b]);
    assert_eq!(names_in_share(&a), written);
    assert_eq!(fs::read(a.share.join(written[1])).unwrap(), b"c\nby B\n");
    both_have([&a, &b], &[("Notes.txt", "n\nphone\n"), ("\u{dc}bung/caf\u{e9}.txt", "c\nby B\n")]);
    // a removal in the cloud folder is still asked about
    fs::remove_file(a.share.join("NOTES.TXT")).unwrap();
    let report = a.run(&["--json", "sync"]).exits(&[1]).json();
    assert_eq!(report["held"][0]["path"], "Notes.txt");
    a.run(&["resolve", "Notes.txt", "--absent", "accept"]).exits(&[0]);
    settle([&b, &a]);
    both_have([&a, &b], &[("\u{dc}bung/caf\u{e9}.txt", "c\nby B\n")]);
}

/// A name that is too long once it is spelled out is not in the cloud folder, and said so; it travels all the same.
/// First tier.
#[test]
fn a_name_too_long_to_be_spelled_out() {
    let room = room();
    let (a, b) = pair(room.path(), &[("plain.txt", b"p\n")]);
    let long = format!("{}.txt", "?".repeat(60));
    a.write(&long, "l\n");
    let report = a.sync();
    assert!(report["problems"].to_string().contains("too long to be written there"), "{report:#}");
    b.sync();
    assert_eq!((b.text(&long), names_in_share(&a)), ("l\n".into(), vec!["plain.txt".to_owned()]));
    settle([&a, &b]);
    b.write(&long, "l\nby B\n");
    settle([&b, &a]);
    assert_eq!(a.text(&long), "l\nby B\n");
    a.remove(&long);
    settle([&a, &b]);
    assert_eq!(b.read(&long), None);
}
