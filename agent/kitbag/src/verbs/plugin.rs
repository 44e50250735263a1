//! `plugin list`, `info` and `revoke`: what runs courses here, what each may do and why, and that it no longer may.

use kitbag_core::finding::{Exit, Finding};
use kitbag_engine::environment;
use kitbag_engine::environment::{Granted, Manifest};
use kitbag_page::plugins::{self, Listed};
use serde::Serialize;

use crate::args::{Plugin, PluginVerb};
use crate::context::Context;
use crate::{Outcome, Trouble};

#[derive(Serialize)]
struct Document {
    plugins: Vec<Listed>,
}

/// Show them.
pub fn run(context: &Context, options: &Plugin) -> Outcome {
    let manifests = plugins::manifests()?;
    match &options.verb {
        PluginVerb::List => list(context, &manifests),
        PluginVerb::Info { id } => info(context, &manifests, id),
        PluginVerb::Revoke { id } => revoke(context, &manifests, id),
    }
}

fn list(context: &Context, manifests: &[Manifest]) -> Outcome {
    // without a workspace nothing was granted
    let granted = context.look().ok().and_then(|ws| environment::grants(&ws).ok().flatten());
    let document = Document { plugins: plugins::list(manifests, granted.as_ref()) };
    if context.printer.document(&document) {
        return Ok(Exit::Done);
    }
    for plugin in &document.plugins {
        let grants =
            if plugin.grants.is_empty() { "nothing granted yet".into() } else { plugin.grants.join(", ") };
        context
            .printer
            .line(format!("{} {}  {}, {}; {grants}", plugin.id, plugin.version, plugin.kind, plugin.origin));
    }
    Ok(Exit::Done)
}

fn unknown(id: &str) -> Trouble {
    let what = format!("there is no plugin called {}", kitbag_core::path::shown(id));
    Finding::new(what, "", "`kitbag plugin list` shows what there is.").into()
}

fn revoke(context: &Context, manifests: &[Manifest], id: &str) -> Outcome {
    if !manifests.iter().any(|manifest| manifest.id == id) {
        return Err(unknown(id));
    }
    let said = match environment::revoke(&context.open()?, id)? {
        None => "Nothing was allowed.",
        Some(Granted { engine: None, .. }) => "Taken back. The next `kitbag up` asks again.",
        Some(_) => {
            "Taken back. It cannot reach Docker any more, not even to stop what runs; the next `kitbag up` asks again."
        }
    };
    context.printer.line(said);
    Ok(Exit::Done)
}

fn info(context: &Context, manifests: &[Manifest], id: &str) -> Outcome {
    let Some(manifest) = manifests.iter().find(|manifest| manifest.id == id) else {
        return Err(unknown(id));
    };
    if context.printer.document(manifest) {
        return Ok(Exit::Done);
    }
    context
        .printer
        .line(format!("{} {}: {}, by {}", manifest.id, manifest.version, manifest.title, manifest.publisher));
    for capability in &manifest.capabilities {
        context.printer.line(format!("  {}: {}", capability.name.as_str(), capability.reason));
        for right in &capability.rights {
            context.printer.line(format!("    {}: {}", right.as_str(), right.words()));
        }
    }
    Ok(Exit::Done)
}
