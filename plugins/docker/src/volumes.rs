//! The volumes of one environment, sorted by what their labels say: the data it works with, whole snapshots, and what
//! something that was cut short left behind. Nothing else is remembered anywhere. Labels cannot be changed later, so
//! an empty volume that is made last says that a snapshot is whole, or that what a restore made takes the place of what
//! was there: each of the two happens in one request or not at all. Pure.

use std::collections::{BTreeMap, BTreeSet};

use kitbag_sdk::Snap;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::names;

/// A volume that is there.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Volume {
    /// Its name.
    pub name: String,
    /// Its name in the course; empty for one that only says that others are whole.
    pub part: String,
    /// Of the course's block it was made from.
    pub fingerprint: String,
    /// When it was made.
    pub made: String,
    /// How many restores made it what it is.
    pub generation: u64,
    /// The snapshot it is of.
    pub snapshot: Option<String>,
    /// Of one that says that others are whole: what it says of them.
    pub whole: Option<String>,
}

impl Volume {
    /// As its entry in the engine's list says.
    pub fn read(entry: &Value) -> Self {
        let text = |value: &Value| value.as_str().map(str::to_owned);
        let label = |key: &str| text(&entry["Labels"][key]);
        Self {
            name: text(&entry["Name"]).unwrap_or_default(),
            part: label(names::PART).unwrap_or_default(),
            fingerprint: label(names::FINGERPRINT).unwrap_or_default(),
            made: label(names::MADE_AT).unwrap_or_default(),
            generation: label(names::GENERATION).and_then(|text| text.parse().ok()).unwrap_or_default(),
            snapshot: label(names::SNAPSHOT),
            whole: label(names::WHOLE),
        }
    }
}

/// What the volume that makes a snapshot whole says of it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct About {
    /// What a person calls it.
    pub label: String,
    /// Of the files in it.
    pub bytes: u64,
    /// Seconds since 1970.
    pub taken: u64,
    /// An image the environment had, through which volumes can be reached when there is no container.
    pub image: String,
    /// Its volumes by their names in the course.
    pub parts: BTreeSet<String>,
}

/// A whole snapshot.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Snapshot {
    /// What it is asked for by.
    pub id: String,
    /// What is known of it.
    pub about: About,
    /// Its volumes, by part.
    pub parts: BTreeMap<String, Volume>,
    /// The one that makes it whole.
    pub marker: String,
}

impl Snapshot {
    /// As kitbag is told of it.
    pub fn told(&self) -> Snap {
        let About { label, bytes, taken, .. } = self.about.clone();
        Snap { id: self.id.clone(), label, bytes, taken: Some(taken) }
    }
}

/// All of them, sorted.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Volumes {
    /// What the environment works with, by part.
    pub current: BTreeMap<String, Volume>,
    /// Whole snapshots, in the order they were taken in.
    pub snapshots: Vec<Snapshot>,
    /// What nobody needs, in the order it must go in.
    pub leftover: Vec<String>,
    /// Whether a restore has made the data other ones, and the old ones are still there.
    pub replaced: bool,
    /// For the volumes the next restore makes.
    pub next_generation: u64,
}

impl Volumes {
    /// Sort them.
    pub fn sort(all: impl IntoIterator<Item = Volume>) -> Self {
        let mut sorted = Self::default();
        let (mut data, mut snapshots) = (BTreeMap::<String, Vec<Volume>>::new(), BTreeMap::new());
        let mut restored = None;
        let mut markers = Vec::new();
        for one in all {
            sorted.next_generation = sorted.next_generation.max(one.generation.saturating_add(1));
            if let Some(id) = &one.snapshot {
                snapshots.entry(id.clone()).or_insert_with(Vec::new).push(one);
            } else if one.whole.is_some() {
                restored = restored.max(Some(one.generation));
                markers.push(one.name);
            } else {
                data.entry(one.part.clone()).or_default().push(one);
            }
        }
        for (part, mut several) in data {
            several.sort_by_key(|one| one.generation);
            // without the mark what came first stands; what came with the mark took its place
            let stands = several.iter().rposition(|one| restored.is_some_and(|last| one.generation <= last));
            let current = several.remove(stands.unwrap_or_default());
            sorted.replaced |= several.iter().any(|one| one.generation < current.generation);
            sorted.leftover.extend(several.into_iter().map(|one| one.name));
            sorted.current.insert(part, current);
        }
        for (id, parts) in snapshots {
            match whole(&id, &parts) {
                Some(snapshot) => sorted.snapshots.push(snapshot),
                None => sorted.leftover.extend(parts.into_iter().map(|one| one.name)),
            }
        }
        sorted.snapshots.sort_by(|a, b| (a.about.taken, &a.id).cmp(&(b.about.taken, &b.id)));
        // as long as there are old ones it says that they are old
        sorted.leftover.extend(markers);
        sorted
    }

    /// The snapshot of that id.
    pub fn snapshot(&self, id: &str) -> Option<&Snapshot> {
        self.snapshots.iter().find(|one| one.id == id)
    }
}

fn whole(id: &str, all: &[Volume]) -> Option<Snapshot> {
    let marker = all.iter().find(|one| one.whole.is_some())?;
    let about: About = serde_json::from_str(marker.whole.as_ref()?).ok()?;
    let parts: BTreeMap<String, Volume> =
        all.iter().filter(|one| one.whole.is_none()).map(|one| (one.part.clone(), one.clone())).collect();
    let there = about.parts.iter().all(|part| parts.contains_key(part));
    there.then(|| Snapshot { id: id.to_owned(), about, parts, marker: marker.name.clone() })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn data(part: &str, generation: u64) -> Volume {
        Volume { name: format!("{part}.{generation}"), part: part.into(), generation, ..Volume::default() }
    }

    fn mark(generation: u64) -> Volume {
        Volume {
            name: format!("mark.{generation}"),
            generation,
            whole: Some(String::new()),
            ..Volume::default()
        }
    }

    fn copy(id: &str, part: &str) -> Volume {
        Volume { name: format!("{part}.{id}"), snapshot: Some(id.into()), ..data(part, 0) }
    }

    fn seal(id: &str, taken: u64, parts: &[&str]) -> Volume {
        let about = About {
            label: format!("of {id}"),
            bytes: 7,
            taken,
            image: "i".into(),
            parts: parts.iter().map(|&part| part.to_owned()).collect(),
        };
        let whole = Some(serde_json::to_string(&about).unwrap());
        Volume { name: format!("seal.{id}"), snapshot: Some(id.into()), whole, ..Volume::default() }
    }

    fn current(of: &Volumes) -> Vec<&str> {
        of.current.values().map(|one| one.name.as_str()).collect()
    }

    #[test]
    fn what_a_restore_makes_counts_from_its_mark_on() {
        let plain = Volumes::sort([data("a", 0), data("b", 0)]);
        assert_eq!((current(&plain), plain.next_generation), (vec!["a.0", "b.0"], 1));
        assert!(plain.leftover.is_empty() && !plain.replaced);
        // cut short: what was made goes
        let half = Volumes::sort([data("a", 1), data("a", 0), data("b", 0)]);
        assert_eq!(current(&half), ["a.0", "b.0"]);
        assert_eq!((half.leftover, half.replaced), (vec!["a.1".to_owned()], false));
        // whole: what was there goes, and the mark after it; what the snapshot did not have stays
        let done =
            Volumes::sort([mark(2), data("a", 1), data("a", 2), data("b", 0), data("c", 1), data("c", 2)]);
        assert_eq!(current(&done), ["a.2", "b.0", "c.2"]);
        assert_eq!(done.leftover, ["a.1", "c.1", "mark.2"]);
        assert!(done.replaced && done.next_generation == 3);
        let swept = Volumes::sort([mark(2), data("a", 2), data("b", 0), data("c", 2)]);
        assert!(!swept.replaced && swept.leftover == ["mark.2"]);
        // a mark that was left is older than what was cut short after it
        let again = Volumes::sort([mark(2), data("a", 2), data("a", 3)]);
        assert_eq!((current(&again), again.replaced), (vec!["a.2"], false));
        assert_eq!(again.leftover, ["a.3", "mark.2"]);
    }

    #[test]
    fn a_snapshot_is_one_when_all_of_it_is_there() {
        let all = [
            data("a", 0),
            copy("late", "a"),
            seal("late", 9, &["a"]),
            copy("early", "a"),
            copy("early", "b"),
            seal("early", 3, &["a", "b"]),
            copy("half", "a"),
            copy("hurt", "a"),
            seal("hurt", 4, &["a", "b"]),
        ];
        let sorted = Volumes::sort(all);
        let ids: Vec<&str> = sorted.snapshots.iter().map(|one| one.id.as_str()).collect();
        assert_eq!((ids, current(&sorted)), (vec!["early", "late"], vec!["a.0"]));
        assert_eq!(sorted.leftover, ["a.half", "a.hurt", "seal.hurt"]);
        let told = sorted.snapshot("early").unwrap().told();
        assert_eq!((told.label.as_str(), told.bytes, told.taken), ("of early", 7, Some(3)));
    }
}
