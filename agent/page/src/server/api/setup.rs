//! `GET /api/setup/cloud-folders`: what the first questions of `setup` can be answered with.

use std::sync::Arc;

use axum::extract::State;
use kitbag_engine::error::EngineError;
use kitbag_platform::places::{Places, RealPlaces};
use kitbag_platform::provider::cloud_folders as found;
use kitbag_platform::specs::computer_name;
use serde::Serialize;

use crate::server::Server;
use crate::server::answer::{self, Answered};

#[derive(Serialize)]
struct Document {
    folders: Vec<Folder>,
    /// Where working folders go; null when the system does not say where the person's home is.
    work_parent: Option<String>,
    /// What this computer is called on its network.
    machine: Option<String>,
}

#[derive(Serialize)]
struct Folder {
    provider: &'static str,
    path: String,
}

/// Look for them.
pub(in crate::server) async fn cloud_folders(State(server): State<Arc<Server>>) -> Answered {
    let looked = server.aside(|server| {
        // a folder whose name is no text cannot be asked for by a page
        let folders = found(&RealPlaces, server.backing.doors.disk.as_ref())
            .into_iter()
            .filter_map(|one| Some(Folder { provider: one.name(), path: one.root.to_str()?.to_owned() }));
        let work = RealPlaces.work_parent();
        Ok::<_, EngineError>(Document {
            folders: folders.collect(),
            work_parent: work.and_then(|work| work.to_str().map(str::to_owned)),
            machine: computer_name(),
        })
    });
    answer::good(&looked.await?)
}
