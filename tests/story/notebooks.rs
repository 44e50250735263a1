//! One notebook changed on two machines: what stands in different cells is put together by itself; where both wrote
//! into one cell both versions stay in the notebook, which opens and runs, and one answer anywhere settles it everywhere.

use serde_json::{Value, json};

use crate::machine::{Machine, Ran, pair, room};

pub const BOOK: &str = "part/w.ipynb";

/// A notebook of code cells: an id and a source each.
pub fn book(cells: &[(&str, &str)]) -> String {
    let cell = |(id, source): &(&str, &str)| {
        json!({
            "cell_type": "code", "execution_count": null, "id": id, "metadata": {}, "outputs": [],
            "source": source.split_inclusive('\n').collect::<Vec<_>>(),
        })
    };
    let cells: Vec<_> = cells.iter().map(cell).collect();
    let book = json!({"cells": cells, "metadata": {}, "nbformat": 4, "nbformat_minor": 5});
    serde_json::to_string_pretty(&book).unwrap() + "\n"
}

pub const START: [(&str, &str); 4] = [("a", "one"), ("b", "two"), ("c", "three"), ("d", "four")];

/// The notebook at the start with some sources changed.
pub fn with(changes: &[(&str, &str)]) -> String {
    let new = |(id, source)| (id, changes.iter().find(|(of, _)| *of == id).map_or(source, |(_, new)| *new));
    book(&START.map(new))
}

/// Kind and source of each cell.
fn cells(text: &str) -> Vec<(String, String)> {
    let book: Value = serde_json::from_str(text).unwrap();
    let cell = |cell: &Value| {
        let source = match &cell["source"] {
            Value::Array(lines) => lines.iter().map(|line| line.as_str().unwrap()).collect(),
            text => text.as_str().unwrap().to_owned(),
        };
        (cell["cell_type"].as_str().unwrap().to_owned(), source)
    };
    book["cells"].as_array().unwrap().iter().map(cell).collect()
}

/// The source of each cell in the working folder.
pub fn sources(machine: &Machine) -> Vec<String> {
    cells(&machine.text(BOOK)).into_iter().map(|(_, source)| source).collect()
}

/// Both change the notebook, A's sync comes first.
fn both_change(a: &Machine, b: &Machine, at_a: &str, at_b: &str, exit: i32) {
    a.write(BOOK, at_a);
    b.write(BOOK, at_b);
    a.sync();
    b.run(&["sync"]).exits(&[exit]);
    a.run(&["sync"]).exits(&[exit]);
}

/// The machines of a question about the first cell, and of one about the third where `third` says so.
fn asked(third: bool) -> (tempfile::TempDir, Machine, Machine) {
    let room = room();
    let (a, b) = pair(room.path(), &[(BOOK, book(&START).as_bytes())]);
    let more = |text: &str| if third { format!("three {text}") } else { "three".to_owned() };
    let (at_a, at_b) = (more("A"), more("B"));
    both_change(
        &a,
        &b,
        &with(&[("a", "one by A"), ("b", "two by A"), ("c", &at_a)]),
        &with(&[("a", "one by B"), ("d", "four by B"), ("c", &at_b)]),
        3,
    );
    (room, a, b)
}

/// Nothing is open any more, and all show the same.
#[track_caller]
pub fn all_settle(machines: &[&Machine]) {
    for _ in 0..2 {
        for machine in machines {
            machine.run(&["sync"]).exits(&[0, 3]);
        }
    }
    for machine in machines {
        machine.sync();
        assert_eq!(machine.conflicts()["conflicts"], json!([]), "{}", machine.name);
        assert_eq!(machine.run(&["--json", "status"]).exits(&[0]).json()["state"], "up-to-date");
        assert_eq!(machine.files(), machines[0].files());
        assert_eq!(machine.mirror(), machine.files());
    }
}

/// The cells that wait, as `conflicts --json` tells them.
#[track_caller]
pub fn open_cells(machine: &Machine) -> Vec<Value> {
    let open = machine.conflicts();
    let conflicts = open["conflicts"].as_array().unwrap();
    conflicts.iter().flat_map(|one| one["cells"].as_array().unwrap().clone()).collect()
}

/// Answer about the notebook.
pub fn resolve(machine: &Machine, args: &[&str]) -> Ran {
    machine.run(&[&["resolve", BOOK], args].concat())
}

/// Different cells of one notebook are one notebook, without a question, the same on both machines. First tier.
#[test]
fn different_cells_merge() {
    let room = room();
    let (a, b) = pair(room.path(), &[(BOOK, book(&START).as_bytes())]);
    let more = book(&[&START[..], &[("e", "five")]].concat());
    both_change(&a, &b, &with(&[("a", "one more")]), &more.replace("three", "3"), 0);
    assert_eq!(sources(&a), ["one more", "two", "3", "four", "five"]);
    all_settle(&[&a, &b]);
}

/// One cell changed on both: one question on both machines, in a notebook whose first version runs; the document names
/// both sides; an answer settles it on the other machine. First tier.
#[test]
fn one_cell_changed_twice_is_one_question_and_one_answer() {
    let (_room, a, b) = asked(false);
    assert_eq!(a.text(BOOK), b.text(BOOK), "both show the same notebook");
    let all = cells(&a.text(BOOK));
    let kinds: Vec<_> = all.iter().map(|(kind, _)| kind.as_str()).collect();
    assert_eq!(kinds, ["code", "raw", "code", "code", "code"], "the second version is not run");
    assert_eq!((all[2].1.as_str(), all[4].1.as_str()), ("two by A", "four by B"));

    for machine in [&a, &b] {
        let open = machine.conflicts();
        let [conflict] = &open["conflicts"].as_array().unwrap()[..] else { panic!("{open:#}") };
        assert_eq!((&conflict["path"], &conflict["kind"]), (&json!(BOOK), &json!("notebook")));
        let [cell] = &conflict["cells"].as_array().unwrap()[..] else { panic!("{open:#}") };
        assert_eq!((&cell["cell"], &cell["number"], &cell["kind"]), (&json!("a"), &json!(1), &json!("code")));
        assert_eq!(cell["deleted_by"], Value::Null);
        let other = &cell["others"][0];
        let mut sides = [
            (&cell["by"]["machine"], &cell["source"], &cell["by"]["version"]),
            (&other["by"]["machine"], &other["source"], &other["by"]["version"]),
        ];
        let named: Vec<_> = conflict["sides"].as_array().unwrap().iter().map(|side| &side["id"]).collect();
        assert_eq!(named, [sides[0].2, sides[1].2], "the one that stands in the notebook is the first");
        assert_eq!(
            (&conflict["sides"][0]["this"], &conflict["sides"][1]["this"]),
            (&json!(true), &json!(false))
        );
        sides.sort_by_key(|(machine, _, _)| machine.as_str());
        assert_eq!(sides.map(|(machine, _, _)| machine.as_str()), [Some("HOME-PC"), Some("WORK-PC")]);
        assert_eq!(sides.map(|(_, source, _)| source.as_str()), [Some("one by A"), Some("one by B")]);
        let what = cell["what"].as_str().unwrap();
        assert!(what.starts_with("Cell 1 was changed on ") && what.contains("on HOME-PC"), "{what}");
        let status = machine.run(&["--json", "status"]).exits(&[3]).json();
        assert_eq!((&status["state"], &status["conflicts"][0]["path"]), (&json!("needs-you"), &json!(BOOK)));
        assert_eq!(machine.run(&["--json", "sync"]).exits(&[3]).json()["conflicts"], 1);
    }

    resolve(&b, &["--keep", "HOME-PC"]).exits(&[0]);
    assert_eq!(sources(&b), ["one by A", "two by A", "three", "four by B"]);
    assert_eq!(b.mirror(), b.files(), "both folders follow in the same sync");
    a.sync();
    assert_eq!(sources(&a), sources(&b));
    all_settle(&[&a, &b]);
    assert_eq!(cells(&a.text(BOOK))[0].0, "code");
    resolve(&a, &["--keep", "this"]).exits(&[1]).explains(&["no question open"]);
}

/// Every way to answer, for all cells and for one. First tier.
#[test]
fn every_answer_does_what_it_says() {
    let (_room, a, b) = asked(true);
    let open = open_cells(&a);
    assert_eq!(open.iter().map(|cell| cell["cell"].as_str().unwrap()).collect::<Vec<_>>(), ["a", "c"]);
    let (stands, other) = (
        open[0]["by"]["machine"].as_str().unwrap().to_owned(),
        open[0]["others"][0]["by"]["machine"].as_str().unwrap().to_owned(),
    );
    let of = |machine: &str| if machine == "HOME-PC" { "A" } else { "B" };
    let version = open[1]["others"][0]["by"]["version"].as_str().unwrap();
    let rest = |first: &[&str], third: &[&str]| {
        [first, &["two by A"], third, &["four by B"]]
            .concat()
            .iter()
            .map(|s| s.to_string())
            .collect::<Vec<_>>()
    };
    let (one, three) =
        (|machine: &str| format!("one by {}", of(machine)), |machine: &str| format!("three {}", of(machine)));
    let undo = || {
        a.run(&["undo"]).exits(&[3]);
        assert_eq!(open_cells(&a), open, "the questions are back");
    };

    resolve(&a, &["--keep", "this"]).exits(&[0]);
    assert_eq!(sources(&a), rest(&[&one(&stands)], &[&three(&stands)]));
    undo();
    resolve(&a, &["--keep", "other"]).exits(&[0]);
    assert_eq!(sources(&a), rest(&[&one(&other)], &[&three(&other)]));
    undo();
    resolve(&a, &["--keep", "both"]).exits(&[0]);
    let both = rest(&[&one(&stands), &one(&other)], &[&three(&stands), &three(&other)]);
    assert_eq!(sources(&a), both);
    assert!(cells(&a.text(BOOK)).iter().all(|(kind, _)| kind == "code"));
    undo();
    resolve(&a, &["--keep", "merged"]).exits(&[0]);
    assert_eq!(sources(&a), both, "all that stands there, without the marks");
    undo();
    resolve(&a, &["--keep", "NOWHERE"]).exits(&[1]).explains(&["HOME-PC", "WORK-PC"]);
    resolve(&a, &["--keep", "this", "--cell", "b"]).exits(&[1]).explains(&["no question is open", "a, c"]);

    resolve(&a, &["--keep", &version[..12], "--cell", "c"]).exits(&[3]);
    assert_eq!(open_cells(&a).len(), 1);
    b.run(&["sync"]).exits(&[3]);
    assert_eq!(open_cells(&b)[0]["cell"], "a");
    resolve(&b, &["--keep", &stands, "--cell", "a"]).exits(&[0]);
    all_settle(&[&a, &b]);
    assert_eq!(sources(&a), rest(&[&one(&stands)], &[&three(&other)]));
}

/// A person edits the notebook and takes the marked version away, or both as they like: that is an answer too. First
/// tier.
#[test]
fn an_edit_that_takes_the_mark_away_is_an_answer() {
    let (_room, a, b) = asked(false);
    let mut book: Value = serde_json::from_str(&b.text(BOOK)).unwrap();
    let list = book["cells"].as_array_mut().unwrap();
    list.remove(1);
    list[0]["source"] = json!(["one by A and B"]);
    b.write(BOOK, serde_json::to_string_pretty(&book).unwrap());
    b.sync();
    a.sync();
    assert_eq!(sources(&a), ["one by A and B", "two by A", "three", "four by B"]);
    all_settle(&[&a, &b]);
}

/// The mark alone is taken away in an editor, and what the working folder holds is said to be the answer. First tier.
#[test]
fn what_was_typed_is_the_answer() {
    let (_room, a, b) = asked(true);
    let typed = a.text(BOOK).replace("\"four by B\"", "\"four by B and A\"");
    assert_ne!(typed, a.text(BOOK));
    a.write(BOOK, typed);
    resolve(&a, &["--keep", "merged"]).exits(&[0]);
    assert_eq!((sources(&a).len(), sources(&a)[5].as_str()), (6, "four by B and A"));
    all_settle(&[&a, &b]);
}

/// Two people answer at once and differently: a question about just that cell, answered once more and then settled.
/// First tier.
#[test]
fn two_different_answers_ask_about_that_cell_alone() {
    let (_room, a, b) = asked(true);
    resolve(&a, &["--keep", "HOME-PC"]).exits(&[0]);
    // b has not heard of it yet
    resolve(&b, &["--keep", "WORK-PC", "--cell", "a"]).exits(&[3]);
    a.run(&["sync"]).exits(&[3]);
    for machine in [&a, &b] {
        let open = open_cells(machine);
        assert_eq!(open.iter().map(|cell| &cell["cell"]).collect::<Vec<_>>(), ["a"], "{open:#?}");
    }
    assert_eq!(a.text(BOOK), b.text(BOOK));
    resolve(&b, &["--keep", "WORK-PC"]).exits(&[0]);
    all_settle(&[&a, &b]);
    assert_eq!(sources(&a), ["one by B", "two by A", "three A", "four by B"]);
}

/// Three machines write into one cell: every version is in the notebook, and every one can be kept by its machine's
/// name. First tier.
#[test]
fn of_three_machines_every_side_can_be_named() {
    for keep in ["HOME-PC", "WORK-PC", "THIRD-PC"] {
        let room = room();
        let (a, b) = pair(room.path(), &[(BOOK, book(&START).as_bytes())]);
        let c = Machine::new(room.path(), "THIRD-PC", &a.share);
        c.setup().exits(&[0]);
        for machine in [&a, &b, &c] {
            machine.write(BOOK, with(&[("b", &format!("two of {}", machine.name))]));
        }
        a.sync();
        b.run(&["sync"]).exits(&[3]);
        c.run(&["sync"]).exits(&[3]);
        let open = open_cells(&c);
        let [cell] = &open[..] else { panic!("{open:#?}") };
        let others = cell["others"].as_array().unwrap();
        let mut names: Vec<_> =
            others.iter().chain([cell]).map(|one| one["by"]["machine"].as_str().unwrap()).collect();
        names.sort_unstable();
        assert_eq!(names, ["HOME-PC", "THIRD-PC", "WORK-PC"], "{cell:#}");
        resolve(&c, &["--keep", "other"]).exits(&[1]).explains(&["HOME-PC", "WORK-PC", "THIRD-PC"]);
        resolve(&c, &["--keep", keep]).exits(&[0]);
        assert_eq!(sources(&c), ["one".to_owned(), format!("two of {keep}"), "three".into(), "four".into()]);
        all_settle(&[&c, &a, &b]);
    }
}

/// A damaged notebook on one side: both are kept whole, as it is with any file. First tier.
#[test]
fn a_damaged_notebook_is_kept_beside_the_whole_one() {
    let room = room();
    let (a, b) = pair(room.path(), &[(BOOK, book(&START).as_bytes())]);
    let whole = with(&[("a", "one by A")]);
    let old: &str = &with(&[("a", "one by B")]);
    let damaged = old.replacen("\"cells\"", "\"cells", 1);
    both_change(&a, &b, &whole, old, 3);
    resolve(&a, &["--keep", "HOME-PC"]).exits(&[0]);
    all_settle(&[&a, &b]);
    // no program is saving it: it was left so long ago
    let past = std::time::SystemTime::now() - std::time::Duration::from_secs(120);
    b.write(BOOK, &damaged);
    std::fs::File::options().write(true).open(b.work.join(BOOK)).unwrap().set_modified(past).unwrap();
    a.write(BOOK, with(&[("b", "two by A")]));
    a.sync();
    b.run(&["sync"]).exits(&[3]);
    a.run(&["sync"]).exits(&[3]);
    let open = a.conflicts();
    assert_eq!(
        (&open["conflicts"][0]["kind"], &open["conflicts"][0]["cells"]),
        (&json!("notebook"), &json!([]))
    );
    resolve(&a, &["--keep", "this", "--cell", "a"]).exits(&[1]).explains(&["whole file"]);
    resolve(&a, &["--keep", "both"]).exits(&[0]);
    for machine in [&a, &b, &a] {
        machine.run(&["sync"]);
    }
    assert_eq!(a.files(), b.files());
    assert_eq!(a.text("part/w (WORK-PC).ipynb"), damaged);
}

/// A notebook of some MiB, as plots make them, larger than any text that is merged: its cells are. First tier.
#[test]
fn a_large_notebook_merges_too() {
    let room = room();
    let (a, b) = pair(room.path(), &[(BOOK, book(&START).as_bytes())]);
    let plot = |text: String| {
        let picture: String =
            (0..5_600_000_u32).map(|n| char::from(b'a' + (n.wrapping_mul(n) >> 9) as u8 % 23)).collect();
        let mut book: Value = serde_json::from_str(&text).unwrap();
        book["cells"][3]["outputs"] =
            json!([{"output_type": "display_data", "metadata": {}, "data": {"image/png": picture}}]);
        serde_json::to_string_pretty(&book).unwrap() + "\n"
    };
    a.write(BOOK, plot(book(&START)));
    a.sync();
    b.sync();
    both_change(
        &a,
        &b,
        &plot(with(&[("a", "one by A"), ("b", "two by A")])),
        &plot(with(&[("a", "one by B"), ("c", "three by B")])),
        3,
    );
    assert_eq!(open_cells(&a).len(), 1);
    resolve(&a, &["--keep", "WORK-PC"]).exits(&[0]);
    b.sync();
    assert_eq!(sources(&b), ["one by B", "two by A", "three by B", "four"]);
    all_settle(&[&a, &b]);
}

/// A cell that one deleted and the other edited stays, and is no question: it is told by `conflicts` and `status` until
/// somebody keeps it or lets it go, on whichever machine; then nothing is told of it on either. First tier.
#[test]
fn a_cell_that_was_kept_is_told_until_somebody_says_what_becomes_of_it() {
    for (keep, left) in [("this", Some("two by B")), ("other", None)] {
        let room = room();
        let (a, b) = pair(room.path(), &[(BOOK, book(&START).as_bytes())]);
        both_change(&a, &b, &book(&[START[0], START[2], START[3]]), &with(&[("b", "two by B")]), 0);
        for machine in [&a, &b] {
            let told = machine.run(&["--json", "conflicts"]).exits(&[0]).json();
            assert_eq!(told["conflicts"], json!([]), "it is no question");
            let [note] = &told["notes"].as_array().unwrap()[..] else { panic!("{told:#}") };
            let [cell] = &note["cells"].as_array().unwrap()[..] else { panic!("{told:#}") };
            assert_eq!((&note["path"], &cell["cell"]), (&json!(BOOK), &json!("b")));
            assert_eq!(
                (&cell["source"], &cell["deleted_by"]["machine"]),
                (&json!("two by B"), &json!("HOME-PC"))
            );
            let status = machine.run(&["--json", "status"]).exits(&[0]).json();
            assert_eq!(status["state"], "up-to-date", "{status:#}");
            assert_eq!(status["notes"], json!([{ "path": BOOK, "cells": 1 }]));
            let said = machine.run(&["status"]).exits(&[0]).stdout;
            assert!(
                said.contains("1 cell kept although deleted elsewhere; `kitbag conflicts part/w.ipynb`"),
                "{said}"
            );
            let said = machine.run(&["conflicts"]).exits(&[0]).stdout;
            for words in [
                "No questions are open.",
                "part/w.ipynb: no cell waits for an answer.",
                "Cell 2 was deleted on HOME-PC and edited elsewhere, so it was kept.",
                "kitbag resolve part/w.ipynb --keep this|other   keeps it, or lets it go",
            ] {
                assert!(said.contains(words), "{words}: {said}");
            }
            let one = machine.run(&["--json", "conflicts", BOOK]).exits(&[0]).json();
            assert_eq!((&one["conflicts"], &one["notes"]), (&told["notes"], &told["notes"]));
            let other = machine.run(&["--json", "conflicts", "other.txt"]).exits(&[0]).json();
            assert_eq!(other["notes"], json!([]));
        }
        resolve(&b, &["--keep", keep, "--cell", "b"]).exits(&[0]);
        a.sync();
        let expected: Vec<_> =
            [Some("one"), left, Some("three"), Some("four")].into_iter().flatten().collect();
        for machine in [&a, &b] {
            assert_eq!(sources(machine), expected);
            assert_eq!(machine.run(&["--json", "status"]).exits(&[0]).json()["notes"], json!([]));
            assert_eq!(machine.conflicts()["notes"], json!([]));
        }
        all_settle(&[&a, &b]);
        // taken back it is told again
        b.run(&["undo"]).exits(&[0]);
        assert_eq!(b.conflicts()["notes"][0]["path"], BOOK);
    }
}

/// Beside a cell that waits, one that was kept is told with it; when that is answered it is told alone. First tier.
#[test]
fn a_kept_cell_is_told_with_the_question_and_after_it() {
    let room = room();
    let (a, b) = pair(room.path(), &[(BOOK, book(&START).as_bytes())]);
    let without = book(&[("a", "one by A"), START[2], START[3]]);
    both_change(&a, &b, &without, &with(&[("a", "one by B"), ("b", "two by B")]), 3);
    let open = a.conflicts();
    assert_eq!((open_cells(&a).len(), &open["notes"]), (2, &json!([])), "{open:#}");
    resolve(&a, &["--keep", "this"]).exits(&[0]);
    b.sync();
    for machine in [&a, &b] {
        let told = machine.conflicts();
        assert_eq!(
            (&told["conflicts"], &told["notes"][0]["cells"][0]["cell"]),
            (&json!([]), &json!("b")),
            "{told:#}"
        );
    }
}
