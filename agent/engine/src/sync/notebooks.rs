//! What the ledger remembers of notebooks, for people: whose newer version waits until they are closed here, and in which
//! cells were kept although somebody deleted them.

use kitbag_core::notebook::InUse;
use kitbag_store::ledger::PathRow;
use serde::Serialize;

use crate::error::EngineError;
use crate::workspace::Workspace;

/// A notebook whose newer version waits.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct PendingNotebook {
    /// The file.
    pub path: String,
    /// The machine whose version waits; null for a change made in the cloud folder.
    pub machine: Option<String>,
    /// When that version was made, by that machine's clock.
    pub when: Option<String>,
    /// `open`: a running kernel has it open here; `just-saved`: it was saved a moment ago.
    pub why: InUse,
}

/// All of them.
///
/// # Errors
/// The ledger fails.
pub fn pending_notebooks(ws: &Workspace) -> Result<Vec<PendingNotebook>, EngineError> {
    let mut pending = Vec::new();
    for awaited in ws.ledger.awaited()? {
        let found = ws.ledger.record(awaited.version)?;
        let outside =
            found.as_ref().is_some_and(|(record, _)| record.kind == kitbag_core::version::Kind::Outside);
        let label = found.and_then(|(_, label)| label);
        let (machine, when) = label.map(|label| (label.machine, label.time)).unzip();
        pending.push(PendingNotebook {
            path: awaited.path.as_str().to_owned(),
            machine: machine.filter(|machine| !machine.is_empty() && !outside),
            when: when.filter(|when| !when.is_empty()),
            why: awaited.why,
        });
    }
    Ok(pending)
}

/// A notebook in which nothing waits, and cells were kept although somebody deleted them.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct NotedNotebook {
    /// The file.
    pub path: String,
    /// How many cells.
    pub cells: u64,
}

/// All of them.
///
/// # Errors
/// The ledger fails.
pub fn noted_notebooks(ws: &Workspace) -> Result<Vec<NotedNotebook>, EngineError> {
    let noted = |row: PathRow| {
        let cells = row.asked.and_then(|asked| asked.kept).unwrap_or_default();
        NotedNotebook { path: row.path.as_str().to_owned(), cells }
    };
    Ok(ws.ledger.kept_cells()?.into_iter().map(noted).collect())
}
