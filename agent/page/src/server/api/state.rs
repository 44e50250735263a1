//! `GET /api/state`: how everything stands.

use std::sync::Arc;

use axum::extract::State;

use crate::server::answer::{self, Answered, Trouble};
use crate::server::{Server, board};

/// Read it.
pub(in crate::server) async fn read(State(server): State<Arc<Server>>) -> Answered {
    match board::document(&server).await {
        Some(document) => answer::good(&document),
        None => Err(Trouble::bug("Reading takes very long just now.")),
    }
}
