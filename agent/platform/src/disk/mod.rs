//! The door to files. All file access of kitbag goes through [`Disk`], so that a simulated disk can count,
//! fail, tear and drop every step. The calls are those the sync needs and no more: nothing here replaces a
//! file somebody else may have written ([`Disk::rename_new`], [`Disk::exchange`]), no file is read or written
//! through a link at the last step, and nothing is opened but a plain file whose bytes lie on this disk.

mod ability;
mod real;
mod simulated;
#[cfg(test)]
mod suite;
#[cfg(unix)]
#[path = "real_unix.rs"]
mod system;
#[cfg(windows)]
#[path = "real_windows.rs"]
mod system;

use std::ffi::OsString;
use std::io::{self, Read, Seek, Write};
use std::path::{Path, PathBuf};

use kitbag_core::entry::Fingerprint;

pub use ability::{Ability, probe};
pub use real::RealDisk;
pub use simulated::{Call, Failure, Folding, Holder, Manners, SimulatedDisk};

/// What a name stands for, without following links.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum ItemKind {
    /// A plain file.
    File,
    /// A folder.
    Folder,
    /// A symbolic link, a Windows junction or mount point.
    Link,
    /// A pipe, socket, device or anything else kitbag does not carry.
    Other,
}

/// One name in a folder.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Item {
    /// The name exactly as the disk has it; it need not be UTF-8.
    pub name: OsString,
    /// What it stands for.
    pub kind: ItemKind,
}

/// One look at a path, without following a link at the last step.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Stat {
    /// What stands there.
    pub kind: ItemKind,
    /// Size, times and number: tells without reading whether it is the file looked at before.
    pub fingerprint: Fingerprint,
    /// The owner may run it. Always false on Windows.
    pub executable: bool,
    /// Its bytes are in the cloud and not on this disk. It counts as present; reading it would download it.
    pub placeholder: bool,
}

/// Why [`Disk::open`] did not open something that is there. Found inside the [`io::Error`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Refused {
    /// A link, folder, pipe, socket or device. Carried by [`io::ErrorKind::InvalidInput`].
    #[error("not a plain file")]
    NotPlain,
    /// A placeholder. Carried by [`io::ErrorKind::WouldBlock`].
    #[error("its bytes are not on this disk")]
    NotHere,
}

impl From<Refused> for io::Error {
    fn from(refused: Refused) -> Self {
        let kind = match refused {
            Refused::NotPlain => io::ErrorKind::InvalidInput,
            Refused::NotHere => io::ErrorKind::WouldBlock,
        };
        io::Error::new(kind, refused)
    }
}

/// A plain file open for reading.
pub trait Reading: Read + Seek + Send {
    /// Look at the open file itself, whatever its name stands for by now.
    ///
    /// # Errors
    /// What the system says.
    fn stat(&self) -> io::Result<Stat>;
}

/// A file being written. Dropped without [`Writing::finish`], it stays on the disk as far as it was written.
pub trait Writing: Write + Send {
    /// Let its owner run it, or not. Does nothing on Windows.
    ///
    /// # Errors
    /// What the system says.
    fn set_executable(&mut self, executable: bool) -> io::Result<()>;

    /// Close it. When `durable`, its bytes survive a power cut after this; its *name* does so only after
    /// [`Disk::sync_dir`] or [`Disk::sync_volume`]. On Windows the bytes are flushed in any case, because
    /// [`Disk::sync_volume`] can do nothing there.
    ///
    /// # Errors
    /// What the system says, a late "disk full" of a network drive among it.
    fn finish(self: Box<Self>, durable: bool) -> io::Result<Stat>;
}

/// The files of this computer. Paths are absolute. Calls may come from many threads.
///
/// Common errors: [`io::ErrorKind::NotFound`], [`io::ErrorKind::PermissionDenied`],
/// [`io::ErrorKind::StorageFull`], [`io::ErrorKind::ReadOnlyFilesystem`].
pub trait Disk: Send + Sync {
    /// The names in a folder, sorted by their bytes. No look at each file is taken. A link inside is listed
    /// as a link; `dir` itself may be one.
    ///
    /// # Errors
    /// Common ones; also when `dir` is not a folder.
    fn list(&self, dir: &Path) -> io::Result<Vec<Item>>;

    /// Look at what stands at the path; a link is looked at itself. Never downloads a placeholder.
    ///
    /// # Errors
    /// Common ones.
    fn stat(&self, path: &Path) -> io::Result<Stat>;

    /// Open a plain file for reading. Never blocks on a pipe and never downloads.
    ///
    /// # Errors
    /// Common ones; [`Refused`] for what is not a plain file here.
    fn open(&self, path: &Path) -> io::Result<Box<dyn Reading>>;

    /// Whether another program has a plain file open to write to; none where the system does not tell (macOS, network
    /// drives). Programs on other computers, or behind a shared folder of a virtual machine, are not seen.
    ///
    /// # Errors
    /// As [`Disk::open`].
    fn is_written_to(&self, path: &Path) -> io::Result<Option<bool>>;

    /// Make a new file.
    ///
    /// # Errors
    /// Common ones; [`io::ErrorKind::AlreadyExists`] when the name is taken, by a link too.
    fn create(&self, path: &Path) -> io::Result<Box<dyn Writing>>;

    /// Empty an existing plain file and write it anew in place, keeping its number. Only for providers that
    /// know a file by its number (Google Drive), after its old bytes are safe: a crash leaves it torn.
    ///
    /// # Errors
    /// Common ones; [`Refused`] as for [`Disk::open`].
    fn rewrite(&self, path: &Path) -> io::Result<Box<dyn Writing>>;

    /// Give a file or folder a name that is free, in one step.
    ///
    /// Where the file system cannot do that in one step, the name is taken first with a second (hard) link
    /// or an empty file or folder. Nobody's file is ever replaced, but a crash may leave both names or the
    /// empty one.
    ///
    /// # Errors
    /// Common ones; [`io::ErrorKind::AlreadyExists`] when `to` is taken; [`io::ErrorKind::CrossesDevices`].
    fn rename_new(&self, from: &Path, to: &Path) -> io::Result<()>;

    /// Swap what two names stand for. One step on Linux and macOS. On Windows `a` holds the old or the new
    /// file at every moment, and a crash may leave the one that came out under a temporary name of ours
    /// beside `b`.
    ///
    /// # Errors
    /// Common ones, when either is missing among them; [`io::ErrorKind::Unsupported`] where the system or
    /// the file system cannot, with nothing changed: rename away, then [`Disk::rename_new`].
    fn exchange(&self, a: &Path, b: &Path) -> io::Result<()>;

    /// Rename, replacing what is there. Only for our own files in machine state, and for a file a person told this program
    /// to write.
    ///
    /// # Errors
    /// Common ones; when `to` is a folder that is not empty.
    fn rename_over(&self, from: &Path, to: &Path) -> io::Result<()>;

    /// Remove a file or link.
    ///
    /// # Errors
    /// Common ones; when it is a folder.
    fn remove(&self, path: &Path) -> io::Result<()>;

    /// Remove an empty folder.
    ///
    /// # Errors
    /// Common ones; [`io::ErrorKind::DirectoryNotEmpty`]; when it is no folder.
    fn remove_dir(&self, path: &Path) -> io::Result<()>;

    /// Make one folder.
    ///
    /// # Errors
    /// Common ones; [`io::ErrorKind::AlreadyExists`].
    fn create_dir(&self, path: &Path) -> io::Result<()>;

    /// Make a folder and those above it, as far as they are missing.
    ///
    /// # Errors
    /// Common ones; when a name on the way is a file.
    fn create_dirs(&self, path: &Path) -> io::Result<()>;

    /// Copy a plain file to a new name, sharing its blocks where the file system can. Returns its size in
    /// bytes. Not durable by itself.
    ///
    /// # Errors
    /// As [`Disk::open`] and [`Disk::create`]. Nothing is left at `to` then.
    fn clone_or_copy(&self, from: &Path, to: &Path) -> io::Result<u64>;

    /// Make the names in a folder durable: what was created, renamed and removed there. The folder's own
    /// name lies in the folder above. On Windows as far as the system lets an ordinary user.
    ///
    /// # Errors
    /// What the system says.
    fn sync_dir(&self, dir: &Path) -> io::Result<()>;

    /// Make everything on the volume that holds `any_path` durable: bytes and names. On Windows there is no
    /// such call for an ordinary user: bytes were flushed by [`Writing::finish`], names are in the file
    /// system's journal.
    ///
    /// # Errors
    /// What the system says; when `any_path` does not exist.
    fn sync_volume(&self, any_path: &Path) -> io::Result<()>;

    /// Bytes this user may still write on the volume that holds `path`, which must exist.
    ///
    /// # Errors
    /// Common ones.
    fn free_space(&self, path: &Path) -> io::Result<u64>;

    /// Let a plain file's owner run it, or not. Does nothing where there is no such bit.
    ///
    /// # Errors
    /// As [`Disk::open`].
    fn set_executable(&self, path: &Path, executable: bool) -> io::Result<()>;

    /// What a link points to, with `/` between names, exactly as it is written there.
    ///
    /// # Errors
    /// Common ones; [`Refused::NotPlain`] when it is no symbolic link; [`io::ErrorKind::InvalidData`] when the text is
    /// not UTF-8.
    fn read_link(&self, path: &Path) -> io::Result<String>;

    /// Make a symbolic link that says `target`, with `/` between names. The target need not exist; where a link to a
    /// folder is another thing than one to a file (Windows), it is looked at.
    ///
    /// # Errors
    /// Common ones; [`io::ErrorKind::AlreadyExists`] when the name is taken; [`io::ErrorKind::Unsupported`] or
    /// [`io::ErrorKind::PermissionDenied`] where links cannot be made.
    fn create_link(&self, path: &Path, target: &str) -> io::Result<()>;

    /// Set when a file was last modified, in nanoseconds since 1970. Systems round.
    ///
    /// # Errors
    /// Common ones.
    fn set_modified(&self, path: &Path, nanos: i64) -> io::Result<()>;

    /// The path with all links resolved, to compare places. On Windows without `\\?\` where the plain form
    /// means the same.
    ///
    /// # Errors
    /// Common ones; the path must exist.
    fn canonical(&self, path: &Path) -> io::Result<PathBuf>;
}
