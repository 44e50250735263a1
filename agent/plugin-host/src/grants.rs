//! What a person allowed one plugin for one call, resolved by the engine: program names, folders, secrets,
//! ports. Folders and secrets have names; the host fills `{name}` in where a program is started, so a plugin
//! can hand them on without learning them. What is not here is refused with `not-granted`.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use crate::fault::{Fault, FaultCode};

/// A value no log, message or debug output may show.
#[derive(Clone, PartialEq, Eq)]
pub struct Secret(String);

impl Secret {
    /// Keep this text secret.
    pub fn new(text: impl Into<String>) -> Self {
        Self(text.into())
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Secret(…)")
    }
}

/// A part of the container engine that is a grant of its own.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum EngineRight {
    /// Build images, and remove those that were built.
    #[serde(rename = "images.build")]
    ImagesBuild,
    /// Load images from a file.
    #[serde(rename = "images.load")]
    ImagesLoad,
    /// Save images and containers into a file.
    #[serde(rename = "images.save")]
    ImagesSave,
    /// Networks between its containers.
    #[serde(rename = "networks")]
    Networks,
    /// The graphics card.
    #[serde(rename = "gpu")]
    Gpu,
}

impl EngineRight {
    /// As it stands in the manifest.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::ImagesBuild => "images.build",
            Self::ImagesLoad => "images.load",
            Self::ImagesSave => "images.save",
            Self::Networks => "networks",
            Self::Gpu => "gpu",
        }
    }

    /// For the person who decides.
    pub const fn words(self) -> &'static str {
        match self {
            Self::ImagesBuild => "build images",
            Self::ImagesLoad => "load images from files, in the place of others of the same name",
            Self::ImagesSave => "save images and containers into files",
            Self::Networks => "make networks between its containers",
            Self::Gpu => "use the graphics card",
        }
    }
}

/// The container engine, through the filter.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EngineGrant {
    /// The workspace whose objects it may make and touch.
    pub workspace: String,
    /// The machine whose objects it may make and touch.
    pub machine: String,
    /// What it may do beyond the usual.
    pub rights: BTreeSet<EngineRight>,
}

/// What one call may do.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Grants {
    /// Programs by the bare name the course gives them; the process door knows where each lies.
    pub programs: BTreeSet<String>,
    /// Folders in which those programs are looked for before anywhere else; a plugin does not learn them.
    pub program_folders: Vec<PathBuf>,
    /// Folders by name (`work`, `data`); absolute, UTF-8.
    pub folders: BTreeMap<String, PathBuf>,
    /// Secrets by name (`token`).
    pub secrets: BTreeMap<String, Secret>,
    /// Ports of 127.0.0.1 it may ask about, and publish.
    pub ports: BTreeSet<u16>,
    /// The container engine; none: it does not exist for it.
    pub engine: Option<EngineGrant>,
}

impl Grants {
    /// Whether this program may be run.
    ///
    /// # Errors
    /// `not-granted`.
    pub fn program(&self, name: &str) -> Result<(), Fault> {
        if self.programs.contains(name) { Ok(()) } else { Err(refused("run the program", name)) }
    }

    /// The folder of this name.
    ///
    /// # Errors
    /// `not-granted`.
    pub fn folder(&self, name: &str) -> Result<&Path, Fault> {
        self.folders.get(name).map(PathBuf::as_path).ok_or_else(|| refused("use the folder", name))
    }

    /// Whether this port may be asked about.
    ///
    /// # Errors
    /// `not-granted`.
    pub fn port(&self, port: u16) -> Result<(), Fault> {
        if self.ports.contains(&port) { Ok(()) } else { Err(refused("use the port", &port.to_string())) }
    }

    /// The text with every granted `{name}` replaced, once, from left to right; other braces stay.
    ///
    /// # Errors
    /// `invalid-config` for a folder whose path is not UTF-8.
    pub fn fill(&self, text: &str) -> Result<String, Fault> {
        let mut out = String::with_capacity(text.len());
        let mut rest = text;
        while let Some(open) = rest.find('{') {
            out.push_str(&rest[..open]);
            rest = &rest[open..];
            let name = rest[1..].split_once('}').map(|(name, _)| name);
            let value = match name {
                Some(name) if self.secrets.contains_key(name) => {
                    self.secrets.get(name).map(|secret| secret.0.as_str())
                }
                Some(name) => self.folders.get(name).map(|path| utf8(path)).transpose()?,
                None => None,
            };
            match (value, name) {
                (Some(value), Some(name)) => {
                    out.push_str(value);
                    rest = &rest[name.len() + 2..];
                }
                _ => {
                    out.push('{');
                    rest = &rest[1..];
                }
            }
        }
        out.push_str(rest);
        Ok(out)
    }

    /// The text with every `{name}` of a granted secret replaced, once, from left to right; folders stay names.
    pub fn fill_secrets(&self, text: &str) -> String {
        let secrets = Self { secrets: self.secrets.clone(), ..Self::default() };
        // Only a folder can fail, and there are none.
        secrets.fill(text).unwrap_or_else(|_| text.to_owned())
    }

    /// The text without any granted secret.
    pub fn redact(&self, text: &str) -> String {
        let mut out = text.to_owned();
        for secret in self.secrets.values().filter(|secret| secret.0.len() >= 4) {
            out = out.replace(&secret.0, "•••");
        }
        out
    }
}

fn utf8(path: &Path) -> Result<&str, Fault> {
    path.to_str().ok_or_else(|| {
        Fault::new(FaultCode::InvalidConfig, "The name of a folder above your work is not readable text.")
            .remedy("Move your work to a folder with a plain name.")
    })
}

fn refused(verb: &str, name: &str) -> Fault {
    let name = crate::text::line(name);
    Fault::new(FaultCode::NotGranted, format!("The plugin was not allowed to {verb} \"{name}\"."))
        .remedy_command("See what it may do, and allow more if you trust it.", &["kitbag", "plugin", "grant"])
}

#[cfg(test)]
mod tests {
    use super::*;

    fn grants() -> Grants {
        Grants {
            folders: [("work".to_owned(), PathBuf::from("/home/a/{token}"))].into(),
            secrets: [("token".to_owned(), Secret::new("s3cr3t"))].into(),
            ..Grants::default()
        }
    }

    #[test]
    fn only_granted_names_are_filled_and_only_once() {
        let fill = |text| grants().fill(text).unwrap();
        assert_eq!(fill("--dir={work} --t={token}"), "--dir=/home/a/{token} --t=s3cr3t");
        assert_eq!(fill("{port} {} { {{token}} {wor"), "{port} {} { {s3cr3t} {wor");
        assert_eq!(grants().fill_secrets("{work} {token}"), "{work} s3cr3t");
    }

    #[test]
    fn secrets_are_not_shown() {
        assert_eq!(grants().redact("url?token=s3cr3t&x"), "url?token=•••&x");
        assert!(!format!("{:?}", grants()).contains("s3cr3t"));
    }
}
