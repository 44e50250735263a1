//! This machine's own stores: the database, the contents kept until a pack holds them, and, where that is asked for, the
//! files of the working folder that nobody changed. A file whose bytes changed while its times did not was spoilt by
//! the disk, and no sync would notice.

use kitbag_core::id::ContentId;
use kitbag_core::path::shown;
use kitbag_store::ledger::Place;
use kitbag_store::{ContentError, Contents};

use super::{Healer, Look};
use crate::error::EngineError;
use crate::sync::spot::Folder;
use crate::sync::{Kept, Progress, hash};

impl Look<'_> {
    /// Whether the database is sound enough to be believed.
    pub(super) fn database(&mut self) -> Result<bool, EngineError> {
        let wrong = self.ws.ledger.integrity()?;
        for line in &wrong {
            self.damaged("database", format!("of this machine: {}", shown(line)), Healer::Nobody, Vec::new());
        }
        Ok(wrong.is_empty())
    }

    /// Contents that are on this machine only.
    pub(super) fn kept(&mut self) -> Result<(), EngineError> {
        let kept = Kept::new(self.ws.kept_folder(), &self.ws.doors);
        for (id, _) in self.ws.ledger.all_kept()? {
            self.found.checked.kept += 1;
            let file = kept.file(id);
            let what = match hash(self.ws.doors.disk.as_ref(), &file) {
                Ok(found) if found.id() == Some(id) => continue,
                Ok(_) => "is damaged: its bytes do not match its name".to_owned(),
                Err(error) => format!("cannot be read: {error}"),
            };
            let packed = self.ws.ledger.is_packed(id)?;
            let healer = if packed { Healer::Here } else { Healer::Nobody };
            self.damaged(format!("kept/{id}"), what, healer, Vec::new());
        }
        Ok(())
    }

    /// Files of the working folder that look as they were left.
    pub(super) fn files(&mut self, progress: &dyn Progress) -> Result<(), EngineError> {
        let (work, total) = (Folder::of(self.ws, Place::Working)?, self.ws.ledger.counts()?.files);
        self.each_path(|look, row| {
            let shown = row.memory.base.map(|base| look.ws.ledger.record(base)).transpose()?.flatten();
            let content = shown.and_then(|(record, _)| record.content.id());
            let (Some(content), Some(print)) = (content, row.working) else { return Ok(()) };
            let disk = look.ws.doors.disk.as_ref();
            let file = work.of_row(row);
            if !disk.stat(&file).is_ok_and(|stat| stat.fingerprint == print) {
                // changed by a person, and for the next sync to look at
                return Ok(());
            }
            look.found.checked.files += 1;
            progress.at("files", look.found.checked.files, total);
            match work.content(&file) {
                Ok(found) if found.id() == Some(content) => Ok(()),
                Ok(_) if disk.stat(&file).is_ok_and(|stat| stat.fingerprint == print) => {
                    look.spoilt(row, content)
                }
                Ok(_) => Ok(()),
                Err(error) => {
                    let what = format!("in the working folder cannot be read: {error}");
                    look.damaged(row.path.to_string(), what, Healer::Nobody, Vec::new());
                    Ok(())
                }
            }
        })
    }

    fn spoilt(&mut self, row: &kitbag_store::ledger::PathRow, content: ContentId) -> Result<(), EngineError> {
        let kept = Kept::new(self.ws.kept_folder(), &self.ws.doors);
        let stored = Contents::new(&self.ws.ledger, &self.share, &kept);
        let what = match stored.copy_to(content, &mut std::io::sink()) {
            Ok(()) => {
                "in the working folder has other bytes than when it was last looked at, though nobody saved it; the \
                 disk may be failing. Its last version is in the history"
            }
            Err(ContentError::Store(error)) => return Err(error.into()),
            Err(_) => {
                "in the working folder has other bytes than when it was last looked at, though nobody saved it"
            }
        };
        self.damaged(row.path.to_string(), what, Healer::Nobody, Vec::new());
        Ok(())
    }
}
