//! A file that lies under a name which is not its own: a twin in a place that writes names as they are, or a file whose
//! name the file system or the cloud program wrote in other letters. It is the one it was: no new file, no removal.

use kitbag_core::entry::Fingerprint;
use kitbag_core::entry::Stands;
use kitbag_core::names::{Naming, decode};
use kitbag_core::path::{WorkPath, composed};
use kitbag_platform::disk::ItemKind;
use kitbag_store::Ledger;
use kitbag_store::ledger::{Look, Place};

use super::met::Met;
use super::spot::Folder;
use crate::error::EngineError;

/// A file and the path it is.
pub struct Displaced {
    /// In which folder.
    pub place: Place,
    /// Which path it is.
    pub path: WorkPath,
    /// How it looks.
    pub look: Look,
    /// Where it lies.
    pub at: String,
}

/// Whether what was met for a path is another one's file; the path has none then.
///
/// # Errors
/// The ledger fails.
pub fn find(
    ledger: &Ledger,
    folder: Folder<'_>,
    path: WorkPath,
    met: &mut Met,
    before: &[Displaced],
) -> Result<Option<Displaced>, EngineError> {
    let (Look::File(print) | Look::Link(print)) = met.look else { return Ok(None) };
    let at = met.at.clone().unwrap_or_else(|| folder.names.place(&path, false).into_owned());
    let Some(owner) = owner(ledger, folder, &path, &at, &print)? else { return Ok(None) };
    // a further one is a file of its own
    if before.iter().any(|other| other.place == folder.place && other.path == owner) {
        return Ok(None);
    }
    let look = std::mem::replace(met, Met::plain(Look::Absent)).look;
    Ok(Some(Displaced { place: folder.place, path: owner, look, at }))
}

/// Which known path a file is that was met for an unknown one; none when it is a file of its own.
///
/// # Errors
/// The ledger fails.
fn owner(
    ledger: &Ledger,
    folder: Folder<'_>,
    met: &WorkPath,
    at: &str,
    print: &Fingerprint,
) -> Result<Option<WorkPath>, EngineError> {
    if folder.names.naming == Naming::Natural && at.contains("%{") {
        let meant = at.split('/').map(decode).collect::<Vec<_>>().join("/");
        if let Ok(path) = WorkPath::parse(&meant)
            && path != *met
            && ledger.path(&path)?.is_some_and(|row| row.at(folder.place) == Some(at))
            && is_missing(folder, &path, print)
        {
            return Ok(Some(path));
        }
    }
    if !folder.names.folds {
        return Ok(None);
    }
    let like = ledger.standing_like(met)?;
    if like.iter().any(|(path, _)| path == met) {
        return Ok(None);
    }
    // the first has the name to itself, the others are written as twins
    let first = like.into_iter().find(|(_, stands)| *stands == Stands::File).map(|(path, _)| path);
    match first.filter(|path| is_missing(folder, path, print)) {
        Some(path) if folder.place == Place::Working && is_renamed(ledger, &path, met, print)? => Ok(None),
        first => Ok(first),
    }
}

/// Whether somebody gave this very file the other letters: they are not the accents that a file system writes in its
/// own way, and no folder on the way is spelled so because another path has it so.
fn is_renamed(
    ledger: &Ledger,
    path: &WorkPath,
    met: &WorkPath,
    print: &Fingerprint,
) -> Result<bool, EngineError> {
    let Some(was) = ledger.path(path)?.and_then(|row| row.working) else { return Ok(false) };
    let same_file =
        was.file != 0 && (was.file, was.size, was.modified) == (print.file, print.size, print.modified);
    if !same_file || composed(path.as_str()) == composed(met.as_str()) {
        return Ok(false);
    }
    let mut folder = met.parent();
    while let Some(spelled) = folder {
        let around = ledger.around(&spelled)?;
        let same = path.as_str().strip_prefix(spelled.as_str()).is_some_and(|rest| rest.starts_with('/'));
        if !same && (around.below || around.like.iter().any(|(other, _)| *other == spelled)) {
            return Ok(false);
        }
        folder = spelled.parent();
    }
    Ok(true)
}

/// Whether no other file lies where a path's file would.
fn is_missing(folder: Folder<'_>, path: &WorkPath, met: &Fingerprint) -> bool {
    match folder.disk.stat(&folder.file(&folder.names.place(path, false))) {
        Ok(stat) => {
            let same = met.file != 0 && stat.fingerprint.file == met.file;
            same || !matches!(stat.kind, ItemKind::File | ItemKind::Link)
        }
        Err(error) => error.kind() == std::io::ErrorKind::NotFound,
    }
}
