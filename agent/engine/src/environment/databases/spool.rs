//! Dumps as files of machine state: written piece by piece and hashed on the way, whoever writes them, and removed when
//! they are no longer needed. A dump of many gigabytes takes disk, never memory.

use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::pin::Pin;
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll};

use kitbag_core::id::ContentId;
use kitbag_core::version::Content;
use kitbag_platform::disk::Writing;
use kitbag_plugin_host::ByteWriter;
use kitbag_store::{ContentError, Contents};
use tokio::io::AsyncWrite;

use super::{Databases, Trouble};
use crate::error::EngineError;
use crate::sync::Kept;
use crate::workspace::Workspace;

/// One dump in machine state, removed when it is no longer needed.
pub(super) struct Dump<'a> {
    ws: &'a Workspace,
    pub(super) file: PathBuf,
    pub(super) content: Content,
}

impl Drop for Dump<'_> {
    fn drop(&mut self) {
        // a leftover costs disk only and goes with the next command
        self.ws.doors.disk.remove(&self.file).ok();
    }
}

impl<'a> Dump<'a> {
    /// A new file of this name for a dump, and its writer.
    ///
    /// # Errors
    /// Machine state cannot be written.
    pub(super) fn begin(ws: &'a Workspace, name: &str) -> Result<(Self, Hashing), EngineError> {
        let folder = ws.environment_folder().join("dumps");
        let to = folder.join(name);
        let disk = &ws.doors.disk;
        disk.create_dirs(&folder).map_err(EngineError::io("cannot write", &folder))?;
        remove(ws, &to)?;
        let file = disk.create(&to).map_err(EngineError::io("cannot write", &to))?;
        let hashing = Hashing { to: file, hasher: blake3::Hasher::new(), size: 0 };
        Ok((Dump { ws, file: to, content: Content::Deleted }, hashing))
    }

    /// It is whole.
    ///
    /// # Errors
    /// Machine state cannot be written.
    pub(super) fn end(mut self, hashing: Hashing) -> Result<Self, EngineError> {
        self.content = Content::file(ContentId::from(hashing.hasher.finalize()), hashing.size);
        hashing.to.finish(false).map_err(EngineError::io("cannot write", &self.file))?;
        Ok(self)
    }
}

/// Remove what a command that was killed left of dumps: it may be as big as the database. Whoever calls this holds the
/// workspace, and has no dump yet. One that stays costs disk only.
pub(in crate::environment) fn sweep(ws: &Workspace) {
    let folder = ws.environment_folder().join("dumps");
    for item in ws.doors.disk.list(&folder).unwrap_or_default() {
        if let Err(error) = ws.doors.disk.remove(&folder.join(&item.name)) {
            tracing::warn!(%error, name = %item.name.display(), "what is left of a dump cannot be removed");
        }
    }
}

impl<'a> Databases<'a> {
    /// The content of a backup as a file of machine state.
    ///
    /// # Errors
    /// The backup cannot be read, or machine state cannot be written.
    pub(super) fn copied_out(&self, service: &str, content: Content) -> Result<Dump<'a>, Trouble> {
        let Some(id) = content.id() else { return Err(Trouble::Told("the backup was deleted".into())) };
        let (dump, mut out) = Dump::begin(self.ws, &format!("{service}.restore"))?;
        let kept = Kept::new(self.ws.kept_folder(), &self.ws.doors);
        Contents::new(&self.ws.ledger, self.share, &kept).copy_to(id, &mut out).map_err(
            |error| match error {
                ContentError::Write(error) => EngineError::io("cannot write", &dump.file)(error).into(),
                ContentError::Store(error) => EngineError::from(error).into(),
                other => Trouble::Told(format!("its backup cannot be read: {other}")),
            },
        )?;
        Ok(dump.end(out)?)
    }
}

/// Remove a file; one that is not there is removed.
///
/// # Errors
/// What the system says.
pub(super) fn remove(ws: &Workspace, file: &Path) -> Result<(), EngineError> {
    match ws.doors.disk.remove(file) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => {
            Err(EngineError::io("cannot remove", file)(error))
        }
        _ => Ok(()),
    }
}

/// Counts and hashes what goes through.
pub(super) struct Hashing {
    to: Box<dyn Writing>,
    hasher: blake3::Hasher,
    size: u64,
}

impl Write for Hashing {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let n = self.to.write(bytes)?;
        self.hasher.update(&bytes[..n]);
        self.size += n as u64;
        Ok(n)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.to.flush()
    }
}

/// A file being written by a program at the other end. The writer is handed on; what came of it stays here.
pub(super) struct Receiving(Arc<Mutex<State>>);

struct State {
    to: Option<Hashing>,
    failed: Option<io::Error>,
}

impl Receiving {
    /// For this file.
    pub(super) fn new(to: Hashing) -> Self {
        Receiving(Arc::new(Mutex::new(State { to: Some(to), failed: None })))
    }

    /// What the program writes to.
    pub(super) fn writer(&self) -> ByteWriter {
        Box::new(Writer(self.0.clone()))
    }

    /// What arrived. Nothing more is taken from here on.
    ///
    /// # Errors
    /// Something of it could not be written.
    pub(super) fn end(self) -> io::Result<Hashing> {
        let mut state = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        match state.failed.take() {
            Some(error) => Err(error),
            None => state.to.take().ok_or_else(|| io::ErrorKind::BrokenPipe.into()),
        }
    }
}

struct Writer(Arc<Mutex<State>>);

impl AsyncWrite for Writer {
    fn poll_write(self: Pin<&mut Self>, _: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        let mut state = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let written = state.to.as_mut().map_or(Err(io::ErrorKind::BrokenPipe.into()), |to| to.write(bytes));
        Poll::Ready(written.map_err(|error| {
            let told = io::Error::from(error.kind());
            state.to = None;
            state.failed.get_or_insert(error);
            told
        }))
    }

    fn poll_flush(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }

    fn poll_shutdown(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }
}
