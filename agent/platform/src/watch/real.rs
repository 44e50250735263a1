//! The watchers of this computer (inotify, FSEvents, ReadDirectoryChangesW), by way of the crate `notify`. One for each
//! folder, so that whatever it says is about that folder, and what is lost for one is lost for no other. That a file was
//! opened or read is no change, and is not asked for: a look would hint at itself.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

use notify::event::ModifyKind;
use notify::{Config, ErrorKind, EventKind, EventKindMask, RecommendedWatcher, RecursiveMode};
use tokio::sync::Notify;

use super::{Board, Hint, NotWatched, Watcher};

/// The watchers of this computer.
#[derive(Default)]
pub struct RealWatcher {
    board: Arc<Board>,
    watched: Mutex<BTreeMap<PathBuf, RecommendedWatcher>>,
}

impl RealWatcher {
    /// Nothing watched yet.
    pub fn new() -> Self {
        Self::default()
    }

    fn watched(&self) -> std::sync::MutexGuard<'_, BTreeMap<PathBuf, RecommendedWatcher>> {
        self.watched.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// What an event of a folder means.
pub(super) fn hint(root: &Path, event: &notify::Result<notify::Event>) -> Option<Hint> {
    let Ok(event) = event else { return Some(Hint::Lost) };
    // the folder's own end comes under its own name; what is made there again is another folder
    let ends = matches!(event.kind, EventKind::Remove(_) | EventKind::Modify(ModifyKind::Name(_)));
    if event.need_rescan() || (ends && event.paths.iter().any(|path| path == root)) {
        return Some(Hint::Lost);
    }
    (!event.kind.is_access()).then_some(Hint::Changed)
}

impl Watcher for RealWatcher {
    fn watch(&self, root: &Path) -> Result<(), NotWatched> {
        self.unwatch(root);
        let (board, below) = (self.board.clone(), root.to_owned());
        let tell = move |event: notify::Result<notify::Event>| {
            if let Some(hint) = hint(&below, &event) {
                board.pin(&below, hint);
            }
        };
        // links lead elsewhere, and are carried as links
        let config = Config::default().with_follow_symlinks(false).with_event_kinds(EventKindMask::CORE);
        let failed = |error: notify::Error| match error.kind {
            ErrorKind::MaxFilesWatch => NotWatched::Limit,
            _ => NotWatched::Failed(error.to_string()),
        };
        let mut watcher = <RecommendedWatcher as notify::Watcher>::new(tell, config).map_err(failed)?;
        notify::Watcher::watch(&mut watcher, root, RecursiveMode::Recursive).map_err(failed)?;
        self.watched().insert(root.to_owned(), watcher);
        Ok(())
    }

    fn unwatch(&self, root: &Path) {
        // dropped outside of the lock: its thread may be telling something
        let before = self.watched().remove(root);
        drop(before);
        self.board.forget(root);
    }

    fn take(&self) -> BTreeMap<PathBuf, Hint> {
        let hints = self.board.take();
        for (root, hint) in &hints {
            if *hint == Hint::Lost {
                let before = self.watched().remove(root);
                drop(before);
            }
        }
        hints
    }

    fn bell(&self) -> Arc<Notify> {
        self.board.bell.clone()
    }
}
