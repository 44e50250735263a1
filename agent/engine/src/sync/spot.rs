//! One of the two folders as the sync sees it: where it is, how names are written in it, and what lies under a name of
//! it. A link is read as what it says, in the words of the workspace, and never followed.

use std::io::{self, Cursor, Read};
use std::path::{Path, PathBuf};

use kitbag_core::id::ContentId;
use kitbag_core::link;
use kitbag_core::names::{Names, Naming};
use kitbag_core::version::Content;
use kitbag_platform::disk::{Ability, Disk, ItemKind};
use kitbag_store::ledger::{PathRow, Place};

use super::look::hash;
use crate::error::EngineError;
use crate::folders;
use crate::workspace::Workspace;

/// How names are written in a place, where a working folder's file system can do this.
pub(crate) fn names(place: Place, ability: Ability) -> Names {
    let naming = if ability.windows_names { Naming::Windows } else { Naming::Natural };
    match place {
        Place::Working => Names { naming, folds: ability.folds },
        Place::Mirror => Names::CLOUD,
    }
}

/// One of the two folders.
#[derive(Clone, Copy)]
pub struct Folder<'a> {
    /// The disk it is on.
    pub disk: &'a dyn Disk,
    /// Where it is.
    pub top: &'a Path,
    /// Which it is.
    pub place: Place,
    /// How names are written in it.
    pub names: Names,
}

impl<'a> Folder<'a> {
    /// That of a workspace.
    ///
    /// # Errors
    /// The ledger fails.
    pub fn of(ws: &'a Workspace, place: Place) -> Result<Self, EngineError> {
        let top = if place == Place::Working { &ws.settings.work } else { &ws.settings.share };
        let names = names(place, folders::ability(ws)?);
        Ok(Folder { disk: ws.doors.disk.as_ref(), top, place, names })
    }

    /// Where a path's file lies in it, or would lie.
    pub fn of_row(&self, row: &PathRow) -> PathBuf {
        self.file(row.at(self.place).unwrap_or(&self.names.place(&row.path, false)))
    }

    /// The file at a place in it, as [`Names::place`] writes it.
    pub fn file(&self, at: &str) -> PathBuf {
        self.top.join(at)
    }

    /// What a link in it means, with `/` between names. It is not checked.
    ///
    /// # Errors
    /// It is no link, or cannot be read.
    pub fn link(&self, file: &Path) -> io::Result<String> {
        Ok(link::meant(self.names.naming, &self.disk.read_link(file)?))
    }

    /// What a file or link holds now; the bit as this disk shows it.
    ///
    /// # Errors
    /// It is something else, or cannot be read.
    pub fn content(&self, file: &Path) -> io::Result<Content> {
        if self.is_link(file)? {
            let text = self.link(file)?;
            return Ok(link_content(&text));
        }
        hash(self.disk, file)
    }

    /// Whether a folder stands there.
    pub fn is_folder(&self, file: &Path) -> bool {
        self.disk.stat(file).is_ok_and(|stat| stat.kind == ItemKind::Folder)
    }

    /// Read the bytes of a file, or what a link says.
    ///
    /// # Errors
    /// It is something else, or cannot be read.
    pub fn open(&self, file: &Path) -> io::Result<Box<dyn Read>> {
        if self.is_link(file)? {
            return Ok(Box::new(Cursor::new(self.link(file)?.into_bytes())));
        }
        Ok(Box::new(self.disk.open(file)?))
    }

    fn is_link(&self, file: &Path) -> io::Result<bool> {
        Ok(self.place == Place::Working && self.disk.stat(file)?.kind == ItemKind::Link)
    }
}

/// The content of a link that means this.
pub fn link_content(text: &str) -> Content {
    Content::Link { id: ContentId::of(text.as_bytes()), size: text.len() as u64 }
}
