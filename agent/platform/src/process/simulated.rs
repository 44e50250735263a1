//! Programs that only seem to run. A test says which can be started and which do not listen when asked to
//! end, lets them die, and looks at what was started.

use std::collections::{BTreeMap, BTreeSet};
use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use super::{Launch, ProcessId, Processes};

/// The first number given; above those real systems give to themselves.
const FIRST: u32 = 1000;

#[derive(Debug, Default)]
struct Table {
    programs: BTreeSet<PathBuf>,
    stubborn: BTreeSet<PathBuf>,
    started: Vec<(ProcessId, Launch)>,
    running: BTreeMap<ProcessKey, PathBuf>,
}

type ProcessKey = (u32, String);

/// Programs that only seem to run. Copies of it are the same computer.
#[derive(Debug, Clone, Default)]
pub struct SimulatedProcesses(Arc<Mutex<Table>>);

impl SimulatedProcesses {
    /// A computer without programs.
    pub fn new() -> Self {
        Self::default()
    }

    /// Install a program at this path.
    pub fn install(&self, program: &Path) {
        self.table().programs.insert(program.to_owned());
    }

    /// Let a program pass over [`Processes::end`].
    pub fn set_stubborn(&self, program: &Path) {
        self.table().stubborn.insert(program.to_owned());
    }

    /// Let a process end by itself.
    pub fn die(&self, id: &ProcessId) {
        self.table().running.remove(&key(id));
    }

    /// Switch the computer off and on: nothing runs any more.
    pub fn reboot(&self) {
        self.table().running.clear();
    }

    /// All that was ever started, oldest first.
    pub fn started(&self) -> Vec<(ProcessId, Launch)> {
        self.table().started.clone()
    }

    fn table(&self) -> MutexGuard<'_, Table> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn key(id: &ProcessId) -> ProcessKey {
    (id.pid, id.started.clone())
}

impl Processes for SimulatedProcesses {
    fn spawn(&self, launch: &Launch) -> io::Result<ProcessId> {
        let mut table = self.table();
        if !table.programs.contains(&launch.program) {
            return Err(io::ErrorKind::NotFound.into());
        }
        // The lowest number nobody has, so that numbers are used again as real systems do.
        let pid = (FIRST..).find(|pid| table.running.keys().all(|(taken, _)| taken != pid)).unwrap_or(FIRST);
        let id = ProcessId { pid, started: table.started.len().to_string() };
        table.started.push((id.clone(), launch.clone()));
        table.running.insert(key(&id), launch.program.clone());
        Ok(id)
    }

    fn alive(&self, id: &ProcessId) -> bool {
        self.table().running.contains_key(&key(id))
    }

    fn end(&self, id: &ProcessId) -> io::Result<()> {
        let mut table = self.table();
        let stubborn = table.running.get(&key(id)).is_some_and(|program| table.stubborn.contains(program));
        if !stubborn {
            table.running.remove(&key(id));
        }
        Ok(())
    }

    fn kill(&self, id: &ProcessId) -> io::Result<()> {
        self.die(id);
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_used_again_and_told_apart() {
        let processes = SimulatedProcesses::new();
        let launch = Launch {
            program: "/bin/tool".into(),
            arguments: Vec::new(),
            environment: Vec::new(),
            folder: "/".into(),
            log: "/log".into(),
        };
        assert_eq!(processes.spawn(&launch).unwrap_err().kind(), io::ErrorKind::NotFound);
        processes.install(&launch.program);
        let first = processes.spawn(&launch).unwrap();
        assert!(processes.alive(&first));
        processes.end(&first).unwrap();
        let second = processes.spawn(&launch).unwrap();
        assert_eq!(first.pid, second.pid);
        assert!(!processes.alive(&first) && processes.alive(&second));
        processes.set_stubborn(&launch.program);
        processes.end(&second).unwrap();
        assert!(processes.alive(&second));
        processes.kill(&second).unwrap();
        assert!(!processes.alive(&second));
        let third = processes.spawn(&launch).unwrap();
        processes.reboot();
        assert!(!processes.alive(&third));
        assert_eq!(processes.started().len(), 3);
    }
}
