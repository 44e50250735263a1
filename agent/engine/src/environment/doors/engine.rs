//! The container engine of this computer. What is the matter with it is said with what can be done.

use std::path::Path;

use kitbag_core::path::{WorkPath, shown};
use kitbag_platform::disk::{Disk, RealDisk};
use kitbag_platform::docker::{self, Place, SourceTrouble, Surroundings, Trouble};
use kitbag_plugin_host::{BoxFuture, Connection, EngineDoor, EngineFound, Fault, FaultCode};

use super::super::backends::Engine;
use super::find;

/// Docker, or what speaks its language.
pub(super) struct Docker<S>(pub(super) S);

impl<S: Surroundings> Docker<S> {
    fn place(&self) -> Result<Place, Fault> {
        docker::find(&self.0).map_err(|trouble| told(&trouble))
    }

    /// Whether it answers at all.
    pub(super) async fn ping(&self) -> Result<(), Fault> {
        docker::ping(&self.place()?).await.map_err(|trouble| told(&trouble))
    }

    /// What it says of itself. Its folder counts where that is a folder of this very computer.
    pub(super) async fn says(&self) -> Option<Engine> {
        let place = self.place().ok()?;
        let info =
            docker::info(&place).await.inspect_err(|error| tracing::info!(%error, "Docker says nothing"));
        let info = info.ok()?;
        let here = !place.remote() && !info.apart() && info.root.is_absolute();
        Some(Engine {
            version: shown(&info.version),
            arch: shown(&info.arch),
            memory: info.memory,
            cores: info.cores,
            folder: Some(info.root).filter(|root| here && RealDisk.stat(root).is_ok()),
        })
    }
}

impl<S: Surroundings> EngineDoor for Docker<S> {
    fn look(&self) -> BoxFuture<'_, Result<EngineFound, Fault>> {
        Box::pin(async move {
            let place = self.place()?;
            let connected = docker::connect(&place).await.map(drop);
            Ok(EngineFound {
                place: place.to_string(),
                program: find("docker", &[]).is_some(),
                socket: !matches!(connected, Err(Trouble::Absent(_))),
                allowed: !matches!(connected, Err(Trouble::NotAllowed(_))),
                remote: place.remote(),
            })
        })
    }

    fn connect(&self) -> BoxFuture<'_, Result<Connection, Fault>> {
        Box::pin(async move {
            let stream = docker::connect(&self.place()?).await.map_err(|trouble| told(&trouble))?;
            Ok(Box::new(stream) as Connection)
        })
    }

    fn source<'a>(
        &'a self,
        folder: &'a Path,
        below: Option<&'a WorkPath>,
    ) -> BoxFuture<'a, Result<String, Fault>> {
        Box::pin(async move {
            let place = self.place()?;
            if place.remote() {
                let message = "Docker runs on another computer, which does not see the folders of this one.";
                return Err(Fault::new(FaultCode::Unsupported, message).detail(place.to_string()));
            }
            docker::bind_source(folder, below.map(WorkPath::as_str)).map_err(|trouble| mounted(&trouble))
        })
    }
}

fn told(trouble: &Trouble) -> Fault {
    let detail = trouble.to_string();
    let fault = |code, message: &str| Fault::new(code, message).detail(detail.clone());
    match trouble {
        Trouble::Absent(_) if find("docker", &[]).is_some() => {
            fault(FaultCode::NotReady, "Docker is not started.").remedy("Start Docker, then try again.")
        }
        Trouble::Absent(_) => fault(FaultCode::MissingTool, "Docker is not installed here.")
            .remedy("Install Docker (Docker Desktop on Windows and macOS), start it, then try again."),
        Trouble::NotAllowed(_) => fault(FaultCode::NotGranted, "You may not use Docker on this computer.")
            .remedy("Ask whoever looks after this computer to let you use Docker (on Linux: the group docker), then log in again."),
        Trouble::NoAnswer { .. } => {
            fault(FaultCode::NotReady, "Docker does not answer.").remedy("Start Docker, or restart it, then try again.")
        }
        Trouble::Certificate { .. } => fault(FaultCode::InvalidConfig, "Docker and this computer do not accept each other's certificates.")
            .remedy("Ask whoever looks after that Docker for ca.pem, cert.pem and key.pem, and put them where DOCKER_CERT_PATH or `docker context inspect` says."),
        Trouble::Settings(_) => fault(FaultCode::InvalidConfig, "The settings of Docker cannot be followed.")
            .remedy("Look at DOCKER_HOST and at `docker context ls`, then try again."),
    }
}

fn mounted(trouble: &SourceTrouble) -> Fault {
    let fault = |code| Fault::new(code, format!("A folder cannot be shown to the course: {trouble}."));
    match trouble {
        SourceTrouble::Absent(_) => {
            fault(FaultCode::NotFound).remedy("Run `kitbag up` again; it makes the course's folders.")
        }
        SourceTrouble::Link(_) => fault(FaultCode::NotGranted)
            .remedy("Put a real folder in its place: a link could lead out of your work."),
        _ => fault(FaultCode::InvalidConfig).remedy("Move what is there out of the way, then try again."),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_trouble_says_what_to_do() {
        let place = || "/x (the usual place)".to_owned();
        for trouble in [
            Trouble::Absent(place()),
            Trouble::NotAllowed(place()),
            Trouble::NoAnswer { place: place(), why: "refused".to_owned() },
            Trouble::Certificate { place: place(), why: "its certificate has expired".to_owned() },
            Trouble::Settings("the address".to_owned()),
        ] {
            let fault = told(&trouble);
            assert!(!fault.remedies.is_empty() && fault.detail.is_some(), "{trouble}");
        }
        for trouble in [
            SourceTrouble::Absent("a".into()),
            SourceTrouble::Link("a".into()),
            SourceTrouble::NoFolder("a".into()),
            SourceTrouble::NotText("a".into()),
            SourceTrouble::Unknown("a".into(), "b".into()),
        ] {
            assert!(!mounted(&trouble).remedies.is_empty(), "{trouble}");
        }
    }
}
