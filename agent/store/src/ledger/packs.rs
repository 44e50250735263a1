//! Which packs were read, and where each piece lies in them. One piece may lie in several packs and one
//! content may be listed by several: all are kept, since any of them may turn out damaged or be taken away.
//! A content of one piece needs no list; it bears the piece's name.

use std::collections::BTreeSet;

use kitbag_core::id::{ContentId, PackId, PieceId};
use rusqlite::{OptionalExtension, params};

use super::{Ledger, column};
use crate::error::StoreError;
use crate::pack::{Pack, Package, PieceAt};

/// A piece and the pack it lies in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Located {
    /// Which pack.
    pub pack: PackId,
    /// Where in it.
    pub piece: PieceAt,
}

impl Ledger {
    /// Take in everything a pack holds: records, packages, pieces, lists and what is gone. `size` is the file's, in bytes;
    /// `mine` says this machine wrote it. Taking the same pack again changes nothing. The number of records
    /// that are new is returned; they count only after [`Ledger::admit`].
    ///
    /// # Errors
    /// Those of the database.
    pub fn add_pack(&self, id: PackId, pack: &Pack, size: u64, mine: bool) -> Result<u64, StoreError> {
        self.batch(|ledger| {
            ledger
                .db
                .prepare_cached("INSERT OR IGNORE INTO packs (id, size, mine) VALUES (?1, ?2, ?3)")?
                .execute(params![id.as_bytes(), size.cast_signed(), mine])?;
            let number = ledger.pack_number(id)?;
            ledger.add_pieces(number, pack)?;
            ledger.add_gone(number, pack)?;
            ledger.add_replaced(id, &pack.replaces)?;
            for package in &pack.packages {
                ledger.add_package(number, package.id, &package.raw)?;
            }
            // After the pieces: most records then find their content and need not be noted as waiting.
            let mut new = 0;
            for record in &pack.records {
                let label = record.label.as_ref();
                new += u64::from(ledger.add_numbered(
                    record.id,
                    &record.record,
                    &record.raw,
                    label,
                    Some(number),
                )?);
            }
            Ok(new)
        })
    }

    fn add_pieces(&self, pack: i64, from: &Pack) -> Result<(), StoreError> {
        let mut add =
            self.db.prepare_cached("INSERT OR IGNORE INTO pieces VALUES (?1, ?2, ?3, ?4, ?5, ?6)")?;
        for PieceAt { id, at, stored, size, raw } in &from.pieces {
            add.execute(params![id.as_bytes(), pack, at.cast_signed(), stored, size, raw])?;
            self.content_arrived(id.as_bytes())?;
        }
        let mut add = self.db.prepare_cached("INSERT OR IGNORE INTO layouts VALUES (?1, ?2, ?3, ?4)")?;
        for (content, size, pieces) in &from.contents {
            let pieces = column::of_ids(pieces.iter().map(PieceId::as_bytes));
            add.execute(params![content.as_bytes(), pack, size.cast_signed(), pieces])?;
        }
        Ok(())
    }

    fn add_package(&self, pack: i64, id: ContentId, raw: &[u8]) -> Result<(), StoreError> {
        self.db
            .prepare_cached("INSERT OR IGNORE INTO packages VALUES (?1, ?2)")?
            .execute(params![id.as_bytes(), raw])?;
        self.db
            .prepare_cached("INSERT OR IGNORE INTO package_packs VALUES (?1, ?2)")?
            .execute(params![id.as_bytes(), pack])?;
        Ok(())
    }

    pub(super) fn pack_number(&self, id: PackId) -> Result<i64, StoreError> {
        let mut find = self.db.prepare_cached("SELECT number FROM packs WHERE id = ?1")?;
        find.query_row([id.as_bytes()], |row| row.get(0)).optional()?.ok_or(StoreError::UnknownPack(id))
    }

    /// Every pack that was taken in.
    ///
    /// # Errors
    /// Those of the database.
    pub fn packs(&self) -> Result<BTreeSet<PackId>, StoreError> {
        let mut find = self.db.prepare_cached("SELECT id FROM packs")?;
        Ok(find.query_map([], |row| column::id(row, 0))?.collect::<Result<_, _>>()?)
    }

    /// The packs this machine wrote.
    ///
    /// # Errors
    /// Those of the database.
    pub fn my_packs(&self) -> Result<BTreeSet<PackId>, StoreError> {
        let mut find = self.db.prepare_cached("SELECT id FROM packs WHERE mine = 1")?;
        Ok(find.query_map([], |row| column::id(row, 0))?.collect::<Result<_, _>>()?)
    }

    /// The bytes of all packs together.
    ///
    /// # Errors
    /// Those of the database.
    pub fn packs_size(&self) -> Result<u64, StoreError> {
        let mut sum = self.db.prepare_cached("SELECT COALESCE(SUM(size), 0) FROM packs")?;
        Ok(sum.query_row([], |row| column::unsigned(row, 0))?)
    }

    /// Forget a pack that is no longer in the share. Its pieces are gone; its records and packages stay, and
    /// those in no other pack are to be written back. What was admitted stays so. An unknown pack is no error.
    ///
    /// # Errors
    /// Those of the database.
    pub fn forget_pack(&self, id: PackId) -> Result<(), StoreError> {
        self.batch(|ledger| {
            let mut find = ledger.db.prepare_cached("SELECT number FROM packs WHERE id = ?1")?;
            let Some(number) = find.query_row([id.as_bytes()], |row| row.get::<_, i64>(0)).optional()? else {
                return Ok(());
            };
            for step in [
                "UPDATE records SET pack =
                     (SELECT MIN(pack) FROM carried WHERE record = number AND carried.pack <> ?1)
                 WHERE pack = ?1",
                "DELETE FROM carried WHERE pack = ?1",
                "DELETE FROM pieces WHERE pack = ?1",
                "DELETE FROM layouts WHERE pack = ?1",
                "DELETE FROM package_packs WHERE pack = ?1",
                "DELETE FROM gone WHERE pack = ?1",
                // What came back after it was gone may have gone again with this pack.
                "UPDATE gone SET looked = 0 WHERE pack <> ?1",
                "DELETE FROM packs WHERE number = ?1",
            ] {
                ledger.db.prepare_cached(step)?.execute([number])?;
            }
            ledger.mark_leaving()
        })
    }

    /// Whether some pack holds the piece, so that it need not be stored again.
    ///
    /// # Errors
    /// Those of the database.
    pub fn has_piece(&self, id: PieceId) -> Result<bool, StoreError> {
        let mut find = self.db.prepare_cached("SELECT 1 FROM pieces WHERE piece = ?1")?;
        Ok(find.exists([id.as_bytes()])?)
    }

    /// Whether the packs hold all of a content. Kept contents do not count: they are on this machine only.
    ///
    /// # Errors
    /// Those of the database.
    pub fn is_packed(&self, id: ContentId) -> Result<bool, StoreError> {
        if self.has_piece(id.into())? {
            return Ok(true);
        }
        for (_, pieces) in self.layouts(id)? {
            if self.has_pieces(&pieces)? {
                return Ok(true);
            }
        }
        Ok(false)
    }

    /// Whether a piece lies in a pack that is to stay, so that it need not be stored again. One that is to leave may
    /// have been replaced without it.
    ///
    /// # Errors
    /// Those of the database.
    pub fn stays(&self, id: PieceId) -> Result<bool, StoreError> {
        let mut find = self.db.prepare_cached(
            "SELECT 1 FROM pieces JOIN packs ON number = pack WHERE piece = ?1 AND leaving = 0",
        )?;
        Ok(find.exists([id.as_bytes()])?)
    }

    /// Whether packs that are to stay hold all of a content.
    ///
    /// # Errors
    /// Those of the database.
    pub fn stays_packed(&self, id: ContentId) -> Result<bool, StoreError> {
        if self.stays(id.into())? {
            return Ok(true);
        }
        let mut find = self.db.prepare_cached(
            "SELECT pieces FROM layouts JOIN packs ON number = pack WHERE content = ?1 AND leaving = 0",
        )?;
        let lists = find.query_map([id.as_bytes()], |row| column::ids::<PieceId>(row, 0))?;
        for pieces in lists {
            let mut all = true;
            for piece in pieces? {
                all = all && self.stays(piece)?;
            }
            if all {
                return Ok(true);
            }
        }
        Ok(false)
    }

    pub(crate) fn has_pieces(&self, pieces: &[PieceId]) -> Result<bool, StoreError> {
        for piece in pieces {
            if !self.has_piece(*piece)? {
                return Ok(false);
            }
        }
        Ok(true)
    }

    /// Where all pieces of a content lie, in order; none when a piece is missing.
    ///
    /// # Errors
    /// Those of the database.
    pub fn pieces(&self, id: ContentId) -> Result<Option<Vec<Located>>, StoreError> {
        let lists = self.layouts(id)?.into_iter().map(|(_, pieces)| pieces);
        for pieces in std::iter::once(vec![id.into()]).chain(lists) {
            let mut located = Vec::new();
            for piece in &pieces {
                located.extend(self.places(*piece)?.first().copied());
            }
            if located.len() == pieces.len() {
                return Ok(Some(located));
            }
        }
        Ok(None)
    }

    /// The different ways in which packs say a content of several pieces is made up, and its size in bytes.
    pub(crate) fn layouts(&self, id: ContentId) -> Result<Vec<(u64, Vec<PieceId>)>, StoreError> {
        let mut find =
            self.db.prepare_cached("SELECT DISTINCT size, pieces FROM layouts WHERE content = ?1")?;
        let rows =
            find.query_map([id.as_bytes()], |row| Ok((column::unsigned(row, 0)?, column::ids(row, 1)?)))?;
        Ok(rows.collect::<Result<_, _>>()?)
    }

    /// Every place a piece lies at.
    pub(crate) fn places(&self, id: PieceId) -> Result<Vec<Located>, StoreError> {
        let mut find = self.db.prepare_cached(
            "SELECT id, at, stored, pieces.size, raw FROM pieces JOIN packs ON number = pack
             WHERE piece = ?1 ORDER BY pack",
        )?;
        let rows = find.query_map([id.as_bytes()], |row| {
            let (stored, size, raw) = (row.get(2)?, row.get(3)?, row.get(4)?);
            let piece = PieceAt { id, at: column::unsigned(row, 1)?, stored, size, raw };
            Ok(Located { pack: column::id(row, 0)?, piece })
        })?;
        Ok(rows.collect::<Result<_, _>>()?)
    }

    /// The course packages found in packs. One whose bytes no longer read as a package is left out.
    ///
    /// # Errors
    /// Those of the database.
    pub fn packages(&self) -> Result<Vec<Package>, StoreError> {
        let mut find = self.db.prepare_cached("SELECT raw FROM packages ORDER BY rowid")?;
        let mut packages = Vec::new();
        for raw in find.query_map([], |row| row.get::<_, Vec<u8>>(0))? {
            packages.extend(Package::parse(&raw?).ok().map(|(_, package)| package));
        }
        Ok(packages)
    }

    /// The bytes of course packages that no pack of the share holds any more: to be written back.
    ///
    /// # Errors
    /// Those of the database.
    pub fn packages_without_pack(&self) -> Result<Vec<Vec<u8>>, StoreError> {
        let mut find = self.db.prepare_cached(
            "SELECT raw FROM packages WHERE NOT EXISTS (SELECT 1 FROM package_packs WHERE package = id)",
        )?;
        Ok(find.query_map([], |row| row.get(0))?.collect::<Result<_, _>>()?)
    }
}
