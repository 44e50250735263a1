//! Newer versions that are here and not shown, because a program has the working file open: which file, which version,
//! since when, why. Only told to people; each sync finds out afresh what waits.

use kitbag_core::entry::Millis;
use kitbag_core::id::RecordId;
use kitbag_core::notebook::InUse;
use kitbag_core::path::WorkPath;
use rusqlite::params;

use super::{Ledger, column};
use crate::error::StoreError;

/// A file whose newer version waits.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Awaited {
    /// Which.
    pub path: WorkPath,
    /// The version that waits.
    pub version: RecordId,
    /// Since when.
    pub since: Millis,
    /// Why.
    pub why: InUse,
}

impl Ledger {
    /// Note that a version waits. One that waited already keeps its time.
    ///
    /// # Errors
    /// Those of the database.
    pub fn put_awaited(&self, awaited: &Awaited) -> Result<(), StoreError> {
        let mut put = self.db.prepare_cached(
            "INSERT INTO awaited VALUES (?1, ?2, ?3, ?4)
             ON CONFLICT DO UPDATE SET version = ?2, why = ?4",
        )?;
        let Awaited { path, version, since, why } = awaited;
        put.execute(params![path.key(), version.as_bytes(), since, *why as i64])?;
        Ok(())
    }

    /// Nothing waits at a path any more; false when nothing did.
    ///
    /// # Errors
    /// Those of the database.
    pub fn drop_awaited(&self, path: &WorkPath) -> Result<bool, StoreError> {
        Ok(self.db.prepare_cached("DELETE FROM awaited WHERE key = ?1")?.execute([path.key()])? > 0)
    }

    /// All that waits, in walk order.
    ///
    /// # Errors
    /// Those of the database.
    pub fn awaited(&self) -> Result<Vec<Awaited>, StoreError> {
        let mut find = self.db.prepare_cached("SELECT key, version, since, why FROM awaited ORDER BY key")?;
        let rows = find.query_map([], |row| {
            let why = column::choice(row, 3, |number| {
                [InUse::Open, InUse::JustSaved].into_iter().find(|&why| why as i64 == number)
            })?;
            Ok(Awaited { path: column::path(row, 0)?, version: column::id(row, 1)?, since: row.get(2)?, why })
        })?;
        Ok(rows.collect::<Result<_, _>>()?)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ledger::tests::path;

    #[test]
    fn what_waits_keeps_its_time_until_it_is_shown() {
        let ledger = Ledger::in_memory().unwrap();
        let awaited = |version: &[u8], since, why| Awaited {
            path: path("a.ipynb"),
            version: RecordId::of(version),
            since,
            why,
        };
        ledger.put_awaited(&awaited(b"1", 5, InUse::Open)).unwrap();
        ledger.put_awaited(&awaited(b"2", 9, InUse::JustSaved)).unwrap();
        assert_eq!(ledger.awaited().unwrap(), [awaited(b"2", 5, InUse::JustSaved)]);
        assert!(ledger.drop_awaited(&path("a.ipynb")).unwrap());
        assert!(!ledger.drop_awaited(&path("a.ipynb")).unwrap());
        assert_eq!(ledger.awaited().unwrap(), []);
    }
}
