//! A path's records together with those of other paths that belong to its history: a file that was renamed has its
//! past elsewhere, and where it was, the move is its end. Which records are moves of what stands in a table of its
//! own, so that a path nothing was moved from pays one look for it.

use std::collections::BTreeMap;

use kitbag_core::id::RecordId;
use kitbag_core::path::WorkPath;
use kitbag_core::version::Record;
use rusqlite::{OptionalExtension, params};

use super::{Ledger, column};
use crate::error::StoreError;

impl Ledger {
    /// The admitted records `History::new` needs for a path: its own, the moves away from it, and all these come from.
    /// With an origin (a version at another path that is about to be moved here) also what that comes from.
    ///
    /// # Errors
    /// Those of the database.
    pub fn lineage(
        &self,
        path: &WorkPath,
        origin: Option<RecordId>,
    ) -> Result<Vec<(RecordId, Record)>, StoreError> {
        let mut found: BTreeMap<RecordId, Record> = self.admitted(path)?.into_iter().collect();
        let mut find = self.db.prepare_cached(
            "SELECT away.id, away.raw FROM records old
                 JOIN moves ON moves.parent = old.id JOIN records away ON away.number = moves.record
             WHERE old.key = ?1 AND away.key <> ?1 AND away.state = 2",
        )?;
        let moves = find.query_map([path.key()], |row| {
            Ok((column::id::<RecordId>(row, 0)?, row.get::<_, Vec<u8>>(1)?))
        })?;
        for row in moves {
            let (id, raw) = row?;
            found.insert(id, Record::parse(&raw)?.1);
        }
        let named = |record: &Record| record.parents.iter().chain(&record.near).copied().collect::<Vec<_>>();
        let mut todo: Vec<RecordId> = found.values().flat_map(named).chain(origin).collect();
        while let Some(id) = todo.pop() {
            if found.contains_key(&id) {
                continue;
            }
            // what an admitted record comes from is here
            if let Some((record, _)) = self.record(id)? {
                todo.extend(named(&record));
                found.insert(id, record);
            }
        }
        Ok(found.into_iter().collect())
    }

    /// Note that a record is a move of its parents.
    pub(super) fn note_move(&self, number: i64, record: &Record) -> Result<(), StoreError> {
        let mut note = self.db.prepare_cached("INSERT OR IGNORE INTO moves VALUES (?1, ?2)")?;
        for parent in &record.parents {
            note.execute(params![parent.as_bytes(), number])?;
        }
        Ok(())
    }

    /// The other paths a record moved something away from; none for what is no move.
    pub(super) fn moved_from(&self, number: i64) -> Result<Vec<WorkPath>, StoreError> {
        let mut find = self.db.prepare_cached(
            "SELECT old.key FROM moves
                 JOIN records old ON old.id = moves.parent JOIN records away ON away.number = moves.record
             WHERE moves.record = ?1 AND old.key <> away.key",
        )?;
        let rows = find.query_map([number], |row| column::path(row, 0))?;
        Ok(rows.collect::<Result<_, _>>()?)
    }

    /// How many of the files a scan found gone from the working folder are known to have been moved away from there:
    /// nobody needs to be asked about them.
    ///
    /// # Errors
    /// Those of the database.
    pub fn moved_away(&self) -> Result<u64, StoreError> {
        let mut count = self.db.prepare_cached(
            "SELECT COUNT(*) FROM temp.candidates found JOIN paths USING (key)
             WHERE found.working = 0 AND paths.present = 1 AND EXISTS (
                 SELECT 1 FROM moves JOIN records away ON away.number = moves.record
                 WHERE moves.parent = paths.base AND away.key <> paths.key AND away.state = 2
             )",
        )?;
        Ok(count.query_row([], |row| column::unsigned(row, 0)).optional()?.unwrap_or(0))
    }
}

#[cfg(test)]
mod tests {
    use kitbag_core::history::History;
    use kitbag_core::version::Kind;

    use super::*;
    use crate::ledger::PathRow;
    use crate::ledger::candidates::{Candidate, Look};
    use crate::ledger::tests::path;
    use crate::pack::tests::edit;

    fn add(ledger: &Ledger, record: &Record) -> RecordId {
        ledger.add_record(record.id(), record, &record.canonical(), None, None).unwrap();
        record.id()
    }

    fn ids(records: Vec<(RecordId, Record)>) -> Vec<RecordId> {
        records.into_iter().map(|(id, _)| id).collect()
    }

    fn sorted(ids: &[RecordId]) -> Vec<RecordId> {
        let mut ids = ids.to_vec();
        ids.sort();
        ids
    }

    /// x was edited twice and renamed to y; the move arrives before what it comes from.
    fn renamed(ledger: &Ledger) -> [RecordId; 3] {
        ledger.keep(kitbag_core::id::ContentId::of(b"1"), 1).unwrap();
        ledger.keep(kitbag_core::id::ContentId::of(b"2"), 1).unwrap();
        let first = edit("x", b"1", &[]);
        let second = edit("x", b"2", &[first.id()]);
        let moved = Record::new(path("y"), second.content, Kind::Move, [second.id()]);
        let moved = add(ledger, &moved);
        assert_eq!(ledger.admit().unwrap(), []);
        let ids = [add(ledger, &first), add(ledger, &second), moved];
        assert_eq!(ledger.admit().unwrap(), [path("x"), path("y")]);
        ids
    }

    #[test]
    fn a_moved_file_has_its_past_elsewhere_and_its_end_there() {
        let ledger = Ledger::in_memory().unwrap();
        let all = renamed(&ledger);
        for at in ["x", "y"] {
            assert_eq!(ids(ledger.lineage(&path(at), None).unwrap()), sorted(&all));
            assert_eq!(History::new(&path(at), ledger.lineage(&path(at), None).unwrap()).heads(), [all[2]]);
        }
        assert_eq!(ids(ledger.admitted(&path("y")).unwrap()), [all[2]]);
        assert_eq!(ledger.lineage(&path("z"), None).unwrap(), []);
        assert_eq!(ids(ledger.lineage(&path("z"), Some(all[1])).unwrap()), sorted(&all[..2]));
    }

    #[test]
    fn its_old_place_holds_no_file() {
        let ledger = Ledger::in_memory().unwrap();
        let [_, second, moved] = renamed(&ledger);
        let put = |at, base| {
            let mut row = PathRow::new(path(at));
            row.memory.base = Some(base);
            ledger.put_path(&row).unwrap();
            ledger.path(&path(at)).unwrap().unwrap().present
        };
        assert!(put("y", moved) && put("x", second) && !put("x", moved));
        let gone = |base| {
            put("x", base);
            let candidate = Candidate::new(path("x"), Look::Absent, Look::Absent);
            ledger.add_candidate(&candidate).unwrap();
            ledger.moved_away().unwrap()
        };
        assert_eq!((gone(second), gone(moved)), (1, 0));
    }
}
