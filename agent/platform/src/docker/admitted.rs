//! A conversation with an engine that asked for this computer's certificate. With TLS 1.3 it says no only after the
//! handshake, by an alert or by hanging up, and which of the two arrives is chance: until its first byte, either means
//! that it does not let this computer in.

use std::io;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

use super::tls::Certificate;

/// A stream that was not let in yet.
pub struct Admitted<S> {
    stream: S,
    /// What it means when it is not; none: nobody asked, or an answer has come.
    refusal: Option<String>,
}

impl<S> Admitted<S> {
    /// `refusal` says what is wrong when no answer comes.
    pub fn new(stream: S, refusal: Option<String>) -> Self {
        Self { stream, refusal }
    }

    fn told(&self, error: io::Error) -> io::Error {
        match &self.refusal {
            Some(refusal) => Certificate(format!("{refusal} ({error})")).into(),
            None => error,
        }
    }
}

impl<S: AsyncRead + Unpin> AsyncRead for Admitted<S> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let (before, room) = (buffer.filled().len(), buffer.remaining());
        let read = ready!(Pin::new(&mut self.stream).poll_read(cx, buffer));
        let ended = buffer.filled().len() == before && room > 0;
        Poll::Ready(match read {
            Err(error) => Err(self.told(error)),
            Ok(()) if ended && self.refusal.is_some() => Err(self.told(io::ErrorKind::UnexpectedEof.into())),
            Ok(()) => {
                if room > 0 {
                    self.refusal = None;
                }
                Ok(())
            }
        })
    }
}

impl<S: AsyncWrite + Unpin> AsyncWrite for Admitted<S> {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        let written = ready!(Pin::new(&mut self.stream).poll_write(cx, bytes));
        Poll::Ready(written.map_err(|error| self.told(error)))
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let flushed = ready!(Pin::new(&mut self.stream).poll_flush(cx));
        Poll::Ready(flushed.map_err(|error| self.told(error)))
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let shut = ready!(Pin::new(&mut self.stream).poll_shutdown(cx));
        Poll::Ready(shut.map_err(|error| self.told(error)))
    }
}
