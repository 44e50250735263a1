//! How each file among the packs looked when it was last read, and whether it was whole then. A file that does not
//! match its name is not read again before it changes, and since when it has not matched is remembered: a delivery
//! takes a while, damage stays. A pack that was whole and looks different is read again, since a disk or a cloud
//! program may have spoilt it.

use std::collections::BTreeMap;

use kitbag_core::entry::{Fingerprint, Millis};
use kitbag_core::id::PackId;
use rusqlite::params;

use super::{Ledger, column};
use crate::error::StoreError;

/// What the last look at a pack's file came to.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct PackLook {
    /// How it looked; none: it is to be read again whatever it looks like.
    pub print: Option<Fingerprint>,
    /// Since when its bytes have not matched its name; none when they did.
    pub bad_since: Option<Millis>,
    /// Why it will never be taken, although its bytes match its name; safe to show.
    pub refused: Option<String>,
}

impl Ledger {
    /// The last look at every pack's file that was ever looked at.
    ///
    /// # Errors
    /// Those of the database.
    pub fn pack_looks(&self) -> Result<BTreeMap<PackId, PackLook>, StoreError> {
        let mut find = self
            .db
            .prepare_cached("SELECT pack, bad_since, refused, size, modified, changed, file FROM looks")?;
        let rows = find.query_map([], |row| {
            let (bad_since, refused) = (row.get(1)?, row.get(2)?);
            let look = PackLook { print: column::fingerprint(row, 3)?, bad_since, refused };
            Ok((column::id(row, 0)?, look))
        })?;
        Ok(rows.collect::<Result<_, _>>()?)
    }

    /// Remember a look, in place of the one before.
    ///
    /// # Errors
    /// Those of the database.
    pub fn set_pack_look(&self, pack: PackId, look: &PackLook) -> Result<(), StoreError> {
        let mut set =
            self.db.prepare_cached("INSERT OR REPLACE INTO looks VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)")?;
        let [size, modified, changed, file] = column::of_fingerprint(look.print.as_ref());
        set.execute(params![pack.as_bytes(), look.bad_since, look.refused, size, modified, changed, file])?;
        Ok(())
    }

    /// Forget the look at a file that is gone.
    ///
    /// # Errors
    /// Those of the database.
    pub fn forget_pack_look(&self, pack: PackId) -> Result<(), StoreError> {
        self.db.prepare_cached("DELETE FROM looks WHERE pack = ?1")?.execute([pack.as_bytes()])?;
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_look_is_remembered_until_the_next() {
        let ledger = Ledger::in_memory().unwrap();
        let (a, b) = (PackId::of(b"a"), PackId::of(b"b"));
        let print = Fingerprint { size: u64::MAX, modified: -1, changed: 0, file: 1 << 63 };
        let whole = PackLook { print: Some(print), ..PackLook::default() };
        let bad = PackLook { bad_since: Some(7), refused: Some("why".into()), print: None };
        ledger.set_pack_look(a, &bad).unwrap();
        ledger.set_pack_look(a, &whole).unwrap();
        ledger.set_pack_look(b, &bad).unwrap();
        assert_eq!(ledger.pack_looks().unwrap(), [(a, whole), (b, bad.clone())].into());
        ledger.forget_pack_look(a).unwrap();
        assert_eq!(ledger.pack_looks().unwrap(), [(b, bad)].into());
    }
}
