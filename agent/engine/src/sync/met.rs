//! What was met of a path in one folder: how it looks and where it lies. And the question a scan asks of every path:
//! did anything happen there since the ledger last heard of it?

use kitbag_core::entry::Fingerprint;
use kitbag_core::path::WorkPath;
use kitbag_platform::disk::ItemKind;
use kitbag_store::ledger::{Candidate, Look, PathRow, Place};

use super::spot::Folder;

/// What was met of a path in one folder.
pub(super) struct Met {
    /// How it looks.
    pub(super) look: Look,
    /// Where it lies, when that is not how its name is written there.
    pub(super) at: Option<String>,
}

impl Met {
    /// Under its own name.
    pub(super) fn plain(look: Look) -> Self {
        Met { look, at: None }
    }

    /// As the ledger has it.
    pub(super) fn remembered(row: &PathRow, place: Place) -> Self {
        let print = if place == Place::Working { row.working } else { row.mirror_print };
        let look = match print {
            None => Look::Absent,
            Some(Fingerprint::FOLDER) => Look::Folder,
            Some(print) => Look::File(print),
        };
        Met { look, at: row.at(place).map(str::to_owned) }
    }

    /// As it is now.
    pub(super) fn now(row: &PathRow, folder: Folder<'_>) -> Self {
        let at = row.at(folder.place).map(str::to_owned);
        let file = folder.file(at.as_deref().unwrap_or(&folder.names.place(&row.path, false)));
        let look = match folder.disk.stat(&file) {
            Ok(stat) if stat.kind == ItemKind::File && !stat.placeholder => Look::File(stat.fingerprint),
            Ok(_) => Look::Unsure,
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => Look::Absent,
            Err(_) => Look::Unsure,
        };
        Met { look, at }
    }

    /// No file is there any more; what is there may be a folder.
    pub(super) fn is_gone(&self) -> bool {
        matches!(self.look, Look::Absent | Look::Folder | Look::Filled)
    }

    /// A path to be looked at closely, as it was met in the working folder and in the mirror.
    pub(super) fn candidate(path: WorkPath, here: Met, there: Met) -> Candidate {
        Candidate { path, working: here.look, mirror: there.look, working_at: here.at, mirror_at: there.at }
    }
}

/// Whether nothing happened at a path since the ledger last heard of it.
pub(super) fn is_clean(row: &PathRow, here: &Met, there: &Met) -> bool {
    // a file touched just before the last look has no fingerprint: that alone is no absence
    let gone = (row.present && here.is_gone()) || (row.memory.mirror.is_some() && there.is_gone());
    let stands = |met: &Met, place| !met.look.is_file() || met.at.as_deref() == row.at(place);
    !row.dirty
        && !gone
        && same(&here.look, row.working.as_ref())
        && same(&there.look, row.mirror_print.as_ref())
        && stands(here, Place::Working)
        && stands(there, Place::Mirror)
}

fn same(look: &Look, print: Option<&Fingerprint>) -> bool {
    match (look, print) {
        (Look::Absent | Look::Filled, None) | (Look::Unsure, _) => true,
        (Look::File(now) | Look::Link(now), Some(before)) => now == before,
        (Look::Folder | Look::Filled, Some(before)) => *before == Fingerprint::FOLDER,
        _ => false,
    }
}
