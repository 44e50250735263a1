//! Finds a program as a shell would, but never in the current folder: a course folder may hold a file called
//! `docker`, and it must not be run for it.

use std::ffi::{OsStr, OsString};
use std::path::{Component, Path, PathBuf};

/// The absolute path of a program, searched in the folders of `path_var` (the value of `PATH`). On Windows
/// the endings of `PATHEXT` are tried. Relative folders in `path_var` are passed over. A `name` that is an
/// absolute path is only checked; one with folders in it is never found.
pub fn find_program(name: &str, path_var: &OsStr) -> Option<PathBuf> {
    let named = Path::new(name);
    if named.is_absolute() {
        return with_endings(named).find(|file| runs(file));
    }
    if !matches!(named.components().collect::<Vec<_>>()[..], [Component::Normal(only)] if only == name) {
        return None;
    }
    std::env::split_paths(path_var)
        .filter(|folder| folder.is_absolute())
        .find_map(|folder| with_endings(&folder.join(name)).find(|file| runs(file)))
}

fn with_endings(file: &Path) -> impl Iterator<Item = PathBuf> {
    let given = file.as_os_str().to_owned();
    // A file without an ending does not run on Windows.
    let bare = (cfg!(unix) || file.extension().is_some()).then(|| PathBuf::from(&given));
    bare.into_iter().chain(endings().into_iter().map(move |ending| {
        let mut name = given.clone();
        name.push(ending);
        PathBuf::from(name)
    }))
}

fn endings() -> Vec<OsString> {
    if cfg!(unix) {
        return Vec::new();
    }
    let set = std::env::var("PATHEXT").unwrap_or_default();
    let set = if set.is_empty() { ".COM;.EXE;.BAT;.CMD".to_owned() } else { set };
    set.split(';').filter(|ending| ending.starts_with('.')).map(OsString::from).collect()
}

#[cfg(unix)]
fn runs(file: &Path) -> bool {
    let is_file = std::fs::metadata(file).is_ok_and(|meta| meta.is_file());
    // Asks for this user; root may run what anybody may.
    is_file && rustix::fs::access(file, rustix::fs::Access::EXEC_OK).is_ok()
}

#[cfg(windows)]
fn runs(file: &Path) -> bool {
    std::fs::metadata(file).is_ok_and(|meta| meta.is_file())
}

#[cfg(all(test, unix))]
mod tests {
    use std::os::unix::fs::PermissionsExt;

    use super::*;

    #[test]
    fn found_in_the_first_folder_that_has_it() {
        let dir = tempfile::tempdir().unwrap();
        let file = |name: &str, mode: u32| {
            let path = dir.path().join(name);
            std::fs::create_dir_all(path.parent().unwrap()).unwrap();
            std::fs::write(&path, "#!/bin/sh\n").unwrap();
            std::fs::set_permissions(&path, std::fs::Permissions::from_mode(mode)).unwrap();
            path
        };
        file("one/tool", 0o644);
        std::fs::create_dir_all(dir.path().join("two/tool")).unwrap();
        let tool = file("three/tool", 0o755);
        file("four/tool", 0o755);
        let folders = ["one", "two", "none", "three", "four"].map(|name| dir.path().join(name));
        let path_var = std::env::join_paths(folders).unwrap();
        assert_eq!(find_program("tool", &path_var), Some(tool.clone()));
        assert_eq!(find_program("other", &path_var), None);
        assert_eq!(find_program(tool.to_str().unwrap(), OsStr::new("")), Some(tool));
        assert_eq!(find_program(dir.path().join("one/tool").to_str().unwrap(), &path_var), None);
    }

    #[test]
    fn never_the_current_folder() {
        // Tests run in the folder of the crate; a relative PATH would find this file if it could be run.
        for path_var in ["", ".", ":", "./", "src"] {
            assert_eq!(find_program("sh", OsStr::new(path_var)), None, "{path_var:?}");
        }
        for name in ["./sh", "../bin/sh", "bin/sh", "", ".", "..", "sh/"] {
            assert_eq!(find_program(name, OsStr::new("/bin:/")), None, "{name:?}");
        }
        assert_eq!(find_program("sh", OsStr::new("/bin")), Some("/bin/sh".into()));
    }
}
