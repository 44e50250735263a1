//! Whether a notebook is in use. Jupyter keeps an open notebook in the browser and writes all of it at the next save:
//! a file replaced underneath would be written over, or the person asked which half to lose. So what a running kernel
//! has open is read and not written; where no notebook server can be asked, a notebook saved a moment ago is taken for
//! open. This only delays: the newer version waits, and which one wins is not decided here.

use std::collections::BTreeSet;

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

#[derive(Deserialize)]
struct Session {
    #[serde(default)]
    path: Option<String>,
    #[serde(default)]
    notebook: Option<Notebook>,
}

#[derive(Deserialize)]
struct Notebook {
    #[serde(default)]
    path: Option<String>,
}

/// The notebooks in a server's answer to `GET /api/sessions`; none when it is no such answer.
pub fn sessions(answer: &[u8]) -> Option<BTreeSet<String>> {
    let sessions: Vec<Session> = serde_json::from_slice(answer).ok()?;
    let named = |session: Session| [session.path, session.notebook.and_then(|notebook| notebook.path)];
    Some(sessions.into_iter().flat_map(named).flatten().collect())
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
        let names: Vec<_> = sessions(answer).unwrap().into_iter().collect();
        assert_eq!(names, ["a/one.ipynb", "console-1", "old.ipynb"]);
        assert_eq!(sessions(b"[]"), Some(BTreeSet::new()));
        for other in [&b""[..], b"{}", b"<html>", b"[1]", b"null", br#"[{"path":3}]"#] {
            assert_eq!(sessions(other), None, "{}", String::from_utf8_lossy(other));
        }
    }
}
