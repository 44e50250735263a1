//! Names that would be markup, leave their string, paint on a terminal or run backwards, as files, machines and courses:
//! they come out as strings of JSON and as nothing else.

use serde_json::Value;

use crate::machine::{Machine, room};
use crate::open::{Page, course, set_up};

/// Twenty.
const HOSTILE: [&str; 20] = [
    "<script>alert(1)<\\script>.md",
    "<img src=x onerror=alert(1)>.md",
    "\"><svg onload=alert(1)>.md",
    "'-alert(1)-'.md",
    "javascript:alert(1).md",
    "{{constructor.constructor('alert(1)')()}}.md",
    "${alert(1)}.md",
    "<!--.md",
    "]]>.md",
    "&lt;b&gt;&#x27;.md",
    "\u{202e}dm.exe",
    "\u{2066}isolated\u{2069}.md",
    "new\nline.md",
    "carriage\rreturn.md",
    "tab\tand bell\u{7}.md",
    "\u{1b}[2J\u{1b}[31mred.md",
    "\u{1b}]0;title\u{7}.md",
    "line\u{2028}and\u{2029}paragraph.md",
    "back\\slash\\u0041.md",
    "\",\"state\":\"up-to-date\",\"x\":\".md",
];

/// Every string in a document.
fn strings(value: &Value, found: &mut Vec<String>) {
    match value {
        Value::String(text) => found.push(text.clone()),
        Value::Array(all) => all.iter().for_each(|one| strings(one, found)),
        Value::Object(all) => all.iter().for_each(|(_, one)| strings(one, found)),
        Value::Null | Value::Bool(_) | Value::Number(_) => {}
    }
}

/// Shows "20 hostile names shown as text", the server's half: each name is in a conflict, in the history and in the state
/// exactly as it is, the answers are JSON a browser may not take for anything else, and no raw control character is in
/// them. First tier.
#[test]
fn hostile_names_come_out_as_strings() {
    let room = room();
    let share = room.path().join("share");
    let title = "</title><script>alert(1)</script>";
    course(&room.path().join("course"), title);
    let a = Machine::new(room.path(), "A", &share);
    let b = Machine::new(room.path(), "B", &share);
    for name in HOSTILE {
        a.write(name, "first\n");
    }
    let (one, other) = ("<b>HOME</b>&\"'", "\u{202e}CP<img src=x onerror=alert(2)>");
    set_up(&a, one, Some(&room.path().join("course")));
    set_up(&b, other, None);
    for name in HOSTILE {
        a.write(name, "first, of one\n");
        b.write(name, "first, of the other\n");
    }
    a.sync();
    b.run(&["sync"]).exits(&[3]);
    let page = Page::of(b);
    let workspace = page.state()["workspaces"][0]["workspace"].as_str().unwrap().to_owned();
    let of = |path: &str| format!("/api/workspaces/{workspace}/{path}");
    let mut found = Vec::new();
    let id = page.get(&of("conflicts")).json()["conflicts"][0]["sides"][0]["id"].as_str().unwrap().to_owned();
    for path in [
        "/api/state".to_owned(),
        of("conflicts"),
        of(&format!("conflicts/{id}")),
        of("history?limit=200"),
        of("doctor"),
        "/api/plugins".to_owned(),
    ] {
        let answer = page.get(&path);
        assert_eq!(answer.status, Some(200), "{path}: {answer:?}");
        assert_eq!(answer.header("content-type"), Some("application/json"), "{path}");
        assert_eq!(answer.header("x-content-type-options"), Some("nosniff"), "{path}");
        assert!(!answer.body.contains(|c: char| c.is_ascii_control()), "{path}: {}", answer.body);
        let mut here = Vec::new();
        strings(&answer.json(), &mut here);
        found.push((path, here));
    }
    for (path, here) in &found[..2] {
        for name in HOSTILE {
            assert!(here.iter().any(|text| text == name), "{path} has {name:?} as it is");
        }
    }
    for machine in [one, other] {
        assert!(found[0].1.iter().any(|text| text == machine), "{machine:?}: {:?}", found[0].1);
    }
    assert!(found[3].1.iter().any(|text| HOSTILE.contains(&text.as_str())), "the history has them");
    let sides = page.get(&of(&format!("conflicts/{id}"))).json();
    let texts: Vec<_> = sides["sides"].as_array().unwrap().iter().map(|side| side["text"].clone()).collect();
    assert_eq!(texts, ["first, of the other\n", "first, of one\n"], "both sides, this machine's first");
    // a name behind the question mark is that name
    for name in HOSTILE {
        let encoded: String = name.bytes().map(|byte| format!("%{byte:02X}")).collect();
        let answer = page.get(&of(&format!("history?path={encoded}")));
        assert_eq!(answer.json()["path"], name, "{answer:?}");
        assert!(!answer.json()["versions"].as_array().unwrap().is_empty(), "{name:?}");
    }
}
