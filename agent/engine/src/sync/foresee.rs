//! Between the moment a pack is durable and the moment the ledger has heard of it, the program can be killed. The pack
//! then looks like another machine's, and a file the person has gone on with since would be taken for an edit of the
//! version before: a question about their own work, or a line twice. So what the ledger is about to hear is noted
//! beforehand, and looked at after a crash: a record that did get out is what the working folder showed.

use kitbag_core::id::RecordId;
use kitbag_core::path::WorkPath;
use kitbag_store::Ledger;
use kitbag_store::ledger::PathRow;
use serde::{Deserialize, Serialize};

use super::Cycle;
use super::batch::Item;
use super::rename::LeftBehind;
use crate::error::EngineError;

/// Where the ledger remembers it.
const FORESEEN: &str = "sync.foreseen";

/// One path whose record is about to be published.
#[derive(Serialize, Deserialize)]
struct Foreseen {
    path: WorkPath,
    /// The base until then.
    from: Option<RecordId>,
    /// The record of what the working folder shows.
    to: RecordId,
}

impl Cycle<'_> {
    /// Note what the working folder shows where this batch publishes it for the first time.
    ///
    /// # Errors
    /// The ledger fails.
    pub(super) fn foresee(&self, items: &[Item]) -> Result<(), EngineError> {
        let mut all = Vec::new();
        for item in items.iter().filter(|item| !item.dropped) {
            let (from, to) = (item.row.memory.base, item.plan.memory.base);
            if let Some(to) = to
                && item.plan.records.iter().any(|made| made.id == to)
            {
                all.push(Foreseen { path: item.row.path.clone(), from, to });
            }
            if let Some(LeftBehind { path, from, to }) = self.left_behind(item)? {
                all.push(Foreseen { path, from: Some(from), to });
            }
        }
        if !all.is_empty() {
            self.ws.ledger.hint(FORESEEN, &serde_json::to_string(&all).unwrap_or_default())?;
        }
        Ok(())
    }

    /// After a crash, once the packs in the share have been read: what got out is what the working folder showed.
    ///
    /// # Errors
    /// The ledger fails.
    pub(super) fn note_foreseen(&self) -> Result<(), EngineError> {
        let Some(text) = self.ws.ledger.get(FORESEEN)? else { return Ok(()) };
        let all: Vec<Foreseen> = serde_json::from_str(&text).unwrap_or_default();
        self.ws.ledger.batch(|ledger| {
            for Foreseen { path, from, to } in all {
                let row = ledger.path(&path)?;
                let mut row = row.unwrap_or_else(|| PathRow::new(path));
                if row.memory.base == from && ledger.is_admitted(to)? {
                    row.memory.base = Some(to);
                    // what it looked like belonged to the base before
                    (row.working, row.dirty) = (None, true);
                    ledger.put_path(&row)?;
                }
            }
            forget(ledger)
        })
    }
}

/// The ledger has heard, or its bases mean nothing any more.
///
/// # Errors
/// The ledger fails.
pub fn forget(ledger: &Ledger) -> Result<(), EngineError> {
    Ok(ledger.unset(FORESEEN)?)
}
