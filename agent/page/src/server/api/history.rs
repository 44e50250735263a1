//! `GET /api/workspaces/NAME/history`: the versions of everything, or with `path` of a file or folder; `limit` at the most.

use std::sync::Arc;

use axum::extract::{Path, RawQuery, State};
use kitbag_core::path::WorkPath;
use kitbag_engine::history;

use super::{asked, of_workspace, rules};
use crate::server::Server;
use crate::server::answer::{self, Answered, Trouble};

/// As many as the command line shows.
const USUAL: usize = 20;
/// No more at once.
const MOST: usize = 1_000;

/// Read it.
pub(in crate::server) async fn read(
    State(server): State<Arc<Server>>,
    Path(name): Path<String>,
    RawQuery(query): RawQuery,
) -> Answered {
    let path = asked(query.as_deref(), "path")?.filter(|path| !path.is_empty());
    let path = path.map(|path| WorkPath::parse(&path)).transpose();
    let path = path.map_err(|bad| Trouble::wrong(format!("It names no file of the workspace: {bad}.")))?;
    let limit = match asked(query.as_deref(), "limit")? {
        None => USUAL,
        Some(limit) => limit.parse().map_err(|_| Trouble::wrong("Its limit is no number."))?,
    };
    let limit = limit.min(MOST);
    let read =
        of_workspace(&server, name, move |_, ws| history::history(ws, &rules(ws)?, path.as_ref(), limit));
    answer::good(&read.await?)
}
