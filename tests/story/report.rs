//! `kitbag report`: something for the tutor that tells how things stand and nothing else. Secrets and hostile names are put
//! wherever a report could find them, and looked for in everything it makes.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use crate::course::setup_with;
use crate::machine::{Files, Machine, room, tree, write};

/// What nobody else may read, and where it is put.
const SECRETS: [&str; 9] = [
    "hunter2zz",                                // a password, in the log
    "5f4dcc3b5aa765d61d8327deb882cf99aabbccdd", // a token, in the log and its file
    "Zaphodina",                                // a machine's name
    "Quuxdiary",                                // a file's name
    "Xylotitle",                                // the course's title
    "Frobservice",                              // a service of it
    "Wibblework",                               // the working folder
    "Cloudnine",                                // the cloud folder
    "wombatcontent",                            // in a file
];
/// Parts of names that a page or a terminal could take for more than text.
const HOSTILE: [&str; 4] = ["<img", "<script", "onerror", "\u{202e}"];

struct Computer {
    a: Machine,
    room: tempfile::TempDir,
}

impl Computer {
    /// One where all of that is.
    fn new() -> Self {
        let room = room();
        let mut a = Machine::new(
            room.path(),
            "Zaphodina <img src=x onerror=alert(1)>",
            &room.path().join("Cloudnine/share"),
        );
        fs::create_dir_all(room.path().join("Cloudnine")).unwrap();
        a.home = room.path().join("state");
        a.work = room.path().join("Wibblework \"<script>alert(2)</script>");
        let course = room.path().join("course");
        let manifest = "id = \"xylo\"\ntitle = \"Xylotitle <script>alert(3)</script>\"\nversion = \"1\"\n\
                        [[service]]\nname = \"frobservice\"\nkind = \"sqlite\"\n\
                        [service.sqlite]\nschema = \"schema.sql\"\n[backend.local]\n";
        write(&course.join("schema.sql"), "CREATE TABLE books (title TEXT PRIMARY KEY);");
        write(&course.join("course.toml"), manifest);
        setup_with(&a, &course).exits(&[0]);
        for name in
            ["notes/Quuxdiary <img src=x>.txt", "Quuxdiary.csv", "\u{202e}gpj.Quuxdiary", "a 'b' & \"c\".md"]
        {
            a.write(name, "wombatcontent\n");
        }
        a.run(&["sync"]).exits(&[0]);
        // a second tool on the folder is a finding that names it
        fs::create_dir(a.work.join(".sync")).unwrap();
        write(&a.home.join("workspaces").join("token"), SECRETS[1]);
        let path = a.work.join("notes/Quuxdiary <img src=x>.txt");
        let line = |n: usize, level: &str, what: &str| {
            format!("2026-11-23T14:02:{n:02}.123456Z {level} kitbag_engine::agent: {what}\n")
        };
        let log: String = [
            line(1, " INFO", "begins version=\"0.1.0\" process=4711"),
            line(
                2,
                " WARN",
                &format!("it could not be saved what=\"cannot write {}: hunter2zz\"", path.display()),
            ),
            line(3, "ERROR", &format!("http://127.0.0.1:8888/lab?token={}", SECRETS[1])),
            line(4, " WARN", "the disk is full on Zaphodina <img src=x onerror=alert(1)> \u{1b}[2J"),
            line(5, " INFO", "<script>alert(4)</script> saved"),
        ]
        .concat();
        write(&a.home.join("agent/agent.log"), &log);
        write(&a.home.join("agent/agent.old"), log.replace("14:02", "13:01"));
        Computer { a, room }
    }

    #[track_caller]
    fn nothing_in(&self, what: &str, text: &str, but: &[&str]) {
        let user = self.a.user.to_str().unwrap();
        let room = self.room.path().to_str().unwrap();
        for secret in SECRETS.iter().chain(&HOSTILE).chain(&[user, room]).filter(|one| !but.contains(one)) {
            let (found, sought) = (text.to_lowercase(), secret.to_lowercase());
            assert!(!found.contains(&sought), "{secret:?} in {what}: {text}");
        }
    }

    fn pack(&self, name: &str, args: &[&str]) -> Files {
        let target = self.room.path().join(name);
        let words = [&["--yes", "report", target.to_str().unwrap()], args].concat();
        let ran = self.a.run(&words).exits(&[0]);
        let said = format!("{}{}", ran.stdout, ran.stderr).replace(target.to_str().unwrap(), "");
        self.nothing_in("what is said", &said, &[]);
        let to = self.room.path().join(format!("{name} unpacked"));
        let unzip = Command::new("unzip").arg("-q").arg(&target).arg("-d").arg(&to).output();
        let unzip = unzip.unwrap_or_else(|error| panic!("this test needs unzip: {error}"));
        assert!(unzip.status.success(), "{unzip:?}");
        let files = tree(&to);
        let names: Vec<&str> = files.0.keys().map(String::as_str).collect();
        let expected = ["agent.log", "agent.old.log", "report.html", "report.json", "report.txt"];
        assert_eq!(names, expected.map(|name| format!("kitbag-report/{name}")));
        files
    }
}

/// Shows that the text is some twenty lines that tell how things stand, and nothing of what was put there. First tier.
#[test]
fn some_lines_to_paste() {
    let computer = Computer::new();
    let ran = computer.a.run(&["report", "--text"]).exits(&[0]);
    computer.nothing_in("the text", &ran.stdout, &[]);
    let lines = ran.stdout.lines().count();
    assert!((8..=26).contains(&lines), "{lines} lines: {}", ran.stdout);
    for word in [
        "kitbag ",
        "system: ",
        "workspace 1: ",
        "files: 4",
        "doctor: ",
        "the disk is full on [machine",
        "cannot write [working folder]/[file ",
    ] {
        assert!(ran.stdout.contains(word), "{word:?} in {}", ran.stdout);
    }
    let document = computer.a.run(&["--json", "report", "--text"]).exits(&[0]).json();
    assert!(document["text"].as_str().unwrap().starts_with("kitbag "), "{document:#}");
    // without a workspace there is one too
    let empty = Machine::new(&computer.room.path().join("other"), "NEW-PC", Path::new("/nowhere"));
    let ran = empty.run(&["report", "--text"]).exits(&[0]);
    assert!(ran.stdout.contains("no workspace") && !empty.home.exists(), "{ran:#?}");
}

/// Shows that the file holds a page, its logs and nothing of what was put there; that with `--names` files are called by
/// their names and nothing else is. First tier.
#[test]
fn a_file_for_the_tutor() {
    let computer = Computer::new();
    for (path, bytes) in computer.pack("report.zip", &[]).0 {
        computer.nothing_in(&path, &String::from_utf8(bytes).unwrap(), &[]);
    }
    let named = computer.pack("named.zip", &["--names"]);
    let page = String::from_utf8(named.0["kitbag-report/report.html"].clone()).unwrap();
    assert!(page.contains("notes/Quuxdiary &lt;img src=x&gt;.txt"), "{page}");
    for (path, bytes) in &named.0 {
        let text = String::from_utf8(bytes.clone()).unwrap();
        // in a page it is text; in the others nothing reads markup
        let shown: &[&str] = if path.ends_with(".html") { &["Quuxdiary"] } else { &["Quuxdiary", "<img"] };
        computer.nothing_in(path, &text, shown);
    }
    let logs = |files: &Files| String::from_utf8(files.0["kitbag-report/agent.old.log"].clone()).unwrap();
    assert!(
        logs(&named).starts_with("2026-11-23T13:01:01.123456Z INFO kitbag_engine::agent: begins"),
        "{}",
        logs(&named)
    );
    markup(&page);
}

/// What a reader of pages finds in it: only elements of ours.
fn markup(page: &str) {
    let script = "
import sys
from html.parser import HTMLParser
class Page(HTMLParser):
    def handle_starttag(self, tag, attributes):
        print(tag, *(name for name, value in attributes))
Page().feed(sys.stdin.read())
";
    let mut reader = Command::new("python3");
    let reader = reader.args(["-c", script]).stdin(Stdio::piped()).stdout(Stdio::piped());
    let Ok(mut child) = reader.spawn() else {
        assert!(std::env::var_os("CI").is_none(), "python3 is not here");
        return;
    };
    std::io::Write::write_all(&mut child.stdin.take().unwrap(), page.as_bytes()).unwrap();
    let output = child.wait_with_output().unwrap();
    assert!(output.status.success());
    let found = String::from_utf8(output.stdout).unwrap();
    let ours = [
        "html lang",
        "head",
        "meta charset",
        "meta http-equiv content",
        "meta name content",
        "title",
        "style",
        "body",
        "h1",
        "h2",
        "table",
        "tr",
        "th scope",
        "td",
        "pre",
        "p",
    ];
    for element in found.lines() {
        assert!(ours.contains(&element), "{element}");
    }
    assert!(found.lines().filter(|element| *element == "td").count() > 10, "{found}");
}

/// Shows that what it would hold is shown, that nothing is written without a yes, and that no file is ever replaced.
/// First tier.
#[test]
fn nothing_is_written_without_a_yes() {
    let computer = Computer::new();
    let target: PathBuf = computer.room.path().join("report.zip");
    let ran = computer.a.run(&["report", target.to_str().unwrap()]).exits(&[1]);
    for word in ["kitbag: no report was written.", "To do: "] {
        assert!(ran.stderr.contains(word), "{word} in {ran:#?}");
    }
    for part in ["report.html", "report.json", "agent.log", "agent.old.log"] {
        assert!(ran.stderr.contains(part), "{part} in {ran:#?}");
    }
    assert!(!target.exists());
    write(&target, "mine");
    computer
        .a
        .run(&["--yes", "report", target.to_str().unwrap()])
        .exits(&[1])
        .explains(&["is there already"]);
    assert_eq!(fs::read(&target).unwrap(), b"mine");
    // into the person's home folder when no place is named
    let document = computer.a.run(&["--yes", "--json", "report"]).exits(&[0]).json();
    let file = Path::new(document["file"].as_str().unwrap());
    assert!(file.starts_with(&computer.a.user) && file.exists(), "{document:#}");
    assert_eq!(document["parts"].as_array().unwrap().len(), 5);
    let inside = computer.a.work.join("report.zip");
    computer.a.run(&["--yes", "report", inside.to_str().unwrap()]).exits(&[1]).explains(&["working folder"]);
}
