//! Windows: a named pipe as a connection. The engine's pipe hands over whole messages, and an empty one is how the end
//! of what is written is told; a pipe has no other way to be half closed. (Written from the documentation of
//! Microsoft's go-winio, which the engine uses; not run against one here.)

use std::io;
use std::path::Path;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::windows::named_pipe::{ClientOptions, NamedPipeClient};
use windows_sys::Win32::Foundation::ERROR_PIPE_BUSY;

/// How long until a busy pipe is tried again.
const AGAIN: Duration = Duration::from_millis(50);

/// Whether there is a pipe of this name.
pub fn there(name: &str) -> bool {
    Path::new(name).exists()
}

/// Open it; one that is busy is waited for.
pub async fn open(name: &str) -> io::Result<Pipe> {
    loop {
        match ClientOptions::new().open(name) {
            Ok(pipe) => return Ok(Pipe(pipe)),
            Err(error) if error.raw_os_error() == i32::try_from(ERROR_PIPE_BUSY).ok() => {
                tokio::time::sleep(AGAIN).await;
            }
            Err(error) => return Err(error),
        }
    }
}

/// An open pipe.
pub struct Pipe(NamedPipeClient);

impl AsyncRead for Pipe {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        into: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        Pin::new(&mut self.0).poll_read(cx, into)
    }
}

impl AsyncWrite for Pipe {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, from: &[u8]) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.0).poll_write(cx, from)
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.0).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        match Pin::new(&mut self.0).poll_write(cx, &[]) {
            Poll::Pending => Poll::Pending,
            Poll::Ready(written) => Poll::Ready(written.map(drop)),
        }
    }
}
