//! Doors that are shut: for asking a plugin who it is, before anything was granted.

use std::path::Path;
use std::sync::Arc;

use kitbag_core::path::WorkPath;

use crate::backend::BoxFuture;
use crate::context::Doors;
use crate::doors::{
    ByteReader, ByteWriter, Connection, EngineDoor, EngineFound, FilesDoor, Launch, Level, LogBytes, LogSink,
    MachineDoor, MachineInfo, ProcessDoor, ProcessId, ProgressSink, StateDoor, StateUse,
};
use crate::fault::{Fault, FaultCode};

struct Closed;

/// All doors shut; what is said is dropped.
pub fn doors() -> Doors {
    let closed = Arc::new(Closed);
    Doors {
        process: closed.clone(),
        files: closed.clone(),
        engine: closed.clone(),
        state: closed.clone(),
        machine: closed.clone(),
        progress: closed.clone(),
        log: closed,
    }
}

fn shut<T>() -> Result<T, Fault> {
    Err(Fault::new(FaultCode::NotGranted, "Nothing is granted while a plugin says who it is."))
}

impl ProcessDoor for Closed {
    fn available(&self, _: &str, _: &[std::path::PathBuf]) -> Result<bool, Fault> {
        shut()
    }
    fn spawn(&self, _: &Launch, _: &str) -> Result<ProcessId, Fault> {
        shut()
    }
    fn alive(&self, _: &ProcessId) -> Result<bool, Fault> {
        shut()
    }
    fn end(&self, _: &ProcessId) -> Result<(), Fault> {
        shut()
    }
    fn kill(&self, _: &ProcessId) -> Result<(), Fault> {
        shut()
    }
    fn read_log(&self, _: &str, _: Option<u64>, _: usize) -> Result<Option<LogBytes>, Fault> {
        shut()
    }
    fn remove_log(&self, _: &str) -> Result<(), Fault> {
        shut()
    }
    fn run<'a>(
        &'a self,
        _: &'a Launch,
        _: Option<&'a mut ByteReader>,
        _: &'a mut ByteWriter,
        _: &'a mut ByteWriter,
    ) -> BoxFuture<'a, Result<Option<i32>, Fault>> {
        Box::pin(async { shut() })
    }
    fn port_answers(&self, _: u16) -> BoxFuture<'_, Result<bool, Fault>> {
        Box::pin(async { shut() })
    }
}

impl FilesDoor for Closed {
    fn unpack<'a>(
        &'a self,
        _: &'a Path,
        _: Option<&'a WorkPath>,
        _: &'a mut ByteReader,
    ) -> BoxFuture<'a, Result<u64, Fault>> {
        Box::pin(async { shut() })
    }
    fn pack<'a>(
        &'a self,
        _: &'a Path,
        _: Option<&'a WorkPath>,
        _: &'a mut ByteWriter,
    ) -> BoxFuture<'a, Result<u64, Fault>> {
        Box::pin(async { shut() })
    }
}

impl EngineDoor for Closed {
    fn look(&self) -> BoxFuture<'_, Result<EngineFound, Fault>> {
        Box::pin(async { shut() })
    }
    fn connect(&self) -> BoxFuture<'_, Result<Connection, Fault>> {
        Box::pin(async { shut() })
    }
    fn source<'a>(&'a self, _: &'a Path, _: Option<&'a WorkPath>) -> BoxFuture<'a, Result<String, Fault>> {
        Box::pin(async { shut() })
    }
}

impl StateDoor for Closed {
    fn get(&self, _: &str) -> Result<Option<Vec<u8>>, Fault> {
        shut()
    }
    fn set(&self, _: &str, _: &[u8]) -> Result<(), Fault> {
        shut()
    }
    fn compare_and_set(&self, _: &str, _: Option<&[u8]>, _: Option<&[u8]>) -> Result<bool, Fault> {
        shut()
    }
    fn keys(&self, _: &str) -> Result<Vec<String>, Fault> {
        shut()
    }
    fn used(&self) -> Result<StateUse, Fault> {
        shut()
    }
}

impl MachineDoor for Closed {
    fn describe(&self) -> MachineInfo {
        MachineInfo { os: String::new(), arch: String::new(), cores: 0, memory_mb: 0, free_disk_mb: 0 }
    }
}

impl ProgressSink for Closed {
    fn step(&self, _: &str, _: &str) {}
}

impl LogSink for Closed {
    fn write(&self, _: Level, _: &str) {}
}
