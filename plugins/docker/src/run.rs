//! Doing what the plan says. Every verb looks at the engine first and goes on from what it finds, so it may be
//! called again after a crash at any request. What is made carries its labels from the first moment; nothing that
//! must be found again lies anywhere else.

use std::collections::BTreeSet;
use std::time::Duration;

use kitbag_sdk::engine::Request;
use kitbag_sdk::{EnvRef, Fault, FaultCode, PlanDoc, Spec};
use serde_json::{Map, Value, json};

use crate::api::{Api, refused, whole};
use crate::body::{self, Around};
use crate::layout::{About, Layout};
use crate::plan::{self, Step};
use crate::{images, look, names, owner, snapshot, source, status};

/// How often a plan is made again when the engine has changed meanwhile.
const TRIES: usize = 4;
/// How long a container that others need may take to be well, where the course says nothing.
const AWAIT: Duration = Duration::from_secs(180);

/// What `create` and `start` would do. Changes nothing.
///
/// # Errors
/// `invalid-config` for a course that cannot be read, `unsupported` where it has no image for this computer.
pub fn plan(api: &Api<'_>, what: &Spec) -> Result<PlanDoc, Fault> {
    let layout = source::read(&what.source)?;
    let have = look::have(api, &what.id, &layout)?;
    let (steps, destructive) = plan::both(&around(what, &layout, &body::ports(what)), &have)?;
    let names: Vec<&str> = layout.containers.iter().map(|one| one.name.as_str()).collect();
    let mut summary = format!("Run in Docker: {}.", names.join(", "));
    let wanted = steps.iter().filter_map(|step| match step {
        Step::Image(wanted) => Some(wanted.size_mb),
        _ => None,
    });
    let sizes: Vec<Option<u64>> = wanted.collect();
    let sum: u64 = sizes.iter().flatten().sum();
    if sum > 0 {
        let free = api.host().free_disk_mb();
        summary.push_str(&format!(" Images of about {sum} MB have to come first; {free} MB are free."));
    } else if !sizes.is_empty() {
        summary.push_str(" Images have to come first; the course does not say how big they are.");
    }
    let steps = steps.iter().map(Step::title).collect();
    Ok(PlanDoc { summary, steps, destructive, fingerprint: layout.fingerprint() })
}

/// Make the environment, not yet running. Where one made from another course is there, only the images come: it has to
/// be taken away first, and that is done for nothing if what takes its place cannot be had.
///
/// # Errors
/// `conflict` when one made from another course is there; what keeps an image away; the engine's.
pub fn create(api: &Api<'_>, what: &Spec, fingerprint: &str) -> Result<(), Fault> {
    let layout = source::read(&what.source)?;
    if layout.fingerprint() != fingerprint {
        return Err(plan::changed());
    }
    api.host().remember_machine(&what.id.machine)?;
    snapshot::sweep(api, &what.id)?;
    let ports = body::ports(what);
    for _ in 0..TRIES {
        let have = look::have(api, &what.id, &layout)?;
        let around = around(what, &layout, &ports);
        let mut steps = match plan::create(&around, &have) {
            Err(fault) if fault.code == FaultCode::Conflict => {
                for step in plan::create(&around, &have.images_only())? {
                    if matches!(step, Step::Image(_)) {
                        act(api, &what.id, &layout, &step)?;
                    }
                }
                return Err(fault);
            }
            steps => steps?,
        };
        if steps.is_empty() {
            return Ok(());
        }
        // What an image declares is part of the plan: the rest is planned again when the images are there.
        if steps.iter().any(|step| matches!(step, Step::Image(_))) {
            steps.retain(|step| matches!(step, Step::Image(_)));
        }
        for step in &steps {
            act(api, &what.id, &layout, step)?;
        }
    }
    Err(restless())
}

fn restless() -> Fault {
    Fault::new(FaultCode::ToolFailed, "Something else changes this environment at the same time.")
        .remedy_command("Close other windows with kitbag and try again.", &["kitbag", "up"])
}

/// Start what does not run, each after those it needs.
///
/// # Errors
/// `not-found` before `create`; what keeps a container from starting.
pub fn start(api: &Api<'_>, what: &Spec) -> Result<(), Fault> {
    let layout = source::read(&what.source)?;
    snapshot::sweep(api, &what.id)?;
    for _ in 0..TRIES {
        let have = look::have(api, &what.id, &layout)?;
        let steps = plan::start(&around(what, &layout, &body::ports(what)), &have)?;
        let Some(stuck) = started(api, &what.id, &layout, &steps)? else { return Ok(()) };
        // its volumes have names and stay
        api.remove(&format!("/containers/{stuck}?force=1"))?;
        create(api, what, &layout.fingerprint())?;
    }
    Err(restless())
}

/// Do these steps. Gives the container that the engine cannot start any more: one that was killed while it started it
/// knows the container and not what became of it, and refuses its name for ever.
fn started(api: &Api<'_>, id: &EnvRef, layout: &Layout, steps: &[Step]) -> Result<Option<String>, Fault> {
    for step in steps {
        match (act(api, id, layout, step), step) {
            (Err(fault), Step::Start(_, name)) if fault.code == FaultCode::AlreadyExists => {
                return Ok(Some(name.clone()));
            }
            (done, _) => done?,
        }
    }
    Ok(None)
}

fn around<'a>(
    what: &'a Spec,
    layout: &'a Layout,
    ports: &'a std::collections::BTreeMap<String, u16>,
) -> Around<'a> {
    Around { id: &what.id, layout, ports, env: &what.env }
}

fn act(api: &Api<'_>, id: &EnvRef, layout: &Layout, step: &Step) -> Result<(), Fault> {
    api.host().step(&step.id(), &step.title());
    let fingerprint = layout.fingerprint();
    match step {
        Step::Image(wanted) => images::bring(api, wanted),
        Step::Network(name) => {
            let labels = body::labels(id, &fingerprint, "net");
            let request =
                json!({ "Name": name, "CheckDuplicate": true, "Driver": "bridge", "Labels": labels });
            made(api, "/networks/create", &request)
        }
        Step::Volume(name, part) => {
            let mut labels = body::labels(id, &fingerprint, part);
            labels.insert(names::MADE_AT.to_owned(), json!(api.host().moment().to_string()));
            volume(api, name, labels)
        }
        Step::Create(_, name, request) => made(api, &format!("/containers/create?name={name}"), request),
        // Its volumes have names and stay.
        Step::Remove(_, name) => api.remove(&format!("/containers/{name}?force=1")),
        Step::Own(_, name, user, targets) => owner::give(api, name, user, targets),
        Step::Await(part, name) => {
            let about = layout.services.iter().filter(|one| one.container.as_deref() == Some(part));
            let limit = about.map(|one| Duration::from_secs(one.ready_seconds.into())).max();
            status::await_healthy(api, part, name, limit.unwrap_or(AWAIT))
        }
        Step::Start(_, name) => api.act(&format!("/containers/{name}/start")).map(drop),
    }
}

/// Make a volume.
///
/// # Errors
/// The engine's.
pub fn volume(api: &Api<'_>, name: &str, labels: Map<String, Value>) -> Result<(), Fault> {
    made(api, "/volumes/create", &json!({ "Name": name, "Driver": "local", "Labels": labels }))
}

/// Post; one of that name that is there already is seen when the plan is made again.
fn made(api: &Api<'_>, path: &str, request: &Value) -> Result<(), Fault> {
    let answer = api.send(Request::new("POST", path).json(request.to_string()))?;
    match answer.status {
        200..300 | 409 => whole(answer).map(drop),
        _ => Err(refused(answer)),
    }
}

/// Stop it, those first that others do not need; each gets its time to flush what it holds, all together `grace`.
///
/// # Errors
/// The engine's.
pub fn stop(api: &Api<'_>, id: &EnvRef, grace: Duration) -> Result<(), Fault> {
    let began = api.host().elapsed();
    for container in look::containers(api, id)?.iter().rev().filter(|one| one.running()) {
        api.host().step(&format!("stop-{}", container.part), &format!("Stop {}", container.part));
        let own = container.about.iter().flat_map(About::runs);
        let own = own.map(|one| u64::from(one.stop_seconds)).max().unwrap_or(10);
        let left = grace.saturating_sub(api.host().elapsed().saturating_sub(began)).as_secs();
        let path = format!("/containers/{}/stop?t={}", container.name, own.min(left).max(1));
        let answer = api.send(Request::new("POST", path))?;
        // 304: it does not run any more; 404: it is gone.
        if !(200..400).contains(&answer.status) && answer.status != 404 {
            return Err(refused(answer));
        }
    }
    Ok(())
}

/// Remove everything of it: containers, networks, volumes. Images stay, since another start would need them, and so do
/// snapshots, which were taken for such a day.
///
/// # Errors
/// The engine's.
pub fn destroy(api: &Api<'_>, id: &EnvRef) -> Result<(), Fault> {
    snapshot::sweep(api, id)?;
    for container in look::containers(api, id)?.iter().rev() {
        api.host().step(&format!("remove-{}", container.part), &format!("Remove {}", container.part));
        api.remove(&format!("/containers/{}?force=1&v=1", names::encode(&container.name)))?;
    }
    for network in look::networks(api, id)? {
        api.remove(&format!("/networks/{}", names::encode(&network.id)))?;
    }
    for volume in look::volumes(api, id)?.current.values() {
        api.remove(&format!("/volumes/{}", names::encode(&volume.name)))?;
    }
    Ok(())
}

/// Every environment made from this machine that has anything on the engine.
///
/// # Errors
/// The engine's, the host's.
pub fn list_owned(api: &Api<'_>) -> Result<Vec<EnvRef>, Fault> {
    let machines: BTreeSet<String> = api.host().machines()?.into_iter().collect();
    look::environments(api, &machines.into_iter().collect::<Vec<_>>())
}
