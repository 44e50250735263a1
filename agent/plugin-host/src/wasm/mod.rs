//! Components of interface 0.1: the bindings made from `wit/v0.1`, the engine they run on and the linkers that
//! say what exists for them. Conversion to our own types happens here and nowhere else, so a second version of
//! the interface is one more folder like this.

mod backend;
mod bindings;
mod call;
mod capability;
mod check;
mod convert;
mod course;
mod guest;
mod http;
mod linker;

pub use backend::WasmBackend;
pub use check::check;
pub use course::WasmCourse;
pub use linker::Linkers;

use wasmtime::{Config, Engine};

use crate::error::PluginError;

/// How many threads compile at once.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Threads {
    One,
    All,
}

/// The engine all plugins share.
pub fn engine(threads: Threads) -> Result<Engine, PluginError> {
    let mut config = Config::new();
    config.parallel_compilation(threads == Threads::All);
    // A plugin is interrupted by epochs; fuel would cost it half its speed.
    config.epoch_interruption(true);
    // What no plugin needs and the year's advisories were about.
    config.wasm_memory64(false).wasm_multi_memory(false).wasm_relaxed_simd(false);
    Engine::new(&config).map_err(|error| PluginError::Host(format!("{error:#}")))
}
