//! Plugins are compiled by another process of this same program: it takes the memory, and goes. `Apart` starts it,
//! `compile` is what it does; the key of the cache and the plugin's own program go in by its input, so that no list of
//! processes shows the one and no file has to hold the other. `prepare` has it done when a course comes, so that no `up`
//! waits for it.

use std::io::Read;
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::sync::Arc;
use std::time::Duration;

use kitbag_core::course::Course;
use kitbag_core::finding::Exit;
use kitbag_platform::{limits, process};
use kitbag_plugin_host::{
    Backend, BoxFuture, Compiler, Fault, HostConfig, Order, PluginError, PluginHost, Uncompiled,
};
use tokio::io::{AsyncReadExt, AsyncWriteExt};

use super::backends::{Backends, Bundled, Engine};
use super::choose::choose;
use super::runner::told;
use super::secret::{key, secret};
use crate::doors::Doors;
use crate::error::EngineError;

/// The verb of the process that compiles, into its state root, and nothing else is there.
pub const VERB: &str = "compile-plugin";
/// Memory it may take. A Python plugin takes half a gigabyte; the program itself and its threads are counted too.
const MEMORY: u64 = 2 << 30;
/// Time of the processor it may take.
const PROCESSOR: Duration = Duration::from_secs(300);
/// Most bytes of its words that are read.
const WORDS: u64 = 8 << 10;

/// Where the program keeps what belongs to plugins, below the state root.
fn places(home: &Path) -> (PathBuf, PathBuf) {
    let plugins = home.join("plugins");
    (plugins.join("key"), plugins.join("cache"))
}

/// The cache of compiled plugins of this machine, and its key.
///
/// # Errors
/// The key cannot be read or made.
pub(super) fn cache(home: &Path, doors: &Doors) -> Result<(PathBuf, [u8; 32]), EngineError> {
    let (file, folder) = places(home);
    let (text, _) = secret(&file, 32, doors)?;
    Ok((folder, key(&text)))
}

/// Have the backends compiled that may run a course here.
///
/// # Errors
/// One could not be; `up` tries again.
pub async fn prepare(home: &Path, doors: &Doors, course: &Course) -> Result<(), EngineError> {
    let (folder, key) = cache(home, doors)?;
    for backend in choose(course, None, None)? {
        doors.backends.prepare(&backend, &folder, key).await.map_err(told)?;
    }
    Ok(())
}

/// What the process of [`VERB`] does: the cache's key and a plugin's program come in, and go compiled into the folder.
///
/// # Errors
/// What came is no plugin, or cannot be kept.
pub fn compile(folder: &Path, mut input: impl Read) -> Result<(), PluginError> {
    let host = |error: std::io::Error| PluginError::Host(error.to_string());
    if let Err(error) = limits::limit_ourselves(MEMORY, PROCESSOR) {
        tracing::warn!(%error, "this process has no limits");
    }
    let (mut key, mut component) = ([0; 32], Vec::new());
    input.read_exact(&mut key).map_err(host)?;
    input.read_to_end(&mut component).map_err(host)?;
    kitbag_plugin_host::compile(Order { folder, key: &key, component: &component })
}

/// The official backends, compiled by another process of this program.
#[derive(Debug, Clone)]
pub struct Apart {
    /// The program, which knows [`VERB`].
    pub program: PathBuf,
}

impl Apart {
    fn host(&self, folder: &Path, key: [u8; 32]) -> Result<PluginHost, PluginError> {
        let mut config = HostConfig::new(folder.to_owned(), key);
        config.compiler = Some(Arc::new(self.clone()));
        PluginHost::new(config)
    }

    async fn run(&self, order: Order<'_>) -> Result<(), Uncompiled> {
        let lost = |error: std::io::Error| Uncompiled::Lost(error.to_string());
        let mut command = tokio::process::Command::new(&self.program);
        command.arg("--home").arg(order.folder).arg(VERB).kill_on_drop(true);
        command.stdin(Stdio::piped()).stdout(Stdio::null()).stderr(Stdio::piped());
        process::end_with_us(command.as_std_mut());
        let mut child = command.spawn().map_err(lost)?;
        if let Some(mut input) = child.stdin.take() {
            // one that has ended already says why by its code
            let _ = input.write_all(order.key).await;
            let _ = input.write_all(order.component).await;
        }
        let mut said = Vec::new();
        if let Some(mut words) = child.stderr.take() {
            let _ = (&mut words).take(WORDS).read_to_end(&mut said).await;
            let _ = tokio::io::copy(&mut words, &mut tokio::io::sink()).await;
        }
        let status = child.wait().await.map_err(lost)?;
        let said = String::from_utf8_lossy(&said).trim().to_owned();
        match status.code() {
            Some(0) => Ok(()),
            Some(code) if code == i32::from(Exit::Failed.code()) => Err(Uncompiled::Refused(said)),
            _ => Err(Uncompiled::Lost(format!("{status} {said}"))),
        }
    }
}

impl Compiler for Apart {
    fn have_compiled<'a>(&'a self, order: Order<'a>) -> BoxFuture<'a, Result<(), Uncompiled>> {
        Box::pin(self.run(order))
    }
}

impl Backends for Apart {
    fn load<'a>(
        &'a self,
        id: &'a str,
        folder: &'a Path,
        key: [u8; 32],
    ) -> BoxFuture<'a, Result<Arc<dyn Backend>, PluginError>> {
        Box::pin(
            async move { Ok(Arc::new(self.host(folder, key)?.load_bundled(id).await?) as Arc<dyn Backend>) },
        )
    }

    fn prepare<'a>(
        &'a self,
        id: &'a str,
        folder: &'a Path,
        key: [u8; 32],
    ) -> BoxFuture<'a, Result<(), PluginError>> {
        Box::pin(async move { self.host(folder, key)?.prepare_bundled(id).await })
    }

    fn needs_met<'a>(&'a self, id: &'a str) -> BoxFuture<'a, Result<(), Fault>> {
        Bundled.needs_met(id)
    }

    fn engine<'a>(&'a self, id: &'a str) -> BoxFuture<'a, Option<Engine>> {
        Bundled.engine(id)
    }
}
