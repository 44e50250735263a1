//! The processor and the system: facts a tutor asks for first. Nothing here is wrong by itself.

use kitbag_core::path::shown;

use super::{Around, FirstCheck, Said};
use crate::error::{EngineError, count};

pub(super) struct Processor;

impl FirstCheck for Processor {
    fn name(&self) -> &'static str {
        "processor and system"
    }

    fn look(&self, around: &Around<'_>) -> Result<Vec<Said>, EngineError> {
        let (home, host) = (around.machine.home, &around.machine.doors.host);
        let specs = host
            .specs(home)
            .map_err(EngineError::io("cannot ask for the processor of the computer of", home))?;
        let mut words = vec![count(specs.cores, "core"), shown(&specs.arch)];
        words.push(if specs.os_version.is_empty() { specs.os } else { shown(&specs.os_version) });
        if host.gpu() == Some(true) {
            words.push("a graphics processor to compute with".to_owned());
        }
        Ok(vec![Said::seen(words.join(", "))])
    }
}
