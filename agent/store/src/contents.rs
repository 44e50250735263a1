//! Give it a content's name and get its bytes, wherever they lie: in one piece, in many pieces over many
//! packs, or loose on this machine. Every piece is checked before it is passed on and the whole at the end.
//! Whoever filled the share may lie about where a content lies; so when there are several answers, each is
//! tried until one turns out true.

use std::io::{self, Read, Write};

use kitbag_core::id::{ContentId, PieceId};

use crate::error::StoreError;
use crate::ledger::Ledger;
use crate::shelf::{Loose, Shelf};

/// Why a content cannot be had.
#[derive(Debug, thiserror::Error)]
pub enum ContentError {
    /// Neither the packs nor the kept contents have all of it.
    #[error("content {0} is not here")]
    NotHere(ContentId),
    /// It is here, but none of the places gives the bytes it is named by.
    #[error("content {0} is damaged")]
    Damaged(ContentId),
    /// Longer than the caller wants to take.
    #[error("content {id} is longer than {limit} bytes")]
    TooLong {
        /// Which.
        id: ContentId,
        /// What the caller allows, in bytes.
        limit: u64,
    },
    /// A pack or kept file cannot be read now.
    #[error("content {id} cannot be read: {error}")]
    Unreadable {
        /// Which.
        id: ContentId,
        /// Why.
        #[source]
        error: io::Error,
    },
    /// The bytes are good, but cannot be written where the caller wants them.
    #[error("cannot write: {0}")]
    Write(#[source] io::Error),
    /// The ledger's own trouble.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// Reads contents.
#[derive(Clone, Copy)]
pub struct Contents<'a> {
    ledger: &'a Ledger,
    shelf: &'a dyn Shelf,
    loose: &'a dyn Loose,
}

// One answer to the question where a content lies.
enum Source {
    Pieces(Vec<PieceId>),
    Kept,
}

impl<'a> Contents<'a> {
    /// Find by the ledger, read packs from the shelf and kept contents from loose.
    pub fn new(ledger: &'a Ledger, shelf: &'a dyn Shelf, loose: &'a dyn Loose) -> Self {
        Contents { ledger, shelf, loose }
    }

    /// The whole content in memory, if it has at most `limit` bytes.
    ///
    /// # Errors
    /// When it is not here, too long, or damaged wherever it lies.
    pub fn read(&self, id: ContentId, limit: u64) -> Result<Vec<u8>, ContentError> {
        let mut trouble = ContentError::NotHere(id);
        for source in self.sources(id)? {
            let mut to = Limited { bytes: Vec::new(), limit, passed: false };
            match self.stream(id, &source, &mut to) {
                Ok(()) => return Ok(to.bytes),
                Err(_) if to.passed => trouble = ContentError::TooLong { id, limit },
                Err(error @ ContentError::Store(_)) => return Err(error),
                Err(error) => trouble = error,
            }
        }
        Err(trouble)
    }

    /// Write the content out piece by piece; memory is that of one piece. After an error what was written is
    /// to be thrown away.
    ///
    /// # Errors
    /// When it is not here, damaged wherever it lies, or cannot be written.
    pub fn copy_to(&self, id: ContentId, to: &mut dyn Write) -> Result<(), ContentError> {
        let mut sources = self.sources(id)?;
        let Some(last) = sources.pop() else { return Err(ContentError::NotHere(id)) };
        for source in sources {
            // With another place left to try, nothing goes out before this one has proved good.
            match self.stream(id, &source, &mut io::sink()) {
                Ok(()) => return self.stream(id, &source, to),
                Err(error @ ContentError::Store(_)) => return Err(error),
                Err(_) => (),
            }
        }
        self.stream(id, &last, to)
    }

    fn sources(&self, id: ContentId) -> Result<Vec<Source>, ContentError> {
        let mut sources = Vec::new();
        if self.ledger.has_piece(id.into())? {
            sources.push(Source::Pieces(vec![id.into()]));
        }
        for (_, pieces) in self.ledger.layouts(id)? {
            if self.ledger.has_pieces(&pieces)? {
                sources.push(Source::Pieces(pieces));
            }
        }
        if self.ledger.kept(id)? {
            sources.push(Source::Kept);
        }
        Ok(sources)
    }

    fn stream(&self, id: ContentId, source: &Source, to: &mut dyn Write) -> Result<(), ContentError> {
        let mut hash = blake3::Hasher::new();
        let mut pass = |bytes: &[u8]| {
            hash.update(bytes);
            to.write_all(bytes).map_err(ContentError::Write)
        };
        match source {
            Source::Pieces(pieces) => {
                for piece in pieces {
                    pass(&self.piece(id, *piece)?)?;
                }
            }
            Source::Kept => {
                let unreadable = |error| ContentError::Unreadable { id, error };
                let mut file = self.loose.open(id).map_err(unreadable)?;
                let mut buffer = vec![0; 64 * 1024];
                loop {
                    match file.read(&mut buffer) {
                        Ok(0) => break,
                        Ok(read) => pass(&buffer[..read])?,
                        Err(error) if error.kind() == io::ErrorKind::Interrupted => (),
                        Err(error) => return Err(unreadable(error)),
                    }
                }
            }
        }
        if ContentId::from(hash.finalize()) == id { Ok(()) } else { Err(ContentError::Damaged(id)) }
    }

    // From the first pack that gives it whole.
    fn piece(&self, id: ContentId, piece: PieceId) -> Result<Vec<u8>, ContentError> {
        let mut trouble = ContentError::NotHere(id);
        for place in self.ledger.places(piece)? {
            match self.shelf.read_at(place.pack, place.piece.at, place.piece.stored as usize) {
                Ok(stored) => match place.piece.open(&stored) {
                    Ok(bytes) => return Ok(bytes),
                    Err(_) => trouble = ContentError::Damaged(id),
                },
                Err(error) => trouble = ContentError::Unreadable { id, error },
            }
        }
        Err(trouble)
    }
}

// Takes up to a limit and remembers that more was offered.
struct Limited {
    bytes: Vec<u8>,
    limit: u64,
    passed: bool,
}

impl Write for Limited {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        if (self.bytes.len() + bytes.len()) as u64 > self.limit {
            self.passed = true;
            return Err(io::ErrorKind::FileTooLarge.into());
        }
        self.bytes.extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use kitbag_core::id::PackId;

    use super::*;
    use crate::pack::tests::noise;
    use crate::pack::{Builder, Pack, PieceAt, compress_as, read};
    use crate::{MemoryLoose, MemoryShelf, cut};

    struct World {
        ledger: Ledger,
        shelf: MemoryShelf,
        loose: MemoryLoose,
    }

    impl World {
        fn new() -> Self {
            let (shelf, loose) = (MemoryShelf::new(), MemoryLoose::new());
            World { ledger: Ledger::in_memory().unwrap(), shelf, loose }
        }

        fn contents(&self) -> Contents<'_> {
            Contents::new(&self.ledger, &self.shelf, &self.loose)
        }

        fn close(&self, builder: Builder) -> PackId {
            let packed = builder.finish();
            self.ledger
                .add_pack(
                    packed.id,
                    &read(packed.id, &packed.bytes).unwrap(),
                    packed.bytes.len() as u64,
                    true,
                )
                .unwrap();
            self.shelf.put(packed.id, packed.bytes);
            packed.id
        }

        // As a publish does it: pieces that are stored already are left out.
        fn publish(&self, bytes: &[u8]) -> (ContentId, usize) {
            let (mut builder, mut stored) = (Builder::new(), 0);
            let cut = cut::<io::Error>(&mut &bytes[..], &mut |id, piece| {
                if !self.ledger.has_piece(id).unwrap() {
                    stored += piece.len();
                    builder.piece(compress_as(id, piece)).unwrap();
                }
                if builder.is_full() {
                    self.close(std::mem::take(&mut builder));
                }
                Ok(())
            })
            .unwrap();
            builder.content(cut.id, cut.size, &cut.pieces).unwrap();
            self.close(builder);
            (cut.id, stored)
        }

        // Give other bytes to a pack than those it is named by, as a broken disk would.
        fn spoil(&self, pack: PackId, at: u64) {
            let len = (0..).take_while(|&len| self.shelf.read_at(pack, 0, len).is_ok()).last().unwrap();
            let mut bytes = self.shelf.read_at(pack, 0, len).unwrap();
            bytes[at as usize] ^= 1;
            self.shelf.put(pack, bytes);
        }
    }

    fn copied(contents: Contents<'_>, id: ContentId) -> Result<Vec<u8>, ContentError> {
        let mut to = Vec::new();
        contents.copy_to(id, &mut to).map(|()| to)
    }

    #[test]
    fn contents_of_any_size_come_back() {
        let world = World::new();
        for bytes in [Vec::new(), b"hello".to_vec(), noise(1 << 20, 1), noise(20 << 20, 2), vec![7; 5 << 20]]
        {
            let (id, _) = world.publish(&bytes);
            assert!(world.ledger.is_packed(id).unwrap());
            assert!(copied(world.contents(), id).unwrap() == bytes);
            assert!(world.contents().read(id, bytes.len() as u64).unwrap() == bytes);
            if !bytes.is_empty() {
                let short = world.contents().read(id, bytes.len() as u64 - 1);
                assert!(matches!(short, Err(ContentError::TooLong { .. })));
            }
        }
    }

    #[test]
    fn a_small_change_stores_little() {
        let world = World::new();
        let mut bytes = noise(32 << 20, 3);
        assert_eq!(world.publish(&bytes).1, bytes.len());
        bytes[16 << 20..17 << 20].copy_from_slice(&noise(1 << 20, 4));
        let (id, stored) = world.publish(&bytes);
        assert!(stored <= 4 << 20, "{stored} bytes");
        assert!(copied(world.contents(), id).unwrap() == bytes);
    }

    #[test]
    fn what_is_not_here_is_said_to_be_missing() {
        let world = World::new();
        let id = ContentId::of(b"x");
        assert!(matches!(world.contents().read(id, 9), Err(ContentError::NotHere(_))));
        assert!(matches!(copied(world.contents(), id), Err(ContentError::NotHere(_))));
        let (id, _) = world.publish(b"some bytes");
        for pack in world.ledger.packs().unwrap() {
            world.shelf.remove(pack);
        }
        assert!(matches!(world.contents().read(id, 99), Err(ContentError::Unreadable { .. })));
        assert!(matches!(copied(world.contents(), id), Err(ContentError::Unreadable { .. })));
    }

    #[test]
    fn kept_contents_are_read_and_checked() {
        let world = World::new();
        let bytes = noise(200_000, 5);
        let id = world.loose.put(bytes.clone());
        assert!(copied(world.contents(), id).is_err(), "nobody said so");
        world.ledger.keep(id, bytes.len() as u64).unwrap();
        assert!(copied(world.contents(), id).unwrap() == bytes);
        let gone = ContentId::of(b"gone");
        world.ledger.keep(gone, 4).unwrap();
        assert!(matches!(copied(world.contents(), gone), Err(ContentError::Unreadable { .. })));

        struct Liar;
        impl Loose for Liar {
            fn open(&self, _: ContentId) -> io::Result<Box<dyn Read + '_>> {
                Ok(Box::new(&b"other"[..]))
            }
        }
        let lied = Contents::new(&world.ledger, &world.shelf, &Liar);
        assert!(matches!(copied(lied, id), Err(ContentError::Damaged(_))));
        assert!(matches!(lied.read(id, 9), Err(ContentError::Damaged(_))));
    }

    #[test]
    fn a_spoilt_pack_is_noticed_and_another_place_tried() {
        let world = World::new();
        let (id, _) = world.publish(b"some bytes");
        let first = world.ledger.pieces(id).unwrap().unwrap()[0];
        world.spoil(first.pack, first.piece.at);
        assert!(matches!(world.contents().read(id, 99), Err(ContentError::Damaged(_))));
        assert!(matches!(copied(world.contents(), id), Err(ContentError::Damaged(_))));
        // The same piece in a second pack.
        let mut builder = Builder::new();
        builder.piece(crate::compress(b"some bytes")).unwrap();
        builder.piece(crate::compress(b"another piece")).unwrap();
        world.close(builder);
        assert_eq!(copied(world.contents(), id).unwrap(), b"some bytes");
        assert_eq!(world.contents().read(id, 99).unwrap(), b"some bytes");
    }

    #[test]
    fn somebody_who_lies_does_not_hide_the_truth() {
        let world = World::new();
        let bytes = noise(3 << 20, 6);
        let id = ContentId::of(&bytes);
        // A list of pieces that are here, and are not the content; and the content as a piece of other bytes.
        let (other, _) = world.publish(b"other bytes");
        let claim = world.ledger.pieces(other).unwrap().unwrap()[0];
        let lie = Pack {
            contents: vec![(id, 22, vec![other.into(), other.into()])],
            pieces: vec![PieceAt { id: id.into(), ..claim.piece }],
            ..Pack::default()
        };
        world.ledger.add_pack(PackId::of(b"lie"), &lie, 1, false).unwrap();
        world.shelf.put(PackId::of(b"lie"), world.shelf.read_at(claim.pack, 0, 100).unwrap());
        assert!(world.ledger.has_content(id).unwrap());
        assert!(matches!(world.contents().read(id, 1 << 30), Err(ContentError::Damaged(_))));
        assert!(matches!(copied(world.contents(), id), Err(ContentError::Damaged(_))));
        assert_eq!(world.publish(&bytes).0, id);
        assert!(copied(world.contents(), id).unwrap() == bytes);
        assert!(world.contents().read(id, 1 << 30).unwrap() == bytes);
    }

    #[test]
    fn a_full_disk_is_told_apart_from_damage() {
        let world = World::new();
        let (id, _) = world.publish(b"some bytes");
        let mut small = [0; 4];
        let result = world.contents().copy_to(id, &mut &mut small[..]);
        assert!(matches!(result, Err(ContentError::Write(_))));
    }
}
