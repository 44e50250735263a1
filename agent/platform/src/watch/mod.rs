//! The door to what tells of changes in folders. It only gives hints: that something changed below a folder, or that
//! changes may have been missed. What changed is found out by looking, so a hint too many costs one look, and a hint too
//! few costs time until the next one. However much happens, no more than one hint a folder is kept.

mod real;
mod simulated;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

use tokio::sync::Notify;

pub use real::RealWatcher;
pub use simulated::SimulatedWatcher;

/// What is known of a watched folder.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Hint {
    /// Something in it changed.
    Changed,
    /// Changes may have been missed, and more may be: too many at once, the folder itself is gone, or the system gave up.
    /// It is not watched any more.
    Lost,
}

/// Why a folder is not watched.
#[derive(Debug, thiserror::Error)]
pub enum NotWatched {
    /// The system watches no more folders for this person.
    #[error("the system watches no more folders for this person")]
    Limit,
    /// It cannot be watched.
    #[error("{0}")]
    Failed(String),
}

/// Tells of changes below folders.
pub trait Watcher: Send + Sync {
    /// Begin to watch a folder with everything below it. Takes as long as looking into each folder does. One that is
    /// watched is watched anew.
    ///
    /// # Errors
    /// It cannot be watched, wholly or in part.
    fn watch(&self, root: &Path) -> Result<(), NotWatched>;

    /// No longer watch it. Fine when it was not.
    fn unwatch(&self, root: &Path);

    /// The hints since this was asked last, one for each folder.
    fn take(&self) -> BTreeMap<PathBuf, Hint>;

    /// Rung when there is something to take.
    fn bell(&self) -> Arc<Notify>;
}

/// Hints that wait to be taken.
#[derive(Debug, Default)]
struct Board {
    hints: Mutex<BTreeMap<PathBuf, Hint>>,
    bell: Arc<Notify>,
}

impl Board {
    /// One more; the worse one stays.
    fn pin(&self, root: &Path, hint: Hint) {
        let mut hints = self.hints.lock().unwrap_or_else(PoisonError::into_inner);
        match hints.get_mut(root) {
            Some(known) => *known = hint.max(*known),
            None => {
                hints.insert(root.to_owned(), hint);
                self.bell.notify_one();
            }
        }
    }

    fn take(&self) -> BTreeMap<PathBuf, Hint> {
        std::mem::take(&mut *self.hints.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// What is pinned for a folder that is watched no more says nothing.
    fn forget(&self, root: &Path) {
        self.hints.lock().unwrap_or_else(PoisonError::into_inner).remove(root);
    }
}

#[cfg(test)]
mod tests;
