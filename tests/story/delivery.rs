//! Two machines, two share folders, and a provider between them that delivers in any order, late, twice and by halves,
//! while both people work and both machines sync. At no moment a wrong file, at the end the same on both.

use std::collections::BTreeSet;
use std::path::Path;
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use serde_json::Value;

use crate::machine::{Chance, Machine, noise, room, tree, write};
use crate::people::People;
use crate::provider::Provider;

/// A sync on its way: done, with questions, or waiting; and what it says fits its exit code.
fn sync(at: &Machine, people: &Mutex<People>) -> Result<Value, String> {
    let ran = at.run(&["--json", "sync"]);
    people.lock().unwrap().story.push(format!("{}: sync, exit {}", at.name, ran.status));
    if !matches!(ran.status, 0 | 3 | 4) {
        return Err(format!("a failed sync: {ran:#?}"));
    }
    let report = ran.json();
    let waits = report["waiting_for"] != Value::Array(vec![]);
    if ran.status == 4 && !waits && report["pending"] == 0 {
        return Err(format!("waits for nothing: {ran:#?}"));
    }
    if ran.status == 0 && (waits || report["pending"] != 0) {
        return Err(format!("is not done: {ran:#?}"));
    }
    Ok(report)
}

struct Scene {
    a: Machine,
    b: Machine,
    provider: Provider,
    people: Mutex<People>,
}

impl Scene {
    fn new(root: &Path, settle: u64, tears_mirror: bool) -> Self {
        let machine = |name: &str, share: &str| {
            let machine = Machine::new(root, name, &root.join(share));
            machine.with("sync.outside_settle_seconds", settle).with("sync.absence_wait_seconds", 3_600)
        };
        let (a, b) = (machine("HOME-PC", "cloud at home"), machine("WORK-PC", "cloud at work"));
        let provider = Provider::new(&a.share, &b.share, tears_mirror);
        Scene { a, b, provider, people: Mutex::default() }
    }

    fn setup(&self, at: &Machine) -> Result<(), String> {
        let ran = at.setup();
        self.people.lock().unwrap().story.push(format!("{}: setup, exit {}", at.name, ran.status));
        if matches!(ran.status, 0 | 3 | 4) { Ok(()) } else { Err(format!("a failed setup: {ran:#?}")) }
    }

    /// Everything is carried and everybody answers: both machines and both shares show the same, and nothing is lost.
    fn end(&mut self, chance: &mut Chance) -> Result<(), String> {
        for round in 0.. {
            self.provider.carry_all(chance);
            let (at_a, at_b) = (sync(&self.a, &self.people)?, sync(&self.b, &self.people)?);
            for machine in [&self.a, &self.b] {
                self.people.lock().unwrap().judge(machine)?;
            }
            if [&at_a, &at_b].iter().all(|r| r["bytes_published"] == 0 && r["received"] == 0) && self.rests()
            {
                if (&at_a["conflicts"], &at_b["conflicts"]) == (&0.into(), &0.into()) {
                    break;
                }
                self.answer()?;
            }
            if round > 30 {
                return Err(format!("does not come to rest: {at_a:#} {at_b:#}"));
            }
        }
        let (a, b) = (&self.a, &self.b);
        if a.files() != b.files() || a.mirror() != a.files() || b.mirror() != a.files() {
            let all = (a.files(), b.files(), a.mirror(), b.mirror());
            return Err(format!("not the same everywhere: {all:#?}"));
        }
        for machine in [a, b] {
            if machine.run(&["sync"]).status != 0 {
                return Err(format!("{} still waits", machine.name));
            }
        }
        self.people.lock().unwrap().nothing_lost(a)
    }

    /// Whether the provider has nothing left to carry.
    fn rests(&mut self) -> bool {
        let before = (tree(&self.a.share), tree(&self.b.share));
        self.provider.carry_all(&mut Chance::new(0));
        before == (tree(&self.a.share), tree(&self.b.share))
    }

    /// The same question on both machines, answered on one.
    fn answer(&self) -> Result<(), String> {
        let (at_a, at_b) = (self.a.conflicts(), self.b.conflicts());
        let ids = |conflicts: &Value| -> BTreeSet<(String, String)> {
            let open = conflicts["conflicts"].as_array().unwrap().iter();
            let side = |path: &Value, side: &Value| (path.to_string(), side["id"].to_string());
            open.flat_map(|c| {
                c["sides"].as_array().unwrap().iter().map(|s| side(&c["path"], s)).collect::<Vec<_>>()
            })
            .collect()
        };
        if ids(&at_a) != ids(&at_b) {
            return Err(format!("different questions: {at_a:#} {at_b:#}"));
        }
        for conflict in at_a["conflicts"].as_array().unwrap() {
            let path = conflict["path"].as_str().unwrap();
            let ran = self.a.run(&["resolve", path, "--keep", "both"]);
            if !matches!(ran.status, 0 | 3 | 4) {
                return Err(format!("an answer is refused: {ran:#?}"));
            }
        }
        Ok(())
    }
}

/// One step after the other, drawn by the seed alone: replays exactly.
fn one_by_one(seed: u64, settle: u64, tears_mirror: bool) -> Result<[usize; 2], String> {
    let room = room();
    let mut chance = Chance::new(seed);
    let mut scene = Scene::new(room.path(), settle, tears_mirror);
    let run = |scene: &mut Scene, chance: &mut Chance| {
        for _ in 0..2 {
            scene.people.lock().unwrap().edit(&scene.a, chance);
        }
        scene.setup(&scene.a)?;
        let joins = chance.below(8);
        for step in 0..30 {
            if step == joins {
                scene.setup(&scene.b)?;
            }
            let both = step >= joins;
            let machine = if both && chance.percent(50) { &scene.b } else { &scene.a };
            match chance.below(10) {
                0..4 => scene.people.lock().unwrap().edit(machine, chance),
                4..6 => drop(sync(machine, &scene.people)?),
                _ => {
                    for _ in 0..1 + chance.below(8) {
                        scene.provider.step(chance.below(2), chance);
                    }
                }
            }
            scene.people.lock().unwrap().judge(&scene.a)?;
            scene.people.lock().unwrap().judge(&scene.b)?;
        }
        scene.end(chance)
    };
    let done = run(&mut scene, &mut chance);
    let halves = scene.provider.halves;
    done.map(|()| halves).map_err(|error| told(seed, &scene, error))
}

fn told(seed: u64, scene: &Scene, error: String) -> String {
    let story = scene.people.lock().unwrap_or_else(std::sync::PoisonError::into_inner).story.join("\n  ");
    format!("STORY_SEED={seed}\n  {story}\n{error}")
}

/// The two people, the two machines and the provider each go at their own pace.
fn all_at_once(seed: u64) -> Result<(), String> {
    let room = room();
    let mut scene = Scene::new(room.path(), 2, true);
    let mut chance = Chance::new(seed);
    scene.people.lock().unwrap().edit(&scene.a, &mut chance);
    scene.setup(&scene.a)?;
    scene.setup(&scene.b)?;
    let done = AtomicBool::new(false);
    let worked: Result<(), String> = std::thread::scope(|scope| {
        let (a, b, people, provider) = (&scene.a, &scene.b, &scene.people, &mut scene.provider);
        let done = &done;
        let person = |at: &'static str| {
            let (machine, seed) = if at == "a" { (a, seed + 1_000) } else { (b, seed + 2_000) };
            move || {
                let mut chance = Chance::new(seed);
                for _ in 0..8 {
                    for _ in 0..chance.below(3) {
                        people.lock().unwrap().edit(machine, &mut chance);
                    }
                    sync(machine, people)?;
                    people.lock().unwrap().judge(machine)?;
                }
                Ok(())
            }
        };
        let people = [scope.spawn(person("a")), scope.spawn(person("b"))];
        scope.spawn(move || {
            let mut chance = Chance::new(seed + 3_000);
            while !done.load(Ordering::Relaxed) {
                for _ in 0..chance.below(12) {
                    provider.step(chance.below(2), &mut chance);
                }
                // a download never stands half for as long as bytes need to settle
                std::thread::sleep(Duration::from_millis(chance.below(150) as u64));
                provider.mend(0);
                provider.mend(1);
            }
        });
        let worked: Vec<Result<(), String>> = people.into_iter().map(|p| p.join().unwrap()).collect();
        done.store(true, Ordering::Relaxed);
        worked.into_iter().collect()
    });
    let ended = worked.and_then(|()| scene.end(&mut chance));
    ended.map_err(|error| told(seed, &scene, error))
}

/// Run seeds on all processors; each failure tells its story. STORY_SEED replays one, STORY_RUNS asks for more.
fn seeds<T: Send>(all: std::ops::Range<u64>, run: impl Fn(u64) -> Result<T, String> + Sync) -> Vec<T> {
    let wish = |name| std::env::var(name).ok().and_then(|number| number.parse::<u64>().ok());
    let all: Vec<u64> = match (wish("STORY_SEED"), wish("STORY_RUNS")) {
        (Some(seed), _) => vec![seed],
        (None, Some(runs)) => (all.start..all.start + runs).collect(),
        (None, None) => all.collect(),
    };
    let next = Mutex::new(all.into_iter());
    let outcomes = Mutex::new((Vec::new(), Vec::new()));
    let threads = std::thread::available_parallelism().map_or(2, usize::from);
    std::thread::scope(|scope| {
        for _ in 0..threads {
            scope.spawn(|| {
                while let Some(seed) = { next.lock().unwrap().next() } {
                    let run = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| run(seed)));
                    let run = run.unwrap_or_else(|_| Err(format!("STORY_SEED={seed} panicked, see above")));
                    let mut outcomes = outcomes.lock().unwrap();
                    match run {
                        Ok(done) => outcomes.0.push(done),
                        Err(error) => outcomes.1.push(error),
                    }
                }
            });
        }
    });
    let (done, failed) = outcomes.into_inner().unwrap();
    assert!(
        failed.is_empty(),
        "{} of {} seeds failed:\n{}",
        failed.len(),
        failed.len() + done.len(),
        failed.join("\n\n")
    );
    done
}

/// Shows "nothing lost" and line 2 of the design (any order, delay, repetition and half-arrival is harmless), 20 seeds.
/// The wait for settling is longer than the run, so no unexplained bytes are ever taken in: all of them explain
/// themselves when everything is carried. First tier.
#[test]
fn any_order_of_delivery() {
    let halves = seeds(1..21, |seed| one_by_one(seed, 600, true));
    if halves.len() > 1 {
        let sum = |at: usize| halves.iter().map(|halves| halves[at]).sum::<usize>();
        assert!(sum(0) > 20 && sum(1) > 20, "hardly anything came by halves: {} {}", sum(0), sum(1));
    }
}

/// The same with no wait at all: whatever stands in the share counts at once. Plain files come whole then, since
/// nothing could tell a half one from a short one. First tier.
#[test]
fn any_order_of_delivery_without_settling() {
    seeds(101..107, |seed| one_by_one(seed, 0, false));
}

/// The same with everybody at work at the same time and a short wait. First tier.
#[test]
fn everybody_at_the_same_time() {
    seeds(201..205, all_at_once);
}

/// Shows line 10: a record counts only when its content and its ancestors are here. Until then the machine waits, says
/// for what, and shows what it showed. First tier.
#[test]
fn what_is_announced_is_waited_for() {
    let room = room();
    let mut scene = Scene::new(room.path(), 600, true);
    let mut chance = Chance::new(1);
    scene.a.write("notes.txt", "1\n");
    scene.setup(&scene.a).unwrap();
    scene.provider.carry_all(&mut chance);
    scene.setup(&scene.b).unwrap();
    scene.provider.carry_all(&mut chance);
    let before = tree(&scene.a.share);
    // large enough for several packs: the record comes in the last one
    scene.a.write("large.bin", noise(20 << 20, 5));
    scene.a.write("notes.txt", "1\n2\n");
    scene.a.sync();
    scene.a.write("notes.txt", "1\n2\n3\n");
    scene.a.sync();
    let mut packs: Vec<_> = tree(&scene.a.share).0.into_iter().collect();
    packs.retain(|(path, _)| path.starts_with(".kitbag/packs/") && !before.0.contains_key(path));
    assert!(packs.len() >= 4, "{}", packs.len());
    // smallest first: the ones with records before those with the content they name
    packs.sort_by_key(|(_, bytes)| bytes.len());
    for (at, (path, bytes)) in packs.iter().enumerate() {
        for part in
            [&bytes[..bytes.len() / 2], &[vec![], bytes[..100].to_vec(), vec![0; bytes.len() - 100]].concat()]
        {
            write(&scene.b.share.join(path), part);
            let ran = scene.b.run(&["--json", "sync"]).exits(&[4]);
            assert_ne!(ran.json()["waiting_for"], Value::Array(vec![]), "pack {at}: {ran:#?}");
        }
        write(&scene.b.share.join(path), bytes);
        let report = scene.b.run(&["--json", "sync"]).exits(&[0, 4]).json();
        let waits_for_large =
            report["waiting_for"].as_array().unwrap().iter().any(|w| w["path"] == "large.bin");
        assert!(
            scene.b.read("large.bin").is_none_or(|there| !waits_for_large && there == noise(20 << 20, 5))
        );
        assert!(["1\n", "1\n2\n", "1\n2\n3\n"].contains(&scene.b.text("notes.txt").as_str()));
        let last = at + 1 == packs.len();
        assert_eq!(last, report["waiting_for"] == Value::Array(vec![]), "pack {at}: {report:#}");
        let status = scene.b.run(&["--json", "status"]).exits(if last { &[0] } else { &[4] }).json();
        assert_eq!(status["state"], if last { "up-to-date" } else { "waiting" });
    }
    assert_eq!(scene.b.files(), scene.a.files());
    scene.provider.carry_all(&mut chance);
    scene.a.sync();
    scene.b.sync();
    assert_eq!((scene.a.mirror(), scene.b.mirror()), (scene.a.files(), scene.a.files()));
}
