//! The files: all of the working folder but kitbag's own, also what is not carried between machines, and the course as
//! its team shipped it. Walked without following a link; a link is taken when it leads to a place inside. Names are as
//! hostile as any until they have been looked at.

use std::io;
use std::path::{Path, PathBuf};

use kitbag_core::link;
use kitbag_core::names::Naming;
use kitbag_core::path::{BadPath, WorkPath};
use kitbag_platform::disk::{Disk, ItemKind, Refused};

use super::archive::{Added, Archive};
use crate::course::CourseHere;
use crate::course::package::below;
use crate::error::{EngineError, show};
use crate::sync::Progress;
use crate::workspace::Workspace;

/// What was left out, or is not as it was: a path as people read it, and why.
pub(super) type LeftOut = Vec<(String, String)>;

/// The working folder.
pub(super) struct Walk<'a> {
    ws: &'a Workspace,
}

/// What was packed.
#[derive(Debug, Default)]
pub(super) struct Packed {
    pub(super) files: usize,
    pub(super) left_out: LeftOut,
}

impl<'a> Walk<'a> {
    pub(super) fn new(ws: &'a Workspace) -> Self {
        Self { ws }
    }

    /// The bytes of all of it, as they are now.
    pub(super) fn bytes(&self) -> Result<u64, EngineError> {
        fn sum(disk: &dyn Disk, folder: &Path) -> io::Result<u64> {
            let mut bytes = 0;
            for item in disk.list(folder)? {
                let path = folder.join(&item.name);
                // what goes meanwhile is seen when it is packed
                bytes += match item.kind {
                    ItemKind::Folder => sum(disk, &path).unwrap_or(0),
                    ItemKind::File => disk.stat(&path).map_or(0, |stat| stat.fingerprint.size),
                    ItemKind::Link | ItemKind::Other => 0,
                };
            }
            Ok(bytes)
        }
        let work = &self.ws.settings.work;
        match sum(self.ws.doors.disk.as_ref(), work) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                Err(EngineError::WorkMissing(work.clone()))
            }
            other => other.map_err(EngineError::io("cannot read", work)),
        }
    }

    /// All of it into the folder `work` of the archive.
    pub(super) fn pack(&self, archive: &mut Archive, progress: &dyn Progress) -> Result<Packed, EngineError> {
        let mut packed = Packed::default();
        archive.folder("work")?;
        let work = self.ws.settings.work.clone();
        self.folder(archive, &work, None, &mut packed, progress)?;
        Ok(packed)
    }

    fn folder(
        &self,
        archive: &mut Archive,
        folder: &Path,
        at: Option<&WorkPath>,
        packed: &mut Packed,
        progress: &dyn Progress,
    ) -> Result<(), EngineError> {
        let items = match self.ws.doors.disk.list(folder) {
            Ok(items) => items,
            Err(error) if at.is_some() => {
                packed.left_out.push((show(folder), error.to_string()));
                return Ok(());
            }
            Err(error) => return Err(EngineError::io("cannot read", folder)(error)),
        };
        let mut folders: Vec<(PathBuf, WorkPath)> = Vec::new();
        let mut others = Vec::new();
        for item in items {
            let place = folder.join(&item.name);
            let path = item.name.to_str().ok_or("its name is no text".to_owned()).and_then(|name| {
                let path = at.map_or_else(|| WorkPath::parse(name), |at| at.join(name));
                path.map_err(|bad| if bad == BadPath::Reserved { String::new() } else { bad.to_string() })
            });
            match path {
                // kitbag's own notes
                Err(why) if why.is_empty() => {}
                Err(why) => packed.left_out.push((show(&place), why)),
                Ok(path) if item.kind == ItemKind::Folder => folders.push((place, path)),
                Ok(path) => others.push((place, path, item.kind)),
            }
        }
        // a folder keeps its name where a file would be one with it
        let mut names = Vec::new();
        for (_, path) in &folders {
            let name = archive.place("work", path);
            let plain = name == format!("work/{}", path.as_str());
            if plain {
                archive.folder(&name)?;
            }
            names.push(name);
        }
        for (place, path, kind) in others {
            self.item(archive, (&place, &path, kind), packed)?;
            progress.at("files packed", packed.files as u64, 0);
        }
        for (place, path) in folders {
            self.folder(archive, &place, Some(&path), packed, progress)?;
        }
        Ok(())
    }

    fn item(
        &self,
        archive: &mut Archive,
        (place, path, kind): (&Path, &WorkPath, ItemKind),
        packed: &mut Packed,
    ) -> Result<(), EngineError> {
        let disk = self.ws.doors.disk.as_ref();
        let mut tell = |why: String| packed.left_out.push((path.to_string(), why));
        match kind {
            ItemKind::File => {
                let name = archive.place("work", path);
                match archive.file(disk, place, &name)? {
                    Ok(added) => {
                        packed.files += 1;
                        if added == Added::Changing {
                            tell("it was being written to; what is in here may not be whole".to_owned());
                        } else if name != format!("work/{}", path.as_str()) {
                            tell(format!(
                                "it is called {name} in here, since not every computer can have its name"
                            ));
                        }
                    }
                    // it went meanwhile, as files do
                    Err(error) if error.kind() == io::ErrorKind::NotFound => {}
                    Err(error) => tell(unreadable(&error)),
                }
            }
            ItemKind::Link => match disk.read_link(place) {
                Ok(target) => match link::check(path, &target) {
                    Ok(()) => {
                        let name = archive.place("work", path);
                        archive.link(&name, &link::written(Naming::Windows, &target))?;
                    }
                    Err(bad) => tell(bad.to_string()),
                },
                Err(error) => tell(unreadable(&error)),
            },
            ItemKind::Other => tell("it is neither a file nor a folder".to_owned()),
            ItemKind::Folder => {}
        }
        Ok(())
    }
}

fn unreadable(error: &io::Error) -> String {
    match error.get_ref().and_then(|inner| inner.downcast_ref::<Refused>()) {
        Some(refused) => refused.to_string(),
        None => format!("it cannot be read: {error}"),
    }
}

/// The course's package into the folder `course`.
pub(super) fn pack_course(
    ws: &Workspace,
    here: &CourseHere,
    archive: &mut Archive,
) -> Result<LeftOut, EngineError> {
    let mut left_out = Vec::new();
    archive.folder("course")?;
    for file in &here.package.files {
        let Some(place) = below(&here.folder, &file.path) else { continue };
        let name = archive.place("course", &file.path);
        if let Err(error) = archive.file(ws.doors.disk.as_ref(), &place, &name)? {
            left_out.push((format!("course/{}", file.path), unreadable(&error)));
        }
    }
    Ok(left_out)
}
