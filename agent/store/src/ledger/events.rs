//! The events read from the sidecar, as the JSON they came in: a session opened or closed, a machine has seen
//! these records. What they mean is the engine's to say; here they only must not be read twice.

use rusqlite::params;

use super::Ledger;
use crate::error::StoreError;

impl Ledger {
    /// Remember an event by its name, the hash of its bytes; true when it is new.
    ///
    /// # Errors
    /// Those of the database.
    pub fn add_event(&self, id: &str, raw: &str) -> Result<bool, StoreError> {
        let mut add = self.db.prepare_cached("INSERT OR IGNORE INTO events VALUES (?1, ?2)")?;
        Ok(add.execute(params![id, raw])? > 0)
    }

    /// Forget an event that is no longer in the share; false when it was not remembered.
    ///
    /// # Errors
    /// Those of the database.
    pub fn forget_event(&self, id: &str) -> Result<bool, StoreError> {
        Ok(self.db.prepare_cached("DELETE FROM events WHERE id = ?1")?.execute([id])? > 0)
    }

    /// Whether an event is remembered.
    ///
    /// # Errors
    /// Those of the database.
    pub fn has_event(&self, id: &str) -> Result<bool, StoreError> {
        Ok(self.db.prepare_cached("SELECT 1 FROM events WHERE id = ?1")?.exists([id])?)
    }

    /// All events, name and JSON, in the order they were found.
    ///
    /// # Errors
    /// Those of the database.
    pub fn events(&self) -> Result<Vec<(String, String)>, StoreError> {
        let mut find = self.db.prepare_cached("SELECT id, raw FROM events ORDER BY rowid")?;
        Ok(find.query_map([], |row| Ok((row.get(0)?, row.get(1)?)))?.collect::<Result<_, _>>()?)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_event_is_remembered_once() {
        let ledger = Ledger::in_memory().unwrap();
        assert!(ledger.add_event("b", "{\"open\":1}").unwrap());
        assert!(ledger.add_event("a", "{}").unwrap());
        assert!(!ledger.add_event("b", "{}").unwrap());
        assert!(ledger.has_event("a").unwrap() && !ledger.has_event("c").unwrap());
        let events = ledger.events().unwrap();
        assert_eq!(events, [("b".into(), "{\"open\":1}".into()), ("a".into(), "{}".into())]);
        assert!(ledger.forget_event("b").unwrap() && !ledger.forget_event("b").unwrap());
        assert_eq!(ledger.events().unwrap().len(), 1);
    }
}
