//! The same file changed on both machines before either saw the other's work: what fits together is merged, the rest
//! is asked, the same question on both machines, and one answer settles it everywhere.

use std::collections::BTreeSet;

use serde_json::Value;

use crate::machine::{Machine, noise, pair, room};

/// Both change the file, A's sync comes first.
fn both_change(a: &Machine, b: &Machine, path: &str, at_a: &[u8], at_b: &[u8], exit: i32) {
    a.write(path, at_a);
    b.write(path, at_b);
    a.sync();
    b.run(&["sync"]).exits(&[exit]);
    a.run(&["sync"]).exits(&[exit]);
}

fn ids(conflicts: &Value) -> BTreeSet<&str> {
    let sides = conflicts["conflicts"][0]["sides"].as_array().unwrap();
    sides.iter().map(|side| side["id"].as_str().unwrap()).collect()
}

fn assert_nothing_open(a: &Machine, b: &Machine) {
    for machine in [a, b, a] {
        machine.sync();
    }
    for machine in [a, b] {
        assert_eq!(machine.conflicts()["conflicts"], Value::Array(vec![]));
    }
    assert_eq!(a.files(), b.files());
    assert_eq!(a.mirror(), a.files());
}

/// Shows F3 (no silent overwrite): changes of different lines are merged without a question, the same bytes on both
/// machines. First tier.
#[test]
fn different_lines_merge() {
    let room = room();
    let (a, b) = pair(room.path(), &[("notes.txt", b"1\n2\n3\n4\n5\n6\n")]);
    both_change(&a, &b, "notes.txt", b"1 A\n2\n3\n4\n5\n6\n", b"1\n2\n3\n4\n5 B\n6\nend B\n", 0);
    let merged = "1 A\n2\n3\n4\n5 B\n6\nend B\n";
    assert_eq!((a.text("notes.txt"), b.text("notes.txt")), (merged.into(), merged.into()));
    assert_nothing_open(&a, &b);
}

/// Shows F3: two changes of one line are a question, the same one on both machines; each machine goes on showing its
/// own side; an answer on one settles it on the other. First tier.
#[test]
fn one_line_changed_twice_is_one_question() {
    let room = room();
    let (a, b) = pair(room.path(), &[("deep/notes.txt", b"1\n2\n3\n"), ("other.txt", b"o\n")]);
    both_change(&a, &b, "deep/notes.txt", b"1\nA\n3\n", b"1\nB\n3\n", 3);
    let (at_a, at_b) = (a.conflicts(), b.conflicts());
    assert_eq!(at_a["conflicts"][0]["path"], "deep/notes.txt");
    assert_eq!(at_a["conflicts"][0]["kind"], "text");
    assert_eq!((ids(&at_a).len(), ids(&at_a)), (2, ids(&at_b)));
    for (machine, conflicts) in [(&a, &at_a), (&b, &at_b)] {
        let sides = conflicts["conflicts"][0]["sides"].as_array().unwrap();
        let names: BTreeSet<_> = sides.iter().map(|side| side["machine"].as_str().unwrap()).collect();
        assert_eq!(names, BTreeSet::from(["HOME-PC", "WORK-PC"]));
        assert_eq!((&sides[0]["machine"], &sides[0]["this"]), (&machine.name.as_str().into(), &true.into()));
    }
    assert_eq!(
        (a.text("deep/notes.txt"), b.text("deep/notes.txt")),
        ("1\nA\n3\n".into(), "1\nB\n3\n".into())
    );
    a.run(&["status"]).exits(&[3]);
    assert!(a.run(&["conflicts"]).exits(&[3]).stdout.contains("kitbag resolve deep/notes.txt --keep"));
    // other files go on meanwhile
    a.write("other.txt", "o\np\n");
    a.run(&["sync"]).exits(&[3]);
    b.run(&["sync"]).exits(&[3]);
    assert_eq!(b.text("other.txt"), "o\np\n");

    a.run(&["resolve", "deep/notes.txt", "--keep", "other"]).exits(&[0]);
    assert_eq!(a.text("deep/notes.txt"), "1\nB\n3\n");
    assert_nothing_open(&a, &b);
    a.run(&["resolve", "deep/notes.txt", "--keep", "this"]).exits(&[1]).explains(&["no question open"]);
}

/// Shows F3: every way to answer a question about lines. First tier.
#[test]
fn every_answer_does_what_it_says() {
    let answers: [(&str, Option<&str>, &str); 5] = [
        ("this", None, "1\nA\n3\n"),
        ("WORK-PC", None, "1\nB\n3\n"),
        ("both", None, "1\nA\nB\n3\n"),
        ("merged", Some("1\nA and B\n3\n"), "1\nA and B\n3\n"),
        ("id", None, "1\nB\n3\n"),
    ];
    for (keep, typed, expected) in answers {
        let room = room();
        let (a, b) = pair(room.path(), &[("notes.txt", b"1\n2\n3\n"), ("other.txt", b"o")]);
        both_change(&a, &b, "notes.txt", b"1\nA\n3\n", b"1\nB\n3\n", 3);
        let open = a.conflicts();
        let other = open["conflicts"][0]["sides"][1]["id"].as_str().unwrap();
        typed.iter().for_each(|text| a.write("notes.txt", text));
        a.run(&["resolve", "notes.txt", "--keep", if keep == "id" { other } else { keep }]).exits(&[0]);
        assert_eq!(a.text("notes.txt"), expected, "{keep}");
        assert_nothing_open(&a, &b);
        assert_eq!(b.text("notes.txt"), expected, "{keep}");
    }
}

/// Shows line 8 of the design (`autosave_in_conflict`): an edit of the side shown leaves the other open. First tier.
#[test]
fn an_edit_during_a_question_answers_nothing() {
    let room = room();
    let (a, b) = pair(room.path(), &[("notes.txt", b"1\n2\n3\n")]);
    both_change(&a, &b, "notes.txt", b"1\nA\n3\n", b"1\nB\n3\n", 3);
    a.write("notes.txt", "1\nA again\n3\n");
    for machine in [&a, &b, &a] {
        machine.run(&["sync"]).exits(&[3]);
    }
    assert_eq!((a.text("notes.txt"), b.text("notes.txt")), ("1\nA again\n3\n".into(), "1\nB\n3\n".into()));
    b.run(&["resolve", "notes.txt", "--keep", "both"]).exits(&[0]);
    assert_nothing_open(&a, &b);
    assert_eq!(a.text("notes.txt"), "1\nA again\nB\n3\n");
}

/// Shows F3 for files without lines: both are kept whole, the other one beside it under the machine's name. First tier.
#[test]
fn two_pictures_are_both_kept() {
    let room = room();
    let (a, b) = pair(room.path(), &[("plots/fig.png", &noise(2_000, 1))]);
    let (at_a, at_b) = (noise(3_000, 2), noise(5 << 20, 3));
    both_change(&a, &b, "plots/fig.png", &at_a, &at_b, 3);
    assert_eq!(a.conflicts()["conflicts"][0]["kind"], "file");
    let answer = a.run(&["--json", "resolve", "plots/fig.png", "--keep", "both"]).exits(&[0]).json();
    assert_eq!(answer["answered"]["beside"][0], "plots/fig (WORK-PC).png", "{answer}");
    assert_nothing_open(&a, &b);
    for machine in [&a, &b] {
        assert!(machine.read("plots/fig.png").unwrap() == at_a, "{}", machine.name);
        assert!(machine.read("plots/fig (WORK-PC).png").unwrap() == at_b, "{}", machine.name);
    }
}

/// The second file beside it never lands on one that is there. First tier.
#[test]
fn keeping_both_takes_a_free_name() {
    let room = room();
    let (a, b) = pair(room.path(), &[("fig.png", &noise(2_000, 1)), ("fig (WORK-PC).png", b"\0mine")]);
    both_change(&a, &b, "fig.png", &noise(3_000, 2), &noise(3_000, 3), 3);
    a.run(&["resolve", "fig.png", "--keep", "both"]);
    for machine in [&a, &b, &a, &b] {
        machine.run(&["sync"]).exits(&[0, 3]);
    }
    let mut contents: Vec<_> = a.files().0.into_values().collect();
    for conflict in a.conflicts()["conflicts"].as_array().unwrap() {
        let path = conflict["path"].as_str().unwrap();
        // a question about the name is no loss: the other side is still to be had
        a.run(&["resolve", path, "--keep", "other"]);
        contents.extend(a.files().0.into_values());
    }
    for bytes in [noise(3_000, 2), noise(3_000, 3), b"\0mine".to_vec()] {
        assert!(contents.contains(&bytes), "one of the three is gone: {:?}", a.files());
    }
}

/// Shows line 8: edit beats delete, in both orders; a deletion that nobody edited against goes through. First tier.
#[test]
fn an_edit_beats_a_deletion() {
    for a_first in [true, false] {
        let room = room();
        let (a, b) = pair(room.path(), &[("notes.txt", b"1\n2\n"), ("gone.txt", b"g"), ("stays.txt", b"s")]);
        a.remove("notes.txt");
        a.remove("gone.txt");
        b.write("notes.txt", "1\n2\n3\n");
        let order = if a_first { [&a, &b, &a, &b] } else { [&b, &a, &b, &a] };
        for machine in order {
            machine.sync();
        }
        assert_nothing_open(&a, &b);
        assert_eq!(a.text("notes.txt"), "1\n2\n3\n", "A first: {a_first}");
        assert_eq!(a.read("gone.txt"), None);
    }
}
