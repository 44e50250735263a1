//! `GET /api/workspaces/NAME/conflicts`: the open questions, and what was kept without one; with the id of a side, the
//! texts of all sides of that one.

use std::sync::Arc;

use axum::extract::{Path, State};
use kitbag_engine::sync::Cycle;

use super::{of_workspace, rules};
use crate::questions;
use crate::server::Server;
use crate::server::answer::{self, Answered, Trouble};
use crate::server::brief::brief;

/// All of them.
pub(in crate::server) async fn list(State(server): State<Arc<Server>>, Path(name): Path<String>) -> Answered {
    let read = of_workspace(&server, name, |_, ws| questions::read(ws, &rules(ws)?, None));
    let mut document = serde_json::to_value(read.await?).unwrap_or_default();
    brief(&mut document["conflicts"]);
    brief(&mut document["notes"]);
    answer::good(&document)
}

/// One with both sides.
pub(in crate::server) async fn one(
    State(server): State<Arc<Server>>,
    Path((name, id)): Path<(String, String)>,
) -> Answered {
    let read = of_workspace(&server, name, move |_, ws| Cycle::for_answers(ws, &rules(ws)?)?.sides(&id));
    match read.await? {
        Some(sides) => answer::good(&sides),
        None => Err(Trouble::unknown("this question is not open")),
    }
}
