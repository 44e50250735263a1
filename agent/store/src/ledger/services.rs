//! Which version of its backup each service's database holds on this machine. A restore is decided by what
//! descends from what, so this must be set with the dump or the restore it speaks of, never later.

pub use kitbag_core::database::Loaded;
use rusqlite::{OptionalExtension, params};

use super::{Ledger, column};
use crate::error::StoreError;

impl Ledger {
    /// What a service holds, none when nothing of ours was ever loaded.
    ///
    /// # Errors
    /// Those of the database.
    pub fn loaded(&self, service: &str) -> Result<Option<Loaded>, StoreError> {
        let mut find = self.db.prepare_cached("SELECT record, content FROM services WHERE service = ?1")?;
        let found = find.query_row([service], |row| {
            Ok(Loaded { record: column::id(row, 0)?, content: column::id(row, 1)? })
        });
        Ok(found.optional()?)
    }

    /// What each service holds.
    ///
    /// # Errors
    /// Those of the database.
    pub fn all_loaded(&self) -> Result<Vec<Loaded>, StoreError> {
        let mut find = self.db.prepare_cached("SELECT record, content FROM services")?;
        let rows = find
            .query_map([], |row| Ok(Loaded { record: column::id(row, 0)?, content: column::id(row, 1)? }))?;
        Ok(rows.collect::<Result<_, _>>()?)
    }

    /// Say what a service holds.
    ///
    /// # Errors
    /// Those of the database.
    pub fn set_loaded(&self, service: &str, loaded: Loaded) -> Result<(), StoreError> {
        let mut set = self.db.prepare_cached("INSERT OR REPLACE INTO services VALUES (?1, ?2, ?3)")?;
        set.execute(params![service, loaded.record.as_bytes(), loaded.content.as_bytes()])?;
        Ok(())
    }

    /// Say that a service holds nothing of ours: its database is new.
    ///
    /// # Errors
    /// Those of the database.
    pub fn clear_loaded(&self, service: &str) -> Result<(), StoreError> {
        self.db.prepare_cached("DELETE FROM services WHERE service = ?1")?.execute([service])?;
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use kitbag_core::id::{ContentId, RecordId};

    use super::*;

    #[test]
    fn a_service_holds_one_version() {
        let ledger = Ledger::in_memory().unwrap();
        assert_eq!(ledger.loaded("postgres").unwrap(), None);
        for dump in [b"1", b"2"] {
            let loaded = Loaded { record: RecordId::of(dump), content: ContentId::of(dump) };
            ledger.set_loaded("postgres", loaded).unwrap();
            assert_eq!(ledger.loaded("postgres").unwrap(), Some(loaded));
            assert_eq!(ledger.all_loaded().unwrap(), [loaded]);
        }
        ledger.clear_loaded("mongo").unwrap();
        assert!(ledger.loaded("postgres").unwrap().is_some());
        ledger.clear_loaded("postgres").unwrap();
        assert_eq!(ledger.loaded("postgres").unwrap(), None);
    }
}
