//! Contents that are gone for good: somebody deleted the history by hand, and no machine that wrote it back could
//! find the bytes of some superseded version. A pack says so. A record that names such a content counts without it,
//! or all that came after it would wait for ever. The bytes are still not here, and nobody claims they are; should
//! they turn up, they are simply there. A statement lasts as long as a pack that holds it.

use kitbag_core::id::ContentId;
use rusqlite::params;

use super::Ledger;
use crate::error::StoreError;
use crate::pack::Pack;

impl Ledger {
    /// Whether some pack says that the bytes of a content are nowhere any more. They may be here all the same.
    ///
    /// # Errors
    /// Those of the database.
    pub fn is_gone(&self, id: ContentId) -> Result<bool, StoreError> {
        Ok(self.db.prepare_cached("SELECT 1 FROM gone WHERE content = ?1")?.exists([id.as_bytes()])?)
    }

    /// Say that this machine looked for a gone content itself and has it nowhere. It is no longer among
    /// [`Ledger::lost_contents`] until the next pack is forgotten. No word about one nobody called gone.
    ///
    /// # Errors
    /// Those of the database.
    pub fn looked_for_gone(&self, id: ContentId) -> Result<(), StoreError> {
        self.db.prepare_cached("UPDATE gone SET looked = 1 WHERE content = ?1")?.execute([id.as_bytes()])?;
        Ok(())
    }

    /// Whether this machine has looked for a gone content in vain.
    pub(super) fn was_looked_for(&self, id: ContentId) -> Result<bool, StoreError> {
        let mut find = self.db.prepare_cached("SELECT 1 FROM gone WHERE content = ?1 AND looked = 1")?;
        Ok(find.exists([id.as_bytes()])?)
    }

    /// For admission only: nothing more is to be waited for.
    pub(super) fn is_here_or_gone(&self, id: ContentId) -> Result<bool, StoreError> {
        Ok(self.has_content(id)? || self.is_gone(id)?)
    }

    pub(super) fn add_gone(&self, pack: i64, from: &Pack) -> Result<(), StoreError> {
        let mut add = self.db.prepare_cached("INSERT OR IGNORE INTO gone VALUES (?1, ?2, 0)")?;
        for content in &from.gone {
            add.execute(params![content.as_bytes(), pack])?;
            self.content_is_gone(content.as_bytes())?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use kitbag_core::id::PackId;
    use kitbag_core::version::{Content, Kind, Record};

    use super::*;
    use crate::ledger::tests::{add, give, pack_of, path};
    use crate::pack::tests::edit;
    use crate::pack::{Builder, read};

    fn says_gone(contents: &[&[u8]]) -> (PackId, Pack) {
        let mut builder = Builder::new();
        for bytes in contents {
            builder.gone(ContentId::of(bytes)).unwrap();
        }
        let packed = builder.finish();
        (packed.id, read(packed.id, &packed.bytes).unwrap())
    }

    #[test]
    fn a_version_whose_bytes_are_gone_holds_nobody_up() {
        let (old, id) = (edit("a", b"1", &[]), ContentId::of(b"1"));
        let new = edit("a", b"2", &[old.id()]);
        let (records, word) = (pack_of(&[&new, &old], &[b"2"]), says_gone(&[b"1"]));
        for order in [[&records, &word], [&word, &records]] {
            let ledger = Ledger::in_memory().unwrap();
            give(&ledger, order[0]);
            assert_eq!(ledger.admit().unwrap(), []);
            give(&ledger, order[1]);
            assert_eq!(ledger.admit().unwrap(), [path("a")]);
            assert!(ledger.is_admitted(old.id()).unwrap() && ledger.is_admitted(new.id()).unwrap());
            assert_eq!(ledger.waiting_count().unwrap(), 0);
            assert!(ledger.is_gone(id).unwrap() && !ledger.has_content(id).unwrap());
            // And when it turns up after all, it is there.
            give(&ledger, &pack_of(&[], &[b"1"]));
            assert!(ledger.has_content(id).unwrap());
        }
    }

    #[test]
    fn a_gone_content_is_looked_for_once() {
        let ledger = Ledger::in_memory().unwrap();
        let (id, records) = (ContentId::of(b"1"), pack_of(&[&edit("a", b"1", &[])], &[]));
        give(&ledger, &records);
        let words = [says_gone(&[b"1"]), says_gone(&[b"1", b"other"])];
        for word in &words {
            give(&ledger, word);
        }
        ledger.admit().unwrap();
        assert_eq!(ledger.lost_contents().unwrap(), [id].into(), "it may be here in the working folder");
        ledger.looked_for_gone(id).unwrap();
        assert!(ledger.lost_contents().unwrap().is_empty());
        give(&ledger, &words[0]);
        assert!(ledger.lost_contents().unwrap().is_empty(), "the same pack again says nothing new");
        ledger.forget_pack(words[0].0).unwrap();
        assert_eq!((ledger.lost_contents().unwrap(), ledger.is_gone(id).unwrap()), ([id].into(), true));
        ledger.looked_for_gone(id).unwrap();
        ledger.forget_pack(words[1].0).unwrap();
        assert_eq!((ledger.lost_contents().unwrap(), ledger.is_gone(id).unwrap()), ([id].into(), false));
        // Nobody says so any more: nothing to remember of it.
        ledger.looked_for_gone(id).unwrap();
        assert_eq!(ledger.lost_contents().unwrap(), [id].into());
    }

    #[test]
    fn a_word_that_went_away_before_it_counted_is_waited_for() {
        let ledger = Ledger::in_memory().unwrap();
        let record = edit("a", b"1", &[]);
        let word = says_gone(&[b"1"]);
        add(&ledger, &record);
        give(&ledger, &word);
        ledger.forget_pack(word.0).unwrap();
        assert_eq!((ledger.admit().unwrap(), ledger.waiting_count().unwrap()), (vec![], 1));
        give(&ledger, &word);
        assert_eq!(ledger.admit().unwrap(), [path("a")]);
        ledger.forget_pack(word.0).unwrap();
        assert!(ledger.is_admitted(record.id()).unwrap(), "what counted goes on counting");
    }

    #[test]
    fn a_unit_may_lack_its_manifest_or_a_part() {
        let (manifest, part) = (ContentId::of(b"manifest"), ContentId::of(b"part"));
        let unit = Record::new(path("u"), Content::Unit { id: manifest, size: 1 }, Kind::Edit, []);
        let ledger = Ledger::in_memory().unwrap();
        add(&ledger, &unit);
        give(&ledger, &says_gone(&[b"manifest"]));
        assert_eq!(ledger.admit().unwrap(), [path("u")]);

        let ledger = Ledger::in_memory().unwrap();
        give(&ledger, &says_gone(&[b"manifest"]));
        add(&ledger, &unit);
        assert_eq!(ledger.admit().unwrap(), [path("u")]);

        let ledger = Ledger::in_memory().unwrap();
        add(&ledger, &unit);
        give(&ledger, &pack_of(&[], &[b"manifest"]));
        ledger.add_unit(manifest, &[part]).unwrap();
        assert_eq!(ledger.admit().unwrap(), []);
        give(&ledger, &says_gone(&[b"part"]));
        assert_eq!(ledger.admit().unwrap(), [path("u")]);
        assert_eq!(ledger.lost_contents().unwrap(), [part].into());
        ledger.looked_for_gone(part).unwrap();
        assert!(ledger.lost_contents().unwrap().is_empty());
    }
}
