//! Records this machine knows that are missing from the share are written back, with the contents that can still be
//! had: somebody cleaned the folder, or a provider lost a file. The others then find everything again.

use std::collections::BTreeSet;

use kitbag_core::id::ContentId;
use kitbag_core::path::WorkPath;
use kitbag_store::ledger::Place;

use super::Cycle;
use super::look::hash;
use super::publish::Publisher;
use crate::error::EngineError;

const PAGE: usize = 1_000;

impl Cycle<'_> {
    pub(super) fn write_back(&mut self) -> Result<(), EngineError> {
        self.write_back_contents()?;
        loop {
            let records = self.ws.ledger.records_without_pack(PAGE)?;
            let packages = self.ws.ledger.packages_without_pack()?;
            if records.is_empty() && packages.is_empty() {
                return Ok(());
            }
            let mut publisher = self.publisher();
            for raw in &packages {
                publisher.package(raw)?;
            }
            for record in &records {
                publisher.known_record(record)?;
            }
            let published = publisher.finish()?;
            self.report.bytes_published += self.ws.ledger.batch(|ledger| published.note(ledger))?;
        }
    }

    /// Contents whose pack is gone, found again in the working folder, the mirror or what is kept here.
    fn write_back_contents(&mut self) -> Result<(), EngineError> {
        let lost: BTreeSet<ContentId> = self.ws.ledger.lost_contents()?.into_iter().collect();
        let kept: Vec<ContentId> = self.ws.ledger.observed_contents()?;
        let mut lost: BTreeSet<_> = lost.into_iter().filter(|id| !kept.contains(id)).collect();
        let mut last: Option<Vec<u8>> = None;
        while !lost.is_empty() {
            let page = self.ws.ledger.paths_after(last.as_deref(), PAGE)?;
            let Some(end) = page.last() else { return Ok(()) };
            last = Some(end.path.key());
            let mut publisher = self.publisher();
            for row in page {
                let shown = row.memory.base.map(|base| self.ws.ledger.record(base)).transpose()?.flatten();
                let shown = shown.and_then(|(record, _)| record.content.id());
                for (place, id) in [(Place::Working, shown), (Place::Mirror, row.memory.mirror)] {
                    if let Some(id) = id
                        && lost.contains(&id)
                        && self.write_back_from(place, &row.path, id, &mut publisher)?
                    {
                        lost.remove(&id);
                    }
                }
            }
            let published = publisher.finish()?;
            self.report.bytes_published += self.ws.ledger.batch(|ledger| published.note(ledger))?;
        }
        Ok(())
    }

    fn write_back_from(
        &self,
        place: Place,
        path: &WorkPath,
        id: ContentId,
        publisher: &mut Publisher<'_>,
    ) -> Result<bool, EngineError> {
        let file = self.root(place).join(path.as_str());
        let disk = self.ws.doors.disk.as_ref();
        if !hash(disk, &file).is_ok_and(|(found, _)| found == id) {
            return Ok(false);
        }
        let mut open = disk.open(&file).map_err(EngineError::io("cannot read", &file))?;
        Ok(publisher.content(&mut open)?.0 == id)
    }
}
