//! `GET /api/workspaces/NAME/doctor`: what could be wrong around the work. Looking only; mending is an operation.

use std::sync::Arc;

use axum::extract::{Path, State};
use kitbag_engine::doctor::{Checked, Machine, examine};
use kitbag_engine::error::EngineError;
use kitbag_engine::workspace::Workspace;
use kitbag_platform::autostart::RealAutostart;
use kitbag_platform::places::RealPlaces;
use kitbag_platform::process::RealPorts;
use kitbag_platform::provider::RealPrograms;
use serde::Serialize;

use super::of_workspace;
use crate::server::Server;
use crate::server::answer::{self, Answered};

#[derive(Serialize)]
struct Document {
    checks: Vec<Checked>,
}

/// Look everything over.
pub(in crate::server) async fn read(State(server): State<Arc<Server>>, Path(name): Path<String>) -> Answered {
    let read = of_workspace(&server, name, |server, ws| {
        Ok::<_, EngineError>(Document { checks: looked_over(server, Some(ws))? })
    });
    answer::good(&read.await?)
}

/// The computer looked over, and a workspace where one is named.
///
/// # Errors
/// The system gives no room for it.
pub(super) fn looked_over(server: &Server, ws: Option<&Workspace>) -> Result<Vec<Checked>, EngineError> {
    let home = &server.backing.home;
    let machine = Machine {
        home,
        doors: &server.backing.doors,
        places: &RealPlaces,
        programs: &RealPrograms,
        ports: &RealPorts,
        autostart: &RealAutostart::here(),
        outbound: None,
    };
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    let runtime = runtime.map_err(EngineError::io("cannot start work in", home))?;
    Ok(runtime.block_on(examine(&machine, ws, false)))
}
