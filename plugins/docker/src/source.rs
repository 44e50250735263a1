//! The course's `source` block for Docker, read and checked once. It says either one image (with what is mounted
//! into it and which service listens where) or several services as a compose file. kitbag adds the services as
//! the course declares them. The README has the block; a setting nobody knows is refused by its name.

use std::collections::BTreeMap;

use kitbag_sdk::Fault;
use serde::Deserialize;

use crate::compose;
use crate::layout::{Build, Container, Health, Image, Layout, Port, invalid, is_name, shown};
use crate::rules;
use crate::services::{self, Link, Told};

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
    links: BTreeMap<String, Link>,
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
    let single = block.compose.is_none();
    let services =
        services::read(&block.services, &block.links, single.then_some(&block.ports), &containers)?;
    let mut urls = services::urls(&block.services);
    urls.extend(block.urls);
    for (service, url) in &urls {
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
    Ok(Layout { containers, services, urls })
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

#[cfg(test)]
mod tests;
