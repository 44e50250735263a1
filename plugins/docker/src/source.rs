//! The course's `source` block for Docker, read and checked once. It says either one image (with what is mounted
//! into it and which service listens where) or several services as a compose file. kitbag adds the services as
//! the course declares them. The README has the block; a setting nobody knows is refused by its name.

use std::collections::{BTreeMap, BTreeSet};

use kitbag_sdk::Fault;
use serde::Deserialize;

use crate::compose;
use crate::layout::{Build, Container, Health, Image, Layout, Port, Service, invalid, is_name, shown};
use crate::rules;

/// The container of a course that has one.
pub const ONLY: &str = "course";

const SETTINGS: [&str; 20] = [
    "image",
    "file",
    "size_mb",
    "arch",
    "build",
    "ports",
    "mounts",
    "environment",
    "command",
    "entrypoint",
    "working_dir",
    "user",
    "healthcheck",
    "compose",
    "compose_file",
    "images",
    "links",
    "urls",
    "services",
    "course_version",
];

#[derive(Deserialize)]
struct Block {
    #[serde(flatten)]
    image: ImageBlock,
    build: Option<BuildBlock>,
    #[serde(default)]
    ports: BTreeMap<String, u16>,
    #[serde(default)]
    mounts: Vec<String>,
    #[serde(default)]
    environment: BTreeMap<String, String>,
    command: Option<Vec<String>>,
    entrypoint: Option<Vec<String>>,
    working_dir: Option<String>,
    user: Option<String>,
    healthcheck: Option<HealthBlock>,
    compose: Option<String>,
    compose_file: Option<String>,
    #[serde(default)]
    images: BTreeMap<String, ImageBlock>,
    #[serde(default)]
    links: BTreeMap<String, LinkBlock>,
    #[serde(default)]
    urls: BTreeMap<String, String>,
    #[serde(default)]
    services: Vec<Told>,
    #[serde(default)]
    course_version: String,
}

#[derive(Deserialize, Default)]
struct ImageBlock {
    image: Option<String>,
    file: Option<String>,
    size_mb: Option<u64>,
    #[serde(default)]
    arch: BTreeMap<String, ImageBlock>,
}

#[derive(Deserialize)]
#[serde(untagged)]
enum BuildBlock {
    Folder(String),
    Full(FullBuild),
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct FullBuild {
    context: String,
    dockerfile: Option<String>,
    #[serde(default)]
    args: BTreeMap<String, String>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct HealthBlock {
    test: Vec<String>,
    interval: Option<String>,
    timeout: Option<String>,
    start_period: Option<String>,
    retries: Option<u32>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct LinkBlock {
    under: String,
    path: String,
}

/// A service as kitbag tells it. What this plugin does not use may stand here too.
#[derive(Deserialize)]
struct Told {
    name: String,
    kind: String,
    path: Option<String>,
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

/// Read and check the block.
///
/// # Errors
/// `invalid-config`, saying where and what.
pub fn read(json: &str) -> Result<Layout, Fault> {
    let unreadable = |error: serde_json::Error| {
        invalid("The course's settings for Docker cannot be read.").detail(error.to_string())
    };
    let value: serde_json::Value = serde_json::from_str(json).map_err(unreadable)?;
    for key in value.as_object().into_iter().flat_map(serde_json::Map::keys) {
        if !SETTINGS.contains(&key.as_str()) {
            return Err(invalid(format!("{} is not a setting of [backend.docker].", shown(key))));
        }
    }
    let block: Block = serde_json::from_value(value).map_err(unreadable)?;
    let containers = containers(&block)?;
    let services = services(&block, &containers)?;
    for (service, url) in &block.urls {
        if !services.iter().any(|one| one.name == *service) {
            return Err(invalid(format!(
                "urls names {}, which is no service of the course.",
                shown(service)
            )));
        }
        if url.chars().any(|c| c.is_control() || c.is_whitespace()) {
            return Err(invalid(format!("The address of {} is no address.", shown(service))));
        }
    }
    Ok(Layout { containers, services, urls: block.urls })
}

fn containers(block: &Block) -> Result<Vec<Container>, Fault> {
    let Some(text) = &block.compose else {
        if block.compose_file.is_some() {
            return Err(invalid("The course's compose file was not handed over."));
        }
        return Ok(vec![only(block)?]);
    };
    let of_one = [
        ("image", block.image.image.is_some()),
        ("file", block.image.file.is_some()),
        ("arch", !block.image.arch.is_empty()),
        ("build", block.build.is_some()),
        ("ports", !block.ports.is_empty()),
        ("mounts", !block.mounts.is_empty()),
        ("environment", !block.environment.is_empty()),
        ("command", block.command.is_some()),
        ("entrypoint", block.entrypoint.is_some()),
        ("working_dir", block.working_dir.is_some()),
        ("user", block.user.is_some()),
        ("healthcheck", block.healthcheck.is_some()),
    ];
    if let Some((name, _)) = of_one.iter().find(|(_, given)| *given) {
        return Err(invalid(format!("[backend.docker] has both a compose file and \"{name}\".")));
    }
    let mut all = compose::read(text)?;
    for (service, given) in &block.images {
        let Some(container) = all.iter_mut().find(|one| one.name == *service) else {
            return Err(invalid(format!(
                "images names {}, which the compose file does not have.",
                shown(service)
            )));
        };
        let mut read = image(given)?;
        read.build = container.image.build.take();
        read.name = read.name.or(container.image.name.take());
        container.image = read;
    }
    for container in &mut all {
        // The host chooses the outer port by service; further ports get any.
        if let Some(first) = container.ports.first_mut() {
            first.service = Some(container.name.clone());
        }
        versioned(&mut container.image, &block.course_version);
    }
    Ok(all)
}

fn only(block: &Block) -> Result<Container, Fault> {
    let mut image = image(&block.image)?;
    image.build = block.build.as_ref().map(build).transpose()?;
    if image.name.is_none() && image.build.is_none() && image.arch.is_empty() {
        return Err(invalid("[backend.docker] says neither image nor build nor compose."));
    }
    versioned(&mut image, &block.course_version);
    let port = |(service, inside): (&String, &u16)| match inside {
        0 => Err(invalid(format!("0 is not a port of {}.", shown(service)))),
        _ => Ok(Port { service: Some(service.clone()), inside: *inside }),
    };
    let mounts = block.mounts.iter().map(|text| rules::mount(text).map_err(invalid));
    let variable = |(name, value): (&String, &String)| {
        if value.contains('\0') {
            return Err(invalid(format!("The value of {} holds a zero byte.", shown(name))));
        }
        Ok((rules::variable(name).map_err(invalid)?, value.clone()))
    };
    Ok(Container {
        name: ONLY.to_owned(),
        image,
        ports: block.ports.iter().map(port).collect::<Result<_, _>>()?,
        mounts: mounts.collect::<Result<_, _>>()?,
        env: block.environment.iter().map(variable).collect::<Result<_, _>>()?,
        command: block.command.clone(),
        entrypoint: block.entrypoint.clone(),
        working_dir: block.working_dir.as_deref().map(rules::inside).transpose().map_err(invalid)?,
        user: block.user.as_deref().map(compose::user).transpose().map_err(invalid)?,
        health: block.healthcheck.as_ref().map(health).transpose()?,
        needs: BTreeMap::new(),
    })
}

fn image(block: &ImageBlock) -> Result<Image, Fault> {
    let mut arch = BTreeMap::new();
    for (name, one) in &block.arch {
        if !is_name(name) || !one.arch.is_empty() {
            return Err(invalid(format!("{} is not the name of an architecture.", shown(name))));
        }
        arch.insert(name.clone(), image(one)?);
    }
    Ok(Image {
        name: block.image.as_deref().map(rules::image).transpose().map_err(invalid)?,
        file: block.file.as_deref().map(rules::below).transpose().map_err(invalid)?,
        size_mb: block.size_mb,
        arch,
        build: None,
    })
}

fn build(block: &BuildBlock) -> Result<Build, Fault> {
    let (context, dockerfile, args) = match block {
        BuildBlock::Folder(context) => (context, None, BTreeMap::new()),
        BuildBlock::Full(full) => (&full.context, full.dockerfile.as_deref(), full.args.clone()),
    };
    Ok(Build {
        context: rules::below(context).map_err(invalid)?,
        dockerfile: rules::below(dockerfile.unwrap_or("Dockerfile")).map_err(invalid)?,
        args,
    })
}

/// A build folder may change while the block stays: the course's version tells the two apart.
fn versioned(image: &mut Image, version: &str) {
    if let Some(build) = image.build.as_mut().filter(|_| !version.is_empty()) {
        build.args.insert("KITBAG_COURSE_VERSION".to_owned(), version.to_owned());
    }
}

fn health(block: &HealthBlock) -> Result<Health, Fault> {
    let time = |text: &Option<String>| text.as_deref().map(rules::duration).transpose().map_err(invalid);
    let runs =
        matches!(block.test.first().map(String::as_str), Some("CMD" | "CMD-SHELL") if block.test.len() > 1);
    if !runs && block.test != ["NONE"] {
        return Err(invalid(
            "A healthcheck's test begins with CMD or CMD-SHELL and says what to run, or is NONE.",
        ));
    }
    Ok(Health {
        test: block.test.clone(),
        interval_ms: time(&block.interval)?,
        timeout_ms: time(&block.timeout)?,
        retries: block.retries,
        start_period_ms: time(&block.start_period)?,
    })
}

fn services(block: &Block, containers: &[Container]) -> Result<Vec<Service>, Fault> {
    let single = block.compose.is_none();
    let mut services = Vec::<Service>::new();
    let mut names = BTreeSet::new();
    for told in &block.services {
        if !is_name(&told.name) || !names.insert(told.name.clone()) {
            return Err(invalid(format!(
                "{} cannot be the name of a service, or stands twice.",
                shown(&told.name)
            )));
        }
        let link = block.links.get(&told.name);
        let under = link.map_or(told.name.as_str(), |link| link.under.as_str());
        let container = match told.kind.as_str() {
            "sqlite" => None,
            _ if single => Some(ONLY.to_owned()),
            _ if containers.iter().any(|one| one.name == under) => Some(under.to_owned()),
            _ => {
                return Err(invalid(format!(
                    "The service {} is not in the course's compose file.",
                    shown(&told.name)
                ))
                .remedy("Give it a service of that name there, or a link in [backend.docker.links]."));
            }
        };
        services.push(service(told.name.clone(), container, containers, under, Some(told), link)?);
    }
    // What the course does not list is there all the same.
    let unlisted = if single { block.ports.keys().cloned().collect() } else { names_of(containers) };
    for name in unlisted.into_iter().filter(|name| !names.contains(name)) {
        if !is_name(&name) {
            return Err(invalid(format!("{} cannot be the name of a service.", shown(&name))));
        }
        let container = Some(if single { ONLY.to_owned() } else { name.clone() });
        services.push(service(name.clone(), container, containers, &name, None, None)?);
    }
    for (name, link) in &block.links {
        if !services.iter().any(|one| one.name == *name) {
            return Err(invalid(format!("links names {}, which is no service of the course.", shown(name))));
        }
        if !services.iter().any(|one| one.name == link.under && one.port.is_some()) {
            return Err(invalid(format!(
                "{} is linked under {}, which has no port.",
                shown(name),
                shown(&link.under)
            )));
        }
    }
    Ok(services)
}

fn names_of(containers: &[Container]) -> Vec<String> {
    containers.iter().map(|one| one.name.clone()).collect()
}

fn service(
    name: String,
    container: Option<String>,
    containers: &[Container],
    under: &str,
    told: Option<&Told>,
    link: Option<&LinkBlock>,
) -> Result<Service, Fault> {
    let runs_in = containers.iter().find(|one| Some(&one.name) == container.as_ref());
    let own = |port: &&Port| port.service.as_deref() == Some(under);
    let port = runs_in.and_then(|one| one.ports.iter().find(own)).map(|port| port.inside);
    let path =
        link.map(|link| link.path.as_str()).or(told.and_then(|told| told.path.as_deref())).unwrap_or("/");
    if !path.starts_with('/') || path.chars().any(|c| c.is_control() || c.is_whitespace()) {
        return Err(invalid(format!("The path of the service {} must begin with a slash.", shown(&name))));
    }
    let token = runs_in.is_some_and(|one| {
        let words = one.command.iter().chain(&one.entrypoint).flatten();
        words.chain(one.env.values()).any(|text| text.contains("{token}"))
    });
    let ready = told.map(|told| &told.ready);
    Ok(Service {
        name,
        page: port.is_some()
            && told.map_or(container.as_deref() == Some(ONLY), |told| told.kind != "database"),
        container,
        port,
        path: path.to_owned(),
        token: token && port.is_some(),
        optional: told.is_some_and(|told| told.optional),
        ready_seconds: ready.and_then(|ready| ready.timeout_seconds).unwrap_or(120),
        ready_by_port: link.is_none() && port.is_some() && ready.and_then(|ready| ready.port).unwrap_or(true),
        stop_seconds: told.and_then(|told| told.stop_grace_seconds).unwrap_or(10),
    })
}

#[cfg(test)]
mod tests;
