//! A body that the plugin does not send itself, since it lies in a folder it cannot read: the files door packs it
//! while it is sent. One file is packed too, and the wrapping taken off again on the way. What cannot be packed is
//! known before anything is sent, where it fails at its beginning; where it fails later, the request breaks, so
//! that half an image is never taken for a whole one.

use std::path::PathBuf;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use bytes::{Buf, Bytes};
use http_body::{Body as HttpBody, Frame};
use http_body_util::BodyExt;
use tokio::io::DuplexStream;
use tokio::task::JoinHandle;

use super::WireError;
use super::body::{Body, Raw};
use crate::doors::{ByteWriter, FilesDoor};
use crate::fault::Fault;
use crate::filter::{Package, Refusal};

/// Bytes between the door and the engine.
const PIPE: usize = 256 << 10;
/// A block of a tar stream.
const BLOCK: usize = 512;

/// What a folder is that was named as a file.
const NO_FILE: &str = "it is no single file";

/// Begin to pack.
///
/// # Errors
/// It is not there, or cannot be packed.
pub async fn open(files: Arc<dyn FilesDoor>, folder: PathBuf, package: &Package) -> Result<Body, WireError> {
    let (from, into) = tokio::io::duplex(PIPE);
    let below = package.below.clone();
    let packing = tokio::spawn(async move {
        let mut into: ByteWriter = Box::new(into);
        files.pack(&folder, below.as_ref(), &mut into).await
    });
    let strip = (!package.packed).then(Strip::default);
    let raw = Raw { begun: Bytes::new(), from, ended: false };
    let mut body = Carried { raw, packing: Some(packing), strip, first: None };
    match body.frame().await {
        Some(Ok(frame)) => body.first = frame.into_data().ok(),
        Some(Err(error)) => {
            let place = package.below.as_ref().map_or("", kitbag_core::path::WorkPath::as_str);
            return Err(
                Refusal::new(format!("\"{}/{place}\" cannot be sent: {error}", package.folder)).into()
            );
        }
        None => {}
    }
    Ok(body.boxed_unsync())
}

struct Carried {
    raw: Raw<DuplexStream>,
    /// None: it has ended well.
    packing: Option<JoinHandle<Result<u64, Fault>>>,
    strip: Option<Strip>,
    first: Option<Bytes>,
}

impl Carried {
    /// The end of the stream is one only if the door says so too.
    fn ended(&mut self, cx: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, WireError>>> {
        let Some(packing) = &mut self.packing else { return Poll::Ready(None) };
        let Poll::Ready(ended) = Pin::new(packing).poll(cx) else { return Poll::Pending };
        self.packing = None;
        let broken = |why: String| Poll::Ready(Some(Err(WireError::Broken(why))));
        match ended {
            Ok(Ok(_)) if self.strip.as_ref().is_some_and(|strip| !strip.whole()) => {
                broken(NO_FILE.to_owned())
            }
            Ok(Ok(_)) => Poll::Ready(None),
            Ok(Err(fault)) => broken(fault.message),
            Err(error) => broken(error.to_string()),
        }
    }
}

impl HttpBody for Carried {
    type Data = Bytes;
    type Error = WireError;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, WireError>>> {
        if let Some(first) = self.first.take() {
            return Poll::Ready(Some(Ok(Frame::data(first))));
        }
        loop {
            let frame = match Pin::new(&mut self.raw).poll_frame(cx) {
                Poll::Ready(None) => return self.ended(cx),
                Poll::Ready(Some(Ok(frame))) => frame,
                other => return other,
            };
            let Some(strip) = &mut self.strip else { return Poll::Ready(Some(Ok(frame))) };
            let bytes = strip.pass(frame.into_data().unwrap_or_default());
            if strip.more {
                return Poll::Ready(Some(Err(WireError::Broken(NO_FILE.to_owned()))));
            }
            if !bytes.is_empty() {
                return Poll::Ready(Some(Ok(Frame::data(bytes))));
            }
        }
    }
}

impl Drop for Carried {
    fn drop(&mut self) {
        if let Some(packing) = &self.packing {
            packing.abort();
        }
    }
}

/// Takes the file out of a tar stream of one file.
#[derive(Debug, Default)]
struct Strip {
    head: Vec<u8>,
    /// Bytes of a longer name or the like, which come first.
    skip: u64,
    /// Bytes of the file that are still to come; none: it has not begun.
    left: Option<u64>,
    /// Bytes that fill its last block.
    filling: u64,
    /// Whether something else comes with it.
    more: bool,
}

impl Strip {
    /// What of these bytes is the file's.
    fn pass(&mut self, mut bytes: Bytes) -> Bytes {
        loop {
            if let Some(left) = &mut self.left {
                let most = usize::try_from(*left).unwrap_or(usize::MAX).min(bytes.len());
                *left -= most as u64;
                let file = bytes.split_to(most);
                let filled = usize::try_from(self.filling).unwrap_or(usize::MAX).min(bytes.len());
                self.filling -= filled as u64;
                bytes.advance(filled);
                self.more |= bytes.iter().any(|&byte| byte != 0);
                return file;
            }
            let skipped = usize::try_from(self.skip).unwrap_or(usize::MAX).min(bytes.len());
            self.skip -= skipped as u64;
            bytes.advance(skipped);
            let wanted = (BLOCK - self.head.len()).min(bytes.len());
            self.head.extend_from_slice(&bytes.split_to(wanted));
            if self.head.len() < BLOCK {
                return Bytes::new();
            }
            let size = size(&self.head[124..136]);
            match self.head[156] {
                b'0' | 0 => {
                    self.left = Some(size);
                    self.filling = size.next_multiple_of(BLOCK as u64) - size;
                }
                b'5' => self.more = true,
                _ => self.skip = size.div_ceil(BLOCK as u64).saturating_mul(BLOCK as u64),
            }
            self.head.clear();
        }
    }

    fn whole(&self) -> bool {
        self.left == Some(0) && !self.more
    }
}

/// Octal digits, or for what they cannot hold a number with the highest bit set.
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
    fn a_file_comes_out_of_its_wrapping() {
        for (name, size) in [("a", 0_usize), ("a", 1), ("a", 512), ("a", 100_001), (&"long/".repeat(60), 700)]
        {
            let file: Vec<u8> = (0..size).map(|at| (at % 251) as u8).collect();
            let mut archive = tar::Builder::new(Vec::new());
            let mut head = tar::Header::new_gnu();
            head.set_size(size as u64);
            archive.append_data(&mut head, format!("{name}x"), &file[..]).unwrap();
            let tar = archive.into_inner().unwrap();
            for piece in [1, 500, 513, 1 << 20] {
                let mut strip = Strip::default();
                let out: Vec<u8> =
                    tar.chunks(piece).flat_map(|chunk| strip.pass(Bytes::copy_from_slice(chunk))).collect();
                assert!(out == file && strip.whole(), "{size} bytes in pieces of {piece}");
            }
            let mut two = tar::Builder::new(Vec::new());
            for name in ["one", "two"] {
                let mut head = tar::Header::new_gnu();
                head.set_size(size as u64);
                two.append_data(&mut head, name, &file[..]).unwrap();
            }
            let mut strip = Strip::default();
            strip.pass(Bytes::from(two.into_inner().unwrap()));
            assert!(!strip.whole(), "two files are not one");
            let mut strip = Strip::default();
            strip.pass(Bytes::copy_from_slice(&tar[..tar.len().min(600) - 100]));
            assert!(!strip.whole(), "half of it is not the whole");
        }
    }
}
