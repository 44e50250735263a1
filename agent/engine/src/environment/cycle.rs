//! One full cycle as `kitbag sync` and the background agent do it: the very same, whoever asked for it. Notebooks that
//! are open are left alone; while the course is open its databases are saved with the files, unless only files are to be
//! carried; a course that came along is unpacked, so that what it says about files counts from now on.

use std::path::Path;
use std::sync::Arc;

use kitbag_core::restless::Restless;
use kitbag_store::Ledger;

use super::{checkpoint, open_notebooks};
use crate::course::{rules, unpack};
use crate::error::EngineError;
use crate::events;
use crate::sync::report::Report;
use crate::sync::{self, Progress, Request};
use crate::workspace::Workspace;

/// Where the ledger remembers when everything was saved last with the course open.
const SAVED: &str = "checkpoint.saved";

/// What a cycle is to do.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Extent {
    /// Leave databases as they are, also where the course is open.
    pub files_only: bool,
    /// Wait for nothing, as [`Request::brief`] says.
    pub brief: bool,
    /// Leave what changes again and again, as [`Request::restless`] says.
    pub restless: Arc<Restless>,
}

/// Carry changes both ways, and save the databases where the course is open.
///
/// # Errors
/// A folder is missing, or something cannot be written. A database that cannot be saved is a problem in the report.
pub async fn cycle(
    ws: &Workspace,
    home: &Path,
    extent: Extent,
    progress: Arc<dyn Progress>,
) -> Result<Report, EngineError> {
    let notebooks = open_notebooks(ws, home).await;
    let Extent { files_only, brief, restless } = extent;
    let request = Request { notebooks, brief, restless, ..Request::default() };
    let report = if !files_only && events::session_open(&ws.ledger)? {
        checkpoint(ws, home, request, progress).await?
    } else {
        sync::run(ws, &rules(unpack::unpacked(ws)?.as_ref()), request, progress.as_ref())?
    };
    unpack::ensure_unpacked(ws, &ws.share())?;
    Ok(report)
}

/// When files and databases were saved last with the course open, RFC 3339; none: never.
///
/// # Errors
/// The ledger fails.
pub fn last_checkpoint(ledger: &Ledger) -> Result<Option<String>, EngineError> {
    Ok(ledger.get(SAVED)?)
}

/// All was saved just now.
///
/// # Errors
/// The ledger fails.
pub(super) fn note_checkpoint(ws: &Workspace) -> Result<(), EngineError> {
    Ok(ws.ledger.set(SAVED, &ws.doors.clock.rfc3339())?)
}
