//! Where an engine is looked for. The order of the `docker` program: `DOCKER_HOST`, `DOCKER_CONTEXT`, the context of
//! `config.json`; else the first of the usual places that is there.

use std::fmt;
use std::path::{Path, PathBuf};

use super::{Trouble, context};
use crate::places::{Places, RealPlaces, System};

/// Where an engine listens.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Address {
    /// A Unix socket.
    Socket(PathBuf),
    /// A named pipe of Windows, with its whole name.
    Pipe(String),
    /// A port.
    Port {
        /// Name or number of the computer.
        host: String,
        /// The port.
        port: u16,
        /// How it is spoken to; none: in the clear, on this computer only.
        tls: Option<Tls>,
    },
}

/// Files to speak TLS by: `ca.pem`, and `cert.pem` and `key.pem` where the engine asks who it is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Tls {
    /// The folder they lie in.
    pub folder: PathBuf,
}

impl fmt::Display for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Socket(path) => write!(f, "{}", path.display()),
            Self::Pipe(name) => f.write_str(name),
            Self::Port { host, port, .. } => write!(f, "{host}:{port}"),
        }
    }
}

/// An engine's place, and why it is looked for there.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Place {
    /// Where.
    pub address: Address,
    /// Who says so, in words.
    pub because: String,
}

impl Place {
    /// Whether it is on another computer, where folders of this one cannot be mounted.
    pub fn remote(&self) -> bool {
        matches!(&self.address, Address::Port { host, .. } if !loopback(host))
    }
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} ({})", self.address, self.because)
    }
}

/// What of this computer the search reads.
pub trait Surroundings: Send + Sync {
    /// Which kind of system this is.
    fn system(&self) -> System;
    /// The home folder.
    fn home(&self) -> Option<PathBuf>;
    /// A variable that is set and not empty.
    fn variable(&self, name: &str) -> Option<String>;
    /// A text file of at most a mebibyte; none where there is none.
    fn read(&self, path: &Path) -> Option<String>;
    /// The folders in a folder.
    fn folders(&self, path: &Path) -> Vec<PathBuf>;
    /// Whether something is there that could be connected to.
    fn there(&self, address: &Address) -> bool;
}

/// This computer.
#[derive(Debug, Clone, Copy, Default)]
pub struct RealSurroundings;

impl Surroundings for RealSurroundings {
    fn system(&self) -> System {
        RealPlaces.system()
    }

    fn home(&self) -> Option<PathBuf> {
        RealPlaces.home()
    }

    fn variable(&self, name: &str) -> Option<String> {
        std::env::var(name).ok().filter(|value| !value.is_empty())
    }

    fn read(&self, path: &Path) -> Option<String> {
        let small = std::fs::metadata(path).is_ok_and(|found| found.is_file() && found.len() <= 1 << 20);
        small.then(|| std::fs::read_to_string(path).ok()).flatten()
    }

    fn folders(&self, path: &Path) -> Vec<PathBuf> {
        let Ok(entries) = std::fs::read_dir(path) else { return Vec::new() };
        let mut found: Vec<PathBuf> = entries.flatten().map(|entry| entry.path()).collect();
        found.sort();
        found
    }

    fn there(&self, address: &Address) -> bool {
        match address {
            Address::Socket(path) => path.exists(),
            Address::Pipe(name) => pipe_is_there(name),
            Address::Port { .. } => true,
        }
    }
}

#[cfg(windows)]
fn pipe_is_there(name: &str) -> bool {
    super::pipe::there(name)
}

#[cfg(not(windows))]
fn pipe_is_there(_: &str) -> bool {
    false
}

/// Below what a usual place lies.
#[derive(Clone, Copy)]
enum Below {
    Root,
    Home,
    Runtime,
}

/// The usual places on Linux and macOS, the most usual first, and who puts a socket there.
const SOCKETS: [(Below, &str, &str); 11] = [
    (Below::Root, "var/run/docker.sock", "the usual place"), // docs.docker.com, daemon socket option
    (Below::Home, ".docker/run/docker.sock", "Docker Desktop"), // docs.docker.com, Mac permission requirements
    (Below::Home, ".docker/desktop/docker.sock", "Docker Desktop"), // docs.docker.com, Desktop for Linux
    (Below::Runtime, "docker.sock", "Docker without root"),     // docs.docker.com, rootless mode
    (Below::Home, ".docker/run/docker-cli-api.sock", "Docker Desktop"),
    (Below::Home, ".orbstack/run/docker.sock", "OrbStack"), // docs.orbstack.dev, Docker
    (Below::Home, ".colima/default/docker.sock", "Colima"), // github.com/abiosoft/colima, docs/FAQ
    (Below::Home, ".config/colima/default/docker.sock", "Colima"), // the same, where XDG_CONFIG_HOME is used
    (Below::Home, ".rd/docker.sock", "Rancher Desktop"),    // docs.rancherdesktop.io, troubleshooting
    (Below::Home, ".lima/docker/sock/docker.sock", "Lima"), // github.com/lima-vm/lima, templates/docker
    (Below::Runtime, "podman/podman.sock", "Podman"),       // docs.podman.io, podman-system-service
];

/// The usual pipes on Windows.
const PIPES: [(&str, &str); 2] = [
    (r"\\.\pipe\docker_engine", "the usual place"),
    (r"\\.\pipe\dockerDesktopLinuxEngine", "Docker Desktop"),
];

/// Where the engine is to be looked for.
///
/// # Errors
/// [`Trouble::Settings`] where the settings name what cannot be followed.
pub fn find(around: &dyn Surroundings) -> Result<Place, Trouble> {
    if let Some(host) = around.variable("DOCKER_HOST") {
        let tls = around.variable("DOCKER_TLS_VERIFY").or_else(|| around.variable("DOCKER_TLS"));
        let folder =
            around.variable("DOCKER_CERT_PATH").map(PathBuf::from).or_else(|| context::config(around));
        let tls = tls.and(folder).map(|folder| Tls { folder });
        return Ok(Place { address: parse(&host, tls)?, because: "DOCKER_HOST".to_owned() });
    }
    match context::chosen(around)? {
        Some(place) => Ok(place),
        None => Ok(usual(around)),
    }
}

/// The first usual place that is there; else the most usual.
fn usual(around: &dyn Surroundings) -> Place {
    let place = |address: Address, because: &str| Place { address, because: because.to_owned() };
    let all: Vec<Place> = if around.system() == System::Windows {
        PIPES.iter().map(|(name, because)| place(Address::Pipe((*name).to_owned()), because)).collect()
    } else {
        let runtime = around.variable("XDG_RUNTIME_DIR").map(PathBuf::from);
        let found = SOCKETS.iter().filter_map(|(below, path, because)| {
            let folder = match below {
                Below::Root => Some(PathBuf::from("/")),
                Below::Home => around.home(),
                Below::Runtime => runtime.clone(),
            };
            folder.map(|folder| place(Address::Socket(folder.join(path)), because))
        });
        found.collect()
    };
    let there = all.iter().find(|place| around.there(&place.address)).or_else(|| all.first());
    there.cloned().unwrap_or_else(|| place(Address::Socket("/var/run/docker.sock".into()), "the usual place"))
}

/// Read an address as the `docker` program writes it.
pub(super) fn parse(text: &str, tls: Option<Tls>) -> Result<Address, Trouble> {
    let wrong = |why: &str| {
        Trouble::Settings(format!("the address of Docker, {}, {why}", kitbag_core::path::shown(text)))
    };
    let (scheme, rest) = text.split_once("://").ok_or_else(|| wrong("cannot be read"))?;
    match scheme {
        "unix" if rest.starts_with('/') => Ok(Address::Socket(rest.into())),
        "npipe" => {
            let name = rest.replace('/', r"\");
            let named = name.starts_with(r"\\.\pipe\") && name.len() > r"\\.\pipe\".len();
            if named { Ok(Address::Pipe(name)) } else { Err(wrong("is no pipe of this computer")) }
        }
        "tcp" | "http" | "https" => {
            let rest = rest.trim_end_matches('/');
            let default = if tls.is_some() { 2376 } else { 2375 };
            let (host, port) = match rest.rsplit_once(':') {
                Some((host, port)) if !port.contains(']') => {
                    (host, port.parse().map_err(|_| wrong("has no port"))?)
                }
                _ => (rest, default),
            };
            let host = host.trim_start_matches('[').trim_end_matches(']').to_owned();
            if host.is_empty() || host.contains(['/', '@', '?', '#']) {
                return Err(wrong("cannot be read"));
            }
            if tls.is_none() && (!loopback(&host) || scheme == "https") {
                return Err(wrong(
                    "is on another computer and no certificate for it is set (DOCKER_TLS_VERIFY, DOCKER_CERT_PATH)",
                ));
            }
            Ok(Address::Port { host, port, tls })
        }
        "ssh" => Err(wrong("goes by ssh, which kitbag does not speak to Docker yet")),
        _ => Err(wrong("is of a kind kitbag does not know")),
    }
}

fn loopback(host: &str) -> bool {
    host == "localhost" || host.parse::<std::net::IpAddr>().is_ok_and(|address| address.is_loopback())
}
