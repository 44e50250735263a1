//! Files whose bytes the cloud program keeps off this disk. Known ones do no harm until they change; a part of the history
//! that is not here holds everything up. Nothing is opened.

use std::sync::Arc;

use kitbag_core::finding::Finding;
use kitbag_core::path::shown;
use kitbag_store::ledger::Place;

use super::{Check, Patient, Said};
use crate::error::{EngineError, count, show};
use crate::sync::spot::Folder;
use crate::sync::walk::{Met, Walk};

pub(super) struct OnlineOnly;

impl Check for OnlineOnly {
    fn name(&self) -> &'static str {
        "files on this device"
    }

    fn look(&self, patient: &Patient<'_>) -> Result<Vec<Said>, EngineError> {
        let ws = patient.ws;
        let row = ws.provider();
        let (disk, root) = (&ws.doors.disk, &ws.settings.share);
        let folder = Folder::of(ws, Place::Mirror)?;
        let stubs = row.map_or(&[][..], |row| row.stubs);
        let walk = Walk::new(disk.clone(), folder, Arc::default(), Arc::default(), stubs);
        let walk = walk.map_err(EngineError::io("cannot read", root))?;
        let mut online = walk.filter_map(|met| match met {
            Met::Online { path, .. } => Some(path),
            _ => None,
        });
        let first = online.next();
        let files = usize::from(first.is_some()) + online.count();
        let share = ws.share();
        let away = |pack: &_| share.look_at_pack(*pack).is_ok_and(|stat| stat.placeholder);
        let packs = share.packs()?.iter().filter(|pack| away(pack)).count();
        let words =
            row.and_then(|row| row.keep_here).map(|words| format!(" (\"{words}\")")).unwrap_or_default();
        let remedy =
            format!("Make the folder {} available on this device in your cloud program{words}.", show(root));
        let mut said = Vec::new();
        if packs > 0 {
            let what = format!("{} of the history online only", count(packs, "part"));
            said.push(Said::bad(Finding::new(what, "Versions in them cannot be read here.", remedy.clone())));
        }
        if let Some(first) = first {
            let what = format!("{} online only, such as {}", count(files, "file"), shown(first.as_str()));
            said.push(Said::note(Finding::new(what, "When one of them changes it has to wait.", remedy)));
        }
        Ok(said)
    }
}
