//! One piece in and out of its stored form: a zstd frame, or the bytes themselves where compression gains
//! nothing. Coming out, the stated size bounds the decompression and the hash decides; a frame that promises
//! more than it should costs no more memory than the largest piece.

use std::cell::RefCell;

use kitbag_core::id::PieceId;
use zstd::bulk::Compressor;

use super::{LARGEST_PIECE, PieceAt};

const LEVEL: i32 = 3;
// Longer pieces are tried on three samples first; media and archives would cost time for nothing.
const SAMPLE: usize = 8 * 1024;
const WORTH_SAMPLING: usize = 64 * 1024;

/// A piece ready to be packed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Compressed {
    /// The hash of the uncompressed bytes.
    pub id: PieceId,
    /// How many bytes were put in.
    pub size: u32,
    /// Stored as it is: compressing gained nothing.
    pub raw: bool,
    /// What is stored.
    pub bytes: Vec<u8>,
}

/// What is stored is not the piece its index names.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("piece {0} is damaged")]
pub struct BadPiece(pub PieceId);

/// Compress one piece of at most [`LARGEST_PIECE`] bytes. Pure; many threads may do it at once.
pub fn compress(bytes: &[u8]) -> Compressed {
    compress_as(PieceId::of(bytes), bytes)
}

/// The same where the name is known already; `id` must be the hash of `bytes`.
pub fn compress_as(id: PieceId, bytes: &[u8]) -> Compressed {
    // A longer piece than u32 can say is refused by the builder, as is any over the largest piece.
    let size = u32::try_from(bytes.len()).unwrap_or(u32::MAX);
    if worth_it(bytes)
        && let Some(shrunk) = squeeze(bytes)
    {
        return Compressed { id, size, raw: false, bytes: shrunk };
    }
    Compressed { id, size, raw: true, bytes: bytes.to_vec() }
}

fn worth_it(bytes: &[u8]) -> bool {
    if bytes.len() < WORTH_SAMPLING {
        return true;
    }
    [0, bytes.len() / 2, bytes.len() - SAMPLE].iter().any(|&at| squeeze(&bytes[at..at + SAMPLE]).is_some())
}

// None when it does not get shorter by a thirty-second part, or zstd fails: then the bytes themselves serve.
fn squeeze(bytes: &[u8]) -> Option<Vec<u8>> {
    thread_local! {
        // A context costs more to make than a small file to compress.
        static CONTEXT: RefCell<Option<Compressor<'static>>> = const { RefCell::new(None) };
    }
    let shrunk = CONTEXT.with_borrow_mut(|context| {
        if context.is_none() {
            *context = Compressor::new(LEVEL).ok();
        }
        context.as_mut()?.compress(bytes).ok()
    })?;
    (shrunk.len() < bytes.len() - bytes.len() / 32).then_some(shrunk)
}

pub(super) fn open(piece: &PieceAt, stored: &[u8]) -> Result<Vec<u8>, BadPiece> {
    let bad = BadPiece(piece.id);
    let size = piece.size as usize;
    if size > LARGEST_PIECE || stored.len() != piece.stored as usize {
        return Err(bad);
    }
    let bytes = if piece.raw {
        stored.to_vec()
    } else {
        zstd::bulk::decompress(stored, size).map_err(|_| bad.clone())?
    };
    if bytes.len() == size && PieceId::of(&bytes) == piece.id { Ok(bytes) } else { Err(bad) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::pack::tests::noise;

    fn stored(piece: &Compressed) -> PieceAt {
        let Compressed { id, size, raw, bytes } = piece;
        PieceAt { id: *id, at: 0, stored: bytes.len() as u32, size: *size, raw: *raw }
    }

    #[test]
    fn there_and_back() {
        let text = "a notebook full of text\n".repeat(10_000).into_bytes();
        for (bytes, raw) in
            [(Vec::new(), true), (b"x".to_vec(), true), (noise(300_000, 7), true), (text, false)]
        {
            let piece = compress(&bytes);
            assert_eq!((piece.raw, piece.size as usize), (raw, bytes.len()));
            assert!(piece.bytes.len() <= bytes.len());
            assert_eq!(stored(&piece).open(&piece.bytes).unwrap(), bytes);
        }
    }

    #[test]
    fn noise_around_something_is_still_compressed() {
        let mut bytes = noise(400_000, 8);
        bytes[150_000..250_000].fill(b' ');
        let piece = compress(&bytes);
        assert!(!piece.raw && piece.bytes.len() < 320_000);
    }

    #[test]
    fn a_bomb_does_not_go_off() {
        let bomb = zstd::bulk::compress(&vec![0; 64 * 1024 * 1024], 3).unwrap();
        for size in [1, 1000, LARGEST_PIECE, u32::MAX as usize] {
            let piece = PieceAt {
                id: PieceId::of(b""),
                at: 0,
                stored: bomb.len() as u32,
                size: size as u32,
                raw: false,
            };
            assert_eq!(piece.open(&bomb), Err(BadPiece(piece.id)));
        }
    }

    #[test]
    fn other_bytes_are_refused() {
        let piece = compress(&b"some text, some text, some text, some text, some text".repeat(3));
        let at = stored(&piece);
        assert!(at.open(&piece.bytes[1..]).is_err());
        assert!(PieceAt { size: at.size - 1, ..at }.open(&piece.bytes).is_err());
        assert!(PieceAt { size: at.size + 1, ..at }.open(&piece.bytes).is_err());
        assert!(PieceAt { id: PieceId::of(b"other"), ..at }.open(&piece.bytes).is_err());
        assert!(PieceAt { raw: true, ..at }.open(&piece.bytes).is_err());
    }
}
