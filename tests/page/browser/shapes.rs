//! The recorded answers of the stand-in against those of the real server: whatever field the page is given there, the
//! real one has at the same place. A field that only the recording has would be a page that works in tests alone. No
//! browser is needed.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use serde_json::{Value, json};

use super::notebook::PICTURE;
use super::standin::scenes;
use crate::machine::{Machine, room, write};
use crate::open::{Ends, Page, set_up, until};

/// The fields of every object, by where it stands: `/api/state workspaces[] share`.
type Shapes = BTreeMap<String, BTreeSet<String>>;

/// Places of the recording that no answer here shows: what a provider has not brought, a notebook that is open elsewhere,
/// a file that is gone, notebooks at work, a tight computer; how far something is that was over at once. The tests of those see to them.
const ELSEWHERE: [&str; 8] = [
    "/api/state workspaces[] waiting_for[]",
    "/api/state workspaces[] pending_notebooks[]",
    "/api/state workspaces[] activity last_error",
    "/api/state operations[] progress",
    "/api/workspaces/NAME/conflicts held[]",
    "/api/state operations[] question detail of machine",
    "/api/state operations[] question detail of machine short[]",
    "/api/state operations[] question detail of notebooks",
];

const COURSE: &str = "id = \"shown\"\ntitle = \"Shown\"\nversion = \"1\"\n[[seed]]\nfrom = \"notes\"\nto = \"notes\"\n\
    [[service]]\nname = \"files\"\nkind = \"program\"\n[service.program]\nprogram = \"python3\"\n\
    args = [\"-m\", \"http.server\", \"{port}\", \"--bind\", \"127.0.0.1\", \"--directory\", \"{work}\"]\nport = true\n\
    open = true\nready = { timeout_seconds = 60 }\n[backend.local]\n";

fn note(shapes: &mut Shapes, at: &str, value: &Value) {
    match value {
        Value::Object(fields) => {
            // what a question is about says what belongs to it
            let about = fields.get("about").and_then(Value::as_str);
            let at = &about.map_or_else(|| at.to_owned(), |about| format!("{at} of {about}"));
            shapes.entry(at.to_owned()).or_default().extend(fields.keys().cloned());
            fields.iter().for_each(|(key, value)| note(shapes, &format!("{at} {key}"), value));
        }
        Value::Array(all) => all.iter().for_each(|value| note(shapes, &format!("{at}[]"), value)),
        _ => {}
    }
}

/// The address without the names and ids in it.
fn bare(address: &str) -> String {
    let parts = address.split('?').next().unwrap().split('/').enumerate();
    let plain = parts.map(|(at, part)| match at {
        3 if address.starts_with("/api/workspaces/") => "NAME",
        5 => "ID",
        _ => part,
    });
    plain.collect::<Vec<_>>().join("/")
}

fn recorded() -> Shapes {
    let mut shapes = Shapes::new();
    for scene in scenes() {
        note(&mut shapes, "/api/state", &scene.state);
        for (address, answer) in &scene.answers {
            note(&mut shapes, &bare(address), answer);
        }
    }
    shapes
}

/// A page of a machine with something in every place: a course that runs, a question, another machine that has it open,
/// what went well and what did not.
struct Seen {
    page: Page,
    shapes: Shapes,
}

impl Seen {
    #[track_caller]
    fn get(&mut self, address: &str) -> Value {
        let answer = self.page.get(address);
        assert_eq!(answer.status, Some(200), "{address}: {answer:?}");
        let document = answer.json();
        note(&mut self.shapes, &bare(address), &document);
        document
    }

    /// Look at the state until it is so.
    #[track_caller]
    fn until(&mut self, what: &str, wanted: impl Fn(&Value) -> bool) -> Value {
        until(what, || Some(self.get("/api/state")).filter(|state| wanted(state)))
    }

    /// Do something and wait for its end; what it asks is allowed.
    #[track_caller]
    fn does(&mut self, verb: &str, options: &Value) {
        let body = json!({ "workspace": "shown", "verb": verb, "options": options });
        let answer = self.page.post("/api/operations", &body);
        assert_eq!(answer.status, Some(200), "{verb}: {answer:?}");
        let id = answer.json()["id"].as_str().unwrap().to_owned();
        let mut answered = Value::Null;
        until(verb, || {
            let state = self.get("/api/state");
            let all = state["operations"].as_array().unwrap();
            let one = all.iter().find(|one| one["id"] == id.as_str()).unwrap();
            let question = &one["question"]["id"];
            if !question.is_null() && *question != answered {
                let yes = json!({ "question": question, "yes": true });
                assert_eq!(self.page.post(&format!("/api/operations/{id}/answer"), &yes).status, Some(200));
                answered = question.clone();
            }
            (!one["ended"].is_null()).then_some(())
        });
    }
}

/// A notebook with something of all that a cell shows; the last cell is left out where it has no source.
fn book(code_source: &str, notes: &str, check: Option<&str>) -> String {
    let picture = json!({ "image/png": PICTURE });
    let outputs = json!([
        { "output_type": "display_data", "metadata": {}, "data": picture },
        { "output_type": "display_data", "metadata": {}, "data": { "text/html": "<table><td>1</td></table>" } },
        { "output_type": "error", "ename": "E", "evalue": "v", "traceback": [] },
    ]);
    let code = |id: &str, source: &str| json!({ "cell_type": "code", "id": id, "metadata": {}, "execution_count": 1, "source": source, "outputs": outputs });
    let mut cells = vec![
        code("code", code_source),
        json!({ "cell_type": "markdown", "id": "notes", "metadata": {}, "source": notes,
        "attachments": { "map.png": picture } }),
    ];
    cells.extend(check.map(|source| code("check", source)));
    json!({ "cells": cells, "metadata": {}, "nbformat": 4, "nbformat_minor": 5 }).to_string()
}

fn two(room: &Path) -> (Machine, Machine) {
    let course = room.join("course");
    write(&course.join("course.toml"), COURSE);
    write(&course.join("notes/week1.md"), "# Week 1\n");
    // a folder that is known to be a provider's, whose program does not run
    let share = room.join("HOME-PC/user/Dropbox/shown");
    std::fs::create_dir_all(&share).unwrap();
    let (a, b) = (Machine::new(room, "HOME-PC", &share), Machine::new(room, "WORK-PC", &share));
    a.write("notes.md", "mine\n");
    a.write("book.ipynb", book("1", "one", Some("check")));
    set_up(&a, "HOME-PC", Some(&course));
    set_up(&b, "WORK-PC", None);
    (a, b)
}

/// Shows that every field of the recorded answers is in the real ones, at the same place. First tier.
#[test]
fn the_recorded_answers_have_the_shape_of_the_real_ones() {
    let room = room();
    let (a, b) = two(room.path());
    let _ends = Ends::of(&b);
    b.run(&["--yes", "up", "--no-open"]).exits(&[0]);
    let mut seen = Seen { page: Page::of(a), shapes: Shapes::new() };
    // what was allowed is asked again
    seen.does("done", &json!({}));
    seen.does("grant-revoke", &json!({ "plugin": "local" }));
    seen.does("up", &json!({}));
    for number in 0..200 {
        seen.page.machine.write(&format!("many/{number}.txt"), "one of many\n");
    }
    for file in ["notes.md", "late.md"] {
        seen.page.machine.write(file, "ours\n");
        b.write(file, "theirs\n");
    }
    seen.page.machine.write("book.ipynb", book("2", "ours", Some("check more")));
    b.write("book.ipynb", book("3", "theirs", None));
    b.run(&["sync"]).exits(&[0, 3]);
    seen.does("sync", &json!({}));
    seen.until("all questions are there", |state| {
        state["workspaces"][0]["conflicts"].as_array().is_some_and(|all| all.len() == 3)
    });
    let questions = seen.get("/api/workspaces/shown/conflicts");
    let all = questions["conflicts"].as_array().unwrap();
    let text = all.iter().find(|one| one["path"] == "notes.md").unwrap();
    let id = text["sides"][0]["id"].as_str().unwrap().to_owned();
    let sheet = seen.get("/api/workspaces/shown/cells?path=book.ipynb");
    assert_eq!(sheet["cells"].as_array().unwrap().len(), 3, "{sheet:#}");
    assert!(
        !questions.to_string().contains("ours"),
        "what stands in the cells is told when they are looked at"
    );
    seen.get(&format!("/api/workspaces/shown/conflicts/{id}"));
    seen.does("resolve", &json!({ "path": "notes.md", "keep": "other" }));
    // what is left of the notebook needs no answer
    seen.does("resolve", &json!({ "path": "book.ipynb", "keep": "this" }));
    seen.until("the cell that was kept is told", |state| {
        state["workspaces"][0]["notes"] == json!([{ "path": "book.ipynb", "cells": 1 }])
    });
    let notes = seen.get("/api/workspaces/shown/conflicts")["notes"].clone();
    assert_eq!(notes[0]["cells"].as_array().unwrap().len(), 1, "{notes:#}");
    seen.does("resolve", &json!({ "path": "no such file", "keep": "other" }));
    write(&seen.page.machine.share.join(".kitbag/packs/.~kitbag-half"), "half");
    for address in ["doctor", "history", "open"] {
        seen.get(&format!("/api/workspaces/shown/{address}"));
    }
    seen.does("doctor-fix", &json!({}));
    seen.page.machine.remove("late.md");
    for address in ["/api/plugins", "/api/machine", "/api/report", "/api/setup/cloud-folders"] {
        seen.get(address);
    }
    write(&seen.page.machine.home.join("workspaces/broken/workspace.json"), "{");
    seen.until("the broken one is seen", |state| state["workspaces"].as_array().unwrap().len() == 2);
    seen.does("done", &json!({}));
    b.run(&["--yes", "done"]).exits(&[0, 3]);

    let mut nowhere = BTreeSet::new();
    let mut wrong = Vec::new();
    for (place, fields) in recorded() {
        match seen.shapes.get(&place) {
            None => drop(nowhere.insert(place)),
            Some(real) => {
                let invented: Vec<_> = fields.difference(real).collect();
                if !invented.is_empty() {
                    wrong.push(format!("{place}: {invented:?}"));
                }
            }
        }
    }
    assert!(wrong.is_empty(), "only the recording has: {wrong:#?}");
    let known: BTreeSet<String> = ELSEWHERE.map(str::to_owned).into();
    let left: Vec<_> = nowhere.difference(&known).collect();
    assert!(left.is_empty(), "not seen in any real answer: {left:#?}");
}
