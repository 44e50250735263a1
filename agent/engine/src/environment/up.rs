//! `up`, in the order that keeps work safe: what the databases hold is recorded before anything comes in, those of an
//! environment that was left without `done` too; files come in before seeds are placed; then `launch` starts what runs
//! and brings the databases in; the session opens, and people are told where, when they can work. Each part can be
//! stopped and done again.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use kitbag_core::finding::Finding;
use kitbag_core::notebook::{AtWork, Notebooks};
use kitbag_core::path::shown;
use kitbag_core::session::EventKind;
use kitbag_plugin_host::{EnvStatus, Phase};
use serde::Serialize;

use super::consent::Question;
use super::databases::{Databases, sweep};
use super::keep;
use super::notebooks::open_notebooks;
use super::reach::Opened;
use super::runner::Runner;
use super::view::ServiceView;
use crate::course::unpack::{Standing, ensure_unpacked};
use crate::course::{CourseHere, folders, rules, seeds};
use crate::error::EngineError;
use crate::events;
use crate::share::Share;
use crate::sync::report::Report;
use crate::sync::{self, Progress, Request};
use crate::workspace::Workspace;

/// Where the ledger remembers for which package the files left alone were told.
const TOLD: &str = "course.told";
/// How long programs may take to end.
pub(super) const GRACE: Duration = Duration::from_secs(30);

/// What a person asks of `up`.
pub struct Options<'a> {
    /// The backend, where the course's first is not wanted.
    pub backend: Option<String>,
    /// Shows what a course wants to start and takes the answer; `--yes` answers yes.
    pub ask: &'a dyn Fn(&Question) -> bool,
    /// Tells what could be lost, and takes the answer whether to go on; `--yes` goes on.
    pub go_on: &'a dyn Fn(&Doubt) -> bool,
}

/// Something that could be lost, asked about before it is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Doubt {
    /// Notebooks run, or may hold what was not saved.
    Notebooks(AtWork),
    /// What these databases hold cannot be saved, each with the reason; the last backup would take its place.
    Unsaved(BTreeMap<String, String>),
    /// This computer has less than the course asks for, or just enough: nothing is lost, it may be slow.
    Tight(Tight),
}

/// What is tight, and what could be done instead.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Tight {
    /// What the course would run with.
    pub backend: String,
    /// Each thing there is too little of.
    pub short: Vec<Finding>,
    /// Each a sentence or two.
    pub alternatives: Vec<String>,
}

/// What `up` did.
#[derive(Debug, Clone)]
pub struct Up {
    /// Every service of the course.
    pub services: Vec<ServiceView>,
    /// What was carried, and what is left.
    pub report: Report,
    /// What a person should know, each a sentence or two.
    pub notes: Vec<String>,
    /// What to open now, with the access token in it.
    pub open: Option<Opened>,
}

/// Bring the work in and start the course.
///
/// # Errors
/// A folder is missing, the course cannot run here, its programs were not allowed, a database cannot be brought in, or
/// a program did not start. What was started is stopped again then.
pub async fn up(
    ws: &Workspace,
    home: &Path,
    options: &Options<'_>,
    progress: Arc<dyn Progress>,
) -> Result<Up, EngineError> {
    let share = ws.share();
    share.check(ws, false)?;
    sweep(ws);
    let before = ensure_unpacked(ws, &share)?.here;
    let mut troubles = BTreeMap::new();
    if let Some(here) = &before {
        let files = Databases { ws, share: &share, here, servers: None };
        troubles.extend(files.record_changes().await?.troubles);
    }
    let kept = keep::unclosed(ws, &share, home, before.as_ref(), progress.clone()).await?;
    troubles.extend(kept.outcome.troubles);
    let up = Up { services: Vec::new(), report: Report::default(), notes: Vec::new(), open: None };
    let (notebooks, ours) = (Notebooks::Unknown, kept.started);
    let mut work = Work { ws, share: &share, home, options, progress, up, troubles, notebooks, ours };
    let done = work.all(before).await;
    if done.is_err() && work.ours {
        work.stop_again().await;
    }
    done.map(|()| work.up)
}

/// Where else the workspace is open.
fn elsewhere(ws: &Workspace) -> Result<Vec<String>, EngineError> {
    let open = events::machines(ws)?.into_iter().filter(|machine| !machine.this);
    let note = |machine: kitbag_core::session::Presence| {
        let since = machine.session_open?;
        Some(format!(
            "The course is open on {} since {}. What is done there arrives when its cloud program has carried it.",
            shown(&machine.name),
            shown(&since)
        ))
    };
    Ok(open.filter_map(note).collect())
}

fn open_session(ws: &Workspace, share: &Share) -> Result<(), EngineError> {
    if events::session_open(&ws.ledger)? {
        return Ok(());
    }
    events::add(ws, share, EventKind::Opened)
}

/// `up` on its way.
pub(super) struct Work<'a> {
    pub(super) ws: &'a Workspace,
    pub(super) share: &'a Share,
    pub(super) home: &'a Path,
    pub(super) options: &'a Options<'a>,
    pub(super) progress: Arc<dyn Progress>,
    pub(super) up: Up,
    /// Databases that cannot be recorded, and why.
    pub(super) troubles: BTreeMap<String, String>,
    /// What a course that runs already has open.
    pub(super) notebooks: Notebooks,
    /// The environment was started for kitbag alone: nobody works in it.
    pub(super) ours: bool,
}

impl Work<'_> {
    async fn all(&mut self, before: Option<CourseHere>) -> Result<(), EngineError> {
        self.notebooks = open_notebooks(self.ws, self.home).await;
        let request = Request { notebooks: self.notebooks.clone(), ..Request::default() };
        self.up.report = sync::run(self.ws, &rules(before.as_ref()), request, self.progress.as_ref())?;
        self.up.notes.extend(elsewhere(self.ws)?);
        let Standing { here, reason } = ensure_unpacked(self.ws, self.share)?;
        self.up.notes.extend(reason);
        let Some(here) = here else {
            self.up.notes.push(
                "This workspace has no course here yet, so nothing is started. The files are in step; \
                 `kitbag setup --course FOLDER` brings a course in."
                    .to_owned(),
            );
            return open_session(self.ws, self.share);
        };
        self.files(&here, before.as_ref()).await?;
        self.environment(&here).await?;
        open_session(self.ws, self.share)
    }

    /// The databases that are files.
    pub(super) fn files_of<'w>(&'w self, here: &'w CourseHere) -> Databases<'w> {
        Databases { ws: self.ws, share: self.share, here, servers: None }
    }

    pub(super) fn sync(&mut self, here: &CourseHere) -> Result<(), EngineError> {
        let request = Request { notebooks: self.notebooks.clone(), ..Request::default() };
        let report = sync::run(self.ws, &rules(Some(here)), request, self.progress.as_ref())?;
        self.up.report = std::mem::take(&mut self.up.report).then(report);
        Ok(())
    }

    /// What was started for kitbag alone does not stay when nobody is told of it.
    async fn stop_again(&self) {
        let stopped = match Runner::existing(self.ws, self.home, self.progress.clone(), false).await {
            Ok(Some(runner)) => runner.stop(GRACE).await,
            other => other.map(drop),
        };
        if let Err(error) = stopped {
            tracing::warn!(%error, "what was started could not be stopped");
        }
    }

    /// The course's own files and folders.
    async fn files(&mut self, here: &CourseHere, before: Option<&CourseHere>) -> Result<(), EngineError> {
        let new = before.is_none_or(|before| before.id != here.id);
        if new {
            let recorded = self.files_of(here).record_changes().await?;
            self.troubles.extend(recorded.troubles);
        }
        let placed = seeds::place(self.ws, self.share, here)?;
        folders::make_required(self.ws, &here.course)?;
        if new || placed.placed > 0 {
            self.sync(here)?;
        }
        if !placed.left.is_empty() && self.first_told(here)? {
            let left: Vec<_> = placed.left.iter().take(5).map(ToString::to_string).collect();
            let more = if placed.left.len() > left.len() { " and more" } else { "" };
            self.up.notes.push(format!(
                "The course has files of its own for {}{more}; yours were left as they are.",
                left.join(", ")
            ));
        }
        Ok(())
    }

    /// Whether this package's first start is now: what is said once is not said every day.
    fn first_told(&self, here: &CourseHere) -> Result<bool, EngineError> {
        let id = here.id.to_string();
        if self.ws.ledger.get(TOLD)?.as_ref() == Some(&id) {
            return Ok(false);
        }
        self.ws.ledger.set(TOLD, &id)?;
        Ok(true)
    }
}

/// The services that run, by name.
pub(super) fn live(status: &EnvStatus) -> BTreeSet<String> {
    let runs = |phase: Phase| matches!(phase, Phase::Running | Phase::Starting);
    status.services.iter().filter(|one| runs(one.phase)).map(|one| one.name.clone()).collect()
}
