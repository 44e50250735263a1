//! What has to be done, as data: the course, what the engine has, and out come the steps. Pure, so that a plan is
//! the same when it is made again, and that what a person was told is what is done. The steps name things, never
//! ids, so a step means the same after a crash.

use std::collections::{BTreeMap, BTreeSet};

use kitbag_sdk::{Fault, FaultCode};
use serde_json::Value;

use crate::body::{self, Around};
use crate::layout::{Condition, Container, Image, shown};
use crate::volumes::Volume;
use crate::{names, owner};

/// What the engine has of this environment, and of what it needs.
#[derive(Debug, Clone, Default)]
pub struct Have {
    /// Docker's name of the engine's processor.
    pub arch: String,
    /// Images by name.
    pub images: BTreeMap<String, Facts>,
    /// Networks of this environment, by name: the fingerprint each was made from.
    pub networks: BTreeMap<String, String>,
    /// Volumes, by their name in the course.
    pub volumes: BTreeMap<String, Volume>,
    /// Containers, by their name in the course.
    pub containers: BTreeMap<String, Made>,
}

impl Have {
    /// As if nothing had been made yet.
    pub fn images_only(&self) -> Have {
        Have { arch: self.arch.clone(), images: self.images.clone(), ..Have::default() }
    }
}

/// What an image says of itself.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Facts {
    /// The folders it declares as volumes.
    pub volumes: BTreeSet<String>,
    /// Who its program runs as; empty: the administrator.
    pub user: String,
}

/// A container that is there.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Made {
    /// The course's block it was made from.
    pub fingerprint: String,
    /// The request it was made from.
    pub made_from: String,
    /// Whether its program runs.
    pub running: bool,
    /// Whether it was never started.
    pub fresh: bool,
}

/// One thing to do.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Step {
    /// Get an image to the engine.
    Image(Wanted),
    /// Make the network.
    Network(String),
    /// Make a volume: its name and its part.
    Volume(String, String),
    /// Make a container: its part, its name, the request.
    Create(String, String, Value),
    /// Remove a container that was made from something else: its part and its name.
    Remove(String, String),
    /// Give empty volumes to whom the program runs as: part, name, the user, where they are mounted.
    Own(String, String, String, Vec<String>),
    /// Wait until a container that others need is well: its part and its name.
    Await(String, String),
    /// Start a container: its part and its name.
    Start(String, String),
}

/// An image that is not there, and where it comes from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Wanted {
    /// Its name on the engine.
    pub name: String,
    /// How it comes.
    pub how: How,
    /// How much that is, as the course says.
    pub size_mb: Option<u64>,
}

/// How an image comes to the engine.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum How {
    /// From a registry, for this processor where the course tells them apart.
    Pull(Option<String>),
    /// From a file of the course package.
    Load(String),
    /// From a folder of the course package.
    Build(crate::layout::Build),
}

impl Step {
    /// Stable, for progress.
    pub fn id(&self) -> String {
        match self {
            Self::Image(wanted) => format!("image-{}", &names::hash(&wanted.name)[..8]),
            Self::Network(_) => "network".to_owned(),
            Self::Volume(_, part) => format!("volume-{part}"),
            Self::Create(part, ..) => format!("create-{part}"),
            Self::Remove(part, _) => format!("remove-{part}"),
            Self::Own(part, ..) => format!("own-{part}"),
            Self::Await(part, _) => format!("await-{part}"),
            Self::Start(part, _) => format!("start-{part}"),
        }
    }

    /// For people.
    pub fn title(&self) -> String {
        match self {
            Self::Image(wanted) => wanted.title(),
            Self::Network(_) => "Connect the containers".to_owned(),
            Self::Volume(_, part) => {
                format!("Make room for the data of {}", part.split('.').next().unwrap_or(part))
            }
            Self::Create(part, ..) => format!("Make {part}"),
            Self::Remove(part, _) => format!("Remove the old {part}"),
            Self::Own(part, ..) => format!("Let {part} write to its data"),
            Self::Await(part, _) => format!("Wait until {part} is ready"),
            Self::Start(part, _) => format!("Start {part}"),
        }
    }
}

impl Wanted {
    fn title(&self) -> String {
        let size = self.size_mb.map_or_else(String::new, |size| format!(" ({size} MB)"));
        match &self.how {
            How::Pull(_) => format!("Download {}{size}", self.name),
            How::Load(file) => format!("Read {} from {file}{size}", self.name),
            How::Build(build) => format!("Build the image of {}{size}", build.context),
        }
    }
}

/// The images a container can be made from, the wished one first: a course that names an image and a folder it is
/// built from takes the image where the engine has it, and else builds its own.
///
/// # Errors
/// `unsupported` where the course has none for this processor.
pub fn images(container: &Container, prefix: &str, arch: &str) -> Result<Vec<Wanted>, Fault> {
    let of = &container.image;
    let mut all = Vec::new();
    let (one, told_apart): (&Image, bool) = of.arch.get(arch).map_or((of, false), |one| (one, true));
    // A course that says which is for which means the first one for what nearly everybody has.
    if let (Some(name), true) = (&one.name, told_apart || of.arch.is_empty() || arch == "amd64") {
        let how = match &one.file {
            Some(file) => How::Load(file.clone()),
            None => How::Pull(told_apart.then(|| arch.to_owned())),
        };
        all.push(Wanted { name: with_tag(name), how, size_mb: one.size_mb });
    }
    if let Some(build) = &of.build {
        let text = serde_json::to_string(build).unwrap_or_default();
        let part = prefix.strip_prefix("kitbag-").unwrap_or(prefix);
        let name = format!("kitbag/{part}-{}:{}", container.name, &names::hash(&text)[..12]);
        all.push(Wanted { name, how: How::Build(build.clone()), size_mb: of.size_mb });
    }
    if all.is_empty() {
        return Err(Fault::new(
            FaultCode::Unsupported,
            format!("This course has no image for this computer's processor ({}).", shown(arch)),
        )
        .remedy_command("See what else could run the course.", &["kitbag", "doctor"]));
    }
    Ok(all)
}

/// The image a container is made from: the first the engine has; else a file of the package, the folder it is built
/// from, or a registry.
pub fn image(container: &Container, prefix: &str, have: &Have) -> Result<Wanted, Fault> {
    let mut all = images(container, prefix, &have.arch)?;
    let there = all.iter().position(|one| have.images.contains_key(&one.name));
    let from_file = || all.iter().position(|one| matches!(one.how, How::Load(_)));
    let at = there.or_else(from_file).unwrap_or(all.len() - 1);
    Ok(all.swap_remove(at))
}

/// Without a tag an engine would download all of them.
fn with_tag(name: &str) -> String {
    let last = name.rsplit('/').next().unwrap_or(name);
    if last.contains([':', '@']) { name.to_owned() } else { format!("{name}:latest") }
}

/// The steps of `create`: what of the environment is not there yet.
///
/// # Errors
/// `conflict` when something of it was made from another course, or no image fits.
pub fn create(around: &Around<'_>, have: &Have) -> Result<Vec<Step>, Fault> {
    let fingerprint = around.layout.fingerprint();
    let prints = have.networks.values().chain(have.volumes.values().map(|one| &one.fingerprint));
    if prints.chain(have.containers.values().map(|made| &made.fingerprint)).any(|print| *print != fingerprint)
    {
        return Err(changed());
    }
    let prefix = names::prefix(around.id);
    let (mut images, mut things, mut containers) = (Vec::<Step>::new(), Vec::new(), Vec::new());
    if let Some(network) = around.network().filter(|network| !have.networks.contains_key(network)) {
        things.push(Step::Network(network));
    }
    let mut volumes = BTreeSet::new();
    for container in &around.layout.containers {
        let made = have.containers.contains_key(&container.name);
        let wanted = image(container, &prefix, have)?;
        let declared = have.images.get(&wanted.name);
        // A container that is there needs its image no more.
        if declared.is_none()
            && !made
            && !images.iter().any(|step| matches!(step, Step::Image(one) if one.name == wanted.name))
        {
            images.push(Step::Image(wanted.clone()));
        }
        let declared = declared.map(|facts| facts.volumes.clone()).unwrap_or_default();
        volumes.extend(body::volumes(container, &declared).into_values());
        if !made {
            let name = names::part(around.id, &container.name);
            let request = around.container(container, &wanted.name, &declared, &have.volumes);
            containers.push(Step::Create(container.name.clone(), name, request));
        }
    }
    for part in volumes {
        if !have.volumes.contains_key(&part) {
            things.push(Step::Volume(names::part(around.id, &part), part));
        }
    }
    Ok(images.into_iter().chain(things).chain(containers).collect())
}

/// The steps of `start`: those that do not run, each after those it needs. A container whose request has changed,
/// such as its port, is made afresh; one that runs is left alone.
///
/// # Errors
/// `not-found` when `create` has to come first; as [`create`].
pub fn start(around: &Around<'_>, have: &Have) -> Result<Vec<Step>, Fault> {
    let prefix = names::prefix(around.id);
    let fingerprint = around.layout.fingerprint();
    let mut steps = Vec::new();
    let mut awaited = BTreeSet::new();
    for container in &around.layout.containers {
        let part = container.name.clone();
        let name = names::part(around.id, &part);
        let made = have.containers.get(&part).ok_or_else(missing)?;
        if made.fingerprint != fingerprint {
            return Err(changed());
        }
        if made.running {
            continue;
        }
        for (need, condition) in &container.needs {
            if *condition == Condition::Healthy && awaited.insert(need.clone()) {
                steps.push(Step::Await(need.clone(), names::part(around.id, need)));
            }
        }
        let wanted = image(container, &prefix, have)?;
        // Without its image nothing can be made afresh; the one that is there is better than none.
        if let Some(facts) = have.images.get(&wanted.name) {
            let request = around.container(container, &wanted.name, &facts.volumes, &have.volumes);
            let old = request["Labels"][names::MADE_FROM] != made.made_from.as_str();
            if old {
                steps.push(Step::Remove(part.clone(), name.clone()));
                steps.push(Step::Create(part.clone(), name.clone(), request));
            }
            let user = container.user.as_ref().unwrap_or(&facts.user);
            let targets: Vec<String> = body::volumes(container, &facts.volumes).into_keys().collect();
            if (old || made.fresh) && !targets.is_empty() && !owner::is_root(user) {
                steps.push(Step::Own(part.clone(), name.clone(), user.clone(), targets));
            }
        }
        steps.push(Step::Start(part, name));
    }
    Ok(steps)
}

/// What `create` and `start` will do together, as far as it can be known before.
///
/// # Errors
/// As [`create`], without `conflict`: then everything is made afresh.
pub fn both(around: &Around<'_>, have: &Have) -> Result<(Vec<Step>, bool), Fault> {
    let (first, lost) = match create(around, have) {
        Err(fault) if fault.code == FaultCode::Conflict => (create(around, &have.images_only())?, true),
        other => (other?, false),
    };
    let mut then = have.clone();
    for step in &first {
        if let Step::Create(part, _, request) = step {
            let label = |key: &str| request["Labels"][key].as_str().unwrap_or_default().to_owned();
            let (fingerprint, made_from) = (label(names::FINGERPRINT), label(names::MADE_FROM));
            then.containers
                .insert(part.clone(), Made { fingerprint, made_from, running: false, fresh: true });
        }
    }
    let second = start(around, &then)?;
    let replaced = second.iter().any(|step| matches!(step, Step::Remove(..)));
    Ok((first.into_iter().chain(second).collect(), lost || replaced))
}

/// It was made from another course.
pub fn changed() -> Fault {
    Fault::new(FaultCode::Conflict, "This environment was made from another version of the course.")
        .remedy_command("Make it afresh; your work stays.", &["kitbag", "reset"])
}

/// There is none.
pub fn missing() -> Fault {
    Fault::new(FaultCode::NotFound, "This environment does not exist on this computer.")
        .remedy_command("Start it.", &["kitbag", "up"])
}

#[cfg(test)]
mod tests;
