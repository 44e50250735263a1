//! A watcher that tells what a test lets it tell. A test says when something changed, when hints are lost, and which
//! folders cannot be watched.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::sync::Notify;

use super::{Board, Hint, NotWatched, Watcher};

#[derive(Debug, Default)]
struct Table {
    watched: BTreeSet<PathBuf>,
    full: bool,
    begun: usize,
}

/// A watcher that tells what a test lets it tell. Copies of it are the same.
#[derive(Debug, Clone, Default)]
pub struct SimulatedWatcher {
    board: Arc<Board>,
    table: Arc<Mutex<Table>>,
}

impl SimulatedWatcher {
    /// Nothing watched yet.
    pub fn new() -> Self {
        Self::default()
    }

    /// Something happened below a folder: nobody hears of it where that is not watched.
    pub fn happens(&self, root: &Path, hint: Hint) {
        let watched = match hint {
            Hint::Changed => self.table().watched.contains(root),
            Hint::Lost => self.table().watched.remove(root),
        };
        if watched {
            self.board.pin(root, hint);
        }
    }

    /// From now on no folder more can be watched, or can again.
    pub fn set_full(&self, full: bool) {
        self.table().full = full;
    }

    /// Whether a folder is watched.
    pub fn watches(&self, root: &Path) -> bool {
        self.table().watched.contains(root)
    }

    /// How often anybody asked for a folder to be watched.
    pub fn begun(&self) -> usize {
        self.table().begun
    }

    fn table(&self) -> MutexGuard<'_, Table> {
        self.table.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Watcher for SimulatedWatcher {
    fn watch(&self, root: &Path) -> Result<(), NotWatched> {
        self.unwatch(root);
        let mut table = self.table();
        table.begun += 1;
        if table.full {
            return Err(NotWatched::Limit);
        }
        table.watched.insert(root.to_owned());
        Ok(())
    }

    fn unwatch(&self, root: &Path) {
        self.table().watched.remove(root);
        self.board.forget(root);
    }

    fn take(&self) -> BTreeMap<PathBuf, Hint> {
        self.board.take()
    }

    fn bell(&self) -> Arc<Notify> {
        self.board.bell.clone()
    }
}
