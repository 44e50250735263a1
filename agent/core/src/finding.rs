//! Bad news for a person: what happened, why, and what to do about it. Every error ends up as one of these, and
//! the command line, the page and the log show the same words.

use serde::{Deserialize, Serialize};

/// One piece of news that needs somebody.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Finding {
    /// What happened, one plain sentence.
    pub what: String,
    /// Why, as far as it is known.
    pub why: String,
    /// What to do, a full sentence.
    pub remedy: String,
}

impl Finding {
    /// All three parts.
    pub fn new(what: impl Into<String>, why: impl Into<String>, remedy: impl Into<String>) -> Self {
        Finding { what: what.into(), why: why.into(), remedy: remedy.into() }
    }
}

/// How a command ends; several at once end with the first that applies.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Exit {
    /// A bug of ours: 70.
    Bug,
    /// It failed, or the person is needed: 1.
    Failed,
    /// The command line does not fit: 2.
    Usage,
    /// Something is missing on this machine (a program, a grant, space): 5.
    Missing,
    /// Done, but conflicts wait for an answer: 3.
    Conflicts,
    /// The share has not delivered everything a record names: 4.
    Waiting,
    /// Done: 0.
    Done,
    /// What a command run for the person ended with.
    Passed(u8),
}

impl Exit {
    /// The number the program ends with.
    pub fn code(self) -> u8 {
        match self {
            Exit::Bug => 70,
            Exit::Failed => 1,
            Exit::Usage => 2,
            Exit::Missing => 5,
            Exit::Conflicts => 3,
            Exit::Waiting => 4,
            Exit::Done => 0,
            Exit::Passed(code) => code,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_worst_comes_first() {
        let order = [Exit::Bug, Exit::Failed, Exit::Missing, Exit::Conflicts, Exit::Waiting, Exit::Done];
        assert!(order.is_sorted());
        assert_eq!(order.map(Exit::code), [70, 1, 5, 3, 4, 0]);
    }
}
