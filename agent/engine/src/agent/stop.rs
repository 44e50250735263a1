//! Ask the agent to end and wait until it has. What it saves just now it saves to the end. Only one that does not end at
//! all is ended by force, which loses nothing either: the next command finishes what was begun.

use std::path::Path;

use kitbag_core::finding::Finding;
use kitbag_platform::process::Processes;

use super::client::Client;
use super::place;
use crate::doors::Doors;
use crate::error::{EngineError, show};

/// How often to look whether it has ended; milliseconds.
const TURN: u64 = 50;
/// When somebody should be told what is waited for; milliseconds.
const TELL: i64 = 1_000;
/// How long one that was ended by force may take to be gone; milliseconds.
const BY_FORCE: i64 = 10_000;

/// What stopping came to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Stopped {
    /// There was none.
    NotRunning,
    /// It ended.
    Ended,
    /// It did not end by itself.
    ByForce,
}

/// Stop the agent of a state root. `wait_seconds` is how long it may take; `waiting` is called once when it takes more
/// than a moment.
///
/// # Errors
/// It cannot be asked, or does not end by force either.
pub fn stop(
    home: &Path,
    doors: &Doors,
    processes: &dyn Processes,
    wait_seconds: u64,
    waiting: &dyn Fn(),
) -> Result<Stopped, EngineError> {
    if !place::runs(home)? {
        return Ok(Stopped::NotRunning);
    }
    // one that answers needs no file, which a later one could find
    let asked = Client::connect(home).and_then(|mut agent| agent.stop().ok().map(|()| agent.about().process));
    let wait = i64::try_from(wait_seconds).unwrap_or(i64::MAX).saturating_mul(1_000);
    let ended = ended(home, doors, wait, asked, waiting);
    let stopped = match ended {
        Ok(true) => Ok(Stopped::Ended),
        Ok(false) => by_force(home, doors, processes),
        Err(error) => Err(error),
    };
    place::forget_stop(home, doors);
    stopped
}

/// Whether it has ended within so many milliseconds; `asked` is its process where it said that it will.
fn ended(
    home: &Path,
    doors: &Doors,
    within: i64,
    asked: Option<u32>,
    waiting: &dyn Fn(),
) -> Result<bool, EngineError> {
    let begun = doors.clock.now_millis();
    let mut told = false;
    while place::runs(home)? {
        // somebody may have started another one already
        if asked.is_some_and(|asked| place::signed(home, doors).is_some_and(|now| now.pid != asked)) {
            return Ok(true);
        }
        let passed = doors.clock.now_millis().saturating_sub(begun);
        // again and again: one that only begins takes an old request away
        if asked.is_none() || passed >= TELL {
            place::ask_to_stop(home, doors)?;
        }
        if passed < 0 || passed >= within {
            return Ok(false);
        }
        if passed >= TELL && !told {
            told = true;
            waiting();
        }
        doors.clock.sleep(TURN);
    }
    Ok(true)
}

fn by_force(home: &Path, doors: &Doors, processes: &dyn Processes) -> Result<Stopped, EngineError> {
    if let Some(id) = place::signed(home, doors) {
        processes.kill(&id).map_err(EngineError::io("cannot end the background agent of", home))?;
        if ended(home, doors, BY_FORCE, None, &|| {})? {
            return Ok(Stopped::ByForce);
        }
    }
    Err(EngineError::Failed(Finding::new(
        "the background agent does not end",
        "It was asked to, and could not be ended by force.",
        format!(
            "What it does stands in {}. It ends with the computer at the latest.",
            show(place::log(home))
        ),
    )))
}
