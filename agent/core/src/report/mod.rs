//! What a person hands to somebody who helps. Facts go in as they are; nothing goes out that was not looked at: words
//! kitbag itself uses, figures and times pass, names of files become short marks, all else is left out. So no secret has
//! to be recognised to stay here. `redact` does that, `text` writes twenty lines to paste, `html` a page to read.

mod html;
mod redact;
mod text;

use serde::Serialize;

use crate::finding::Finding;

pub use html::html;
pub use redact::{Names, Redactor};
pub use text::text;

/// How things stand on one machine. Of the texts in it, those that are no `&'static str` may be anybody's.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize)]
pub struct Facts {
    /// kitbag's version.
    pub version: &'static str,
    /// When this was taken, RFC 3339.
    pub taken: String,
    /// The computer; none where it could not be looked at.
    pub computer: Option<Computer>,
    /// The background agent.
    pub agent: AgentFacts,
    /// Each workspace.
    pub workspaces: Vec<WorkspaceFacts>,
    /// What `doctor` found, worst first.
    pub findings: Vec<Found>,
    /// The last warnings and errors of the agent's log, latest last.
    pub last_errors: Vec<String>,
    /// What could not be looked at, each a sentence.
    pub not_looked_at: Vec<String>,
}

/// What the computer is made of.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize)]
pub struct Computer {
    /// `linux`, `macos` or `windows`.
    pub os: &'static str,
    /// The system's version.
    pub os_version: String,
    /// The processor's kind.
    pub arch: String,
    /// Bytes of memory.
    pub memory: u64,
    /// Bytes of it that are free.
    pub memory_free: u64,
    /// Processors.
    pub cores: usize,
    /// Free bytes where kitbag's own state lies.
    pub disk_free: u64,
}

/// The background agent.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize)]
pub struct AgentFacts {
    /// Whether it runs.
    pub running: bool,
    /// Whether it starts at log-in.
    pub at_log_in: bool,
}

/// One workspace.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize)]
pub struct WorkspaceFacts {
    /// How it stands, in the words of `status`.
    pub state: &'static str,
    /// Whose the cloud folder is.
    pub provider: Option<&'static str>,
    /// Whether it is there.
    pub reachable: bool,
    /// Files carried.
    pub files: u64,
    /// Files not carried yet; none where it cannot be told.
    pub pending: Option<u64>,
    /// Things announced and not delivered.
    pub missing: u64,
    /// Files changed on two machines.
    pub conflicts: Vec<String>,
    /// Files that are gone and asked about.
    pub held: u64,
    /// Bytes of history in the cloud folder.
    pub history_bytes: u64,
    /// How many machines it has.
    pub machines: usize,
    /// How many of the others have what this one has.
    pub have_latest: usize,
    /// When it was saved last while open, RFC 3339.
    pub last_checkpoint: Option<String>,
    /// What runs the course.
    pub backend: Option<String>,
    /// How that stands.
    pub environment: String,
    /// Each service: its kind and how it stands.
    pub services: Vec<(String, String)>,
}

/// One finding of `doctor`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Found {
    /// Which check.
    pub check: String,
    /// `note`, `not-checked` or `bad`.
    pub state: &'static str,
    /// What, why, what to do.
    #[serde(flatten)]
    pub finding: Finding,
}

/// Facts in which every text was looked at. Only [`Redactor::report`] makes one.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(transparent)]
pub struct Report(Facts);

impl Report {
    /// What it says.
    pub fn facts(&self) -> &Facts {
        &self.0
    }
}

#[cfg(test)]
mod tests;
