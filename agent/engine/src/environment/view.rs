//! What `status` says of the environment. Cheap, and never a failure of its own: what cannot be found out is unknown.

use std::path::Path;
use std::sync::Arc;

use kitbag_core::course::{Course, Service, ServiceKind};
use kitbag_plugin_host::{EnvStatus, Phase, ServiceStatus};
use serde::Serialize;

use super::runner::{Made, Runner, made};
use super::{databases, ports, sqlite};
use crate::course::{CourseHere, unpack};
use crate::error::EngineError;
use crate::sync::Silent;
use crate::workspace::Workspace;

/// The environment as a person sees it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct EnvironmentView {
    /// What runs it; none when it was never started here.
    pub backend: Option<String>,
    /// `stopped`, `starting`, `running`, `unhealthy` or `unknown`.
    pub state: String,
    /// Each service of the course.
    pub services: Vec<ServiceView>,
}

/// One service as a person sees it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct ServiceView {
    /// Its name.
    pub name: String,
    /// What the course calls it for people.
    pub title: String,
    /// `sqlite`, `program`, `web` or `database`.
    pub kind: String,
    /// As [`EnvironmentView::state`]; also `not-available` for an optional one whose program is not here and for one
    /// that this backend does not run, and for a SQLite database `ready` or `none`.
    pub state: String,
    /// Where it is, without the access token; none when it is not running, and for a server inside the environment.
    pub url: Option<String>,
    /// Why it is not available, where that is known; a sentence.
    pub note: Option<String>,
}

/// Look at the environment.
pub async fn view(ws: &Workspace, home: &Path) -> EnvironmentView {
    let made = made(ws).ok().flatten();
    let here = unpack::unpacked(ws).ok().flatten();
    let status = match &made {
        None => Ok(None),
        Some(_) => {
            ask(ws, home).await.inspect_err(|error| tracing::warn!(%error, "the environment is unknown"))
        }
    };
    show(ws, made.as_ref(), here.as_ref(), status.as_ref().map(Option::as_ref).map_err(|_| ()))
}

async fn ask(ws: &Workspace, home: &Path) -> Result<Option<EnvStatus>, EngineError> {
    match Runner::existing(ws, home, Arc::new(Silent), false).await? {
        Some(runner) => runner.status().await.map(Some),
        None => Ok(None),
    }
}

/// The view of a status that is known; an error stands for one that is not.
pub(super) fn show(
    ws: &Workspace,
    made: Option<&Made>,
    here: Option<&CourseHere>,
    status: Result<Option<&EnvStatus>, ()>,
) -> EnvironmentView {
    let ports = ports::remembered(ws).unwrap_or_default();
    let service = |course: &Course, service: &Service| {
        let (name, title, kind) =
            (service.name.clone(), service.title.clone(), service.kind.name().to_owned());
        let elsewhere = made.and_then(|made| course.why_not(service, &made.backend));
        let (state, url) = match &service.kind {
            _ if elsewhere.is_some() => (word(Ok(Phase::NotAvailable)), None),
            ServiceKind::Sqlite(_) => {
                let database = databases::file(ws, &name);
                let url = ws.doors.disk.stat(&database).is_ok().then(|| sqlite::url(&database));
                (if url.is_some() { "ready" } else { "none" }.to_owned(), url)
            }
            ServiceKind::Program(_) | ServiceKind::Web(_) | ServiceKind::Database(_) => {
                let phase = status.map(|status| phase_of(status, &name));
                let up = matches!(phase, Ok(Phase::Running | Phase::Starting));
                (word(phase), ports::page(service, &ports).filter(|_| up))
            }
        };
        ServiceView { name, title, kind, state, url, note: elsewhere }
    };
    let services: Vec<_> = here
        .iter()
        .flat_map(|here| here.course.services.iter().map(|one| service(&here.course, one)))
        .collect();
    let whole = status.map(|status| status.map_or(Phase::Stopped, |status| status.phase));
    EnvironmentView { backend: made.map(|made| made.backend.clone()), state: word(whole), services }
}

fn phase_of(status: Option<&EnvStatus>, name: &str) -> Phase {
    let one = |service: &&ServiceStatus| service.name == name;
    status.and_then(|status| status.services.iter().find(one)).map_or(Phase::Stopped, |service| service.phase)
}

fn word(phase: Result<Phase, ()>) -> String {
    let word = match phase {
        Err(()) => "unknown",
        Ok(Phase::Absent | Phase::Stopped) => "stopped",
        Ok(Phase::Starting) => "starting",
        Ok(Phase::Running) => "running",
        Ok(Phase::Unhealthy) => "unhealthy",
        Ok(Phase::NotAvailable) => "not-available",
    };
    word.to_owned()
}
