//! A command of the course, run where its services run: a step, or what saves a database. What it says is kept only
//! as far as its last words, what it reads and writes goes through files of machine state, and an end that was not
//! seen is no good end.

use std::collections::BTreeSet;
use std::io::Read;
use std::pin::Pin;
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll};
use std::time::Duration;

use kitbag_core::path::shown;
use kitbag_platform::disk::Reading;
use kitbag_plugin_host::{ByteReader, ByteWriter, ExecRequest, Op, Reply, Streams};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

use super::runner::{Runner, told};
use crate::error::EngineError;

/// Bytes of a command's last words that are kept.
const LAST_WORDS: usize = 2_000;

/// What to run.
pub(super) struct Command {
    /// Program and arguments.
    pub(super) argv: Vec<String>,
    /// Variables set for it.
    pub(super) env: Vec<(String, String)>,
    /// Where: the name of a granted folder, or `SERVICE:`.
    pub(super) folder: Option<String>,
    /// How long it may take.
    pub(super) within: Duration,
}

/// Run it to its end; why it did not work, in words, where it did not. Without an output what it writes counts as
/// words.
///
/// # Errors
/// Machine state cannot be used. A command that fails, or cannot be run, is no error.
pub(super) async fn run(
    runner: &Runner<'_>,
    programs: &BTreeSet<String>,
    command: Command,
    input: Option<ByteReader>,
    output: Option<ByteWriter>,
) -> Result<Option<String>, EngineError> {
    let said = Arc::new(Mutex::new(Vec::new()));
    let words = || -> ByteWriter { Box::new(LastWords(said.clone())) };
    let streams = Streams {
        input,
        output: Some(output.unwrap_or_else(words)),
        errors: Some(words()),
        ..Streams::default()
    };
    let Command { argv, env, folder, within } = command;
    let op = Op::ExecIn { id: runner.made.id.clone(), request: ExecRequest { argv, env, folder } };
    let grants = runner.grants(programs)?;
    let ran = runner.call_with(op, grants.clone(), within, streams).await.and_then(Reply::exited);
    let why = match ran {
        Ok(Some(0)) => return Ok(None),
        Ok(Some(code)) => format!("it ended with {code}"),
        Ok(None) => "it was ended".to_owned(),
        Err(error) => told(error).to_string(),
    };
    let said = said.lock().unwrap_or_else(PoisonError::into_inner);
    let said = shown(&grants.redact(String::from_utf8_lossy(&said).trim()));
    let said = if said.is_empty() { String::new() } else { format!(" It said: {said}") };
    Ok(Some(format!("{}.{said}", why.trim_end_matches('.'))))
}

/// Keeps the end of what a program says.
struct LastWords(Arc<Mutex<Vec<u8>>>);

impl AsyncWrite for LastWords {
    fn poll_write(self: Pin<&mut Self>, _: &mut Context<'_>, bytes: &[u8]) -> Poll<std::io::Result<usize>> {
        let mut kept = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        kept.extend_from_slice(bytes);
        let over = kept.len().saturating_sub(LAST_WORDS);
        kept.drain(..over);
        Poll::Ready(Ok(bytes.len()))
    }

    fn poll_flush(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<std::io::Result<()>> {
        Poll::Ready(Ok(()))
    }

    fn poll_shutdown(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<std::io::Result<()>> {
        Poll::Ready(Ok(()))
    }
}

/// A file as what a program reads. The disk is near, so it is read on the spot, a piece at a time.
pub(super) struct FromFile(pub(super) Box<dyn Reading>);

impl AsyncRead for FromFile {
    fn poll_read(
        mut self: Pin<&mut Self>,
        _: &mut Context<'_>,
        into: &mut ReadBuf<'_>,
    ) -> Poll<std::io::Result<()>> {
        let count = self.0.read(into.initialize_unfilled());
        Poll::Ready(count.map(|count| into.advance(count)))
    }
}
