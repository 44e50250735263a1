//! Nobody types `done`: what is open is saved all the same. `up` starts an agent that stays, one for each state root, and
//! it ends by itself when nothing is open any more. Killed at any moment, it costs nothing; a person who types a command
//! while it saves waits for it and is told so.

use std::fs;
use std::io::{BufRead, BufReader};
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Duration;

use serde_json::Value;

use crate::course::{database, setup_with};
use crate::docker::lab;
use crate::gone::seed;
use crate::machine::{Chance, Machine, copy_program, noise, pair, read, room, tree, write};

const DUMP: &str = "backups/library/library.dump";

/// A course with a database and nothing that runs.
const MANIFEST: &str = r#"
id = "library"
title = "Library"
version = "1"
[[seed]]
from = "notes"
to = "notes"
[[service]]
name = "library"
kind = "sqlite"
[service.sqlite]
schema = "schema.sql"
[backend.local]
"#;

/// A machine whose `up` starts the agent; none outlives the test.
struct Watched(Machine);

impl Watched {
    /// Saved every so many seconds.
    fn new(machine: Machine, seconds: u64) -> Self {
        Watched(machine.with("agent.start", true).with("environment.checkpoint_seconds", seconds))
    }

    fn agents(&self) -> Vec<u32> {
        agents(&self.0.home)
    }

    #[track_caller]
    fn agent(&self) -> u32 {
        let agents = self.agents();
        assert_eq!(agents.len(), 1, "{agents:?}: {}", self.log());
        agents[0]
    }

    fn log(&self) -> String {
        text(&self.0.home.join("agent/agent.log"))
    }

    /// No agent is left, without anybody's doing.
    #[track_caller]
    fn ends(&self, what: &str) {
        until(what, || self.agents().is_empty());
    }

    /// Whether it saves right now, as the system's locks tell.
    fn saves(&self) -> bool {
        let Ok(file) = fs::File::open(self.0.home.join("agent/saving")) else { return false };
        let free = file.try_lock_shared().is_ok();
        if free {
            file.unlock().unwrap();
        }
        !free
    }

    fn sql(&self, sql: &str) {
        database(&self.0, "library").execute_batch(sql).unwrap();
    }

    fn titles(&self) -> Vec<String> {
        let db = database(&self.0, "library");
        let mut find = db.prepare("SELECT title FROM books ORDER BY title").unwrap();
        find.query_map([], |row| row.get(0)).unwrap().map(Result::unwrap).collect()
    }

    #[track_caller]
    fn up(&self) {
        self.0.run(&["--yes", "up", "--no-open"]).exits(&[0]);
    }
}

impl Drop for Watched {
    fn drop(&mut self) {
        kill_agents(&self.0.home);
    }
}

/// The agents of a state root.
pub fn agents(home: &Path) -> Vec<u32> {
    let home = home.to_str().unwrap();
    let is_agent = |pid: &u32| {
        let Ok(bytes) = fs::read(format!("/proc/{pid}/cmdline")) else { return false };
        let line = String::from_utf8_lossy(&bytes);
        let words: Vec<&str> = line.split_terminator('\0').collect();
        let is = words.ends_with(&["agent", "run"]) || words.ends_with(&["agent", "run", "--stay"]);
        words.contains(&home) && is && alive(*pid)
    };
    let pid = |item: std::io::Result<fs::DirEntry>| item.ok()?.file_name().to_str()?.parse::<u32>().ok();
    fs::read_dir("/proc").unwrap().filter_map(pid).filter(is_agent).collect()
}

/// End them at once.
pub fn kill_agents(home: &Path) {
    for agent in agents(home) {
        signal("KILL", agent);
    }
}

/// No agent of this state root outlives it.
pub struct NoneLeft(pub PathBuf);

impl Drop for NoneLeft {
    fn drop(&mut self) {
        kill_agents(&self.0);
    }
}

pub fn alive(pid: u32) -> bool {
    let line = fs::read_to_string(format!("/proc/{pid}/stat")).unwrap_or_default();
    line.rsplit(") ").next().is_some_and(|rest| !rest.is_empty() && !rest.starts_with(['Z', 'X']))
}

pub fn signal(name: &str, pid: u32) {
    Command::new("kill").args(["-s", name, &pid.to_string()]).status().unwrap();
}

/// Soon, whatever else this computer does.
#[track_caller]
pub fn until(what: &str, check: impl Fn() -> bool) {
    lab::until(what, Duration::from_secs(90), check);
}

fn course(room: &Path) -> PathBuf {
    let folder = room.join("library");
    write(&folder.join("course.toml"), MANIFEST);
    write(&folder.join("schema.sql"), "CREATE TABLE books (title TEXT PRIMARY KEY);");
    write(&folder.join("notes/week1.md"), "# Week 1\n");
    folder
}

/// A machine with the course, set up and not begun; its agent saves every so many seconds.
fn begun(room: &Path, seconds: u64) -> Watched {
    let a = Watched::new(Machine::new(room, "HOME-PC", &room.join("share")), seconds);
    setup_with(&a.0, &course(room)).exits(&[0]);
    a
}

fn shared(machine: &Machine, path: &str) -> String {
    text(&machine.share.join(path))
}

fn text(file: &Path) -> String {
    String::from_utf8_lossy(&read(file).unwrap_or_default()).into_owned()
}

/// Shows that `done` need not be typed: rows and files of an open course reach the cloud folder by themselves, and another
/// machine has them. `up` twice starts one agent; with `done` it ends by itself. Nothing secret is on its command line, it
/// keeps no folder of the person's in use, and no programs of its own. First tier.
#[test]
fn an_open_course_is_saved_without_a_command() {
    let room = room();
    let a = begun(room.path(), 1);
    assert_eq!(a.0.run(&["--json", "status"]).exits(&[0]).json()["last_checkpoint"], Value::Null);
    a.up();
    let agent = a.agent();
    a.sql("INSERT INTO books VALUES ('Middlemarch')");
    a.0.write("notes/mine.md", "mine\n");
    until("the work is in the cloud folder", || {
        shared(&a.0, DUMP).contains("Middlemarch") && shared(&a.0, "notes/mine.md") == "mine\n"
    });
    until("it is noted", || {
        a.0.run(&["--json", "status"]).exits(&[0, 4]).json()["last_checkpoint"].is_string()
    });
    a.up();
    assert_eq!(a.agent(), agent, "the same one: {}", a.log());
    let line =
        String::from_utf8_lossy(&fs::read(format!("/proc/{agent}/cmdline")).unwrap()).replace('\0', " ");
    for (path, secret) in tree(&a.0.home).0.iter().filter(|(path, _)| path.ends_with("/token")) {
        assert!(!line.contains(String::from_utf8_lossy(secret).trim()), "{path} in {line}");
    }
    let folder = fs::read_link(format!("/proc/{agent}/cwd")).unwrap();
    assert!(!folder.starts_with(room.path()), "{folder:?}");

    // another machine goes on while this one is open
    let b = Machine::new(room.path(), "WORK-PC", &a.0.share);
    b.setup().exits(&[0]);
    b.run(&["--yes", "up", "--no-open"]).exits(&[0]);
    assert_eq!(b.text("notes/mine.md"), "mine\n");
    let count: i64 =
        database(&b, "library").query_row("SELECT count(*) FROM books", [], |row| row.get(0)).unwrap();
    assert_eq!(count, 1);
    b.run(&["done"]).exits(&[0]);

    a.0.run(&["done"]).exits(&[0]);
    a.ends("it ends when nothing is open");
    assert!(a.log().contains("Closed"), "{}", a.log());
    assert!(!a.log().contains("WARN") && !a.log().contains("ERROR"), "{}", a.log());
}

/// Shows that starting it at the same time from everywhere leaves one; that `agent stop`, SIGTERM and the end of the state
/// root end it without harm; and that it can be switched off. First tier.
#[test]
fn there_is_one_agent_and_it_ends_when_it_is_told_to() {
    let room = room();
    let mut a = begun(room.path(), 600);
    a.0.set("agent.start", false);
    a.up();
    assert_eq!(a.agents(), [0; 0], "switched off");
    a.0.set("agent.start", true);
    std::thread::scope(|scope| {
        for _ in 0..4 {
            scope.spawn(|| a.0.run(&["agent", "start"]).exits(&[0]));
        }
    });
    until("the others have ended", || a.agents().len() == 1);
    let again = a.0.run(&["--json", "agent", "start"]).exits(&[0]).json();
    assert_eq!((&again["running"], &again["changed"]), (&true.into(), &false.into()));
    a.0.run(&["agent", "run"]).exits(&[1]).explains(&["runs already"]);
    let stopped = a.0.run(&["--json", "agent", "stop"]).exits(&[0]).json();
    assert_eq!((&stopped["running"], &stopped["changed"]), (&false.into(), &true.into()));
    assert_eq!(a.agents(), [0; 0]);
    a.0.run(&["agent", "stop"]).exits(&[0]);

    a.up();
    signal("TERM", a.agent());
    a.ends("SIGTERM");
    a.up();
    // a person's own, in the foreground
    a.0.run(&["agent", "stop"]).exits(&[0]);
    let mut own = a.0.start(&["agent", "run"]);
    let sign = || text(&a.0.home.join("agent/process.json")).contains(&own.id().to_string());
    until("it lives", sign);
    signal("INT", own.id());
    assert!(own.wait().unwrap().success());

    a.up();
    let agent = a.agent();
    until("the state root can be removed", || fs::remove_dir_all(&a.0.home).is_ok() || !a.0.home.exists());
    until("without its state root it ends", || !alive(agent));
    assert!(!a.0.home.exists(), "and makes nothing anew");
}

/// Shows that an agent that does not listen is ended by force, and that nothing is lost by it. First tier.
#[test]
fn an_agent_that_does_not_listen_is_ended_by_force() {
    let room = room();
    let mut a = begun(room.path(), 600);
    a.up();
    signal("STOP", a.agent());
    a.0.set("agent.stop_seconds", 3);
    let said = a.0.run(&["agent", "stop"]).exits(&[0]);
    assert!(said.stdout.contains("by force"), "{said:#?}");
    assert!(said.stderr.contains("background"), "{said:#?}");
    a.ends("killed");
    a.0.run(&["done"]).exits(&[0]);
}

/// Shows that a command waits for the agent while it saves, says so, and does not fail, however little it was told to
/// wait: the agent stands still in the middle, `done` waits, the agent goes on, `done` ends well. First tier.
#[test]
fn done_waits_while_it_saves_and_says_so() {
    let room = room();
    let mut a = begun(room.path(), 2);
    a.0.set("lock.wait_seconds", 0);
    a.up();
    let agent = a.agent();
    a.sql("INSERT INTO books VALUES ('Middlemarch')");
    for n in 0..600 {
        a.0.write(&format!("many/{n}.txt"), noise(2_000, n));
    }
    until("it stands still in the middle", || {
        if a.saves() {
            signal("STOP", agent);
        }
        // it may have been at its end
        let still = a.saves();
        if !still {
            signal("CONT", agent);
        }
        still
    });
    let mut done = a.0.command(&["done"]);
    let mut done = done.stdout(Stdio::null()).spawn().unwrap();
    let mut said = String::new();
    BufReader::new(done.stderr.take().unwrap()).read_line(&mut said).unwrap();
    assert!(said.contains("saving in the background"), "{said}");
    assert!(done.try_wait().unwrap().is_none(), "it waits");
    signal("CONT", agent);
    assert_eq!(done.wait().unwrap().code(), Some(0));
    assert!(shared(&a.0, DUMP).contains("Middlemarch"));
    assert_eq!(a.0.mirror(), a.0.files());
    a.ends("nothing is open");
}

/// Shows "nothing lost" for an agent killed in the middle of saving, again and again, with work going on: the next command
/// goes on, nothing is in the way of the next agent, and the other machine has every row. Seeded: STORY_SEED. First tier.
#[test]
fn killed_while_it_saves() {
    let mut chance = Chance::new(seed());
    let room = room();
    let a = begun(room.path(), 1);
    let (mut rows, mut killed) = (Vec::new(), 0);
    for round in 0..6 {
        a.up();
        let agent = a.agent();
        a.sql(&format!("INSERT INTO books VALUES ('book {round}')"));
        rows.push(format!("book {round}"));
        for n in 0..150 {
            a.0.write(&format!("many/{n}.txt"), noise(3_000, round * 1_000 + n));
        }
        until("it saves", || a.saves());
        std::thread::sleep(Duration::from_millis(chance.below(150) as u64));
        killed += usize::from(a.saves());
        signal("KILL", agent);
        a.ends("killed");
        match chance.below(3) {
            0 => a.0.run(&["sync"]).exits(&[0]),
            1 => a.0.run(&["done"]).exits(&[0]),
            _ => a.0.run(&["--yes", "up", "--no-open"]).exits(&[0]),
        };
        assert_eq!(a.titles(), rows);
    }
    assert!(killed > 0, "none was killed in the middle");
    a.0.run(&["done"]).exits(&[0]);
    a.ends("nothing is open");
    assert_eq!(a.0.mirror(), a.0.files());
    let b = Machine::new(room.path(), "WORK-PC", &a.0.share);
    b.setup().exits(&[0]);
    b.run(&["--yes", "up", "--no-open"]).exits(&[0]);
    assert_eq!(b.conflicts()["conflicts"], Value::Array(vec![]));
    let b = Watched(b);
    assert_eq!(b.titles(), rows);
    b.0.run(&["done"]).exits(&[0]);
    assert_eq!(b.0.files(), a.0.files());
}

/// Shows that a new version of the program replaces a running agent: the old one ends by itself, the next `up` starts the
/// new one. First tier.
#[test]
fn a_replaced_program_is_noticed() {
    let room = room();
    let mut a = begun(room.path(), 600);
    let (program, new) = (room.path().join("kitbag"), room.path().join("new"));
    for copy in [&program, &new] {
        copy_program(copy);
    }
    a.0.uses(&program);
    a.up();
    let old = a.agent();
    fs::rename(&new, &program).unwrap();
    a.ends("the old one ends");
    a.up();
    let now = a.agent();
    assert_ne!(now, old);
    let number = |path: &Path| fs::metadata(path).unwrap().ino();
    assert_eq!(number(Path::new(&format!("/proc/{now}/exe"))), number(&program));
    a.0.run(&["done"]).exits(&[0]);
    a.ends("nothing is open");
}

/// Shows that a cloud folder that goes away in the middle of the day costs one machine's agent nothing but time: it tries
/// again, and another workspace of the same computer is saved meanwhile. First tier.
#[test]
fn a_cloud_folder_that_is_away_hinders_no_other_workspace() {
    let room = room();
    let (first, _) = pair(room.path(), &[("notes.txt", b"1\n")]);
    let a = Watched::new(first, 1);
    let (share, work) = (room.path().join("share of two"), room.path().join("work of two"));
    let (share_name, work_name) = (share.to_str().unwrap(), work.to_str().unwrap());
    let two =
        ["--workspace", "two", "setup", "--share", share_name, "--work", work_name, "--machine", "HOME-PC"];
    a.0.run(&two).exits(&[0]);
    let list = tree(&a.0.home).0.into_keys().filter(|path| path.ends_with("/workspace.json"));
    let names: Vec<String> = list.map(|path| path.split('/').nth(1).unwrap().to_owned()).collect();
    assert_eq!(names.len(), 2, "{names:?}");
    for name in &names {
        a.0.run(&["--workspace", name, "up", "--no-open"]).exits(&[0]);
    }
    a.agent();
    let away = room.path().join("away");
    fs::rename(&a.0.share, &away).unwrap();
    a.0.write("notes.txt", "1\n2\n");
    until("the trouble is noted", || a.log().contains("is not there"));
    write(&work.join("notes.txt"), "of two\n");
    until("the other is saved", || read(&share.join("notes.txt")).is_some());
    fs::rename(&away, &a.0.share).unwrap();
    until("and the first when it can be", || shared(&a.0, "notes.txt") == "1\n2\n");
    for name in &names {
        a.0.run(&["--workspace", name, "done"]).exits(&[0]);
    }
    a.ends("nothing is open");
}
