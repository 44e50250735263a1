//! The immutable files of the share: records and contents, one file each. They travel one by one in any order, may
//! arrive by half or twice, and may be deleted by a "cleaner" on one machine, which its client then carries on.

use std::collections::{BTreeMap, BTreeSet};

use kitbag_core::id::{ContentId, RecordId};
use kitbag_core::version::{Content, Record};

use crate::text::{Blob, Name};

/// A set of files by number.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Bits(Vec<u64>);

impl Bits {
    pub fn has(&self, file: usize) -> bool {
        self.0.get(file / 64).is_some_and(|word| word >> (file % 64) & 1 == 1)
    }

    pub fn set(&mut self, file: usize, to: bool) {
        if self.0.len() <= file / 64 {
            self.0.resize(file / 64 + 1, 0);
        }
        let bit = 1 << (file % 64);
        if to { self.0[file / 64] |= bit } else { self.0[file / 64] &= !bit }
    }

    fn word(&self, at: usize) -> u64 {
        self.0.get(at).copied().unwrap_or(0)
    }

    /// The files for which `pick` of the words of the three sets has a bit.
    pub fn joined(a: &Bits, b: &Bits, c: &Bits, pick: impl Fn(u64, u64, u64) -> u64) -> Vec<usize> {
        let words = a.0.len().max(b.0.len()).max(c.0.len());
        let mut found = Vec::new();
        for at in 0..words {
            let mut word = pick(a.word(at), b.word(at), c.word(at));
            while word != 0 {
                found.push(at * 64 + word.trailing_zeros() as usize);
                word &= word - 1;
            }
        }
        found
    }
}

/// One immutable file.
pub enum Immutable {
    Record { id: RecordId, record: Box<Record>, path: Name },
    Content(Blob),
}

#[derive(Default)]
pub struct Sidecar {
    pub files: Vec<Immutable>,
    records: BTreeMap<RecordId, usize>,
    contents: BTreeMap<ContentId, usize>,
    server: Bits,
    /// What each machine's folder holds, whole or by half.
    pub here: Vec<Bits>,
    pub torn: Vec<Bits>,
    agreed: Vec<Bits>,
}

impl Sidecar {
    pub fn new(machines: usize) -> Self {
        let none = || vec![Bits::default(); machines];
        Sidecar { here: none(), torn: none(), agreed: none(), ..Sidecar::default() }
    }

    pub fn record(&mut self, id: RecordId, record: &Record, path: &Name) -> usize {
        let files = &mut self.files;
        *self.records.entry(id).or_insert_with(|| {
            files.push(Immutable::Record { id, record: Box::new(record.clone()), path: path.clone() });
            files.len() - 1
        })
    }

    pub fn content(&mut self, blob: &Blob) -> usize {
        let files = &mut self.files;
        *self.contents.entry(blob.id()).or_insert_with(|| {
            files.push(Immutable::Content(blob.clone()));
            files.len() - 1
        })
    }

    pub fn find_record(&self, id: RecordId) -> Option<(usize, &Record)> {
        let file = *self.records.get(&id)?;
        match &self.files[file] {
            Immutable::Record { record, .. } => Some((file, record)),
            Immutable::Content(_) => None,
        }
    }

    pub fn find_content(&self, id: ContentId) -> Option<(usize, &Blob)> {
        let file = *self.contents.get(&id)?;
        match &self.files[file] {
            Immutable::Content(blob) => Some((file, blob)),
            Immutable::Record { .. } => None,
        }
    }

    /// Whether a record is a version of the same file at the same place as another one, the same or a later one.
    pub fn goes_on_from(&self, id: RecordId, from: RecordId) -> bool {
        let Some((_, first)) = self.find_record(from) else { return false };
        let goes_on = |id: &RecordId| {
            let record = self.find_record(*id).map(|(_, record)| record);
            record.is_some_and(|record| record.path == first.path && record.content != Content::Deleted)
        };
        let (mut seen, mut todo) = (BTreeSet::new(), vec![id]);
        while let Some(id) = todo.pop() {
            if goes_on(&id) && seen.insert(id) {
                todo.extend(self.find_record(id).into_iter().flat_map(|(_, record)| &record.parents));
            }
        }
        seen.contains(&from)
    }

    pub fn publish(&mut self, machine: usize, file: usize) {
        self.here[machine].set(file, true);
        self.torn[machine].set(file, false);
    }

    /// Whole in this machine's folder.
    pub fn arrived(&self, machine: usize, file: usize) -> bool {
        self.here[machine].has(file) && !self.torn[machine].has(file)
    }

    /// Whole in any folder or on the server.
    pub fn anywhere(&self, file: usize) -> bool {
        self.server.has(file) || (0..self.here.len()).any(|machine| self.arrived(machine, file))
    }

    /// Everything this machine's client has to do.
    pub fn to_carry(&self, machine: usize) -> Vec<usize> {
        Bits::joined(&self.here[machine], &self.server, &self.torn[machine], |here, server, torn| {
            here ^ server | torn
        })
    }

    /// One file of one machine's folder meets the server. `by_half`: what comes down is only begun.
    pub fn carry(&mut self, machine: usize, file: usize, by_half: bool) {
        let (here, there) = (self.here[machine].has(file), self.server.has(file));
        let agreed = self.agreed[machine].has(file);
        if self.torn[machine].has(file) {
            self.torn[machine].set(file, false);
            self.here[machine].set(file, there);
        } else if here && !there && agreed {
            self.here[machine].set(file, false);
        } else if here && !there {
            self.server.set(file, true);
        } else if there && agreed {
            self.server.set(file, false);
            self.forget(file);
        } else if there {
            self.here[machine].set(file, true);
            self.torn[machine].set(file, by_half);
        }
        let same = self.here[machine].has(file) && self.server.has(file);
        self.agreed[machine].set(file, same);
    }

    /// Clients that have not got a deleted file have nothing to tell about it any more.
    fn forget(&mut self, file: usize) {
        for (agreed, here) in self.agreed.iter_mut().zip(&self.here) {
            agreed.set(file, agreed.has(file) && here.has(file));
        }
    }

    /// Somebody deletes one of the files in one machine's folder.
    pub fn clean(&mut self, machine: usize, pick: usize) -> Option<usize> {
        let none = Bits::default();
        let present = Bits::joined(&self.here[machine], &none, &none, |here, _, _| here);
        let file = *present.get(pick % present.len().max(1))?;
        self.here[machine].set(file, false);
        self.torn[machine].set(file, false);
        if !self.server.has(file) {
            self.forget(file);
        }
        Some(file)
    }
}
