//! Before there is a workspace: which cloud folders this computer has, and whether their programs run. Without such a
//! folder a stick or a network drive does as well.

use kitbag_core::finding::Finding;
use kitbag_platform::provider::cloud_folders;

use super::{Around, FirstCheck, Said};
use crate::error::{EngineError, show};

/// What this check is called, and the one of a workspace that looks at its own cloud folder.
pub(super) const NAME: &str = "cloud program";

pub(super) struct Clouds;

impl FirstCheck for Clouds {
    fn name(&self) -> &'static str {
        NAME
    }

    fn concerns(&self, around: &Around<'_>) -> bool {
        around.ws.is_none()
    }

    fn look(&self, around: &Around<'_>) -> Result<Vec<Said>, EngineError> {
        let machine = around.machine;
        let found = cloud_folders(machine.places, machine.doors.disk.as_ref());
        if found.is_empty() {
            return Ok(vec![Said::note(Finding::new(
                "no cloud folder was found on this computer",
                "Dropbox, OneDrive, Google Drive and others carry your work between computers; a stick does, too.",
                "Install the program of the one you have; or name any folder in `kitbag setup`.",
            ))]);
        }
        let say = |cloud: &kitbag_platform::provider::Provider| match machine.programs.runs(cloud.row) {
            Some(false) => Said::note(Finding::new(
                format!("{} does not seem to run", cloud.name()),
                format!(
                    "Its folder is {}; what is put there stays on this computer until it does.",
                    show(&cloud.root)
                ),
                format!("Start {}.", cloud.name()),
            )),
            _ => Said::seen(format!("{} in {}", cloud.name(), show(&cloud.root))),
        };
        Ok(found.iter().map(say).collect())
    }
}
