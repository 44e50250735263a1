//! Whose the cloud folder is, and whether that one's program runs: without it nothing leaves this computer. A plain folder
//! (a stick, a network drive) needs none.

use kitbag_core::finding::Finding;

use super::{Check, Patient, Said};
use crate::error::{EngineError, show};

pub(super) struct CloudProgram;

impl Check for CloudProgram {
    fn name(&self) -> &'static str {
        super::clouds::NAME
    }

    fn look(&self, patient: &Patient<'_>) -> Result<Vec<Said>, EngineError> {
        let ws = patient.ws;
        let share = show(&ws.settings.share);
        let Some(row) = ws.config.provider.or_else(|| Some(patient.holding()?.row)).or_else(|| ws.provider())
        else {
            return Ok(vec![Said::note(Finding::new(
                format!("no known cloud program carries {share}"),
                "It lies in no folder that a cloud program says is its own. A stick or a network drive is fine.",
                "If it should be in your cloud folder, look with `kitbag where` whether it is the right one.",
            ))]);
        };
        Ok(match patient.machine.programs.runs(row) {
            Some(false) => vec![Said::bad(Finding::new(
                format!("{} does not seem to run", row.name),
                "What is put into the cloud folder stays on this computer until it does.",
                format!("Start {} and look whether it says that all is up to date.", row.name),
            ))],
            Some(true) => Vec::new(),
            None if row.programs.is_empty() => Vec::new(),
            None => {
                let unknown = std::io::ErrorKind::Unsupported.into();
                return Err(EngineError::io("the system does not tell which programs run;", share)(unknown));
            }
        })
    }
}
