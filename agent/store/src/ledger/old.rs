//! How long contents have been old: those that only superseded versions have, and since when this ledger has seen that.
//! Ages are in counted time, which a clock set wrong can hold up but hardly hurry. Plus what the choice of what may go
//! needs to know of the packs.

use std::collections::{BTreeMap, BTreeSet};

use kitbag_core::id::{ContentId, PackId, PieceId, RecordId};
use kitbag_core::path::WorkPath;
use rusqlite::params;

use super::{Ledger, column};
use crate::error::StoreError;

/// A piece as it lies in a pack that stays.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Shelved {
    /// The piece.
    pub piece: PieceId,
    /// The pack.
    pub pack: PackId,
    /// Bytes it takes there.
    pub stored: u64,
}

impl Ledger {
    /// Set which contents are superseded at counted time `now`: those that were keep their time, others are forgotten.
    /// Since when each is, is returned.
    ///
    /// # Errors
    /// Those of the database.
    pub fn set_superseded(
        &self,
        contents: &BTreeSet<ContentId>,
        now: i64,
    ) -> Result<BTreeMap<ContentId, i64>, StoreError> {
        self.batch(|ledger| {
            let mut find = ledger.db.prepare_cached("SELECT content, since FROM superseded")?;
            let before: BTreeMap<ContentId, i64> = find
                .query_map([], |row| Ok((column::id(row, 0)?, row.get(1)?)))?
                .collect::<Result<_, _>>()?;
            let mut add = ledger.db.prepare_cached("INSERT INTO superseded VALUES (?1, ?2)")?;
            let mut drop = ledger.db.prepare_cached("DELETE FROM superseded WHERE content = ?1")?;
            for content in before.keys().filter(|content| !contents.contains(content)) {
                drop.execute([content.as_bytes()])?;
            }
            let mut all = BTreeMap::new();
            for content in contents {
                let since = match before.get(content) {
                    Some(since) => *since,
                    None => {
                        add.execute(params![content.as_bytes(), now])?;
                        now
                    }
                };
                all.insert(*content, since);
            }
            Ok(all)
        })
    }

    /// The paths with more than one record, counted or not, in walk order.
    ///
    /// # Errors
    /// Those of the database.
    pub fn paths_with_history(&self) -> Result<Vec<WorkPath>, StoreError> {
        let mut find = self
            .db
            .prepare_cached("SELECT key FROM records GROUP BY key HAVING COUNT(*) > 1 ORDER BY key")?;
        Ok(find.query_map([], |row| column::path(row, 0))?.collect::<Result<_, _>>()?)
    }

    /// The contents of paths with one record only.
    ///
    /// # Errors
    /// Those of the database.
    pub fn only_contents(&self) -> Result<BTreeSet<ContentId>, StoreError> {
        let mut find = self.db.prepare_cached(
            "SELECT MIN(content) FROM records GROUP BY key HAVING COUNT(*) = 1 AND MIN(content) IS NOT NULL",
        )?;
        Ok(find.query_map([], |row| column::id(row, 0))?.collect::<Result<_, _>>()?)
    }

    /// The contents of all records.
    ///
    /// # Errors
    /// Those of the database.
    pub fn record_contents(&self) -> Result<BTreeSet<ContentId>, StoreError> {
        let mut find =
            self.db.prepare_cached("SELECT DISTINCT content FROM records WHERE content IS NOT NULL")?;
        Ok(find.query_map([], |row| column::id(row, 0))?.collect::<Result<_, _>>()?)
    }

    /// All lists of pieces, with the content each is of.
    ///
    /// # Errors
    /// Those of the database.
    pub fn all_lists(&self) -> Result<Vec<(ContentId, Vec<PieceId>)>, StoreError> {
        let mut find = self.db.prepare_cached("SELECT DISTINCT content, pieces FROM layouts")?;
        let rows = find.query_map([], |row| Ok((column::id(row, 0)?, column::ids(row, 1)?)))?;
        Ok(rows.collect::<Result<_, _>>()?)
    }

    /// Where a piece lies in packs that stay.
    ///
    /// # Errors
    /// Those of the database.
    pub fn shelved(&self, piece: PieceId) -> Result<Vec<Shelved>, StoreError> {
        let mut find = self.db.prepare_cached(
            "SELECT id, stored FROM pieces JOIN packs ON number = pack WHERE piece = ?1 AND leaving = 0",
        )?;
        let rows = find.query_map([piece.as_bytes()], |row| {
            Ok(Shelved { piece, pack: column::id(row, 0)?, stored: column::unsigned(row, 1)? })
        })?;
        Ok(rows.collect::<Result<_, _>>()?)
    }

    /// The packs a record stands in.
    ///
    /// # Errors
    /// Those of the database.
    pub fn packs_with(&self, record: RecordId) -> Result<Vec<PackId>, StoreError> {
        let mut find = self.db.prepare_cached(
            "SELECT packs.id FROM records JOIN packs ON packs.number = records.pack WHERE records.id = ?1
             UNION SELECT packs.id FROM records JOIN carried ON carried.record = records.number
             JOIN packs ON packs.number = carried.pack WHERE records.id = ?1",
        )?;
        Ok(find.query_map([record.as_bytes()], |row| column::id(row, 0))?.collect::<Result<_, _>>()?)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ledger::tests::{give, pack_of, path};
    use crate::pack::tests::edit;

    #[test]
    fn age_is_from_the_first_sight_and_begins_anew() {
        let ledger = Ledger::in_memory().unwrap();
        let (a, b) = (ContentId::of(b"a"), ContentId::of(b"b"));
        assert_eq!(ledger.set_superseded(&[a].into(), 3).unwrap(), [(a, 3)].into());
        assert_eq!(ledger.set_superseded(&[a, b].into(), 5).unwrap(), [(a, 3), (b, 5)].into());
        assert_eq!(ledger.set_superseded(&[b].into(), 7).unwrap(), [(b, 5)].into());
        assert_eq!(ledger.set_superseded(&[a, b].into(), 9).unwrap(), [(a, 9), (b, 5)].into());
    }

    #[test]
    fn what_stands_where() {
        let ledger = Ledger::in_memory().unwrap();
        let (one, two) = (edit("a", b"1", &[]), edit("b", b"2", &[]));
        let three = edit("a", b"3", &[one.id()]);
        let (first, second) = (pack_of(&[&one, &two], &[b"1"]), pack_of(&[&one, &three], &[b"1"]));
        give(&ledger, &first);
        give(&ledger, &second);
        assert_eq!(ledger.paths_with_history().unwrap(), [path("a")]);
        assert_eq!(ledger.only_contents().unwrap(), [ContentId::of(b"2")].into());
        assert_eq!(ledger.record_contents().unwrap().len(), 3);
        assert_eq!(ledger.packs_with(one.id()).unwrap().len(), 2);
        assert_eq!(ledger.packs_with(three.id()).unwrap(), [second.0]);
        assert_eq!(ledger.shelved(PieceId::of(b"1")).unwrap().len(), 2);
        assert_eq!(ledger.all_lists().unwrap(), []);
    }
}
