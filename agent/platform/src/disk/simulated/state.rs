//! The state of a simulated computer's disk: on or off, how full, and which coming call is to fail. Every
//! call passes here once before it does anything, so that a test can count them and stop at each.

use std::io::{self, ErrorKind};
use std::sync::{Mutex, MutexGuard, PoisonError};

use super::tree::{Tree, error};

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
    pub(super) mutations: u64,
    pub(super) failures: Vec<(u64, Failure)>,
    pub(super) capacity: Option<u64>,
    pub(super) read_only: bool,
    pub(super) can_exchange: bool,
    /// Counts restarts; a handle of an earlier one is dead.
    pub(super) session: u64,
    pub(super) crashed: bool,
}

/// A panic of one test thread does not make the disk unusable for the others.
pub(super) fn lock(state: &Mutex<State>) -> MutexGuard<'_, State> {
    state.lock().unwrap_or_else(PoisonError::into_inner)
}

impl State {
    /// Before a call that only looks.
    pub(super) fn look(&self, session: Option<u64>) -> io::Result<()> {
        match self.crashed || session.is_some_and(|session| session != self.session) {
            true => Err(dead()),
            false => Ok(()),
        }
    }

    /// Before a call that changes something or makes it durable.
    pub(super) fn step(&mut self, session: Option<u64>) -> io::Result<Outcome> {
        self.look(session)?;
        self.mutations += 1;
        let now = self.mutations;
        if let Some(at) = self.failures.iter().position(|(nth, _)| *nth == now) {
            match self.failures.swap_remove(at).1 {
                Failure::Error(kind) => return error(kind),
                Failure::Crash => {
                    self.crashed = true;
                    return Ok(Outcome::Dies);
                }
            }
        }
        if self.read_only {
            return error(ErrorKind::ReadOnlyFilesystem);
        }
        Ok(Outcome::Works)
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

    /// A new program starts on this disk.
    pub(super) fn restart(&mut self) {
        self.session += 1;
        self.crashed = false;
        self.failures.clear();
        self.tree.open.clear();
    }
}
