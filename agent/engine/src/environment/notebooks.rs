//! Which notebooks are open in the course that runs here: the notebook server among its services is asked for its
//! sessions, each a notebook with a kernel. It is asked on 127.0.0.1 with the token kitbag made, and only when the
//! backend says that the service is running: else another program of this computer may have taken the port, and the
//! token is not for it.

use std::collections::BTreeSet;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use kitbag_core::notebook::{Notebooks, sessions};
use kitbag_platform::loopback;
use kitbag_platform::process::port_answers;

use super::ports;
use super::runner::Runner;
use super::up::live;
use crate::course::unpack;
use crate::error::EngineError;
use crate::sync::Silent;
use crate::workspace::Workspace;
use kitbag_core::course::Course;

/// An answer that takes longer is not waited for: the course is busy, and a sync must not hang on it.
const PATIENCE: Duration = Duration::from_millis(1_500);

/// What the running course has open. Never a failure: what cannot be found out is unknown, and then a notebook saved
/// lately is taken for open.
pub async fn open_notebooks(ws: &Workspace, home: &Path) -> Notebooks {
    match ask(ws, home).await {
        Ok(notebooks) => notebooks,
        Err(error) => {
            tracing::warn!(%error, "the open notebooks are unknown");
            Notebooks::Unknown
        }
    }
}

async fn ask(ws: &Workspace, home: &Path) -> Result<Notebooks, EngineError> {
    let ports = ports::remembered(ws)?;
    // cheap when nothing runs, which is most of the time
    if !ports.values().any(|port| port_answers(*port)) {
        return Ok(Notebooks::Unknown);
    }
    let Some(here) = unpack::unpacked(ws)? else { return Ok(Notebooks::Unknown) };
    let Some(runner) = Runner::existing(ws, home, Arc::new(Silent), false).await? else {
        return Ok(Notebooks::Unknown);
    };
    let live = live(&runner.status().await?);
    let mut servers = 0;
    let mut open = BTreeSet::new();
    for (service, port) in ports.into_iter().filter(|(service, _)| live.contains(service)) {
        let (path, token) = (sessions_path(&here.course, &service), runner.token.clone());
        let asked = tokio::task::spawn_blocking(move || loopback::get(port, &path, &token, PATIENCE));
        let Ok(Ok(answer)) = asked.await else { continue };
        if answer.status == 200
            && let Some(notebooks) = sessions(&answer.body)
        {
            servers += 1;
            open.extend(notebooks);
        }
    }
    Ok(if servers > 0 { Notebooks::Open(open) } else { Notebooks::Unknown })
}

/// Where a notebook server lists its sessions. Its first page may lie below its address, as `/lab` does.
fn sessions_path(course: &Course, service: &str) -> String {
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
    format!("{address}/api/sessions")
}
