//! The first of the possible backends that can work here. Whether there is a Docker at all is looked at before a person
//! is asked about it, and whether this computer has what the course needs; what else may keep it from working the plugin
//! says when it may look. Nothing is made or downloaded before. Of one that cannot, the reason is kept: it is a note where
//! another takes over, else the error, with what else could be done.

use std::collections::BTreeSet;
use std::path::Path;
use std::sync::Arc;

use kitbag_core::finding::Finding;
use kitbag_plugin_host::{Op, Reply};

use super::choose::choose;
use super::consent::{self, Allowed, title};
use super::needs::{self, Judged};
use super::runner::{Runner, SHORT, finding, made};
use super::up::{Doubt, Options, Tight};
use crate::course::CourseHere;
use crate::error::EngineError;
use crate::sync::{Progress, Silent};
use crate::workspace::Workspace;

/// A backend that can work here.
pub(super) struct Usable<'a> {
    pub(super) runner: Runner<'a>,
    pub(super) allowed: Allowed,
    /// Which better one could not, and why.
    pub(super) notes: Vec<String>,
}

/// Find it, and ask the person where that is needed.
///
/// # Errors
/// [`EngineError::Missing`] when none can work here, or the person did not allow it.
pub(super) async fn find<'a>(
    ws: &'a Workspace,
    here: &CourseHere,
    home: &Path,
    options: &Options<'_>,
    progress: &Arc<dyn Progress>,
) -> Result<Usable<'a>, EngineError> {
    let made = made(ws)?.map(|made| made.backend);
    let mut cannot: Option<(String, Finding)> = None;
    for backend in choose(&here.course, options.backend.as_deref(), made.as_deref())? {
        // one that ran here has what it takes: `reset` must not end with nothing
        let known = made.as_deref() == Some(backend.as_str()) || needs::ran(ws, &backend)?;
        match attempt(ws, here, home, (&backend, known), options, progress).await? {
            Ok((runner, allowed)) => {
                let notes = cannot.iter().map(|(better, why)| instead(better, why, &backend)).collect();
                return Ok(Usable { runner, allowed, notes });
            }
            Err(why) => _ = cannot.get_or_insert((backend, why)),
        }
    }
    let Some((backend, mut why)) = cannot else {
        let nothing = Finding::new("nothing here can run the course", "", "Ask the course team.");
        return Err(EngineError::Missing(nothing));
    };
    let others = needs::others(ws, here, &backend).await?;
    why.remedy = [vec![why.remedy], others].concat().join(" ");
    Err(EngineError::Missing(why))
}

/// One of them; or why it cannot work here.
async fn attempt<'a>(
    ws: &'a Workspace,
    here: &CourseHere,
    home: &Path,
    (backend, known): (&str, bool),
    options: &Options<'_>,
    progress: &Arc<dyn Progress>,
) -> Result<Result<(Runner<'a>, Allowed), Finding>, EngineError> {
    if let Err(fault) = ws.doors.backends.needs_met(backend).await {
        return Ok(Err(finding(fault)));
    }
    if !known {
        match needs::judge(ws, here, backend).await? {
            Judged::Good => {}
            Judged::Cannot(why) => return Ok(Err(all_the_same(why))),
            Judged::Tight(tight) => {
                if !(options.go_on)(&Doubt::Tight(tight.clone())) {
                    return Err(EngineError::Missing(declined(&tight)));
                }
            }
        }
    }
    let allowed = consent::programs(ws, here, backend, options.ask)?;
    let runner = Runner::prepare(ws, home, backend, progress.clone()).await?;
    Ok(match probe(&runner, &allowed.programs).await? {
        Some(problem) => Err(problem),
        None => Ok((runner, allowed)),
    })
}

/// What keeps a plugin from working here, in its own words.
async fn probe(runner: &Runner<'_>, programs: &BTreeSet<String>) -> Result<Option<Finding>, EngineError> {
    let asked = runner.call(Op::Probe, runner.grants(programs)?, SHORT).await;
    Ok(match asked.and_then(Reply::probe) {
        Err(error) => Some(finding(error.fault())),
        Ok(report) if report.usable => None,
        Ok(report) => report.problems.into_iter().next().map(finding),
    })
}

/// What keeps the plugin of the environment that was made here from working; none where nothing does, or nothing was
/// made yet.
///
/// # Errors
/// The plugin cannot be loaded, or machine state cannot be used.
pub(crate) async fn trouble(ws: &Workspace, home: &Path) -> Result<Option<Finding>, EngineError> {
    match Runner::existing(ws, home, Arc::new(Silent), false).await? {
        Some(runner) => probe(&runner, &BTreeSet::new()).await,
        None => Ok(None),
    }
}

/// The team's figures may be wrong, and the computer is the person's.
fn all_the_same(mut why: Finding) -> Finding {
    why.remedy.push_str(" To try it all the same: `kitbag --config environment.check_needs=false up`.");
    why
}

/// The person would rather not start it where it is tight.
fn declined(tight: &Tight) -> Finding {
    let whys: Vec<_> = tight.short.iter().map(|short| short.why.as_str()).collect();
    let remedies = tight.short.iter().map(|short| short.remedy.as_str());
    let remedies: Vec<_> = remedies.chain(tight.alternatives.iter().map(String::as_str)).collect();
    Finding::new(
        "the course was not started: this computer is small for it",
        whys.join(" "),
        remedies.join(" "),
    )
}

/// What a person should know where another backend takes over.
fn instead(better: &str, why: &Finding, backend: &str) -> String {
    let what = why.what.trim_end_matches('.');
    format!(
        "{what}, so the course runs with \"{}\" instead. What needs {better} is left out. For all of it: {} Then run \
         `kitbag up --backend {better}`.",
        title(backend),
        why.remedy
    )
}
