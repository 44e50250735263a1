//! What Windows alone knows of places: known folders, texts in the registry, and drive letters. A drive that may keep us waiting (network, disc) is not asked.

use std::path::PathBuf;
use std::ptr::{null, null_mut};

use etcetera::base_strategy::{BaseStrategy, Windows};
use kitbag_core::provider::Registry;
use windows_sys::Win32::Foundation::ERROR_SUCCESS;
use windows_sys::Win32::Storage::FileSystem::{GetDriveTypeW, GetLogicalDrives};
use windows_sys::Win32::System::Registry::{
    HKEY, HKEY_CURRENT_USER, HKEY_LOCAL_MACHINE, KEY_READ, RRF_RT_REG_SZ, RegCloseKey, RegEnumKeyExW,
    RegEnumValueW, RegGetValueW, RegOpenKeyExW,
};

/// `GetDriveTypeW`: a stick or card.
const DRIVE_REMOVABLE: u32 = 2;
/// `GetDriveTypeW`: a built-in drive; Google Drive shows itself as one.
const DRIVE_FIXED: u32 = 3;
/// A key's longest name, in UTF-16 units with its NUL.
const LONGEST_KEY: usize = 256;
/// More accounts than anybody has: an end for a registry that never says so.
const MOST_KEYS: u32 = 256;
/// Longest text taken, in UTF-16 units.
const LONGEST_TEXT: usize = 4096;

pub(super) fn local_data() -> Option<PathBuf> {
    // The crate calls it the cache: it is %LOCALAPPDATA%, or the known folder where that is not set.
    Windows::new().ok().map(|places| places.cache_dir())
}

pub(super) fn roaming_data() -> Option<PathBuf> {
    Windows::new().ok().map(|places| places.data_dir())
}

fn wide(text: &str) -> Vec<u16> {
    text.encode_utf16().chain([0]).collect()
}

/// An open key, closed when dropped.
struct Key(HKEY);

impl Drop for Key {
    #[allow(unsafe_code)]
    fn drop(&mut self) {
        // SAFETY: opened by `open` and not used after this.
        unsafe { RegCloseKey(self.0) };
    }
}

#[allow(unsafe_code)]
fn open(above: HKEY, name: &str) -> Option<Key> {
    let name = wide(name);
    let mut key: HKEY = null_mut();
    // SAFETY: `above` is open or one of the system's own, the text ends in NUL, and there is one handle to fill.
    let answer = unsafe { RegOpenKeyExW(above, name.as_ptr(), 0, KEY_READ, &raw mut key) };
    (answer == ERROR_SUCCESS).then_some(Key(key))
}

pub(super) fn registry(place: &Registry) -> Vec<(String, String)> {
    let above = if place.machine { HKEY_LOCAL_MACHINE } else { HKEY_CURRENT_USER };
    let Some(key) = open(above, place.key) else { return Vec::new() };
    let mut found = Vec::new();
    for each in (0..MOST_KEYS).map_while(|index| sub_key(&key, index)) {
        if !each.starts_with(place.each) {
            continue;
        }
        let path = if place.below.is_empty() { each.clone() } else { format!(r"{each}\{}", place.below) };
        let Some(inner) = open(key.0, &path) else { continue };
        let texts = if place.value.is_empty() {
            (0..MOST_KEYS)
                .map_while(|index| value_name(&inner, index))
                .filter_map(|name| text(&inner, &name))
                .collect()
        } else {
            Vec::from_iter(text(&inner, &wide(place.value)))
        };
        found.extend(texts.into_iter().map(|text| (each.clone(), text)));
    }
    found
}

/// The name of one sub-key; none after the last.
#[allow(unsafe_code)]
fn sub_key(key: &Key, index: u32) -> Option<String> {
    let mut name = [0u16; LONGEST_KEY];
    let mut length = u32::try_from(name.len()).ok()?;
    // SAFETY: the key is open; `name` has room for `length` units, and the rest may be null.
    let answer = unsafe {
        RegEnumKeyExW(
            key.0,
            index,
            name.as_mut_ptr(),
            &raw mut length,
            null(),
            null_mut(),
            null_mut(),
            null_mut(),
        )
    };
    (answer == ERROR_SUCCESS).then(|| String::from_utf16_lossy(&name[..length as usize]))
}

/// The name of one value, with its NUL; none after the last.
#[allow(unsafe_code)]
fn value_name(key: &Key, index: u32) -> Option<Vec<u16>> {
    let mut name = vec![0u16; LONGEST_TEXT];
    let mut length = u32::try_from(name.len()).ok()?;
    // SAFETY: the key is open; `name` has room for `length` units, and the rest may be null.
    let answer = unsafe {
        RegEnumValueW(
            key.0,
            index,
            name.as_mut_ptr(),
            &raw mut length,
            null(),
            null_mut(),
            null_mut(),
            null_mut(),
        )
    };
    name.truncate(length as usize + 1);
    (answer == ERROR_SUCCESS && name.last() == Some(&0)).then_some(name)
}

/// A value's text, when it is one and not empty. `name` ends in NUL.
#[allow(unsafe_code)]
fn text(key: &Key, name: &[u16]) -> Option<String> {
    let mut text = vec![0u16; LONGEST_TEXT];
    let mut bytes = u32::try_from(text.len() * 2).ok()?;
    // SAFETY: the key is open, `name` ends in NUL, `text` has room for `bytes` bytes.
    let answer = unsafe {
        RegGetValueW(
            key.0,
            null(),
            name.as_ptr(),
            RRF_RT_REG_SZ,
            null_mut(),
            text.as_mut_ptr().cast(),
            &raw mut bytes,
        )
    };
    let units = text.iter().position(|unit| *unit == 0)?;
    (answer == ERROR_SUCCESS && units > 0).then(|| String::from_utf16_lossy(&text[..units]))
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
