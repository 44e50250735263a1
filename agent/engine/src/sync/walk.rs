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
use kitbag_core::link::{self, BadLink};
use kitbag_core::names::Names;
use kitbag_core::path::{TEMPORARY_PREFIX, WorkPath, shown};
use kitbag_core::provider::Stub;
use kitbag_platform::disk::{Disk, ItemKind};
use kitbag_store::ledger::Place;

use super::listing::{self, Entry, Odd, join};
use super::spot::Folder;
use super::tree::{self, NotWhole};
use super::units::UnitFolders;

/// One thing the walk meets, in the order of [`WorkPath::key`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Met {
    /// A plain file.
    File {
        /// Which.
        path: WorkPath,
        /// Where it lies, when that is not its path.
        at: Option<String>,
        /// As it is now.
        print: Fingerprint,
    },
    /// A plain file whose bytes are not on this disk.
    Online {
        /// Which.
        path: WorkPath,
        /// Where it lies, when that is not its path.
        at: Option<String>,
        /// The placeholder, which keeps the file's size and time; none for a stub, which has its own.
        print: Option<Fingerprint>,
    },
    /// A further file that stands for a path something was met for.
    Second {
        /// Which.
        path: WorkPath,
        /// Where it lies.
        at: String,
    },
    /// A link that is carried.
    Link {
        /// Which.
        path: WorkPath,
        /// Where it lies, when that is not its path.
        at: Option<String>,
        /// The link itself, as it is now.
        print: Fingerprint,
    },
    /// A folder in which nothing can be carried. It comes before what is told about things in it.
    Folder {
        /// Where.
        path: WorkPath,
        /// There is something in it.
        filled: bool,
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
    place: Place,
    names: Names,
    ignore: Arc<Ignore>,
    units: Arc<UnitFolders>,
    stubs: &'static [Stub],
    stack: Vec<(String, IntoIter<Entry>)>,
}

impl Walk {
    /// Start at a root folder. `stubs`: how its provider shows files whose bytes are not here.
    ///
    /// # Errors
    /// The root cannot be listed.
    pub fn new(
        disk: Arc<dyn Disk>,
        folder: Folder<'_>,
        ignore: Arc<Ignore>,
        units: Arc<UnitFolders>,
        stubs: &'static [Stub],
    ) -> std::io::Result<Self> {
        let Folder { top, place, names, .. } = folder;
        let mut walk =
            Walk { disk, root: top.to_owned(), place, names, ignore, units, stubs, stack: Vec::new() };
        let top = walk.list("", &[""])?;
        walk.stack.push((String::new(), top));
        Ok(walk)
    }

    fn list(&self, folder: &str, at: &[&str]) -> std::io::Result<IntoIter<Entry>> {
        listing::list(self.disk.as_ref(), &self.root, self.names, self.stubs, folder, at)
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

    fn meet(&mut self, folder: &str, entry: Entry) -> Option<Met> {
        let Entry { name, kind, odd } = entry;
        let Odd { at, also, second, no_text, stub } = odd.map_or_else(Odd::default, |odd| *odd);
        let text = join(folder, &name);
        if no_text {
            let reason = "the name is not valid text (UTF-8)".into();
            return Some(Met::Problem { name: shown(&text), reason });
        }
        let file = self.root.join(at.as_ref().unwrap_or(&text));
        if name.starts_with(TEMPORARY_PREFIX) {
            return Some(Met::Temporary(file));
        }
        if self.ignore.is_ignored_here(&text, kind == ItemKind::Folder) {
            // once synced and ignored since: neither absent nor looked at
            return WorkPath::parse(&text).ok().map(|path| Met::Unsure { path, reason: None });
        }
        let path = match WorkPath::parse(&text) {
            Ok(path) => path,
            Err(reason) => return Some(Met::Problem { name: shown(&text), reason: reason.to_string() }),
        };
        if second {
            return Some(Met::Second { path, at: at.unwrap_or(text) });
        }
        let unsure = |path, reason: &str| Some(Met::Unsure { path, reason: Some(reason.to_owned()) });
        match kind {
            _ if stub => Some(Met::Online { path, at, print: None }),
            ItemKind::Folder if self.units.contains(&path) => match tree::print(self.disk.as_ref(), &file) {
                Ok(print) => Some(Met::Unit { path, print }),
                Err(NotWhole::Disk(error)) if error.kind() == std::io::ErrorKind::NotFound => None,
                Err(reason) => unsure(path, &reason.to_string()),
            },
            // listing brings names and no bytes, also where a cloud client shows folders it has not filled yet
            ItemKind::Folder => {
                let mut places = vec![at.as_deref().unwrap_or(&text)];
                places.extend(also.iter().map(String::as_str));
                match self.list(&text, &places) {
                    Ok(entries) => {
                        let inside = entries.as_slice();
                        let met = (!inside.iter().any(|entry| self.may_be_carried(&text, entry)))
                            .then_some(Met::Folder { path, filled: !inside.is_empty() });
                        self.stack.push((text, entries));
                        met
                    }
                    Err(error) => unsure(path, &format!("the folder cannot be read: {error}")),
                }
            }
            ItemKind::File => match self.disk.stat(&file) {
                Ok(stat) if stat.placeholder => Some(Met::Online { path, at, print: Some(stat.fingerprint) }),
                Ok(stat) => Some(Met::File { path, at, print: stat.fingerprint }),
                Err(error) if error.kind() == std::io::ErrorKind::NotFound => None,
                Err(error) => unsure(path, &format!("the file cannot be read: {error}")),
            },
            ItemKind::Link if self.place == Place::Mirror => {
                unsure(path, "it is a link; links in the cloud folder are not followed")
            }
            ItemKind::Link => match self.link(&path, &file) {
                Ok(print) => Some(Met::Link { path, at, print }),
                Err(reason) => unsure(path, &reason),
            },
            ItemKind::Other => unsure(path, "it is not a plain file"),
        }
    }

    /// A link that leads to a place inside the workspace, also where others lie on its way; else why it is left out.
    fn link(&self, path: &WorkPath, file: &Path) -> Result<Fingerprint, String> {
        let cannot = |error: std::io::Error| format!("the link cannot be read: {error}");
        let says = self.disk.read_link(file).map_err(cannot)?;
        link::check(path, &link::meant(self.names.naming, &says)).map_err(|bad| bad.to_string())?;
        let inside = |reached: PathBuf| Ok(reached.starts_with(self.disk.canonical(&self.root)?));
        match self.disk.canonical(file).and_then(inside) {
            Ok(true) => {}
            Ok(false) => return Err(BadLink::Outside.to_string()),
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => {}
            Err(_) => return Err(BadLink::Circle.to_string()),
        }
        Ok(self.disk.stat(file).map_err(cannot)?.fingerprint)
    }

    /// Whether something is told about this under a path of its own that is not left out on purpose.
    fn may_be_carried(&self, folder: &str, entry: &Entry) -> bool {
        let no_text = entry.odd.as_ref().is_some_and(|odd| odd.no_text);
        !no_text
            && !entry.name.starts_with(TEMPORARY_PREFIX)
            && !self.ignore.is_ignored_here(&join(folder, &entry.name), entry.kind == ItemKind::Folder)
    }
}

impl Iterator for Walk {
    type Item = Met;

    fn next(&mut self) -> Option<Met> {
        loop {
            let (folder, entries) = self.stack.last_mut()?;
            match entries.next() {
                None => {
                    self.stack.pop();
                }
                Some(entry) => {
                    let folder = folder.clone();
                    if let Some(met) = self.meet(&folder, entry) {
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
