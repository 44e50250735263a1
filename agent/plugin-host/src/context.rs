//! Everything one call goes with: the doors, what was granted, how long it may take, the flag of a person who
//! gives up, and the streams. Made new for every call; the doors are shared.

use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use crate::cancel::Cancel;
use crate::doors::{
    ByteReader, ByteWriter, EngineDoor, FilesDoor, LineSink, LogSink, MachineDoor, ProcessDoor, ProgressSink,
    StateDoor,
};
use crate::grants::Grants;

/// The doors of one plugin and one workspace.
#[derive(Clone)]
pub struct Doors {
    /// Programs.
    pub process: Arc<dyn ProcessDoor>,
    /// Tar streams.
    pub files: Arc<dyn FilesDoor>,
    /// The container engine.
    pub engine: Arc<dyn EngineDoor>,
    /// What the plugin remembers.
    pub state: Arc<dyn StateDoor>,
    /// The machine's figures.
    pub machine: Arc<dyn MachineDoor>,
    /// Where steps are shown.
    pub progress: Arc<dyn ProgressSink>,
    /// Where the plugin's own words go.
    pub log: Arc<dyn LogSink>,
}

impl fmt::Debug for Doors {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Doors")
    }
}

/// The streams of one call. Which are used stands at each [`crate::Op`].
#[derive(Default)]
pub struct Streams {
    /// What the call reads.
    pub input: Option<ByteReader>,
    /// What it writes.
    pub output: Option<ByteWriter>,
    /// Where a program's complaints go.
    pub errors: Option<ByteWriter>,
    /// Where lines go.
    pub lines: Option<Arc<dyn LineSink>>,
}

/// What one call goes with.
pub struct OpContext {
    /// The doors.
    pub doors: Doors,
    /// What it may do.
    pub grants: Grants,
    /// How long it may take.
    pub deadline: Duration,
    /// Whether the person gave up.
    pub cancel: Cancel,
    streams: Mutex<Streams>,
}

impl fmt::Debug for OpContext {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("OpContext")
            .field("grants", &self.grants)
            .field("deadline", &self.deadline)
            .finish_non_exhaustive()
    }
}

impl OpContext {
    /// For one call without streams.
    pub fn new(doors: Doors, grants: Grants, deadline: Duration) -> Self {
        Self { doors, grants, deadline, cancel: Cancel::default(), streams: Mutex::default() }
    }

    /// With this flag, kept by whoever may give up.
    #[must_use]
    pub fn with_cancel(mut self, cancel: Cancel) -> Self {
        self.cancel = cancel;
        self
    }

    /// With streams.
    #[must_use]
    pub fn with_streams(mut self, streams: Streams) -> Self {
        self.streams = Mutex::new(streams);
        self
    }

    /// The streams, once; a second call gets none.
    pub fn take_streams(&self) -> Streams {
        std::mem::take(&mut *self.streams.lock().unwrap_or_else(PoisonError::into_inner))
    }
}
