//! The plugin's logic against FakeEngine, a stand-in that is called one: crashes at every request, refusals at
//! every request, engines that are missing or wrong, and what a person reads of it.

#![allow(clippy::unwrap_used)]

mod crash;
mod data;
mod engine;
mod export;
#[path = "../shared/host.rs"]
mod host;
mod images;
mod pages;
mod probe;
mod snapshot;

use kitbag_plugin_docker::api::Api;
use kitbag_plugin_docker::run;
use kitbag_sdk::{EnvRef, Fault, Port, Spec};

use engine::FakeEngine;
use host::TestHost;

/// Two linked containers: three volumes, one of them only declared by an image, a network, two ports.
const COURSE: &str = r#"{
  "compose": "services:\n  notebooks:\n    image: kitbag/notebooks:1\n    ports: ['8888']\n    depends_on: {db: {condition: service_healthy}}\n    environment: {TOKEN: '${KITBAG_TOKEN}'}\n    volumes: ['./notebooks:/home/x/notebooks', 'cache:/cache']\n  db:\n    image: postgres:16\n    volumes: ['rows:/rows']\n    healthcheck: {test: pg_isready}\nvolumes: {rows: , cache: }\n",
  "services": [{"name": "notebooks", "kind": "program", "path": "/lab"}, {"name": "db", "kind": "database"}]
}"#;

fn engine() -> FakeEngine {
    let engine = FakeEngine::default();
    engine.registry.borrow_mut().insert("kitbag/notebooks:1".into(), vec![]);
    engine.registry.borrow_mut().insert("postgres:16".into(), vec!["/var/lib/postgresql/data".into()]);
    engine
}

fn host() -> TestHost {
    let mut host = TestHost::default();
    host.hurried = true;
    host
}

fn spec(machine: &str) -> Spec {
    let id = EnvRef { workspace: "w".into(), machine: machine.into(), name: "course".into() };
    let ports = vec![Port { service: "notebooks".into(), number: 35188 }];
    Spec { id, source: COURSE.into(), ports, env: vec![] }
}

fn with<T>(
    engine: &FakeEngine,
    host: &TestHost,
    verb: impl FnOnce(&Api<'_>) -> Result<T, Fault>,
) -> Result<T, Fault> {
    verb(&Api::connect(engine, host)?)
}

/// From nothing to running.
fn up(engine: &FakeEngine, host: &TestHost, what: &Spec) -> Result<(), Fault> {
    let print = with(engine, host, |api| run::plan(api, what))?.fingerprint;
    with(engine, host, |api| run::create(api, what, &print))?;
    with(engine, host, |api| run::start(api, what))
}
