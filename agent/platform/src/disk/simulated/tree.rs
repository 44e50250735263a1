//! The files and folders of a simulated disk: numbered nodes, and names that point to them. Every folder has
//! its names twice, as programs see them and as they would be found after a power cut; every file remembers
//! the bytes it would have then. How one becomes the other is in `durable.rs`.

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};
use std::ffi::{OsStr, OsString};
use std::hash::{BuildHasherDefault, Hasher};
use std::io::{self, ErrorKind};
use std::path::{Component, Path, PathBuf};
use std::sync::Arc;

use kitbag_core::entry::Fingerprint;

use super::durable::Change;
use super::manners::Manners;
use crate::clock::{Clock, SimulatedClock};
use crate::disk::{ItemKind, Stat};

/// A node's number; it is never used again.
pub(super) type Number = u64;
/// The names in a folder.
pub(super) type Names = BTreeMap<OsString, Number>;

type Nodes = HashMap<Number, Arc<Node>, BuildHasherDefault<Spread>>;

/// Numbers are handed out one after the other: they need no better hash, and simulations look up millions.
#[derive(Clone, Copy, Default)]
pub(super) struct Spread(u64);

impl Hasher for Spread {
    fn finish(&self) -> u64 {
        self.0
    }

    fn write(&mut self, bytes: &[u8]) {
        bytes.iter().for_each(|byte| self.write_u64(u64::from(*byte)));
    }

    fn write_u64(&mut self, number: u64) {
        self.0 = (self.0 ^ number).wrapping_mul(0x9e37_79b9_7f4a_7c15);
    }
}

pub(super) const ROOT: Number = 1;
const LONGEST_NAME: usize = 255;
const MOST_LINKS: usize = 40;
const NANOS_A_MILLI: i64 = 1_000_000;

/// Copies of a disk share what neither has changed since.
#[derive(Clone)]
pub(super) enum Body {
    File {
        bytes: Arc<Vec<u8>>,
        /// What a power cut would bring back; none when that is `bytes`.
        durable: Option<Arc<Vec<u8>>>,
    },
    Folder {
        names: Names,
        durable: Names,
    },
    Link(PathBuf),
    Other,
}

impl Body {
    /// A file whose bytes are durable.
    pub(super) fn file(bytes: Vec<u8>) -> Self {
        Body::File { bytes: Arc::new(bytes), durable: None }
    }
}

#[derive(Clone)]
pub(super) struct Node {
    pub(super) body: Body,
    pub(super) modified: i64,
    pub(super) changed: i64,
    pub(super) executable: bool,
    pub(super) placeholder: bool,
}

#[derive(Clone)]
pub(super) struct Tree {
    pub(super) nodes: Nodes,
    pub(super) next: Number,
    /// Changes of names a power cut may undo, oldest first.
    pub(super) pending: Vec<Change>,
    /// Files whose bytes are not durable.
    pub(super) unsynced: BTreeSet<Number>,
    /// How often each node is held open.
    pub(super) open: BTreeMap<Number, usize>,
    /// What other programs hold open to write to.
    pub(super) writers: BTreeMap<u64, Number>,
    pub(super) next_writer: u64,
    pub(super) used: u64,
    pub(super) manners: Manners,
    swept_at: usize,
    clock: SimulatedClock,
    ticks: i64,
}

pub(super) fn error<T>(kind: ErrorKind) -> io::Result<T> {
    Err(kind.into())
}

impl Tree {
    pub(super) fn new(clock: SimulatedClock) -> Self {
        let mut tree = Tree {
            nodes: Nodes::default(),
            next: ROOT,
            pending: Vec::new(),
            unsynced: BTreeSet::new(),
            open: BTreeMap::new(),
            writers: BTreeMap::new(),
            next_writer: 0,
            used: 0,
            manners: Manners::default(),
            swept_at: 0,
            clock,
            ticks: 0,
        };
        tree.add(Body::Folder { names: Names::new(), durable: Names::new() });
        tree
    }

    /// The same files on a computer of its own, where nothing is open.
    pub(super) fn copy(&self, clock: SimulatedClock) -> Self {
        Tree { open: BTreeMap::new(), writers: BTreeMap::new(), clock, ..self.clone() }
    }

    /// Never the same twice within a millisecond of the clock, as a good file system has it.
    pub(super) fn now(&mut self) -> i64 {
        self.ticks = (self.ticks + 1) % NANOS_A_MILLI;
        self.clock.now_millis().saturating_mul(NANOS_A_MILLI).saturating_add(self.ticks)
    }

    pub(super) fn add(&mut self, body: Body) -> Number {
        let number = self.next;
        self.next += 1;
        let now = self.now();
        self.nodes.insert(
            number,
            Arc::new(Node { body, modified: now, changed: now, executable: false, placeholder: false }),
        );
        number
    }

    /// A file whose bytes and name are not durable yet, in no folder so far.
    pub(super) fn add_file(&mut self, bytes: Vec<u8>) -> Number {
        self.used += bytes.len() as u64;
        let number = self.add(Body::File { bytes: Arc::new(bytes), durable: Some(Arc::default()) });
        self.unsynced.insert(number);
        number
    }

    pub(super) fn node(&self, number: Number) -> io::Result<&Node> {
        self.nodes.get(&number).map(AsRef::as_ref).ok_or_else(|| ErrorKind::NotFound.into())
    }

    pub(super) fn node_mut(&mut self, number: Number) -> io::Result<&mut Node> {
        self.nodes.get_mut(&number).map(Arc::make_mut).ok_or_else(|| ErrorKind::NotFound.into())
    }

    pub(super) fn names(&self, folder: Number) -> io::Result<&Names> {
        match &self.node(folder)?.body {
            Body::Folder { names, .. } => Ok(names),
            _ => error(ErrorKind::NotADirectory),
        }
    }

    pub(super) fn kind(&self, number: Number) -> io::Result<ItemKind> {
        Ok(match self.node(number)?.body {
            Body::File { .. } => ItemKind::File,
            Body::Folder { .. } => ItemKind::Folder,
            Body::Link(_) => ItemKind::Link,
            Body::Other => ItemKind::Other,
        })
    }

    pub(super) fn stat(&self, number: Number) -> io::Result<Stat> {
        let node = self.node(number)?;
        let size = match &node.body {
            Body::File { bytes, .. } => bytes.len() as u64,
            _ => 0,
        };
        Ok(Stat {
            kind: self.kind(number)?,
            fingerprint: Fingerprint { size, modified: node.modified, changed: node.changed, file: number },
            executable: node.executable && self.manners.executable,
            placeholder: node.placeholder,
        })
    }

    /// The way to a node from the root, the root left out. The last step follows a link only when asked.
    pub(super) fn way(&self, path: &Path, follow_last: bool) -> io::Result<Vec<(OsString, Number)>> {
        let steps = |path: &Path| -> Vec<OsString> {
            let named =
                path.components().filter(|c| matches!(c, Component::Normal(_) | Component::ParentDir));
            named.map(|c| c.as_os_str().to_owned()).rev().collect()
        };
        if !path.has_root() {
            return error(ErrorKind::InvalidInput);
        }
        let mut way: Vec<(OsString, Number)> = Vec::new();
        let (mut ahead, mut links) = (steps(path), 0);
        while let Some(name) = ahead.pop() {
            let here = way.last().map_or(ROOT, |step| step.1);
            if name == OsStr::new("..") {
                way.pop();
                continue;
            }
            let Some((name, number)) = self.named(here, &name)? else { return error(ErrorKind::NotFound) };
            match &self.node(number)?.body {
                Body::Link(target) if follow_last || !ahead.is_empty() => {
                    links += 1;
                    if links > MOST_LINKS {
                        return Err(io::Error::other("too many links in a row"));
                    }
                    if target.has_root() {
                        way.clear();
                    }
                    ahead.extend(steps(target));
                }
                _ => way.push((name, number)),
            }
        }
        Ok(way)
    }

    pub(super) fn find(&self, path: &Path, follow_last: bool) -> io::Result<Number> {
        Ok(self.way(path, follow_last)?.last().map_or(ROOT, |step| step.1))
    }

    /// The folder a path lies in, its name there, and what stands there.
    pub(super) fn place(&self, path: &Path) -> io::Result<(Number, OsString, Option<Number>)> {
        let (Some(folder), Some(name)) = (path.parent(), path.file_name()) else {
            return error(ErrorKind::InvalidInput);
        };
        if name.len() > LONGEST_NAME {
            return error(ErrorKind::InvalidFilename);
        }
        let folder = self.find(folder, true)?;
        match self.named(folder, name)? {
            Some((stored, number)) => Ok((folder, stored, Some(number))),
            None if self.manners.allows(name) => Ok((folder, self.manners.stored(name), None)),
            None => error(ErrorKind::InvalidFilename),
        }
    }

    /// What a name stands for in a folder, and the name as it is stored there.
    fn named(&self, folder: Number, name: &OsStr) -> io::Result<Option<(OsString, Number)>> {
        let names = self.names(folder)?;
        if let Some(&number) = names.get(name) {
            return Ok(Some((name.to_owned(), number)));
        }
        let Some(key) = self.manners.key(name) else { return Ok(None) };
        let same = names.iter().find(|(other, _)| self.manners.key(other).as_ref() == Some(&key));
        Ok(same.map(|(stored, &number)| (stored.clone(), number)))
    }

    /// As [`Tree::place`], for a name that is free.
    pub(super) fn free_place(&self, path: &Path) -> io::Result<(Number, OsString)> {
        match self.place(path)? {
            (folder, name, None) => Ok((folder, name)),
            _ => error(ErrorKind::AlreadyExists),
        }
    }

    /// As [`Tree::place`], for a name that is taken.
    pub(super) fn taken_place(&self, path: &Path) -> io::Result<(Number, OsString, Number)> {
        match self.place(path)? {
            (folder, name, Some(number)) => Ok((folder, name, number)),
            _ => error(ErrorKind::NotFound),
        }
    }

    /// A folder cannot go into itself.
    pub(super) fn refuse_into_itself(&self, from: Number, to: &Path) -> io::Result<()> {
        let above = to.parent().map(|parent| self.way(parent, true)).transpose()?.unwrap_or_default();
        match above.iter().any(|step| step.1 == from) {
            true => error(ErrorKind::InvalidInput),
            false => Ok(()),
        }
    }

    fn reach(&self, from: impl IntoIterator<Item = Number>, durable_too: bool) -> HashSet<Number> {
        let mut ahead: Vec<Number> = from.into_iter().collect();
        let mut reached = HashSet::new();
        while let Some(number) = ahead.pop() {
            if !reached.insert(number) {
                continue;
            }
            if let Ok(Node { body: Body::Folder { names, durable }, .. }) = self.node(number) {
                ahead.extend(names.values());
                if durable_too {
                    ahead.extend(durable.values());
                }
            }
        }
        reached
    }

    /// Forget what no name, power cut or open handle can reach, and count the bytes in use again.
    pub(super) fn sweep(&mut self) {
        let pending = self.pending.iter().flat_map(Change::numbers);
        let held: Vec<Number> =
            self.open.keys().chain(self.writers.values()).copied().chain([ROOT]).collect();
        let kept = self.reach(held.iter().copied().chain(pending), true);
        self.nodes.retain(|number, _| kept.contains(number));
        self.unsynced.retain(|number| kept.contains(number));
        let size = |number| match self.nodes.get(number).map(|node| &node.body) {
            Some(Body::File { bytes, .. }) => bytes.len() as u64,
            _ => 0,
        };
        self.used = self.reach(held, false).iter().map(size).sum();
        self.swept_at = self.nodes.len();
    }

    /// Sweep now and then, so that long simulations do not fill the memory.
    pub(super) fn tidy(&mut self) {
        if self.nodes.len() > 2 * self.swept_at + 1024 {
            self.sweep();
        }
    }
}
