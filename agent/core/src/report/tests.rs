//! What must not come out does not, whatever it is called; what helps does.

use super::*;

/// Names as somebody hostile gives them.
const HOSTILE: [&str; 14] = [
    "<script>alert(1)</script>",
    "\"><img src=x onerror=alert(2)>",
    "a' onmouseover='x",
    "</td></table><h1>Owned</h1>",
    "Zürich plän",
    "\u{202e}gpj.exe",
    "new\nline zzz",
    "\u{1b}[2Jcleared",
    "&lt;b&gt;qq",
    "\u{f0000}\u{f0001}",
    "back\\slash dir",
    "javascript:alert(1)",
    "per%20cent%41",
    "日本 語",
];

fn names() -> Names {
    let files = ["notes/Secret Diary of Anna.txt", "notes/week 1.ipynb", "ZZZ.csv", "Übung/Läufe 2.csv"];
    Names {
        folders: vec![
            ("working folder", "/home/anna/kitbag/TM 351".into()),
            ("home", "/home/anna".into()),
            ("cloud folder", r"C:\Users\anna\OneDrive - Uni".into()),
        ],
        others: vec![
            ("machine", "ANNAS-PC".into()),
            ("machine", "error".into()),
            ("machine", "ANNAS-PC".into()),
            ("person", "anna".into()),
        ],
        files: files.iter().chain(&HOSTILE).map(|name| (*name).to_owned()).collect(),
        show_files: false,
        salt: b"salt".to_vec(),
    }
}

#[test]
fn known_names_become_marks_that_tell_what_they_were() {
    let redactor = Redactor::new(names());
    let text = |text: &str| redactor.text(text);
    let diary = redactor.file("notes/Secret Diary of Anna.txt");
    assert!(diary.starts_with("[file ") && diary.ends_with(".txt]"), "{diary}");
    assert_eq!(
        text("cannot write /home/anna/kitbag/TM 351/notes/Secret Diary of Anna.txt: the disk is full"),
        format!("cannot write [working folder]/{diary}: the disk is full")
    );
    // by its own name too, and the same mark wherever it stands
    assert_eq!(text("it was \"notes/Secret Diary of Anna.txt\""), format!("it was \"{diary}\""));
    assert_eq!(text("Secret Diary of Anna.txt"), diary);
    assert_eq!(text(r"C:\Users\anna\OneDrive - Uni is not there"), "[cloud folder] is not there");
    assert_eq!(text("open on ANNAS-PC since 14:02"), "open on [machine 1] since 14:02");
    assert_eq!(text("open on annas-pc"), "open on [machine 1]");
    // a machine may be called like a word of ours
    assert_eq!(text("error"), "[machine 2]");
    // what begins like a name and goes on is none
    assert_eq!(text("ANNAS-PCX"), HIDDEN);
    assert_eq!(text("/home/annabel"), HIDDEN);
    let other = Redactor::new(Names { salt: b"other".to_vec(), ..names() });
    assert_ne!(
        other.file("ZZZ.csv"),
        redactor.file("ZZZ.csv"),
        "marks of two reports tell nothing of each other"
    );
}

const HIDDEN: &str = "[hidden]";

#[test]
fn what_is_not_known_does_not_pass() {
    let redactor = Redactor::new(names());
    for secret in [
        "hunter2",
        "s3cr3t",
        "0123456789abcdef0123456789abcdef",
        "deadbeef",
        "31415926535",
        "eyJhbGciOi.eyJzdWIi.c2ln",
        "http://127.0.0.1:8888/lab?token=abc",
        "ada@example.org",
        "192.168.17.4",
        "10.0.0.1:8080",
        "/root/.ssh/id_rsa",
        r"D:\Work\x.txt",
        "diary.txt",
        "Bearer:xyzzy",
        "\u{f0000}",
        "password=Tr0ub4dor",
    ] {
        let told = redactor.text(secret);
        assert!(told == HIDDEN || told == format!("password={HIDDEN}"), "{secret:?} became {told:?}");
        let told = redactor.text(&format!("the token is \"{secret}\", saved"));
        assert_eq!(told, format!("the token is {HIDDEN} saved"));
        let told = redactor.text(&format!("WARN kitbag_engine::agent: it failed why={secret}"));
        assert_eq!(told, format!("WARN kitbag_engine::agent: it failed why={HIDDEN}"));
    }
    // several are one, so that not even their number is told
    assert_eq!(redactor.text("called Xaviera Quux Zed now"), format!("called {HIDDEN} now"));
}

#[test]
fn what_helps_passes() {
    let redactor = Redactor::new(names());
    for line in [
        "2026-11-23T14:02:17.123456Z  WARN kitbag_engine::agent: it could not be saved failures=3",
        "the disk is full (os error 28)",
        "No such file or directory (os error 2)",
        "version=\"0.1.0\" process=4711 seconds=600",
        "12 files, 3.4 MB, 100%",
        "Free some space, then try again.",
        "Run `kitbag doctor --fix`.",
        "Debian GNU/Linux 12",
        "x86_64, aarch64",
    ] {
        let expected = line.split_whitespace().collect::<Vec<_>>().join(" ");
        assert_eq!(redactor.text(line), expected.replace("error", "[machine 2]"));
    }
}

#[test]
fn with_names_files_are_called_by_them() {
    let redactor = Redactor::new(Names { show_files: true, ..names() });
    assert_eq!(
        redactor.text("cannot read /home/anna/kitbag/TM 351/notes/week 1.ipynb on ANNAS-PC"),
        "cannot read [working folder]/notes/week 1.ipynb on [machine 1]"
    );
    assert_eq!(redactor.file("a\u{1b}b"), "a\\u{1b}b");
    assert_eq!(redactor.text("other.ipynb"), HIDDEN);
}

fn facts() -> Facts {
    let all =
        |before: &str| -> Vec<String> { HOSTILE.iter().map(|name| format!("{before} {name}")).collect() };
    let finding = |name: &&str| Found {
        check: (*name).to_owned(),
        state: "bad",
        finding: Finding::new(format!("{name} is not there"), (*name).to_owned(), format!("Look at {name}.")),
    };
    let workspace = WorkspaceFacts {
        state: "Needs you",
        provider: Some("Dropbox"),
        reachable: true,
        files: 12,
        pending: Some(3),
        conflicts: HOSTILE.map(str::to_owned).to_vec(),
        backend: Some(HOSTILE[0].into()),
        environment: HOSTILE[1].into(),
        services: HOSTILE.iter().map(|name| ((*name).to_owned(), (*name).to_owned())).collect(),
        last_checkpoint: Some(HOSTILE[2].into()),
        ..WorkspaceFacts::default()
    };
    Facts {
        version: "0.1.0",
        taken: "2026-11-23T14:02:17Z".into(),
        computer: Some(Computer {
            os: "linux",
            os_version: HOSTILE[3].into(),
            arch: "x86_64".into(),
            ..Computer::default()
        }),
        workspaces: vec![workspace; 5],
        findings: HOSTILE.iter().map(finding).collect(),
        last_errors: all("WARN it failed"),
        not_looked_at: all("cannot read"),
        ..Facts::default()
    }
}

/// Of every name some part that nothing else here has.
const TELLTALE: [&str; 13] = [
    "<script",
    "<img",
    "onmouseover",
    "<h1>Owned",
    "Zürich",
    "\u{202e}",
    "zzz",
    "\u{1b}",
    "qq",
    "\u{f0000}",
    "slash dir",
    "javascript:",
    "%41",
];

#[test]
fn nothing_hostile_is_in_any_form_of_it() {
    for show_files in [false, true] {
        // known to be names of files, or not known at all
        for names in [names(), Names { files: Vec::new(), ..names() }] {
            let redactor = Redactor::new(Names { show_files, ..names });
            let report = redactor.report(facts());
            let log = redactor.text(&HOSTILE.join(" "));
            let page = html(&report, &[("agent.log", log)]);
            let json = serde_json::to_string(&report).unwrap();
            let lines = text(&report);
            for tell in TELLTALE {
                if !show_files {
                    for one in [&page, &json, &lines] {
                        assert!(!one.contains(tell), "{tell:?} in {one}");
                    }
                }
                // with names they are shown, as text
                if tell.starts_with(['<', '\u{202e}', '\u{1b}']) {
                    assert!(!page.contains(tell) && !lines.contains(['\u{202e}', '\u{1b}']), "{tell:?}");
                }
            }
        }
    }
}

#[test]
fn the_text_is_short_and_the_page_is_one_file() {
    let report = Redactor::new(names()).report(facts());
    let lines = text(&report);
    assert!(lines.lines().count() <= 32, "{lines}");
    assert!(lines.lines().all(|line| line.chars().count() <= 160), "{lines}");
    assert!(lines.starts_with("kitbag 0.1.0, report of 2026-11-23T14:02:17Z\n"), "{lines}");
    let quiet = Facts { workspaces: facts().workspaces[..1].to_vec(), findings: Vec::new(), ..facts() };
    let quiet = Facts { last_errors: Vec::new(), not_looked_at: Vec::new(), ..quiet };
    assert!(text(&Redactor::new(names()).report(quiet)).lines().count() <= 20);
    let page = html(&report, &[]);
    for fetched in ["http:", "https:", "src=", "href=", "url(", "<script", "@import", "<link"] {
        assert!(!page.contains(fetched), "{fetched} in {page}");
    }
}

/// Random texts of hostile pieces: what comes out has no sign that was not looked at. Seeded: the run's number.
#[test]
fn whatever_comes_in() {
    let redactor = Redactor::new(names());
    let pieces: Vec<&str> = HOSTILE
        .iter()
        .copied()
        .chain([
            "/home/anna",
            "ANNAS-PC",
            "notes/",
            " ",
            "=",
            "\"",
            "the",
            "12",
            "/",
            "é",
            "\u{f0002}",
            "token",
            ".",
            "[file",
        ])
        .collect();
    for seed in 0..20_000_u64 {
        let mut state = seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1;
        let mut text = String::new();
        for _ in 0..8 {
            state ^= state << 13;
            state ^= state >> 7;
            state ^= state << 17;
            text.push_str(pieces[usize::try_from(state % 1_000).unwrap() % pieces.len()]);
        }
        let told = redactor.text(&text);
        let fine = |c: char| c.is_ascii_alphanumeric() || "\"'()[]{},.:;!?…–`·|-_=+/\\ \n%".contains(c);
        assert!(told.chars().all(fine), "seed {seed}: {text:?} became {told:?}");
        for tell in ["anna", "ANNAS", "script", "Owned", "qq", "zzz"] {
            assert!(!told.contains(tell), "seed {seed}: {text:?} became {told:?}");
        }
    }
}
