//! The ledger looked over: whether the database is sound, and what it believes, in pieces that can be compared with
//! what really stands in the share. Everything here only reads.

use kitbag_core::id::{PackId, PieceId, RecordId};
use kitbag_core::version::{Label, Record};
use rusqlite::params;

use super::records::label;
use super::{Ledger, column};
use crate::error::StoreError;
use crate::pack::PieceAt;

/// A record as the ledger has it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Entry {
    /// The ledger's own number of it, to go on from.
    pub number: i64,
    /// The name it was stored under.
    pub id: RecordId,
    /// What it says; none where the stored bytes no longer read as a record of that name.
    pub record: Option<Record>,
    /// Who made it when.
    pub label: Option<Label>,
    /// Whether it counts.
    pub admitted: bool,
}

impl Ledger {
    /// What SQLite itself finds wrong with the file, one line each; none when it is sound.
    ///
    /// # Errors
    /// Those of the database, when it is too damaged to be asked.
    pub fn integrity(&self) -> Result<Vec<String>, StoreError> {
        let mut check = self.db.prepare("PRAGMA integrity_check(20)")?;
        let lines: Vec<String> = check.query_map([], |row| row.get(0))?.collect::<Result<_, _>>()?;
        Ok(lines.into_iter().filter(|line| line != "ok").collect())
    }

    /// The records after a number (0: from the beginning), oldest first, at most `limit`.
    ///
    /// # Errors
    /// Those of the database.
    pub fn records_after(&self, number: i64, limit: usize) -> Result<Vec<Entry>, StoreError> {
        let mut find = self.db.prepare_cached(
            "SELECT number, id, raw, machine, time, modified, state = 2 FROM records WHERE number > ?1
             ORDER BY number LIMIT ?2",
        )?;
        let rows = find.query_map(params![number, i64::try_from(limit).unwrap_or(i64::MAX)], |row| {
            let (id, raw) = (column::id(row, 1)?, row.get::<_, Vec<u8>>(2)?);
            let record = Record::parse(&raw).ok().filter(|(named, _)| *named == id).map(|(_, record)| record);
            Ok(Entry { number: row.get(0)?, id, record, label: label(row, 3)?, admitted: row.get(6)? })
        })?;
        Ok(rows.collect::<Result<_, _>>()?)
    }

    /// The pieces the ledger believes to lie in a pack, by name; none for a pack it does not know.
    ///
    /// # Errors
    /// Those of the database.
    pub fn pieces_in(&self, pack: PackId) -> Result<Vec<PieceAt>, StoreError> {
        let mut find = self.db.prepare_cached(
            "SELECT piece, at, stored, pieces.size, raw FROM pieces JOIN packs ON number = pack
             WHERE id = ?1 ORDER BY piece",
        )?;
        let rows = find.query_map([pack.as_bytes()], |row| {
            let (id, at) = (column::id::<PieceId>(row, 0)?, column::unsigned(row, 1)?);
            Ok(PieceAt { id, at, stored: row.get(2)?, size: row.get(3)?, raw: row.get(4)? })
        })?;
        Ok(rows.collect::<Result<_, _>>()?)
    }

    /// The records the ledger believes to stand in a pack.
    ///
    /// # Errors
    /// Those of the database.
    pub fn records_in(&self, pack: PackId) -> Result<Vec<RecordId>, StoreError> {
        let mut find = self.db.prepare_cached(
            "SELECT records.id FROM records JOIN packs ON packs.number = records.pack WHERE packs.id = ?1
             UNION SELECT records.id FROM records JOIN carried ON records.number = carried.record
             JOIN packs ON packs.number = carried.pack WHERE packs.id = ?1",
        )?;
        Ok(find.query_map([pack.as_bytes()], |row| column::id(row, 0))?.collect::<Result<_, _>>()?)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ledger::tests::{give, pack_of};
    use crate::pack::tests::{edit, label};

    #[test]
    fn what_the_ledger_believes_can_be_asked() {
        let ledger = Ledger::in_memory().unwrap();
        let (one, two) = (edit("a", b"1", &[]), edit("b", b"2", &[]));
        let (first, second) = (pack_of(&[&one, &two], &[b"1"]), pack_of(&[&two], &[b"2"]));
        give(&ledger, &first);
        give(&ledger, &second);
        assert_eq!(ledger.integrity().unwrap(), [""; 0]);
        let all = ledger.records_after(0, 9).unwrap();
        assert_eq!(all.iter().map(|entry| entry.id).collect::<Vec<_>>(), [one.id(), two.id()]);
        assert_eq!((all[0].record.as_ref(), all[0].label.as_ref()), (Some(&one), Some(&label())));
        assert_eq!(ledger.records_after(all[0].number, 9).unwrap(), all[1..]);
        assert_eq!(ledger.pieces_in(first.0).unwrap(), first.1.pieces);
        assert_eq!(ledger.records_in(second.0).unwrap(), [two.id()]);
        assert_eq!(ledger.records_in(first.0).unwrap().len(), 2);
        ledger.db.execute("UPDATE records SET raw = X'7b7d' WHERE number = ?1", [all[0].number]).unwrap();
        assert_eq!(ledger.records_after(0, 1).unwrap()[0].record, None);
    }

    #[test]
    fn a_damaged_database_is_noticed() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("ledger.db");
        let ledger = Ledger::open(&file).unwrap();
        for n in 0..2_000_u32 {
            give(&ledger, &pack_of(&[&edit(&format!("{n}"), &n.to_le_bytes(), &[])], &[]));
        }
        ledger.db.execute_batch("PRAGMA wal_checkpoint(TRUNCATE)").unwrap();
        drop(ledger);
        let mut bytes = std::fs::read(&file).unwrap();
        let half = bytes.len() / 2;
        bytes[half..half + 40_000].fill(0xA5);
        std::fs::write(&file, bytes).unwrap();
        let found = Ledger::open(&file).and_then(|ledger| ledger.integrity());
        assert!(found.as_ref().map_or(true, |lines| !lines.is_empty()), "{found:?}");
    }
}
