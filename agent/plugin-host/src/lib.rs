//! Runs plugins, and decides nothing about environments. A plugin is a WebAssembly component that can do only
//! what was granted for one call: [`PluginHost`] compiles it (once; kept in a private cache), a fresh instance
//! answers each operation, and [`Doors`] lead to the machine. To the engine every plugin is a [`Backend`] or a
//! [`Course`], whatever version of the interface it speaks; [`FakeBackend`] stands behind the same trait.

#![cfg_attr(test, allow(clippy::unwrap_used))]

mod backend;
mod bundled;
mod cache;
mod cancel;
mod closed;
mod compiler;
mod context;
mod doors;
mod environment;
mod error;
mod fake;
mod fault;
pub mod filter;
mod flood;
mod grants;
mod host;
mod manifest;
mod text;
mod ticker;
mod wasm;
pub mod wire;

pub use backend::{Advice, Backend, BoxFuture, Course, Layout, Moment, Op, Reply};
pub use bundled::{Bundled, bundled};
pub use cancel::Cancel;
pub use compiler::{Compiler, Order, Uncompiled, compile};
pub use context::{Doors, OpContext, Streams};
pub use doors::{
    ByteReader, ByteWriter, Connection, Duplex, EngineDoor, EngineFound, FilesDoor, Launch, Level, LineSink,
    LogBytes, LogSink, MachineDoor, MachineInfo, ProcessDoor, ProcessId, ProgressSink, StateDoor, StateUse,
};
pub use environment::{
    Description, Endpoint, EnvRef, EnvStatus, ExecRequest, Phase, PlanDoc, Port, ProbeReport, ServiceStatus,
    Snap, Spec,
};
pub use error::PluginError;
pub use fake::FakeBackend;
pub use fault::{Fault, FaultCode, Remedy};
pub use grants::{EngineGrant, EngineRight, Grants, Secret};
pub use host::{HostConfig, Plugin, PluginHost};
pub use manifest::{Capability, CapabilityName, Manifest, Origin, PluginInfo, WIT, World};
