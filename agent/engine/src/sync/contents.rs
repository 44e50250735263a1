//! Where the bytes of a version are read: what this batch has in memory, what lies loose in machine state, and the
//! packs in the share.

use std::collections::BTreeMap;
use std::io::{self, Read, Write};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use kitbag_core::id::ContentId;
use kitbag_core::path::TEMPORARY_PREFIX;
use kitbag_core::reconcile::{self, Unreadable};
use kitbag_store::{ContentError, Contents, Ledger, Loose};

use crate::doors::Doors;
use crate::error::EngineError;
use crate::share::Share;

use super::Cycle;

/// The largest content that is ever looked into; who reads asks for no more than it can merge.
const LARGEST: u64 = kitbag_core::merge::notebook::LARGEST as u64;

/// Loose contents: bytes found in the mirror that no pack holds yet, each a file named by its hash.
pub struct Kept {
    folder: PathBuf,
    doors: Doors,
}

impl Kept {
    /// Those of a workspace.
    pub fn new(folder: PathBuf, doors: &Doors) -> Self {
        Kept { folder, doors: doors.clone() }
    }

    /// Where one lies.
    pub(crate) fn file(&self, id: ContentId) -> PathBuf {
        self.folder.join(id.to_string())
    }

    /// Store the bytes of a file durably, if they are still `id`. False when the file has changed.
    ///
    /// # Errors
    /// They cannot be read or stored.
    pub fn store(&self, id: ContentId, from: &Path) -> Result<bool, EngineError> {
        if self.has(id)? {
            return Ok(true);
        }
        let mut open = self.doors.disk.open(from).map_err(EngineError::io("cannot read", from))?;
        self.store_read(id, from, &mut open)
    }

    /// Store bytes durably under their name.
    ///
    /// # Errors
    /// They cannot be stored.
    pub fn store_bytes(&self, id: ContentId, bytes: &[u8]) -> Result<(), EngineError> {
        if !self.has(id)? {
            self.store_read(id, &self.file(id), &mut &*bytes)?;
        }
        Ok(())
    }

    /// Whether it lies there, durably: a sync that was killed may have left it without that.
    fn has(&self, id: ContentId) -> Result<bool, EngineError> {
        if self.doors.disk.stat(&self.file(id)).is_err() {
            return Ok(false);
        }
        self.make_durable().map(|()| true).map_err(EngineError::io("cannot store", &self.folder))
    }

    /// The names in the folder last, and its own: a run that made it may have been killed before it was durable.
    fn make_durable(&self) -> io::Result<()> {
        let disk = &self.doors.disk;
        disk.sync_dir(&self.folder)?;
        disk.sync_dir(self.folder.parent().unwrap_or(&self.folder))
    }

    fn store_read(&self, id: ContentId, from: &Path, open: &mut dyn Read) -> Result<bool, EngineError> {
        let (to, disk) = (self.file(id), &self.doors.disk);
        let fail = || EngineError::io("cannot store", &self.folder);
        if disk.stat(&self.folder).is_err() {
            disk.create_dirs(&self.folder).map_err(fail())?;
        }
        let token = self.doors.chance.token(8).map_err(fail())?;
        let temporary = self.folder.join(format!("{TEMPORARY_PREFIX}{token}.tmp"));
        let mut hasher = blake3::Hasher::new();
        let mut out = disk.create(&temporary).map_err(fail())?;
        let mut buffer = vec![0; 256 * 1024];
        loop {
            let n = open.read(&mut buffer).map_err(EngineError::io("cannot read", from))?;
            if n == 0 {
                break;
            }
            hasher.update(&buffer[..n]);
            out.write_all(&buffer[..n]).map_err(fail())?;
        }
        out.finish(true).map_err(fail())?;
        if ContentId::from(hasher.finalize()) != id {
            disk.remove(&temporary).map_err(fail())?;
            return Ok(false);
        }
        disk.rename_over(&temporary, &to).map_err(fail())?;
        self.make_durable().map_err(fail())?;
        Ok(true)
    }

    /// Remove what an earlier run was storing when it was ended.
    pub fn clear_left(&self) {
        for item in self.doors.disk.list(&self.folder).unwrap_or_default() {
            if item.name.to_str().is_some_and(|name| name.starts_with(TEMPORARY_PREFIX)) {
                // a leftover costs room only, and the next run tries again
                self.doors.disk.remove(&self.folder.join(item.name)).ok();
            }
        }
    }

    /// Forget one that has a better place now.
    pub fn forget(&self, id: ContentId) {
        // a leftover costs disk only, and the next clean-up finds it again
        self.doors.disk.remove(&self.file(id)).ok();
    }
}

impl Loose for Kept {
    fn open(&self, id: ContentId) -> io::Result<Box<dyn Read + '_>> {
        Ok(Box::new(self.doors.disk.open(&self.file(id))?))
    }
}

/// Everything a plan may read in one batch.
pub struct BatchContents<'a> {
    /// Bytes in memory.
    pub held: BTreeMap<ContentId, Arc<[u8]>>,
    /// Files that were seen to hold these and are too large to be kept in memory: read again each time.
    pub lying: BTreeMap<ContentId, PathBuf>,
    ledger: &'a Ledger,
    share: &'a Share,
    kept: &'a Kept,
}

impl<'a> BatchContents<'a> {
    /// With nothing in memory yet.
    pub fn new(ledger: &'a Ledger, share: &'a Share, kept: &'a Kept) -> Self {
        BatchContents { held: BTreeMap::new(), lying: BTreeMap::new(), ledger, share, kept }
    }

    /// The stored contents behind it.
    pub fn stored(&self) -> Contents<'a> {
        Contents::new(self.ledger, self.share, self.kept)
    }

    /// The bytes of a file, if they are still these.
    fn still(&self, id: ContentId, file: &Path) -> Option<Arc<[u8]>> {
        let mut bytes = Vec::new();
        self.kept.doors.disk.open(file).ok()?.take(LARGEST + 1).read_to_end(&mut bytes).ok()?;
        (ContentId::of(&bytes) == id).then(|| Arc::from(bytes))
    }

    /// Write a content out, from memory or from where it is stored; every byte is checked.
    ///
    /// # Errors
    /// It is not to be had, or cannot be written.
    pub fn copy_to(&self, id: ContentId, to: &mut dyn Write) -> io::Result<()> {
        match self.held.get(&id) {
            Some(bytes) => to.write_all(bytes),
            None => self.stored().copy_to(id, to).map_err(into_io),
        }
    }
}

impl Cycle<'_> {
    /// The bytes of a version, if they are at most so many.
    ///
    /// # Errors
    /// They are not to be had now, or damaged.
    pub(crate) fn stored(&self, id: ContentId, most: u64) -> Result<Vec<u8>, ContentError> {
        self.batch_contents().stored().read(id, most)
    }
}

fn into_io(error: ContentError) -> io::Error {
    match error {
        // the kind says whether a disk is full
        ContentError::Unreadable { error, .. } | ContentError::Write(error) => error,
        other => io::Error::other(other.to_string()),
    }
}

impl reconcile::Contents for BatchContents<'_> {
    fn read(&self, content: ContentId) -> Result<Option<Arc<[u8]>>, Unreadable> {
        if let Some(bytes) = self.held.get(&content) {
            return Ok(Some(bytes.clone()));
        }
        if let Some(bytes) = self.lying.get(&content).and_then(|file| self.still(content, file)) {
            return Ok(Some(bytes));
        }
        let gone = |error| match error {
            ContentError::NotHere(_) if self.ledger.is_gone(content)? => Ok(None),
            error => Err(error),
        };
        let bytes = self.stored().read(content, LARGEST).map(|bytes| Some(Arc::from(bytes))).or_else(gone);
        bytes.map_err(|error| Unreadable { content, reason: error.to_string() })
    }
}

#[cfg(test)]
mod tests {
    use kitbag_platform::chance::SimulatedChance;
    use kitbag_platform::clock::SimulatedClock;
    use kitbag_platform::disk::{Failure, SimulatedDisk};

    use super::*;

    fn kept(disk: &SimulatedDisk, clock: &SimulatedClock) -> Kept {
        // each start of the program draws other names
        let chance = Arc::new(SimulatedChance::new(disk.calls()));
        let (disk, clock) = (Arc::new(disk.clone()), Arc::new(clock.clone()));
        Kept::new("/kept".into(), &Doors { disk, clock, chance, ..Doors::real() })
    }

    #[test]
    fn what_is_said_to_be_kept_survives_a_power_cut_whatever_was_killed_before() {
        let id = ContentId::of(b"bytes");
        let mut killed = 0;
        for nth in 1..30 {
            let clock = SimulatedClock::new(0);
            let disk = SimulatedDisk::new(clock.clone());
            disk.fail_at(nth, Failure::Crash);
            killed += u32::from(kept(&disk, &clock).store_bytes(id, b"bytes").is_err());
            disk.restart();
            kept(&disk, &clock).store_bytes(id, b"bytes").unwrap();
            for seed in 0..8 {
                let cut = disk.copy(clock.clone());
                cut.power_cut(seed);
                let mut bytes = Vec::new();
                kept(&cut, &clock).open(id).unwrap().read_to_end(&mut bytes).unwrap();
                assert_eq!(bytes, b"bytes", "killed in call {nth}, seed {seed}");
            }
        }
        assert!(killed > 5, "{killed}");
    }

    #[test]
    fn a_full_disk_is_known_however_large_what_was_written_is() {
        for error in [
            ContentError::Write(io::ErrorKind::StorageFull.into()),
            ContentError::Unreadable { id: ContentId::of(b""), error: io::ErrorKind::StorageFull.into() },
        ] {
            assert_eq!(into_io(error).kind(), io::ErrorKind::StorageFull);
        }
    }
}
