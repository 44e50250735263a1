//! Which programs a course may start on this computer. A person is asked once for each package and list, sees what is
//! started for what and where it lies, and the answer is kept on this machine. It never travels.

use std::collections::BTreeSet;
use std::path::PathBuf;

use kitbag_core::course::{Course, ServiceKind};
use kitbag_core::finding::Finding;
use kitbag_core::id::ContentId;
use serde::{Deserialize, Serialize};

use super::doors::find;
use crate::course::CourseHere;
use crate::error::EngineError;
use crate::workspace::Workspace;

/// Where the ledger keeps the answer.
const GRANT: &str = "environment.grant";

/// What a person is asked before a course's programs are started.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Question {
    /// The course's title.
    pub course: String,
    /// Its version.
    pub version: String,
    /// What runs it.
    pub backend: String,
    /// The programs, by name.
    pub programs: Vec<AskedProgram>,
    /// Whether an earlier version or list was allowed before.
    pub again: bool,
}

/// One program a course wants to start.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct AskedProgram {
    /// Its bare name.
    pub program: String,
    /// Where it lies on this computer; none when it is not here.
    pub file: Option<PathBuf>,
    /// What it is started for: services and steps by name.
    pub uses: Vec<String>,
}

#[derive(PartialEq, Eq, Serialize, Deserialize)]
struct Grant {
    package: ContentId,
    backend: String,
    programs: BTreeSet<String>,
}

/// The programs the person has allowed already; nobody is asked. None where this package and list were not answered.
///
/// # Errors
/// The ledger fails.
pub(super) fn granted(
    ws: &Workspace,
    here: &CourseHere,
    backend: &str,
) -> Result<Option<BTreeSet<String>>, EngineError> {
    let wanted = wanted(here, backend);
    let same = wanted.programs.is_empty() || before(ws)?.as_ref() == Some(&wanted);
    Ok(same.then_some(wanted.programs))
}

fn wanted(here: &CourseHere, backend: &str) -> Grant {
    let programs = here.course.programs(backend).into_iter().map(str::to_owned).collect();
    Grant { package: here.id, backend: backend.to_owned(), programs }
}

fn before(ws: &Workspace) -> Result<Option<Grant>, EngineError> {
    Ok(ws.ledger.get(GRANT)?.and_then(|text| serde_json::from_str(&text).ok()))
}

/// The programs the person allows. Asks where that has not been answered for this very package and list.
///
/// # Errors
/// [`EngineError::Missing`] when the person says no.
pub(super) fn programs(
    ws: &Workspace,
    here: &CourseHere,
    backend: &str,
    ask: &dyn Fn(&Question) -> bool,
) -> Result<BTreeSet<String>, EngineError> {
    if let Some(programs) = granted(ws, here, backend)? {
        return Ok(programs);
    }
    let wanted = wanted(here, backend);
    let question = Question {
        course: here.course.title.clone(),
        version: here.course.version.clone(),
        backend: backend.to_owned(),
        programs: wanted.programs.iter().map(|program| asked(&here.course, program)).collect(),
        again: before(ws)?.is_some(),
    };
    let names: Vec<_> = wanted.programs.iter().map(String::as_str).collect();
    if !ask(&question) {
        return Err(EngineError::Missing(Finding::new(
            "the course's programs have not been allowed to start",
            format!(
                "A program started here has all your own rights. The course wants: {}.",
                names.join(", ")
            ),
            "Run `kitbag up` and answer yes, or `kitbag up --yes`, if you trust the course team.",
        )));
    }
    ws.ledger.set(GRANT, &serde_json::to_string(&wanted).unwrap_or_default())?;
    Ok(wanted.programs)
}

fn asked(course: &Course, program: &str) -> AskedProgram {
    let services = course.services.iter().filter_map(|service| match &service.kind {
        ServiceKind::Program(of) if of.program == program => Some(service.title.clone()),
        _ => None,
    });
    let steps = course.steps.iter().filter(|step| step.run.first().is_some_and(|first| first == program));
    AskedProgram {
        program: program.to_owned(),
        file: find(program),
        uses: services.chain(steps.map(|step| step.name.clone())).collect(),
    }
}
