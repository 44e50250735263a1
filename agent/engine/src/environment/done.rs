//! `done`, in the order that keeps work safe: what runs or is not saved is asked about; the course's last steps; notebook
//! servers fall quiet; what the servers hold is recorded while they answer; everything stops and flushes what it holds;
//! the databases that are files are recorded; everything goes out, and only then the session closes, so that its event
//! names all of it. `checkpoint` does the middle of it while the course is open.
//!
//! A server's database that cannot be saved loses nothing: its data stay in the environment. So the files are carried
//! all the same, the environment goes on, where the cause can be looked at, and the session stays open: the next `done`
//! tries again, and after a shutdown the next `up` records it before it brings anything in.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use kitbag_core::course::{Moment, ServiceKind};
use kitbag_core::finding::Finding;
use kitbag_core::path::shown;
use kitbag_core::session::EventKind;
use kitbag_plugin_host::EnvStatus;

use super::cycle::note_checkpoint;
use super::databases::{Databases, problems, sweep};
use super::keep::{self, Keeper, note_kept};
use super::runner::{Runner, runs};
use super::up::{Doubt, GRACE, live};
use super::{consent, jupyter, ports, snapshot, steps};
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

/// Stop the course and take the work out. `go_on` hears what could be lost before anything is stopped.
///
/// # Errors
/// The person does not go on; a folder is missing, a program cannot be stopped, or something cannot be written. The
/// session stays open then, and `done` can be run again. What keeps programs from being stopped keeps no file from being
/// carried.
pub async fn done(
    ws: &Workspace,
    home: &Path,
    go_on: &dyn Fn(&Doubt) -> bool,
    progress: Arc<dyn Progress>,
) -> Result<Done, EngineError> {
    let share = ws.share();
    share.check(ws, false)?;
    sweep(ws);
    let here = ensure_unpacked(ws, &share)?.here;
    let ended = end(ws, &share, home, here.as_ref(), go_on, progress.clone()).await;
    if let Err(Stopping::Refused(error)) = ended {
        return Err(error);
    }
    let stopped = matches!(&ended, Ok(ended) if ended.troubles.is_empty());
    let request = Request { ending: stopped, ..Request::default() };
    let mut report = carry_out(ws, &share, here.as_ref(), request, progress.as_ref()).await?;
    let ended = match ended {
        Ok(ended) => ended,
        Err(Stopping::Refused(error)) => return Err(error),
        Err(Stopping::Failed(error)) => return Err(carried(error)),
    };
    report.problems.extend(problems(&ended.troubles));
    if stopped && events::session_open(&ws.ledger)? {
        events::add(ws, &share, EventKind::Closed)?;
    }
    let mut done = Done { waiting: waiting(&report), report, notes: ended.notes };
    if !stopped {
        done.notes.push(
            "The course goes on, because its database could not be saved; the files were. What the database holds \
             stays on this computer: run `kitbag done` again, or shut down and let the next `kitbag up` save it first."
                .to_owned(),
        );
    }
    for machine in events::machines(ws)?.into_iter().filter(|machine| machine.has_my_latest == Some(false)) {
        done.notes.push(format!("{} has not seen your latest work yet.", shown(&machine.name)));
    }
    Ok(done)
}

/// What could not be stopped, said with what was done all the same.
fn carried(error: EngineError) -> EngineError {
    let add = |Finding { what, why, remedy }: Finding| {
        let why = format!("{why}\nYour files were carried all the same; the course still counts as open.");
        Finding::new(what, why.trim_start(), format!("{remedy} Then run `kitbag done` again."))
    };
    match error {
        EngineError::Missing(finding) => EngineError::Missing(add(finding)),
        EngineError::Failed(finding) => EngineError::Failed(add(finding)),
        other => other,
    }
}

/// What came of ending the environment.
#[derive(Default)]
pub(super) struct Ended {
    pub(super) notes: Vec<String>,
    /// Databases that could not be saved, and why: it goes on then.
    pub(super) troubles: BTreeMap<String, String>,
}

/// Why it did not end.
pub(super) enum Stopping {
    /// The person does not want to.
    Refused(EngineError),
    /// It could not be.
    Failed(EngineError),
}

impl<E: Into<EngineError>> From<E> for Stopping {
    fn from(error: E) -> Self {
        Stopping::Failed(error.into())
    }
}

/// The course's last steps; what the servers hold is recorded; then everything stops.
pub(super) async fn end(
    ws: &Workspace,
    share: &Share,
    home: &Path,
    here: Option<&CourseHere>,
    go_on: &dyn Fn(&Doubt) -> bool,
    progress: Arc<dyn Progress>,
) -> Result<Ended, Stopping> {
    let Some(runner) = Runner::existing(ws, home, progress, false).await? else {
        return Ok(Ended::default());
    };
    runner.finish_stopping().await?;
    let status = runner.status().await?;
    let mut ended = Ended::default();
    let here = keep::course(ws, share, &runner.made, here)?;
    if let Some(here) = &here {
        snapshot::settle(ws, &runner, &here.course).await?;
        if runs(&status) {
            ended.notes = last_steps(ws, &runner, here, &status, go_on).await?;
        }
        let keeper = Keeper { ws, share, runner: &runner, here };
        if keeper.concerns() {
            let kept = keeper.keep(&status).await?;
            ended.troubles = kept.outcome.troubles;
            if !ended.troubles.is_empty() {
                // where nothing answers any more that is what is wrong, and has a remedy of its own
                runner.status().await?;
                if kept.started {
                    runner.stop(GRACE).await?;
                }
                return Ok(ended);
            }
        }
    }
    runner.stop(grace(here.as_ref())).await?;
    if here.is_some() {
        note_kept(ws)?;
    }
    Ok(ended)
}

/// What is done while everything still runs.
async fn last_steps(
    ws: &Workspace,
    runner: &Runner<'_>,
    here: &CourseHere,
    status: &EnvStatus,
    go_on: &dyn Fn(&Doubt) -> bool,
) -> Result<Vec<String>, Stopping> {
    let at_work = jupyter::at_work(ws, runner, &here.course, status).await?;
    if !at_work.is_empty() && !go_on(&Doubt::Notebooks(at_work)) {
        return Err(Stopping::Refused(EngineError::Failed(Finding::new(
            "nothing was stopped, because notebooks are still at work",
            "What they compute, or what was not saved in the browser, would be lost.",
            "Save them and let them finish, then run `kitbag done` again; `kitbag --yes done` ends them as they are.",
        ))));
    }
    let mut notes = Vec::new();
    if let Some(programs) = consent::granted(ws, here, &runner.made.backend)? {
        let urls = ports::urls(ws, &here.course, &runner.made.backend, &runner.ports);
        notes = steps::run(runner, &here.course, Moment::BeforeStop, &programs, &urls, &live(status)).await?;
    }
    jupyter::end_all(ws, runner, &here.course, status).await;
    Ok(notes)
}

/// How long everything together may take to end: what the course asks for its services, and never less than usual.
fn grace(here: Option<&CourseHere>) -> Duration {
    let seconds = here.iter().flat_map(|here| &here.course.services).map(|service| match &service.kind {
        ServiceKind::Program(program) => program.stop_grace_seconds,
        ServiceKind::Web(web) => web.stop_grace_seconds,
        ServiceKind::Sqlite(_) | ServiceKind::Database(_) => 0,
    });
    GRACE.max(Duration::from_secs(seconds.sum()))
}

/// Save what the databases hold and carry everything, with the course going on.
///
/// # Errors
/// A folder is missing, or something cannot be written. A database that cannot be dumped is a problem in the report.
pub async fn checkpoint(
    ws: &Workspace,
    home: &Path,
    request: Request,
    progress: Arc<dyn Progress>,
) -> Result<Report, EngineError> {
    let share = ws.share();
    share.check(ws, false)?;
    sweep(ws);
    let here = ensure_unpacked(ws, &share)?.here;
    let recorded = match keep::existing(ws, &share, home, here.as_ref(), progress.clone()).await {
        Ok(Some((runner, here))) => {
            let keeper = Keeper { ws, share: &share, runner: &runner, here: &here };
            keeper.record_if_running().await?.map(|outcome| outcome.troubles)
        }
        Ok(None) => Some(BTreeMap::new()),
        Err(EngineError::Failed(finding) | EngineError::Missing(finding)) => {
            tracing::warn!(what = finding.what, "the environment made here cannot be used");
            None
        }
        Err(error) => return Err(error),
    };
    // what cannot be reached now is no problem of this save, and not all is saved
    let reached = recorded.is_some();
    let troubles = recorded.unwrap_or_default();
    let mut report = carry_out(ws, &share, here.as_ref(), request, progress.as_ref()).await?;
    report.problems.extend(problems(&troubles));
    report.unsaved.extend(troubles.into_keys());
    if reached && report.unsaved.is_empty() {
        note_checkpoint(ws)?;
    }
    Ok(report)
}

async fn carry_out(
    ws: &Workspace,
    share: &Share,
    here: Option<&CourseHere>,
    request: Request,
    progress: &dyn Progress,
) -> Result<Report, EngineError> {
    let troubles = match here {
        Some(here) => Databases { ws, share, here, servers: None }.record_changes().await?.troubles,
        None => BTreeMap::new(),
    };
    let mut report = sync::run(ws, &rules(here), request, progress)?;
    report.problems.extend(problems(&troubles));
    report.unsaved.extend(troubles.into_keys());
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
