//! The databases of a course on this machine: SQLite files that kitbag makes itself, and databases of servers inside the
//! environment. What travels is their dump, a file of the workspace like any other. Before anything else is done a
//! database's changes are recorded, as an edit of the version it was loaded from, whatever the working folder shows.
//! Then core says whether to keep, follow, restore, seed. `file` and `server` differ only in how a dump is made and
//! brought in; `record` and `bring` are the same for both.

mod bring;
mod file;
mod record;
mod server;
mod spool;

use std::collections::BTreeMap;

use kitbag_core::course::{Course, Database, Service, ServiceKind, Sqlite, backup_path};
use kitbag_core::database::{DatabaseStep, Loaded, believed, database_step};
use kitbag_core::finding::Finding;
use kitbag_core::history::History;
use kitbag_core::id::RecordId;
use kitbag_core::path::WorkPath;
use kitbag_core::version::Content;

pub use file::file;
pub(super) use server::Servers;
use spool::Dump;
pub(super) use spool::sweep;

use super::sqlite::SqliteError;
use crate::course::CourseHere;
use crate::error::EngineError;
use crate::share::Share;
use crate::sync::report::Problem;
use crate::workspace::Workspace;

/// What recording or bringing in did.
#[derive(Debug, Default)]
pub(super) struct Outcome {
    /// Versions published; a sync has something to carry.
    pub(super) records: usize,
    /// Databases written from a backup.
    pub(super) restored: Vec<String>,
    /// What went wrong, by service; these databases were left alone.
    pub(super) troubles: BTreeMap<String, String>,
    /// What a person should know.
    pub(super) notes: Vec<String>,
}

/// The troubles as problems of a report.
pub(super) fn problems(troubles: &BTreeMap<String, String>) -> Vec<Problem> {
    let path =
        |service: &str| backup_path(service).map_or_else(|_| service.to_owned(), |path| path.to_string());
    let problem = |(service, reason): (&String, &String)| Problem {
        path: path(service),
        reason: reason.clone(),
        fails: true,
    };
    troubles.iter().map(problem).collect()
}

/// The databases of one course on this machine. Those of servers can be reached only while `servers` run.
pub(super) struct Databases<'a> {
    pub(super) ws: &'a Workspace,
    pub(super) share: &'a Share,
    pub(super) here: &'a CourseHere,
    pub(super) servers: Option<&'a Servers<'a>>,
}

/// What kept a database from being handled: a reason for a person, or something that stops the command.
pub(super) enum Trouble {
    /// Told; the others go on.
    Told(String),
    /// Nothing can go on.
    Stops(EngineError),
}

impl<E: Into<EngineError>> From<E> for Trouble {
    fn from(error: E) -> Self {
        Trouble::Stops(error.into())
    }
}

impl From<SqliteError> for Trouble {
    fn from(error: SqliteError) -> Self {
        Trouble::Told(error.to_string())
    }
}

/// One database, and how it is dumped and brought in.
#[derive(Clone, Copy)]
struct One<'a> {
    service: &'a Service,
    kind: Way<'a>,
}

#[derive(Clone, Copy)]
enum Way<'a> {
    /// A file of machine state.
    File(&'a Sqlite),
    /// By commands in the environment.
    Server(&'a Database, &'a Servers<'a>),
}

impl<'a> Databases<'a> {
    /// The SQLite databases of the course.
    pub(super) fn files(&self) -> impl Iterator<Item = &'a Service> {
        self.here.course.sqlites().map(|(service, _)| service)
    }

    /// Every database that is kept and can be reached now.
    fn reached(&self) -> Vec<One<'a>> {
        let of = |service: &'a Service| {
            let kind = match (&service.kind, self.servers) {
                (ServiceKind::Sqlite(sqlite), _) => Way::File(sqlite),
                (ServiceKind::Database(database), Some(servers))
                    if service.backup && self.here.course.runs_with(service, servers.backend()) =>
                {
                    Way::Server(database, servers)
                }
                _ => return None,
            };
            Some(One { service, kind })
        };
        self.here.course.services.iter().filter_map(of).collect()
    }

    fn exists(&self, one: One<'_>) -> bool {
        match one.kind {
            Way::File(_) => self.ws.doors.disk.stat(&file(self.ws, &one.service.name)).is_ok(),
            Way::Server(_, servers) => !servers.fresh,
        }
    }

    async fn dump(&self, one: One<'_>) -> Result<Dump<'a>, Trouble> {
        match one.kind {
            Way::File(_) => self.dump_file(&one.service.name),
            Way::Server(database, servers) => servers.dump(self.ws, &one.service.name, database).await,
        }
    }

    /// What is believed of it.
    fn loaded(&self, one: One<'_>) -> Result<Option<Loaded>, EngineError> {
        let loaded = self.ws.ledger.loaded(&one.service.name)?;
        let Way::Server(_, servers) = one.kind else { return Ok(loaded) };
        let noted = self.ws.ledger.get(&stamp_key(&one.service.name))?;
        Ok(believed(loaded, noted.as_deref(), servers.stamp.as_deref()))
    }

    /// It holds this version now; what was begun has ended.
    fn set_loaded(&self, one: One<'_>, record: RecordId, content: Content) -> Result<(), EngineError> {
        let Some(content) = content.id() else { return Ok(()) };
        let name = one.service.name.as_str();
        self.ws.ledger.batch(|ledger| {
            ledger.set_loaded(name, Loaded { record, content })?;
            ledger.unset(&begun_key(name))?;
            match one.kind {
                Way::Server(_, Servers { stamp: Some(stamp), .. }) => ledger.set(&stamp_key(name), stamp)?,
                _ => ledger.unset(&stamp_key(name))?,
            }
            Ok(())
        })
    }

    /// The version whose bringing in was begun and of which no end was seen.
    fn begun(&self, one: One<'_>) -> Result<Option<RecordId>, EngineError> {
        let Way::Server(..) = one.kind else { return Ok(None) };
        Ok(self.ws.ledger.get(&begun_key(&one.service.name))?.and_then(|text| text.parse().ok()))
    }

    fn history(&self, path: &WorkPath) -> Result<History, EngineError> {
        Ok(History::new(path, self.ws.ledger.lineage(path, None)?))
    }

    /// What is to be done about one database, by what is recorded now.
    fn step(&self, one: One<'_>, path: &WorkPath, history: &History) -> Result<DatabaseStep, EngineError> {
        let loaded = self.loaded(one)?.map(|loaded| loaded.record);
        let shown = self.ws.ledger.path(path)?.and_then(|row| row.memory.base);
        Ok(database_step(self.exists(one), loaded, history, shown))
    }
}

/// The data of an environment were thrown away: nothing is believed of what its servers hold.
///
/// # Errors
/// The ledger fails.
pub(super) fn forget_servers(ws: &Workspace, here: &CourseHere) -> Result<(), EngineError> {
    let servers = here.course.services.iter().filter(|one| matches!(one.kind, ServiceKind::Database(_)));
    ws.ledger.batch(|ledger| {
        for service in servers {
            ledger.clear_loaded(&service.name)?;
            ledger.unset(&stamp_key(&service.name))?;
            ledger.unset(&begun_key(&service.name))?;
        }
        Ok(())
    })
}

/// The data of an environment are other ones now, put in their place by a person: what is believed of its servers stays
/// believed, so that what they hold now becomes an edit of that. Of what nothing was believed before nothing is now.
///
/// # Errors
/// The ledger fails.
pub(super) fn replaced_servers(
    ws: &Workspace,
    course: &Course,
    before: Option<&str>,
    now: &str,
) -> Result<(), EngineError> {
    let servers = course.services.iter().filter(|one| matches!(one.kind, ServiceKind::Database(_)));
    for service in servers {
        let key = stamp_key(&service.name);
        if ws.ledger.get(&key)?.as_deref() == before {
            ws.ledger.set(&key, now)?;
        }
        ws.ledger.unset(&begun_key(&service.name))?;
    }
    Ok(())
}

/// A database whose bringing in with this backend was begun and of which no end was seen: what it holds is nobody's work,
/// and what brings it in may be at work yet, with nobody waiting for it.
///
/// # Errors
/// The ledger fails.
pub(super) fn half_server(
    ws: &Workspace,
    here: &CourseHere,
    backend: &str,
) -> Result<Option<String>, EngineError> {
    for (service, _) in here.course.databases(backend) {
        if ws.ledger.get(&begun_key(&service.name))?.is_some() {
            return Ok(Some(service.name.clone()));
        }
    }
    Ok(None)
}

/// Where the ledger remembers which data a server's database was brought into.
fn stamp_key(service: &str) -> String {
    format!("database.{service}.stamp")
}

/// Where the ledger remembers what is being brought into a server's database.
fn begun_key(service: &str) -> String {
    format!("database.{service}.begun")
}

fn backup_place(service: &str) -> Result<WorkPath, EngineError> {
    backup_path(service).map_err(|bad| {
        EngineError::Failed(Finding::new(
            format!("the service {service} has a name no backup can have"),
            bad.to_string(),
            "Tell the course team.",
        ))
    })
}
