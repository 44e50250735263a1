//! What the disk does differently on Windows: file numbers and placeholders from attributes, renames that
//! refuse to replace, `ReplaceFileW` as the swap. Virus scanners and sync clients hold files for moments, so
//! renames are tried again for half a second. There is no way for an ordinary user to flush a volume, so
//! every file is flushed when it is finished.

use std::ffi::OsStr;
use std::fs::{File, FileTimes, OpenOptions};
use std::io;
use std::mem::{size_of, zeroed};
use std::os::windows::ffi::OsStrExt;
use std::os::windows::fs::OpenOptionsExt;
use std::os::windows::io::AsRawHandle;
use std::path::{Component, Path, PathBuf, Prefix};
use std::ptr::null;
use std::time::{Duration, UNIX_EPOCH};

use kitbag_core::entry::Fingerprint;
use kitbag_core::path::TEMPORARY_PREFIX;
use windows_sys::Win32::Foundation::{
    ERROR_ACCESS_DENIED, ERROR_INVALID_FUNCTION, ERROR_INVALID_HANDLE, ERROR_LOCK_VIOLATION,
    ERROR_NOT_SUPPORTED, ERROR_PRIVILEGE_NOT_HELD, ERROR_SHARING_VIOLATION,
    ERROR_UNABLE_TO_MOVE_REPLACEMENT_2, WIN32_ERROR,
};
use windows_sys::Win32::Storage::FileSystem::{
    BY_HANDLE_FILE_INFORMATION, FILE_ATTRIBUTE_DIRECTORY, FILE_ATTRIBUTE_OFFLINE,
    FILE_ATTRIBUTE_RECALL_ON_DATA_ACCESS, FILE_ATTRIBUTE_RECALL_ON_OPEN, FILE_ATTRIBUTE_REPARSE_POINT,
    FILE_ATTRIBUTE_TAG_INFO, FILE_BASIC_INFO, FILE_FLAG_BACKUP_SEMANTICS, FILE_FLAG_OPEN_REPARSE_POINT,
    FILE_INFO_BY_HANDLE_CLASS, FILE_READ_ATTRIBUTES, FILE_SHARE_DELETE, FILE_SHARE_READ, FILE_TYPE_DISK,
    FILE_WRITE_ATTRIBUTES, FileAttributeTagInfo, FileBasicInfo, GetDiskFreeSpaceExW,
    GetFileInformationByHandle, GetFileInformationByHandleEx, GetFileType, MoveFileExW,
    REPLACEFILE_IGNORE_ACL_ERRORS, REPLACEFILE_IGNORE_MERGE_ERRORS, ReplaceFileW,
};

use super::{ItemKind, Refused, Stat};

/// Nothing flushes a volume for an ordinary user; each file is flushed by itself.
pub(super) const VOLUME_FLUSH: bool = false;

/// Waits in milliseconds between tries while somebody else holds the file.
const PATIENCE: [u64; 6] = [5, 15, 40, 80, 150, 210];
/// 1601 to 1970 in steps of 100 nanoseconds.
const EPOCH_STEPS: i64 = 116_444_736_000_000_000;
/// A reparse tag with this bit stands for another place: a link, junction or mount point.
const NAME_SURROGATE: u32 = 0x2000_0000;
/// Above this many UTF-16 units Windows wants the `\\?\` form.
const LONGEST_PLAIN: usize = 240;

fn nanos(steps: i64) -> i64 {
    match steps {
        0 => 0,
        steps => steps.saturating_sub(EPOCH_STEPS).saturating_mul(100),
    }
}

fn joined(high: u32, low: u32) -> u64 {
    u64::from(high) << 32 | u64::from(low)
}

/// A path as Windows calls want it, long ones in the form without a limit.
fn wide(path: &Path) -> io::Result<Vec<u16>> {
    let path = std::path::absolute(path)?;
    let mut units: Vec<u16> = path.as_os_str().encode_wide().collect();
    if units.contains(&0) {
        return Err(io::ErrorKind::InvalidInput.into());
    }
    if units.len() > LONGEST_PLAIN {
        let (front, skipped) = match path.components().next() {
            Some(Component::Prefix(prefix)) => match prefix.kind() {
                Prefix::Disk(_) => (r"\\?\", 0),
                Prefix::UNC(..) => (r"\\?\UNC\", 2),
                _ => ("", 0),
            },
            _ => ("", 0),
        };
        units = OsStr::new(front).encode_wide().chain(units.split_off(skipped)).collect();
    }
    units.push(0);
    Ok(units)
}

fn checked(answer: i32) -> io::Result<()> {
    match answer {
        0 => Err(io::Error::last_os_error()),
        _ => Ok(()),
    }
}

fn code(error: &io::Error) -> Option<WIN32_ERROR> {
    error.raw_os_error().and_then(|code| WIN32_ERROR::try_from(code).ok())
}

/// Try again while a scanner or sync client holds the file.
fn patiently(mut call: impl FnMut() -> io::Result<()>) -> io::Result<()> {
    for wait in PATIENCE {
        match call() {
            Err(held) if matches!(code(&held), Some(ERROR_SHARING_VIOLATION | ERROR_LOCK_VIOLATION)) => {
                std::thread::sleep(Duration::from_millis(wait));
            }
            done => return done,
        }
    }
    call()
}

/// Open to look at, without following a link and without downloading anything.
fn open_to_look(path: &Path) -> io::Result<File> {
    OpenOptions::new()
        .access_mode(FILE_READ_ATTRIBUTES)
        .custom_flags(FILE_FLAG_OPEN_REPARSE_POINT | FILE_FLAG_BACKUP_SEMANTICS)
        .open(path)
}

#[allow(unsafe_code)]
fn more<T>(file: &File, class: FILE_INFO_BY_HANDLE_CLASS) -> io::Result<T> {
    let size = u32::try_from(size_of::<T>()).map_err(|_| io::ErrorKind::InvalidInput)?;
    // SAFETY: `T` is one of the plain structures of numbers that belong to `class`, for which zeros are a
    // value; the call writes at most `size` bytes into it, and the handle is open for as long as `file`.
    unsafe {
        let mut into: T = zeroed();
        checked(GetFileInformationByHandleEx(file.as_raw_handle(), class, (&raw mut into).cast(), size))?;
        Ok(into)
    }
}

#[allow(unsafe_code)]
pub(super) fn stat_open(file: &File) -> io::Result<Stat> {
    // SAFETY: a plain structure of numbers, for which zeros are a value; the call fills it, and the handle
    // is open for as long as `file`.
    let info = unsafe {
        let mut info: BY_HANDLE_FILE_INFORMATION = zeroed();
        checked(GetFileInformationByHandle(file.as_raw_handle(), &raw mut info))?;
        info
    };
    let has = |bits: u32| info.dwFileAttributes & bits != 0;
    let link = has(FILE_ATTRIBUTE_REPARSE_POINT) && {
        let tag: FILE_ATTRIBUTE_TAG_INFO = more(file, FileAttributeTagInfo)?;
        tag.ReparseTag & NAME_SURROGATE != 0
    };
    let kind = match (link, has(FILE_ATTRIBUTE_DIRECTORY)) {
        (true, _) => ItemKind::Link,
        (_, true) => ItemKind::Folder,
        _ => ItemKind::File,
    };
    // Not every file system knows when an entry itself changed.
    let changed = more::<FILE_BASIC_INFO>(file, FileBasicInfo).map_or(0, |basic| nanos(basic.ChangeTime));
    let written = joined(info.ftLastWriteTime.dwHighDateTime, info.ftLastWriteTime.dwLowDateTime);
    Ok(Stat {
        kind,
        fingerprint: Fingerprint {
            size: joined(info.nFileSizeHigh, info.nFileSizeLow),
            modified: nanos(i64::try_from(written).unwrap_or(i64::MAX)),
            changed,
            file: joined(info.nFileIndexHigh, info.nFileIndexLow),
        },
        executable: false,
        placeholder: has(FILE_ATTRIBUTE_RECALL_ON_DATA_ACCESS
            | FILE_ATTRIBUTE_RECALL_ON_OPEN
            | FILE_ATTRIBUTE_OFFLINE),
    })
}

pub(super) fn stat(path: &Path) -> io::Result<Stat> {
    stat_open(&open_to_look(path)?)
}

/// Open what is a plain file and here; for writing in place when `write`, without emptying it.
#[allow(unsafe_code)]
pub(super) fn open_plain(path: &Path, write: bool) -> io::Result<File> {
    // Look first: opening a placeholder for reading would download it.
    let looked = stat(path)?;
    if looked.kind != ItemKind::File {
        return Err(Refused::NotPlain.into());
    }
    if looked.placeholder {
        return Err(Refused::NotHere.into());
    }
    let file = OpenOptions::new().read(!write).write(write).open(path)?;
    // SAFETY: the handle is open for as long as `file`; the call only looks at it.
    let on_disk = unsafe { GetFileType(file.as_raw_handle()) } == FILE_TYPE_DISK;
    // A link put there since the look would have led elsewhere; a name such as `con` leads to a device.
    if !on_disk || stat_open(&file)?.fingerprint.file != looked.fingerprint.file {
        return Err(Refused::NotPlain.into());
    }
    Ok(file)
}

/// Who shares with nobody that writes gets a file only while nobody has it open to write.
pub(super) fn is_written_to(path: &Path) -> io::Result<Option<bool>> {
    drop(open_plain(path, false)?);
    match OpenOptions::new().read(true).share_mode(FILE_SHARE_READ | FILE_SHARE_DELETE).open(path) {
        Ok(_) => Ok(Some(false)),
        Err(error) if error.raw_os_error() == Some(ERROR_SHARING_VIOLATION.cast_signed()) => Ok(Some(true)),
        Err(error) => Err(error),
    }
}

/// Windows tells programs by their names.
pub(super) fn set_executable(_: &File, _: bool) -> io::Result<()> {
    Ok(())
}

#[allow(unsafe_code)]
pub(super) fn rename_new(given: &Path, to: &Path) -> io::Result<()> {
    let (from, to) = (wide(given)?, wide(to)?);
    // Windows takes a rename to the very same name for done.
    if from == to {
        return stat(given).and(Err(io::ErrorKind::AlreadyExists.into()));
    }
    // Without flags: no replacing, and no copying to another volume.
    // SAFETY: both are UTF-16 texts that end in NUL and outlive the call.
    patiently(|| checked(unsafe { MoveFileExW(from.as_ptr(), to.as_ptr(), 0) }))
}

/// `a` takes the place of nothing else: first what `b` holds takes the name `a` while the old file of `a`
/// gets a temporary name beside `b`, then that is renamed to `b`.
#[allow(unsafe_code)]
pub(super) fn exchange(a: &Path, b: &Path) -> io::Result<()> {
    for path in [a, b] {
        if stat(path)?.kind != ItemKind::File {
            return Err(io::ErrorKind::Unsupported.into());
        }
    }
    let out = free_name_beside(b)?;
    let (replaced, replacement, backup) = (wide(a)?, wide(b)?, wide(&out)?);
    // Rights and attributes that cannot be carried over are no reason to fail.
    let flags = REPLACEFILE_IGNORE_MERGE_ERRORS | REPLACEFILE_IGNORE_ACL_ERRORS;
    let replace = || {
        // SAFETY: three UTF-16 texts that end in NUL and outlive the call; the two last must be null.
        checked(unsafe {
            ReplaceFileW(replaced.as_ptr(), replacement.as_ptr(), backup.as_ptr(), flags, null(), null())
        })
    };
    match patiently(replace) {
        Ok(()) => rename_new(&out, b),
        Err(error) => match code(&error) {
            // The old file has left its name and the new one did not come: put it back.
            Some(ERROR_UNABLE_TO_MOVE_REPLACEMENT_2) => rename_new(&out, a).and(Err(error)),
            Some(ERROR_INVALID_FUNCTION | ERROR_NOT_SUPPORTED) => Err(io::ErrorKind::Unsupported.into()),
            _ => Err(error),
        },
    }
}

/// A name of ours that is free; `ReplaceFileW` would replace what has it.
fn free_name_beside(path: &Path) -> io::Result<PathBuf> {
    for _ in 0..100 {
        let mut random = [0; 8];
        getrandom::fill(&mut random).map_err(io::Error::other)?;
        let name = format!("{TEMPORARY_PREFIX}{:016x}.tmp", u64::from_ne_bytes(random));
        let free = path.with_file_name(name);
        match stat(&free) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(free),
            Err(error) => return Err(error),
            Ok(_) => {}
        }
    }
    Err(io::ErrorKind::AlreadyExists.into())
}

/// Files do not share blocks on most Windows volumes.
pub(super) fn clone_new(_: &File, _: &Path) -> io::Result<Option<u64>> {
    Ok(None)
}

/// See [`clone_new`].
pub(super) fn share_blocks(_: &File, _: &File) -> io::Result<u64> {
    Err(io::ErrorKind::Unsupported.into())
}

/// Flush one file through to the drive (`FlushFileBuffers`).
pub(super) fn flush(file: &File) -> io::Result<()> {
    file.sync_all()
}

pub(super) fn sync_dir(dir: &Path) -> io::Result<()> {
    if stat(dir)?.kind == ItemKind::File {
        return Err(io::ErrorKind::NotADirectory.into());
    }
    let flushed = OpenOptions::new()
        .write(true)
        .custom_flags(FILE_FLAG_BACKUP_SEMANTICS)
        .open(dir)
        .and_then(|folder| folder.sync_all());
    match flushed {
        // The journal of the file system has to do; there is nothing else an ordinary user may ask for.
        Err(error)
            if matches!(
                code(&error),
                Some(
                    ERROR_ACCESS_DENIED | ERROR_INVALID_FUNCTION | ERROR_INVALID_HANDLE | ERROR_NOT_SUPPORTED
                )
            ) =>
        {
            Ok(())
        }
        done => done,
    }
}

pub(super) fn sync_volume(any_path: &Path) -> io::Result<()> {
    stat(any_path).map(drop)
}

#[allow(unsafe_code)]
pub(super) fn free_space(path: &Path) -> io::Result<u64> {
    let folder = match stat(path)?.kind {
        ItemKind::File => path.parent().unwrap_or(path),
        _ => path,
    };
    let folder = wide(folder)?;
    let mut free = 0;
    // SAFETY: a UTF-16 text that ends in NUL, one number to fill, and two nulls where the call allows them.
    checked(unsafe {
        GetDiskFreeSpaceExW(folder.as_ptr(), &raw mut free, std::ptr::null_mut(), std::ptr::null_mut())
    })?;
    Ok(free)
}

pub(super) fn set_modified(path: &Path, nanos: i64) -> io::Result<()> {
    let offset = Duration::from_nanos(nanos.unsigned_abs());
    let time = if nanos < 0 { UNIX_EPOCH.checked_sub(offset) } else { UNIX_EPOCH.checked_add(offset) };
    OpenOptions::new()
        .access_mode(FILE_WRITE_ATTRIBUTES)
        .custom_flags(FILE_FLAG_OPEN_REPARSE_POINT | FILE_FLAG_BACKUP_SEMANTICS)
        .open(path)?
        .set_times(FileTimes::new().set_modified(time.ok_or(io::ErrorKind::InvalidInput)?))
}

/// A link's text with `/` between names.
pub(super) fn link_text(target: String) -> String {
    target.replace('\\', "/")
}

/// Windows tells links to folders from links to files. Both need a right that ordinary users have only in developer
/// mode.
pub(super) fn create_link(path: &Path, target: &str) -> io::Result<()> {
    let target = PathBuf::from(target.replace('/', "\\"));
    let leads_to = path.parent().map_or_else(|| target.clone(), |folder| folder.join(&target));
    let made = if leads_to.is_dir() {
        std::os::windows::fs::symlink_dir(&target, path)
    } else {
        std::os::windows::fs::symlink_file(&target, path)
    };
    made.map_err(|error| match code(&error) {
        Some(ERROR_PRIVILEGE_NOT_HELD | ERROR_INVALID_FUNCTION | ERROR_NOT_SUPPORTED) => {
            io::ErrorKind::Unsupported.into()
        }
        _ => error,
    })
}

/// Without `\\?\` where the rest means the same: short, and no name that Windows would bend.
pub(super) fn plain_form(path: PathBuf) -> PathBuf {
    let Some(Component::Prefix(prefix)) = path.components().next() else { return path };
    let front = match prefix.kind() {
        Prefix::VerbatimDisk(letter) => format!("{}:", char::from(letter)),
        Prefix::VerbatimUNC(server, share) => match (server.to_str(), share.to_str()) {
            (Some(server), Some(share)) => format!(r"\\{server}\{share}"),
            _ => return path,
        },
        _ => return path,
    };
    let mut plain = PathBuf::from(front);
    plain.extend(path.components().skip(1));
    let honest = path.components().all(|part| match part {
        Component::Normal(name) => name.to_str().is_some_and(honest_name),
        _ => true,
    });
    if honest && plain.as_os_str().encode_wide().count() <= LONGEST_PLAIN { plain } else { path }
}

/// A name that means itself without `\\?\` too: no device, no dot or space at its end.
fn honest_name(name: &str) -> bool {
    let stem = name.split('.').next().unwrap_or(name).trim_end().to_ascii_uppercase();
    let device = matches!(stem.as_str(), "CON" | "PRN" | "AUX" | "NUL" | "CONIN$" | "CONOUT$")
        || (stem.strip_prefix("COM").or_else(|| stem.strip_prefix("LPT")))
            .is_some_and(|rest| rest.chars().count() == 1 && !rest.starts_with('0'));
    !device && !name.ends_with(['.', ' ']) && !name.contains('/')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn plain_forms() {
        for (long, plain) in [
            (r"\\?\C:\Users\Ada\work", r"C:\Users\Ada\work"),
            (r"\\?\UNC\server\share\x", r"\\server\share\x"),
            (r"\\?\C:\x\con.txt", r"\\?\C:\x\con.txt"),
            (r"\\?\C:\x\com1", r"\\?\C:\x\com1"),
            (r"\\?\C:\x\name.", r"\\?\C:\x\name."),
            (r"C:\x", r"C:\x"),
        ] {
            assert_eq!(plain_form(long.into()), PathBuf::from(plain));
        }
    }

    #[test]
    fn long_paths_get_the_form_without_a_limit() {
        let long = format!(r"C:\{}", "x".repeat(240));
        let units = wide(Path::new(&long)).unwrap();
        assert!(String::from_utf16(&units).unwrap().starts_with(r"\\?\C:\xxx"));
        let units = wide(Path::new(r"C:\short")).unwrap();
        assert_eq!(String::from_utf16(&units).unwrap(), "C:\\short\0");
    }
}
