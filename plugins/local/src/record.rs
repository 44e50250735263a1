//! What is remembered of an environment: one entry of the plugin's state each, written before anything is done
//! in its name, so that a leftover of a crash can always be found. Pids are not here: the host remembers them
//! by name, with their start time.

use std::collections::{BTreeMap, BTreeSet};

use kitbag_sdk::{EnvRef, Fault, FaultCode, log, state};
use serde::{Deserialize, Serialize};

use crate::source::Source;

const PREFIX: &str = "env/";

/// One environment.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Record {
    /// Whose work it is.
    pub workspace: String,
    /// The machine it runs on.
    pub machine: String,
    /// Its name among those of the workspace.
    pub name: String,
    /// Of the source it was made from.
    pub fingerprint: String,
    /// What it was made from.
    pub source: Source,
    /// The port each service was started with.
    pub ports: BTreeMap<String, u16>,
    /// Variables for every program in it.
    pub env: Vec<(String, String)>,
    /// Between start and stop.
    pub started: bool,
    /// Optional services that could not be started: name and why.
    pub missing: BTreeMap<String, String>,
}

impl Record {
    /// A new one, not started.
    pub fn new(id: &EnvRef, source: Source) -> Self {
        Self {
            workspace: id.workspace.clone(),
            machine: id.machine.clone(),
            name: id.name.clone(),
            fingerprint: source.fingerprint(),
            source,
            ports: BTreeMap::new(),
            env: Vec::new(),
            started: false,
            missing: BTreeMap::new(),
        }
    }

    /// What was remembered, if anything.
    ///
    /// # Errors
    /// The host's, or `internal` for an entry that cannot be read.
    pub fn load(id: &EnvRef) -> Result<Option<Self>, Fault> {
        match state::get(&key(id))? {
            None => Ok(None),
            Some(bytes) => serde_json::from_slice(&bytes).map(Some).map_err(|error| {
                Fault::new(FaultCode::Internal, "What was noted about this environment cannot be read.")
                    .detail(error.to_string())
                    .remedy_command("Make it afresh; your work stays.", &["kitbag", "reset"])
            }),
        }
    }

    /// As [`Record::load`], where an environment must be.
    ///
    /// # Errors
    /// `not-found` when there is none.
    pub fn expect(id: &EnvRef) -> Result<Self, Fault> {
        Self::load(id)?.ok_or_else(|| {
            Fault::new(FaultCode::NotFound, "This environment does not exist on this computer.")
                .remedy_command("Start it.", &["kitbag", "up"])
        })
    }

    /// Remember a new one. Gives what was there already, and leaves it.
    ///
    /// # Errors
    /// The host's.
    pub fn insert(&self, id: &EnvRef) -> Result<Option<Self>, Fault> {
        if state::compare_and_set(&key(id), None, Some(&self.bytes()?))? { Ok(None) } else { Self::load(id) }
    }

    /// Remember this state of it.
    ///
    /// # Errors
    /// The host's.
    pub fn save(&self, id: &EnvRef) -> Result<(), Fault> {
        state::set(&key(id), &self.bytes()?)
    }

    fn bytes(&self) -> Result<Vec<u8>, Fault> {
        serde_json::to_vec(self).map_err(|error| {
            Fault::new(FaultCode::Internal, "The environment could not be noted.").detail(error.to_string())
        })
    }
}

/// Forget it. One not remembered is no fault.
///
/// # Errors
/// The host's.
pub fn remove(id: &EnvRef) -> Result<(), Fault> {
    let key = key(id);
    while let Some(old) = state::get(&key)? {
        if state::compare_and_set(&key, Some(&old), None)? {
            break;
        }
    }
    Ok(())
}

/// Every environment remembered.
///
/// # Errors
/// The host's.
pub fn all() -> Result<Vec<EnvRef>, Fault> {
    let mut found = BTreeSet::new();
    for key in state::keys(PREFIX)? {
        let bytes = state::get(&key)?.unwrap_or_default();
        match serde_json::from_slice::<Record>(&bytes) {
            Ok(record) => drop(found.insert((record.workspace, record.machine, record.name))),
            Err(error) => log::write(log::Level::Warn, &format!("unreadable entry {key}: {error}")),
        }
    }
    Ok(found.into_iter().map(|(workspace, machine, name)| EnvRef { workspace, machine, name }).collect())
}

fn key(id: &EnvRef) -> String {
    format!("{PREFIX}{}", process_prefix(id))
}

/// How the names of its processes begin.
pub fn process_prefix(id: &EnvRef) -> String {
    format!("{}.{}.{}.", plain(&id.workspace), plain(&id.machine), plain(&id.name))
}

/// One to one into lower-case letters, digits, `-` and `_`: these become file names on every system.
fn plain(text: &str) -> String {
    let mut out = String::new();
    for byte in text.bytes() {
        match byte {
            b'a'..=b'z' | b'0'..=b'9' | b'-' => out.push(char::from(byte)),
            _ => out.push_str(&format!("_{byte:02x}")),
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    fn id(workspace: &str, machine: &str, name: &str) -> EnvRef {
        EnvRef { workspace: workspace.into(), machine: machine.into(), name: name.into() }
    }

    #[test]
    fn names_never_meet() {
        let all = [
            id("a", "b", "c"),
            id("a.b", "", "c"),
            id("A", "b", "c"),
            id("a_", "b", "c"),
            id("a", "b", "c/d"),
        ];
        let prefixes: BTreeSet<_> = all.iter().map(process_prefix).collect();
        assert_eq!(prefixes.len(), all.len());
        assert!(
            prefixes.iter().all(|p| p
                .chars()
                .all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || "-_.".contains(c)))
        );
    }
}
