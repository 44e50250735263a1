//! What one scan found worth a closer look, before the closer look: both sides as their metadata show them.
//! The list lives in a temporary table of this connection, so a scan of any size takes no memory and leaves
//! nothing behind; a scan that was cut short is simply run again.

use kitbag_core::entry::Fingerprint;
use kitbag_core::path::WorkPath;
use rusqlite::types::Value;
use rusqlite::{OptionalExtension, Row, params, params_from_iter};

use super::{Ledger, column};
use crate::error::StoreError;

/// How a place looks without reading it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Look {
    /// No such file.
    Absent,
    /// A plain file.
    File(Fingerprint),
    /// There, but not to be judged now.
    Unsure,
    /// A link that is carried, as it looks itself.
    Link(Fingerprint),
    /// A folder with nothing in it.
    Folder,
    /// A folder with something in it.
    Filled,
}

impl Look {
    /// A plain file or a link.
    pub fn is_file(&self) -> bool {
        matches!(self, Look::File(_) | Look::Link(_))
    }
}

/// One path of a scan.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Candidate {
    /// Where.
    pub path: WorkPath,
    /// The working folder's side.
    pub working: Look,
    /// The mirror's side.
    pub mirror: Look,
    /// Where the working folder's file lies, when that is not how its name is written there.
    pub working_at: Option<String>,
    /// Where the mirror's file lies, likewise.
    pub mirror_at: Option<String>,
}

impl Candidate {
    /// Both files lie under their own names.
    pub fn new(path: WorkPath, working: Look, mirror: Look) -> Self {
        Candidate { path, working, mirror, working_at: None, mirror_at: None }
    }
}

impl Ledger {
    /// Note a candidate, in place of one for the same path.
    ///
    /// # Errors
    /// Those of the database.
    pub fn add_candidate(&self, candidate: &Candidate) -> Result<(), StoreError> {
        let mut values = vec![Value::Blob(candidate.path.key())];
        for look in [&candidate.working, &candidate.mirror] {
            let (kind, print) = match look {
                Look::Absent => (0, None),
                Look::File(print) => (1, Some(print)),
                Look::Unsure => (2, None),
                Look::Folder => (3, None),
                Look::Filled => (4, None),
                Look::Link(print) => (5, Some(print)),
            };
            values.push(Value::Integer(kind));
            values.extend(column::of_fingerprint(print).map(Value::from));
        }
        values.extend([candidate.working_at.clone().into(), candidate.mirror_at.clone().into()]);
        let mut add = self.db.prepare_cached(
            "INSERT OR REPLACE INTO temp.candidates
             VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13)",
        )?;
        add.execute(params_from_iter(values))?;
        Ok(())
    }

    /// The candidates after a key (from the beginning when none), in walk order, at most `limit`.
    ///
    /// # Errors
    /// Those of the database.
    pub fn candidates_after(&self, key: Option<&[u8]>, limit: usize) -> Result<Vec<Candidate>, StoreError> {
        let mut find =
            self.db.prepare_cached("SELECT * FROM temp.candidates WHERE key > ?1 ORDER BY key LIMIT ?2")?;
        let page = i64::try_from(limit).unwrap_or(i64::MAX);
        let rows = find.query_map(params![key.unwrap_or_default(), page], candidate)?;
        Ok(rows.collect::<Result<_, _>>()?)
    }

    /// The candidate for one path.
    ///
    /// # Errors
    /// Those of the database.
    pub fn candidate(&self, path: &WorkPath) -> Result<Option<Candidate>, StoreError> {
        let mut find = self.db.prepare_cached("SELECT * FROM temp.candidates WHERE key = ?1")?;
        Ok(find.query_row([path.key()], candidate).optional()?)
    }

    /// Forget one candidate.
    ///
    /// # Errors
    /// Those of the database.
    pub fn drop_candidate(&self, path: &WorkPath) -> Result<(), StoreError> {
        self.db.prepare_cached("DELETE FROM temp.candidates WHERE key = ?1")?.execute([path.key()])?;
        Ok(())
    }

    /// Forget all candidates.
    ///
    /// # Errors
    /// Those of the database.
    pub fn clear_candidates(&self) -> Result<(), StoreError> {
        self.db.execute("DELETE FROM temp.candidates", [])?;
        Ok(())
    }
}

fn candidate(row: &Row<'_>) -> rusqlite::Result<Candidate> {
    Ok(Candidate {
        path: column::path(row, 0)?,
        working: look(row, 1)?,
        mirror: look(row, 6)?,
        working_at: row.get(11)?,
        mirror_at: row.get(12)?,
    })
}

fn look(row: &Row<'_>, first: usize) -> rusqlite::Result<Look> {
    let print = column::fingerprint(row, first + 1)?;
    column::choice(row, first, |kind| match (kind, print) {
        (0, None) => Some(Look::Absent),
        (1, Some(print)) => Some(Look::File(print)),
        (2, None) => Some(Look::Unsure),
        (3, None) => Some(Look::Folder),
        (4, None) => Some(Look::Filled),
        (5, Some(print)) => Some(Look::Link(print)),
        _ => None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ledger::tests::path;

    #[test]
    fn candidates_come_back_in_walk_order() {
        let ledger = Ledger::in_memory().unwrap();
        let print = Fingerprint { size: u64::MAX, modified: i64::MIN, changed: 0, file: 1 << 63 };
        let candidate = |text, working, mirror| Candidate {
            path: path(text),
            working,
            mirror,
            working_at: (working == Look::Folder).then(|| "%{41}".into()),
            mirror_at: (mirror == Look::Unsure).then(|| "B".into()),
        };
        let all = [
            candidate("a/b", Look::File(print), Look::Link(print)),
            candidate("a.txt", Look::Folder, Look::File(print)),
            candidate("b", Look::Filled, Look::Unsure),
        ];
        ledger.add_candidate(&candidate("b", Look::Absent, Look::Absent)).unwrap();
        for one in all.iter().rev() {
            ledger.add_candidate(one).unwrap();
        }
        assert_eq!(ledger.candidates_after(None, 2).unwrap(), all[..2]);
        assert_eq!(ledger.candidates_after(Some(&all[1].path.key()), 2).unwrap(), all[2..]);
        assert_eq!(ledger.candidate(&path("b")).unwrap().as_ref(), all.last());
        ledger.drop_candidate(&path("b")).unwrap();
        assert_eq!(ledger.candidate(&path("b")).unwrap(), None);
        ledger.clear_candidates().unwrap();
        assert_eq!(ledger.candidates_after(None, 2).unwrap(), []);
    }
}
