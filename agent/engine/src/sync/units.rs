//! Units on their way through a sync: which folders are units, their lists read when they arrive, their files stored
//! and published with them. A folder that was a unit once stays one, also on a machine that has no course yet.

use std::collections::BTreeSet;
use std::io::{self, Read};
use std::path::Path;

use kitbag_core::id::ContentId;
use kitbag_core::path::WorkPath;
use kitbag_core::reconcile::Contents;
use kitbag_core::unit::{Manifest, Units};
use kitbag_core::version::Content;
use kitbag_store::Loose;
use kitbag_store::ledger::Place;
use kitbag_store::{Ledger, ledger::PathRow};

use super::Cycle;
use super::batch::Item;
use super::contents::{BatchContents, Kept};
use super::publish::Publisher;
use super::report::Problem;
use super::tree;
use crate::error::EngineError;
use crate::share::Share;

/// Which folders are units: by the course, and by what was recorded.
#[derive(Debug, Clone, Default)]
pub struct UnitFolders {
    patterns: Units,
    known: BTreeSet<WorkPath>,
}

impl UnitFolders {
    /// Those of a course and a ledger.
    ///
    /// # Errors
    /// The ledger fails.
    pub fn new(patterns: Units, ledger: &Ledger) -> Result<Self, EngineError> {
        Ok(UnitFolders { patterns, known: ledger.unit_paths()? })
    }

    /// Whether a folder is one.
    pub fn contains(&self, folder: &WorkPath) -> bool {
        self.known.contains(folder) || self.patterns.is_unit(folder.as_str())
    }

    /// Whether a path is part of a folder that was recorded as one thing, and goes with it.
    pub fn holds(&self, path: &WorkPath) -> bool {
        if self.known.is_empty() {
            return false;
        }
        std::iter::successors(path.parent(), WorkPath::parent).any(|folder| self.known.contains(&folder))
    }
}

/// Lists of units that arrived and were never read; a list that is none is told and its version waits.
///
/// # Errors
/// The ledger fails.
pub fn read_lists(share: &Share, ledger: &Ledger, kept: &Kept) -> Result<Vec<Problem>, EngineError> {
    let mut problems = Vec::new();
    let mut refused = BTreeSet::new();
    loop {
        let unread: Vec<_> = ledger.unread_units()?.into_iter().filter(|id| !refused.contains(id)).collect();
        if unread.is_empty() {
            return Ok(problems);
        }
        let contents = BatchContents::new(ledger, share, kept);
        for id in unread {
            match list(&contents, id) {
                Ok(manifest) => {
                    let parts: Vec<_> = manifest.parts().into_iter().collect();
                    ledger.add_unit(id, &parts)?;
                }
                Err(reason) => {
                    problems.push(Problem::told("history", format!("a folder's list was refused: {reason}")));
                    refused.insert(id);
                }
            }
        }
        ledger.admit()?;
    }
}

/// The list with this name.
///
/// # Errors
/// It is not to be had, or is none; in words.
pub fn list(contents: &dyn Contents, id: ContentId) -> Result<Manifest, String> {
    let bytes = contents.read(id).map_err(|e| e.to_string())?.ok_or("it is nowhere any more")?;
    Manifest::parse(&bytes).map_err(|e| e.to_string())
}

impl Cycle<'_> {
    /// Store a unit met in the mirror, durably: its list and every file no pack holds. What was stored; none when
    /// the folder has changed since it was looked at.
    ///
    /// # Errors
    /// Something cannot be read or stored.
    pub(super) fn keep_unit(
        &self,
        folder: &Path,
        id: ContentId,
        contents: &BatchContents<'_>,
    ) -> Result<Option<Vec<(ContentId, u64)>>, EngineError> {
        let Ok(manifest) = list(contents, id) else { return Ok(None) };
        self.keep_tree(folder, &manifest)
    }

    /// As [`Cycle::keep_unit`], for a folder just read.
    ///
    /// # Errors
    /// Something cannot be read or stored.
    pub(super) fn keep_tree(
        &self,
        folder: &Path,
        manifest: &Manifest,
    ) -> Result<Option<Vec<(ContentId, u64)>>, EngineError> {
        let mut stored = Vec::new();
        for (path, part) in &manifest.files {
            if self.ws.ledger.has_content(part.id)? {
                continue;
            }
            if !self.kept.store(part.id, &folder.join(path.as_str()))? {
                return Ok(None);
            }
            stored.push((part.id, part.size));
        }
        let bytes = manifest.canonical();
        let id = ContentId::of(&bytes);
        self.kept.store_bytes(id, &bytes)?;
        stored.push((id, bytes.len() as u64));
        Ok(Some(stored))
    }

    /// Publish a unit: its files, each cut from the place it was seen in or from what is kept, then its list.
    ///
    /// # Errors
    /// In words: it changed since it was looked at, or cannot be read. The path waits.
    pub(super) fn publish_unit(
        &self,
        publisher: &mut Publisher<'_>,
        item: &Item,
        id: ContentId,
        contents: &BatchContents<'_>,
    ) -> Result<(), String> {
        let manifest = list(contents, id)?;
        let place = if item.working.seen.id() == Some(id) { Place::Working } else { Place::Mirror };
        let folder = self.folder(place).file(&self.lies(&item.row, place));
        self.publish_tree(publisher, &folder, &manifest)
    }

    /// As [`Cycle::publish_unit`], for a folder just read.
    ///
    /// # Errors
    /// In words: it changed meanwhile, or cannot be read.
    pub(super) fn publish_tree(
        &self,
        publisher: &mut Publisher<'_>,
        folder: &Path,
        manifest: &Manifest,
    ) -> Result<(), String> {
        let words = |e: EngineError| e.to_string();
        let mut done = BTreeSet::new();
        for (path, part) in &manifest.files {
            let here = self.ws.ledger.stays_packed(part.id).map_err(|e| e.to_string())?;
            if here || !done.insert(part.id) {
                continue;
            }
            let open = || -> io::Result<Box<dyn Read + '_>> {
                match self.ws.ledger.kept(part.id) {
                    Ok(true) => Ok(Box::new(self.kept.open(part.id)?)),
                    _ => Ok(Box::new(self.ws.doors.disk.open(&folder.join(path.as_str()))?)),
                }
            };
            let (found, _) = publisher.content(&mut open().map_err(|e| e.to_string())?).map_err(words)?;
            if found != part.id {
                return Err("it changed while it was read".into());
            }
        }
        let (id, _) = publisher.content(&mut manifest.canonical().as_slice()).map_err(words)?;
        publisher.unit(id, manifest.parts());
        Ok(())
    }

    /// Contents whose pack is gone, found again in units that still stand.
    ///
    /// # Errors
    /// A pack cannot be written, or the ledger fails.
    pub(super) fn write_back_parts(
        &self,
        row: &PathRow,
        shown: Option<Content>,
        lost: &mut BTreeSet<ContentId>,
        publisher: &mut Publisher<'_>,
    ) -> Result<(), EngineError> {
        if !self.units.contains(&row.path) {
            return Ok(());
        }
        let disk = self.ws.doors.disk.as_ref();
        let shown = shown.and_then(|content| content.id());
        for (place, id) in [(Place::Working, shown), (Place::Mirror, row.memory.mirror)] {
            let Some(id) = id else { continue };
            let parts = self.ws.ledger.unit_parts(id)?.unwrap_or_default();
            if !lost.contains(&id) && !parts.iter().any(|part| lost.contains(part)) {
                continue;
            }
            let folder = self.folder(place).file(&self.lies(row, place));
            let Ok((manifest, _)) = tree::read(disk, &folder) else { continue };
            for (path, part) in &manifest.files {
                if lost.contains(&part.id) {
                    let file = folder.join(path.as_str());
                    let mut open = disk.open(&file).map_err(EngineError::io("cannot read", &file))?;
                    lost.remove(&publisher.content(&mut open)?.0);
                }
            }
            let bytes = manifest.canonical();
            if lost.remove(&ContentId::of(&bytes)) {
                publisher.content(&mut bytes.as_slice())?;
            }
        }
        Ok(())
    }
}
