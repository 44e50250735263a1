//! Where the archive goes. It must not lie in what it is a copy of, nor where a cloud program or another machine would
//! take it for work; and nobody's file is ever replaced. It is written under a name of our own beside its place.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use kitbag_core::finding::Finding;
use kitbag_platform::disk::{Disk, ItemKind};

use crate::apart::resolved;
use crate::doors::Doors;
use crate::error::{EngineError, show};
use crate::workspace;

/// What is added to the name while the archive is being written.
const PARTIAL: &str = ".kitbag-new";

/// The place, made absolute and found good. `what` the archive is, in a word.
///
/// # Errors
/// What is wrong with it.
pub(crate) fn check(home: &Path, doors: &Doors, target: &Path, what: &str) -> Result<PathBuf, EngineError> {
    let disk = doors.disk.as_ref();
    let bad =
        |what: String, why: &str, remedy: &str| Err(EngineError::Failed(Finding::new(what, why, remedy)));
    let zip = target.extension().is_some_and(|end| end.eq_ignore_ascii_case("zip"));
    let (Some(name), Some(folder), true) = (target.file_name(), target.parent(), zip) else {
        return bad(
            format!("{} is no name for a {what}", show(target)),
            "It becomes one zip file, which every computer opens without another program.",
            &format!("Name a file that ends in .zip, such as {what}.zip."),
        );
    };
    let folder = match disk.canonical(folder) {
        Ok(folder) if disk.stat(&folder).is_ok_and(|stat| stat.kind == ItemKind::Folder) => folder,
        _ => {
            return bad(
                format!("{} is no folder", show(folder)),
                "The file is made in a folder that is there.",
                "Make the folder first, or name another one.",
            );
        }
    };
    let mut ours = vec![(resolved(home, disk), "this machine's own state")];
    for settings in workspace::list(home, doors)? {
        ours.push((resolved(&settings.work, disk), "a working folder"));
        ours.push((resolved(&settings.share, disk), "a cloud folder"));
    }
    if let Some((_, what)) = ours.iter().find(|(ours, _)| folder.starts_with(ours)) {
        return bad(
            format!("{} lies in {what} of kitbag", show(target)),
            "The archive would be carried to your other computers, or hold itself.",
            "Name a place outside of it, such as your desktop or a USB stick.",
        );
    }
    let target = folder.join(name);
    if disk.stat(&target).is_ok() {
        return bad(
            format!("{} is there already", show(&target)),
            "No file of yours is ever replaced.",
            "Name another file, or move that one away.",
        );
    }
    Ok(target)
}

/// The file while it is being written; gone when it is dropped before it is kept.
pub(crate) struct Partial {
    disk: Arc<dyn Disk>,
    /// Where it is.
    pub(crate) file: PathBuf,
    target: PathBuf,
    kept: bool,
}

impl Partial {
    /// The place for it. What an earlier takeaway left there that was killed goes: nobody else uses such a name, and
    /// no other kitbag of this machine is at work.
    pub(crate) fn create(doors: &Doors, target: &Path) -> Result<Self, EngineError> {
        let mut name = target.file_name().unwrap_or_default().to_owned();
        name.push(PARTIAL);
        let file = target.with_file_name(name);
        let disk = doors.disk.clone();
        if disk.stat(&file).is_ok_and(|stat| stat.kind == ItemKind::File) {
            disk.remove(&file).map_err(EngineError::io("cannot write", &file))?;
        }
        Ok(Self { disk, file, target: target.to_owned(), kept: false })
    }

    /// It is whole: give it its name, which nobody may have taken meanwhile.
    pub(crate) fn keep(mut self) -> Result<(), EngineError> {
        let named = self.disk.rename_new(&self.file, &self.target);
        named.map_err(EngineError::io("cannot write", &self.target))?;
        self.kept = true;
        if let Some(folder) = self.target.parent() {
            // the file is whole whatever a power cut does to its name
            self.disk.sync_dir(folder).ok();
        }
        Ok(())
    }
}

impl Drop for Partial {
    fn drop(&mut self) {
        if !self.kept {
            self.disk.remove(&self.file).ok();
        }
    }
}
