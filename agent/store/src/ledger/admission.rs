//! Which records count. A record is admitted once its parents, the record it is near to and its content are
//! here, or its content is known to be gone; until then it waits, and each thing it lacks stands in `needs`.
//! Whatever arrives strikes out its own needs, so admitting costs what arrives and not what waits, and a chain
//! of any length is one walk. What was once admitted stays so: decisions were made on it.

use std::collections::BTreeSet;

use kitbag_core::id::{ContentId, RecordId};
use kitbag_core::path::WorkPath;
use kitbag_core::version::{Content, Record};
use rusqlite::{OptionalExtension, params};

use super::{Ledger, column};
use crate::error::StoreError;

const A_RECORD: i64 = 0;
const A_CONTENT: i64 = 1;
const A_LIST: i64 = 2;

/// A record that does not count yet.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Waiting {
    /// Where.
    pub path: WorkPath,
    /// Its name.
    pub record: RecordId,
    /// Its content, none for a deletion. It may be here.
    pub content: Option<ContentId>,
    /// A parent or near record is not admitted; else only content is missing.
    pub missing_parents: bool,
}

/// One thing a record lacks.
pub(super) type Need = (i64, [u8; 32]);

impl Ledger {
    /// Admit every record that can be, until nothing more can, and mark their paths dirty. Those paths, in
    /// walk order, are returned.
    ///
    /// # Errors
    /// Those of the database.
    pub fn admit(&self) -> Result<Vec<WorkPath>, StoreError> {
        self.batch(|ledger| {
            ledger.look_again_at_layouts()?;
            // `state < 2` lets SQLite take the small index instead of looking at every record.
            let mut find = ledger.db.prepare_cached(
                "SELECT number FROM records WHERE state < 2 AND state = 1 ORDER BY number DESC",
            )?;
            let mut work: Vec<i64> = find.query_map([], |row| row.get(0))?.collect::<Result<_, _>>()?;
            let mut paths = BTreeSet::new();
            while let Some(number) = work.pop() {
                if let Some(path) = ledger.admit_one(number, &mut work)? {
                    paths.insert(path);
                    // where a file was moved away something changed too
                    paths.extend(ledger.moved_from(number)?);
                }
            }
            for path in &paths {
                ledger.mark_dirty(path)?;
            }
            Ok(paths.into_iter().collect())
        })
    }

    fn admit_one(&self, number: i64, work: &mut Vec<i64>) -> Result<Option<WorkPath>, StoreError> {
        let mut find = self
            .db
            .prepare_cached("SELECT id, key, content, unit FROM records WHERE number = ?1 AND state = 1")?;
        let found = find.query_row([number], |row| {
            let content: Option<ContentId> = column::optional_id(row, 2)?;
            Ok((column::id::<RecordId>(row, 0)?, column::path(row, 1)?, content, row.get(3)?))
        });
        let Some((id, path, content, unit)) = found.optional()? else { return Ok(None) };
        // Content may have gone again since it was noted: a pack was taken away.
        let mut unmet = BTreeSet::new();
        if let Some(content) = content {
            self.unmet_content(content, unit, &mut unmet)?;
        }
        self.set_state(number, if unmet.is_empty() { 2 } else { 0 })?;
        if !unmet.is_empty() {
            self.note_needs(number, &unmet)?;
            return Ok(None);
        }
        self.arrived(A_RECORD, id.as_bytes(), work)?;
        Ok(Some(path))
    }

    fn set_state(&self, number: i64, state: i64) -> Result<(), StoreError> {
        self.db
            .prepare_cached("UPDATE records SET state = ?2 WHERE number = ?1")?
            .execute([number, state])?;
        Ok(())
    }

    /// What a record lacks at this moment.
    pub(super) fn unmet(&self, record: &Record) -> Result<BTreeSet<Need>, StoreError> {
        let mut unmet = BTreeSet::new();
        for ancestor in record.parents.iter().chain(&record.near) {
            if !self.is_admitted(*ancestor)? {
                unmet.insert((A_RECORD, *ancestor.as_bytes()));
            }
        }
        if let Some(content) = record.content.id() {
            let unit = matches!(record.content, Content::Unit { .. });
            self.unmet_content(content, unit, &mut unmet)?;
        }
        Ok(unmet)
    }

    fn unmet_content(&self, id: ContentId, unit: bool, to: &mut BTreeSet<Need>) -> Result<(), StoreError> {
        if !self.is_here_or_gone(id)? {
            to.insert((A_CONTENT, *id.as_bytes()));
        }
        if unit {
            match self.unit_parts(id)? {
                // Without its manifest nobody will ever know the parts.
                None if !self.has_content(id)? && self.is_gone(id)? => {}
                None => {
                    to.insert((A_LIST, *id.as_bytes()));
                }
                Some(parts) => {
                    for part in parts {
                        if !self.is_here_or_gone(part)? {
                            to.insert((A_CONTENT, *part.as_bytes()));
                        }
                    }
                }
            }
        }
        Ok(())
    }

    pub(super) fn note_needs(&self, number: i64, unmet: &BTreeSet<Need>) -> Result<(), StoreError> {
        let mut add = self.db.prepare_cached("INSERT OR IGNORE INTO needs VALUES (?1, ?2, ?3)")?;
        for (kind, what) in unmet {
            add.execute(params![kind, what, number])?;
        }
        Ok(())
    }

    // Strike out what was waited for; records that lack nothing more become ready and join the work.
    fn arrived(&self, kind: i64, what: &[u8; 32], work: &mut Vec<i64>) -> Result<(), StoreError> {
        let mut find = self.db.prepare_cached("SELECT record FROM needs WHERE kind = ?1 AND what = ?2")?;
        let waiting: Vec<i64> =
            find.query_map(params![kind, what], |row| row.get(0))?.collect::<Result<_, _>>()?;
        if waiting.is_empty() {
            return Ok(());
        }
        self.db
            .prepare_cached("DELETE FROM needs WHERE kind = ?1 AND what = ?2")?
            .execute(params![kind, what])?;
        let mut more = self.db.prepare_cached("SELECT 1 FROM needs WHERE record = ?1")?;
        for record in waiting {
            if !more.exists([record])? {
                self.set_state(record, 1)?;
                work.push(record);
            }
        }
        Ok(())
    }

    /// A content is here now. Said of any piece too, since a short content bears its piece's name.
    pub(super) fn content_arrived(&self, content: &[u8; 32]) -> Result<(), StoreError> {
        self.arrived(A_CONTENT, content, &mut Vec::new())
    }

    /// A content will not come any more, nor, if it is a unit's manifest, the list of its parts.
    pub(super) fn content_is_gone(&self, content: &[u8; 32]) -> Result<(), StoreError> {
        self.arrived(A_CONTENT, content, &mut Vec::new())?;
        self.arrived(A_LIST, content, &mut Vec::new())
    }

    // A content of many pieces may have become whole by the last of them.
    fn look_again_at_layouts(&self) -> Result<(), StoreError> {
        let mut find = self.db.prepare_cached(
            "SELECT DISTINCT content FROM layouts
             WHERE EXISTS (SELECT 1 FROM needs WHERE kind = 1 AND what = content)",
        )?;
        let waited_for: Vec<ContentId> =
            find.query_map([], |row| column::id(row, 0))?.collect::<Result<_, _>>()?;
        for content in waited_for {
            if self.has_content(content)? {
                self.content_arrived(content.as_bytes())?;
            }
        }
        Ok(())
    }

    /// Manifests of units that are here, are waited for, and were never read: the engine reads each and says
    /// its parts with [`Ledger::add_unit`]. A record of a unit waits until then, and for every part.
    ///
    /// # Errors
    /// Those of the database.
    pub fn unread_units(&self) -> Result<Vec<ContentId>, StoreError> {
        let mut find = self.db.prepare_cached("SELECT DISTINCT what FROM needs WHERE kind = 2")?;
        let mut here = Vec::new();
        for unit in find.query_map([], |row| column::id(row, 0))? {
            let unit = unit?;
            if self.has_content(unit)? {
                here.push(unit);
            }
        }
        Ok(here)
    }

    /// Say which contents a unit's manifest names. Call [`Ledger::admit`] afterwards.
    ///
    /// # Errors
    /// Those of the database.
    pub fn add_unit(&self, manifest: ContentId, parts: &[ContentId]) -> Result<(), StoreError> {
        self.batch(|ledger| {
            ledger.db.prepare_cached("INSERT OR REPLACE INTO units VALUES (?1, ?2)")?.execute(params![
                manifest.as_bytes(),
                column::of_ids(parts.iter().map(ContentId::as_bytes))
            ])?;
            // Ready is enough: admitting looks at the parts and lets the record wait for those not here.
            ledger.arrived(A_LIST, manifest.as_bytes(), &mut Vec::new())
        })
    }

    /// The paths that were ever recorded as a unit.
    ///
    /// # Errors
    /// Those of the database.
    pub fn unit_paths(&self) -> Result<BTreeSet<WorkPath>, StoreError> {
        let mut find = self.db.prepare_cached("SELECT DISTINCT key FROM records WHERE unit = 1")?;
        Ok(find.query_map([], |row| column::path(row, 0))?.collect::<Result<_, _>>()?)
    }

    /// The contents a unit's manifest names; none when nobody said yet.
    ///
    /// # Errors
    /// Those of the database.
    pub fn unit_parts(&self, manifest: ContentId) -> Result<Option<Vec<ContentId>>, StoreError> {
        let mut find = self.db.prepare_cached("SELECT parts FROM units WHERE manifest = ?1")?;
        Ok(find.query_row([manifest.as_bytes()], |row| column::ids(row, 0)).optional()?)
    }

    /// The records that do not count yet.
    ///
    /// # Errors
    /// Those of the database.
    pub fn waiting(&self) -> Result<Vec<Waiting>, StoreError> {
        let mut find = self.db.prepare_cached(
            "SELECT key, id, content, EXISTS (SELECT 1 FROM needs WHERE record = number AND kind = 0)
             FROM records WHERE state < 2 ORDER BY key, id",
        )?;
        let rows = find.query_map([], |row| {
            Ok(Waiting {
                path: column::path(row, 0)?,
                record: column::id(row, 1)?,
                content: column::optional_id(row, 2)?,
                missing_parents: row.get(3)?,
            })
        })?;
        Ok(rows.collect::<Result<_, _>>()?)
    }

    /// How many records do not count yet.
    ///
    /// # Errors
    /// Those of the database.
    pub fn waiting_count(&self) -> Result<u64, StoreError> {
        let mut count = self.db.prepare_cached("SELECT COUNT(*) FROM records WHERE state < 2")?;
        Ok(count.query_row([], |row| column::unsigned(row, 0))?)
    }

    /// Contents of admitted records that are no longer here: a pack was taken away. Old content that was
    /// pruned on purpose is among them; what is gone for good is so until [`Ledger::looked_for_gone`]. Looks at every record; for the time after [`Ledger::forget_pack`].
    ///
    /// # Errors
    /// Those of the database.
    pub fn lost_contents(&self) -> Result<BTreeSet<ContentId>, StoreError> {
        let mut find = self.db.prepare_cached(
            "SELECT DISTINCT content FROM records WHERE state = 2 AND content IS NOT NULL
                 AND NOT EXISTS (SELECT 1 FROM pieces WHERE piece = content)
                 AND NOT EXISTS (SELECT 1 FROM kept WHERE kept.content = records.content)
                 AND NOT EXISTS (
                     SELECT 1 FROM gone WHERE gone.content = records.content AND looked = 1
                 )",
        )?;
        let mut lost = BTreeSet::new();
        for content in find.query_map([], |row| column::id(row, 0))? {
            let content = content?;
            if !self.has_content(content)? {
                lost.insert(content);
            }
        }
        let mut find = self.db.prepare_cached(
            "SELECT parts FROM units WHERE manifest IN (SELECT content FROM records WHERE state = 2 AND unit = 1)",
        )?;
        for parts in find.query_map([], |row| column::ids::<ContentId>(row, 0))? {
            for part in parts? {
                if !self.has_content(part)? && !self.was_looked_for(part)? {
                    lost.insert(part);
                }
            }
        }
        Ok(lost)
    }
}
