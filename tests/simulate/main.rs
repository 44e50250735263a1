//! The planner against chance: two machines, one provider, people who edit, all interleavings a seed can draw.
//! The real planner and the real line merge run over folders, ledgers and a provider held in memory. Prints the
//! seed of a run that loses a line, does not converge or does not come to rest, and what happened in it.
//!
//! `cargo test -p kitbag-core --test simulate -- --seed 7` replays one run and tells its story;
//! `--runs N` draws that many seeds.

#![allow(
    clippy::print_stdout,
    clippy::disallowed_methods,
    clippy::disallowed_types,
    clippy::unwrap_used,
    missing_docs
)]

mod chance;
mod machine;
mod provider;
mod world;

use std::collections::BTreeMap;

use provider::Policy;
use world::{Faults, World};

fn main() -> std::process::ExitCode {
    let mut options = BTreeMap::new();
    let mut args = std::env::args().skip(1);
    let mut filter = None;
    while let Some(arg) = args.next() {
        match arg.as_str() {
            "--seed" | "--runs" | "--first" => {
                options.insert(arg, args.next().and_then(|n| n.parse::<u64>().ok()).unwrap_or(0));
            }
            "--list" => return std::process::ExitCode::SUCCESS,
            other if !other.starts_with('-') => filter = Some(other.to_owned()),
            _ => {}
        }
    }
    if filter.is_some_and(|filter| !"simulate".contains(&filter)) {
        return std::process::ExitCode::SUCCESS;
    }
    let seeds: Vec<u64> = match options.get("--seed") {
        Some(&seed) => vec![seed],
        None => {
            let first = options.get("--first").copied().unwrap_or(1);
            (first..first + options.get("--runs").copied().unwrap_or(1500)).collect()
        }
    };
    let story = options.contains_key("--seed");
    let (mut passed, mut failed, mut steps, mut questions) = (0, 0, 0, 0);
    for seed in seeds {
        for policy in [Policy::LastWriter, Policy::Copies] {
            for faults in Faults::ALL {
                let mut world = World::new(seed, policy, faults);
                match world.run() {
                    Ok(()) => passed += 1,
                    Err(verdict) => {
                        failed += 1;
                        println!("seed {seed} {policy:?} {faults:?}: {verdict}");
                        println!("replay: cargo test -p kitbag-core --test simulate -- --seed {seed}");
                        if failed == 1 || story {
                            world.story().iter().for_each(|line| println!("  {line}"));
                        }
                    }
                }
                steps += world.steps();
                questions += world.questions();
                if failed >= 5 && !story {
                    break;
                }
            }
        }
    }
    println!("{steps} planner steps, {questions} questions asked of people");
    println!("simulate: {passed} passed, {failed} failed");
    if failed == 0 { std::process::ExitCode::SUCCESS } else { std::process::ExitCode::FAILURE }
}
