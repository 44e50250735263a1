//! The door to other programs. What kitbag starts goes on without it, writes to a log file, and is found
//! again by process id *and* start time, because ids are used again. Programs get exactly the environment
//! they are given.

mod brief;
mod find;
mod interrupt;
mod own;
mod port;
mod real;
mod simulated;
#[cfg(unix)]
#[path = "real_unix.rs"]
mod system;
#[cfg(windows)]
#[path = "real_windows.rs"]
mod system;

use std::ffi::OsString;
use std::io;
use std::path::PathBuf;

use serde::{Deserialize, Serialize};

pub use brief::{Brief, brief};
pub use find::find_program;
pub use interrupt::{interrupted, notice_interrupt};
pub use own::{own_program, search_path};
pub use port::{PortState, Ports, RealPorts, SimulatedPorts, free_port, port_answers};
pub use real::RealProcesses;
pub use simulated::SimulatedProcesses;

/// A program to start.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Launch {
    /// The program file, an absolute path: see [`find_program`].
    pub program: PathBuf,
    /// Its arguments, each passed as it is; no shell reads them.
    pub arguments: Vec<OsString>,
    /// Its whole environment. On Windows `SystemRoot` is added when it is missing: hardly a program starts
    /// without.
    pub environment: Vec<(OsString, OsString)>,
    /// The folder it starts in.
    pub folder: PathBuf,
    /// What it says, errors too, is added to this file. Its folder must exist.
    pub log: PathBuf,
}

/// One process, told from a later one of the same number.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct ProcessId {
    /// The number the system gave it.
    pub pid: u32,
    /// When it started, as exactly as this system says it. Only compared.
    pub started: String,
}

/// Starting, watching and ending programs.
pub trait Processes: Send + Sync {
    /// Start a program that does not end with us: its own session and process group, nothing on its
    /// standard input.
    ///
    /// # Errors
    /// What the system says: [`io::ErrorKind::NotFound`] without program or folder,
    /// [`io::ErrorKind::PermissionDenied`] when it may not be run.
    fn spawn(&self, launch: &Launch) -> io::Result<ProcessId>;

    /// Whether it still runs. One that has ended and was not asked for its end yet does not.
    fn alive(&self, id: &ProcessId) -> bool;

    /// Ask it and those it started to end (`SIGTERM`; on Windows the close message of `taskkill`). Returns
    /// at once. Fine when it has ended already.
    ///
    /// # Errors
    /// [`io::ErrorKind::PermissionDenied`]; [`io::ErrorKind::Unsupported`] for a Windows program without a
    /// window, which cannot be asked: [`Processes::kill`] it.
    fn end(&self, id: &ProcessId) -> io::Result<()>;

    /// End it and those it started, now. Fine when it has ended already; on Linux what it left running is
    /// ended then.
    ///
    /// # Errors
    /// [`io::ErrorKind::PermissionDenied`].
    fn kill(&self, id: &ProcessId) -> io::Result<()>;
}

/// Let a program about to be started by this thread end when the thread does, however that ends: kitbag interrupted or
/// killed leaves none behind. Only on Linux; elsewhere it sees that nobody reads what it says.
pub fn end_with_us(command: &mut std::process::Command) {
    #[cfg(target_os = "linux")]
    system::end_with_us(command);
    #[cfg(not(target_os = "linux"))]
    let _ = command;
}

/// Let a program about to be started lead a group of its own: no Ctrl-C or end meant for us reaches it, and
/// [`Processes::end`] reaches those it starts. Its streams stay as they were set.
pub fn apart(command: &mut std::process::Command) {
    system::apart(command);
}

/// Go on as another program, in the place of this one and with its standard streams. Only comes back when that fails, or
/// where a system knows no such thing (Windows): then it was started beside this one, which is to end.
///
/// # Errors
/// What the system says: [`io::ErrorKind::NotFound`] without the program, and so on.
pub fn go_on_as(launch: &Launch) -> io::Result<()> {
    #[cfg(unix)]
    {
        use std::os::unix::process::CommandExt;
        let mut command = std::process::Command::new(&launch.program);
        command.args(&launch.arguments).env_clear().current_dir(&launch.folder);
        Err(command.envs(launch.environment.iter().map(|(name, value)| (name, value))).exec())
    }
    #[cfg(windows)]
    RealProcesses::new().spawn(launch).map(drop)
}

/// The process that has this number now, to be told from a later one; none when there is none.
pub fn identity(pid: u32) -> Option<ProcessId> {
    system::started(pid).map(|started| ProcessId { pid, started })
}

#[cfg(all(test, unix))]
mod tests;
