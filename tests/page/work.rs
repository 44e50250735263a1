//! What a person does on the page: each is a kitbag command, told of as it goes on, and what it changed is seen.

use std::io::{BufRead, BufReader, Write};
use std::net::TcpStream;
use std::time::Duration;

use serde_json::{Value, json};

use crate::machine::{Machine, room};
use crate::open::{Page, set_up, single, until};
use crate::raw::Request;

/// The event stream of a page, one event at a time.
struct Events(BufReader<TcpStream>);

impl Events {
    fn follow(page: &Page) -> Self {
        let mut stream = TcpStream::connect(("127.0.0.1", page.port)).unwrap();
        stream.set_read_timeout(Some(Duration::from_secs(60))).unwrap();
        stream.write_all(&Request::get(page.port, "/api/events").key(&page.key).bytes()).unwrap();
        Events(BufReader::new(stream))
    }

    /// The next event of this name that is as wanted.
    #[track_caller]
    fn until(&mut self, name: &str, wanted: impl Fn(&Value) -> bool) -> Value {
        let mut event = String::new();
        loop {
            let mut line = String::new();
            assert_ne!(self.0.read_line(&mut line).expect("the stream goes on"), 0, "the stream goes on");
            if let Some(named) = line.strip_prefix("event: ") {
                event = named.trim_end().to_owned();
            }
            if let Some(data) = line.strip_prefix("data: ") {
                let data: Value = serde_json::from_str(data).unwrap();
                if event == name && wanted(&data) {
                    return data;
                }
            }
        }
    }
}

fn begin(page: &Page, verb: &str, options: &Value) -> String {
    let workspace = page.state()["workspaces"][0]["workspace"].clone();
    let body = json!({ "workspace": workspace, "verb": verb, "options": options });
    let answer = page.post("/api/operations", &body);
    assert_eq!(answer.status, Some(200), "{answer:?}");
    answer.json()["id"].as_str().unwrap().to_owned()
}

fn operation(page: &Page, id: &str) -> Value {
    let state = page.state();
    let all = state["operations"].as_array().unwrap();
    all.iter().find(|one| one["id"] == id).unwrap().clone()
}

/// How it ended.
#[track_caller]
fn ended(page: &Page, id: &str) -> Value {
    until("the operation ends", || {
        let ended = operation(page, id)["ended"].clone();
        (!ended.is_null()).then_some(ended)
    })
}

/// Shows that what the page does is what the command line does: sync, a conflict with both sides, the answer, undo, each
/// seen by the other machine or in the state, and told of in the events. First tier.
#[test]
fn a_conflict_is_answered_on_the_page() {
    let room = room();
    let a = single(room.path(), "HOME-PC");
    let b = Machine::new(room.path(), "WORK-PC", &a.share);
    set_up(&b, "WORK-PC", None);
    a.write("notes.md", "ours\n");
    b.write("notes.md", "theirs\n");
    a.sync();
    let page = Page::of(b);
    let mut events = Events::follow(&page);
    events.until("state", |_| true);
    let id = begin(&page, "sync", &json!({}));
    let told = events.until("operation", |one| one["id"] == id.as_str() && !one["ended"].is_null());
    assert_eq!(told["ended"]["exit"], 3, "{told}");
    assert_eq!(told["ended"]["document"]["conflicts"], 1, "{told}");
    let state = events.until("state", |state| state["workspaces"][0]["state"] == "needs-you");
    assert_eq!(state["workspaces"][0]["words"], "Needs you");
    assert_eq!(state["workspaces"][0]["conflicts"][0]["path"], "notes.md");
    let keep = json!({ "path": "notes.md", "keep": "other" });
    let said = ended(&page, &begin(&page, "resolve", &keep));
    assert_eq!(said["exit"], 0, "{said}");
    assert_eq!(page.machine.text("notes.md"), "ours\n");
    events.until("state", |state| state["workspaces"][0]["state"] == "up-to-date");
    let said = ended(&page, &begin(&page, "undo", &json!({})));
    assert_eq!(said["exit"], 0, "{said}");
    assert_eq!(page.machine.text("notes.md"), "theirs\n");
    let last = page.state()["operations"].as_array().unwrap().len();
    assert_eq!(last, 3);
}

/// Shows that one thing at a time changes a workspace, that it can be ended, and that work begun on the page goes on when
/// the agent dies. First tier.
#[test]
fn one_at_a_time_and_it_can_be_ended() {
    let page = Page::new("HOME-PC");
    // as long as another kitbag holds the lock, a command waits: a fake of a long one
    let lock = std::fs::File::options()
        .write(true)
        .create(true)
        .truncate(false)
        .open(page.machine.home.join("lock"));
    let lock = lock.unwrap();
    lock.lock().unwrap();
    let first = begin(&page, "done", &json!({}));
    let workspace = page.state()["workspaces"][0]["workspace"].clone();
    let again =
        page.post("/api/operations", &json!({ "workspace": workspace, "verb": "sync", "options": {} }));
    assert_eq!(again.status, Some(409), "{again:?}");
    assert!(again.json()["error"]["remedy"].is_string());
    assert_eq!(page.post(&format!("/api/operations/{first}/cancel"), &json!({})).status, Some(200));
    let said = ended(&page, &first);
    assert_ne!(said["exit"], 0, "{said}");
    assert!(said["finding"]["what"].is_string(), "{said}");
    let late = page.post(&format!("/api/operations/{first}/cancel"), &json!({}));
    assert_eq!(late.status, Some(409), "{late:?}");
    lock.unlock().unwrap();
    let said = ended(&page, &begin(&page, "sync", &json!({})));
    assert_eq!(said["exit"], 0, "{said}");
}
