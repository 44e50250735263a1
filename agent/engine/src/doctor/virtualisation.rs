//! Whether virtual machines can run: some courses come as one, and Docker needs them on Windows and macOS. Where none can,
//! that is worth knowing; it is wrong only where the course says that it needs one, which is weighed with its needs.

use kitbag_core::course::{Ability, System};
use kitbag_core::finding::Finding;
use kitbag_platform::virtualisation::{State, Virtualisation};

use super::{Around, FirstCheck, Said};
use crate::error::EngineError;

pub(super) struct Virtual;

impl FirstCheck for Virtual {
    fn name(&self) -> &'static str {
        "virtual machines"
    }

    fn look(&self, around: &Around<'_>) -> Result<Vec<Said>, EngineError> {
        let (home, host) = (around.machine.home, &around.machine.doors.host);
        let found = host.virtualisation();
        let ability = ability(found);
        if ability == Ability::Unknown {
            let unknown = std::io::ErrorKind::Unsupported.into();
            return Err(EngineError::io("the system does not tell whether virtual machines run;", home)(
                unknown,
            ));
        }
        let specs = host
            .specs(home)
            .map_err(EngineError::io("cannot ask for the system of the computer of", home))?;
        let Some(Finding { what, why, remedy }) = ability.trouble(System::named(&specs.os)) else {
            let beside =
                "can run here; Windows uses this itself (Hyper-V), and VirtualBox may be slow beside it";
            let seen = if found.hyper_v == Some(true) { beside } else { "can run here" };
            return Ok(vec![Said::seen(seen)]);
        };
        let why = format!("{why} Only courses that need a virtual machine miss it.");
        Ok(vec![Said::note(Finding::new(what, why, remedy))])
    }
}

/// What was seen, as it is judged.
fn ability(found: Virtualisation) -> Ability {
    match found.state {
        State::Ready => Ability::Ready,
        State::NotAllowed => Ability::NotAllowed,
        State::Off => Ability::Off,
        State::NotOffered if found.inside == Some(true) => Ability::Guest,
        State::NotOffered => Ability::NotOffered,
        State::Unknown => Ability::Unknown,
    }
}
