//! What an earlier kitbag left: state roots, working folders and a cloud folder as the program wrote them before notebooks
//! were merged, with a question open about a whole notebook. Today's program takes them over on one machine after the
//! other: nothing is lost, the question is about the cell, and both agree. First tier.
//!
//! The folder `earlier` was recorded with that program. A ledger stands there as the commands that make it; what is
//! another one in each room, where the folders lie and the number of the working folder, is put in when it is unpacked.

use std::collections::BTreeSet;
use std::fs::{self, File};
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

use rusqlite::Connection;
use serde_json::{Value, json};

use crate::machine::{Machine, copy, room, write};

/// Both changed its first cell, and each one of the others.
const BOOK: &str = "part/w.ipynb";
/// Each changed another cell.
const APART: &str = "part/apart.ipynb";

fn recorded(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../tests/hostile/earlier").join(name)
}

/// A machine of the earlier kitbag, as it was left. Its files were written just now.
fn earlier(root: &Path, scene: &str, name: &str) -> Machine {
    let (from, machine) = (recorded(scene).join(name), Machine::new(root, name, &root.join("share")));
    copy(&from.join("work"), &machine.work);
    let state = machine.home.join("workspaces/share");
    let mut settings: Value =
        serde_json::from_slice(&fs::read(from.join("workspace.json")).unwrap()).unwrap();
    settings["share"] = machine.share.to_str().into();
    settings["work"] = machine.work.to_str().into();
    write(&state.join("workspace.json"), settings.to_string());
    let ledger = Connection::open(state.join("ledger.sqlite")).unwrap();
    ledger.execute_batch(&fs::read_to_string(from.join("ledger.sql")).unwrap()).unwrap();
    let number = fs::metadata(&machine.work).unwrap().ino().to_string();
    let set = "UPDATE meta SET value = ?1 WHERE key = 'folder.number'";
    assert_eq!(ledger.execute(set, [number]).unwrap(), 1, "a base means something only in its own folder");
    machine
}

fn both(root: &Path, scene: &str) -> [Machine; 2] {
    copy(&recorded(scene).join("share"), &root.join("share"));
    ["HOME-PC", "WORK-PC"].map(|name| earlier(root, scene, name))
}

/// Its two machines, with the question open on both, as it asked it: about the whole notebook.
fn asked(root: &Path) -> [Machine; 2] {
    both(root, "asked")
}

fn sources(machine: &Machine, path: &str) -> Vec<(String, String)> {
    let book: Value = serde_json::from_str(&machine.text(path)).unwrap();
    let text = |value: &Value| match value {
        Value::Array(lines) => lines.iter().map(|line| line.as_str().unwrap()).collect(),
        text => text.as_str().unwrap().to_owned(),
    };
    let cells = book["cells"].as_array().unwrap().iter();
    cells.map(|cell| (text(&cell["cell_type"]), text(&cell["source"]))).collect()
}

/// The sources of the cells without their kinds.
fn reads(machine: &Machine, path: &str) -> Vec<String> {
    sources(machine, path).into_iter().map(|(_, source)| source).collect()
}

/// The one open question is about the first cell of the notebook, with what both wrote.
#[track_caller]
fn asks_about_the_cell(machine: &Machine) {
    let open = machine.conflicts();
    let [conflict] = &open["conflicts"].as_array().unwrap()[..] else { panic!("{open:#}") };
    let [cell] = &conflict["cells"].as_array().unwrap()[..] else { panic!("{open:#}") };
    let other = &cell["others"][0];
    let mut sides = [cell, other].map(|one| (one["by"]["machine"].as_str(), one["source"].as_str()));
    sides.sort_unstable();
    assert_eq!((&conflict["path"], &cell["cell"]), (&json!(BOOK), &json!("a")));
    assert_eq!(sides, [(Some("HOME-PC"), Some("one by A")), (Some("WORK-PC"), Some("one by B"))], "{open:#}");
}

/// Both show the same, and syncs in turn do nothing more.
#[track_caller]
fn rest(machines: &[&Machine], exit: i32) {
    for _ in 0..2 {
        for machine in machines {
            let report = machine.run(&["--json", "sync"]).exits(&[exit]).json();
            for done in ["published", "received", "merged"] {
                assert_eq!(report[done], 0, "{}: {report:#}", machine.name);
            }
            assert_eq!(machine.files(), machines[0].files());
            assert_eq!(machine.mirror(), machine.files());
        }
    }
}

/// Shows that a question of the earlier kitbag about a whole notebook is told as it was until the first sync, and is then
/// about the one cell both wrote into, whichever machine has today's program first; that a notebook which merges now is
/// no question any more; that the versions of before are in the history; and that an answer settles it.
#[test]
fn an_open_question_about_a_notebook_is_taken_over() {
    for first in [0, 1] {
        let room = room();
        let machines = asked(room.path());
        let [a, b] = [&machines[first], &machines[1 - first]];
        let mut sides = BTreeSet::new();
        for machine in [a, b] {
            let open = machine.conflicts();
            let open = open["conflicts"].as_array().unwrap();
            assert_eq!(open.len(), 2, "{open:#?}");
            for one in open {
                assert_eq!((&one["kind"], &one["cells"]), (&json!("notebook"), &json!([])), "{one:#}");
                let ids = one["sides"].as_array().unwrap().iter().map(|side| side["id"].clone().to_string());
                sides.extend(ids);
            }
        }
        assert_eq!(sides.len(), 4, "two of each: {sides:?}");
        a.run(&["sync"]).exits(&[3]);
        b.run(&["sync"]).exits(&[3]);
        for machine in [a, b] {
            asks_about_the_cell(machine);
            let kinds: Vec<_> = sources(machine, BOOK).into_iter().map(|(kind, _)| kind).collect();
            assert_eq!(kinds, ["code", "raw", "code", "code", "code"], "the second version is not run");
            assert_eq!(reads(machine, BOOK)[2..], ["two by A", "three", "four by B"]);
            assert_eq!(reads(machine, APART), ["one by A", "two", "three by B", "four"]);
        }
        rest(&[a, b], 3);
        for path in [BOOK, APART] {
            let history = b.run(&["--json", "history", path]).exits(&[0]).json();
            let kept = history["versions"].as_array().unwrap().iter().filter(|one| one["kept"] == true);
            let kept: Vec<_> = kept.map(|one| one["id"].to_string()).collect();
            sides.retain(|side| !kept.contains(side));
        }
        assert!(sides.is_empty(), "what both wrote is in the history: {sides:?}");

        b.run(&["resolve", BOOK, "--keep", "HOME-PC"]).exits(&[0]);
        a.sync();
        assert_eq!(reads(a, BOOK), ["one by A", "two by A", "three", "four by B"]);
        rest(&[a, b], 0);
    }
}

/// Shows that the question can be answered by today's program before it has looked at the notebook: as a whole, as it was
/// asked; and that the answer counts also where the other machine has merged the notebook meanwhile.
#[test]
fn an_answer_about_the_whole_notebook_counts() {
    for merged_meanwhile in [false, true] {
        let room = room();
        let [a, b] = asked(room.path());
        let mine = b.text(BOOK);
        if merged_meanwhile {
            a.run(&["sync"]).exits(&[3]);
        }
        b.run(&["resolve", BOOK, "--keep", "this", "--cell", "a"]).exits(&[1]).explains(&["whole file"]);
        b.run(&["resolve", BOOK, "--keep", "this"]).exits(&[0]);
        a.sync();
        for machine in [&a, &b] {
            assert_eq!(machine.text(BOOK), mine, "{}", machine.name);
            assert_eq!(reads(machine, APART), ["one by A", "two", "three by B", "four"]);
        }
        rest(&[&a, &b], 0);
    }
}

/// Shows that who went on working with the earlier kitbag's version of the notebook loses nothing: the edit is put together
/// with what the other machine has merged by then, and the question is still about the one cell.
#[test]
fn an_edit_of_one_side_is_put_together_with_the_merge() {
    let room = room();
    let [a, b] = asked(room.path());
    a.run(&["sync"]).exits(&[3]);
    let text = b.text(BOOK);
    assert!(text.contains("\"three\""));
    b.write(BOOK, text.replace("\"three\"", "\"three more by B\""));
    b.run(&["sync"]).exits(&[3]);
    a.run(&["sync"]).exits(&[3]);
    for machine in [&a, &b] {
        asks_about_the_cell(machine);
        assert_eq!(reads(machine, BOOK)[2..], ["two by A", "three more by B", "four by B"]);
    }
    rest(&[&a, &b], 3);
}

/// Shows that a notebook the earlier kitbag left alone, because a later one had merged it beside an edit of its own, is put
/// together by today's, and that a machine which joins then sees the same.
#[test]
fn what_waited_for_a_later_kitbag_goes_on() {
    let room = room();
    copy(&recorded("waits/share"), &room.path().join("share"));
    let b = earlier(room.path(), "waits", "WORK-PC");
    assert_eq!(b.conflicts()["conflicts"], json!([]), "it waited and did not ask");
    assert_eq!(reads(&b, BOOK), ["one by B", "two", "three more by B", "four by B"]);
    b.run(&["sync"]).exits(&[3]);
    let c = Machine::new(room.path(), "THIRD-PC", &b.share);
    c.setup().exits(&[0, 3]);
    c.run(&["sync"]).exits(&[3]);
    for machine in [&b, &c] {
        asks_about_the_cell(machine);
        assert_eq!(reads(machine, BOOK)[2..], ["two by A", "three more by B", "four by B"]);
    }
    rest(&[&b, &c], 3);
    c.run(&["resolve", BOOK, "--keep", "WORK-PC", "--cell", "a"]).exits(&[0]);
    b.sync();
    assert_eq!(reads(&b, BOOK), ["one by B", "two by A", "three more by B", "four by B"]);
    rest(&[&b, &c], 0);
}

/// Shows that a notebook which was open when the program was replaced, with a newer version waiting for it to be closed,
/// is still not written: what is saved is put together with what waited, the question is about the cell, it is answered
/// meanwhile, and the notebook follows when nobody has saved it for a while.
#[test]
fn a_notebook_that_was_open_meanwhile_stays_so() {
    let room = room();
    let [a, b] = both(room.path(), "held");
    let status = a.run(&["--json", "status"]).exits(&[0]).json();
    assert_eq!(status["pending_notebooks"][0]["path"], BOOK, "{status:#}");
    let saved = a.text(BOOK).replace("\"one\"", "\"one by A\"").replace("\"two\"", "\"two by A\"");
    a.write(BOOK, &saved);
    for machine in [&a, &b, &a] {
        machine.run(&["sync"]).exits(&[3]);
        asks_about_the_cell(machine);
        let report = a.run(&["--json", "sync"]).exits(&[3]).json();
        assert_eq!(report["pending_notebooks"][0]["why"], "just-saved", "{report:#}");
        assert_eq!(a.text(BOOK), saved, "nothing is written under the hands of who has it open");
    }
    b.run(&["resolve", BOOK, "--keep", "HOME-PC"]).exits(&[0]);
    a.run(&["sync"]).exits(&[4]);
    assert_eq!(a.text(BOOK), saved);
    let past = SystemTime::now() - Duration::from_secs(300);
    File::options().write(true).open(a.work.join(BOOK)).unwrap().set_modified(past).unwrap();
    a.sync();
    assert_eq!(reads(&a, BOOK), ["one by A", "two by A", "three", "four by B"]);
    rest(&[&a, &b], 0);
}
