//! The agent and a command at once: whoever types a command gets the workspace, and the agent goes on when it is done. Over
//! its socket only the person's own programs are heard, nonsense harms nobody, and where the agent is silent, gone or
//! killed in the middle, every command ends well without it.

use std::fs;
use std::io::{BufRead, BufReader, Read, Write};
use std::os::unix::fs::{FileTypeExt, MetadataExt, PermissionsExt};
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use serde_json::{Value, json};

use crate::background::{NoneLeft, agents, kill_agents, until};
use crate::machine::{Machine, noise, pair, read, room};

/// A machine with an agent that stays.
struct Served {
    a: Machine,
    _none: NoneLeft,
}

impl Served {
    fn new(room: &Path) -> Self {
        let (a, _) = pair(room, &[("notes.txt", b"1\n")]);
        let served = Served { _none: NoneLeft(a.home.clone()), a };
        served.start();
        served
    }

    fn start(&self) {
        self.a.run(&["agent", "start"]).exits(&[0]);
        until("it answers", || self.socket().exists() && self.try_ask(&json!({ "ask": "hello" })).is_some());
    }

    fn socket(&self) -> PathBuf {
        self.a.home.join("agent/socket")
    }

    fn agent(&self) -> u32 {
        let agents = agents(&self.a.home);
        assert_eq!(agents.len(), 1, "{agents:?}");
        agents[0]
    }

    fn try_ask(&self, what: &Value) -> Option<Value> {
        let mut line = Line::open(&self.socket())?;
        line.say(what);
        line.hear()
    }

    #[track_caller]
    fn ask(&self, what: &Value) -> Value {
        self.try_ask(what).unwrap_or_else(|| panic!("no answer to {what}"))
    }

    fn doing(&self) -> Value {
        self.ask(&json!({ "ask": "state" }))["workspaces"][0]["doing"].clone()
    }

    /// What the agent does by itself, until it is in the cloud folder.
    #[track_caller]
    fn carries(&self, name: &str) {
        self.a.write(name, name);
        until("it is carried", || read(&self.a.share.join(name)).is_some());
    }
}

/// A connection to an agent.
struct Line(BufReader<UnixStream>);

impl Line {
    fn open(socket: &Path) -> Option<Self> {
        let stream = UnixStream::connect(socket).ok()?;
        stream.set_read_timeout(Some(Duration::from_secs(60))).unwrap();
        stream.set_write_timeout(Some(Duration::from_secs(60))).unwrap();
        Some(Line(BufReader::new(stream)))
    }

    /// One that closes hears nothing.
    fn raw(&mut self, bytes: &[u8]) {
        self.0.get_mut().write_all(bytes).ok();
    }

    fn say(&mut self, what: &Value) {
        self.raw(format!("{what}\n").as_bytes());
    }

    fn hear(&mut self) -> Option<Value> {
        let mut line = String::new();
        self.0.read_line(&mut line).ok().filter(|read| *read > 0)?;
        Some(serde_json::from_str(&line).unwrap())
    }

    /// Nothing more comes.
    fn dropped(mut self) -> bool {
        let mut rest = Vec::new();
        match self.0.read_to_end(&mut rest) {
            Ok(_) => rest.is_empty(),
            Err(error) => error.kind() == std::io::ErrorKind::ConnectionReset,
        }
    }
}

fn signal(name: &str, pid: u32) {
    assert!(Command::new("kill").args(["-s", name, &pid.to_string()]).status().unwrap().success());
}

/// Shows that the agent tells who it is and what it does, to its own person's programs only; that a command takes a
/// workspace out of its hands and it looks at once when the command is done; and that `agent stop` ends it. First tier.
#[test]
fn a_command_borrows_and_the_agent_goes_on() {
    let room = room();
    let served = Served::new(room.path());
    let there = fs::symlink_metadata(served.socket()).unwrap();
    assert!(there.file_type().is_socket());
    assert_eq!(there.permissions().mode() & 0o777, 0o600);
    let hello = served.ask(&json!({ "ask": "hello" }))["agent"].clone();
    assert_eq!((&hello["process"], &hello["stay"]), (&json!(served.agent()), &json!(true)));
    let status = served.a.run(&["--json", "status"]).exits(&[0, 4]).json();
    assert_eq!(status["agent"]["running"], true, "{status:#}");
    assert_eq!(
        (&status["agent"]["since"], &status["agent"]["version"]),
        (&hello["since"], &hello["version"])
    );
    served.carries("first.txt");

    let name = status["workspace"].as_str().unwrap();
    let mut lent = Line::open(&served.socket()).unwrap();
    lent.say(&json!({ "ask": "lend", "workspace": name }));
    let mut answer = lent.hear().unwrap();
    while answer.get("waiting").is_some() {
        answer = lent.hear().unwrap();
    }
    assert_eq!(answer, json!({ "lent": true }));
    assert_eq!(served.doing(), "lent");
    served.a.write("second.txt", "2");
    std::thread::sleep(Duration::from_secs(4));
    assert!(!served.a.share.join("second.txt").exists(), "it stays out");
    // commands go on meanwhile
    served.a.run(&["status"]).exits(&[0, 4]);
    served.a.write("by-hand.txt", "3");
    served.a.sync();
    assert!(served.a.share.join("by-hand.txt").exists());
    served.a.write("third.txt", "3");
    drop(lent);
    until("it looks at once", || served.a.share.join("third.txt").exists());

    let stopped = served.a.run(&["--json", "agent", "stop"]).exits(&[0]).json();
    assert_eq!(stopped["changed"], true);
    assert!(agents(&served.a.home).is_empty() && !served.socket().exists());
    assert!(!served.a.home.join("agent/stop").exists());
    assert_eq!(served.a.run(&["--json", "status"]).exits(&[0, 4]).json()["agent"], Value::Null);
}

/// Shows that whatever is said over the socket, the agent lives, answers the next one and goes on with its work: garbage,
/// lines without end, half lines, unknown questions, 200 connections at once. First tier.
#[test]
fn nonsense_harms_nobody() {
    let room = room();
    let served = Served::new(room.path());
    let agent = served.agent();
    let unknown = served.ask(&json!({ "ask": "format", "disk": "c:" }));
    assert!(unknown["error"]["remedy"].is_string(), "{unknown}");
    let endless = vec![b'x'; 300_000];
    for bytes in [&b"GET / HTTP/1.1\r\n\r\n"[..], b"\n", b"null\n", b"\xff\xfe\n", &endless] {
        let mut line = Line::open(&served.socket()).unwrap();
        line.raw(bytes);
        assert!(line.dropped(), "{:?}", String::from_utf8_lossy(&bytes[..bytes.len().min(20)]));
    }
    let mut half = Line::open(&served.socket()).unwrap();
    half.raw(b"{\"ask\":\"sto");
    drop(half);

    let many: Vec<_> = (0..200).map(|_| Line::open(&served.socket()).unwrap()).collect();
    // as if there were none
    served.a.write("while.txt", "many talk");
    served.a.sync();
    drop(many);
    until("it answers again", || served.try_ask(&json!({ "ask": "hello" })).is_some());
    served.carries("after.txt");
    assert_eq!(served.agent(), agent, "the same one");
}

/// Shows that another account of the computer is not heard, whatever the rights of the folders are. Needs root to become
/// somebody else, as it is in CI. First tier.
#[test]
fn another_account_is_not_heard() {
    let room = room();
    if fs::metadata("/proc/self").unwrap().uid() != 0 {
        assert!(std::env::var_os("CI").is_none(), "CI runs as root");
        return;
    }
    let served = Served::new(room.path());
    // somebody opened everything to everybody
    for folder in served.socket().ancestors().skip(1).take_while(|folder| folder.starts_with(room.path())) {
        fs::set_permissions(folder, fs::Permissions::from_mode(0o777)).unwrap();
    }
    fs::set_permissions(served.socket(), fs::Permissions::from_mode(0o777)).unwrap();
    // perl is part of every Debian, and its folder is everybody's
    let script = "use Socket; socket(S, PF_UNIX, SOCK_STREAM, 0) or die; connect(S, sockaddr_un($ARGV[0])) or die \"$!\";\
                  $SIG{PIPE} = 'IGNORE'; alarm 60; syswrite(S, qq({\"ask\":\"hello\"}\\n)); sysread(S, $said, 100);\
                  print \"heard $said\";";
    let ask = |user: &str| {
        let mut command = Command::new("setpriv");
        let as_user = [format!("--reuid={user}"), format!("--regid={user}")];
        command.args(as_user).args(["--clear-groups", "/usr/bin/perl", "-e", script]);
        let ran = command.arg(served.socket()).output().unwrap();
        assert!(ran.status.success(), "{ran:?}");
        String::from_utf8(ran.stdout).unwrap()
    };
    assert!(ask("0").contains("version"), "our own is heard");
    assert_eq!(ask("65534").trim(), "heard");
    assert!(served.ask(&json!({ "ask": "hello" })).is_object());
}

/// Shows that an agent that hangs costs a command a moment and nothing else, that one killed while it has lent is no harm,
/// and that what is left of it is in nobody's way. First tier.
#[test]
fn one_that_hangs_or_dies_is_done_without() {
    let room = room();
    let served = Served::new(room.path());
    until("it rests", || served.doing() == "nothing");
    signal("STOP", served.agent());
    served.a.write("hangs.txt", "h");
    served.a.sync();
    let status = served.a.run(&["--json", "status"]).exits(&[0, 4]).json();
    assert_eq!((&status["agent"]["running"], &status["agent"]["version"]), (&json!(true), &Value::Null));
    signal("CONT", served.agent());

    let mut lent = Line::open(&served.socket()).unwrap();
    lent.say(&json!({ "ask": "lend", "workspace": status["workspace"] }));
    while lent.hear().unwrap() != json!({ "lent": true }) {}
    kill_agents(&served.a.home);
    until("it is gone", || agents(&served.a.home).is_empty());
    assert!(lent.dropped());
    assert!(served.socket().exists(), "left over");
    served.a.write("alone.txt", "a");
    served.a.sync();
    assert_eq!(served.a.run(&["--json", "status"]).exits(&[0]).json()["agent"], Value::Null);
    served.start();
    served.carries("again.txt");
}

/// Shows that two commands at once and an agent that carries every change give each its turn: every command ends well, and
/// nothing is lost, also when the agent is killed in between. First tier.
#[test]
fn two_commands_and_an_agent_take_turns() {
    let room = room();
    let served = Served::new(room.path());
    for round in 0..3 {
        std::thread::scope(|scope| {
            for who in 0..2 {
                let a = &served.a;
                scope.spawn(move || {
                    for n in 0..4 {
                        a.write(&format!("r{round}/{who}-{n}.txt"), noise(2_000, round * 100 + who * 10 + n));
                        a.run(&["--json", "sync"]).exits(&[0, 4]);
                    }
                });
            }
            if round == 1 {
                std::thread::sleep(Duration::from_millis(300));
                kill_agents(&served.a.home);
            }
        });
    }
    until("it is gone", || agents(&served.a.home).is_empty());
    served.start();
    until("all is carried", || served.a.mirror() == served.a.files());
    assert_eq!(served.a.files().0.len(), 1 + 3 * 8);
    served.a.run(&["agent", "stop"]).exits(&[0]);
    served.a.sync();
    assert_eq!(served.a.mirror(), served.a.files());
    served.a.run(&["verify"]).exits(&[0]);
}
