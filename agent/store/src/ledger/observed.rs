//! Bytes found in the mirror that no record explains yet, per path, oldest first. They are part of a path's
//! memory and are read and written with it; most paths have none, and then this table is not touched.

use kitbag_core::entry::Observed;
use kitbag_core::id::ContentId;
use kitbag_core::version::Content;
use rusqlite::{Row, params};

use super::{Ledger, column};
use crate::error::StoreError;

impl Ledger {
    pub(super) fn observed(&self, key: &[u8]) -> Result<Vec<Observed>, StoreError> {
        let mut find = self.db.prepare_cached(
            "SELECT kind, content, size, since, copy FROM observed WHERE key = ?1 ORDER BY place",
        )?;
        let rows = find.query_map([key], |row| {
            Ok(Observed { content: content(row)?, since: row.get(3)?, copy: row.get(4)? })
        })?;
        Ok(rows.collect::<Result<_, _>>()?)
    }

    pub(super) fn put_observed(&self, key: &[u8], observed: &[Observed]) -> Result<(), StoreError> {
        self.db.prepare_cached("DELETE FROM observed WHERE key = ?1")?.execute([key])?;
        let mut add = self.db.prepare_cached("INSERT INTO observed VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)")?;
        for (place, Observed { content, since, copy }) in observed.iter().enumerate() {
            let kind = match content {
                Content::Deleted => 0,
                Content::File { .. } => 1,
                Content::Unit { .. } => 2,
                Content::Folder => 3,
                Content::Link { .. } => 4,
            };
            let (id, size) = (content.id(), content.size().cast_signed());
            let id = id.as_ref().map(ContentId::as_bytes);
            add.execute(params![key, place as i64, kind, id, size, since, copy])?;
        }
        Ok(())
    }

    /// Every content that stands among the unexplained bytes of some path: the engine keeps these.
    ///
    /// # Errors
    /// Those of the database.
    pub fn observed_contents(&self) -> Result<Vec<ContentId>, StoreError> {
        let mut find = self.db.prepare_cached(
            "SELECT DISTINCT content FROM observed WHERE content IS NOT NULL ORDER BY content",
        )?;
        Ok(find.query_map([], |row| column::id(row, 0))?.collect::<Result<_, _>>()?)
    }
}

fn content(row: &Row<'_>) -> rusqlite::Result<Content> {
    let kind = column::choice(row, 0, |number| (0..5).contains(&number).then_some(number))?;
    Ok(match kind {
        0 => Content::Deleted,
        1 => Content::file(column::id(row, 1)?, column::unsigned(row, 2)?),
        3 => Content::Folder,
        4 => Content::Link { id: column::id(row, 1)?, size: column::unsigned(row, 2)? },
        _ => Content::Unit { id: column::id(row, 1)?, size: column::unsigned(row, 2)? },
    })
}
