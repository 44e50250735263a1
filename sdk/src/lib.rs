//! Write kitbag plugins in Rust. A backend implements [`Backend`], a course's hook [`Course`]; one macro makes
//! the crate a component. Everything the host offers is a module of plain functions: [`process`], [`state`],
//! [`files`], [`engine`], [`progress`], [`machine`], [`log`]. Nothing else exists for a plugin: no files, no sockets, no
//! environment variables. A plugin crate needs only this crate and `crate-type = ["cdylib", "rlib"]`.
//!
//! ```
//! use kitbag_sdk::*;
//!
//! pub struct Nowhere;
//!
//! impl Backend for Nowhere {
//!     fn describe() -> Description {
//!         Description { id: "nowhere".into(), version: "0.1.0".into(), title: "Nowhere".into() }
//!     }
//!     fn probe() -> Result<ProbeReport, Fault> {
//!         Ok(ProbeReport { usable: true, version: None, problems: vec![] })
//!     }
//!     fn plan(what: Spec) -> Result<PlanDoc, Fault> {
//!         Ok(PlanDoc { summary: "Nothing".into(), steps: vec![], destructive: false, fingerprint: what.source })
//!     }
//!     fn create(_: Spec, _: String) -> Result<(), Fault> {
//!         Err(Fault::new(FaultCode::Unsupported, "There is nowhere to go.").remedy("Choose another backend."))
//!     }
//!     fn start(_: Spec) -> Result<EnvStatus, Fault> {
//!         Ok(EnvStatus { phase: Phase::Absent, services: vec![] })
//!     }
//!     fn wait_ready(_: EnvRef, _: u64) -> Result<EnvStatus, Fault> {
//!         Ok(EnvStatus { phase: Phase::Absent, services: vec![] })
//!     }
//!     fn stop(_: EnvRef, _: u64) -> Result<EnvStatus, Fault> {
//!         Ok(EnvStatus { phase: Phase::Absent, services: vec![] })
//!     }
//!     fn destroy(_: EnvRef) -> Result<(), Fault> {
//!         Ok(())
//!     }
//!     fn status(_: EnvRef) -> Result<EnvStatus, Fault> {
//!         Ok(EnvStatus { phase: Phase::Absent, services: vec![] })
//!     }
//!     fn list_owned() -> Result<Vec<EnvRef>, Fault> {
//!         Ok(vec![])
//!     }
//!     fn endpoints(_: EnvRef) -> Result<Vec<Endpoint>, Fault> {
//!         Ok(vec![])
//!     }
//!     fn exec_in(_: EnvRef, _: ExecRequest, _: Streams<'_>) -> Result<Option<i32>, Fault> {
//!         Err(Fault::new(FaultCode::NotFound, "This environment does not exist."))
//!     }
//!     fn put(_: EnvRef, _: String, tar: &Reader) -> Result<u64, Fault> {
//!         Ok(std::io::copy(&mut &*tar, &mut std::io::sink())?)
//!     }
//!     fn get(_: EnvRef, _: String, _: &Writer) -> Result<u64, Fault> {
//!         Ok(0)
//!     }
//!     fn logs(_: EnvRef, _: Option<String>, _: bool, _: &Sink) -> Result<(), Fault> {
//!         Ok(())
//!     }
//! }
//!
//! kitbag_sdk::export_backend!(Nowhere);
//! # fn main() {}
//! ```

mod backend;
#[doc(hidden)]
pub mod bindings;
mod course;
pub mod engine;
mod fault;
mod streams;

pub use backend::{Backend, BackendComponent, Streams};
pub use course::{Course, CourseComponent};

pub use bindings::backend::exports::kitbag::plugin::environment::{ExecRequest, PlanDoc, ProbeReport};
pub use bindings::backend::exports::kitbag::plugin::snapshot::Snap;
pub use bindings::backend::kitbag::plugin::lines::Sink;
pub use bindings::backend::kitbag::plugin::process::Command;
pub use bindings::backend::kitbag::plugin::streams::{Reader, Writer};
pub use bindings::backend::kitbag::plugin::types::{
    Description, Endpoint, EnvRef, EnvStatus, Fault, FaultCode, Phase, Port, Remedy, ServiceStatus, Spec,
};
pub use bindings::backend::kitbag::plugin::{files, log, machine, process, progress, state};
pub use bindings::course::exports::kitbag::plugin::hooks::{Advice, LayoutDoc, Moment};
