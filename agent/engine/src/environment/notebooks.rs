//! Which notebooks are open in the course that runs here, for a sync that must not write under an open one.

use std::path::Path;
use std::sync::Arc;

use kitbag_core::notebook::Notebooks;
use kitbag_platform::process::port_answers;

use super::runner::Runner;
use super::{jupyter, ports};
use crate::course::unpack;
use crate::error::EngineError;
use crate::sync::Silent;
use crate::workspace::Workspace;

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
    let status = runner.status().await?;
    jupyter::open(ws, &runner, &here.course, &status).await
}
