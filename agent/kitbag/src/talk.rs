//! Another program runs kitbag and talks with it (`--talk`): whatever would be printed is one JSON object a line on stdout,
//! questions too, and answers come as lines on stdin. The last line is always how it ended. So the local page does nothing
//! but run commands. Names from elsewhere stay strings of JSON, with every character a terminal would act on escaped.
//!
//! ```text
//! {"step":S} {"progress":{"what","done","total"}} {"line":S} {"say":S} {"document":…} {"finding":{"what","why","remedy"}}
//! {"question":{"id":N,"kind":"consent|go-on|line","told":[S…],"text":S,"detail":{"about":…}}}
//!     answered by {"answer":{"id":N,"yes":true}} or, for a line, {"answer":{"id":N,"line":S}}
//! {"exit":N}
//! ```
//! `{"cancel":true}` asks kitbag to end. The end of stdin is a no to every question and ends nothing.

use std::io::{BufRead, Read, Write};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use kitbag_core::finding::Finding;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::question::Question;
use crate::stop::Stop;

/// Longest line that is listened to, in bytes.
const LONGEST: u64 = 64 * 1024;
/// How often progress of one kind is told.
const EVERY: Duration = Duration::from_millis(100);

/// One line of what is said.
#[derive(Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Said<'a> {
    /// So much of so much; a total of 0 is not known.
    Progress {
        /// Of what.
        what: &'a str,
        /// So much is done.
        done: u64,
        /// Of so much.
        total: u64,
    },
    /// What is done now.
    Step(&'a str),
    /// A line of the answer, for a person.
    Line(&'a str),
    /// A line of talk.
    Say(&'a str),
    /// What `--json` would print.
    Document(&'a Value),
    /// Bad news.
    Finding(&'a Finding),
    /// Something is asked.
    Question(Asked<'a>),
    /// How it ended; the last line.
    Exit(u8),
}

/// A question as it is said.
#[derive(Serialize)]
pub struct Asked<'a> {
    /// Its number, which the answer names.
    id: u64,
    kind: &'static str,
    told: &'a [String],
    text: &'a str,
    detail: &'a Value,
}

#[derive(Deserialize)]
struct Heard {
    answer: Option<Answer>,
    #[serde(default)]
    cancel: bool,
}

#[derive(Deserialize)]
struct Answer {
    id: u64,
    yes: Option<bool>,
    line: Option<String>,
}

/// The other program.
pub struct Talk {
    out: Mutex<Out>,
    asking: Mutex<Asking>,
    changed: Condvar,
    stop: Arc<Stop>,
}

struct Out {
    to: Box<dyn Write + Send>,
    /// The latest progress that was held back, and of which kind and when the one before was said.
    held: Option<String>,
    before: Option<(String, Instant)>,
    ended: bool,
}

#[derive(Default)]
struct Asking {
    /// Questions so far; the last one is the open one.
    id: u64,
    open: bool,
    answer: Option<Answer>,
    /// Nobody will answer any more.
    closed: bool,
}

impl Talk {
    /// Say what there is to say to `to`. A request to end goes to `stop`.
    pub fn new(to: Box<dyn Write + Send>, stop: Arc<Stop>) -> Self {
        let out = Mutex::new(Out { to, held: None, before: None, ended: false });
        Talk { out, asking: Mutex::default(), changed: Condvar::new(), stop }
    }

    /// Say it. What is said after the end is not.
    pub fn say(&self, said: &Said<'_>) {
        let text = text(said);
        let mut out = self.out();
        out.before = None;
        out.write_held();
        out.write(&text);
        out.ended |= matches!(said, Said::Exit(_));
    }

    /// Say how far it is. Several of one kind in a short time are one, unless it is the end of it.
    pub fn progress(&self, kind: &str, last: bool, said: &Said<'_>) {
        let text = text(said);
        let mut out = self.out();
        let soon = |(before, when): &(String, Instant)| before == kind && when.elapsed() < EVERY;
        if !last && out.before.as_ref().is_some_and(soon) {
            out.held = Some(text);
            return;
        }
        let other = out.before.as_ref().is_some_and(|(before, _)| before != kind);
        if other {
            out.write_held();
        }
        out.held = None;
        out.before = Some((kind.to_owned(), Instant::now()));
        out.write(&text);
    }

    /// Ask for a yes.
    pub fn agrees(&self, question: &Question) -> bool {
        self.ask(question).is_some_and(|answer| answer.yes == Some(true))
    }

    /// Ask for a line; none when nobody answers with one.
    pub fn line_for(&self, question: &Question) -> Option<String> {
        Some(self.ask(question)?.line?.trim().to_owned())
    }

    fn ask(&self, question: &Question) -> Option<Answer> {
        let id = {
            let mut asking = self.asking();
            asking.id += 1;
            (asking.open, asking.answer) = (true, None);
            asking.id
        };
        let Question { kind, told, text, detail } = question;
        self.say(&Said::Question(Asked { id, kind: kind.as_str(), told, text, detail }));
        let asking = self.asking();
        let waits = |asking: &mut Asking| asking.answer.is_none() && !asking.closed;
        let mut asking = self.changed.wait_while(asking, waits).unwrap_or_else(PoisonError::into_inner);
        asking.open = false;
        asking.answer.take()
    }

    /// Listen to the end of what is said. A line that cannot be understood is passed over; one without an end is the end.
    pub fn listen(&self, mut from: impl BufRead) {
        let mut line = Vec::new();
        loop {
            line.clear();
            match from.by_ref().take(LONGEST).read_until(b'\n', &mut line) {
                Ok(_) if line.ends_with(b"\n") => self.hear(&line),
                Err(error) if error.kind() == std::io::ErrorKind::Interrupted => {}
                _ => break,
            }
        }
        self.asking().closed = true;
        self.changed.notify_all();
    }

    fn hear(&self, line: &[u8]) {
        let Ok(heard) = serde_json::from_slice::<Heard>(line) else {
            tracing::debug!("a line that was not understood");
            return;
        };
        if heard.cancel {
            self.stop.ask();
        }
        let mut asking = self.asking();
        // an answer to what is not asked is none
        if let Some(answer) = heard.answer.filter(|answer| asking.open && answer.id == asking.id)
            && asking.answer.is_none()
        {
            asking.answer = Some(answer);
            self.changed.notify_all();
        }
    }

    fn out(&self) -> MutexGuard<'_, Out> {
        self.out.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn asking(&self) -> MutexGuard<'_, Asking> {
        self.asking.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Out {
    fn write_held(&mut self) {
        if let Some(held) = self.held.take() {
            self.write(&held);
        }
    }

    fn write(&mut self, text: &str) {
        if !self.ended {
            // when nobody reads any more there is nobody to tell
            self.to.write_all(text.as_bytes()).and_then(|()| self.to.flush()).ok();
        }
    }
}

fn text(said: &Said<'_>) -> String {
    let mut text = crate::printer::plain(&serde_json::to_string(said).unwrap_or_default());
    text.push('\n');
    text
}

#[cfg(test)]
mod tests;
