//! When to say something to a person who is not looking: a question that is new, a file newly changed on two machines, work
//! that could not be saved for an hour, and that they can shut down. Never twice for the same, and not more than one in ten
//! minutes, except for a new question. Time is monotonic and only delays.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};

/// Between two notices, in milliseconds.
const APART: i64 = 10 * 60 * 1_000;
/// Work may wait so long before it is said, in milliseconds.
const UNSAVED: i64 = 60 * 60 * 1_000;
/// What was told and is gone for so long counts as new when it comes again, in milliseconds.
const FORGET: i64 = 60 * 60 * 1_000;
/// So many things told are remembered.
const MOST: usize = 1_000;

/// One workspace as it stands now.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Seen {
    /// Its name.
    pub workspace: String,
    /// Whether its session is open here.
    pub open: bool,
    /// Whether all of it was in the cloud folder at the end of the last look; no while a try fails.
    pub saved: bool,
    /// What names each file that was changed on two machines and waits for an answer.
    pub conflicts: BTreeSet<String>,
    /// What names each other question.
    pub questions: BTreeSet<String>,
}

/// What to say, of the workspace of this name.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum News {
    /// So many questions are open, one of them new.
    Question(String, usize),
    /// So many files were changed on two machines, one of them newly seen.
    Conflict(String, usize),
    /// Work was not saved for an hour.
    Unsaved(String),
    /// The session ended and all is in the cloud folder.
    ShutDown(String),
}

/// What was told. It can be kept, so that an agent that is started again does not begin from nothing.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Told {
    /// What names each thing, oldest first: workspace, kind, name.
    told: Vec<Thing>,
    /// When something was said last.
    #[serde(skip)]
    last: Option<i64>,
    /// When a thing was there last.
    #[serde(skip)]
    there: BTreeMap<Thing, i64>,
    /// Since when a workspace is not saved.
    #[serde(skip)]
    unsaved: BTreeMap<String, i64>,
    /// Workspaces that were open, and are not told to be done since.
    #[serde(skip)]
    open: BTreeSet<String>,
}

type Thing = (String, char, String);

const QUESTION: char = 'q';
const CONFLICT: char = 'c';
const LATE: char = 'u';

impl Told {
    /// What to say now, if anything; it counts as said. Give it every workspace each time. `now` is monotonic
    /// milliseconds.
    pub fn decide(&mut self, seen: &[Seen], now: i64) -> Option<News> {
        self.note(seen, now);
        if let Some(one) = seen.iter().find(|one| self.any_new(one, QUESTION, &one.questions)) {
            self.tell(one, QUESTION, &one.questions, now);
            return Some(News::Question(one.workspace.clone(), one.questions.len()));
        }
        let soon = self.last.is_some_and(|last| now.saturating_sub(last) < APART);
        // said at once or not at all: later it would only puzzle
        let done = seen.iter().find(|one| !one.open && one.saved && self.open.contains(&one.workspace));
        let done = done.map(|one| one.workspace.clone());
        self.open.retain(|name| !seen.iter().any(|one| one.workspace == *name && !one.open && one.saved));
        if soon {
            return None;
        }
        if let Some(one) = seen.iter().find(|one| self.any_new(one, CONFLICT, &one.conflicts)) {
            self.tell(one, CONFLICT, &one.conflicts, now);
            return Some(News::Conflict(one.workspace.clone(), one.conflicts.len()));
        }
        let late = BTreeSet::from([String::new()]);
        let is_late = |one: &&Seen| {
            let since = self.unsaved.get(&one.workspace);
            since.is_some_and(|since| now.saturating_sub(*since) >= UNSAVED) && self.any_new(one, LATE, &late)
        };
        if let Some(one) = seen.iter().find(is_late) {
            self.tell(one, LATE, &late, now);
            return Some(News::Unsaved(one.workspace.clone()));
        }
        self.last = if done.is_some() { Some(now) } else { self.last };
        done.map(News::ShutDown)
    }

    /// See what is there and what is gone.
    fn note(&mut self, seen: &[Seen], now: i64) {
        for one in seen {
            let name = &one.workspace;
            if one.open {
                self.open.insert(name.clone());
            }
            if one.saved {
                self.unsaved.remove(name);
                self.told.retain(|(workspace, kind, _)| (workspace, *kind) != (name, LATE));
            } else {
                self.unsaved.entry(name.clone()).or_insert(now);
            }
            for (kind, things) in [(QUESTION, &one.questions), (CONFLICT, &one.conflicts)] {
                for thing in things {
                    self.there.insert((name.clone(), kind, thing.clone()), now);
                }
            }
        }
        let there = &mut self.there;
        self.told.retain(|thing| {
            // one told before the agent was started counts from now on
            let last = *there.entry(thing.clone()).or_insert(now);
            thing.1 == LATE || now.saturating_sub(last) < FORGET
        });
        let told: BTreeSet<&Thing> = self.told.iter().collect();
        self.there.retain(|thing, last| *last == now || told.contains(thing));
        let here = |name: &String| seen.iter().any(|one| one.workspace == *name);
        self.unsaved.retain(|name, _| here(name));
        self.open.retain(here);
    }

    fn any_new(&self, one: &Seen, kind: char, things: &BTreeSet<String>) -> bool {
        let known = |thing: &String| {
            self.told.iter().any(|(name, told, id)| (name, *told, id) == (&one.workspace, kind, thing))
        };
        !things.iter().all(known)
    }

    fn tell(&mut self, one: &Seen, kind: char, things: &BTreeSet<String>, now: i64) {
        for thing in things {
            let thing = (one.workspace.clone(), kind, thing.clone());
            if !self.told.contains(&thing) {
                self.told.push(thing);
            }
        }
        let more = self.told.len().saturating_sub(MOST);
        self.told.drain(..more);
        self.last = Some(now);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const MINUTE: i64 = 60_000;

    fn names(names: &[&str]) -> BTreeSet<String> {
        names.iter().map(|name| (*name).to_owned()).collect()
    }

    fn quiet(name: &str) -> Seen {
        Seen { workspace: name.into(), saved: true, ..Seen::default() }
    }

    #[test]
    fn each_thing_is_said_once() {
        let mut told = Told::default();
        let one = Seen { conflicts: names(&["a"]), ..quiet("w") };
        assert_eq!(told.decide(&[quiet("w")], 0), None);
        assert_eq!(told.decide(std::slice::from_ref(&one), 1), Some(News::Conflict("w".into(), 1)));
        for minute in 0..600 {
            assert_eq!(told.decide(std::slice::from_ref(&one), minute * MINUTE), None);
        }
        // also after a restart
        let mut again: Told = serde_json::from_str(&serde_json::to_string(&told).unwrap()).unwrap();
        assert_eq!(again.decide(std::slice::from_ref(&one), 5), None);
        let two = Seen { conflicts: names(&["a", "b"]), ..quiet("w") };
        assert_eq!(again.decide(&[two], 6), Some(News::Conflict("w".into(), 2)));
        // the same file of another workspace is another thing
        let other = Seen { conflicts: names(&["a"]), ..quiet("v") };
        assert_eq!(again.decide(&[one, other], APART + 6), Some(News::Conflict("v".into(), 1)));
    }

    #[test]
    fn ten_minutes_apart_except_for_a_question() {
        let mut told = Told::default();
        let mut now = Seen { conflicts: names(&["a"]), ..quiet("w") };
        assert!(told.decide(&[now.clone()], 0).is_some());
        now.conflicts.insert("b".into());
        assert_eq!(told.decide(&[now.clone()], APART - 1), None);
        now.questions.insert("gone".into());
        assert_eq!(told.decide(&[now.clone()], APART - 1), Some(News::Question("w".into(), 1)));
        assert_eq!(told.decide(&[now.clone()], APART), None, "ten minutes after the question");
        assert_eq!(told.decide(&[now.clone()], 2 * APART), Some(News::Conflict("w".into(), 2)));
        assert_eq!(told.decide(&[now], 3 * APART), None);
    }

    #[test]
    fn what_comes_and_goes_is_no_news_each_time() {
        let mut told = Told::default();
        let asks = Seen { questions: names(&["q"]), ..quiet("w") };
        let mut said = 0;
        for second in 0..3_000 {
            let seen = if second % 2 == 0 { asks.clone() } else { quiet("w") };
            said += usize::from(told.decide(&[seen], second * 1_000).is_some());
        }
        assert_eq!(said, 1);
        // long gone and here again, it is
        assert_eq!(told.decide(&[quiet("w")], 3_000_000 + FORGET), None);
        assert!(told.decide(&[asks], 3_000_000 + FORGET + 1).is_some());
    }

    #[test]
    fn an_hour_without_saving_is_said_once_and_again_after_it_worked() {
        let mut told = Told::default();
        let bad = Seen { saved: false, ..quiet("w") };
        let mut said = Vec::new();
        for minute in 0..300 {
            let seen = if minute == 150 { quiet("w") } else { bad.clone() };
            said.extend(told.decide(&[seen], minute * MINUTE).map(|news| (minute, news)));
        }
        let late = |minute| (minute, News::Unsaved("w".into()));
        assert_eq!(said, [late(60), late(151 + 60)]);
    }

    #[test]
    fn one_can_shut_down_when_what_was_open_is_closed_and_saved() {
        let mut told = Told::default();
        let open = Seen { open: true, ..quiet("w") };
        let closing = Seen { saved: false, ..quiet("w") };
        assert_eq!(told.decide(&[quiet("w")], 0), None, "it was not open");
        assert_eq!(told.decide(std::slice::from_ref(&open), 1), None);
        assert_eq!(told.decide(&[closing], 2), None, "not saved yet");
        assert_eq!(told.decide(&[quiet("w")], 3), Some(News::ShutDown("w".into())));
        assert_eq!(told.decide(&[quiet("w")], 3 + APART), None);
        // too soon after another notice it is not said later either
        let asks = Seen { questions: names(&["q"]), open: true, ..quiet("w") };
        let asked = Seen { open: false, ..asks.clone() };
        assert!(told.decide(&[asks], 4 + APART).is_some());
        assert_eq!(told.decide(std::slice::from_ref(&asked), 5 + APART), None);
        assert_eq!(told.decide(&[asked], 5 + 3 * APART), None);
    }

    /// Whatever is seen, no thing is said twice within an hour, and nothing but a question within ten minutes. Seeded: the
    /// run's number.
    #[test]
    fn whatever_is_seen() {
        for seed in 0..200_u64 {
            let mut state = seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1;
            let mut next = |bound: u64| {
                state ^= state << 13;
                state ^= state >> 7;
                state ^= state << 17;
                state % bound
            };
            let mut told = Told::default();
            let (mut now, mut last, mut things) = (0, i64::MIN / 2, BTreeMap::new());
            for _ in 0..400 {
                now += i64::try_from(next(5 * 60_000)).unwrap();
                let seen: Vec<Seen> = (0..3)
                    .map(|n| Seen {
                        workspace: format!("w{n}"),
                        open: next(2) == 0,
                        saved: next(3) > 0,
                        conflicts: (0..next(3)).map(|n| format!("c{n}")).collect(),
                        questions: (0..next(2)).map(|n| format!("q{n}")).collect(),
                    })
                    .collect();
                let Some(news) = told.decide(&seen, now) else { continue };
                let question = matches!(news, News::Question(..));
                assert!(question || now - last >= APART, "seed {seed}: {news:?}");
                last = now;
                if let News::Question(name, 1) | News::Conflict(name, 1) = &news {
                    let before = things.insert((name.clone(), question), now);
                    assert!(
                        before.is_none_or(|before| now - before >= FORGET),
                        "seed {seed}: {news:?} again"
                    );
                }
            }
        }
    }
}
