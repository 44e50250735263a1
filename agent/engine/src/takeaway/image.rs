//! The images on their way from the backend into the archive: packed as they come, piece by piece. If they cannot be
//! had after all, nothing of them stays in the archive.

use std::io::{self, Write};
use std::pin::Pin;
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll};

use flate2::Compression;
use flate2::write::GzEncoder;
use kitbag_plugin_host::{ByteWriter, Cancel};
use tokio::io::AsyncWrite;

use super::archive::Archive;
use crate::environment::Exporting;
use crate::error::EngineError;
use crate::sync::Progress;

const MB: u64 = 1_000_000;

type Shared<T> = Arc<Mutex<T>>;

/// Put them in under a name; inside, why they could not be had.
///
/// # Errors
/// The archive cannot be written.
pub(super) async fn pack(
    exporting: &Exporting<'_>,
    archive: &Shared<Archive>,
    (name, bytes): (&str, u64),
    progress: Arc<dyn Progress>,
    cancel: Cancel,
) -> Result<Result<(), String>, EngineError> {
    let file = {
        let mut archive = held(archive);
        archive.begin(name)?;
        archive.place_of_it().to_owned()
    };
    let failed = Arc::new(Mutex::new(None));
    // level 1: an image is mostly programs, and half a minute more saves little
    let encoder = GzEncoder::new(Entry(archive.clone(), failed.clone()), Compression::fast());
    let packing = Arc::new(Mutex::new(Some(encoder)));
    let to: ByteWriter = Box::new(Packing { encoder: packing.clone(), done: 0, bytes, progress });
    let moved = exporting.images(to, cancel).await;
    let finished = match held(&packing).take() {
        Some(encoder) => encoder.finish().map(drop),
        None => Ok(()),
    };
    // a full disk is the person's business, not the backend's
    if let Some(error) = held(&failed).take() {
        return Err(EngineError::io("cannot write", &file)(error));
    }
    finished.map_err(EngineError::io("cannot write", &file))?;
    match moved {
        Ok(_) => Ok(Ok(())),
        Err(fault) => {
            held(archive).forget()?;
            Ok(Err(format!("The images are not in here: {}", fault.message)))
        }
    }
}

fn held<T>(shared: &Shared<T>) -> std::sync::MutexGuard<'_, T> {
    shared.lock().unwrap_or_else(PoisonError::into_inner)
}

/// The entry of the archive, and why it could not be written.
struct Entry(Shared<Archive>, Shared<Option<io::Error>>);

impl Write for Entry {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        match held(&self.0).more(bytes) {
            Ok(()) => Ok(bytes.len()),
            Err(error) => {
                let told = io::Error::from(error.kind());
                held(&self.1).get_or_insert(error);
                Err(told)
            }
        }
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// Takes the stream; what it does is quick enough to be done on the spot.
struct Packing {
    encoder: Shared<Option<GzEncoder<Entry>>>,
    done: u64,
    bytes: u64,
    progress: Arc<dyn Progress>,
}

impl AsyncWrite for Packing {
    fn poll_write(mut self: Pin<&mut Self>, _: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        let written = match held(&self.encoder).as_mut() {
            Some(encoder) => encoder.write_all(bytes),
            None => Err(io::ErrorKind::BrokenPipe.into()),
        };
        self.done += bytes.len() as u64;
        let all = self.bytes.max(self.done);
        self.progress.at("MB of the course's programs packed", self.done / MB, all / MB);
        Poll::Ready(written.map(|()| bytes.len()))
    }

    fn poll_flush(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }

    fn poll_shutdown(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }
}
