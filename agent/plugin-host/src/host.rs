//! Where plugins are loaded: manifest read, component compiled or taken from the cache, what it uses compared
//! with what it asked for. Nothing of a plugin runs until a call, except the one question who it is.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use wasmtime::Engine;
use wasmtime::component::Component;

use crate::backend::{Backend, BoxFuture, Op, Reply};
use crate::bundled::{Bundled, bundled};
use crate::cache::Cache;
use crate::closed;
use crate::compiler::{Compiler, Order, Uncompiled};
use crate::context::OpContext;
use crate::error::PluginError;
use crate::fault::{Fault, FaultCode};
use crate::grants::Grants;
use crate::manifest::{Manifest, Origin, PluginInfo, World};
use crate::text;
use crate::ticker::Ticker;
use crate::wasm::{self, Linkers, Threads, WasmBackend, WasmCourse};

/// Biggest component, in bytes.
pub const BIGGEST: usize = 64 << 20;
/// Longest a compilation may be waited for.
const COMPILE: Duration = Duration::from_secs(120);
/// Longest a plugin may take to say who it is.
const DESCRIBE: Duration = Duration::from_secs(5);

/// How plugins are run.
#[derive(Clone)]
pub struct HostConfig {
    /// A private folder for compiled plugins. Never in a cloud folder: what lies there is run.
    pub cache_dir: PathBuf,
    /// This machine's random key; a compiled plugin counts only with it.
    pub mac_key: [u8; 32],
    /// Memory of one running plugin, in bytes.
    pub memory: usize,
    /// How long a plugin may go on after its person gave up.
    pub cancel_grace: Duration,
    /// Compiles in a process of its own; none: this process does it.
    pub compiler: Option<Arc<dyn Compiler>>,
}

impl HostConfig {
    /// 64 MiB of memory, ten seconds to stop, compiled in this process.
    pub fn new(cache_dir: PathBuf, mac_key: [u8; 32]) -> Self {
        Self { cache_dir, mac_key, memory: 64 << 20, cancel_grace: Duration::from_secs(10), compiler: None }
    }
}

/// What every running plugin shares.
pub struct Shared {
    pub engine: Engine,
    pub linkers: Linkers,
    pub ticker: Ticker,
    pub config: HostConfig,
    cache: Cache,
}

/// Loads plugins. Cheap to clone.
#[derive(Clone)]
pub struct PluginHost(Arc<Shared>);

impl std::fmt::Debug for PluginHost {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("PluginHost")
            .field("config.cache_dir", &self.0.config.cache_dir)
            .finish_non_exhaustive()
    }
}

impl PluginHost {
    /// Make ready to load plugins.
    ///
    /// # Errors
    /// [`PluginError::Host`] when the cache's folder cannot be made or this machine cannot run components.
    pub fn new(config: HostConfig) -> Result<Self, PluginError> {
        let engine = wasm::engine(Threads::All)?;
        let host = |what: &str, error: std::io::Error| PluginError::Host(format!("{what}: {error}"));
        let cache = Cache::open(config.cache_dir.clone(), config.mac_key)
            .map_err(|error| host("the folder for compiled plugins", error))?;
        let ticker = Ticker::start(engine.clone()).map_err(|error| host("the ticker", error))?;
        let linkers = Linkers::new(&engine)?;
        Ok(Self(Arc::new(Shared { engine, linkers, ticker, config, cache })))
    }

    /// Load an official plugin.
    ///
    /// # Errors
    /// A [`Fault`] `not-found` for an unknown id, else as [`PluginHost::load`].
    pub async fn load_bundled(&self, id: &str) -> Result<Plugin, PluginError> {
        let Bundled { manifest, component } = official(id)?;
        self.load(manifest, component, Origin::BuiltIn).await
    }

    /// Compile an official plugin unless the cache has it, so that loading it later takes no time.
    ///
    /// # Errors
    /// As [`PluginHost::load_bundled`].
    pub async fn prepare_bundled(&self, id: &str) -> Result<(), PluginError> {
        let Bundled { component, .. } = official(id)?;
        if self.0.cache.has(&self.0.engine, component) {
            return Ok(());
        }
        self.compile(component, Origin::BuiltIn).await.map(drop)
    }

    /// Load a plugin. Compiles it, apart or off the async threads, unless the cache has it. Must run in a tokio runtime
    /// with time enabled.
    ///
    /// # Errors
    /// Whatever makes it no plugin for this kitbag; malformed bytes are an error, never a crash.
    pub async fn load(
        &self,
        manifest: &str,
        component: &[u8],
        origin: Origin,
    ) -> Result<Plugin, PluginError> {
        let manifest = Manifest::read(manifest)?;
        if component.len() > BIGGEST {
            return Err(PluginError::TooBig(component.len()));
        }
        let info = PluginInfo {
            origin,
            digest: blake3::hash(component).to_hex().to_string(),
            size: component.len() as u64,
            manifest,
        };
        let compiled = self.compile(component, origin).await?;
        wasm::check(&self.0.engine, &compiled, &info.manifest)?;
        let kind = match info.manifest.world {
            World::Backend => Kind::Backend(Box::new(WasmBackend::new(Arc::clone(&self.0), &compiled)?)),
            World::Course => Kind::Course(WasmCourse::new(Arc::clone(&self.0), &compiled)?),
        };
        let plugin = Plugin { info, kind };
        plugin.check_name().await?;
        Ok(plugin)
    }

    async fn compile(&self, bytes: &[u8], origin: Origin) -> Result<Component, PluginError> {
        if let Some(component) = self.0.cache.load(&self.0.engine, bytes) {
            return Ok(component);
        }
        if let Some(compiler) = &self.0.config.compiler {
            let order =
                Order { folder: &self.0.config.cache_dir, key: &self.0.config.mac_key, component: bytes };
            let lost = match tokio::time::timeout(COMPILE, compiler.have_compiled(order)).await {
                Ok(Ok(())) => match self.0.cache.load(&self.0.engine, bytes) {
                    Some(component) => return Ok(component),
                    None => PluginError::Host("what was compiled is not there".to_owned()),
                },
                Ok(Err(Uncompiled::Refused(why))) => return Err(PluginError::NotAPlugin(text::lines(&why))),
                Ok(Err(Uncompiled::Lost(_))) if origin != Origin::BuiltIn => {
                    PluginError::NotAPlugin("the compiler gave up on it".to_owned())
                }
                Ok(Err(error)) => PluginError::Host(error.to_string()),
                Err(_) => PluginError::CompileTimeout,
            };
            // what came with kitbag harms nobody: where no process can be started, this one does it
            if origin != Origin::BuiltIn {
                return Err(lost);
            }
            tracing::warn!(error = %lost, "a plugin could not be compiled apart; it is done here");
        }
        self.compile_here(bytes.to_vec()).await
    }

    async fn compile_here(&self, bytes: Vec<u8>) -> Result<Component, PluginError> {
        let shared = Arc::clone(&self.0);
        // A thread of its own: a compiler that takes minutes or panics takes nothing else along.
        let work = tokio::task::spawn_blocking(move || {
            let component = Component::from_binary(&shared.engine, &bytes)
                .map_err(|error| PluginError::NotAPlugin(text::lines(&format!("{error:#}"))))?;
            if let Err(error) = shared.cache.store(&shared.engine, &bytes, &component) {
                tracing::warn!(%error, "a compiled plugin could not be kept; it will be compiled again");
            }
            Ok(component)
        });
        match tokio::time::timeout(COMPILE, work).await {
            Ok(Ok(result)) => result,
            Ok(Err(_)) => Err(PluginError::NotAPlugin("the compiler gave up on it".to_owned())),
            Err(_) => Err(PluginError::CompileTimeout),
        }
    }
}

fn official(id: &str) -> Result<&'static Bundled, Fault> {
    bundled().iter().find_map(|(name, plugin)| (*name == id).then_some(plugin)).ok_or_else(|| {
        let message = format!("There is no backend called \"{}\".", text::short(id, 80));
        Fault::new(FaultCode::NotFound, message)
            .remedy_command("See which there are.", &["kitbag", "plugin", "list"])
    })
}

enum Kind {
    Backend(Box<WasmBackend>),
    Course(WasmCourse),
}

/// A loaded plugin.
pub struct Plugin {
    info: PluginInfo,
    kind: Kind,
}

impl std::fmt::Debug for Plugin {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Plugin").field("info", &self.info).finish_non_exhaustive()
    }
}

impl Plugin {
    /// Who it is and what it asked for.
    pub fn info(&self) -> &PluginInfo {
        &self.info
    }

    /// As a backend, if it is one.
    pub fn backend(&self) -> Option<&dyn Backend> {
        match &self.kind {
            Kind::Backend(backend) => Some(backend.as_ref()),
            Kind::Course(_) => None,
        }
    }

    /// As a course's hook, if it is one.
    pub fn course(&self) -> Option<&dyn crate::backend::Course> {
        match &self.kind {
            Kind::Course(course) => Some(course),
            Kind::Backend(_) => None,
        }
    }

    /// The plugin itself must say what its manifest says, or a person would grant to one and run the other.
    async fn check_name(&self) -> Result<(), PluginError> {
        let cx = OpContext::new(closed::doors(), Grants::default(), DESCRIBE);
        let said = match &self.kind {
            Kind::Backend(backend) => backend.call(Op::Describe, &cx).await?.description()?,
            Kind::Course(course) => course.describe(&cx).await?,
        };
        let manifest = &self.info.manifest;
        if said.id == manifest.id && said.version == manifest.version {
            return Ok(());
        }
        Err(PluginError::NotAPlugin(format!(
            "the manifest says {} {}, the plugin says {} {}",
            manifest.id, manifest.version, said.id, said.version
        )))
    }
}

impl Backend for Plugin {
    fn call<'a>(&'a self, op: Op, cx: &'a OpContext) -> BoxFuture<'a, Result<Reply, PluginError>> {
        match &self.kind {
            Kind::Backend(backend) => backend.call(op, cx),
            Kind::Course(_) => Box::pin(async {
                let message = "This plugin belongs to a course and runs no environments.";
                Err(Fault::new(FaultCode::Unsupported, message).remedy("Choose a backend.").into())
            }),
        }
    }
}
