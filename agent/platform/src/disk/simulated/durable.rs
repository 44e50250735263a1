//! What a power cut takes. Bytes are safe once their file was finished durably; a name is safe once its
//! folder or the volume was synced. Until then each change of names may be found done, not done, or (a
//! rename on a simple file system) half done with both names there; bytes may be found whole, cut short,
//! as zeros, or as they were. File systems keep changes in order or not; the seed chooses.

use std::collections::HashSet;
use std::ffi::OsString;
use std::io;
use std::sync::Arc;

use super::tree::{Body, Node, Number, Tree};
use crate::chance::SimulatedChance;

/// One name set or removed.
#[derive(Clone)]
pub(super) struct Naming {
    pub(super) folder: Number,
    pub(super) name: OsString,
    pub(super) to: Option<Number>,
}

impl Naming {
    pub(super) fn new(folder: Number, name: OsString, to: Option<Number>) -> Self {
        Naming { folder, name, to }
    }
}

/// Names that change in one step.
#[derive(Clone)]
pub(super) struct Change(Vec<Naming>);

impl Change {
    pub(super) fn numbers(&self) -> impl Iterator<Item = Number> {
        self.0.iter().flat_map(|naming| [Some(naming.folder), naming.to]).flatten()
    }

    fn touches(&self, keys: &HashSet<(Number, OsString)>) -> bool {
        self.0.iter().any(|naming| keys.contains(&(naming.folder, naming.name.clone())))
    }

    fn mark(&self, keys: &mut HashSet<(Number, OsString)>) {
        keys.extend(self.0.iter().map(|naming| (naming.folder, naming.name.clone())));
    }

    fn is_move(&self) -> bool {
        self.0.len() == 2 && self.0[0].to.is_none() && self.0[1].to.is_some()
    }
}

impl Tree {
    /// Change names as programs see them from now on.
    ///
    /// # Errors
    /// When a folder is none.
    pub(super) fn change(&mut self, namings: Vec<Naming>) -> io::Result<()> {
        let now = self.now();
        for naming in &namings {
            self.names(naming.folder)?;
        }
        for naming in &namings {
            if let Ok(node) = self.node_mut(naming.folder) {
                (node.modified, node.changed) = (now, now);
                if let Body::Folder { names, .. } = &mut node.body {
                    match naming.to {
                        Some(to) => names.insert(naming.name.clone(), to),
                        None => names.remove(&naming.name),
                    };
                }
            }
            if let Some(Ok(node)) = naming.to.map(|to| self.node_mut(to)) {
                node.changed = now;
            }
        }
        self.pending.push(Change(namings));
        self.tidy();
        Ok(())
    }

    fn keep(&mut self, naming: &Naming) {
        if let Ok(Node { body: Body::Folder { durable, .. }, .. }) = self.node_mut(naming.folder) {
            match naming.to {
                Some(to) => durable.insert(naming.name.clone(), to),
                None => durable.remove(&naming.name),
            };
        }
    }

    /// The last change becomes durable, and no other.
    pub(super) fn keep_last(&mut self) {
        if let Some(change) = self.pending.pop() {
            change.0.iter().for_each(|naming| self.keep(naming));
        }
    }

    /// The names in one folder become durable, with what must have come before them.
    pub(super) fn sync_folder(&mut self, folder: Number) {
        // Backwards: a change that shares a name with a kept one must come first.
        let mut keys = HashSet::new();
        let mut kept = vec![false; self.pending.len()];
        for (change, kept) in self.pending.iter().zip(&mut kept).rev() {
            if change.0.iter().any(|naming| naming.folder == folder) || change.touches(&keys) {
                change.mark(&mut keys);
                *kept = true;
            }
        }
        let mut left = Vec::new();
        for (change, kept) in std::mem::take(&mut self.pending).into_iter().zip(kept) {
            match kept {
                true => change.0.iter().for_each(|naming| self.keep(naming)),
                false => left.push(change),
            }
        }
        self.pending = left;
    }

    /// The bytes of one file become durable.
    pub(super) fn sync_file(&mut self, number: Number) {
        if let Ok(Node { body: Body::File { durable, .. }, .. }) = self.node_mut(number) {
            *durable = None;
        }
        self.unsynced.remove(&number);
    }

    /// Everything becomes durable.
    pub(super) fn sync_all(&mut self) {
        for change in std::mem::take(&mut self.pending) {
            change.0.iter().for_each(|naming| self.keep(naming));
        }
        for number in std::mem::take(&mut self.unsynced) {
            self.sync_file(number);
        }
    }

    /// What is found when the power is back.
    pub(super) fn power_cut(&mut self, seed: u64) {
        let chance = SimulatedChance::new(seed);
        self.cut_names(&chance);
        for number in std::mem::take(&mut self.unsynced) {
            if let Ok(Node { body: Body::File { bytes, durable }, .. }) = self.node_mut(number)
                && let Some(old) = durable.take()
            {
                tear(bytes, old, &chance);
            }
        }
        self.open.clear();
        self.writers.clear();
        self.sweep();
    }

    fn cut_names(&mut self, chance: &SimulatedChance) {
        let pending = std::mem::take(&mut self.pending);
        let touched: HashSet<Number> =
            pending.iter().flat_map(|c| &c.0).map(|naming| naming.folder).collect();
        if chance.below(2) == 0 {
            let reached = chance.below(pending.len() as u64 + 1);
            for (change, _) in pending.iter().zip(0..reached) {
                change.0.iter().for_each(|naming| self.keep(naming));
            }
        } else {
            let mut undone = HashSet::new();
            for change in &pending {
                if change.touches(&undone) || chance.below(2) == 0 {
                    change.mark(&mut undone);
                    continue;
                }
                let half = change.is_move() && chance.below(4) == 0;
                for naming in change.0.iter().filter(|naming| !half || naming.to.is_some()) {
                    self.keep(naming);
                }
                if half {
                    change.mark(&mut undone);
                }
            }
        }
        for folder in touched {
            if let Ok(Node { body: Body::Folder { names, durable }, .. }) = self.node_mut(folder) {
                names.clone_from(durable);
            }
        }
    }
}

fn tear(bytes: &mut Arc<Vec<u8>>, old: Arc<Vec<u8>>, chance: &SimulatedChance) {
    let cut = usize::try_from(chance.below(bytes.len() as u64 + 1)).unwrap_or(0);
    match chance.below(4) {
        0 => *bytes = old,
        1 => Arc::make_mut(bytes).truncate(cut),
        2 => Arc::make_mut(bytes)[cut..].fill(0),
        _ => {}
    }
}
