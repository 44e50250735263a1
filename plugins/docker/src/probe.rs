//! Whether the course can run here at all: is Docker installed, started, allowed, new enough, does it run Linux
//! containers, on this computer. Each that is not is a fault with what to do about it.

use kitbag_sdk::engine::{Engine, Found};
use kitbag_sdk::{Fault, FaultCode, ProbeReport};

use crate::api::Api;
use crate::host::Host;

/// Ask and look.
///
/// # Errors
/// When the host cannot even say what it found.
pub fn probe(engine: &dyn Engine, host: &dyn Host) -> Result<ProbeReport, Fault> {
    let found = match host.look() {
        // That it may not is what there is to say.
        Err(fault) if fault.code == FaultCode::NotGranted => return Ok(without(fault)),
        found => found?,
    };
    let api = match Api::connect(engine, host) {
        Ok(api) => api,
        Err(fault) => return Ok(without(why(&found, fault))),
    };
    let mut problems = Vec::new();
    if found.remote {
        problems.push(
            Fault::new(FaultCode::Unsupported, "Docker runs on another computer, where your files are not.")
                .detail(found.place)
                .remedy("Take away DOCKER_HOST, or choose the local context.")
                .remedy_command("Choose it.", &["docker", "context", "use", "default"]),
        );
    }
    if api.os != "linux" {
        problems.push(
            Fault::new(
                FaultCode::Unsupported,
                "Docker is set to Windows containers; courses need Linux containers.",
            )
            .remedy("In Docker Desktop's menu choose \"Switch to Linux containers\"."),
        );
    }
    Ok(ProbeReport { usable: problems.is_empty(), version: Some(api.version), problems })
}

fn without(problem: Fault) -> ProbeReport {
    ProbeReport { usable: false, version: None, problems: vec![problem] }
}

/// A fault of a verb that found no engine, with what the host knows about it.
pub fn explain(host: &dyn Host, fault: Fault) -> Fault {
    match host.look() {
        Ok(found) => why(&found, fault),
        Err(_) => fault,
    }
}

/// Why no engine answers, by what was found without asking it.
fn why(found: &Found, fault: Fault) -> Fault {
    let detail = fault.detail.clone().unwrap_or_default();
    if fault.code != FaultCode::NotReady {
        return fault;
    }
    let told = if found.socket && !found.allowed {
        Fault::new(FaultCode::NotGranted, "You may not use Docker on this computer.")
            .remedy_command(
                "Let your account use it, then log out and in again. Whoever may use Docker can change everything on this computer.",
                &["sudo", "usermod", "-aG", "docker", "YOUR-NAME"],
            )
            .remedy("Or ask whoever looks after this computer.")
    } else if found.program || found.socket {
        Fault::new(FaultCode::NotReady, "Docker is installed but not started.")
            .remedy("Start Docker Desktop, or the docker service, and wait until it is ready.")
            .remedy_command("On Linux:", &["sudo", "systemctl", "start", "docker"])
    } else {
        Fault::new(FaultCode::MissingTool, "Docker is not installed on this computer.")
            .remedy("Install Docker Desktop (Windows, macOS) or Docker Engine (Linux) from docs.docker.com, then try again.")
            .remedy_command("See what else could run the course.", &["kitbag", "doctor"])
    };
    told.detail(format!("{}: {detail}", found.place))
}
