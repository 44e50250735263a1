//! Many runs of the whole engine, shared out over the processors.

use std::sync::Mutex;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Instant;

use crate::Options;
use crate::computer::room;
use crate::world::{Figures, World};

/// Every landing takes at least so many steps of the engine.
const STEPS: u64 = 100_000;
const RUNS: u64 = 600;
const FULL_RUNS: u64 = 10_000;
/// So many failed runs are told.
const TOLD: usize = 3;

struct Run {
    verdict: Result<(), String>,
    figures: Figures,
    story: Vec<String>,
}

fn run(seed: u64) -> Run {
    let room = room();
    let mut world = World::new(seed, room.path());
    let verdict = world.run();
    // the folder has another name each time
    let place = room.path().to_string_lossy().into_owned();
    let story = world.story.iter().map(|line| line.replace(&place, "ROOM")).collect();
    Run { verdict, figures: world.figures, story }
}

/// Work for each number from `first` on, on all processors; `work` is told of one number at a time.
pub fn shared_out(first: u64, count: u64, work: impl Fn(u64) + Sync) {
    let next = AtomicU64::new(first);
    let threads = std::thread::available_parallelism().map_or(2, usize::from);
    std::thread::scope(|scope| {
        for _ in 0..threads {
            scope.spawn(|| {
                loop {
                    let number = next.fetch_add(1, Ordering::SeqCst);
                    if number >= first + count {
                        return;
                    }
                    work(number);
                }
            });
        }
    });
}

/// Shows "nothing lost" for whole syncs with edits, any order of delivery, kills, power cuts and failing calls; that all
/// computers come to show the same; and that a sync at rest writes nothing. First tier.
pub fn whole(options: &Options) -> Result<(), String> {
    if let Some(seed) = options.number("--seed") {
        let run = run(seed);
        run.story.iter().for_each(|line| println!("  {line}"));
        return run.verdict;
    }
    let start = Instant::now();
    let runs = options.number("--runs").unwrap_or(if options.full { FULL_RUNS } else { RUNS });
    let total = Mutex::new((Figures::default(), Vec::new()));
    shared_out(options.number("--first").unwrap_or(1), runs, |seed| {
        let run = run(seed);
        let mut total = total.lock().unwrap();
        total.0.add(run.figures);
        if let Err(verdict) = run.verdict {
            total.1.push((seed, verdict));
        }
    });
    let (figures, mut failed) = total.into_inner().unwrap();
    failed.sort();
    println!(
        "whole: {runs} runs, {} steps, {figures:?}, {:.0} s",
        figures.steps(),
        start.elapsed().as_secs_f64()
    );
    if !failed.is_empty() {
        let told = failed.iter().take(TOLD).map(|(seed, verdict)| {
            format!(
                "seed {seed}: {verdict}\n  replay: cargo test -p kitbag-engine --test crash -- whole --seed {seed}"
            )
        });
        return Err(format!("{} runs failed\n{}", failed.len(), told.collect::<Vec<_>>().join("\n")));
    }
    if options.number("--runs").is_none() && figures.steps() < STEPS {
        return Err(format!("only {} steps were taken", figures.steps()));
    }
    Ok(())
}

/// Shows that a seed replays: two runs of one seed tell the same story. First tier.
pub fn same_seed_same_run(_: &Options) -> Result<(), String> {
    for seed in [3, 11, 40] {
        let (one, two) = (run(seed), run(seed));
        if one.story != two.story || one.figures != two.figures {
            let differs = one.story.iter().zip(&two.story).find(|(a, b)| a != b);
            return Err(format!("seed {seed} tells two stories: {differs:?}"));
        }
    }
    Ok(())
}
