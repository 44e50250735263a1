//! One machine: a working folder, its replica of the share's plain files, and a ledger. The ledger is one value, so
//! that it can be lost, copied, put back from a backup or brought to another working folder like the real one.

use std::cell::RefCell;
use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::{Arc, OnceLock};

use kitbag_core::copies;
use kitbag_core::entry::Memory;
use kitbag_core::guard::Removals;
use kitbag_core::history::History;
use kitbag_core::id::{ContentId, RecordId};
use kitbag_core::ignore::Ignore;
use kitbag_core::path::WorkPath;
use kitbag_core::plan::Removal;
use kitbag_core::reconcile::{Contents, Unreadable};
use kitbag_core::rename::{Gone, New, pair};
use kitbag_core::version::{Content, Kind, Record};

use crate::provider::Files;
use crate::sidecar::{Bits, Immutable, Sidecar};
use crate::text::{Blob, Name};

/// The records of one path, as they are seen from there.
#[derive(Clone)]
pub struct Loaded {
    pub history: History,
    /// Their ids in one number, whatever the order.
    pub set: u128,
}

impl Loaded {
    fn new(history: History) -> Self {
        let set = Loaded::key(history.records().map(|(id, _)| id));
        Loaded { history, set }
    }

    pub fn key(ids: impl IntoIterator<Item = RecordId>) -> u128 {
        ids.into_iter().fold(0, |all, id| {
            let half: [u8; 16] = std::array::from_fn(|at| id.as_bytes()[at]);
            all ^ u128::from_le_bytes(half)
        })
    }
}

/// A record about to be published, of what the working folder shows.
pub type Foreseen = (Name, Option<RecordId>, RecordId);

#[derive(Clone, Default)]
pub struct Ledger {
    /// The working folder it was made with.
    pub folder: u64,
    /// Another number for each time this machine got another ledger.
    pub generation: u64,
    pub memories: BTreeMap<Name, Memory>,
    /// Records and contents this machine has for good.
    pub holds: Bits,
    /// Contents of waiting bytes: here, in no record.
    pub kept: Bits,
    /// The files of the records that count.
    admitted: BTreeMap<RecordId, usize>,
    pub paths: BTreeMap<Name, Loaded>,
    /// The number of each file of the working folder when it was last looked at.
    pub numbers: BTreeMap<Name, u64>,
    waiting: Vec<usize>,
    /// Versions about to be put into the working folder, over which base.
    pub intents: BTreeMap<Name, (Option<RecordId>, RecordId)>,
    /// What it is about to hear that the folder shows: where, until then, from then on.
    pub foreseen: Vec<Foreseen>,
    /// Files whose removal waits for an answer.
    pub held: BTreeSet<Name>,
    /// When removals were recorded.
    pub removals: Vec<i64>,
}

/// As long as the guard against large removals remembers, in cycles.
const DAY: i64 = 60;

impl Ledger {
    pub fn history(&self, path: &str) -> History {
        match self.paths.get(path) {
            Some(loaded) => loaded.history.clone(),
            None => History::new(&work_path(path), []),
        }
    }

    /// Records that came are admitted once what they come from and their content are here.
    pub fn admit(&mut self, come: &[usize], side: &Sidecar, all_at_once: bool) {
        self.waiting
            .extend(come.iter().filter(|file| matches!(side.files[**file], Immutable::Record { .. })));
        let mut new: BTreeMap<Name, Vec<(RecordId, &Record)>> = BTreeMap::new();
        loop {
            let mut waiting = std::mem::take(&mut self.waiting);
            let before = waiting.len();
            waiting.retain(|file| {
                let Immutable::Record { id, record, path } = &side.files[*file] else { return false };
                let parents = || record.parents.iter().chain(&record.near);
                let known = parents().all(|parent| self.admitted.contains_key(parent));
                let content = record.content.id().is_none_or(|id| self.take_kept(side, id));
                if !((known && content) || all_at_once) {
                    return true;
                }
                self.admitted.insert(*id, *file);
                let from = parents().filter(|_| record.kind == Kind::Move);
                let from = from.filter_map(|id| Some(&side.find_record(*id)?.1.path));
                for path in from.map(|path| Name::from(path.as_str())).chain([path.clone()]) {
                    new.entry(path).or_default().push((*id, record));
                }
                false
            });
            self.waiting = waiting;
            if self.waiting.len() == before {
                break;
            }
        }
        for (path, records) in new {
            self.load(&path, &records, side);
        }
    }

    /// A view is added to where all records are of its path, and made anew where files were moved.
    fn load(&mut self, path: &Name, records: &[(RecordId, &Record)], side: &Sidecar) {
        let local = |record: &Record| record.path.as_str() == &**path;
        let plain = |record: &Record| local(record) && record.kind != Kind::Move;
        let before = self.paths.get_mut(path);
        match before {
            Some(loaded)
                if records.iter().all(|(_, r)| plain(r))
                    && loaded.history.records().all(|(_, r)| local(r)) =>
            {
                loaded.history.extend(records.iter().map(|(id, record)| (*id, (*record).clone())));
                *loaded =
                    Loaded::new(std::mem::replace(&mut loaded.history, History::new(&work_path(path), [])));
            }
            _ => {
                let all = self.admitted.iter().filter_map(|(id, file)| match &side.files[*file] {
                    Immutable::Record { record, .. } => Some((*id, (**record).clone())),
                    Immutable::Content(_) => None,
                });
                let loaded = Loaded::new(History::new(&work_path(path), all));
                self.paths.insert(path.clone(), loaded);
            }
        }
    }

    /// The view of a path with what a version at another path comes from.
    pub fn history_from(&self, path: &str, origin: RecordId, side: &Sidecar) -> History {
        let all = self.admitted.iter().filter_map(|(id, file)| match &side.files[*file] {
            Immutable::Record { record, .. } => Some((*id, (**record).clone())),
            Immutable::Content(_) => None,
        });
        History::with_origin(&work_path(path), all, Some(origin))
    }

    /// Does a record count here?
    pub fn is_admitted(&self, id: RecordId) -> bool {
        self.admitted.contains_key(&id)
    }

    /// A record of this path is known that does not count yet.
    pub fn delivering(&self, path: &Name, side: &Sidecar) -> bool {
        let of_path =
            |file: &usize| matches!(&side.files[*file], Immutable::Record { path: p, .. } if p == path);
        self.waiting.iter().any(of_path)
    }

    /// Is the content here? What was kept for waiting bytes and belongs to a record now is held for good.
    fn take_kept(&mut self, side: &Sidecar, id: ContentId) -> bool {
        let Some((file, _)) = side.find_content(id) else { return false };
        let here = self.holds.has(file) || self.kept.has(file);
        self.holds.set(file, here);
        here
    }
}

/// Where one plan reads: what is stored, and what was just seen.
pub struct View<'a> {
    pub side: &'a Sidecar,
    pub ledger: &'a Ledger,
    pub seen: Vec<&'a Blob>,
}

impl Contents for View<'_> {
    fn read(&self, content: ContentId) -> Result<Option<Arc<[u8]>>, Unreadable> {
        if let Some(blob) = self.seen.iter().find(|blob| blob.id() == content) {
            return Ok(Some(blob.bytes().clone()));
        }
        let stored = self.side.find_content(content);
        let here = stored.filter(|(file, _)| self.ledger.holds.has(*file) || self.ledger.kept.has(*file));
        let reason = || Unreadable { content, reason: "not here".into() };
        here.map(|(_, blob)| Some(blob.bytes().clone())).ok_or_else(reason)
    }
}

#[derive(Clone, Default)]
pub struct Machine {
    pub work: Files,
    /// Which file each is, whatever it is called.
    pub numbers: BTreeMap<Name, u64>,
    pub mirror: Files,
    pub ledger: Ledger,
    /// The version the working folder really shows, whatever the ledger knows, and the ledger it was put with.
    pub shown: BTreeMap<Name, (RecordId, u64)>,
    /// Exchanges done in the working folder that the ledger may not have heard of.
    pub aside: BTreeMap<Name, RecordId>,
    /// What programs hold open, as they hold it.
    pub kernels: BTreeMap<Name, Blob>,
    /// Files the person removed from the working folder.
    pub deleted: BTreeSet<Name>,
    /// Which folder the working folder is.
    pub folder: u64,
    pub clock: i64,
    pub backup: Option<Box<Saved>>,
}

/// A backup of a machine's own disk.
#[derive(Clone)]
pub struct Saved {
    pub work: Files,
    pub aside: BTreeMap<Name, RecordId>,
    pub numbers: BTreeMap<Name, u64>,
    pub ledger: Ledger,
    pub shown: BTreeMap<Name, (RecordId, u64)>,
    pub deleted: BTreeSet<Name>,
}

impl Machine {
    /// Every path this machine would look at.
    pub fn paths(&self) -> BTreeSet<Name> {
        let names = self.work.keys().chain(self.mirror.keys()).chain(self.ledger.memories.keys());
        let all = names.chain(self.ledger.paths.keys());
        all.filter(|name| copied(name).is_none() && !self.is_twin(name)).cloned().collect()
    }

    /// Conflict copies of a path in the mirror.
    pub fn copies_of(&self, path: &Name) -> Vec<(Name, Blob)> {
        let of_path = |name: &Name| {
            copied(name).as_ref() == Some(path)
                || (twin_of(name).as_ref() == Some(path) && self.is_twin(name))
        };
        let found = self.mirror.iter().filter(|(name, _)| *name != path && of_path(name));
        found.map(|(name, blob)| (name.clone(), blob.clone())).collect()
    }

    /// `NAME (1).EXT` is another version of `NAME.EXT` only while it holds one of its known versions and nobody
    /// has a file of that name.
    fn is_twin(&self, name: &Name) -> bool {
        let Some(base) = twin_of(name) else { return false };
        let ours = self.work.contains_key(name) || self.ledger.paths.contains_key(name);
        let known = |blob: &Blob| {
            self.ledger.paths.get(&base).is_some_and(|loaded| loaded.history.knows(blob.content()))
        };
        !ours && self.mirror.get(name).is_some_and(known)
    }

    /// Files the person renamed: from where to where. Proven by content or number, as everywhere.
    pub fn renamed(&self, side: &Sidecar) -> Vec<(Name, Name)> {
        let base = |path: &Name| {
            let base = self.ledger.memories.get(path)?.base?;
            let content = self.ledger.paths.get(path)?.history.content(base)?;
            Some((base, content.id()?, content.size()))
        };
        let lacks = |path: &&Name| !self.work.contains_key(&**path);
        let gone: Vec<_> = self
            .ledger
            .memories
            .keys()
            .filter(lacks)
            .filter_map(|path| {
                let (base, content, size) = base(path)?;
                let file = self.ledger.numbers.get(path).copied().unwrap_or(0);
                Some((path.clone(), Gone { path: work_path(path), base, content, size, file, modified: 0 }))
            })
            .collect();
        if gone.is_empty() || self.work.keys().all(|path| base(path).is_some()) {
            return Vec::new();
        }
        let new: Vec<_> = self
            .work
            .iter()
            .filter(|(path, _)| base(path).is_none())
            .map(|(path, blob)| {
                let file = self.numbers.get(path).copied().unwrap_or(0);
                let (content, size) = (blob.id(), blob.bytes().len() as u64);
                (path.clone(), New { path: work_path(path), content, size, file, modified: 0 })
            })
            .collect();
        let seen = self.work.values().collect();
        let view = View { side, ledger: &self.ledger, seen };
        let (from, to): (Vec<_>, Vec<_>) = (
            gone.iter().map(|(_, gone)| gone.clone()).collect(),
            new.iter().map(|(_, new)| new.clone()).collect(),
        );
        let pairs = pair(&from, &to, nothing_ignored(), &view);
        pairs.into_iter().map(|pair| (gone[pair.gone].0.clone(), new[pair.new].0.clone())).collect()
    }

    /// Whether a file missing from the working folder counts as removed now. What was asked once waits for its answer,
    /// however few are missing by then.
    pub fn removal(&self, of: &Name, renamed: &[(Name, Name)], asked_is_held: bool) -> Removal {
        if asked_is_held && self.ledger.held.contains(of) {
            return Removal::Asks;
        }
        let (mut missing, mut known) = (0, 0);
        for (path, memory) in &self.ledger.memories {
            let content = memory.base.and_then(|base| self.ledger.paths.get(path)?.history.content(base));
            if content.is_some_and(|content| content != Content::Deleted) {
                known += 1;
                let gone = !self.work.contains_key(path) && !renamed.iter().any(|(from, _)| from == path);
                missing += u64::from(gone);
            }
        }
        let last_day = self.ledger.removals.iter().filter(|at| **at > self.clock - DAY).count() as u64;
        if (Removals { missing, known, last_day }).ask() { Removal::Asks } else { Removal::Counts }
    }
}

fn nothing_ignored() -> &'static Ignore {
    static NOTHING: OnceLock<Ignore> = OnceLock::new();
    NOTHING.get_or_init(|| Ignore::new(&[]).unwrap())
}

/// The path of a name; the model has no others.
pub fn work_path(name: &str) -> WorkPath {
    WorkPath::parse(name).unwrap()
}

/// The path a conflict copy is a copy of, also of a copy of a copy.
pub fn copied(name: &Name) -> Option<Name> {
    if !name.contains("conflict") {
        return None;
    }
    remembered(name, |file| {
        let mut base = copies::base_of(file)?.base;
        while let Some(further) = copies::base_of(&base) {
            base = further.base;
        }
        Some(base)
    })
}

/// The file this name may be a twin of, by the weak forms.
fn twin_of(name: &Name) -> Option<Name> {
    if !name.contains('(') {
        return None;
    }
    remembered(name, |file| Some(copies::may_be_of(file).into_iter().next()?.base))
}

/// Names are few and asked after often. No name is asked of both forms: a full pattern is no weak one.
fn remembered(name: &Name, base_of: impl Fn(&str) -> Option<String>) -> Option<Name> {
    thread_local! {
        static KNOWN: RefCell<HashMap<(Name, bool), Option<Name>>> = RefCell::default();
    }
    KNOWN.with_borrow_mut(|known| {
        let find = || {
            let (folder, file) = name.rsplit_once('/').map_or(("", &**name), |(folder, file)| (folder, file));
            let base = base_of(file)?;
            Some(if folder.is_empty() { base.into() } else { format!("{folder}/{base}").into() })
        };
        known.entry((name.clone(), name.contains("conflict"))).or_insert_with(find).clone()
    })
}
