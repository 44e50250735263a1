//! A volume on Windows: where the system says that it is mounted, as a drive letter or below a folder.

use std::ffi::OsString;
use std::io;
use std::os::windows::ffi::{OsStrExt, OsStringExt};
use std::path::{Path, PathBuf};

use windows_sys::Win32::Storage::FileSystem::{GetDiskFreeSpaceExW, GetVolumePathNameW};

use super::Volume;

/// Longest path Windows gives, in UTF-16 units.
const LONGEST: usize = 32_768;

#[allow(unsafe_code)]
pub(super) fn volume(place: &Path) -> io::Result<Volume> {
    let wide: Vec<u16> = place.as_os_str().encode_wide().chain([0]).collect();
    let mut root = vec![0_u16; LONGEST];
    let room = u32::try_from(root.len()).unwrap_or(u32::MAX);
    // SAFETY: a UTF-16 text that ends in NUL, and a buffer of as many units as are said.
    if unsafe { GetVolumePathNameW(wide.as_ptr(), root.as_mut_ptr(), room) } == 0 {
        return Err(io::Error::last_os_error());
    }
    let (mut free, mut size) = (0, 0);
    // SAFETY: the text that was filled in above ends in NUL; two numbers to fill, and a null where the call allows one.
    if unsafe { GetDiskFreeSpaceExW(root.as_ptr(), &raw mut free, &raw mut size, std::ptr::null_mut()) } == 0
    {
        return Err(io::Error::last_os_error());
    }
    let end = root.iter().position(|unit| *unit == 0).unwrap_or(root.len());
    let text = OsString::from_wide(&root[..end]);
    // what people know as C:\, written without a limit to its length
    let plain =
        text.to_str().and_then(|text| text.strip_prefix(r"\\?\")).filter(|text| text.get(1..2) == Some(":"));
    Ok(Volume { root: plain.map_or_else(|| PathBuf::from(&text), PathBuf::from), size, free })
}
