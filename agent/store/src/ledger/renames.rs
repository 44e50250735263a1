//! The files of a scan that may have been renamed: gone from the working folder, or new in it with the size or the file
//! number that one of those had. Like the candidates they live in temporary tables, so that a folder of any size may be
//! renamed in little memory; which of them belong together is decided elsewhere, some at a time.

use kitbag_core::id::{ContentId, RecordId};
use kitbag_core::path::WorkPath;
use kitbag_core::rename::{Gone, New};
use rusqlite::{OptionalExtension, Row, params};

use super::{Ledger, column};
use crate::error::StoreError;

/// Files that share a mark: gone ones and new ones.
pub type Marked = (Vec<Gone>, Vec<New>);

impl Ledger {
    /// Find them among the candidates. How many new ones there are.
    ///
    /// # Errors
    /// Those of the database.
    pub fn gather_renames(&self) -> Result<u64, StoreError> {
        self.db.execute_batch("DELETE FROM temp.renames; DELETE FROM temp.renamed;")?;
        let gone = self.db.execute(
            "INSERT INTO temp.renames
             SELECT found.key, 1, shown.content, known.size, COALESCE(known.working_modified, 0),
                 COALESCE(known.working_file, 0), known.base
             FROM temp.candidates found JOIN paths known USING (key) JOIN records shown ON shown.id = known.base
             WHERE found.working = 0 AND known.present = 1 AND shown.unit = 0 AND known.size > 0",
            [],
        )?;
        if gone == 0 {
            return Ok(0);
        }
        let new = self.db.execute(
            "INSERT INTO temp.renames
             SELECT found.key, 0, NULL, found.working_size, found.working_modified, found.working_file, NULL
             FROM temp.candidates found LEFT JOIN paths known USING (key)
             WHERE found.working = 1 AND found.working_size > 0 AND COALESCE(known.present, 0) = 0 AND (
                 found.working_size IN (SELECT size FROM temp.renames WHERE gone = 1)
                 OR found.working_file IN (SELECT file FROM temp.renames WHERE gone = 1 AND file <> 0))",
            [],
        )?;
        Ok(new as u64)
    }

    /// New files whose bytes are not known yet, after a key (from the beginning when none), at most `limit`.
    ///
    /// # Errors
    /// Those of the database.
    pub fn unhashed_after(&self, key: Option<&[u8]>, limit: usize) -> Result<Vec<WorkPath>, StoreError> {
        let mut find = self.db.prepare_cached(
            "SELECT key FROM temp.renames WHERE gone = 0 AND content IS NULL AND key > ?1 ORDER BY key LIMIT ?2",
        )?;
        let limit = i64::try_from(limit).unwrap_or(i64::MAX);
        let rows = find.query_map(params![key.unwrap_or_default(), limit], |row| column::path(row, 0))?;
        Ok(rows.collect::<Result<_, _>>()?)
    }

    /// Say what a new file's bytes are; none when they cannot be told, then it is paired with nothing.
    ///
    /// # Errors
    /// Those of the database.
    pub fn set_hash(&self, path: &WorkPath, found: Option<(ContentId, u64)>) -> Result<(), StoreError> {
        match found {
            Some((content, size)) => self
                .db
                .prepare_cached("UPDATE temp.renames SET content = ?2, size = ?3 WHERE key = ?1")?
                .execute(params![path.key(), content.as_bytes(), size.cast_signed()])?,
            None => {
                self.db.prepare_cached("DELETE FROM temp.renames WHERE key = ?1")?.execute([path.key()])?
            }
        };
        Ok(())
    }

    /// All files with the contents that both a gone and a new file have: of those after a content (from the beginning
    /// when none) the first `limit`.
    ///
    /// # Errors
    /// Those of the database.
    pub fn renames_by_content(&self, after: Option<ContentId>, limit: usize) -> Result<Marked, StoreError> {
        let after = after.map(|id| id.as_bytes().to_vec()).unwrap_or_default();
        self.marked(
            "SELECT * FROM temp.renames WHERE content IN (
                 SELECT DISTINCT content FROM temp.renames new WHERE gone = 0 AND content > ?1 AND EXISTS (
                     SELECT 1 FROM temp.renames old WHERE old.content = new.content AND old.gone = 1
                 ) ORDER BY content LIMIT ?2
             ) ORDER BY content, key",
            params![after, i64::try_from(limit).unwrap_or(i64::MAX)],
        )
    }

    /// The same by file number.
    ///
    /// # Errors
    /// Those of the database.
    pub fn renames_by_number(&self, after: Option<u64>, limit: usize) -> Result<Marked, StoreError> {
        let after = after.map(u64::cast_signed);
        self.marked(
            "SELECT * FROM temp.renames WHERE content IS NOT NULL AND file IN (
                 SELECT DISTINCT file FROM temp.renames new WHERE gone = 0 AND (?1 IS NULL OR file > ?1) AND file <> 0 AND EXISTS (
                     SELECT 1 FROM temp.renames old WHERE old.file = new.file AND old.gone = 1
                 ) ORDER BY file LIMIT ?2
             ) ORDER BY file, key",
            params![after, i64::try_from(limit).unwrap_or(i64::MAX)],
        )
    }

    fn marked(&self, sql: &str, values: impl rusqlite::Params) -> Result<Marked, StoreError> {
        let mut find = self.db.prepare_cached(sql)?;
        let mut rows = find.query(values)?;
        let mut marked = Marked::default();
        while let Some(row) = rows.next()? {
            if row.get(1)? { marked.0.push(gone(row)?) } else { marked.1.push(new(row)?) }
        }
        Ok(marked)
    }

    /// Note that a new file is one that is gone. Its old place is no candidate of this scan any more: its absence is
    /// explained only once the move is recorded.
    ///
    /// # Errors
    /// Those of the database.
    pub fn note_renamed(&self, gone: &Gone, new: &New) -> Result<(), StoreError> {
        let (old, key) = (gone.path.key(), new.path.key());
        self.db
            .prepare_cached("INSERT OR REPLACE INTO temp.renamed VALUES (?1, ?2)")?
            .execute(params![key, gone.base.as_bytes()])?;
        self.db
            .prepare_cached("DELETE FROM temp.renames WHERE key = ?1 OR key = ?2")?
            .execute([&old, &key])?;
        self.db.prepare_cached("DELETE FROM temp.candidates WHERE key = ?1")?.execute([&old])?;
        Ok(())
    }

    /// The version that was renamed to this path, as this scan found out.
    ///
    /// # Errors
    /// Those of the database.
    pub fn renamed_to(&self, path: &WorkPath) -> Result<Option<RecordId>, StoreError> {
        let mut find = self.db.prepare_cached("SELECT base FROM temp.renamed WHERE key = ?1")?;
        Ok(find.query_row([path.key()], |row| column::id(row, 0)).optional()?)
    }
}

fn gone(row: &Row<'_>) -> rusqlite::Result<Gone> {
    Ok(Gone {
        path: column::path(row, 0)?,
        content: column::id(row, 2)?,
        size: column::unsigned(row, 3)?,
        modified: row.get(4)?,
        file: column::unsigned(row, 5)?,
        base: column::id(row, 6)?,
    })
}

fn new(row: &Row<'_>) -> rusqlite::Result<New> {
    Ok(New {
        path: column::path(row, 0)?,
        content: column::id(row, 2)?,
        size: column::unsigned(row, 3)?,
        modified: row.get(4)?,
        file: column::unsigned(row, 5)?,
    })
}

#[cfg(test)]
mod tests {
    use kitbag_core::entry::Fingerprint;

    use super::*;
    use crate::ledger::PathRow;
    use crate::ledger::candidates::{Candidate, Look};
    use crate::ledger::tests::path;
    use crate::pack::tests::edit;

    fn print(size: usize, file: u64) -> Fingerprint {
        Fingerprint { size: size as u64, modified: 7, changed: 0, file }
    }

    fn was(ledger: &Ledger, at: &str, text: &[u8], file: u64) -> RecordId {
        let record = edit(at, text, &[]);
        ledger.add_record(record.id(), &record, &record.canonical(), None, None).unwrap();
        let mut row = PathRow::new(path(at));
        row.memory.base = Some(record.id());
        (row.size, row.working) = (text.len() as u64, Some(print(text.len(), file)));
        ledger.put_path(&row).unwrap();
        found(ledger, at, Look::Absent);
        record.id()
    }

    fn found(ledger: &Ledger, at: &str, working: Look) {
        ledger.add_candidate(&Candidate::new(path(at), working, Look::Absent)).unwrap();
    }

    #[test]
    fn what_may_have_been_renamed() {
        let ledger = Ledger::in_memory().unwrap();
        found(&ledger, "new/a", Look::File(print(3, 11)));
        assert_eq!(ledger.gather_renames().unwrap(), 0, "nothing is gone");
        let a = was(&ledger, "a", b"AAA", 1);
        was(&ledger, "b", b"BBB", 1 << 63);
        was(&ledger, "empty", b"", 3);
        found(&ledger, "edited", Look::File(print(99, 1 << 63)));
        found(&ledger, "other", Look::File(print(55, 5)));
        found(&ledger, "empty.new", Look::File(print(0, 3)));
        found(&ledger, "unsure", Look::Unsure);
        was(&ledger, "still", b"SSS", 4);
        found(&ledger, "still", Look::File(print(3, 4)));
        assert_eq!(ledger.gather_renames().unwrap(), 2);
        assert_eq!(ledger.unhashed_after(None, 1).unwrap(), [path("edited")]);
        let rest = ledger.unhashed_after(Some(&path("edited").key()), 9).unwrap();
        assert_eq!(rest, [path("new/a")]);

        let content = |text: &[u8]| Some((ContentId::of(text), text.len() as u64));
        ledger.set_hash(&path("new/a"), content(b"AAA")).unwrap();
        ledger.set_hash(&path("edited"), content(b"BBB and more")).unwrap();
        let (gone, new) = ledger.renames_by_content(None, 9).unwrap();
        assert_eq!((gone.len(), new.len()), (1, 1));
        assert_eq!((gone[0].base, gone[0].file, gone[0].modified), (a, 1, 7));
        assert_eq!(ledger.renames_by_content(Some(gone[0].content), 9).unwrap(), Marked::default());
        ledger.note_renamed(&gone[0], &new[0]).unwrap();
        assert_eq!(ledger.renamed_to(&path("new/a")).unwrap(), Some(a));
        assert_eq!(ledger.renamed_to(&path("edited")).unwrap(), None);
        assert_eq!(ledger.renames_by_content(None, 9).unwrap(), Marked::default());
        assert!(!ledger.candidates_after(None, 99).unwrap().iter().any(|found| found.path == path("a")));

        let (gone, new) = ledger.renames_by_number(None, 9).unwrap();
        assert_eq!((gone[0].path.as_str(), new[0].path.as_str()), ("b", "edited"));
        assert_eq!(ledger.renames_by_number(Some(gone[0].file), 9).unwrap(), Marked::default());
        ledger.set_hash(&path("edited"), None).unwrap();
        assert_eq!(ledger.renames_by_number(None, 9).unwrap(), Marked::default());
        // the next scan knows nothing of this one
        ledger.gather_renames().unwrap();
        assert_eq!(ledger.renamed_to(&path("new/a")).unwrap(), None);
    }
}
