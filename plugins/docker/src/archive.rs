//! Files into and out of a container as tar streams, also of one that does not run. What goes by is counted from
//! the archive's own headers. Names in it are the container's or the caller's business: the host refuses links and
//! paths that lead out where it unpacks.

use std::io::{self, Read, Write};

use kitbag_sdk::engine::Request;
use kitbag_sdk::{EnvRef, Fault, FaultCode};

use crate::api::{Api, refused};
use crate::{names, place};

/// Put the files of a tar stream into a folder that is there; gives their bytes.
///
/// # Errors
/// `not-found` for an absent environment or folder.
pub fn put(api: &Api<'_>, id: &EnvRef, path: &str, tar: &mut dyn Read) -> Result<u64, Fault> {
    let place = place::find(api, id, Some(path))?;
    let inside = place.path.ok_or_else(nowhere)?;
    let mut counting = Counting::new(tar);
    let at = format!("/containers/{}/archive?path={}", place.container.name, names::encode(&inside));
    let answer = api.send(Request::new("PUT", at).stream(&mut counting))?;
    match answer.status {
        200 => drop(crate::api::whole(answer)?),
        404 => return Err(absent(&inside)),
        _ => return Err(refused(answer)),
    }
    Ok(counting.files.bytes)
}

/// Write the files of a folder, or one file, as a tar stream; gives their bytes.
///
/// # Errors
/// `not-found` for an absent environment or path.
pub fn get(api: &Api<'_>, id: &EnvRef, path: &str, tar: &mut dyn Write) -> Result<u64, Fault> {
    let place = place::find(api, id, Some(path))?;
    let inside = place.path.ok_or_else(nowhere)?;
    let inside = inside.trim_end_matches('/');
    let at =
        |path: &str| format!("/containers/{}/archive?path={}", place.container.name, names::encode(path));
    // What is in a folder, not the folder: `.` says so. A file has no `.` in it.
    let mut answer = api.send(Request::new("GET", at(&format!("{inside}/."))))?;
    if answer.status != 200 && !inside.is_empty() {
        answer = api.send(Request::new("GET", at(inside)))?;
    }
    match answer.status {
        200 => {}
        404 => return Err(absent(inside)),
        _ => return Err(refused(answer)),
    }
    let mut counting = Counting::new(answer.body);
    io::copy(&mut counting, tar)?;
    tar.flush()?;
    Ok(counting.files.bytes)
}

fn nowhere() -> Fault {
    Fault::new(FaultCode::InvalidConfig, "No folder inside the environment was named.")
        .remedy("Write SERVICE:/FOLDER or /FOLDER.")
}

fn absent(path: &str) -> Fault {
    Fault::new(FaultCode::NotFound, format!("There is no {} in the environment.", crate::layout::shown(path)))
        .remedy("Look at the name; it begins with a slash.")
}

/// A tar stream that goes by, its files counted.
struct Counting<R> {
    from: R,
    files: Files,
}

impl<R: Read> Counting<R> {
    fn new(from: R) -> Self {
        Self { from, files: Files::default() }
    }
}

impl<R: Read> Read for Counting<R> {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        let count = self.from.read(into)?;
        self.files.pass(&into[..count]);
        Ok(count)
    }
}

/// Bytes of the files of a tar stream, found in its headers.
#[derive(Debug, Default)]
struct Files {
    bytes: u64,
    head: Vec<u8>,
    /// Bytes until the next header.
    skip: u64,
}

const BLOCK: u64 = 512;

impl Files {
    fn pass(&mut self, mut bytes: &[u8]) {
        while !bytes.is_empty() {
            let skipped = usize::try_from(self.skip).unwrap_or(usize::MAX).min(bytes.len());
            self.skip -= skipped as u64;
            bytes = &bytes[skipped..];
            let wanted = (BLOCK as usize - self.head.len()).min(bytes.len());
            self.head.extend(&bytes[..wanted]);
            bytes = &bytes[wanted..];
            if self.head.len() == BLOCK as usize {
                let size = size(&self.head[124..136]);
                // '0' and nothing are plain files, '7' is as good as one; headers of names and the like are not.
                if matches!(self.head[156], b'0' | b'7' | 0) {
                    self.bytes = self.bytes.saturating_add(size);
                }
                self.skip = size.div_ceil(BLOCK).saturating_mul(BLOCK);
                self.head.clear();
            }
        }
    }
}

/// Octal digits, or for what they cannot hold a number in the field's own bytes with the highest bit set.
fn size(field: &[u8]) -> u64 {
    if field[0] & 0x80 != 0 {
        return field[4..].iter().fold(0, |sum, &byte| (sum << 8) | u64::from(byte));
    }
    let digits = field.iter().filter(|byte| byte.is_ascii_digit());
    digits.fold(0, |sum, &byte| (sum << 3) | u64::from(byte - b'0'))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn files_are_counted_by_their_headers() {
        let mut archive = tar::Builder::new(Vec::new());
        let long = format!("{}/file", "folder".repeat(40));
        for (name, size) in [("a", 0_usize), ("b/c", 512), ("ü ü", 513), (long.as_str(), 100_000)] {
            let mut head = tar::Header::new_gnu();
            head.set_size(size as u64);
            head.set_mode(0o644);
            archive.append_data(&mut head, name, &vec![7; size][..]).unwrap();
        }
        let mut folder = tar::Header::new_gnu();
        folder.set_entry_type(tar::EntryType::Directory);
        folder.set_size(0);
        archive.append_data(&mut folder, "d", io::empty()).unwrap();
        let bytes = archive.into_inner().unwrap();
        for piece in [1, 7, 511, 512, 513, 100_000] {
            let mut files = Files::default();
            bytes.chunks(piece).for_each(|chunk| files.pass(chunk));
            assert_eq!(files.bytes, 512 + 513 + 100_000, "{piece}");
        }
    }

    #[test]
    fn sizes_beyond_octal() {
        assert_eq!(size(b"00000001750\0"), 1000);
        assert_eq!(size(&[0x80, 0, 0, 0, 0, 0, 0, 2, 0, 0, 0, 0]), 2 << 32);
    }
}
