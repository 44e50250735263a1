//! Much at once, and long standstills: the agent is stopped as by a sleep while so much happens that the system's queue of
//! changes overflows; thousands of files change within a minute. It comes to rest with everything carried, takes no
//! time after that, and its memory stays small. So does a log that never ends to grow. The longer half is in the second
//! tier (`KITBAG_FULL=1`).

use std::fs;
use std::io::Write;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use super::{Pair, agent, count, full, log, memory_of, seconds_of};
use crate::background::{signal, until};
use crate::docker::lab;
use crate::machine::room;

/// So much memory is bounded, MiB: a debug build needs some more than what is wanted of the real one.
const MEMORY: u64 = 120;

/// At rest it takes no time worth the name.
#[track_caller]
fn rests(process: u32) {
    // what it wrote itself is looked at once more
    std::thread::sleep(Duration::from_secs(5));
    let before = seconds_of(process);
    std::thread::sleep(Duration::from_secs(10));
    let taken = seconds_of(process) - before;
    assert!(taken < 0.5, "{taken} s of ten while nothing happens");
}

/// How many folders a process has the system watch.
fn watches(process: u32) -> usize {
    let Ok(open) = fs::read_dir(format!("/proc/{process}/fdinfo")) else { return 0 };
    let of = |item: fs::DirEntry| fs::read_to_string(item.path()).unwrap_or_default();
    open.flatten().map(|item| of(item).matches("inotify wd:").count()).sum()
}

/// Shows that a computer that slept while much happened, more than the system's queue of changes holds, is brought up to
/// date at once, without a busy loop. Half a minute in the first tier, five minutes in the second.
#[test]
fn a_sleep_with_more_changes_than_the_queue_holds() {
    let room = room();
    let pair = Pair::carried(room.path());
    pair.meets("all is the same");
    let process = agent(&pair.a);
    until("it watches both folders", || watches(process) > 1);
    let (begun, before) = (Instant::now(), seconds_of(process));
    signal("STOP", process);
    let queue = fs::read_to_string("/proc/sys/fs/inotify/max_queued_events");
    let queue: usize = queue.ok().and_then(|text| text.trim().parse().ok()).unwrap_or(16_384);
    let (one, two) = (pair.a.work.join("one.txt"), pair.a.work.join("two.txt"));
    fs::write(&one, "moved to and fro\n").unwrap();
    for _ in 0..queue / 4 + 100 {
        fs::rename(&one, &two).unwrap();
        fs::rename(&two, &one).unwrap();
    }
    // nobody hears of this one
    pair.a.write("after/all.txt", "unheard\n");
    let length = Duration::from_secs(if full() { 300 } else { 30 });
    std::thread::sleep(length.saturating_sub(begun.elapsed()));
    signal("CONT", process);
    until("what nobody heard of is carried", || pair.b.read("after/all.txt").is_some());
    assert!(log(&pair.a).contains("may have been missed"), "{}", log(&pair.a));
    pair.a.write("after/all.txt", "heard\n");
    until("and it hears again", || pair.b.read("after/all.txt").is_some_and(|text| text == b"heard\n"));
    pair.meets("all is the same everywhere");
    let (taken, memory) = (seconds_of(process) - before, memory_of(process, "VmHWM"));
    eprintln!(
        "FIGURE a sleep of {length:?} with {queue} changes: {taken:.1} s of processor, {memory} MiB at most"
    );
    rests(process);
    assert!(memory < MEMORY, "{memory} MiB");
}

/// Shows that 10,000 changes within a minute are carried while they happen, that both machines show the same soon after,
/// that then nothing is done any more, and that memory stays small. Second tier; 600 in six seconds in the first.
#[test]
fn ten_thousand_changes_in_a_minute() {
    let room = room();
    let pair = Pair::carried(room.path());
    pair.meets("all is the same");
    let processes = pair.machines().map(agent);
    let (changes, pace) = if full() { (10_000, 6) } else { (600, 10) };
    let begun = Instant::now();
    let before = processes.map(seconds_of);
    for n in 0..changes {
        pair.a.write(&format!("many/{}/{}.txt", n % 7, n % 500), format!("{n}\n"));
        std::thread::sleep(Duration::from_millis(pace * (n + 1)).saturating_sub(begun.elapsed()));
    }
    let worked = begun.elapsed();
    let last = format!("{}\n", changes - 1);
    let path = format!("many/{}/{}.txt", (changes - 1) % 7, (changes - 1) % 500);
    let there = || pair.b.read(&path).is_some_and(|text| text == last.as_bytes());
    lab::until("the last is there", Duration::from_secs(300), there);
    let settled = begun.elapsed();
    pair.meets("all is the same everywhere");
    let taken = [0, 1].map(|n| seconds_of(processes[n]) - before[n]);
    let memory = processes.map(|process| memory_of(process, "VmHWM"));
    eprintln!(
        "FIGURE {changes} changes in {worked:.1?} ({} files): there after {settled:.1?}; {taken:.1?} s of processor, {memory:?} MiB at most",
        count(&pair.a)
    );
    for process in processes {
        rests(process);
    }
    assert!(memory.iter().all(|memory| *memory < MEMORY), "{memory:?} MiB");
}

/// Shows that a log that never ends to grow is carried now and then, not every two seconds; that edits beside it reach the
/// other machine as ever; and that it is whole there soon after it has come to rest. Two minutes in the second tier, half a
/// minute in the first.
#[test]
fn a_log_that_never_ends_hinders_no_edit() {
    let room = room();
    let pair = Pair::carried(room.path());
    pair.meets("all is the same");
    let processes = pair.machines().map(agent);
    let before = processes.map(seconds_of);
    let (log, shared) = (pair.a.work.join("log.txt"), pair.a.share.join("log.txt"));
    let stop = AtomicBool::new(false);
    let length = Duration::from_secs(if full() { 120 } else { 30 });
    let begun = Instant::now();
    let (mut took, mut sizes) = (Vec::new(), Vec::new());
    std::thread::scope(|scope| {
        scope.spawn(|| {
            let mut log = fs::File::options().create(true).append(true).open(log).unwrap();
            for n in 0.. {
                if stop.load(Ordering::Relaxed) {
                    break;
                }
                writeln!(log, "line {n} of a log that never ends").unwrap();
                std::thread::sleep(Duration::from_millis(40));
            }
        });
        for round in 0.. {
            let (text, edited) = (format!("edit {round}\n"), Instant::now());
            pair.a.write("notes.txt", &text);
            while edited.elapsed() < Duration::from_secs(5) || took.len() == round {
                if took.len() == round && pair.b.text("notes.txt") == text {
                    took.push(edited.elapsed().as_millis());
                }
                sizes.push(fs::metadata(&shared).map_or(0, |meta| meta.len()));
                std::thread::sleep(Duration::from_millis(20));
                assert!(edited.elapsed() < Duration::from_secs(90), "an edit does not come");
            }
            if begun.elapsed() > length {
                break;
            }
        }
        stop.store(true, Ordering::Relaxed);
    });
    sizes.dedup();
    took.sort_unstable();
    let taken = [0, 1].map(|n| seconds_of(processes[n]) - before[n]);
    eprintln!(
        "FIGURE a log that grew for {:.0?} was carried {} times; edits meanwhile took {took:?} ms; {taken:.1?} s of processor",
        begun.elapsed(),
        sizes.len() - 1
    );
    let most = begun.elapsed().as_secs() / 10 + 8;
    assert!(sizes.len() as u64 - 1 <= most, "carried {} times", sizes.len() - 1);
    pair.meets("all of it is everywhere");
    for process in processes {
        rests(process);
    }
}
