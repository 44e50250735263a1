//! Small settings of this machine for this workspace, by name: its machine name, the identity of the working
//! folder, the format last seen. Whoever writes one owns its name and its meaning.

use rusqlite::{OptionalExtension, params};

use super::Ledger;
use crate::error::StoreError;

impl Ledger {
    /// A setting, none when it was never set.
    ///
    /// # Errors
    /// Those of the database.
    pub fn get(&self, key: &str) -> Result<Option<String>, StoreError> {
        let mut find = self.db.prepare_cached("SELECT value FROM meta WHERE key = ?1")?;
        Ok(find.query_row([key], |row| row.get(0)).optional()?)
    }

    /// Set or replace a setting.
    ///
    /// # Errors
    /// Those of the database.
    pub fn set(&self, key: &str, value: &str) -> Result<(), StoreError> {
        let mut put = self.db.prepare_cached("INSERT OR REPLACE INTO meta VALUES (?1, ?2)")?;
        put.execute(params![key, value])?;
        Ok(())
    }

    /// As [`Ledger::set`], without waiting for the disk: it outlives the program at any moment, but not a power cut.
    /// Not within a batch.
    ///
    /// # Errors
    /// Those of the database.
    pub fn hint(&self, key: &str, value: &str) -> Result<(), StoreError> {
        self.db.execute_batch("PRAGMA synchronous = NORMAL")?;
        let set = self.set(key, value);
        self.db.execute_batch("PRAGMA synchronous = FULL")?;
        set
    }

    /// Forget a setting.
    ///
    /// # Errors
    /// Those of the database.
    pub fn unset(&self, key: &str) -> Result<(), StoreError> {
        self.db.prepare_cached("DELETE FROM meta WHERE key = ?1")?.execute([key])?;
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn settings_come_and_go() {
        let ledger = Ledger::in_memory().unwrap();
        assert_eq!(ledger.get("machine").unwrap(), None);
        ledger.set("machine", "HOME").unwrap();
        ledger.set("machine", "WORK").unwrap();
        assert_eq!(ledger.get("machine").unwrap().as_deref(), Some("WORK"));
        ledger.unset("machine").unwrap();
        assert_eq!(ledger.get("machine").unwrap(), None);
        ledger.hint("machine", "HOME").unwrap();
        assert_eq!(ledger.get("machine").unwrap().as_deref(), Some("HOME"));
        // what comes after it waits for the disk again
        let full =
            |db: &rusqlite::Connection| db.query_row("PRAGMA synchronous", [], |row| row.get::<_, i64>(0));
        assert_eq!(full(&ledger.db).unwrap(), 2);
    }
}
