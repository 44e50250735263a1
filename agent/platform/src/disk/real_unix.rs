//! What the disk does differently on Linux and macOS: opening without following or blocking, renames that
//! refuse to replace, swaps, shared blocks, flushing a whole volume. File systems differ more than systems
//! do (NFS, FAT, FUSE and network drives lack most of it), so each special call has an honest way round.

use std::fs::{self, File, Metadata};
use std::io;
use std::os::unix::fs::{MetadataExt, PermissionsExt};
use std::path::{Path, PathBuf};

use kitbag_core::entry::Fingerprint;
use rustix::fs::{AtFlags, CWD, Mode, OFlags, RenameFlags, Timespec, Timestamps, UTIME_OMIT};
use rustix::io::Errno;

use super::{ItemKind, Refused, Stat};

/// One call flushes the whole volume, so single files need not be.
pub(super) const VOLUME_FLUSH: bool = true;

const NANOS: i64 = 1_000_000_000;

fn nanos(seconds: i64, rest: i64) -> i64 {
    seconds.saturating_mul(NANOS).saturating_add(rest)
}

fn stat_of(meta: &Metadata) -> Stat {
    let kind = match meta.file_type() {
        t if t.is_file() => ItemKind::File,
        t if t.is_dir() => ItemKind::Folder,
        t if t.is_symlink() => ItemKind::Link,
        _ => ItemKind::Other,
    };
    Stat {
        kind,
        fingerprint: Fingerprint {
            size: meta.size(),
            modified: nanos(meta.mtime(), meta.mtime_nsec()),
            changed: nanos(meta.ctime(), meta.ctime_nsec()),
            file: meta.ino(),
        },
        executable: kind == ItemKind::File && meta.mode() & 0o100 != 0,
        placeholder: placeholder(meta),
    }
}

#[cfg(target_os = "macos")]
fn placeholder(meta: &Metadata) -> bool {
    /// The system fetches the content when it is read (`sys/stat.h`).
    const SF_DATALESS: u32 = 0x4000_0000;
    std::os::macos::fs::MetadataExt::st_flags(meta) & SF_DATALESS != 0
}

/// No cloud client leaves files without bytes in a Linux folder in a way that can be told.
#[cfg(not(target_os = "macos"))]
fn placeholder(_: &Metadata) -> bool {
    false
}

pub(super) fn stat(path: &Path) -> io::Result<Stat> {
    fs::symlink_metadata(path).map(|meta| stat_of(&meta))
}

pub(super) fn stat_open(file: &File) -> io::Result<Stat> {
    file.metadata().map(|meta| stat_of(&meta))
}

/// Open what is a plain file and here; for writing in place when `write`, without emptying it.
pub(super) fn open_plain(path: &Path, write: bool) -> io::Result<File> {
    let access = if write { OFlags::WRONLY } else { OFlags::RDONLY };
    // NONBLOCK: a pipe with nobody at the other end must not hold us up. It means nothing for plain files.
    let flags = access | OFlags::NOFOLLOW | OFlags::NONBLOCK | OFlags::NOCTTY | OFlags::CLOEXEC;
    let file = match rustix::fs::open(path, flags, Mode::empty()) {
        Ok(descriptor) => File::from(descriptor),
        // A link, a pipe or socket nobody reads, a folder opened for writing.
        Err(Errno::LOOP | Errno::NXIO | Errno::ISDIR | Errno::OPNOTSUPP) => {
            return Err(Refused::NotPlain.into());
        }
        Err(error) => return Err(error.into()),
    };
    let stat = stat_open(&file)?;
    if stat.kind != ItemKind::File {
        return Err(Refused::NotPlain.into());
    }
    if stat.placeholder {
        return Err(Refused::NotHere.into());
    }
    Ok(file)
}

/// The kernel grants a read lease only on a file that nobody has open for writing, and refuses it at once.
#[cfg(all(target_os = "linux", any(target_arch = "x86_64", target_arch = "aarch64")))]
#[allow(unsafe_code)]
pub(super) fn is_written_to(path: &Path) -> io::Result<Option<bool>> {
    use std::os::fd::AsRawFd;
    // `fcntl.h` and `signal.h` of these processors
    const SET_SIGNAL: i32 = 10;
    const SET_LEASE: i32 = 1024;
    const READ_LEASE: i32 = 0;
    const NO_LEASE: i32 = 2;
    const URGENT: i32 = 23;
    unsafe extern "C" {
        fn fcntl(descriptor: i32, command: i32, ...) -> i32;
    }
    let file = open_plain(path, false)?;
    // SAFETY: plain numbers go in, and the descriptor is open for as long as `file` lives.
    let ask = |command: i32, value: i32| unsafe { fcntl(file.as_raw_fd(), command, value) };
    // who opens it in the moment between makes the kernel send a signal: one that is ignored, not one that kills
    if ask(SET_SIGNAL, URGENT) != 0 {
        return Ok(None);
    }
    if ask(SET_LEASE, READ_LEASE) == 0 {
        ask(SET_LEASE, NO_LEASE);
        return Ok(Some(false));
    }
    let refused = Errno::from_io_error(&io::Error::last_os_error());
    Ok((refused == Some(Errno::AGAIN)).then_some(true))
}

/// There is no way to ask.
#[cfg(not(all(target_os = "linux", any(target_arch = "x86_64", target_arch = "aarch64"))))]
pub(super) fn is_written_to(path: &Path) -> io::Result<Option<bool>> {
    open_plain(path, false).map(|_| None)
}

pub(super) fn set_executable(file: &File, executable: bool) -> io::Result<()> {
    let mode = file.metadata()?.mode() & 0o7777;
    // Whoever may read it may run it.
    let wanted = if executable { mode | ((mode & 0o444) >> 2) } else { mode & !0o111 };
    file.set_permissions(fs::Permissions::from_mode(wanted))
}

/// The call or its flag is unknown to the system or to this file system.
fn unknown(error: Errno) -> bool {
    // OPNOTSUPP and NOTSUP are one number on Linux and two on macOS.
    [Errno::INVAL, Errno::NOSYS, Errno::NOTSUP, Errno::OPNOTSUPP].contains(&error)
}

pub(super) fn rename_new(from: &Path, to: &Path) -> io::Result<()> {
    match rustix::fs::renameat_with(CWD, from, CWD, to, RenameFlags::NOREPLACE) {
        Err(error) if unknown(error) => rename_by_claim(from, to),
        done => done.map_err(io::Error::from),
    }
}

/// For file systems that cannot refuse to replace: first take the name by a call that can.
fn rename_by_claim(from: &Path, to: &Path) -> io::Result<()> {
    if stat(from)?.kind == ItemKind::Folder {
        fs::create_dir(to)?;
        // Renaming over a folder works only while that is empty, so nothing put into it is lost.
        return fs::rename(from, to).inspect_err(|_| {
            let _ = fs::remove_dir(to);
        });
    }
    match rustix::fs::linkat(CWD, from, CWD, to, AtFlags::empty()) {
        Ok(()) => fs::remove_file(from),
        Err(error @ (Errno::EXIST | Errno::NOENT | Errno::XDEV)) => Err(error.into()),
        // No second links here (FAT, some FUSE and network drives).
        Err(_) => rename_by_empty_file(from, to),
    }
}

/// The last resort. A crash in between leaves the empty file; nothing is lost by it.
fn rename_by_empty_file(from: &Path, to: &Path) -> io::Result<()> {
    stat(from)?;
    let claim = File::create_new(to)?;
    let ours = stat_open(&claim)?.fingerprint.file;
    let untouched = || stat(to).is_ok_and(|now| now.fingerprint.file == ours && now.fingerprint.size == 0);
    let renamed = if untouched() { fs::rename(from, to) } else { Err(Errno::EXIST.into()) };
    renamed.inspect_err(|_| {
        if untouched() {
            let _ = fs::remove_file(to);
        }
    })
}

pub(super) fn exchange(a: &Path, b: &Path) -> io::Result<()> {
    match rustix::fs::renameat_with(CWD, a, CWD, b, RenameFlags::EXCHANGE) {
        Err(error) if unknown(error) => Err(io::ErrorKind::Unsupported.into()),
        done => done.map_err(io::Error::from),
    }
}

/// Make a new file that shares all blocks of the source; none when that cannot be done here.
#[cfg(target_os = "macos")]
pub(super) fn clone_new(source: &File, to: &Path) -> io::Result<Option<u64>> {
    use rustix::fs::CloneFlags;
    match rustix::fs::fclonefileat(source, CWD, to, CloneFlags::NOFOLLOW | CloneFlags::NOOWNERCOPY) {
        Ok(()) => stat(to).map(|made| Some(made.fingerprint.size)),
        Err(Errno::EXIST) => Err(Errno::EXIST.into()),
        Err(_) => Ok(None),
    }
}

/// Linux shares blocks with a file that is there already: see [`share_blocks`].
#[cfg(not(target_os = "macos"))]
pub(super) fn clone_new(_: &File, _: &Path) -> io::Result<Option<u64>> {
    Ok(None)
}

/// Make an empty file share all blocks of the source. Returns its size.
#[cfg(target_os = "linux")]
pub(super) fn share_blocks(source: &File, target: &File) -> io::Result<u64> {
    rustix::fs::ioctl_ficlone(target, source)?;
    Ok(target.metadata()?.len())
}

#[cfg(not(target_os = "linux"))]
pub(super) fn share_blocks(_: &File, _: &File) -> io::Result<u64> {
    Err(io::ErrorKind::Unsupported.into())
}

/// Flush one file through to the drive.
pub(super) fn flush(file: &File) -> io::Result<()> {
    // On macOS the standard library asks the drive itself, which network drives do not know.
    file.sync_all().or_else(|_| rustix::fs::fsync(file).map_err(io::Error::from))
}

pub(super) fn sync_dir(dir: &Path) -> io::Result<()> {
    let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::CLOEXEC;
    match rustix::fs::fsync(rustix::fs::open(dir, flags, Mode::empty())?) {
        // Some network and FUSE drives have no such notion; there is nothing else to try.
        Err(error) if unknown(error) => Ok(()),
        done => done.map_err(io::Error::from),
    }
}

#[cfg(target_os = "linux")]
pub(super) fn sync_volume(any_path: &Path) -> io::Result<()> {
    let flags = OFlags::RDONLY | OFlags::NONBLOCK | OFlags::NOCTTY | OFlags::CLOEXEC;
    rustix::fs::syncfs(rustix::fs::open(any_path, flags, Mode::empty())?).map_err(io::Error::from)
}

#[cfg(target_os = "macos")]
#[allow(unsafe_code)]
pub(super) fn sync_volume(any_path: &Path) -> io::Result<()> {
    use std::os::fd::AsRawFd;
    /// Through the drive's own cache, and wait for it (`unistd.h`, since 10.8).
    const SYNC_VOLUME_FULLSYNC: i32 = 1;
    const SYNC_VOLUME_WAIT: i32 = 2;
    unsafe extern "C" {
        fn fsync_volume_np(descriptor: i32, flags: i32) -> i32;
    }
    let flags = OFlags::RDONLY | OFlags::NONBLOCK | OFlags::NOCTTY | OFlags::CLOEXEC;
    let file = File::from(rustix::fs::open(any_path, flags, Mode::empty())?);
    // SAFETY: two plain numbers go in, and the descriptor is open for as long as `file` lives.
    match unsafe { fsync_volume_np(file.as_raw_fd(), SYNC_VOLUME_FULLSYNC | SYNC_VOLUME_WAIT) } {
        0 => Ok(()),
        _ => Err(io::Error::last_os_error()),
    }
}

pub(super) fn free_space(path: &Path) -> io::Result<u64> {
    let volume = rustix::fs::statvfs(path)?;
    Ok(volume.f_bavail.saturating_mul(volume.f_frsize))
}

pub(super) fn set_modified(path: &Path, nanos: i64) -> io::Result<()> {
    let times = Timestamps {
        last_access: Timespec { tv_sec: 0, tv_nsec: UTIME_OMIT },
        last_modification: Timespec { tv_sec: nanos.div_euclid(NANOS), tv_nsec: nanos.rem_euclid(NANOS) },
    };
    rustix::fs::utimensat(CWD, path, &times, AtFlags::SYMLINK_NOFOLLOW).map_err(io::Error::from)
}

/// Link texts have `/` already.
pub(super) fn link_text(target: String) -> String {
    target
}

pub(super) fn create_link(path: &Path, target: &str) -> io::Result<()> {
    match std::os::unix::fs::symlink(target, path) {
        // FAT on Linux answers so
        Err(error) if error.raw_os_error() == Some(Errno::PERM.raw_os_error()) => {
            Err(io::ErrorKind::Unsupported.into())
        }
        done => done,
    }
}

/// Paths have one form here.
pub(super) fn plain_form(path: PathBuf) -> PathBuf {
    path
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn renaming_by_claim_never_replaces() {
        let dir = tempfile::tempdir().unwrap();
        let at = |name: &str| dir.path().join(name);
        fs::write(at("a"), "a").unwrap();
        fs::write(at("b"), "b").unwrap();
        assert_eq!(rename_by_claim(&at("a"), &at("b")).unwrap_err().kind(), io::ErrorKind::AlreadyExists);
        assert_eq!(fs::read(at("b")).unwrap(), b"b");
        assert_eq!(rename_by_claim(&at("none"), &at("c")).unwrap_err().kind(), io::ErrorKind::NotFound);
        assert!(!at("c").exists());
        rename_by_claim(&at("a"), &at("c")).unwrap();
        assert_eq!((fs::read(at("c")).unwrap(), at("a").exists()), (b"a".to_vec(), false));
    }

    #[test]
    fn renaming_by_empty_file_never_replaces() {
        let dir = tempfile::tempdir().unwrap();
        let at = |name: &str| dir.path().join(name);
        fs::write(at("a"), "a").unwrap();
        fs::write(at("b"), "").unwrap();
        assert_eq!(
            rename_by_empty_file(&at("a"), &at("b")).unwrap_err().kind(),
            io::ErrorKind::AlreadyExists
        );
        assert_eq!(rename_by_empty_file(&at("none"), &at("c")).unwrap_err().kind(), io::ErrorKind::NotFound);
        assert!(!at("c").exists() && at("b").exists());
        rename_by_empty_file(&at("a"), &at("c")).unwrap();
        assert_eq!((fs::read(at("c")).unwrap(), at("a").exists()), (b"a".to_vec(), false));
    }

    #[test]
    fn folders_are_renamed_by_claim_too() {
        let dir = tempfile::tempdir().unwrap();
        let at = |name: &str| dir.path().join(name);
        fs::create_dir_all(at("a/in")).unwrap();
        fs::create_dir_all(at("b")).unwrap();
        assert_eq!(rename_by_claim(&at("a"), &at("b")).unwrap_err().kind(), io::ErrorKind::AlreadyExists);
        rename_by_claim(&at("a"), &at("c")).unwrap();
        assert!(at("c/in").is_dir() && !at("a").exists());
    }

    #[test]
    fn running_follows_reading() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("run.sh");
        let file = File::create(&path).unwrap();
        file.set_permissions(fs::Permissions::from_mode(0o640)).unwrap();
        set_executable(&file, true).unwrap();
        assert_eq!(file.metadata().unwrap().mode() & 0o777, 0o750);
        assert!(stat(&path).unwrap().executable);
        set_executable(&file, false).unwrap();
        assert_eq!(file.metadata().unwrap().mode() & 0o777, 0o640);
    }
}
