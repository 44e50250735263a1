//! What can make a Python environment here: uv where the person has it, since it is quick and brings a fitting Python
//! by itself; else the computer's own Python. And what a Python says of itself.

use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::Duration;

use serde::Deserialize;

use crate::environment::doors::{base, find};

/// The names Python has, and what makes each the right one, the best first.
const PYTHONS: &[(&str, &[&str])] =
    if cfg!(windows) { &[("py", &["-3"]), ("python", &[])] } else { &[("python3", &[]), ("python", &[])] };
/// Python starts in a second where the disk is slow.
const PATIENCE: Duration = Duration::from_secs(30);
/// Names only: what a student added or brought up to date does not make an environment a broken one.
const LOOK: &str = "import json, os, sys, sysconfig\n\
    places = {sysconfig.get_paths()[name] for name in ('purelib', 'platlib')}\n\
    names = {name.split('-')[0].lower() for place in places if os.path.isdir(place)\n\
    for name in os.listdir(place) if name.endswith('.dist-info')}\n\
    print(json.dumps({'version': sys.version, 'packages': sorted(names)}))";

/// A program that makes environments.
#[derive(Debug)]
pub(super) struct Tool {
    /// Its bare name.
    pub(super) name: &'static str,
    /// Where it lies.
    pub(super) file: PathBuf,
    /// What it is always given first.
    pub(super) first: &'static [&'static str],
}

/// What a Python says of itself.
#[derive(Debug, Deserialize)]
pub(super) struct Found {
    /// Its version, in its own words.
    pub(super) version: String,
    /// What is installed, by name.
    pub(super) packages: Vec<String>,
}

impl Tool {
    /// Whether it is uv.
    pub(super) fn is_uv(&self) -> bool {
        self.name == "uv"
    }
}

/// All that are here, the best first.
pub(super) fn all() -> Vec<Tool> {
    let pythons = PYTHONS.iter().copied();
    let here = |(name, first)| Some(Tool { name, file: find(name, &[])?, first });
    std::iter::once(("uv", &[][..])).chain(pythons).filter_map(here).collect()
}

/// What a Python says of itself; none when it does not run.
pub(super) async fn look(python: &Path) -> Option<Found> {
    let mut command = tokio::process::Command::new(python);
    command.args(["-I", "-c", LOOK]).env_clear().envs(environment()).stdin(Stdio::null()).kill_on_drop(true);
    let ran = tokio::time::timeout(PATIENCE, command.output()).await.ok()?.ok()?;
    serde_json::from_slice(&ran.stdout).ok().filter(|_| ran.status.success())
}

/// What an installer gets: what every program gets, how the person reaches the network, and how they set up pip and
/// uv; but nothing of the latter that would lead packages elsewhere.
pub(super) fn environment() -> Vec<(OsString, OsString)> {
    let network = [
        "HTTP_PROXY",
        "HTTPS_PROXY",
        "ALL_PROXY",
        "NO_PROXY",
        "SSL_CERT_FILE",
        "SSL_CERT_DIR",
        "REQUESTS_CA_BUNDLE",
        "CURL_CA_BUNDLE",
        "XDG_CONFIG_HOME",
        "XDG_CACHE_HOME",
        "XDG_DATA_HOME",
    ];
    let astray = ["TARGET", "PREFIX", "ROOT", "USER", "SYSTEM_PYTHON", "PYTHON", "PROJECT_ENVIRONMENT"];
    let astray_too = ["DRY_RUN", "REQUIREMENT", "REQUIREMENTS", "EDITABLE", "WORKING_DIR", "PROJECT"];
    let mut all = base(&[], |name| {
        let name = name.to_ascii_uppercase();
        let own = name.strip_prefix("PIP_").or_else(|| name.strip_prefix("UV_"));
        network.contains(&name.as_str())
            || own.is_some_and(|own| !astray.contains(&own) && !astray_too.contains(&own))
    });
    let mut set = |name: &str, value: &str| {
        if !all.iter().any(|(set, _)| set.eq_ignore_ascii_case(name)) {
            all.push((name.into(), value.into()));
        }
    };
    // a setting of the person's pip must not lead packages to their own folder
    set("PIP_USER", "0");
    set("PYTHONUNBUFFERED", "1");
    set("PYTHONUTF8", "1");
    // certificates a university puts in front of the network are known to the system, not to uv
    set("UV_SYSTEM_CERTS", "true");
    set("UV_NATIVE_TLS", "true");
    all
}
