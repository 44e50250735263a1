//! Whether a notebook is in use. Jupyter keeps an open notebook in the browser and writes all of it at the next save:
//! a file replaced underneath would be written over, or the person asked which half to lose. So what a running kernel
//! has open is read and not written; where no notebook server can be asked, a notebook saved a moment ago is taken for
//! open. This only delays: the newer version waits, and which one wins is not decided here.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};

use crate::entry::Millis;
use crate::path::WorkPath;

/// Why a notebook is not written now.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum InUse {
    /// A running kernel has it open.
    Open,
    /// It was saved a moment ago, and may be open.
    JustSaved,
}

/// What a running notebook server has open.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub enum Notebooks {
    /// There is none, or it cannot be asked.
    #[default]
    Unknown,
    /// These, as the server names them.
    Open(BTreeSet<String>),
}

/// How long a saved notebook counts as in use where the server said what is open, in milliseconds: it may be open in
/// the browser with no kernel.
const JUST_SAVED: Millis = 10_000;
/// The same where nobody could be asked. JupyterLab saves by itself every two minutes.
const UNASKED: Millis = 120_000;

/// Why a notebook must not be written now; none when it may be, and for every other file. `saved` is how long ago it
/// was last written, none when it is not there; a time in the future says nothing about a moment ago.
pub fn in_use(
    path: &WorkPath,
    notebooks: &Notebooks,
    session_open: bool,
    saved: Option<Millis>,
) -> Option<InUse> {
    if path.extension() != "ipynb" {
        return None;
    }
    let within = |limit: Millis| saved.is_some_and(|age| age.unsigned_abs() < limit.unsigned_abs());
    match notebooks {
        Notebooks::Open(open) if open.iter().any(|name| means(name, path)) => Some(InUse::Open),
        Notebooks::Open(_) => within(JUST_SAVED).then_some(InUse::JustSaved),
        Notebooks::Unknown => (session_open && within(UNASKED)).then_some(InUse::JustSaved),
    }
}

/// Whether a server's name for a notebook may mean this file. The server's folder can lie above or below the working
/// folder, so it is enough that one path ends with the other: at worst a file waits that need not.
fn means(name: &str, path: &WorkPath) -> bool {
    // JupyterLab names drives in front: `RTC:part/one.ipynb`
    let name = name.split_once(':').map_or(name, |(_, rest)| rest).trim_start_matches('/');
    let path = path.as_str();
    let ends = |long: &str, short: &str| {
        !short.is_empty()
            && long.strip_suffix(short).is_some_and(|rest| rest.is_empty() || rest.ends_with('/'))
    };
    ends(path, name) || ends(name, path)
}

/// What a running notebook server says of one notebook it has open.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Session {
    /// The server's name of the session.
    pub id: String,
    /// Under which names the notebook is known to it.
    pub paths: Vec<String>,
    /// The kernel that runs it.
    pub kernel: Option<String>,
}

impl Session {
    /// The notebook's name, for asking about it.
    pub fn path(&self) -> Option<&str> {
        self.paths.first().map(String::as_str).filter(|path| path.ends_with(".ipynb"))
    }
}

/// A kernel of a notebook server.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
pub struct Kernel {
    /// The server's name of it.
    pub id: String,
    /// `busy`, `idle`, `starting` …
    #[serde(default)]
    pub execution_state: String,
    /// How many pages are connected to it.
    #[serde(default)]
    pub connections: u64,
    /// When it did something last: RFC 3339, by the server's clock.
    #[serde(default)]
    pub last_activity: String,
}

/// What would be lost if notebook servers ended now, as far as they know.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct AtWork {
    /// What runs.
    pub running: BTreeSet<String>,
    /// Notebooks open in a browser that ran since they were saved last.
    pub unsaved: BTreeSet<String>,
}

impl AtWork {
    /// Nothing would be.
    pub fn is_empty(&self) -> bool {
        self.running.is_empty() && self.unsaved.is_empty()
    }

    /// What another server said.
    pub fn add(&mut self, more: AtWork) {
        self.running.extend(more.running);
        self.unsaved.extend(more.unsaved);
    }
}

/// What would be lost. `saved` says when a notebook was saved last, by its name. What a page holds and never sent is
/// known to the browser alone; that cells ran since the last save is the nearest thing the server knows.
pub fn at_work(sessions: &[Session], kernels: &[Kernel], saved: &BTreeMap<String, String>) -> AtWork {
    let mut all = AtWork::default();
    for kernel in kernels {
        let session = sessions.iter().find(|session| session.kernel.as_ref() == Some(&kernel.id));
        let name = session.and_then(|session| session.paths.first());
        if kernel.execution_state == "busy" {
            all.running.insert(name.map_or_else(|| "a kernel without a notebook".to_owned(), Clone::clone));
        }
        let path = session.and_then(Session::path).filter(|_| kernel.connections > 0);
        if let Some(path) = path
            && let Some(saved) = saved.get(path)
            && later(&kernel.last_activity, saved)
        {
            all.unsaved.insert(path.to_owned());
        }
    }
    all
}

/// Whether one time of a server's clock is at least a second later than another. Of times written otherwise nothing is
/// known.
fn later(one: &str, other: &str) -> bool {
    let second = |time: &str| -> Option<String> {
        let plain = time.ends_with('Z') || time.ends_with("+00:00");
        time.get(..19).filter(|_| plain).map(str::to_owned)
    };
    matches!((second(one), second(other)), (Some(one), Some(other)) if one > other)
}

#[derive(Deserialize)]
struct SessionAnswer {
    #[serde(default)]
    id: String,
    #[serde(default)]
    path: Option<String>,
    #[serde(default)]
    notebook: Option<Named>,
    #[serde(default)]
    kernel: Option<KernelId>,
}

#[derive(Deserialize)]
struct Named {
    #[serde(default)]
    path: Option<String>,
    #[serde(default)]
    name: Option<String>,
    #[serde(default)]
    last_modified: Option<String>,
}

#[derive(Deserialize)]
struct KernelId {
    #[serde(default)]
    id: Option<String>,
}

/// The sessions in a server's answer to `GET /api/sessions`; none when it is no such answer.
pub fn sessions(answer: &[u8]) -> Option<Vec<Session>> {
    let sessions: Vec<SessionAnswer> = serde_json::from_slice(answer).ok()?;
    let session = |one: SessionAnswer| {
        let named = [one.path, one.notebook.and_then(|notebook| notebook.path)];
        Session {
            id: one.id,
            paths: named.into_iter().flatten().collect(),
            kernel: one.kernel.and_then(|kernel| kernel.id),
        }
    };
    Some(sessions.into_iter().map(session).collect())
}

/// The kernels in a server's answer to `GET /api/kernels`; none when it is no such answer.
pub fn kernels(answer: &[u8]) -> Option<Vec<Kernel>> {
    serde_json::from_slice(answer).ok()
}

/// The terminals in a server's answer to `GET /api/terminals`, by name; none when it is no such answer.
pub fn terminals(answer: &[u8]) -> Option<Vec<String>> {
    let all: Vec<Named> = serde_json::from_slice(answer).ok()?;
    Some(all.into_iter().filter_map(|one| one.name).collect())
}

/// When a file was saved last, in a server's answer to `GET /api/contents/FILE`; none when it is no such answer.
pub fn last_modified(answer: &[u8]) -> Option<String> {
    serde_json::from_slice::<Named>(answer).ok()?.last_modified
}

#[cfg(test)]
mod tests {
    use super::*;

    fn path(text: &str) -> WorkPath {
        WorkPath::parse(text).unwrap()
    }

    fn open(names: &[&str]) -> Notebooks {
        Notebooks::Open(names.iter().map(|name| (*name).to_owned()).collect())
    }

    #[test]
    fn what_a_kernel_has_open_is_in_use() {
        let one = path("Part 1/one.ipynb");
        let asked = |names: &[&str]| in_use(&one, &open(names), false, Some(3_600_000));
        for name in
            ["Part 1/one.ipynb", "one.ipynb", "work/Part 1/one.ipynb", "/Part 1/one.ipynb", "RTC:one.ipynb"]
        {
            assert_eq!(asked(&[name]), Some(InUse::Open), "{name}");
        }
        for name in ["", "/", "two.ipynb", "xone.ipynb", "Part 1", "Part 2/one.ipynb", "one.ipynb/", ":"] {
            assert_eq!(asked(&[name]), None, "{name}");
        }
        assert_eq!(asked(&["two.ipynb", "one.ipynb"]), Some(InUse::Open));
        assert_eq!(in_use(&path("one.txt"), &open(&["one.txt"]), true, Some(0)), None);
    }

    #[test]
    fn what_was_saved_a_moment_ago_may_be_open() {
        let one = path("one.ipynb");
        let asked = |age| in_use(&one, &open(&[]), false, age);
        assert_eq!(asked(Some(9_999)), Some(InUse::JustSaved));
        assert_eq!((asked(Some(10_000)), asked(None)), (None, None));
        let unasked = |session, age| in_use(&one, &Notebooks::Unknown, session, age);
        assert_eq!(unasked(true, Some(119_999)), Some(InUse::JustSaved));
        assert_eq!(unasked(true, Some(-119_999)), Some(InUse::JustSaved), "clocks differ a little");
        assert_eq!((unasked(true, Some(120_000)), unasked(false, Some(0))), (None, None));
        assert_eq!(unasked(true, Some(Millis::MIN)), None, "a file from the future");
        assert_eq!(unasked(true, None), None, "what is not there is not open");
    }

    #[test]
    fn an_answer_of_a_server_is_read() {
        let answer = br#"[
            {"id":"1","path":"a/one.ipynb","name":"","type":"notebook","kernel":{"id":"k","execution_state":"idle"},
             "notebook":{"path":"a/one.ipynb","name":""}},
            {"id":"2","path":"console-1","type":"console","kernel":null},
            {"id":"3","notebook":{"path":"old.ipynb"}}, {}]"#;
        let read = sessions(answer).unwrap();
        let names: Vec<_> = read.iter().flat_map(|session| &session.paths).collect();
        assert_eq!(names, ["a/one.ipynb", "a/one.ipynb", "console-1", "old.ipynb"]);
        assert_eq!((read[0].id.as_str(), read[0].kernel.as_deref()), ("1", Some("k")));
        assert_eq!((read[0].path(), read[1].path(), read[3].path()), (Some("a/one.ipynb"), None, None));
        assert_eq!(sessions(b"[]"), Some(vec![]));
        for other in [&b""[..], b"{}", b"<html>", b"[1]", b"null", br#"[{"path":3}]"#] {
            assert_eq!(sessions(other), None, "{}", String::from_utf8_lossy(other));
        }
    }

    #[test]
    fn what_would_be_lost_is_what_runs_and_what_ran_since_it_was_saved() {
        let session = |path: &str, kernel: &str| Session {
            id: path.to_owned(),
            paths: vec![path.to_owned()],
            kernel: Some(kernel.to_owned()),
        };
        let answer = br#"[
            {"id":"a","execution_state":"busy","connections":0,"last_activity":"2026-10-02T10:00:05.123456Z"},
            {"id":"b","execution_state":"idle","connections":1,"last_activity":"2026-10-02T10:00:05.123456Z"},
            {"id":"c","execution_state":"idle","connections":0,"last_activity":"2026-10-02T10:00:05.123456Z"},
            {"id":"d","execution_state":"idle","connections":2,"last_activity":"2026-10-02T10:00:05.900000Z"},
            {"id":"e","execution_state":"busy"}, {"id":"f","connections":1,"last_activity":"yesterday"}]"#;
        let kernels = kernels(answer).unwrap();
        let sessions: Vec<_> =
            ["a", "b", "c", "d", "f"].iter().map(|id| session(&format!("{id}.ipynb"), id)).collect();
        let time = |second: &str| format!("2026-10-02T10:00:{second}Z");
        let saved = ["a", "b", "c", "f"].map(|id| (format!("{id}.ipynb"), time("04.999")));
        let mut saved: BTreeMap<_, _> = saved.into();
        saved.insert("d.ipynb".to_owned(), time("05.1"));
        let all = at_work(&sessions, &kernels, &saved);
        let names = |set: &BTreeSet<String>| set.iter().cloned().collect::<Vec<_>>();
        assert_eq!(names(&all.running), ["a kernel without a notebook", "a.ipynb"]);
        assert_eq!(names(&all.unsaved), ["b.ipynb"]);
        assert!(at_work(&[], &[], &saved).is_empty() && !all.is_empty());
        assert_eq!(terminals(br#"[{"name":"1","last_activity":"x"},{}]"#), Some(vec!["1".to_owned()]));
        assert_eq!(last_modified(br#"{"name":"a","last_modified":"x"}"#), Some("x".to_owned()));
        assert_eq!((last_modified(b"[]"), terminals(b"{}"), super::kernels(b"<html>")), (None, None, None));
    }
}
