//! Every door to the operating system, and nothing that decides.
//!
//! Each door is one module: a trait, a real side and a simulated side, so that the engine can be run against
//! a disk that fails, a clock that jumps and programs that die, each time the same way. What differs between
//! Linux, macOS and Windows ends here. No other crate of the agent calls the system by itself.

#![cfg_attr(test, allow(clippy::unwrap_used))]

pub mod autostart;
pub mod chance;
pub mod clock;
pub mod disk;
pub mod docker;
mod graphics;
pub mod limits;
pub mod local;
pub mod lock;
pub mod log;
pub mod loopback;
pub mod memory;
pub mod notice;
pub mod outbound;
pub mod places;
pub mod private;
pub mod process;
pub mod provider;
pub mod secrets;
pub mod specs;
pub mod virtualisation;
pub mod volume;
pub mod watch;
