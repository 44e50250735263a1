//! The current course of a workspace, unpacked in machine state. It is the package with the highest version among
//! those that arrived; until all of it is here the one before it goes on. The folder is written first and its marker
//! last, so a half-unpacked course is never taken for one.

use std::io::{self, Write};
use std::path::{Path, PathBuf};

use kitbag_core::course::{self, MANIFEST, PackageFiles};
use kitbag_core::finding::Finding;
use kitbag_core::id::ContentId;
use kitbag_core::path::{WorkPath, shown};
use kitbag_platform::disk::{Disk, ItemKind};
use kitbag_store::{ContentError, Contents, Package};

use super::package::{MOST_BYTES, MOST_FILES, below, bytes};
use super::{CourseHere, numbers};
use crate::error::EngineError;
use crate::share::Share;
use crate::sync::{Kept, store_package};
use crate::workspace::Workspace;

/// The course of a workspace as far as it is here.
#[derive(Debug, Clone, Default)]
pub struct Standing {
    /// The course.
    pub here: Option<CourseHere>,
    /// Why there is none, or an older one, where the share announced one.
    pub reason: Option<String>,
}

/// Find the current course and unpack it where that has not been done. Packages that went missing from the share are
/// written back from here.
///
/// # Errors
/// The ledger fails or machine state cannot be written. A course that has not arrived is no error.
pub fn ensure_unpacked(ws: &Workspace, share: &Share) -> Result<Standing, EngineError> {
    let mut standing = Standing::default();
    for package in newest_first(ws)? {
        match unpack(ws, share, &package) {
            Ok(here) => {
                write_back(ws, share, &here)?;
                standing.here = Some(here);
                break;
            }
            Err(EngineError::Failed(finding)) => {
                let reason = format!("{}: {}", finding.what, finding.why);
                standing.reason.get_or_insert(reason);
            }
            Err(error) => return Err(error),
        }
    }
    Ok(standing)
}

/// The course as it lies unpacked here, by looking only.
///
/// # Errors
/// The ledger fails.
pub fn unpacked(ws: &Workspace) -> Result<Option<CourseHere>, EngineError> {
    let here = newest_first(ws)?.into_iter().find_map(|package| {
        let (folder, marker) = places(ws, &package);
        ws.doors.disk.stat(&marker).ok()?;
        read(ws, &package, folder).ok()
    });
    Ok(here)
}

/// The course of one package, whatever the newest is; none where it is not known or not all here.
///
/// # Errors
/// The ledger fails or machine state cannot be written.
pub fn of_package(
    ws: &Workspace,
    share: &Share,
    package: ContentId,
) -> Result<Option<CourseHere>, EngineError> {
    let Some(package) = ws.ledger.packages()?.into_iter().find(|one| one.id() == package) else {
        return Ok(None);
    };
    match unpack(ws, share, &package) {
        Ok(here) => Ok(Some(here)),
        Err(EngineError::Failed(_)) => Ok(None),
        Err(error) => Err(error),
    }
}

fn places(ws: &Workspace, package: &Package) -> (PathBuf, PathBuf) {
    let courses = ws.state.join("course");
    let name = format!("{}-{}", package.version, &package.id().to_string()[..32]);
    let marker = courses.join(format!("{name}.complete"));
    (courses.join(name), marker)
}

/// All packages that say a version, the one to use first: highest version, then highest name.
pub(super) fn newest_first(ws: &Workspace) -> Result<Vec<Package>, EngineError> {
    let mut all: Vec<_> =
        ws.ledger.packages()?.into_iter().filter(|one| numbers(&one.version).is_some()).collect();
    all.sort_by_cached_key(|package| std::cmp::Reverse((numbers(&package.version), package.id())));
    Ok(all)
}

/// One package, unpacked.
///
/// # Errors
/// [`EngineError::Failed`] when it is not all here or cannot be used; others when machine state cannot be written.
pub(super) fn unpack(ws: &Workspace, share: &Share, package: &Package) -> Result<CourseHere, EngineError> {
    let (folder, marker) = places(ws, package);
    let disk = ws.doors.disk.as_ref();
    if disk.stat(&marker).is_err() {
        check_size(package)?;
        let missing = package.files.iter().find_map(|file| match ws.ledger.has_content(file.id) {
            Ok(true) => None,
            other => Some(other.map(|_| &file.path)),
        });
        if let Some(missing) = missing {
            return Err(failed(package, format!("the cloud folder has not delivered {} yet", missing?)));
        }
        remove_folder(disk, &folder).map_err(EngineError::io("cannot write", &folder))?;
        disk.create_dirs(&folder).map_err(EngineError::io("cannot write", &folder))?;
        fill(ws, share, package, &folder)?;
        let marked = (|| {
            disk.sync_volume(&folder)?;
            disk.create(&marker)?.finish(true)?;
            disk.sync_dir(&ws.state.join("course"))
        })();
        marked.map_err(EngineError::io("cannot write", &marker))?;
    }
    read(ws, package, folder)
}

fn read(ws: &Workspace, package: &Package, folder: PathBuf) -> Result<CourseHere, EngineError> {
    let names: Vec<_> = package.files.iter().map(|file| file.path.as_str()).collect();
    let files = PackageFiles::new(names, |path| bytes(&folder, path, &ws.doors));
    let manifest = WorkPath::parse(MANIFEST).ok().and_then(|path| files.bytes(&path)).unwrap_or_default();
    let course = String::from_utf8(manifest).map_err(|_| failed(package, "its manifest is not text"))?;
    let course = course::read(&course, &files).map_err(|problems| {
        let first = problems.first().map(ToString::to_string).unwrap_or_default();
        failed(package, format!("it cannot be used by this kitbag: {first}"))
    })?;
    drop(files);
    if (&course.id, &course.version) != (&package.course, &package.version) {
        return Err(failed(package, "its manifest names another course or version"));
    }
    Ok(CourseHere { id: package.id(), package: package.clone(), course, folder })
}

fn check_size(package: &Package) -> Result<(), EngineError> {
    let bytes = package.files.iter().try_fold(0u64, |sum, file| sum.checked_add(file.size));
    if package.files.len() > MOST_FILES || bytes.is_none_or(|bytes| bytes > MOST_BYTES) {
        return Err(failed(package, "it has more files or bytes than a course may have"));
    }
    Ok(())
}

fn fill(ws: &Workspace, share: &Share, package: &Package, folder: &Path) -> Result<(), EngineError> {
    let disk = &ws.doors.disk;
    let kept = Kept::new(ws.kept_folder(), &ws.doors);
    let contents = Contents::new(&ws.ledger, share, &kept);
    for file in &package.files {
        let name_of_another = || failed(package, format!("{} cannot be a file on this system", file.path));
        let to = below(folder, &file.path).ok_or_else(name_of_another)?;
        if let Some(parent) = to.parent() {
            disk.create_dirs(parent).map_err(EngineError::io("cannot write", parent))?;
        }
        let new = match disk.create(&to) {
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {
                return Err(failed(package, format!("{} clashes with another of its files here", file.path)));
            }
            other => other.map_err(EngineError::io("cannot write", &to))?,
        };
        let mut out = Bounded { to: new, left: file.size };
        contents.copy_to(file.id, &mut out).map_err(|error| match error {
            ContentError::Store(error) => error.into(),
            ContentError::Write(error) if error.kind() != io::ErrorKind::FileTooLarge => {
                EngineError::io("cannot write", &to)(error)
            }
            other => failed(package, format!("{}: {other}", file.path)),
        })?;
        if out.left > 0 {
            return Err(failed(package, format!("{} is shorter than the package says", file.path)));
        }
        out.to.finish(false).map_err(EngineError::io("cannot write", &to))?;
    }
    Ok(())
}

/// What the share lost is still here: the statement is written back by the sync, the files are from here.
fn write_back(ws: &Workspace, share: &Share, here: &CourseHere) -> Result<(), EngineError> {
    for file in &here.package.files {
        if !ws.ledger.is_packed(file.id)? {
            return store_package(ws, share, &here.package, &here.folder);
        }
    }
    Ok(())
}

/// No more bytes than the package says.
struct Bounded {
    to: Box<dyn kitbag_platform::disk::Writing>,
    left: u64,
}

impl Write for Bounded {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        if bytes.len() as u64 > self.left {
            return Err(io::ErrorKind::FileTooLarge.into());
        }
        let n = self.to.write(bytes)?;
        self.left -= n as u64;
        Ok(n)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.to.flush()
    }
}

/// Remove a folder of machine state with all in it; links are removed, not followed.
pub(crate) fn remove_folder(disk: &dyn Disk, folder: &Path) -> io::Result<()> {
    let items = match disk.list(folder) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
        other => other?,
    };
    for item in items {
        let path = folder.join(&item.name);
        match item.kind {
            ItemKind::Folder => remove_folder(disk, &path)?,
            _ => disk.remove(&path)?,
        }
    }
    disk.remove_dir(folder)
}

fn failed(package: &Package, why: impl Into<String>) -> EngineError {
    let what = format!(
        "version {} of the course {} is not ready here",
        shown(&package.version),
        shown(&package.course)
    );
    EngineError::Failed(Finding::new(what, why, "Wait for the cloud program, then run `kitbag sync`."))
}
