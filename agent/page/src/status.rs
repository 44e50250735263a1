//! The status document. Its fields are a contract: they are added to, never changed or left out; what is not known
//! yet is null.

use kitbag_core::session::Presence;
use kitbag_engine::agent::Seen;
use kitbag_engine::environment::{EnvironmentView, last_checkpoint};
use kitbag_engine::error::EngineError;
use kitbag_engine::storage::{Growth, growth};
use kitbag_engine::sync::report::WaitingFor;
use kitbag_engine::sync::{Conflict, Cycle, NotedNotebook, PendingNotebook, Rules};
use kitbag_engine::workspace::Workspace;
use kitbag_engine::{events, sync};
use kitbag_platform::places::Places;
use kitbag_platform::provider;
use serde::Serialize;

/// So many things that are waited for are named; a list nobody reads to its end helps nobody.
const NAMED: usize = 50;

/// How things stand, in one word.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum State {
    /// Everything is in both folders.
    UpToDate,
    /// Something is not carried yet.
    Working,
    /// The cloud folder has not delivered everything.
    Waiting,
    /// A question is open.
    NeedsYou,
    /// The cloud folder or the working folder is not there.
    Stopped,
}

impl State {
    /// The words people read.
    pub fn words(self) -> &'static str {
        match self {
            State::UpToDate => "Up to date",
            State::Working => "Working",
            State::Waiting => "Waiting for the other computer",
            State::NeedsYou => "Needs you",
            State::Stopped => "Stopped",
        }
    }
}

/// The cloud folder.
#[derive(Debug, Clone, Serialize)]
pub struct ShareView {
    /// Where.
    pub path: String,
    /// Whose, when that is known.
    pub provider: Option<&'static str>,
    /// Whether it is there.
    pub reachable: bool,
}

/// `status --json`.
#[derive(Debug, Clone, Serialize)]
pub struct Status {
    /// The workspace's name here.
    pub workspace: String,
    /// This machine's name.
    pub machine: String,
    /// In one word.
    pub state: State,
    /// The cloud folder.
    pub share: ShareView,
    /// The working folder.
    pub work: String,
    /// Files carried.
    pub files: u64,
    /// Files not carried yet; null where it cannot be told now.
    pub pending: Option<u64>,
    /// Things the cloud folder has announced and not delivered.
    pub missing: u64,
    /// What they are, the first of them by name.
    pub waiting_for: Vec<WaitingFor>,
    /// Open questions.
    pub conflicts: Vec<Conflict>,
    /// Absences that wait for an answer.
    pub held: u64,
    /// Notebooks whose newer version waits until they are closed here.
    pub pending_notebooks: Vec<PendingNotebook>,
    /// Notebooks in which nothing waits, and cells were kept although somebody deleted them.
    pub notes: Vec<NotedNotebook>,
    /// What runs.
    pub environment: EnvironmentView,
    /// When files and databases were saved last while the course was open, RFC 3339; null when never.
    pub last_checkpoint: Option<String>,
    /// The machines of this workspace.
    pub machines: Vec<Presence>,
    /// Bytes the workspace costs in the cloud folder's history.
    pub history_bytes: u64,
    /// What the history costs, in figures.
    pub storage: Growth,
    /// kitbag in the background; null when there is none, or nobody has looked. Whoever shows the document looks.
    pub agent: Option<Seen>,
}

/// Look at a workspace without changing it.
///
/// # Errors
/// The ledger cannot be read.
pub fn read(
    ws: &Workspace,
    rules: &Rules,
    environment: EnvironmentView,
    places: &dyn Places,
) -> Result<Status, EngineError> {
    let share = ws.share();
    let disk = ws.doors.disk.as_ref();
    let reachable = share.is_empty().is_ok() && share.has_sidecar();
    let here = disk.list(&ws.settings.work).is_ok();
    let counts = ws.ledger.counts()?;
    let conflicts = Cycle::for_answers(ws, rules)?.conflicts()?;
    let held = ws.ledger.held()?.len() as u64;
    let missing = ws.ledger.waiting_count()?;
    let waiting_for = sync::announced(&ws.ledger)?.into_iter().take(NAMED).collect();
    // while another kitbag is at work the ledger cannot be asked for this
    let pending = if reachable && here { sync::pending(ws, rules).ok() } else { Some(counts.dirty) };
    let state = if !reachable || !here {
        State::Stopped
    } else if !conflicts.is_empty() || held > 0 {
        State::NeedsYou
    } else if missing > 0 {
        State::Waiting
    } else if pending != Some(0) {
        State::Working
    } else {
        State::UpToDate
    };
    let storage = growth(ws)?;
    Ok(Status {
        workspace: ws.settings.name.clone(),
        machine: ws.settings.machine.clone(),
        state,
        share: ShareView {
            path: ws.settings.share.to_string_lossy().into_owned(),
            provider: provider::holding(&ws.settings.share, places, disk).map(|provider| provider.name()),
            reachable,
        },
        work: ws.settings.work.to_string_lossy().into_owned(),
        files: counts.files,
        pending,
        missing,
        waiting_for,
        conflicts,
        held,
        pending_notebooks: sync::pending_notebooks(ws)?,
        notes: sync::noted_notebooks(ws)?,
        environment,
        last_checkpoint: last_checkpoint(&ws.ledger)?,
        machines: events::machines(ws)?,
        history_bytes: storage.history_bytes,
        storage,
        agent: None,
    })
}
