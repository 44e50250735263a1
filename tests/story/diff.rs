//! `kitbag diff`: what a person changed since the last version, what the last version brought, what became of a file since
//! an older one, and any two files. Nothing that stands in a file reaches the terminal as more than text. First tier.

use std::fs;

use serde_json::{Value, json};

use crate::machine::{Machine, Ran, pair, room};
use crate::merge::notebook;

/// A notebook with these outputs of one cell.
fn run(source: &str, outputs: &Value) -> String {
    let cell = json!({"cell_type": "code", "execution_count": 1, "id": "aaaa", "metadata": {}, "outputs": outputs, "source": source});
    json!({"cells": [cell], "metadata": {}, "nbformat": 4, "nbformat_minor": 5}).to_string()
}

#[track_caller]
fn diff(machine: &Machine, words: &[&str]) -> Ran {
    let ran = machine.run(&[&["diff"], words].concat()).exits(&[0]);
    for line in ran.stdout.lines() {
        assert!(line.chars().count() <= 80, "{line}");
    }
    ran
}

#[track_caller]
fn says(ran: &Ran, words: &[&str]) {
    for word in words {
        assert!(ran.stdout.contains(word), "{word:?} is missing: {}", ran.stdout);
    }
}

fn machine(room: &tempfile::TempDir) -> Machine {
    Machine::new(room.path(), "HERE", &room.path().join("none"))
}

/// Of a notebook: which cells, their lines, and what became of their outputs in words.
#[test]
fn two_notebooks_are_compared_cell_by_cell() {
    let room = room();
    let machine = machine(&room);
    let files = ["one.ipynb", "other.ipynb"].map(|name| room.path().join(name));
    let [one, other] = files.each_ref().map(|file| file.to_str().unwrap());
    let compare = |before: &str, after: &str| {
        fs::write(one, before).unwrap();
        fs::write(other, after).unwrap();
        diff(&machine, &[one, other])
    };
    let before = notebook(&[
        ("a", "x = 1\ny = 2\n", ""),
        ("b", "gone\n", ""),
        ("c", "print(3)\n", "3\n"),
        ("d", "end", ""),
    ]);
    let after = notebook(&[
        ("d", "end", ""),
        ("a", "x = 1\ny = 3\nz = 4\n", ""),
        ("c", "print(3)\n", "3\n4\n"),
        ("e", "new\n", ""),
    ]);
    let ran = compare(&before, &after);
    says(&ran, &["cell 2, code", "- y = 2", "+ y = 3", "+ z = 4", "cell 2, code: deleted", "- gone"]);
    says(&ran, &["cell 4, code: new", "+ new", "cell 1, code: moved, was cell 4", "text 1 → 2 lines"]);
    assert!(!ran.stdout.contains("x = 1"), "what did not change is not shown: {}", ran.stdout);
    let table = |rows: usize| {
        json!([{"output_type": "execute_result", "execution_count": 1, "metadata": {},
        "data": {"text/html": format!("<table><tbody>{}</tbody></table>", "<tr></tr>".repeat(rows))}}])
    };
    let plot =
        |bytes: &str| json!([{"output_type": "display_data", "metadata": {}, "data": {"image/png": bytes}}]);
    let error =
        json!([{"output_type": "error", "ename": "Key\u{1b}[31mError", "evalue": "", "traceback": []}]);
    says(&compare(&run("x", &table(12)), &run("x", &table(40))), &["table 12 → 40 rows"]);
    says(&compare(&run("x", &plot("iVBO")), &run("x", &plot("iVBP"))), &["plot changed"]);
    says(&compare(&run("x", &json!([])), &run("x", &plot("iVBP"))), &["1 plot new"]);
    says(
        &compare(&run("x", &plot("iVBP")), &run("x", &error)),
        &["1 plot gone", "an error now: Key\\u{1b}[31mError"],
    );
    says(&compare(&before, &before), &["Nothing differs."]);
    says(&compare(&before, &before.replace('\n', " ")), &["Only how it is written differs"]);
    // one that is not there
    if cfg!(unix) {
        let ran = diff(&machine, &["/dev/null", one]);
        says(&ran, &["cell 1, code: new", "+ gone"]);
    }
    let told = machine.run(&["--json", "diff", one, other]).exits(&[0]).json();
    assert_eq!((&told["kind"], &told["cells"]), (&"notebook".into(), &json!([])));
}

/// Of texts lines, of all else that it differs; what is hostile, long or wide stays text in eighty columns.
#[test]
fn two_files_of_any_kind_are_compared() {
    let room = room();
    let machine = machine(&room);
    let files = ["one", "other"].map(|name| room.path().join(name));
    let [one, other] = files.each_ref().map(|file| file.to_str().unwrap());
    let compare = |before: &[u8], after: &[u8]| {
        fs::write(one, before).unwrap();
        fs::write(other, after).unwrap();
        diff(&machine, &[one, other])
    };
    says(&compare(b"a\nb\n", b"a\nc\n"), &["line 2\n- b\n+ c\n"]);
    says(&compare(b"a", b"a\n"), &["Only the end of the last line differs"]);
    says(&compare(b"a\0b", b"a\0bcd"), &["differs: 3 bytes → 5 bytes"]);
    says(&compare(b"", b"new\n"), &["+ new"]);
    let long = format!("{}\u{1b}]0;title\u{7}\tend\r\u{202e}\n", "word ".repeat(60));
    let ran = compare(b"x\n", long.as_bytes());
    says(&ran, &["\\u{1b}]0;title\\u{7}    end\\r\\u{202e}".replace("\\r", "\\u{d}").as_str()]);
    compare(b"x", "y".repeat(5_000).as_bytes());
    for (name, size) in [(one, 130 << 20), (other, 130 << 20)] {
        fs::File::create(name).unwrap().set_len(size).unwrap();
    }
    says(&diff(&machine, &[one, other]), &["Nothing differs."]);
    fs::write(other, "small").unwrap();
    says(&diff(&machine, &[one, other]), &["differs: 136314880 bytes → 5 bytes"]);
    machine
        .run(&["diff", one, room.path().join("none").to_str().unwrap()])
        .exits(&[1])
        .explains(&["not there"]);
    machine.run(&["diff", one, other, "--at", "12345678"]).exits(&[2]);
}

/// Of the workspace: what I changed, what came in, what became of an older version; a file that is new, removed, a merge.
#[test]
fn a_file_is_compared_with_its_versions() {
    let room = room();
    let base = notebook(&[("a", "x = 1\n", ""), ("b", "y = 1\n", "")]);
    let (a, b) = pair(room.path(), &[("w1.ipynb", base.as_bytes()), ("notes.txt", b"one\ntwo\n")]);
    says(&diff(&a, &["notes.txt"]), &["new; what you have now", "+ one"]);
    a.write("notes.txt", "one\n2\n");
    let ran = diff(&a, &["notes.txt"]);
    says(&ran, &["notes.txt:\n  version ", "(HOME-PC, ", "→ what you have now", "- two", "+ 2"]);
    // nothing is changed by looking, and once it is saved it is still the latest change
    a.sync();
    assert_eq!(diff(&a, &["notes.txt"]).stdout, ran.stdout);
    let first = a.run(&["--json", "history", "notes.txt"]).json()["versions"][1]["short"].clone();
    a.write("notes.txt", "one\n2\nthree\n");
    a.sync();
    says(&diff(&a, &["notes.txt", "--at", first.as_str().unwrap()]), &["- two", "+ 2", "+ three"]);
    let told = a.run(&["--json", "diff", "notes.txt"]).exits(&[0]).json();
    assert_eq!((&told["kind"], &told["before"]["machine"]), (&"text".into(), &"HOME-PC".into()));
    assert_eq!(told["lines"], json!([{"before": 3, "after": 3, "removed": [], "added": ["three"]}]));
    assert_eq!((&told["before"]["bytes"], &told["after"]["version"]), (&6.into(), &Value::Null));
    // what the other computer did, as it came in
    b.sync();
    b.write("w1.ipynb", base.replace("y = 1", "y = 20"));
    b.sync();
    a.sync();
    says(&diff(&a, &["w1.ipynb"]), &["cell 2, code", "- y = 1", "+ y = 20"]);
    a.remove("notes.txt");
    says(&diff(&a, &["notes.txt"]), &["→ removed here", "- one"]);
    a.run(&["diff", "none.txt"]).exits(&[1]).explains(&["not in the working folder"]);
    a.run(&["diff", "notes.txt", "--at", "00000000"]).exits(&[1]).explains(&["no version of notes.txt"]);
}
