//! Contents that lie loose in this machine's state: bytes found in the mirror and saved on sight, before any
//! pack holds them. They count as here. The engine stores the bytes first, then says so; it takes the word
//! back first, then removes them.

use kitbag_core::id::ContentId;
use rusqlite::params;

use super::{Ledger, column};
use crate::error::StoreError;

impl Ledger {
    /// Say that a content of `size` bytes is kept. Call [`Ledger::admit`] afterwards.
    ///
    /// # Errors
    /// Those of the database.
    pub fn keep(&self, id: ContentId, size: u64) -> Result<(), StoreError> {
        self.batch(|ledger| {
            ledger
                .db
                .prepare_cached("INSERT OR IGNORE INTO kept VALUES (?1, ?2)")?
                .execute(params![id.as_bytes(), size.cast_signed()])?;
            ledger.content_arrived(id.as_bytes())
        })
    }

    /// Whether a content is kept.
    ///
    /// # Errors
    /// Those of the database.
    pub fn kept(&self, id: ContentId) -> Result<bool, StoreError> {
        let mut find = self.db.prepare_cached("SELECT 1 FROM kept WHERE content = ?1")?;
        Ok(find.exists([id.as_bytes()])?)
    }

    /// Every kept content and its size in bytes.
    ///
    /// # Errors
    /// Those of the database.
    pub fn all_kept(&self) -> Result<Vec<(ContentId, u64)>, StoreError> {
        let mut find = self.db.prepare_cached("SELECT content, size FROM kept ORDER BY content")?;
        let rows = find.query_map([], |row| Ok((column::id(row, 0)?, column::unsigned(row, 1)?)))?;
        Ok(rows.collect::<Result<_, _>>()?)
    }

    /// Say that a content is kept no longer.
    ///
    /// # Errors
    /// Those of the database.
    pub fn unkeep(&self, id: ContentId) -> Result<(), StoreError> {
        self.db.prepare_cached("DELETE FROM kept WHERE content = ?1")?.execute([id.as_bytes()])?;
        Ok(())
    }

    /// Whether a content is here: all of it in packs, or kept.
    ///
    /// # Errors
    /// Those of the database.
    pub fn has_content(&self, id: ContentId) -> Result<bool, StoreError> {
        Ok(self.is_packed(id)? || self.kept(id)?)
    }
}
