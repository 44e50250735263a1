//! `GET /api/machine`: what this computer is made of, before anything large is downloaded.

use std::sync::Arc;

use axum::extract::State;
use kitbag_engine::error::EngineError;
use kitbag_platform::disk::RealDisk;
use kitbag_platform::specs::{Host, RealHost, Specs};
use serde::Serialize;

use crate::server::Server;
use crate::server::answer::{self, Answered};

#[derive(Serialize)]
struct Document {
    specs: Specs,
}

/// Look at it.
pub(in crate::server) async fn read(State(server): State<Arc<Server>>) -> Answered {
    let looked = server.aside(|server| {
        let home = &server.backing.home;
        let specs = RealHost(RealDisk).specs(home).map_err(EngineError::io("cannot look at", home))?;
        Ok::<_, EngineError>(Document { specs })
    });
    answer::good(&looked.await?)
}
