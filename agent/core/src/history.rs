//! All admitted records of one path as a graph. Heads are the records nobody supersedes; an outside record that
//! turns out to be a version somebody recorded properly becomes an alias of it. Everything here is a function
//! of the set of records: the order they arrived in cannot be seen.

use std::collections::{BTreeMap, BTreeSet};

use crate::id::RecordId;
use crate::mutation::{Rule, off};
use crate::version::{Content, Kind, Record};

/// The records of one path, with the aliases between them.
#[derive(Debug, Clone, Default)]
pub struct History {
    records: BTreeMap<RecordId, Record>,
    alias: BTreeMap<RecordId, RecordId>,
}

impl History {
    /// From all admitted records of a path. Parents at other paths (moves) are simply unknown here.
    pub fn new(records: impl IntoIterator<Item = (RecordId, Record)>) -> Self {
        let mut history = History { records: records.into_iter().collect(), alias: BTreeMap::new() };
        history.find_aliases();
        history
    }

    /// Add one record; its id.
    pub fn insert(&mut self, record: Record) -> RecordId {
        let id = record.id();
        if self.records.insert(id, record).is_none() {
            self.find_aliases();
        }
        id
    }

    /// Add several records, in any order.
    pub fn extend(&mut self, records: impl IntoIterator<Item = (RecordId, Record)>) {
        let before = self.records.len();
        self.records.extend(records);
        if self.records.len() > before {
            self.find_aliases();
        }
    }

    /// Nothing recorded yet.
    pub fn is_empty(&self) -> bool {
        self.records.is_empty()
    }

    /// The record an id stands for, through aliases.
    pub fn get(&self, id: RecordId) -> Option<&Record> {
        self.records.get(&self.real(id))
    }

    /// What stands at the path in that version.
    pub fn content(&self, id: RecordId) -> Option<Content> {
        self.get(id).map(|record| record.content)
    }

    /// The record an id means: itself, or for a void outside record the one it is an alias of.
    pub fn real(&self, id: RecordId) -> RecordId {
        let mut id = id;
        while let Some(&next) = self.alias.get(&id) {
            id = next;
        }
        id
    }

    /// Every record that is not void, in id order.
    pub fn live(&self) -> impl Iterator<Item = (RecordId, &Record)> {
        self.records.iter().filter(|(id, _)| !self.alias.contains_key(id)).map(|(id, record)| (*id, record))
    }

    /// Whether some record of this path has these bytes.
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
        self.reach(self.real(id), |id| self.edges(id, near))
    }

    /// Whether `id` is `from` or comes from it through parents.
    pub fn descends(&self, id: RecordId, from: RecordId) -> bool {
        self.ancestors(id, Near::Ignored).contains(&self.real(from))
    }

    /// Records nobody names as parent, in id order.
    pub fn heads(&self) -> Vec<RecordId> {
        let superseded: BTreeSet<_> = self
            .live()
            .flat_map(|(id, record)| record.parents.iter().map(|p| self.real(*p)).filter(move |p| *p != id))
            .collect();
        self.live().map(|(id, _)| id).filter(|id| !superseded.contains(id)).collect()
    }

    fn edges(&self, id: RecordId, near: Near) -> Vec<RecordId> {
        let Some(record) = self.records.get(&id) else { return Vec::new() };
        let near = record.near.filter(|_| near == Near::Counts);
        record.parents.iter().copied().chain(near).map(|p| self.real(p)).filter(|p| *p != id).collect()
    }

    fn reach(&self, start: RecordId, edges: impl Fn(RecordId) -> Vec<RecordId>) -> BTreeSet<RecordId> {
        let mut seen = BTreeSet::from([start]);
        let mut todo = vec![start];
        while let Some(id) = todo.pop() {
            for next in edges(id) {
                if self.records.contains_key(&next) && seen.insert(next) {
                    todo.push(next);
                }
            }
        }
        seen
    }

    /// An outside record is void when a record of equal content exists that does not descend from it; its id
    /// then means that record: genuine before outside, fewest ancestors, lowest id; never making a cycle.
    fn find_aliases(&mut self) {
        self.alias.clear();
        let outside: Vec<_> =
            self.records.iter().filter(|(_, r)| r.kind == Kind::Outside).map(|(id, _)| *id).collect();
        if outside.is_empty() || off(Rule::Aliases) {
            return;
        }
        let raw = |id: RecordId| -> BTreeSet<RecordId> {
            self.reach(id, |id| {
                self.records.get(&id).map(|r| r.parents.iter().copied().collect()).unwrap_or_default()
            })
        };
        let mut chosen = Vec::new();
        for &void in &outside {
            let content = self.records[&void].content;
            let mut targets: Vec<_> = self
                .records
                .iter()
                .filter(|(id, record)| **id != void && same_bytes(record.content, content))
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
                !self.reach(target, |id| self.edges(id, Near::Counts)).contains(&void)
            });
            if let Some(target) = target {
                self.alias.insert(void, target);
            }
        }
    }
}

/// Whether `near` counts as an ancestor edge. It does when looking for a merge base, nowhere else.
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
mod tests {
    use super::*;
    use crate::id::ContentId;
    use crate::path::WorkPath;

    fn record(text: &str, kind: Kind, parents: &[RecordId]) -> Record {
        let content = Content::file(ContentId::of(text.as_bytes()), text.len() as u64);
        Record::new(WorkPath::parse("f").unwrap(), content, kind, parents.iter().copied())
    }

    #[test]
    fn heads_are_what_nobody_supersedes() {
        let mut h = History::default();
        let a = h.insert(record("a", Kind::Edit, &[]));
        assert_eq!(h.heads(), [a]);
        let b = h.insert(record("b", Kind::Edit, &[a]));
        let c = h.insert(record("c", Kind::Edit, &[a]));
        let mut both = vec![b, c];
        both.sort();
        assert_eq!(h.heads(), both);
        let m = h.insert(record("m", Kind::Merge, &[b, c]));
        assert_eq!(h.heads(), [m]);
        assert!(h.descends(m, a) && !h.descends(b, c));
    }

    #[test]
    fn an_outside_guess_becomes_the_version_it_was() {
        let mut h = History::default();
        let a = h.insert(record("a", Kind::Edit, &[]));
        let mut guess = record("b", Kind::Outside, &[]);
        guess.near = Some(a);
        let guess = h.insert(guess);
        let child = h.insert(record("c", Kind::Edit, &[guess]));
        let mut open = vec![a, child];
        open.sort();
        assert_eq!(h.heads(), open);
        let b = h.insert(record("b", Kind::Edit, &[a]));
        assert_eq!(h.real(guess), b);
        assert_eq!(h.heads(), [child]);
        assert!(h.descends(child, a));
    }

    #[test]
    fn two_guesses_of_the_same_bytes_are_one() {
        let mut h = History::default();
        let a = h.insert(record("a", Kind::Edit, &[]));
        let one = h.insert(record("b", Kind::Outside, &[]));
        let two = h.insert(record("b", Kind::Outside, &[a]));
        assert_eq!(h.real(one), h.real(two));
        assert_eq!(h.heads().len(), if h.real(one) == two { 1 } else { 2 });
    }

    #[test]
    fn a_descendant_cannot_void_its_ancestor() {
        let mut h = History::default();
        let guess = h.insert(record("a", Kind::Outside, &[]));
        let edit = h.insert(record("b", Kind::Edit, &[guess]));
        let back = h.insert(record("a", Kind::Edit, &[edit]));
        assert_eq!(h.real(guess), guess);
        assert_eq!(h.heads(), [back]);
    }

    #[test]
    fn order_of_arrival_does_not_matter() {
        let a = record("a", Kind::Edit, &[]);
        let guess = record("b", Kind::Outside, &[]);
        let b = record("b", Kind::Edit, &[a.id()]);
        let c = record("c", Kind::Edit, &[guess.id()]);
        let all = [a, guess, b, c];
        let forward = History::new(all.iter().map(|r| (r.id(), r.clone()))).heads();
        let mut step = History::default();
        for r in all.iter().rev() {
            step.insert(r.clone());
        }
        assert_eq!(forward, step.heads());
    }
}
