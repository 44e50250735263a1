//! `POST /api/operations` and what is below it: begin, answer, end.

use std::sync::Arc;

use axum::extract::{Path, Request, State};
use serde::{Deserialize, Serialize};
use serde_json::json;

use crate::server::Server;
use crate::server::answer::{self, Answered, Trouble};
use crate::server::operations;
use crate::server::operations::order::{Wanted, arguments};

#[derive(Serialize)]
struct Begun {
    id: String,
}

/// Begin one.
pub(in crate::server) async fn begin(State(server): State<Arc<Server>>, request: Request) -> Answered {
    let wanted: Wanted = answer::read(request).await?;
    let arguments = arguments(&wanted).map_err(Trouble::wrong)?;
    if let Some(name) = wanted.workspace.clone() {
        // only one that is there has a name that may become an argument
        server.aside(move |server| server.settings(&name).map(drop)).await?;
    }
    let id = operations::begin(&server, wanted.workspace, wanted.verb, arguments)?;
    answer::good(&Begun { id })
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Said {
    question: u64,
    yes: Option<bool>,
    line: Option<String>,
}

/// Answer its question.
pub(in crate::server) async fn answer(
    State(server): State<Arc<Server>>,
    Path(id): Path<String>,
    request: Request,
) -> Answered {
    let said = match answer::read(request).await? {
        Said { question, yes: Some(yes), line: None } => (question, json!({ "yes": yes })),
        Said { question, yes: None, line: Some(line) } => (question, json!({ "line": line })),
        Said { .. } => return Err(Trouble::wrong("It answers with nothing, or with two things.")),
    };
    server.operations.answer(&id, said.0, &said.1)?;
    answer::good(&json!({}))
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Nothing {}

/// End it.
pub(in crate::server) async fn cancel(
    State(server): State<Arc<Server>>,
    Path(id): Path<String>,
    request: Request,
) -> Answered {
    let Nothing {} = answer::read(request).await?;
    server.operations.cancel(&id)?;
    answer::good(&json!({}))
}
