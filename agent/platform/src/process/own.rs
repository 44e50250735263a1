//! Which file this very program is, as the person calls it. The system tells the file behind all links; a link that a
//! package or a person keeps pointing at the newest version is worth more where the name is written down.

use std::ffi::{OsStr, OsString};
use std::io;
use std::path::{Path, PathBuf};

use super::find_program;

/// The absolute path of this program: as it was called, when that leads to this very file; else as the system names it.
///
/// # Errors
/// The system does not tell.
pub fn own_program() -> io::Result<PathBuf> {
    let real = std::env::current_exe()?;
    let called = std::env::args_os().next().unwrap_or_default();
    let path = search_path().unwrap_or_default();
    Ok(as_called(&called, &path).filter(|called| same(called, &real)).unwrap_or(real))
}

/// Where programs are looked for: the value of `PATH` as this process has it.
pub fn search_path() -> Option<OsString> {
    std::env::var_os("PATH")
}

/// What a first word stands for: a path, or a program found on the way a shell takes.
fn as_called(called: &OsStr, path: &OsStr) -> Option<PathBuf> {
    let name = Path::new(called);
    if name.components().count() > 1 {
        return std::path::absolute(name).ok();
    }
    find_program(name.to_str()?, path)
}

fn same(one: &Path, other: &Path) -> bool {
    matches!((one.canonicalize(), other.canonicalize()), (Ok(one), Ok(other)) if one == other)
}

#[cfg(all(test, unix))]
mod tests {
    use super::*;

    #[test]
    fn a_link_is_kept_and_a_stranger_is_not_taken() {
        use std::os::unix::fs::{PermissionsExt, symlink};
        let dir = tempfile::tempdir().unwrap();
        let at = |name: &str| dir.path().join(name);
        for name in ["kitbag-1.2", "other"] {
            std::fs::write(at(name), "").unwrap();
            std::fs::set_permissions(at(name), std::fs::Permissions::from_mode(0o755)).unwrap();
        }
        symlink(at("kitbag-1.2"), at("kitbag")).unwrap();
        let called = as_called(OsStr::new("kitbag"), dir.path().as_os_str()).unwrap();
        assert_eq!(called, at("kitbag"));
        assert!(same(&called, &at("kitbag-1.2")));
        assert!(!same(&at("other"), &at("kitbag-1.2")) && !same(&at("gone"), &at("kitbag-1.2")));
        assert_eq!(as_called(at("kitbag").as_os_str(), OsStr::new("")), Some(at("kitbag")));
        assert_eq!(as_called(OsStr::new("kitbag"), OsStr::new("")), None);
        let here = std::env::current_dir().unwrap();
        assert_eq!(as_called(OsStr::new("./kitbag"), OsStr::new("")), Some(here.join("kitbag")));
    }

    #[test]
    fn this_program_is_found() {
        let own = own_program().unwrap();
        assert!(own.is_absolute() && same(&own, &std::env::current_exe().unwrap()));
    }
}
