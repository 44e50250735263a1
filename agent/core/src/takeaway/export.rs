//! What an environment is made of, as its backend tells it. It is text of a plugin that becomes scripts a person runs
//! outside any sandbox, so it is data with few shapes: images, folders of the work, volumes, ports of this computer,
//! words of commands inside containers. There is no way to say a privilege, a foreign folder or a host's command.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};

use crate::path::{WorkPath, shown};

/// Most containers, programs or pages.
const MOST: usize = 50;
/// The outer end of a name.
const LONGEST_NAME: usize = 40;

/// Why a description of an environment is not taken.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("a description of an environment: {0}")]
pub struct BadExport(String);

/// What an environment is made of.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Export {
    /// Containers, each after those it needs.
    pub containers: Vec<Container>,
    /// The container each service runs in.
    pub services: BTreeMap<String, String>,
    /// What a person opens.
    pub pages: Vec<Page>,
    /// Bytes of all images at the most, where the backend can give them; none: it cannot.
    pub images_bytes: Option<u64>,
    /// Programs of the computer itself.
    pub programs: Vec<Program>,
    /// A file of the course package that lists Python packages.
    pub requirements: Option<WorkPath>,
    /// What a person should know.
    pub notes: Vec<String>,
}

/// One container. `{token}` may stand in `env`, `command` and `entrypoint`.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Container {
    /// Its name in the course, and its host name for the others.
    pub name: String,
    /// Its image: a name or an id.
    pub image: String,
    /// The folder it is built from where its image is not there.
    pub build: Option<Build>,
    /// What it listens on.
    pub ports: Vec<Port>,
    /// Folders and volumes in it.
    pub mounts: Vec<Mount>,
    /// Set for its program.
    pub env: BTreeMap<String, String>,
    /// Instead of the image's own.
    pub command: Option<Vec<String>>,
    /// Instead of the image's own.
    pub entrypoint: Option<Vec<String>>,
    /// Instead of the image's own.
    pub working_dir: Option<String>,
    /// Instead of the image's own.
    pub user: Option<String>,
    /// How it is found out whether it is well; none: the image's own way, if any.
    pub health: Option<Health>,
    /// What must be there before it starts.
    pub needs: BTreeMap<String, Need>,
}

/// A folder of the course package an image is built from.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Build {
    /// Below the package; none: all of it.
    pub context: Option<WorkPath>,
    /// Below the context.
    pub dockerfile: Option<WorkPath>,
    /// Build arguments.
    pub args: BTreeMap<String, String>,
}

/// A port of a container.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Port {
    /// The service it belongs to.
    pub service: Option<String>,
    /// Where it listens inside.
    pub inside: u16,
    /// The port of 127.0.0.1; none: any.
    pub outside: Option<u16>,
}

/// Something mounted in a container.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Mount {
    /// What.
    pub from: Source,
    /// Where.
    pub target: String,
    /// Whether it may only be read.
    #[serde(default)]
    pub read_only: bool,
}

/// What is mounted.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Source {
    /// The work, or a folder of it.
    Work(Option<WorkPath>),
    /// A folder that begins empty, or one below it.
    Data(Option<WorkPath>),
    /// A volume.
    Volume(String),
}

/// A check that a container is well. Times in milliseconds; none: the engine's own.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Health {
    /// `CMD`, `CMD-SHELL` or `NONE`, and the words.
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
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Need {
    /// That it was started.
    Started,
    /// That it is well.
    Healthy,
}

/// Something with an address.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Page {
    /// The service.
    pub service: String,
    /// Its container.
    pub container: String,
    /// The port inside.
    pub inside: u16,
    /// The path of its address.
    pub path: String,
    /// Whether it is opened with the access token.
    pub token: bool,
}

/// A program of the computer itself. `{port}`, `{token}` and `{work}` may stand in `args` and `env`.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Program {
    /// The service.
    pub service: String,
    /// Its bare name.
    pub program: String,
    /// Its arguments.
    pub args: Vec<String>,
    /// Set for it.
    pub env: BTreeMap<String, String>,
    /// The port it listens on.
    pub port: Option<u16>,
    /// The path of its address.
    pub path: String,
}

type Checked = Result<(), BadExport>;

fn need(holds: bool, what: &str, text: &str) -> Checked {
    if holds { Ok(()) } else { Err(BadExport(format!("{} is no {what}", shown(text)))) }
}

/// A text that can stand in a script between quotes.
fn words<'a>(all: impl IntoIterator<Item = &'a String>) -> Checked {
    all.into_iter().try_for_each(|text| {
        need(!text.contains(|c: char| c.is_control() && c != '\n' && c != '\t'), "text", text)
    })
}

fn name(text: &str) -> Checked {
    let fits = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-' || c == '_';
    let good = text.len() <= LONGEST_NAME && text.starts_with(|c: char| c.is_ascii_alphanumeric());
    need(good && text.chars().all(fits), "name", text)
}

fn variables(env: &BTreeMap<String, String>) -> Checked {
    for (name, value) in env {
        let word = |c: char| c.is_ascii_alphanumeric() || c == '_';
        let good = !name.is_empty() && !name.starts_with(|c: char| c.is_ascii_digit());
        need(good && name.chars().all(word), "variable", name)?;
        words([value])?;
    }
    Ok(())
}

/// An absolute path inside a container, fit for every way a mount is written.
fn inside(text: &str) -> Checked {
    let good = text.starts_with('/') && !text.contains(|c: char| c.is_control() || "\":,".contains(c));
    need(good, "path in a container", text)
}

fn address(text: &str) -> Checked {
    let fits = |c: char| c.is_ascii_alphanumeric() || "/._-~%+:@,;=?&#".contains(c);
    need(text.is_empty() || text.starts_with('/') && text.chars().all(fits), "path of an address", text)
}

impl Export {
    /// Read and check what a backend tells.
    ///
    /// # Errors
    /// It cannot be read, or something in it could mean more than it may.
    pub fn read(json: &str) -> Result<Self, BadExport> {
        let read: Self = serde_json::from_str(json).map_err(|error| BadExport(shown(&error.to_string())))?;
        read.check()?;
        Ok(read)
    }

    fn check(&self) -> Checked {
        for len in [self.containers.len(), self.pages.len(), self.programs.len(), self.notes.len()] {
            need(len <= MOST, "list of this length", &len.to_string())?;
        }
        let mut before = BTreeSet::new();
        for one in &self.containers {
            one.check()?;
            if let Some(missing) = one.needs.keys().find(|name| !before.contains(name)) {
                need(false, "container before this one", missing)?;
            }
            need(before.insert(&one.name), "name of one container", &one.name)?;
        }
        for (service, container) in &self.services {
            name(service)?;
            need(before.contains(container), "container", container)?;
        }
        for page in &self.pages {
            name(&page.service)?;
            address(&page.path)?;
            let there = |one: &Container| {
                one.name == page.container && one.ports.iter().any(|port| port.inside == page.inside)
            };
            need(self.containers.iter().any(there), "place of a page", &page.container)?;
        }
        for program in &self.programs {
            name(&program.service)?;
            address(&program.path)?;
            let fits = |c: char| c.is_ascii_alphanumeric() || "._+-".contains(c);
            let good = program.program.starts_with(|c: char| c.is_ascii_alphanumeric());
            need(good && program.program.chars().all(fits), "program", &program.program)?;
            words(&program.args)?;
            variables(&program.env)?;
        }
        words(&self.notes)
    }
}

impl Container {
    fn check(&self) -> Checked {
        name(&self.name)?;
        let fits = |c: char| c.is_ascii_alphanumeric() || "._-/:@".contains(c);
        let good = self.image.starts_with(|c: char| c.is_ascii_alphanumeric()) && self.image.len() <= 255;
        need(good && self.image.chars().all(fits), "image", &self.image)?;
        for port in &self.ports {
            port.service.iter().try_for_each(|service| name(service))?;
            need(port.inside != 0 && port.outside != Some(0), "port", "0")?;
        }
        for mount in &self.mounts {
            inside(&mount.target)?;
            match &mount.from {
                // a slash to Windows, the end of a drive, the end of a part of a mount
                Source::Work(Some(below)) | Source::Data(Some(below)) => {
                    need(
                        !below.as_str().contains(['\\', ':', ',', '"', '\n']),
                        "folder to mount",
                        below.as_str(),
                    )?;
                }
                Source::Volume(volume) => {
                    name(volume.split('.').next().unwrap_or_default()).and_then(|()| {
                        need(
                            volume.chars().all(|c| c.is_ascii_alphanumeric() || "._-".contains(c)),
                            "volume",
                            volume,
                        )
                    })?
                }
                _ => {}
            }
        }
        variables(&self.env)?;
        words(self.command.iter().chain(&self.entrypoint).flatten())?;
        self.working_dir.iter().try_for_each(|path| inside(path))?;
        if let Some(user) = &self.user {
            let fits = |c: char| c.is_ascii_alphanumeric() || "_-.:".contains(c);
            need(!user.is_empty() && !user.starts_with('-') && user.chars().all(fits), "user", user)?;
        }
        if let Some(health) = &self.health {
            words(&health.test)?;
            let runs = matches!(health.test.first().map(String::as_str), Some("CMD" | "CMD-SHELL") if health.test.len() > 1);
            need(runs || health.test == ["NONE"], "check", &health.test.join(" "))?;
        }
        if let Some(build) = &self.build {
            variables(&build.args)?;
            for path in build.context.iter().chain(&build.dockerfile) {
                need(
                    !path.as_str().contains(['\\', ':', '\n']) && !path.as_str().starts_with('-'),
                    "folder to build",
                    path.as_str(),
                )?;
            }
        }
        Ok(())
    }
}
