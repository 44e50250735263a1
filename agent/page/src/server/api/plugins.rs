//! `GET /api/plugins`: what runs courses here, and what each was allowed in which workspace.

use std::sync::Arc;

use axum::extract::State;
use axum::http::StatusCode;
use kitbag_engine::environment::{Granted, Manifest, grants};
use kitbag_engine::error::EngineError;
use kitbag_engine::workspace::{Settings, Workspace, each};
use serde::Serialize;

use crate::plugins::{Listed, list as listed, manifests, words};
use crate::server::answer::{self, Answered, Trouble};
use crate::server::{Backing, Server};

#[derive(Serialize)]
struct Document {
    plugins: Vec<One>,
}

#[derive(Serialize)]
struct One {
    /// `grants` has what it was allowed anywhere.
    #[serde(flatten)]
    listed: Listed,
    /// What people call it.
    title: String,
    /// Who made it.
    publisher: String,
    /// What it asks for.
    capabilities: Vec<Asked>,
    workspaces: Vec<Allowed>,
}

#[derive(Serialize)]
struct Asked {
    /// Why, in the plugin's own words.
    reason: String,
    /// What of it goes beyond the usual, in words.
    rights: Vec<&'static str>,
}

#[derive(Serialize)]
struct Allowed {
    workspace: String,
    grants: Vec<String>,
}

/// List them.
pub(in crate::server) async fn list(State(server): State<Arc<Server>>) -> Answered {
    answer::good(&server.aside(|server| read(&server.backing)).await?)
}

fn read(backing: &Backing) -> Result<Document, Trouble> {
    let bug = |finding| Trouble::new(StatusCode::INTERNAL_SERVER_ERROR, finding);
    let manifests = manifests().map_err(bug)?;
    let plugins = listed(&manifests, None).into_iter().zip(&manifests);
    let mut plugins: Vec<_> = plugins.map(|(listed, manifest)| one(listed, manifest)).collect();
    for (_, settings) in each(&backing.home, &backing.doors)? {
        // one that cannot be read is told of in the state
        let Ok((workspace, Some(granted))) = settings.and_then(|settings| granted(backing, settings)) else {
            continue;
        };
        for one in plugins.iter_mut().filter(|one| one.listed.id == granted.backend) {
            let grants = words(&granted);
            one.listed.grants.extend(grants.iter().cloned());
            one.workspaces.push(Allowed { workspace: workspace.clone(), grants });
        }
    }
    for one in &mut plugins {
        one.listed.grants.sort();
        one.listed.grants.dedup();
    }
    Ok(Document { plugins })
}

fn one(listed: Listed, manifest: &Manifest) -> One {
    let asked = manifest.capabilities.iter().map(|capability| Asked {
        reason: capability.reason.clone(),
        rights: capability.rights.iter().map(|right| right.words()).collect(),
    });
    One {
        listed,
        title: manifest.title.clone(),
        publisher: manifest.publisher.clone(),
        capabilities: asked.collect(),
        workspaces: Vec::new(),
    }
}

fn granted(backing: &Backing, settings: Settings) -> Result<(String, Option<Granted>), EngineError> {
    let ws = Workspace::look(&backing.home, settings, backing.config.clone(), backing.doors.clone())?;
    let granted = grants(&ws)?;
    Ok((ws.settings.name, granted))
}
