//! A course whose service is a program of the computer: nothing is started that nobody allowed; what was allowed runs
//! on when kitbag has ended, is found again, and ends with `done`. The course is written here; its program is a shell
//! that says which process it is.
#![cfg(unix)]

use std::fs;
use std::io::{Read, Write};
use std::net::TcpStream;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{Duration, Instant};

use crate::course::{database, environment, service, setup_with};
use crate::machine::{Machine, room, write};

const MANIFEST: &str = r#"
id = "tiny"
title = "Tiny course"
version = "1"
[[seed]]
from = "notes"
to = "notes"
[[service]]
name = "x"
title = "A database"
kind = "sqlite"
[service.sqlite]
schema = "schema.sql"
[[service]]
name = "worker"
title = "A worker"
kind = "program"
[service.program]
program = "sh"
args = ["-c", "echo begins as $$; exec sleep 300"]
[backend.local]
"#;

/// The course in a folder, with more at the end of its manifest.
fn tiny(room: &Path, more: &str) -> PathBuf {
    let folder = room.join("tiny");
    write(
        &folder.join("course.toml"),
        MANIFEST.replace("[backend.local]", &format!("{more}[backend.local]")),
    );
    write(&folder.join("schema.sql"), "CREATE TABLE marks (id INTEGER PRIMARY KEY, mark TEXT);\n");
    write(&folder.join("notes/week1.md"), "# Week 1\n");
    folder
}

/// A machine with the course; its programs end with the test, however it ends.
struct Ends(Machine);

impl Drop for Ends {
    fn drop(&mut self) {
        self.0.command(&["done"]).output().ok();
    }
}

fn course_machine(room: &Path, more: &str) -> Ends {
    let machine = Machine::new(room, "HOME-PC", &room.join("share"));
    setup_with(&machine, &tiny(room, more)).exits(&[0]);
    Ends(machine)
}

/// The process the worker says it is.
#[track_caller]
fn worker(machine: &Machine) -> u32 {
    let deadline = Instant::now() + Duration::from_secs(10);
    loop {
        let said = machine.run(&["logs", "worker"]).exits(&[0]).stdout;
        if let Some(pid) = said.lines().find_map(|line| line.strip_prefix("worker: begins as ")) {
            return pid.parse().unwrap();
        }
        assert!(Instant::now() < deadline, "the worker said nothing: {said:?}");
        std::thread::sleep(Duration::from_millis(50));
    }
}

/// Whether a process runs; one that ended and was not collected does not.
fn runs(pid: u32) -> bool {
    match fs::read_to_string(format!("/proc/{pid}/stat")) {
        Ok(stat) => !stat.rsplit_once(')').unwrap().1.trim_start().starts_with('Z'),
        Err(_) if Path::new("/proc/self/stat").exists() => false,
        Err(_) => Command::new("kill").args(["-0", &pid.to_string()]).output().unwrap().status.success(),
    }
}

fn ends(pid: u32) -> bool {
    let deadline = Instant::now() + Duration::from_secs(10);
    while runs(pid) && Instant::now() < deadline {
        std::thread::sleep(Duration::from_millis(20));
    }
    !runs(pid)
}

/// Shows that nothing is started without a person's yes: without one `up` ends with 5 and says what is wanted; with it
/// the program runs, and the grant is shown. First tier.
#[test]
fn programs_start_only_when_allowed() {
    let room = room();
    let a = course_machine(room.path(), "");
    let a = &a.0;
    let refused = a.run(&["up", "--no-open"]).exits(&[5]);
    // what would be started is told first, then what is missing and what to do
    for words in
        ["\"Tiny course\"", "  sh (/", "for A worker", "kitbag: the course's programs have not been allowed"]
    {
        assert!(refused.stderr.contains(words), "{words:?} is missing: {refused:#?}");
    }
    assert!(
        refused.stderr.contains("  To do: ") && refused.stderr.contains("`kitbag up --yes`"),
        "{refused:#?}"
    );
    assert_ne!(service(a, "worker")["state"], "running");
    a.run(&["logs", "worker"]).exits(&[5]).explains(&["nothing was started", "kitbag up"]);
    let listed = a.run(&["--json", "plugin", "list"]).exits(&[0]).json();
    assert_eq!(listed["plugins"][0]["grants"], serde_json::json!([]));

    a.run(&["--yes", "up", "--no-open"]).exits(&[0]);
    let pid = worker(a);
    assert!(runs(pid));
    let listed = a.run(&["--json", "plugin", "list"]).exits(&[0]).json();
    let local = &listed["plugins"][0];
    assert_eq!(
        (&local["id"], &local["kind"], &local["origin"]),
        (&"local".into(), &"backend".into(), &"built-in".into())
    );
    assert!(local["version"].is_string());
    assert_eq!(local["grants"], serde_json::json!(["program sh"]));
    let info = a.run(&["plugin", "info", "local"]).exits(&[0]).stdout;
    assert!(info.starts_with("local ") && info.contains("process"), "what it may do, and why: {info}");
    a.run(&["plugin", "info", "nothing"]).exits(&[1]).explains(&["nothing", "kitbag plugin list"]);

    let said = a.run(&["--json", "logs"]).exits(&[0]).json();
    assert_eq!(
        said["lines"],
        serde_json::json!([{ "service": "worker", "line": format!("begins as {pid}") }])
    );

    // answered once, not asked again
    a.run(&["up", "--no-open"]).exits(&[0]);
    assert_eq!(worker(a), pid, "what runs is left running");
    a.run(&["done"]).exits(&[0]);
    assert!(ends(pid), "`done` ends it");
    assert_eq!(environment(a)["state"], "stopped");

    // and asked again once it was taken back
    a.run(&["plugin", "revoke", "nothing"]).exits(&[1]).explains(&["nothing", "kitbag plugin list"]);
    assert!(a.run(&["plugin", "revoke", "local"]).exits(&[0]).stdout.contains("Taken back"));
    assert!(a.run(&["plugin", "revoke", "local"]).exits(&[0]).stdout.contains("Nothing was allowed"));
    let listed = a.run(&["--json", "plugin", "list"]).exits(&[0]).json();
    assert_eq!(listed["plugins"][0]["grants"], serde_json::json!([]));
    // what would be started comes first again
    let refused = a.run(&["up", "--no-open"]).exits(&[5]);
    assert!(refused.stderr.contains("kitbag: the course's programs have not been allowed"), "{refused:#?}");
}

/// Shows that an environment is found again: it survives the kitbag that started it; one that was killed is said and
/// started again by `up`. First tier.
#[test]
fn a_program_that_was_killed_is_started_again() {
    let room = room();
    let a = course_machine(room.path(), "");
    let a = &a.0;
    a.run(&["--yes", "up", "--no-open"]).exits(&[0]);
    let first = worker(a);
    let seen = service(a, "worker");
    assert_eq!((&seen["kind"], &seen["state"]), (&"program".into(), &"running".into()));
    assert_eq!((&environment(a)["backend"], &environment(a)["state"]), (&"local".into(), &"running".into()));
    assert!(Command::new("sh").args(["-c", &format!("kill -9 {first}")]).status().unwrap().success());
    assert!(ends(first));
    assert_eq!(
        (&service(a, "worker")["state"], &environment(a)["state"]),
        (&"unhealthy".into(), &"unhealthy".into())
    );

    a.run(&["up", "--no-open"]).exits(&[0]);
    let second = worker(a);
    assert!(second != first && runs(second));
    assert_eq!(service(a, "worker")["state"], "running");
    a.run(&["done"]).exits(&[0]);
    assert!(ends(second));
    // ending what has ended is no mistake
    a.run(&["done"]).exits(&[0]);
}

/// Shows `exec`: the command finds the services, its output and its exit code are passed on. First tier.
#[test]
fn exec_passes_on_what_the_command_says() {
    let room = room();
    let a = course_machine(room.path(), "");
    let a = &a.0;
    a.run(&["exec", "--", "sh", "-c", "exit 0"]).exits(&[5]).explains(&["kitbag up"]);
    a.run(&["--yes", "up", "--no-open"]).exits(&[0]);
    let output = a.command(&["exec", "--", "sh", "-c", "echo $KITBAG_X_URL; exit 7"]).output().unwrap();
    assert_eq!(output.status.code(), Some(7), "{output:?}");
    let url = service(a, "x")["url"].as_str().unwrap().to_owned();
    assert_eq!(String::from_utf8(output.stdout).unwrap().trim_end(), url);
    let here = a.command(&["exec", "worker", "--", "sh", "-c", "pwd"]).output().unwrap();
    let here = PathBuf::from(String::from_utf8(here.stdout).unwrap().trim_end());
    assert_eq!(here.canonicalize().unwrap(), a.work.canonicalize().unwrap());
    a.run(&["exec", "nobody", "--", "sh", "-c", "exit 0"]).exits(&[1]).explains(&["nobody"]);
    a.run(&["exec", "--", "no-such-program-here"]).exits(&[5]).explains(&["no-such-program-here"]);
    a.run(&["logs", "nobody"]).exits(&[1]).explains(&["nobody", "worker"]);
}

/// Shows `reset`: a fresh environment with the same work, files and rows alike. First tier.
#[test]
fn reset_is_a_fresh_environment_with_the_same_work() {
    let room = room();
    let a = course_machine(room.path(), "");
    let a = &a.0;
    a.run(&["--yes", "up", "--no-open"]).exits(&[0]);
    let first = worker(a);
    a.write("notes/week1.md", "# Week 1\nmine\n");
    a.write("own.txt", "own\n");
    let open = database(a, "x");
    // how a database file is written is the environment's; its rows are the student's
    let mode: String = open.query_row("PRAGMA journal_mode=WAL", [], |row| row.get(0)).unwrap();
    assert_eq!(mode, "wal");
    open.execute("INSERT INTO marks (mark) VALUES ('mine')", []).unwrap();
    drop(open);
    a.sync();
    let before = a.files();

    a.run(&["reset", "--no-open"]).exits(&[0]);
    let mut after = a.files();
    let dump = after.0.remove("backups/x/x.dump").unwrap();
    assert!(String::from_utf8(dump).unwrap().contains("mine"));
    let mut before = before;
    before.0.remove("backups/x/x.dump");
    assert_eq!(after, before);
    let open = database(a, "x");
    let rows: Vec<(i64, String)> = {
        let mut rows = open.prepare("SELECT id, mark FROM marks").unwrap();
        rows.query_map([], |row| Ok((row.get(0)?, row.get(1)?))).unwrap().map(Result::unwrap).collect()
    };
    assert_eq!(rows, [(1, "mine".to_owned())]);
    let mode: String = open.query_row("PRAGMA journal_mode", [], |row| row.get(0)).unwrap();
    assert_eq!(mode, "delete", "a new file");
    let second = worker(a);
    assert!(second != first && ends(first) && runs(second));
}

/// Shows that a service with a page is there when `up` ends: its port answers at the address `status` shows, only on
/// this computer, and no longer after `done`. Where python3 is not installed there is nothing to try. First tier.
#[test]
fn a_page_answers_when_up_ends() {
    let room = room();
    let mut python = Command::new("python3");
    // with the surroundings of a test machine, as the service has them
    python.env_clear().env("HOME", room.path()).env("PATH", std::env::var_os("PATH").unwrap_or_default());
    if !python.arg("--version").output().is_ok_and(|ran| ran.status.success()) {
        // what is missing is a failure where everything was to be installed
        assert!(std::env::var_os("CI").is_none(), "python3 is not here");
        eprintln!("python3 is not here; nothing tried");
        return;
    }
    let page = "[[service]]\nname = \"page\"\ntitle = \"A page\"\nkind = \"program\"\n[service.program]\n\
                program = \"python3\"\nargs = [\"-m\", \"http.server\", \"{port}\", \"--bind\", \"127.0.0.1\"]\n\
                port = true\npath = \"/notes/\"\nopen = true\n";
    let a = course_machine(room.path(), page);
    let a = &a.0;
    a.run(&["--yes", "up", "--no-open"]).exits(&[0]);
    let url = service(a, "page")["url"].as_str().unwrap().to_owned();
    let at = url.strip_prefix("http://").and_then(|rest| rest.strip_suffix("/notes/")).unwrap();
    assert!(at.starts_with("127.0.0.1:"), "{url}");
    let mut stream = TcpStream::connect(at).unwrap();
    stream.write_all(b"GET /notes/ HTTP/1.0\r\n\r\n").unwrap();
    let mut said = String::new();
    stream.read_to_string(&mut said).unwrap();
    assert!(said.contains("week1.md"), "it runs in the working folder: {said}");
    let opened = a.run(&["open", "--print"]).exits(&[0]).stdout;
    assert!(opened.starts_with(&url), "{opened}");
    a.run(&["done"]).exits(&[0]);
    assert!(TcpStream::connect(at).is_err(), "its port is free again");
    assert!(service(a, "page")["url"].is_null());
}
