//! What changed in the databases becomes versions. A dump that says nothing new publishes nothing.

use kitbag_core::course::Service;
use kitbag_core::database::{Dumped, dumped};
use kitbag_core::id::RecordId;
use kitbag_core::path::WorkPath;
use kitbag_core::version::{Content, Kind, Record};

use super::{Databases, Dump, One, Outcome, Trouble, Way, backup_place};
use crate::course::backup;
use crate::error::EngineError;
use crate::sync::{Proposal, propose};

/// What was found in a database.
pub(super) struct Found {
    /// Its contents.
    pub(super) content: Content,
    /// Versions recorded of it now.
    pub(super) records: usize,
}

impl Databases<'_> {
    /// Record what changed in the databases since they were loaded. One that cannot be dumped is a trouble of its
    /// own; the others are done.
    ///
    /// # Errors
    /// The share cannot be written, or the ledger fails.
    pub(in crate::environment) async fn record_changes(&self) -> Result<Outcome, EngineError> {
        self.record(|_| true).await
    }

    /// The same for those of servers alone.
    ///
    /// # Errors
    /// As [`Databases::record_changes`].
    pub(in crate::environment) async fn record_servers(&self) -> Result<Outcome, EngineError> {
        self.record(|kind| matches!(kind, Way::Server(..))).await
    }

    async fn record(&self, wanted: impl Fn(&Way<'_>) -> bool) -> Result<Outcome, EngineError> {
        let mut outcome = Outcome::default();
        for one in self.reached().into_iter().filter(|one| wanted(&one.kind)) {
            if !one.service.backup || !self.exists(one) {
                continue;
            }
            match self.record_change(one).await {
                Ok(found) => outcome.records += found.records,
                Err(Trouble::Told(reason)) => drop(outcome.troubles.insert(one.service.name.clone(), reason)),
                Err(Trouble::Stops(error)) => return Err(error),
            }
        }
        Ok(outcome)
    }

    pub(super) async fn record_change(&self, one: One<'_>) -> Result<Found, Trouble> {
        let dump = self.dump(one).await?;
        let content = dump.content;
        let path = backup_place(&one.service.name)?;
        let begun = self.begun(one)?;
        let records = match dumped(content, self.loaded(one)?, begun, &self.history(&path)?) {
            Dumped::Unchanged => {
                if let Some(loaded) = self.loaded(one)?.filter(|_| begun.is_some()) {
                    // what was begun changed nothing
                    self.set_loaded(one, loaded.record, content)?;
                }
                0
            }
            Dumped::Known(record) => {
                self.set_loaded(one, record, content)?;
                0
            }
            Dumped::New(parent) => {
                self.publish(one, path, &dump, parent)?;
                1
            }
            Dumped::CutShort(version) => {
                self.publish_behind(one, path, &dump, version)?;
                2
            }
        };
        Ok(Found { content, records })
    }

    /// A new version.
    pub(super) fn publish(
        &self,
        one: One<'_>,
        path: WorkPath,
        dump: &Dump<'_>,
        parent: Option<RecordId>,
    ) -> Result<(), EngineError> {
        let record = version(one.service, path, dump.content, parent);
        let id = record.id();
        propose(self.ws, self.share, &[Proposal { record, file: Some(dump.file.clone()) }], &[])?;
        self.set_loaded(one, id, dump.content)
    }

    /// What no person made is kept all the same, behind the version it was to become: both records go out as one.
    fn publish_behind(
        &self,
        one: One<'_>,
        path: WorkPath,
        dump: &Dump<'_>,
        meant: RecordId,
    ) -> Result<(), EngineError> {
        let wanted = self.history(&path)?.content(meant).unwrap_or(Content::Deleted);
        let half = version(one.service, path.clone(), dump.content, Some(meant));
        let id = half.id();
        let again = version(one.service, path, wanted, Some(id));
        let proposals = [
            Proposal { record: half, file: Some(dump.file.clone()) },
            Proposal { record: again, file: None },
        ];
        propose(self.ws, self.share, &proposals, &[])?;
        self.set_loaded(one, id, dump.content)
    }
}

fn version(service: &Service, path: WorkPath, content: Content, parent: Option<RecordId>) -> Record {
    let mut record = Record::new(path, content, Kind::Edit, parent);
    record.backup = backup(service);
    record
}
