//! Fill one pack. What goes in is checked against the readers' limits here, so that nothing is published that
//! another machine would refuse. The length is exact at any moment; close at [`TARGET`], [`LARGEST`] is never
//! passed. Equal calls in equal order make equal bytes, hence one name.

use std::collections::HashSet;

use kitbag_core::id::{ContentId, PackId, PieceId, RecordId};
use kitbag_core::version::Label;

use super::index::Writer;
use super::{
    Compressed, FOOTER, HEADER, LARGEST, LARGEST_PIECE, MAGIC, MOST_PIECES, Package, PieceAt, TARGET,
    VERSION, statement,
};

/// A finished pack.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Packed {
    /// The hash of `bytes`.
    pub id: PackId,
    /// The whole file.
    pub bytes: Vec<u8>,
}

/// Why something does not go into this pack. The pack is as it was before.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Unfit {
    /// The pack would be longer than [`LARGEST`], or list more than [`MOST_PIECES`]: finish this one first.
    #[error("the pack has no room for it")]
    NoRoom,
    /// No reader would take it: a record over 64 KiB or with a line break, a package over 4 MiB, a piece over
    /// 4 MiB, a list of less than two pieces.
    #[error("no reader would take it")]
    Unreadable,
}

/// A pack being filled.
#[derive(Default)]
pub struct Builder {
    statements: Vec<u8>,
    pieces: Vec<u8>,
    index: Writer,
    known_records: HashSet<RecordId>,
    known_pieces: HashSet<PieceId>,
    known_contents: HashSet<ContentId>,
    known_gone: HashSet<ContentId>,
}

impl Builder {
    /// An empty pack.
    pub fn new() -> Self {
        Self::default()
    }

    /// Add a version record by its canonical bytes, and who made it. One that is in already is passed over.
    ///
    /// # Errors
    /// When it does not fit.
    pub fn record(&mut self, canonical: &[u8], label: Option<&Label>) -> Result<(), Unfit> {
        let id = RecordId::of(canonical);
        if self.known_records.contains(&id) {
            return Ok(());
        }
        if !statement::fits(canonical) {
            return Err(Unfit::Unreadable);
        }
        self.statement(|to| statement::write_record(to, canonical, id, label))?;
        self.known_records.insert(id);
        Ok(())
    }

    /// Add a course package. Its files are added as pieces like any other content.
    ///
    /// # Errors
    /// When it does not fit.
    pub fn package(&mut self, package: &Package) -> Result<(), Unfit> {
        self.package_bytes(&package.canonical())
    }

    /// Add a course package by the bytes it came in, to write it back.
    ///
    /// # Errors
    /// When it does not fit, or is no package.
    pub fn package_bytes(&mut self, raw: &[u8]) -> Result<(), Unfit> {
        if raw.contains(&b'\n') || Package::parse(raw).is_err() {
            return Err(Unfit::Unreadable);
        }
        let mut written = false;
        self.statement(|to| written = statement::write_package(to, raw))?;
        if written { Ok(()) } else { Err(Unfit::Unreadable) }
    }

    /// Say that the bytes of a content are nowhere any more. One that is in already is passed over.
    ///
    /// # Errors
    /// When it does not fit.
    pub fn gone(&mut self, content: ContentId) -> Result<(), Unfit> {
        if self.known_gone.contains(&content) {
            return Ok(());
        }
        self.statement(|to| statement::write_gone(to, content))?;
        self.known_gone.insert(content);
        Ok(())
    }

    /// Say that this pack holds all that another one held, but what it calls gone.
    ///
    /// # Errors
    /// When it does not fit.
    pub fn replaces(&mut self, pack: PackId) -> Result<(), Unfit> {
        self.statement(|to| statement::write_replaces(to, pack))
    }

    /// Add a piece. One that is in already is passed over.
    ///
    /// # Errors
    /// When it does not fit.
    pub fn piece(&mut self, piece: Compressed) -> Result<(), Unfit> {
        let Compressed { id, size, raw, bytes } = piece;
        if self.known_pieces.contains(&id) {
            return Ok(());
        }
        let stored = u32::try_from(bytes.len()).map_err(|_| Unfit::Unreadable)?;
        if size as usize > LARGEST_PIECE || (raw && stored != size) {
            return Err(Unfit::Unreadable);
        }
        // An entry is 64 digits of name, four numbers and the words between: well under 200 bytes.
        if self.known_pieces.len() >= MOST_PIECES || self.len() + bytes.len() + 200 > LARGEST {
            return Err(Unfit::NoRoom);
        }
        self.index.piece(&PieceAt { id, at: self.pieces.len() as u64, stored, size, raw });
        self.pieces.extend_from_slice(&bytes);
        self.known_pieces.insert(id);
        Ok(())
    }

    /// Say which pieces make up a content of more than one. A content of one piece needs no word: the piece
    /// bears its name, and a call for it is passed over.
    ///
    /// # Errors
    /// When it does not fit.
    pub fn content(&mut self, id: ContentId, size: u64, pieces: &[PieceId]) -> Result<(), Unfit> {
        if pieces == [PieceId::from(id)] || self.known_contents.contains(&id) {
            return Ok(());
        }
        if pieces.len() < 2 {
            return Err(Unfit::Unreadable);
        }
        if self.len() + pieces.len() * 67 + 200 > LARGEST {
            return Err(Unfit::NoRoom);
        }
        self.index.content(id, size, pieces);
        self.known_contents.insert(id);
        Ok(())
    }

    /// How long the file is if it is finished now, in bytes.
    pub fn len(&self) -> usize {
        HEADER + self.statements.len() + self.pieces.len() + self.index.len() + FOOTER
    }

    /// Whether nothing was added.
    pub fn is_empty(&self) -> bool {
        self.statements.is_empty() && self.known_pieces.is_empty() && self.known_contents.is_empty()
    }

    /// Whether it is time to finish this pack and begin another.
    pub fn is_full(&self) -> bool {
        self.len() >= TARGET || self.known_pieces.len() >= MOST_PIECES
    }

    /// Close it and name it.
    pub fn finish(self) -> Packed {
        let (whole, sections) = (self.len(), [self.statements.len(), self.pieces.len(), self.index.len()]);
        // The pieces are nearly all of it: they are moved up in their own buffer, not copied to another.
        let (mut bytes, before) = (self.pieces, HEADER + self.statements.len());
        bytes.reserve_exact(whole - bytes.len());
        bytes.splice(..0, std::iter::repeat_n(0, before));
        bytes[..MAGIC.len()].copy_from_slice(MAGIC);
        bytes[MAGIC.len()..HEADER].copy_from_slice(&VERSION.to_le_bytes());
        bytes[HEADER..before].copy_from_slice(&self.statements);
        self.index.write(&mut bytes);
        for section in sections {
            bytes.extend_from_slice(&(section as u64).to_le_bytes());
        }
        bytes.extend_from_slice(MAGIC);
        Packed { id: PackId::of(&bytes), bytes }
    }

    fn statement(&mut self, write: impl FnOnce(&mut Vec<u8>)) -> Result<(), Unfit> {
        let before = self.statements.len();
        write(&mut self.statements);
        if self.len() > LARGEST {
            self.statements.truncate(before);
            return Err(Unfit::NoRoom);
        }
        Ok(())
    }
}
