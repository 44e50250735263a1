//! One request and its answer over one connection. Where a program's streams are asked for, the connection becomes
//! them: what the plugin sends goes in, its end ends the input, and what comes out is the body of the answer.

use http::header::{self, HeaderMap, HeaderName, HeaderValue};
use http::{Request, Response, StatusCode};
use http_body_util::BodyExt;
use hyper::body::Incoming;
use hyper::client::conn::http1;
use hyper::upgrade;
use tokio::io::AsyncWriteExt;

use super::WireError;
use super::body::{Body, Io, Outgoing, Raw, Task, Working, empty, full};
use crate::doors::Connection;

/// What the engine is called in its own requests; it does not look.
const HOST: &str = "docker";
/// Of one hop, and no plugin's business.
const HOP: [HeaderName; 5] = [
    header::CONNECTION,
    header::TRANSFER_ENCODING,
    header::UPGRADE,
    header::TRAILER,
    HeaderName::from_static("keep-alive"),
];

/// Send it and wait for the head of the answer.
pub async fn exchange(
    connection: Connection,
    method: &str,
    target: &str,
    outgoing: Outgoing,
) -> Result<Response<Body>, WireError> {
    let (mut sender, running) = http1::handshake(Io(connection)).await?;
    let running = Task(tokio::spawn(async move {
        // How it ended is seen by whoever waits for the answer.
        let _ = running.with_upgrades().await;
    }));
    let mut request = Request::builder()
        .method(method)
        .uri(target)
        .header(header::HOST, HOST)
        .header(header::USER_AGENT, "kitbag");
    let (body, input) = match outgoing {
        Outgoing::Plain(kind, body) => {
            if let Some(kind) = kind {
                request = request.header(header::CONTENT_TYPE, kind);
            }
            (body, None)
        }
        Outgoing::Raw(document, input) => {
            request = request.header(header::CONNECTION, "Upgrade").header(header::UPGRADE, "tcp");
            if document.is_some() {
                request = request.header(header::CONTENT_TYPE, "application/json");
            }
            (document.map_or_else(empty, full), Some(input))
        }
    };
    let request = request.body(body).map_err(|error| WireError::Broken(error.to_string()))?;
    let mut response = sender.send_request(request).await?;
    match input {
        Some(input) if response.status() == StatusCode::SWITCHING_PROTOCOLS => {
            let upgraded = upgrade::on(&mut response).await?;
            drop(running);
            raw(upgraded, input, response.headers())
        }
        _ => Ok(plain(response, running)),
    }
}

fn plain(response: Response<Incoming>, running: Task) -> Response<Body> {
    let (mut head, body) = response.into_parts();
    for name in HOP {
        head.headers.remove(name);
    }
    let body = Working::new(body.map_err(WireError::from), vec![running]);
    Response::from_parts(head, body.boxed_unsync())
}

fn raw(upgraded: upgrade::Upgraded, input: Body, headers: &HeaderMap) -> Result<Response<Body>, WireError> {
    let parts = upgraded
        .downcast::<Io>()
        .map_err(|_| WireError::Broken("the connection became another".to_owned()))?;
    let (from, into) = tokio::io::split(parts.io.0);
    let sending = Task(tokio::spawn(send(input, into)));
    let body = Raw { begun: parts.read_buf, from, ended: false };
    let mut response = Response::new(Working::new(body, vec![sending]).boxed_unsync());
    let kind = headers.get(header::CONTENT_TYPE).cloned();
    let kind = kind.unwrap_or(HeaderValue::from_static("application/vnd.docker.raw-stream"));
    response.headers_mut().insert(header::CONTENT_TYPE, kind);
    Ok(response)
}

/// What a program reads. One that reads no more is no fault.
async fn send(mut input: Body, mut into: impl tokio::io::AsyncWrite + Unpin) {
    while let Some(Ok(frame)) = input.frame().await {
        let Ok(bytes) = frame.into_data() else { continue };
        if into.write_all(&bytes).await.is_err() || into.flush().await.is_err() {
            return;
        }
    }
    let _ = into.shutdown().await;
}
