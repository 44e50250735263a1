//! Connections: so many at a time, each with so long to say what it wants and to take what it is told. Somebody who opens
//! many, speaks very slowly or never reads keeps a place for seconds, not for good.

use std::convert::Infallible;
use std::io;
use std::net::SocketAddr;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use axum::Router;
use axum::body::Body;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::Semaphore;
use tokio::time::Sleep;
use tower_service::Service;

/// Where a caller sits; part of each request.
#[derive(Debug, Clone, Copy)]
pub(super) struct Peer(pub(super) SocketAddr);

/// Connections at the same time.
const CONNECTIONS: usize = 64;
/// How long the head of a request may take, the wait for it too.
const HEAD_WITHIN: Duration = Duration::from_secs(10);
/// How long somebody may take none of what they are told, once the system holds no more of it for them.
const TAKEN_WITHIN: Duration = Duration::from_secs(30);
/// Longest head, in bytes.
const LONGEST_HEAD: usize = 16 * 1024;
/// Most headers.
const MOST_HEADERS: usize = 64;
/// After an accept that failed.
const PAUSE: Duration = Duration::from_millis(200);

/// Answer whoever comes, for good.
pub(super) async fn run(listener: std::net::TcpListener, router: Router) {
    let listener = match TcpListener::from_std(listener) {
        Ok(listener) => listener,
        Err(error) => return tracing::error!(%error, "the page cannot be served"),
    };
    let places = Arc::new(Semaphore::new(CONNECTIONS));
    loop {
        let (stream, peer) = match listener.accept().await {
            Ok(accepted) => accepted,
            Err(error) => {
                tracing::warn!(%error, "the page could not take a call");
                tokio::time::sleep(PAUSE).await;
                continue;
            }
        };
        // one too many is hung up on; a page tries again
        let Ok(place) = places.clone().try_acquire_owned() else { continue };
        let router = router.clone();
        tokio::spawn(async move {
            one(stream, peer, router, TAKEN_WITHIN).await;
            drop(place);
        });
    }
}

async fn one(stream: TcpStream, peer: SocketAddr, router: Router, taken_within: Duration) {
    let service = service_fn(move |request: hyper::Request<hyper::body::Incoming>| {
        let mut router = router.clone();
        let mut request = request.map(Body::new);
        request.extensions_mut().insert(Peer(peer));
        async move { Ok::<_, Infallible>(router.call(request).await.unwrap_or_else(|never| match never {})) }
    });
    let served = http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(HEAD_WITHIN)
        .max_buf_size(LONGEST_HEAD)
        .max_headers(MOST_HEADERS)
        .half_close(false)
        .serve_connection(TokioIo::new(Taken::new(stream, taken_within)), service)
        .await;
    if let Err(error) = served {
        tracing::debug!(%error, "a call of the page broke off");
    }
}

/// A connection that breaks off where nothing of what is written is taken for so long.
struct Taken {
    stream: TcpStream,
    within: Duration,
    /// Runs while something is to be written that nobody takes.
    waits: Option<Pin<Box<Sleep>>>,
}

impl Taken {
    fn new(stream: TcpStream, within: Duration) -> Self {
        Taken { stream, within, waits: None }
    }

    fn in_time<T>(&mut self, written: Poll<io::Result<T>>, context: &mut Context<'_>) -> Poll<io::Result<T>> {
        if written.is_ready() {
            self.waits = None;
            return written;
        }
        let within = self.within;
        let waits = self.waits.get_or_insert_with(|| Box::pin(tokio::time::sleep(within)));
        waits.as_mut().poll(context).map(|()| Err(io::ErrorKind::TimedOut.into()))
    }
}

impl AsyncRead for Taken {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        into: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_read(context, into)
    }
}

impl AsyncWrite for Taken {
    fn poll_write(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        let written = Pin::new(&mut self.stream).poll_write(context, bytes);
        self.in_time(written, context)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let written = Pin::new(&mut self.stream).poll_write_vectored(context, bytes);
        self.in_time(written, context)
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        let flushed = Pin::new(&mut self.stream).poll_flush(context);
        self.in_time(flushed, context)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(context)
    }
}

#[cfg(test)]
mod tests {
    use axum::routing::get;
    use tokio::io::{AsyncReadExt, AsyncWriteExt};

    use super::*;

    /// More than the system holds for a connection.
    const MUCH: usize = 64 * 1024 * 1024;
    const SHORT: Duration = Duration::from_millis(300);

    /// A connection that asked for very much.
    async fn asked() -> (TcpStream, tokio::task::JoinHandle<()>) {
        let listener = TcpListener::bind(("127.0.0.1", 0)).await.unwrap();
        let mut caller = TcpStream::connect(listener.local_addr().unwrap()).await.unwrap();
        let (stream, peer) = listener.accept().await.unwrap();
        let router = Router::new().route("/", get(|| async { vec![b'x'; MUCH] }));
        let served = tokio::spawn(one(stream, peer, router, SHORT));
        caller.write_all(b"GET / HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n").await.unwrap();
        (caller, served)
    }

    #[tokio::test]
    async fn who_never_reads_is_hung_up_on() {
        let (caller, served) = asked().await;
        tokio::time::timeout(Duration::from_secs(60), served).await.expect("it ends by itself").unwrap();
        drop(caller);
    }

    #[tokio::test]
    async fn who_reads_slowly_gets_all_of_it() {
        let (mut caller, served) = asked().await;
        let (mut got, mut buffer) = (0, vec![0; MUCH / 8]);
        loop {
            match caller.read(&mut buffer).await.unwrap() {
                0 => break,
                n => got += n,
            }
            // slower than that in all, never with so long a pause
            tokio::time::sleep(SHORT / 6).await;
        }
        assert!(got > MUCH, "{got}");
        served.await.unwrap();
    }
}
