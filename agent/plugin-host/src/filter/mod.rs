//! What of a container engine's API a plugin may use. Pure: a request goes in with what was granted, and out comes
//! either a sentence that says why not, or the request as the engine may have it, with the objects whose labels must
//! be looked at first. Nothing is let through because it is not forbidden: paths, query keys, headers and every key
//! of a body stand in tables, and a body is written anew from what the tables know. A determined attacker may get
//! round this (the engine itself has faults); it is a limit, not a wall.

mod body;
mod container;
mod judge;
mod keys;
mod mounts;
mod network;
mod pattern;
mod query;
mod request;
mod table;

pub use judge::{Carried, Check, Package, Pass, Reads, Route, Want, route};
pub use mounts::{Source, fill};
pub use request::{Asked, read};
pub use table::Kind;

use crate::grants::Grants;
use crate::text;

/// Before the name of each label of ours. Containers, volumes and networks.
pub const LABEL: &str = "org.kitbag.";
/// On images: a container somebody starts by hand from an image of ours must not look like ours.
pub const IMAGE_LABEL: &str = "org.kitbag.image.";

/// Why a request is not passed on: one sentence, safe to show.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct Refusal(String);

impl Refusal {
    /// Because of this. The sentence may hold words of the plugin.
    pub fn new(sentence: impl AsRef<str>) -> Self {
        Self(text::short(sentence.as_ref(), 400))
    }
}

/// Whose objects a call may make and touch.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Owner {
    /// The workspace's id.
    pub workspace: String,
    /// The machine's id.
    pub machine: String,
    /// The environment's name; none for a call about all of them, which can make nothing.
    pub environment: Option<String>,
}

impl Owner {
    /// The labels of an object of this owner.
    pub fn labels(&self, before: &str) -> Vec<(String, String)> {
        let all = [
            ("workspace", Some(&self.workspace)),
            ("machine", Some(&self.machine)),
            ("environment", self.environment.as_ref()),
        ];
        all.into_iter()
            .filter_map(|(name, value)| value.map(|value| (format!("{before}{name}"), value.clone())))
            .collect()
    }

    /// Whether an object with these labels is this owner's.
    pub fn owns(&self, before: &str, label: impl Fn(&str) -> Option<String>) -> bool {
        self.labels(before).into_iter().all(|(name, value)| label(&name) == Some(value))
    }
}

/// What is judged by.
#[derive(Debug, Clone, Copy)]
pub struct Rules<'a> {
    /// What was granted for the call.
    pub grants: &'a Grants,
    /// Whose call it is.
    pub owner: &'a Owner,
}
