//! Beginnings: an agent that was killed counts as none the moment it is, however long the system takes to clear it away;
//! and however many are started at once, from everywhere, one remains, which carries.

use std::fs;
use std::time::Duration;

use serde_json::Value;

use super::{Pair, agent, log};
use crate::background::{agents, signal, until};
use crate::gone::seed;
use crate::machine::{Chance, room};

/// Shows that a start right after a kill starts one, which listens by then: it never says that one runs already when that
/// one is dying. Seeded: STORY_SEED. First tier.
#[test]
fn a_killed_one_counts_as_none_at_once() {
    let mut chance = Chance::new(seed());
    let room = room();
    let pair = Pair::carried(room.path());
    for round in 0..25 {
        let killed = agent(&pair.a);
        pair.a.write("notes.txt", format!("{round}\n"));
        std::thread::sleep(Duration::from_millis(chance.below(400) as u64));
        signal("KILL", killed);
        let started = pair.a.run(&["--json", "agent", "start"]).exits(&[0]).json();
        assert_eq!(started["changed"], Value::Bool(true), "round {round}: {started}");
        let status = pair.a.run(&["--json", "status"]).exits(&[0, 4]).json();
        assert!(status["agent"]["version"].is_string(), "round {round}: it listens: {}", status["agent"]);
        let next = agent(&pair.a);
        assert_ne!(next, killed, "round {round}");
    }
    let there = || pair.b.read("notes.txt").is_some_and(|text| text == b"24\n");
    until("the last edit is there", there);
}

/// Shows "two agents started at once: one remains", for twelve, a few of which are the agent itself, started by hand; with
/// another one killed among them. Seeded: STORY_SEED. First tier.
#[test]
fn of_many_that_start_at_once_one_remains() {
    let mut chance = Chance::new(seed());
    let room = room();
    let pair = Pair::new(room.path());
    let a = &pair.a;
    for round in 0..3 {
        let delays: Vec<u64> = (0..12).map(|_| chance.below(60) as u64).collect();
        std::thread::scope(|scope| {
            for (n, delay) in delays.into_iter().enumerate() {
                scope.spawn(move || {
                    std::thread::sleep(Duration::from_millis(delay));
                    if n % 4 == 3 {
                        // one that lives to its end is waited for by nobody
                        drop(a.begin(&["agent", "run", "--stay"]));
                    } else {
                        a.run(&["agent", "start"]).exits(&[0]);
                    }
                });
            }
        });
        until("one remains", || agents(&a.home).len() == 1);
        let one = agent(a);
        let lock = fs::read_to_string(a.home.join("agent/lock")).unwrap();
        assert_eq!(lock.trim().parse(), Ok(one), "it is the one that has the lock");
        // and it stays so: those that were refused have ended, and nobody ended this one
        std::thread::sleep(Duration::from_secs(4));
        assert_eq!(agent(a), one, "{}", log(a));
        a.write("notes.txt", format!("round {round}\n"));
        let text = format!("round {round}\n");
        until("it carries", || {
            fs::read_to_string(a.share.join("notes.txt")).is_ok_and(|carried| carried == text)
        });
        signal("KILL", one);
    }
}
