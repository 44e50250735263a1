//! A student's first two days on two computers, told on the page alone: the real kitbag with an agent and a page on each,
//! two cloud folders with a copier between them, and a real JupyterLab, started by the local backend. What is waited for
//! is that something is so, never that time goes by.

use std::path::{Path, PathBuf};

use serde_json::json;

use super::copier::Copier;
use super::desk::Desk;
use super::lab::jupyter;
use super::look::text;
use crate::jupyter::Jupyter;
use crate::machine::{room, write};

/// Only that root, who runs the tests in CI, may run JupyterLab is the test's own.
const COURSE: &str = r#"
id = "first-course"
title = "First course"
version = "1"
[[seed]]
from = "notes"
to = "notes"
[[service]]
name = "notebooks"
title = "Jupyter notebooks"
kind = "program"
[service.program]
program = "jupyter"
args = ["lab", "--no-browser", "--allow-root", "--ip=127.0.0.1", "--port={port}", "--ServerApp.port_retries=0",
  "--notebook-dir={work}"]
port = 35197
path = "/lab"
open = true
ready = { timeout_seconds = 120 }
[service.program.env]
JUPYTER_TOKEN = "{token}"
[backend.local]
"#;

const NOTES: &str = "notes/week1.md";
const BOOK: &str = "first.ipynb";
const SEEDED: &str = "# Week 1\n";
const READ: &str = "# Week 1\nread the first table\n";
const AT_HOME: &str = "# Week 1\nread the second table at home\n";
const IN_THE_TRAIN: &str = "# Week 1\nread the second table in the train\n";

fn course(room: &Path) -> PathBuf {
    let folder = room.join("first-course");
    write(&folder.join("course.toml"), COURSE);
    write(&folder.join(NOTES), SEEDED);
    folder
}

/// The first day: set up by four questions, a notebook run and saved, put away, found on the other computer.
#[track_caller]
fn the_first_day(room: &Path, home: &mut Desk, laptop: &mut Desk) {
    home.open();
    home.set_up(Some(&course(room)));
    home.allow("jupyter");
    home.reads(NOTES, SEEDED);
    home.open_notebooks();
    let opened = home.machine.run(&["open", "--print"]).exits(&[0]).stdout;
    let jupyter = Jupyter::opened(opened.trim());
    jupyter.save_cells(BOOK, &["print('the answer is', 6 * 7)"]);
    assert_eq!(jupyter.run(BOOK), "the answer is 42\n");
    home.machine.write(NOTES, READ);
    home.hands_over(NOTES, READ);
    home.done();

    laptop.open();
    laptop.set_up(None);
    laptop.allow("jupyter");
    laptop.reads(NOTES, READ);
    assert!(laptop.machine.text(BOOK).contains("the answer is 42"));

    // at home it is seen that the laptop has it open
    home.shows(60, "Has the course open since");
    home.press("home.start");
    home.asks(20, "LAPTOP has this open");
    home.picture("presence");
    home.press("dialog.not-now");
}

/// The second day: the same line changed on both, before either has the other's; seen, answered, taken back, answered
/// again, and the answer found on the other computer.
#[track_caller]
fn the_second_day(copier: &Copier, home: &mut Desk, laptop: &mut Desk) {
    {
        let _train = copier.offline();
        laptop.machine.write(NOTES, IN_THE_TRAIN);
        laptop.hands_over(NOTES, IN_THE_TRAIN);
        home.machine.write(NOTES, AT_HOME);
        home.hands_over(NOTES, AT_HOME);
    }
    // nobody presses anything
    home.shows(90, &text("state.needs-you"));
    home.picture("needs-you");
    home.press("home.answer");
    home.press("conflicts.show");
    home.look.until(60, "document.querySelectorAll('.only code').length === 2");
    home.picture("question");
    let sides = home.look.value("[...document.querySelectorAll('.only code')].map((one) => one.textContent)");
    assert_eq!(sides, json!([AT_HOME, IN_THE_TRAIN].map(|text| text.lines().last().unwrap())));
    home.look.press("Keep the one from LAPTOP");
    home.shows(120, &text("ended.resolve"));
    home.reads(NOTES, IN_THE_TRAIN);
    home.press("conflicts.undo");
    home.shows(120, &text("ended.undo"));
    home.reads(NOTES, AT_HOME);
    home.picture("taken-back");
    laptop.reads(NOTES, AT_HOME);
}

/// Everything else there is to look at, with what the real kitbag says.
#[track_caller]
fn every_view(home: &mut Desk, laptop: &mut Desk) {
    // an older version brought back
    home.go("history");
    home.picture("history");
    home.look.press(NOTES);
    home.look.until(20, "location.hash.startsWith('#/history/first-course/')");
    home.read();
    home.press_and_mean("history.restore");
    home.shows(120, &text("ended.restore"));
    home.picture("brought-back");
    laptop.reads(NOTES, &home.machine.text(NOTES));

    // half of a file of the history that a kitbag left behind: mended by a button
    let half = home.machine.share.join(".kitbag/packs/.~kitbag-half");
    write(&half, "half");
    home.go("health");
    home.shows(120, &text("health.fix"));
    home.picture("health");
    home.press("health.fix");
    // the copier's cloud program is none that kitbag knows to run: that is left
    home.shows(120, &text("ended.doctor-fix.some"));
    assert!(!half.exists(), "it is mended");
    home.picture("mended");

    home.press("tutor.copy");
    home.look
        .until(60, "document.querySelector('[data-key=tutor] pre')?.textContent.includes('kitbag') === true");
    home.picture("for-the-tutor");

    home.go("plugins");
    home.shows(60, "Start the program jupyter");
    home.picture("permissions");
    home.press_and_mean("plugins.revoke");
    home.shows(120, &text("ended.grant-revoke"));
    home.look.until(60, "!document.querySelector('main').innerText.includes('Start the program jupyter')");
}

/// Shows a student's first two days: set up by four questions, started, JupyterLab opened logged in, edited, done; found
/// on the other computer; changed on both, looked at side by side, answered and the answer taken back; an old version
/// brought back; something mended, told to the tutor, a permission taken back; started afresh with the same work. Every
/// view is right for somebody who sees badly. First tier.
#[test]
fn a_students_first_two_days() {
    let Some(programs) = jupyter() else { return };
    let room = room();
    let Some(mut home) = Desk::new("two-days", room.path(), "HOME-PC") else { return };
    let Some(mut laptop) = Desk::new("two-days", room.path(), "LAPTOP") else { return };
    for desk in [&mut home, &mut laptop] {
        let path = std::env::join_paths(
            [programs.clone()]
                .into_iter()
                .chain(std::env::split_paths(&std::env::var_os("PATH").unwrap_or_default())),
        );
        desk.machine.variables.insert("PATH".into(), path.unwrap().into_string().unwrap());
    }
    let copier = Copier::between([home.machine.share.clone(), laptop.machine.share.clone()]);

    the_first_day(room.path(), &mut home, &mut laptop);
    the_second_day(&copier, &mut home, &mut laptop);
    every_view(&mut home, &mut laptop);
    laptop.go("home");
    laptop.done();

    // afresh, with the same work
    let before = home.machine.files();
    home.go("home");
    home.press_and_mean("home.afresh");
    home.asks(120, "jupyter");
    home.press("question.allow");
    home.shows(180, &text("ended.reset"));
    home.picture("afresh");
    assert_eq!(home.machine.files(), before);
    home.press("operation.dismiss");
    home.open_notebooks();
    home.done();
    home.agrees_with(&laptop);
    home.has_what_has(&laptop);
    home.was_well();
    laptop.was_well();
}
