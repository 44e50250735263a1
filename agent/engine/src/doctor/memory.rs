//! How much memory there is. Little of it is worth knowing before a course is chosen; what a course needs is weighed
//! apart.

use kitbag_core::course::size_in_words as size;
use kitbag_core::finding::Finding;

use super::{Around, FirstCheck, Said};
use crate::error::EngineError;

/// Below this many MiB a notebook server beside a browser has hardly room.
const LITTLE: u64 = 1_900;

pub(super) struct Memory;

impl FirstCheck for Memory {
    fn name(&self) -> &'static str {
        "memory"
    }

    fn look(&self, around: &Around<'_>) -> Result<Vec<Said>, EngineError> {
        let home = around.machine.home;
        let specs = around.machine.doors.host.specs(home);
        let specs = specs.map_err(EngineError::io("cannot ask for the memory of the computer of", home))?;
        let (all, free) = (specs.memory >> 20, specs.memory_free >> 20);
        let seen = Said::seen(format!("{}, {} of it free now", size(all), size(free)));
        if all >= LITTLE {
            return Ok(vec![seen]);
        }
        let finding = Finding::new(
            format!("this computer has little memory: {}", size(all)),
            "Notebooks and a browser together want about 2 GB; a course with databases wants more.",
            "Close what you do not need while you work, and look what a course needs before you choose it.",
        );
        Ok(vec![seen, Said::note(finding)])
    }
}
