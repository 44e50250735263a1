//! Names of files, computers and courses from elsewhere are shown as text, whatever stands in them.

use serde_json::{Value, json};

use super::look::Look;
use super::standin::{Scene, StandIn, scene};

/// Twenty names that want to be something else.
const NAMES: [&str; 20] = [
    "<script>window.hacked = 1</script>",
    "<img src=x onerror=\"window.hacked=1\">",
    "<svg onload=window.hacked=1>",
    "\"><b class=\"hacked\">bold</b>",
    "'><iframe src=\"javascript:window.hacked=1\"></iframe>",
    "</p></article><h1 class=hacked>headline</h1>",
    "javascript:window.hacked=1",
    "data:text/html,<script>window.hacked=1</script>",
    "{count} files ${window.hacked = 1}",
    "&lt;b&gt;&amp;&#x3c;script&#x3e;",
    "<!-- <style>*{display:none}</style> -->",
    "a\nb\r\nc\td",
    "gnp.\u{202e}exe.harmless",
    "\u{2066}isolate\u{2069}\u{200f}right",
    "\u{0007}bell\u{001b}[2Jclear\u{0000}nothing",
    "zero\u{200b}width\u{feff}space",
    "back`tick${window.hacked = 1}`",
    "../../../../etc/passwd",
    "%3Cscript%3Ewindow.hacked%3D1%3C/script%3E",
    "שלום <b>عالم</b> 你好",
];

/// A scene in which every name that comes from elsewhere is this one.
fn named(scene: &Scene, name: &str) -> Scene {
    let mut scene = scene.clone();
    replace(&mut scene.state, name);
    let answers = std::mem::take(&mut scene.answers);
    for (address, mut answer) in answers {
        replace(&mut answer, name);
        scene.answers.insert(address.replace("/data-course/", &format!("/{}/", encoded(name))), answer);
    }
    scene
}

/// A name as one part of an address, as browsers write it.
fn encoded(name: &str) -> String {
    let one = |byte: u8| match byte {
        b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' => char::from(byte).to_string(),
        _ if b"-_.!~*'()".contains(&byte) => char::from(byte).to_string(),
        _ => format!("%{byte:02X}"),
    };
    name.bytes().map(one).collect()
}

/// Keys whose values are words of kitbag's own, or a way to something.
const OURS: &[&str] = &[
    "state",
    "kind",
    "reason",
    "verb",
    "id",
    "short",
    "started",
    "since",
    "when",
    "last_seen",
    "session_open",
    "open_since",
    "last_checkpoint",
    "doing",
    "words",
    "texts_version",
    "check",
    "url",
];

fn replace(value: &mut Value, name: &str) {
    match value {
        Value::String(text) => *text = name.to_owned(),
        Value::Array(all) => {
            for (at, one) in all.iter_mut().enumerate() {
                replace(one, name);
                if let Some(path) = one.get_mut("path").filter(|path| path.is_string()) {
                    // no two files have one name
                    *path = format!("{name} {at}").into();
                }
            }
        }
        Value::Object(fields) => {
            let operation = fields.contains_key("number");
            for (key, value) in fields.iter_mut() {
                // how a change came to be is kitbag's own word in the list of what it did
                let change = key == "what"
                    && value
                        .as_str()
                        .is_some_and(|what| what.len() < 13 && !what.contains(' ') || what == "brought back");
                if value.is_string() && (OURS.contains(&key.as_str()) || operation || change) {
                    continue;
                }
                replace(value, name);
            }
        }
        _ => {}
    }
}

/// Shows that no name becomes an element, a program or a request, that it does not turn its line around, and that it can
/// be read.
#[test]
fn twenty_hostile_names_are_shown_as_text() {
    let room = tempfile::tempdir().unwrap();
    let Some(mut look) = Look::start(&room.path().join("profile")) else { return };
    look.view(1280, false);
    // the elements of each view with names nobody minds, to compare with
    let count = "JSON.stringify([...document.querySelectorAll('body *')].map((one) => one.localName + '.' + one.className).reduce(\
                 (sum, name) => ({ ...sum, [name]: (sum[name] ?? 0) + 1 }), {}))";
    let views = [
        "needs-you",
        "conflicts",
        "gone",
        "history",
        "health",
        "permissions",
        "failed",
        "question",
        "waiting",
        "setup-share",
    ];
    for view in views {
        let mut original = scene(view);
        // both versions are looked at as well, where they are text
        original.acts.retain(|act| act != "tutor.copy");
        let standin = StandIn::start(named(&original, "harmless"));
        look.enter(&standin, &Scene { route: original.route.clone(), ..named(&original, "harmless") });
        let plain = look.value(count);
        drop(standin);
        for name in NAMES {
            let hostile = named(&original, name);
            let standin = StandIn::start(hostile.clone());
            look.enter(&standin, &hostile);
            let what = format!("{view}: {name:?}");
            look.well(&what);
            assert_eq!(look.value("typeof window.hacked"), "undefined", "{what}");
            assert_eq!(
                look.value(
                    "document.querySelector('.hacked, script:not([src]), iframe, style, b, img[onerror]')"
                ),
                Value::Null,
                "{what}"
            );
            if !name.contains('\n') {
                // a line break makes a text of two paragraphs
                assert_eq!(look.value(count), plain, "{what}: other elements than with a harmless name");
            }
            let shown = look.value("document.body.innerText.replace(/[\\u2068\\u2069]/g, '')");
            let shown = shown.as_str().unwrap();
            let hidden = |c: char| {
                c.is_control() && c != '\n' && c != '\t'
                    || "\u{202e}\u{2066}\u{200f}\u{200b}\u{feff}".contains(c)
            };
            assert!(!shown.contains(hidden), "{what}: {shown:?}");
            let readable =
                name.replace(hidden, "").chars().take_while(|c| !c.is_control()).collect::<String>();
            let piece: String = readable.chars().take(4).collect();
            assert!(shown.contains(&piece), "{what}: {piece:?} is not to be read in {shown}");
            assert_eq!(standin.asked(), [], "{what}");
        }
    }
}

/// Shows that a hostile workspace is asked for by its own name, in one part of the address, and acted on by it.
#[test]
fn a_hostile_name_stays_one_part_of_an_address() {
    let room = tempfile::tempdir().unwrap();
    let Some(mut look) = Look::start(&room.path().join("profile")) else { return };
    look.view(1280, false);
    let name = "../session?x=1#y/<b>";
    let mut hostile = scene("up-to-date");
    hostile.state["workspaces"][0]["workspace"] = name.into();
    assert_eq!(encoded(name), "..%2Fsession%3Fx%3D1%23y%2F%3Cb%3E");
    hostile.answers.insert(
        format!("/api/workspaces/{}/history", encoded(name)),
        json!({ "path": null, "versions": [], "more": false, "operations": [] }),
    );
    let standin = StandIn::start(hostile.clone());
    look.enter(&standin, &hostile);
    look.press("Start");
    let asked = standin.wait_for("/api/operations");
    assert_eq!(asked.body, json!({ "workspace": name, "verb": "up", "options": {} }));
    look.value("location.hash = '#/history'");
    look.settled();
    look.until(10, "document.querySelector('main').innerText.includes('No versions yet')");
    look.well("history");
}
