//! The soak: two machines, two share folders, a cloud program between them, two people at work, and the real program
//! syncing on both, all at the same time and for long. In the end everything rests, both show the same, and every line
//! that was ever written is there, unless somebody who saw it took it out. What "Mysteries of Dropbox" (Hughes,
//! Pierce, Arts, Norell 2016) calls READ, WRITE and STABILIZE, on real files.
//! Tiers: a minute in the first, ten in the second (`KITBAG_FULL=1`); SOAK_SECONDS asks for another time.

#![allow(clippy::unwrap_used, clippy::print_stderr)]

mod cloud;
mod diary;
mod editor;
#[path = "../story/machine.rs"]
#[allow(dead_code, reason = "the stories use all of it")]
mod machine;
mod notebook;

use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant, SystemTime};

use serde_json::Value;

use cloud::{Cloud, Policy};
use diary::Diary;
use editor::Editor;
use machine::{Chance, Machine};

/// How long everybody works.
fn length() -> Duration {
    let wish = std::env::var("SOAK_SECONDS").ok().and_then(|seconds| seconds.parse().ok());
    Duration::from_secs(wish.unwrap_or(if std::env::var_os("KITBAG_FULL").is_some() { 600 } else { 60 }))
}

/// Another one each time, since time is not repeatable anyhow; printed, and SOAK_SEED asks for one.
fn seed() -> u64 {
    let wish = std::env::var("SOAK_SEED").ok().and_then(|seed| seed.parse().ok());
    wish.unwrap_or_else(|| {
        let now = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap();
        u64::from(now.subsec_nanos()) ^ now.as_secs()
    })
}

struct World {
    a: Machine,
    b: Machine,
    cloud: Cloud,
    diary: Diary,
}

impl World {
    fn new(root: &Path, policy: Policy) -> Self {
        let machine = |name: &str, share: &str| {
            let machine = Machine::new(root, name, &root.join(share));
            // absences are asked about when all is over, not while the cloud program has not finished
            machine.with("sync.outside_settle_seconds", 2).with("sync.absence_wait_seconds", 3_600)
        };
        let (a, b) = (machine("HOME-PC", "cloud at home"), machine("WORK-PC", "cloud at work"));
        let cloud = Cloud::new(&a.share, &b.share, policy);
        World { a, b, cloud, diary: Diary::default() }
    }

    /// One sync. Questions, waiting and held removals are no failure while others work; a bug and a crash are.
    fn sync(&self, at: &Machine) -> Result<Value, String> {
        let ran = at.run(&["--json", "sync"]);
        self.diary.tell(format!("{}: sync, exit {}", at.name, ran.status));
        let report: Value =
            serde_json::from_str(&ran.stdout).map_err(|e| format!("no document ({e}): {ran:#?}"))?;
        let asks = report["held"].as_array().is_some_and(|held| !held.is_empty());
        match ran.status {
            0 | 3 | 4 => Ok(report),
            1 if asks => Ok(report),
            _ => Err(format!("a failed sync: {ran:#?}")),
        }
    }

    fn setup(&self, at: &Machine) -> Result<(), String> {
        let ran = at.setup();
        if matches!(ran.status, 0 | 3 | 4) { Ok(()) } else { Err(format!("a failed setup: {ran:#?}")) }
    }

    /// Everybody works until the time is over.
    fn work(&mut self, seed: u64, time: Duration) -> Result<(), String> {
        let (stop, end) = (AtomicBool::new(false), Instant::now() + time);
        let goes_on = || !stop.load(Ordering::Relaxed) && Instant::now() < end;
        let cloud = std::mem::take(&mut self.cloud);
        let world = &*self;
        let goes_on = &goes_on;
        let stopping = |result: Result<(), String>| {
            // one who fails ends it for all
            if result.is_err() {
                stop.store(true, Ordering::Relaxed);
            }
            result
        };
        let (stopping, mut carried) = (&stopping, cloud);
        let done: Result<(), String> = std::thread::scope(|scope| {
            let carrier = scope.spawn(|| {
                let mut chance = Chance::new(seed + 1);
                while goes_on() {
                    for _ in 0..chance.below(10) {
                        carried.step(chance.below(2), &mut chance, &world.diary);
                    }
                    // now and then it is offline
                    let pause = if chance.percent(2) { 2_000 } else { chance.below(60) };
                    std::thread::sleep(Duration::from_millis(pause as u64));
                    // a download never stands half for as long as bytes need to settle
                    carried.finish_halves();
                }
            });
            let mut workers = Vec::new();
            for (n, machine) in [&world.a, &world.b].into_iter().enumerate() {
                let seed = seed + 10 * (n as u64 + 1);
                workers.push(scope.spawn(move || {
                    let mut editor = Editor::new(machine, &world.diary, seed);
                    while goes_on() {
                        editor.act();
                        editor.pause();
                    }
                    Ok(())
                }));
                workers.push(scope.spawn(move || {
                    let mut chance = Chance::new(seed + 5);
                    while goes_on() {
                        stopping(world.sync(machine).map(|_| ()))?;
                        std::thread::sleep(Duration::from_millis(chance.below(400) as u64));
                    }
                    Ok(())
                }));
            }
            let done = workers.into_iter().try_for_each(|worker| worker.join().unwrap());
            carrier.join().unwrap();
            done
        });
        self.cloud = carried;
        done
    }

    /// Everything is carried, everything is answered, and both machines come to rest with the same files.
    fn stabilize(&mut self, chance: &mut Chance) -> Result<usize, String> {
        for round in 0..60 {
            self.cloud.carry_all(chance, &self.diary);
            let reports = [self.sync(&self.a)?, self.sync(&self.b)?];
            let quiet = reports.iter().all(|r| r["bytes_published"] == 0 && r["received"] == 0);
            let waits = reports.iter().any(|r| r["waiting_for"] != Value::Array(vec![]) || r["pending"] != 0);
            if !quiet || !self.cloud.rests() {
                continue;
            }
            if reports.iter().any(|r| r["conflicts"] != 0 || r["held"] != Value::Array(vec![])) {
                self.answer()?;
            } else if waits {
                std::thread::sleep(Duration::from_millis(500));
            } else {
                return Ok(round);
            }
        }
        let waiting = [&self.a, &self.b].map(|machine| machine.run(&["--json", "sync"]).stdout);
        Err(format!("does not come to rest: {waiting:#?}"))
    }

    /// Removals were meant, where they are asked about; what the cloud program lost is put back; of conflicts, both.
    fn answer(&self) -> Result<(), String> {
        for machine in [&self.a, &self.b] {
            let open = machine.conflicts();
            for held in open["held"].as_array().unwrap() {
                let here = held["reason"].as_str().unwrap_or_default().contains("here");
                let answer = if here { "accept" } else { "restore" };
                let path = held["path"].as_str().unwrap();
                let ran = machine.run(&["resolve", "--absent", answer, "--", path]);
                self.diary.tell(format!("{}: {answer} {path} ({held}), exit {}", machine.name, ran.status));
            }
        }
        for conflict in self.a.conflicts()["conflicts"].as_array().unwrap() {
            let path = conflict["path"].as_str().unwrap();
            let ran = self.a.run(&["resolve", "--keep", "both", "--", path]);
            self.diary.tell(format!("{}: both of {path}, exit {}", self.a.name, ran.status));
            if !matches!(ran.status, 0 | 1 | 3 | 4) {
                return Err(format!("an answer is refused: {ran:#?}"));
            }
        }
        Ok(())
    }

    fn judge(&self) -> Result<(), String> {
        let (a, b) = (self.a.files(), self.b.files());
        let (at_a, at_b) = (self.a.mirror(), self.b.mirror());
        if a != b || at_a != a || at_b != a {
            return Err(format!("not the same everywhere: {:#?}", (a, b, at_a, at_b)));
        }
        for machine in [&self.a, &self.b] {
            let ran = machine.run(&["sync"]);
            if ran.status != 0 {
                return Err(format!("{} still waits: {ran:#?}", machine.name));
            }
        }
        self.diary.nothing_lost(&a)
    }
}

fn soak(policy: Policy, seed: u64) {
    let room = machine::room();
    let mut world = World::new(room.path(), policy);
    let run = |world: &mut World| {
        let mut chance = Chance::new(seed);
        let mut first = Editor::new(&world.a, &world.diary, seed + 3);
        (0..8).for_each(|_| first.act());
        world.setup(&world.a)?;
        world.setup(&world.b)?;
        world.work(seed, length())?;
        let rounds = world.stabilize(&mut chance)?;
        world.judge()?;
        eprintln!("{policy:?}: {}, {}, {rounds} rounds to rest", world.diary.told(), world.cloud.told());
        world.diary.was_busy(length()).and_then(|()| world.cloud.was_busy(length()))
    };
    if let Err(error) = run(&mut world) {
        let kept = room.keep();
        let log = kept.join("diary.txt");
        std::fs::write(&log, format!("{}\n{error}\n", world.diary.text())).unwrap();
        panic!(
            "SOAK_SEED={seed} {policy:?}: {error}\nall of it is kept in {}, the diary in {}",
            kept.display(),
            log.display()
        );
    }
}

/// Shows "nothing lost" and "both come to the same" with real processes, under a cloud program that keeps the last one
/// and one that makes conflict copies. First tier: a minute. Second: ten.
#[test]
fn two_people_two_machines_and_a_cloud() {
    let seed = seed();
    eprintln!("SOAK_SEED={seed}");
    std::thread::scope(|scope| {
        let both = [Policy::LastWriter, Policy::ConflictCopies]
            .map(|policy| scope.spawn(move || soak(policy, seed)));
        let failed: Vec<_> = both.into_iter().filter_map(|one| one.join().err()).collect();
        assert!(failed.is_empty(), "SOAK_SEED={seed}: {} of two failed, see above", failed.len());
    });
}
