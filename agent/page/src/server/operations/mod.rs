//! What is being done for the page: each a kitbag command in a process of its own, told of as it goes on. One at a time
//! changes a workspace. It asks through the page and is answered there; ending it begins gently. It does not end with the
//! agent: what was begun is brought to its end, and only nobody can be asked any more.

pub(super) mod child;
pub(super) mod order;

use std::collections::VecDeque;
use std::ffi::OsString;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use axum::http::StatusCode;
use kitbag_core::finding::Finding;
use serde::Serialize;
use serde_json::Value;
use tokio::sync::{broadcast, mpsc};

use super::Server;
use super::answer::Trouble;

/// Lines that are kept of each.
const LINES: usize = 50;
/// Longest line that is kept, in characters.
const LONGEST: usize = 2_000;
/// Ended ones that are kept.
const ENDED: usize = 20;
/// How many are told ahead of a slow page.
const TOLD: usize = 64;
/// Progress is told no more often than this.
const EVERY: Duration = Duration::from_millis(200);

/// One, as the page sees it.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub(super) struct View {
    /// Its random id.
    pub id: String,
    /// The workspace; null for `setup`.
    pub workspace: Option<String>,
    /// What is done.
    pub verb: String,
    /// When it began, RFC 3339.
    pub started: String,
    /// How far it is.
    pub progress: Option<Value>,
    /// What it said last.
    pub lines: VecDeque<String>,
    /// What it asks.
    pub question: Option<Value>,
    /// How it ended.
    pub ended: Option<Ended>,
}

/// How one ended.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub(super) struct Ended {
    /// Its exit code; null where the system ended it.
    pub exit: Option<i64>,
    /// What `--json` prints.
    pub document: Option<Value>,
    /// Bad news.
    pub finding: Option<Value>,
}

/// What a page tells one that is running.
#[derive(Debug)]
enum Told {
    /// A line for its input.
    Answer(String),
    /// End.
    Cancel,
}

struct Operation {
    view: View,
    document: Option<Value>,
    finding: Option<Value>,
    exit: Option<i64>,
    said: Option<Instant>,
    tell: mpsc::Sender<Told>,
}

/// All of them.
pub(super) struct Operations {
    all: Mutex<Vec<Operation>>,
    changes: broadcast::Sender<Arc<View>>,
}

impl Operations {
    pub(super) fn new() -> Self {
        Operations { all: Mutex::default(), changes: broadcast::Sender::new(TOLD) }
    }

    fn lock(&self) -> MutexGuard<'_, Vec<Operation>> {
        self.all.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// All that run, and those that ended last, oldest first.
    pub(super) fn list(&self) -> Vec<View> {
        self.lock().iter().map(|operation| operation.view.clone()).collect()
    }

    /// Each one as it changes.
    pub(super) fn follow(&self) -> broadcast::Receiver<Arc<View>> {
        self.changes.subscribe()
    }

    /// Answer its question.
    pub(super) fn answer(&self, id: &str, question: u64, answer: &Value) -> Result<(), Trouble> {
        let mut all = self.lock();
        let operation = running(&mut all, id)?;
        let asked = operation.view.question.as_ref().and_then(|question| question["id"].as_u64());
        if asked != Some(question) {
            let finding = Finding::new(
                "this question is not open any more",
                "It was answered in another window, or the work went on without.",
                "Load the page again.",
            );
            return Err(Trouble::new(StatusCode::CONFLICT, finding));
        }
        let mut document = serde_json::json!({ "answer": answer });
        document["answer"]["id"] = question.into();
        operation.tell.try_send(Told::Answer(document.to_string())).map_err(|_| ended())?;
        operation.view.question = None;
        self.publish(operation);
        Ok(())
    }

    /// Ask it to end.
    pub(super) fn cancel(&self, id: &str) -> Result<(), Trouble> {
        let mut all = self.lock();
        let operation = running(&mut all, id)?;
        // one that was asked already is ending
        drop(operation.tell.try_send(Told::Cancel));
        Ok(())
    }

    fn publish(&self, operation: &mut Operation) {
        operation.said = Some(Instant::now());
        // nobody may be there to hear it
        drop(self.changes.send(Arc::new(operation.view.clone())));
    }

    /// Take in one line of its output.
    fn heard(&self, id: &str, line: &[u8]) {
        let Ok(Value::Object(mut said)) = serde_json::from_slice(line) else { return };
        let mut all = self.lock();
        let Some(operation) = all.iter_mut().find(|operation| operation.view.id == id) else { return };
        let view = &mut operation.view;
        if let Some(progress) = said.remove("progress") {
            let last = (progress["done"] == progress["total"])
                || operation.said.is_none_or(|said| said.elapsed() >= EVERY);
            view.progress = Some(progress);
            if last {
                self.publish(operation);
            }
            return;
        }
        for kind in ["step", "line", "say"] {
            if let Some(Value::String(text)) = said.remove(kind) {
                if view.lines.len() >= LINES {
                    view.lines.pop_front();
                }
                view.lines.push_back(text.chars().take(LONGEST).collect());
            }
        }
        if let Some(question) = said.remove("question") {
            view.question = Some(question);
        }
        if let Some(document) = said.remove("document") {
            operation.document = Some(document);
        }
        if let Some(finding) = said.remove("finding") {
            operation.finding = Some(finding);
        }
        if let Some(exit) = said.get("exit").and_then(Value::as_i64) {
            operation.exit = Some(exit);
        }
        self.publish(operation);
    }

    /// It has ended. Where it did not say how, the system's word counts.
    fn ended(&self, id: &str, exit: Option<i64>, cancelled: bool) {
        let mut all = self.lock();
        let Some(operation) = all.iter_mut().find(|operation| operation.view.id == id) else { return };
        let exit = operation.exit.or(exit);
        let finding = operation.finding.take().or_else(|| {
            let silent = exit != Some(0) && operation.document.is_none();
            silent.then(|| serde_json::json!(broke_off(cancelled)))
        });
        let view = &mut operation.view;
        (view.progress, view.question) = (None, None);
        view.ended = Some(Ended { exit, document: operation.document.take(), finding });
        self.publish(operation);
        let gone =
            all.iter().filter(|operation| operation.view.ended.is_some()).count().saturating_sub(ENDED);
        for _ in 0..gone {
            if let Some(at) = all.iter().position(|operation| operation.view.ended.is_some()) {
                all.remove(at);
            }
        }
    }
}

fn broke_off(cancelled: bool) -> Finding {
    if cancelled {
        return Finding::new(
            "it was ended before it was done",
            "You asked for it. Your work is as it was; what was begun is gone on with the next time.",
            "Start it again when you like.",
        );
    }
    Finding::new(
        "it ended without a word",
        "The program that did it was ended by something else, or made a mistake. Your work is as it was.",
        "Try again; if it stays, the same command in a terminal says more.",
    )
}

fn ended() -> Trouble {
    let finding = Finding::new("this has ended already", "", "Load the page again.");
    Trouble::new(StatusCode::CONFLICT, finding)
}

fn running<'a>(all: &'a mut [Operation], id: &str) -> Result<&'a mut Operation, Trouble> {
    let found = all.iter_mut().find(|operation| operation.view.id == id);
    let operation = found.ok_or_else(|| Trouble::unknown("nothing of that name is being done"))?;
    if operation.view.ended.is_some() { Err(ended()) } else { Ok(operation) }
}

/// Begin one; its id.
///
/// # Errors
/// Another one changes the workspace, or it cannot be started.
pub(super) fn begin(
    server: &Arc<Server>,
    workspace: Option<String>,
    verb: String,
    arguments: Vec<OsString>,
) -> Result<String, Trouble> {
    let doors = &server.backing.doors;
    let id = doors.chance.token(8).map_err(|error| Trouble::bug(error.to_string()))?;
    let (tell, told) = mpsc::channel(8);
    let view = View {
        id: id.clone(),
        workspace: workspace.clone(),
        verb,
        started: doors.clock.rfc3339(),
        progress: None,
        lines: VecDeque::new(),
        question: None,
        ended: None,
    };
    let operations = &server.operations;
    let mut all = operations.lock();
    let at_work = |one: &&Operation| one.view.ended.is_none() && one.view.workspace == workspace;
    if all.iter().any(|one| at_work(&one)) {
        let finding = Finding::new(
            "something is being done here already",
            "Two things at once would get in each other's way.",
            "Wait until it is done, or end it first.",
        );
        return Err(Trouble::new(StatusCode::CONFLICT, finding));
    }
    // still under the lock: nobody begins another one meanwhile
    let child = child::start(&server.backing, workspace.as_deref(), arguments).map_err(|error| {
        let finding = Finding::new(
            "it could not be started",
            format!("The system says: {error}."),
            "Try again; the same command in a terminal does the same.",
        );
        Trouble::new(StatusCode::CONFLICT, finding)
    })?;
    let mut operation = Operation { view, document: None, finding: None, exit: None, said: None, tell };
    operations.publish(&mut operation);
    all.push(operation);
    drop(all);
    tokio::spawn(child::follow(server.clone(), id.clone(), child, told));
    Ok(id)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn one(operations: &Operations) -> mpsc::Receiver<Told> {
        let (tell, told) = mpsc::channel(8);
        let view = View {
            id: "1".to_owned(),
            workspace: Some("a".to_owned()),
            verb: "up".to_owned(),
            started: String::new(),
            progress: None,
            lines: VecDeque::new(),
            question: None,
            ended: None,
        };
        let operation = Operation { view, document: None, finding: None, exit: None, said: None, tell };
        operations.lock().push(operation);
        told
    }

    fn hear(operations: &Operations, said: Value) {
        operations.heard("1", said.to_string().as_bytes());
    }

    #[test]
    fn what_a_command_says_is_kept_in_bounds() {
        let operations = Operations::new();
        let _told = one(&operations);
        for n in 0..3 * LINES {
            hear(&operations, json!({ "line": format!("line {n}") }));
        }
        hear(&operations, json!({ "say": "x".repeat(3 * LONGEST) }));
        operations.heard("1", b"no json at all");
        operations.heard("1", b"[1, 2]");
        operations.heard("2", b"{\"line\": \"of another\"}");
        hear(&operations, json!({ "progress": { "what": "files", "done": 1, "total": 2 } }));
        let view = operations.list().remove(0);
        assert_eq!(view.lines.len(), LINES);
        assert_eq!(view.lines[0], format!("line {}", 2 * LINES + 1));
        assert_eq!(view.lines[LINES - 1].len(), LONGEST);
        assert_eq!(view.progress.unwrap()["done"], 1);
    }

    #[test]
    fn an_answer_is_for_the_question_that_is_open() {
        let operations = Operations::new();
        let mut told = one(&operations);
        let yes = json!({ "yes": true });
        assert_eq!(operations.answer("1", 1, &yes).unwrap_err().status, StatusCode::CONFLICT);
        hear(
            &operations,
            json!({ "question": { "id": 7, "kind": "go-on", "text": "Go on?", "detail": null } }),
        );
        assert!(operations.answer("1", 6, &yes).is_err());
        assert_eq!(operations.answer("2", 7, &yes).unwrap_err().status, StatusCode::NOT_FOUND);
        operations.answer("1", 7, &yes).unwrap();
        let Ok(Told::Answer(line)) = told.try_recv() else { panic!("an answer") };
        assert_eq!(
            serde_json::from_str::<Value>(&line).unwrap(),
            json!({ "answer": { "id": 7, "yes": true } })
        );
        assert!(operations.answer("1", 7, &yes).is_err(), "once");
        operations.ended("1", Some(0), false);
        assert!(operations.cancel("1").is_err(), "it has ended");
    }

    #[test]
    fn an_end_without_a_word_is_told() {
        let operations = Operations::new();
        let _told = one(&operations);
        operations.ended("1", None, false);
        let ended = operations.list().remove(0).ended.unwrap();
        assert_eq!(ended.finding.unwrap()["what"], "it ended without a word");
        let operations = Operations::new();
        let _told = one(&operations);
        hear(&operations, json!({ "document": { "files": 1 } }));
        hear(&operations, json!({ "exit": 3 }));
        operations.ended("1", Some(0), false);
        let ended = operations.list().remove(0).ended.unwrap();
        assert_eq!((ended.exit, ended.finding), (Some(3), None), "its own word counts");
        assert_eq!(ended.document.unwrap()["files"], 1);
    }

    #[test]
    fn those_that_ended_do_not_pile_up() {
        let operations = Operations::new();
        for _ in 0..3 * ENDED {
            let _told = one(&operations);
            operations.lock().last_mut().unwrap().view.id = "1".to_owned();
            operations.ended("1", Some(0), false);
            operations.lock().iter_mut().for_each(|one| one.view.id = "old".to_owned());
        }
        assert_eq!(operations.list().len(), ENDED);
    }
}
