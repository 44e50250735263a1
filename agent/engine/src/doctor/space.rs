//! Room on every drive that something of kitbag's lies on: its own state, Docker's images, the working folder, the cloud
//! folder. Each drive once. Little room is worth knowing; next to none stops everything.

use std::path::{Path, PathBuf};

use kitbag_core::course::size_in_words as size;
use kitbag_core::finding::Finding;

use super::{Around, FirstCheck, Said};
use crate::error::{EngineError, show};

/// Below this many MiB it is said.
const LITTLE: u64 = 1024;
/// Below this many MiB nothing much can be done.
const NONE: u64 = 100;

pub(super) struct Space;

impl FirstCheck for Space {
    fn name(&self) -> &'static str {
        "free space"
    }

    fn look(&self, around: &Around<'_>) -> Result<Vec<Said>, EngineError> {
        let mut folders: Vec<(&'static str, &Path)> = vec![("kitbag's own notes", around.machine.home)];
        if let Some(ws) = around.ws {
            folders.push(("the working folder", &ws.settings.work));
            folders.push(("the cloud folder", &ws.settings.share));
        }
        if let Some(folder) = around.answers.engine.as_ref().and_then(|engine| engine.folder.as_deref()) {
            folders.push(("Docker", folder));
        }
        let mut drives: Vec<(PathBuf, u64, Vec<&str>)> = Vec::new();
        for (of, folder) in folders {
            let volume = around.machine.doors.host.volume(folder);
            let volume = volume.map_err(EngineError::io("cannot ask for the free space of", folder))?;
            match drives.iter_mut().find(|(root, ..)| *root == volume.root) {
                Some((.., all)) => all.push(of),
                None => drives.push((volume.root, volume.free >> 20, vec![of])),
            }
        }
        let mut said = Vec::new();
        for (root, free, of) in drives {
            let (root, of) = (show(&root), of.join(", "));
            if free >= LITTLE {
                said.push(Said::seen(format!("{} on {root}", size(free))));
                continue;
            }
            let finding = Finding::new(
                format!("{} free on the drive {root}", size(free)),
                format!(
                    "Here lies: {of}. Work is kept in the working folder, in the cloud folder and in the history."
                ),
                "Free some space on that drive: empty the bin, or let `kitbag clean` show what it can free.",
            );
            said.push(if free < NONE { Said::bad(finding) } else { Said::note(finding) });
        }
        Ok(said)
    }
}
