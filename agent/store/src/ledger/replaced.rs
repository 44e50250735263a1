//! Packs that others replace: one machine made few of many, or left out what is old. Both stand in the share for a
//! while, so nothing is lost whichever the others see first. What replaced what is remembered after the old pack is
//! gone: a machine that had taken in all the old ones has what is in the new one.

use std::collections::BTreeSet;

use kitbag_core::id::{ContentId, PackId, PieceId};
use rusqlite::params;

use super::{Ledger, column};
use crate::error::StoreError;

/// One pack says to hold all of another.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Replaced {
    /// The one that may go.
    pub old: PackId,
    /// The one that says so.
    pub new: PackId,
    /// Since when this is known here, in counted time; none when nobody noted it yet.
    pub since: Option<i64>,
}

impl Ledger {
    /// Note that a pack says to replace others. What they replaced it replaces too.
    pub(super) fn add_replaced(&self, new: PackId, old: &BTreeSet<PackId>) -> Result<(), StoreError> {
        let mut add = self.db.prepare_cached("INSERT OR IGNORE INTO replaced VALUES (?1, ?2, NULL)")?;
        let mut before = self.db.prepare_cached(
            "INSERT OR IGNORE INTO replaced SELECT old, ?2, NULL FROM replaced WHERE new = ?1 AND old <> ?2",
        )?;
        for old in old.iter().filter(|old| **old != new) {
            add.execute([old.as_bytes(), new.as_bytes()])?;
            before.execute([old.as_bytes(), new.as_bytes()])?;
        }
        self.mark_leaving()
    }

    /// Note that a pack turned out to hold all of another.
    ///
    /// # Errors
    /// Those of the database.
    pub fn replace(&self, old: PackId, new: PackId) -> Result<(), StoreError> {
        self.batch(|ledger| ledger.add_replaced(new, &[old].into()))
    }

    /// A pack leaves while one that replaces it is here and does not leave itself for its sake.
    pub(super) fn mark_leaving(&self) -> Result<(), StoreError> {
        let mut mark = self.db.prepare_cached(
            "UPDATE packs SET leaving = NOT leaving WHERE leaving <> EXISTS (
                 SELECT 1 FROM replaced JOIN packs AS by ON by.id = replaced.new
                 WHERE replaced.old = packs.id AND NOT EXISTS (
                     SELECT 1 FROM replaced AS back WHERE back.old = by.id AND back.new = packs.id
                         AND by.id > packs.id
                 )
             )",
        )?;
        mark.execute([])?;
        Ok(())
    }

    /// Everything that is known of packs replacing packs.
    ///
    /// # Errors
    /// Those of the database.
    pub fn replaced(&self) -> Result<Vec<Replaced>, StoreError> {
        let mut find = self.db.prepare_cached("SELECT old, new, since FROM replaced ORDER BY old, new")?;
        let rows = find.query_map([], |row| {
            Ok(Replaced { old: column::id(row, 0)?, new: column::id(row, 1)?, since: row.get(2)? })
        })?;
        Ok(rows.collect::<Result<_, _>>()?)
    }

    /// Set the time of those that have none.
    ///
    /// # Errors
    /// Those of the database.
    pub fn date_replaced(&self, now: i64) -> Result<(), StoreError> {
        let mut set = self.db.prepare_cached("UPDATE replaced SET since = ?1 WHERE since IS NULL")?;
        set.execute([now])?;
        Ok(())
    }

    /// The packs that leave, by name.
    ///
    /// # Errors
    /// Those of the database.
    pub fn leaving(&self) -> Result<BTreeSet<PackId>, StoreError> {
        let mut find = self.db.prepare_cached("SELECT id FROM packs WHERE leaving = 1")?;
        Ok(find.query_map([], |row| column::id(row, 0))?.collect::<Result<_, _>>()?)
    }

    /// The packs that stay, and the size of each in bytes.
    ///
    /// # Errors
    /// Those of the database.
    pub fn staying(&self) -> Result<Vec<(PackId, u64)>, StoreError> {
        let mut find = self.db.prepare_cached("SELECT id, size FROM packs WHERE leaving = 0 ORDER BY id")?;
        let rows = find.query_map([], |row| Ok((column::id(row, 0)?, column::unsigned(row, 1)?)))?;
        Ok(rows.collect::<Result<_, _>>()?)
    }

    /// Whether everything an old pack holds stands in a new one: every record, package, piece and list, but those of
    /// contents the new one calls gone. Looks at both; says nothing of other packs.
    ///
    /// # Errors
    /// When one of them was never added; those of the database.
    pub fn holds_all(&self, new: PackId, old: PackId) -> Result<bool, StoreError> {
        let (new, old) = (self.pack_number(new)?, self.pack_number(old)?);
        for missing in [
            "SELECT 1 FROM (
                 SELECT number FROM records WHERE pack = ?2 UNION SELECT record FROM carried WHERE pack = ?2
                 EXCEPT SELECT number FROM records WHERE pack = ?1
                 EXCEPT SELECT record FROM carried WHERE pack = ?1)",
            "SELECT 1 FROM package_packs AS had WHERE pack = ?2
                 AND NOT EXISTS (SELECT 1 FROM package_packs WHERE package = had.package AND pack = ?1)",
            "SELECT 1 FROM gone AS had WHERE pack = ?2
                 AND NOT EXISTS (SELECT 1 FROM gone WHERE content = had.content AND pack = ?1)",
            "SELECT 1 FROM layouts AS had WHERE pack = ?2
                 AND NOT EXISTS (SELECT 1 FROM layouts WHERE content = had.content AND pieces = had.pieces AND pack = ?1)
                 AND NOT EXISTS (SELECT 1 FROM gone WHERE content = had.content AND pack = ?1)",
            "SELECT 1 FROM pieces AS had WHERE pack = ?2
                 AND NOT EXISTS (SELECT 1 FROM pieces WHERE piece = had.piece AND pack = ?1)
                 AND NOT EXISTS (SELECT 1 FROM gone WHERE content = had.piece AND pack = ?1)
                 AND EXISTS (SELECT 1 FROM records WHERE content = had.piece)",
        ] {
            if self.db.prepare_cached(missing)?.exists([new, old])? {
                return Ok(false);
            }
        }
        // What is left out is a gone content of one piece, or part of one of several, and of no other.
        let dropped = self.dropped_pieces(new, old)?;
        if dropped.is_empty() {
            return Ok(true);
        }
        let (kept, gone) = (self.pieces_of_lists(new, false)?, self.pieces_of_lists(new, true)?);
        Ok(dropped.iter().all(|(piece, alone)| !kept.contains(piece) && (*alone || gone.contains(piece))))
    }

    // Pieces of every list of a content that the pack calls gone, or does not, in whatever pack it stands.
    fn pieces_of_lists(&self, pack: i64, gone: bool) -> Result<BTreeSet<PieceId>, StoreError> {
        let mut find = self.db.prepare_cached(
            "SELECT DISTINCT pieces FROM layouts AS list
             WHERE ?2 = EXISTS (SELECT 1 FROM gone WHERE content = list.content AND pack = ?1)",
        )?;
        let mut pieces = BTreeSet::new();
        for list in find.query_map(params![pack, gone], |row| column::ids::<PieceId>(row, 0))? {
            pieces.extend(list?);
        }
        Ok(pieces)
    }

    // With each, whether it is a content of its own that the new pack calls gone.
    fn dropped_pieces(&self, new: i64, old: i64) -> Result<Vec<(PieceId, bool)>, StoreError> {
        let mut find = self.db.prepare_cached(
            "SELECT piece, EXISTS (SELECT 1 FROM gone WHERE content = had.piece AND pack = ?1)
             FROM pieces AS had WHERE pack = ?2
             AND NOT EXISTS (SELECT 1 FROM pieces WHERE piece = had.piece AND pack = ?1)",
        )?;
        let rows = find.query_map([new, old], |row| Ok((column::id(row, 0)?, row.get(1)?)))?;
        Ok(rows.collect::<Result<_, _>>()?)
    }

    /// The contents a pack calls gone.
    ///
    /// # Errors
    /// When it was never added; those of the database.
    pub fn called_gone_by(&self, pack: PackId) -> Result<Vec<ContentId>, StoreError> {
        let number = self.pack_number(pack)?;
        let mut find = self.db.prepare_cached("SELECT content FROM gone WHERE pack = ?1")?;
        Ok(find.query_map(params![number], |row| column::id(row, 0))?.collect::<Result<_, _>>()?)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ledger::tests::{give, pack_of};
    use crate::pack::tests::edit;
    use crate::pack::{Builder, Pack, compress, read};

    fn pack(fill: impl FnOnce(&mut Builder)) -> (PackId, Pack) {
        let mut builder = Builder::new();
        fill(&mut builder);
        let packed = builder.finish();
        (packed.id, read(packed.id, &packed.bytes).unwrap())
    }

    #[test]
    fn what_is_replaced_leaves_while_its_successor_is_here() {
        let ledger = Ledger::in_memory().unwrap();
        let (old, id) = (pack_of(&[&edit("a", b"1", &[])], &[b"1"]), ContentId::of(b"1"));
        give(&ledger, &old);
        assert!(ledger.stays_packed(id).unwrap());
        let without = pack(|to| {
            to.record(&edit("a", b"1", &[]).canonical(), None).unwrap();
            to.gone(id).unwrap();
            to.replaces(old.0).unwrap();
        });
        give(&ledger, &without);
        assert!(ledger.is_packed(id).unwrap() && !ledger.stays_packed(id).unwrap());
        assert_eq!(ledger.leaving().unwrap(), [old.0].into());
        assert_eq!(ledger.staying().unwrap(), [(without.0, 1000)]);
        assert_eq!(ledger.replaced().unwrap()[0].since, None);
        ledger.date_replaced(5).unwrap();
        ledger.date_replaced(9).unwrap();
        assert_eq!(ledger.replaced().unwrap(), [Replaced { old: old.0, new: without.0, since: Some(5) }]);
        ledger.forget_pack(without.0).unwrap();
        assert!(ledger.stays_packed(id).unwrap(), "its successor did not last");
        // a third that replaces the second replaces the first too
        let third = pack(|to| to.replaces(without.0).unwrap());
        give(&ledger, &third);
        assert_eq!(ledger.leaving().unwrap(), [old.0].into());
    }

    #[test]
    fn two_that_replace_each_other_do_not_both_leave() {
        let ledger = Ledger::in_memory().unwrap();
        let (a, b) = (pack_of(&[], &[b"1"]), pack_of(&[], &[b"2"]));
        give(&ledger, &a);
        give(&ledger, &b);
        ledger.replace(a.0, b.0).unwrap();
        ledger.replace(b.0, a.0).unwrap();
        assert_eq!(ledger.leaving().unwrap().len(), 1);
        ledger.replace(a.0, a.0).unwrap();
        assert_eq!(ledger.leaving().unwrap().len(), 1);
    }

    #[test]
    fn a_successor_is_believed_only_when_it_holds_everything() {
        let (one, two) = (edit("a", b"1", &[]), edit("a", b"12", &[]));
        let pieces = [compress(b"1"), compress(b"2")];
        let list = [pieces[0].id, pieces[1].id];
        let old = pack(|to| {
            to.record(&one.canonical(), None).unwrap();
            to.record(&two.canonical(), None).unwrap();
            to.content(ContentId::of(b"12"), 2, &list).unwrap();
            for piece in &pieces {
                to.piece(piece.clone()).unwrap();
            }
        });
        let holds = |fill: &dyn Fn(&mut Builder)| {
            let ledger = Ledger::in_memory().unwrap();
            let new = pack(fill);
            give(&ledger, &old);
            give(&ledger, &new);
            ledger.holds_all(new.0, old.0).unwrap()
        };
        let records = |to: &mut Builder| {
            to.record(&one.canonical(), None).unwrap();
            to.record(&two.canonical(), None).unwrap();
        };
        let all = |to: &mut Builder| {
            records(to);
            to.content(ContentId::of(b"12"), 2, &list).unwrap();
            pieces.iter().for_each(|piece| to.piece(piece.clone()).unwrap());
        };
        assert!(holds(&all));
        assert!(!holds(&|to| records(to)), "no content");
        assert!(!holds(&|to| pieces.iter().for_each(|piece| to.piece(piece.clone()).unwrap())), "no records");
        assert!(
            !holds(&|to| {
                records(to);
                to.gone(ContentId::of(b"1")).unwrap();
                to.content(ContentId::of(b"12"), 2, &list).unwrap();
                to.piece(pieces[1].clone()).unwrap();
            }),
            "the other content needs the piece"
        );
        assert!(
            holds(&|to| {
                records(to);
                to.gone(ContentId::of(b"12")).unwrap();
                to.piece(pieces[0].clone()).unwrap();
            }),
            "the list is gone, and its second piece with it"
        );
    }
}
