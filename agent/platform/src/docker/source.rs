//! What a folder of this computer is called in a bind mount. An engine follows links as this computer's owner of
//! everything, and what runs in an environment can plant one in the folders it sees: so no link may lie between a
//! granted folder and the place below it. (One planted between this look and the mount is not seen.)

use std::path::{Path, PathBuf};

/// Why a folder is not mounted.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum SourceTrouble {
    /// It is not there.
    #[error("the folder {0} does not exist")]
    Absent(String),
    /// It, or what it lies in, is a link.
    #[error("{0} is a link")]
    Link(String),
    /// It is no folder.
    #[error("{0} is no folder")]
    NoFolder(String),
    /// It cannot be written in the engine's language.
    #[error("the name of the folder {0} is not readable text")]
    NotText(String),
    /// The system does not say.
    #[error("{0} cannot be looked at: {1}")]
    Unknown(String, String),
}

/// The folder, or the place below it (names divided by `/`), as an engine on this computer calls it.
///
/// # Errors
/// It is not there, is no folder, or is reached by a link.
pub fn bind_source(folder: &Path, below: Option<&str>) -> Result<String, SourceTrouble> {
    let mut path: PathBuf = folder.to_path_buf();
    for name in below.into_iter().flat_map(|below| below.split('/')) {
        path.push(name);
        let shown = || kitbag_core::path::shown(&path.to_string_lossy());
        let found = std::fs::symlink_metadata(&path).map_err(|error| match error.kind() {
            std::io::ErrorKind::NotFound => SourceTrouble::Absent(shown()),
            _ => SourceTrouble::Unknown(shown(), error.to_string()),
        })?;
        if found.file_type().is_symlink() {
            return Err(SourceTrouble::Link(shown()));
        }
    }
    let shown = || kitbag_core::path::shown(&path.to_string_lossy());
    match std::fs::metadata(&path) {
        Ok(found) if found.is_dir() => {}
        Ok(_) => return Err(SourceTrouble::NoFolder(shown())),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => {
            return Err(SourceTrouble::Absent(shown()));
        }
        Err(error) => return Err(SourceTrouble::Unknown(shown(), error.to_string())),
    }
    let text = path.to_str().ok_or_else(|| SourceTrouble::NotText(shown()))?;
    // Windows: long paths are written so, and the engine does not know it.
    Ok(text.strip_prefix(r"\\?\").filter(|rest| !rest.starts_with("UNC")).unwrap_or(text).to_owned())
}

#[cfg(all(test, unix))]
mod tests {
    use super::*;

    #[test]
    fn a_planted_link_is_not_followed() {
        let home = tempfile::tempdir().unwrap();
        let work = home.path().join("work");
        std::fs::create_dir_all(work.join("notes/deep")).unwrap();
        std::fs::create_dir(home.path().join("secret")).unwrap();
        std::os::unix::fs::symlink(home.path().join("secret"), work.join("notes/out")).unwrap();
        std::fs::write(work.join("file"), "x").unwrap();
        let text = work.to_str().unwrap();
        assert_eq!(bind_source(&work, None).unwrap(), text);
        assert_eq!(bind_source(&work, Some("notes/deep")).unwrap(), format!("{text}/notes/deep"));
        for (below, link) in [("notes/out", true), ("notes/out/in", true), ("gone", false), ("file", false)] {
            let error = bind_source(&work, Some(below)).unwrap_err();
            assert_eq!(matches!(error, SourceTrouble::Link(_)), link, "{below}: {error}");
        }
    }
}
