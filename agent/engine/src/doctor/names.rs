//! Names in the working folder that the share's provider leaves behind or does not take. The history carries the work all
//! the same; the plain file is missing on the other machines' cloud folders and on the provider's web page.

use std::sync::Arc;

use kitbag_core::finding::Finding;
use kitbag_core::names;
use kitbag_core::path::shown;
use kitbag_store::ledger::Place;

use super::{Check, Patient, Said};
use crate::error::{EngineError, count};
use crate::sync::spot::Folder;
use crate::sync::walk::{Met, Walk};

pub(super) struct Names;

impl Check for Names {
    fn name(&self) -> &'static str {
        "names"
    }

    fn look(&self, patient: &Patient<'_>) -> Result<Vec<Said>, EngineError> {
        let (ws, work) = (patient.ws, &patient.ws.settings.work);
        let Some(row) = ws.provider() else { return Ok(Vec::new()) };
        let folder = Folder::of(ws, Place::Working)?;
        let walk = Walk::new(ws.doors.disk.clone(), folder, Arc::default(), Arc::default(), &[]);
        let walk = walk.map_err(EngineError::io("cannot read", work))?;
        let mut refused = walk.filter_map(|met| match met {
            Met::File { path, .. } | Met::Online { path, .. } => {
                // as it is written there
                row.carries(&names::Names::CLOUD.place(&path, false)).err().map(|reason| (path, reason))
            }
            _ => None,
        });
        let Some((first, reason)) = refused.next() else { return Ok(Vec::new()) };
        let names = count(1 + refused.count(), "file");
        Ok(vec![Said::note(Finding::new(
            format!("{names} of a name that {} does not carry, such as {}", row.name, shown(first.as_str())),
            format!("For that one: {}.", shown(&reason.to_string())),
            "Rename what should be seen in the cloud folder; kitbag carries the work itself in its history.",
        ))])
    }
}
