//! Cut a content into pieces where its own bytes say so (FastCDC 2020), so that a change in the middle of a
//! big file changes the pieces around it and no others. Up to 1 MiB is one piece, which bears the content's
//! name. The cuts are no part of any name: another cutter would store the same contents, only less well
//! shared. Memory is the largest piece, whatever the file's size.

use std::io::{self, Read};

use fastcdc::v2020::{self, Normalization};
use kitbag_core::id::{ContentId, PieceId};

/// Contents up to this many bytes are one piece.
pub const WHOLE: usize = 1024 * 1024;
/// No piece but a content's last is shorter, in bytes.
pub const SMALLEST: usize = 128 * 1024;
/// What pieces come to on average, in bytes.
pub const AVERAGE: usize = 512 * 1024;
/// No piece we make is longer, in bytes.
pub const LONGEST: usize = 2 * 1024 * 1024;

/// What a content turned out to be.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Cut {
    /// The name of all its bytes.
    pub id: ContentId,
    /// How many bytes.
    pub size: u64,
    /// Its pieces in order; one of them where the content is short, and that bears the content's name.
    pub pieces: Vec<PieceId>,
}

/// Takes one piece and its name; an error ends the cutting.
pub type Each<'a, E> = dyn FnMut(PieceId, &[u8]) -> Result<(), E> + 'a;

/// Read to the end, naming and handing out each piece in order. Nothing at all is one piece of no bytes.
///
/// # Errors
/// Those of the reader, and those `each` returns, which end the reading.
pub fn cut<E: From<io::Error>>(reader: &mut dyn Read, each: &mut Each<'_, E>) -> Result<Cut, E> {
    let mut bytes = Vec::new();
    fill(reader, &mut bytes, WHOLE + 1)?;
    if bytes.len() <= WHOLE {
        let id = ContentId::of(&bytes);
        each(id.into(), &bytes)?;
        return Ok(Cut { id, size: bytes.len() as u64, pieces: vec![id.into()] });
    }
    let (strict, loose) = v2020::select_masks(AVERAGE, Normalization::Level1);
    let (mut whole, mut size, mut pieces) = (blake3::Hasher::new(), 0, Vec::new());
    loop {
        fill(reader, &mut bytes, LONGEST)?;
        if bytes.is_empty() {
            break;
        }
        let (_, end) = v2020::cut(&bytes, SMALLEST, AVERAGE, LONGEST, strict, loose, strict << 1, loose << 1);
        let piece = &bytes[..end];
        let id = PieceId::of(piece);
        whole.update(piece);
        size += end as u64;
        each(id, piece)?;
        pieces.push(id);
        bytes.drain(..end);
    }
    Ok(Cut { id: whole.finalize().into(), size, pieces })
}

// Read until the buffer holds `want` bytes or the reader ends.
fn fill(reader: &mut dyn Read, bytes: &mut Vec<u8>, want: usize) -> io::Result<()> {
    let missing = want.saturating_sub(bytes.len());
    reader.take(missing as u64).read_to_end(bytes)?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;
    use crate::pack::tests::noise;

    fn pieces_of(bytes: &[u8]) -> (Cut, Vec<Vec<u8>>) {
        let mut all = Vec::new();
        let cut = cut::<io::Error>(&mut &bytes[..], &mut |id, piece| {
            assert_eq!(id, PieceId::of(piece));
            all.push(piece.to_vec());
            Ok(())
        });
        (cut.unwrap(), all)
    }

    #[test]
    fn short_contents_are_one_piece_of_the_same_name() {
        for len in [0, 1, WHOLE] {
            let bytes = noise(len, 1);
            let (cut, all) = pieces_of(&bytes);
            assert_eq!(cut.id, ContentId::of(&bytes));
            assert_eq!((cut.pieces, cut.size), (vec![cut.id.into()], len as u64));
            assert_eq!(all, [bytes]);
        }
    }

    #[test]
    fn long_contents_come_together_again() {
        for bytes in [noise(WHOLE + 1, 2), noise(9_000_001, 3), vec![0; 5_000_000]] {
            let (cut, all) = pieces_of(&bytes);
            assert_eq!(all.concat(), bytes);
            assert_eq!((cut.id, cut.size), (ContentId::of(&bytes), bytes.len() as u64));
            assert!(all.iter().all(|piece| piece.len() <= LONGEST));
            assert!(all[..all.len() - 1].iter().all(|piece| piece.len() >= SMALLEST));
        }
    }

    #[test]
    fn a_change_in_the_middle_stays_there() {
        let before = noise(16 * 1024 * 1024, 4);
        let mut after = before.clone();
        after.splice(8_000_000..8_000_010, *b"something else of another length");
        let old: BTreeSet<_> = pieces_of(&before).0.pieces.into_iter().collect();
        let (cut, all) = pieces_of(&after);
        let new = cut.pieces.iter().zip(&all).filter(|(id, _)| !old.contains(id));
        let published: usize = new.map(|(_, piece)| piece.len()).sum();
        assert!(published <= 2 * LONGEST, "{published} bytes");
    }

    #[test]
    fn trouble_ends_the_cutting() {
        let mut calls = 0;
        let result = cut::<io::Error>(&mut &noise(5_000_000, 5)[..], &mut |_, _| {
            calls += 1;
            Err(io::ErrorKind::StorageFull.into())
        });
        assert_eq!((result.unwrap_err().kind(), calls), (io::ErrorKind::StorageFull, 1));
    }
}
