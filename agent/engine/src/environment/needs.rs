//! What this computer has for a course, asked before anything is downloaded: the figures of the computer or of the engine
//! that has a part of it, and the drives that something will be written to. `core` weighs them against what the course
//! needs; here they are only gathered.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use kitbag_core::course::{
    Course, Have, Inside, LOCAL, Needs, PackageFiles, Room, Verdict, Way, Weighed, alternatives, fits, weigh,
};
use kitbag_core::finding::Finding;
use kitbag_core::path::WorkPath;
use kitbag_plugin_host::bundled;
use kitbag_store::Package;
use serde::Serialize;

use super::backends::Engine;
use super::choose::choose;
use super::consent::{title, wants_engine};
use super::runner::finding;
use super::up::Tight;
use crate::course::CourseHere;
use crate::doors::Doors;
use crate::error::EngineError;
use crate::events;
use crate::workspace::Workspace;

/// Something of a course that will be written, beside its environment.
#[derive(Debug, Clone)]
pub struct Written {
    /// What of it.
    pub of: &'static str,
    /// Where.
    pub folder: PathBuf,
    /// How much, in bytes.
    pub bytes: u64,
}

/// What a course's own files take before any environment is there: as a package in the cloud folder and in this machine's
/// state, and once more where they are placed.
pub fn written(package: &Package, course: &Course, state: &Path, work: &Path, share: &Path) -> Vec<Written> {
    let sizes: BTreeMap<&WorkPath, u64> = package.files.iter().map(|file| (&file.path, file.size)).collect();
    let files = PackageFiles::new(package.files.iter().map(|file| file.path.as_str()), |_| None);
    let placed: u64 = course.seeds(&files).iter().filter_map(|seed| sizes.get(&seed.from)).sum();
    let all: u64 = sizes.values().sum();
    let one = |of, folder: &Path, bytes| Written { of, folder: folder.to_owned(), bytes };
    vec![
        one("the course file", state, all),
        one("your working folder", work, placed),
        one("the cloud folder", share, all + placed),
    ]
}

/// What a person is told of a course's needs.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Told {
    /// What it would run with.
    pub backend: String,
    /// Each need, and what is here.
    pub needs: Vec<Weighed>,
    /// What else could be done where something is missing or tight; each a sentence or two.
    pub alternatives: Vec<String>,
}

impl Told {
    /// Whether something is missing or tight.
    pub fn short(&self) -> bool {
        self.needs.iter().any(|one| one.verdict >= Verdict::Tight)
    }
}

/// What a course needs beside what this computer has, for the way it would run here; `state` is where kitbag keeps its own.
///
/// # Errors
/// Nothing here can run it at all.
pub async fn told(
    doors: &Doors,
    course: &Course,
    state: &Path,
    written: &[Written],
    machines: &[String],
) -> Result<Told, EngineError> {
    let wanted = choose(course, None, None)?;
    let ways = ways(doors, course, state, written).await;
    let here = || wanted.iter().filter_map(|name| ways.iter().find(|way| way.backend == *name));
    let good = here().find(|way| way.trouble.is_none() && fits(&way.weighed));
    let way = good.or_else(|| here().next());
    let (backend, needs) =
        way.map_or_else(Default::default, |way| (way.backend.clone(), way.weighed.clone()));
    let mut told = Told { backend, needs, alternatives: Vec::new() };
    if told.short() {
        told.alternatives = alternatives(course, &told.backend, &ways, machines);
    }
    Ok(told)
}

/// Every way the course can be run, as it looks here, in the course's order.
pub(crate) async fn ways(doors: &Doors, course: &Course, state: &Path, written: &[Written]) -> Vec<Way> {
    let mut names: Vec<&str> = course.backends.keys().map(String::as_str).collect();
    if names.is_empty() {
        names.push(LOCAL);
    }
    let mut ways = Vec::new();
    for backend in names {
        ways.push(way(doors, course, backend, state, written).await);
    }
    ways
}

/// One way to run the course, as it looks here.
pub(crate) async fn way(
    doors: &Doors,
    course: &Course,
    backend: &str,
    state: &Path,
    written: &[Written],
) -> Way {
    if !bundled().iter().any(|(id, _)| *id == backend) {
        return Way { backend: backend.to_owned(), title: None, trouble: None, weighed: Vec::new() };
    }
    let trouble = doors.backends.needs_met(backend).await.err().map(finding);
    let trouble = trouble.map(|Finding { what, remedy, .. }| format!("{what} {remedy}"));
    let engine = if trouble.is_none() { doors.backends.engine(backend).await } else { None };
    let needs = course.needs_with(backend);
    let weighed = weigh(&needs, &have(doors, &needs, (backend, engine.as_ref()), state, written));
    Way { backend: backend.to_owned(), title: Some(title(backend)), trouble, weighed }
}

fn have(
    doors: &Doors,
    needs: &Needs,
    (backend, engine): (&str, Option<&Engine>),
    state: &Path,
    written: &[Written],
) -> Have {
    let host = &doors.host;
    let specs =
        host.specs(state).inspect_err(|error| tracing::warn!(%error, "the figures are not known")).ok();
    let contained = wants_engine(backend);
    let inside = engine.filter(|engine| engine.memory > 0).map(|engine| Inside {
        title: title(backend),
        memory_mb: engine.memory >> 20,
        cores: engine.cores,
    });
    // an engine on this very system counts the same memory, in other steps
    let whole = specs.as_ref().map(|specs| specs.memory >> 20);
    let inside = inside.filter(|inside| whole.is_none_or(|whole| inside.memory_mb < whole - whole / 20));
    let arch = engine.map(|engine| engine.arch.clone()).filter(|arch| !arch.is_empty());
    let place = engine.and_then(|engine| engine.folder.as_deref()).unwrap_or(state);
    let environment = needs.disk_mb.map(|mb| ("the environment", place, mb));
    let rest = written.iter().map(|one| (one.of, one.folder.as_path(), one.bytes.div_ceil(1 << 20)));
    let room = |(of, folder, needs_mb): (&'static str, &Path, u64)| {
        let volume = host.volume(folder).ok()?;
        let name = volume.root.to_string_lossy().into_owned();
        Some(Room { of, volume: name, free_mb: volume.free >> 20, needs_mb })
    };
    Have {
        memory_mb: whole,
        cores: specs.as_ref().and_then(|specs| u64::try_from(specs.cores).ok()),
        inside,
        gpu: host.gpu(),
        no_gpu: contained.then(|| title(backend)),
        virtualisation: host.virtualisation().usable(),
        architecture: arch.or_else(|| specs.map(|specs| specs.arch)),
        rooms: environment.into_iter().chain(rest).filter_map(room).collect(),
    }
}

/// Where the ledger remembers with which backends the course has run here.
const RAN: &str = "environment.ran";

/// Whether the course has run here with a backend: it then has what it takes, and its downloads are there.
///
/// # Errors
/// The ledger fails.
pub(super) fn ran(ws: &Workspace, backend: &str) -> Result<bool, EngineError> {
    Ok(ws.ledger.get(RAN)?.unwrap_or_default().split(' ').any(|name| name == backend))
}

/// Remember that it runs.
///
/// # Errors
/// The ledger fails.
pub(super) fn runs_now(ws: &Workspace, backend: &str) -> Result<(), EngineError> {
    if ran(ws, backend)? {
        return Ok(());
    }
    let before = ws.ledger.get(RAN)?.unwrap_or_default();
    Ok(ws.ledger.set(RAN, format!("{before} {backend}").trim_start())?)
}

/// How a way looks to `up`.
pub(super) enum Judged {
    /// Nothing stands in its way.
    Good,
    /// The course cannot run so.
    Cannot(Finding),
    /// It may, slowly.
    Tight(Tight),
}

/// Whether the course may be started with a backend whose environment is not there yet.
pub(super) async fn judge(ws: &Workspace, here: &CourseHere, backend: &str) -> Result<Judged, EngineError> {
    if !ws.config.check_needs {
        return Ok(Judged::Good);
    }
    let way = way(&ws.doors, &here.course, backend, &ws.environment_folder(), &[]).await;
    let with = |verdict: Verdict| {
        let all = way.weighed.iter().filter(move |one| one.verdict == verdict);
        all.filter_map(|one| one.finding.clone()).collect::<Vec<_>>()
    };
    let (cannot, tight) = (with(Verdict::Cannot), with(Verdict::Tight));
    if let Some(all) = joined(&cannot) {
        return Ok(Judged::Cannot(all));
    }
    if tight.is_empty() {
        return Ok(Judged::Good);
    }
    let alternatives = others(ws, here, backend).await?;
    Ok(Judged::Tight(Tight { backend: backend.to_owned(), short: tight, alternatives }))
}

/// Several as one, in their order.
fn joined(findings: &[Finding]) -> Option<Finding> {
    let (first, more) = findings.split_first()?;
    let why = more.iter().flat_map(|one| [one.what.as_str(), one.why.as_str()]);
    let why: Vec<_> = std::iter::once(first.why.as_str()).chain(why).collect();
    let remedy: Vec<_> = findings.iter().map(|one| one.remedy.as_str()).collect();
    let what = first.what.trim_end_matches('.');
    Some(Finding::new(what, why.join(" "), remedy.join(" ")))
}

/// What else could be done with the course than to run it with this backend here.
pub(super) async fn others(
    ws: &Workspace,
    here: &CourseHere,
    backend: &str,
) -> Result<Vec<String>, EngineError> {
    let ways = ways(&ws.doors, &here.course, &ws.environment_folder(), &[]).await;
    Ok(alternatives(&here.course, backend, &ways, &machines(ws)?))
}

/// The person's other computers with this workspace.
pub(crate) fn machines(ws: &Workspace) -> Result<Vec<String>, EngineError> {
    let others = events::machines(ws)?.into_iter().filter(|machine| !machine.this);
    Ok(others.map(|machine| machine.name).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn several_shortages_are_one_error_that_says_all() {
        let one =
            |what: &str| Finding::new(format!("{what}."), format!("{what}, why."), format!("Do {what}."));
        assert_eq!(joined(&[]), None);
        let all = joined(&[one("memory"), one("disk")]).unwrap();
        assert_eq!(all, Finding::new("memory", "memory, why. disk. disk, why.", "Do memory. Do disk."));
    }
}
