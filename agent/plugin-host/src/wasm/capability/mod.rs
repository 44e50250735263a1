//! What a plugin can ask of the host, one file each: check the grant, the names and the sizes, then knock at the
//! door. Everything that waits waits within the call's bounds.

mod engine;
mod files;
mod lines;
mod log;
mod machine;
mod process;
mod progress;
mod state;
mod streams;

use super::bindings::backend::kitbag::plugin::types;
use super::guest::Guest;

impl types::Host for Guest {}
