//! All admitted records of one path as a graph. Heads are the records nobody supersedes; an outside record that
//! turns out to be a version somebody recorded properly becomes an alias of it. A file that was renamed has a past
//! at another path: seen from here, a move away is the end of the file, and what a file moved here comes from are
//! ancestors at other paths. Everything is a function of the set of records: the order they arrived in cannot be seen.

use std::collections::BTreeSet;
use std::collections::btree_map::{BTreeMap, Entry};

use crate::id::RecordId;
use crate::mutation::{Rule, off};
use crate::path::WorkPath;
use crate::version::{Content, Kind, MERGE_VERSION, Record};

/// The records of one path, with the aliases between them.
#[derive(Debug, Clone)]
pub struct History {
    path: WorkPath,
    /// As they are seen from the path: a move away has the content Deleted.
    records: BTreeMap<RecordId, Record>,
    /// Moves away from here, with the content they have where they are.
    away: BTreeMap<RecordId, Content>,
    alias: BTreeMap<RecordId, RecordId>,
}

impl History {
    /// The view from a path. Of the admitted records it takes those of the path, the moves away from it, and all these
    /// come from; others are passed over, so more may be given than belongs here, never less.
    pub fn new(path: &WorkPath, records: impl IntoIterator<Item = (RecordId, Record)>) -> Self {
        Self::with_origin(path, records, None)
    }

    /// The same with the ancestors of a version at another path, from which a file is about to be moved here.
    pub fn with_origin(
        path: &WorkPath,
        records: impl IntoIterator<Item = (RecordId, Record)>,
        origin: Option<RecordId>,
    ) -> Self {
        let records = records.into_iter().collect();
        let mut history =
            History { path: path.clone(), records, away: BTreeMap::new(), alias: BTreeMap::new() };
        history.see_moves();
        history.pass_over_others(origin);
        history.find_aliases();
        history
    }

    /// Add one record that belongs here; its id.
    pub fn insert(&mut self, record: Record) -> RecordId {
        let id = record.id();
        if let Entry::Vacant(free) = self.records.entry(id) {
            free.insert(record);
            self.see_moves();
            self.find_aliases();
        }
        id
    }

    /// Add several records that belong here, in any order.
    pub fn extend(&mut self, records: impl IntoIterator<Item = (RecordId, Record)>) {
        let before = self.records.len();
        for (id, record) in records {
            self.records.entry(id).or_insert(record);
        }
        if self.records.len() > before {
            self.see_moves();
            self.find_aliases();
        }
    }

    /// Where it is seen from.
    pub fn path(&self) -> &WorkPath {
        &self.path
    }

    /// Nothing recorded yet.
    pub fn is_empty(&self) -> bool {
        self.records.is_empty()
    }

    /// The record an id stands for, through aliases, as it is seen from here.
    pub fn get(&self, id: RecordId) -> Option<&Record> {
        self.records.get(&self.real(id))
    }

    /// What stands at the path in that version. Of a version at another path it comes from: what stood there.
    pub fn content(&self, id: RecordId) -> Option<Content> {
        self.get(id).map(|record| record.content)
    }

    /// What a version holds at its own path, also where it is a move away from here.
    pub fn own_content(&self, id: RecordId) -> Option<Content> {
        let id = self.real(id);
        self.away.get(&id).copied().or_else(|| self.content(id))
    }

    /// The record an id means: itself, or for a void outside record the one it is an alias of.
    pub fn real(&self, id: RecordId) -> RecordId {
        let mut id = id;
        while let Some(&next) = self.alias.get(&id) {
            id = next;
        }
        id
    }

    /// Every record that is known here, void ones and those at other paths too, in id order, as they are seen from here.
    pub fn records(&self) -> impl Iterator<Item = (RecordId, &Record)> {
        self.records.iter().map(|(id, record)| (*id, record))
    }

    /// Every record of this path, and every move away from it, that is not void, in id order.
    pub fn live(&self) -> impl Iterator<Item = (RecordId, &Record)> {
        let counts = |id: &RecordId, record: &Record| {
            (record.path == self.path || self.away.contains_key(id)) && !self.alias.contains_key(id)
        };
        self.records.iter().filter(move |(id, record)| counts(id, record)).map(|(id, record)| (*id, record))
    }

    /// The moves away from here, in id order.
    pub fn moves_away(&self) -> impl Iterator<Item = (RecordId, &Record)> {
        self.away.keys().filter_map(|id| Some((*id, self.records.get(id)?)))
    }

    /// Whether a record is of this very path.
    pub fn is_local(&self, id: RecordId) -> bool {
        self.records.get(&id).is_some_and(|record| record.path == self.path)
    }

    /// Whether some record here, or one it comes from, has these bytes.
    pub fn knows(&self, content: Content) -> bool {
        self.records.values().any(|record| same_bytes(record.content, content))
    }

    /// What a place that has no executable bit shows, with the bit the version has that it shows: the base, a
    /// descendant of it, any other of these bytes. Bytes that are new keep the base's bit.
    pub fn with_recorded_bit(&self, base: Option<RecordId>, seen: Content) -> Content {
        let shown = base.and_then(|base| self.content(base));
        let either = [seen.with_bit(false), seen.with_bit(true)];
        let of_version = || {
            let descendant =
                |content: &Content| base.and_then(|base| self.descendant_with(base, *content)).is_some();
            let known = |content: &Content| self.explaining(*content).is_some();
            either.iter().find(|content| descendant(content)).or_else(|| either.iter().find(|c| known(c)))
        };
        match shown {
            Some(shown) if same_bytes(shown, seen) => shown,
            _ => {
                let bit = shown.is_some_and(|shown| shown.is_executable());
                of_version().copied().unwrap_or_else(|| seen.with_bit(bit))
            }
        }
    }

    /// The record that best explains finding this content: a head before others, then the deepest, then the
    /// lowest id.
    pub fn explaining(&self, content: Content) -> Option<RecordId> {
        let heads: BTreeSet<_> = self.heads().into_iter().collect();
        self.live().filter(|(_, record)| same(record.content, content)).map(|(id, _)| id).max_by_key(|id| {
            (heads.contains(id), self.ancestors(*id, Near::Ignored).len(), std::cmp::Reverse(*id))
        })
    }

    /// The deepest descendant of `from` with this content.
    pub fn descendant_with(&self, from: RecordId, content: Content) -> Option<RecordId> {
        let from = self.real(from);
        self.live()
            .filter(|(id, record)| *id != from && same(record.content, content) && self.descends(*id, from))
            .map(|(id, _)| id)
            .max_by_key(|id| (self.ancestors(*id, Near::Ignored).len(), std::cmp::Reverse(*id)))
    }

    /// A record and all it comes from, itself included.
    pub fn ancestors(&self, id: RecordId, near: Near) -> BTreeSet<RecordId> {
        self.reach([self.real(id)], |id| self.comes_from(id, near))
    }

    /// Whether `id` is `from` or comes from it through parents.
    pub fn descends(&self, id: RecordId, from: RecordId) -> bool {
        self.ancestors(id, Near::Ignored).contains(&self.real(from))
    }

    /// A record and the versions of the same file it comes from: a file made where another one was deleted or moved
    /// away from is another file.
    pub fn line(&self, id: RecordId, near: Near) -> BTreeSet<RecordId> {
        self.reach([self.real(id)], |id| self.line_edges(id, near))
    }

    /// The last versions of each file that was at this path, whether or not it was moved away since, in id order.
    pub fn tips(&self) -> Vec<RecordId> {
        let here = || self.live().map(|(id, _)| id).filter(|id| self.is_local(*id));
        let before = here().flat_map(|id| self.line_edges(id, Near::Ignored));
        let behind = self.reach(before, |id| self.line_edges(id, Near::Ignored));
        here().filter(|id| !behind.contains(id)).collect()
    }

    /// Records nobody supersedes, in id order. Only what belongs to this path supersedes anything here; of several
    /// moves away the first stands for all. A merge is left out where all it was made of stands behind another head:
    /// it says nothing more. Else two machines, each a delivery behind the other, would merge one another's merges
    /// for ever.
    pub fn heads(&self) -> Vec<RecordId> {
        let mut superseded = BTreeSet::new();
        let mut todo: Vec<_> = self.live().map(|(id, _)| id).collect();
        while let Some(id) = todo.pop() {
            for parent in self.comes_from(id, Near::Ignored) {
                // what counts here is in the list from the beginning
                let elsewhere = !self.is_local(parent) && !self.away.contains_key(&parent);
                if superseded.insert(parent) && elsewhere {
                    todo.push(parent);
                }
            }
        }
        let mut ended = false;
        let once = |id: &RecordId| !self.away.contains_key(id) || !std::mem::replace(&mut ended, true);
        let heads: Vec<_> =
            self.live().map(|(id, _)| id).filter(|id| !superseded.contains(id)).filter(once).collect();
        self.without_lesser_merges(heads)
    }

    fn without_lesser_merges(&self, heads: Vec<RecordId>) -> Vec<RecordId> {
        // what a later kitbag merged is not for this one to judge
        let later = |id: &RecordId| {
            let merge = self.records.get(id).and_then(|record| record.merge);
            merge.is_some_and(|version| version > MERGE_VERSION)
        };
        let merged = heads.iter().any(|id| self.is_merge(*id));
        if heads.len() < 2 || !merged || heads.iter().any(later) || off(Rule::LesserMerges) {
            return heads;
        }
        let made_of: Vec<BTreeSet<RecordId>> = heads.iter().map(|id| self.made_of(*id)).collect();
        let says_more = |(at, id): &(usize, &RecordId)| {
            let mine = &made_of[*at];
            let stands_behind = |(other, all): (usize, &BTreeSet<RecordId>)| {
                other != *at && mine.is_subset(all) && (mine.len() < all.len() || other < *at)
            };
            !self.is_merge(**id) || !made_of.iter().enumerate().any(stands_behind)
        };
        heads.iter().enumerate().filter(says_more).map(|(_, id)| *id).collect()
    }

    fn is_merge(&self, id: RecordId) -> bool {
        self.records.get(&id).is_some_and(|record| record.kind == Kind::Merge)
    }

    /// What people and courses did that a version comes from: all behind it that is no merge.
    fn made_of(&self, id: RecordId) -> BTreeSet<RecordId> {
        let mut all = self.ancestors(id, Near::Ignored);
        all.retain(|id| !self.is_merge(*id));
        all
    }

    /// What a record comes from directly, through aliases.
    pub fn comes_from(&self, id: RecordId, near: Near) -> impl Iterator<Item = RecordId> {
        let counts = near == Near::Counts;
        self.records.get(&id).into_iter().flat_map(move |record| {
            // a file made where another one was gone has nothing of that one in it
            let elsewhere = counts || record.path != self.path;
            let left_out = move |parent: &RecordId| {
                elsewhere && self.takes_place(record, *parent) || counts && self.won_over(record, *parent)
            };
            let parents = record.parents.iter().copied().filter(move |parent| !left_out(parent));
            let near = record.near.filter(|_| counts);
            parents.chain(near).map(|p| self.real(p)).filter(move |p| *p != id)
        })
    }

    fn line_edges(&self, id: RecordId, near: Near) -> Vec<RecordId> {
        let Some(record) = self.records.get(&id) else { return Vec::new() };
        let goes_on = |parent: &RecordId| {
            !self.takes_place(record, *parent) && self.own_content(*parent) != Some(Content::Deleted)
        };
        self.comes_from(id, near).filter(goes_on).collect()
    }

    /// Whether this record only took a place that its parent had left free. A move goes on with the content of a
    /// version at another path, and with nothing of what was deleted at its own; other records the other way round.
    fn takes_place(&self, record: &Record, parent: RecordId) -> bool {
        let Some(before) = self.records.get(&parent) else { return false };
        match record.kind {
            Kind::Move => before.path == record.path && self.own_content(parent) == Some(Content::Deleted),
            _ => before.path != record.path,
        }
    }

    /// Whether this record is a merge in which another side won over the deletion that is its parent: then it is no
    /// later version of what was deleted, and drops none of its lines.
    fn won_over(&self, record: &Record, parent: RecordId) -> bool {
        record.kind == Kind::Merge
            && record.content != Content::Deleted
            && self.own_content(parent) == Some(Content::Deleted)
    }

    fn reach<E: IntoIterator<Item = RecordId>>(
        &self,
        start: impl IntoIterator<Item = RecordId>,
        edges: impl Fn(RecordId) -> E,
    ) -> BTreeSet<RecordId> {
        let mut seen: BTreeSet<_> = start.into_iter().collect();
        let mut todo: Vec<_> = seen.iter().copied().collect();
        while let Some(id) = todo.pop() {
            for next in edges(id) {
                if self.records.contains_key(&next) && seen.insert(next) {
                    todo.push(next);
                }
            }
        }
        seen
    }

    /// Everything a record names.
    fn all_edges(&self, id: RecordId) -> Vec<RecordId> {
        let Some(record) = self.records.get(&id) else { return Vec::new() };
        let named = record.parents.iter().chain(&record.near).map(|named| self.real(*named));
        named.filter(|named| *named != id).collect()
    }

    /// A move whose parent stands here is the end of the file here.
    fn see_moves(&mut self) {
        let leaves = |id: &RecordId, record: &Record| {
            record.kind == Kind::Move
                && record.path != self.path
                && !self.away.contains_key(id)
                && record.parents.iter().any(|parent| self.is_local(*parent))
        };
        let found: Vec<_> =
            self.records.iter().filter(|(id, record)| leaves(id, record)).map(|(id, _)| *id).collect();
        for id in found {
            if let Some(record) = self.records.get_mut(&id) {
                self.away.insert(id, std::mem::replace(&mut record.content, Content::Deleted));
            }
        }
    }

    fn pass_over_others(&mut self, origin: Option<RecordId>) {
        if self.records.values().all(|record| record.path == self.path) {
            return;
        }
        let belongs = self.reach(self.live().map(|(id, _)| id).chain(origin), |id| self.all_edges(id));
        self.records.retain(|id, _| belongs.contains(id));
    }

    /// An outside record is void when a record of equal content exists at its path that does not descend from it; its
    /// id then means that record: genuine before outside, fewest ancestors, lowest id; never making a cycle.
    fn find_aliases(&mut self) {
        self.alias.clear();
        let outside: Vec<_> =
            self.records.iter().filter(|(_, r)| r.kind == Kind::Outside).map(|(id, _)| *id).collect();
        if outside.is_empty() || off(Rule::Aliases) {
            return;
        }
        let raw = |id: RecordId| -> BTreeSet<RecordId> {
            self.reach([id], |id| self.records.get(&id).into_iter().flat_map(|r| r.parents.iter().copied()))
        };
        let mut chosen = Vec::new();
        for &void in &outside {
            let (content, path) = (self.records[&void].content, &self.records[&void].path);
            let mut targets: Vec<_> = self
                .records
                .iter()
                .filter(|(id, record)| {
                    **id != void && record.path == *path && same_bytes(record.content, content)
                })
                .map(|(id, record)| (record.kind == Kind::Outside, raw(*id), *id))
                .filter(|(_, ancestors, _)| !ancestors.contains(&void))
                .map(|(outside, ancestors, id)| (outside, ancestors.len(), id))
                .collect();
            targets.sort_unstable();
            chosen.push((void, targets));
        }
        for (void, targets) in chosen {
            let target = targets.into_iter().map(|(_, _, id)| id).find(|target| {
                let target = self.real(*target);
                !self.reach([target], |id| self.all_edges(id)).contains(&void)
            });
            if let Some(target) = target {
                self.alias.insert(void, target);
            }
        }
    }
}

/// Whether `near` counts as an ancestor edge, and a place that was left free or a deletion that was outvoted does not.
/// So it is when looking for a merge base, nowhere else.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Near {
    /// As a parent.
    Counts,
    /// Not at all.
    Ignored,
}

/// Equal in all that counts: what it is, its bytes, whether it may be run. The size a record claims is not.
pub fn same(a: Content, b: Content) -> bool {
    same_bytes(a, b) && a.is_executable() == b.is_executable()
}

/// Equal as a place shows it that tells nothing of who may run a file, such as the mirror.
pub fn same_bytes(a: Content, b: Content) -> bool {
    std::mem::discriminant(&a) == std::mem::discriminant(&b) && a.id() == b.id()
}

#[cfg(test)]
mod tests;
