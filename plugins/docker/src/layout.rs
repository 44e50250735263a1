//! What a course asks for, whichever way it was written: its containers with their mounts, ports and needs, and
//! what the course says of its services. Everything in it has been checked, so the rest of the plugin neither
//! parses nor doubts. It is the same on every machine: ports and secrets are not part of it.

use std::collections::{BTreeMap, BTreeSet};

use kitbag_sdk::{Fault, FaultCode};
use serde::Serialize;

use crate::names::hash;

/// The whole course, in containers.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Layout {
    /// In an order in which each comes after those it needs.
    pub containers: Vec<Container>,
    /// What people use, in the course's order.
    pub services: Vec<Service>,
    /// Where programs inside find a service, for those the course gives itself.
    pub urls: BTreeMap<String, String>,
}

/// One container.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Container {
    /// Its name in the course, and its host name for the others.
    pub name: String,
    /// Where its files come from.
    pub image: Image,
    /// What it listens on, reachable from this computer.
    pub ports: Vec<Port>,
    /// Folders and volumes in it.
    pub mounts: Vec<Mount>,
    /// Set for its program. `{token}` is filled in by the host.
    pub env: BTreeMap<String, String>,
    /// Instead of the image's own.
    pub command: Option<Vec<String>>,
    /// Instead of the image's own.
    pub entrypoint: Option<Vec<String>>,
    /// Instead of the image's own.
    pub working_dir: Option<String>,
    /// Instead of the image's own.
    pub user: Option<String>,
    /// How the engine finds out whether it is well.
    pub health: Option<Health>,
    /// What must be there before it starts.
    pub needs: BTreeMap<String, Condition>,
}

/// Where an image comes from.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Image {
    /// Its name, with tag or digest; none for one that is only built.
    pub name: Option<String>,
    /// A file of the course package that holds it.
    pub file: Option<String>,
    /// How much is downloaded or read, as the course says it.
    pub size_mb: Option<u64>,
    /// Other ones for other processors, by Docker's name of the architecture.
    pub arch: BTreeMap<String, Image>,
    /// How it is built, where it is.
    pub build: Option<Build>,
}

/// A folder of the course package an image is built from.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Build {
    /// Below the package.
    pub context: String,
    /// Below the context.
    pub dockerfile: String,
    /// Build arguments.
    pub args: BTreeMap<String, String>,
}

/// A port inside a container.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Port {
    /// The service it belongs to: the host chooses the outer port for it.
    pub service: Option<String>,
    /// Where it listens inside.
    pub inside: u16,
}

/// A folder of this computer or a volume, inside a container.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Mount {
    /// What is mounted.
    pub from: From,
    /// Where.
    pub target: String,
    /// Whether the container may only read it.
    pub read_only: bool,
}

/// What is mounted.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub enum From {
    /// A granted folder by its name, and a folder below it (may be empty).
    Folder {
        /// The host's name of it.
        token: String,
        /// Below it, with `/`.
        path: String,
    },
    /// A volume of this environment, by its name in the course.
    Volume(String),
}

/// A check the engine runs. Times in milliseconds; none: the engine's own.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Health {
    /// As the engine wants it: `CMD`, `CMD-SHELL` or `NONE`, and the words.
    pub test: Vec<String>,
    /// Between two checks.
    pub interval_ms: Option<u64>,
    /// How long one may take.
    pub timeout_ms: Option<u64>,
    /// Failures in a row that count.
    pub retries: Option<u32>,
    /// At the start, when failures do not count.
    pub start_period_ms: Option<u64>,
}

/// What is waited for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub enum Condition {
    /// That it was started.
    Started,
    /// That its check says it is well.
    Healthy,
}

/// What the course says of something a person uses.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, serde::Deserialize)]
pub struct Service {
    /// Its name.
    pub name: String,
    /// The container it runs in, or is reached at; none: kitbag itself keeps it.
    pub container: Option<String>,
    /// The container it runs in where it is reached at another one.
    #[serde(default)]
    pub runs_in: Option<String>,
    /// The port inside, for one with an address.
    pub port: Option<u16>,
    /// Whether it has a page a browser shows.
    pub page: bool,
    /// The path of its address.
    pub path: String,
    /// Whether it is opened with the access token.
    pub token: bool,
    /// Go on without it.
    pub optional: bool,
    /// How long it may take until it can be used, in seconds.
    pub ready_seconds: u32,
    /// Whether its port has to answer.
    pub ready_by_port: bool,
    /// How long it may take to stop, in seconds.
    pub stop_seconds: u32,
}

impl Layout {
    /// Equal for equal courses, whatever the spelling.
    pub fn fingerprint(&self) -> String {
        let text = serde_json::to_string(self).unwrap_or_default();
        format!("docker-1-{}", &hash(&text)[..16])
    }

    /// The container of that name.
    pub fn container(&self, name: &str) -> Option<&Container> {
        self.containers.iter().find(|one| one.name == name)
    }

    /// Every volume the course names.
    pub fn volumes(&self) -> BTreeSet<&str> {
        let mounts = self.containers.iter().flat_map(|one| &one.mounts);
        mounts
            .filter_map(|mount| match &mount.from {
                From::Volume(name) => Some(name.as_str()),
                From::Folder { .. } => None,
            })
            .collect()
    }

    /// What must be known of a container later, when only its labels are left.
    pub fn about(&self, container: &Container) -> About {
        let main = self.services.iter().find_map(|one| one.container.as_deref());
        let main = main.map_or_else(
            || self.containers.first().is_some_and(|one| one == container),
            |name| name == container.name,
        );
        let belongs = |one: &&Service| one.container.as_ref().map_or(main, |name| *name == container.name);
        About {
            order: self.containers.iter().position(|one| one.name == container.name).unwrap_or_default(),
            main,
            services: self
                .services
                .iter()
                .enumerate()
                .filter(|(_, one)| belongs(one))
                .map(|(place, one)| (place, one.clone()))
                .collect(),
            page: self.services.iter().find(|one| one.runs_in.as_ref() == Some(&container.name)).cloned(),
            folders: container.folders(),
        }
    }
}

impl About {
    /// All that runs in the container.
    pub fn runs(&self) -> impl Iterator<Item = &Service> {
        let here = self.services.iter().map(|(_, one)| one).filter(|one| one.runs_in.is_none());
        here.chain(&self.page)
    }
}

impl Container {
    /// Where each granted folder is inside: where it is mounted itself, or the one folder below which all of its
    /// parts lie as they lie in it.
    fn folders(&self) -> BTreeMap<String, String> {
        let mut found = BTreeMap::<String, BTreeSet<&str>>::new();
        for mount in &self.mounts {
            if let From::Folder { token, path } = &mount.from {
                let base = if path.is_empty() {
                    Some(mount.target.as_str())
                } else {
                    mount.target.strip_suffix(path.as_str()).and_then(|base| base.strip_suffix('/'))
                };
                found.entry(token.clone()).or_default().insert(base.unwrap_or_default());
            }
        }
        let one = |bases: BTreeSet<&str>| match bases.into_iter().collect::<Vec<_>>()[..] {
            [base] if !base.is_empty() => Some(base.to_owned()),
            _ => None,
        };
        found.into_iter().filter_map(|(token, bases)| Some((token, one(bases)?))).collect()
    }
}

/// What a container's label says about it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, serde::Deserialize)]
pub struct About {
    /// Its place in the order of starting.
    pub order: usize,
    /// Whether it is the one meant when none is named.
    pub main: bool,
    /// The services in it, each with its place in the course; the main one also has those without a container.
    pub services: Vec<(usize, Service)>,
    /// The page that runs here and is reached under a service of another container, which has it in its list.
    #[serde(default)]
    pub page: Option<Service>,
    /// Where granted folders are inside, by the host's name.
    pub folders: BTreeMap<String, String>,
}

/// Put containers in an order in which each comes after those it needs; else as they stood.
///
/// # Errors
/// `invalid-config` when one needs something that is not there, or they need each other in a ring.
pub fn ordered(mut waiting: Vec<Container>) -> Result<Vec<Container>, Fault> {
    let names: BTreeSet<String> = waiting.iter().map(|one| one.name.clone()).collect();
    for one in &waiting {
        if let Some(missing) = one.needs.keys().find(|need| !names.contains(*need)) {
            return Err(invalid(format!(
                "The service \"{}\" depends on \"{missing}\", which the course does not have.",
                one.name
            )));
        }
    }
    let mut done = Vec::<Container>::new();
    while !waiting.is_empty() {
        let ready =
            |one: &Container| one.needs.keys().all(|need| done.iter().any(|other| other.name == *need));
        let Some(next) = waiting.iter().position(ready) else {
            let ring: Vec<&str> = waiting.iter().map(|one| one.name.as_str()).collect();
            return Err(invalid(format!("These services wait for each other: {}.", ring.join(", "))));
        };
        done.push(waiting.remove(next));
    }
    Ok(done)
}

/// A mistake of the course.
pub fn invalid(message: impl Into<String>) -> Fault {
    Fault::new(FaultCode::InvalidConfig, message).remedy("Tell the people who made the course.")
}

/// Lower-case letters, digits, `-` and `_`, beginning with a letter or digit; at most 40.
pub fn is_name(text: &str) -> bool {
    let plain = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-' || c == '_';
    !text.is_empty()
        && text.len() <= 40
        && text.chars().all(plain)
        && text.starts_with(|c: char| c.is_ascii_alphanumeric())
}

/// What a person reads of a text that may be anything.
pub fn shown(text: &str) -> String {
    let short: String = text.chars().take(80).map(|c| if c.is_control() { '?' } else { c }).collect();
    format!("\"{short}\"")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn one(name: &str, needs: &[&str]) -> Container {
        Container {
            name: name.into(),
            image: Image {
                name: Some("i".into()),
                file: None,
                size_mb: None,
                arch: BTreeMap::new(),
                build: None,
            },
            ports: vec![],
            mounts: vec![],
            env: BTreeMap::new(),
            command: None,
            entrypoint: None,
            working_dir: None,
            user: None,
            health: None,
            needs: needs.iter().map(|&need| (need.to_owned(), Condition::Started)).collect(),
        }
    }

    fn names(of: &[Container]) -> Vec<&str> {
        of.iter().map(|one| one.name.as_str()).collect()
    }

    #[test]
    fn each_comes_after_what_it_needs() {
        let order =
            ordered(vec![one("web", &["db", "cache"]), one("db", &[]), one("cache", &["db"])]).unwrap();
        assert_eq!(names(&order), ["db", "cache", "web"]);
    }

    #[test]
    fn rings_and_strangers_are_named() {
        let ring = ordered(vec![one("a", &["b"]), one("b", &["a"]), one("c", &[])]).unwrap_err();
        assert!(ring.message.contains("a, b"), "{}", ring.message);
        let stranger = ordered(vec![one("a", &["x"])]).unwrap_err();
        assert!(stranger.message.contains("\"x\""), "{}", stranger.message);
    }
}
