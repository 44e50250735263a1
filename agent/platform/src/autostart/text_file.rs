//! Small texts of a person's settings: read, written whole or not at all, removed.

use std::fs;
use std::io::{self, Read, Write};
use std::path::Path;

/// No such text is longer, in bytes; more is somebody else's.
const LONGEST: u64 = 64 << 10;

/// What a file says; none where there is none. What is no text shows as such.
pub(super) fn read(file: &Path) -> io::Result<Option<String>> {
    let open = match fs::File::open(file) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        other => other?,
    };
    let mut bytes = Vec::new();
    open.take(LONGEST).read_to_end(&mut bytes)?;
    Ok(Some(String::from_utf8_lossy(&bytes).into_owned()))
}

/// Where a link leads; none where nothing is, empty where something else is.
pub(super) fn read_link(link: &Path) -> io::Result<Option<String>> {
    match fs::read_link(link) {
        Ok(target) => Ok(Some(target.to_string_lossy().into_owned())),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        // it is no link
        Err(error) if error.kind() == io::ErrorKind::InvalidInput => Ok(Some(String::new())),
        Err(error) => Err(error),
    }
}

/// Put a text in place of what is there.
pub(super) fn write(file: &Path, text: &str) -> io::Result<()> {
    put(file, |new| {
        let mut open = fs::File::create_new(new)?;
        open.write_all(text.as_bytes())?;
        open.sync_all()
    })
}

/// The same with a link.
pub(super) fn write_link(link: &Path, target: &str) -> io::Result<()> {
    put(link, |new| std::os::unix::fs::symlink(target, new))
}

/// Made beside its place, under a name nobody else uses, and then given its own.
fn put(file: &Path, make: impl Fn(&Path) -> io::Result<()>) -> io::Result<()> {
    let (Some(folder), Some(name)) = (file.parent(), file.file_name()) else {
        return Err(io::ErrorKind::InvalidInput.into());
    };
    fs::create_dir_all(folder)?;
    let mut hidden = std::ffi::OsString::from(".");
    hidden.push(name);
    hidden.push(format!(".{}.kitbag-new", std::process::id()));
    let new = folder.join(hidden);
    remove(&new)?;
    let made = make(&new).and_then(|()| fs::rename(&new, file));
    if made.is_err() {
        // what cannot be removed either does no harm under that name
        let _ = fs::remove_file(&new);
    }
    made
}

/// Fine where nothing is.
pub(super) fn remove(file: &Path) -> io::Result<()> {
    match fs::remove_file(file) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
        other => other,
    }
}
