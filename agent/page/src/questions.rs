//! What waits for a person's answer in a workspace, as one document: files changed on two machines at once, and files that
//! are gone.

use kitbag_core::path::WorkPath;
use kitbag_engine::error::EngineError;
use kitbag_engine::sync::report::HeldFile;
use kitbag_engine::sync::{Conflict, Cycle, Rules};
use kitbag_engine::workspace::Workspace;
use serde::Serialize;

/// `conflicts --json`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Questions {
    /// Changed on two machines at once.
    pub conflicts: Vec<Conflict>,
    /// Gone, and kept everywhere else until somebody says that it was meant.
    pub held: Vec<HeldFile>,
    /// Notebooks in which nothing waits: cells were kept although somebody deleted them. No answer is needed.
    pub notes: Vec<Conflict>,
}

/// All of them, or those of one file.
///
/// # Errors
/// The ledger or a stored version cannot be read.
pub fn read(ws: &Workspace, rules: &Rules, path: Option<&WorkPath>) -> Result<Questions, EngineError> {
    let cycle = Cycle::for_answers(ws, rules)?;
    let mut held = cycle.held()?;
    let (conflicts, notes) = match path {
        Some(path) => {
            held.retain(|held| held.path == path.as_str());
            let one = cycle.conflict_at(path)?;
            // who asks about one file is told of it in the one place, whether it waits or not
            (one.clone().into_iter().collect(), one.into_iter().filter(|one| !one.waits()).collect())
        }
        None => (cycle.conflicts()?, cycle.notes()?),
    };
    Ok(Questions { conflicts, held, notes })
}
