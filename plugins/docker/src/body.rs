//! The create requests of one environment, as data: what a container of the course is on an engine. Pure, and the
//! same for the same questions, so that a container can be asked whether it was made from them. Secrets and paths
//! stand in it as `{token}` and `{work}`; kitbag puts the real ones in on the way.

use std::collections::{BTreeMap, BTreeSet};

use kitbag_sdk::{EnvRef, Spec};
use serde_json::{Map, Value, json};

use crate::layout::{Container, From, Layout};
use crate::names;
use crate::volumes::Volume;

/// Everything a container's request is made from besides the container.
#[derive(Debug)]
pub struct Around<'a> {
    /// Whose environment.
    pub id: &'a EnvRef,
    /// The course.
    pub layout: &'a Layout,
    /// The outer port of each service.
    pub ports: &'a BTreeMap<String, u16>,
    /// For every program of the environment.
    pub env: &'a [(String, String)],
}

/// The outer ports the host chose.
pub fn ports(what: &Spec) -> BTreeMap<String, u16> {
    what.ports.iter().map(|port| (port.service.clone(), port.number)).collect()
}

/// The labels of one thing.
pub fn labels(id: &EnvRef, fingerprint: &str, part: &str) -> Map<String, Value> {
    let mut labels: Map<String, Value> =
        names::labels(id).into_iter().map(|(key, value)| (key.to_owned(), json!(value))).collect();
    labels.insert(names::FINGERPRINT.to_owned(), json!(fingerprint));
    labels.insert(names::PART.to_owned(), json!(part));
    labels
}

/// The volumes a container uses, by part: the course's, and one for each folder its image declares as a volume,
/// so that no data lies in a volume without a name.
pub fn volumes(container: &Container, declared: &BTreeSet<String>) -> BTreeMap<String, String> {
    let mut volumes = BTreeMap::new();
    for mount in &container.mounts {
        if let From::Volume(name) = &mount.from {
            volumes.insert(mount.target.clone(), name.clone());
        }
    }
    for target in declared {
        let target = target.trim_end_matches('/');
        if target.starts_with('/') && !container.mounts.iter().any(|mount| mount.target == target) {
            let part = format!("{}.{}", container.name, &names::hash(target)[..8]);
            volumes.insert(target.to_owned(), part);
        }
    }
    volumes
}

impl Around<'_> {
    /// The name of the network, for courses of more than one container.
    pub fn network(&self) -> Option<String> {
        (self.layout.containers.len() > 1).then(|| names::part(self.id, "net"))
    }

    /// The create request of a container. `there` are the volumes that are there, by part.
    pub fn container(
        &self,
        of: &Container,
        image: &str,
        declared: &BTreeSet<String>,
        there: &BTreeMap<String, Volume>,
    ) -> Value {
        let fingerprint = self.layout.fingerprint();
        let mut exposed = Map::new();
        let mut bindings = Map::new();
        for port in &of.ports {
            let chosen = port.service.as_ref().and_then(|service| self.ports.get(service)).copied();
            let outer = chosen.map_or_else(String::new, |port| port.to_string());
            let inner = format!("{}/tcp", port.inside);
            exposed.insert(inner.clone(), json!({}));
            bindings.insert(inner, json!([{ "HostIp": "127.0.0.1", "HostPort": outer }]));
        }
        let mut labels = labels(self.id, &fingerprint, &of.name);
        let about = serde_json::to_string(&self.layout.about(of)).unwrap_or_default();
        labels.insert(names::ABOUT.to_owned(), json!(about));
        let mut body = json!({
            "Image": image,
            "Hostname": of.name,
            "Env": self.environment(of),
            "Labels": labels,
            "ExposedPorts": exposed,
            "HostConfig": { "Mounts": self.mounts(of, declared, there), "PortBindings": bindings },
        });
        let mut set = |key: &str, value: Option<Value>| {
            if let Some(value) = value {
                body[key] = value;
            }
        };
        set("Cmd", of.command.as_ref().map(|words| json!(words)));
        set("Entrypoint", of.entrypoint.as_ref().map(|words| json!(words)));
        set("WorkingDir", of.working_dir.as_ref().map(|path| json!(path)));
        set("User", of.user.as_ref().map(|user| json!(user)));
        set("Healthcheck", health(of));
        if let Some(network) = self.network() {
            body["HostConfig"]["NetworkMode"] = json!(network);
            body["NetworkingConfig"] = json!({ "EndpointsConfig": { (network): { "Aliases": [of.name] } } });
        }
        let made_from = names::hash(&body.to_string());
        body["Labels"][names::MADE_FROM] = json!(made_from);
        body
    }

    fn mounts(
        &self,
        of: &Container,
        declared: &BTreeSet<String>,
        there: &BTreeMap<String, Volume>,
    ) -> Vec<Value> {
        let mut mounts = Vec::new();
        for mount in &of.mounts {
            if let From::Folder { token, path } = &mount.from {
                let source =
                    if path.is_empty() { format!("{{{token}}}") } else { format!("{{{token}}}/{path}") };
                mounts.push(json!({
                    "Type": "bind", "Source": source, "Target": mount.target, "ReadOnly": mount.read_only,
                }));
            }
        }
        for (target, part) in volumes(of, declared) {
            let read_only = of.mounts.iter().any(|mount| mount.target == target && mount.read_only);
            // one that a restore made has a name of its own
            let name = there.get(&part).map_or_else(|| names::part(self.id, &part), |one| one.name.clone());
            mounts.push(json!({
                "Type": "volume", "Source": name, "Target": target, "ReadOnly": read_only,
            }));
        }
        mounts
    }

    /// Variables in order of their names, so that equal ones are written equally.
    fn environment(&self, of: &Container) -> Vec<String> {
        let mut env: BTreeMap<String, String> =
            self.env.iter().filter(|(name, _)| !is_address(name)).cloned().collect();
        for service in &self.layout.services {
            let url = match (self.layout.urls.get(&service.name), &service.container, service.port) {
                (Some(url), ..) => url.clone(),
                (None, Some(container), Some(port)) => {
                    let host = if self.network().is_some() { container } else { "127.0.0.1" };
                    format!("http://{host}:{port}{}", service.path)
                }
                _ => continue,
            };
            env.insert(address(&service.name), url);
        }
        env.extend(of.env.clone());
        env.into_iter().map(|(name, value)| format!("{name}={value}")).collect()
    }
}

/// The variable by which programs find a service.
fn address(service: &str) -> String {
    format!("KITBAG_{}_URL", service.to_ascii_uppercase().replace('-', "_"))
}

/// Whether this variable tells where a service is. Those of the host are addresses of this computer, which lead
/// nowhere inside a container; each container has its own.
pub fn is_address(variable: &str) -> bool {
    variable.starts_with("KITBAG_") && variable.ends_with("_URL")
}

fn health(of: &Container) -> Option<Value> {
    let health = of.health.as_ref()?;
    // The engine counts in nanoseconds, and takes nothing for "as you like".
    let nanos = |millis: Option<u64>| millis.map_or(0, |millis| millis.saturating_mul(1_000_000));
    Some(json!({
        "Test": health.test,
        "Interval": nanos(health.interval_ms),
        "Timeout": nanos(health.timeout_ms),
        "Retries": health.retries.unwrap_or(0),
        "StartPeriod": nanos(health.start_period_ms),
    }))
}
