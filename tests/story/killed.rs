//! The program is killed in the middle of its work, again and again, on the machine that publishes and on the one that
//! receives. The next sync finishes what was begun: nothing lost, nothing twice, nothing left lying about.

use std::time::{Duration, Instant};

use crate::follow::assert_no_temporaries;
use crate::gone::seed;
use crate::machine::{Chance, Files, Machine, pair, room};

const FILES: usize = 2_000;
const ROUNDS: usize = 10;

/// Kill a sync after a random part of the time it would take; whether it was still at work.
fn kill(machine: &Machine, chance: &mut Chance, whole: Duration) -> bool {
    let mut running = machine.start(&["sync"]);
    std::thread::sleep(whole.mul_f64(chance.below(1_000) as f64 / 1_000.0));
    let done = running.try_wait().unwrap().is_some();
    // SIGKILL on Unix
    running.kill().unwrap();
    running.wait().unwrap();
    !done
}

/// Shows "nothing lost" (a crash at any moment): 20 kills in syncs of 2,000 files, with edits of the person between the
/// crash and the next sync. Seeded: STORY_SEED. First tier; the crash suite has every kill point.
#[test]
fn killed_in_the_middle_of_a_sync() {
    let seed = seed();
    let mut chance = Chance::new(seed);
    let room = room();
    let (a, b) = pair(room.path(), &[]);
    let mut all = Files::default();
    let mut whole = Duration::from_secs(1);
    let mut killed = [0, 0];
    for round in 0..ROUNDS {
        let changed = if round == 0 { FILES } else { FILES / 4 };
        for n in 0..changed {
            let path = format!("part {}/file {n}.txt", n % 40);
            let old = all.0.get(&path).cloned().unwrap_or_default();
            let rest = old.splitn(2, |b| *b == b'\n').nth(1).unwrap_or(b"1\n2\n3\n4\n").to_vec();
            let bytes = [format!("file {n} of round {round}\n").into_bytes(), rest].concat();
            a.write(&path, &bytes);
            all.0.insert(path, bytes);
        }
        for (at, machine) in [&a, &b].into_iter().enumerate() {
            killed[at] += usize::from(kill(machine, &mut chance, whole));
            // the person does not know of the crash and goes on working
            for n in [3, 7 + round] {
                let path = format!("part {}/file {n}.txt", n % 40);
                let line = format!("{} after crash {round}\n", machine.name);
                // what was not brought yet cannot be worked on
                let Some(text) = machine.read(&path) else { continue };
                machine.write(&path, [text, line.clone().into()].concat());
                let expected = all.0.get_mut(&path).unwrap();
                expected.extend_from_slice(line.as_bytes());
            }
            let start = Instant::now();
            machine.sync();
            whole = start.elapsed().max(Duration::from_millis(50));
        }
        for machine in [&a, &b, &a, &b] {
            machine.sync();
        }
        let shown = a.files();
        assert_eq!(shown.0.len(), FILES, "seed {seed} round {round}");
        for (path, expected) in &all.0 {
            assert_eq!(lines(&shown.0[path]), lines(expected), "seed {seed} round {round}: {path}");
        }
        assert!(
            b.files() == shown && a.mirror() == shown,
            "seed {seed} round {round}: not the same everywhere"
        );
        all = shown;
    }
    assert_no_temporaries(&a, &b);
    let report = a.sync();
    assert_eq!((&report["bytes_published"], &report["pending"]), (&0.into(), &0.into()), "{report}");
    assert!(killed.iter().all(|n| *n >= ROUNDS / 3), "hardly any kill came in time: {killed:?}, seed {seed}");
}

/// A file's lines, sorted: two added at one place may stand in either order.
fn lines(bytes: &[u8]) -> Vec<String> {
    let mut lines: Vec<_> = String::from_utf8_lossy(bytes).lines().map(str::to_owned).collect();
    lines.sort();
    lines
}

/// Shows that two kitbags on one state root do not get in each other's way: both do their work one after the other, or
/// the second says who is at work. First tier.
#[test]
fn two_at_once() {
    let room = room();
    let (mut a, b) = pair(room.path(), &[]);
    for n in 0..500 {
        a.write(&format!("many/{n}"), format!("{n}\n"));
    }
    let mut running: Vec<_> = (0..4).map(|_| a.start(&["sync"])).collect();
    assert!(running.iter_mut().all(|run| run.wait().unwrap().success()), "they did not wait for each other");
    b.sync();
    assert_eq!(b.files(), a.files());

    // held by another for longer than we want to wait
    let lock = std::fs::File::options().write(true).open(a.home.join("lock")).unwrap();
    lock.lock().unwrap();
    a.set("lock.wait_seconds", 0);
    a.run(&["sync"]).exits(&[1]).explains(&["another kitbag is at work"]);
    a.run(&["status"]).exits(&[0]);
    lock.unlock().unwrap();
    a.sync();
}
