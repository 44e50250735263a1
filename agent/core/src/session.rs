//! A session is the time from `up` to `done` on one machine. Its events are immutable files beside the packs that
//! name the packs their machine had seen: who has the workspace open, and who has your latest work, without any
//! provider's help.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};

use crate::id::PackId;

/// One event names no more packs than this: with its file's other words it stays below what is read of a small file.
pub const MOST_PACKS: usize = 2_000;

/// What happened.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum EventKind {
    /// `up`.
    Opened,
    /// `done`.
    Closed,
    /// A sync took in new packs.
    Seen,
}

/// One event. Its canonical JSON is the file; its name is the hash of that.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Event {
    /// What.
    pub event: EventKind,
    /// The machine's random id.
    pub machine: String,
    /// The machine's name, for people.
    pub name: String,
    /// Packs seen since this machine's event before.
    pub packs: BTreeSet<PackId>,
    /// This machine's own count of its events: orders them among themselves only.
    pub sequence: u64,
    /// RFC 3339, UTC, by that machine's clock; for people.
    pub time: String,
}

/// One machine as the others see it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Presence {
    /// Its name.
    pub name: String,
    /// Time of its last event.
    pub last_seen: Option<String>,
    /// Since when it has the course open, if it has.
    pub session_open: Option<String>,
    /// Whether it has seen all packs this machine published; none where that cannot be told.
    pub has_my_latest: Option<bool>,
    /// Whether it is this machine.
    pub this: bool,
}

/// What the events say about each machine, by name.
pub fn presence(events: &[Event], this_machine: &str, my_packs: &BTreeSet<PackId>) -> Vec<Presence> {
    let mut machines: BTreeMap<&str, Vec<&Event>> = BTreeMap::new();
    for event in events {
        machines.entry(&event.machine).or_default().push(event);
    }
    let mut all: Vec<_> = machines
        .into_iter()
        .filter_map(|(id, mut events)| {
            events.sort_by(|a, b| order(a).cmp(&order(b)));
            let last = events.last()?;
            let turn = events.iter().rfind(|event| event.event != EventKind::Seen);
            let seen: BTreeSet<_> = events.iter().flat_map(|event| &event.packs).collect();
            let this = id == this_machine;
            Some(Presence {
                name: last.name.clone(),
                last_seen: Some(last.time.clone()),
                session_open: turn
                    .filter(|turn| turn.event == EventKind::Opened)
                    .map(|turn| turn.time.clone()),
                has_my_latest: Some(this || my_packs.iter().all(|pack| seen.contains(pack))),
                this,
            })
        })
        .collect();
    all.sort_by(|a, b| a.name.cmp(&b.name));
    all
}

fn order(event: &Event) -> (u64, &str, EventKind) {
    (event.sequence, &event.time, event.event)
}

/// Which events of one machine say nothing any more once its latest ones name all packs the others named: all but the
/// last that opened or closed a session. Their places in the list.
pub fn superseded(events: &[&Event]) -> Vec<usize> {
    let turns = events.iter().enumerate().filter(|(_, event)| event.event != EventKind::Seen);
    let last = turns.max_by_key(|(_, event)| order(event)).map(|(at, _)| at);
    (0..events.len()).filter(|at| Some(*at) != last).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn event(machine: &str, event: EventKind, sequence: u64, packs: &[PackId]) -> Event {
        Event {
            event,
            machine: machine.into(),
            name: machine.to_uppercase(),
            packs: packs.iter().copied().collect(),
            sequence,
            time: format!("2026-10-0{sequence}T10:00:00Z"),
        }
    }

    #[test]
    fn presence_tells_who_is_in_and_who_has_my_latest() {
        let (one, two) = (PackId::of(b"1"), PackId::of(b"2"));
        let mine = BTreeSet::from([one, two]);
        let mut events =
            vec![event("b", EventKind::Opened, 2, &[two]), event("b", EventKind::Seen, 1, &[one])];
        let seen = presence(&events, "a", &mine);
        assert_eq!(seen[0].session_open.as_deref(), Some("2026-10-02T10:00:00Z"));
        assert_eq!(seen[0].has_my_latest, Some(true));
        events.push(event("b", EventKind::Closed, 3, &[]));
        assert_eq!(presence(&events, "a", &mine)[0].session_open, None);
        events.remove(1);
        assert_eq!(presence(&events, "a", &mine)[0].has_my_latest, Some(false));
    }

    #[test]
    fn all_but_the_last_turn_is_superseded() {
        let all = [
            event("a", EventKind::Closed, 5, &[]),
            event("a", EventKind::Seen, 6, &[]),
            event("a", EventKind::Opened, 4, &[]),
            event("a", EventKind::Seen, 1, &[]),
        ];
        let events: Vec<_> = all.iter().collect();
        assert_eq!(superseded(&events), [1, 2, 3]);
        assert_eq!(superseded(&events[1..2]), [0]);
        let left = [all[0].clone()];
        let before = presence(&all, "b", &BTreeSet::new());
        assert_eq!(presence(&left, "b", &BTreeSet::new())[0].session_open, before[0].session_open);
    }

    #[test]
    fn two_machines_with_one_id_are_told_as_one_and_break_nothing() {
        let (one, two) = (PackId::of(b"1"), PackId::of(b"2"));
        let mut clone = event("a", EventKind::Opened, 1, &[one]);
        clone.name = "CLONE".into();
        clone.time = "9999-12-31T23:59:59Z".into();
        let all = [event("a", EventKind::Closed, 1, &[two]), clone];
        for order in [[&all[0], &all[1]], [&all[1], &all[0]]] {
            let events: Vec<_> = order.into_iter().cloned().collect();
            let seen = presence(&events, "b", &BTreeSet::from([one, two]));
            assert_eq!((seen.len(), seen[0].name.as_str()), (1, "CLONE"), "the same in any order");
            assert_eq!(seen[0].has_my_latest, Some(true));
        }
    }
}
