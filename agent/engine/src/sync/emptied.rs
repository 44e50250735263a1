//! Folders that became empty because kitbag took the last file out of them go in the same cycle, or every machine
//! would take what another one left behind for a folder somebody made. Those that a course needs stay, and those that
//! are a version themselves. A file that was taken out rests beside its old place for a while; if it is the last thing
//! in its folder, it rests at the top of the workspace instead.

use std::collections::BTreeMap;
use std::path::Path;

use kitbag_core::path::WorkPath;
use kitbag_core::version::Content;
use kitbag_store::Ledger;
use kitbag_store::ledger::{Intent, IntentState, Place};

use super::Cycle;
use super::write::Write;
use crate::error::EngineError;

impl Cycle<'_> {
    /// The ledger learns that what a removal took out of a folder may be found at the top as well.
    ///
    /// # Errors
    /// The ledger fails.
    pub(super) fn may_rest_at_top(&mut self, ledger: &Ledger, removal: &Intent) -> Result<(), EngineError> {
        if removal.at.contains('/') {
            let (at, state) = (removal.temporary.clone(), IntentState::Swapped);
            ledger.add_intent(&Intent { at, state, ..removal.clone() })?;
            self.resting.insert(removal.temporary.clone());
        }
        Ok(())
    }

    /// Remove the folders that these writes emptied.
    ///
    /// # Errors
    /// The ledger fails.
    pub(super) fn remove_emptied(&self, writes: &[Write]) -> Result<(), EngineError> {
        // one file of each folder speaks for it; the longest paths first, so that inner folders go before outer ones
        let mut folders = BTreeMap::new();
        for write in writes.iter().filter(|write| write.put.content == Content::Deleted) {
            let Intent { path, at, place, .. } = &write.intent;
            if let Some((folder, _)) = at.rsplit_once('/') {
                folders.entry((folder.matches('/').count(), *place, folder)).or_insert((path, at));
            }
        }
        folders
            .into_iter()
            .rev()
            .try_for_each(|((_, place, _), (path, at))| self.remove_empty_folders(place, path, at))
    }

    /// Remove what is empty above a path that lay there, from the inside out.
    ///
    /// # Errors
    /// The ledger fails.
    pub(super) fn remove_empty_folders(
        &self,
        place: Place,
        path: &WorkPath,
        at: &str,
    ) -> Result<(), EngineError> {
        let root = self.root(place);
        let (mut folder, mut at) = (path.parent(), at);
        while let (Some(empty), Some((above, _))) = (folder, at.rsplit_once('/')) {
            if self.required.contains(&empty) {
                return Ok(());
            }
            let history = self.history(&empty)?;
            let is_version = |head| history.content(head) == Some(Content::Folder);
            if history.heads().into_iter().any(is_version) || !self.remove_folder(root, &root.join(above)) {
                return Ok(());
            }
            (folder, at) = (empty.parent(), above);
        }
        Ok(())
    }

    /// Remove a folder if it is empty but for what rests in it. False when it stays.
    fn remove_folder(&self, root: &Path, folder: &Path) -> bool {
        let disk = self.ws.doors.disk.as_ref();
        if disk.remove_dir(folder).is_ok() {
            return true;
        }
        let resting = |item: &kitbag_platform::disk::Item| {
            item.name.to_str().filter(|name| self.resting.contains(*name)).map(str::to_owned)
        };
        let items = disk.list(folder).unwrap_or_default();
        let Some(names) = items.iter().map(resting).collect::<Option<Vec<_>>>() else { return false };
        // the same names at the top stand in the ledger already
        let moved = |name: &String| disk.rename_new(&folder.join(name), &root.join(name)).is_ok();
        names.iter().all(moved) && disk.remove_dir(folder).is_ok()
    }
}
