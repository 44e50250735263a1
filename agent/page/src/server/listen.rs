//! Connections: so many at a time, each with so long to say what it wants. Somebody who opens many or speaks very slowly
//! keeps a place for seconds, not for good.

use std::convert::Infallible;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::body::Body;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::Semaphore;
use tower_service::Service;

/// Where a caller sits; part of each request.
#[derive(Debug, Clone, Copy)]
pub(super) struct Peer(pub(super) SocketAddr);

/// Connections at the same time.
const CONNECTIONS: usize = 64;
/// How long the head of a request may take, the wait for it too.
const HEAD_WITHIN: Duration = Duration::from_secs(10);
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
            one(stream, peer, router).await;
            drop(place);
        });
    }
}

async fn one(stream: TcpStream, peer: SocketAddr, router: Router) {
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
        .serve_connection(TokioIo::new(stream), service)
        .await;
    if let Err(error) = served {
        tracing::debug!(%error, "a call of the page broke off");
    }
}
