//! Every version record this machine ever saw, by its canonical bytes. Records are never forgotten, only
//! gained: which pack of the share holds one may change, and one that no pack holds any more is written back.
//! Whether a record counts is the matter of the admission.

use kitbag_core::id::{ContentId, PackId, RecordId};
use kitbag_core::path::WorkPath;
use kitbag_core::version::{Content, Kind, Label, Record};
use rusqlite::{OptionalExtension, Row, params};

use super::{Ledger, column};
use crate::error::StoreError;

/// A record that is in no pack of the share.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Unpacked {
    /// Its name.
    pub id: RecordId,
    /// What it says.
    pub record: Record,
    /// Its canonical bytes.
    pub raw: Vec<u8>,
    /// Who made it when.
    pub label: Option<Label>,
}

impl Ledger {
    /// Add a record, by its canonical bytes. One that is known keeps what is known of it, and gains a pack it did
    /// not have, and a label if it had none or a later one. True when it is new. It counts only after [`Ledger::admit`].
    ///
    /// # Errors
    /// When the bytes do not match the name, or the pack was never added; those of the database.
    pub fn add_record(
        &self,
        id: RecordId,
        record: &Record,
        raw: &[u8],
        label: Option<&Label>,
        pack: Option<PackId>,
    ) -> Result<bool, StoreError> {
        if RecordId::of(raw) != id {
            return Err(StoreError::WrongName(id));
        }
        let pack = pack.map(|pack| self.pack_number(pack)).transpose()?;
        self.batch(|ledger| ledger.add_numbered(id, record, raw, label, pack))
    }

    /// The same where the name is proven and the pack is known by its number.
    pub(super) fn add_numbered(
        &self,
        id: RecordId,
        record: &Record,
        raw: &[u8],
        label: Option<&Label>,
        pack: Option<i64>,
    ) -> Result<bool, StoreError> {
        let (machine, time) = label.map(|label| (&label.machine, &label.time)).unzip();
        let modified = label.and_then(|label| label.modified);
        let mut find =
            self.db.prepare_cached("SELECT number, machine, time, modified FROM records WHERE id = ?1")?;
        let known = find.query_row([id.as_bytes()], |row| Ok((row.get::<_, i64>(0)?, self::label(row, 1)?)));
        if let Some((number, known)) = known.optional()? {
            if label.is_some_and(|label| known.as_ref().is_none_or(|known| label < known)) {
                let mut set = self.db.prepare_cached(
                    "UPDATE records SET machine = ?2, time = ?3, modified = ?4 WHERE number = ?1",
                )?;
                set.execute(params![number, machine, time, modified])?;
            }
            if let Some(pack) = pack {
                self.carry(number, pack)?;
            }
            return Ok(false);
        }
        let unmet = self.unmet(record)?;
        let unit = matches!(record.content, Content::Unit { .. });
        let mut add = self.db.prepare_cached(
            "INSERT INTO records (id, key, content, unit, raw, machine, time, pack, state, modified)
             VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10)",
        )?;
        let content = record.content.id();
        add.execute(params![
            id.as_bytes(),
            record.path.key(),
            content.as_ref().map(ContentId::as_bytes),
            unit,
            raw,
            machine,
            time,
            pack,
            unmet.is_empty(),
            modified
        ])?;
        let number = self.db.last_insert_rowid();
        self.note_needs(number, &unmet)?;
        if record.kind == Kind::Move {
            self.note_move(number, record)?;
        }
        Ok(true)
    }

    /// Say that a pack of the share holds the record.
    ///
    /// # Errors
    /// When either was never added; those of the database.
    pub fn set_pack(&self, id: RecordId, pack: PackId) -> Result<(), StoreError> {
        let pack = self.pack_number(pack)?;
        let mut find = self.db.prepare_cached("SELECT number FROM records WHERE id = ?1")?;
        let number = find.query_row([id.as_bytes()], |row| row.get(0)).optional()?;
        self.carry(number.ok_or(StoreError::UnknownRecord(id))?, pack)
    }

    // The first pack stands in the record's row, further ones beside it, so that forgetting one pack does not
    // look as if the record had left the share.
    fn carry(&self, record: i64, pack: i64) -> Result<(), StoreError> {
        let mut first =
            self.db.prepare_cached("UPDATE records SET pack = ?2 WHERE number = ?1 AND pack IS NULL")?;
        if first.execute([record, pack])? == 0 {
            let mut further = self.db.prepare_cached(
                "INSERT OR IGNORE INTO carried
                 SELECT number, ?2 FROM records WHERE number = ?1 AND pack <> ?2",
            )?;
            further.execute([record, pack])?;
        }
        Ok(())
    }

    /// A record and its label.
    ///
    /// # Errors
    /// Those of the database.
    pub fn record(&self, id: RecordId) -> Result<Option<(Record, Option<Label>)>, StoreError> {
        let mut find =
            self.db.prepare_cached("SELECT raw, machine, time, modified FROM records WHERE id = ?1")?;
        let found = find.query_row([id.as_bytes()], |row| Ok((row.get::<_, Vec<u8>>(0)?, label(row, 1)?)));
        let Some((raw, label)) = found.optional()? else { return Ok(None) };
        Ok(Some((Record::parse(&raw)?.1, label)))
    }

    /// A record's canonical bytes.
    ///
    /// # Errors
    /// Those of the database.
    pub fn raw(&self, id: RecordId) -> Result<Option<Vec<u8>>, StoreError> {
        let mut find = self.db.prepare_cached("SELECT raw FROM records WHERE id = ?1")?;
        Ok(find.query_row([id.as_bytes()], |row| row.get(0)).optional()?)
    }

    /// Who made a record when; none when the record or its label is unknown.
    ///
    /// # Errors
    /// Those of the database.
    pub fn label(&self, id: RecordId) -> Result<Option<Label>, StoreError> {
        let mut find = self.db.prepare_cached("SELECT machine, time, modified FROM records WHERE id = ?1")?;
        Ok(find.query_row([id.as_bytes()], |row| label(row, 0)).optional()?.flatten())
    }

    /// The admitted records of one path, by name.
    ///
    /// # Errors
    /// Those of the database.
    pub fn admitted(&self, path: &WorkPath) -> Result<Vec<(RecordId, Record)>, StoreError> {
        let mut find =
            self.db.prepare_cached("SELECT id, raw FROM records WHERE key = ?1 AND state = 2 ORDER BY id")?;
        let rows =
            find.query_map([path.key()], |row| Ok((column::id(row, 0)?, row.get::<_, Vec<u8>>(1)?)))?;
        rows.map(|row| {
            let (id, raw) = row?;
            Ok((id, Record::parse(&raw)?.1))
        })
        .collect()
    }

    /// Whether a record counts.
    ///
    /// # Errors
    /// Those of the database.
    pub fn is_admitted(&self, id: RecordId) -> Result<bool, StoreError> {
        let mut find = self.db.prepare_cached("SELECT 1 FROM records WHERE id = ?1 AND state = 2")?;
        Ok(find.exists([id.as_bytes()])?)
    }

    /// Records known here that no pack of the share holds, oldest first, at most `limit`.
    ///
    /// # Errors
    /// Those of the database.
    pub fn records_without_pack(&self, limit: usize) -> Result<Vec<Unpacked>, StoreError> {
        let mut find = self.db.prepare_cached(
            "SELECT id, raw, machine, time, modified FROM records WHERE pack IS NULL ORDER BY number LIMIT ?1",
        )?;
        let rows = find.query_map([i64::try_from(limit).unwrap_or(i64::MAX)], |row| {
            Ok((column::id(row, 0)?, row.get::<_, Vec<u8>>(1)?, label(row, 2)?))
        })?;
        rows.map(|row| {
            let (id, raw, label) = row?;
            Ok(Unpacked { id, record: Record::parse(&raw)?.1, raw, label })
        })
        .collect()
    }
}

pub(super) fn label(row: &Row<'_>, first: usize) -> rusqlite::Result<Option<Label>> {
    let (machine, time) = (row.get::<_, Option<String>>(first)?, row.get::<_, Option<String>>(first + 1)?);
    let modified = row.get(first + 2)?;
    Ok(machine.zip(time).map(|(machine, time)| Label { time, machine, modified }))
}
