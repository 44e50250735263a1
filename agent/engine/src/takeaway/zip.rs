//! The zip format, as far as it is written here (PKWARE, APPNOTE 6.3.10): plain or deflated entries with UTF-8 names,
//! Unix rights and times, sizes of 32 or 64 bits, and a directory at the end. An entry's sizes are put into its head
//! when they are known, so every reader finds them there; an entry that shall not be is written over. Only the directory
//! grows in memory, by a hundred bytes a file.

use std::io::{self, Read, Seek, SeekFrom, Write};

use flate2::write::DeflateEncoder;
use flate2::{Compression, Crc};
use kitbag_platform::clock::rfc3339;

/// From this size on an entry gets 64-bit sizes: deflating can make it a little longer.
const LARGE: u64 = 4_000_000_000;
/// Where 32 bits end, and what stands there for "see the 64-bit field".
const END32: u64 = 0xffff_ffff;
/// Names are UTF-8.
const UTF8: u16 = 1 << 11;
/// Made on Unix, by the rules of version 4.5.
const MADE_BY: u16 = 3 << 8 | 45;
const STORED: u16 = 0;
const DEFLATED: u16 = 8;

/// What an entry is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    /// A folder; its name ends in a slash.
    Folder,
    /// A file, and whether it may be run.
    File(bool),
    /// A link; its bytes are where it leads.
    Link,
}

/// An entry about to be written.
#[derive(Debug, Clone)]
pub(super) struct Head<'a> {
    pub(super) name: &'a str,
    pub(super) kind: Kind,
    /// Nanoseconds since 1970.
    pub(super) modified: i64,
    /// Its bytes, or the most there can be.
    pub(super) most: u64,
    /// Whether it is worth packing.
    pub(super) pack: bool,
}

struct Open {
    /// Where its head is.
    start: u64,
    /// All of the head but sizes and checksum, twice as it stands in the file and in the directory.
    method: u16,
    time: [u16; 2],
    seconds: Option<u32>,
    name: Vec<u8>,
    large: bool,
    mode: u32,
    size: u64,
    packed: u64,
    crc: Crc,
    deflate: Option<DeflateEncoder<Vec<u8>>>,
}

/// An archive being written.
pub(super) struct Zip<W: Write + Seek> {
    out: W,
    at: u64,
    open: Option<Open>,
    /// The last one that was closed: where it began in the file and in the directory.
    last: Option<(u64, usize)>,
    directory: Vec<u8>,
    entries: u64,
}

/// Little-endian fields.
#[derive(Default)]
struct Fields(Vec<u8>);

impl Fields {
    fn two(mut self, values: &[u16]) -> Self {
        values.iter().for_each(|value| self.0.extend(value.to_le_bytes()));
        self
    }

    fn four(mut self, values: &[u32]) -> Self {
        values.iter().for_each(|value| self.0.extend(value.to_le_bytes()));
        self
    }

    fn eight(mut self, values: &[u64]) -> Self {
        values.iter().for_each(|value| self.0.extend(value.to_le_bytes()));
        self
    }

    fn bytes(mut self, bytes: &[u8]) -> Self {
        self.0.extend_from_slice(bytes);
        self
    }
}

/// The field, or the sign that it stands in the 64-bit part.
fn low(value: u64) -> u32 {
    u32::try_from(value).unwrap_or(u32::MAX)
}

fn length(bytes: &[u8]) -> io::Result<u16> {
    u16::try_from(bytes.len()).map_err(|_| io::ErrorKind::InvalidInput.into())
}

fn none_open() -> io::Error {
    io::Error::other("no entry is open")
}

impl<W: Write + Seek> Zip<W> {
    /// Into this, which is empty.
    pub(super) fn new(out: W) -> Self {
        Self { out, at: 0, open: None, last: None, directory: Vec::new(), entries: 0 }
    }

    fn put(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.out.write_all(bytes)?;
        self.at += bytes.len() as u64;
        Ok(())
    }

    /// Begin an entry; what is written from now on is its.
    pub(super) fn begin(&mut self, head: &Head<'_>) -> io::Result<()> {
        self.close()?;
        let mode = match head.kind {
            Kind::Folder => 0o40_755,
            Kind::File(true) => 0o100_755,
            Kind::File(false) => 0o100_644,
            Kind::Link => 0o120_777,
        };
        let packed = head.pack && head.kind != Kind::Folder;
        let open = Open {
            start: self.at,
            method: if packed { DEFLATED } else { STORED },
            time: old_form(head.modified / 1_000_000),
            seconds: u32::try_from(head.modified / 1_000_000_000).ok(),
            name: head.name.as_bytes().to_vec(),
            large: head.most >= LARGE,
            mode,
            size: 0,
            packed: 0,
            crc: Crc::new(),
            deflate: packed.then(|| DeflateEncoder::new(Vec::new(), Compression::new(6))),
        };
        let head = open.local()?;
        self.put(&head)?;
        self.open = Some(open);
        Ok(())
    }

    /// Take the open entry back, or the last one that was closed.
    pub(super) fn take_back(&mut self) -> io::Result<()> {
        let start = match (self.open.take(), self.last.take()) {
            (Some(open), last) => {
                self.last = last;
                open.start
            }
            (None, Some((start, directory))) => {
                self.directory.truncate(directory);
                self.entries -= 1;
                start
            }
            (None, None) => return Ok(()),
        };
        self.at = self.out.seek(SeekFrom::Start(start))?;
        Ok(())
    }

    fn drain(&mut self) -> io::Result<()> {
        let open = self.open.as_mut().ok_or_else(none_open)?;
        let Some(deflate) = &mut open.deflate else { return Ok(()) };
        let bytes = std::mem::take(deflate.get_mut());
        open.packed += bytes.len() as u64;
        self.out.write_all(&bytes)?;
        self.at += bytes.len() as u64;
        Ok(())
    }

    fn close(&mut self) -> io::Result<()> {
        let Some(open) = &mut self.open else { return Ok(()) };
        if let Some(mut deflate) = open.deflate.take() {
            deflate.try_finish()?;
            let bytes = std::mem::take(deflate.get_mut());
            open.packed += bytes.len() as u64;
            self.out.write_all(&bytes)?;
            self.at += bytes.len() as u64;
        }
        let Some(open) = self.open.take() else { return Ok(()) };
        if !open.large && (open.size > END32 || open.packed > END32) {
            return Err(io::Error::other("an entry is larger than it was said to be"));
        }
        self.out.seek(SeekFrom::Start(open.start))?;
        self.out.write_all(&open.local()?)?;
        self.out.seek(SeekFrom::Start(self.at))?;
        self.last = Some((open.start, self.directory.len()));
        self.directory.extend(open.central()?);
        self.entries += 1;
        Ok(())
    }

    /// Write the directory. Gives the file back, and its length.
    pub(super) fn finish(mut self) -> io::Result<(W, u64)> {
        self.close()?;
        let (start, directory) = (self.at, std::mem::take(&mut self.directory));
        self.put(&directory)?;
        let (size, entries, end) = (directory.len() as u64, self.entries, self.at);
        if entries >= 0xffff || size >= END32 || start >= END32 {
            let record = Fields::default()
                .bytes(b"PK\x06\x06")
                .eight(&[44])
                .two(&[MADE_BY, 45])
                .four(&[0, 0])
                .eight(&[entries, entries, size, start])
                .bytes(b"PK\x06\x07")
                .four(&[0])
                .eight(&[end])
                .four(&[1]);
            self.put(&record.0)?;
        }
        let few = u16::try_from(entries).unwrap_or(u16::MAX);
        let end = Fields::default()
            .bytes(b"PK\x05\x06")
            .two(&[0, 0, few, few])
            .four(&[low(size), low(start)])
            .two(&[0]);
        self.put(&end.0)?;
        self.out.flush()?;
        Ok((self.out, self.at))
    }
}

impl<W: Write + Seek> Write for Zip<W> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let open = self.open.as_mut().ok_or_else(none_open)?;
        open.size += bytes.len() as u64;
        open.crc.update(bytes);
        match &mut open.deflate {
            Some(deflate) => {
                deflate.write_all(bytes)?;
                self.drain()?;
            }
            None => {
                open.packed += bytes.len() as u64;
                self.put(bytes)?;
            }
        }
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl Open {
    /// What is the same in both places: version needed, flags, method, time, checksum, sizes.
    fn common(&self, with_sizes: bool) -> Fields {
        let version = if self.large { 45 } else { 20 };
        let sizes = if with_sizes { [low(self.packed), low(self.size)] } else { [u32::MAX; 2] };
        Fields::default()
            .two(&[version, UTF8, self.method, self.time[0], self.time[1]])
            .four(&[self.crc.sum()])
            .four(&sizes)
    }

    fn times(&self) -> Vec<u8> {
        let field = |seconds| Fields::default().bytes(b"UT").two(&[5]).bytes(&[1]).four(&[seconds]).0;
        self.seconds.map(field).unwrap_or_default()
    }

    fn local(&self) -> io::Result<Vec<u8>> {
        let mut extra = self.times();
        if self.large {
            extra.extend(Fields::default().two(&[1, 16]).eight(&[self.size, self.packed]).0);
        }
        let head = Fields::default()
            .bytes(b"PK\x03\x04")
            .bytes(&self.common(!self.large).0)
            .two(&[length(&self.name)?, length(&extra)?])
            .bytes(&self.name)
            .bytes(&extra);
        Ok(head.0)
    }

    fn central(&self) -> io::Result<Vec<u8>> {
        let mut extra = self.times();
        let wide = [self.size, self.packed, self.start].map(|value| (value >= END32).then_some(value));
        let wide: Vec<u64> = wide.into_iter().flatten().collect();
        if !wide.is_empty() {
            let bytes = Fields::default().eight(&wide).0;
            extra.extend(Fields::default().two(&[1, length(&bytes)?]).bytes(&bytes).0);
        }
        let folder = if self.mode & 0o40_000 == 0 { 0 } else { 0x10 };
        let entry = Fields::default()
            .bytes(b"PK\x01\x02")
            .two(&[MADE_BY])
            .bytes(&self.common(true).0)
            .two(&[length(&self.name)?, length(&extra)?, 0, 0, 0])
            .four(&[self.mode << 16 | folder, low(self.start)])
            .bytes(&self.name)
            .bytes(&extra);
        Ok(entry.0)
    }
}

/// Time and date as MS-DOS had them, in UTC, for it knew no zones; 1980 for times it cannot have.
fn old_form(millis: i64) -> [u16; 2] {
    let text = rfc3339(millis);
    let number = |from: usize, to: usize| text.get(from..to)?.parse::<u16>().ok();
    let parts = || {
        let year = number(0, 4)?.checked_sub(1980).filter(|year| *year < 128)?;
        let date = year << 9 | number(5, 7)? << 5 | number(8, 10)?;
        Some([number(11, 13)? << 11 | number(14, 16)? << 5 | (number(17, 19)? / 2), date])
    };
    parts().unwrap_or([0, 1 << 5 | 1])
}

/// Copy at most so many bytes; how many came.
///
/// # Errors
/// Inside: reading failed. Outside: writing.
pub(super) fn copy(from: &mut dyn Read, to: &mut dyn Write, most: u64) -> io::Result<io::Result<u64>> {
    let mut buffer = vec![0; 256 * 1024];
    let mut read = 0;
    while read < most {
        let want = buffer.len().min(usize::try_from(most - read).unwrap_or(usize::MAX));
        match from.read(&mut buffer[..want]) {
            Ok(0) => break,
            Ok(n) => {
                to.write_all(&buffer[..n])?;
                read += n as u64;
            }
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Ok(Err(error)),
        }
    }
    Ok(Ok(read))
}

#[cfg(test)]
mod tests;
