//! Between the interface's types and our own. What comes from a plugin is made safe to show and capped here;
//! what must come back unchanged (ids, fingerprints, addresses) is refused if it is not plain.

use kitbag_core::path::WorkPath;
use kitbag_core::takeaway::Export;

use super::bindings::backend::exports::kitbag::plugin::environment as wit_env;
use super::bindings::backend::exports::kitbag::plugin::snapshot as wit_snapshot;
use super::bindings::backend::kitbag::plugin::types as wit;
use super::bindings::course::exports::kitbag::plugin::hooks as wit_hooks;
use crate::backend::{Advice, Layout, Moment};
use crate::environment::{
    Description, Endpoint, EnvRef, EnvStatus, ExecRequest, Phase, PlanDoc, ProbeReport, ServiceStatus, Snap,
    Spec,
};
use crate::error::PluginError;
use crate::fault::{Fault, FaultCode, Remedy};
use crate::grants::Grants;
use crate::text;

/// Most entries of any list a plugin gives, but for environments.
const MOST: usize = 200;
/// Most environments.
const MOST_OWNED: usize = 10_000;
const NAME: usize = 200;
const SENTENCE: usize = 1000;

type Checked<T> = Result<T, PluginError>;

fn nonsense<T>(what: &str) -> Checked<T> {
    Err(PluginError::Nonsense(what.to_owned()))
}

/// Text that must come back as it is.
fn plain(text: String, most: usize, what: &str) -> Checked<String> {
    if text.len() > most || text::line(&text) != text { nonsense(what) } else { Ok(text) }
}

fn list<T, U>(items: Vec<T>, most: usize, each: impl FnMut(T) -> Checked<U>) -> Checked<Vec<U>> {
    if items.len() > most {
        nonsense("a list that is too long")
    } else {
        items.into_iter().map(each).collect()
    }
}

macro_rules! codes {
    ($($code:ident)*) => {
        impl From<FaultCode> for wit::FaultCode {
            fn from(code: FaultCode) -> Self {
                match code { $(FaultCode::$code => Self::$code,)* }
            }
        }
        impl From<wit::FaultCode> for FaultCode {
            fn from(code: wit::FaultCode) -> Self {
                match code { $(wit::FaultCode::$code => Self::$code,)* }
            }
        }
    };
}

codes! {
    NotFound AlreadyExists NotReady Unsupported InvalidConfig NotGranted MissingTool ToolFailed Network Conflict
    Quota Timeout Cancelled Internal PortTaken
}

impl From<Fault> for wit::Fault {
    fn from(fault: Fault) -> Self {
        let remedy = |one: Remedy| wit::Remedy { text: one.text, command: one.command };
        Self {
            code: fault.code.into(),
            message: fault.message,
            detail: fault.detail,
            remedies: fault.remedies.into_iter().map(remedy).collect(),
        }
    }
}

/// A plugin's fault, safe to show. A fault is never refused: it is the only thing that says what went wrong.
pub fn fault(from: wit::Fault, grants: &Grants) -> Fault {
    let remedy = |one: wit::Remedy| Remedy {
        text: text::short(&one.text, SENTENCE),
        command: one.command.iter().take(MOST).map(|word| text::short(word, SENTENCE)).collect(),
    };
    Fault {
        code: from.code.into(),
        message: text::short(&grants.redact(&from.message), SENTENCE),
        detail: from.detail.map(|detail| text::lines(&grants.redact(&detail))),
        remedies: from.remedies.into_iter().take(20).map(remedy).collect(),
    }
}

impl From<EnvRef> for wit::EnvRef {
    fn from(id: EnvRef) -> Self {
        Self { workspace: id.workspace, machine: id.machine, name: id.name }
    }
}

fn env_ref(from: wit::EnvRef) -> Checked<EnvRef> {
    let name = |text| plain(text, NAME, "the name of an environment");
    Ok(EnvRef { workspace: name(from.workspace)?, machine: name(from.machine)?, name: name(from.name)? })
}

impl From<Spec> for wit::Spec {
    fn from(spec: Spec) -> Self {
        let port = |one: crate::environment::Port| wit::Port { service: one.service, number: one.number };
        Self {
            id: spec.id.into(),
            source: spec.source.to_string(),
            ports: spec.ports.into_iter().map(port).collect(),
            env: spec.env,
        }
    }
}

impl From<ExecRequest> for wit_env::ExecRequest {
    fn from(request: ExecRequest) -> Self {
        Self { argv: request.argv, env: request.env, folder: request.folder }
    }
}

pub fn description(from: wit::Description) -> Checked<Description> {
    let name = |text| plain(text, NAME, "its own name");
    Ok(Description { id: name(from.id)?, version: name(from.version)?, title: name(from.title)? })
}

pub fn probe(from: wit_env::ProbeReport, grants: &Grants) -> Checked<ProbeReport> {
    Ok(ProbeReport {
        usable: from.usable,
        version: from.version.map(|version| text::short(&version, NAME)),
        problems: list(from.problems, MOST, |one| Ok(fault(one, grants)))?,
    })
}

pub fn plan(from: wit_env::PlanDoc) -> Checked<PlanDoc> {
    Ok(PlanDoc {
        summary: text::short(&from.summary, SENTENCE),
        steps: list(from.steps, MOST, |step| Ok(text::short(&step, SENTENCE)))?,
        destructive: from.destructive,
        fingerprint: plain(from.fingerprint, NAME, "a fingerprint")?,
    })
}

fn phase(from: wit::Phase) -> Phase {
    match from {
        wit::Phase::Absent => Phase::Absent,
        wit::Phase::Stopped => Phase::Stopped,
        wit::Phase::Starting => Phase::Starting,
        wit::Phase::Running => Phase::Running,
        wit::Phase::Unhealthy => Phase::Unhealthy,
        wit::Phase::NotAvailable => Phase::NotAvailable,
    }
}

pub fn status(from: wit::EnvStatus, grants: &Grants) -> Checked<EnvStatus> {
    let service = |one: wit::ServiceStatus| {
        Ok(ServiceStatus {
            name: plain(one.name, NAME, "the name of a service")?,
            phase: phase(one.phase),
            note: one.note.map(|note| text::lines(&grants.redact(&note))),
        })
    };
    Ok(EnvStatus { phase: phase(from.phase), services: list(from.services, MOST, service)? })
}

pub fn owned(from: Vec<wit::EnvRef>) -> Checked<Vec<EnvRef>> {
    list(from, MOST_OWNED, env_ref)
}

/// A stamp is compared with what it was before, so it is taken as it is or not at all.
pub fn stamp(from: Option<String>) -> Checked<Option<String>> {
    from.map(|text| plain(text, NAME, "the name of an environment's data")).transpose()
}

/// A copy's id must come back as it is, and its label is a person's word for it: one that is changed on the way would
/// name another one.
pub fn snap(from: wit_snapshot::Snap) -> Checked<Snap> {
    let wit_snapshot::Snap { id, label, bytes, taken } = from;
    if id.is_empty() || id.len() > NAME || !id.bytes().all(|byte| byte.is_ascii_alphanumeric()) {
        return nonsense("the id of a snapshot");
    }
    Ok(Snap { id, label: plain(label, NAME, "the label of a snapshot")?, bytes, taken })
}

pub fn snaps(from: Vec<wit_snapshot::Snap>) -> Checked<Vec<Snap>> {
    list(from, MOST, snap)
}

/// Endpoints are opened in a browser, so only web addresses pass.
pub fn endpoints(from: Vec<wit::Endpoint>) -> Checked<Vec<Endpoint>> {
    list(from, MOST, |one| {
        let web = one.url.starts_with("http://") || one.url.starts_with("https://");
        if !web || one.url.len() > 2000 || !one.url.bytes().all(|byte| byte.is_ascii_graphic()) {
            return nonsense("an address that is not one of the web");
        }
        let query = |text: &String| {
            !text.is_empty()
                && text.len() <= 40
                && text.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_')
        };
        if one.secret_query.as_ref().is_some_and(|text| !query(text)) {
            return nonsense("the name of a query parameter");
        }
        let service = plain(one.service, NAME, "the name of a service")?;
        Ok(Endpoint { service, url: one.url, secret_query: one.secret_query })
    })
}

/// What an environment is made of: text of a plugin that becomes scripts a person runs, so nothing of it passes that
/// the core does not know.
pub fn export(from: &str) -> Checked<Box<Export>> {
    if from.len() > text::LONGEST_TEXT {
        return nonsense("a description of an environment that is too long");
    }
    Export::read(from)
        .map(Box::new)
        .map_err(|bad| PluginError::Nonsense(text::short(&bad.to_string(), SENTENCE)))
}

pub fn layout(from: wit_hooks::LayoutDoc) -> Checked<Layout> {
    let folder =
        |text: String| WorkPath::parse(&text).or_else(|_| nonsense("a folder outside the workspace"));
    Ok(Layout {
        folders: list(from.folders, MOST, folder)?,
        ignore: list(from.ignore, MOST, |rule| plain(rule, SENTENCE, "an ignore rule"))?,
    })
}

pub fn advice(from: wit_hooks::Advice, grants: &Grants) -> Advice {
    match from {
        wit_hooks::Advice::Proceed => Advice::Proceed,
        wit_hooks::Advice::Warn(one) => Advice::Warn(fault(one, grants)),
        wit_hooks::Advice::Refuse(one) => Advice::Refuse(fault(one, grants)),
    }
}

impl From<Moment> for wit_hooks::Moment {
    fn from(at: Moment) -> Self {
        match at {
            Moment::BeforeStart => Self::BeforeStart,
            Moment::AfterReady => Self::AfterReady,
            Moment::BeforeStop => Self::BeforeStop,
            Moment::AfterStop => Self::AfterStop,
        }
    }
}
