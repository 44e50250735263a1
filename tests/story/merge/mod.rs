//! `kitbag merge` on anybody's notebooks, without a workspace: what is printed, how it ends, what is written and what is
//! not; as a merge driver and merge tool of the real git; read and run by a real Jupyter. First tier.

mod git;
#[cfg(unix)]
pub mod jupyter;

use std::fs;
use std::path::Path;

use serde_json::{Value, json};

use crate::machine::{Machine, Ran, room};

/// A notebook of code cells: id, source, and what it printed.
pub fn notebook(cells: &[(&str, &str, &str)]) -> String {
    let cell = |(id, source, said): &(&str, &str, &str)| {
        let outputs = if said.is_empty() {
            json!([])
        } else {
            json!([{"name": "stdout", "output_type": "stream", "text": [said]}])
        };
        json!({"cell_type": "code", "execution_count": null, "id": id, "metadata": {}, "outputs": outputs,
               "source": source.split_inclusive('\n').collect::<Vec<_>>()})
    };
    let cells: Vec<_> = cells.iter().map(cell).collect();
    let whole = json!({"cells": cells, "metadata": {}, "nbformat": 4, "nbformat_minor": 5});
    serde_json::to_string_pretty(&whole).unwrap() + "\n"
}

/// The sources of all cells, each with its kind.
pub fn sources(bytes: &[u8]) -> Vec<(String, String)> {
    let notebook: Value = serde_json::from_slice(bytes).unwrap();
    let text = |source: &Value| match source {
        Value::Array(lines) => lines.iter().map(|line| line.as_str().unwrap()).collect(),
        other => other.as_str().unwrap().to_owned(),
    };
    let cells = notebook["cells"].as_array().unwrap();
    cells.iter().map(|cell| (cell["cell_type"].as_str().unwrap().to_owned(), text(&cell["source"]))).collect()
}

const BASE: &[(&str, &str, &str)] = &[("aaaa", "x = 1\nprint(x)\n", "1"), ("bbbb", "y = 2\n", "")];

/// Three files in a folder, the result's name, and who merges them.
struct Three {
    machine: Machine,
    room: tempfile::TempDir,
}

impl Three {
    fn new(left: &str, right: &str) -> Self {
        let room = room();
        let three = Three { machine: Machine::new(room.path(), "HERE", &room.path().join("none")), room };
        three.write("base", notebook(BASE));
        three.write("left", left);
        three.write("right", right);
        three
    }

    fn write(&self, name: &str, bytes: impl AsRef<[u8]>) {
        fs::write(self.at(name), bytes).unwrap();
    }

    fn read(&self, name: &str) -> Vec<u8> {
        fs::read(self.at(name)).unwrap()
    }

    fn at(&self, name: &str) -> String {
        self.room.path().join(name).to_str().unwrap().to_owned()
    }

    fn names(&self) -> Vec<String> {
        let items = fs::read_dir(self.room.path()).unwrap();
        let mut names: Vec<_> = items.map(|item| item.unwrap().file_name().into_string().unwrap()).collect();
        names.sort();
        names
    }

    /// Merge into this file.
    #[track_caller]
    fn merge(&self, out: &str, more: &[&str]) -> Ran {
        let [base, left, right, out] = ["base", "left", "right", out].map(|name| self.at(name));
        let words = ["merge", &base, &left, &right, "--out", &out];
        let ran = self.machine.run(&[&words, more].concat());
        for line in ran.stdout.lines().filter(|line| !line.contains(self.room.path().to_str().unwrap())) {
            assert!(line.chars().count() <= 80, "{line}");
        }
        let left_over = self.names().into_iter().find(|name| name.contains("kitbag"));
        assert_eq!(left_over, None);
        ran
    }
}

/// Both changed something else: one notebook with all of it, and what each did is told.
#[test]
fn what_is_clean_ends_with_nothing_open() {
    let left = notebook(&[("aaaa", "x = 10\nprint(x)\n", "10"), BASE[1]]);
    let right = notebook(&[BASE[0], BASE[1], ("cccc", "z = 3\n", "")]);
    let three = Three::new(&left, &right);
    let ran = three.merge("out", &[]).exits(&[0]);
    for word in ["merged.", "left: 1 cell edited", "right: 1 cell new"] {
        assert!(ran.stdout.contains(word), "{word}: {ran:?}");
    }
    let wanted = notebook(&[("aaaa", "x = 10\nprint(x)\n", "10"), BASE[1], ("cccc", "z = 3\n", "")]);
    assert_eq!(three.read("out"), wanted.as_bytes());
    let told = three.merge("out", &["--json"]).exits(&[0]).json();
    assert_eq!((&told["clean"], &told["base"], &told["conflicts"]), (&true.into(), &true.into(), &json!([])));
    assert_eq!((&told["sides"][0]["edited"], &told["sides"][1]["new"]), (&1.into(), &1.into()));
    // into one of the three, and through a link
    three.merge("left", &[]).exits(&[0]);
    assert_eq!(three.read("left"), wanted.as_bytes());
    #[cfg(unix)]
    {
        std::os::unix::fs::symlink(three.at("right"), three.at("link")).unwrap();
        three.merge("link", &[]).exits(&[0]);
        assert!(Path::new(&three.at("link")).is_symlink());
        assert_eq!(three.read("right"), wanted.as_bytes());
    }
    assert!(!three.machine.home.exists(), "a merge keeps nothing in machine state");
}

/// Both changed one line: ends with 1, both versions stand in a notebook, by the names that were given.
#[test]
fn what_both_changed_waits_and_is_told() {
    let left = notebook(&[("aaaa", "x = 10\nprint(x)\n", "1"), BASE[1]]);
    let right = notebook(&[("aaaa", "x = 20\nprint(x)\n", "1"), BASE[1]]);
    let three = Three::new(&left, &right);
    let names = ["--left-name", "Anna\u{1b}[31m", "--right-name", "Ben"];
    let ran = three.merge("out", &names).exits(&[1]);
    for word in ["1 cell waits for your answer", "Anna\\u{1b}[31m: x = 10", "Ben: x = 20", "Cell 1, code,"] {
        assert!(ran.stdout.contains(word), "{word}: {ran:?}");
    }
    let out = three.read("out");
    let pairs = [("code", "x = 10\nprint(x)\n"), ("raw", "x = 20\nprint(x)\n"), ("code", "y = 2\n")];
    assert_eq!(sources(&out), pairs.map(|(kind, source)| (kind.to_owned(), source.to_owned())));
    let told = three.merge("out", &[&names[..], &["--json"]].concat()).exits(&[1]).json();
    let open = &told["conflicts"][0];
    assert_eq!((&open["number"], &open["by"]["machine"]), (&1.into(), &names[1].into()));
    assert_eq!((&open["others"][0]["by"]["machine"], &told["clean"]), (&"Ben".into(), &false.into()));
    // what was merged before is merged again: the question stays, and an answer by hand settles it
    three.write("base", &out);
    three.write("left", &out);
    let mut answered: Value = serde_json::from_slice(&out).unwrap();
    answered["cells"].as_array_mut().unwrap().remove(1);
    three.write("right", serde_json::to_string(&answered).unwrap());
    three.merge("out", &names).exits(&[0]);
    assert_eq!(sources(&three.read("out")).len(), 2);
}

/// One side deleted what the other changed: it stays, is said, and is no open question. Old outputs are told.
#[test]
fn what_stays_and_what_is_stale_is_told() {
    let left = notebook(&[("aaaa", "x = 1\nprint(x)\n", "one")]);
    let right = notebook(&[("aaaa", "x = 2\nprint(x)\n", "1"), ("bbbb", "y = 3\n", "")]);
    let three = Three::new(&left, &right);
    let ran = three.merge("out", &[]).exits(&[0]);
    for word in ["Cell 2 was deleted (left)", "To run again", "cell 1."] {
        assert!(ran.stdout.contains(word), "{word}: {ran:?}");
    }
    let told = three.merge("out", &["--json"]).exits(&[0]).json();
    assert_eq!((&told["stale"][0]["number"], &told["kept"][0]["number"]), (&1.into(), &2.into()));
}

/// Without a base nothing counts as deleted; git gives an empty file or none.
#[test]
fn without_a_base_both_stay() {
    let three = Three::new(&notebook(&BASE[..1]), &notebook(&[BASE[0], ("cccc", "z\n", "")]));
    three.write("base", "");
    let ran = three.merge("out", &[]).exits(&[0]);
    assert!(ran.stdout.contains("nothing counts as deleted"), "{ran:?}");
    assert_eq!(sources(&three.read("out")).len(), 2);
    let [left, right, out] = ["left", "right", "other"].map(|name| three.at(name));
    let words = ["merge", "/dev/null", &left, &right, "--out", &out];
    if cfg!(unix) {
        three.machine.run(&words).exits(&[0]);
        assert_eq!(three.read("other"), three.read("out"));
    }
}

/// What is no notebook, is not there, is too large or cannot be written: said in three parts, nothing is written.
#[test]
fn what_cannot_be_merged_changes_nothing() {
    let good = notebook(BASE);
    let three = Three::new(&good, &good.replace("y = 2", "y = 3"));
    three.write("out", "as it was");
    let refused = |name: &str, bytes: &[u8], words: &[&str]| {
        let before = three.read(name);
        three.write(name, bytes);
        three.merge("out", &[]).exits(&[1]).explains(words);
        three.write(name, before);
        assert_eq!(three.read("out"), b"as it was");
    };
    refused("left", b"{\n\"cells\": [\n", &["left cannot be merged", "damaged in line 3"]);
    refused("right", b"\x1b[31mred", &["right cannot be merged", "damaged"]);
    refused("right", b"{\"nbformat\":3,\"worksheets\":[]}", &["right cannot be merged", "open and save it"]);
    refused("right", b"", &["right cannot be merged"]);
    let large = fs::File::create(three.at("left")).unwrap();
    large.set_len((128 << 20) + 1).unwrap();
    three.merge("out", &[]).exits(&[1]).explains(&["left is too large", "128 MiB"]);
    three.write("left", &good);
    fs::remove_file(three.at("base")).unwrap();
    three.merge("out", &[]).exits(&[1]).explains(&["base is not there"]);
    three.write("base", &good);
    fs::create_dir(three.at("folder")).unwrap();
    three.merge("folder", &[]).exits(&[1]).explains(&["cannot be written", "no plain file"]);
    three.merge("none/out", &[]).exits(&[1]).explains(&["cannot write"]);
    three.merge("out", &["--left-name", "right"]).exits(&[2]).explains(&["different names"]);
    assert_eq!(three.read("out"), b"as it was");
    let usage = three.machine.run(&["merge", &three.at("base")]).exits(&[2]);
    assert!(usage.stderr.contains("--out"), "{usage:?}");
}
