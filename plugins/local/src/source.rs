//! The course's `source` block for this backend, read and checked once. What stands here comes from a course
//! package; a mistake is a fault that names the service. Ports, folders and secrets are not part of it, so the
//! same course has the same fingerprint on every machine.

use std::collections::{BTreeMap, BTreeSet};

use kitbag_sdk::{Fault, FaultCode};
use serde::{Deserialize, Serialize};

/// The whole block.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Source {
    /// In the order they start.
    pub services: Vec<Service>,
    /// The Python environment the host made for the course. Programs are looked for in it first.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub python: Option<Python>,
}

/// The course's own Python, which the host makes and keeps. Here it only counts whether it is the same one.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Python {
    /// Its name; none where it could not be made, and the course goes on without.
    pub environment: Option<String>,
}

/// One thing a person uses.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Service {
    /// Lower-case letters, digits, `-`, `_`; at most 40.
    pub name: String,
    /// What it is.
    pub kind: Kind,
    /// The program's bare name.
    #[serde(default)]
    pub program: Option<String>,
    /// `{port}` is filled in here, `{work}` and `{token}` by the host.
    #[serde(default)]
    pub args: Vec<String>,
    /// As `args`.
    #[serde(default)]
    pub env: BTreeMap<String, String>,
    /// Whether it listens.
    #[serde(default)]
    pub port: PortWish,
    /// Where it begins below its address.
    #[serde(default)]
    pub path: Option<String>,
    /// For a page: the program that serves it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub under: Option<String>,
    /// When people can use it.
    #[serde(default)]
    pub ready: Ready,
    /// Go on without it where its program is missing.
    #[serde(default)]
    pub optional: bool,
    /// Seconds between asking it to end and ending it.
    #[serde(default = "five")]
    pub stop_grace_seconds: u32,
}

/// What a service is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Kind {
    /// A program that runs while the environment runs.
    Program,
    /// A database file the host makes; there is nothing to start.
    Sqlite,
    /// A page of one of the programs; there is nothing to start.
    Web,
}

/// Whether a service listens, and where the course would like it to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(untagged)]
pub enum PortWish {
    /// Any port, or none.
    Any(bool),
    /// This one, if the host gives no other.
    Preferred(u16),
}

impl Default for PortWish {
    fn default() -> Self {
        Self::Any(false)
    }
}

/// When a service counts as ready.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Ready {
    /// When its port answers. Absent: if it has one.
    #[serde(default)]
    pub port: Option<bool>,
    /// How long it may take, in seconds.
    #[serde(default = "thirty")]
    pub timeout_seconds: u32,
}

impl Default for Ready {
    fn default() -> Self {
        Self { port: None, timeout_seconds: thirty() }
    }
}

fn five() -> u32 {
    5
}

fn thirty() -> u32 {
    30
}

impl Source {
    /// Read and check the block.
    ///
    /// # Errors
    /// `invalid-config`, saying which service and what about it.
    pub fn read(json: &str) -> Result<Self, Fault> {
        let source: Self = serde_json::from_str(json).map_err(|error| {
            invalid("The course's settings for this computer cannot be read.".to_owned())
                .detail(error.to_string())
        })?;
        let mut names = BTreeSet::new();
        for service in &source.services {
            service.check()?;
            if !names.insert(&service.name) {
                return Err(invalid(format!("The course has two services called \"{}\".", service.name)));
            }
        }
        for page in source.services.iter().filter(|one| one.kind == Kind::Web) {
            if !source.serving(page).listens() {
                return Err(invalid(format!(
                    "The page \"{}\" needs a program with a port that it lies under.",
                    page.name
                )));
            }
        }
        Ok(source)
    }

    /// The service that serves a service's page: itself, but for a page under another one.
    pub fn serving<'s>(&'s self, service: &'s Service) -> &'s Service {
        let under = |under: &String| self.services.iter().find(|one| one.name == *under);
        service.under.as_ref().and_then(under).unwrap_or(service)
    }

    /// Equal for equal blocks, whatever the order of keys. Tells them apart; keeps nobody from forging one.
    pub fn fingerprint(&self) -> String {
        // Written from the checked structure, so spacing, key order and absent defaults do not count. FNV-1a.
        let text = serde_json::to_vec(self).unwrap_or_default();
        let hash = text.iter().fold(0xcbf2_9ce4_8422_2325_u64, |hash, &byte| {
            (hash ^ u64::from(byte)).wrapping_mul(0x0000_0100_0000_01b3)
        });
        format!("local-1-{hash:016x}")
    }
}

impl Service {
    fn check(&self) -> Result<(), Fault> {
        let honest = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-' || c == '_';
        if self.name.is_empty() || self.name.len() > 40 || !self.name.chars().all(honest) {
            return Err(invalid(format!("\"{}\" cannot be the name of a service.", self.name))
                .remedy("Use lower-case letters, digits, - and _, at most 40."));
        }
        match (self.kind, &self.program) {
            (Kind::Program, None) => Err(invalid(format!("The service \"{}\" names no program.", self.name))),
            (Kind::Program, Some(program)) if program.is_empty() || program.contains(['/', '\\', '\0']) => {
                Err(invalid(format!(
                    "The service \"{}\" needs the bare name of a program, not a path.",
                    self.name
                )))
            }
            _ if self.path.as_ref().is_some_and(|path| !path.starts_with('/')) => {
                Err(invalid(format!("The path of the service \"{}\" must begin with a slash.", self.name)))
            }
            _ => Ok(()),
        }
    }

    /// Whether it listens on a port.
    pub fn listens(&self) -> bool {
        self.kind == Kind::Program && self.port != PortWish::Any(false)
    }

    /// Whether it is ready only when its port answers.
    pub fn ready_by_port(&self) -> bool {
        self.listens() && self.ready.port.unwrap_or(true)
    }

    /// The port to use: the host's choice, else the course's wish.
    ///
    /// # Errors
    /// `invalid-config` when neither says one.
    pub fn port(&self, chosen: Option<u16>) -> Result<Option<u16>, Fault> {
        match (self.listens(), chosen, self.port) {
            (false, ..) => Ok(None),
            (true, Some(port), _) | (true, None, PortWish::Preferred(port)) => Ok(Some(port)),
            (true, None, PortWish::Any(_)) => {
                Err(invalid(format!("No port was chosen for the service \"{}\".", self.name)))
            }
        }
    }

    /// Whether it is given the access token.
    pub fn wants_token(&self) -> bool {
        self.args.iter().chain(self.env.values()).any(|text| text.contains("{token}"))
    }
}

fn invalid(message: String) -> Fault {
    Fault::new(FaultCode::InvalidConfig, message).remedy("Tell the people who made the course.")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Result<Source, Fault> {
        Source::read(text)
    }

    #[test]
    fn the_readme_block_reads() {
        let readme = include_str!("../README.md");
        let block = readme.split("```json").nth(1).unwrap().split("```").next().unwrap();
        let source = read(block).unwrap();
        assert_eq!(source.services.len(), 3);
        assert_eq!(source.serving(&source.services[2]), &source.services[1]);
        assert_eq!(source.serving(&source.services[0]), &source.services[0]);
        assert!(source.services[1].ready_by_port() && source.services[1].wants_token());
        assert_eq!(source.services[1].port(Some(9000)).unwrap(), Some(9000));
        assert_eq!(source.services[1].port(None).unwrap(), Some(8888));
        assert_eq!(source.services[0].port(Some(1)).unwrap(), None);
    }

    #[test]
    fn mistakes_are_named() {
        for (text, word) in [
            ("{", "cannot be read"),
            (r#"{"services":[{"name":"A b","kind":"sqlite"}]}"#, "name of a service"),
            (r#"{"services":[{"name":"a","kind":"program"}]}"#, "names no program"),
            (r#"{"services":[{"name":"a","kind":"program","program":"/bin/sh"}]}"#, "bare name"),
            (r#"{"services":[{"name":"a","kind":"sqlite","path":"lab"}]}"#, "slash"),
            (r#"{"services":[{"name":"a","kind":"web"}]}"#, "lies under"),
            (r#"{"services":[{"name":"a","kind":"web","under":"a"}]}"#, "lies under"),
            (
                r#"{"services":[{"name":"a","kind":"web","under":"b"},{"name":"b","kind":"sqlite"}]}"#,
                "lies under",
            ),
            (
                r#"{"services":[{"name":"a","kind":"web","under":"b"},{"name":"b","kind":"program","program":"b"}]}"#,
                "lies under",
            ),
            (r#"{"services":[{"name":"a","kind":"sqlite"},{"name":"a","kind":"sqlite"}]}"#, "two services"),
            (r#"{"services":[{"name":"a","kind":"sqlite","prot":1}]}"#, "cannot be read"),
        ] {
            let fault = read(text).unwrap_err();
            assert_eq!(fault.code, FaultCode::InvalidConfig, "{text}");
            assert!(fault.message.contains(word), "{text}: {}", fault.message);
            assert!(!fault.remedies.is_empty(), "{text}");
        }
    }

    #[test]
    fn the_fingerprint_is_of_the_meaning() {
        let one = read(r#"{"services":[{"name":"a","kind":"sqlite"}]}"#).unwrap();
        let same = read(r#"{ "services": [ {"kind": "sqlite", "optional": false, "name": "a"} ] }"#).unwrap();
        let other = read(r#"{"services":[{"name":"b","kind":"sqlite"}]}"#).unwrap();
        assert_eq!(one.fingerprint(), same.fingerprint());
        assert_ne!(one.fingerprint(), other.fingerprint());
        // another Python environment is another meaning, so what runs with the old one is started again
        let python =
            |name: &str| read(&format!(r#"{{"services":[],"python":{{"environment":{name}}}}}"#)).unwrap();
        assert_ne!(python("\"a\"").fingerprint(), python("\"b\"").fingerprint());
        assert_ne!(python("null").fingerprint(), python("\"b\"").fingerprint());
    }
}
