//! Each rule taken out must be noticed, within a bounded number of runs; with none taken out, the same runs pass.
//! Runs are drawn as everywhere else; nothing is arranged for a rule.

use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};

use crate::operation::Case;
use crate::rest::{Failure, run};
use crate::world::Off;

/// Within so many runs every rule taken out must be noticed.
const RUNS: u64 = 4_000;

/// The first run that fails with a rule out.
fn first_failure(off: Option<Off>, runs: u64) -> Option<(u64, Failure)> {
    (0..runs).find_map(|seed| {
        let case = Case::of(seed);
        run(&case, &case.operations(), off, false).verdict.err().map(|failure| (seed, failure))
    })
}

/// The table, and what is wrong with it.
pub fn mutations() -> Result<(), String> {
    let rules: Vec<_> = Off::all().collect();
    let next = AtomicUsize::new(0);
    let found = Mutex::new(vec![None; rules.len()]);
    let cores = std::thread::available_parallelism().map_or(1, usize::from);
    std::thread::scope(|scope| {
        for _ in 0..cores {
            scope.spawn(|| {
                loop {
                    let at = next.fetch_add(1, Ordering::Relaxed);
                    let Some(rule) = rules.get(at) else { return };
                    let first = first_failure(Some(*rule), RUNS);
                    found.lock().unwrap()[at] = first;
                }
            });
        }
    });
    let found = found.into_inner().unwrap();
    let mut missed = Vec::new();
    let mut most = 0;
    for (rule, first) in rules.iter().zip(&found) {
        let name = match rule {
            Off::Core(rule) => format!("{rule:?}"),
            Off::Engine(rule) => format!("{rule:?}"),
        };
        match first {
            Some((seed, failure)) => {
                most = most.max(seed + 1);
                let told: String = failure.to_string().chars().take(100).collect();
                println!("  {name:20} noticed in run {:>5}: {told}", seed + 1);
            }
            None => {
                println!("  {name:20} NOT noticed in {RUNS} runs");
                missed.push(name);
            }
        }
    }
    if let Some((seed, failure)) = first_failure(None, most) {
        return Err(format!("with every rule in place, run {seed} fails: {failure}"));
    }
    println!("  with every rule in place the same {most} runs pass");
    if missed.is_empty() { Ok(()) } else { Err(format!("not noticed: {}", missed.join(", "))) }
}
