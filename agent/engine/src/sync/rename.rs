//! After the scan and before anything is decided: which of the files that are gone were renamed? Only new files that
//! could be one of them are read. A renamed file's old place is left for the next round, when a record says where it
//! went: its absence is no deletion then, and nobody is asked about a folder that was renamed.

use std::io::Read;
use std::sync::Arc;

use kitbag_core::id::{ContentId, RecordId};
use kitbag_core::path::WorkPath;
use kitbag_core::reconcile::{Contents, Unreadable};
use kitbag_core::rename::{New, pair};
use kitbag_core::version::{Kind, Record};
use kitbag_store::ledger::{Marked, Place};
use rayon::prelude::*;

use super::Cycle;
use super::batch::Item;
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
        let (disk, folder) = (self.ws.doors.disk.as_ref(), self.folder(Place::Working));
        let mut last: Option<Vec<u8>> = None;
        loop {
            let page = ledger.unhashed_after(last.as_deref(), PAGE)?;
            let Some(end) = page.last() else { return Ok(()) };
            last = Some(end.key());
            let files = page.iter().map(|path| Ok(folder.file(&self.met_at(path)?)));
            let files = files.collect::<Result<Vec<_>, EngineError>>()?;
            let hashed: Vec<_> =
                self.pool.install(|| files.par_iter().map(|file| hash(disk, file).ok()).collect());
            for (path, found) in page.iter().zip(hashed) {
                // what cannot be read now is looked at, and told, like any other file
                ledger.set_hash(path, found.and_then(|found| Some((found.id()?, found.size()))))?;
            }
        }
    }

    /// Where this scan met the working folder's file of a path.
    fn met_at(&self, path: &WorkPath) -> Result<String, EngineError> {
        let met = self.ws.ledger.candidate(path)?.and_then(|candidate| candidate.working_at);
        let plain = || self.folder(Place::Working).names.place(path, false).into_owned();
        Ok(met.unwrap_or_else(plain))
    }

    fn pair(&self, (gone, new): &Marked) -> Result<u64, EngineError> {
        let contents = Looking { cycle: self, new };
        let pairs = pair(gone, new, &self.ignore, &contents);
        for pair in &pairs {
            self.ws.ledger.note_renamed(&gone[pair.gone], &new[pair.new])?;
        }
        Ok(pairs.len() as u64)
    }

    /// Where the file of a path was renamed from, the version it was there, and the record that says so. From then on the
    /// working folder shows nothing at the old place: what is put there later is a file of its own, no edit of the
    /// renamed one.
    ///
    /// # Errors
    /// The ledger fails.
    pub(super) fn left_behind(&self, item: &Item) -> Result<Option<LeftBehind>, EngineError> {
        let ledger = &self.ws.ledger;
        let from = if self.renamed { ledger.renamed_to(&item.row.path)? } else { None };
        let (Some(from), Some(base)) = (from, item.plan.memory.base) else { return Ok(None) };
        let Some((old, _)) = ledger.record(from)? else { return Ok(None) };
        let made = item.plan.records.iter().map(|made| (made.id, made.record.clone()));
        let is_move = |(_, record): &(RecordId, Record)| {
            record.kind == Kind::Move && record.follows.is_none() && record.path == item.row.path
        };
        let moved = match made.clone().find(is_move) {
            Some(moved) => Some(moved),
            // published by a sync that was killed before the ledger heard of it
            None => ledger.record(base)?.map(|(record, _)| (base, record)).filter(is_move),
        };
        Ok(moved.map(|(to, _)| LeftBehind { path: old.path, from, to }))
    }

    /// What is said of a path whose file was renamed elsewhere, or merged by a later kitbag.
    pub(super) fn tell_of_moves(&mut self, item: &Item) {
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

/// The old place of a renamed file.
pub(super) struct LeftBehind {
    pub(super) path: WorkPath,
    /// What the working folder showed there.
    pub(super) from: RecordId,
    /// The record of the move.
    pub(super) to: RecordId,
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
        let unreadable = |error: std::io::Error| Unreadable { content: id, reason: error.to_string() };
        let at = self.cycle.met_at(&new.path);
        let at = at.map_err(|error| Unreadable { content: id, reason: error.to_string() })?;
        let file = self.cycle.folder(Place::Working).file(&at);
        let open = self.cycle.ws.doors.disk.open(&file).map_err(unreadable)?;
        let mut bytes = Vec::new();
        open.take(HELD_BYTES).read_to_end(&mut bytes).map_err(unreadable)?;
        // one that was written to meanwhile is another one by now
        Ok((ContentId::of(&bytes) == id).then(|| Arc::from(bytes)))
    }
}
