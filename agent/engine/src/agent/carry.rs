//! One look at one workspace, on a thread of its own: begin to watch what is not watched, so that nothing is missed in
//! between, then carry files, or save everything. The same cycle as `kitbag sync` does, but it waits for nothing and asks
//! nobody. Whatever goes wrong in it, the loop goes on.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use kitbag_core::finding::Finding;
use kitbag_core::notice::Seen;
use kitbag_core::pace::{Ended, What};
use kitbag_core::path::WorkPath;
use kitbag_core::restless::Restless;
use kitbag_platform::lock::Lock;
use kitbag_platform::watch::{NotWatched, Watcher};
use kitbag_store::StoreError;

use super::roster::number;
use super::{notice, place};
use crate::doors::Doors;
use crate::environment::{self, Extent};
use crate::error::EngineError;
use crate::events;
use crate::sync::Silent;
use crate::sync::report::Report;
use crate::workspace::{Config, Settings, Workspace};

/// How long somebody who only looks may hold the lock that says this is going on.
const PATIENCE: Duration = Duration::from_secs(3);

/// What is to be done.
pub(super) struct Job {
    pub(super) home: PathBuf,
    pub(super) settings: Settings,
    pub(super) config: Config,
    pub(super) doors: Doors,
    pub(super) what: What,
    pub(super) watcher: Arc<dyn Watcher>,
    /// Folders to watch first.
    pub(super) unwatched: Vec<PathBuf>,
    /// Files that change again and again. Only files wait for that: a checkpoint saves all there is.
    pub(super) restless: Arc<Restless>,
}

/// What came of it.
pub(super) struct Outcome {
    pub(super) ended: Ended,
    /// Why it failed, for the person.
    pub(super) error: Option<Finding>,
    /// What a person may have to be told; none where it could not be looked at.
    pub(super) seen: Option<Seen>,
    /// Files that had changed, with their sizes.
    pub(super) read: BTreeMap<WorkPath, u64>,
    /// Folders that are watched from now on, with their numbers.
    pub(super) watched: Vec<(PathBuf, u64)>,
    /// Why one is not.
    pub(super) not_watched: Option<NotWatched>,
}

impl Outcome {
    /// It ended by a mistake of the program.
    pub(super) fn mistaken(error: &dyn std::fmt::Display) -> Self {
        let error = Finding::new(
            "kitbag made a mistake in the background",
            error.to_string(),
            "It is tried again. If it stays so, run `kitbag sync` and show what it says to your tutor.",
        );
        Outcome {
            ended: Ended::Failed,
            error: Some(error),
            seen: None,
            read: BTreeMap::new(),
            watched: Vec::new(),
            not_watched: None,
        }
    }
}

impl Job {
    /// Do it.
    pub(super) fn run(self) -> Outcome {
        let (mut watched, mut not_watched) = (Vec::new(), None);
        for root in &self.unwatched {
            // asked first: a folder that takes its place meanwhile has another number
            let Some(number) = number(root, &self.doors) else { continue };
            match self.watcher.watch(root) {
                Ok(()) => watched.push((root.clone(), number)),
                Err(error) => not_watched = Some(error),
            }
        }
        let workspace = self.settings.name.clone();
        tracing::debug!(workspace, what = ?self.what, "looks");
        let files_only = self.what != What::Checkpoint;
        let restless = if files_only { self.restless } else { Arc::default() };
        let extent = Extent { files_only, brief: true, restless };
        let (ended, error, seen, read) =
            match carry(&self.home, self.settings, self.config, self.doors, extent) {
                Ok((report, seen)) => {
                    let (ended, error) = judged(&workspace, &report);
                    (ended, error, seen, report.read)
                }
                Err(error) => {
                    let (ended, error) = failed(&workspace, &error);
                    (ended, error, None, BTreeMap::new())
                }
            };
        Outcome { ended, error, seen, read, watched, not_watched }
    }
}

fn judged(workspace: &str, report: &Report) -> (Ended, Option<Finding>) {
    let carried = report.published + report.received + report.merged + report.bytes_published > 0;
    if carried {
        let (published, received, conflicts) = (report.published, report.received, report.conflicts);
        let problems = report.problems.len();
        tracing::info!(workspace, published, received, conflicts, problems, "carried");
    }
    if !report.unsaved.is_empty() {
        let databases = report.unsaved.join(", ");
        tracing::warn!(workspace, databases, "not saved");
        let problems = report.problems.iter().filter(|problem| problem.fails);
        let why: Vec<_> = problems.map(|one| format!("{}: {}", one.path, one.reason)).collect();
        let finding = Finding::new(
            format!("not saved: {databases}"),
            why.join("\n"),
            "It is tried again by itself; your files are carried meanwhile.",
        );
        return (Ended::Unsaved, Some(finding));
    }
    let waits = !report.waiting_for.is_empty() || report.pending > 0;
    let ended =
        if waits { Ended::Waits { wait: report.settles_in, carried } } else { Ended::Done { carried } };
    (ended, None)
}

fn failed(workspace: &str, error: &EngineError) -> (Ended, Option<Finding>) {
    let finding = error.finding();
    match error {
        EngineError::Locked(_) | EngineError::Store(StoreError::Busy) => (Ended::Busy, None),
        EngineError::ShareMissing(_) | EngineError::ShareEmptied(_) | EngineError::WorkMissing(_) => {
            (Ended::Away, Some(finding))
        }
        _ => {
            tracing::warn!(workspace, what = finding.what, why = finding.why, "it could not be carried");
            (Ended::Failed, Some(finding))
        }
    }
}

fn carry(
    home: &Path,
    settings: Settings,
    config: Config,
    doors: Doors,
    extent: Extent,
) -> Result<(Report, Option<Seen>), EngineError> {
    // Tells who waits for the workspace what it is waiting for: taken before the workspace is and let go of after it, so
    // that nobody ever finds the one without the other. Where it cannot be had they only wait less patiently.
    let _saving = Lock::acquire(&place::saving(home), PATIENCE).ok();
    let ws = Workspace::open_within(home, settings, config, doors, Duration::ZERO)?;
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    let runtime = runtime.map_err(EngineError::io("cannot start work in", home))?;
    let report = runtime.block_on(environment::cycle(&ws, home, extent, Arc::new(Silent)))?;
    let open = events::session_open(&ws.ledger)?;
    let seen = notice::seen(&ws, open, report.unsaved.is_empty());
    // what cannot be read now is told another time
    Ok((report, seen.ok()))
}
