//! Take a pack apart. First the name: a file that does not match it has not arrived, whatever it holds. Then
//! the frame: magic, version, and three lengths that must add up to the file's. Then the statements and the
//! index, entry by entry. No piece is decompressed here, so reading a pack costs its own length and no more.

use kitbag_core::id::PackId;

use super::statement::Notes;
use super::{FOOTER, HEADER, LARGEST, MAGIC, Pack, VERSION, index, statement};

/// Why a file is not a pack we can take.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum BadPack {
    /// The bytes do not match the name: half copied, or still the provider's placeholder. Try again later.
    #[error("it has not arrived completely")]
    NotArrived,
    /// A later format; the number is its version.
    #[error("it was written by a later kitbag (format {0})")]
    Newer(u32),
    /// It arrived as it was written, and was written wrong. The text is safe to show.
    #[error("it is damaged: {0}")]
    Damaged(String),
}

/// Verify a pack against its name and list what is in it.
///
/// # Errors
/// When it has not arrived, is of a later format, or its frame is broken. A bad record in a sound frame is
/// no error: it is skipped and noted in [`Pack::refused`].
pub fn read(id: PackId, bytes: &[u8]) -> Result<Pack, BadPack> {
    if PackId::of(bytes) != id {
        return Err(BadPack::NotArrived);
    }
    let frame = Frame::of(bytes)?;
    let (mut pack, mut notes) = (Pack::default(), Notes::default());
    statement::read(&bytes[HEADER..frame.pieces], &mut pack, &mut notes);
    let listed = &bytes[frame.index..frame.footer];
    index::read(listed, frame.pieces as u64, frame.index as u64, &mut pack, &mut notes)?;
    pack.refused = notes.finish();
    Ok(pack)
}

/// Whether a file that does not match its name is as long as the pack it wants to be: its end says so, in one of the
/// two ways. Then nothing more of it will come, and what is wrong with it is damage. What is cut short, or filled up
/// with zeros, is still being delivered.
pub fn looks_complete(bytes: &[u8]) -> bool {
    let Some((front, footer)) = bytes.split_last_chunk::<FOOTER>() else { return false };
    let (lengths, magic) = footer.as_chunks::<8>().0.split_at(3);
    let sections =
        lengths.iter().try_fold(HEADER as u64, |sum, length| sum.checked_add(u64::from_le_bytes(*length)));
    front.len() >= HEADER
        && (magic == [*MAGIC] || (sections == Some(front.len() as u64) && footer.last() != Some(&0)))
}

// Where each section begins.
struct Frame {
    pieces: usize,
    index: usize,
    footer: usize,
}

impl Frame {
    fn of(bytes: &[u8]) -> Result<Self, BadPack> {
        let damaged = |what: &str| BadPack::Damaged(what.to_owned());
        if bytes.len() > LARGEST {
            return Err(damaged("it is longer than any pack"));
        }
        let after_magic = bytes.strip_prefix(MAGIC).ok_or_else(|| damaged("it is no pack"))?;
        let version = after_magic.first_chunk().ok_or_else(|| damaged("it is cut short"))?;
        match u32::from_le_bytes(*version) {
            VERSION => (),
            version if version > VERSION => return Err(BadPack::Newer(version)),
            _ => return Err(damaged("its format version does not exist")),
        }
        let footer = bytes.len().checked_sub(FOOTER).filter(|&at| at >= HEADER);
        let footer = footer.ok_or_else(|| damaged("it is cut short"))?;
        let (lengths, magic) = bytes[footer..].as_chunks::<8>().0.split_at(3);
        if magic != [*MAGIC] {
            return Err(damaged("it does not end as a pack"));
        }
        // Sections follow each other without gaps; a length that leaves the file is a lie.
        let mut at = HEADER as u64;
        let mut starts = [0; 3];
        for (start, length) in starts.iter_mut().zip(lengths) {
            *start = at as usize;
            at = at
                .checked_add(u64::from_le_bytes(*length))
                .filter(|&end| end <= footer as u64)
                .ok_or_else(|| damaged("its sections do not fit"))?;
        }
        if at != footer as u64 {
            return Err(damaged("its sections do not fill it"));
        }
        let [_, pieces, index] = starts;
        Ok(Frame { pieces, index, footer })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::pack::Builder;

    #[test]
    fn a_spoilt_pack_is_told_from_one_on_its_way() {
        let mut builder = Builder::new();
        builder.piece(crate::compress(b"some bytes")).unwrap();
        let whole = builder.finish().bytes;
        for at in 0..whole.len() {
            for bit in 0..8 {
                let mut spoilt = whole.clone();
                spoilt[at] ^= 1 << bit;
                assert!(looks_complete(&spoilt), "bit {bit} of byte {at}");
            }
            let mut filled = whole[..at].to_vec();
            assert!(!looks_complete(&filled), "cut at {at}");
            filled.resize(whole.len(), 0);
            assert!(!looks_complete(&filled), "zeros from {at}");
        }
    }
}
