//! Deletions that wait for a person: nothing is removed anywhere until somebody says so, and the question
//! stands here until then, over restarts.

use kitbag_core::entry::Millis;
use kitbag_core::path::WorkPath;
use rusqlite::params;

use super::{Ledger, column};
use crate::error::StoreError;

/// Why a path waits.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Held {
    /// It is gone from the working folder, with more others than seems right.
    RemovedHere,
    /// It is gone from the mirror, and nobody here removed it.
    MissingInShare,
}

/// A path that waits for an answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HeldPath {
    /// Which.
    pub path: WorkPath,
    /// Why.
    pub reason: Held,
    /// Since when.
    pub since: Millis,
}

impl Ledger {
    /// Hold a path. Held for the same reason already, it keeps its time.
    ///
    /// # Errors
    /// Those of the database.
    pub fn hold(&self, path: &WorkPath, reason: Held, since: Millis) -> Result<(), StoreError> {
        let mut hold = self.db.prepare_cached(
            "INSERT INTO held VALUES (?1, ?2, ?3)
             ON CONFLICT DO UPDATE SET reason = ?2, since = ?3 WHERE reason <> ?2",
        )?;
        hold.execute(params![path.key(), reason as i64, since])?;
        Ok(())
    }

    /// Everything held, in walk order.
    ///
    /// # Errors
    /// Those of the database.
    pub fn held(&self) -> Result<Vec<HeldPath>, StoreError> {
        let mut find = self.db.prepare_cached("SELECT key, reason, since FROM held ORDER BY key")?;
        let rows = find.query_map([], |row| {
            let reason = column::choice(row, 1, |number| {
                [Held::RemovedHere, Held::MissingInShare].into_iter().find(|&held| held as i64 == number)
            })?;
            Ok(HeldPath { path: column::path(row, 0)?, reason, since: row.get(2)? })
        })?;
        Ok(rows.collect::<Result<_, _>>()?)
    }

    /// Hold a path no longer; false when it was not held.
    ///
    /// # Errors
    /// Those of the database.
    pub fn release(&self, path: &WorkPath) -> Result<bool, StoreError> {
        Ok(self.db.prepare_cached("DELETE FROM held WHERE key = ?1")?.execute([path.key()])? > 0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ledger::tests::path;

    #[test]
    fn a_question_stands_until_it_is_answered() {
        let ledger = Ledger::in_memory().unwrap();
        ledger.hold(&path("b"), Held::RemovedHere, 1).unwrap();
        ledger.hold(&path("a"), Held::MissingInShare, 2).unwrap();
        ledger.hold(&path("b"), Held::RemovedHere, 3).unwrap();
        let held = |text, reason, since| HeldPath { path: path(text), reason, since };
        let (a, b) = (held("a", Held::MissingInShare, 2), held("b", Held::RemovedHere, 1));
        assert_eq!(ledger.held().unwrap(), [a, b]);
        ledger.hold(&path("b"), Held::MissingInShare, 4).unwrap();
        assert!(ledger.release(&path("a")).unwrap() && !ledger.release(&path("a")).unwrap());
        assert_eq!(ledger.held().unwrap(), [held("b", Held::MissingInShare, 4)]);
    }
}
