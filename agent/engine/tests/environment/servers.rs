//! Databases of servers inside an environment, by a backend that is a fake: the order in which everything happens, what
//! is recorded and what is not, and what is left when something fails.

use std::sync::Arc;

use kitbag_engine::EngineError;
use kitbag_engine::environment::{self, Doubt};
use kitbag_engine::sync::{Keep, Silent};

use crate::fake_servers::{FakeServers, SEED};
use crate::world::{Machine, World, block};

pub const DUMP: &str = "backups/records/records.dump";

pub fn manifest(version: &str, image: &str) -> String {
    format!(
        r#"id = "mini"
title = "Mini"
version = "{version}"

[[seed]]
from = "notebooks"
to = "notebooks"

[[service]]
name = "page"
kind = "web"
[service.web]
path = "/lab"
port = true
ready = {{ timeout_seconds = 5 }}

[[service]]
name = "records"
kind = "database"
[service.database]
server = "fakedb"
inside = "page"
dump = ["dump"]
restore = ["restore"]
ready = ["ready"]
normalise = ["normalise"]
timeout_seconds = 5

[backend.docker]
image = "{image}"

[backend.local]
"#
    )
}

pub fn world() -> World {
    let world = World::new();
    world.write_course("course.toml", &manifest("1", "one"));
    world
}

/// A machine with an engine of its own.
fn machine(world: &World, name: &str, share: &str) -> (Machine, FakeServers) {
    let fake = FakeServers::default();
    let mut machine = world.machine(name, share);
    machine.backends = Arc::new(fake.clone());
    (machine, fake)
}

pub fn pair(world: &World) -> ((Machine, FakeServers), (Machine, FakeServers)) {
    let (a, b) = (machine(world, "a", "share"), machine(world, "b", "share"));
    a.0.adopt(&world.course());
    (a, b)
}

/// Both have the course, and the first has saved rows that the second has not brought in yet: "newer".
pub fn newer_at_the_other(world: &World) -> ((Machine, FakeServers), (Machine, FakeServers)) {
    let ((a, at_a), (b, at_b)) = pair(world);
    a.up();
    b.up();
    b.done();
    at_a.write("newer\n");
    a.done();
    ((a, at_a), (b, at_b))
}

pub fn position(asked: &[String], what: &str) -> usize {
    asked.iter().position(|one| one == what).unwrap_or_else(|| panic!("{what} was not asked: {asked:?}"))
}

/// How many versions the backup has.
pub fn versions(machine: &Machine) -> usize {
    let ws = machine.open();
    let path = kitbag_core::path::WorkPath::parse(DUMP).unwrap();
    ws.ledger.lineage(&path, None).unwrap().len()
}

#[test]
fn rows_follow_the_student_and_a_dump_without_change_is_no_version() {
    let world = world();
    let ((a, at_a), (b, at_b)) = pair(&world);
    a.up();
    assert_eq!(at_a.rows(), SEED);
    at_a.write("1 Emma\n2 Dune\n");
    a.done();
    assert!(!at_a.running());
    assert_eq!(a.read(DUMP), "1 Emma\n2 Dune\n", "without what is another one every time");
    assert_eq!(versions(&a), 2);

    let up = b.up();
    assert_eq!(at_b.rows(), "1 Emma\n2 Dune\n");
    assert!(up.notes.iter().any(|note| note.contains("records is as you left it last")), "{:?}", up.notes);
    let asked = at_b.asked();
    assert!(position(&asked, "exec restore") > position(&asked, "waitready"), "{asked:?}");
    assert!(
        position(&asked, "exec restore") < position(&asked, "endpoints"),
        "before anybody is told: {asked:?}"
    );
    b.done();
    a.up();
    a.done();
    assert_eq!((versions(&a), versions(&b)), (2, 2), "nothing was changed");
    b.up();
    at_b.write("3 Persuasion\n");
    b.done();
    a.up();
    assert_eq!(at_a.rows(), "3 Persuasion\n");
}

#[test]
fn who_ended_properly_does_not_wait_again() {
    let world = world();
    let ((a, fake), (b, at_b)) = pair(&world);
    a.up();
    a.done();
    fake.asked();
    a.up();
    assert!(!fake.asked().contains(&"exec dump".to_owned()), "everything was recorded");
    a.done();
    // somebody starts it by hand, and works in it; the other machine goes on too
    b.up();
    at_b.write("from b\n");
    b.done();
    fake.now().made.as_mut().unwrap().running = true;
    fake.write("by hand\n");
    a.try_up().unwrap();
    assert_eq!(fake.rows(), "by hand\n");
    assert_eq!(a.conflicts().len(), 1, "both are kept");
    // started and stopped by hand: seen before something else is brought in
    a.answer(DUMP, &Keep::Other);
    a.up();
    assert_eq!(fake.rows(), "from b\n");
    a.done();
    fake.now().made.as_mut().unwrap().rows = "by hand again\n".into();
    b.up();
    at_b.write("from b again\n");
    b.done();
    a.try_up().unwrap();
    assert_eq!(fake.rows(), "by hand again\n");
    assert_eq!(a.conflicts().len(), 1);
}

/// A port can be free when it is chosen and taken when the environment starts, or look free from here and be none to the
/// engine, for good.
#[test]
fn where_a_port_is_taken_others_are_tried() {
    let world = world();
    let ((a, fake), (b, at_b)) = pair(&world);
    fake.now().taken = 2;
    a.up();
    let ports = std::mem::take(&mut fake.now().ports);
    assert_eq!(ports.len(), 3, "{ports:?}");
    assert!(ports[0] != ports[1] && ports[1] != ports[2], "{ports:?}");
    let url = a.view().services[0].url.clone().unwrap();
    assert!(url.contains(&ports[2][0].to_string()), "{url} for {ports:?}");
    assert_eq!((versions(&a), a.conflicts()), (1, vec![]), "it was there for the first time");
    fake.write("1 Emma\n2 Dune\n");
    a.done();
    b.up();
    at_b.write("3 Persuasion\n");
    b.done();

    fake.now().taken = 99;
    let error = a.try_up().unwrap_err();
    assert!(matches!(error, EngineError::PortTaken(_)), "{error}");
    assert_eq!(error.exit(), kitbag_core::finding::Exit::Missing);
    fake.now().taken = 0;
    a.up();
    assert_eq!((fake.rows(), a.conflicts()), ("3 Persuasion\n".into(), vec![]));

    // switched off without `done`, and its port is gone: what it holds is recorded all the same
    fake.write("4 Emma\n");
    fake.now().made.as_mut().unwrap().running = false;
    fake.now().taken = 1;
    let before = versions(&a);
    a.up();
    assert_eq!((fake.rows(), versions(&a)), ("4 Emma\n".into(), before + 1));
}

#[test]
fn both_changed_is_a_question_and_the_answer_holds_on_both() {
    let world = world();
    let ((a, at_a), (b, at_b)) = pair(&world);
    a.up();
    b.up();
    at_a.write("from a\n");
    at_b.write("from b\n");
    a.done();
    b.done();
    assert_eq!(a.try_up().unwrap().report.conflicts, 1);
    b.try_up().unwrap();
    assert_eq!((at_a.rows(), at_b.rows()), ("from a\n".into(), "from b\n".into()));
    a.answer(DUMP, &Keep::Other);
    a.up();
    b.up();
    assert_eq!((at_a.rows(), at_b.rows()), ("from b\n".into(), "from b\n".into()));
    assert_eq!((a.conflicts(), b.conflicts()), (vec![], vec![]));
}

#[test]
fn a_session_that_was_not_ended_is_recorded_first() {
    let world = world();
    let ((a, fake), (b, at_b)) = pair(&world);
    a.up();
    b.up();
    fake.write("mine\n");
    fake.now().made.as_mut().unwrap().running = false;
    at_b.write("theirs\n");
    b.done();
    fake.asked();
    a.try_up().unwrap();
    assert_eq!(fake.rows(), "mine\n");
    assert_eq!(a.conflicts().len(), 1, "theirs did not take the place of mine");
    let asked = fake.asked();
    assert!(position(&asked, "start") < position(&asked, "exec dump"), "{asked:?}");
    // and `done` does the same
    a.answer(DUMP, &Keep::This);
    a.up();
    fake.write("mine again\n");
    fake.now().made.as_mut().unwrap().running = false;
    a.done();
    assert!(!fake.running());
    b.up();
    assert_eq!(at_b.rows(), "mine again\n");
}

#[test]
fn a_dump_that_fails_ends_nothing_and_records_nothing() {
    let world = world();
    let ((a, fake), (b, at_b)) = pair(&world);
    a.up();
    fake.write("mine\n");
    a.write("notes.txt", "carried\n");
    let before = versions(&a);
    fake.now().fails.insert("dump", (3, "the disk is \u{1b}[31mill"));
    let done = a.done();
    assert!(done.report.problems.iter().any(|one| one.fails && one.path == DUMP), "{:?}", done.report);
    let reason = &done.report.problems[0].reason;
    assert!(reason.contains("ended with 3") && reason.contains("the disk is"), "{reason}");
    assert!(!reason.contains('\u{1b}'), "{reason:?}");
    assert!(done.notes.iter().any(|note| note.contains("goes on")), "{:?}", done.notes);
    assert!(fake.running(), "where the cause can be looked at");
    assert!(a.share.join("notes.txt").exists(), "the files are carried all the same");
    fake.now().fails.clear();
    // half a dump is none
    for broken in ["dump", "normalise"] {
        fake.now().breaks = vec![broken];
        let done = a.done();
        assert!(done.report.problems.iter().any(|one| one.fails), "{broken}: {:?}", done.report);
    }
    fake.now().breaks.clear();
    assert_eq!(versions(&a), before);
    assert_eq!(a.done().report.problems, []);
    b.up();
    assert_eq!(at_b.rows(), "mine\n");
}

#[test]
fn a_restore_that_was_cut_short_is_nobodys_work() {
    let world = world();
    let ((a, at_a), (b, fake)) = pair(&world);
    a.up();
    b.up();
    b.done();
    at_a.write("one\ntwo\nthree\n");
    a.done();
    for half in [0, 4, 9] {
        let mut state = fake.now();
        (state.breaks, state.half) = (vec!["restore"], half);
        drop(state);
        let error = b.try_up().unwrap_err();
        assert!(matches!(error, EngineError::Failed(_)), "{error}");
        assert!(error.finding().remedy.contains("kitbag up"), "{:?}", error.finding());
        assert!(!fake.running(), "nobody works in half a database");
        assert_eq!(fake.rows().len(), half);
    }
    fake.now().breaks.clear();
    b.up();
    assert_eq!(fake.rows(), "one\ntwo\nthree\n");
    assert_eq!((b.conflicts(), a.conflicts()), (vec![], vec![]));
    b.done();
    a.up();
    assert_eq!(at_a.rows(), "one\ntwo\nthree\n");
}

#[test]
fn a_restore_that_refuses_leaves_what_was_there() {
    let world = world();
    let (_a, (b, fake)) = newer_at_the_other(&world);
    fake.now().fails.insert("restore", (1, "no"));
    let up = b.try_up().unwrap();
    assert!(up.report.problems.iter().any(|one| one.fails && one.reason.contains("no")), "{:?}", up.report);
    assert_eq!(fake.rows(), SEED);
    // a new environment without the person's rows is not handed over
    fake.now().made = None;
    assert!(b.try_up().is_err());
    fake.now().fails.clear();
    b.up();
    assert_eq!(fake.rows(), "newer\n");
}

/// A server that starts and does not answer: nobody is told that all is well, also where nothing has to be brought in.
#[test]
fn a_server_that_does_not_answer_is_said() {
    let world = world();
    let ((a, fake), _) = pair(&world);
    a.up();
    a.done();
    fake.now().fails.insert("ready", (2, "no response"));
    let up = a.try_up().unwrap();
    let said =
        |one: &kitbag_engine::sync::report::Problem| one.fails && one.reason.contains("does not answer");
    assert!(up.report.problems.iter().any(said), "{:?}", up.report);
    fake.now().fails.clear();
    assert_eq!(a.up().report.problems, []);
}

/// A disk with no room for the newer rows: nobody works on the older ones, and the person reads what to do.
#[test]
fn no_room_for_newer_rows_is_said_as_such() {
    let world = world();
    let (_a, (b, fake)) = newer_at_the_other(&world);
    fake.now().fails.insert("restore", (1, "could not extend file: No space left on device"));
    let Err(EngineError::Missing(finding)) = b.try_up() else { panic!("nothing was said") };
    assert!(finding.what.contains("records") && finding.what.contains("full"), "{finding:?}");
    assert!(finding.remedy.contains("Free some space"), "{finding:?}");
    assert!(!fake.running());
    fake.now().fails.clear();
    b.up();
    assert_eq!((fake.rows().as_str(), b.conflicts().len()), ("newer\n", 0));
}

#[test]
fn data_that_were_lost_come_back_and_strange_ones_are_kept() {
    let world = world();
    let ((a, fake), _) = pair(&world);
    a.up();
    fake.write("mine\n");
    a.done();
    fake.now().made = None;
    a.up();
    assert_eq!(fake.rows(), "mine\n", "made afresh");
    a.done();
    // other data under the same name, with rows nobody recorded
    let mut state = fake.now();
    let made = state.made.as_mut().unwrap();
    (made.stamp, made.rows) = (1000, "strange\n".into());
    drop(state);
    a.try_up().unwrap();
    assert_eq!((fake.rows().as_str(), a.conflicts().len()), ("strange\n", 1));
    // and with a version that is known
    a.answer(DUMP, &Keep::Other);
    a.up();
    assert_eq!(fake.rows(), "mine\n");
    a.done();
    let mut state = fake.now();
    let made = state.made.as_mut().unwrap();
    (made.stamp, made.rows) = (2000, SEED.into());
    drop(state);
    a.up();
    assert_eq!((fake.rows().as_str(), a.conflicts().len()), ("mine\n", 0));
}

#[test]
fn a_changed_course_is_made_afresh_only_when_the_rows_are_safe() {
    let world = world();
    let ((a, fake), _) = pair(&world);
    a.up();
    fake.write("mine\n");
    world.write_course("course.toml", &manifest("2", "two"));
    a.adopt(&world.course());
    fake.now().fails.insert("dump", (1, "no"));
    let error = a.try_up().unwrap_err();
    assert!(error.finding().remedy.contains("kitbag reset"), "{:?}", error.finding());
    assert_eq!(fake.rows(), "mine\n", "nothing was taken away");
    fake.now().fails.clear();
    fake.now().no_image = true;
    a.try_up().unwrap_err();
    assert_eq!(fake.rows(), "mine\n", "what takes its place cannot be had");
    // started by hand meanwhile
    fake.now().made.as_mut().unwrap().running = true;
    fake.write("mine\nmore\n");
    fake.now().no_image = false;
    fake.asked();
    a.up();
    let asked = fake.asked();
    assert!(position(&asked, "exec dump") < position(&asked, "destroy"), "{asked:?}");
    assert_eq!(fake.rows(), "mine\nmore\n");
    assert_eq!((fake.now().made.as_ref().unwrap().print.contains("two"), a.conflicts()), (true, vec![]));
}

#[test]
fn reset_twice_keeps_the_rows_and_asks_where_it_cannot() {
    let world = world();
    let ((a, fake), _) = pair(&world);
    a.up();
    fake.write("mine\n");
    for _ in 0..2 {
        let stamp = fake.now().made.as_ref().unwrap().stamp;
        a.reset();
        assert_eq!(fake.rows(), "mine\n");
        assert_ne!(fake.now().made.as_ref().unwrap().stamp, stamp, "fresh");
    }
    fake.write("not saved\n");
    fake.now().fails.insert("dump", (1, "no"));
    let asked = std::cell::RefCell::new(Vec::new());
    let go_on = |doubt: &Doubt| {
        asked.borrow_mut().push(doubt.clone());
        false
    };
    let options = environment::Options { backend: None, ask: &|_| true, go_on: &go_on };
    let refused = block(environment::reset(&a.open(), &a.home, &options, Arc::new(Silent))).unwrap_err();
    assert!(refused.finding().remedy.contains("--yes"), "{:?}", refused.finding());
    assert!(matches!(&asked.borrow()[..], [Doubt::Unsaved(all)] if all.contains_key("records")));
    assert_eq!(fake.rows(), "not saved\n");
    let up = block(environment::reset(
        &a.open(),
        &a.home,
        &environment::Options { backend: None, ask: &|_| true, go_on: &|_| true },
        Arc::new(Silent),
    ));
    // the dump fails in the fresh one too, and nothing needs it there
    let up = up.unwrap();
    assert!(up.notes.iter().any(|note| note.contains("is lost")), "{:?}", up.notes);
    assert_eq!(fake.rows(), "mine\n");
    fake.now().fails.clear();
}

#[test]
fn another_backend_gets_everything_before_the_old_one_goes() {
    let world = world();
    let ((a, fake), _) = pair(&world);
    a.up();
    fake.write("mine\n");
    fake.now().fails.insert("dump", (1, "no"));
    let refused = a.try_up_with(Some("local")).unwrap_err();
    assert!(refused.to_string().contains("the backend was not changed"), "{refused}");
    assert_eq!(fake.rows(), "mine\n");
    fake.now().fails.clear();
    a.try_up_with(Some("local")).unwrap();
    assert!(fake.now().made.is_none(), "taken away");
    assert_eq!((a.view().backend.as_deref(), a.read(DUMP).as_str()), (Some("local"), "mine\n"));
    a.try_up_with(Some("docker")).unwrap();
    assert_eq!(fake.rows(), "mine\n");
    assert_eq!(a.conflicts(), []);
}

#[test]
fn a_checkpoint_saves_rows_and_starts_nothing() {
    let world = world();
    let ((a, fake), (b, at_b)) = pair(&world);
    a.up();
    fake.write("in the middle\n");
    let checkpoint = || {
        let ws = a.open();
        block(environment::checkpoint(&ws, &a.home, Default::default(), Arc::new(Silent))).unwrap()
    };
    assert_eq!(checkpoint().problems, []);
    b.up();
    assert_eq!(at_b.rows(), "in the middle\n");
    fake.now().made.as_mut().unwrap().running = false;
    fake.asked();
    let last = || environment::last_checkpoint(&a.open().ledger).unwrap();
    let before = last();
    checkpoint();
    assert!(before.is_some() && last() == before, "what it holds by now is not known to be saved");
    assert!(!fake.asked().iter().any(|one| one == "start" || one.starts_with("exec")));
    // what could not be saved is named, so that it is tried again soon
    fake.now().made.as_mut().unwrap().running = true;
    fake.now().fails.insert("dump", (1, "no"));
    assert_eq!(checkpoint().unsaved, ["records"]);
    fake.now().fails.clear();
    assert_eq!(checkpoint().unsaved, [""; 0]);
    // an engine that is gone keeps no file back
    fake.now().gone = true;
    a.write("notes.txt", "carried\n");
    assert!(checkpoint().problems.iter().any(|one| one.fails));
    assert!(a.share.join("notes.txt").exists());
    fake.now().gone = false;
}
