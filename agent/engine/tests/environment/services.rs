//! Programs of a course on this computer: asked about, started, looked at, reached and stopped.

use std::fs;
use std::sync::{Arc, Mutex};

use kitbag_engine::EngineError;
use kitbag_engine::environment::{self, LineSink, Opened, Streams};
use tokio::io::AsyncReadExt;

use crate::world::{World, block, manifest};

#[test]
fn nothing_is_started_before_the_person_allows_it() {
    let world = World::new();
    let mut a = world.machine("a", "share");
    a.adopt(&world.course());
    a.answer = false;
    let error = a.try_up().unwrap_err();
    assert!(matches!(error, EngineError::Missing(_)), "{error}");
    assert!(error.finding().why.contains("sh, sleep") && error.finding().remedy.contains("--yes"));
    assert_eq!(a.read("notebooks/two.txt"), "second\n", "the files are in step all the same");
    assert_eq!(a.view().state, "stopped");
    a.answer = true;
    a.up();
    a.up();
    let asked = a.asked.borrow();
    assert_eq!(asked.len(), 2, "asked once more, then never again");
    let programs: Vec<_> = asked[1].programs.iter().map(|one| one.program.as_str()).collect();
    assert_eq!(programs, ["sh", "sleep"]);
    assert!(asked[1].programs.iter().all(|one| one.file.is_some()) && !asked[1].again);
}

#[test]
fn the_view_follows_the_day() {
    let world = World::new();
    let a = world.machine("a", "share");
    assert_eq!((a.view().backend, a.view().state.as_str()), (None, "stopped"));
    a.adopt(&world.course());
    assert_eq!(a.view().services[0].state, "none");
    let up = a.up();
    let view = a.view();
    assert_eq!((view.backend.as_deref(), view.state.as_str()), (Some("local"), "running"));
    assert_eq!(view.services, up.services);
    assert_eq!(view.services[0].url, Some(format!("sqlite:{}", a.database().display())));
    assert_eq!(view.services[1].url, None, "a program without a page");
    let page = view.services[2].url.clone().unwrap();
    assert!(page.starts_with("http://127.0.0.1:") && page.ends_with("/lab"), "{page}");
    a.done();
    let view = a.view();
    assert_eq!((view.state.as_str(), view.services[2].url.as_deref()), ("stopped", None));
    a.up();
    assert_eq!(a.view().services[2].url, Some(page), "a bookmark goes on working");
}

#[test]
fn programs_find_each_other_and_not_kitbags_environment() {
    let world = World::new();
    let a = world.machine("a", "share");
    a.adopt(&world.course());
    a.up();
    let env = wait_for(|| {
        fs::read_to_string(a.work.join("logs/worker.env")).ok().filter(|text| text.contains("PATH="))
    });
    let database = format!("KITBAG_LIBRARY_URL=sqlite:{}", a.database().display());
    assert!(env.lines().any(|line| line == database), "{env}");
    assert!(env.contains("KITBAG_PAGE_URL=http://127.0.0.1:"));
    assert!(!env.contains("CARGO"), "{env}");
    // and its words are kept
    let lines = Arc::new(Lines::default());
    block(environment::logs(&a.open(), &a.home, Some("worker"), false, lines.clone())).unwrap();
    assert!(
        lines
            .0
            .lock()
            .unwrap()
            .iter()
            .any(|(service, text)| service == "worker" && text.contains("hello from"))
    );
    assert!(block(environment::logs(&a.open(), &a.home, Some("nobody"), false, lines)).is_err());
}

#[test]
fn a_command_runs_where_the_services_run() {
    let world = World::new();
    let a = world.machine("a", "share");
    a.adopt(&world.course());
    let run = |script: &str| {
        let (output, mut read) = tokio::io::duplex(64 * 1024);
        let streams = Streams {
            output: Some(Box::new(output)),
            errors: Some(Box::new(tokio::io::sink())),
            ..Streams::default()
        };
        let argv = ["sh", "-c", script].map(str::to_owned);
        let ws = a.open();
        block(async {
            let code = environment::exec(&ws, &a.home, Some("library"), &argv, Some(streams)).await?;
            let mut text = String::new();
            read.read_to_string(&mut text).await.unwrap();
            Ok::<_, EngineError>((code, text))
        })
    };
    assert!(matches!(run("true"), Err(EngineError::Missing(_))), "nothing was started yet");
    a.up();
    let (code, text) = run("pwd; echo $KITBAG_LIBRARY_URL; echo '{token}'; exit 7").unwrap();
    assert_eq!(code, Some(7));
    let lines: Vec<_> = text.lines().collect();
    assert_eq!(fs::canonicalize(lines[0]).unwrap(), fs::canonicalize(&a.work).unwrap());
    assert_eq!(lines[1], format!("sqlite:{}", a.database().display()));
    assert_eq!(lines[2], "{token}", "a person's own words are left as they are");
    let argv = ["no-such-program".to_owned()];
    let missing = block(environment::exec(&a.open(), &a.home, None, &argv, None)).unwrap_err();
    assert!(matches!(missing, EngineError::Missing(_)), "{missing}");
}

#[test]
fn what_is_opened_has_the_token_and_nothing_else_has() {
    let world = World::new();
    let a = world.machine("a", "share");
    let folder = Opened::Folder(a.work.clone());
    let open = |service: Option<&str>| block(environment::open(&a.open(), &a.home, service));
    a.adopt(&world.course());
    assert_eq!(open(None).unwrap(), folder);
    assert!(matches!(open(Some("page")), Err(EngineError::Missing(_))));
    let up = a.up();
    let token = fs::read_to_string(a.open().environment_folder().join("token")).unwrap();
    let Opened::Url { service, url } = open(None).unwrap() else { panic!("no page") };
    assert_eq!(service, "page");
    assert!(url.ends_with(&format!("/lab?token={token}")), "{url}");
    assert_eq!(up.open, Some(Opened::Url { service, url }));
    assert!(!serde_json::to_string(&a.view()).unwrap().contains(&token));
    assert!(open(Some("library")).is_err() && open(Some("nobody")).is_err());
    a.done();
    assert_eq!(open(None).unwrap(), folder);
}

#[test]
fn a_program_that_fails_is_said_and_nothing_stays_running() {
    let world = World::new();
    let a = world.machine("a", "share");
    world.write_course("course.toml", &manifest("1", "").replace("exec sleep 120", "exit 3"));
    let course = world.course();
    let text = fs::read_to_string(course.join("course.toml")).unwrap();
    // slow enough to be seen ending
    fs::write(
        course.join("course.toml"),
        text.replace("args = [\"120\"]\nport = true", "args = [\"121\"]\nport = true\noptional = true"),
    )
    .unwrap();
    a.adopt(&course);
    match a.try_up() {
        Err(error) => assert!(error.to_string().contains("worker"), "{error}"),
        Ok(_) => assert_eq!(
            wait_for(|| Some(a.view()).filter(|view| view.state == "unhealthy")).state,
            "unhealthy"
        ),
    }
    a.done();
    assert_eq!(a.view().state, "stopped");
}

#[test]
fn a_changed_course_gets_a_fresh_environment() {
    let world = World::new();
    let a = world.machine("a", "share");
    a.adopt(&world.course());
    a.up();
    a.sql("INSERT INTO books VALUES (3, 'Middlemarch')");
    world.write_course("course.toml", &manifest("2", "").replace("sleep 120", "sleep 119"));
    a.adopt(&world.course());
    let up = a.up();
    assert!(up.notes.iter().any(|note| note.contains("made afresh")), "{:?}", up.notes);
    assert_eq!(a.titles(), ["Dune", "Emma", "Middlemarch"]);
    assert_eq!(a.view().state, "running");
}

#[test]
fn steps_run_at_their_moments_and_a_failing_one_is_told() {
    let world = World::new();
    let a = world.machine("a", "share");
    let steps = r#"
[[step]]
name = "greet"
when = "after-ready"
run = ["sh", "-c", "echo $KITBAG_LIBRARY_URL > ready.txt"]
[[step]]
name = "break"
when = "after-restore"
run = ["sh", "-c", "echo the reason >&2; exit 4"]
[[step]]
name = "goodbye"
when = "before-stop"
run = ["sh", "-c", "echo bye > bye.txt"]

[backend.local]
"#;
    world.write_course("course.toml", &manifest("1", "").replace("[backend.local]\n", steps));
    a.adopt(&world.course());
    let up = a.up();
    assert!(a.read("ready.txt").starts_with("sqlite:"));
    assert!(!a.work.join("bye.txt").exists());
    let told = up.notes.iter().find(|note| note.contains("\"break\"")).unwrap();
    assert!(told.contains("ended with 4") && told.contains("the reason"), "{told}");
    a.done();
    assert_eq!(a.read("bye.txt"), "bye\n");
    assert!(a.share.join("bye.txt").exists(), "what the last step wrote went out");
}

#[test]
fn a_session_is_seen_from_the_other_machine() {
    let world = World::new();
    let (a, b) = (world.machine("a", "share"), world.machine("b", "share"));
    a.adopt(&world.course());
    a.up();
    let up = b.up();
    assert!(up.notes.iter().any(|note| note.contains("open on A since")), "{:?}", up.notes);
    a.done();
    b.done();
    let up = b.up();
    assert!(!up.notes.iter().any(|note| note.contains("open on")), "{:?}", up.notes);
}

#[test]
fn without_a_course_the_files_are_in_step() {
    let world = World::new();
    let a = world.machine("a", "share");
    a.write("notes.txt", "x");
    let up = a.up();
    assert!(
        up.services.is_empty() && up.notes.iter().any(|note| note.contains("no course")),
        "{:?}",
        up.notes
    );
    assert!(a.share.join("notes.txt").exists());
    assert!(a.done().waiting.is_empty());
}

#[test]
fn a_share_that_is_gone_is_not_made_again() {
    let world = World::new();
    let a = world.machine("a", "share");
    a.adopt(&world.course());
    a.up();
    a.sql("INSERT INTO books VALUES (3, 'Middlemarch')");
    let away = world.folder.path().join("away");
    fs::rename(&a.share, &away).unwrap();
    assert!(matches!(a.try_up(), Err(EngineError::ShareMissing(_))));
    assert!(!a.share.exists());
    fs::rename(&away, &a.share).unwrap();
    a.up();
    assert!(a.read("backups/library/library.dump").contains("Middlemarch"));
}

#[derive(Default)]
struct Lines(Mutex<Vec<(String, String)>>);

impl LineSink for Lines {
    fn line(&self, service: &str, text: &str) -> bool {
        self.0.lock().unwrap().push((service.to_owned(), text.to_owned()));
        true
    }
}

pub fn wait_for<T>(look: impl Fn() -> Option<T>) -> T {
    for _ in 0..100 {
        if let Some(found) = look() {
            return found;
        }
        std::thread::sleep(std::time::Duration::from_millis(100));
    }
    panic!("it did not come");
}
