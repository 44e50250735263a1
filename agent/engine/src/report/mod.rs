//! What a person hands to somebody who helps: gathered from the state root and the workspaces, looked at by core's
//! redactor, and packed as the takeaway is. What is in it is known, and can be shown, before a file is made.

mod gather;
mod logs;

use std::path::{Path, PathBuf};

use kitbag_core::report::{Redactor, Report, html, text};
use kitbag_plugin_host::Cancel;
use serde::Serialize;

use crate::doors::Doors;
use crate::error::EngineError;
use crate::takeaway::archive::Archive;
use crate::takeaway::target::{self, Partial};

pub use gather::{around, of_workspace};
pub use logs::{Log, last_errors, logs};

/// The folder in the archive.
const TOP: &str = "kitbag-report";

/// One file of the report, ready to be written.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Part {
    /// Its name.
    pub name: String,
    /// What it is, a few words.
    pub what: &'static str,
    /// Its bytes.
    pub bytes: usize,
    #[serde(skip)]
    text: String,
}

/// All files of the report. `logs` as they are: they are looked at here.
pub fn parts(report: &Report, logs: &[Log], redactor: &Redactor) -> Vec<Part> {
    let logs: Vec<(&str, String)> = logs.iter().map(|log| (log.name, redactor.text(&log.text))).collect();
    let json = serde_json::to_string_pretty(report).unwrap_or_default();
    let mut parts = vec![
        ("report.html", "a page to read", html(report, &logs)),
        ("report.txt", "the same in short, to paste", format!("{}\n", text(report))),
        ("report.json", "the same for a program", format!("{json}\n")),
    ];
    parts.extend(
        logs.into_iter().map(|(name, text)| (name, "what the background agent noted", format!("{text}\n"))),
    );
    let part =
        |(name, what, text): (&str, _, String)| Part { name: name.to_owned(), what, bytes: text.len(), text };
    parts.into_iter().map(part).collect()
}

/// Where the report would go.
///
/// # Errors
/// The place cannot be used.
pub fn place(home: &Path, doors: &Doors, target: &Path) -> Result<PathBuf, EngineError> {
    target::check(home, doors, target, "report")
}

/// Write them into one file at a place found good. Gives its bytes.
///
/// # Errors
/// It cannot be written; nothing is left of it then.
pub fn write(doors: &Doors, target: &Path, parts: &[Part]) -> Result<u64, EngineError> {
    let partial = Partial::create(doors, target)?;
    let mut archive = Archive::create(&partial, TOP, doors.clock.now_millis(), Cancel::default())?;
    for part in parts {
        archive.text(&part.name, &part.text, false)?;
    }
    let bytes = archive.finish()?;
    partial.keep()?;
    Ok(bytes)
}
