//! The volume that holds a path: where it begins, how large it is and how much is free on it. Only volumes that are asked
//! about are touched: a drive of the network that does not answer must not hold up a question about another one.

#[cfg(unix)]
#[path = "real_unix.rs"]
mod system;
#[cfg(windows)]
#[path = "real_windows.rs"]
mod system;

use std::io;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

/// One volume.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Volume {
    /// Where it begins: `/`, `/home`, `C:\`. Two paths of one volume have the same.
    pub root: PathBuf,
    /// Bytes it can hold.
    pub size: u64,
    /// Bytes this user may still write.
    pub free: u64,
}

/// The volume where a path is, or will be: that of the nearest folder that exists.
///
/// # Errors
/// What the system says.
pub(crate) fn holding(path: &Path) -> io::Result<Volume> {
    let mut answer = Err(io::ErrorKind::NotFound.into());
    for part in path.ancestors().filter(|part| !part.as_os_str().is_empty()) {
        // links are seen through: what is written goes to where they lead
        answer = std::fs::canonicalize(part).and_then(|place| system::volume(&place));
        if !matches!(&answer, Err(error) if error.kind() == io::ErrorKind::NotFound) {
            break;
        }
    }
    answer
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_that_is_not_there_yet_lies_on_the_volume_above() {
        let dir = tempfile::tempdir().unwrap();
        let volume = holding(&dir.path().join("not/yet/here")).unwrap();
        let same = holding(dir.path()).unwrap();
        assert_eq!((&volume.root, volume.size), (&same.root, same.size));
        assert!(volume.size >= volume.free && volume.free > 0, "{volume:?}");
        assert!(std::fs::canonicalize(dir.path()).unwrap().starts_with(&volume.root), "{volume:?}");
    }

    #[cfg(target_os = "linux")]
    #[test]
    fn a_link_is_judged_by_where_it_leads() {
        let dir = tempfile::tempdir().unwrap();
        let link = dir.path().join("link");
        // a file system of its own on every Linux
        std::os::unix::fs::symlink("/proc/self", &link).unwrap();
        assert_eq!(holding(&link).unwrap().root, Path::new("/proc"));
    }
}
