//! Many runs at once, one thread a core. Which seeds are run does not depend on how many cores there are, so neither
//! does any figure.

use std::ops::Range;
use std::sync::Mutex;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};

use crate::kinds::{ASKED, KINDS, Kind};
use crate::operation::{Case, NOTEBOOKS};
use crate::rest::{Failure, run};
use crate::world::Tally;

/// What the runs of one kind came to.
#[derive(Debug, Clone, Copy, Default)]
pub struct Total {
    pub runs: u64,
    pub failed: u64,
    pub hole: u64,
    pub tally: Tally,
}

/// What many runs came to.
pub struct Crowd {
    /// Are they runs with notebooks?
    notebooks: bool,
    /// One for each kind.
    pub totals: Vec<Total>,
    /// By seed.
    pub failures: Vec<(u64, Failure)>,
}

/// Costs of a kind are judged over so many runs: fewer say little.
const ENOUGH_TO_JUDGE: u64 = 3_000;
/// No more runs are begun after so many failed.
const ENOUGH: usize = 5;

/// Run all seeds of a range.
pub fn crowd(seeds: Range<u64>) -> Crowd {
    let next = AtomicU64::new(seeds.start);
    let found = AtomicUsize::new(0);
    let all = Mutex::new(Crowd {
        notebooks: seeds.start >= NOTEBOOKS,
        totals: vec![Total::default(); KINDS.len()],
        failures: Vec::new(),
    });
    let cores = std::thread::available_parallelism().map_or(1, usize::from);
    std::thread::scope(|scope| {
        for _ in 0..cores {
            scope.spawn(|| {
                let mut totals = vec![Total::default(); KINDS.len()];
                let mut failures = Vec::new();
                while found.load(Ordering::Relaxed) < ENOUGH {
                    let seed = next.fetch_add(1, Ordering::Relaxed);
                    if seed >= seeds.end {
                        break;
                    }
                    let case = Case::of(seed);
                    let outcome = run(&case, &case.operations(), None, false);
                    let total = &mut totals[(seed % KINDS.len() as u64) as usize];
                    total.runs += 1;
                    total.hole += u64::from(outcome.hole);
                    total.tally.add(&outcome.tally);
                    if let Err(failure) = outcome.verdict {
                        total.failed += 1;
                        failures.push((seed, failure));
                        found.fetch_add(1, Ordering::Relaxed);
                    }
                }
                let mut all = all.lock().unwrap();
                all.failures.extend(failures);
                for (sum, part) in all.totals.iter_mut().zip(totals) {
                    sum.runs += part.runs;
                    sum.failed += part.failed;
                    sum.hole += part.hole;
                    sum.tally.add(&part.tally);
                }
            });
        }
    });
    let mut all = all.into_inner().unwrap();
    all.failures.sort_by_key(|(seed, _)| *seed);
    all
}

impl Crowd {
    pub fn steps(&self) -> u64 {
        self.totals.iter().map(|total| total.tally.steps).sum()
    }

    /// One line a kind, with its bounds.
    pub fn print(&self) {
        println!(
            "{:28} {:>6} {:>9} {:>9} {:>16} {:>16} {:>10} {:>16}",
            "kind",
            "runs",
            "steps",
            "genuine",
            "needless/1000",
            "returned/1000",
            "limit/1000",
            "cells asked/1000"
        );
        for (kind, total) in KINDS.iter().zip(&self.totals).filter(|(_, total)| total.runs > 0) {
            let per = |count: u64| count * 1_000 / total.runs;
            let pair = |count: u64, bound: u64| format!("{} (<{bound})", per(count));
            println!(
                "{:28} {:>6} {:>9} {:>9} {:>16} {:>16} {:>10} {:>16}",
                kind.name,
                total.runs,
                total.tally.steps,
                total.tally.genuine,
                pair(total.tally.needless, self.needless(kind)),
                pair(total.tally.returned, kind.returned),
                pair(total.hole, kind.hole + 1),
                pair(total.tally.asked, ASKED),
            );
        }
    }

    fn needless(&self, kind: &Kind) -> u64 {
        if self.notebooks { kind.needless_notebooks } else { kind.needless }
    }

    /// Costs over their bounds.
    pub fn too_costly(&self) -> Vec<String> {
        let mut found = Vec::new();
        for (kind, total) in KINDS.iter().zip(&self.totals).filter(|(_, total)| total.runs >= ENOUGH_TO_JUDGE)
        {
            let costs = [
                ("needless conflicts", total.tally.needless, self.needless(kind)),
                ("removed lines that came back", total.tally.returned, kind.returned),
                ("runs that met a known limit", total.hole, kind.hole + 1),
                ("cells put beside another", total.tally.asked, ASKED),
            ];
            for (what, count, bound) in costs {
                if count * 1_000 >= bound * total.runs {
                    found.push(format!("{}: {count} {what} in {} runs", kind.name, total.runs));
                }
            }
        }
        found
    }
}

impl Tally {
    pub fn add(&mut self, other: &Tally) {
        self.steps += other.steps;
        self.answers += other.answers;
        self.genuine += other.genuine;
        self.needless += other.needless;
        self.returned += other.returned;
        self.asked += other.asked;
    }
}
