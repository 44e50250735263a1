//! The SQLite databases of a course on this machine. They lie in machine state; what travels is their dump, a file of
//! the workspace like any other. Before anything else is done a database's changes are recorded, as an edit of the
//! version it was loaded from, whatever the working folder shows. Then core says whether to keep, follow, restore, seed.

use std::collections::BTreeMap;
use std::path::PathBuf;

use kitbag_core::course::{Service, Sqlite, backup_path};
use kitbag_core::database::{DatabaseStep, database_step};
use kitbag_core::finding::Finding;
use kitbag_core::history::History;
use kitbag_core::id::RecordId;
use kitbag_core::path::WorkPath;
use kitbag_core::version::{Content, Kind, Record};
use kitbag_store::ledger::Loaded;

use super::dumps::Dump;
use super::sqlite::SqliteError;
use crate::course::{CourseHere, backup};
use crate::error::EngineError;
use crate::share::Share;
use crate::sync::report::Problem;
use crate::sync::{Proposal, propose};
use crate::workspace::Workspace;

/// Where the database of a service lies on this machine.
pub fn file(ws: &Workspace, service: &str) -> PathBuf {
    ws.environment_folder().join("databases").join(format!("{service}.sqlite"))
}

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

impl Outcome {
    /// The troubles as problems of a report.
    pub(super) fn problems(&self) -> Vec<Problem> {
        let path =
            |service: &str| backup_path(service).map_or_else(|_| service.to_owned(), |path| path.to_string());
        let each = self.troubles.iter();
        each.map(|(service, reason)| Problem { path: path(service), reason: reason.clone(), fails: true })
            .collect()
    }
}

/// The databases of one course on this machine.
pub(super) struct Databases<'a> {
    pub(super) ws: &'a Workspace,
    pub(super) share: &'a Share,
    pub(super) here: &'a CourseHere,
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

impl<'a> Databases<'a> {
    /// Every database of the course, with whether it is backed up.
    pub(super) fn services(&self) -> impl Iterator<Item = (&'a Service, &'a Sqlite)> {
        self.here.course.sqlites()
    }

    pub(super) fn exists(&self, service: &str) -> bool {
        self.ws.doors.disk.stat(&file(self.ws, service)).is_ok()
    }

    /// Record what changed in the databases since they were loaded. One that cannot be dumped is a trouble of its
    /// own; the others are done.
    ///
    /// # Errors
    /// The share cannot be written, or the ledger fails.
    pub(super) fn record_changes(&self) -> Result<Outcome, EngineError> {
        let mut outcome = Outcome::default();
        for (service, _) in self.services().filter(|(service, _)| service.backup) {
            if !self.exists(&service.name) {
                continue;
            }
            match self.record_change(&service.name) {
                Ok(changed) => outcome.records += usize::from(changed),
                Err(Trouble::Told(reason)) => drop(outcome.troubles.insert(service.name.clone(), reason)),
                Err(Trouble::Stops(error)) => return Err(error),
            }
        }
        Ok(outcome)
    }

    /// Whether a version was recorded.
    fn record_change(&self, service: &str) -> Result<bool, Trouble> {
        let dump = self.dump(service)?;
        let loaded = self.ws.ledger.loaded(service)?;
        if loaded.is_some_and(|loaded| Some(loaded.content) == dump.content.id()) {
            return Ok(false);
        }
        let path = backup_place(service)?;
        // brought in, and stopped before it was noted: the database holds a version there is
        let history = History::new(&path, self.ws.ledger.lineage(&path, None)?);
        let known = match loaded.filter(|loaded| history.get(loaded.record).is_some()) {
            Some(loaded) => history.descendant_with(loaded.record, dump.content),
            None => history.explaining(dump.content),
        };
        if let Some(record) = known {
            self.set_loaded(service, record, dump.content)?;
            return Ok(false);
        }
        self.publish(service, path, &dump, loaded.map(|loaded| loaded.record))?;
        Ok(true)
    }

    fn publish(
        &self,
        service: &str,
        path: WorkPath,
        dump: &Dump<'_>,
        parent: Option<RecordId>,
    ) -> Result<(), EngineError> {
        let mut record = Record::new(path, dump.content, Kind::Edit, parent);
        record.backup = self.here.course.service(service).and_then(backup);
        let id = record.id();
        propose(self.ws, self.share, &[Proposal { record, file: Some(dump.file.clone()) }], &[])?;
        self.set_loaded(service, id, dump.content)
    }

    fn set_loaded(&self, service: &str, record: RecordId, content: Content) -> Result<(), EngineError> {
        if let Some(content) = content.id() {
            self.ws.ledger.set_loaded(service, Loaded { record, content })?;
        }
        Ok(())
    }

    /// What is to be done about one database, by what is recorded now.
    fn step(&self, service: &str, path: &WorkPath, history: &History) -> Result<DatabaseStep, EngineError> {
        let loaded = self.ws.ledger.loaded(service)?.map(|loaded| loaded.record);
        let shown = self.ws.ledger.path(path)?.and_then(|row| row.memory.base);
        Ok(database_step(self.exists(service), loaded, history, shown))
    }

    /// Whether some database has to be written, so that nothing may run meanwhile.
    ///
    /// # Errors
    /// The ledger fails.
    pub(super) fn must_write(&self) -> Result<bool, EngineError> {
        for (service, _) in self.services() {
            if !service.backup {
                if !self.exists(&service.name) {
                    return Ok(true);
                }
                continue;
            }
            let path = backup_place(&service.name)?;
            let history = History::new(&path, self.ws.ledger.lineage(&path, None)?);
            if matches!(
                self.step(&service.name, &path, &history)?,
                DatabaseStep::Restore(_) | DatabaseStep::Seed
            ) {
                return Ok(true);
            }
        }
        Ok(false)
    }

    /// Bring every database to the version it should hold. Nothing may be running. Those in `left` could not be
    /// recorded and are not touched.
    ///
    /// # Errors
    /// A database that is not there cannot be made; the ledger or the share fails.
    pub(super) fn bring_in(&self, left: &BTreeMap<String, String>) -> Result<Outcome, EngineError> {
        let folder = self.ws.environment_folder().join("databases");
        self.ws.doors.disk.create_dirs(&folder).map_err(EngineError::io("cannot write", &folder))?;
        let mut outcome = Outcome::default();
        for (service, sqlite) in self.services().filter(|(service, _)| !left.contains_key(&service.name)) {
            let done = if service.backup {
                self.bring_in_one(service, sqlite, &mut outcome)
            } else if self.exists(&service.name) {
                Ok(())
            } else {
                self.seed(service, sqlite)
            };
            match done {
                Ok(()) => {}
                Err(Trouble::Told(reason)) if self.exists(&service.name) => {
                    outcome.troubles.insert(service.name.clone(), reason);
                }
                Err(Trouble::Told(reason)) => {
                    return Err(EngineError::Failed(Finding::new(
                        format!("the database {} cannot be brought in", service.name),
                        reason,
                        format!(
                            "Nothing was started. Look at its versions with `kitbag history backups/{}`.",
                            service.name
                        ),
                    )));
                }
                Err(Trouble::Stops(error)) => return Err(error),
            }
        }
        Ok(outcome)
    }

    fn bring_in_one(&self, service: &Service, sqlite: &Sqlite, outcome: &mut Outcome) -> Result<(), Trouble> {
        let name = service.name.as_str();
        let path = backup_place(name)?;
        let mut history = History::new(&path, self.ws.ledger.lineage(&path, None)?);
        let mut step = self.step(name, &path, &history)?;
        if matches!(step, DatabaseStep::Restore(_)) && self.exists(name) && self.record_change(name)? {
            // somebody wrote to it since it was recorded: that is a version too, and decided again
            outcome.records += 1;
            history = History::new(&path, self.ws.ledger.lineage(&path, None)?);
            step = self.step(name, &path, &history)?;
        }
        match step {
            DatabaseStep::Keep => {}
            DatabaseStep::Follow(record) => {
                let content = history.content(record).unwrap_or(Content::Deleted);
                self.set_loaded(name, record, content)?;
            }
            DatabaseStep::Restore(record) => {
                let content = history.content(record).unwrap_or(Content::Deleted);
                self.restore(name, content)?;
                self.set_loaded(name, record, content)?;
                outcome.restored.push(name.to_owned());
            }
            DatabaseStep::Seed => {
                self.seed(service, sqlite)?;
                let dump = self.dump(name)?;
                // no parent: two machines that make the course's first database make the same version
                self.publish(name, path.clone(), &dump, None)?;
                outcome.records += 1;
            }
        }
        if history.heads().len() > 1 {
            outcome.notes.push(format!(
                "The database {name} was changed on two machines. Both are kept, and this machine goes on with its \
                 own until you choose: `kitbag resolve {path} --keep this` or `--keep other`."
            ));
        }
        if self.ws.ledger.waiting()?.iter().any(|waiting| waiting.path == path) {
            outcome.notes.push(format!(
                "A newer backup of the database {name} is on its way in the cloud folder; run `kitbag up` again when \
                 it has arrived."
            ));
        }
        Ok(())
    }
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
