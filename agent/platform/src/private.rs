//! Small files of machine state that nobody but their owner may read: access tokens, keys, what the local page hands out.
//! Each is written beside its place and then put there in one step, so that it is the old one or the new one, never a
//! half. On Windows the rights of the folder above, which is the person's own, keep others out.

use std::fs::{File, OpenOptions};
use std::io::{self, Read, Write};
use std::path::Path;

/// The text of such a file; none when there is none. No more than `most` bytes are read.
///
/// # Errors
/// It cannot be read, or is no text.
pub fn read(file: &Path, most: u64) -> io::Result<Option<String>> {
    let mut text = String::new();
    match File::open(file).and_then(|open| open.take(most).read_to_string(&mut text)) {
        Ok(_) => Ok(Some(text)),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(error),
    }
}

/// Write one, in the place of the one before. Its folder must exist; two at once are the caller's to keep apart.
///
/// # Errors
/// It cannot be written; the one before is as it was.
pub fn write(file: &Path, text: &str) -> io::Result<()> {
    let new = file.with_extension("new");
    match std::fs::remove_file(&new) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
        _ => {}
    }
    let mut to = open(&new)?;
    to.write_all(text.as_bytes())?;
    to.sync_all()?;
    drop(to);
    std::fs::rename(&new, file)
}

/// Make a folder nobody else may look into. One that is there is taken as it is.
///
/// # Errors
/// It cannot be made.
pub fn folder(folder: &Path) -> io::Result<()> {
    let builder = &mut std::fs::DirBuilder::new();
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(builder, 0o700);
    match builder.create(folder) {
        Err(error) if error.kind() != io::ErrorKind::AlreadyExists => Err(error),
        _ => Ok(()),
    }
}

fn open(file: &Path) -> io::Result<File> {
    let mut options = OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    options.open(file)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_written_is_read_again_and_by_nobody_else() {
        let room = tempfile::tempdir().unwrap();
        let inner = room.path().join("inner");
        folder(&inner).unwrap();
        folder(&inner).unwrap();
        let file = inner.join("keys.json");
        assert_eq!(read(&file, 100).unwrap(), None);
        write(&file, "one").unwrap();
        // what a run that was killed left behind is in nobody's way
        std::fs::write(inner.join("keys.new"), "left").unwrap();
        write(&file, "another").unwrap();
        assert_eq!(read(&file, 100).unwrap().as_deref(), Some("another"));
        assert_eq!(read(&file, 3).unwrap().as_deref(), Some("ano"));
        assert!(!inner.join("keys.new").exists());
        assert!(write(&room.path().join("missing/keys.json"), "x").is_err());
        #[cfg(unix)]
        {
            use std::os::unix::fs::PermissionsExt;
            let mode = |path: &Path| std::fs::metadata(path).unwrap().permissions().mode() & 0o777;
            assert_eq!((mode(&inner), mode(&file)), (0o700, 0o600));
        }
    }
}
