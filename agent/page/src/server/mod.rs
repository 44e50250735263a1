//! The server of the local page. It listens on 127.0.0.1 only; every request passes `guard`, then `keys`, then goes to a
//! file of the page (`assets`) or to one resource (`api`). What is read is read in this process from a cache (`board`);
//! what is changed is a kitbag command in a process of its own (`operations`), so the page can do nothing the command
//! line cannot. `events` tells open pages what changed. It has a thread of its own: whatever happens here, the agent goes
//! on.

mod answer;
mod api;
mod assets;
mod board;
mod brief;
mod events;
pub mod guard;
mod keys;
mod listen;
mod operations;

use std::io;
use std::net::{Ipv4Addr, SocketAddr, TcpListener};
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::extract::{Request, State};
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::middleware::{Next, from_fn_with_state};
use axum::response::{IntoResponse, Response};
use kitbag_core::finding::Finding;
use kitbag_engine::agent::Desk;
use kitbag_engine::doors::Doors;
use kitbag_engine::workspace::{Config, Settings, choose};
use tokio::sync::Semaphore;

use answer::Trouble;
use guard::{Asked, Place};
use keys::Keys;

pub use keys::{issue, served_at};

/// The header with the key.
const KEY: &str = "x-kitbag-key";
/// How many workspaces are looked into at the same time for a page.
const READERS: usize = 4;
/// How long a page waits for what it reads.
const READ_WITHIN: Duration = Duration::from_secs(60);

/// What the page stands on.
pub struct Backing {
    /// The state root.
    pub home: PathBuf,
    /// The settings.
    pub config: Config,
    /// The doors.
    pub doors: Doors,
    /// The settings as they were given, for kitbags that are started.
    pub given: Vec<String>,
    /// This program.
    pub program: PathBuf,
    /// The agent it is part of.
    pub desk: Desk,
}

/// Everything a request may need.
struct Server {
    backing: Backing,
    port: u16,
    keys: Keys,
    board: board::Board,
    operations: operations::Operations,
    readers: Arc<Semaphore>,
    listeners: Arc<Semaphore>,
}

/// A page that is served. It is until the process ends.
#[derive(Debug, Clone, Copy)]
pub struct Served {
    /// Where on 127.0.0.1.
    pub port: u16,
}

impl Served {
    /// What a browser opens; without a token it lets nobody in.
    pub fn address(self) -> String {
        address(self.port)
    }
}

/// The address of a page at this port.
pub fn address(port: u16) -> String {
    format!("http://127.0.0.1:{port}/")
}

/// Where to listen: the port of before where it is free, so that open pages go on, else any.
///
/// # Errors
/// The system has no free port.
fn listener(last: u16) -> io::Result<TcpListener> {
    let at = |port| TcpListener::bind(SocketAddr::from((Ipv4Addr::LOCALHOST, port)));
    let listener = match last {
        0 => at(0),
        last => at(last).or_else(|_| at(0)),
    }?;
    listener.set_nonblocking(true)?;
    Ok(listener)
}

/// Serve the page on a thread of its own. The caller sees to it that there is one for each state root.
///
/// # Errors
/// No port is free, the keys cannot be written, or the system gives no room for it.
pub fn serve(backing: Backing) -> io::Result<Served> {
    let listener = listener(keys::last_port(&backing.home))?;
    let port = listener.local_addr()?.port();
    let keys = Keys::begin(&backing.home, &backing.doors, port)?;
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    let server = Arc::new(Server {
        port,
        keys,
        board: board::Board::new(),
        operations: operations::Operations::new(),
        readers: Arc::new(Semaphore::new(READERS)),
        listeners: events::places(),
        backing,
    });
    std::thread::Builder::new().name("page".to_owned()).spawn(move || {
        runtime.block_on(async {
            tokio::spawn(board::keep(server.clone()));
            listen::run(listener, router(server)).await;
        });
    })?;
    Ok(Served { port })
}

fn router(server: Arc<Server>) -> Router {
    api::routes()
        .fallback(assets::serve)
        .method_not_allowed_fallback(|| async { Trouble::from(guard::Refused::Method) })
        .layer(from_fn_with_state(server.clone(), pass))
        .with_state(server)
}

/// The way every request takes.
async fn pass(State(server): State<Arc<Server>>, request: Request, next: Next) -> Response {
    let (mut answer, refused) = match admit(&server, &request) {
        Ok(()) => (next.run(request).await, false),
        Err(trouble) => (trouble.into_response(), true),
    };
    if refused {
        // what else comes on this connection is not looked at
        answer.headers_mut().insert(header::CONNECTION, HeaderValue::from_static("close"));
    }
    answer::dressed(answer)
}

fn admit(server: &Server, request: &Request) -> Result<(), Trouble> {
    let peer = request.extensions().get::<listen::Peer>().map(|peer| peer.0.ip());
    let asked = Asked {
        method: request.method(),
        uri: request.uri(),
        version: request.version(),
        headers: request.headers(),
        // nobody knows where: not here
        peer: peer.unwrap_or(Ipv4Addr::UNSPECIFIED.into()),
    };
    match guard::check(&asked, server.port)? {
        Place::File | Place::Session => Ok(()),
        Place::Keyed if key(request.headers()).is_some_and(|key| server.keys.knows(key)) => Ok(()),
        Place::Keyed => Err(locked_out()),
    }
}

/// The one key a request brings.
fn key(headers: &HeaderMap) -> Option<&str> {
    let mut all = headers.get_all(KEY).iter();
    match (all.next(), all.next()) {
        (Some(one), None) => one.to_str().ok(),
        _ => None,
    }
}

fn locked_out() -> Trouble {
    let finding = Finding::new(
        "this page is not let in",
        "It was never opened by you, or so long ago that it is not known any more.",
        "Open it with `kitbag page`.",
    );
    Trouble::new(StatusCode::UNAUTHORIZED, finding)
}

impl Server {
    /// Something that waits for disks and programs, beside the requests. Too many at once wait for each other.
    ///
    /// # Errors
    /// Its own; it takes too long, or ended by a mistake.
    async fn aside<T: Send + 'static, E: Into<Trouble> + Send + 'static>(
        self: &Arc<Self>,
        work: impl FnOnce(&Server) -> Result<T, E> + Send + 'static,
    ) -> Result<T, Trouble> {
        let server = self.clone();
        let done = async {
            let reader = server.readers.clone().acquire_owned().await;
            // held until it is done, also when nobody waits for it any more
            tokio::task::spawn_blocking(move || (work(&server), reader).0).await
        };
        match tokio::time::timeout(READ_WITHIN, done).await {
            Ok(Ok(done)) => done.map_err(Into::into),
            Ok(Err(error)) => {
                tracing::error!(%error, "the page could not read");
                Err(Trouble::bug("It made a mistake of its own."))
            }
            Err(_) => Err(Trouble::bug("Reading takes very long just now.")),
        }
    }

    /// The workspace of this name.
    fn settings(&self, name: &str) -> Result<Settings, Trouble> {
        Ok(choose(&self.backing.home, &self.backing.doors, Some(name), None)?)
    }
}
