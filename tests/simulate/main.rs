//! The planner against chance: machines, one provider, people who edit, and everything that goes wrong, in every
//! order a seed can draw. The real planner and the real line merge run over folders, ledgers and a provider held in
//! memory. No seen line is lost, all machines agree, come to rest, and break no invariant on the way.
//!
//! `cargo test -p kitbag-core --test simulate -- --seed 7` replays one run and tells its story; `--runs N` draws that
//! many seeds; a name runs the tests that have it in theirs.

#![allow(
    clippy::print_stdout,
    clippy::disallowed_methods,
    clippy::disallowed_types,
    clippy::unwrap_used,
    missing_docs
)]

mod act;
mod book;
mod chance;
mod crowd;
mod cycle;
mod faults;
mod form;
mod invariants;
mod kinds;
mod lines;
mod machine;
mod mutations;
mod named;
mod operation;
mod ordinary;
mod person;
mod provider;
mod rest;
mod shrink;
mod sidecar;
mod text;
mod world;

use std::process::ExitCode;

use operation::{Case, NOTEBOOKS};

/// Seeds of the default run: enough for [`STEPS`].
const SEEDS: u64 = 68_000;
/// Seeds of the default run with notebooks.
const NOTEBOOK_SEEDS: u64 = 2_000;
/// Planner steps a default run takes at least.
const STEPS: u64 = 10_000_000;

type Done = Result<(), String>;
type Test = Box<dyn Fn() -> Done>;
type Simple = fn() -> Done;

/// Every test by its name.
fn tests() -> Vec<(&'static str, Test)> {
    let mut tests: Vec<(&'static str, Test)> =
        named::names().map(|name| (name, Box::new(move || named::run(name)) as Test)).collect();
    let more: [(&'static str, Simple); 9] = [
        ("ordinary_use", ordinary::ordinary_use),
        ("ordinary_use_with_a_phone_that_adds", ordinary::ordinary_use_with_a_phone_that_adds),
        ("a_seed_tells_the_same_story_twice", a_seed_tells_the_same_story_twice),
        ("a_failing_run_is_made_short", a_failing_run_is_made_short),
        ("seeds_that_failed_once", seeds_that_failed_once),
        ("mutations", mutations::mutations),
        ("mutations_of_notebooks", mutations::mutations_of_notebooks),
        ("chance", chance_alone),
        ("chance_with_notebooks", chance_with_notebooks),
    ];
    tests.extend(more.map(|(name, test)| (name, Box::new(test) as Test)));
    tests
}

fn main() -> ExitCode {
    let mut args = std::env::args().skip(1);
    let (mut filter, mut seed, mut runs, mut first, mut list) = (None, None, None, 0, false);
    while let Some(arg) = args.next() {
        let mut number = || args.next().and_then(|n| n.parse::<u64>().ok());
        match arg.as_str() {
            "--seed" => seed = number(),
            "--runs" => runs = number(),
            "--first" => first = number().unwrap_or(0),
            "--list" => list = true,
            other if !other.starts_with('-') => filter = Some(other.to_owned()),
            _ => {}
        }
    }
    if let Some(seed) = seed {
        return exit(replay(seed));
    }
    if let Some(runs) = runs {
        return exit(seeds(first..first + runs).map(drop));
    }
    let wanted = |name: &str| filter.as_ref().is_none_or(|filter| name.contains(filter.as_str()));
    let tests: Vec<_> = tests().into_iter().filter(|(name, _)| wanted(name)).collect();
    if list {
        tests.iter().for_each(|(name, _)| println!("{name}: test"));
        return ExitCode::SUCCESS;
    }
    let mut failed = 0;
    for (name, test) in &tests {
        match test() {
            Ok(()) => println!("test {name} ... ok"),
            Err(why) => {
                failed += 1;
                println!("test {name} ... FAILED: {why}");
            }
        }
    }
    println!("test result: {} passed; {failed} failed", tests.len() - failed);
    if failed == 0 { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

fn exit(done: Done) -> ExitCode {
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(why) => {
            println!("{why}");
            ExitCode::FAILURE
        }
    }
}

/// The default run.
fn chance_alone() -> Done {
    let steps = seeds(0..SEEDS)?;
    if steps < STEPS { Err(format!("only {steps} planner steps")) } else { Ok(()) }
}

/// The same with notebooks for files.
fn chance_with_notebooks() -> Done {
    seeds(NOTEBOOKS..NOTEBOOKS + NOTEBOOK_SEEDS).map(drop)
}

fn seeds(range: std::ops::Range<u64>) -> Result<u64, String> {
    let crowd = crowd::crowd(range);
    crowd.print();
    println!("{} planner steps", crowd.steps());
    if let Some((seed, failure)) = crowd.failures.first() {
        for (seed, failure) in &crowd.failures {
            println!("seed {seed} ({}): {failure}", Case::of(*seed).kind.name);
        }
        tell_short(*seed, failure);
        return Err(format!(
            "seed {seed} fails: {failure}\nreplay: cargo test -p kitbag-core --test simulate -- --seed {seed}"
        ));
    }
    let costly = crowd.too_costly();
    if costly.is_empty() { Ok(crowd.steps()) } else { Err(costly.join("; ")) }
}

/// One run with its story; if it fails, the short one too.
fn replay(seed: u64) -> Done {
    let case = Case::of(seed);
    println!(
        "seed {seed}: {}, {:?}, {} machines, settle {}",
        case.kind.name, case.policy, case.machines, case.settle
    );
    let outcome = rest::run(&case, &case.operations(), None, true);
    outcome.story.iter().for_each(|line| println!("  {line}"));
    println!("{:?}", outcome.tally);
    match outcome.verdict {
        Ok(()) => Ok(()),
        Err(failure) => {
            tell_short(seed, &failure);
            Err(failure.to_string())
        }
    }
}

fn tell_short(seed: u64, failure: &rest::Failure) {
    let case = Case::of(seed);
    let short = shrink::shrink(&case, &case.operations(), failure, None);
    println!(
        "the same in {} operations, {} machines, settle {}:",
        short.operations.len(),
        short.case.machines,
        short.case.settle
    );
    short.outcome.story.iter().for_each(|line| println!("  {line}"));
    if let Err(failure) = short.outcome.verdict {
        println!("  {failure}");
    }
}

/// Each found something once. What it was has a test of its own; here it stays found.
const FAILED_ONCE: &[(u64, &str)] = &[
    (7_409, "an edit merged with the end of a moved file took the place of what was moved"),
    (612, "merges alone were taken for a course's"),
    (1_239, "merges alone were taken for a course's"),
    (46_421, "a file that won over a deletion took out lines of what was deleted"),
    (56_840, "an answer between a write and the ledger's word for it"),
    (14_206, "bytes that overtook the record of a course file brought the deleted file back"),
];

fn seeds_that_failed_once() -> Done {
    for (seed, what) in FAILED_ONCE {
        let case = Case::of(*seed);
        let verdict = rest::run(&case, &case.operations(), None, false).verdict;
        verdict.map_err(|failure| format!("seed {seed} ({what}) fails: {failure}"))?;
    }
    Ok(())
}

/// A run is a function of its seed: another thread, another time, the same story.
fn a_seed_tells_the_same_story_twice() -> Done {
    for seed in 0..2 * kinds::KINDS.len() as u64 {
        let tell = move || {
            let case = Case::of(seed);
            let outcome = rest::run(&case, &case.operations(), None, true);
            (outcome.story, outcome.tally)
        };
        let (one, two) = (tell(), std::thread::spawn(tell).join().map_err(|_| "a run panicked")?);
        if one != two || one.0.len() < 50 {
            return Err(format!("seed {seed} tells two stories, or none"));
        }
    }
    Ok(())
}

/// With a rule taken out, some run fails; what is left of it is a handful of operations, and fails alike.
fn a_failing_run_is_made_short() -> Done {
    use kitbag_core::mutation::Rule;
    let off = Some(world::Off::Core(Rule::OutsideNoChild));
    let failing = (0..500_u64).find_map(|seed| {
        let case = Case::of(seed);
        let failure = rest::run(&case, &case.operations(), off, false).verdict.err()?;
        Some((case, failure))
    });
    let Some((case, failure)) = failing else { return Err("nothing failed".into()) };
    let short = shrink::shrink(&case, &case.operations(), &failure, off);
    let same = short.outcome.verdict.as_ref().err().map(rest::Failure::sort) == Some(failure.sort());
    let length = short.operations.len();
    if !same || length > 20 || short.case.machines > case.machines || short.outcome.story.is_empty() {
        return Err(format!("{length} operations are left, failing alike: {same}"));
    }
    Ok(())
}
