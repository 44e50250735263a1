//! `plugin.toml`: who a plugin is and what it asks for, each with a reason a person can read. Checked here; a
//! component that uses more than its manifest lists is refused before it runs.

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};

use crate::error::PluginError;
use crate::grants::EngineRight;
use crate::text;

/// The interface this kitbag speaks.
pub const WIT: &str = "kitbag:plugin@0.1.0-dev";
/// Longest manifest, in bytes.
const LONGEST: usize = 64 << 10;

/// What a plugin is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum World {
    /// Runs environments.
    Backend,
    /// A course's hook.
    Course,
}

/// A part of the interface that must be asked for. The log, progress and the machine's figures are everybody's.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum CapabilityName {
    /// Start and run granted programs.
    Process,
    /// Remember things on this machine.
    State,
    /// Tar streams into and out of granted folders.
    Files,
    /// The container engine, through the filter.
    Engine,
}

impl CapabilityName {
    /// As it stands in the manifest and the interface.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Process => "process",
            Self::State => "state",
            Self::Files => "files",
            Self::Engine => "engine",
        }
    }
}

/// One thing a plugin asks for.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Capability {
    /// What.
    pub name: CapabilityName,
    /// Why, in one sentence for the person who decides.
    pub reason: String,
    /// `engine` only: parts of it that are grants of their own.
    #[serde(default, skip_serializing_if = "BTreeSet::is_empty")]
    pub rights: BTreeSet<EngineRight>,
}

/// `plugin.toml`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Manifest {
    /// Lower-case letters, digits and `-`; at most 40.
    pub id: String,
    /// MAJOR.MINOR.PATCH.
    pub version: String,
    /// What people call it.
    pub title: String,
    /// Who made it.
    pub publisher: String,
    /// SPDX expression.
    #[serde(default)]
    pub licence: Option<String>,
    /// The interface it speaks.
    pub wit: String,
    /// What it is.
    pub world: World,
    /// What it asks for.
    #[serde(default, rename = "capability")]
    pub capabilities: Vec<Capability>,
}

impl Manifest {
    /// Read and check `plugin.toml`.
    ///
    /// # Errors
    /// [`PluginError::Manifest`] with a sentence that names the key.
    pub fn read(text: &str) -> Result<Self, PluginError> {
        let wrong = |message: String| Err(PluginError::Manifest(text::lines(&message)));
        if text.len() > LONGEST {
            return wrong("longer than 64 KiB".to_owned());
        }
        let found: Self = match toml::from_str(text) {
            Ok(found) => found,
            Err(error) => return wrong(error.to_string()),
        };
        let id = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-';
        if found.id.is_empty()
            || found.id.len() > 40
            || !found.id.chars().all(id)
            || found.id.starts_with('-')
        {
            return wrong("id: use lower-case letters, digits and -, at most 40".to_owned());
        }
        let parts: Vec<&str> = found.version.split('.').collect();
        if parts.len() != 3 || parts.iter().any(|part| part.parse::<u32>().is_err()) {
            return wrong("version: three numbers, such as 1.0.0".to_owned());
        }
        for (key, value) in [("title", &found.title), ("publisher", &found.publisher)] {
            if value.trim().is_empty() || value.len() > 200 || text::line(value) != *value {
                return wrong(format!("{key}: one line of plain text, at most 200 bytes"));
            }
        }
        if found.wit != WIT {
            return wrong(format!(
                "wit: this kitbag speaks {WIT}, the plugin {}",
                text::short(&found.wit, 80)
            ));
        }
        let mut names = BTreeSet::new();
        for capability in &found.capabilities {
            let name = capability.name.as_str();
            if !names.insert(capability.name) {
                return wrong(format!("capability {name}: listed twice"));
            }
            if capability.reason.trim().is_empty() || text::line(&capability.reason) != capability.reason {
                return wrong(format!("capability {name}: give the reason in one line of plain text"));
            }
            if !capability.rights.is_empty() && capability.name != CapabilityName::Engine {
                return wrong(format!("capability {name}: rights belong to engine"));
            }
            if found.world == World::Course {
                return wrong(format!("capability {name}: a course's hook can have none"));
            }
        }
        Ok(found)
    }

    /// Whether it asks for this.
    pub fn asks(&self, name: CapabilityName) -> bool {
        self.capability(name).is_some()
    }

    /// What it asks for under this name.
    pub fn capability(&self, name: CapabilityName) -> Option<&Capability> {
        self.capabilities.iter().find(|capability| capability.name == name)
    }
}

/// Where a plugin came from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Origin {
    /// Part of this kitbag.
    BuiltIn,
    /// A file somebody added.
    Added,
}

/// For `plugin list` and `plugin info`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PluginInfo {
    /// The manifest.
    #[serde(flatten)]
    pub manifest: Manifest,
    /// Where it came from.
    pub origin: Origin,
    /// BLAKE3 of the component, hexadecimal.
    pub digest: String,
    /// Bytes of the component.
    pub size: u64,
}

#[cfg(test)]
mod tests {
    use super::*;

    const GOOD: &str = "id = \"local\"\nversion = \"0.1.0\"\ntitle = \"This computer\"\npublisher = \"kitbag\"\n\
        wit = \"kitbag:plugin@0.1.0-dev\"\nworld = \"backend\"\n[[capability]]\nname = \"process\"\nreason = \"Because.\"\n";

    #[test]
    fn a_good_one_reads() {
        let manifest = Manifest::read(GOOD).unwrap();
        assert!(manifest.asks(CapabilityName::Process) && !manifest.asks(CapabilityName::Files));
    }

    #[test]
    fn mistakes_are_named() {
        for (from, to, word) in [
            ("\"local\"", "\"../x\"", "id"),
            ("\"0.1.0\"", "\"1\"", "version"),
            ("This computer", "a\\u001bb", "title"),
            ("0.1.0-dev", "9.0.0", "wit"),
            ("\"backend\"", "\"course\"", "capability process"),
            ("Because.", " ", "reason"),
            ("\"process\"", "\"http\"", "http"),
            ("reason =", "rights = [\"gpu\"]\nreason =", "engine"),
            ("reason =", "raeson =", "raeson"),
            ("id =", "", "TOML"),
        ] {
            let error = Manifest::read(&GOOD.replacen(from, to, 1)).unwrap_err().to_string();
            assert!(error.contains(word), "{from} → {to}: {error}");
        }
    }
}
