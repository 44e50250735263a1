//! The whole engine against crashes: real syncs on simulated disks. `whole` draws people, a provider and computers that
//! go down at any disk call; `cuts` takes the power in the middle of a large sync; `errors` lets each disk call fail once.
//!
//! `cargo test -p kitbag-engine --test crash -- whole --seed 7` replays one run and tells its story; `--runs N` draws that
//! many, `--first N` from there on; `errors --stride N` fails one call of so many. With KITBAG_FULL=1 all of it goes further.

#![allow(
    clippy::print_stdout,
    clippy::disallowed_methods,
    clippy::disallowed_types,
    clippy::unwrap_used,
    missing_docs
)]

mod computer;
mod cuts;
mod errors;
mod holding;
mod large;
mod named;
mod person;
mod provider;
mod reading;
mod rest;
mod vanished;
mod whole;
mod world;

use std::collections::BTreeMap;
use std::process::ExitCode;

/// What the command line and the environment ask for.
pub struct Options {
    numbers: BTreeMap<String, u64>,
    /// Go further than every landing does.
    pub full: bool,
}

impl Options {
    pub fn number(&self, name: &str) -> Option<u64> {
        self.numbers.get(name).copied()
    }
}

type Test = fn(&Options) -> Result<(), String>;

const TESTS: [(&str, Test); 10] = [
    ("whole", whole::whole),
    ("whole_same_seed_same_run", whole::same_seed_same_run),
    ("renamed_and_the_name_used_again", named::renamed_and_the_name_used_again),
    ("held_open_while_swapped", named::held_open_while_swapped),
    ("brought_and_gone_on_with", named::brought_and_gone_on_with),
    ("cut_while_it_is_set_up", named::cut_while_it_is_set_up),
    ("killed_then_cut", named::killed_then_cut),
    ("lost_after_it_was_carried", vanished::lost_after_it_was_carried),
    ("cuts", cuts::cuts),
    ("errors", errors::errors),
];

fn main() -> ExitCode {
    let mut numbers = BTreeMap::new();
    let mut args = std::env::args().skip(1);
    let mut filter = None;
    while let Some(arg) = args.next() {
        match arg.as_str() {
            "--seed" | "--runs" | "--first" | "--stride" => {
                let number = args.next().and_then(|n| n.parse().ok()).unwrap_or(0);
                numbers.insert(arg, number);
            }
            "--list" => {
                TESTS.iter().for_each(|(name, _)| println!("{name}: test"));
                return ExitCode::SUCCESS;
            }
            other if !other.starts_with('-') => filter = Some(other.to_owned()),
            _ => {}
        }
    }
    let options =
        Options { numbers, full: std::env::var_os("KITBAG_FULL").is_some_and(|value| value == "1") };
    let wanted = |name: &str| filter.as_ref().is_none_or(|filter| name.contains(filter.as_str()));
    let mut failed = 0;
    for (name, test) in TESTS.iter().filter(|(name, _)| wanted(name)) {
        match test(&options) {
            Ok(()) => println!("test {name} ... ok"),
            Err(why) => {
                failed += 1;
                println!("test {name} ... FAILED\n{why}");
            }
        }
    }
    if failed == 0 { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}
