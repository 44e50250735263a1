//! What the file system of one folder can do. Systems do not tell: a Linux machine may work on a FAT stick, a Mac on
//! a disk that knows capital letters. So it is tried out, once, with a temporary name of ours, and remembered by
//! whoever asked.

use std::io::{self, ErrorKind, Write};
use std::path::Path;

use kitbag_core::path::TEMPORARY_PREFIX;

use super::{Disk, ItemKind};

/// What a folder's file system can do.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct Ability {
    /// It remembers who may run a file.
    pub executable: bool,
    /// Symbolic links can be made there by this user.
    pub links: bool,
    /// Names that differ only in case, or in how accents are written, are one name.
    pub folds: bool,
    /// Only names that Windows allows can be used.
    pub windows_names: bool,
}

/// The names it is tried with, behind the token.
const PLAIN: &str = "A\u{e9}";
const APART: &str = "Ae\u{301}";
const LINK: &str = "link";
const ODD: &str = "a:?";

/// Try it out in a folder, under names that begin with `.~kitbag-` and hold `token`; nothing is left behind,
/// nor what an earlier try left that was cut short. On Windows names are not tried: what looks like a name there can be a device or a hidden stream of another file.
///
/// # Errors
/// The folder cannot be written to.
pub fn probe(disk: &dyn Disk, folder: &Path, token: &str) -> io::Result<Ability> {
    let at = |rest: &str| folder.join(format!("{TEMPORARY_PREFIX}{token}-{rest}.tmp"));
    clear_left(disk, folder);
    let file = at(PLAIN);
    let made = make(disk, &file);
    let found = made.and_then(|()| {
        let number = disk.stat(&file)?.fingerprint.file;
        let is_it = |name: &str| {
            disk.stat(&at(name))
                .is_ok_and(|stat| stat.kind == ItemKind::File && stat.fingerprint.file == number)
        };
        Ok(Ability {
            executable: keeps_bit(disk, &file),
            links: can_link(disk, &at(LINK)),
            folds: is_it("a\u{e9}") || is_it(APART),
            windows_names: cfg!(windows) || refuses(disk, &at(ODD)),
        })
    });
    let removed = disk.remove(&file);
    let found = found?;
    removed?;
    Ok(found)
}

fn clear_left(disk: &dyn Disk, folder: &Path) {
    // some systems give the accent back apart from its letter
    let ends = [PLAIN, APART, LINK, ODD].map(|rest| format!("-{rest}.tmp"));
    for item in disk.list(folder).unwrap_or_default() {
        let name = item.name.to_str().unwrap_or_default();
        if name.starts_with(TEMPORARY_PREFIX) && ends.iter().any(|end| name.ends_with(end)) {
            // a leftover costs room only, and the next try comes by here
            disk.remove(&folder.join(&item.name)).ok();
        }
    }
}

fn make(disk: &dyn Disk, file: &Path) -> io::Result<()> {
    let mut to = disk.create(file)?;
    to.write_all(b"kitbag tries out this folder\n")?;
    to.finish(false).map(|_| ())
}

fn keeps_bit(disk: &dyn Disk, file: &Path) -> bool {
    let shows = |bit| {
        disk.set_executable(file, bit).is_ok() && disk.stat(file).is_ok_and(|stat| stat.executable == bit)
    };
    shows(true) && shows(false)
}

fn can_link(disk: &dyn Disk, link: &Path) -> bool {
    let made = disk.create_link(link, "nowhere").is_ok();
    let can = made && disk.stat(link).is_ok_and(|stat| stat.kind == ItemKind::Link);
    if made {
        disk.remove(link).ok();
    }
    can
}

fn refuses(disk: &dyn Disk, file: &Path) -> bool {
    match disk.create(file) {
        Ok(_) => {
            disk.remove(file).ok();
            false
        }
        Err(error) => !matches!(error.kind(), ErrorKind::StorageFull | ErrorKind::PermissionDenied),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::clock::SimulatedClock;
    use crate::disk::{Folding, Manners, RealDisk, SimulatedDisk};

    #[test]
    fn a_simulated_disk_can_do_what_it_was_told() {
        let all = [Folding::None, Folding::Case, Folding::CaseAndAccents];
        for (n, folding) in all.into_iter().cycle().take(12).enumerate() {
            let manners =
                Manners { executable: n % 2 == 0, links: n % 3 == 0, folding, windows_names: n % 4 == 0 };
            let disk = SimulatedDisk::new(SimulatedClock::new(0));
            disk.set_manners(manners);
            let found = probe(&disk, Path::new("/"), "x").unwrap();
            let folds = folding != Folding::None;
            let Manners { executable, links, windows_names, .. } = manners;
            assert_eq!(
                found,
                Ability { executable, links, folds, windows_names: windows_names || cfg!(windows) }
            );
            assert_eq!(disk.list(Path::new("/")).unwrap(), [], "nothing is left");
        }
    }

    #[test]
    fn what_a_try_left_that_was_cut_short_goes() {
        let disk = SimulatedDisk::new(SimulatedClock::new(0));
        for name in [".~kitbag-cut-A\u{e9}.tmp", ".~kitbag-cut-link.tmp", ".~kitbag-cut-a:?.tmp"] {
            make(&disk, &Path::new("/").join(name)).unwrap();
        }
        // a file that is being written, and one of the person's
        let others = [".~kitbag-0123456789abcdef.tmp", "my-link.tmp"];
        others.iter().for_each(|name| make(&disk, &Path::new("/").join(name)).unwrap());
        probe(&disk, Path::new("/"), "x").unwrap();
        let left: Vec<_> = disk.list(Path::new("/")).unwrap().into_iter().map(|item| item.name).collect();
        assert_eq!(left, others);
    }

    #[test]
    fn a_folder_that_cannot_be_written_to_tells_nothing() {
        let disk = SimulatedDisk::new(SimulatedClock::new(0));
        disk.set_read_only(true);
        assert!(probe(&disk, Path::new("/"), "x").is_err());
    }

    #[cfg(target_os = "linux")]
    #[test]
    fn the_disk_of_this_computer() {
        let folder = tempfile::tempdir().unwrap();
        let found = probe(&RealDisk, folder.path(), "x").unwrap();
        assert_eq!(found, Ability { executable: true, links: true, folds: false, windows_names: false });
        assert_eq!(RealDisk.list(folder.path()).unwrap(), []);
    }
}
