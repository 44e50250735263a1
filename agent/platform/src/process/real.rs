//! The programs of this computer. Detaching, identity and signals differ by system and lie in its own file;
//! here is what they share: the log file, the environment, and asking our own children for their end, so that
//! none stays behind as a zombie while kitbag runs.

use std::collections::HashMap;
use std::fs::OpenOptions;
use std::io;
use std::process::{Child, Command, Stdio};
use std::sync::{Mutex, PoisonError};

use super::{Launch, ProcessId, Processes, system};

/// The programs of this computer.
#[derive(Debug, Default)]
pub struct RealProcesses {
    /// Those we started ourselves, until they ended.
    children: Mutex<HashMap<u32, Child>>,
}

impl RealProcesses {
    /// Nothing started yet.
    pub fn new() -> Self {
        Self::default()
    }

    /// Ask our children whether they ended, which frees their numbers.
    fn reap(&self) {
        let mut children = self.children.lock().unwrap_or_else(PoisonError::into_inner);
        children.retain(|_, child| matches!(child.try_wait(), Ok(None)));
    }
}

impl Processes for RealProcesses {
    fn spawn(&self, launch: &Launch) -> io::Result<ProcessId> {
        if !launch.program.is_absolute() {
            return Err(io::Error::new(io::ErrorKind::InvalidInput, "the program's path is not absolute"));
        }
        self.reap();
        let log = OpenOptions::new().append(true).create(true).open(&launch.log)?;
        let mut command = Command::new(&launch.program);
        command
            .args(&launch.arguments)
            .env_clear()
            .envs(launch.environment.iter().map(|(name, value)| (name, value)))
            .current_dir(&launch.folder)
            .stdin(Stdio::null())
            .stdout(log.try_clone()?)
            .stderr(log);
        let mut child = system::spawn_detached(&mut command, launch)?;
        let pid = child.id();
        // Held as our child, its number cannot be given to another yet, even when it has ended already.
        let Some(started) = system::started(pid) else {
            let _ = child.kill();
            let _ = child.wait();
            return Err(io::Error::other("the system does not say when the program started"));
        };
        self.children.lock().unwrap_or_else(PoisonError::into_inner).insert(pid, child);
        Ok(ProcessId { pid, started })
    }

    fn alive(&self, id: &ProcessId) -> bool {
        self.reap();
        system::runs(id)
    }

    fn end(&self, id: &ProcessId) -> io::Result<()> {
        system::end(id)?;
        self.reap();
        Ok(())
    }

    fn kill(&self, id: &ProcessId) -> io::Result<()> {
        system::kill(id)?;
        self.reap();
        Ok(())
    }
}
