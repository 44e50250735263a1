//! One machine: a working folder, a ledger and the engine's loop in miniature. It carries a plan out step by
//! step over its folders, may be interrupted between any two steps, and looks before each write as the engine does.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use kitbag_core::conflict;
use kitbag_core::copies;
use kitbag_core::entry::{Memory, Seen};
use kitbag_core::history::History;
use kitbag_core::id::{ContentId, RecordId};
use kitbag_core::path::WorkPath;
use kitbag_core::plan::{self, AbsenceAnswer, Plan, Put, Removal, Situation};
use kitbag_core::reconcile::{Contents, Unreadable};
use kitbag_core::version::{Content, Record};

use crate::provider::Files;

/// The immutable part of the share: records and contents, delivered one by one in any order.
#[derive(Default, Clone)]
pub struct Sidecar {
    pub records: BTreeMap<RecordId, Record>,
    pub contents: BTreeMap<ContentId, Arc<[u8]>>,
}

impl Contents for Sidecar {
    fn read(&self, content: ContentId) -> Result<Option<Arc<[u8]>>, Unreadable> {
        let known = self.contents.get(&content).cloned();
        known.map(Some).ok_or(Unreadable { content, reason: "not delivered".into() })
    }
}

#[derive(Default)]
pub struct Machine {
    pub working: Files,
    pub mirror: Files,
    /// What this machine's replica of the sidecar and its ledger hold.
    pub known: Sidecar,
    memories: BTreeMap<String, Memory>,
    now: i64,
    answer: Option<AbsenceAnswer>,
}

/// What a cycle did.
#[derive(Debug, Default, Clone)]
pub struct Cycle {
    pub wrote: bool,
    pub conflict: bool,
    pub held: bool,
    pub waits: bool,
    /// Mirror bytes that are durable now.
    pub kept: Vec<Vec<u8>>,
}

pub fn split(bytes: &[u8]) -> Vec<Vec<u8>> {
    bytes.split_inclusive(|b| *b == b'\n').map(<[u8]>::to_vec).collect()
}

/// The path a conflict copy is a copy of.
pub fn copied(name: &str) -> Option<String> {
    let (folder, file) = name.rsplit_once('/').map_or(("", name), |(folder, file)| (folder, file));
    let base = copies::base_of(file)?.base;
    Some(if folder.is_empty() { base } else { format!("{folder}/{base}") })
}

fn look(files: &Files, name: &str, store: &mut Sidecar) -> Seen {
    match files.get(name) {
        None => Seen::Absent,
        Some(bytes) => {
            let id = ContentId::of(bytes);
            store.contents.insert(id, Arc::from(bytes.as_slice()));
            Seen::file(id, bytes.len() as u64)
        }
    }
}

impl Machine {
    pub fn paths(&self) -> BTreeSet<String> {
        let names = self.working.keys().chain(self.mirror.keys()).chain(self.memories.keys());
        let known = self.known.records.values().map(|r| r.path.as_str().to_owned());
        names.cloned().chain(known).filter(|name| copied(name).is_none()).collect()
    }

    /// A record counts only when what it comes from and its content are here.
    fn admitted(&self, path: &str) -> Vec<(RecordId, Record)> {
        let mut admitted: BTreeMap<RecordId, Record> = BTreeMap::new();
        loop {
            let before = admitted.len();
            for (id, record) in &self.known.records {
                let parents = record.parents.iter().chain(&record.near).all(|p| admitted.contains_key(p));
                let content = record.content.id().is_none_or(|id| self.known.contents.contains_key(&id));
                if record.path.as_str() == path && parents && content {
                    admitted.insert(*id, record.clone());
                }
            }
            if admitted.len() == before {
                return admitted.into_iter().collect();
            }
        }
    }

    pub fn history(&self, path: &str) -> History {
        History::new(&WorkPath::parse(path).unwrap(), self.admitted(path))
    }

    fn plan(&mut self, path: &str, settle: i64) -> Plan {
        let mut store = self.known.clone();
        let working = look(&self.working, path, &mut store);
        let mirror = look(&self.mirror, path, &mut store);
        let copies: Vec<_> =
            self.mirror.keys().filter(|n| copied(n).as_deref() == Some(path)).cloned().collect();
        let copies: Vec<_> = copies
            .into_iter()
            .filter_map(|name| match look(&self.mirror, &name, &mut store) {
                Seen::Content(content) => Some((name, content)),
                _ => None,
            })
            .collect();
        let memory = self.memories.get(path).cloned().unwrap_or_default();
        let situation = Situation {
            path: &WorkPath::parse(path).unwrap(),
            memory: &memory,
            working,
            mirror,
            copies: &copies,
            history: self.history(path),
            moved_from: None,
            now: self.now,
            settle,
            absence_wait: 3,
            delivering: false,
            removals: Removal::Counts,
            answer: self.answer,
            busy: false,
            prefer: None,
            backup: None,
        };
        let plan = plan::plan(situation, &store).unwrap();
        // bytes seen are durable before any later step
        self.known.contents = store.contents;
        plan
    }

    /// One cycle at one path. `crash_after` stops it after that many steps; `meanwhile` runs between the plan and
    /// the writes, as people and providers do.
    pub fn cycle(
        &mut self,
        path: &str,
        settle: i64,
        crash_after: usize,
        meanwhile: impl FnOnce(&mut Self),
    ) -> Cycle {
        self.now += 1;
        let plan = self.plan(path, settle);
        let mut done = Cycle {
            wrote: !plan.records.is_empty()
                || plan.working.is_some()
                || plan.mirror.is_some()
                || !plan.drop_copies.is_empty(),
            conflict: plan.heads.len() > 1,
            held: plan.held.is_some() || plan.backs_off,
            waits: plan.due.is_some() || !plan.memory.observed.is_empty(),
            kept: Vec::new(),
        };
        if crash_after == 0 {
            return done;
        }
        if plan.heads.is_empty() && plan.memory == Memory::default() {
            return done;
        }
        if !plan.keep.is_empty() {
            let memory = self.memories.entry(path.to_owned()).or_default();
            memory.observed.extend(plan.keep.iter().cloned());
            let ids = plan.keep.iter().filter_map(|observed| observed.content.id());
            done.kept =
                ids.filter_map(|id| self.known.contents.get(&id)).map(|bytes| bytes.to_vec()).collect();
        }
        if crash_after == 1 {
            return done;
        }
        for made in &plan.records {
            if let (Some(bytes), Some(id)) = (&made.bytes, made.record.content.id()) {
                self.known.contents.insert(id, Arc::from(bytes.as_slice()));
            }
            self.known.records.insert(made.id, made.record.clone());
        }
        if crash_after == 2 {
            return done;
        }
        self.memories.insert(path.to_owned(), plan.memory.clone());
        meanwhile(self);
        if crash_after == 3 {
            return done;
        }
        if let Some(put) = plan.working {
            if self.put(path, put, true) {
                self.memories.entry(path.to_owned()).or_default().base = Some(put.version);
            } else {
                done.wrote = true;
                return done;
            }
        }
        if crash_after == 4 {
            return done;
        }
        if let Some(put) = plan.mirror
            && self.put(path, put, false)
        {
            let memory = self.memories.entry(path.to_owned()).or_default();
            (memory.mirror, memory.absent_since) = (put.content.id(), None);
        }
        for (name, content) in plan.drop_copies {
            if self.mirror.get(&name).is_some_and(|bytes| Some(ContentId::of(bytes)) == content.id()) {
                self.mirror.remove(&name);
            }
        }
        done
    }

    /// Write if the place still shows what the plan expects.
    fn put(&mut self, path: &str, put: Put, working: bool) -> bool {
        let files = if working { &mut self.working } else { &mut self.mirror };
        let stands = files.get(path).map(|bytes| ContentId::of(bytes));
        if stands != put.expect.id() {
            return false;
        }
        match put.content.id() {
            None => files.remove(path),
            Some(id) => files.insert(path.to_owned(), self.known.contents[&id].to_vec()),
        };
        true
    }

    /// The person answers an open conflict with "both", or a held absence by putting the file back.
    pub fn answer(&mut self, path: &str) {
        let history = self.history(path);
        let heads = history.heads();
        if heads.len() < 2 {
            return;
        }
        let path = WorkPath::parse(path).unwrap();
        let Some(bytes) = conflict::both_texts(&path, &history, &heads, &self.known).unwrap() else { return };
        let content = Content::file(ContentId::of(&bytes), bytes.len() as u64);
        let record = conflict::answer(&path, &history, &heads, content);
        self.known.contents.insert(ContentId::of(&bytes), Arc::from(bytes));
        self.known.records.insert(record.id(), record);
    }

    pub fn answer_absences(&mut self, answer: Option<AbsenceAnswer>) {
        self.answer = answer;
    }

    /// The ledger is gone; folders and sidecar stay. Bytes that waited in it for their record are gone with it:
    /// their lines are returned, since no other place is promised to have them.
    pub fn lose_ledger(&mut self) -> Vec<Vec<u8>> {
        let waiting = std::mem::take(&mut self.memories).into_values().flat_map(|memory| memory.observed);
        let ids: Vec<_> = waiting.filter_map(|observed| observed.content.id()).collect();
        ids.iter().filter_map(|id| self.known.contents.get(id)).flat_map(|bytes| split(bytes)).collect()
    }
}
