//! `POST /api/session`: a one-time token, swapped for the key of a tab.

use std::sync::Arc;

use axum::extract::{Request, State};
use axum::http::StatusCode;
use kitbag_core::finding::Finding;
use serde::{Deserialize, Serialize};

use crate::server::Server;
use crate::server::answer::{self, Answered, Trouble};

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Wanted {
    token: String,
}

#[derive(Serialize)]
struct Document {
    key: String,
}

/// Swap it.
pub(in crate::server) async fn begin(State(server): State<Arc<Server>>, request: Request) -> Answered {
    let Wanted { token } = answer::read(request).await?;
    let key = server.aside(move |server| {
        server.keys.swap(&token).map_err(|error| {
            tracing::warn!(%error, "a page could not be let in");
            Trouble::bug("Its keys cannot be written.")
        })
    });
    match key.await? {
        Some(key) => answer::good(&Document { key }),
        None => Err(Trouble::new(
            StatusCode::UNAUTHORIZED,
            Finding::new(
                "this address was used already, or is too old",
                "Each one opens kitbag's page once, within ten minutes.",
                "Open the page with `kitbag page`.",
            ),
        )),
    }
}
