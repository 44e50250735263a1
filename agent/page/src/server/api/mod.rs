//! What the page asks for, one file a resource. All of it is JSON; what reads is a GET, what changes is a POST.

mod cells;
mod conflicts;
mod doctor;
mod history;
mod machine;
mod open;
mod operations;
mod plugins;
mod report;
mod session;
mod setup;
mod state;

use std::sync::Arc;

use axum::Router;
use axum::routing::{get, post};
use kitbag_engine::course::{self, unpack};
use kitbag_engine::error::EngineError;
use kitbag_engine::sync::Rules;
use kitbag_engine::workspace::Workspace;

use super::answer::Trouble;
use super::{Server, events, guard};

/// Where each is.
pub(super) fn routes() -> Router<Arc<Server>> {
    Router::new()
        .route("/api/session", post(session::begin))
        .route("/api/state", get(state::read))
        .route("/api/events", get(events::follow))
        .route("/api/operations", post(operations::begin))
        .route("/api/operations/{id}/answer", post(operations::answer))
        .route("/api/operations/{id}/cancel", post(operations::cancel))
        .route("/api/workspaces/{name}/conflicts", get(conflicts::list))
        .route("/api/workspaces/{name}/conflicts/{id}", get(conflicts::one))
        .route("/api/workspaces/{name}/cells", get(cells::read))
        .route("/api/workspaces/{name}/history", get(history::read))
        .route("/api/workspaces/{name}/doctor", get(doctor::read))
        .route("/api/workspaces/{name}/open", get(open::read))
        .route("/api/plugins", get(plugins::list))
        .route("/api/setup/cloud-folders", get(setup::cloud_folders))
        .route("/api/machine", get(machine::read))
        .route("/api/report", get(report::read))
}

/// Read something of one workspace.
///
/// # Errors
/// There is none of that name, or it cannot be read.
async fn of_workspace<T: Send + 'static, E: Into<Trouble> + Send + 'static>(
    server: &Arc<Server>,
    name: String,
    read: impl FnOnce(&Server, &Workspace) -> Result<T, E> + Send + 'static,
) -> Result<T, Trouble> {
    let reading = move |server: &Server| -> Result<T, Trouble> {
        let settings = server.settings(&name)?;
        let backing = &server.backing;
        let ws = Workspace::look(&backing.home, settings, backing.config.clone(), backing.doors.clone())?;
        read(server, &ws).map_err(Into::into)
    };
    server.aside(reading).await
}

/// What the workspace's course says about files.
fn rules(ws: &Workspace) -> Result<Rules, EngineError> {
    Ok(course::rules(unpack::unpacked(ws)?.as_ref()))
}

/// The value of one name behind the `?`; none where it is not there.
///
/// # Errors
/// It stands there twice, or is no text.
fn asked(query: Option<&str>, name: &str) -> Result<Option<String>, Trouble> {
    let mut found = None;
    for pair in query.unwrap_or_default().split('&') {
        let (key, value) = pair.split_once('=').unwrap_or((pair, ""));
        if key != name {
            continue;
        }
        let bytes = guard::decoded(&value.replace('+', " "));
        let text = bytes.and_then(|bytes| String::from_utf8(bytes).ok());
        let text = text.ok_or_else(|| Trouble::wrong("Its address is no text."))?;
        if found.replace(text).is_some() {
            return Err(Trouble::wrong("Its address says something twice."));
        }
    }
    Ok(found)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_stands_behind_the_question_mark_is_read_once() {
        let path = |query| asked(query, "path").map_err(|trouble| trouble.status.as_u16());
        assert_eq!(path(None), Ok(None));
        assert_eq!(path(Some("limit=3")), Ok(None));
        assert_eq!(path(Some("limit=3&path=a%2Fb+c%2B%C3%BC")).unwrap().as_deref(), Some("a/b c+ü"));
        assert_eq!(path(Some("path")).unwrap().as_deref(), Some(""));
        assert_eq!(path(Some("path=a&path=b")), Err(400));
        assert_eq!(path(Some("path=%ff")), Err(400));
        assert_eq!(path(Some("path=%")), Err(400));
    }
}
