//! When a person removed which file, as far back as the guards look: more than a few within a day is asked
//! about, and a slow disappearance is seen too. Times only count what happened lately; nothing is decided
//! between versions by them.

use kitbag_core::entry::Millis;
use kitbag_core::path::WorkPath;
use rusqlite::params;

use super::{Ledger, column};
use crate::error::StoreError;

impl Ledger {
    /// Note that a file was removed.
    ///
    /// # Errors
    /// Those of the database.
    pub fn log_removal(&self, at: Millis, path: &WorkPath) -> Result<(), StoreError> {
        let mut add = self.db.prepare_cached("INSERT OR IGNORE INTO removals VALUES (?1, ?2)")?;
        add.execute(params![at, path.key()])?;
        Ok(())
    }

    /// How many different files were removed at that moment or later.
    ///
    /// # Errors
    /// Those of the database.
    pub fn removals_since(&self, at: Millis) -> Result<u64, StoreError> {
        let mut count = self.db.prepare_cached("SELECT COUNT(DISTINCT key) FROM removals WHERE at >= ?1")?;
        Ok(count.query_row([at], |row| column::unsigned(row, 0))?)
    }

    /// Forget removals before a moment: too old to count, or a person has agreed to them.
    ///
    /// # Errors
    /// Those of the database.
    pub fn forget_removals_before(&self, at: Millis) -> Result<(), StoreError> {
        self.db.prepare_cached("DELETE FROM removals WHERE at < ?1")?.execute([at])?;
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ledger::tests::path;

    #[test]
    fn each_file_counts_once_within_the_time() {
        let ledger = Ledger::in_memory().unwrap();
        for (at, name) in [(1, "a"), (5, "b"), (7, "b"), (7, "b"), (9, "c")] {
            ledger.log_removal(at, &path(name)).unwrap();
        }
        assert_eq!([0, 2, 7, 8, 10].map(|at| ledger.removals_since(at).unwrap()), [3, 2, 2, 1, 0]);
        ledger.forget_removals_before(7).unwrap();
        assert_eq!(ledger.removals_since(0).unwrap(), 2);
    }
}
