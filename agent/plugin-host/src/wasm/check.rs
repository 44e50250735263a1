//! What a component is, read from its own type: the world its exports make, and whether every part of the
//! interface it uses is one its world has and its manifest asked for. Sockets may be named, as some languages
//! name them without use; they are not there, and using them ends the plugin.

use wasmtime::Engine;
use wasmtime::component::Component;

use crate::error::PluginError;
use crate::manifest::{CapabilityName, Manifest, World};
use crate::text;

const PACKAGE: &str = "kitbag:plugin/";
const VERSION: &str = "@0.1.0-dev";
/// What everybody may use.
const FREE: [&str; 6] = ["types", "log", "progress", "machine", "streams", "lines"];
/// What the standard libraries of languages use.
const WASI: [&str; 5] = ["wasi:io/", "wasi:clocks/", "wasi:random/", "wasi:cli/", "wasi:filesystem/"];
/// The way to the container engine, and to nothing else.
const HTTP: &str = "wasi:http/";
/// Named by some without use; linked to traps.
pub const SOCKETS: &str = "wasi:sockets/";

/// Compare the component with its manifest.
pub fn check(engine: &Engine, component: &Component, manifest: &Manifest) -> Result<(), PluginError> {
    let own = component.component_type();
    let needed: &[&str] = match manifest.world {
        World::Backend => &["meta", "environment", "transfer", "log-source"],
        World::Course => &["hooks"],
    };
    for interface in needed {
        let name = format!("{PACKAGE}{interface}{VERSION}");
        if own.get_export(engine, &name).is_none() {
            return Err(PluginError::NotAPlugin(format!("it has no {name}")));
        }
    }
    for (name, _) in own.imports(engine) {
        let allowed = match name.strip_prefix(PACKAGE).and_then(|rest| rest.strip_suffix(VERSION)) {
            Some(interface) => allowed(interface, manifest),
            None if name.starts_with(HTTP) => {
                manifest.world == World::Backend && manifest.asks(CapabilityName::Engine)
            }
            None => WASI.iter().any(|wasi| name.starts_with(wasi)) || name.starts_with(SOCKETS),
        };
        if !allowed {
            return Err(PluginError::NotDeclared(text::short(name, 200)));
        }
    }
    Ok(())
}

fn allowed(interface: &str, manifest: &Manifest) -> bool {
    let names =
        [CapabilityName::Process, CapabilityName::State, CapabilityName::Files, CapabilityName::Engine];
    let asked = names.into_iter().any(|name| name.as_str() == interface && manifest.asks(name));
    // A course's hook has no streams and no service lines to write.
    let free = FREE.contains(&interface)
        && (manifest.world == World::Backend || !["streams", "lines"].contains(&interface));
    asked || free
}
