//! `GET /api/machine`: what this computer is made of, and what could be in the way, before anything large is downloaded.

use std::sync::Arc;

use axum::extract::State;
use kitbag_engine::doctor::Checked;
use kitbag_engine::error::EngineError;
use kitbag_platform::specs::Specs;
use serde::Serialize;

use super::doctor::looked_over;
use crate::server::Server;
use crate::server::answer::{self, Answered};

#[derive(Serialize)]
struct Document {
    specs: Specs,
    /// As `kitbag doctor --json` has them where nothing is set up.
    checks: Vec<Checked>,
}

/// Look at it.
pub(in crate::server) async fn read(State(server): State<Arc<Server>>) -> Answered {
    let looked = server.aside(|server| {
        let backing = &server.backing;
        let specs = backing
            .doors
            .host
            .specs(&backing.home)
            .map_err(EngineError::io("cannot look at", &backing.home))?;
        Ok::<_, EngineError>(Document { specs, checks: looked_over(server, None)? })
    });
    answer::good(&looked.await?)
}
