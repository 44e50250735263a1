//! Which programs a course may start on this computer, whether Python packages may be installed for it, whether its
//! backend may control Docker, and which commands save and bring back its databases. A person is asked once for each
//! package and list, sees what is started for what and where it lies, and the answer is kept on this machine until it
//! is taken back. It never travels.

use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;

use kitbag_core::course::{Course, Database, Service, ServiceKind};
use kitbag_core::finding::Finding;
use kitbag_core::id::ContentId;
use kitbag_plugin_host::{Capability, CapabilityName, EngineRight, Manifest, bundled};
use serde::{Deserialize, Serialize};

use super::doors::find;
use super::python::{self, AskedPython};
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
    /// Whether the backend wants to control Docker.
    pub engine: Option<AskedEngine>,
    /// The servers whose data are kept by commands of the course, in its order.
    pub databases: Vec<AskedDatabase>,
    /// Whether Python packages are to be installed.
    pub python: Option<AskedPython>,
    /// Whether an earlier version or list was allowed before.
    pub again: bool,
}

/// A backend that wants to control Docker.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct AskedEngine {
    /// What people call the plugin.
    pub title: String,
    /// Who made it.
    pub publisher: String,
    /// Why, in its own words.
    pub reason: String,
    /// What it may do beyond the usual.
    pub rights: BTreeSet<EngineRight>,
}

/// A database server inside the environment, and what the course runs there to keep its data.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct AskedDatabase {
    /// The service's title.
    pub service: String,
    /// What is run, and for what.
    pub commands: Vec<AskedCommand>,
}

/// One command of a course.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct AskedCommand {
    /// What it is for: goes on after "to".
    pub purpose: String,
    /// The program and its arguments.
    pub argv: Vec<String>,
}

/// What a person has allowed in a workspace.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Granted {
    /// The backend it was allowed for.
    pub backend: String,
    /// The programs it may start.
    pub programs: BTreeSet<String>,
    /// Whether it may control Docker, and what of that goes beyond the usual.
    pub engine: Option<BTreeSet<EngineRight>>,
    /// Whether Python packages may be installed for it.
    pub python: bool,
}

/// One program a course wants to start.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct AskedProgram {
    /// Its bare name.
    pub program: String,
    /// Where it lies on this computer; none when it is not here, or comes with the course's Python packages.
    pub file: Option<PathBuf>,
    /// What it is started for: services and steps by name.
    pub uses: Vec<String>,
}

#[derive(PartialEq, Eq, Serialize, Deserialize)]
struct Grant {
    package: ContentId,
    backend: String,
    programs: BTreeSet<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    engine: Option<BTreeSet<EngineRight>>,
    /// The commands of each database, by service.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    databases: BTreeMap<String, Vec<Vec<String>>>,
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    python: bool,
}

/// What the person has allowed, as far as it matters now.
pub(super) struct Allowed {
    /// The programs that may be started.
    pub programs: BTreeSet<String>,
    /// Programs that are here and were not allowed; the course goes on without them.
    pub left_out: BTreeSet<String>,
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
    let nothing = wanted.programs.is_empty() && wanted.engine.is_none() && wanted.databases.is_empty();
    let same = nothing || before(ws)?.as_ref() == Some(&wanted);
    Ok(same.then(|| all(here, backend)))
}

/// The programs of this computer that the course starts. What runs inside an environment is none of them.
fn all(here: &CourseHere, backend: &str) -> BTreeSet<String> {
    if !on_this_computer(backend) {
        return BTreeSet::new();
    }
    here.course.programs(backend).into_iter().map(str::to_owned).collect()
}

/// What has to be asked: a program that is not on this computer and that the course can do without needs no answer.
fn wanted(here: &CourseHere, backend: &str) -> Grant {
    let programs = all(here, backend);
    // any of them may come with the packages
    let python = here.course.requirements(backend).is_some();
    let matters = |program: &String| python || needed(&here.course, program) || find(program, &[]).is_some();
    let databases = here.course.databases(backend).map(|(service, database)| {
        (service.name.clone(), database.commands().map(|(_, argv)| argv.to_vec()).collect())
    });
    Grant {
        package: here.id,
        backend: backend.to_owned(),
        programs: programs.into_iter().filter(matters).collect(),
        engine: manifest(backend).and_then(|manifest| Some(capability(&manifest)?.rights.clone())),
        databases: databases.collect(),
        python,
    }
}

/// What the backend says it is, if this kitbag has it.
fn manifest(backend: &str) -> Option<Manifest> {
    let (_, plugin) = bundled().iter().find(|(id, _)| *id == backend)?;
    Manifest::read(plugin.manifest).ok()
}

/// Whether a backend starts programs of this computer, and not inside an environment of its own.
pub(super) fn on_this_computer(backend: &str) -> bool {
    manifest(backend).is_none_or(|manifest| manifest.capability(CapabilityName::Process).is_some())
}

/// What people call a backend.
pub(super) fn title(backend: &str) -> String {
    manifest(backend).map_or_else(|| backend.to_owned(), |manifest| manifest.title)
}

/// Whether a backend needs Docker.
pub(super) fn wants_engine(backend: &str) -> bool {
    manifest(backend).is_some_and(|manifest| capability(&manifest).is_some())
}

fn capability(manifest: &Manifest) -> Option<&Capability> {
    manifest.capability(CapabilityName::Engine)
}

/// What of Docker a backend was allowed and still asks for, whatever version of the course it was asked with: an
/// environment that was made must be found and stopped.
///
/// # Errors
/// The ledger fails.
pub(super) fn engine(ws: &Workspace, backend: &str) -> Result<Option<BTreeSet<EngineRight>>, EngineError> {
    let Some(allowed) = before(ws)?.filter(|grant| grant.backend == backend).and_then(|grant| grant.engine)
    else {
        return Ok(None);
    };
    let asked = manifest(backend).and_then(|manifest| Some(capability(&manifest)?.rights.clone()));
    Ok(asked.map(|asked| asked.intersection(&allowed).copied().collect()))
}

/// Whether the course cannot run without a program.
fn needed(course: &Course, program: &str) -> bool {
    course.services.iter().any(|service| match &service.kind {
        ServiceKind::Program(of) => of.program == program && !of.optional,
        _ => false,
    })
}

fn before(ws: &Workspace) -> Result<Option<Grant>, EngineError> {
    Ok(ws.ledger.get(GRANT)?.and_then(|text| serde_json::from_str(&text).ok()))
}

/// The programs the person allows. Asks where that has not been answered for this very package and list. Without a
/// yes the course goes on where it can do without them.
///
/// # Errors
/// [`EngineError::Missing`] when the person says no to one it needs.
pub(super) fn programs(
    ws: &Workspace,
    here: &CourseHere,
    backend: &str,
    ask: &dyn Fn(&Question) -> bool,
) -> Result<Allowed, EngineError> {
    if let Some(programs) = granted(ws, here, backend)? {
        return Ok(Allowed { programs, left_out: BTreeSet::new() });
    }
    let wanted = wanted(here, backend);
    let question = Question {
        course: here.course.title.clone(),
        version: here.course.version.clone(),
        backend: backend.to_owned(),
        programs: wanted.programs.iter().map(|program| asked(&here.course, program)).collect(),
        engine: asked_engine(backend),
        databases: here.course.databases(backend).map(asked_database).collect(),
        python: python::asked(here, backend),
        again: before(ws)?.is_some(),
    };
    if ask(&question) {
        ws.ledger.set(GRANT, &serde_json::to_string(&wanted).unwrap_or_default())?;
        return Ok(Allowed { programs: all(here, backend), left_out: BTreeSet::new() });
    }
    if wanted.engine.is_some() {
        return Err(EngineError::Missing(Finding::new(
            "the course has not been allowed to use Docker",
            format!("It runs with the backend {backend}, which controls Docker on this computer."),
            "Run `kitbag up` and answer yes, or `kitbag up --yes`, if you trust the course team.",
        )));
    }
    let names: Vec<_> = wanted.programs.iter().map(String::as_str).collect();
    if wanted.programs.iter().any(|program| needed(&here.course, program)) {
        return Err(EngineError::Missing(Finding::new(
            "the course's programs have not been allowed to start",
            format!(
                "A program started here has all your own rights. The course wants: {}.",
                names.join(", ")
            ),
            "Run `kitbag up` and answer yes, or `kitbag up --yes`, if you trust the course team.",
        )));
    }
    let programs = all(here, backend).difference(&wanted.programs).cloned().collect();
    Ok(Allowed { programs, left_out: wanted.programs })
}

/// What the person has allowed in this workspace; none where nothing was asked yet.
///
/// # Errors
/// The ledger fails.
pub fn grants(ws: &Workspace) -> Result<Option<Granted>, EngineError> {
    let told = |grant: Grant| {
        let Grant { backend, programs, engine, python, .. } = grant;
        Granted { backend, programs, engine, python }
    };
    Ok(before(ws)?.map(told))
}

/// Take back what a backend was allowed in this workspace; the next `up` asks again. Gives what it was.
///
/// # Errors
/// The ledger fails.
pub fn revoke(ws: &Workspace, backend: &str) -> Result<Option<Granted>, EngineError> {
    let there = grants(ws)?.filter(|granted| granted.backend == backend);
    if there.is_some() {
        ws.ledger.unset(GRANT)?;
    }
    Ok(there)
}

fn asked_engine(backend: &str) -> Option<AskedEngine> {
    let manifest = manifest(backend)?;
    let capability = capability(&manifest)?.clone();
    Some(AskedEngine {
        title: manifest.title,
        publisher: manifest.publisher,
        reason: capability.reason,
        rights: capability.rights,
    })
}

fn asked_database((service, database): (&Service, &Database)) -> AskedDatabase {
    let command = |(purpose, argv): (&str, &[String])| AskedCommand {
        purpose: purpose.to_owned(),
        argv: argv.to_vec(),
    };
    AskedDatabase { service: service.title.clone(), commands: database.commands().map(command).collect() }
}

fn asked(course: &Course, program: &str) -> AskedProgram {
    let services = course.services.iter().filter_map(|service| match &service.kind {
        ServiceKind::Program(of) if of.program == program => Some(service.title.clone()),
        _ => None,
    });
    let steps = course.steps.iter().filter(|step| step.run.first().is_some_and(|first| first == program));
    AskedProgram {
        program: program.to_owned(),
        file: find(program, &[]),
        uses: services.chain(steps.map(|step| step.name.clone())).collect(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn grant(engine: Option<&[EngineRight]>) -> Grant {
        Grant {
            package: ContentId::of(b"a course"),
            backend: "local".to_owned(),
            programs: ["sh".to_owned()].into(),
            engine: engine.map(|rights| rights.iter().copied().collect()),
            databases: BTreeMap::new(),
            python: false,
        }
    }

    /// Answers given before there was anything to ask about Docker stay answers, and say nothing about it.
    #[test]
    fn an_answer_about_programs_is_none_about_docker() {
        let text = serde_json::to_string(&grant(None)).unwrap();
        for word in ["engine", "databases", "python"] {
            assert!(!text.contains(word), "{text}");
        }
        let read: Grant = serde_json::from_str(&text).unwrap();
        assert!(read == grant(None) && read != grant(Some(&[])));
        let more = serde_json::to_string(&grant(Some(&[EngineRight::Networks]))).unwrap();
        assert!(
            more.contains("\"networks\"")
                && serde_json::from_str::<Grant>(&more).unwrap() != grant(Some(&[]))
        );
    }

    /// The same commands in another order, or one word more, are another question.
    #[test]
    fn other_commands_are_asked_about_again() {
        let with = |words: &[&str]| {
            let argv = words.iter().map(|&word| word.to_owned()).collect();
            Grant { databases: [("pg".to_owned(), vec![argv])].into(), ..grant(Some(&[])) }
        };
        let one = with(&["pg_dump", "--no-owner"]);
        let kept: Grant = serde_json::from_str(&serde_json::to_string(&one).unwrap()).unwrap();
        assert!(kept == one && kept != grant(Some(&[])));
        assert!(
            one != with(&["pg_dump", "--no-owner", "-h", "elsewhere"])
                && one != with(&["--no-owner", "pg_dump"])
        );
    }

    /// Inside an environment no program of this computer is started.
    #[test]
    fn only_the_backend_that_starts_programs_is_on_this_computer() {
        assert!(on_this_computer("local") && !on_this_computer("docker"));
    }

    /// The backend that runs programs asks nothing about Docker.
    #[test]
    fn only_a_backend_that_says_so_wants_docker() {
        assert_eq!(asked_engine("local"), None);
        assert_eq!(asked_engine("nothing"), None);
    }
}
