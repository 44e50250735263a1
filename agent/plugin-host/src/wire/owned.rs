//! Whose an object is, asked of the engine itself before each request that names it. Only full ids are remembered:
//! a name can become another object's between two requests, an id cannot.

use std::sync::PoisonError;

use http_body_util::{BodyExt, Limited};
use serde_json::Value;

use super::body::{Outgoing, empty};
use super::{Wire, WireError, client, document_error};
use crate::filter::{IMAGE_LABEL, Kind, LABEL, Owner};

/// Longest description of an object.
const DESCRIPTION: usize = 8 << 20;

/// Whose an object is.
pub enum Found {
    /// Ours, with its full id (a volume's is its name).
    Ours(String),
    /// Somebody else's.
    Foreign,
    /// Nobody's.
    Absent,
}

impl Wire {
    /// Look at an object's labels.
    pub(super) async fn owned(&self, kind: Kind, name: &str, owner: &Owner) -> Result<Found, WireError> {
        let known = (kind, name.to_owned());
        if self.ours.lock().unwrap_or_else(PoisonError::into_inner).contains(&known) {
            return Ok(Found::Ours(known.1));
        }
        if kind == Kind::Exec {
            let Some(exec) = self.describe(&format!("/exec/{name}/json")).await? else {
                return Ok(Found::Absent);
            };
            let (id, container) = (text(&exec["ID"]), text(&exec["ContainerID"]));
            let whose = Box::pin(self.owned(Kind::Container, &container, owner)).await?;
            return Ok(match whose {
                Found::Ours(_) => self.remember(kind, id),
                _ => Found::Foreign,
            });
        }
        let (path, before) = match kind {
            Kind::Volume => (format!("/volumes/{name}"), LABEL),
            Kind::Network => (format!("/networks/{name}"), LABEL),
            Kind::Image => (format!("/images/{name}/json"), IMAGE_LABEL),
            Kind::Container | Kind::Exec => (format!("/containers/{name}/json"), LABEL),
        };
        let Some(object) = self.describe(&path).await? else { return Ok(Found::Absent) };
        let inside = match kind {
            Kind::Container | Kind::Image => &object["Config"],
            _ => &object,
        };
        let labels = &inside["Labels"];
        if !owner.owns(before, |label| labels.get(label).and_then(Value::as_str).map(str::to_owned)) {
            return Ok(Found::Foreign);
        }
        match kind {
            Kind::Volume => Ok(Found::Ours(text(&object["Name"]))),
            _ => Ok(self.remember(kind, text(&object["Id"]))),
        }
    }

    fn remember(&self, kind: Kind, id: String) -> Found {
        self.ours.lock().unwrap_or_else(PoisonError::into_inner).insert((kind, id.clone()));
        Found::Ours(id)
    }

    /// The engine's description of an object; none: there is none.
    async fn describe(&self, path: &str) -> Result<Option<Value>, WireError> {
        let connection = self.door.connect().await.map_err(WireError::Door)?;
        let response = client::exchange(connection, "GET", path, Outgoing::Plain(None, empty())).await?;
        let status = response.status();
        if status == http::StatusCode::NOT_FOUND {
            return Ok(None);
        }
        let whole = Limited::new(response.into_body(), DESCRIPTION).collect().await;
        let bytes = whole.map_err(|error| document_error(&*error))?.to_bytes();
        if !status.is_success() {
            return Err(WireError::Broken(format!("the engine could not describe {path}: {status}")));
        }
        serde_json::from_slice(&bytes).map(Some).map_err(|error| WireError::Broken(error.to_string()))
    }
}

fn text(value: &Value) -> String {
    value.as_str().unwrap_or_default().to_owned()
}
