//! Where backends come from: in the program the official ones, in tests whatever a test puts in their place. Each is
//! asked the same questions.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use kitbag_plugin_host::{Backend, BoxFuture, Fault, HostConfig, PluginError, PluginHost};

use super::consent::wants_engine;
use super::doors::{engine_answers, engine_says};

/// Loads backends.
pub trait Backends: Send + Sync {
    /// The backend of this name. `folder` is where compiled plugins are kept on this machine, `key` marks them as ours.
    fn load<'a>(
        &'a self,
        id: &'a str,
        folder: &'a Path,
        key: [u8; 32],
    ) -> BoxFuture<'a, Result<Arc<dyn Backend>, PluginError>>;

    /// Make it ready to be loaded at once.
    fn prepare<'a>(
        &'a self,
        _id: &'a str,
        _folder: &'a Path,
        _key: [u8; 32],
    ) -> BoxFuture<'a, Result<(), PluginError>> {
        Box::pin(async { Ok(()) })
    }

    /// Whether what it cannot do without is on this computer at all; asked before a person is asked to allow it.
    fn needs_met<'a>(&'a self, _id: &'a str) -> BoxFuture<'a, Result<(), Fault>> {
        Box::pin(async { Ok(()) })
    }

    /// What the engine it uses says of itself; none where it uses none, or that one says nothing.
    fn engine<'a>(&'a self, _id: &'a str) -> BoxFuture<'a, Option<Engine>> {
        Box::pin(async { None })
    }
}

/// A container engine, as far as a course's needs go.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Engine {
    /// Its version, safe to show.
    pub version: String,
    /// The kind of its processor.
    pub arch: String,
    /// Bytes of memory it may use; 0 when it does not say.
    pub memory: u64,
    /// Processor cores it may use; 0 when it does not say.
    pub cores: u64,
    /// The folder of this computer it keeps images in; none where they lie on a disk of its own.
    pub folder: Option<PathBuf>,
}

/// The official ones, compiled by this very process.
#[derive(Debug, Clone, Copy, Default)]
pub struct Bundled;

impl Backends for Bundled {
    fn load<'a>(
        &'a self,
        id: &'a str,
        folder: &'a Path,
        key: [u8; 32],
    ) -> BoxFuture<'a, Result<Arc<dyn Backend>, PluginError>> {
        Box::pin(async move {
            let host = PluginHost::new(HostConfig::new(folder.to_owned(), key))?;
            Ok(Arc::new(host.load_bundled(id).await?) as Arc<dyn Backend>)
        })
    }

    fn needs_met<'a>(&'a self, id: &'a str) -> BoxFuture<'a, Result<(), Fault>> {
        Box::pin(async move { if wants_engine(id) { engine_answers().await } else { Ok(()) } })
    }

    fn engine<'a>(&'a self, id: &'a str) -> BoxFuture<'a, Option<Engine>> {
        Box::pin(async move { if wants_engine(id) { engine_says().await } else { None } })
    }
}
