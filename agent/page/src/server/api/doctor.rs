//! `GET /api/workspaces/NAME/doctor`: what could be wrong around the work. Looking only; mending is an operation.

use std::sync::Arc;

use axum::extract::{Path, State};
use kitbag_engine::doctor::{Checked, Patient, examine};
use kitbag_engine::error::EngineError;
use kitbag_platform::disk::RealDisk;
use kitbag_platform::places::RealPlaces;
use kitbag_platform::provider::RealPrograms;
use kitbag_platform::specs::RealHost;
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
        let patient = Patient {
            ws,
            home: &server.backing.home,
            places: &RealPlaces,
            host: &RealHost(RealDisk),
            programs: &RealPrograms,
        };
        Ok::<_, EngineError>(Document { checks: examine(&patient, false) })
    });
    answer::good(&read.await?)
}
