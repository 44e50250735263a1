//! How everything stands, as the page shows it, kept for as long as it is true. It is looked at again when something has
//! changed: files of machine state, what the agent says, a command that ended; never more than once a second, never for
//! more than a tenth of the time, and not at all while no page is open. A look can take long, where a disk is slow, another
//! kitbag holds the ledger or a plugin has to be compiled: there is one at a time, it goes on by itself, and who waited for
//! a moment is told what was seen before. A workspace that cannot be read is shown with what is wrong and what to do.

use std::ffi::OsString;
use std::path::Path;
use std::sync::{Arc, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use kitbag_core::entry::Fingerprint;
use kitbag_engine::agent::{About, Activity, Seen};
use kitbag_engine::course::{self, unpack};
use kitbag_engine::environment;
use kitbag_engine::error::EngineError;
use kitbag_engine::workspace::{Settings, Workspace, each, folder};
use kitbag_platform::places::RealPlaces;
use kitbag_platform::specs::computer_name;
use serde::Serialize;
use serde_json::{Value, json};
use tokio::sync::{Mutex, watch};

use super::brief::brief;
use super::operations::View;
use super::{Backing, READ_WITHIN, Server, assets};
use crate::status::{self, State};

/// No more often than this.
const LEAST: Duration = Duration::from_secs(1);
/// Also where nothing seems to have changed: programs end by themselves.
const MOST: Duration = Duration::from_secs(15);
/// Looking takes no more than one part in so many of the time.
const SHARE: u32 = 10;
/// How long a look may keep somebody waiting who can be told what was seen before.
const FRESH: Duration = Duration::from_secs(5);

/// The files by which a change is seen.
const FILES: [&str; 3] = ["workspace.json", "ledger.sqlite", "ledger.sqlite-wal"];

type Workspaces = Arc<Vec<Value>>;
type Marks = Vec<(OsString, [Option<Fingerprint>; FILES.len()])>;

/// What was seen last.
struct Looked {
    at: Instant,
    took: Duration,
    marks: Marks,
}

/// How far looking is.
#[derive(Default)]
struct Progress {
    /// Something was seen already.
    seen: bool,
    /// Since when somebody looks.
    since: Option<Instant>,
}

/// How everything stands.
pub(super) struct Board {
    last: Mutex<Option<Looked>>,
    progress: std::sync::Mutex<Progress>,
    workspaces: watch::Sender<Workspaces>,
    /// Something that is known to have changed.
    stale: watch::Sender<u64>,
}

/// `GET /api/state`.
#[derive(Serialize)]
pub(super) struct Document<'a> {
    version: &'a str,
    machine: Option<String>,
    agent: &'a About,
    texts_version: String,
    workspaces: Vec<Value>,
    operations: Vec<View>,
}

impl Board {
    pub(super) fn new() -> Self {
        Board {
            last: Mutex::new(None),
            progress: std::sync::Mutex::default(),
            workspaces: watch::Sender::new(Arc::default()),
            stale: watch::Sender::new(0),
        }
    }

    /// Tells when the workspaces stand otherwise than before.
    pub(super) fn follow(&self) -> watch::Receiver<Workspaces> {
        self.workspaces.subscribe()
    }

    /// Something has changed.
    pub(super) fn touch(&self) {
        self.stale.send_modify(|count| *count = count.wrapping_add(1));
    }

    /// Look again now: something is known to have changed.
    pub(super) async fn renew(&self, server: &Arc<Server>) {
        self.last.lock().await.take();
        looking(server).await;
    }

    fn progress(&self) -> MutexGuard<'_, Progress> {
        self.progress.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Look again, unless somebody has just done so. Whether it was looked.
    async fn look(&self, server: &Arc<Server>) -> bool {
        let mut last = self.last.lock().await;
        if last.as_ref().is_some_and(|seen| seen.at.elapsed() < LEAST.max(seen.took * SHARE)) {
            return false;
        }
        let begun = Instant::now();
        self.progress().since = Some(begun);
        let own = server.clone();
        // not one of the readers: however long it takes, the views are read beside it
        let looked = tokio::task::spawn_blocking(move || {
            let workspaces = workspaces(&own.backing);
            (workspaces, marks(&own.backing))
        });
        let looked = looked.await;
        self.progress().since = None;
        let (workspaces, marks) = match looked {
            Ok(looked) => looked,
            Err(error) => {
                tracing::error!(%error, "the page could not look");
                return false;
            }
        };
        let seen = Looked { at: Instant::now(), took: begun.elapsed(), marks };
        *last = Some(seen);
        drop(last);
        self.workspaces.send_if_modified(|before| {
            let other = before.as_slice() != workspaces.as_slice();
            if other {
                *before = Arc::new(workspaces);
            }
            other
        });
        self.progress().seen = true;
        true
    }
}

/// Look in a task of its own: who waits for it may give up, and nobody begins another one meanwhile. Whether it was looked.
async fn looking(server: &Arc<Server>) -> bool {
    let own = server.clone();
    let look = tokio::spawn(async move { own.board.look(&own).await });
    look.await.unwrap_or(false)
}

/// The document as it stands now, or as it was seen last where looking takes long; none where nothing was seen yet, which
/// is not to be taken for an empty state.
pub(super) async fn document(server: &Arc<Server>) -> Option<Document<'_>> {
    let patience = {
        let Progress { seen, since } = *server.board.progress();
        let waited = since.map_or(Duration::ZERO, |since| since.elapsed());
        if seen { FRESH.saturating_sub(waited) } else { READ_WITHIN }
    };
    let _late = tokio::time::timeout(patience, looking(server)).await;
    let seen = server.board.progress().seen;
    seen.then(|| shown(server))
}

/// The document as it was seen last, with what the agent does now.
pub(super) fn shown(server: &Server) -> Document<'_> {
    let about = server.backing.desk.about();
    let activities = server.backing.desk.picture().borrow().now().workspaces;
    let mut workspaces = server.board.workspaces.borrow().as_ref().clone();
    for workspace in &mut workspaces {
        let activity = activities.iter().find(|one| workspace["workspace"] == one.name.as_str());
        tell(workspace, about, activity);
    }
    let machine = workspaces.iter().find_map(|one| one["machine"].as_str().map(str::to_owned));
    Document {
        version: &about.version,
        machine: machine.or_else(computer_name),
        agent: about,
        texts_version: assets::texts_version(),
        workspaces,
        operations: server.operations.list(),
    }
}

/// What the agent does with one workspace. Null where it does not know it: one that was set up a moment ago.
fn tell(workspace: &mut Value, about: &About, activity: Option<&Activity>) {
    workspace["agent"] = json!(Seen::answering(about, activity));
    workspace["activity"] = json!(activity);
}

/// Keep it true while a page is open, for good.
pub(super) async fn keep(server: Arc<Server>) {
    let board = &server.board;
    let mut stale = board.stale.subscribe();
    let mut wanted = false;
    loop {
        if board.workspaces.receiver_count() == 0 {
            // whoever comes touches it
            if stale.changed().await.is_err() {
                return;
            }
            continue;
        }
        wanted = wanted || due(&server, &mut stale).await;
        if wanted && looking(&server).await {
            wanted = false;
        }
        tokio::time::sleep(LEAST).await;
    }
}

async fn due(server: &Arc<Server>, stale: &mut watch::Receiver<u64>) -> bool {
    let touched = stale.has_changed().unwrap_or(false);
    stale.mark_unchanged();
    let (before, old) = match server.board.last.lock().await.as_ref() {
        Some(seen) => (seen.marks.clone(), seen.at.elapsed() >= MOST),
        None => return true,
    };
    if touched || old {
        return true;
    }
    let now = server.aside(|server| Ok::<_, EngineError>(marks(&server.backing))).await;
    now.is_ok_and(|now| now != before)
}

/// Taken after a look, since opening a ledger may touch its files.
fn marks(backing: &Backing) -> Marks {
    let (all, disk) = (folder(&backing.home), backing.doors.disk.as_ref());
    let items = disk.list(&all).unwrap_or_default();
    let mark =
        |state: &Path| FILES.map(|file| disk.stat(&state.join(file)).ok().map(|stat| stat.fingerprint));
    items.into_iter().map(|item| (item.name.clone(), mark(&all.join(&item.name)))).collect()
}

/// Every workspace of the state root.
fn workspaces(backing: &Backing) -> Vec<Value> {
    let found = match each(&backing.home, &backing.doors) {
        Ok(found) => found,
        Err(error) => return vec![broken("", &error)],
    };
    let one = |(name, settings): (OsString, Result<Settings, EngineError>)| {
        let name = name.to_string_lossy().into_owned();
        match settings.and_then(|settings| workspace(backing, settings)) {
            Ok(value) => value,
            Err(error) => broken(&name, &error),
        }
    };
    found.into_iter().map(one).collect()
}

fn workspace(backing: &Backing, settings: Settings) -> Result<Value, EngineError> {
    let home = &backing.home;
    let ws = Workspace::look(home, settings, backing.config.clone(), backing.doors.clone())?;
    let rules = course::rules(unpack::unpacked(&ws)?.as_ref());
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    let runtime = runtime.map_err(EngineError::io("cannot start work in", home))?;
    let view = runtime.block_on(environment::view(&ws, home));
    let status = status::read(&ws, &rules, view, &RealPlaces)?;
    let presence: Vec<_> = status
        .machines
        .iter()
        .filter(|machine| !machine.this)
        .filter_map(|machine| {
            let since = machine.session_open.as_ref()?;
            Some(json!({ "machine": machine.name, "open_since": since }))
        })
        .collect();
    let words = status.state.words();
    let mut value = serde_json::to_value(&status).unwrap_or_default();
    brief(&mut value["conflicts"]);
    value["words"] = words.into();
    value["presence"] = presence.into();
    value["finding"] = Value::Null;
    Ok(value)
}

/// One that cannot be read: all its fields are there, and what is wrong.
fn broken(name: &str, error: &EngineError) -> Value {
    json!({
        "workspace": name, "machine": null, "state": State::Stopped, "share": null, "work": null, "files": null,
        "pending": null, "missing": null, "waiting_for": [], "conflicts": [], "held": null, "pending_notebooks": [],
        "notes": [], "environment": null, "last_checkpoint": null, "machines": [], "history_bytes": null, "storage": null,
        "words": State::Stopped.words(), "presence": [], "finding": error.finding(),
    })
}
