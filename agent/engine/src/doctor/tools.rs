//! Nobody else syncs the same files: no second provider, no other tool, no other kitbag around or inside.

use super::{Check, Patient, Said};
use crate::apart::Folders;
use crate::error::EngineError;

pub(super) struct OtherTools;

impl Check for OtherTools {
    fn name(&self) -> &'static str {
        "other sync tools"
    }

    fn look(&self, patient: &Patient<'_>) -> Result<Vec<Said>, EngineError> {
        let (ws, around) = (patient.ws, patient.around());
        let folders = Folders::new(&ws.settings.share, &ws.settings.work, patient.machine.home, around.disk);
        Ok(folders.second_tools(around).into_iter().map(Said::bad).collect())
    }
}
