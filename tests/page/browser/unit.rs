//! A folder that only makes sense whole, changed on two computers, as the page shows it: the real kitbag with an agent and
//! a page on each, and two cloud folders with a copier between them.

use serde_json::{Value, json};

use super::copier::Copier;
use super::desk::Desk;
use super::look::text;
use crate::machine::{Machine, room, tree, write};
use crate::open::{set_up, until};

const COURSE: &str = "id = \"refine\"\ntitle = \"Cleaning data\"\nversion = \"1\"\n\
    [[unit]]\npath = \"projects/*.project\"\n[backend.local]\n";
const PROJECT: &str = "projects/17.project";
/// What only stands inside of it.
const INSIDE: [&str; 5] = ["metadata.json", "rows", "by-HOME-PC.json", "by-LAPTOP.json", "history"];

/// Work on the project, with a file of its own; as many bytes as are wanted.
fn work(machine: &Machine, bytes: usize) {
    let name = &machine.name;
    machine.write(&format!("{PROJECT}/metadata.json"), format!("{{\"by\":\"{name}\"}}\n"));
    machine.write(&format!("{PROJECT}/data/rows"), "r".repeat(bytes));
    machine.write(&format!("{PROJECT}/history/by-{name}.json"), "{}\n");
}

/// Work on it, and have all of it in the cloud folder. An agent that looks meanwhile may meet half of it.
#[track_caller]
fn work_and_sync(machine: &Machine, bytes: usize) {
    work(machine, bytes);
    until("it is in the cloud folder", || {
        let report = machine.run(&["--json", "sync"]).exits(&[0, 4]).json();
        (report["pending"] == 0).then_some(())
    });
}

/// The answers that stand on the page.
fn buttons(desk: &mut Desk) -> Value {
    desk.look
        .value("[...document.querySelectorAll('main article .buttons button')].map((one) => one.textContent)")
}

/// The question as the page shows it: one, about the folder, with both versions named, and nothing of what is in it.
#[track_caller]
fn is_one_question(desk: &mut Desk, mine: &str, theirs: &str) {
    desk.look.until(60, "document.querySelectorAll('main .sides').length > 0");
    assert_eq!(desk.look.value("document.querySelectorAll('main article').length"), 1.0);
    let label = desk.look.value("document.querySelector('main article').getAttribute('aria-label')");
    assert_eq!(label.as_str().unwrap().replace(['\u{2068}', '\u{2069}'], ""), PROJECT);
    let said = desk.look.value("document.body.innerText.replace(/[\\u2068\\u2069]/g, '')");
    let said = said.as_str().unwrap();
    for words in ["Questions (1 open)", &text("kind.unit"), &text("unit.means")] {
        assert!(said.contains(words), "{words}: {said}");
    }
    for inner in INSIDE {
        assert!(!said.contains(inner), "{inner} is shown: {said}");
    }
    let sides = desk.look.value(
        "[...document.querySelectorAll('main .sides li')].map((one) => one.textContent.replace(/[\\u2068\\u2069]/g, ''))",
    );
    let sides: Vec<_> = sides.as_array().unwrap().iter().map(|side| side.as_str().unwrap()).collect();
    let [this, other] = sides[..] else { panic!("{sides:?}") };
    // whose, when and how large: a moment of today has a colon
    for (side, whose, size) in [(this, "HOME-PC (this computer): ", mine), (other, "LAPTOP: ", theirs)] {
        let rest = side.strip_prefix(whose).unwrap_or_else(|| panic!("{whose} is not named: {sides:?}"));
        let (when, shown) = rest.rsplit_once(", ").unwrap();
        assert!(when.contains(':') && shown == size, "{sides:?}");
    }
    assert_eq!(buttons(desk), json!(["Keep mine", "Keep the one from LAPTOP", "Keep both"]));
}

/// Press the answer, once.
#[track_caller]
fn answer(desk: &mut Desk, words: &str) {
    desk.look.until(
        60,
        "[...document.querySelectorAll('main article .buttons button')].every((one) => !one.disabled)",
    );
    desk.look.press(words);
    desk.shows(120, &text("ended.resolve"));
    desk.shows(60, &text("conflicts.none"));
}

/// Shows that a folder that is one thing is one question on the page, whose versions are told apart by computer, moment and
/// size, and that one press answers for all of it: the other one whole, or both beside each other. First tier.
#[test]
fn a_folder_that_is_one_thing_is_one_question() {
    let room = room();
    let Some(mut home) = Desk::new("unit", room.path(), "HOME-PC") else { return };
    let Some(mut laptop) = Desk::new("unit", room.path(), "LAPTOP") else { return };
    let copier = Copier::between([home.machine.share.clone(), laptop.machine.share.clone()]);
    write(&room.path().join("course/course.toml"), COURSE);
    work(&home.machine, 100);
    home.machine.write("notes.md", "mine\n");
    set_up(&home.machine, "HOME-PC", Some(&room.path().join("course")));
    home.agrees_with(&laptop);
    set_up(&laptop.machine, "LAPTOP", None);
    home.has_what_has(&laptop);
    home.agrees_with(&laptop);
    {
        let _train = copier.offline();
        work_and_sync(&home.machine, 20_000);
        work_and_sync(&laptop.machine, 300_000);
    }
    let (mine, theirs) = (tree(&home.machine.work.join(PROJECT)), tree(&laptop.machine.work.join(PROJECT)));
    for desk in [&mut home, &mut laptop] {
        desk.open();
        desk.shows(90, &text("state.needs-you"));
    }
    home.shows(10, "1 folder was changed on two computers. Both versions are kept whole.");
    home.picture("needs-you");
    home.press("home.answer");
    is_one_question(&mut home, "20 KB", "300 KB");
    home.picture("question");
    answer(&mut home, "Keep the one from LAPTOP");
    assert_eq!(tree(&home.machine.work.join(PROJECT)), theirs, "whole, with nothing of mine left in it");

    home.press("conflicts.undo");
    home.shows(120, &text("ended.undo"));
    assert_eq!(tree(&home.machine.work.join(PROJECT)), mine);
    until("the other computer has it too", || {
        (tree(&laptop.machine.work.join(PROJECT)) == mine).then_some(())
    });

    // once more, and both are kept
    home.agrees_with(&laptop);
    {
        let _train = copier.offline();
        work_and_sync(&home.machine, 30_000);
        work_and_sync(&laptop.machine, 400_000);
    }
    let (mine, theirs) = (tree(&home.machine.work.join(PROJECT)), tree(&laptop.machine.work.join(PROJECT)));
    is_one_question(&mut home, "30 KB", "400 KB");
    answer(&mut home, "Keep both");
    home.shows(20, "projects/17 (LAPTOP).project");
    home.picture("kept-both");
    for desk in [&home, &laptop] {
        let at = |path: &str| tree(&desk.machine.work.join(path));
        until("both have both", || {
            (at(PROJECT) == mine && at("projects/17 (LAPTOP).project") == theirs).then_some(())
        });
    }
    laptop.look.until(
        90,
        &format!("!document.querySelector('main').innerText.includes({:?})", text("state.needs-you")),
    );
    home.was_well();
    laptop.was_well();
}
