//! What a service is: a SQLite file the host makes, a program of this computer, a page or a database server inside
//! the environment. Here are the types a manifest is read into, and what all kinds have in common: the port, the
//! page, the backup, the backends that run it, and what such a backend is told. `web` and `database` have files of
//! their own.

use std::collections::BTreeMap;

use serde::{Serialize, Serializer};
use serde_json::{Value, json};

use super::database::Database;
use super::web::Web;
use crate::path::{BadPath, WorkPath};

/// The backend that starts programs of this computer and makes no environment of its own.
pub const LOCAL: &str = "local";

/// The kind a backup of a SQLite database has in its record.
pub const SQLITE: &str = "sqlite";

/// One `[[service]]`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Service {
    /// Lower-case letters, digits and hyphens; also in [`Service::url_variable`] and [`backup_path`].
    pub name: String,
    /// For people, one line; the name where the course gives none.
    pub title: String,
    /// Whether it is dumped to [`backup_path`] and restored from there.
    pub backup: bool,
    /// Only with these backends; with all that can run its kind when empty.
    pub backends: Vec<String>,
    /// What it is.
    #[serde(flatten)]
    pub kind: ServiceKind,
}

/// What a service is. Written as JSON it carries a `kind` of `sqlite`, `program`, `web` or `database`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(tag = "kind", rename_all = "lowercase")]
pub enum ServiceKind {
    /// A database in one file that the host makes.
    Sqlite(Sqlite),
    /// A program the backend runs.
    Program(Program),
    /// A page served inside the environment, without a program of this computer.
    Web(Web),
    /// A database server inside the environment.
    Database(Database),
}

/// How a SQLite database is made the first time.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct Sqlite {
    /// A package file of SQL that makes the tables; none for an empty database.
    pub schema: Option<WorkPath>,
    /// Rows put into them, in this order.
    pub csv: Vec<CsvFile>,
}

/// A package file with the first rows of one table.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct CsvFile {
    /// The table, made by the schema.
    pub table: String,
    /// The package file; its first row names columns.
    pub file: WorkPath,
    /// The ASCII character between fields.
    pub delimiter: u8,
}

/// A program and how it is started. `{port}`, `{token}` and `{work}` may stand in `args` and `env`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Program {
    /// A bare name, never a path.
    pub program: String,
    /// Its arguments.
    pub args: Vec<String>,
    /// Environment variables set for it besides kitbag's own.
    pub env: BTreeMap<String, String>,
    /// The port it listens on.
    pub port: Port,
    /// The path of its page's address, beginning with `/`.
    pub path: String,
    /// When it counts as started.
    pub ready: Ready,
    /// Whether the course goes on without it where the program is missing.
    pub optional: bool,
    /// Whether `open` without a name opens this one.
    pub open: bool,
    /// How long it may take to stop before it is killed, in seconds.
    pub stop_grace_seconds: u64,
}

/// The port a service listens on, on this computer. Written as JSON: `false`, `true` or the number.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Port {
    /// It listens on none of its own.
    None,
    /// Any free one.
    Any,
    /// This one where it is free, else another.
    Preferred(u16),
}

impl Serialize for Port {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        match *self {
            Port::None => to.serialize_bool(false),
            Port::Any => to.serialize_bool(true),
            Port::Preferred(port) => to.serialize_u16(port),
        }
    }
}

/// When a service counts as started.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Ready {
    /// Whether its port has to answer.
    pub port: bool,
    /// How long that may take, in seconds.
    pub timeout_seconds: u64,
}

impl ServiceKind {
    /// Each kind by its name in a manifest.
    pub const NAMES: [&'static str; 4] = [SQLITE, "program", "web", "database"];

    /// Its name in a manifest.
    pub fn name(&self) -> &'static str {
        match self {
            ServiceKind::Sqlite(_) => SQLITE,
            ServiceKind::Program(_) => "program",
            ServiceKind::Web(_) => "web",
            ServiceKind::Database(_) => "database",
        }
    }
}

impl Service {
    /// The environment variable by which programs find it: `KITBAG_<NAME>_URL`.
    pub fn url_variable(&self) -> String {
        format!("KITBAG_{}_URL", self.name.to_ascii_uppercase().replace('-', "_"))
    }

    /// The port of its own it listens on.
    pub fn port(&self) -> Port {
        match &self.kind {
            ServiceKind::Program(program) => program.port,
            ServiceKind::Web(web) => web.port,
            ServiceKind::Sqlite(_) | ServiceKind::Database(_) => Port::None,
        }
    }

    /// The path of its page's address; none for one without a page.
    pub fn page(&self) -> Option<&str> {
        match &self.kind {
            ServiceKind::Program(program) if program.port != Port::None => Some(&program.path),
            ServiceKind::Web(web) => Some(&web.path),
            _ => None,
        }
    }

    /// The service its page lies under: same port, same log-in.
    pub fn under(&self) -> Option<&str> {
        match &self.kind {
            ServiceKind::Web(web) => web.under.as_deref(),
            _ => None,
        }
    }

    /// Whether `open` without a name opens this one.
    pub fn opens(&self) -> bool {
        match &self.kind {
            ServiceKind::Program(program) => program.open,
            ServiceKind::Web(web) => web.open,
            ServiceKind::Sqlite(_) | ServiceKind::Database(_) => false,
        }
    }

    /// What its backups are, in their records; none for a kind that has none.
    pub fn backup_kind(&self) -> Option<&str> {
        match &self.kind {
            ServiceKind::Sqlite(_) => Some(SQLITE),
            ServiceKind::Database(database) => Some(&database.server),
            ServiceKind::Program(_) | ServiceKind::Web(_) => None,
        }
    }

    /// Whether a backend runs it, as far as the service alone says: what lives inside an environment does not go
    /// with [`LOCAL`]. For a page under another service see [`super::Course::runs_with`].
    pub fn runs_with(&self, backend: &str) -> bool {
        let inside = match &self.kind {
            ServiceKind::Web(web) => web.under.is_none(),
            ServiceKind::Database(_) => true,
            ServiceKind::Sqlite(_) | ServiceKind::Program(_) => false,
        };
        (self.backends.is_empty() || self.backends.iter().any(|name| name == backend))
            && !(inside && backend == LOCAL)
    }

    /// What a backend is told of it: its name, its kind and how it runs. Titles, backups, first rows and the
    /// commands of databases are the host's business.
    pub fn told_to_backend(&self) -> Value {
        match &self.kind {
            ServiceKind::Sqlite(_) => json!({ "name": self.name, "kind": SQLITE }),
            ServiceKind::Program(program) => json!({
                "name": self.name,
                "kind": "program",
                "program": program.program,
                "args": program.args,
                "env": program.env,
                "port": program.port,
                "path": program.path,
                "ready": program.ready,
                "optional": program.optional,
                "stop_grace_seconds": program.stop_grace_seconds,
            }),
            ServiceKind::Web(web) => json!({
                "name": self.name,
                "kind": "web",
                "path": web.path,
                "under": web.under,
                "port": web.port,
                "ready": web.ready,
                "optional": web.optional,
                "stop_grace_seconds": web.stop_grace_seconds,
            }),
            ServiceKind::Database(database) => json!({
                "name": self.name,
                "kind": "database",
                "inside": database.inside,
                "url": database.url,
            }),
        }
    }
}

/// Where the backup of a service lies in the workspace: `backups/SERVICE/SERVICE.dump`.
///
/// # Errors
/// When the name is not fit for a path; the name of a service of a [`super::Course`] always is.
pub fn backup_path(service: &str) -> Result<WorkPath, BadPath> {
    WorkPath::parse("backups")?.join(service)?.join(&format!("{service}.dump"))
}

#[cfg(test)]
mod tests;
