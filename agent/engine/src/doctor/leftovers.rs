//! Temporary files of ours that no step under way knows of. In the history's folder they are halves that were never used;
//! in the two others they may hold somebody's bytes, so known ones go and unknown ones get a name that is carried.

use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use kitbag_core::finding::Finding;
use kitbag_core::id::ContentId;
use kitbag_core::path::{SIDECAR, TEMPORARY_PREFIX};
use kitbag_platform::disk::{Disk, ItemKind};
use kitbag_store::ledger::Place;

use super::{Check, Patient, Said, Treatment};
use crate::error::{EngineError, count, show};
use crate::sync::look::hash;
use crate::sync::spot::Folder;
use crate::sync::walk::{Met, Walk};

pub(super) struct Leftovers;

impl Check for Leftovers {
    fn name(&self) -> &'static str {
        "temporary files"
    }

    fn look(&self, patient: &Patient<'_>) -> Result<Vec<Said>, EngineError> {
        let ws = patient.ws;
        let known: Vec<String> = ws.ledger.intents()?.into_iter().map(|intent| intent.temporary).collect();
        let mut files = Vec::new();
        for place in [Place::Working, Place::Mirror] {
            let folder = Folder::of(ws, place)?;
            let walk = Walk::new(ws.doors.disk.clone(), folder, Arc::default(), Arc::default(), &[]);
            let walk = walk.map_err(EngineError::io("cannot read", folder.top))?;
            files.extend(walk.filter_map(|met| match met {
                Met::Temporary(file) => Some(file),
                _ => None,
            }));
        }
        files.retain(|file| {
            let name = file.file_name().unwrap_or_default().to_string_lossy();
            !known.iter().any(|temporary| name.starts_with(temporary.as_str()))
        });
        let sidecar = ws.settings.share.join(SIDECAR);
        let halves = temporaries(&sidecar, ws.doors.disk.as_ref());
        let all = files.len() + halves.len();
        let Some(first) = files.first().or(halves.first()) else { return Ok(Vec::new()) };
        let finding = Finding::new(
            format!("{} left over, such as {}", count(all, "temporary file"), show(first)),
            "kitbag was stopped in the middle of its work, and something else than kitbag cleaned up after it.",
            "Run `kitbag doctor --fix` while no kitbag is at work on another computer with this very folder.",
        );
        Ok(vec![Said::note(finding).treated_by(Tidy { files, halves })])
    }
}

/// All temporary files of ours below a folder.
fn temporaries(folder: &Path, disk: &dyn Disk) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for item in disk.list(folder).unwrap_or_default() {
        let path = folder.join(&item.name);
        match item.kind {
            ItemKind::Folder => found.extend(temporaries(&path, disk)),
            ItemKind::File if item.name.to_string_lossy().starts_with(TEMPORARY_PREFIX) => found.push(path),
            _ => {}
        }
    }
    found
}

struct Tidy {
    files: Vec<PathBuf>,
    halves: Vec<PathBuf>,
}

impl Treatment for Tidy {
    fn would(&self) -> String {
        "remove those whose bytes are kept elsewhere, and give the others names that are carried".into()
    }

    fn treat(&self, patient: &Patient<'_>) -> Result<(), EngineError> {
        let (ws, disk) = (patient.ws, patient.ws.doors.disk.as_ref());
        for half in &self.halves {
            gone_is_fine(disk.remove(half)).map_err(EngineError::io("cannot remove", half))?;
        }
        for file in &self.files {
            let content = match hash(disk, file) {
                Err(error) if error.kind() == io::ErrorKind::NotFound => continue,
                other => other.map_err(EngineError::io("cannot read", file))?,
            };
            let Some(id) = content.id() else { continue };
            if content.size() == 0 || ws.ledger.is_packed(id)? {
                gone_is_fine(disk.remove(file)).map_err(EngineError::io("cannot remove", file))?;
            } else {
                rescue(file, id, disk).map_err(EngineError::io("cannot rename", file))?;
            }
        }
        Ok(())
    }
}

fn gone_is_fine(removed: io::Result<()>) -> io::Result<()> {
    removed.or_else(|error| if error.kind() == io::ErrorKind::NotFound { Ok(()) } else { Err(error) })
}

/// The next sync takes it in as a file of its own.
fn rescue(file: &Path, id: ContentId, disk: &dyn Disk) -> io::Result<()> {
    disk.rename_new(file, &file.with_file_name(format!("rescued-{}", &id.to_string()[..12])))
}
