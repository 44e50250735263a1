//! Looks a workspace and its surroundings over, says what it found, and mends what it can. One file a check: it looks and
//! says; what can be mended brings a treatment, which first tells what it would do. A check that cannot look says so: that
//! is never the same as finding nothing.

mod clock;
mod folders;
mod in_place;
mod leftovers;
mod names;
mod online;
mod provider;
mod share;
mod space;
mod tools;

use std::path::Path;

use kitbag_core::finding::{Exit, Finding};
use kitbag_platform::places::Places;
use kitbag_platform::provider::{Programs, Provider, holding};
use kitbag_platform::specs::Host;
use serde::Serialize;

use crate::apart::Surroundings;
use crate::error::EngineError;
use crate::workspace::Workspace;

/// Who is looked over.
pub struct Patient<'a> {
    /// The workspace.
    pub ws: &'a Workspace,
    /// This machine's state root.
    pub home: &'a Path,
    /// The person's places.
    pub places: &'a dyn Places,
    /// The computer.
    pub host: &'a dyn Host,
    /// What runs on it.
    pub programs: &'a dyn Programs,
}

impl Patient<'_> {
    fn around(&self) -> Surroundings<'_> {
        Surroundings { places: self.places, disk: self.ws.doors.disk.as_ref() }
    }

    /// Whose folder the share lies in now, whatever setup found.
    fn holding(&self) -> Option<Provider> {
        holding(&self.ws.settings.share, self.places, self.ws.doors.disk.as_ref())
    }
}

/// How a check came out.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum State {
    /// Nothing was found.
    Good,
    /// Worth knowing; nothing stands still because of it.
    Note,
    /// It could not look.
    NotChecked,
    /// Something is wrong.
    Bad,
}

/// One thing a check has to say.
struct Said {
    state: State,
    finding: Finding,
    treatment: Option<Box<dyn Treatment>>,
}

impl Said {
    fn bad(finding: Finding) -> Self {
        Said { state: State::Bad, finding, treatment: None }
    }

    fn note(finding: Finding) -> Self {
        Said { state: State::Note, finding, treatment: None }
    }

    fn treated_by(self, treatment: impl Treatment + 'static) -> Self {
        Said { treatment: Some(Box::new(treatment)), ..self }
    }
}

/// Looks at one thing.
trait Check {
    /// What it looks at, for people and programs.
    fn name(&self) -> &'static str;

    /// Look, and change nothing.
    ///
    /// # Errors
    /// It cannot look.
    fn look(&self, patient: &Patient<'_>) -> Result<Vec<Said>, EngineError>;
}

/// Mends one thing.
trait Treatment {
    /// What it would do, as a sentence.
    fn would(&self) -> String;

    /// Do it.
    ///
    /// # Errors
    /// It cannot be done.
    fn treat(&self, patient: &Patient<'_>) -> Result<(), EngineError>;
}

/// What came of one check; `doctor --json` has these.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Checked {
    /// What was looked at.
    pub check: &'static str,
    /// The worst of what was found and not mended.
    pub state: State,
    /// Everything that was found.
    pub findings: Vec<Diagnosis>,
}

/// One thing that was found.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Diagnosis {
    /// How bad it is.
    pub state: State,
    /// What, why, what to do.
    #[serde(flatten)]
    pub finding: Finding,
    /// What `--fix` does about it, or did.
    pub treatment: Option<Treated>,
}

/// A treatment, tried or not.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Treated {
    /// What it does.
    pub does: String,
    /// Whether it was done.
    pub done: bool,
    /// Why it could not be done.
    pub failed: Option<String>,
}

const CHECKS: [&dyn Check; 10] = [
    &share::CloudFolder,
    &provider::CloudProgram,
    &folders::Apart,
    &tools::OtherTools,
    &in_place::InPlace,
    &online::OnlineOnly,
    &names::Names,
    &space::Space,
    &clock::ClockTime,
    &leftovers::Leftovers,
];

/// Look everything over; with `fix` also mend what can be mended. Fixing wants the workspace for itself.
pub fn examine(patient: &Patient<'_>, fix: bool) -> Vec<Checked> {
    CHECKS.into_iter().map(|check| checked(check, patient, fix)).collect()
}

fn checked(check: &dyn Check, patient: &Patient<'_>, fix: bool) -> Checked {
    let findings = match check.look(patient) {
        Ok(said) => said.into_iter().map(|said| diagnosis(said, patient, fix)).collect(),
        Err(error) => vec![Diagnosis { state: State::NotChecked, finding: error.finding(), treatment: None }],
    };
    let open = |diagnosis: &&Diagnosis| !diagnosis.treatment.as_ref().is_some_and(|treated| treated.done);
    let state = findings.iter().filter(open).map(|diagnosis| diagnosis.state).max().unwrap_or(State::Good);
    Checked { check: check.name(), state, findings }
}

fn diagnosis(said: Said, patient: &Patient<'_>, fix: bool) -> Diagnosis {
    let treatment = said.treatment.map(|treatment| {
        let tried = fix.then(|| treatment.treat(patient));
        Treated {
            does: treatment.would(),
            done: matches!(tried, Some(Ok(()))),
            failed: tried.and_then(Result::err).map(|error| error.to_string()),
        }
    });
    Diagnosis { state: said.state, finding: said.finding, treatment }
}

/// How a command ends that saw these.
pub fn exit(checked: &[Checked]) -> Exit {
    let bad = checked.iter().any(|checked| checked.state == State::Bad);
    if bad { Exit::Failed } else { Exit::Done }
}
