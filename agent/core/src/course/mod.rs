//! A course: what a module team ships. The manifest `course.toml` says which folders, files, services and
//! backends the course has; this module reads it, looks at the package it describes and hands back either a
//! [`Course`] all of whose names and paths are safe to use, or every problem with its line and a remedy.
//! Whoever holds the package (a folder, an archive, a pack) lends its file names and a reader.
//!
//! manifest → check → seed is the order of the work; `machine` asks whether a computer is big enough.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Serialize, Serializer};

use crate::path::{BadPath, WorkPath};

mod block;
mod check;
mod csv;
mod files;
mod machine;
mod manifest;
mod name;
mod placeholder;
mod problem;
mod seed;
mod service;
mod syntax;

pub use check::{Checked, check, read};
pub use files::PackageFiles;
pub use machine::{Needs, Specs, machine_problems};
pub use placeholder::{KNOWN as PLACEHOLDERS, PORT, TOKEN, WORK, placeholders};
pub use problem::{MANIFEST, Problem};
pub use seed::{Seed, seed_record};

/// Longest manifest we read, in bytes.
pub const LONGEST_MANIFEST: usize = 1024 * 1024;
/// Most files one course may place.
pub const MOST_SEEDS: usize = 10_000;

/// A course as its manifest describes it. Made by [`read`], so names and paths in it have been checked.
#[derive(Debug, Clone, Default, PartialEq, Serialize)]
pub struct Course {
    /// Lower-case letters, digits and hyphens.
    pub id: String,
    /// For people, one line.
    pub title: String,
    /// One to four numbers with dots, such as `2026.10`.
    pub version: String,
    /// The least it asks of a machine.
    pub machine: Needs,
    /// Folders that have to exist before every start.
    pub folders: Vec<WorkPath>,
    /// What is placed in the workspace, as written; [`Course::seeds`] has the files.
    pub seed: Vec<SeedRule>,
    /// What is not kept, for [`crate::ignore::Ignore::new`].
    pub ignore: Vec<String>,
    /// Folders that only make sense whole: glob patterns below the workspace.
    pub units: Vec<String>,
    /// What a person uses.
    pub services: Vec<Service>,
    /// What runs inside the environment at named moments.
    pub steps: Vec<Step>,
    /// One entry per backend that can run the course; the plugin alone understands its value.
    pub backends: BTreeMap<String, serde_json::Value>,
    /// The package file with the course's own component.
    pub hook: Option<WorkPath>,
}

/// One `[[seed]]`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct SeedRule {
    /// A file or folder of the package.
    pub from: WorkPath,
    /// Where in the workspace; none is its top.
    pub to: Option<WorkPath>,
    /// Whether `to` was written as a folder, so that a single file keeps its name in it.
    pub into_folder: bool,
}

/// One `[[service]]`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Service {
    /// Lower-case letters, digits and hyphens; also in [`Service::url_variable`] and [`backup_path`].
    pub name: String,
    /// For people, one line; the name where the course gives none.
    pub title: String,
    /// Whether it is dumped to [`backup_path`] and restored from there.
    pub backup: bool,
    /// What it is.
    #[serde(flatten)]
    pub kind: ServiceKind,
}

/// What a service is. Written as JSON it carries a `kind` of `sqlite` or `program`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(tag = "kind", rename_all = "lowercase")]
pub enum ServiceKind {
    /// A database in one file that the host makes.
    Sqlite(Sqlite),
    /// A program the backend runs.
    Program(Program),
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

/// The port a program listens on. Written as JSON: `false`, `true` or the number.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Port {
    /// It listens on none.
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

/// When a program counts as started.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Ready {
    /// Whether its port has to answer.
    pub port: bool,
    /// How long that may take, in seconds.
    pub timeout_seconds: u64,
}

/// One `[[step]]`: a command the host runs inside the environment.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Step {
    /// For progress and logs.
    pub name: String,
    /// The moment.
    pub when: Moment,
    /// The service it concerns: `{port}` is that one's, and where it does not run the step is left out.
    pub service: Option<String>,
    /// Only with these backends; with all when empty.
    pub backends: Vec<String>,
    /// Program (a bare name) and arguments.
    pub run: Vec<String>,
}

/// When a step runs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Moment {
    /// The services answer; backups are not restored yet.
    AfterReady,
    /// The databases hold the student's data.
    AfterRestore,
    /// Before the databases are dumped and the services stop.
    BeforeStop,
}

impl Moment {
    /// Each moment and its name in a manifest.
    pub const ALL: [(Moment, &'static str); 3] = [
        (Moment::AfterReady, "after-ready"),
        (Moment::AfterRestore, "after-restore"),
        (Moment::BeforeStop, "before-stop"),
    ];
}

impl Service {
    /// The environment variable by which programs find it: `KITBAG_<NAME>_URL`.
    pub fn url_variable(&self) -> String {
        format!("KITBAG_{}_URL", self.name.to_ascii_uppercase().replace('-', "_"))
    }

    /// What a backend is told of it: its name, its kind and how a program runs. Titles, backups and first rows
    /// are the host's business.
    pub fn told_to_backend(&self) -> serde_json::Value {
        match &self.kind {
            ServiceKind::Sqlite(_) => serde_json::json!({ "name": self.name, "kind": "sqlite" }),
            ServiceKind::Program(program) => serde_json::json!({
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
        }
    }
}

impl Course {
    /// The service of that name.
    pub fn service(&self, name: &str) -> Option<&Service> {
        self.services.iter().find(|service| service.name == name)
    }

    /// The service `open` opens when none is named: the one marked so, else the only one with a page.
    pub fn opened(&self) -> Option<&Service> {
        let page =
            |service: &&Service| matches!(&service.kind, ServiceKind::Program(p) if p.port != Port::None);
        let marked = |service: &&Service| matches!(&service.kind, ServiceKind::Program(p) if p.open);
        let mut pages = self.services.iter().filter(page);
        self.services.iter().find(marked).or_else(|| pages.next().filter(|_| pages.next().is_none()))
    }

    /// Names of the programs that services and steps start with this backend: what a person has to grant.
    pub fn programs(&self, backend: &str) -> BTreeSet<&str> {
        let of_service = self.services.iter().filter_map(|service| match &service.kind {
            ServiceKind::Program(program) => Some(program.program.as_str()),
            ServiceKind::Sqlite(_) => None,
        });
        let of_step = self
            .steps
            .iter()
            .filter(|step| step.backends.is_empty() || step.backends.iter().any(|name| name == backend))
            .filter_map(|step| step.run.first().map(String::as_str));
        of_service.chain(of_step).collect()
    }
}

/// Where the backup of a service lies in the workspace: `backups/SERVICE/SERVICE.dump`.
///
/// # Errors
/// When the name is not fit for a path; the name of a service of a [`Course`] always is.
pub fn backup_path(service: &str) -> Result<WorkPath, BadPath> {
    WorkPath::parse("backups")?.join(service)?.join(&format!("{service}.dump"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn program(name: &str, port: Port, open: bool) -> Service {
        let program = Program {
            program: format!("run-{name}"),
            args: Vec::new(),
            env: BTreeMap::new(),
            port,
            path: "/".to_owned(),
            ready: Ready { port: true, timeout_seconds: 60 },
            optional: false,
            open,
            stop_grace_seconds: 5,
        };
        Service {
            name: name.to_owned(),
            title: name.to_owned(),
            backup: false,
            kind: ServiceKind::Program(program),
        }
    }

    #[test]
    fn names_by_which_a_service_is_found() {
        assert_eq!(program("my-db", Port::Any, false).url_variable(), "KITBAG_MY_DB_URL");
        assert_eq!(
            backup_path("library").map(|path| path.to_string()),
            Ok("backups/library/library.dump".to_owned())
        );
        assert!(backup_path("..").is_err());
        assert!(backup_path("").is_err());
    }

    #[test]
    fn what_open_opens() {
        let opened = |services: Vec<Service>| {
            let course = Course { services, ..Course::default() };
            course.opened().map(|service| service.name.clone())
        };
        let (worker, one, two) = (
            program("worker", Port::None, false),
            program("one", Port::Any, false),
            program("two", Port::Any, true),
        );
        assert_eq!(opened(vec![worker.clone(), one.clone(), two]), Some("two".to_owned()));
        assert_eq!(opened(vec![worker.clone(), one.clone()]), Some("one".to_owned()));
        assert_eq!(opened(vec![one.clone(), program("other", Port::Any, false)]), None);
        assert_eq!(opened(vec![worker]), None);
    }

    #[test]
    fn what_a_backend_is_told() {
        let told = program("one", Port::Preferred(8888), true).told_to_backend();
        assert_eq!(
            told,
            serde_json::json!({
                "name": "one", "kind": "program", "program": "run-one", "args": [], "env": {}, "port": 8888,
                "path": "/", "ready": { "port": true, "timeout_seconds": 60 }, "optional": false,
                "stop_grace_seconds": 5,
            })
        );
        let kind = ServiceKind::Sqlite(Sqlite::default());
        let database = Service { name: "db".to_owned(), title: "D".to_owned(), backup: true, kind };
        assert_eq!(database.told_to_backend(), serde_json::json!({ "name": "db", "kind": "sqlite" }));
        assert_eq!(serde_json::to_value([Port::None, Port::Any]).unwrap(), serde_json::json!([false, true]));
        assert_eq!(serde_json::to_value(database).unwrap()["backup"], true);
    }

    #[test]
    fn programs_of_other_backends_are_not_asked_for() {
        let step = |program: &str, backends: &[&str]| Step {
            name: "x".to_owned(),
            when: Moment::AfterReady,
            service: None,
            backends: backends.iter().map(|&name| name.to_owned()).collect(),
            run: vec![program.to_owned(), "--flag".to_owned()],
        };
        let course = Course {
            services: vec![program("one", Port::Any, false)],
            steps: vec![step("a", &[]), step("b", &["docker"]), step("c", &["local"])],
            ..Course::default()
        };
        assert_eq!(course.programs("local").into_iter().collect::<Vec<_>>(), ["a", "c", "run-one"]);
    }
}
