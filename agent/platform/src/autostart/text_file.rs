//! Small texts of a person's settings, in files and links: read, written whole or not at all, removed.

use std::fs;
use std::io::{self, Read, Write};
use std::path::Path;

use super::Place;

/// No such text is longer, in bytes; more is somebody else's.
const LONGEST: u64 = 64 << 10;

/// What stands at a place; none where nothing does.
pub(super) fn read(place: &Place) -> io::Result<Option<String>> {
    match place {
        Place::File(file) => read_file(file),
        Place::Link(link) => read_link(link),
        Place::RunValue(_) => Ok(None),
    }
}

/// Put a text at a place, whatever stands there.
pub(super) fn write(place: &Place, text: &str) -> io::Result<()> {
    match place {
        Place::File(file) => write_file(file, text),
        Place::Link(link) => put(link, |new| std::os::unix::fs::symlink(text, new)),
        Place::RunValue(_) => Err(io::ErrorKind::Unsupported.into()),
    }
}

/// Take away what stands at a place; fine where nothing does.
pub(super) fn remove(place: &Place) -> io::Result<()> {
    match place {
        Place::File(file) | Place::Link(file) => remove_file(file),
        Place::RunValue(_) => Ok(()),
    }
}

/// What a file says. What is no text shows as such.
fn read_file(file: &Path) -> io::Result<Option<String>> {
    let open = match fs::File::open(file) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        other => other?,
    };
    let mut bytes = Vec::new();
    open.take(LONGEST).read_to_end(&mut bytes)?;
    Ok(Some(String::from_utf8_lossy(&bytes).into_owned()))
}

/// Where a link leads; empty where something else is.
fn read_link(link: &Path) -> io::Result<Option<String>> {
    match fs::read_link(link) {
        Ok(target) => Ok(Some(target.to_string_lossy().into_owned())),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        // it is no link
        Err(error) if error.kind() == io::ErrorKind::InvalidInput => Ok(Some(String::new())),
        Err(error) => Err(error),
    }
}

fn write_file(file: &Path, text: &str) -> io::Result<()> {
    put(file, |new| {
        let mut open = fs::File::create_new(new)?;
        open.write_all(text.as_bytes())?;
        open.sync_all()
    })
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
    remove_file(&new)?;
    let made = make(&new).and_then(|()| fs::rename(&new, file));
    if made.is_err() {
        // what cannot be removed either does no harm under that name
        let _ = fs::remove_file(&new);
    }
    made
}

fn remove_file(file: &Path) -> io::Result<()> {
    match fs::remove_file(file) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
        other => other,
    }
}
