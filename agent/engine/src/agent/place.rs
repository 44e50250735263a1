//! The agent's own files, in a folder of the state root. Two locks, both held by the system and let go of however the agent
//! ends: one while it lives, one while it saves. So nobody is ever misled by a file that was left over. A third file asks
//! it to end; that works on every system, also where programs cannot be sent a signal.

use std::io::{Read, Write};
use std::path::{Path, PathBuf};

use kitbag_platform::lock::Lock;
use kitbag_platform::process::{ProcessId, identity};
use serde::{Deserialize, Serialize};

use crate::doors::Doors;
use crate::error::EngineError;

/// Where they lie.
pub fn folder(home: &Path) -> PathBuf {
    home.join("agent")
}

/// Held while an agent lives.
pub(super) fn life(home: &Path) -> PathBuf {
    folder(home).join("lock")
}

/// Held while it saves.
pub(super) fn saving(home: &Path) -> PathBuf {
    folder(home).join("saving")
}

/// What it says.
pub fn log(home: &Path) -> PathBuf {
    folder(home).join("agent.log")
}

fn stop(home: &Path) -> PathBuf {
    folder(home).join("stop")
}

fn process(home: &Path) -> PathBuf {
    folder(home).join("process.json")
}

/// Make the folder. The state root itself is there or nothing is made: one that was taken away stays away.
///
/// # Errors
/// It cannot be made.
pub(super) fn make(home: &Path, doors: &Doors) -> Result<(), EngineError> {
    let folder = folder(home);
    match doors.disk.create_dir(&folder) {
        Err(error) if error.kind() != std::io::ErrorKind::AlreadyExists => {
            Err(EngineError::io("cannot make", &folder)(error))
        }
        _ => Ok(()),
    }
}

/// Whether an agent lives here.
///
/// # Errors
/// The system does not tell.
pub fn runs(home: &Path) -> Result<bool, EngineError> {
    let lock = life(home);
    Lock::is_held(&lock).map_err(EngineError::io("cannot look at", &lock))
}

/// Whether it saves right now; what cannot be told is no.
pub fn saves(home: &Path) -> bool {
    Lock::is_held(&saving(home)).unwrap_or(false)
}

/// Ask it to end.
///
/// # Errors
/// The request cannot be written.
pub(super) fn ask_to_stop(home: &Path, doors: &Doors) -> Result<(), EngineError> {
    let file = stop(home);
    match doors.disk.create(&file).and_then(|open| open.finish(false)) {
        Err(error) if error.kind() != std::io::ErrorKind::AlreadyExists => {
            Err(EngineError::io("cannot write", &file)(error))
        }
        _ => Ok(()),
    }
}

/// Whether it was asked to.
pub(super) fn asked_to_stop(home: &Path, doors: &Doors) -> bool {
    doors.disk.stat(&stop(home)).is_ok()
}

/// A request that was followed, or meant another.
pub(super) fn forget_stop(home: &Path, doors: &Doors) {
    // one that stays ends the next agent, which is started again
    let _ = doors.disk.remove(&stop(home));
}

/// Who the agent is, or was.
#[derive(Serialize, Deserialize)]
struct Signed {
    #[serde(flatten)]
    id: ProcessId,
    /// It stays when no session is open.
    #[serde(default)]
    stay: bool,
}

/// Note who the agent is: this process.
///
/// # Errors
/// It cannot be written.
pub(super) fn sign(home: &Path, stay: bool, doors: &Doors) -> Result<(), EngineError> {
    let (file, pid) = (process(home), std::process::id());
    let Some(id) = identity(pid) else { return Ok(()) };
    let text = serde_json::to_string(&Signed { id, stay }).unwrap_or_default();
    let _ = doors.disk.remove(&file);
    let written = doors.disk.create(&file).and_then(|mut open| {
        open.write_all(text.as_bytes())?;
        open.finish(false)
    });
    written.map(drop).map_err(EngineError::io("cannot write", &file))
}

fn read(home: &Path, doors: &Doors) -> Option<Signed> {
    let mut text = String::new();
    doors.disk.open(&process(home)).ok()?.take(1024).read_to_string(&mut text).ok()?;
    serde_json::from_str(&text).ok()
}

/// The process of the agent, or of the last one.
pub(super) fn signed(home: &Path, doors: &Doors) -> Option<ProcessId> {
    Some(read(home, doors)?.id)
}

/// Whether the agent, or the last one, stays when no session is open. One that has just begun may not have signed yet.
pub(super) fn signed_to_stay(home: &Path, doors: &Doors) -> bool {
    read(home, doors).is_some_and(|signed| signed.stay)
}
