//! What the ledger remembers of each path: the base the working folder shows, what the mirror was left with,
//! how both looked, and which heads are open. The scan walks this table beside the two folders, in the same
//! order, a page of rows at a time; a scan that finds nothing new reads it once and writes nothing.

use kitbag_core::entry::Stands;
use kitbag_core::entry::{Fingerprint, Memory};
use kitbag_core::id::{ContentId, RecordId};
use kitbag_core::path::WorkPath;
use rusqlite::types::Value;
use rusqlite::{Params, Row, params_from_iter};

use super::{Ledger, Place, column};
use crate::error::StoreError;

/// One path.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PathRow {
    /// Where.
    pub path: WorkPath,
    /// What decisions are made on.
    pub memory: Memory,
    /// How the working folder's file looked when it showed the base.
    pub working: Option<Fingerprint>,
    /// How the mirror's file looked when it was last read or written.
    pub mirror_print: Option<Fingerprint>,
    /// Where the working folder's file lies, when that is not how its name is written there.
    pub working_at: Option<String>,
    /// Where the mirror's file lies, likewise.
    pub mirror_at: Option<String>,
    /// To be looked at in the next cycle whatever the fingerprints say.
    pub dirty: bool,
    /// The heads of an open conflict, none when there is no conflict.
    pub open: Vec<RecordId>,
    /// Of a notebook with one head: what waits in it.
    pub asked: Option<Asked>,
    /// Bytes of the base.
    pub size: u64,
    /// Whether the base is a file, and neither a deletion nor a move to another path. Found out when the row is put,
    /// from the base's record.
    pub present: bool,
}

/// The questions about cells that a version of a notebook carries.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Asked {
    /// The version that was looked into.
    pub version: RecordId,
    /// How many wait for an answer.
    pub cells: u64,
    /// How many cells were kept although somebody deleted them; none where an earlier kitbag looked, which did not count.
    pub kept: Option<u64>,
}

impl PathRow {
    /// A path nothing is known of yet.
    pub fn new(path: WorkPath) -> Self {
        let (memory, open) = (Memory::default(), Vec::new());
        PathRow {
            path,
            memory,
            working: None,
            mirror_print: None,
            working_at: None,
            mirror_at: None,
            dirty: false,
            open,
            asked: None,
            size: 0,
            present: false,
        }
    }

    /// Whether a question about it is open: between versions, or about cells of a notebook.
    pub fn asks(&self) -> bool {
        !self.open.is_empty() || self.asks_about_cells()
    }

    /// Whether the questions that are open are about cells of the one version there is.
    pub fn asks_about_cells(&self) -> bool {
        self.open.is_empty() && self.asked.is_some_and(|asked| asked.cells > 0)
    }

    /// Where its file lies in a place, when that is not how its name is written there.
    pub fn at(&self, place: Place) -> Option<&str> {
        match place {
            Place::Working => self.working_at.as_deref(),
            Place::Mirror => self.mirror_at.as_deref(),
        }
    }

    /// Its file lies there.
    pub fn set_at(&mut self, place: Place, at: Option<String>) {
        match place {
            Place::Working => self.working_at = at,
            Place::Mirror => self.mirror_at = at,
        }
    }
}

/// Sums over all paths.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Counts {
    /// Paths whose base is a file.
    pub files: u64,
    /// Bytes of these files.
    pub bytes: u64,
    /// Paths to be looked at.
    pub dirty: u64,
    /// Paths with a question open: several heads, or one with questions about cells.
    pub conflicts: u64,
}

const COLUMNS: &str = "key, base, mirror, absent_since, stale_writes, observed, size, dirty, open,
    working_size, working_modified, working_changed, working_file,
    mirror_size, mirror_modified, mirror_changed, mirror_file, working_at, mirror_at, asked, cells, kept, present";

impl Ledger {
    /// What is remembered of one path.
    ///
    /// # Errors
    /// Those of the database.
    pub fn path(&self, path: &WorkPath) -> Result<Option<PathRow>, StoreError> {
        Ok(self.path_rows("WHERE key = ?1", [path.key()])?.pop())
    }

    /// Remember a path, in place of what was remembered.
    ///
    /// # Errors
    /// Those of the database.
    pub fn put_path(&self, row: &PathRow) -> Result<(), StoreError> {
        let PathRow {
            path,
            memory,
            working,
            mirror_print,
            working_at,
            mirror_at,
            dirty,
            open,
            asked,
            size,
            present: _,
        } = row;
        let key = path.key();
        let blob = |id: &[u8; 32]| Value::Blob(id.to_vec());
        let open = (!open.is_empty()).then(|| column::of_ids(open.iter().map(RecordId::as_bytes)));
        let mut values = vec![
            Value::Blob(key.clone()),
            memory.base.as_ref().map(RecordId::as_bytes).map_or(Value::Null, blob),
            memory.mirror.as_ref().map(ContentId::as_bytes).map_or(Value::Null, blob),
            memory.absent_since.into(),
            i64::from(memory.stale_writes).into(),
            (memory.observed.len() as i64).into(),
            size.cast_signed().into(),
            i64::from(*dirty).into(),
            open.into(),
        ];
        values.extend(column::of_fingerprint(working.as_ref()).map(Value::from));
        values.extend(column::of_fingerprint(mirror_print.as_ref()).map(Value::from));
        values.extend([working_at.clone().into(), mirror_at.clone().into()]);
        // what the ledger counts must be what is open
        let cells = if row.asks_about_cells() { asked.map_or(0, |asked| asked.cells) } else { 0 };
        values.extend([
            asked.as_ref().map(|asked| asked.version.as_bytes()).map_or(Value::Null, blob),
            cells.cast_signed().into(),
            asked.and_then(|asked| asked.kept).map(u64::cast_signed).into(),
        ]);
        self.batch(|ledger| {
            let mut put = ledger.db.prepare_cached(&format!(
                "INSERT OR REPLACE INTO paths ({COLUMNS})
                 VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15, ?16, ?17, ?18, ?19, ?20,
                     ?21, ?22,
                     COALESCE((SELECT content IS NOT NULL AND key = ?1 FROM records WHERE id = ?2), 0))"
            ))?;
            put.execute(params_from_iter(values))?;
            ledger.put_observed(&key, &memory.observed)
        })
    }

    /// Forget a path.
    ///
    /// # Errors
    /// Those of the database.
    pub fn drop_path(&self, path: &WorkPath) -> Result<(), StoreError> {
        self.batch(|ledger| {
            let key = path.key();
            ledger.db.prepare_cached("DELETE FROM paths WHERE key = ?1")?.execute([&key])?;
            ledger.set_standing(path, Stands::Nothing)?;
            ledger.put_observed(&key, &[])
        })
    }

    /// The rows after a key (from the beginning when none), in walk order, at most `limit`.
    ///
    /// # Errors
    /// Those of the database.
    pub fn paths_after(&self, key: Option<&[u8]>, limit: usize) -> Result<Vec<PathRow>, StoreError> {
        // No path has an empty key.
        self.path_rows("WHERE key > ?1 ORDER BY key LIMIT ?2", (key.unwrap_or_default(), page(limit)))
    }

    /// The dirty rows after a key (from the beginning when none), in walk order, at most `limit`.
    ///
    /// # Errors
    /// Those of the database.
    pub fn dirty_after(&self, key: Option<&[u8]>, limit: usize) -> Result<Vec<PathRow>, StoreError> {
        let only = "WHERE dirty = 1 AND key > ?1 ORDER BY key LIMIT ?2";
        self.path_rows(only, (key.unwrap_or_default(), page(limit)))
    }

    /// The rows with a question open, in walk order.
    ///
    /// # Errors
    /// Those of the database.
    pub fn open_conflicts(&self) -> Result<Vec<PathRow>, StoreError> {
        self.path_rows("WHERE open IS NOT NULL OR cells > 0 ORDER BY key", [])
    }

    /// The rows of notebooks in which nothing waits and cells were kept although somebody deleted them, in walk order.
    ///
    /// # Errors
    /// Those of the database.
    pub fn kept_cells(&self) -> Result<Vec<PathRow>, StoreError> {
        self.path_rows("WHERE kept > 0 AND cells = 0 AND open IS NULL ORDER BY key", [])
    }

    /// Have a path looked at in the next cycle; it need not be known.
    ///
    /// # Errors
    /// Those of the database.
    pub fn mark_dirty(&self, path: &WorkPath) -> Result<(), StoreError> {
        let mut mark = self.db.prepare_cached(
            "INSERT INTO paths (key, stale_writes, observed, size, present, dirty) VALUES (?1, 0, 0, 0, 0, 1)
             ON CONFLICT DO UPDATE SET dirty = 1 WHERE dirty = 0",
        )?;
        mark.execute([path.key()])?;
        Ok(())
    }

    /// Forget which version the working folder shows, at every path: it is not the folder this ledger knew.
    /// All paths become dirty.
    ///
    /// # Errors
    /// Those of the database.
    pub fn drop_bases(&self) -> Result<(), StoreError> {
        self.db.execute(
            "UPDATE paths SET base = NULL, size = 0, present = 0, dirty = 1, working_size = NULL,
                 working_modified = NULL, working_changed = NULL, working_file = NULL",
            [],
        )?;
        Ok(())
    }

    /// Sums over all paths.
    ///
    /// # Errors
    /// Those of the database.
    pub fn counts(&self) -> Result<Counts, StoreError> {
        let mut sums = self.db.prepare_cached(
            "SELECT COALESCE(SUM(present), 0), COALESCE(SUM(size) FILTER (WHERE present), 0),
                 COALESCE(SUM(dirty), 0), COUNT(*) FILTER (WHERE open IS NOT NULL OR cells > 0) FROM paths",
        )?;
        Ok(sums.query_row([], |row| {
            Ok(Counts {
                files: column::unsigned(row, 0)?,
                bytes: column::unsigned(row, 1)?,
                dirty: column::unsigned(row, 2)?,
                conflicts: column::unsigned(row, 3)?,
            })
        })?)
    }

    fn path_rows(&self, only: &str, values: impl Params) -> Result<Vec<PathRow>, StoreError> {
        let mut find = self.db.prepare_cached(&format!("SELECT {COLUMNS} FROM paths {only}"))?;
        let mut rows = find.query(values)?;
        let mut found = Vec::new();
        while let Some(row) = rows.next()? {
            let mut path = path_row(row)?;
            if row.get::<_, i64>(5)? > 0 {
                path.memory.observed = self.observed(column::blob(row, 0)?)?;
            }
            found.push(path);
        }
        Ok(found)
    }
}

fn page(limit: usize) -> i64 {
    i64::try_from(limit).unwrap_or(i64::MAX)
}

fn path_row(row: &Row<'_>) -> rusqlite::Result<PathRow> {
    Ok(PathRow {
        path: column::path(row, 0)?,
        memory: Memory {
            base: column::optional_id(row, 1)?,
            mirror: column::optional_id(row, 2)?,
            absent_since: row.get(3)?,
            stale_writes: row.get(4)?,
            observed: Vec::new(),
        },
        working: column::fingerprint(row, 9)?,
        mirror_print: column::fingerprint(row, 13)?,
        dirty: row.get(7)?,
        open: column::ids(row, 8)?,
        size: column::unsigned(row, 6)?,
        working_at: row.get(17)?,
        mirror_at: row.get(18)?,
        asked: match column::optional_id(row, 19)? {
            Some(version) => Some(Asked {
                version,
                cells: column::unsigned(row, 20)?,
                kept: row.get::<_, Option<i64>>(21)?.map(i64::cast_unsigned),
            }),
            None => None,
        },
        present: row.get(22)?,
    })
}

#[cfg(test)]
mod tests {
    use kitbag_core::entry::Observed;
    use kitbag_core::version::{Content, Kind, Record};
    use proptest::prelude::*;

    use super::*;
    use crate::ledger::tests::path;
    use crate::pack::tests::edit;

    fn full(text: &str) -> PathRow {
        let print = |n| Fingerprint { size: u64::MAX - n, modified: -1, changed: i64::MAX, file: u64::MAX };
        let content = ContentId::of(b"phone");
        let seen = |content, copy| Observed { content, since: 5, copy };
        PathRow {
            memory: Memory {
                base: Some(RecordId::of(b"base")),
                mirror: Some(ContentId::of(b"mirror")),
                absent_since: Some(-7),
                stale_writes: u32::MAX,
                observed: vec![
                    seen(Content::file(content, u64::MAX), None),
                    seen(Content::Deleted, Some("a (conflicted copy).txt".into())),
                    seen(Content::Unit { id: content, size: 0 }, None),
                ],
            },
            working: Some(print(0)),
            mirror_print: Some(print(1)),
            working_at: Some("%{61}".into()),
            mirror_at: Some("A".into()),
            dirty: true,
            open: vec![RecordId::of(b"2"), RecordId::of(b"1")],
            asked: Some(Asked { version: RecordId::of(b"head"), cells: 0, kept: Some(2) }),
            size: u64::MAX,
            ..PathRow::new(path(text))
        }
    }

    #[test]
    fn a_row_comes_back_as_it_was_put() {
        let ledger = Ledger::in_memory().unwrap();
        for row in [full("a"), PathRow::new(path("a")), full("a")] {
            ledger.put_path(&row).unwrap();
            assert_eq!(ledger.path(&row.path).unwrap(), Some(row));
        }
        assert_eq!(ledger.open_conflicts().unwrap(), [full("a")]);
        assert_eq!(ledger.observed_contents().unwrap(), [ContentId::of(b"phone")]);
        ledger.drop_path(&path("a")).unwrap();
        assert_eq!(ledger.path(&path("a")).unwrap(), None);
        assert_eq!(ledger.observed_contents().unwrap(), []);
    }

    #[test]
    fn questions_about_cells_count_as_long_as_they_are_all_that_is_open() {
        let ledger = Ledger::in_memory().unwrap();
        let asked = Some(Asked { version: RecordId::of(b"head"), cells: 3, kept: Some(1) });
        let row = PathRow { asked, ..PathRow::new(path("a.ipynb")) };
        let count = || (ledger.counts().unwrap().conflicts, ledger.open_conflicts().unwrap().len());
        ledger.put_path(&row).unwrap();
        assert_eq!((ledger.path(&row.path).unwrap().as_ref(), count()), (Some(&row), (1, 1)));
        assert!(row.asks() && row.asks_about_cells());
        ledger.put_path(&PathRow { open: vec![RecordId::of(b"1")], ..row.clone() }).unwrap();
        assert_eq!(count(), (1, 1));
        assert_eq!(ledger.kept_cells().unwrap(), [], "a question is open, and tells of it");
        let answered = |kept| Some(Asked { version: RecordId::of(b"answer"), cells: 0, kept });
        let only_kept = PathRow { asked: answered(Some(1)), ..row.clone() };
        ledger.put_path(&only_kept).unwrap();
        assert_eq!((count(), ledger.kept_cells().unwrap()), ((0, 0), vec![only_kept]));
        for kept in [Some(0), None] {
            ledger.put_path(&PathRow { asked: answered(kept), ..row.clone() }).unwrap();
            assert_eq!((count(), ledger.kept_cells().unwrap()), ((0, 0), vec![]));
        }
    }

    #[test]
    fn marking_makes_a_row_or_changes_one_thing() {
        let ledger = Ledger::in_memory().unwrap();
        ledger.mark_dirty(&path("new")).unwrap();
        assert_eq!(
            ledger.path(&path("new")).unwrap(),
            Some(PathRow { dirty: true, ..PathRow::new(path("new")) })
        );
        let clean = PathRow { dirty: false, ..full("known") };
        ledger.put_path(&clean).unwrap();
        assert_eq!(ledger.dirty_after(None, 9).unwrap().len(), 1);
        ledger.mark_dirty(&clean.path).unwrap();
        assert_eq!(ledger.path(&clean.path).unwrap(), Some(full("known")));
        let second = ledger.dirty_after(Some(&clean.path.key()), 9).unwrap();
        assert_eq!(second.into_iter().map(|row| row.path).collect::<Vec<_>>(), [path("new")]);
    }

    #[test]
    fn counts_are_of_files_that_are_there() {
        let ledger = Ledger::in_memory().unwrap();
        let file = edit("a", b"aaa", &[]);
        let gone = Record::new(path("b"), Content::Deleted, Kind::Edit, []);
        for record in [&file, &gone] {
            ledger.add_record(record.id(), record, &record.canonical(), None, None).unwrap();
            let memory = Memory { base: Some(record.id()), ..Memory::default() };
            let (path, size) = (record.path.clone(), record.content.size());
            ledger.put_path(&PathRow { memory, size, ..PathRow::new(path) }).unwrap();
        }
        ledger.put_path(&PathRow { dirty: true, open: vec![file.id()], ..PathRow::new(path("c")) }).unwrap();
        assert_eq!(ledger.counts().unwrap(), Counts { files: 1, bytes: 3, dirty: 1, conflicts: 1 });
        ledger.drop_bases().unwrap();
        assert_eq!(ledger.counts().unwrap(), Counts { files: 0, bytes: 0, dirty: 3, conflicts: 1 });
        assert_eq!(ledger.path(&path("a")).unwrap().unwrap().memory.base, None);
    }

    proptest! {
        #[test]
        fn the_walk_is_that_of_sorted_folders(
            names in prop::collection::btree_set("[a-c .!é\u{1}]{1,3}(/[a-c .!é\u{1}]{1,3}){0,2}", 0..40),
            page in 1..7usize,
        ) {
            let ledger = Ledger::in_memory().unwrap();
            let mut paths: Vec<_> = names.iter().filter_map(|name| WorkPath::parse(name).ok()).collect();
            for path in &paths {
                ledger.put_path(&PathRow { dirty: true, ..PathRow::new(path.clone()) }).unwrap();
            }
            paths.sort();
            let mut walked: Vec<WorkPath> = Vec::new();
            loop {
                let key = walked.last().map(WorkPath::key);
                let rows = ledger.paths_after(key.as_deref(), page).unwrap();
                prop_assert_eq!(&rows, &ledger.dirty_after(key.as_deref(), page).unwrap());
                prop_assert!(rows.len() <= page);
                if rows.is_empty() { break }
                walked.extend(rows.into_iter().map(|row| row.path));
            }
            prop_assert_eq!(walked, paths);
        }
    }
}
