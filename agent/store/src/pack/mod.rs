//! One immutable file of the sidecar: version records, course packages and compressed pieces, named by the
//! hash of all its bytes. [`Builder`] writes one, [`read`] takes one apart. Everything read is hostile: the
//! name is checked first, then the frame, then each statement and index entry by itself, so that one bad
//! record does not cost the others. The format below is a promise to strangers and to later versions.
//!
#![doc = include_str!("../../FORMAT.md")]

mod build;
mod compress;
mod index;
mod merge;
mod package;
mod read;
mod statement;

#[cfg(test)]
pub(crate) mod tests;

use std::collections::BTreeSet;

use kitbag_core::id::{ContentId, PackId, PieceId, RecordId};
use kitbag_core::version::{Label, Record};

pub use build::{Builder, Packed, Unfit};
pub use compress::{BadPiece, Compressed, compress, compress_as};
pub use merge::merge;
pub use package::{BadPackage, Package, PackageFile};
pub use read::{BadPack, looks_complete, read};

use statement::Notes;

/// A builder is full from this many bytes on.
pub const TARGET: usize = 8 * 1024 * 1024;
/// No pack is longer, in bytes.
pub const LARGEST: usize = 16 * 1024 * 1024;
/// No piece is longer, in bytes, uncompressed.
pub const LARGEST_PIECE: usize = 4 * 1024 * 1024;
/// No pack lists more pieces.
pub const MOST_PIECES: usize = 100_000;
/// The version of the format this build writes, and the highest it reads.
pub const VERSION: u32 = 1;

const MAGIC: &[u8; 8] = b"KITBAGPK";
const HEADER: usize = 12;
const FOOTER: usize = 32;

/// A pack's place below the sidecar: `packs/ab/HASH`.
pub fn place(pack: PackId) -> String {
    let name = pack.to_string();
    format!("packs/{}/{name}", &name[..2])
}

/// A pack taken apart. Pieces are only listed; they are decompressed when somebody wants them.
#[derive(Debug, Clone, Default)]
pub struct Pack {
    /// The version records.
    pub records: Vec<PackRecord>,
    /// The course packages.
    pub packages: Vec<PackPackage>,
    /// The pieces in it.
    pub pieces: Vec<PieceAt>,
    /// Contents of more than one piece; the pieces may lie in other packs.
    pub contents: Vec<(ContentId, u64, Vec<PieceId>)>,
    /// Contents of superseded versions whose bytes are said to be nowhere any more.
    pub gone: BTreeSet<ContentId>,
    /// Packs all of which this one says to hold, but what it calls gone. To be checked before it is believed.
    pub replaces: BTreeSet<PackId>,
    /// How many statements are of a kind this build does not know. They are passed over; nobody may leave them out who
    /// writes the pack anew.
    pub unknown: usize,
    /// What was skipped and why, in words that are safe to show.
    pub refused: Vec<String>,
}

impl Pack {
    /// Open every piece once and strike out those that are not what the index says, with a note. `bytes` is
    /// the pack they were read from. Call it on packs of other machines before the ledger believes them:
    /// a piece some pack claims to hold is not stored again.
    pub fn prove(&mut self, bytes: &[u8]) {
        let mut notes = Notes::default();
        self.pieces.retain(|piece| {
            let stored =
                usize::try_from(piece.at).ok().and_then(|at| bytes.get(at..)?.get(..piece.stored as usize));
            let good = stored.is_some_and(|stored| piece.open(stored).is_ok());
            if !good {
                notes.add(&BadPiece(piece.id).to_string());
            }
            good
        });
        self.refused.extend(notes.finish());
    }
}

/// One version record as it stands in a pack.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PackRecord {
    /// The hash of `raw`.
    pub id: RecordId,
    /// What it says.
    pub record: Record,
    /// Its canonical bytes, verbatim.
    pub raw: Vec<u8>,
    /// Who made it when, for people.
    pub label: Option<Label>,
}

/// One course package as it stands in a pack.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PackPackage {
    /// The hash of `raw`.
    pub id: ContentId,
    /// What it says.
    pub package: Package,
    /// Its bytes, verbatim.
    pub raw: Vec<u8>,
}

/// Where one piece lies in its pack.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PieceAt {
    /// The hash of the uncompressed bytes.
    pub id: PieceId,
    /// Offset of the stored bytes from the beginning of the pack.
    pub at: u64,
    /// How many bytes are stored.
    pub stored: u32,
    /// How many bytes come out, at most [`LARGEST_PIECE`].
    pub size: u32,
    /// Stored as it is, not compressed.
    pub raw: bool,
}

impl PieceAt {
    /// The piece's bytes from what is stored of it.
    ///
    /// # Errors
    /// When they are not of the stated size or do not match the name.
    pub fn open(&self, stored: &[u8]) -> Result<Vec<u8>, BadPiece> {
        compress::open(self, stored)
    }
}
