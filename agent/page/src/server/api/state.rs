//! `GET /api/state`: how everything stands.

use std::sync::Arc;

use axum::extract::State;

use crate::server::answer::{self, Answered};
use crate::server::{Server, board};

/// Read it.
pub(in crate::server) async fn read(State(server): State<Arc<Server>>) -> Answered {
    answer::good(&board::document(&server).await)
}
