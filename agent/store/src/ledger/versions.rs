//! Versions for people to look through: of everything, of a folder, of one file, the newest first; and the short ids
//! by which they are named. The order is by the labels' times, which come from many clocks: it is for reading only,
//! and nothing is decided by it.

use kitbag_core::id::{IdPrefix, RecordId};
use kitbag_core::path::WorkPath;
use kitbag_core::version::{Content, Label, Record};
use rusqlite::{Row, params};

use super::records::label;
use super::{Ledger, column};
use crate::error::StoreError;

/// A version with its label.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Version {
    /// Its name.
    pub id: RecordId,
    /// What it says.
    pub record: Record,
    /// Who made it when.
    pub label: Option<Label>,
}

/// The fewest digits of an id that are shown.
const SHORTEST: usize = 8;

impl Ledger {
    /// The versions that count at a path and below it, or all of them, newest first, at most `limit`.
    ///
    /// # Errors
    /// Those of the database.
    pub fn versions(&self, of: Option<&WorkPath>, limit: usize) -> Result<Vec<Version>, StoreError> {
        const COLUMNS: &str = "SELECT id, raw, machine, time, modified FROM records WHERE state = 2";
        const ORDER: &str = "ORDER BY time DESC, number DESC LIMIT";
        let limit = i64::try_from(limit).unwrap_or(i64::MAX);
        let mut find = match of {
            None => self.db.prepare_cached(&format!("{COLUMNS} {ORDER} ?1"))?,
            Some(_) => self
                .db
                .prepare_cached(&format!("{COLUMNS} AND (key = ?2 OR (key > ?3 AND key < ?4)) {ORDER} ?1"))?,
        };
        let mut rows = match of {
            None => find.query([limit])?,
            Some(path) => {
                let (first, end) = below(path);
                find.query(params![limit, path.key(), first, end])?
            }
        };
        let mut found = Vec::new();
        while let Some(row) = rows.next()? {
            found.push(version(row)?);
        }
        Ok(found)
    }

    /// The removals below a folder that were put into the share together: those with this very label. Nothing is
    /// compared but whether the labels are equal.
    ///
    /// # Errors
    /// Those of the database.
    pub fn removed_together(&self, folder: &WorkPath, label: &Label) -> Result<Vec<Version>, StoreError> {
        let mut find = self.db.prepare_cached(
            "SELECT id, raw, machine, time, modified FROM records
             WHERE state = 2 AND key > ?1 AND key < ?2 AND content IS NULL AND machine = ?3 AND time = ?4
             ORDER BY key",
        )?;
        let (first, end) = below(folder);
        let mut rows = find.query(params![first, end, label.machine, label.time])?;
        let mut found = Vec::new();
        while let Some(row) = rows.next()? {
            found.push(version(row)?);
        }
        // an empty folder has no bytes either
        found.retain(|version| version.record.content == Content::Deleted);
        Ok(found)
    }

    /// The records whose names begin so, in order, at most `limit`.
    ///
    /// # Errors
    /// Those of the database.
    pub fn records_named(&self, prefix: &IdPrefix, limit: usize) -> Result<Vec<RecordId>, StoreError> {
        let (first, last) = prefix.bounds();
        let mut find = self
            .db
            .prepare_cached("SELECT id FROM records WHERE id BETWEEN ?1 AND ?2 ORDER BY id LIMIT ?3")?;
        let limit = i64::try_from(limit).unwrap_or(i64::MAX);
        let rows = find.query_map(params![first, last, limit], |row| column::id(row, 0))?;
        Ok(rows.collect::<Result<_, _>>()?)
    }

    /// The beginning of a record's name that no other record known here has.
    ///
    /// # Errors
    /// Those of the database.
    pub fn short_id(&self, id: RecordId) -> Result<String, StoreError> {
        let text = id.to_string();
        let mut length = SHORTEST;
        for beside in [
            "SELECT id FROM records WHERE id < ?1 ORDER BY id DESC LIMIT 1",
            "SELECT id FROM records WHERE id > ?1 ORDER BY id LIMIT 1",
        ] {
            let mut find = self.db.prepare_cached(beside)?;
            let mut rows = find.query([id.as_bytes()])?;
            if let Some(row) = rows.next()? {
                let other = column::id::<RecordId>(row, 0)?.to_string();
                let same = text.bytes().zip(other.bytes()).take_while(|(a, b)| a == b).count();
                length = length.max(same + 1);
            }
        }
        Ok(text[..length.min(text.len())].to_owned())
    }
}

/// What lies below a folder begins with its key and the sign between names.
fn below(folder: &WorkPath) -> (Vec<u8>, Vec<u8>) {
    let key = folder.key();
    ([&key[..], &[0]].concat(), [&key[..], &[1]].concat())
}

fn version(row: &Row<'_>) -> Result<Version, StoreError> {
    let record = Record::parse(column::blob(row, 1)?)?.1;
    Ok(Version { id: column::id(row, 0)?, record, label: label(row, 2)? })
}

#[cfg(test)]
mod tests {
    use kitbag_core::version::Kind;

    use super::*;
    use crate::ledger::tests::path;
    use crate::pack::tests::edit;

    fn add(ledger: &Ledger, record: &Record, time: &str) -> RecordId {
        let label = Label::new("HOME", time);
        ledger.add_record(record.id(), record, &record.canonical(), Some(&label), None).unwrap();
        record.id()
    }

    #[test]
    fn the_newest_come_first_of_a_file_a_folder_or_all() {
        let ledger = Ledger::in_memory().unwrap();
        for bytes in [b"1", b"2", b"3", b"4", b"5"] {
            ledger.keep(kitbag_core::id::ContentId::of(bytes), 1).unwrap();
        }
        let in_folder = add(&ledger, &edit("a/b/c", b"1", &[]), "2026-10-01T10:00:00Z");
        let beside = add(&ledger, &edit("a.txt", b"2", &[]), "2026-10-03T10:00:00Z");
        let file = add(&ledger, &edit("a/d", b"3", &[]), "2026-10-02T10:00:00Z");
        let removed = add(
            &ledger,
            &Record::new(path("a/d"), Content::Deleted, Kind::Edit, [file]),
            "2026-10-04T10:00:00Z",
        );
        let unarrived = edit("a/late", b"never", &[]);
        add(&ledger, &unarrived, "2026-10-09T10:00:00Z");
        ledger.admit().unwrap();
        let ids = |of: Option<&str>, limit| {
            let of = of.map(path);
            ledger.versions(of.as_ref(), limit).unwrap().into_iter().map(|v| v.id).collect::<Vec<_>>()
        };
        assert_eq!(ids(None, 9), [removed, beside, file, in_folder], "what does not count is not told");
        assert_eq!(ids(None, 2), [removed, beside]);
        assert_eq!(ids(Some("a"), 9), [removed, file, in_folder]);
        assert_eq!(ids(Some("a/d"), 9), [removed, file]);
        assert_eq!(ids(Some("b"), 9), []);
        let gone = |folder, time: &str| {
            let label = Label::new("HOME", time);
            let found = ledger.removed_together(&path(folder), &label).unwrap();
            found.into_iter().map(|version| version.id).collect::<Vec<_>>()
        };
        assert_eq!(gone("a", "2026-10-04T10:00:00Z"), [removed]);
        assert_eq!(
            (gone("a", "2026-10-02T10:00:00Z"), gone("a/d", "2026-10-04T10:00:00Z")),
            (vec![], vec![])
        );
        let newest = ledger.versions(None, 1).unwrap().remove(0);
        assert_eq!(newest.label.unwrap().machine, "HOME");
    }

    #[test]
    fn a_short_id_names_one_record() {
        let ledger = Ledger::in_memory().unwrap();
        // so many that some begin alike
        for n in 0..3_000_u32 {
            add(&ledger, &edit("a", &n.to_le_bytes(), &[]), "t");
        }
        for version in ledger.versions(None, 9).unwrap() {
            let short: IdPrefix = ledger.short_id(version.id).unwrap().parse().unwrap();
            assert_eq!(ledger.records_named(&short, 9).unwrap(), [version.id]);
        }
        let all: Vec<_> = ledger.records_named(&"0000".parse().unwrap(), 9).unwrap();
        assert!(all.iter().all(|id| id.to_string().starts_with("0000")));
        // two neighbours that share more than eight digits
        let ledger = Ledger::in_memory().unwrap();
        let one = add(&ledger, &edit("a", b"one", &[]), "t");
        assert_eq!(ledger.short_id(one).unwrap().len(), 8);
        let mut near = *one.as_bytes();
        near[7] ^= 1;
        let near = RecordId::from_bytes(near);
        ledger
            .db
            .execute("UPDATE records SET id = ?1 WHERE id = ?2", [near.as_bytes(), one.as_bytes()])
            .unwrap();
        add(&ledger, &edit("a", b"one", &[]), "t");
        assert_eq!(ledger.short_id(one).unwrap().len(), 16);
        assert_ne!(ledger.short_id(one).unwrap(), ledger.short_id(near).unwrap());
    }
}
