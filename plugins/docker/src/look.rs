//! Looking at the engine: what it has of one environment, found by its labels, and which images of the course are
//! there. Reads only. What it finds is data for the planner and for the status.

use std::collections::{BTreeMap, BTreeSet};

use kitbag_sdk::{EnvRef, Fault, FaultCode};
use serde_json::Value;

use crate::api::Api;
use crate::layout::{About, Layout};
use crate::names;
use crate::plan::{self, Facts, Have, Made};
use crate::volumes::{Volume, Volumes};

/// A container that is there, as its labels and its list entry say.
#[derive(Debug, Clone)]
pub struct Found {
    /// Its name in the course.
    pub part: String,
    /// The engine's name of it.
    pub name: String,
    /// The engine's number of it, never given twice.
    pub id: String,
    /// The engine's word for how it is: `created`, `running`, `exited` …
    pub state: String,
    /// What the course says of it; none for one whose label cannot be read.
    pub about: Option<About>,
    /// Outer ports by inner ones; only while it runs.
    pub ports: BTreeMap<u16, u16>,
    /// The image it was made from, by its id.
    pub image: String,
    /// Whether it is none of the course's, and never started.
    pub helper: bool,
    made: Made,
}

impl Found {
    /// Whether its program runs.
    pub fn running(&self) -> bool {
        self.made.running
    }
}

/// A query that lets only things with these labels through.
pub fn filter(labels: &[(&str, &str)]) -> String {
    let labels: Vec<String> = labels.iter().map(|(key, value)| format!("{key}={value}")).collect();
    names::encode(&serde_json::json!({ "label": labels }).to_string())
}

/// The containers of an environment, running or not, in the order they start.
///
/// # Errors
/// The engine's.
pub fn containers(api: &Api<'_>, id: &EnvRef) -> Result<Vec<Found>, Fault> {
    let mut found = all_containers(api, id)?;
    found.retain(|one| !one.helper);
    Ok(found)
}

/// The same, with those that kitbag made for itself.
///
/// # Errors
/// The engine's.
pub fn all_containers(api: &Api<'_>, id: &EnvRef) -> Result<Vec<Found>, Fault> {
    let list = api.get(&format!("/containers/json?all=1&filters={}", filter(&names::labels(id))))?;
    let mut found: Vec<Found> = list.as_array().into_iter().flatten().map(container).collect();
    found.sort_by_key(|one| (one.about.as_ref().map_or(usize::MAX, |about| about.order), one.part.clone()));
    Ok(found)
}

/// A container as its entry in the engine's list says.
pub fn container(entry: &Value) -> Found {
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    let label = |key: &str| text(&entry["Labels"][key]);
    let port = |value: &Value| value.as_u64().and_then(|port| u16::try_from(port).ok());
    let ports = entry["Ports"].as_array().into_iter().flatten();
    let state = text(&entry["State"]);
    Found {
        part: label(names::PART),
        name: text(&entry["Names"][0]).trim_start_matches('/').to_owned(),
        id: text(&entry["Id"]),
        about: serde_json::from_str(&label(names::ABOUT)).ok(),
        ports: ports
            .filter_map(|one| Some((port(&one["PrivatePort"])?, port(&one["PublicPort"])?)))
            .collect(),
        made: Made {
            fingerprint: label(names::FINGERPRINT),
            made_from: label(names::MADE_FROM),
            fresh: state == "created",
            running: ["running", "paused", "restarting"].contains(&state.as_str()),
        },
        image: text(&entry["ImageID"]),
        helper: entry["Labels"][names::HELPER].is_string(),
        state,
    }
}

/// A network that is there.
#[derive(Debug, Clone)]
pub struct Network {
    /// What it is removed by: two may have one name.
    pub id: String,
    /// Its name.
    pub name: String,
    /// Of the course's block it was made from.
    pub fingerprint: String,
}

/// The environment's networks.
///
/// # Errors
/// The engine's.
pub fn networks(api: &Api<'_>, id: &EnvRef) -> Result<Vec<Network>, Fault> {
    match api.get(&format!("/networks?filters={}", filter(&names::labels(id)))) {
        Ok(list) => Ok(list.as_array().into_iter().flatten().map(network).collect()),
        // Who may have no networks has none; a course that needs one is told so when it is made.
        Err(fault) if fault.code == FaultCode::NotGranted => Ok(Vec::new()),
        Err(fault) => Err(fault),
    }
}

fn network(entry: &Value) -> Network {
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    let fingerprint = text(&entry["Labels"][names::FINGERPRINT]);
    Network { id: text(&entry["Id"]), name: text(&entry["Name"]), fingerprint }
}

/// The environment's volumes, each in its place.
///
/// # Errors
/// The engine's.
pub fn volumes(api: &Api<'_>, id: &EnvRef) -> Result<Volumes, Fault> {
    let list = api.get(&format!("/volumes?filters={}", filter(&names::labels(id))))?;
    Ok(Volumes::sort(list["Volumes"].as_array().into_iter().flatten().map(Volume::read)))
}

/// Everything the planner asks for.
///
/// # Errors
/// The engine's, or the course has no image for this processor.
pub fn have(api: &Api<'_>, id: &EnvRef, layout: &Layout) -> Result<Have, Fault> {
    let mut images = BTreeMap::new();
    for container in &layout.containers {
        for wanted in plan::images(container, &names::prefix(id), &api.arch)? {
            if !images.contains_key(&wanted.name)
                && let Some(facts) = image(api, &wanted.name)?
            {
                images.insert(wanted.name, facts);
            }
        }
    }
    Ok(Have {
        arch: api.arch.clone(),
        images,
        networks: networks(api, id)?.into_iter().map(|one| (one.name, one.fingerprint)).collect(),
        volumes: volumes(api, id)?.current,
        containers: containers(api, id)?.into_iter().map(|one| (one.part, one.made)).collect(),
    })
}

/// What an image says of itself; none: it is not there.
///
/// # Errors
/// The engine's.
pub fn image(api: &Api<'_>, name: &str) -> Result<Option<Facts>, Fault> {
    let found = api.find(&format!("/images/{}/json", names::encode_image(name)))?;
    Ok(found.map(|image| Facts {
        volumes: image["Config"]["Volumes"]
            .as_object()
            .into_iter()
            .flat_map(|all| all.keys().cloned())
            .collect(),
        user: image["Config"]["User"].as_str().unwrap_or_default().to_owned(),
    }))
}

/// Every environment of these machines that has anything on the engine.
///
/// # Errors
/// The engine's.
pub fn environments(api: &Api<'_>, machines: &[String]) -> Result<Vec<EnvRef>, Fault> {
    let mut found = BTreeSet::new();
    for machine in machines {
        let filter = filter(&[(names::MACHINE, machine)]);
        let mut add = |list: &Value| {
            for entry in list.as_array().into_iter().flatten() {
                let label = |key: &str| entry["Labels"][key].as_str().map(str::to_owned);
                let all = (label(names::WORKSPACE), label(names::MACHINE), label(names::ENVIRONMENT));
                if let (Some(workspace), Some(machine), Some(name)) = all {
                    found.insert((workspace, machine, name));
                }
            }
        };
        add(&api.get(&format!("/containers/json?all=1&filters={filter}"))?);
        match api.get(&format!("/networks?filters={filter}")) {
            Err(fault) if fault.code == FaultCode::NotGranted => {}
            list => add(&list?),
        }
        add(&api.get(&format!("/volumes?filters={filter}"))?["Volumes"]);
    }
    Ok(found.into_iter().map(|(workspace, machine, name)| EnvRef { workspace, machine, name }).collect())
}
