//! Snapshots by a backend that is a fake: what is recorded before and after, that what was restored is an edit which
//! follows the student and which nothing takes the place of silently, and an end of the program at every question.

use std::sync::Arc;

use kitbag_core::finding::Exit;
use kitbag_engine::EngineError;
use kitbag_engine::environment::snapshot::{self, Changed, Snapshot};
use kitbag_engine::environment::{Doubt, Options};
use kitbag_engine::sync::{Keep, Silent};

use crate::servers::{DUMP, manifest, pair, versions, world};
use crate::servers_end::killed;
use crate::world::{Machine, block};

const YES: Options<'static> = Options { backend: None, ask: &|_| true, go_on: &|_| true };

fn take(machine: &Machine, name: Option<&str>) -> Result<Changed, EngineError> {
    block(snapshot::take(&machine.open(), &machine.home, name, &YES, Arc::new(Silent)))
}

fn restore(machine: &Machine, name: &str) -> Result<Changed, EngineError> {
    block(snapshot::restore(&machine.open(), &machine.home, name, &YES, Arc::new(Silent)))
}

fn list(machine: &Machine) -> Result<Vec<Snapshot>, EngineError> {
    block(snapshot::list(&machine.open(), &machine.home, Arc::new(Silent)))
}

fn names(machine: &Machine) -> Vec<String> {
    list(machine).unwrap().into_iter().map(|one| one.name).collect()
}

#[test]
fn rows_come_back_and_follow_the_student() {
    let world = world();
    let ((a, at_a), (b, at_b)) = pair(&world);
    a.up();
    at_a.write("one\n");
    let taken = take(&a, Some("week1")).unwrap();
    assert_eq!((taken.snapshot.name.as_str(), taken.snapshot.bytes), ("week1", 4));
    assert_eq!(taken.snapshot.taken.as_deref(), Some("2023-11-14T22:13:21.000Z"));
    assert!(taken.up.is_some() && at_a.running(), "as it was before");
    assert_eq!(at_a.rows(), "one\n");
    at_a.write("two\n");
    let before = versions(&a);
    at_a.asked();
    let restored = restore(&a, "week1").unwrap();
    assert_eq!(restored.up.unwrap().report.exit(), Exit::Done);
    assert!(at_a.running());
    assert_eq!(at_a.rows(), "one\n");
    let asked = at_a.asked();
    let first = |what: &str| asked.iter().position(|one| one == what).unwrap();
    assert!(first("exec dump") < first("stop") && first("stop") < first("restoresnapshot"), "{asked:?}");
    assert!(!asked.contains(&"exec restore".to_owned()), "nothing of the share went over it: {asked:?}");
    // what it held before, and what it holds now
    assert_eq!(versions(&a), before + 2);
    assert_eq!(a.read(DUMP), "one\n");
    a.done();
    b.up();
    assert_eq!(at_b.rows(), "one\n");
    assert_eq!((a.conflicts(), b.conflicts()), (vec![], vec![]));
    at_b.write("three\n");
    b.done();
    a.up();
    assert_eq!(at_a.rows(), "three\n", "newer ones are brought in as ever");
    assert_eq!(names(&b), Vec::<String>::new(), "another machine has none of them");
}

#[test]
fn what_stands_still_stays_so() {
    let world = world();
    let ((a, at_a), (b, at_b)) = pair(&world);
    a.up();
    at_a.write("one\n");
    a.done();
    at_a.asked();
    let taken = take(&a, None).unwrap();
    assert!(taken.up.is_none() && !at_a.running());
    assert_eq!(taken.snapshot.name, "snapshot-1");
    assert!(!at_a.asked().contains(&"start".to_owned()));
    a.up();
    at_a.write("two\n");
    // left without an end
    at_a.now().made.as_mut().unwrap().running = false;
    let restored = restore(&a, "snapshot-1").unwrap();
    assert!(restored.up.is_none() && !at_a.running());
    assert_eq!(restored.report.exit(), Exit::Done);
    // recorded and carried all the same, what it held before too
    b.up();
    assert_eq!(at_b.rows(), "one\n");
    assert_eq!(versions(&b), versions(&a));
    let ws = b.open();
    let path = kitbag_core::path::WorkPath::parse(DUMP).unwrap();
    let two = kitbag_core::id::ContentId::of(b"two\n");
    assert!(ws.ledger.lineage(&path, None).unwrap().iter().any(|(_, one)| one.content.id() == Some(two)));
    drop(ws);
    b.done();
    a.up();
    assert_eq!(at_a.rows(), "one\n");
    assert_eq!((a.conflicts(), b.conflicts()), (vec![], vec![]));
}

#[test]
fn newer_rows_of_another_machine_are_a_question_never_a_loss() {
    let world = world();
    let ((a, at_a), (b, at_b)) = pair(&world);
    a.up();
    at_a.write("one\n");
    take(&a, Some("kept")).unwrap();
    at_a.write("two\n");
    a.done();
    b.up();
    at_b.write("of b\n");
    b.done();
    // b's rows are on their way when a goes back
    restore(&a, "kept").unwrap();
    let up = a.try_up().unwrap();
    assert_eq!((up.report.conflicts, at_a.rows()), (1, "one\n".to_owned()));
    a.answer(DUMP, &Keep::Other);
    a.up();
    assert_eq!(at_a.rows(), "of b\n");
    a.done();
    b.up();
    assert_eq!((at_b.rows(), a.conflicts(), b.conflicts()), ("of b\n".to_owned(), vec![], vec![]));
}

#[test]
fn a_reset_keeps_snapshots() {
    let world = world();
    let ((a, at_a), _) = pair(&world);
    a.up();
    at_a.write("one\n");
    take(&a, None).unwrap();
    at_a.write("two\n");
    take(&a, None).unwrap();
    a.reset();
    assert_eq!(at_a.rows(), "two\n");
    assert_eq!(names(&a), ["snapshot-1", "snapshot-2"]);
    restore(&a, "snapshot-1").unwrap();
    assert_eq!(at_a.rows(), "one\n");
    let removed = block(snapshot::remove(&a.open(), &a.home, "snapshot-1", Arc::new(Silent))).unwrap();
    assert_eq!(removed.name, "snapshot-1");
    assert_eq!(names(&a), ["snapshot-2"]);
    assert_eq!(snapshot::known(&a.open()).unwrap().unwrap().snapshots.len(), 1);
}

#[test]
fn what_cannot_be_is_said_and_changes_nothing() {
    let world = world();
    let ((a, at_a), _) = pair(&world);
    for error in [take(&a, None).unwrap_err(), restore(&a, "x").unwrap_err(), list(&a).unwrap_err()] {
        assert!(matches!(&error, EngineError::Missing(why) if why.remedy.contains("kitbag up")), "{error:?}");
    }
    a.up();
    at_a.write("one\n");
    take(&a, Some("one")).unwrap();
    at_a.asked();
    for (name, why) in [("one", "already"), ("a b", "cannot be called"), ("\u{1b}[2J", "cannot be called")] {
        let error = take(&a, Some(name)).unwrap_err();
        assert!(error.to_string().contains(why) && !error.to_string().contains('\u{1b}'), "{error}");
    }
    let error = restore(&a, "other").unwrap_err();
    assert!(error.finding().why.contains("one"), "{:?}", error.finding());
    assert!(!at_a.asked().contains(&"stop".to_owned()) && at_a.running());
    // no room: it goes on as it was
    at_a.now().full = true;
    for error in [take(&a, None).unwrap_err(), restore(&a, "one").unwrap_err()] {
        assert_eq!(error.exit(), Exit::Missing, "{error:?}");
        assert!(at_a.running() && at_a.rows() == "one\n");
    }
    at_a.now().full = false;
    // labels that are no names are nobody's
    at_a.now().snapshots[0].0.label = "<b>one</b>".into();
    assert_eq!(names(&a), Vec::<String>::new());
    at_a.now().snapshots[0].0.label = "one".into();
    // a snapshot of another version of the course
    a.done();
    world.write_course("course.toml", &manifest("2", "two"));
    a.adopt(&world.course());
    a.up();
    at_a.write("two\n");
    let error = restore(&a, "one").unwrap_err();
    assert!(error.to_string().contains("another course"), "{error}");
    assert!(at_a.running() && at_a.rows() == "two\n");
    assert_eq!(a.conflicts(), vec![]);
}

/// A server that does not answer is a reason to go back, which is asked about.
#[test]
fn what_cannot_be_saved_is_asked_about() {
    let world = world();
    let ((a, at_a), _) = pair(&world);
    a.up();
    at_a.write("one\n");
    take(&a, Some("good")).unwrap();
    at_a.write("broken\n");
    at_a.now().fails.insert("dump", (1, "no"));
    let unsaved = |doubt: &Doubt| !matches!(doubt, Doubt::Unsaved(_));
    let options = Options { backend: None, ask: &|_| true, go_on: &unsaved };
    let error = block(snapshot::restore(&a.open(), &a.home, "good", &options, Arc::new(Silent))).unwrap_err();
    assert!(error.to_string().contains("cannot be saved"), "{error}");
    assert!(at_a.running() && at_a.rows() == "broken\n");
    // with a yes it goes on; its server is well after that
    let state = at_a.clone();
    let yes = move |_: &Doubt| {
        state.now().fails.clear();
        true
    };
    let options = Options { backend: None, ask: &|_| true, go_on: &yes };
    let restored = block(snapshot::restore(&a.open(), &a.home, "good", &options, Arc::new(Silent))).unwrap();
    assert!(restored.notes.iter().any(|note| note.contains("lost")), "{:?}", restored.notes);
    assert_eq!(at_a.rows(), "one\n");
    a.done();
    assert_eq!(a.conflicts(), vec![]);
}

#[test]
fn another_backend_says_whose_they_are() {
    let world = world();
    let ((a, at_a), _) = pair(&world);
    a.up();
    at_a.write("one\n");
    take(&a, Some("kept")).unwrap();
    let up = a.try_up_with(Some("local")).unwrap();
    assert!(up.notes.iter().any(|note| note.contains("snapshots of docker")), "{:?}", up.notes);
    let error = list(&a).unwrap_err();
    assert!(error.finding().remedy.contains("--backend docker"), "{:?}", error.finding());
    a.try_up_with(Some("docker")).unwrap();
    restore(&a, "kept").unwrap();
    assert_eq!(at_a.rows(), "one\n");
    at_a.now().snapshots.clear();
    assert_eq!(names(&a), Vec::<String>::new());
    a.try_up_with(Some("local")).unwrap();
    let error = list(&a).unwrap_err();
    assert!(error.finding().remedy.contains("kitbag history"), "{:?}", error.finding());
}

/// Killed at every question, before and after it took effect: what it holds then is what was there or what was
/// restored, whole; nobody is asked anything, and the other machine gets it.
#[test]
fn killed_at_any_question_of_a_restore() {
    for running in [true, false] {
        for at in 0.. {
            let mut reached = false;
            for after in [false, true] {
                let world = world();
                let ((a, fake), (b, at_b)) = pair(&world);
                a.up();
                fake.write("one\n");
                take(&a, Some("kept")).unwrap();
                fake.write("two\n");
                if !running {
                    a.done();
                }
                fake.asked();
                fake.now().stand_still = Some((at, after));
                let ws = a.open();
                let restoring = snapshot::restore(&ws, &a.home, "kept", &YES, Arc::new(Silent));
                reached |= killed(&fake, restoring);
                drop(ws);
                fake.now().stand_still = None;
                let rows = fake.rows();
                assert!(rows == "one\n" || rows == "two\n");
                let say = format!("running: {running}, question {at}, after: {after}, rows {rows:?}");
                if at % 2 == 0 {
                    a.up();
                    assert_eq!(fake.rows(), rows, "{say}");
                }
                a.done();
                assert!(!fake.running());
                b.up();
                assert_eq!(at_b.rows(), rows, "{say}");
                a.up();
                assert_eq!(fake.rows(), rows, "{say}");
                assert_eq!((a.conflicts(), b.conflicts()), (vec![], vec![]), "{say}");
                assert_eq!(names(&a), ["kept"]);
            }
            if !reached {
                assert!(at > 8, "only {at} questions: the test does not reach far");
                break;
            }
        }
    }
}

/// Killed when it had taken effect, and then thrown away past kitbag: the fresh environment's rows are nobody's edit.
#[test]
fn a_restore_of_which_nothing_is_left_counts_for_nothing() {
    let world = world();
    let ((a, fake), _) = pair(&world);
    a.up();
    fake.write("one\n");
    take(&a, Some("kept")).unwrap();
    fake.write("two\n");
    a.done();
    fake.asked();
    let asked = {
        let ws = a.open();
        block(snapshot::restore(&ws, &a.home, "kept", &YES, Arc::new(Silent))).unwrap();
        fake.asked()
    };
    let at = asked.iter().position(|one| one == "restoresnapshot").unwrap();
    a.up();
    fake.write("two\n");
    a.done();
    fake.asked();
    fake.now().stand_still = Some((at, true));
    let ws = a.open();
    assert!(killed(&fake, snapshot::restore(&ws, &a.home, "kept", &YES, Arc::new(Silent))));
    drop(ws);
    fake.now().stand_still = None;
    fake.now().made = None;
    a.up();
    assert_eq!(fake.rows(), "two\n", "the last backup");
    assert_eq!(a.conflicts(), vec![]);
}
