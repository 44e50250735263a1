//! Renames across machines: who knew what when is in the parents; which record arrives first is tried in many orders.

mod mixture;
mod named;
mod recorded;

use std::sync::Arc;

use super::*;
use crate::id::ContentId;
use crate::reconcile::{Contents, Unreadable, reduce};

fn path(text: &str) -> WorkPath {
    WorkPath::parse(text).unwrap()
}

/// Reproducible chance (xorshift, Marsaglia 2003): a number below the given one.
fn chance(seed: u64) -> impl FnMut(usize) -> usize {
    let mut state = seed.wrapping_mul(0x9E37_79B9_7F4A_7C15) | 1;
    move |n| {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        (state % n.max(1) as u64) as usize
    }
}

/// All records and contents of all paths, as one machine has them.
#[derive(Clone, Default)]
struct World {
    records: BTreeMap<RecordId, Record>,
    contents: BTreeMap<ContentId, Arc<[u8]>>,
}

impl Contents for World {
    fn read(&self, content: ContentId) -> Result<Option<Arc<[u8]>>, Unreadable> {
        self.contents
            .get(&content)
            .cloned()
            .map(Some)
            .ok_or(Unreadable { content, reason: "not here".into() })
    }
}

impl World {
    fn hold(&mut self, text: &str) -> Content {
        let id = ContentId::of(text.as_bytes());
        self.contents.insert(id, Arc::from(text.as_bytes()));
        Content::file(id, text.len() as u64)
    }

    fn add(&mut self, record: Record) -> RecordId {
        let id = record.id();
        self.records.insert(id, record);
        id
    }

    fn edit(&mut self, at: &str, text: &str, parents: &[RecordId]) -> RecordId {
        let content = self.hold(text);
        self.add(Record::new(path(at), content, Kind::Edit, parents.iter().copied()))
    }

    fn receive(&mut self, other: &World) {
        self.records.extend(other.records.iter().map(|(id, record)| (*id, record.clone())));
        self.contents.extend(other.contents.iter().map(|(id, bytes)| (*id, bytes.clone())));
    }

    /// What one look at a path derives is recorded.
    fn reduce(&mut self, at: &WorkPath) {
        let mut history = self.history(at.as_str());
        for made in reduce(at, &mut history, &*self).unwrap() {
            assert_eq!(made.id, made.record.id());
            if let (Some(bytes), Some(id)) = (made.bytes, made.record.content.id()) {
                self.contents.insert(id, Arc::from(bytes));
            }
            self.records.insert(made.id, made.record);
        }
        assert_eq!(history.heads(), self.history(at.as_str()).heads(), "{at}: as it is read again");
    }

    fn delete(&mut self, at: &str, parent: RecordId) -> RecordId {
        self.add(Record::new(path(at), Content::Deleted, Kind::Edit, [parent]))
    }

    fn rename(&mut self, to: &str, from: RecordId) -> RecordId {
        let content = self.records[&from].content;
        self.add(Record::new(path(to), content, Kind::Move, [from]))
    }

    fn history(&self, at: &str) -> History {
        History::new(&path(at), self.records.iter().map(|(id, record)| (*id, record.clone())))
    }

    fn paths(&self) -> BTreeSet<WorkPath> {
        self.records.values().map(|record| record.path.clone()).collect()
    }

    /// Every path, until nothing new is recorded. How many records were made.
    fn settle(&mut self) -> usize {
        for round in 0..60 {
            let before = self.records.len();
            for at in self.paths() {
                self.reduce(&at);
            }
            if self.records.len() == before {
                return round;
            }
        }
        panic!("it does not come to an end: {} records", self.records.len());
    }

    /// What stands at each path; several where a question is open.
    fn shows(&self) -> BTreeMap<String, Vec<String>> {
        let mut shows: BTreeMap<String, Vec<String>> = BTreeMap::new();
        for at in self.paths() {
            let history = self.history(at.as_str());
            for content in history.heads().into_iter().filter_map(|head| history.content(head)?.id()) {
                let text = String::from_utf8(self.contents[&content].to_vec()).unwrap();
                shows.entry(at.to_string()).or_default().push(text);
            }
        }
        shows.values_mut().for_each(|texts| texts.sort());
        shows
    }

    #[track_caller]
    fn show(&self, expected: &[(&str, &[&str])]) {
        let expected = expected.iter().map(|(at, texts)| {
            ((*at).to_owned(), texts.iter().map(|text| (*text).to_owned()).collect::<Vec<_>>())
        });
        assert_eq!(self.shows(), expected.collect());
    }

    /// Settle, in whatever order the records arrive at two machines that also record what they derive, and see that
    /// both come to the same records.
    #[track_caller]
    fn settles_to(&self, expected: &[(&str, &[&str])]) {
        for seed in 0..60u64 {
            let mut next = chance(seed);
            let empty = || World { records: BTreeMap::new(), contents: self.contents.clone() };
            let mut machines = [empty(), empty()];
            for machine in &mut machines {
                let mut left: Vec<_> = self.records.keys().copied().collect();
                while !left.is_empty() {
                    let arrives = |id: &RecordId| {
                        self.records[id].parents.iter().all(|p| machine.records.contains_key(p))
                    };
                    let ready: Vec<_> = left.iter().copied().filter(arrives).collect();
                    let id = ready[next(ready.len())];
                    left.retain(|other| *other != id);
                    machine.records.insert(id, self.records[&id].clone());
                    // the first seeds let everything arrive before anything is derived
                    if seed > 3 && next(3) == 0 {
                        machine.settle();
                    }
                }
                machine.settle();
            }
            if seed <= 3 {
                assert_eq!(machines[0].records, machines[1].records, "seed {seed}: the same ids");
            }
            let [mut one, other] = machines;
            one.receive(&other);
            one.settle();
            let shows = one.shows();
            one.settle();
            assert_eq!(shows, one.shows(), "seed {seed}");
            one.show(expected);
        }
    }
}

const TEXT: &str = "1\n2\n3\n4\n5\n";
const TOP: &str = "0\n1\n2\n3\n4\n5\n";
const END: &str = "1\n2\n3\n4\n5\n6\n";
const ALL: &str = "0\n1\n2\n3\n4\n5\n6\n";
