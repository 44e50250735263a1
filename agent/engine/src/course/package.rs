//! A course package as its author has it: a folder with a manifest. It is walked without following a link, each file
//! is hashed, and the manifest is read against what is there. What systems and programs drop beside work is left out.

use std::io::{self, Read};
use std::path::{Component, Path, PathBuf};

use kitbag_core::course::{self, Course, LONGEST_MANIFEST, MANIFEST, PackageFiles, Problem};
use kitbag_core::finding::Finding;
use kitbag_core::id::ContentId;
use kitbag_core::ignore::Ignore;
use kitbag_core::path::{WorkPath, shown};
use kitbag_platform::disk::ItemKind;
use kitbag_store::Package;
use kitbag_store::pack::PackageFile;

use crate::doors::Doors;
use crate::error::{EngineError, show};

/// Most files a package may have.
pub const MOST_FILES: usize = 10_000;
/// Most bytes all files of a package may have.
pub const MOST_BYTES: u64 = 512 * 1024 * 1024;
/// Longest file of a package that is looked into, in bytes: manifest, schema, table, component.
const LONGEST_READ: u64 = 256 * 1024 * 1024;

/// A package read from its folder.
#[derive(Debug, Clone)]
pub struct ReadPackage {
    /// What it is made of.
    pub package: Package,
    /// What its manifest says.
    pub course: Course,
    /// What its author should know but may leave.
    pub warnings: Vec<Problem>,
}

/// Read a course from the folder it is written in.
///
/// # Errors
/// [`EngineError::Course`] with everything to mend; also when the folder is none or cannot be read.
pub fn read_folder(folder: &Path, doors: &Doors) -> Result<ReadPackage, EngineError> {
    let stat = doors.disk.canonical(folder).and_then(|folder| doors.disk.stat(&folder));
    let stat = stat.map_err(EngineError::io("cannot read the course in", folder))?;
    if stat.kind != ItemKind::Folder {
        return Err(EngineError::Failed(Finding::new(
            format!("{} is not a course folder", show(folder)),
            "This kitbag reads a course from its folder only; courses as one single file are not read yet.",
            format!("Name the folder that holds the course's {MANIFEST}."),
        )));
    }
    let mut walk = Walk {
        doors,
        root: folder,
        names: Vec::new(),
        bytes: 0,
        problems: Vec::new(),
        ignore: Ignore::default(),
    };
    walk.folder(folder, "")?;
    let Walk { names, mut problems, .. } = walk;
    let files = PackageFiles::new(&names, |path| bytes(folder, path, doors));
    let manifest = WorkPath::parse(MANIFEST).ok().and_then(|path| files.bytes(&path)).unwrap_or_default();
    if manifest.is_empty() {
        let message = format!("There is no {MANIFEST} in {}.", show(folder));
        problems.push(problem(
            MANIFEST,
            message,
            "Name the folder that holds it, or make one with `kitbag course new`.",
        ));
        return Err(EngineError::Course(problems));
    }
    let checked = course::check(&text(manifest, &mut problems), &files);
    problems.extend(checked.problems);
    let Some(course) = checked.course.filter(|_| problems.is_empty()) else {
        return Err(EngineError::Course(problems));
    };
    let mut listed = Vec::with_capacity(names.len());
    for name in &names {
        // names that are no place in a package were problems above
        let Ok(path) = WorkPath::parse(name) else { continue };
        let (id, size) = hash(&folder.join(name), doors)?;
        listed.push(PackageFile { id, path, size });
    }
    listed.sort_by(|a, b| a.path.cmp(&b.path));
    let package = Package {
        course: course.id.clone(),
        version: course.version.clone(),
        title: course.title.clone(),
        files: listed,
    };
    Ok(ReadPackage { package, course, warnings: checked.warnings })
}

fn text(manifest: Vec<u8>, problems: &mut Vec<Problem>) -> String {
    String::from_utf8(manifest).unwrap_or_else(|_| {
        problems.push(problem(MANIFEST, "The manifest is not UTF-8 text.", "Save it as UTF-8."));
        String::new()
    })
}

struct Walk<'a> {
    doors: &'a Doors,
    root: &'a Path,
    names: Vec<String>,
    bytes: u64,
    problems: Vec<Problem>,
    ignore: Ignore,
}

impl Walk<'_> {
    fn folder(&mut self, folder: &Path, below: &str) -> Result<(), EngineError> {
        for item in self.doors.disk.list(folder).map_err(EngineError::io("cannot read", folder))? {
            let Some(name) = item.name.to_str() else {
                let name = shown(&folder.join(&item.name).to_string_lossy());
                self.problems.push(problem(
                    name,
                    "The name of this file is not readable text.",
                    "Rename it.",
                ));
                continue;
            };
            let path = if below.is_empty() { name.to_owned() } else { format!("{below}/{name}") };
            let is_folder = item.kind == ItemKind::Folder;
            if self.ignore.is_ignored_here(&path, is_folder) {
                continue;
            }
            match item.kind {
                ItemKind::Folder => self.folder(&folder.join(name), &path)?,
                ItemKind::File => self.file(path)?,
                ItemKind::Link | ItemKind::Other => {
                    let message =
                        "A package holds plain files and folders only; this is a link or something else.";
                    self.problems.push(problem(shown(&path), message, "Put the file itself there."));
                }
            }
        }
        Ok(())
    }

    fn file(&mut self, path: String) -> Result<(), EngineError> {
        let file = self.root.join(&path);
        let stat = self.doors.disk.stat(&file).map_err(EngineError::io("cannot read", &file))?;
        self.bytes += stat.fingerprint.size;
        self.names.push(path);
        let many = self.names.len() > MOST_FILES;
        if many || self.bytes > MOST_BYTES {
            let message = if many {
                format!("The package has more than {MOST_FILES} files.")
            } else {
                format!("The package has more than {} MiB.", MOST_BYTES >> 20)
            };
            let remedy = "Keep what students need; ship large collections as an archive or as data a notebook fetches.";
            self.problems.push(problem(MANIFEST, message, remedy));
            return Err(EngineError::Course(std::mem::take(&mut self.problems)));
        }
        Ok(())
    }
}

fn problem(file: impl Into<String>, message: impl Into<String>, remedy: impl Into<String>) -> Problem {
    Problem { file: file.into(), line: None, message: message.into(), remedy: remedy.into() }
}

fn hash(file: &Path, doors: &Doors) -> Result<(ContentId, u64), EngineError> {
    let fail = || EngineError::io("cannot read", file);
    let mut open = doors.disk.open(file).map_err(fail())?;
    let mut hasher = blake3::Hasher::new();
    let size = io::copy(&mut open, &mut hasher).map_err(fail())?;
    Ok((hasher.finalize().into(), size))
}

/// The bytes of one file of a package that lies in a folder.
pub(super) fn bytes(folder: &Path, path: &WorkPath, doors: &Doors) -> Option<Vec<u8>> {
    let limit = if path.as_str() == MANIFEST { LONGEST_MANIFEST as u64 + 1 } else { LONGEST_READ };
    let mut bytes = Vec::new();
    doors.disk.open(&below(folder, path)?).ok()?.take(limit).read_to_end(&mut bytes).ok()?;
    Some(bytes)
}

/// The place of a checked path below a folder of this machine; none for a name that means something else here, such
/// as `C:x` or `a\b` on Windows.
pub(crate) fn below(folder: &Path, path: &WorkPath) -> Option<PathBuf> {
    let mut place = folder.to_owned();
    for name in path.names() {
        let mut parts = Path::new(name).components();
        match (parts.next(), parts.next()) {
            (Some(Component::Normal(part)), None) if part == name => place.push(part),
            _ => return None,
        }
    }
    Some(place)
}
