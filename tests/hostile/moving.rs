//! Files that are written, renamed, deleted and made again while kitbag looks at them. When they come to rest, both
//! machines hold exactly what the writer left.

use std::fs;
use std::io::Write;
use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use crate::machine::{Chance, Files, Machine, noise, pair, room, write};

/// Work on forty files until told to stop; what they hold in the end.
fn churn(folder: &Path, stop: &AtomicBool, seed: u64) -> Files {
    let mut chance = Chance::new(seed);
    let mut left = Files::default();
    for round in 0.. {
        let n = if round < 40 { round } else { chance.below(40) };
        let path = format!("part {}/file {n}", n % 4);
        let file = folder.join(&path);
        let bytes = match chance.below(4) {
            0 => noise(chance.below(300_000), chance.next()),
            _ => format!("file {n}\nround {round}\n").into_bytes(),
        };
        match chance.below(4) {
            0 => {
                let beside = file.with_extension("new");
                write(&beside, &bytes);
                fs::rename(&beside, &file).unwrap();
            }
            1 if left.0.contains_key(&path) => {
                fs::remove_file(&file).unwrap();
                std::thread::sleep(Duration::from_millis(chance.below(4) as u64));
                write(&file, &bytes);
            }
            2 if left.0.contains_key(&path) => {
                fs::rename(&file, file.with_extension("away")).unwrap();
                std::thread::sleep(Duration::from_millis(chance.below(4) as u64));
                write(&file, &bytes);
                fs::remove_file(file.with_extension("away")).unwrap();
            }
            _ => write(&file, &bytes),
        }
        left.0.insert(path, bytes);
        if round >= 40 && stop.load(Ordering::Relaxed) {
            break;
        }
    }
    left
}

/// Shows "nothing lost" against a busy writer: `download_before_write`, `save_before_write` and files that vanish while
/// they are read. Seeded: STORY_SEED. First tier.
#[test]
fn files_that_never_stand_still() {
    let seed = std::env::var("STORY_SEED").ok().and_then(|seed| seed.parse().ok()).unwrap_or(1);
    let room = room();
    let (a, b) = pair(room.path(), &[("calm.txt", b"1\n2\n3\n")]);
    let stop = AtomicBool::new(false);
    let left = std::thread::scope(|scope| {
        let writer = scope.spawn(|| churn(&a.work, &stop, seed));
        let until = Instant::now() + Duration::from_secs(5);
        let mut syncs = 0;
        while Instant::now() < until || syncs < 6 {
            // 1: so many files come and go that removals are asked about
            a.run(&["sync"]).exits(&[0, 1, 4]);
            b.run(&["sync"]).exits(&[0, 1, 4]);
            syncs += 1;
        }
        stop.store(true, Ordering::Relaxed);
        writer.join().unwrap()
    });
    std::thread::sleep(Duration::from_millis(100));
    // names that were there for a moment only may be held as removals, and were meant to go
    a.run(&["resolve", "--absent", "accept"]).exits(&[0, 4]);
    for machine in [&a, &b, &a, &b] {
        machine.sync();
    }
    let mut left = left;
    left.0.insert("calm.txt".into(), b"1\n2\n3\n".to_vec());
    assert_eq!(a.files(), left, "seed {seed}: the writer's own folder was changed");
    assert_eq!((&b.files(), &a.mirror()), (&left, &left), "seed {seed}");
}

/// The same against a writer on the receiving side, who saves the very files that are being brought: every line of both
/// people is there in the end. First tier.
#[test]
fn a_save_while_a_version_is_brought() {
    let room = room();
    let text: String = (0..20).map(|n| format!("{n}\n")).collect();
    let (a, b) = pair(room.path(), &[("notes.txt", text.as_bytes())]);
    let stop = AtomicBool::new(false);
    let saved = std::thread::scope(|scope| {
        let editor = scope.spawn(|| append(&b, &stop));
        for round in 0..12 {
            a.write("notes.txt", format!("A {round}\n{}", a.text("notes.txt")));
            for machine in [&a, &b] {
                machine.run(&["sync"]).exits(&[0, 3, 4]);
            }
        }
        stop.store(true, Ordering::Relaxed);
        editor.join().unwrap()
    });
    for _ in 0..4 {
        for machine in [&a, &b] {
            machine.run(&["sync"]).exits(&[0, 3, 4]);
            machine.run(&["resolve", "notes.txt", "--keep", "both"]).exits(&[0, 1, 3]);
        }
    }
    assert_eq!(a.files(), b.files());
    let merged = a.text("notes.txt");
    let wanted = (0..12).map(|round| format!("A {round}")).chain((0..20).map(|n| n.to_string()));
    for line in wanted.chain((0..saved).map(|n| format!("B {n}"))) {
        assert!(merged.lines().any(|other| other == line), "{line:?} is lost: {merged}");
    }
    assert!(saved > 20, "hardly anything was saved: {saved}");
}

/// A program that holds the file open and adds to it, as loggers and slow editors do: what it writes may land in the
/// very file that is being swapped out.
fn append(b: &Machine, stop: &AtomicBool) -> usize {
    let mut saved = 0;
    let file = b.work.join("notes.txt");
    while !stop.load(Ordering::Relaxed) {
        let Ok(mut open) = fs::File::options().append(true).open(&file) else { continue };
        std::thread::sleep(Duration::from_millis(saved as u64 % 7));
        open.write_all(format!("B {saved}\n").as_bytes()).unwrap();
        saved += 1;
        drop(open);
        std::thread::sleep(Duration::from_millis(9));
    }
    saved
}
