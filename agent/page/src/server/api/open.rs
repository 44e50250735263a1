//! `GET /api/workspaces/NAME/open`: the address of the course or of one service, logged in. It holds an access token, so it
//! is made when somebody is about to follow it and stands in no state.

use std::sync::Arc;

use axum::extract::{Path, RawQuery, State};
use axum::http::StatusCode;
use kitbag_core::finding::Finding;
use kitbag_engine::environment::{Opened, open};
use kitbag_engine::error::EngineError;
use serde::Serialize;

use super::{asked, of_workspace};
use crate::server::Server;
use crate::server::answer::{self, Answered, Trouble};

#[derive(Serialize)]
struct Document {
    service: String,
    url: String,
}

/// Make it.
pub(in crate::server) async fn read(
    State(server): State<Arc<Server>>,
    Path(name): Path<String>,
    RawQuery(query): RawQuery,
) -> Answered {
    let service = asked(query.as_deref(), "service")?.filter(|service| !service.is_empty());
    let opened = of_workspace(&server, name, move |server, ws| -> Result<Opened, EngineError> {
        let home = &server.backing.home;
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
        let runtime = runtime.map_err(EngineError::io("cannot start work in", home))?;
        runtime.block_on(open(ws, home, service.as_deref()))
    });
    match opened.await? {
        // a plugin says where; a browser follows nothing but this
        Opened::Url { service, url } if url.starts_with("http://") || url.starts_with("https://") => {
            answer::good(&Document { service, url })
        }
        Opened::Url { .. } | Opened::Folder(_) => Err(Trouble::new(
            StatusCode::NOT_FOUND,
            Finding::new(
                "there is no page to open",
                "What runs has none, or nothing runs.",
                "Start the course; your files are in the working folder.",
            ),
        )),
    }
}
