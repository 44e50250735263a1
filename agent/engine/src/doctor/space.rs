//! Room on the volumes of the working folder and of the cloud folder. Little room is worth knowing; next to none stops
//! everything.

use kitbag_core::finding::Finding;

use super::{Check, Patient, Said};
use crate::error::{EngineError, show};

const MIB: u64 = 1 << 20;
/// Below this many bytes it is said.
const LITTLE: u64 = 1024 * MIB;
/// Below this many bytes nothing much can be done.
const NONE: u64 = 100 * MIB;

pub(super) struct Space;

impl Check for Space {
    fn name(&self) -> &'static str {
        "free space"
    }

    fn look(&self, patient: &Patient<'_>) -> Result<Vec<Said>, EngineError> {
        let settings = &patient.ws.settings;
        let mut said = Vec::new();
        for (folder, what) in [(&settings.work, "working folder"), (&settings.share, "cloud folder")] {
            let specs = patient
                .host
                .specs(folder)
                .map_err(EngineError::io("cannot ask for the free space of", folder))?;
            if specs.disk_free >= LITTLE {
                continue;
            }
            let finding = Finding::new(
                format!("{} MiB free for the {what} {}", specs.disk_free / MIB, show(folder)),
                "Work is kept in the working folder, in the cloud folder and in the history.",
                "Free some space on that drive.",
            );
            said.push(if specs.disk_free < NONE { Said::bad(finding) } else { Said::note(finding) });
        }
        Ok(said)
    }
}
