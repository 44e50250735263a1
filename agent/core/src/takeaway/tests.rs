use proptest::prelude::*;
use serde_json::{Value, json};

use super::*;

/// Two containers of which one waits for the other, a folder, a volume, a page with a token.
fn course() -> Value {
    json!({
        "containers": [
            { "name": "db", "image": "postgres:16", "env": { "PASSWORD": "{token}", "A": "it's $5 & \"more\"" },
              "mounts": [{ "from": { "volume": "rows" }, "target": "/rows" }], "needs": {},
              "health": { "test": ["CMD", "pg_isready", "-q"], "interval_ms": 2000, "retries": 3 } },
            { "name": "notebooks", "image": "kitbag/nb:1", "ports": [{ "service": "note-books", "inside": 8888, "outside": 35188 }],
              "mounts": [{ "from": { "work": null }, "target": "/home/x/work" },
                         { "from": { "work": "sub folder" }, "target": "/sub", "read_only": true }],
              "command": ["lab", "--x={token}$HOME"], "user": "1000:5", "needs": { "db": "healthy" },
              "build": { "context": "binder", "args": { "V": "1" } } },
        ],
        "services": { "rows": "db", "notebooks": "notebooks" },
        "pages": [{ "service": "notebooks", "container": "notebooks", "inside": 8888, "path": "/lab", "token": true }],
        "images_bytes": 5,
    })
}

fn pack(images: Option<&str>) -> Pack {
    let database = Database {
        service: "rows".into(),
        title: "The rows".into(),
        kind: "postgresql".into(),
        dumped: true,
        server: true,
        ready: vec!["pg_isready".into()],
        restore: vec!["psql".into(), "-c".into(), "a 'b' %PATH% > c".into()],
        dump: vec!["pg_dump".into()],
    };
    Pack {
        name: "data-course".into(),
        title: "Handling data".into(),
        export: Export::read(&course().to_string()).unwrap(),
        images: images.map(str::to_owned),
        databases: vec![database],
    }
}

#[test]
fn what_could_mean_more_than_it_may_is_refused() {
    Export::read("{}").unwrap();
    let container = |key: &str, value: Value| {
        let mut all = course();
        all["containers"][1][key] = value;
        all
    };
    let mut hostile = vec![
        json!({ "containers": [], "privileged": true }),
        json!({ "requirements": "../x" }),
        json!({ "services": { "rows": "nobody" } }),
        json!({ "programs": [{ "service": "a", "program": "/bin/sh" }] }),
        json!({ "programs": [{ "service": "a", "program": "sh; rm -rf ~" }] }),
        json!({ "notes": ["\u{1b}[2J"] }),
    ];
    for (key, value) in [
        ("name", json!("a b")),
        ("name", json!("db")),
        ("name", json!("$(x)")),
        ("image", json!("-x")),
        ("image", json!("a b")),
        ("image", json!("")),
        ("image", json!("a;b")),
        ("privileged", json!(true)),
        ("cap_add", json!(["ALL"])),
        ("mounts", json!([{ "from": { "work": "../x" }, "target": "/x" }])),
        ("mounts", json!([{ "from": { "work": "/etc" }, "target": "/x" }])),
        ("mounts", json!([{ "from": { "work": "a\",source=/" }, "target": "/x" }])),
        ("mounts", json!([{ "from": { "work": "a:b" }, "target": "/x" }])),
        ("mounts", json!([{ "from": { "host": "/" }, "target": "/x" }])),
        ("mounts", json!([{ "from": { "volume": "/etc" }, "target": "/x" }])),
        ("mounts", json!([{ "from": { "volume": "a.b/c" }, "target": "/x" }])),
        ("mounts", json!([{ "from": { "volume": "a" }, "target": "x" }])),
        ("mounts", json!([{ "from": { "volume": "a" }, "target": "/x,source=/etc" }])),
        ("mounts", json!([{ "from": { "volume": "a" }, "target": "/x:ro" }])),
        ("ports", json!([{ "service": "a;b", "inside": 1 }])),
        ("ports", json!([{ "service": "a", "inside": 0 }])),
        ("env", json!({ "A B": "x" })),
        ("env", json!({ "A=B": "x" })),
        ("env", json!({ "A": "x\u{0}" })),
        ("user", json!("-x")),
        ("user", json!("a b")),
        ("working_dir", json!("x")),
        ("command", json!(["\u{7}"])),
        ("health", json!({ "test": ["rm"] })),
        ("needs", json!({ "notebooks": "started" })),
        ("needs", json!({ "stranger": "healthy" })),
        ("needs", json!({ "stranger": "started" })),
        ("build", json!({ "context": "../.." })),
        ("build", json!({ "context": "-f" })),
        ("build", json!({ "args": { "A B": "" } })),
    ] {
        hostile.push(container(key, value));
    }
    let mut page = course();
    page["pages"][0]["path"] = json!("/x`id`");
    hostile.push(page.clone());
    page["pages"][0] = json!({ "service": "x", "container": "db", "inside": 8888, "path": "/" });
    hostile.push(page);
    for one in hostile {
        assert!(Export::read(&one.to_string()).is_err(), "{one}");
    }
}

#[test]
fn the_token_is_on_no_command_line_that_a_course_did_not_put_it_on() {
    let script = start_sh(&pack(Some("images.tar.gz")));
    assert!(script.contains("PASSWORD=\"$KITBAG_TOKEN\" docker run"), "{script}");
    assert!(script.contains(" -e PASSWORD ") && !script.contains("-e PASSWORD="), "{script}");
    // the course itself wants it among the arguments
    assert!(script.contains("--x=\"$KITBAG_TOKEN\"'$HOME'"), "{script}");
    let script = start_cmd(&pack(Some("images.tar.gz"))).unwrap();
    assert!(
        script.contains("set \"PASSWORD=%KITBAG_TOKEN%\"\r\n") && !script.contains("-e PASSWORD="),
        "{script}"
    );
    assert!(!compose(&pack(None)).contains("{token}"));
}

#[test]
fn a_compose_file_says_all_of_it() {
    let text = compose(&pack(None));
    let expected = r#"# Handling data without kitbag: docker compose up -d
# README.txt tells how, and what goes before and after.
name: "data-course-takeaway-compose"
services:
  "db":
    container_name: "data-course-takeaway-db"
    hostname: "db"
    image: "postgres:16"
    environment:
      A: "it's $$5 & \"more\""
      PASSWORD: "${KITBAG_TOKEN:?write KITBAG_TOKEN=a-long-word into the file .env}"
    volumes:
      - type: volume
        source: "rows"
        target: "/rows"
    healthcheck:
      test: ["CMD", "pg_isready", "-q"]
      interval: 2000ms
      retries: 3
    stop_grace_period: 30s
  "notebooks":
    container_name: "data-course-takeaway-notebooks"
    hostname: "notebooks"
    image: "kitbag/nb:1"
    build:
      context: "./course/binder"
      args:
        V: "1"
    command: ["lab", "--x=${KITBAG_TOKEN:?write KITBAG_TOKEN=a-long-word into the file .env}$$HOME"]
    user: "1000:5"
    ports:
      - "127.0.0.1:${PORT_NOTE_BOOKS:-35188}:8888"
    volumes:
      - type: bind
        source: "./work"
        target: "/home/x/work"
      - type: bind
        source: "./work/sub folder"
        target: "/sub"
        read_only: true
    depends_on:
      "db": { condition: service_healthy }
    stop_grace_period: 30s
volumes:
  "rows":
    name: "data-course-takeaway-rows"
networks:
  default:
    name: "data-course-takeaway-net"
"#;
    assert_eq!(text, expected);
    assert!(!compose(&pack(Some("images.tar.gz"))).contains("build:"));
}

#[test]
fn dumps_come_in_once_for_each_engine() {
    let script = start_sh(&pack(Some("images.tar.gz")));
    let (asked, restored) = (script.find(".restored").unwrap(), script.find("psql").unwrap());
    assert!(asked < restored && script[restored..].contains("<work/backups/rows/rows.dump"), "{script}");
    assert!(script[restored..].contains(">.restored"), "{script}");
    let script = start_cmd(&pack(None)).unwrap();
    assert!(
        script.contains("<\"work\\backups\\rows\\rows.dump\"\r\nif errorlevel 1 goto :failed\r\n>.restored"),
        "{script}"
    );
}

#[test]
fn a_readme_paints_nothing_and_names_what_is_missing() {
    let pack = pack(None);
    let about = About {
        pack: &pack,
        version: Some("1\u{1b}[2J".into()),
        taken: "2026-11-23".into(),
        files: 3,
        without: vec!["The images are not in here: Docker does not answer.".into()],
        left_out: vec![("a\nb".into(), "it is a link that leads out".into())],
    };
    let text = readme(&about);
    assert!(!text.contains('\u{1b}') && text.contains("a\\u{a}b: it is a link"), "{text}");
    assert!(
        text.contains("Docker does not answer") && text.contains("docker build -t kitbag/nb:1"),
        "{text}"
    );
    assert!(
        text.contains("    docker exec data-course-takeaway-db pg_dump >work/backups/rows/rows.dump\n"),
        "{text}"
    );
}

#[test]
fn programs_of_the_computer_are_started_by_hand() {
    let export = json!({
        "requirements": "binder/requirements.txt",
        "programs": [{ "service": "notebooks", "program": "jupyter", "args": ["lab", "--port={port}", "--dir={work}"],
                       "env": { "JUPYTER_TOKEN": "{token}" }, "port": 35188, "path": "/lab" }],
    });
    let pack = Pack { export: Export::read(&export.to_string()).unwrap(), databases: vec![], ..pack(None) };
    let about = About {
        pack: &pack,
        version: None,
        taken: "now".into(),
        files: 1,
        without: vec![],
        left_out: vec![],
    };
    let text = readme(&about);
    for line in [
        "    python3 -m venv env\n    env/bin/pip install -r course/binder/requirements.txt\n",
        "    (cd work && PATH=\"$PWD/../env/bin:$PATH\" JUPYTER_TOKEN=choose-a-long-word jupyter lab --port=35188 --dir=.)\n",
    ] {
        assert!(text.contains(line), "{line}: {text}");
    }
}

/// What the command interpreter makes of a line before it hands it on: a caret takes the next sign as it is, two
/// percent signs are one, and a quote it sees begins a part without carets. (Microsoft: "How the command interpreter
/// parses", Colascione 2011.) None where a sign would do something.
fn interpreted(line: &str) -> Option<String> {
    let (mut out, mut quoted) = (String::new(), false);
    let mut signs = line.replace("%%", "%").chars().collect::<Vec<_>>().into_iter();
    while let Some(c) = signs.next() {
        match c {
            '^' if !quoted => out.push(signs.next()?),
            '"' => {
                quoted = !quoted;
                out.push(c);
            }
            '&' | '|' | '<' | '>' | '(' | ')' | '!' if !quoted => return None,
            c => out.push(c),
        }
    }
    Some(out)
}

/// How a program's C library parts its command line. (Microsoft: "Parsing C command-line arguments".)
fn parted(line: &str) -> Vec<String> {
    let (mut all, mut word, mut open, mut any) = (Vec::new(), String::new(), false, false);
    let signs: Vec<char> = line.chars().collect();
    let mut at = 0;
    while at < signs.len() {
        let slashes = signs[at..].iter().take_while(|c| **c == '\\').count();
        if slashes > 0 {
            any = true;
            at += slashes;
            if signs.get(at) == Some(&'"') {
                word.push_str(&"\\".repeat(slashes / 2));
                if slashes % 2 == 1 {
                    word.push('"');
                    at += 1;
                }
            } else {
                word.push_str(&"\\".repeat(slashes));
            }
            continue;
        }
        match signs[at] {
            '"' => (open, any) = (!open, true),
            ' ' | '\t' if !open => {
                if any {
                    all.push(std::mem::take(&mut word));
                }
                any = false;
            }
            c => {
                word.push(c);
                any = true;
            }
        }
        at += 1;
    }
    if any {
        all.push(word);
    }
    all
}

proptest! {
    /// Any words of a course reach the program on Windows as they are, and do nothing to the interpreter.
    #[test]
    fn words_reach_a_program_through_the_command_interpreter(words in proptest::collection::vec("[ -~äß\t]{0,12}", 1..6)) {
        let mut pack = pack(Some("images.tar.gz"));
        let words: Vec<String> = words.iter().map(|word| word.replace("{token}", "")).collect();
        pack.export.containers[1].command = Some(words.clone());
        let script = start_cmd(&pack).unwrap();
        let line = script.lines().find(|line| line.starts_with("docker run -d --name data-course-takeaway-notebooks")).unwrap();
        // what is written there in real quotes is a folder, which has its own test
        let line = line.trim_end_matches('\r').strip_suffix(" >nul").unwrap();
        let (_, after) = line.split_once(" kitbag/nb:1").unwrap();
        let got = parted(&interpreted(after).unwrap());
        prop_assert_eq!(got, words);
    }
}

#[test]
fn what_the_interpreter_cannot_say_makes_no_script() {
    let mut pack = pack(None);
    pack.export.containers[1].command = Some(vec!["a\nb".into()]);
    assert_eq!(start_cmd(&pack), None);
    pack.export.containers[1].command = Some(vec!["x".repeat(9_000)]);
    assert_eq!(start_cmd(&pack), None);
    assert!(stop_cmd(&pack).unwrap().contains("docker stop -t 30 data-course-takeaway-notebooks\r\n"));
}
