//! A machine whose page is open: an agent of its own, ended with the test, and a way in.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{Duration, Instant};

use serde_json::{Value, json};

use crate::machine::{Machine, room, write};
use crate::raw::{Answer, Request};

/// One machine with its page.
pub struct Page {
    pub machine: Machine,
    pub port: u16,
    pub key: String,
    _room: Option<tempfile::TempDir>,
}

impl Page {
    /// A machine of its own with a course and a file, and its page let in.
    #[track_caller]
    pub fn new(name: &str) -> Self {
        let room = room();
        let mut page = Page::of(single(room.path(), name));
        page._room = Some(room);
        page
    }

    /// The page of a machine whose course is begun, so that its agent has a reason to live.
    #[track_caller]
    pub fn of(machine: Machine) -> Self {
        machine.run(&["--yes", "up", "--no-open"]).exits(&[0, 3]);
        let mut page = Page { machine, port: 0, key: String::new(), _room: None };
        let (port, token) = page.address();
        page.port = port;
        page.key = page.swap(&token).json()["key"].as_str().unwrap().to_owned();
        page
    }

    /// What `kitbag page` prints: the port and a token.
    #[track_caller]
    pub fn address(&self) -> (u16, String) {
        let ran = self.machine.run(&["page", "--no-open"]).exits(&[0]);
        let address = ran.stdout.trim();
        let (port, token) = address.strip_prefix("http://127.0.0.1:").unwrap().split_once("/#").unwrap();
        assert_eq!((token.len(), ran.stdout.lines().count()), (64, 1), "{ran:?}");
        (port.parse().unwrap(), token.to_owned())
    }

    pub fn swap(&self, token: &str) -> Answer {
        Request::post(self.port, "/api/session", &json!({ "token": token }).to_string()).send(self.port)
    }

    pub fn get(&self, path: &str) -> Answer {
        Request::get(self.port, path).key(&self.key).send(self.port)
    }

    pub fn post(&self, path: &str, body: &Value) -> Answer {
        Request::post(self.port, path, &body.to_string()).key(&self.key).send(self.port)
    }

    /// How everything stands.
    #[track_caller]
    pub fn state(&self) -> Value {
        let answer = self.get("/api/state");
        assert_eq!(answer.status, Some(200), "{answer:?}");
        answer.json()
    }

    /// The agents of this machine.
    pub fn agents(&self) -> Vec<u32> {
        agents(&self.machine.home)
    }
}

impl Drop for Page {
    fn drop(&mut self) {
        drop(Ends::of(&self.machine));
    }
}

/// Whatever was started on a machine ends with this: agents, commands that a page began, programs of a course.
pub struct Ends(PathBuf);

impl Ends {
    pub fn of(machine: &Machine) -> Self {
        Ends(machine.home.parent().unwrap().to_owned())
    }
}

impl Drop for Ends {
    fn drop(&mut self) {
        // one that was just being started is met the next time
        let deadline = Instant::now() + Duration::from_secs(20);
        loop {
            let left = about(&self.0);
            left.iter().for_each(|pid| signal("KILL", *pid));
            if left.is_empty() || Instant::now() > deadline {
                return;
            }
            std::thread::sleep(Duration::from_millis(20));
        }
    }
}

/// The processes that are about a folder, by their command lines and where they are; without this one.
fn about(folder: &Path) -> Vec<u32> {
    let name = folder.to_str().unwrap();
    let is = |pid: &u32| {
        let line = fs::read(format!("/proc/{pid}/cmdline")).unwrap_or_default();
        let within = fs::read_link(format!("/proc/{pid}/cwd")).is_ok_and(|place| place.starts_with(folder));
        *pid != std::process::id() && (within || String::from_utf8_lossy(&line).contains(name))
    };
    processes().filter(is).collect()
}

fn processes() -> impl Iterator<Item = u32> {
    let pid = |item: std::io::Result<fs::DirEntry>| item.ok()?.file_name().to_str()?.parse::<u32>().ok();
    fs::read_dir("/proc").unwrap().filter_map(pid)
}

/// The agents of a state root, by the words of their command lines.
pub fn agents(home: &Path) -> Vec<u32> {
    programs(home, |words| words.windows(2).any(|pair| pair == ["agent", "run"]))
}

/// The programs that were told of a state root and whose words are so.
pub fn programs(home: &Path, such: impl Fn(&[&str]) -> bool) -> Vec<u32> {
    let home = home.to_str().unwrap();
    let is_one = |pid: &u32| {
        let line = fs::read(format!("/proc/{pid}/cmdline")).unwrap_or_default();
        let line = String::from_utf8_lossy(&line).into_owned();
        let words: Vec<&str> = line.split_terminator('\0').collect();
        let stat = fs::read_to_string(format!("/proc/{pid}/stat")).unwrap_or_default();
        let gone =
            stat.rsplit(") ").next().is_none_or(|rest| rest.is_empty() || rest.starts_with(['Z', 'X']));
        words.contains(&home) && such(&words) && !gone
    };
    processes().filter(is_one).collect()
}

/// Kill it and wait until nothing of it is left: one whose first thread has ended still has its files and its port for as
/// long as the others take.
#[track_caller]
pub fn kill(pid: u32) {
    signal("KILL", pid);
    until("it is gone", || {
        let threads = fs::read_dir(format!("/proc/{pid}/task")).map_or(0, Iterator::count);
        let stat = fs::read_to_string(format!("/proc/{pid}/stat")).unwrap_or_default();
        let ended = |rest: &str| rest.is_empty() || rest.starts_with(['Z', 'X']);
        (threads <= 1 && stat.rsplit(") ").next().is_none_or(ended)).then_some(())
    });
}

pub fn signal(name: &str, pid: u32) {
    Command::new("kill").args(["-s", name, &pid.to_string()]).status().unwrap();
}

/// Soon, whatever else this computer does.
#[track_caller]
pub fn until<T>(what: &str, mut look: impl FnMut() -> Option<T>) -> T {
    let begun = Instant::now();
    loop {
        if let Some(seen) = look() {
            return seen;
        }
        assert!(begun.elapsed() < Duration::from_secs(90), "{what}");
        std::thread::sleep(Duration::from_millis(50));
    }
}

/// All that a page could have changed: both folders, and what the machine keeps besides the ledger, which is touched by
/// looking at it, the locks, which the agent takes to look, and the tokens, of which a tried one that was too old is
/// thrown away.
pub fn everything(page: &Page) -> impl PartialEq + std::fmt::Debug + use<> {
    let mut home = crate::machine::tree(&page.machine.home);
    let touched = ["ledger.sqlite", ".log", "page-tokens/"];
    let locks = ["lock", "agent/saving"];
    home.0
        .retain(|path, _| !touched.iter().any(|part| path.contains(part)) && !locks.contains(&path.as_str()));
    (page.machine.files(), crate::machine::tree(&page.machine.share), home)
}

/// One machine with a course and a file.
#[track_caller]
pub fn single(room: &Path, name: &str) -> Machine {
    let machine = Machine::new(room, name, &room.join("share"));
    machine.write("notes.md", "mine\n");
    course(&room.join("course"), "Library");
    set_up(&machine, name, Some(&room.join("course")));
    machine
}

/// Set up under a name that may be any, with a course where it brings one.
#[track_caller]
pub fn set_up(machine: &Machine, called: &str, course: Option<&Path>) {
    let (share, work) = (machine.share.to_str().unwrap(), machine.work.to_str().unwrap());
    let called = format!("--machine={called}");
    let mut args = vec!["--json", "setup", "--share", share, "--work", work, &called];
    args.extend(course.iter().flat_map(|course| ["--course", course.to_str().unwrap()]));
    machine.run(&args).exits(&[0]);
}

/// A course with a database, and nothing that runs.
pub fn course(folder: &Path, title: &str) {
    let title = json!(title);
    let manifest = format!(
        "id = \"library\"\ntitle = {title}\nversion = \"1\"\n[[service]]\nname = \"library\"\nkind = \"sqlite\"\n\
         [service.sqlite]\nschema = \"schema.sql\"\n[backend.local]\n"
    );
    write(&folder.join("course.toml"), manifest);
    write(&folder.join("schema.sql"), "CREATE TABLE books (title TEXT PRIMARY KEY);");
}
