//! Versions that do not come from a scan: what a course places, and what a database was dumped to. They are published
//! like any other; the next cycle carries them to both folders.

use std::path::{Path, PathBuf};

use kitbag_core::id::RecordId;
use kitbag_core::version::Record;
use kitbag_store::pack::Package;

use super::publish::Publisher;
use crate::error::EngineError;
use crate::share::Share;
use crate::workspace::Workspace;
use kitbag_core::version::Label;

/// A record, and the file that holds its content where it has one.
#[derive(Debug, Clone)]
pub struct Proposal {
    /// The record.
    pub record: Record,
    /// A file with the content; none for a deletion or a content the share has.
    pub file: Option<PathBuf>,
}

/// Publish records with their contents, and course packages. Records known already are passed over. The ids of the
/// records, in order.
///
/// # Errors
/// A file is not what its record says, or nothing can be written.
pub fn propose(
    ws: &Workspace,
    share: &Share,
    proposals: &[Proposal],
    packages: &[Package],
) -> Result<Vec<RecordId>, EngineError> {
    let label = Label::new(ws.settings.machine.as_str(), ws.doors.clock.rfc3339());
    let mut publisher = Publisher::new(&ws.ledger, share, label);
    let mut ids = Vec::with_capacity(proposals.len());
    for Proposal { record, file } in proposals {
        let id = record.id();
        ids.push(id);
        if ws.ledger.record(id)?.is_some() {
            continue;
        }
        if let (Some(content), Some(file)) = (record.content.id(), file)
            && !ws.ledger.stays_packed(content)?
        {
            let mut open = ws.doors.disk.open(file).map_err(EngineError::io("cannot read", file))?;
            if publisher.content(&mut open)?.0 != content {
                let changed = std::io::ErrorKind::Interrupted.into();
                return Err(EngineError::io("changed while it was read:", file)(changed));
            }
        }
        publisher.record(record)?;
    }
    for package in packages {
        publisher.package(&package.canonical())?;
    }
    let published = publisher.finish()?;
    ws.ledger.batch(|ledger| published.note(ledger))?;
    Ok(ids)
}

/// Publish a course package: the content of each of its files that the share lacks, then what it is made of. The files
/// are read from the package's folder.
///
/// # Errors
/// A file is not what the package says, or nothing can be written.
pub fn store_package(
    ws: &Workspace,
    share: &Share,
    package: &Package,
    folder: &Path,
) -> Result<(), EngineError> {
    let label = Label::new(ws.settings.machine.as_str(), ws.doors.clock.rfc3339());
    let mut publisher = Publisher::new(&ws.ledger, share, label);
    for file in &package.files {
        if ws.ledger.stays_packed(file.id)? {
            continue;
        }
        let from = folder.join(file.path.as_str());
        let mut open = ws.doors.disk.open(&from).map_err(EngineError::io("cannot read", &from))?;
        if publisher.content(&mut open)?.0 != file.id {
            let changed = std::io::ErrorKind::Interrupted.into();
            return Err(EngineError::io("changed while it was read:", &from)(changed));
        }
    }
    publisher.package(&package.canonical())?;
    let published = publisher.finish()?;
    ws.ledger.batch(|ledger| published.note(ledger))?;
    Ok(())
}
