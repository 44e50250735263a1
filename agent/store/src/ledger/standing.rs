//! Which paths something stands at, found by what a system that folds names takes for their name. So twins are found, and
//! a file where a folder has to be, without looking at all paths. One row a path, written only when it comes or goes.

use kitbag_core::entry::Stands;
use kitbag_core::names::Around;
use kitbag_core::path::{WorkPath, folded};
use rusqlite::params;

use super::{Ledger, column};
use crate::error::StoreError;

impl Ledger {
    /// Note what stands at a path. True when that is new.
    ///
    /// # Errors
    /// Those of the database.
    pub fn set_standing(&self, path: &WorkPath, stands: Stands) -> Result<bool, StoreError> {
        let (fold, key) = (folded_key(path.as_str()), path.key());
        let changed = match stands {
            Stands::Nothing => {
                let mut remove =
                    self.db.prepare_cached("DELETE FROM standing WHERE folded = ?1 AND key = ?2")?;
                remove.execute(params![fold, key])?
            }
            Stands::File | Stands::Folder => {
                let mut put = self.db.prepare_cached(
                    "INSERT INTO standing (folded, key, folder) VALUES (?1, ?2, ?3)
                     ON CONFLICT DO UPDATE SET folder = excluded.folder WHERE folder <> excluded.folder",
                )?;
                put.execute(params![fold, key, stands == Stands::Folder])?
            }
        };
        Ok(changed > 0)
    }

    /// The paths of equal folded name at which something stands, itself among them, in order.
    ///
    /// # Errors
    /// Those of the database.
    pub fn standing_like(&self, path: &WorkPath) -> Result<Vec<(WorkPath, Stands)>, StoreError> {
        let mut find =
            self.db.prepare_cached("SELECT key, folder FROM standing WHERE folded = ?1 ORDER BY key")?;
        let rows = find.query_map([folded_key(path.as_str())], |row| {
            let stands = if row.get(1)? { Stands::Folder } else { Stands::File };
            Ok((column::path(row, 0)?, stands))
        })?;
        Ok(rows.collect::<Result<_, _>>()?)
    }

    /// What stands around a path: those of equal folded name, and whether anything stands in a folder of its name.
    ///
    /// # Errors
    /// Those of the database.
    pub fn around(&self, path: &WorkPath) -> Result<Around, StoreError> {
        let (fold, key) = (folded_key(path.as_str()), path.key());
        let within = |key: &[u8]| ([key, &[0]].concat(), [key, &[1]].concat());
        let ((from, to), (key_from, key_to)) = (within(&fold), within(&key));
        let mut find = self
            .db
            .prepare_cached("SELECT EXISTS (SELECT 1 FROM standing WHERE folded >= ?1 AND folded < ?2)")?;
        let below_folded: bool = find.query_row(params![from, to], |row| row.get(0))?;
        let mut below = false;
        if below_folded {
            let mut find = self.db.prepare_cached(
                "SELECT EXISTS (SELECT 1 FROM standing WHERE folded >= ?1 AND folded < ?2 AND key >= ?3 AND key < ?4)",
            )?;
            below = find.query_row(params![from, to, key_from, key_to], |row| row.get(0))?;
        }
        Ok(Around { like: self.standing_like(path)?, below, below_folded })
    }
}

fn folded_key(path: &str) -> Vec<u8> {
    folded(path).bytes().map(|byte| if byte == b'/' { 0 } else { byte }).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ledger::tests::path;

    #[test]
    fn what_stands_is_found_by_its_folded_name() {
        let ledger = Ledger::in_memory().unwrap();
        let set = |text: &str, stands| ledger.set_standing(&path(text), stands).unwrap();
        for text in ["Notes.txt", "notes.txt", "caf\u{e9}", "cafe\u{301}", "a/b", "A.x", "ab"] {
            assert!(set(text, Stands::File), "{text}");
            assert!(!set(text, Stands::File), "{text}");
        }
        let like = |text: &str| {
            let found = ledger.standing_like(&path(text)).unwrap().into_iter();
            found.map(|(path, stands)| (path.as_str().to_owned(), stands)).collect::<Vec<_>>()
        };
        let file = |text: &str| (text.to_owned(), Stands::File);
        assert_eq!(like("NOTES.txt"), [file("Notes.txt"), file("notes.txt")]);
        assert_eq!(like("cafe\u{301}"), [file("cafe\u{301}"), file("caf\u{e9}")]);
        assert!(set("notes.txt", Stands::Folder) && set("Notes.txt", Stands::Nothing));
        assert!(!set("Notes.txt", Stands::Nothing));
        assert_eq!(like("notes.TXT"), [("notes.txt".to_owned(), Stands::Folder)]);
    }

    #[test]
    fn a_folder_of_its_name_is_found() {
        let ledger = Ledger::in_memory().unwrap();
        for text in ["a/b/c", "D/x", "a.b", "ab/c"] {
            ledger.set_standing(&path(text), Stands::File).unwrap();
        }
        let around = |text: &str| {
            let Around { below, below_folded, .. } = ledger.around(&path(text)).unwrap();
            (below, below_folded)
        };
        assert_eq!(around("a"), (true, true));
        assert_eq!(around("a/b"), (true, true));
        assert_eq!(around("a/b/c"), (false, false));
        assert_eq!(around("A"), (false, true));
        assert_eq!(around("d"), (false, true));
        assert_eq!(around("b"), (false, false));
        ledger.set_standing(&path("a/b/c"), Stands::Nothing).unwrap();
        assert_eq!(around("a"), (false, false));
    }
}
