//! The contexts of the `docker` program: which one is chosen in `config.json`, and what its `meta.json` says.
//! Read as documented at docs.docker.com under "docker context"; folders are named by a hash of the name, so the name
//! inside is compared.

use std::path::{Path, PathBuf};

use serde::Deserialize;

use super::Trouble;
use super::place::{Place, Surroundings, Tls, parse};

#[derive(Deserialize)]
struct Config {
    #[serde(default, rename = "currentContext")]
    current: Option<String>,
}

#[derive(Deserialize)]
struct Meta {
    #[serde(rename = "Name")]
    name: String,
    #[serde(default, rename = "Endpoints")]
    endpoints: Endpoints,
}

#[derive(Deserialize, Default)]
struct Endpoints {
    #[serde(default)]
    docker: Option<Endpoint>,
}

#[derive(Deserialize)]
struct Endpoint {
    #[serde(rename = "Host")]
    host: String,
}

/// The folder of the `docker` program's settings.
pub fn config(around: &dyn Surroundings) -> Option<PathBuf> {
    let named = around.variable("DOCKER_CONFIG").map(PathBuf::from);
    named.or_else(|| around.home().map(|home| home.join(".docker")))
}

/// The place the chosen context names; none where none but the default is chosen.
///
/// # Errors
/// [`Trouble::Settings`] for a context that is not there or cannot be followed.
pub fn chosen(around: &dyn Surroundings) -> Result<Option<Place>, Trouble> {
    let Some(folder) = config(around) else { return Ok(None) };
    let named = around.variable("DOCKER_CONTEXT").or_else(|| {
        let text = around.read(&folder.join("config.json"))?;
        serde_json::from_str::<Config>(&text).ok()?.current
    });
    let Some(name) = named.filter(|name| !name.is_empty() && name != "default") else { return Ok(None) };
    let shown = kitbag_core::path::shown(&name);
    for entry in around.folders(&folder.join("contexts/meta")) {
        let meta = around.read(&entry.join("meta.json"));
        let Some(meta) = meta.and_then(|text| serde_json::from_str::<Meta>(&text).ok()) else { continue };
        if meta.name != name {
            continue;
        }
        let Some(endpoint) = meta.endpoints.docker else { continue };
        let tls = tls(around, &folder, &entry);
        let because = format!("the context {shown} of docker");
        return Ok(Some(Place { address: parse(&endpoint.host, tls)?, because }));
    }
    Err(Trouble::Settings(format!("the context {shown}, chosen for docker, is not there")))
}

fn tls(around: &dyn Surroundings, folder: &Path, entry: &Path) -> Option<Tls> {
    let folder = folder.join("contexts/tls").join(entry.file_name()?).join("docker");
    around.read(&folder.join("ca.pem")).map(|_| Tls { folder })
}
