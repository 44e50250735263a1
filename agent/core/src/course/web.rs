//! `[service.web]`: a page that something inside the environment serves. It has a port of its own, or it lies
//! under another service's page, behind the same log-in, as OpenRefine does behind a notebook server.

use serde::Serialize;

use super::block::Block;
use super::kind::{Port, Ready};
use super::manifest::{ServiceLines, named};
use super::problem::{At, Notes};
use super::service::{read_port, url_path};

/// A page and when it can be used.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Web {
    /// The path of its address, beginning with `/`.
    pub path: String,
    /// The service it lies under: same port, same log-in.
    pub under: Option<String>,
    /// The outer port it would like; none of its own where it lies under another service.
    pub port: Port,
    /// When it counts as started.
    pub ready: Ready,
    /// Whether the course goes on without it.
    pub optional: bool,
    /// Whether `open` without a name opens this one.
    pub open: bool,
    /// How long what serves it may take to stop before it is killed, in seconds.
    pub stop_grace_seconds: u64,
}

/// The first start of an environment is slow: databases are made, caches filled.
const READY: u64 = 120;
/// As an engine does where nothing is said.
const GRACE: u64 = 10;

pub(super) fn read_web(service: &Block<'_>, lines: &mut ServiceLines, notes: &mut Notes) -> Option<Web> {
    let mut web = Web {
        path: "/".to_owned(),
        under: None,
        port: Port::Any,
        ready: Ready { port: true, timeout_seconds: READY },
        optional: false,
        open: false,
        stop_grace_seconds: GRACE,
    };
    let Some(block) = service.block("web", "[service.web]", notes) else {
        // One of another type has been said.
        return service.raw("web", notes).is_none().then_some(web);
    };
    let path = block.text("path", notes).map_or(Some(web.path), |at| url_path(at, notes));
    let under = block.text("under", notes).map(|at| (at.line, named(at, "under", notes)));
    let port = block.raw("port", notes);
    match (&under, port) {
        (Some((line, under)), port) => {
            if let Some(At { line, .. }) = port {
                let remedy =
                    "Remove one of the two: under another service, a page is reached by that one's port.";
                notes.problem(line, "`port` does not go with `under`.", remedy);
            }
            lines.under = *line;
            web.under.clone_from(under);
            web.port = Port::None;
        }
        (None, Some(At { line, .. })) => {
            web.port = read_port(&block, true, notes);
            if web.port == Port::None {
                let remedy = "Remove this line, or name the service it lies under with `under = \"NAME\"`.";
                notes.problem(line, "A page without a port cannot be reached.", remedy);
            }
        }
        (None, None) => {}
    }
    web.ready.port = web.port != Port::None;
    if let Some(ready) = block.block("ready", "[service.web.ready]", notes) {
        match ready.flag("port", notes) {
            Some(At { value: true, line }) if under.is_some() => notes.problem(
                line,
                "The service has no port of its own that could answer.",
                "Remove this line; it is ready when the service it lies under is.",
            ),
            Some(At { value, .. }) => web.ready.port = value,
            None => {}
        }
        if let Some(At { value, .. }) = ready.number("timeout_seconds", 1, 3600, notes) {
            web.ready.timeout_seconds = value;
        }
    }
    if let Some(At { value, .. }) = block.flag("optional", notes) {
        web.optional = value;
    }
    if let Some(At { value, .. }) = block.flag("open", notes) {
        web.open = value;
    }
    if let Some(At { value, .. }) = block.number("stop_grace_seconds", 0, 600, notes) {
        web.stop_grace_seconds = value;
    }
    web.path = path?;
    Some(web)
}
