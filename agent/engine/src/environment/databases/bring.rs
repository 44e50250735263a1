//! Databases are brought to the version they should hold: files before a program is started, those of servers as soon as
//! they answer. What somebody wrote meanwhile is recorded first. That a server's database is being written is noted
//! before it begins, so that one that was left half is never taken for somebody's work.

use std::collections::BTreeMap;

use kitbag_core::database::DatabaseStep;
use kitbag_core::finding::Finding;
use kitbag_core::history::History;
use kitbag_core::id::RecordId;
use kitbag_core::path::WorkPath;
use kitbag_core::version::Content;

use super::{Databases, One, Outcome, Trouble, Way, backup_place, begun_key, server};
use crate::error::EngineError;

impl Databases<'_> {
    /// Whether some database has to be written, so that nothing may run meanwhile.
    ///
    /// # Errors
    /// The ledger fails.
    pub(in crate::environment) fn must_write(&self) -> Result<bool, EngineError> {
        for one in self.reached() {
            if !one.service.backup {
                if !self.exists(one) {
                    return Ok(true);
                }
                continue;
            }
            let path = backup_place(&one.service.name)?;
            let step = self.step(one, &path, &self.history(&path)?)?;
            if self.begun(one)?.is_some() || matches!(step, DatabaseStep::Restore(_) | DatabaseStep::Seed) {
                return Ok(true);
            }
        }
        Ok(false)
    }

    /// Bring the databases that are files to the version they should hold. Nothing may be running. Those in `left`
    /// could not be recorded and are not touched.
    ///
    /// # Errors
    /// A database that is not there cannot be made; the ledger or the share fails.
    pub(in crate::environment) async fn bring_in_files(
        &self,
        left: &BTreeMap<String, String>,
    ) -> Result<Outcome, EngineError> {
        let folder = self.ws.environment_folder().join("databases");
        self.ws.doors.disk.create_dirs(&folder).map_err(EngineError::io("cannot write", &folder))?;
        self.bring_in(left, |kind| matches!(kind, Way::File(_))).await
    }

    /// Bring the databases of servers to the version they should hold. They must run, and nobody may use them yet.
    /// Those in `left` could not be recorded and are not touched.
    ///
    /// # Errors
    /// A database is left half, or a new one cannot be brought in; the ledger or the share fails.
    pub(in crate::environment) async fn bring_in_servers(
        &self,
        left: &BTreeMap<String, String>,
    ) -> Result<Outcome, EngineError> {
        self.bring_in(left, |kind| matches!(kind, Way::Server(..))).await
    }

    async fn bring_in(
        &self,
        left: &BTreeMap<String, String>,
        wanted: impl Fn(&Way<'_>) -> bool,
    ) -> Result<Outcome, EngineError> {
        let mut outcome = Outcome::default();
        let all = self.reached();
        for one in all.into_iter().filter(|one| wanted(&one.kind)) {
            let name = &one.service.name;
            if left.contains_key(name) {
                continue;
            }
            let done = match one.kind {
                _ if one.service.backup => self.bring_in_one(one, &mut outcome).await,
                Way::File(sqlite) if !self.exists(one) => self.seed(one.service, sqlite),
                _ => Ok(()),
            };
            match done {
                Ok(()) => {}
                Err(Trouble::Told(reason)) if self.exists(one) => {
                    outcome.troubles.insert(name.clone(), reason);
                }
                Err(Trouble::Told(reason)) => {
                    return Err(EngineError::Failed(Finding::new(
                        format!("the database {name} cannot be brought in"),
                        reason,
                        format!(
                            "Nothing was started. Look at its versions with `kitbag history backups/{name}`.",
                        ),
                    )));
                }
                Err(Trouble::Stops(error)) => return Err(error),
            }
        }
        Ok(outcome)
    }

    async fn bring_in_one(&self, one: One<'_>, outcome: &mut Outcome) -> Result<(), Trouble> {
        let name = one.service.name.as_str();
        let path = backup_place(name)?;
        let mut history = self.history(&path)?;
        let mut step = self.step(one, &path, &history)?;
        let mut before = None;
        let half = self.begun(one)?.is_some();
        if self.exists(one) && (half || matches!(step, DatabaseStep::Restore(_))) {
            // somebody wrote to it since it was recorded: that is a version too, and decided again
            let found = self.record_change(one).await?;
            before = Some(found.content);
            outcome.records += found.records;
            history = self.history(&path)?;
            step = self.step(one, &path, &history)?;
        }
        if let Way::Server(database, servers) = one.kind {
            // who is told that the course runs finds its database there
            servers.ready(name, database).await?;
        }
        match step {
            DatabaseStep::Keep => {}
            DatabaseStep::Follow(record) => {
                self.set_loaded(one, record, content(&history, record))?;
            }
            DatabaseStep::Restore(record) => {
                self.restore(one, record, content(&history, record), before).await?;
                outcome.restored.push(name.to_owned());
            }
            DatabaseStep::Seed => {
                if let Way::File(sqlite) = one.kind {
                    self.seed(one.service, sqlite)?;
                }
                let dump = self.dump(one).await?;
                // no parent: two machines that make the course's first database make the same version
                self.publish(one, path.clone(), &dump, None)?;
                outcome.records += 1;
            }
        }
        self.tell(name, &path, &history, outcome)?;
        Ok(())
    }

    /// Write a version into the database, which held `before` as far as anybody looked.
    async fn restore(
        &self,
        one: One<'_>,
        record: RecordId,
        content: Content,
        before: Option<Content>,
    ) -> Result<(), Trouble> {
        let name = one.service.name.as_str();
        let (database, servers) = match one.kind {
            Way::File(_) => {
                self.restore_file(name, content)?;
                return Ok(self.set_loaded(one, record, content)?);
            }
            Way::Server(database, servers) => (database, servers),
        };
        let dump = self.copied_out(name, content)?;
        self.ws.ledger.set(&begun_key(name), &record.to_string())?;
        match servers.restore(self.ws, name, database, &dump.file).await {
            Ok(()) => Ok(self.set_loaded(one, record, content)?),
            Err(Trouble::Told(why)) => {
                let unchanged = match (before, servers.dump(self.ws, name, database).await) {
                    (Some(before), Ok(now)) => now.content == before,
                    _ => false,
                };
                if unchanged {
                    self.ws.ledger.unset(&begun_key(name))?;
                } else {
                    // where nothing answers any more that is what is wrong, and has a remedy of its own
                    servers.answer().await?;
                }
                match server::full(name, &why) {
                    Some(full) => Err(full.into()),
                    None if unchanged => Err(Trouble::Told(why)),
                    None => Err(server::half(name, &why).into()),
                }
            }
            Err(stops) => Err(stops),
        }
    }

    /// What a person should know of it.
    fn tell(
        &self,
        name: &str,
        path: &WorkPath,
        history: &History,
        outcome: &mut Outcome,
    ) -> Result<(), EngineError> {
        if history.heads().len() > 1 {
            outcome.notes.push(format!(
                "The database {name} was changed on two machines. Both are kept, and this machine goes on with its \
                 own until you choose: `kitbag resolve {path} --keep this` or `--keep other`."
            ));
        }
        if self.ws.ledger.waiting()?.iter().any(|waiting| waiting.path == *path) {
            outcome.notes.push(format!(
                "A newer backup of the database {name} is on its way in the cloud folder; run `kitbag up` again when \
                 it has arrived."
            ));
        }
        Ok(())
    }
}

fn content(history: &History, record: RecordId) -> Content {
    history.content(record).unwrap_or(Content::Deleted)
}
