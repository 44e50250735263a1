//! What kitbag and a backend tell each other about an environment. Plain serde structures of our own, whatever
//! version of the plugin interface a plugin speaks; conversion is done at the edge.

use serde::{Deserialize, Serialize};

use crate::fault::Fault;

/// Which environment. The three go on everything a backend makes outside, as labels.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct EnvRef {
    /// The workspace's id.
    pub workspace: String,
    /// The machine's id.
    pub machine: String,
    /// Its name among those of the workspace on this machine.
    pub name: String,
}

/// A port of 127.0.0.1 chosen for a service.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Port {
    /// The service's name.
    pub service: String,
    /// The port.
    pub number: u16,
}

/// What to run.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Spec {
    /// Which environment it is for.
    pub id: EnvRef,
    /// The course's block for this backend; its shape belongs to the backend.
    pub source: serde_json::Value,
    /// The ports chosen; grant the same numbers.
    #[serde(default)]
    pub ports: Vec<Port>,
    /// For every program in the environment, such as `KITBAG_<SERVICE>_URL`.
    #[serde(default)]
    pub env: Vec<(String, String)>,
}

/// How an environment or a service is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Phase {
    /// There is none.
    Absent,
    /// Made, not running.
    Stopped,
    /// Running, not answering yet.
    Starting,
    /// Ready.
    Running,
    /// Should run and does not.
    Unhealthy,
    /// An optional service that cannot run here.
    NotAvailable,
}

/// How one service is.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ServiceStatus {
    /// Its name.
    pub name: String,
    /// How it is.
    pub phase: Phase,
    /// One sentence, or the last lines of its log.
    pub note: Option<String>,
}

/// How an environment is.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct EnvStatus {
    /// The whole.
    pub phase: Phase,
    /// Its services.
    pub services: Vec<ServiceStatus>,
}

/// Where a person reaches a service.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Endpoint {
    /// The service's name.
    pub service: String,
    /// `http` or `https`, without any secret.
    pub url: String,
    /// The query parameter to add the access token under, if it wants one.
    pub secret_query: Option<String>,
}

/// Whether a backend can work here.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ProbeReport {
    /// Whether it can.
    pub usable: bool,
    /// Of the tool it drives.
    pub version: Option<String>,
    /// What keeps it, or will.
    pub problems: Vec<Fault>,
}

/// What a backend would do.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PlanDoc {
    /// One sentence.
    pub summary: String,
    /// The steps to come, as they will be shown.
    pub steps: Vec<String>,
    /// Whether something a person made could be lost.
    pub destructive: bool,
    /// Equal for equal specifications.
    pub fingerprint: String,
}

/// A program to run in an environment.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ExecRequest {
    /// Program and arguments.
    pub argv: Vec<String>,
    /// More variables.
    #[serde(default)]
    pub env: Vec<(String, String)>,
    /// Name of a granted folder to run in.
    #[serde(default)]
    pub folder: Option<String>,
}

/// Who a plugin says it is.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Description {
    /// Its id.
    pub id: String,
    /// Its version.
    pub version: String,
    /// What people call it.
    pub title: String,
}

/// A copy of the data an environment keeps for itself.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Snap {
    /// What it is asked for by: letters and digits.
    pub id: String,
    /// As it was given when it was taken.
    pub label: String,
    /// Of the files in it.
    pub bytes: u64,
    /// Seconds since 1970 by this machine's clock, for people.
    pub taken: Option<u64>,
}
