//! Bodies on their way: one that ends with the call, one that is the raw output of a program, and a connection as
//! hyper wants it.

use std::convert::Infallible;
use std::io;
use std::pin::Pin;
use std::task::{Context, Poll};

use bytes::{Bytes, BytesMut};
use http_body::{Body as HttpBody, Frame, SizeHint};
use http_body_util::combinators::UnsyncBoxBody;
use http_body_util::{BodyExt, Empty, Full};
use hyper::rt::{Read, ReadBufCursor, Write};
use serde_json::Value;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::sync::OwnedSemaphorePermit;
use tokio::task::JoinHandle;

use super::WireError;
use crate::doors::Connection;

/// The body of a request or an answer.
pub type Body = UnsyncBoxBody<Bytes, WireError>;

/// Bytes read from a connection at once.
const PIECE: usize = 32 << 10;

/// What is sent.
pub enum Outgoing {
    /// A body of this type of content.
    Plain(Option<&'static str>, Body),
    /// The connection itself, after this document.
    Raw(Option<String>, Body),
}

impl Outgoing {
    /// A JSON document.
    pub fn document(value: &Value) -> Self {
        Self::Plain(Some("application/json"), full(value.to_string()))
    }
}

/// For bodies that cannot fail.
pub fn never(never: Infallible) -> WireError {
    match never {}
}

/// Nothing.
pub fn empty() -> Body {
    Empty::new().map_err(never).boxed_unsync()
}

/// These bytes.
pub fn full(text: String) -> Body {
    Full::new(Bytes::from(text)).map_err(never).boxed_unsync()
}

/// A task that ends with what it works for.
pub struct Task(pub JoinHandle<()>);

impl Drop for Task {
    fn drop(&mut self) {
        self.0.abort();
    }
}

type Over = Pin<Box<dyn Future<Output = WireError> + Send>>;

/// A body that ends with the call, and holds its place among the requests.
pub struct Held {
    body: Body,
    over: Option<Over>,
    _permit: OwnedSemaphorePermit,
}

impl Held {
    /// Hold it.
    pub fn new(body: Body, over: Over, permit: OwnedSemaphorePermit) -> Self {
        Self { body, over: Some(over), _permit: permit }
    }
}

impl HttpBody for Held {
    type Data = Bytes;
    type Error = WireError;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, WireError>>> {
        // Once over, it stays over.
        let Some(over) = &mut self.over else { return Poll::Ready(None) };
        if let Poll::Ready(error) = over.as_mut().poll(cx) {
            self.over = None;
            return Poll::Ready(Some(Err(error)));
        }
        Pin::new(&mut self.body).poll_frame(cx)
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}

/// A body, and the tasks it needs.
pub struct Working<B> {
    body: B,
    _tasks: Vec<Task>,
}

impl<B> Working<B> {
    /// Keep the tasks while the body is there.
    pub fn new(body: B, tasks: Vec<Task>) -> Self {
        Self { body, _tasks: tasks }
    }
}

impl<B: HttpBody<Data = Bytes, Error = WireError> + Unpin> HttpBody for Working<B> {
    type Data = Bytes;
    type Error = WireError;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, WireError>>> {
        Pin::new(&mut self.body).poll_frame(cx)
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}

/// What comes on a connection, to its end.
pub struct Raw<R> {
    /// Already read.
    pub begun: Bytes,
    /// The rest.
    pub from: R,
    /// Whether it ended.
    pub ended: bool,
}

impl<R: AsyncRead + Unpin> HttpBody for Raw<R> {
    type Data = Bytes;
    type Error = WireError;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, WireError>>> {
        if !self.begun.is_empty() {
            return Poll::Ready(Some(Ok(Frame::data(std::mem::take(&mut self.begun)))));
        }
        if self.ended {
            return Poll::Ready(None);
        }
        let mut bytes = BytesMut::zeroed(PIECE);
        let mut into = ReadBuf::new(&mut bytes);
        let read = match Pin::new(&mut self.from).poll_read(cx, &mut into) {
            Poll::Pending => return Poll::Pending,
            Poll::Ready(read) => read.map(|()| into.filled().len()),
        };
        Poll::Ready(match read {
            Ok(0) => {
                self.ended = true;
                None
            }
            Ok(count) => {
                bytes.truncate(count);
                Some(Ok(Frame::data(bytes.freeze())))
            }
            Err(error) => {
                self.ended = true;
                Some(Err(WireError::Broken(error.to_string())))
            }
        })
    }
}

/// A connection as hyper wants it.
pub struct Io(pub Connection);

impl Read for Io {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        mut into: ReadBufCursor<'_>,
    ) -> Poll<io::Result<()>> {
        // Through a buffer of our own: handing over hyper's memory unfilled would be unsafe code.
        let mut piece = [0; PIECE / 2];
        let most = into.remaining().min(piece.len());
        let mut own = ReadBuf::new(&mut piece[..most]);
        let read = Pin::new(&mut self.0).poll_read(cx, &mut own);
        if matches!(read, Poll::Ready(Ok(()))) {
            into.put_slice(own.filled());
        }
        read
    }
}

impl Write for Io {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, from: &[u8]) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.0).poll_write(cx, from)
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.0).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.0).poll_shutdown(cx)
    }
}
