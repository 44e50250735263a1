//! What a sync did to the working folder goes into the log of operations, in the same step in which the ledger learns of
//! it: so that a person can take it back. What an answer, a restore or an undo brings about was logged by these when
//! they were published, and is not logged twice.

use kitbag_core::entry::Millis;
use kitbag_core::id::RecordId;
use kitbag_core::path::WorkPath;
use kitbag_core::version::Content;
use kitbag_store::Ledger;
use kitbag_store::ledger::{Change, Verb};

use super::Cycle;
use crate::error::EngineError;

/// So many operations are remembered at the most.
const MOST: usize = 200;
/// And so long, in milliseconds: 60 days, as long as old contents are kept.
const LONGEST: Millis = 60 * 24 * 3600 * 1000;

impl Cycle<'_> {
    /// The working folder shows another version now, because this sync wrote or removed it.
    pub(super) fn log_shown(
        &mut self,
        ledger: &Ledger,
        path: &WorkPath,
        before: Option<RecordId>,
        after: RecordId,
    ) -> Result<(), EngineError> {
        if ledger.is_logged(path, after)? {
            return Ok(());
        }
        let stands = |id: RecordId| {
            let record = ledger.record(id)?;
            Ok::<_, EngineError>(record.is_some_and(|(record, _)| record.content != Content::Deleted))
        };
        let operation = self.operation(ledger)?;
        // a file that came new stays in an undo, so which it was need not be known
        let stood = before.map(stands).transpose()?.unwrap_or(false);
        match !stood && stands(after)? {
            true => ledger.log_fresh(operation, 1)?,
            false => ledger.log_change(operation, &Change { path: path.clone(), before, after })?,
        }
        Ok(())
    }

    /// The person said that files which are gone were meant to go.
    pub(super) fn log_accepted(
        &mut self,
        ledger: &Ledger,
        path: &WorkPath,
        before: Option<RecordId>,
        after: RecordId,
    ) -> Result<(), EngineError> {
        let operation = self.operation(ledger)?;
        Ok(ledger.log_change(operation, &Change { path: path.clone(), before, after })?)
    }

    fn operation(&mut self, ledger: &Ledger) -> Result<i64, EngineError> {
        if let Some(operation) = self.operation {
            return Ok(operation);
        }
        let verb = if self.request.absent.is_some() { Verb::Resolve } else { Verb::Sync };
        let operation = ledger.begin_operation(verb, self.now(), &self.ws.doors.clock.rfc3339(), None)?;
        self.operation = Some(operation);
        Ok(operation)
    }

    pub(super) fn forget_old_operations(&self) -> Result<(), EngineError> {
        Ok(self.ws.ledger.forget_operations(self.now() - LONGEST, MOST)?)
    }
}
