//! Questions about a notebook that is open in a real Jupyter server: it is answered while Jupyter holds it, the other
//! computer has the answer at once, nothing is written under Jupyter's hands, whatever is saved there meanwhile is put
//! together with the answer, and the notebook follows when it is closed. JupyterLab is fetched once from the package
//! index pip is set up for; where none is reached that is said, and in CI it is a failure.

use std::fs::{self, File};
use std::path::Path;
use std::time::{Duration, SystemTime};

use serde_json::{Value, json};

use crate::course::setup_with;
use crate::jupyter::Jupyter;
use crate::machine::{Machine, room, write};
use crate::merge::jupyter::lab;
use crate::notebooks::{BOOK, START, all_settle, book, open_cells, resolve, sources, with};

/// Only that root, who runs the tests in CI, may run Jupyter is the test's own.
const COURSE: &str = r#"
id = "opened"
title = "Opened"
version = "1"
[[service]]
name = "notebooks"
kind = "program"
[service.program]
program = "jupyter"
args = ["lab", "--no-browser", "--allow-root", "--ip=127.0.0.1", "--port={port}", "--ServerApp.port_retries=0",
  "--notebook-dir={work}"]
port = true
path = "/lab"
open = true
ready = { timeout_seconds = 120 }
[service.program.env]
JUPYTER_TOKEN = "{token}"
[backend.local]
"#;

/// The computer on which the notebook is open, and its Jupyter, which ends with the test.
struct Opened {
    machine: Machine,
    jupyter: Jupyter,
    /// Jupyter's name of what it has open.
    session: String,
}

impl Drop for Opened {
    fn drop(&mut self) {
        self.machine.command(&["--yes", "done"]).output().ok();
    }
}

impl Opened {
    /// Open the notebook, as a click on it does: a kernel is started for it.
    fn new(machine: Machine) -> Self {
        machine.run(&["--yes", "up", "--no-open"]).exits(&[0]);
        let url = machine.run(&["open", "--print"]).exits(&[0]).stdout;
        let jupyter = Jupyter::opened(url.trim());
        let of = json!({ "path": BOOK, "name": BOOK, "type": "notebook", "kernel": { "name": "python3" } });
        let session = jupyter.ask("POST", "/api/sessions", &of)["id"].as_str().unwrap().to_owned();
        Opened { machine, jupyter, session }
    }

    /// Save what the browser holds, as JupyterLab does by itself every two minutes.
    #[track_caller]
    fn saves(&self, text: &str) {
        let content: Value = serde_json::from_str(text).unwrap();
        let body = json!({ "type": "notebook", "format": "json", "content": content });
        self.jupyter.ask("PUT", &format!("/api/contents/{BOOK}"), &body);
    }

    /// Close it and shut its kernel down, a while after it was saved.
    #[track_caller]
    fn closes(&self) {
        self.jupyter.ask("DELETE", &format!("/api/sessions/{}", self.session), &Value::Null);
        self.rests();
    }

    /// Nobody saved it for a while.
    fn rests(&self) {
        let past = SystemTime::now() - Duration::from_secs(60);
        File::options().write(true).open(self.machine.work.join(BOOK)).unwrap().set_modified(past).unwrap();
    }

    /// Nothing is open any more, and both show the same.
    #[track_caller]
    fn settles_with(&self, other: &Machine) {
        // Jupyter's own copies stay where they are
        fs::remove_dir_all(self.machine.work.join("part/.ipynb_checkpoints")).unwrap();
        all_settle(&[&self.machine, other]);
    }

    /// Nothing was written under Jupyter's hands, and it is told that something waits, once and for as long as it does.
    #[track_caller]
    fn holds(&self, saved: &[&str], exit: i32) {
        assert_eq!(sources(&self.machine), saved, "nothing is written under Jupyter's hands");
        let status = self.machine.run(&["--json", "status"]).exits(&[0, 3]).json();
        let pending = status["pending_notebooks"].as_array().unwrap();
        assert_eq!(pending.len(), 1, "{status:#}");
        assert_eq!((&pending[0]["path"], &pending[0]["why"]), (&json!(BOOK), &json!("open")), "{status:#}");
        let said = self.machine.run(&["sync"]).exits(&[exit]).stdout;
        assert!(said.contains("it is open here: close it"), "{said}");
        assert_eq!(sources(&self.machine), saved, "nor by one more sync");
    }
}

/// Both changed the cells a and c, and each one of the others; the notebook is open at home. None where no Jupyter is to
/// be had.
fn asked_while_open(room: &Path) -> Option<(Opened, Machine)> {
    let programs = lab::jupyter()?;
    let course = room.join("course");
    write(&course.join("course.toml"), COURSE);
    let share = room.join("share");
    let (mut a, b) = (Machine::new(room, "HOME-PC", &share), Machine::new(room, "WORK-PC", &share));
    let path = std::env::var_os("PATH").unwrap_or_default();
    let path = std::env::join_paths([programs].into_iter().chain(std::env::split_paths(&path))).unwrap();
    a.variables.insert("PATH".into(), path.into_string().unwrap());
    a.write(BOOK, book(&START));
    setup_with(&a, &course).exits(&[0]);
    b.setup().exits(&[0]);
    let a = Opened::new(a);
    a.saves(&with(&[("a", "one by A"), ("b", "two by A"), ("c", "three A")]));
    a.machine.run(&["sync"]).exits(&[0]);
    b.write(BOOK, with(&[("a", "one by B"), ("c", "three B"), ("d", "four by B")]));
    b.run(&["sync"]).exits(&[3]);
    a.machine.run(&["sync"]).exits(&[3]);
    Some((a, b))
}

const SAVED: [&str; 4] = ["one by A", "two by A", "three A", "four"];

fn open_ids(machine: &Machine) -> Vec<String> {
    open_cells(machine).iter().map(|cell| cell["cell"].as_str().unwrap().to_owned()).collect()
}

/// Nothing is done any more by syncs in turn.
#[track_caller]
fn rest(machines: [&Machine; 2]) {
    for machine in [machines, machines].concat() {
        let report = machine.run(&["--json", "sync"]).exits(&[0, 3, 4]).json();
        for done in ["published", "received", "merged"] {
            assert_eq!(report[done], 0, "{}: {report:#}", machine.name);
        }
    }
}

/// Shows that a question about an open notebook is answered while it is open, cell by cell and as a whole: the other
/// computer has each answer at once, a save of the old text in Jupyter undoes none, and the notebook is written once it
/// is closed. First tier.
#[test]
fn a_question_is_answered_while_the_notebook_is_open() {
    let room = room();
    let Some((a, b)) = asked_while_open(room.path()) else { return };
    a.holds(&SAVED, 3);
    assert_eq!(open_ids(&a.machine), ["a", "c"]);

    resolve(&a.machine, &["--keep", "WORK-PC", "--cell", "a"]).exits(&[3]);
    assert_eq!(open_ids(&a.machine), ["c"]);
    a.holds(&SAVED, 3);
    b.run(&["sync"]).exits(&[3]);
    assert_eq!(open_ids(&b), ["c"]);
    assert_eq!(sources(&b)[..2], ["one by B", "two by A"]);

    // the browser holds the text of before, and somebody goes on typing into another cell
    a.saves(&with(&[("a", "one by A"), ("b", "two by A, and more"), ("c", "three A")]));
    a.machine.run(&["sync"]).exits(&[3]);
    let saved = ["one by A", "two by A, and more", "three A", "four"];
    a.holds(&saved, 3);
    assert_eq!(open_ids(&a.machine), ["c"], "a save of what was answered is no other answer");

    // what lies in the folder is not the notebook with both versions
    resolve(&a.machine, &["--keep", "merged"]).exits(&[1]).explains(&["Close it where it is open"]);
    assert_eq!(open_ids(&a.machine), ["c"]);
    resolve(&a.machine, &["--keep", "HOME-PC"]).exits(&[4]);
    a.holds(&saved, 4);
    b.sync();
    let answered = ["one by B", "two by A, and more", "three A", "four by B"];
    assert_eq!(sources(&b), answered);
    rest([&a.machine, &b]);
    a.holds(&saved, 4);

    a.closes();
    a.machine.sync();
    assert_eq!(sources(&a.machine), answered);
    assert_eq!(a.machine.text(BOOK), b.text(BOOK));
    a.settles_with(&b);
    // opened again it is what Jupyter shows
    let shown = a.jupyter.notebook(BOOK)["cells"][0]["source"].clone();
    assert_eq!(shown, "one by B");
    rest([&a.machine, &b]);
}

/// Shows that what is typed into an answered cell in Jupyter, which never showed the answer, stays beside it as a new
/// question, whether the answer was given here or on the other computer; and that `done` brings the answer in. First
/// tier.
#[test]
fn what_is_typed_into_an_answered_cell_meanwhile_stays() {
    for at_home in [true, false] {
        let room = room();
        let Some((a, b)) = asked_while_open(room.path()) else { return };
        let answers = if at_home { &a.machine } else { &b };
        resolve(answers, &["--keep", "WORK-PC"]).exits(&[if at_home { 4 } else { 0 }]);
        b.sync();
        a.machine.run(&["sync"]).exits(&[4]);
        a.holds(&SAVED, 4);
        a.saves(&with(&[("a", "one by A, and more"), ("b", "two by A"), ("c", "three A")]));
        a.machine.run(&["sync"]).exits(&[3]);
        b.run(&["sync"]).exits(&[3]);
        for machine in [&a.machine, &b] {
            let open = open_cells(machine);
            let [cell] = &open[..] else { panic!("{open:#?}") };
            let mut both = [&cell["source"], &cell["others"][0]["source"]].map(|one| one.as_str().unwrap());
            both.sort_unstable();
            assert_eq!((&cell["cell"], both), (&json!("a"), ["one by A, and more", "one by B"]));
        }
        let typed = ["one by A, and more", "two by A", "three A", "four"];
        a.holds(&typed, 3);
        rest([&a.machine, &b]);
        resolve(&b, &["--keep", "HOME-PC"]).exits(&[0]);
        a.machine.run(&["sync"]).exits(&[4]);
        a.holds(&typed, 4);
        a.machine.run(&["--yes", "done"]).exits(&[0]);
        assert_eq!(sources(&a.machine), ["one by A, and more", "two by A", "three B", "four by B"]);
        a.settles_with(&b);
    }
}

/// Shows that an answer given while the notebook is open is taken back as any other: the questions are there again, with
/// what both wrote. First tier.
#[test]
fn an_answer_given_while_the_notebook_is_open_is_taken_back() {
    let room = room();
    let Some((a, b)) = asked_while_open(room.path()) else { return };
    resolve(&a.machine, &["--keep", "WORK-PC"]).exits(&[4]);
    // nothing of it is in the folder yet
    let undo = a.machine.run(&["--json", "undo"]).exits(&[1]).json();
    assert_eq!(undo["undone"]["files"][0]["undone"], false, "{undo:#}");
    a.holds(&SAVED, 4);
    let answer = a.machine.run(&["--json", "undo", "--list"]).exits(&[0]).json();
    let all = answer["operations"].as_array().unwrap();
    let number = all.iter().find(|one| one["what"] == "resolve").unwrap()["number"].to_string();
    a.closes();
    a.machine.sync();
    assert_eq!(sources(&a.machine), ["one by B", "two by A", "three B", "four by B"]);
    a.rests();
    a.machine.run(&["undo", &number]).exits(&[3]);
    b.run(&["sync"]).exits(&[3]);
    for machine in [&a.machine, &b] {
        assert_eq!(open_ids(machine), ["a", "c"], "the questions are back");
        assert_eq!(sources(machine).last().unwrap(), "four by B", "and what nobody asked about stays");
    }
}
