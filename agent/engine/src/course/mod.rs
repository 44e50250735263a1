//! The course of a workspace: read from its folder by the machine that brings it in, carried in the share, unpacked
//! beside the ledger on every machine. `package` reads, `adopt` publishes, `unpack` finds the current one, `seeds`
//! places its files in the workspace, `folders` makes the folders it needs. Nothing of it runs from here.

pub mod adopt;
pub mod folders;
pub mod package;
pub mod seeds;
pub mod unpack;

use std::collections::BTreeMap;
use std::path::PathBuf;

use kitbag_core::course::{Course, PackageFiles, SQLITE, Service, backup_path};
use kitbag_core::id::ContentId;
use kitbag_core::ignore::Ignore;
use kitbag_core::path::WorkPath;
use kitbag_core::unit::Units;
use kitbag_core::version::Backup;
use kitbag_store::Package;

use crate::doors::Doors;
use crate::environment::sqlite;
use crate::sync::{BackupOf, Rules};

/// A course that lies unpacked on this machine.
#[derive(Debug, Clone)]
pub struct CourseHere {
    /// The package's name: the hash of what it is made of.
    pub id: ContentId,
    /// What it is made of.
    pub package: Package,
    /// What its manifest says.
    pub course: Course,
    /// Where its files lie on this machine.
    pub folder: PathBuf,
}

impl CourseHere {
    /// The package's files, for reading.
    pub fn files<'a>(&'a self, doors: &Doors) -> PackageFiles<'a> {
        let doors = doors.clone();
        let names: Vec<_> = self.package.files.iter().map(|file| file.path.as_str().to_owned()).collect();
        PackageFiles::new(names, move |path| package::bytes(&self.folder, path, &doors))
    }

    /// One file of the package; none where it has no such file.
    pub fn file(&self, path: &WorkPath) -> Option<PathBuf> {
        let listed = self.package.files.iter().any(|file| &file.path == path);
        if listed { package::below(&self.folder, path) } else { None }
    }
}

/// What a course says that matters to files; without a course only the built-in rules count.
pub fn rules(course: Option<&CourseHere>) -> Rules {
    let Some(CourseHere { course, .. }) = course else { return Rules::default() };
    let mut backups = BTreeMap::new();
    for service in course.services.iter().filter(|service| service.backup) {
        if let (Some(backup), Ok(path)) = (backup(service), backup_path(&service.name)) {
            backups.insert(path, BackupOf { service: service.name.clone(), backup });
        }
    }
    Rules {
        // checked when the manifest was read
        ignore: Ignore::new(&course.ignore).unwrap_or_default(),
        required: course.folders.iter().cloned().collect(),
        backups,
        units: Units::new(&course.units),
    }
}

/// What the dump of a server holds: as its own command wrote it, normalised.
const SERVER_FORMAT: u32 = 1;

/// What the backups of a service made here are; none for one that has none.
pub(crate) fn backup(service: &Service) -> Option<Backup> {
    let kind = service.backup_kind()?.to_owned();
    let version = if kind == SQLITE { sqlite::FORMAT } else { SERVER_FORMAT };
    Some(Backup { kind, version: version.to_string() })
}

/// The numbers of a version, such as `2026.10`; none for a text that is no version.
pub(crate) fn numbers(version: &str) -> Option<Vec<u64>> {
    let digits = |part: &str| !part.is_empty() && part.bytes().all(|byte| byte.is_ascii_digit());
    let parts: Vec<_> = version.split('.').collect();
    if parts.len() > 4 || !parts.iter().all(|part| digits(part)) {
        return None;
    }
    let mut numbers: Vec<u64> = parts.into_iter().map(|part| part.parse().ok()).collect::<Option<_>>()?;
    while numbers.last() == Some(&0) {
        numbers.pop();
    }
    Some(numbers)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn versions_compare_by_their_numbers() {
        assert!(numbers("2026.10") > numbers("2026.9"));
        assert!(numbers("2") > numbers("1.99.99"));
        assert_eq!(numbers("1.0"), numbers("1"));
        for bad in ["", ".", "1.", "1.a", "../1", "1.2.3.4.5", "99999999999999999999999"] {
            assert_eq!(numbers(bad), None, "{bad}");
        }
    }
}
