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
pub(crate) struct Counting<R> {
    from: R,
    pub(crate) files: Files,
}

impl<R: Read> Counting<R> {
    /// Nothing has gone by yet.
    pub(crate) fn new(from: R) -> Self {
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
pub(crate) struct Files {
    pub(crate) bytes: u64,
    /// Files, folders and whatever else has a name.
    pub(crate) entries: u64,
    head: Vec<u8>,
    /// Bytes until the next header.
    skip: u64,
    /// What is said in more words of the entry to come, and how much of that is still to come.
    said: Vec<u8>,
    saying: u64,
    /// Empty headers in a row: two are the end.
    empty: u8,
}

const BLOCK: u64 = 512;
/// More is never said of an entry.
const SAID: u64 = 1 << 20;

impl Files {
    /// Whether the stream came to its own end: an engine that fails on the way ends its answer like any other.
    pub(crate) fn whole(&self) -> bool {
        self.empty >= 2
    }

    fn pass(&mut self, mut bytes: &[u8]) {
        while !bytes.is_empty() {
            let skipped = usize::try_from(self.skip).unwrap_or(usize::MAX).min(bytes.len());
            let said = usize::try_from(self.saying).unwrap_or(usize::MAX).min(skipped);
            self.said.extend(&bytes[..said]);
            self.saying -= said as u64;
            self.skip -= skipped as u64;
            bytes = &bytes[skipped..];
            let wanted = (BLOCK as usize - self.head.len()).min(bytes.len());
            self.head.extend(&bytes[..wanted]);
            bytes = &bytes[wanted..];
            if self.head.len() == BLOCK as usize {
                self.header();
                self.head.clear();
            }
        }
    }

    fn header(&mut self) {
        if self.head.iter().all(|&byte| byte == 0) {
            self.empty = self.empty.saturating_add(1);
            return;
        }
        self.empty = 0;
        let mut size = size(&self.head[124..136]);
        match self.head[156] {
            // what is said of the next entry, its size among it where the header is too small for that
            b'x' => {
                self.said.clear();
                self.saying = size.min(SAID);
            }
            b'g' | b'L' | b'K' => {}
            kind => {
                size = said_size(&self.said).unwrap_or(size);
                self.said.clear();
                self.entries += 1;
                // '0' and nothing are plain files, '7' is as good as one
                if matches!(kind, b'0' | b'7' | 0) {
                    self.bytes = self.bytes.saturating_add(size);
                }
            }
        }
        self.skip = size.div_ceil(BLOCK).saturating_mul(BLOCK);
    }
}

/// The size among lines of `LENGTH KEY=VALUE`.
fn said_size(said: &[u8]) -> Option<u64> {
    let lines = said.split(|&byte| byte == b'\n');
    let value = lines.filter_map(|line| std::str::from_utf8(line).ok()?.split_once(" size=")).next_back()?.1;
    value.parse().ok()
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
            assert_eq!(
                (files.bytes, files.entries, files.whole()),
                (512 + 513 + 100_000, 5, true),
                "{piece}"
            );
            let mut half = Files::default();
            bytes[..bytes.len() - 600].chunks(piece).for_each(|chunk| half.pass(chunk));
            assert!(!half.whole(), "{piece}");
        }
    }

    /// As the engine writes a file of more than 8 GiB: the header holds no size, the words before it do.
    #[test]
    fn a_size_that_is_said_in_words() {
        let mut archive = tar::Builder::new(Vec::new());
        archive.append_pax_extensions([("mtime", b"1.5".as_slice()), ("size", b"1000")]).unwrap();
        let mut bytes = archive.into_inner().unwrap();
        bytes.truncate(1024);
        let mut head = tar::Header::new_ustar();
        head.set_path("big").unwrap();
        head.set_size(0);
        head.set_cksum();
        bytes.extend(head.as_bytes());
        bytes.extend([7; 1000]);
        bytes.extend([0; 24 + 1024]);
        for piece in [1, 513, 10_000] {
            let mut files = Files::default();
            bytes.chunks(piece).for_each(|chunk| files.pass(chunk));
            assert_eq!((files.bytes, files.entries, files.whole()), (1000, 1, true), "{piece}");
        }
    }

    #[test]
    fn sizes_beyond_octal() {
        assert_eq!(size(b"00000001750\0"), 1000);
        assert_eq!(size(&[0x80, 0, 0, 0, 0, 0, 0, 2, 0, 0, 0, 0]), 2 << 32);
    }
}
