//! The plugin's logic against a real engine. Skipped only where none answers; with KITBAG_REQUIRE_DOCKER set that is a
//! failure. Each test has machines of its own, named after this run, so tests and runs do not see each other.

#![cfg(unix)]
#![allow(clippy::unwrap_used)]

mod crash;
mod export;
mod files;
#[path = "../shared/host.rs"]
mod host;
mod image;
mod linked;
mod snapshot;
mod socket;
mod streams;
mod troubles;
mod walk;

use std::net::TcpListener;

use kitbag_plugin_docker::api::Api;
use kitbag_plugin_docker::{exec, run, snapshot as snapshots};
use kitbag_sdk::{EnvRef, ExecRequest, Fault, Port, Spec};

use host::TestHost;
use socket::Socket;

/// One machine with one environment, taken away at the end also when the test fails.
struct Machine {
    engine: Socket,
    host: TestHost,
    id: EnvRef,
}

impl Machine {
    /// None where there is no engine.
    fn new(test: &str) -> Option<Self> {
        if !Socket::there() {
            return None;
        }
        image::busybox();
        let machine = format!("test-{test}-{}", std::process::id());
        let id = EnvRef { workspace: format!("w-{test}"), machine, name: "course".into() };
        let mut engine = Socket::default();
        engine.secrets.insert("token".into(), "s3cret-t0ken".into());
        Some(Self { engine, host: TestHost::default(), id })
    }

    fn with<T>(&self, verb: impl FnOnce(&Api<'_>) -> Result<T, Fault>) -> Result<T, Fault> {
        verb(&Api::connect(&self.engine, &self.host)?)
    }

    fn spec(&self, source: &str, ports: &[(&str, u16)]) -> Spec {
        let ports = ports.iter().map(|&(service, number)| Port { service: service.into(), number });
        let env = vec![("KITBAG_WORKSPACE_NAME".into(), "Data".into())];
        Spec { id: self.id.clone(), source: source.into(), ports: ports.collect(), env }
    }

    /// Plan, create and start.
    fn up(&self, what: &Spec) -> Result<(), Fault> {
        self.with(|api| {
            let plan = run::plan(api, what)?;
            run::create(api, what, &plan.fingerprint)?;
            run::start(api, what)
        })
    }

    /// Run a program; gives its code, output and complaints.
    fn exec(&self, folder: Option<&str>, argv: &[&str]) -> Result<(Option<i32>, String, String), Fault> {
        let argv = argv.iter().map(|&word| word.to_owned()).collect();
        let what = ExecRequest { argv, env: Vec::new(), folder: folder.map(str::to_owned) };
        let (mut out, mut err) = (Vec::new(), Vec::new());
        let pipes = exec::Pipes { stdin: None, stdout: &mut out, stderr: &mut err };
        let code = self.with(|api| exec::run(api, &self.id, &what, pipes))?;
        Ok((code, String::from_utf8_lossy(&out).into_owned(), String::from_utf8_lossy(&err).into_owned()))
    }

    /// How many containers, networks and volumes of it the engine has.
    fn things(&self) -> usize {
        self.with(|api| {
            let containers = kitbag_plugin_docker::look::all_containers(api, &self.id)?.len();
            let networks = kitbag_plugin_docker::look::networks(api, &self.id)?.len();
            let volumes = kitbag_plugin_docker::look::volumes(api, &self.id)?;
            let snapshots: usize = volumes.snapshots.iter().map(|one| one.parts.len() + 1).sum();
            Ok(containers + networks + volumes.current.len() + volumes.leftover.len() + snapshots)
        })
        .unwrap()
    }
}

impl Drop for Machine {
    fn drop(&mut self) {
        let gone = self.with(|api| {
            run::destroy(api, &self.id)?;
            let all = snapshots::list(api, &self.id)?;
            all.iter().try_for_each(|one| snapshots::remove(api, &self.id, &one.id))
        });
        assert!(gone.is_ok() || std::thread::panicking(), "{gone:?}");
    }
}

/// A port nobody has now.
fn free_port() -> u16 {
    TcpListener::bind(("127.0.0.1", 0)).unwrap().local_addr().unwrap().port()
}
