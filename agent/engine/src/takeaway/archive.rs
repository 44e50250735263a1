//! The archive: one zip file with one folder in it, for it opens by a double click on Windows and macOS and with what is
//! there on Linux. Texts are packed, the images inside are packed already. Names are written as every system can have
//! them, and no two are one where capitals do not count. It is written into a file of our own, straight through, never
//! as a whole in memory.

use std::collections::BTreeSet;
use std::fs::File;
use std::io::{self, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};

use kitbag_core::names::{Naming, decode};
use kitbag_core::path::{WorkPath, folded};
use kitbag_platform::disk::{Disk, Reading, Stat};
use kitbag_plugin_host::Cancel;

use super::target::Partial;
use super::zip::{Head, Kind, Zip, copy};
use crate::error::EngineError;

/// How often a file is read that changes meanwhile.
const TRIES: usize = 3;
const BUFFER: usize = 256 * 1024;

/// Where the bytes go.
struct Out {
    file: io::BufWriter<File>,
    cancel: Cancel,
}

impl Write for Out {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        if self.cancel.is_cancelled() {
            return Err(io::Error::other("cancelled"));
        }
        self.file.write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.file.flush()
    }
}

impl Seek for Out {
    fn seek(&mut self, to: SeekFrom) -> io::Result<u64> {
        self.file.seek(to)
    }
}

/// How adding a file went.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Added {
    /// As it is.
    Whole,
    /// It changed each time it was read; the last reading is in.
    Changing,
}

/// An archive being written.
pub(crate) struct Archive {
    zip: Option<Zip<Out>>,
    file: PathBuf,
    top: String,
    /// Names given out, folded.
    taken: BTreeSet<String>,
    /// When what is made here was made, in nanoseconds since 1970.
    now: i64,
}

impl Archive {
    /// Begin it, with everything in a folder of this name.
    pub(crate) fn create(
        partial: &Partial,
        top: &str,
        now_millis: i64,
        cancel: Cancel,
    ) -> Result<Self, EngineError> {
        let file = partial.file.clone();
        // sizes are put into heads when they are known, which the disk's own door cannot; nobody else uses this name
        let open = File::create_new(&file).map_err(EngineError::io("cannot write", &file))?;
        let out = Out { file: io::BufWriter::with_capacity(BUFFER, open), cancel };
        let now = now_millis.saturating_mul(1_000_000);
        let mut archive =
            Self { zip: Some(Zip::new(out)), file, top: top.to_owned(), taken: BTreeSet::new(), now };
        archive.folder("")?;
        Ok(archive)
    }

    /// The file it is written to.
    pub(super) fn place_of_it(&self) -> &Path {
        &self.file
    }

    /// Do something with the zip; what goes wrong is about this file.
    fn write<T>(&mut self, work: impl FnOnce(&mut Zip<Out>) -> io::Result<T>) -> Result<T, EngineError> {
        let done = match self.zip.as_mut() {
            Some(zip) => work(zip),
            None => Err(io::ErrorKind::BrokenPipe.into()),
        };
        done.map_err(EngineError::io("cannot write", &self.file))
    }

    fn name(&self, below: &str) -> String {
        if below.is_empty() { self.top.clone() } else { format!("{}/{below}", self.top) }
    }

    /// A name for what is called so on this disk, free in the archive: its own as far as every system can have it.
    pub(super) fn place(&mut self, folder: &str, path: &WorkPath) -> String {
        let decoded: Vec<_> = path.names().map(decode).collect();
        // a name that means nothing when decoded stays as it stands on the disk
        let meant = WorkPath::parse(&decoded.join("/")).unwrap_or_else(|_| path.clone());
        let plain = format!("{folder}/{}", Naming::Windows.encode(&meant));
        if self.taken.insert(folded(&plain)) {
            return plain;
        }
        let twin = format!("{folder}/{}", Naming::Windows.twin(path));
        self.taken.insert(folded(&twin));
        twin
    }

    /// A folder, perhaps empty.
    pub(super) fn folder(&mut self, below: &str) -> Result<(), EngineError> {
        let (name, modified) = (format!("{}/", self.name(below)), self.now);
        self.write(|zip| zip.begin(&Head { name: &name, kind: Kind::Folder, modified, most: 0, pack: false }))
    }

    /// A text of our own.
    pub(crate) fn text(&mut self, name: &str, text: &str, executable: bool) -> Result<(), EngineError> {
        let (name, modified) = (self.name(name), self.now);
        let most = text.len() as u64;
        self.write(|zip| {
            zip.begin(&Head { name: &name, kind: Kind::File(executable), modified, most, pack: true })?;
            zip.write_all(text.as_bytes())
        })
    }

    /// A link that says this.
    pub(super) fn link(&mut self, name: &str, target: &str) -> Result<(), EngineError> {
        let (name, modified) = (self.name(name), self.now);
        let most = target.len() as u64;
        self.write(|zip| {
            zip.begin(&Head { name: &name, kind: Kind::Link, modified, most, pack: false })?;
            zip.write_all(target.as_bytes())
        })
    }

    /// A file of this disk. One that changes while it is read is read again.
    ///
    /// # Errors
    /// Inside: the file cannot be read; nothing of it is in the archive. Outside: the archive cannot be written.
    pub(super) fn file(
        &mut self,
        disk: &dyn Disk,
        from: &Path,
        name: &str,
    ) -> Result<io::Result<Added>, EngineError> {
        for left in (0..TRIES).rev() {
            let open = disk.open(from).and_then(|open| open.stat().map(|stat| (open, stat)));
            let (open, before) = match open {
                Ok(found) => found,
                Err(error) => return Ok(Err(error)),
            };
            match self.once(name, open, before)? {
                Ok(stat)
                    if stat == before.fingerprint
                        && disk.stat(from).is_ok_and(|now| now.fingerprint == stat) =>
                {
                    return Ok(Ok(Added::Whole));
                }
                Ok(_) if left == 0 => return Ok(Ok(Added::Changing)),
                Ok(_) => self.forget()?,
                Err(error) => {
                    self.forget()?;
                    return Ok(Err(error));
                }
            }
        }
        Ok(Ok(Added::Changing))
    }

    /// What the file is after it was read; its size is how much came.
    fn once(
        &mut self,
        name: &str,
        mut open: Box<dyn Reading>,
        before: Stat,
    ) -> Result<io::Result<kitbag_core::entry::Fingerprint>, EngineError> {
        let Stat { fingerprint, executable, .. } = before;
        let name = self.name(name);
        let head = Head {
            name: &name,
            kind: Kind::File(executable),
            modified: fingerprint.modified,
            most: fingerprint.size,
            pack: true,
        };
        let read = self.write(|zip| {
            zip.begin(&head)?;
            copy(&mut open, zip, fingerprint.size)
        })?;
        Ok(read.and_then(|size| {
            let after = open.stat()?.fingerprint;
            Ok(if size == fingerprint.size {
                after
            } else {
                kitbag_core::entry::Fingerprint { size, ..after }
            })
        }))
    }

    /// Begin an entry of unknown size whose bytes are packed already; [`Archive::more`] fills it.
    pub(super) fn begin(&mut self, name: &str) -> Result<(), EngineError> {
        let (name, modified) = (self.name(name), self.now);
        let head = Head { name: &name, kind: Kind::File(false), modified, most: u64::MAX, pack: false };
        self.write(|zip| zip.begin(&head))
    }

    /// More bytes of the entry that was begun.
    pub(super) fn more(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.zip.as_mut().ok_or(io::ErrorKind::BrokenPipe)?.write_all(bytes)
    }

    /// The entry that was begun shall not be.
    pub(super) fn forget(&mut self) -> Result<(), EngineError> {
        self.write(Zip::take_back)
    }

    /// Write its end, and make it durable. Gives its bytes.
    pub(crate) fn finish(&mut self) -> Result<u64, EngineError> {
        let zip = self.zip.take();
        let finished = || {
            let (out, end) = zip.ok_or(io::ErrorKind::BrokenPipe)?.finish()?;
            let file = out.file.into_inner().map_err(io::IntoInnerError::into_error)?;
            // an entry that was read again may have been longer before
            file.set_len(end)?;
            file.sync_all()?;
            Ok(end)
        };
        finished().map_err(EngineError::io("cannot write", &self.file))
    }
}
