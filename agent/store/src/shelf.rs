//! The two doors through which stored bytes come in: the packs in the share, and the loose contents in this
//! machine's state that no pack holds yet. The engine opens real files; the memory ones serve tests and the
//! simulator. What comes through either door is checked by whoever reads it, never here.

use std::collections::BTreeMap;
use std::io::{self, Cursor, Read};
use std::sync::{Mutex, MutexGuard, PoisonError};

use kitbag_core::id::{ContentId, PackId};

/// Where the packs stand.
pub trait Shelf: Send + Sync {
    /// Exactly `len` bytes from offset `at` of a pack.
    ///
    /// # Errors
    /// `NotFound` when the pack is not there (any more), `UnexpectedEof` when it is shorter, or any other
    /// trouble of the file system.
    fn read_at(&self, pack: PackId, at: u64, len: usize) -> io::Result<Vec<u8>>;
}

/// Where the contents stand that the ledger calls kept.
pub trait Loose: Send + Sync {
    /// Open one from its beginning.
    ///
    /// # Errors
    /// `NotFound` when it is not there, or any other trouble of the file system.
    fn open(&self, content: ContentId) -> io::Result<Box<dyn Read + '_>>;
}

/// Packs in memory.
#[derive(Debug, Default)]
pub struct MemoryShelf(Mutex<BTreeMap<PackId, Vec<u8>>>);

impl MemoryShelf {
    /// An empty shelf.
    pub fn new() -> Self {
        Self::default()
    }

    /// Put a pack on it, in place of one of that name.
    pub fn put(&self, pack: PackId, bytes: Vec<u8>) {
        self.lock().insert(pack, bytes);
    }

    /// Take a pack off; false when it was not there.
    pub fn remove(&self, pack: PackId) -> bool {
        self.lock().remove(&pack).is_some()
    }

    // A panic elsewhere leaves the map whole, so a poisoned lock is still good.
    fn lock(&self) -> MutexGuard<'_, BTreeMap<PackId, Vec<u8>>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Shelf for MemoryShelf {
    fn read_at(&self, pack: PackId, at: u64, len: usize) -> io::Result<Vec<u8>> {
        let packs = self.lock();
        let bytes = packs.get(&pack).ok_or(io::ErrorKind::NotFound)?;
        let from = usize::try_from(at).map_err(|_| io::ErrorKind::UnexpectedEof)?;
        let to = from.checked_add(len).ok_or(io::ErrorKind::UnexpectedEof)?;
        Ok(bytes.get(from..to).ok_or(io::ErrorKind::UnexpectedEof)?.to_vec())
    }
}

/// Loose contents in memory.
#[derive(Debug, Default)]
pub struct MemoryLoose(Mutex<BTreeMap<ContentId, Vec<u8>>>);

impl MemoryLoose {
    /// Nothing kept.
    pub fn new() -> Self {
        Self::default()
    }

    /// Keep these bytes under their name.
    pub fn put(&self, bytes: Vec<u8>) -> ContentId {
        let id = ContentId::of(&bytes);
        self.0.lock().unwrap_or_else(PoisonError::into_inner).insert(id, bytes);
        id
    }
}

impl Loose for MemoryLoose {
    fn open(&self, content: ContentId) -> io::Result<Box<dyn Read + '_>> {
        let kept = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        Ok(Box::new(Cursor::new(kept.get(&content).ok_or(io::ErrorKind::NotFound)?.clone())))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_shelf_gives_exactly_what_is_there() {
        let shelf = MemoryShelf::new();
        let id = PackId::of(b"hello");
        shelf.put(id, b"hello".to_vec());
        assert_eq!(shelf.read_at(id, 1, 3).unwrap(), b"ell");
        assert_eq!(shelf.read_at(id, 5, 0).unwrap(), b"");
        for (at, len) in [(0, 6), (6, 0), (u64::MAX, 1), (1, usize::MAX)] {
            assert_eq!(shelf.read_at(id, at, len).unwrap_err().kind(), io::ErrorKind::UnexpectedEof);
        }
        assert!(shelf.remove(id) && !shelf.remove(id));
        assert_eq!(shelf.read_at(id, 0, 1).unwrap_err().kind(), io::ErrorKind::NotFound);
    }
}
