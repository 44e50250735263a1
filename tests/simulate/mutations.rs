//! Each rule taken out must be noticed, within a bounded number of runs; with none taken out, the same runs pass.
//! Runs are drawn as everywhere else; nothing is arranged for a rule. Rules of notebooks are taken out of runs with
//! notebooks.

use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};

use kitbag_core::mutation::Rule;

use crate::operation::{Case, NOTEBOOKS};
use crate::rest::{Failure, run};
use crate::world::{EngineRule, Off};

/// Within so many runs every rule taken out must be noticed.
const RUNS: u64 = 4_000;

/// Every rule of lines, of what is above them, and of the engine.
pub fn mutations() -> Result<(), String> {
    let engine = EngineRule::ALL.map(Off::Engine);
    noticed(0, &Rule::ALL.into_iter().map(Off::Core).chain(engine).collect::<Vec<_>>())
}

/// Every rule of notebooks.
pub fn mutations_of_notebooks() -> Result<(), String> {
    noticed(NOTEBOOKS, &Rule::OF_NOTEBOOKS.map(Off::Core))
}

/// The first run that fails with a rule out.
fn first_failure(first: u64, off: Option<Off>, runs: u64) -> Option<(u64, Failure)> {
    (0..runs).find_map(|number| {
        let case = Case::of(first + number);
        run(&case, &case.operations(), off, false).verdict.err().map(|failure| (number, failure))
    })
}

/// The table, and what is wrong with it. Runs have the seeds from `first` on.
fn noticed(first: u64, rules: &[Off]) -> Result<(), String> {
    let next = AtomicUsize::new(0);
    let found = Mutex::new(vec![None; rules.len()]);
    let cores = std::thread::available_parallelism().map_or(1, usize::from);
    std::thread::scope(|scope| {
        for _ in 0..cores {
            scope.spawn(|| {
                loop {
                    let at = next.fetch_add(1, Ordering::Relaxed);
                    let Some(rule) = rules.get(at) else { return };
                    let failure = first_failure(first, Some(*rule), RUNS);
                    found.lock().unwrap()[at] = failure;
                }
            });
        }
    });
    let found = found.into_inner().unwrap();
    let mut missed = Vec::new();
    let mut most = 0;
    for (rule, failed) in rules.iter().zip(&found) {
        let name = match rule {
            Off::Core(rule) => format!("{rule:?}"),
            Off::Engine(rule) => format!("{rule:?}"),
        };
        match failed {
            Some((number, failure)) => {
                most = most.max(number + 1);
                let told: String = failure.to_string().chars().take(100).collect();
                println!("  {name:20} noticed in run {:>5}: {told}", number + 1);
            }
            None => {
                println!("  {name:20} NOT noticed in {RUNS} runs");
                missed.push(name);
            }
        }
    }
    if let Some((number, failure)) = first_failure(first, None, most) {
        return Err(format!("with every rule in place, seed {} fails: {failure}", first + number));
    }
    println!("  with every rule in place the same {most} runs pass");
    if missed.is_empty() { Ok(()) } else { Err(format!("not noticed: {}", missed.join(", "))) }
}
