//! `GET /api/workspaces/NAME/cells?path=PATH`: the cells of a notebook that wait or only tell, with what they
//! show.

use std::sync::Arc;

use axum::extract::{Path, RawQuery, State};
use kitbag_core::path::WorkPath;
use kitbag_engine::sync::Cycle;

use super::{asked, of_workspace, rules};
use crate::server::Server;
use crate::server::answer::{self, Answered, Trouble};

/// Those of one notebook.
pub(in crate::server) async fn read(
    State(server): State<Arc<Server>>,
    Path(name): Path<String>,
    RawQuery(query): RawQuery,
) -> Answered {
    let wanted = asked(query.as_deref(), "path")?.unwrap_or_default();
    let path = WorkPath::parse(&wanted)
        .map_err(|bad| Trouble::wrong(format!("It names no file of the workspace: {bad}.")))?;
    let read =
        of_workspace(&server, name, move |_, ws| Cycle::for_answers(ws, &rules(ws)?)?.cell_sheet(&path));
    match read.await? {
        Some(sheet) => answer::good(&sheet),
        None => Err(Trouble::unknown("no cell of this notebook waits for an answer")),
    }
}
