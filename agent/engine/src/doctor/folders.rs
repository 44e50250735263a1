//! The folders still lie apart and outside of cloud folders. Setup saw to it; but folders are moved, and clients take over
//! Documents and Desktop.

use super::{Check, Patient, Said};
use crate::apart::Folders;
use crate::error::EngineError;

pub(super) struct Apart;

impl Check for Apart {
    fn name(&self) -> &'static str {
        "folders apart"
    }

    fn look(&self, patient: &Patient<'_>) -> Result<Vec<Said>, EngineError> {
        let (ws, around) = (patient.ws, patient.around());
        let folders = Folders::new(&ws.settings.share, &ws.settings.work, patient.machine.home, around.disk);
        Ok(folders.places(around).into_iter().map(Said::bad).collect())
    }
}
