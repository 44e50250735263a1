//! The notebook servers among the services that run, asked over 127.0.0.1 with the token kitbag made: what is open, what
//! runs, what may not be saved, and that everything ends before the databases are saved. A server is asked only when the
//! backend says that its service runs: else another program of this computer may have taken the port, and the token is
//! not for it. What is no notebook server answers otherwise and is left alone.

use std::collections::{BTreeMap, BTreeSet};
use std::io;
use std::time::{Duration, Instant};

use kitbag_core::course::Course;
use kitbag_core::notebook::{self, AtWork, Kernel, Notebooks, Session};
use kitbag_platform::loopback::{self, Answer};
use kitbag_plugin_host::EnvStatus;

use super::ports;
use super::runner::Runner;
use super::up::live;
use crate::error::EngineError;
use crate::workspace::Workspace;

/// An answer that takes longer is not waited for: the course is busy, and nobody must hang on it.
const PATIENCE: Duration = Duration::from_millis(1_500);
/// How long what was ended may take to be gone.
const END: Duration = Duration::from_secs(5);

/// One notebook server.
struct Server {
    port: u16,
    base: String,
    token: String,
}

impl Server {
    async fn ask(&self, method: &'static str, path: &str) -> io::Result<Answer> {
        let (port, token, path) = (self.port, self.token.clone(), format!("{}{path}", self.base));
        let asked = tokio::task::spawn_blocking(move || match method {
            "DELETE" => loopback::delete(port, &path, &token, PATIENCE),
            _ => loopback::get(port, &path, &token, PATIENCE),
        });
        asked.await.map_err(io::Error::other)?
    }

    async fn list<T>(&self, path: &str, read: impl Fn(&[u8]) -> Option<T>) -> Option<T> {
        let answer = self.ask("GET", path).await.ok().filter(|answer| answer.status == 200)?;
        read(&answer.body)
    }

    async fn sessions(&self) -> Option<Vec<Session>> {
        self.list("/api/sessions", notebook::sessions).await
    }

    async fn kernels(&self) -> Option<Vec<Kernel>> {
        self.list("/api/kernels", notebook::kernels).await
    }

    /// When each of these notebooks was saved last.
    async fn saved(&self, sessions: &[Session]) -> BTreeMap<String, String> {
        let mut saved = BTreeMap::new();
        for path in sessions.iter().filter_map(Session::path) {
            let at = format!("/api/contents/{}?content=0", encoded(path));
            if let Some(when) = self.list(&at, notebook::last_modified).await {
                saved.insert(path.to_owned(), when);
            }
        }
        saved
    }

    /// End all that runs; whether it is gone.
    async fn end(&self) -> bool {
        let end = async |kind: &str, id: &str| {
            if let Err(error) = self.ask("DELETE", &format!("/api/{kind}/{}", encoded(id))).await {
                tracing::warn!(%error, kind, "something of the notebook server could not be ended");
            }
        };
        for session in self.sessions().await.unwrap_or_default() {
            end("sessions", &session.id).await;
        }
        for kernel in self.kernels().await.unwrap_or_default() {
            end("kernels", &kernel.id).await;
        }
        for name in self.list("/api/terminals", notebook::terminals).await.unwrap_or_default() {
            end("terminals", &name).await;
        }
        let until = Instant::now() + END;
        while self.kernels().await.is_some_and(|kernels| !kernels.is_empty()) {
            if Instant::now() >= until {
                return false;
            }
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
        true
    }
}

fn servers(
    ws: &Workspace,
    runner: &Runner<'_>,
    course: &Course,
    status: &EnvStatus,
) -> Result<Vec<Server>, EngineError> {
    let live = live(status);
    let ports = ports::remembered(ws)?.into_iter().filter(|(service, _)| live.contains(service));
    let server = |(service, port): (String, u16)| Server {
        port,
        base: base(course, &service),
        token: runner.token.clone(),
    };
    Ok(ports.map(server).collect())
}

/// Which notebooks are open: each has a kernel.
///
/// # Errors
/// The ledger fails.
pub(super) async fn open(
    ws: &Workspace,
    runner: &Runner<'_>,
    course: &Course,
    status: &EnvStatus,
) -> Result<Notebooks, EngineError> {
    let mut open = None;
    for server in servers(ws, runner, course, status)? {
        if let Some(sessions) = server.sessions().await {
            let names = sessions.into_iter().flat_map(|session| session.paths);
            open.get_or_insert_with(BTreeSet::new).extend(names);
        }
    }
    Ok(open.map_or(Notebooks::Unknown, Notebooks::Open))
}

/// What would be lost if the notebook servers ended now, as far as they know.
///
/// # Errors
/// The ledger fails.
pub(super) async fn at_work(
    ws: &Workspace,
    runner: &Runner<'_>,
    course: &Course,
    status: &EnvStatus,
) -> Result<AtWork, EngineError> {
    let mut all = AtWork::default();
    for server in servers(ws, runner, course, status)? {
        let (Some(sessions), Some(kernels)) = (server.sessions().await, server.kernels().await) else {
            continue;
        };
        let saved = server.saved(&sessions).await;
        all.add(notebook::at_work(&sessions, &kernels, &saved));
    }
    Ok(all)
}

/// End kernels and terminals, so that nothing writes any more. What cannot be ended ends with the environment.
pub(super) async fn end_all(ws: &Workspace, runner: &Runner<'_>, course: &Course, status: &EnvStatus) {
    match servers(ws, runner, course, status) {
        Ok(servers) => {
            for server in servers {
                if !server.end().await {
                    tracing::warn!("a notebook server has kernels that do not end");
                }
            }
        }
        Err(error) => tracing::warn!(%error, "the notebook servers are unknown"),
    }
}

/// What stands before `/api`. A server's first page may lie below its address, as `/lab` does.
fn base(course: &Course, service: &str) -> String {
    let page = course.service(service).and_then(|service| service.page()).unwrap_or_default();
    let page = page.split('?').next().unwrap_or_default();
    let pages = ["/lab", "/tree", "/notebooks", "/doc", "/nbclassic", "/voila"];
    let mut address = page.trim_end_matches('/');
    for below in pages {
        // the first of them in the path, so that `/me/lab/tree/one.ipynb` is `/me`
        let cut = address.match_indices(below).find(|(at, _)| {
            let rest = &address[at + below.len()..];
            rest.is_empty() || rest.starts_with('/')
        });
        address = cut.map_or(address, |(at, _)| &address[..at]);
    }
    address.to_owned()
}

/// Percent-encoded, but for slashes.
fn encoded(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for byte in text.bytes() {
        match byte {
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'-' | b'_' | b'.' | b'~' | b'/' => {
                out.push(char::from(byte));
            }
            _ => out.push_str(&format!("%{byte:02X}")),
        }
    }
    out
}
