//! Snapshots with a real engine: what the course's programs keep for themselves comes back, the student's files stay,
//! `reset` keeps them, another machine has none of them, and a kill at any moment leaves old or new, never half.

use std::fs;
use std::time::Instant;

use serde_json::Value;

use super::killed::kill;
use super::lab::{Docked, course_image, engine, small_course, small_image, turn};
use crate::course::setup_with;
use crate::databases;
use crate::gone::seed;
use crate::http::get;
use crate::machine::{Chance, room};

const UP: &[&str] = &["--yes", "up", "--no-open"];

/// What lies in the volume of the page.
fn mark(machine: &Docked) -> String {
    let cat = ["exec", "page", "--", "/bin/busybox", "cat", "/kept/mark"];
    machine.run(&cat).exits(&[0]).stdout.trim().to_owned()
}

fn set_mark(machine: &Docked, text: &str) {
    let script = format!("echo {text} > /kept/mark; echo {text} > /inside");
    machine.run(&["exec", "page", "--", "/bin/busybox", "sh", "-c", &script]).exits(&[0]);
}

/// Names of the snapshots, and bytes of all.
fn list(machine: &Docked) -> (Vec<String>, u64) {
    let said = machine.run(&["--json", "snapshot", "list"]).exits(&[0]).json();
    let all = said["snapshots"].as_array().unwrap();
    let name = |one: &Value| one["name"].as_str().unwrap().to_owned();
    (all.iter().map(name).collect(), all.iter().map(|one| one["bytes"].as_u64().unwrap()).sum())
}

/// Shows that a snapshot brings back what the programs keep, runs again as before, outlives `reset`, is nobody else's,
/// and goes when it is asked for. First tier.
#[test]
fn what_the_programs_keep_comes_back() {
    if !engine() {
        return;
    }
    let _turn = turn();
    let room = room();
    let course = room.path().join("course");
    small_course(&course, &small_image(None));
    let (a, b) = crate::machine::pair(room.path(), &[]);
    setup_with(&a, &course).exits(&[0]);
    let (a, b) = (Docked::from(a), Docked::from(b));
    a.run(&["snapshot", "list"]).exits(&[5]).explains(&["nothing was started", "kitbag up"]);
    a.run(UP).exits(&[0]);
    let bare = a.things();
    set_mark(&a, "one");
    a.write("notes/mine.md", "before\n");
    let said = a.run(&["--yes", "snapshot", "week-1"]).exits(&[0]).stdout;
    for words in ["week-1", "bytes", "own history", "installed inside", "networks"] {
        assert!(said.contains(words), "{words:?}: {said}");
    }
    assert_eq!((mark(&a), get(&a.url("page"), None)), ("one".to_owned(), Some(200)), "it runs again");
    assert_eq!(a.things().containers, bare.containers);
    // two volumes, and what says that they are whole
    assert_eq!(a.things().volumes.len(), bare.volumes.len() + 3);
    set_mark(&a, "two");
    a.write("notes/mine.md", "after\n");
    for (name, words) in
        [("week-1", "already"), ("../x", "cannot be called"), ("a\u{1b}[31m", "cannot be called")]
    {
        let ran = a.run(&["--yes", "snapshot", "take", name]).exits(&[1]);
        ran.explains(&[words]);
        assert!(!ran.stderr.contains("\u{1b}[31m"));
    }
    let said = a.run(&["--json", "--yes", "snapshot"]).exits(&[0]).json();
    assert_eq!(said["snapshot"]["name"], "snapshot-1", "{said:#}");
    assert!(said["services"].as_array().unwrap().iter().any(|one| one["state"] == "running"), "{said:#}");

    a.run(&["--yes", "snapshot", "restore", "week-1"]).exits(&[0]);
    assert_eq!((mark(&a), get(&a.url("page"), None)), ("one".to_owned(), Some(200)));
    assert_eq!(a.text("notes/mine.md"), "after\n", "files are none of its business");
    let inside = ["exec", "page", "--", "/bin/busybox", "test", "-e", "/inside"];
    a.run(&inside).exits(&[1]);
    a.run(&["--yes", "snapshot", "restore", "snapshot-1"]).exits(&[0]);
    assert_eq!(mark(&a), "two");

    a.run(&["--yes", "reset", "--no-open"]).exits(&[0]);
    assert_eq!(list(&a).0, ["week-1", "snapshot-1"]);
    a.run(&["done"]).exits(&[0]);
    assert!(a.things().running.is_empty());
    // where nothing runs nothing is left running
    a.run(&["snapshot", "restore", "week-1"]).exits(&[0]);
    assert!(a.things().running.is_empty());
    a.run(UP).exits(&[0]);
    assert_eq!(mark(&a), "one");
    a.run(&["done"]).exits(&[0]);

    b.run(UP).exits(&[0]);
    assert_eq!(list(&b).0, [""; 0]);
    b.run(&["--yes", "snapshot", "restore", "week-1"]).exits(&[1]).explains(&["no snapshot called week-1"]);
    b.run(&["done"]).exits(&[0]);

    let (names, bytes) = list(&a);
    assert!(names.len() == 2 && bytes > 0);
    let said = a.run(&["clean", "--dry-run"]).exits(&[0]).stdout;
    assert!(said.contains("2 snapshots stay") && said.contains("--snapshots"), "{said}");
    a.run(&["snapshot", "remove", "week-1"]).exits(&[0]);
    a.run(&["snapshot", "remove", "week-1"]).exits(&[1]).explains(&["There are: snapshot-1"]);
    a.run(&["--yes", "clean", "--snapshots"]).exits(&[0]);
    assert_eq!(list(&a).0, [""; 0]);
    assert_eq!(a.things().volumes.len(), bare.volumes.len());
}

/// Shows that a kill at random moments of taking and restoring leaves what was there or what was restored, and nothing
/// beside it once the next command has run. 4 moments in the first tier, 16 in the second. Seeded: STORY_SEED.
#[test]
fn killed_while_it_copies() {
    if !engine() {
        return;
    }
    let _turn = turn();
    let seed = seed();
    let mut chance = Chance::new(seed);
    let room = room();
    let course = room.path().join("course");
    small_course(&course, &small_image(None));
    let a = Docked::new(room.path(), "HOME-PC", &room.path().join("share"));
    setup_with(&a, &course).exits(&[0]);
    a.run(UP).exits(&[0]);
    set_mark(&a, "kept");
    let timed = |verb: &[&str]| {
        let began = Instant::now();
        a.run(verb).exits(&[0]);
        began.elapsed()
    };
    let taking = timed(&["--yes", "snapshot", "kept"]);
    let restoring = timed(&["--yes", "snapshot", "restore", "kept"]);
    let whole = a.things();
    let moments = if std::env::var_os("KITBAG_FULL").is_some() { 16 } else { 4 };
    for moment in 0..moments {
        let part = chance.below(1_000) as f64 / 1_000.0;
        let restores = moment % 2 == 0;
        let say = format!("seed {seed}, moment {moment}, at {part}, restores: {restores}");
        set_mark(&a, "now");
        let (verb, took): (&[&str], _) = if restores {
            (&["--yes", "snapshot", "restore", "kept"], restoring)
        } else {
            (&["--yes", "snapshot", "extra"], taking)
        };
        let in_time = kill(&a, verb, took.mul_f64(part));
        if chance.percent(30) {
            a.run(&["done"]).exits(&[0]);
            assert!(a.things().running.is_empty(), "{say}");
        }
        a.run(UP).exits(&[0]);
        let held = mark(&a);
        assert!(held == "now" || restores && held == "kept", "{say}: {held:?}");
        assert!(in_time || !restores || held == "kept", "{say}");
        assert_eq!(get(&a.url("page"), None), Some(200), "{say}");
        if list(&a).0.contains(&"extra".to_owned()) {
            assert!(!restores);
            a.run(&["snapshot", "remove", "extra"]).exits(&[0]);
        }
        let now = a.things();
        assert_eq!((&now.running, &now.containers), (&whole.running, &whole.containers), "{say}");
        assert_eq!(now.volumes.len(), whole.volumes.len(), "{say}: {:?}", now.volumes);
    }
    a.run(&["--yes", "snapshot", "restore", "kept"]).exits(&[0]);
    assert_eq!(mark(&a), "kept", "seed {seed}");
    a.run(&["done"]).exits(&[0]);
}

/// Shows that rows of PostgreSQL come back with a snapshot, that this is an edit which follows the student to the other
/// machine and asks nobody anything, and that what was there before is in the history. First tier; in the second also
/// there and back, where the course stands still, and after `reset`.
#[test]
fn rows_come_back_and_follow_the_student() {
    if !course_image() {
        return;
    }
    let _turn = turn();
    let room = room();
    let (a, b) = crate::machine::pair(room.path(), &[]);
    setup_with(&a, &databases::course(room.path())).exits(&[0]);
    let (a, b) = (Docked::from(a), Docked::from(b));
    let marks = |machine: &Docked| machine.sql("SELECT string_agg(mark, ',' ORDER BY mark) FROM marks");
    a.run(UP).exits(&[0]);
    a.sql("CREATE TABLE marks (mark text PRIMARY KEY); INSERT INTO marks VALUES ('first'), ('second')");
    a.run(&["--yes", "snapshot", "good"]).exits(&[0]);
    assert_eq!(marks(&a), "first,second");
    a.sql("DELETE FROM marks WHERE mark = 'first'; INSERT INTO marks VALUES ('late')");
    a.run(&["--yes", "snapshot", "restore", "good"]).exits(&[0]);
    assert_eq!(marks(&a), "first,second");
    let versions = a.run(&["--json", "history", databases::DUMP]).exits(&[0]).json();
    assert!(versions["versions"].as_array().unwrap().len() >= 3, "what was there before too: {versions:#}");
    a.run(&["done"]).exits(&[0]);
    assert!(!fs::read_to_string(a.work.join(databases::DUMP)).unwrap().contains("late"));
    b.run(UP).exits(&[0]);
    assert_eq!(marks(&b), "first,second");
    if std::env::var_os("KITBAG_FULL").is_none() {
        b.run(&["done"]).exits(&[0]);
        assert_eq!(b.conflicts()["conflicts"], Value::Array(vec![]));
        return;
    }
    b.sql("INSERT INTO marks VALUES ('of b')");
    b.run(&["done"]).exits(&[0]);
    a.run(UP).exits(&[0]);
    assert_eq!(marks(&a), "first,of b,second", "newer rows come in as ever");
    a.run(&["done"]).exits(&[0]);
    // while it stands still
    a.run(&["snapshot", "restore", "good"]).exits(&[0]);
    assert!(a.things().running.is_empty());
    b.run(UP).exits(&[0]);
    assert_eq!(marks(&b), "first,second", "it was recorded and carried at once");
    b.run(&["done"]).exits(&[0]);
    for machine in [&a, &b] {
        assert_eq!(machine.conflicts()["conflicts"], Value::Array(vec![]));
    }
    a.run(&["--yes", "reset", "--no-open"]).exits(&[0]);
    assert_eq!(marks(&a), "first,second");
    assert_eq!(list(&a).0, ["good"]);
    a.run(&["done"]).exits(&[0]);
}
