//! The doors a plugin's capabilities lead to. The engine opens them with the platform's and the store's means;
//! plugin-host checks grants, names, sizes and limits before it knocks, so a door only does what it is asked.
//! A door is made for one plugin and one workspace. Functions that are not futures must return promptly.

use std::path::{Path, PathBuf};

use kitbag_core::path::WorkPath;
use serde::{Deserialize, Serialize};
use tokio::io::{AsyncRead, AsyncWrite};

use crate::backend::BoxFuture;
use crate::fault::Fault;

/// Bytes to read.
pub type ByteReader = Box<dyn AsyncRead + Send + Unpin>;
/// Where bytes go.
pub type ByteWriter = Box<dyn AsyncWrite + Send + Unpin>;

/// Bytes both ways: shutting it down for writing leaves reading open.
pub trait Duplex: AsyncRead + AsyncWrite + Send + Unpin {}

impl<T: AsyncRead + AsyncWrite + Send + Unpin> Duplex for T {}

/// A connection.
pub type Connection = Box<dyn Duplex>;

/// A program to start, everything filled in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Launch {
    /// The bare name that was granted.
    pub program: String,
    /// Folders to look for it in before anywhere else, in this order; programs it starts itself find theirs so too.
    pub program_folders: Vec<PathBuf>,
    /// Its arguments, without the program.
    pub args: Vec<String>,
    /// On top of what the door gives every program; a later one of the same name wins.
    pub env: Vec<(String, String)>,
    /// Where to start it. None: the door's choice.
    pub folder: Option<PathBuf>,
}

/// A process, told apart from a later one with the same pid.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ProcessId {
    /// The system's number.
    pub pid: u32,
    /// When it started, in the door's own words.
    pub started: String,
}

/// Bytes of a log.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LogBytes {
    /// The bytes.
    pub bytes: Vec<u8>,
    /// Where they begin in the log.
    pub start: u64,
}

/// Programs of this machine.
pub trait ProcessDoor: Send + Sync {
    /// Whether the program exists here, in one of these folders or where the door looks by itself.
    ///
    /// # Errors
    /// When it cannot be found out.
    fn available(&self, program: &str, folders: &[PathBuf]) -> Result<bool, Fault>;

    /// Start it detached: it stays when kitbag ends. No input; output and errors are appended to the log of this
    /// name (letters, digits, `.`, `-`, `_`), emptied first.
    ///
    /// # Errors
    /// `missing-tool` where the program is not here; else what kept it.
    fn spawn(&self, launch: &Launch, log: &str) -> Result<ProcessId, Fault>;

    /// Whether it lives. One that ended and was not collected is dead.
    ///
    /// # Errors
    /// When it cannot be found out.
    fn alive(&self, process: &ProcessId) -> Result<bool, Fault>;

    /// Ask it, and what it started, to end.
    ///
    /// # Errors
    /// What kept it; one that has ended is no fault.
    fn end(&self, process: &ProcessId) -> Result<(), Fault>;

    /// End it, and what it started, at once.
    ///
    /// # Errors
    /// What kept it; one that has ended is no fault.
    fn kill(&self, process: &ProcessId) -> Result<(), Fault>;

    /// At most `most` bytes of a log, from `start` or (none) from its end backwards. None: no such log.
    ///
    /// # Errors
    /// When it cannot be read.
    fn read_log(&self, log: &str, start: Option<u64>, most: usize) -> Result<Option<LogBytes>, Fault>;

    /// Remove a log. An absent one is no fault.
    ///
    /// # Errors
    /// When it cannot be removed.
    fn remove_log(&self, log: &str) -> Result<(), Fault>;

    /// Run it to its end and carry its streams. Gives the exit code; none: ended by a signal. Dropping the future
    /// kills it and what it started.
    fn run<'a>(
        &'a self,
        launch: &'a Launch,
        stdin: Option<&'a mut ByteReader>,
        stdout: &'a mut ByteWriter,
        stderr: &'a mut ByteWriter,
    ) -> BoxFuture<'a, Result<Option<i32>, Fault>>;

    /// Whether somebody answers on this port of 127.0.0.1, within half a second.
    fn port_answers(&self, port: u16) -> BoxFuture<'_, Result<bool, Fault>>;
}

/// Tar streams into and out of granted folders. Links and names that lead out are refused by the door.
pub trait FilesDoor: Send + Sync {
    /// Unpack into the folder, or below it; gives the bytes of the files written.
    fn unpack<'a>(
        &'a self,
        folder: &'a Path,
        below: Option<&'a WorkPath>,
        tar: &'a mut ByteReader,
    ) -> BoxFuture<'a, Result<u64, Fault>>;

    /// Pack the folder, or what is at a place below it; gives the bytes of the files read.
    fn pack<'a>(
        &'a self,
        folder: &'a Path,
        below: Option<&'a WorkPath>,
        tar: &'a mut ByteWriter,
    ) -> BoxFuture<'a, Result<u64, Fault>>;
}

/// What was found of a container engine.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct EngineFound {
    /// Where it is looked for, in words.
    pub place: String,
    /// Whether the program `docker` is here.
    pub program: bool,
    /// Whether there is something to connect to.
    pub socket: bool,
    /// Whether it may be opened.
    pub allowed: bool,
    /// Whether it runs on another computer.
    pub remote: bool,
}

/// The container engine of this computer. What is said on a connection has been through the filter.
pub trait EngineDoor: Send + Sync {
    /// What there is of it.
    fn look(&self) -> BoxFuture<'_, Result<EngineFound, Fault>>;

    /// Connect. `not-found`: there is none; `not-granted`: this person may not open it.
    fn connect(&self) -> BoxFuture<'_, Result<Connection, Fault>>;

    /// What a folder, or a place below it, is called in a bind mount. Refuses one that is not there, or is reached by
    /// a link, and all where the engine runs on another computer.
    fn source<'a>(
        &'a self,
        folder: &'a Path,
        below: Option<&'a WorkPath>,
    ) -> BoxFuture<'a, Result<String, Fault>>;
}

/// What of a plugin's space is used.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct StateUse {
    /// Entries.
    pub keys: u64,
    /// Bytes of all values.
    pub bytes: u64,
}

/// What a plugin remembers on this machine. One space for each plugin: no other can see it. Keys beginning with
/// `own/` are the plugin's, those with `process/` are the host's notes on processes it started.
pub trait StateDoor: Send + Sync {
    /// The entry.
    ///
    /// # Errors
    /// When it cannot be read.
    fn get(&self, key: &str) -> Result<Option<Vec<u8>>, Fault>;

    /// Set the entry, durably.
    ///
    /// # Errors
    /// When it cannot be written.
    fn set(&self, key: &str, value: &[u8]) -> Result<(), Fault>;

    /// Replace `old` by `new` in one step (none: no entry). False, nothing changed, when it was not `old`.
    ///
    /// # Errors
    /// When it cannot be written.
    fn compare_and_set(&self, key: &str, old: Option<&[u8]>, new: Option<&[u8]>) -> Result<bool, Fault>;

    /// The keys that begin so, in order.
    ///
    /// # Errors
    /// When they cannot be read.
    fn keys(&self, prefix: &str) -> Result<Vec<String>, Fault>;

    /// How much of the space is used.
    ///
    /// # Errors
    /// When it cannot be read.
    fn used(&self) -> Result<StateUse, Fault>;
}

/// The machine in figures.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct MachineInfo {
    /// `linux`, `macos`, `windows`.
    pub os: String,
    /// `x86_64`, `aarch64`.
    pub arch: String,
    /// Cores.
    pub cores: u32,
    /// MiB of memory.
    pub memory_mb: u64,
    /// MiB free where environments lie.
    pub free_disk_mb: u64,
}

/// The machine.
pub trait MachineDoor: Send + Sync {
    /// Its figures.
    fn describe(&self) -> MachineInfo;
}

/// Where the steps of an operation are shown.
pub trait ProgressSink: Send + Sync {
    /// `id` is a stable name, `title` what a person reads. Both are safe to show.
    fn step(&self, id: &str, title: &str);
}

/// How important a plugin finds what it says.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Level {
    /// For its author.
    Debug,
    /// For a tutor.
    Info,
    /// Something to look at.
    Warn,
    /// Something went wrong.
    Error,
}

/// What a plugin says about itself.
pub trait LogSink: Send + Sync {
    /// One line, safe to show.
    fn write(&self, level: Level, message: &str);
}

/// Where the lines of services go.
pub trait LineSink: Send + Sync {
    /// One line of a service, safe to show. False: no more.
    fn line(&self, service: &str, text: &str) -> bool;
}
