//! A failing run made short: operations are left out as long as it still fails in the same way, then machines and the
//! waiting time. What is left is told in words.

use crate::operation::{Case, Op};
use crate::rest::{Failure, Outcome, run};
use crate::world::Off;

/// At most so many runs are tried.
const TRIES: usize = 4_000;

pub struct Shrunk {
    pub case: Case,
    pub operations: Vec<Op>,
    /// Of the short run, with its story.
    pub outcome: Outcome,
}

/// Make a failing run short.
pub fn shrink(case: &Case, operations: &[Op], failure: &Failure, off: Option<Off>) -> Shrunk {
    let mut tries = 0;
    let mut fails = |case: &Case, operations: &[Op]| {
        tries += 1;
        let sort = || run(case, operations, off, false).verdict.err().map(|failure| failure.sort());
        tries <= TRIES && sort() == Some(failure.sort())
    };
    let (mut case, mut operations) = (case.clone(), operations.to_vec());
    loop {
        let before = operations.len();
        let mut size = (operations.len() / 2).max(1);
        loop {
            let mut from = 0;
            while from < operations.len() {
                let to = (from + size).min(operations.len());
                let without = [&operations[..from], &operations[to..]].concat();
                if fails(&case, &without) {
                    operations = without;
                } else {
                    from = to;
                }
            }
            if size == 1 {
                break;
            }
            size /= 2;
        }
        let used = operations.iter().map(|op| op.machine + 1).max().unwrap_or(0).max(2);
        let settles = (0..case.settle).map(|settle| (case.machines, settle));
        for (machines, settle) in (used..case.machines).map(|machines| (machines, case.settle)).chain(settles)
        {
            let smaller = Case { machines, settle, ..case.clone() };
            if fails(&smaller, &operations) {
                case = smaller;
                break;
            }
        }
        if operations.len() == before {
            break;
        }
    }
    let outcome = run(&case, &operations, off, true);
    Shrunk { case, operations, outcome }
}
