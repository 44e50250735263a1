//! The index of a pack: where each piece lies, and which pieces make up a content of more than one. A writer
//! adds entries as finished text, so that the length of the pack is known at any moment; a reader believes no
//! number in it before it has been compared with the pack's own length.

use std::collections::HashSet;

use kitbag_core::id::{ContentId, PieceId};
use serde::{Deserialize, Serialize};

use super::statement::Notes;
use super::{BadPack, LARGEST_PIECE, MOST_PIECES, Pack, PieceAt};

const OPEN: &str = "{\"pieces\":[";
const MIDDLE: &str = "],\"contents\":[";
const CLOSE: &str = "]}";

#[derive(Serialize, Deserialize)]
struct PieceEntry {
    id: PieceId,
    /// From the first byte of the pieces section.
    at: u64,
    stored: u32,
    size: u32,
    raw: bool,
}

#[derive(Serialize, Deserialize)]
struct ContentEntry {
    id: ContentId,
    size: u64,
    pieces: Vec<PieceId>,
}

#[derive(Deserialize)]
struct Index {
    pieces: Vec<PieceEntry>,
    contents: Vec<ContentEntry>,
}

/// An index being written.
#[derive(Default)]
pub(super) struct Writer {
    pieces: Vec<u8>,
    contents: Vec<u8>,
}

impl Writer {
    pub(super) fn piece(&mut self, piece: &PieceAt) {
        let &PieceAt { id, at, stored, size, raw } = piece;
        push(&mut self.pieces, &PieceEntry { id, at, stored, size, raw });
    }

    pub(super) fn content(&mut self, id: ContentId, size: u64, pieces: &[PieceId]) {
        push(&mut self.contents, &ContentEntry { id, size, pieces: pieces.to_vec() });
    }

    pub(super) fn len(&self) -> usize {
        OPEN.len() + self.pieces.len() + MIDDLE.len() + self.contents.len() + CLOSE.len()
    }

    pub(super) fn write(&self, to: &mut Vec<u8>) {
        to.extend_from_slice(OPEN.as_bytes());
        to.extend_from_slice(&self.pieces);
        to.extend_from_slice(MIDDLE.as_bytes());
        to.extend_from_slice(&self.contents);
        to.extend_from_slice(CLOSE.as_bytes());
    }
}

fn push<T: Serialize>(list: &mut Vec<u8>, entry: &T) {
    if !list.is_empty() {
        list.push(b',');
    }
    // Plain structs of numbers and texts cannot fail to become JSON.
    list.extend(serde_json::to_vec(entry).unwrap_or_default());
}

/// Read the index of a pack whose pieces stand in `start..end`.
pub(super) fn read(
    bytes: &[u8],
    start: u64,
    end: u64,
    pack: &mut Pack,
    notes: &mut Notes,
) -> Result<(), BadPack> {
    let index: Index =
        serde_json::from_slice(bytes).map_err(|error| BadPack::Damaged(format!("its index: {error}")))?;
    if index.pieces.len() > MOST_PIECES {
        return Err(BadPack::Damaged(format!("it lists {} pieces", index.pieces.len())));
    }
    let mut seen = HashSet::new();
    for PieceEntry { id, at, stored, size, raw } in index.pieces {
        let absolute = start.checked_add(at);
        let inside = absolute.and_then(|at| at.checked_add(stored.into())).is_some_and(|last| last <= end);
        match absolute {
            Some(at) if inside && size as usize <= LARGEST_PIECE && (!raw || stored == size) => {
                if seen.insert(id) {
                    pack.pieces.push(PieceAt { id, at, stored, size, raw });
                } else {
                    notes.add(&format!("piece {id} is listed twice"));
                }
            }
            _ => notes.add(&format!("piece {id} cannot lie where the index says")),
        }
    }
    for ContentEntry { id, size, pieces } in index.contents {
        // Each piece holds between one byte and the largest piece.
        let room = (pieces.len() as u64).saturating_mul(LARGEST_PIECE as u64);
        if pieces.len() < 2 || size > room || size < pieces.len() as u64 {
            notes.add(&format!("content {id} cannot be made of the pieces listed"));
        } else {
            pack.contents.push((id, size, pieces));
        }
    }
    Ok(())
}
