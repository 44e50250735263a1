//! The cloud folder is there, holds the workspace, and can be written to. Whether it can be is tried with an empty file of
//! a temporary name, which is removed at once.

use kitbag_core::finding::Finding;
use kitbag_core::path::TEMPORARY_PREFIX;

use super::{Check, Patient, Said};
use crate::error::{EngineError, show};

pub(super) struct CloudFolder;

impl Check for CloudFolder {
    fn name(&self) -> &'static str {
        "cloud folder"
    }

    fn look(&self, patient: &Patient<'_>) -> Result<Vec<Said>, EngineError> {
        let ws = patient.ws;
        let share = ws.share();
        let there = share.is_empty().and_then(|empty| {
            if empty && !share.has_sidecar() && !ws.ledger.packs()?.is_empty() {
                return Err(EngineError::ShareEmptied(share.root().to_owned()));
            }
            if share.has_sidecar() { share.check_format() } else { Ok(()) }
        });
        if let Err(error) = there {
            return Ok(vec![Said::bad(error.finding())]);
        }
        let token = ws.doors.chance.token(8).map_err(EngineError::io("cannot try", share.root()))?;
        let file = share.root().join(format!("{TEMPORARY_PREFIX}{token}.tmp"));
        let disk = ws.doors.disk.as_ref();
        let tried = disk.create(&file).and_then(|open| open.finish(false)).and_then(|_| disk.remove(&file));
        Ok(tried.err().map(|error| Said::bad(unwritable(&ws.settings.share, error))).into_iter().collect())
    }
}

fn unwritable(share: &std::path::Path, error: std::io::Error) -> Finding {
    let mut finding = EngineError::io("cannot write", share)(error).finding();
    finding.what = format!("the cloud folder {} cannot be written to", show(share));
    finding
}
