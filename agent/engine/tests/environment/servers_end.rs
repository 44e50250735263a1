//! The same when the program is killed at any question it asks the backend, and when notebooks are still at work.

use std::io::{BufRead, BufReader, Write};
use std::net::TcpListener;
use std::sync::Arc;

use kitbag_engine::EngineError;
use kitbag_engine::environment::{self, Doubt};
use kitbag_engine::sync::{Request, Silent};

use crate::fake_servers::FakeServers;
use crate::servers::{newer_at_the_other, pair, position, world};
use crate::world::block;

/// A fake notebook server on the page's port: one notebook whose kernel is busy, and a terminal, until they are ended.
/// What is ended is noted among what the backend was asked.
fn fake_jupyter(port: u16, fake: FakeServers) {
    let listener = TcpListener::bind(("127.0.0.1", port)).unwrap();
    std::thread::spawn(move || {
        let mut ended = false;
        for stream in listener.incoming() {
            let mut stream = stream.unwrap();
            let mut head = String::new();
            let mut reader = BufReader::new(stream.try_clone().unwrap());
            while reader.read_line(&mut head).unwrap_or(0) > 2 {}
            let (method, rest) = head.split_once(' ').unwrap_or_default();
            let path = rest.split(' ').next().unwrap_or_default();
            let body = match (method, path) {
                ("DELETE", path) => {
                    fake.now().asked.push(format!("end {path}"));
                    ended = true;
                    ""
                }
                (_, "/api/sessions" | "/api/kernels" | "/api/terminals") if ended => "[]",
                (_, "/api/sessions") => r#"[{"id":"s1","path":"a b.ipynb","kernel":{"id":"k1"}}]"#,
                (_, "/api/kernels") => {
                    r#"[{"id":"k1","execution_state":"busy","connections":1,"last_activity":"2026-10-02T10:00:09.1Z"}]"#
                }
                (_, "/api/terminals") => r#"[{"name":"1"}]"#,
                (_, "/api/contents/a%20b.ipynb?content=0") => r#"{"last_modified":"2026-10-02T10:00:01.1Z"}"#,
                other => panic!("nobody asks {other:?}"),
            };
            let length = body.len();
            write!(stream, "HTTP/1.1 200 OK\r\nContent-Length: {length}\r\n\r\n{body}").ok();
        }
    });
}

#[test]
fn notebooks_at_work_are_asked_about_and_ended_before_the_dump() {
    let world = world();
    let ((a, fake), _) = pair(&world);
    a.up();
    let url = a.view().services[0].url.clone().unwrap();
    let port = url.strip_prefix("http://127.0.0.1:").and_then(|rest| rest.split('/').next()).unwrap();
    fake_jupyter(port.parse().unwrap(), fake.clone());
    fake.asked();
    let told = std::cell::RefCell::new(None);
    let no = |doubt: &Doubt| {
        told.replace(Some(doubt.clone()));
        false
    };
    let refused = block(environment::done(&a.open(), &a.home, &no, Arc::new(Silent))).unwrap_err();
    assert!(refused.finding().remedy.contains("kitbag --yes done"), "{:?}", refused.finding());
    let Some(Doubt::Notebooks(at_work)) = told.take() else { panic!("nothing was said") };
    let names = ["a b.ipynb".to_owned()];
    assert!(at_work.running.iter().eq(&names) && at_work.unsaved.iter().eq(&names), "{at_work:?}");
    assert!(fake.running());
    assert!(
        !fake.asked().iter().any(|one| one.starts_with("end") || one.starts_with("exec")),
        "nothing was ended"
    );

    a.done();
    let asked = fake.asked();
    let of = |what: &str| position(&asked, what);
    assert!(of("end /api/sessions/s1") < of("exec dump"), "{asked:?}");
    assert!(of("exec dump") < of("stop"), "{asked:?}");
}

/// A disk that takes no dump stops the command, and what was started only for the dump does not go on.
#[test]
fn what_was_started_for_a_dump_does_not_go_on_when_none_can_be_written() {
    let world = world();
    let ((a, fake), _) = pair(&world);
    a.up();
    fake.write("mine\n");
    // left without an end
    fake.now().made.as_mut().unwrap().running = false;
    let dumps = a.open().environment_folder().join("dumps");
    std::fs::remove_dir_all(&dumps).unwrap();
    std::fs::write(&dumps, "in the way").unwrap();
    for _ in 0..2 {
        assert!(matches!(a.try_up().unwrap_err(), EngineError::Io { .. }));
        assert!(!fake.running());
        assert!(block(environment::done(&a.open(), &a.home, &|_| true, Arc::new(Silent))).is_err());
        assert!(!fake.running());
    }
    std::fs::remove_file(&dumps).unwrap();
    a.up();
    assert_eq!(fake.rows(), "mine\n");
}

/// Run something, and drop it where the fake stands still, as if the program had been killed; whether it was.
pub fn killed<T>(fake: &FakeServers, work: impl Future<Output = Result<T, EngineError>>) -> bool {
    block(async {
        tokio::select! {
            ended = work => {
                ended.map(drop).unwrap();
                false
            }
            () = fake.stands.notified() => true,
        }
    })
}

/// Killed at every question of `up` and of `done`, before and after it took effect: the next command goes on, no row is
/// lost, and there is no question nobody asked.
#[test]
fn killed_at_any_question_nothing_is_lost() {
    for of_done in [false, true] {
        for at in 0.. {
            let mut reached = false;
            for after in [false, true] {
                let world = world();
                let ((a, at_a), (b, fake)) = pair(&world);
                a.up();
                at_a.write("one\ntwo\n");
                a.done();
                // b has an environment with rows that a's come from, and is left without an end
                b.up();
                let rows = if of_done { "one\ntwo\nmine\n" } else { "one\ntwo\nthree\n" };
                if of_done {
                    fake.write(rows);
                } else {
                    b.done();
                    a.up();
                    at_a.write(rows);
                    a.done();
                }
                fake.asked();
                fake.now().stand_still = Some((at, after));
                let (options, ws) =
                    (environment::Options { backend: None, ask: &|_| true, go_on: &|_| true }, b.open());
                let progress = Arc::new(Silent);
                let ended = if of_done {
                    killed(&fake, environment::done(&ws, &b.home, &|_| true, progress))
                } else {
                    killed(&fake, environment::up(&ws, &b.home, &options, progress))
                };
                drop(ws);
                reached |= ended;
                fake.now().stand_still = None;
                for _ in 0..2 {
                    b.up();
                    assert_eq!(fake.rows(), rows, "of done: {of_done}, question {at}, after: {after}");
                }
                b.done();
                a.up();
                assert_eq!(at_a.rows(), rows, "of done: {of_done}, question {at}, after: {after}");
                assert_eq!((a.conflicts(), b.conflicts()), (vec![], vec![]));
            }
            if !reached {
                assert!(at > 4, "only {at} questions: the test does not reach far");
                break;
            }
        }
    }
}

/// What a kill leaves of a dump is as big as the database: it goes with the next command, whichever that is.
#[test]
fn what_a_kill_left_of_a_dump_goes() {
    let world = world();
    let ((a, _), _) = pair(&world);
    a.up();
    let workspace = std::fs::read_dir(a.home.join("workspaces")).unwrap().next().unwrap().unwrap().path();
    let left = workspace.join("environment/dumps/records.restore");
    let checkpoint = || {
        block(environment::checkpoint(&a.open(), &a.home, Request::default(), Arc::new(Silent))).unwrap();
    };
    let next: [(&str, &dyn Fn()); 4] = [
        ("sync", &checkpoint),
        ("done", &|| drop(a.done())),
        ("up", &|| drop(a.up())),
        ("reset", &|| drop(a.reset())),
    ];
    for (name, next) in next {
        std::fs::write(&left, "half of it").unwrap();
        next();
        assert!(!left.exists(), "{name}");
    }
}

/// Killed while a database was brought in: what does it may be at work yet and would take the database away from the dump.
/// So the environment is started afresh before anybody asks it for one.
#[test]
fn what_is_brought_in_with_nobody_waiting_is_ended_before_a_dump() {
    for of_done in [false, true] {
        let world = world();
        let ((a, at_a), (b, fake)) = newer_at_the_other(&world);
        let asked = {
            fake.asked();
            b.up();
            fake.asked()
        };
        assert_eq!(fake.rows(), "newer\n");
        b.done();
        a.up();
        at_a.write("newest\n");
        a.done();
        fake.asked();
        fake.now().stand_still = Some((position(&asked, "exec restore"), false));
        let (options, ws) =
            (environment::Options { backend: None, ask: &|_| true, go_on: &|_| true }, b.open());
        assert!(killed(&fake, environment::up(&ws, &b.home, &options, Arc::new(Silent))));
        drop(ws);
        fake.now().stand_still = None;
        assert_eq!(fake.asked().last().unwrap(), "exec restore");
        // a checkpoint leaves it alone
        block(environment::checkpoint(&b.open(), &b.home, Request::default(), Arc::new(Silent))).unwrap();
        assert!(!fake.asked().contains(&"exec dump".to_owned()));
        if of_done {
            b.done();
        } else {
            b.up();
        }
        let asked = fake.asked();
        let order = ["stop", "start", "exec dump"].map(|what| position(&asked, what));
        assert!(order.is_sorted(), "{asked:?}");
        b.up();
        assert_eq!((fake.rows().as_str(), b.conflicts().len()), ("newest\n", 0));
    }
}

/// The engine ends while a database is saved, or brought in: that it does not answer is said, with what to do, the files
/// are carried, and when it is there again everything goes on.
#[test]
fn what_ends_in_the_middle_is_named() {
    let missing = |error: EngineError| {
        let EngineError::Missing(finding) = error else { panic!("{error:?}") };
        assert!(
            finding.what.contains("Nothing answers") && finding.remedy.contains("Start it"),
            "{finding:?}"
        );
    };
    let world = world();
    let ((a, at_a), (b, fake)) = pair(&world);
    a.up();
    at_a.write("one\n");
    a.done();
    b.up();
    fake.write("one\ntwo\n");
    b.write("notes.txt", "carried\n");
    fake.now().goes_in = Some("dump");
    missing(block(environment::done(&b.open(), &b.home, &|_| true, Arc::new(Silent))).unwrap_err());
    assert!(b.share.join("notes.txt").exists());
    fake.now().gone = false;
    b.done();
    a.up();
    assert_eq!(at_a.rows(), "one\ntwo\n");
    at_a.write("three\n");
    a.done();
    fake.now().goes_in = Some("restore");
    missing(b.try_up().unwrap_err());
    fake.now().gone = false;
    b.up();
    assert_eq!((fake.rows().as_str(), b.conflicts().len()), ("three\n", 0));
}

/// A `done` that is killed while it stops everything leaves an environment that ends some seconds later, in the middle of
/// whatever comes next: that first sees the end of it.
#[test]
fn what_was_asked_to_stop_by_a_killed_command_is_seen_to_its_end() {
    for of_done in [false, true] {
        let world = world();
        let ((a, fake), (b, at_b)) = pair(&world);
        a.up();
        fake.write("one\n");
        fake.asked();
        a.done();
        let asked = fake.asked();
        a.up();
        fake.write("one\ntwo\n");
        fake.asked();
        fake.now().stand_still = Some((position(&asked, "stop"), false));
        let ws = a.open();
        assert!(killed(&fake, environment::done(&ws, &a.home, &|_| true, Arc::new(Silent))));
        drop(ws);
        fake.now().stand_still = None;
        assert_eq!(fake.asked().last().unwrap(), "stop");
        fake.now().ends_at = Some("dump");
        // a checkpoint leaves it alone
        block(environment::checkpoint(&a.open(), &a.home, Request::default(), Arc::new(Silent))).unwrap();
        assert!(!fake.asked().contains(&"exec dump".to_owned()));
        if of_done {
            a.done();
        } else {
            a.up();
            assert!(fake.running());
        }
        let asked = fake.asked();
        let order = ["stop", "start", "exec dump"].map(|what| position(&asked, what));
        assert!(order.is_sorted(), "{asked:?}");
        a.done();
        assert!(!fake.running());
        b.up();
        assert_eq!((at_b.rows().as_str(), b.conflicts().len()), ("one\ntwo\n", 0));
    }
}
