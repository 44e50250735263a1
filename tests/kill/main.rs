//! SIGKILL at every system call that changes a disk. A whole sync of some 200 files is watched once; then it is run
//! again and again, and each time killed right before another of its calls. Whatever was left behind, the next sync
//! finishes it: nothing lost, nothing by halves, nothing deleted that should not be, nothing lying about.
//! strace does both, the watching and the killing; the program itself knows nothing of it.
//! Tiers: every tenth point in the first, every one in the second (`KITBAG_FULL=1`).

#![allow(clippy::unwrap_used, clippy::print_stderr)]
#![cfg(target_os = "linux")]

#[path = "../story/machine.rs"]
#[allow(dead_code, reason = "the stories use all of it")]
mod machine;
mod points;
mod scenes;
mod slot;

use std::collections::BTreeSet;
use std::process::Command;
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Instant;

use scenes::Scene;
use slot::Slot;

/// Whether strace can watch a program here; in CI it must.
fn can_trace() -> bool {
    let done = Command::new("strace").args(["-f", "-o", "/dev/null", "true"]).output();
    let works = done.as_ref().is_ok_and(|done| done.status.success());
    if !works {
        eprintln!("NOT TESTED: strace cannot watch a program here: {done:?}");
        assert!(std::env::var("CI").as_deref() != Ok("true"), "CI must have strace: {done:?}");
    }
    works
}

/// One in this many points is tried. KILL_STEP asks for another share, KILL_POINT for a single one.
fn step() -> usize {
    let wish = std::env::var("KILL_STEP").ok().and_then(|step| step.parse().ok());
    wish.unwrap_or(if std::env::var_os("KITBAG_FULL").is_some() { 1 } else { 10 })
}

/// Kill the scene's program at its points, several at a time.
fn kill_everywhere(scene: &Scene, step: usize) {
    if !can_trace() {
        return;
    }
    let start = Instant::now();
    let first = Slot::new(scene);
    let all = first.watch();
    let only: Option<usize> = std::env::var("KILL_POINT").ok().and_then(|point| point.parse().ok());
    // the offset differs from scene to scene, and is the same in each run
    let offset = scene.name.len() % step;
    let chosen: Vec<_> =
        all.points.iter().filter(|p| only.map_or(p.index % step == offset, |only| p.index == only)).collect();
    let threads = std::thread::available_parallelism().map_or(2, usize::from).min(chosen.len());
    let (next, hit, failed) = (AtomicUsize::new(0), Mutex::new(BTreeSet::new()), Mutex::new(Vec::new()));
    let work = |slot: Slot| {
        while let Some(point) = chosen.get(next.fetch_add(1, Ordering::Relaxed)) {
            match slot.kill_and_recover(point) {
                Ok(killed) => hit.lock().unwrap().extend(killed),
                Err(error) => {
                    failed.lock().unwrap().push(format!("KILL_POINT={} {point:?}: {error}", point.index))
                }
            }
        }
    };
    std::thread::scope(|scope| {
        for _ in 1..threads {
            scope.spawn(|| work(Slot::new(scene)));
        }
        work(first);
    });
    let (hit, failed) = (hit.into_inner().unwrap(), failed.into_inner().unwrap());
    eprintln!(
        "{}: {} calls that change a disk, {} of them told apart, {} tried, {} hit, {:.0} s, {threads} at a time",
        scene.name,
        all.calls,
        all.points.len(),
        chosen.len(),
        hit.len(),
        start.elapsed().as_secs_f64(),
    );
    assert!(
        failed.is_empty(),
        "{}: {} of {}:\n{}",
        scene.name,
        failed.len(),
        chosen.len(),
        failed.join("\n")
    );
    // strace counts for each thread by itself, so a few calls cannot be named; and a run may differ in small things
    assert!(
        all.points.len() * 100 >= all.calls * scene.least_apart,
        "{} of {} are told apart",
        all.points.len(),
        all.calls
    );
    assert!(hit.len() * 100 >= chosen.len() * 95, "only {} of {} were hit", hit.len(), chosen.len());
    let least = if only.is_some() { 1 } else { scene.least_calls / step };
    assert!(chosen.len() >= least, "hardly anything to kill: {}", chosen.len());
}

/// Shows "nothing lost", a crash at any moment while 200 new files are put into the share. First and second tier.
#[test]
fn while_200_files_are_published() {
    kill_everywhere(&scenes::publishing(), step());
}

/// The same on the receiving side: 200 files come, 20 go, 20 changed, 5 are merged. First and second tier.
#[test]
fn while_200_files_are_received() {
    kill_everywhere(&scenes::receiving(), step());
}

/// The same in the sync after that, which looks at what was swapped out and clears it away. First and second tier.
#[test]
fn while_what_was_swapped_out_is_cleared() {
    kill_everywhere(&scenes::clearing(), step());
}

/// The same while the workspace is made, and while another machine joins. First and second tier.
#[test]
fn while_it_is_set_up() {
    kill_everywhere(&scenes::making(), step().div_ceil(2));
    kill_everywhere(&scenes::joining(), step().div_ceil(2));
}
