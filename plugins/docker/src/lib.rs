//! Runs a course in containers of a Docker engine. The logic is plain code over two seams, the engine
//! ([`kitbag_sdk::engine::Engine`]) and kitbag ([`host::Host`]): a course's block becomes a [`layout`], layout and
//! engine become a [`plan`], the plan is [`run`]. This file is the component's face: it puts the real engine and
//! the real host in. The README has the block and says what this plugin may do.

#![cfg_attr(test, allow(clippy::unwrap_used, clippy::panic))]

pub mod api;
pub mod archive;
pub mod body;
mod compose;
pub mod exec;
pub mod export;
mod frames;
pub mod host;
mod images;
pub mod layout;
pub mod logs;
pub mod look;
pub mod names;
mod owner;
mod place;
pub mod plan;
pub mod probe;
mod rules;
pub mod run;
mod services;
pub mod snapshot;
pub mod source;
pub mod stamp;
pub mod status;
pub mod volumes;
mod yaml;

use std::time::Duration;

use kitbag_sdk::engine::HostEngine;
use kitbag_sdk::{
    Backend, Description, Endpoint, EnvRef, EnvStatus, ExecRequest, Fault, PlanDoc, ProbeReport, Reader,
    Sink, Snap, Spec, Streams, Writer,
};

use api::Api;
use exec::Pipes;
use host::Kitbag;

/// The backend.
#[derive(Debug)]
pub struct Docker;

kitbag_sdk::export_backend!(Docker);

/// With the engine the host lets a component have.
fn with<T>(verb: impl FnOnce(&Api<'_>) -> Result<T, Fault>) -> Result<T, Fault> {
    let host = Kitbag::default();
    let api = Api::connect(&HostEngine, &host).map_err(|fault| probe::explain(&host, fault))?;
    verb(&api)
}

impl Backend for Docker {
    fn describe() -> Description {
        Description { id: "docker".into(), version: env!("CARGO_PKG_VERSION").into(), title: "Docker".into() }
    }

    fn probe() -> Result<ProbeReport, Fault> {
        probe::probe(&HostEngine, &Kitbag::default())
    }

    fn plan(what: Spec) -> Result<PlanDoc, Fault> {
        with(|api| run::plan(api, &what))
    }

    fn create(what: Spec, fingerprint: String) -> Result<(), Fault> {
        with(|api| run::create(api, &what, &fingerprint))
    }

    fn start(what: Spec) -> Result<EnvStatus, Fault> {
        with(|api| {
            run::start(api, &what)?;
            status::status(api, &what.id)
        })
    }

    fn wait_ready(id: EnvRef, deadline_millis: u64) -> Result<EnvStatus, Fault> {
        with(|api| status::wait_ready(api, &id, Duration::from_millis(deadline_millis)))
    }

    fn stop(id: EnvRef, grace_millis: u64) -> Result<EnvStatus, Fault> {
        with(|api| {
            run::stop(api, &id, Duration::from_millis(grace_millis))?;
            status::status(api, &id)
        })
    }

    fn destroy(id: EnvRef) -> Result<(), Fault> {
        with(|api| run::destroy(api, &id))
    }

    fn status(id: EnvRef) -> Result<EnvStatus, Fault> {
        with(|api| status::status(api, &id))
    }

    fn list_owned() -> Result<Vec<EnvRef>, Fault> {
        with(run::list_owned)
    }

    fn endpoints(id: EnvRef) -> Result<Vec<Endpoint>, Fault> {
        with(|api| status::endpoints(api, &id))
    }

    fn data_stamp(id: EnvRef) -> Result<Option<String>, Fault> {
        with(|api| stamp::stamp(api, &id))
    }

    fn exec_in(id: EnvRef, what: ExecRequest, streams: Streams<'_>) -> Result<Option<i32>, Fault> {
        let mut stdin = streams.stdin;
        let stdin = stdin.as_mut().map(|reader| reader as &mut dyn std::io::Read);
        let (mut stdout, mut stderr) = (streams.stdout, streams.stderr);
        with(|api| exec::run(api, &id, &what, Pipes { stdin, stdout: &mut stdout, stderr: &mut stderr }))
    }

    fn describe_export(what: Spec) -> Result<String, Fault> {
        let host = Kitbag::default();
        // A course can be described without an engine too; then its images cannot be had.
        let engine = Api::connect(&HostEngine, &host).map_err(|fault| probe::explain(&host, fault));
        export::describe(engine.as_ref(), &what)
    }

    fn export_images(what: Spec, mut out: &Writer) -> Result<u64, Fault> {
        with(|api| export::images(api, &what, &mut out))
    }

    fn put(id: EnvRef, path: String, mut tar: &Reader) -> Result<u64, Fault> {
        with(|api| archive::put(api, &id, &path, &mut tar))
    }

    fn get(id: EnvRef, path: String, mut tar: &Writer) -> Result<u64, Fault> {
        with(|api| archive::get(api, &id, &path, &mut tar))
    }

    fn take_snapshot(id: EnvRef, label: String) -> Result<Snap, Fault> {
        with(|api| snapshot::take(api, &id, &label))
    }

    fn restore_snapshot(id: EnvRef, snapshot: String) -> Result<(), Fault> {
        with(|api| snapshot::restore(api, &id, &snapshot))
    }

    fn list_snapshots(id: EnvRef) -> Result<Vec<Snap>, Fault> {
        with(|api| snapshot::list(api, &id))
    }

    fn remove_snapshot(id: EnvRef, snapshot: String) -> Result<(), Fault> {
        with(|api| snapshot::remove(api, &id, &snapshot))
    }

    fn logs(id: EnvRef, service: Option<String>, follow: bool, out: &Sink) -> Result<(), Fault> {
        with(|api| {
            logs::read(api, &id, service.as_deref(), follow, &mut |source, line| out.line(source, line))
        })
    }
}
