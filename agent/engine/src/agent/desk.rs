//! Where others hand the agent their wishes and read what it does: one channel in, one picture out. The loop of the agent is
//! the only one that works; a desk never touches a workspace. Whoever borrows one holds a `Loan` and gives it back by
//! dropping it, also when its connection breaks.

use std::time::Instant;

use kitbag_core::finding::Finding;
use serde::{Deserialize, Serialize};
use tokio::sync::{mpsc, oneshot, watch};

/// A next look that moved by less than this, in milliseconds, is no news.
const SLACK: u64 = 1_000;

/// Who the agent is.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct About {
    /// kitbag's version.
    pub version: String,
    /// Its process.
    pub process: u32,
    /// Since when it lives, RFC 3339.
    pub since: String,
    /// It stays when no session is open.
    pub stay: bool,
}

/// What the agent does with one workspace.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Doing {
    /// It waits for a change, or for time.
    Nothing,
    /// It carries files.
    Looking,
    /// It carries files and saves databases.
    Saving,
    /// Somebody borrowed it.
    Lent,
}

/// One workspace as the agent sees it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Activity {
    /// Its name.
    pub name: String,
    /// What is done.
    pub doing: Doing,
    /// Since when, RFC 3339.
    pub since: String,
    /// When it is looked at next, in milliseconds from when this was said, if nothing happens before; none: not by itself.
    pub next_ms: Option<u64>,
    /// How many looks have failed in a row.
    pub failures: u32,
    /// Why the last one did.
    pub last_error: Option<Finding>,
    /// Whether changes in both folders are told of as they happen.
    pub watching: bool,
}

/// What the agent does.
#[derive(Debug, Clone, Serialize)]
pub struct Picture {
    /// Its workspaces, by name.
    pub workspaces: Vec<Activity>,
    /// When this was said.
    #[serde(skip)]
    said: Instant,
}

impl Picture {
    pub(super) fn new(workspaces: Vec<Activity>) -> Self {
        Picture { workspaces, said: Instant::now() }
    }

    /// The same as it is now: `next_ms` goes down while time goes on.
    pub fn now(&self) -> Self {
        let passed = u64::try_from(self.said.elapsed().as_millis()).unwrap_or(u64::MAX);
        let older = |one: &Activity| Activity {
            next_ms: one.next_ms.map(|next| next.saturating_sub(passed)),
            ..one.clone()
        };
        Picture::new(self.workspaces.iter().map(older).collect())
    }

    /// Whether a later one says nothing else than that time went on.
    pub(super) fn is_still(&self, later: &Picture) -> bool {
        let close = |a: Option<u64>, b: Option<u64>| match (a, b) {
            (Some(a), Some(b)) => a.abs_diff(b) < SLACK,
            (a, b) => a == b,
        };
        let now = self.now();
        let pairs = now.workspaces.iter().zip(&later.workspaces);
        now.workspaces.len() == later.workspaces.len()
            && pairs.into_iter().all(|(a, b)| {
                close(a.next_ms, b.next_ms) && Activity { next_ms: b.next_ms, ..a.clone() } == *b
            })
    }
}

/// What the loop hears.
#[derive(Debug)]
pub(super) enum Wish {
    /// Stay out of a workspace for as long as the loan lasts.
    Lend {
        /// Which.
        workspace: String,
        /// Gets the loan once the agent is not in it.
        answer: oneshot::Sender<Loan>,
    },
    /// A loan has ended.
    Return(String),
    /// Look at a workspace, or at all.
    Wake(Option<String>),
    /// End after what is being done.
    Stop,
}

/// A borrowed workspace: the agent stays out of it until this is dropped, and looks at it then.
#[derive(Debug)]
pub struct Loan {
    workspace: String,
    wishes: mpsc::UnboundedSender<Wish>,
}

impl Loan {
    pub(super) fn new(workspace: String, wishes: mpsc::UnboundedSender<Wish>) -> Self {
        Loan { workspace, wishes }
    }
}

impl Drop for Loan {
    fn drop(&mut self) {
        // an agent that has ended lends nothing
        let _ = self.wishes.send(Wish::Return(std::mem::take(&mut self.workspace)));
    }
}

/// A way to the loop of one agent; copies lead to the same.
#[derive(Debug, Clone)]
pub struct Desk {
    about: About,
    wishes: mpsc::UnboundedSender<Wish>,
    picture: watch::Receiver<Picture>,
}

impl Desk {
    /// The desk, where the loop hears wishes, and where it shows what it does.
    pub(super) fn new(about: About) -> (Self, mpsc::UnboundedReceiver<Wish>, watch::Sender<Picture>) {
        let (wishes, heard) = mpsc::unbounded_channel();
        let (shown, picture) = watch::channel(Picture::new(Vec::new()));
        (Desk { about, wishes, picture }, heard, shown)
    }

    /// Who the agent is.
    pub fn about(&self) -> &About {
        &self.about
    }

    /// What it does, now and whenever that changes; [`Picture::now`] brings one up to date.
    pub fn picture(&self) -> watch::Receiver<Picture> {
        self.picture.clone()
    }

    /// Borrow a workspace: comes back when the agent is not in it and stays out; none when it ends before. A name nobody
    /// knows is lent at once. Giving up the wait is fine.
    pub async fn lend(&self, workspace: &str) -> Option<Loan> {
        let (answer, lent) = oneshot::channel();
        self.wishes.send(Wish::Lend { workspace: workspace.to_owned(), answer }).ok()?;
        lent.await.ok()
    }

    /// Have a workspace looked at, or all; false when the agent has ended.
    pub fn wake(&self, workspace: Option<&str>) -> bool {
        self.wishes.send(Wish::Wake(workspace.map(str::to_owned))).is_ok()
    }

    /// Have it end after what it does now; false when it has ended.
    pub fn stop(&self) -> bool {
        self.wishes.send(Wish::Stop).is_ok()
    }

    /// For the loop, which makes loans.
    pub(super) fn loan(&self, workspace: String) -> Loan {
        Loan::new(workspace, self.wishes.clone())
    }
}
