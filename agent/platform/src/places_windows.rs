//! What Windows alone knows of places: known folders, OneDrive's environment variables and registry entries,
//! and drive letters. A drive that may keep us waiting (network, disc) is not asked.

use std::ffi::OsString;
use std::os::windows::ffi::OsStringExt;
use std::path::PathBuf;
use std::ptr::{null, null_mut};

use etcetera::base_strategy::{BaseStrategy, Windows};
use windows_sys::Win32::Foundation::ERROR_SUCCESS;
use windows_sys::Win32::Storage::FileSystem::{GetDriveTypeW, GetLogicalDrives};
use windows_sys::Win32::System::Registry::{
    HKEY, HKEY_CURRENT_USER, KEY_READ, RRF_RT_REG_SZ, RegCloseKey, RegEnumKeyExW, RegGetValueW, RegOpenKeyExW,
};

/// `GetDriveTypeW`: a stick or card.
const DRIVE_REMOVABLE: u32 = 2;
/// `GetDriveTypeW`: a built-in drive; Google Drive shows itself as one.
const DRIVE_FIXED: u32 = 3;
/// A key's longest name, in UTF-16 units with its NUL.
const LONGEST_KEY: usize = 256;
/// More accounts than anybody has: an end for a registry that never says so.
const MOST_KEYS: u32 = 256;

/// Where OneDrive names its folders: the key whose sub-keys hold them, and the value in each.
const ONE_DRIVE: [(&str, &str); 2] = [
    (r"Software\Microsoft\OneDrive\Accounts", "UserFolder"),
    (r"Software\SyncEngines\Providers\OneDrive", "MountPoint"),
];

pub(super) fn local_data() -> Option<PathBuf> {
    // The crate calls it the cache: it is %LOCALAPPDATA%, or the known folder where that is not set.
    Windows::new().ok().map(|places| places.cache_dir())
}

pub(super) fn roaming_data() -> Option<PathBuf> {
    Windows::new().ok().map(|places| places.data_dir())
}

pub(super) fn one_drive() -> Vec<PathBuf> {
    let set = ["OneDrive", "OneDriveConsumer", "OneDriveCommercial"].into_iter().filter_map(std::env::var_os);
    let mut folders: Vec<PathBuf> = set.filter(|value| !value.is_empty()).map(PathBuf::from).collect();
    folders.extend(ONE_DRIVE.into_iter().flat_map(|(key, value)| in_each(key, value)));
    folders.sort();
    folders.dedup();
    folders
}

fn wide(text: &str) -> Vec<u16> {
    text.encode_utf16().chain([0]).collect()
}

/// The text value of this name in every sub-key of a key of the person.
#[allow(unsafe_code)]
fn in_each(key: &str, value: &str) -> Vec<PathBuf> {
    let (key, value) = (wide(key), wide(value));
    let mut open: HKEY = null_mut();
    // SAFETY: a UTF-16 text that ends in NUL, and one handle to fill.
    if unsafe { RegOpenKeyExW(HKEY_CURRENT_USER, key.as_ptr(), 0, KEY_READ, &raw mut open) } != ERROR_SUCCESS
    {
        return Vec::new();
    }
    let mut found = Vec::new();
    for index in 0..MOST_KEYS {
        let mut name = [0u16; LONGEST_KEY];
        let mut length = LONGEST_KEY as u32;
        // SAFETY: the key is open; `name` has room for `length` units, and the rest may be null.
        let answer = unsafe {
            RegEnumKeyExW(
                open,
                index,
                name.as_mut_ptr(),
                &raw mut length,
                null(),
                null_mut(),
                null_mut(),
                null_mut(),
            )
        };
        if answer != ERROR_SUCCESS {
            break;
        }
        // The call ended the name with NUL.
        found.extend(text_value(open, &name, &value).filter(|text| !text.is_empty()).map(PathBuf::from));
    }
    // SAFETY: opened above and not used after this.
    unsafe { RegCloseKey(open) };
    found
}

/// A text value of a sub-key. `name` and `value` end in NUL.
#[allow(unsafe_code)]
fn text_value(key: HKEY, name: &[u16], value: &[u16]) -> Option<OsString> {
    let mut text = vec![0u16; 4096];
    let mut bytes = u32::try_from(text.len() * 2).ok()?;
    // SAFETY: the key is open, both texts end in NUL, `text` has room for `bytes` bytes.
    let answer = unsafe {
        RegGetValueW(
            key,
            name.as_ptr(),
            value.as_ptr(),
            RRF_RT_REG_SZ,
            null_mut(),
            text.as_mut_ptr().cast(),
            &raw mut bytes,
        )
    };
    let units = text.iter().position(|unit| *unit == 0)?;
    (answer == ERROR_SUCCESS).then(|| OsString::from_wide(&text[..units]))
}

#[allow(unsafe_code)]
pub(super) fn drives() -> Vec<PathBuf> {
    // SAFETY: takes nothing and returns one bit for each letter.
    let letters = unsafe { GetLogicalDrives() };
    let tops = ('A'..='Z').enumerate().filter(|(bit, _)| letters >> bit & 1 == 1);
    tops.map(|(_, letter)| format!("{letter}:\\"))
        .filter(|top| {
            let top = wide(top);
            // SAFETY: a UTF-16 text that ends in NUL and outlives the call.
            matches!(unsafe { GetDriveTypeW(top.as_ptr()) }, DRIVE_REMOVABLE | DRIVE_FIXED)
        })
        .map(PathBuf::from)
        .collect()
}
