//! A folder as a sorted stream: depth first, names by their bytes, so that working folder, mirror and ledger can be
//! walked side by side without holding any of them. What cannot be looked into is said to be so: it is never the
//! same as empty.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::mpsc::{Receiver, sync_channel};
use std::thread::{self, JoinHandle};
use std::vec::IntoIter;

use kitbag_core::entry::Fingerprint;
use kitbag_core::ignore::Ignore;
use kitbag_core::path::{TEMPORARY_PREFIX, WorkPath, shown};
use kitbag_core::provider::Stub;
use kitbag_platform::disk::{Disk, Item, ItemKind};

use super::tree::{self, NotWhole};
use super::units::UnitFolders;

/// One thing the walk meets, in the order of [`WorkPath::key`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Met {
    /// A plain file.
    File {
        /// Where.
        path: WorkPath,
        /// As it is now.
        print: Fingerprint,
    },
    /// A plain file whose bytes are not on this disk.
    Online {
        /// Where.
        path: WorkPath,
        /// The placeholder, which keeps the file's size and time; none for a stub, which has its own.
        print: Option<Fingerprint>,
    },
    /// A folder that is one thing; nothing below it is met.
    Unit {
        /// Where.
        path: WorkPath,
        /// All its files together, as they are now.
        print: Fingerprint,
    },
    /// Something at or below this path cannot be judged: it does not count as absent.
    Unsure {
        /// Where.
        path: WorkPath,
        /// Why, for people; none for what is left out on purpose.
        reason: Option<String>,
    },
    /// A name that cannot be a place in a workspace.
    Problem {
        /// As it can be shown.
        name: String,
        /// Why.
        reason: String,
    },
    /// A temporary file of ours.
    Temporary(PathBuf),
}

/// The walk of one root.
pub struct Walk {
    disk: Arc<dyn Disk>,
    root: PathBuf,
    ignore: Arc<Ignore>,
    units: Arc<UnitFolders>,
    stubs: &'static [Stub],
    stack: Vec<(String, IntoIter<Name>)>,
}

/// One name of a folder, as the workspace sees it.
struct Name {
    item: Item,
    /// It stands for a file whose bytes are not here.
    stub: bool,
}

impl Walk {
    /// Start at a root folder. `stubs`: how its provider shows files whose bytes are not here.
    ///
    /// # Errors
    /// The root cannot be listed.
    pub fn new(
        disk: Arc<dyn Disk>,
        root: &Path,
        ignore: Arc<Ignore>,
        units: Arc<UnitFolders>,
        stubs: &'static [Stub],
    ) -> std::io::Result<Self> {
        let mut walk = Walk { disk, root: root.to_owned(), ignore, units, stubs, stack: Vec::new() };
        let names = walk.names(root)?;
        walk.stack.push((String::new(), names));
        Ok(walk)
    }

    /// The names in a folder, each stub under the name it stands for.
    fn names(&self, folder: &Path) -> std::io::Result<IntoIter<Name>> {
        let items = self.disk.list(folder)?;
        let mut names: Vec<_> = items.into_iter().map(|item| Name { item, stub: false }).collect();
        let mut found = Vec::new();
        for (at, name) in names.iter().enumerate().filter(|_| !self.stubs.is_empty()) {
            if let Some(whole) = self.stands_for(folder, &name.item)
                && !names.iter().any(|other| *other.item.name == *whole)
            {
                found.push((at, whole.to_owned()));
            }
        }
        if !found.is_empty() {
            for (at, whole) in found {
                names[at] = Name { item: Item { name: whole.into(), kind: ItemKind::File }, stub: true };
            }
            names.sort_by(|a, b| a.item.name.as_encoded_bytes().cmp(b.item.name.as_encoded_bytes()));
        }
        Ok(names.into_iter())
    }

    fn stands_for<'n>(&self, folder: &Path, item: &'n Item) -> Option<&'n str> {
        let name = item.name.to_str().filter(|_| item.kind == ItemKind::File)?;
        let (stub, whole) = self.stubs.iter().find_map(|stub| Some((stub, stub.stands_for(name)?)))?;
        let size = self.disk.stat(&folder.join(name)).ok()?.fingerprint.size;
        (size <= stub.most_bytes).then_some(whole)
    }

    /// Walk on a thread of its own, a little ahead of whoever listens, so that two folders can be walked at once.
    ///
    /// # Errors
    /// The system gives no thread.
    pub fn ahead(self) -> std::io::Result<Ahead> {
        let (to, from) = sync_channel(STEPS_AHEAD);
        let mut walk = self;
        let steps = move || {
            loop {
                let step: Vec<Met> = walk.by_ref().take(STEP).collect();
                // nobody listens any more when it cannot be sent
                if step.is_empty() || to.send(step).is_err() {
                    return;
                }
            }
        };
        let thread = thread::Builder::new().name("walk".into()).stack_size(512 * 1024).spawn(steps)?;
        Ok(Ahead { from, step: Vec::new().into_iter(), thread: Some(thread) })
    }

    fn meet(&mut self, folder: &str, name: &Name) -> Option<Met> {
        let Name { item, stub } = name;
        let Some(name) = item.name.to_str() else {
            let name = join(folder, &item.name.to_string_lossy());
            return Some(Met::Problem {
                name: shown(&name),
                reason: "the name is not valid text (UTF-8)".into(),
            });
        };
        let text = join(folder, name);
        if name.starts_with(TEMPORARY_PREFIX) {
            return Some(Met::Temporary(self.root.join(text)));
        }
        if self.ignore.is_ignored_here(&text, item.kind == ItemKind::Folder) {
            // once synced and ignored since: neither absent nor looked at
            return WorkPath::parse(&text).ok().map(|path| Met::Unsure { path, reason: None });
        }
        let path = match WorkPath::parse(&text) {
            Ok(path) => path,
            Err(reason) => return Some(Met::Problem { name: shown(&text), reason: reason.to_string() }),
        };
        let unsure = |path, reason: &str| Some(Met::Unsure { path, reason: Some(reason.to_owned()) });
        match item.kind {
            _ if *stub => Some(Met::Online { path, print: None }),
            ItemKind::Folder if self.units.contains(&path) => {
                match tree::print(self.disk.as_ref(), &self.root.join(&text)) {
                    Ok(print) => Some(Met::Unit { path, print }),
                    Err(NotWhole::Disk(error)) if error.kind() == std::io::ErrorKind::NotFound => None,
                    Err(reason) => unsure(path, &reason.to_string()),
                }
            }
            // listing brings names and no bytes, also where a cloud client shows folders it has not filled yet
            ItemKind::Folder => match self.names(&self.root.join(&text)) {
                Ok(names) => {
                    self.stack.push((text, names));
                    None
                }
                Err(error) => unsure(path, &format!("the folder cannot be read: {error}")),
            },
            ItemKind::File => match self.disk.stat(&self.root.join(&text)) {
                Ok(stat) if stat.placeholder => Some(Met::Online { path, print: Some(stat.fingerprint) }),
                Ok(stat) => Some(Met::File { path, print: stat.fingerprint }),
                Err(error) if error.kind() == std::io::ErrorKind::NotFound => None,
                Err(error) => unsure(path, &format!("the file cannot be read: {error}")),
            },
            ItemKind::Link => unsure(path, "it is a link; links are not carried"),
            ItemKind::Other => unsure(path, "it is not a plain file"),
        }
    }
}

fn join(folder: &str, name: &str) -> String {
    if folder.is_empty() { name.to_owned() } else { format!("{folder}/{name}") }
}

impl Iterator for Walk {
    type Item = Met;

    fn next(&mut self) -> Option<Met> {
        loop {
            let (folder, items) = self.stack.last_mut()?;
            match items.next() {
                None => {
                    self.stack.pop();
                }
                Some(item) => {
                    let folder = folder.clone();
                    if let Some(met) = self.meet(&folder, &item) {
                        return Some(met);
                    }
                }
            }
        }
    }
}

/// How many things go to the listener at once, and how many times that a walk may be ahead.
const STEP: usize = 128;
const STEPS_AHEAD: usize = 4;

/// A walk on a thread of its own.
pub struct Ahead {
    from: Receiver<Vec<Met>>,
    step: IntoIter<Met>,
    thread: Option<JoinHandle<()>>,
}

impl Iterator for Ahead {
    type Item = Met;

    fn next(&mut self) -> Option<Met> {
        loop {
            if let Some(met) = self.step.next() {
                return Some(met);
            }
            match self.from.recv() {
                Ok(step) => self.step = step.into_iter(),
                Err(_) => {
                    // a walk that broke off must never look like a folder that ends here
                    if let Some(Err(panic)) = self.thread.take().map(JoinHandle::join) {
                        std::panic::resume_unwind(panic);
                    }
                    return None;
                }
            }
        }
    }
}
