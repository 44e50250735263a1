//! The services of a course as kitbag tells them, and where each one is: in which container, at which port, under
//! which other one. A page under another service shares its port and log-in; a database is in the container of the
//! service it is inside, where its commands run.

use std::collections::{BTreeMap, BTreeSet};

use kitbag_sdk::Fault;
use serde::Deserialize;

use crate::layout::{Container, Service, invalid, is_name, shown};
use crate::source::ONLY;

/// A service as kitbag tells it. What this plugin does not use may stand here too.
#[derive(Deserialize)]
pub struct Told {
    name: String,
    kind: String,
    path: Option<String>,
    under: Option<String>,
    inside: Option<String>,
    url: Option<String>,
    #[serde(default)]
    optional: bool,
    #[serde(default)]
    ready: Ready,
    stop_grace_seconds: Option<u32>,
}

#[derive(Deserialize, Default)]
struct Ready {
    port: Option<bool>,
    timeout_seconds: Option<u32>,
}

/// A service reached through another one.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Link {
    under: String,
    path: String,
}

/// What the services of a course share while they are read.
struct Course<'a> {
    told: &'a [Told],
    links: &'a BTreeMap<String, Link>,
    /// The one container's ports; none where there are several containers.
    single: Option<&'a BTreeMap<String, u16>>,
    containers: &'a [Container],
}

/// The addresses the course gives its services itself.
pub fn urls(told: &[Told]) -> BTreeMap<String, String> {
    told.iter().filter_map(|one| Some((one.name.clone(), one.url.clone()?))).collect()
}

/// Every service, in the course's order; behind them what it does not list.
///
/// # Errors
/// `invalid-config`, naming the service.
pub fn read(
    told: &[Told],
    links: &BTreeMap<String, Link>,
    single: Option<&BTreeMap<String, u16>>,
    containers: &[Container],
) -> Result<Vec<Service>, Fault> {
    let course = Course { told, links, single, containers };
    let mut services = Vec::<Service>::new();
    let mut names = BTreeSet::new();
    for one in told {
        if !is_name(&one.name) || !names.insert(one.name.clone()) {
            return Err(invalid(format!(
                "{} cannot be the name of a service, or stands twice.",
                shown(&one.name)
            )));
        }
        if links.contains_key(&one.name) && one.under.is_some() {
            return Err(invalid(format!(
                "{} has both `under` and a link in [backend.docker.links].",
                shown(&one.name)
            )));
        }
        let container = course.container(one)?;
        services.push(course.service(one.name.clone(), container, Some(one))?);
    }
    // What the course does not list is there all the same.
    let unlisted: Vec<String> = match single {
        Some(ports) => ports.keys().cloned().collect(),
        None => containers.iter().map(|one| one.name.clone()).collect(),
    };
    for name in unlisted.into_iter().filter(|name| !names.contains(name)) {
        if !is_name(&name) {
            return Err(invalid(format!("{} cannot be the name of a service.", shown(&name))));
        }
        let container = Some(if single.is_some() { ONLY.to_owned() } else { name.clone() });
        services.push(course.service(name, container, None)?);
    }
    if let Some(name) = links.keys().find(|name| !services.iter().any(|one| one.name == **name)) {
        return Err(invalid(format!("links names {}, which is no service of the course.", shown(name))));
    }
    for one in &services {
        let told = told.iter().find(|told| told.name == one.name);
        let under = course.under(&one.name, told);
        match under {
            Some(under) if !services.iter().any(|one| one.name == under && one.port.is_some()) => {
                return Err(invalid(format!(
                    "{} is linked under {}, which has no port.",
                    shown(&one.name),
                    shown(under)
                )));
            }
            None if one.port.is_none() && told.is_some_and(|told| told.kind == "web") => {
                return Err(invalid(format!("The page {} has no port inside.", shown(&one.name)))
                    .remedy("Name it in [backend.docker] ports, or in the compose file."));
            }
            _ => {}
        }
    }
    Ok(services)
}

impl Course<'_> {
    /// The service a page lies under.
    fn under<'s>(&'s self, name: &str, told: Option<&'s Told>) -> Option<&'s str> {
        let link = self.links.get(name).map(|link| link.under.as_str());
        link.or(told.filter(|told| told.kind == "web").and_then(|told| told.under.as_deref()))
    }

    /// The container a service runs in; none: kitbag itself keeps it.
    fn container(&self, told: &Told) -> Result<Option<String>, Fault> {
        if told.kind == "sqlite" {
            return Ok(None);
        }
        if self.single.is_some() {
            self.known_place(told)?;
            return Ok(Some(ONLY.to_owned()));
        }
        let has = |name: &str| self.containers.iter().any(|one| one.name == name);
        if told.kind == "database" {
            let Some(inside) = &told.inside else {
                let own = has(&told.name).then(|| told.name.clone());
                return Ok(own.or_else(|| self.containers.first().map(|one| one.name.clone())));
            };
            let other = self.told.iter().find(|one| one.name == *inside && one.kind != "database");
            let place = match other {
                Some(other) => self.container(other)?,
                None => has(inside).then(|| inside.clone()),
            };
            return place.map(Some).ok_or_else(|| nowhere(told, inside));
        }
        let under = self.under(&told.name, Some(told)).unwrap_or(&told.name);
        if has(under) {
            return Ok(Some(under.to_owned()));
        }
        Err(invalid(format!("The service {} is not in the course's compose file.", shown(&told.name)))
            .remedy("Give it a service of that name there, or say what it lies under."))
    }

    /// Where all is in one container, a database may be inside anything that is in it.
    fn known_place(&self, told: &Told) -> Result<(), Fault> {
        let Some(inside) = told.inside.as_deref().filter(|_| told.kind == "database") else { return Ok(()) };
        let listed = self.told.iter().any(|one| one.name == inside && one.kind != "sqlite");
        let known = listed || inside == ONLY || self.single.is_some_and(|ports| ports.contains_key(inside));
        if known { Ok(()) } else { Err(nowhere(told, inside)) }
    }

    fn service(
        &self,
        name: String,
        container: Option<String>,
        told: Option<&Told>,
    ) -> Result<Service, Fault> {
        let linked = self.under(&name, told);
        let under = linked.unwrap_or(&name);
        let runs_in = self.containers.iter().find(|one| Some(&one.name) == container.as_ref());
        let port =
            runs_in.and_then(|one| one.ports.iter().find(|port| port.service.as_deref() == Some(under)));
        let port = port.map(|port| port.inside);
        let path = self.links.get(&name).map(|link| link.path.as_str());
        let path = path.or(told.and_then(|told| told.path.as_deref())).unwrap_or("/").to_owned();
        if !path.starts_with('/') || path.chars().any(|c| c.is_control() || c.is_whitespace()) {
            return Err(invalid(format!(
                "The path of the service {} must begin with a slash.",
                shown(&name)
            )));
        }
        let token = runs_in.is_some_and(|one| {
            let words = one.command.iter().chain(&one.entrypoint).flatten();
            words.chain(one.env.values()).any(|text| text.contains("{token}"))
        });
        let ready = told.map(|told| &told.ready);
        let by_port = ready.and_then(|ready| ready.port).unwrap_or(true);
        let own = self.containers.iter().find(|one| linked.is_some() && one.name == name);
        let own = own.map(|one| one.name.clone()).filter(|own| Some(own) != container.as_ref());
        Ok(Service {
            runs_in: own,
            page: port.is_some()
                && told.map_or(container.as_deref() == Some(ONLY), |told| told.kind != "database"),
            ready_by_port: linked.is_none() && port.is_some() && by_port,
            name,
            container,
            port,
            path,
            token: token && port.is_some(),
            optional: told.is_some_and(|told| told.optional),
            ready_seconds: ready.and_then(|ready| ready.timeout_seconds).unwrap_or(120),
            stop_seconds: told.and_then(|told| told.stop_grace_seconds).unwrap_or(10),
        })
    }
}

fn nowhere(told: &Told, inside: &str) -> Fault {
    invalid(format!(
        "The database {} is inside {}, which is not in the course's environment.",
        shown(&told.name),
        shown(inside)
    ))
    .remedy("Name a service of the course that runs in a container, or one of the compose file.")
}
