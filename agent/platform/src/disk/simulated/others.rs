//! Everybody else who uses a simulated disk while the program works: a person who saves a file, a cloud client that
//! brings one, a test that looks or takes a copy. What they do is durable at once, counted nowhere and never fails by
//! order. A watcher is told of each call of the program before it is made, so that all this can happen in between.

use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Arc, TryLockError};

use super::durable::Naming;
use super::state::lock;
use super::tree::{Body, Number};
use super::{SimulatedDisk, make_folder, plain};
use crate::clock::SimulatedClock;
use crate::disk::{Item, ItemKind};

/// A call about to be made.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Call {
    /// How many calls were made before it.
    pub before: u64,
    /// It changes something or makes it durable.
    pub mutates: bool,
}

pub(super) type Watcher = Box<dyn FnMut(&SimulatedDisk, Call) + Send>;

impl SimulatedDisk {
    /// Let somebody hear of each call before it is made; none for nobody. The watcher uses the disk by the methods of
    /// this block, and orders failures for the call at hand by [`SimulatedDisk::fail_call`]. For a program that uses the
    /// disk on one thread at a time: what another thread calls while the watcher is busy is not told.
    pub fn watch(&self, watcher: Option<Watcher>) {
        *lock(&self.0.watcher) = watcher;
    }

    pub(super) fn announce(&self, mutates: bool) {
        let mut watcher = match self.0.watcher.try_lock() {
            Ok(watcher) => watcher,
            Err(TryLockError::Poisoned(poisoned)) => poisoned.into_inner(),
            Err(TryLockError::WouldBlock) => return,
        };
        if let Some(watcher) = watcher.as_mut() {
            let before = self.calls();
            watcher(self, Call { before, mutates });
        }
    }

    /// The same disk, as it is now, in another computer with a clock of its own. Nothing is open there and nothing was
    /// ordered to fail. Nobody watches it.
    #[must_use]
    pub fn copy(&self, clock: SimulatedClock) -> Self {
        Self::with(self.state().copy(clock))
    }

    /// Whether a power cut now would take anything.
    pub fn is_durable(&self) -> bool {
        let state = self.state();
        state.tree.pending.is_empty() && state.tree.unsynced.is_empty()
    }

    /// Make a symbolic link, which kitbag itself never does.
    ///
    /// # Errors
    /// As [`crate::disk::Disk::create`].
    pub fn place_link(&self, path: &Path, target: &Path) -> io::Result<()> {
        self.place(path, Body::Link(target.to_owned()))
    }

    /// Make something that is neither file nor folder nor link.
    ///
    /// # Errors
    /// As [`crate::disk::Disk::create`].
    pub fn place_other(&self, path: &Path) -> io::Result<()> {
        self.place(path, Body::Other)
    }

    /// Put a file there, as programs do that write a new one and rename it over the old. Folders above it are made.
    ///
    /// # Errors
    /// When a name on the way is no folder, or a folder stands there.
    pub fn place_file(&self, path: &Path, bytes: &[u8]) -> io::Result<()> {
        if let Some(folder) = path.parent() {
            self.place_folder(folder)?;
        }
        self.take_away(path)?;
        self.place(path, Body::file(bytes.to_vec()))
    }

    /// Write a file anew in place, as a program does that keeps the file's number; whoever has it open sees it.
    ///
    /// # Errors
    /// When there is no such file.
    pub fn overwrite(&self, path: &Path, bytes: &[u8]) -> io::Result<()> {
        let mut state = self.state();
        let number = plain(&state.tree, path)?;
        let now = state.tree.now();
        let node = state.tree.node_mut(number)?;
        (node.body, node.modified, node.changed) = (Body::file(bytes.to_vec()), now, now);
        state.tree.sync_file(number);
        Ok(())
    }

    /// Make a folder and those above it.
    ///
    /// # Errors
    /// When a name on the way is no folder.
    pub fn place_folder(&self, path: &Path) -> io::Result<()> {
        let mut state = self.state();
        let missing: Vec<&Path> =
            path.ancestors().take_while(|part| state.tree.find(part, true).is_err()).collect();
        for part in missing.into_iter().rev() {
            let (folder, _) = state.tree.free_place(part)?;
            state.tree.sync_folder(folder);
            make_folder(&mut state.tree, part)?;
            state.tree.keep_last();
        }
        let number = state.tree.find(path, true)?;
        state.tree.names(number).map(|_| ())
    }

    /// Remove a file or link; whether there was one.
    ///
    /// # Errors
    /// When it is a folder.
    pub fn take_away(&self, path: &Path) -> io::Result<bool> {
        let mut state = self.state();
        let Ok((folder, name, number)) = state.tree.taken_place(path) else { return Ok(false) };
        if state.tree.kind(number)? == ItemKind::Folder {
            return Err(io::ErrorKind::IsADirectory.into());
        }
        state.tree.sync_folder(folder);
        state.tree.change(vec![Naming::new(folder, name, None)])?;
        state.tree.keep_last();
        Ok(true)
    }

    /// The bytes of a plain file; none where there is none.
    pub fn peek(&self, path: &Path) -> Option<Arc<Vec<u8>>> {
        let state = self.state();
        let number = plain(&state.tree, path).ok()?;
        match &state.tree.node(number).ok()?.body {
            Body::File { bytes, .. } => Some(bytes.clone()),
            _ => None,
        }
    }

    /// The names in a folder; none where it is no folder.
    pub fn peek_names(&self, folder: &Path) -> Option<Vec<Item>> {
        let state = self.state();
        let names = state.tree.names(state.tree.find(folder, true).ok()?).ok()?;
        let item = |(name, &number): (&std::ffi::OsString, &Number)| {
            Some(Item { name: name.clone(), kind: state.tree.kind(number).ok()? })
        };
        names.iter().map(item).collect()
    }

    /// Every plain file below a folder, in the order of their paths.
    pub fn peek_files(&self, folder: &Path) -> Vec<PathBuf> {
        let mut found = Vec::new();
        for item in self.peek_names(folder).unwrap_or_default() {
            let path = folder.join(&item.name);
            match item.kind {
                ItemKind::File => found.push(path),
                ItemKind::Folder => found.extend(self.peek_files(&path)),
                _ => {}
            }
        }
        found
    }

    /// Let the cloud client take a file's bytes off this disk, or bring them back.
    ///
    /// # Errors
    /// When there is no such file.
    pub fn set_placeholder(&self, path: &Path, placeholder: bool) -> io::Result<()> {
        let mut state = self.state();
        let number = state.tree.find(path, false)?;
        let now = state.tree.now();
        let node = state.tree.node_mut(number)?;
        (node.placeholder, node.changed) = (placeholder, now);
        Ok(())
    }

    fn place(&self, path: &Path, body: Body) -> io::Result<()> {
        let mut state = self.state();
        let (folder, name) = state.tree.free_place(path)?;
        // what was renamed there before must not come back over it
        state.tree.sync_folder(folder);
        let number = state.tree.add(body);
        state.tree.change(vec![Naming::new(folder, name, Some(number))])?;
        state.tree.keep_last();
        Ok(())
    }
}
