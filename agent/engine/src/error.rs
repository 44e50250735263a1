//! What can go wrong while moving data, and what a person is told about it. Each variant has a reason and a
//! remedy; one path that cannot be done is a `Problem` in a report, not an error.

use std::io;
use std::path::{Path, PathBuf};

use kitbag_core::finding::{Exit, Finding};
use kitbag_core::path::shown;
use kitbag_store::StoreError;

/// A command could not go on.
#[derive(Debug, thiserror::Error)]
pub enum EngineError {
    /// The share's folder is not there.
    #[error("the cloud folder {} is not there", show(.0))]
    ShareMissing(PathBuf),
    /// The folder is there, and nothing of the workspace in it.
    #[error("the cloud folder {} is empty", show(.0))]
    ShareEmptied(PathBuf),
    /// The share holds another workspace.
    #[error("the cloud folder {} holds another workspace", show(.0))]
    ShareOfAnother(PathBuf),
    /// Written by a later kitbag.
    #[error("the cloud folder {} was written by a newer kitbag", show(.0))]
    ShareNewer(PathBuf),
    /// The working folder is not there.
    #[error("the working folder {} is not there", show(.0))]
    WorkMissing(PathBuf),
    /// A place that cannot be used for this.
    #[error("{what}")]
    Place {
        /// What is wrong with it.
        what: String,
        /// Why it matters.
        why: String,
        /// A better place.
        remedy: String,
    },
    /// Another kitbag works on this machine's state.
    #[error("another kitbag is at work here{}", .0.map(|pid| format!(" (process {pid})")).unwrap_or_default())]
    Locked(Option<u32>),
    /// No workspace is set up, or none of that name.
    #[error("no workspace{} is set up on this machine", .0.as_ref().map(|n| format!(" called {}", shown(n))).unwrap_or_default())]
    NoWorkspace(Option<String>),
    /// Several are, and none was named.
    #[error("several workspaces are set up here: {}", .0.join(", "))]
    WhichWorkspace(Vec<String>),
    /// A workspace of that name is set up already.
    #[error("a workspace called {} is set up here already", shown(.0))]
    WorkspaceExists(String),
    /// A file of machine state that cannot be understood.
    #[error("{} cannot be read: {reason}", show(.path))]
    State {
        /// The file.
        path: PathBuf,
        /// Why.
        reason: String,
    },
    /// The course package cannot be used.
    #[error("the course file has {} to mend", count(.0.len(), "place"))]
    Course(Vec<kitbag_core::course::Problem>),
    /// Nothing is open at that path.
    #[error("{} has no question open", shown(.0))]
    NoConflict(String),
    /// The answer names no side.
    #[error("{what}")]
    Answer {
        /// What does not fit.
        what: String,
        /// What would.
        remedy: String,
    },
    /// Something is missing here: a program, a service, a grant.
    #[error("{}", .0.what)]
    Missing(Finding),
    /// Somebody else has a port the course was given.
    #[error("{}", .0.what)]
    PortTaken(Finding),
    /// Something failed that has its own words.
    #[error("{}", .0.what)]
    Failed(Finding),
    /// The ledger or the stored history.
    #[error("the history on this machine cannot be used: {0}")]
    Store(#[from] StoreError),
    /// A file could not be read or written.
    #[error("{doing} {}: {source}", show(.path))]
    Io {
        /// What was being done, such as "cannot write".
        doing: &'static str,
        /// Where.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
}

impl EngineError {
    /// An error about one file or folder.
    pub fn io(doing: &'static str, path: impl AsRef<Path>) -> impl FnOnce(io::Error) -> Self {
        let path = path.as_ref().to_owned();
        move |source| EngineError::Io { doing, path, source }
    }

    /// How the command ends.
    pub fn exit(&self) -> Exit {
        match self {
            EngineError::Missing(_) | EngineError::PortTaken(_) => Exit::Missing,
            EngineError::Store(StoreError::Full) => Exit::Missing,
            EngineError::Io { source, .. } if is_full(source.kind()) => Exit::Missing,
            _ => Exit::Failed,
        }
    }

    /// What a person is told.
    pub fn finding(&self) -> Finding {
        let what = self.to_string();
        let (why, remedy): (String, String) = match self {
            EngineError::ShareMissing(_) => (
                "It was renamed, moved or is on a drive that is not connected. Nothing was changed.".into(),
                "Put it back, or start the cloud program, then run `kitbag sync` again.".into(),
            ),
            EngineError::ShareEmptied(_) => (
                "Everything in it is gone, the history too, so it may not be the right folder. Nothing was changed.".into(),
                "If the cloud program is still bringing the files, wait for it. To fill the folder again from this \
                 machine, run `kitbag resolve --absent restore`."
                    .into(),
            ),
            EngineError::ShareOfAnother(_) => (
                "This machine's workspace is a different one. Nothing was changed.".into(),
                "Check the folder with `kitbag where`, or run `kitbag setup` for the other workspace.".into(),
            ),
            EngineError::ShareNewer(_) => (
                "This kitbag cannot read what the newer one wrote.".into(),
                "Install the same or a newer kitbag on this machine.".into(),
            ),
            EngineError::WorkMissing(_) => (
                "It was renamed, moved or deleted. Nothing was deleted anywhere else.".into(),
                "Put it back; or make an empty folder of that name and run `kitbag resolve --absent restore` to fill \
                 it again."
                    .into(),
            ),
            EngineError::Place { why, remedy, .. } => (why.clone(), remedy.clone()),
            EngineError::Locked(_) => (
                "Two at once would get in each other's way.".into(),
                "Wait until it is done, then try again.".into(),
            ),
            EngineError::NoWorkspace(_) => (
                "A workspace joins a cloud folder and a working folder.".into(),
                "Run `kitbag setup --share CLOUD-FOLDER --work WORKING-FOLDER`; `kitbag page` does it in your browser.".into(),
            ),
            EngineError::WhichWorkspace(_) => (
                "The current folder is in none of them.".into(),
                "Name one with `--workspace NAME`, or go to its working folder.".into(),
            ),
            EngineError::WorkspaceExists(_) => (
                "Each workspace has one place on this machine.".into(),
                "Use `kitbag where` to see it, or `--workspace NAME` to give the new one another name.".into(),
            ),
            EngineError::State { .. } => (
                "It was damaged or written by another version.".into(),
                "The work itself is safe in the working folder and the cloud folder. Move the file away and run \
                 `kitbag setup` again."
                    .into(),
            ),
            EngineError::Course(problems) => (
                problems.iter().map(ToString::to_string).collect::<Vec<_>>().join("\n"),
                "Mend them and try again; `kitbag course check FOLDER` looks without changing anything.".into(),
            ),
            EngineError::NoConflict(_) => {
                ("Nothing there waits for an answer.".into(), "`kitbag conflicts` lists what does.".into())
            }
            EngineError::Answer { remedy, .. } => (String::new(), remedy.clone()),
            EngineError::Missing(finding) | EngineError::PortTaken(finding) | EngineError::Failed(finding) => {
                (finding.why.clone(), finding.remedy.clone())
            }
            EngineError::Store(StoreError::Full) => no_room(),
            EngineError::Store(StoreError::Busy) => (
                "Two at once would get in each other's way.".into(),
                "Wait until it is done, then try again.".into(),
            ),
            EngineError::Store(_) => (
                "The ledger on this machine was damaged or could not be written.".into(),
                "Check that the disk is not full; the work itself is safe in both folders.".into(),
            ),
            EngineError::Io { source, .. } => match source.kind() {
                kind if is_full(kind) => no_room(),
                io::ErrorKind::ReadOnlyFilesystem | io::ErrorKind::PermissionDenied => (
                    "This folder cannot be written by you. What was there before is unchanged.".into(),
                    "Allow writing there, or choose another folder, then try again.".into(),
                ),
                _ => (
                    "The system refused it. What was there before is unchanged.".into(),
                    "Try again; if it stays, show this message to your tutor.".into(),
                ),
            },
        };
        Finding { what, why, remedy }
    }
}

/// Nothing more can be written there until something goes: the disk is full, or this person's part of it.
pub(crate) fn is_full(kind: io::ErrorKind) -> bool {
    matches!(kind, io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded)
}

fn no_room() -> (String, String) {
    (
        "The disk is full. What was there before is unchanged.".into(),
        "Free some space, then try again.".into(),
    )
}

/// A path for people: no control characters, no escapes.
pub fn show(path: impl AsRef<Path>) -> String {
    shown(&path.as_ref().to_string_lossy())
}

/// `1 file`, `2 files`.
pub fn count(n: usize, of: &str) -> String {
    if n == 1 { format!("1 {of}") } else { format!("{n} {of}s") }
}

/// Bytes for people: `512 bytes`, `3.4 MB`, `120 MB`.
pub fn size(bytes: u64) -> String {
    let (mut whole, mut rest, mut unit) = (bytes, 0, "bytes");
    for next in ["kB", "MB", "GB", "TB"] {
        if whole < 1_000 {
            break;
        }
        (whole, rest, unit) = (whole / 1_000, whole % 1_000 / 100, next);
    }
    if unit == "bytes" || whole >= 10 { format!("{whole} {unit}") } else { format!("{whole}.{rest} {unit}") }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_full_disk_is_said_alike_wherever_it_is_met() {
        let full = [
            EngineError::Store(StoreError::Full),
            EngineError::io("cannot write", "/a")(io::ErrorKind::StorageFull.into()),
            EngineError::io("cannot write", "/a")(io::ErrorKind::QuotaExceeded.into()),
        ];
        let told: Vec<_> = full.iter().map(|error| (error.exit(), error.finding())).collect();
        for (exit, finding) in &told {
            assert_eq!((*exit, &finding.why), (Exit::Missing, &told[0].1.why));
            assert!(finding.remedy.contains("Free some space"), "{finding:?}");
        }
        assert_eq!(EngineError::Store(StoreError::Busy).exit(), Exit::Failed);
    }

    #[test]
    fn sizes_are_short() {
        for (bytes, text) in [
            (0, "0 bytes"),
            (999, "999 bytes"),
            (3_456, "3.4 kB"),
            (120_900_000, "120 MB"),
            (u64::MAX, "18446744 TB"),
        ] {
            assert_eq!(size(bytes), text);
        }
    }
}
