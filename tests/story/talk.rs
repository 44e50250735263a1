//! Another program runs kitbag and talks with it, as the local page does: each line on stdout is one JSON object, questions
//! are answered by lines on stdin, and the last line says how it ended, whatever happens.

use std::fs;
use std::io::{BufRead, BufReader, Write};
use std::path::Path;
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};

use serde_json::{Value, json};

use crate::course::setup_with;
use crate::machine::{Machine, noise, pair, room, write};

/// A program that talks with kitbag.
pub struct Talking {
    child: Child,
    from: BufReader<ChildStdout>,
    to: Option<ChildStdin>,
    pub heard: Vec<Value>,
}

/// What a talk came to.
pub struct Talked {
    pub exit: i64,
    pub heard: Vec<Value>,
}

impl Talking {
    pub fn begin(machine: &Machine, args: &[&str]) -> Self {
        let args: Vec<&str> = ["--talk"].iter().chain(args).copied().collect();
        let mut command = machine.command(&args);
        let mut child = command.stdin(Stdio::piped()).stderr(Stdio::null()).spawn().unwrap();
        let (from, to) = (BufReader::new(child.stdout.take().unwrap()), child.stdin.take());
        Talking { child, from, to, heard: Vec::new() }
    }

    pub fn id(&self) -> u32 {
        self.child.id()
    }

    /// The next thing that is said; none at the end.
    #[track_caller]
    fn next(&mut self) -> Option<Value> {
        let mut line = String::new();
        if self.from.read_line(&mut line).unwrap() == 0 {
            return None;
        }
        let raw = |c: char| (c.is_control() && c != '\n') || ('\u{202a}'..='\u{202e}').contains(&c);
        assert!(line.ends_with('\n') && !line.contains(raw), "{line:?}");
        let said: Value = serde_json::from_str(&line).unwrap_or_else(|e| panic!("{e}: {line:?}"));
        let kinds: Vec<_> = said.as_object().unwrap().keys().cloned().collect();
        let known = ["progress", "step", "line", "say", "question", "document", "finding", "exit"];
        assert!(kinds.len() == 1 && known.contains(&kinds[0].as_str()), "{line:?}");
        self.heard.push(said.clone());
        Some(said)
    }

    /// Listen until something of this kind is said.
    #[track_caller]
    pub fn until(&mut self, kind: &str) -> Value {
        while let Some(said) = self.next() {
            if let Some(what) = said.get(kind) {
                return what.clone();
            }
        }
        panic!("no {kind}: {:#?}", self.heard);
    }

    pub fn say(&mut self, what: &Value) {
        // one that has ended hears nothing
        writeln!(self.to.as_mut().unwrap(), "{what}").ok();
    }

    #[track_caller]
    pub fn answer(&mut self, question: &Value, yes: bool) {
        self.say(&json!({ "answer": { "id": question["id"], "yes": yes } }));
    }

    pub fn close(&mut self) {
        self.to = None;
    }

    /// Listen to its end: the last line is the exit code, once, and the program's own.
    #[track_caller]
    pub fn ends(mut self) -> Talked {
        while self.next().is_some() {}
        let code = self.child.wait().unwrap().code();
        let heard = std::mem::take(&mut self.heard);
        let exits = heard.iter().filter(|said| said.get("exit").is_some()).count();
        let exit = heard.last().and_then(|said| said["exit"].as_i64());
        assert!(exits == 1 && exit.is_some(), "the last line: {heard:#?}");
        assert_eq!(exit, code.map(i64::from), "{heard:#?}");
        Talked { exit: exit.unwrap(), heard }
    }
}

impl Drop for Talking {
    fn drop(&mut self) {
        self.child.kill().ok();
        self.child.wait().ok();
    }
}

impl Talked {
    #[track_caller]
    pub fn exits(self, code: i64) -> Self {
        assert_eq!(self.exit, code, "{:#?}", self.heard);
        self
    }

    /// The one thing of this kind that was said.
    #[track_caller]
    pub fn only(&self, kind: &str) -> &Value {
        let all: Vec<_> = self.heard.iter().filter_map(|said| said.get(kind)).collect();
        assert_eq!(all.len(), 1, "{kind}: {:#?}", self.heard);
        all[0]
    }

    pub fn says(&self, kind: &str) -> bool {
        self.heard.iter().any(|said| said.get(kind).is_some())
    }
}

/// A talk in which nothing is asked.
#[track_caller]
pub fn talk(machine: &Machine, args: &[&str]) -> Talked {
    let mut talking = Talking::begin(machine, args);
    talking.close();
    talking.ends()
}

/// The example course, with a program called jupyter on this machine that serves the working folder.
fn hello(room: &Path) -> Ends {
    let mut a = Machine::new(room, "HOME-PC", &room.join("share"));
    let jupyter = room.join("bin/jupyter");
    write(
        &jupyter,
        "#!/bin/sh\nfor word in \"$@\"; do case $word in --port=*) port=${word#--port=} ;; esac; done\n\
         exec python3 -m http.server --bind 127.0.0.1 \"$port\"\n",
    );
    use std::os::unix::fs::PermissionsExt;
    fs::set_permissions(&jupyter, fs::Permissions::from_mode(0o755)).unwrap();
    let path = std::env::var("PATH").unwrap();
    a.variables.insert("PATH".into(), format!("{}:{path}", room.join("bin").display()));
    let course = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../examples/hello-course");
    setup_with(&a, &course).exits(&[0]);
    Ends(a)
}

/// Its programs end with the test, however that ends.
struct Ends(Machine);

impl Drop for Ends {
    fn drop(&mut self) {
        self.0.command(&["--yes", "done"]).output().ok();
    }
}

/// Shows that whatever the page lets a person allow is asked with all there is to know, and that only a yes to this very
/// question starts anything: not a no, not the end of the talk, not an answer to something else. First tier.
#[test]
fn the_course_is_started_after_a_yes_only() {
    let room = room();
    let a = hello(room.path());
    let up = || {
        let mut talking = Talking::begin(&a.0, &["up"]);
        let question = talking.until("question");
        assert_eq!((&question["kind"], &question["id"]), (&json!("consent"), &json!(1)));
        let detail = &question["detail"];
        assert_eq!((&detail["about"], &detail["course"]), (&json!("course"), &json!("Hello, data")));
        assert_eq!(detail["programs"][0]["program"], "jupyter", "{question:#}");
        assert_eq!(detail["programs"][0]["file"], room.path().join("bin/jupyter").to_str().unwrap());
        let told = question["told"].to_string();
        assert!(told.contains("jupyter") && told.contains("everything you can do"), "{told}");
        (talking, question)
    };
    let states = |talked: &Talked| -> Vec<String> {
        let services = talked.only("document")["services"].as_array().unwrap().clone();
        services.iter().map(|one| one["state"].as_str().unwrap().to_owned()).collect()
    };
    // the course can do without this program
    let (mut refused, question) = up();
    refused.answer(&question, false);
    let refused = refused.ends().exits(0);
    assert_eq!(states(&refused), ["ready", "stopped"]);

    let (mut gone, _) = up();
    gone.close();
    assert_eq!(states(&gone.ends().exits(0)), ["ready", "stopped"]);

    let (mut allowed, question) = up();
    for noise in [json!({ "answer": { "id": 7, "yes": true } }), json!(["yes"]), json!("yes"), json!(null)] {
        allowed.say(&noise);
    }
    allowed.answer(&question, true);
    let allowed = allowed.ends().exits(0);
    assert_eq!(states(&allowed), ["ready", "running"]);
    assert!(allowed.says("line"), "a person's words too");

    let again = talk(&a.0, &["up"]).exits(0);
    assert!(!again.says("question"), "it was allowed");
    let done = talk(&a.0, &["done"]).exits(0);
    assert!(done.only("document")["sync"].is_object());
}

/// Shows that documents, exit codes and names are those of `--json`: a question between two machines, hostile names in it.
/// First tier.
#[test]
fn a_conflict_is_told_as_it_is_with_json() {
    let room = room();
    let name = "<img src=x onerror=alert(1)>\u{202e}\"'&.txt";
    let (a, b) = pair(room.path(), &[("notes.txt", b"1\n2\n3\n"), (name, b"1\n2\n3\n")]);
    for (machine, text) in [(&a, "1\nA\n3\n"), (&b, "1\nB\n3\n")] {
        machine.write("notes.txt", text);
        machine.write(name, text);
    }
    a.sync();
    let synced = talk(&b, &["sync"]).exits(3);
    assert_eq!(synced.only("document")["conflicts"], 2);
    let conflicts = talk(&b, &["conflicts"]).exits(3);
    assert_eq!(*conflicts.only("document"), b.conflicts());
    let paths: Vec<_> =
        conflicts.only("document")["conflicts"].as_array().unwrap().iter().map(|c| &c["path"]).collect();
    assert!(paths.contains(&&json!(name)), "{paths:?}");
    talk(&b, &["resolve", "notes.txt", "--keep", "this"]).exits(3);
    talk(&b, &["resolve", name, "--keep", "both"]).exits(0);
    let gone = talk(&b, &["resolve", name, "--keep", "this"]).exits(1);
    assert!(gone.only("finding")["what"].as_str().unwrap().contains("no question open"));
    assert!(talk(&b, &["status"]).exits(0).only("document")["files"].is_u64());
}

/// Shows that wrong usage is told in the same way, and that what is not kitbag's own words cannot be talked with. First
/// tier.
#[test]
fn wrong_usage_is_told_too() {
    let room = room();
    let (a, _) = pair(room.path(), &[("notes.txt", b"1\n")]);
    for args in [
        &["frobnicate"][..],
        &["resolve"],
        &["sync", "--config", "sync.nonsense=1"],
        &["resolve", "\u{1b}[2J\u{202e}"],
        &["exec", "--", "echo", "hello"],
        &["completions", "bash"],
    ] {
        let talked = talk(&a, args).exits(2);
        let finding = talked.only("finding");
        assert!(["what", "remedy"].iter().all(|part| finding[part] != ""), "{finding}");
        assert_eq!(talked.heard.len(), 2, "{:?}", talked.heard);
    }
    let halt = talk(&a, &["halt"]).exits(2);
    assert!(halt.only("finding")["remedy"].as_str().unwrap().contains("kitbag done"));
    assert!(talk(&a, &["--version"]).exits(0).only("line").as_str().unwrap().starts_with("kitbag "));
    let other = Machine::new(room.path(), "NEW-PC", &a.share);
    let none = talk(&other, &["status"]).exits(1);
    assert!(none.says("finding"));
}

/// Shows that setup's questions can be answered by a program: each says what it is about and what is there to choose;
/// without an answer nothing is made. First tier.
#[test]
fn setup_asks_for_what_is_missing() {
    let room = room();
    let (share, work) = (room.path().join("share"), room.path().join("work"));
    let a = Machine::new(room.path(), "HOME-PC", &share);
    let none = talk(&a, &["setup", "--machine", "HOME-PC"]).exits(2);
    assert_eq!(none.only("question")["detail"]["about"], "cloud-folder");
    assert!(none.only("finding")["remedy"].as_str().unwrap().contains("--share"));
    assert!(!share.exists());

    let mut talking = Talking::begin(&a, &["setup", "--machine", "HOME-PC"]);
    let folder = talking.until("question");
    assert_eq!((&folder["kind"], &folder["id"]), (&json!("line"), &json!(1)));
    assert!(folder["detail"]["found"].is_array(), "{folder:#}");
    talking.say(&json!({ "answer": { "id": 1, "line": share } }));
    let where_to = talking.until("question");
    assert_eq!((&where_to["id"], &where_to["detail"]["about"]), (&json!(2), &json!("working-folder")));
    assert!(where_to["detail"]["usual"].as_str().unwrap().starts_with(a.user.to_str().unwrap()));
    talking.say(&json!({ "answer": { "id": 2, "line": work } }));
    let made = talking.ends().exits(0);
    assert_eq!(made.only("document")["joined"], false);
    assert!(work.is_dir() && share.join(".kitbag").is_dir());
}

/// Shows that what could take files away on other machines, or frees disk, is asked, and only a yes does it. First tier.
#[test]
fn what_takes_away_is_asked() {
    let room = room();
    let names: Vec<String> = (0..12).map(|n| format!("part/{n:02}.txt")).collect();
    let files: Vec<_> = names.iter().map(|name| (name.as_str(), name.as_bytes())).collect();
    let (a, _) = pair(room.path(), &files);
    fs::remove_dir_all(a.work.join("part")).unwrap();
    a.run(&["sync"]).exits(&[1]);
    talk(&a, &["resolve", "--absent", "accept"]).exits(0);
    talk(&a, &["undo"]).exits(0);
    // undone again, it would remove all of them
    let mut talking = Talking::begin(&a, &["undo"]);
    let question = talking.until("question");
    assert_eq!(
        (&question["kind"], &question["detail"]),
        (&json!("go-on"), &json!({ "about": "removals", "files": 12 }))
    );
    talking.answer(&question, false);
    let kept = talking.ends().exits(1);
    assert!(kept.only("finding")["what"].as_str().unwrap().contains("12 files"));
    assert_eq!(a.files().0.len(), 12);
    let mut talking = Talking::begin(&a, &["undo"]);
    let question = talking.until("question");
    talking.answer(&question, true);
    talking.ends().exits(0);
    assert_eq!(a.files().0.len(), 0);

    // begun by a kitbag that was killed, long ago
    let left = a.share.join(".kitbag/packs/.~kitbag-89.tmp");
    write(&left, "torn");
    let long_ago = std::time::SystemTime::now() - std::time::Duration::from_secs(40 * 24 * 3600);
    fs::File::options().write(true).open(&left).unwrap().set_modified(long_ago).unwrap();
    let clean = |yes| {
        let mut talking = Talking::begin(&a, &["clean"]);
        let question = talking.until("question");
        assert_eq!(question["detail"]["about"], "free", "{question}");
        talking.answer(&question, yes);
        talking.ends()
    };
    let kept = clean(false).exits(1);
    assert_eq!((kept.only("document")["freed"].clone(), left.exists()), (Value::Null, true));
    let freed = clean(true).exits(0);
    assert!(freed.only("document")["freed"].is_u64() && !left.exists());
}

fn signal(name: &str, pid: u32) {
    assert!(Command::new("kill").args(["-s", name, &pid.to_string()]).status().unwrap().success());
}

/// Shows that one that is asked to end, by a signal or by a word, ends at once with a last line, while it asks and while it
/// works; the next command finds nothing in its way and nothing lost. First tier.
#[test]
fn one_that_is_interrupted_has_a_last_line() {
    let room = room();
    let a = hello(room.path());
    let cancel = json!({ "cancel": true });
    for how in ["INT", "TERM", "cancel"] {
        let mut talking = Talking::begin(&a.0, &["up"]);
        talking.until("question");
        match how {
            "cancel" => talking.say(&cancel),
            name => signal(name, talking.id()),
        }
        let stopped = talking.ends().exits(1);
        assert!(stopped.only("finding")["what"].as_str().unwrap().contains("stopped"), "{how}");
    }
    for n in 0..1_500 {
        a.0.write(&format!("many/{n}.txt"), noise(2_000, n));
    }
    let mut talking = Talking::begin(&a.0, &["sync"]);
    talking.until("progress");
    talking.say(&cancel);
    // it may have been done already
    let stopped = talking.ends();
    assert!([0, 1].contains(&stopped.exit), "{:#?}", stopped.heard);
    a.0.sync();
    assert_eq!(a.0.files(), a.0.mirror());
}

/// Shows that packing everything, which would leave half a file, ends in its own time and leaves nothing. First tier.
#[test]
fn what_leaves_something_half_done_tidies_up() {
    let room = room();
    let (a, _) = pair(room.path(), &[("notes.txt", b"1\n")]);
    for n in 0..60 {
        a.write(&format!("big/{n}.bin"), noise(1 << 20, n));
    }
    let zip = room.path().join("all.zip");
    let mut talking = Talking::begin(&a, &["takeaway", zip.to_str().unwrap()]);
    let said = talking.until("say");
    assert!(said.as_str().unwrap().contains("Packing"), "{said}");
    talking.say(&json!({ "cancel": true }));
    let ended = talking.ends();
    let left: Vec<_> = fs::read_dir(room.path()).unwrap().map(|item| item.unwrap().file_name()).collect();
    match ended.exit {
        0 => assert!(zip.is_file(), "it was faster"),
        1 => assert!(!left.iter().any(|name| name.to_str().unwrap().contains("zip")), "{left:?}"),
        _ => panic!("{:#?}", ended.heard),
    }
}
