//! Folders that became empty because kitbag took the last file out of them go in the same cycle, or every machine
//! would take what another one left behind for a folder somebody made. Those that a course needs stay, and those that
//! are a version themselves.

use kitbag_core::path::WorkPath;
use kitbag_core::version::Content;
use kitbag_store::ledger::Place;

use super::Cycle;
use crate::error::EngineError;

impl Cycle<'_> {
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
            if history.heads().into_iter().any(is_version)
                || self.ws.doors.disk.remove_dir(&root.join(above)).is_err()
            {
                return Ok(());
            }
            (folder, at) = (empty.parent(), above);
        }
        Ok(())
    }
}
