//! What runs courses here, and what each was allowed in a workspace, as one document.

use kitbag_core::finding::Finding;
use kitbag_engine::environment::{Granted, Manifest, World, bundled};
use serde::Serialize;

/// One plugin; `plugin list --json` has these.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Listed {
    /// Its id.
    pub id: String,
    /// Its version.
    pub version: String,
    /// `backend` or `course`.
    pub kind: &'static str,
    /// Where it comes from.
    pub origin: &'static str,
    /// What it was allowed, each in words.
    pub grants: Vec<String>,
}

/// The manifests of all plugins there are.
///
/// # Errors
/// One of kitbag's own cannot be read.
pub fn manifests() -> Result<Vec<Manifest>, Finding> {
    let read = |manifest| {
        Manifest::read(manifest).map_err(|error| {
            Finding::new("a plugin of kitbag's own cannot be read", error.to_string(), "Please report this.")
        })
    };
    bundled().iter().map(|(_, plugin)| read(plugin.manifest)).collect()
}

/// All of them with what was allowed.
pub fn list(manifests: &[Manifest], granted: Option<&Granted>) -> Vec<Listed> {
    let one = |manifest: &Manifest| Listed {
        id: manifest.id.clone(),
        version: manifest.version.clone(),
        kind: match manifest.world {
            World::Backend => "backend",
            World::Course => "course",
        },
        origin: "built-in",
        grants: granted.filter(|granted| granted.backend == manifest.id).map(words).unwrap_or_default(),
    };
    manifests.iter().map(one).collect()
}

/// Each thing that was allowed.
pub fn words(granted: &Granted) -> Vec<String> {
    let programs = granted.programs.iter().map(|name| format!("program {name}"));
    let engine = granted.engine.iter().flat_map(|rights| {
        let more = rights.iter().map(|right| format!("engine {}", right.as_str()));
        std::iter::once("engine".to_owned()).chain(more)
    });
    programs.chain(granted.python.then(|| "python packages".to_owned())).chain(engine).collect()
}
