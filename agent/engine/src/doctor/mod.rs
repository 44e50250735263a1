//! Looks this computer and a workspace over, says what it found, and mends what it can. One file a check: it looks and
//! says; what can be mended brings a treatment, which first tells what it would do. A check that cannot look says so: that
//! is never the same as finding nothing. The first checks are of the machine and need no workspace; what has to be asked
//! of others (Docker, a plugin) is asked once, before them, by `answers`.

mod answers;
mod clock;
mod clouds;
mod docker;
mod folders;
mod in_place;
mod leftovers;
mod log_in;
mod memory;
mod names;
mod needs;
mod network;
mod online;
mod ports;
mod processor;
mod provider;
mod share;
mod space;
mod tools;
mod virtualisation;

use std::path::Path;

use kitbag_core::finding::{Exit, Finding};
use kitbag_platform::autostart::Autostart;
use kitbag_platform::outbound::Outbound;
use kitbag_platform::places::Places;
use kitbag_platform::process::Ports;
use kitbag_platform::provider::{Programs, Provider, holding};
use serde::Serialize;

use crate::apart::Surroundings;
use crate::doors::Doors;
use crate::error::EngineError;
use crate::workspace::Workspace;
use answers::Answers;

/// The computer that is looked over.
pub struct Machine<'a> {
    /// This machine's state root; it need not be there yet.
    pub home: &'a Path,
    /// The doors.
    pub doors: &'a Doors,
    /// The person's places.
    pub places: &'a dyn Places,
    /// What runs on it.
    pub programs: &'a dyn Programs,
    /// Its ports.
    pub ports: &'a dyn Ports,
    /// What starts at log-in.
    pub autostart: &'a dyn Autostart,
    /// The network, where the person asked to have it tried.
    pub outbound: Option<&'a dyn Outbound>,
}

/// What a check of the machine looks at.
struct Around<'a> {
    machine: &'a Machine<'a>,
    /// The workspace, where one is set up.
    ws: Option<&'a Workspace>,
    answers: &'a Answers,
}

/// The workspace that is looked over.
struct Patient<'a> {
    ws: &'a Workspace,
    machine: &'a Machine<'a>,
}

impl Patient<'_> {
    fn around(&self) -> Surroundings<'_> {
        Surroundings { places: self.machine.places, disk: self.ws.doors.disk.as_ref() }
    }

    /// Whose folder the share lies in now, whatever setup found.
    fn holding(&self) -> Option<Provider> {
        holding(&self.ws.settings.share, self.machine.places, self.ws.doors.disk.as_ref())
    }
}

/// How a check came out.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum State {
    /// Nothing was found.
    Good,
    /// It looks only when it is asked to.
    NotAsked,
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

    /// What was seen, and is as it should be: some words.
    fn seen(what: impl Into<String>) -> Self {
        Said { state: State::Good, finding: Finding::new(what, "", ""), treatment: None }
    }

    fn not_asked(finding: Finding) -> Self {
        Said { state: State::NotAsked, finding, treatment: None }
    }

    fn note(finding: Finding) -> Self {
        Said { state: State::Note, finding, treatment: None }
    }

    fn treated_by(self, treatment: impl Treatment + 'static) -> Self {
        Said { treatment: Some(Box::new(treatment)), ..self }
    }
}

/// Looks at one thing of the machine, with a workspace or before there is one.
trait FirstCheck {
    /// What it looks at, for people and programs.
    fn name(&self) -> &'static str;

    /// Whether there is anything for it to look at.
    fn concerns(&self, _around: &Around<'_>) -> bool {
        true
    }

    /// Look, and change nothing.
    ///
    /// # Errors
    /// It cannot look.
    fn look(&self, around: &Around<'_>) -> Result<Vec<Said>, EngineError>;
}

/// Looks at one thing of a workspace.
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
    /// What was seen and is as it should be, in some words; none where there is nothing to say.
    pub seen: Option<String>,
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

const FIRST: [&dyn FirstCheck; 10] = [
    &memory::Memory,
    &processor::Processor,
    &space::Space,
    &virtualisation::Virtual,
    &docker::Docker,
    &needs::CourseNeeds,
    &ports::FreePorts,
    &network::Network,
    &clouds::Clouds,
    &clock::ClockTime,
];

const CHECKS: [&dyn Check; 9] = [
    &share::CloudFolder,
    &provider::CloudProgram,
    &folders::Apart,
    &tools::OtherTools,
    &in_place::InPlace,
    &online::OnlineOnly,
    &names::Names,
    &leftovers::Leftovers,
    &log_in::LogIn,
];

/// Look everything over: the machine, and the workspace where there is one. With `fix` also mend what can be mended;
/// fixing wants the workspace for itself.
pub async fn examine(machine: &Machine<'_>, ws: Option<&Workspace>, fix: bool) -> Vec<Checked> {
    let answers = answers::ask(machine, ws).await;
    let around = Around { machine, ws, answers: &answers };
    let first = FIRST.into_iter().filter(|check| check.concerns(&around));
    let mut all: Vec<Checked> =
        first.map(|check| checked(check.name(), check.look(&around), |_| None)).collect();
    if let Some(ws) = ws {
        let patient = Patient { ws, machine };
        let treat = |treatment: &dyn Treatment| fix.then(|| treatment.treat(&patient));
        all.extend(CHECKS.into_iter().map(|check| checked(check.name(), check.look(&patient), treat)));
    }
    all
}

/// What came of a look, and of each treatment that was tried.
fn checked(
    check: &'static str,
    looked: Result<Vec<Said>, EngineError>,
    treat: impl Fn(&dyn Treatment) -> Option<Result<(), EngineError>>,
) -> Checked {
    let mut seen = Vec::new();
    let findings: Vec<Diagnosis> = match looked {
        Ok(said) => {
            let (good, rest): (Vec<_>, Vec<_>) = said.into_iter().partition(|said| said.state == State::Good);
            seen.extend(good.into_iter().map(|said| said.finding.what));
            rest.into_iter().map(|said| diagnosis(said, &treat)).collect()
        }
        Err(error) => vec![Diagnosis { state: State::NotChecked, finding: error.finding(), treatment: None }],
    };
    let open = |diagnosis: &&Diagnosis| !diagnosis.treatment.as_ref().is_some_and(|treated| treated.done);
    let state = findings.iter().filter(open).map(|diagnosis| diagnosis.state).max().unwrap_or(State::Good);
    Checked { check, state, seen: (!seen.is_empty()).then(|| seen.join("; ")), findings }
}

fn diagnosis(said: Said, treat: impl Fn(&dyn Treatment) -> Option<Result<(), EngineError>>) -> Diagnosis {
    let treatment = said.treatment.map(|treatment| {
        let tried = treat(treatment.as_ref());
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
