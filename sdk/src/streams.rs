//! The host's byte streams as `std::io::Read` and `Write`, so that any Rust code can use them. A fault of the
//! host travels inside the `io::Error` and comes out again with `?`.

use std::io;

use crate::{Reader, Writer};

/// The host takes at most this many bytes at once.
const MOST: usize = 1 << 20;

impl io::Read for &Reader {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        let most = u32::try_from(into.len()).unwrap_or(u32::MAX);
        let bytes = Reader::read(self, most).map_err(io::Error::other)?;
        // A host that gives more than was asked for is a fault of the host; better short than a panic.
        let count = bytes.len().min(into.len());
        into[..count].copy_from_slice(&bytes[..count]);
        Ok(count)
    }
}

impl io::Write for &Writer {
    fn write(&mut self, from: &[u8]) -> io::Result<usize> {
        let count = from.len().min(MOST);
        Writer::write(self, &from[..count]).map_err(io::Error::other)?;
        Ok(count)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}
