//! The state of a simulated computer's disk: on or off, how full, and which coming call is to fail. Every
//! call passes here once before it does anything, so that a test can count them and stop at each.

use std::io::{self, ErrorKind};
use std::sync::{Mutex, MutexGuard, PoisonError};

use super::tree::{Tree, error};
use crate::clock::SimulatedClock;

/// How a call that was told to fail does so.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Failure {
    /// The call fails with this error and changes nothing. The next one works.
    Error(ErrorKind),
    /// The program dies in this call: it and all later calls fail. A call that writes bytes has written half
    /// of them, another has done nothing.
    Crash,
}

/// What a mutating call is to do.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Outcome {
    Works,
    Dies,
}

impl Outcome {
    /// The answer of a call that leaves something half done when the program dies in it.
    pub(super) fn done<T>(self, value: T) -> io::Result<T> {
        self.unless_dead()?;
        Ok(value)
    }

    /// Leave when the program dies here.
    pub(super) fn unless_dead(self) -> io::Result<()> {
        match self {
            Outcome::Works => Ok(()),
            Outcome::Dies => Err(dead()),
        }
    }
}

fn dead() -> io::Error {
    io::Error::other("the simulated program has died")
}

pub(super) struct State {
    pub(super) tree: Tree,
    /// All calls, looks too.
    pub(super) calls: u64,
    pub(super) mutations: u64,
    /// Ordered by the number of a mutating call.
    pub(super) failures: Vec<(u64, Failure)>,
    /// Ordered by the number of any call.
    pub(super) failing_calls: Vec<(u64, Failure)>,
    pub(super) capacity: Option<u64>,
    pub(super) read_only: bool,
    pub(super) can_exchange: bool,
    /// Counts restarts; a handle of an earlier one is dead.
    pub(super) session: u64,
    pub(super) crashed: bool,
}

/// A panic of one test thread does not make the disk unusable for the others.
pub(super) fn lock<T>(state: &Mutex<T>) -> MutexGuard<'_, T> {
    state.lock().unwrap_or_else(PoisonError::into_inner)
}

fn take(failures: &mut Vec<(u64, Failure)>, number: u64) -> Option<Failure> {
    let at = failures.iter().position(|(nth, _)| *nth == number)?;
    Some(failures.swap_remove(at).1)
}

impl State {
    /// Before a call that only looks.
    pub(super) fn look(&mut self, session: Option<u64>) -> io::Result<()> {
        self.alive(session)?;
        self.calls += 1;
        let told = take(&mut self.failing_calls, self.calls);
        self.told(told)?.unless_dead()
    }

    /// Before a call that changes something or makes it durable.
    pub(super) fn step(&mut self, session: Option<u64>) -> io::Result<Outcome> {
        self.alive(session)?;
        self.calls += 1;
        self.mutations += 1;
        let told = take(&mut self.failing_calls, self.calls);
        let told = told.or_else(|| take(&mut self.failures, self.mutations));
        let outcome = self.told(told)?;
        if outcome == Outcome::Works && self.read_only {
            return error(ErrorKind::ReadOnlyFilesystem);
        }
        Ok(outcome)
    }

    fn alive(&self, session: Option<u64>) -> io::Result<()> {
        match self.crashed || session.is_some_and(|session| session != self.session) {
            true => Err(dead()),
            false => Ok(()),
        }
    }

    fn told(&mut self, told: Option<Failure>) -> io::Result<Outcome> {
        match told {
            None => Ok(Outcome::Works),
            Some(Failure::Error(kind)) => error(kind),
            Some(Failure::Crash) => {
                self.crashed = true;
                Ok(Outcome::Dies)
            }
        }
    }

    /// How many of so many bytes still fit; at least one of them.
    pub(super) fn room(&mut self, wanted: usize) -> io::Result<usize> {
        match usize::try_from(self.free()).unwrap_or(usize::MAX) {
            0 if wanted > 0 => error(ErrorKind::StorageFull),
            free => Ok(free.min(wanted)),
        }
    }

    /// Bytes free.
    pub(super) fn free(&mut self) -> u64 {
        let Some(capacity) = self.capacity else { return u64::MAX };
        self.tree.sweep();
        capacity.saturating_sub(self.tree.used)
    }

    /// The same disk in another computer.
    pub(super) fn copy(&self, clock: SimulatedClock) -> Self {
        State {
            tree: self.tree.copy(clock),
            failures: Vec::new(),
            failing_calls: Vec::new(),
            crashed: false,
            session: self.session + 1,
            ..*self
        }
    }

    /// A new program starts on this disk.
    pub(super) fn restart(&mut self) {
        self.session += 1;
        self.crashed = false;
        self.failures.clear();
        self.failing_calls.clear();
        self.tree.open.clear();
    }
}
