//! What a sync did and what is left, as data: the printer, the page and `--json` all show this.

use std::collections::BTreeMap;

use kitbag_core::finding::Exit;
use kitbag_core::path::WorkPath;
use kitbag_core::plan::Held;
use kitbag_core::restless;
use serde::Serialize;

use super::notebooks::PendingNotebook;

/// The outcome of `sync`.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct Report {
    /// Changes of this machine recorded and put into the share.
    pub published: u64,
    /// Files of the working folder written or removed because of another machine's work.
    pub received: u64,
    /// Merges made.
    pub merged: u64,
    /// Files with a question open.
    pub conflicts: u64,
    /// Bytes of packs written to the share.
    pub bytes_published: u64,
    /// What the share has announced and not delivered.
    pub waiting_for: Vec<WaitingFor>,
    /// Files whose absence waits for an answer.
    pub held: Vec<HeldFile>,
    /// Files that could not be done; the others were.
    pub problems: Vec<Problem>,
    /// Files that wait for nothing but time.
    pub pending: u64,
    /// Notebooks whose newer version waits until they are closed here; `pending` counts them too.
    pub pending_notebooks: Vec<PendingNotebook>,
    /// Databases that could not be saved; `problems` says why.
    #[serde(skip)]
    pub unsaved: Vec<String>,
    /// Bytes of unknown origin will have settled after so many milliseconds, where that was not waited for.
    #[serde(skip)]
    pub settles_in: Option<i64>,
    /// Some of the files of the working folder that had changed, with their sizes; only told to who waits for nothing.
    #[serde(skip)]
    pub read: BTreeMap<WorkPath, u64>,
    /// With `--dry-run`: what would be done.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub planned: Vec<Planned>,
}

/// Something announced and not here.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize)]
pub struct WaitingFor {
    /// The file it belongs to, where that is known.
    pub path: Option<String>,
    /// What is missing of it.
    pub what: String,
}

/// A file whose absence waits for an answer.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct HeldFile {
    /// The file.
    pub path: String,
    /// `removed-here` or `missing-in-cloud-folder`.
    pub reason: &'static str,
}

/// The word for a reason, the same everywhere.
pub fn held_word(held: Held) -> &'static str {
    match held {
        Held::RemovedHere => "removed-here",
        Held::MissingInShare => "missing-in-cloud-folder",
    }
}

/// A file that could not be done.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize)]
pub struct Problem {
    /// The file, safe to show.
    pub path: String,
    /// Why, in words.
    pub reason: String,
    /// Whether it stands in the way of a command's success, or is only told.
    #[serde(skip)]
    pub fails: bool,
}

impl Problem {
    /// Something that went wrong.
    pub fn failed(path: &WorkPath, reason: impl Into<String>) -> Self {
        Problem { path: path.to_string(), reason: reason.into(), fails: true }
    }

    /// Something left out that is only told.
    pub fn told(path: impl Into<String>, reason: impl Into<String>) -> Self {
        Problem { path: path.into(), reason: reason.into(), fails: false }
    }
}

/// One planned step of a dry run.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Planned {
    /// The file.
    pub path: String,
    /// What would be done, in words.
    pub step: String,
}

impl Report {
    /// This sync and a later one of the same command as one: what was done adds up, what is left is as the later
    /// one found it.
    pub fn then(self, later: Report) -> Report {
        Report {
            published: self.published + later.published,
            received: self.received + later.received,
            merged: self.merged + later.merged,
            bytes_published: self.bytes_published + later.bytes_published,
            read: self.read.into_iter().chain(later.read.clone()).take(restless::FILES).collect(),
            ..later
        }
    }

    /// How many files wait for their bytes to be made available on this device.
    pub fn online_only(&self) -> usize {
        self.waiting_for.iter().filter(|waiting| waiting.what == super::online::ONLINE_ONLY).count()
    }

    /// How the command ends.
    pub fn exit(&self) -> Exit {
        if self.problems.iter().any(|problem| problem.fails) || !self.held.is_empty() {
            Exit::Failed
        } else if self.conflicts > 0 {
            Exit::Conflicts
        } else if !self.waiting_for.is_empty() || self.pending > 0 {
            Exit::Waiting
        } else {
            Exit::Done
        }
    }
}
