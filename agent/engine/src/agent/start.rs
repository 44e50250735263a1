//! Start the agent as a program that stays when this one ends, and wait the moment it takes until it lives: whoever asks
//! for it next finds it. Two that start at once leave one: the system gives its lock to one of them.

use std::ffi::OsString;
use std::path::Path;

use kitbag_core::finding::Finding;
use kitbag_platform::process::{Launch, Processes};

use super::client::Client;
use super::place;
use crate::doors::Doors;
use crate::error::{EngineError, show};

/// How long to wait until it lives; milliseconds.
const PATIENCE: i64 = 5_000;
/// How long the system may take to clear away a process that was killed, and an agent to listen; milliseconds.
const SILENT: i64 = 2_000;
/// How often to look; milliseconds.
const TURN: u64 = 10;

/// What starting came to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Started {
    /// It was there already.
    Already,
    /// It lives now.
    Now,
}

/// Start the agent of a state root where there is none. `arguments` make `program` one; it gets the surroundings given,
/// and no secret among its arguments, which others can read.
///
/// # Errors
/// The program cannot be started, or ended at once.
pub fn start(
    home: &Path,
    doors: &Doors,
    processes: &dyn Processes,
    program: &Path,
    arguments: Vec<OsString>,
    environment: Vec<(OsString, OsString)>,
) -> Result<Started, EngineError> {
    if stays(home, doors)?.is_some() {
        return Ok(Started::Already);
    }
    place::make(home, doors)?;
    let launch = Launch {
        program: program.to_owned(),
        arguments,
        environment,
        // in use as long as the program runs anyway: it keeps no other folder from being removed
        folder: program.parent().unwrap_or(home).to_owned(),
        log: place::log(home),
    };
    let id = processes.spawn(&launch).map_err(EngineError::io("cannot start", program))?;
    let begun = doors.clock.now_millis();
    loop {
        let alive = processes.alive(&id);
        // looked at after that: one that ended may have left it to another
        if stays(home, doors)?.is_some() {
            return Ok(if alive { Started::Now } else { Started::Already });
        }
        let over = !(0..PATIENCE).contains(&(doors.clock.now_millis() - begun));
        if !alive || over {
            return Err(EngineError::Failed(Finding::new(
                "the background agent did not start",
                "Your work is saved when you type `kitbag sync` or `kitbag done`, but not by itself.",
                format!("Try `kitbag agent start`; what it said stands in {}.", show(&launch.log)),
            )));
        }
        doors.clock.sleep(TURN);
    }
}

/// Whether the agent stays when no session is open; none: no agent lives. What holds the lock is waited for until it
/// listens. What is left of a process that was killed looks alive until the system has cleared it away, and answers
/// nobody; one that has just begun has not yet said what it is. One that goes on and is silent counts: it may be older than
/// the socket, or have no room for one.
///
/// # Errors
/// The system does not tell.
pub fn stays(home: &Path, doors: &Doors) -> Result<Option<bool>, EngineError> {
    let begun = doors.clock.steady_millis();
    while place::runs(home)? {
        if let Some(agent) = Client::connect(home) {
            return Ok(Some(agent.about().stay));
        }
        if doors.clock.steady_millis() - begun > SILENT {
            return Ok(Some(place::signed_to_stay(home, doors)));
        }
        doors.clock.sleep(TURN);
    }
    Ok(None)
}
