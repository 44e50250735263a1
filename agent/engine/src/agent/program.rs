//! The program file the agent runs from. A new version takes its place while the agent lives: noticed once the new file
//! stands still, since one that is still being written would not start, and one that is missing is only being replaced.

use std::path::{Path, PathBuf};

use kitbag_core::entry::Fingerprint;
use kitbag_platform::disk::Disk;

/// A new file that has not changed for so long is whole; milliseconds.
const STANDS: i64 = 1_500;
/// A file missing for so long was not just being replaced; milliseconds.
const GONE: i64 = 30_000;

/// The file, and what was seen in its place.
pub(super) struct Program {
    file: PathBuf,
    mark: Fingerprint,
    /// What else was there last and since when; none in it: nothing.
    other: Option<(Option<Fingerprint>, i64)>,
}

impl Program {
    /// As it is now; none where it cannot be looked at.
    pub(super) fn new(file: &Path, disk: &dyn Disk) -> Option<Self> {
        let mark = disk.stat(file).ok()?.fingerprint;
        Some(Program { file: file.to_owned(), mark, other: None })
    }

    /// Whether it was replaced. `now` is of the steady clock.
    pub(super) fn replaced(&mut self, disk: &dyn Disk, now: i64) -> bool {
        let here = disk.stat(&self.file).ok().map(|stat| stat.fingerprint);
        // another link to it, or other rights, make no other program
        if here.is_some_and(|here| Fingerprint { changed: self.mark.changed, ..here } == self.mark) {
            self.other = None;
            return false;
        }
        let patience = if here.is_some() { STANDS } else { GONE };
        match self.other {
            Some((seen, since)) if seen == here => now - since >= patience,
            _ => {
                self.other = Some((here, now));
                false
            }
        }
    }
}
