//! `done`, in the order that keeps work safe: the course's last steps, programs stop and flush what they hold, the
//! databases are recorded, everything goes out, and only then the session closes, so that its event names all of it.
//! `checkpoint` does the middle of it while the course is open.

use std::path::Path;
use std::sync::Arc;

use kitbag_core::course::Moment;
use kitbag_core::notebook::Notebooks;
use kitbag_core::path::shown;
use kitbag_core::session::EventKind;

use super::databases::{Databases, Outcome};
use super::runner::{Runner, runs};
use super::up::{GRACE, live};
use super::{consent, ports, steps};
use crate::course::unpack::ensure_unpacked;
use crate::course::{CourseHere, rules};
use crate::error::EngineError;
use crate::events;
use crate::share::Share;
use crate::sync::report::Report;
use crate::sync::{self, Progress, Request};
use crate::workspace::Workspace;

/// What `done` did.
#[derive(Debug, Clone)]
pub struct Done {
    /// What was carried, and what is left.
    pub report: Report,
    /// What is still missing before the computer can be shut down, in words.
    pub waiting: Vec<String>,
    /// What a person should know, each a sentence or two.
    pub notes: Vec<String>,
}

/// Stop the course and take the work out.
///
/// # Errors
/// A folder is missing, a program cannot be stopped, or something cannot be written. The session stays open then, and
/// `done` can be run again.
pub async fn done(ws: &Workspace, home: &Path, progress: Arc<dyn Progress>) -> Result<Done, EngineError> {
    let share = ws.share();
    share.check(ws, false)?;
    let here = ensure_unpacked(ws, &share)?.here;
    let notes = stop(ws, home, here.as_ref(), progress.clone()).await?;
    let request = Request { ending: true, ..Request::default() };
    let report = carry_out(ws, &share, here.as_ref(), request, progress.as_ref())?;
    if events::session_open(&ws.ledger)? {
        events::add(ws, &share, EventKind::Closed)?;
    }
    let mut done = Done { waiting: waiting(&report), report, notes };
    for machine in events::machines(ws)?.into_iter().filter(|machine| machine.has_my_latest == Some(false)) {
        done.notes.push(format!("{} has not seen your latest work yet.", shown(&machine.name)));
    }
    Ok(done)
}

/// The course's last steps, then all programs end.
pub(super) async fn stop(
    ws: &Workspace,
    home: &Path,
    here: Option<&CourseHere>,
    progress: Arc<dyn Progress>,
) -> Result<Vec<String>, EngineError> {
    let Some(runner) = Runner::existing(ws, home, progress, false).await? else { return Ok(Vec::new()) };
    let status = runner.status().await?;
    let mut notes = Vec::new();
    if runs(&status)
        && let Some(here) = here
        && let Some(programs) = consent::granted(ws, here, &runner.made.backend)?
    {
        let urls = ports::urls(ws, &here.course, &runner.made.backend, &runner.ports);
        notes =
            steps::run(&runner, &here.course, Moment::BeforeStop, &programs, &urls, &live(&status)).await?;
    }
    runner.stop(GRACE).await?;
    Ok(notes)
}

/// Save what the databases hold and carry everything, with the course going on and these notebooks open.
///
/// # Errors
/// A folder is missing, or something cannot be written. A database that cannot be dumped is a problem in the report.
pub fn checkpoint(
    ws: &Workspace,
    notebooks: Notebooks,
    progress: &dyn Progress,
) -> Result<Report, EngineError> {
    let share = ws.share();
    share.check(ws, false)?;
    let here = ensure_unpacked(ws, &share)?.here;
    let request = Request { notebooks, ..Request::default() };
    carry_out(ws, &share, here.as_ref(), request, progress)
}

fn carry_out(
    ws: &Workspace,
    share: &Share,
    here: Option<&CourseHere>,
    request: Request,
    progress: &dyn Progress,
) -> Result<Report, EngineError> {
    let recorded = match here {
        Some(here) => Databases { ws, share, here }.record_changes()?,
        None => Outcome::default(),
    };
    let mut report = sync::run(ws, &rules(here), request, progress)?;
    report.problems.extend(recorded.problems());
    Ok(report)
}

fn waiting(report: &Report) -> Vec<String> {
    let mut waiting: Vec<_> = report
        .waiting_for
        .iter()
        .map(|one| match &one.path {
            Some(path) => format!("{}: {} has not arrived", shown(path), one.what),
            None => one.what.clone(),
        })
        .collect();
    if report.pending > 0 {
        waiting.push(format!("{} not carried yet", crate::error::count(report.pending as usize, "file")));
    }
    waiting
}
