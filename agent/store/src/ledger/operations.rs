//! What kitbag did to the working folder that a person can take back: one row an operation (a sync, an answer, a
//! restore, an undo), with each path's version before and after. What a person changed is no operation: that is a
//! version, and `restore` brings the one before it back. The log is bounded; the contents it speaks of are named so
//! that nobody prunes what an undo needs.

use kitbag_core::entry::Millis;
use kitbag_core::id::{ContentId, RecordId};
use kitbag_core::path::WorkPath;
use rusqlite::{OptionalExtension, Row, params};

use super::{Ledger, column};
use crate::error::StoreError;

/// What a person asked for when it was done.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Verb {
    /// Work of other machines came in.
    Sync,
    /// A question was answered.
    Resolve,
    /// An old version was brought back.
    Restore,
    /// An operation was taken back.
    Undo,
}

/// One operation.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Operation {
    /// Its number on this machine; later ones are higher.
    pub number: i64,
    /// What it was.
    pub verb: Verb,
    /// When, to know what is old.
    pub at: Millis,
    /// When, for people: RFC 3339, UTC.
    pub time: String,
    /// Files that came new with it. They are only counted: an undo leaves them where they are.
    pub fresh: u64,
    /// Which operation it took back.
    pub undoes: Option<i64>,
}

/// What an operation did at one path.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Change {
    /// Where.
    pub path: WorkPath,
    /// The version the working folder showed before; none where there was nothing.
    pub before: Option<RecordId>,
    /// The version it showed afterwards.
    pub after: RecordId,
}

const VERBS: [Verb; 4] = [Verb::Sync, Verb::Resolve, Verb::Restore, Verb::Undo];

impl Ledger {
    /// Begin an operation; its number.
    ///
    /// # Errors
    /// Those of the database.
    pub fn begin_operation(
        &self,
        verb: Verb,
        at: Millis,
        time: &str,
        undoes: Option<i64>,
    ) -> Result<i64, StoreError> {
        let mut add = self.db.prepare_cached(
            "INSERT INTO operations (verb, at, time, fresh, undoes) VALUES (?1, ?2, ?3, 0, ?4)",
        )?;
        add.execute(params![verb as i64, at, time, undoes])?;
        Ok(self.db.last_insert_rowid())
    }

    /// Add what an operation did at a path. At the same path again, the first version before stays.
    ///
    /// # Errors
    /// Those of the database.
    pub fn log_change(&self, operation: i64, change: &Change) -> Result<(), StoreError> {
        let mut add = self.db.prepare_cached(
            "INSERT INTO operation_paths VALUES (?1, ?2, ?3, ?4)
             ON CONFLICT DO UPDATE SET after = excluded.after",
        )?;
        let before = change.before.as_ref().map(RecordId::as_bytes);
        add.execute(params![operation, change.path.key(), before, change.after.as_bytes()])?;
        Ok(())
    }

    /// Add files that came new with an operation.
    ///
    /// # Errors
    /// Those of the database.
    pub fn log_fresh(&self, operation: i64, files: u64) -> Result<(), StoreError> {
        let mut add = self.db.prepare_cached("UPDATE operations SET fresh = fresh + ?2 WHERE number = ?1")?;
        add.execute(params![operation, files.cast_signed()])?;
        Ok(())
    }

    /// Whether some operation made this path show that version.
    ///
    /// # Errors
    /// Those of the database.
    pub fn is_logged(&self, path: &WorkPath, after: RecordId) -> Result<bool, StoreError> {
        let mut find =
            self.db.prepare_cached("SELECT 1 FROM operation_paths WHERE key = ?1 AND after = ?2")?;
        Ok(find.exists(params![path.key(), after.as_bytes()])?)
    }

    /// The latest operations, newest first, at most `limit`.
    ///
    /// # Errors
    /// Those of the database.
    pub fn operations(&self, limit: usize) -> Result<Vec<Operation>, StoreError> {
        let mut find = self.db.prepare_cached(
            "SELECT number, verb, at, time, fresh, undoes FROM operations ORDER BY number DESC LIMIT ?1",
        )?;
        let rows = find.query_map([i64::try_from(limit).unwrap_or(i64::MAX)], operation)?;
        Ok(rows.collect::<Result<_, _>>()?)
    }

    /// One operation.
    ///
    /// # Errors
    /// Those of the database.
    pub fn operation(&self, number: i64) -> Result<Option<Operation>, StoreError> {
        let mut find = self.db.prepare_cached(
            "SELECT number, verb, at, time, fresh, undoes FROM operations WHERE number = ?1",
        )?;
        Ok(find.query_row([number], operation).optional()?)
    }

    /// What an operation did, in walk order.
    ///
    /// # Errors
    /// Those of the database.
    pub fn changes(&self, operation: i64) -> Result<Vec<Change>, StoreError> {
        let mut find = self.db.prepare_cached(
            "SELECT key, before, after FROM operation_paths WHERE operation = ?1 ORDER BY key",
        )?;
        let rows = find.query_map([operation], |row| {
            Ok(Change {
                path: column::path(row, 0)?,
                before: column::optional_id(row, 1)?,
                after: column::id(row, 2)?,
            })
        })?;
        Ok(rows.collect::<Result<_, _>>()?)
    }

    /// Have an operation be the latest: what came in by the way while it was carried out stands before it. Its number,
    /// which is another one then.
    ///
    /// # Errors
    /// Those of the database.
    pub fn make_latest(&self, operation: i64) -> Result<i64, StoreError> {
        self.batch(|ledger| {
            let last: i64 =
                ledger
                    .db
                    .query_row("SELECT COALESCE(MAX(number), 0) FROM operations", [], |row| row.get(0))?;
            if last <= operation {
                return Ok(operation);
            }
            let moved = params![operation, last + 1];
            ledger.db.execute("UPDATE operations SET number = ?2 WHERE number = ?1", moved)?;
            ledger.db.execute("UPDATE operation_paths SET operation = ?2 WHERE operation = ?1", moved)?;
            ledger.db.execute("UPDATE operations SET undoes = ?2 WHERE undoes = ?1", moved)?;
            Ok(last + 1)
        })
    }

    /// Forget operations before a moment, and all but the latest `keep`.
    ///
    /// # Errors
    /// Those of the database.
    pub fn forget_operations(&self, before: Millis, keep: usize) -> Result<(), StoreError> {
        let keep = i64::try_from(keep).unwrap_or(i64::MAX);
        let mut any = self.db.prepare_cached(
            "SELECT 1 FROM operations WHERE at < ?1
             UNION ALL SELECT 1 FROM (SELECT 1 FROM operations LIMIT 1 OFFSET ?2)",
        )?;
        if !any.exists(params![before, keep])? {
            return Ok(());
        }
        self.batch(|ledger| {
            ledger.db.execute(
                "DELETE FROM operations WHERE at < ?1
                     OR number NOT IN (SELECT number FROM operations ORDER BY number DESC LIMIT ?2)",
                params![before, keep],
            )?;
            ledger.db.execute(
                "DELETE FROM operation_paths WHERE operation NOT IN (SELECT number FROM operations)",
                [],
            )?;
            Ok(())
        })
    }

    /// Contents an undo may need: of every version the log names, before and after. They are not to be pruned.
    ///
    /// # Errors
    /// Those of the database.
    pub fn undo_contents(&self) -> Result<Vec<ContentId>, StoreError> {
        let mut find = self.db.prepare_cached(
            "SELECT DISTINCT content FROM records WHERE content IS NOT NULL AND id IN
                 (SELECT before FROM operation_paths WHERE before IS NOT NULL
                  UNION SELECT after FROM operation_paths)
             ORDER BY content",
        )?;
        Ok(find.query_map([], |row| column::id(row, 0))?.collect::<Result<_, _>>()?)
    }
}

fn operation(row: &Row<'_>) -> rusqlite::Result<Operation> {
    Ok(Operation {
        number: row.get(0)?,
        verb: column::choice(row, 1, |number| VERBS.into_iter().find(|&verb| verb as i64 == number))?,
        at: row.get(2)?,
        time: row.get(3)?,
        fresh: column::unsigned(row, 4)?,
        undoes: row.get(5)?,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ledger::tests::{add, path};
    use crate::pack::tests::edit;

    fn change(text: &str, before: Option<RecordId>, after: RecordId) -> Change {
        Change { path: path(text), before, after }
    }

    #[test]
    fn the_log_tells_what_was_before_and_after() {
        let ledger = Ledger::in_memory().unwrap();
        let (one, two) = (edit("a", b"1", &[]), edit("a", b"2", &[]));
        let three = edit("a", b"3", &[two.id()]);
        for record in [&one, &two, &three] {
            add(&ledger, record);
        }
        let first = ledger.begin_operation(Verb::Sync, 10, "then", None).unwrap();
        ledger.log_change(first, &change("a", Some(one.id()), two.id())).unwrap();
        ledger.log_change(first, &change("a", Some(two.id()), three.id())).unwrap();
        ledger.log_change(first, &change("b", None, two.id())).unwrap();
        ledger.log_fresh(first, 2).unwrap();
        ledger.log_fresh(first, 3).unwrap();
        let expected = [change("a", Some(one.id()), three.id()), change("b", None, two.id())];
        assert_eq!(ledger.changes(first).unwrap(), expected, "what was first before stays");
        let found = ledger.operation(first).unwrap().unwrap();
        let wanted = Operation {
            number: first,
            verb: Verb::Sync,
            at: 10,
            time: "then".into(),
            fresh: 5,
            undoes: None,
        };
        assert_eq!((&found, ledger.operations(9).unwrap()), (&wanted, vec![wanted.clone()]));
        assert!(ledger.is_logged(&path("a"), three.id()).unwrap());
        assert!(!ledger.is_logged(&path("a"), two.id()).unwrap());
        let mut contents: Vec<_> = [b"1", b"2", b"3"].map(|bytes| ContentId::of(bytes)).into();
        contents.sort();
        assert_eq!(ledger.undo_contents().unwrap(), contents);
        assert_eq!(ledger.operation(first + 1).unwrap(), None);
    }

    #[test]
    fn an_operation_can_become_the_latest() {
        let ledger = Ledger::in_memory().unwrap();
        let at = |verb, undoes| ledger.begin_operation(verb, 1, "t", undoes).unwrap();
        let first = at(Verb::Resolve, None);
        ledger.log_change(first, &change("a", None, RecordId::of(b"x"))).unwrap();
        assert_eq!(ledger.make_latest(first).unwrap(), first, "it is already");
        let second = at(Verb::Undo, Some(first));
        let moved = ledger.make_latest(first).unwrap();
        assert!(moved > second);
        assert_eq!(ledger.changes(moved).unwrap().len(), 1);
        assert_eq!(ledger.changes(first).unwrap(), []);
        assert_eq!(ledger.operation(second).unwrap().unwrap().undoes, Some(moved));
        assert_eq!(ledger.operations(1).unwrap()[0].number, moved);
    }

    #[test]
    fn the_log_is_bounded_by_number_and_age() {
        let ledger = Ledger::in_memory().unwrap();
        for at in 0..10 {
            let number = ledger.begin_operation(Verb::Sync, at, "t", None).unwrap();
            ledger.log_change(number, &change("a", None, RecordId::of(&[at as u8]))).unwrap();
        }
        let left = || ledger.operations(99).unwrap().iter().map(|one| one.at).collect::<Vec<_>>();
        ledger.forget_operations(0, 10).unwrap();
        assert_eq!(left().len(), 10);
        ledger.forget_operations(2, 10).unwrap();
        assert_eq!(left(), [9, 8, 7, 6, 5, 4, 3, 2]);
        ledger.forget_operations(0, 3).unwrap();
        assert_eq!(left(), [9, 8, 7]);
        let paths: i64 =
            ledger.db.query_row("SELECT COUNT(*) FROM operation_paths", [], |row| row.get(0)).unwrap();
        assert_eq!(paths, 3, "their paths go with them");
    }
}
