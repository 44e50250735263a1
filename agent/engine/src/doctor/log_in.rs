//! kitbag starts at log-in where the person asked for it, and what was written then still fits: the program is where it
//! was, the state root too, and every file says what it said. What a person changed is theirs, and only told.

use kitbag_core::finding::Finding;
use kitbag_core::path::shown;

use super::{Check, Patient, Said, Treatment};
use crate::agent::{Called, Installed, install, installed};
use crate::error::{EngineError, show};

pub(super) struct LogIn;

impl Check for LogIn {
    fn name(&self) -> &'static str {
        "start at log-in"
    }

    fn look(&self, patient: &Patient<'_>) -> Result<Vec<Said>, EngineError> {
        let doors = &patient.ws.doors;
        let Some(found) = installed(patient.machine.home, doors, patient.machine.autostart)? else {
            return Ok(Vec::new());
        };
        let mut said: Vec<Said> = found.changed.iter().map(|place| Said::note(changed(place))).collect();
        if let Some(finding) = wrong(&found, patient) {
            said.insert(0, Said::bad(finding).treated_by(Again(found.settings)));
        }
        Ok(said)
    }
}

fn wrong(found: &Installed, patient: &Patient<'_>) -> Option<Finding> {
    let remedy = "Run `kitbag doctor --fix`, or `kitbag agent uninstall` if it shall not start.";
    let disk = &patient.ws.doors.disk;
    if found.home != patient.machine.home {
        let (then, now) = (show(&found.home), show(patient.machine.home));
        let why = format!("It starts for {then}, and this computer's own state is in {now}.");
        return Some(Finding::new("the folder of kitbag's own state was moved", why, remedy));
    }
    if disk.stat(&found.program).is_err() {
        let what = format!("the program that starts when you log in, {}, is not there", show(&found.program));
        return Some(Finding::new(what, "It was moved or removed, so nothing starts.", remedy));
    }
    let first = found.missing.first()?;
    Some(Finding::new(
        "kitbag does not start any more when you log in",
        format!("{} is gone.", shown(first)),
        remedy,
    ))
}

fn changed(place: &str) -> Finding {
    Finding::new(
        format!("{} was changed", shown(place)),
        "kitbag wrote it, and leaves it now as it is.",
        "Nothing needs to be done if you meant it. Else remove it and run `kitbag agent install`.",
    )
}

/// Install it again, as it was, with what is here now.
struct Again(Vec<String>);

impl Treatment for Again {
    fn would(&self) -> String {
        "write anew what starts kitbag when you log in".into()
    }

    fn treat(&self, patient: &Patient<'_>) -> Result<(), EngineError> {
        let called = Called::this(patient.machine.home, patient.machine.places, self.0.clone())?;
        install(patient.machine.home, &patient.ws.doors, patient.machine.autostart, &called).map(drop)
    }
}
