//! Random secrets of this machine in files only their owner can read: the access token of a workspace's services, and
//! the key that marks compiled plugins as ours. They lie in machine state and are never carried anywhere.

use std::fs::{File, OpenOptions};
use std::io::{self, Read, Write};
use std::path::Path;

use crate::doors::Doors;
use crate::error::EngineError;

/// The secret of a file, as hexadecimal, made on the spot when there is none; and whether it was made now.
///
/// # Errors
/// It cannot be read or written, or the system has no random source.
pub(super) fn secret(file: &Path, bytes: usize, doors: &Doors) -> Result<(String, bool), EngineError> {
    let mut text = String::new();
    match File::open(file).and_then(|open| open.take(1024).read_to_string(&mut text)) {
        Ok(_) if fits(&text, bytes) => return Ok((text, false)),
        Ok(_) => {}
        Err(error) if error.kind() == io::ErrorKind::NotFound => {}
        Err(error) => return Err(EngineError::io("cannot read", file)(error)),
    }
    let fail = || EngineError::io("cannot write", file);
    let text = doors.chance.token(bytes).map_err(fail())?;
    if let Some(folder) = file.parent() {
        doors.disk.create_dirs(folder).map_err(fail())?;
    }
    let new = file.with_extension("new");
    let written = (|| {
        match std::fs::remove_file(&new) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
            _ => {}
        }
        let mut to = private(&new)?;
        to.write_all(text.as_bytes())?;
        to.sync_all()?;
        doors.disk.rename_over(&new, file)
    })();
    written.map_err(fail())?;
    Ok((text, true))
}

/// The key made of a secret of 32 bytes.
pub(super) fn key(text: &str) -> [u8; 32] {
    let digit =
        |byte: u8| char::from(byte).to_digit(16).and_then(|digit| u8::try_from(digit).ok()).unwrap_or(0);
    let mut key = [0; 32];
    for (to, pair) in key.iter_mut().zip(text.as_bytes().chunks_exact(2)) {
        *to = digit(pair[0]) << 4 | digit(pair[1]);
    }
    key
}

fn fits(text: &str, bytes: usize) -> bool {
    text.len() == 2 * bytes && text.bytes().all(|byte| byte.is_ascii_hexdigit())
}

/// A new file that nobody else may read. On Windows the folder's own rights keep others out.
fn private(file: &Path) -> io::Result<File> {
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
    fn it_is_made_once_and_for_its_owner_only() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("deep/token");
        let doors = Doors::real();
        let (text, made) = secret(&file, 32, &doors).unwrap();
        assert!(made && fits(&text, 32));
        assert_eq!(secret(&file, 32, &doors).unwrap(), (text.clone(), false));
        #[cfg(unix)]
        {
            use std::os::unix::fs::PermissionsExt;
            assert_eq!(std::fs::metadata(&file).unwrap().permissions().mode() & 0o777, 0o600);
        }
        std::fs::write(&file, &text[..10]).unwrap();
        let (new, made) = secret(&file, 32, &doors).unwrap();
        assert!(made && new != text);
        assert_eq!(key(&"0f".repeat(32)), [15; 32]);
    }
}
