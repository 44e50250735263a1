//! The ports the course would like. One that is taken harms nothing: kitbag takes another; but a bookmark or a note of the
//! course team's then shows something else.

use kitbag_core::course::Port;
use kitbag_core::finding::Finding;
use kitbag_core::path::shown;
use kitbag_platform::process::PortState;

use super::{Around, FirstCheck, Said};
use crate::environment::ports_here;
use crate::error::EngineError;

pub(super) struct FreePorts;

impl FirstCheck for FreePorts {
    fn name(&self) -> &'static str {
        "ports"
    }

    fn concerns(&self, around: &Around<'_>) -> bool {
        around.ws.is_some()
    }

    fn look(&self, around: &Around<'_>) -> Result<Vec<Said>, EngineError> {
        let (Some(ws), Some(course), Some(backend)) =
            (around.ws, &around.answers.course, &around.answers.backend)
        else {
            return Ok(Vec::new());
        };
        let ours = ports_here(ws)?;
        let mut said = Vec::new();
        for service in course.services_with(backend) {
            let Port::Preferred(port) = service.port() else { continue };
            // what answers there may well be the course itself
            if ours.get(&service.name) == Some(&port) {
                continue;
            }
            let why = match around.machine.ports.state(port) {
                PortState::Free => continue,
                PortState::Taken => "Another program of this computer has it.",
                PortState::Kept => "The system keeps it for itself, often for virtual machines.",
            };
            said.push(Said::note(Finding::new(
                format!("{} would like port {port}, which is taken", shown(&service.title)),
                why,
                "Nothing has to be done: kitbag takes another one and shows the address. To have this one, end the \
                 other program.",
            )));
        }
        Ok(said)
    }
}
