//! The first of the possible backends that can work here. Whether there is a Docker at all is looked at before a person
//! is asked about it; what else may keep it from working the plugin says when it may look. Nothing is made or
//! downloaded before. Of one that cannot, the reason is kept: it is a note where another takes over, else the error.

use std::path::Path;
use std::sync::Arc;

use kitbag_core::finding::Finding;
use kitbag_plugin_host::{Op, Reply};

use super::choose::choose;
use super::consent::{self, Allowed, title};
use super::runner::{Runner, SHORT, finding, made};
use super::up::Options;
use crate::course::CourseHere;
use crate::error::EngineError;
use crate::sync::Progress;
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
        match attempt(ws, here, home, &backend, options, progress).await? {
            Ok((runner, allowed)) => {
                let notes = cannot.iter().map(|(better, why)| instead(better, why, &backend)).collect();
                return Ok(Usable { runner, allowed, notes });
            }
            Err(why) => _ = cannot.get_or_insert((backend, why)),
        }
    }
    let nothing = || Finding::new("nothing here can run the course", "", "Ask the course team.");
    Err(EngineError::Missing(cannot.map_or_else(nothing, |(_, why)| why)))
}

/// One of them; or why it cannot work here.
async fn attempt<'a>(
    ws: &'a Workspace,
    here: &CourseHere,
    home: &Path,
    backend: &str,
    options: &Options<'_>,
    progress: &Arc<dyn Progress>,
) -> Result<Result<(Runner<'a>, Allowed), Finding>, EngineError> {
    if let Err(fault) = ws.doors.backends.needs_met(backend).await {
        return Ok(Err(finding(fault)));
    }
    let allowed = consent::programs(ws, here, backend, options.ask)?;
    let runner = Runner::prepare(ws, home, backend, progress.clone()).await?;
    let asked = runner.call(Op::Probe, runner.grants(&allowed.programs)?, SHORT).await;
    Ok(match asked.and_then(Reply::probe) {
        Err(error) => Err(finding(error.fault())),
        Ok(report) => match report.problems.into_iter().next() {
            Some(problem) if !report.usable => Err(finding(problem)),
            _ => Ok((runner, allowed)),
        },
    })
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
