//! Compiling a plugin in a process of its own. A compiler takes minutes and gigabytes for some programs, keeps what it
//! took, and may have mistakes: apart and with limits it takes nobody else along. The process that wants a plugin starts
//! the other by its [`Compiler`]; the other calls [`compile`]. They meet in the cache, whose key both have.

use std::path::Path;

use wasmtime::component::Component;

use crate::backend::BoxFuture;
use crate::cache::Cache;
use crate::error::PluginError;
use crate::host::BIGGEST;
use crate::{text, wasm};

/// What is to be compiled, and where it goes.
#[derive(Clone, Copy)]
pub struct Order<'a> {
    /// The cache's folder.
    pub folder: &'a Path,
    /// The cache's key. Secret.
    pub key: &'a [u8; 32],
    /// The program of the plugin.
    pub component: &'a [u8],
}

/// Why nothing was compiled.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Uncompiled {
    /// The compiler says that this is no plugin.
    #[error("{0}")]
    Refused(String),
    /// The process could not be started, or ended before it was done.
    #[error("the compiler's process: {0}")]
    Lost(String),
}

/// Starts a process that calls [`compile`], and waits for its end. Dropped before, the process ends.
pub trait Compiler: Send + Sync {
    /// Have it done.
    fn have_compiled<'a>(&'a self, order: Order<'a>) -> BoxFuture<'a, Result<(), Uncompiled>>;
}

/// Compile a plugin into the cache; one that is there already is not looked at. On one thread, which takes less
/// memory and, beside whatever the computer does meanwhile, little longer.
///
/// # Errors
/// [`PluginError::NotAPlugin`] and [`PluginError::TooBig`] for what is none, [`PluginError::Host`] where it cannot be
/// kept.
pub fn compile(order: Order<'_>) -> Result<(), PluginError> {
    let Order { folder, key, component } = order;
    if component.len() > BIGGEST {
        return Err(PluginError::TooBig(component.len()));
    }
    let host = |error: std::io::Error| PluginError::Host(format!("the folder for compiled plugins: {error}"));
    let engine = wasm::engine(wasm::Threads::One)?;
    let cache = Cache::open(folder.to_owned(), *key).map_err(host)?;
    if cache.has(&engine, component) {
        return Ok(());
    }
    let compiled = Component::from_binary(&engine, component)
        .map_err(|error| PluginError::NotAPlugin(text::lines(&format!("{error:#}"))))?;
    cache.store(&engine, component, &compiled).map_err(host)
}
