//! What happens, told to every open page as it happens: server-sent events, read with `fetch` because only that can bring
//! a key. A page that reads slowly is told less often, never from a longer and longer queue; one whose key has ended is
//! hung up on.

use std::convert::Infallible;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use axum::body::{Body, Bytes};
use axum::extract::{Request, State};
use axum::http::{HeaderValue, Response, StatusCode, header};
use http_body::Frame;
use kitbag_core::finding::Finding;
use serde::Serialize;
use tokio::sync::broadcast::error::RecvError;
use tokio::sync::mpsc;

use super::answer::{Answered, Trouble};
use super::{Server, board, key};

/// How often a page hears that kitbag is there.
const PING: Duration = Duration::from_secs(15);
/// How long what the agent does is left to settle before it is told.
const SETTLE: Duration = Duration::from_millis(100);
/// How many may listen at the same time.
const LISTENERS: usize = 16;
/// How much is written ahead of a slow reader: one event.
const AHEAD: usize = 1;

/// `GET /api/events`.
pub(super) async fn follow(State(server): State<Arc<Server>>, request: Request) -> Answered {
    let Some(key) = key(request.headers()).map(str::to_owned) else {
        return Err(Trouble::wrong("It brings no key."));
    };
    let (tell, told) = mpsc::channel(AHEAD);
    let place = server.listeners.clone().try_acquire_owned().map_err(|_| {
        let finding = Finding::new(
            "too many pages of kitbag are open",
            format!("{LISTENERS} are open in this browser or others."),
            "Close some of them.",
        );
        Trouble::new(StatusCode::CONFLICT, finding)
    })?;
    tokio::spawn(async move {
        // it ends when nobody listens any more
        speak(&server, &key, &tell).await;
        drop(place);
    });
    let mut answer = Response::new(Body::new(Stream(told)));
    answer.headers_mut().insert(header::CONTENT_TYPE, HeaderValue::from_static("text/event-stream"));
    Ok(answer)
}

/// How many may listen.
pub(super) fn places() -> Arc<tokio::sync::Semaphore> {
    Arc::new(tokio::sync::Semaphore::new(LISTENERS))
}

async fn speak(server: &Arc<Server>, key: &str, tell: &mpsc::Sender<Bytes>) -> Option<()> {
    let mut operations = server.operations.follow();
    let mut workspaces = server.board.follow();
    let mut agent = server.backing.desk.picture();
    server.board.touch();
    let first = loop {
        if let Some(document) = board::document(server).await {
            break document;
        }
        // a first look that takes very long is waited for by whoever stays
        if tell.is_closed() {
            return None;
        }
    };
    say(tell, "state", &first).await?;
    let mut ping = tokio::time::interval(PING);
    ping.reset();
    loop {
        tokio::select! {
            // how things stand, then that something ended; last what changes most often
            biased;
            () = tell.closed() => return None,
            changed = workspaces.changed() => {
                changed.ok()?;
                say(tell, "state", &board::shown(server)).await?;
            }
            operation = operations.recv() => match operation {
                Ok(view) => say(tell, "operation", view.as_ref()).await?,
                // some were missed: all of them at once
                Err(RecvError::Lagged(_)) => say(tell, "state", &board::shown(server)).await?,
                Err(RecvError::Closed) => return None,
            },
            _ = ping.tick() => {
                if !server.keys.knows(key) {
                    return None;
                }
                say(tell, "ping", &serde_json::json!({})).await?;
            }
            changed = agent.changed() => {
                // the agent ends, and this process with it
                changed.ok()?;
                // a look is begun and ended in a moment: how that came out is enough
                tokio::time::sleep(SETTLE).await;
                agent.mark_unchanged();
                say(tell, "state", &board::shown(server)).await?;
            }
        }
    }
}

/// One event; JSON has no line breaks of its own. None: nobody listens any more.
async fn say(tell: &mpsc::Sender<Bytes>, event: &str, data: &impl Serialize) -> Option<()> {
    let data = serde_json::to_string(data).ok()?;
    tell.send(Bytes::from(format!("event: {event}\ndata: {data}\n\n"))).await.ok()
}

/// The events as a body.
struct Stream(mpsc::Receiver<Bytes>);

impl http_body::Body for Stream {
    type Data = Bytes;
    type Error = Infallible;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
        self.0.poll_recv(context).map(|event| event.map(|event| Ok(Frame::data(event))))
    }
}
