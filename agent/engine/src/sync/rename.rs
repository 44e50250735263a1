//! After the scan and before anything is decided: which of the files that are gone were renamed? Only new files that
//! could be one of them are read. A renamed file's old place is left for the next round, when a record says where it
//! went: its absence is no deletion then, and nobody is asked about a folder that was renamed.

use std::io::Read;
use std::sync::Arc;

use kitbag_core::id::ContentId;
use kitbag_core::path::WorkPath;
use kitbag_core::reconcile::{Contents, Unreadable};
use kitbag_core::rename::{New, pair};
use kitbag_store::ledger::{Marked, Place};
use rayon::prelude::*;

use super::Cycle;
use super::look::{HELD_BYTES, hash};
use super::report::Problem;
use crate::error::EngineError;

/// So many files are hashed before the ledger hears of it, and so many marks are looked at together.
const PAGE: usize = 1_000;

impl Cycle<'_> {
    /// Pair the files that are gone with new ones; how many were.
    ///
    /// # Errors
    /// The ledger fails.
    pub(super) fn find_renamed(&self) -> Result<u64, EngineError> {
        let ledger = &self.ws.ledger;
        if ledger.gather_renames()? == 0 {
            return Ok(0);
        }
        self.hash_new()?;
        let (mut found, mut last) = (0, None);
        loop {
            let marked = ledger.renames_by_content(last, PAGE)?;
            let Some(end) = marked.0.iter().map(|gone| gone.content).max() else { break };
            last = Some(end);
            found += self.pair(&marked)?;
        }
        let mut last = None;
        loop {
            let marked = ledger.renames_by_number(last, PAGE)?;
            let Some(end) = marked.0.iter().map(|gone| gone.file).max_by_key(|file| file.cast_signed())
            else {
                break;
            };
            last = Some(end);
            found += self.pair(&marked)?;
        }
        Ok(found)
    }

    fn hash_new(&self) -> Result<(), EngineError> {
        let ledger = &self.ws.ledger;
        let (disk, root) = (self.ws.doors.disk.as_ref(), self.root(Place::Working));
        let mut last: Option<Vec<u8>> = None;
        loop {
            let page = ledger.unhashed_after(last.as_deref(), PAGE)?;
            let Some(end) = page.last() else { return Ok(()) };
            last = Some(end.key());
            let hashed: Vec<_> = self
                .pool
                .install(|| page.par_iter().map(|path| hash(disk, &root.join(path.as_str())).ok()).collect());
            for (path, found) in page.iter().zip(hashed) {
                // what cannot be read now is looked at, and told, like any other file
                ledger.set_hash(path, found.and_then(|found| Some((found.id()?, found.size()))))?;
            }
        }
    }

    fn pair(&self, (gone, new): &Marked) -> Result<u64, EngineError> {
        let contents = Looking { cycle: self, new };
        let pairs = pair(gone, new, &self.ignore, &contents);
        for pair in &pairs {
            self.ws.ledger.note_renamed(&gone[pair.gone], &new[pair.new])?;
        }
        Ok(pairs.len() as u64)
    }

    /// What is said of a path whose file was renamed elsewhere, or merged by a later kitbag.
    pub(super) fn tell_of_moves(&mut self, item: &super::batch::Item) {
        let path = item.row.path.to_string();
        if !item.plan.went_apart.is_empty() {
            let places: Vec<_> = item.plan.went_apart.iter().map(WorkPath::to_string).collect();
            let reason = format!(
                "it was renamed differently on two machines and is now at {}; remove the one you do not need",
                places.join(" and ")
            );
            self.report.problems.push(Problem::told(path.clone(), reason));
        }
        if item.plan.later_kitbag {
            let reason = "a newer kitbag merged this file; update kitbag on this machine. Until then it is left as it is";
            self.report.problems.push(Problem::told(path, reason));
        }
    }
}

/// Versions as they are stored, and new files, which are not stored yet, as they stand in the working folder.
struct Looking<'a> {
    cycle: &'a Cycle<'a>,
    new: &'a [New],
}

impl Contents for Looking<'_> {
    fn read(&self, id: ContentId) -> Result<Option<Arc<[u8]>>, Unreadable> {
        let Some(new) = self.new.iter().find(|new| new.content == id) else {
            return self.cycle.batch_contents().read(id);
        };
        let file = self.cycle.root(Place::Working).join(new.path.as_str());
        let unreadable = |error: std::io::Error| Unreadable { content: id, reason: error.to_string() };
        let open = self.cycle.ws.doors.disk.open(&file).map_err(unreadable)?;
        let mut bytes = Vec::new();
        open.take(HELD_BYTES).read_to_end(&mut bytes).map_err(unreadable)?;
        // one that was written to meanwhile is another one by now
        Ok((ContentId::of(&bytes) == id).then(|| Arc::from(bytes)))
    }
}
