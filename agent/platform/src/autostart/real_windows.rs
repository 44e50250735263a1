//! Windows: a value of the person's own Run key. The program starts the agent and ends, so no window stays. Nothing starts
//! what failed before the next log-in.

use std::io;
use std::ptr::null_mut;

use windows_sys::Win32::Foundation::{ERROR_FILE_NOT_FOUND, ERROR_SUCCESS};
use windows_sys::Win32::System::Registry::{
    HKEY_CURRENT_USER, REG_SZ, RRF_RT_REG_SZ, RegDeleteKeyValueW, RegGetValueW, RegSetKeyValueW,
};

use super::{Autostart, Entry, Kind, LONGEST, Piece, Place, RUN_KEY, Unfit, command_line};

/// Longest text read, in UTF-16 units with its NUL; a person's own may be longer than what is written here.
const LONGEST_READ: usize = 16 * LONGEST;

/// What starts at log-in here.
#[derive(Debug, Clone, Copy, Default)]
pub struct RealAutostart;

impl RealAutostart {
    /// As this process finds it.
    pub fn here() -> Self {
        RealAutostart
    }
}

fn wide(text: &str) -> Vec<u16> {
    text.encode_utf16().chain([0]).collect()
}

fn told(answer: u32) -> io::Result<()> {
    let code = i32::try_from(answer).unwrap_or(i32::MAX);
    if answer == ERROR_SUCCESS { Ok(()) } else { Err(io::Error::from_raw_os_error(code)) }
}

#[allow(unsafe_code)]
fn value(name: &str) -> io::Result<Option<String>> {
    let (key, name) = (wide(RUN_KEY), wide(name));
    let mut text = vec![0u16; LONGEST_READ];
    let mut bytes = u32::try_from(text.len() * 2).unwrap_or(u32::MAX);
    // SAFETY: both names end in NUL, and `text` has room for `bytes` bytes.
    let answer = unsafe {
        RegGetValueW(
            HKEY_CURRENT_USER,
            key.as_ptr(),
            name.as_ptr(),
            RRF_RT_REG_SZ,
            null_mut(),
            text.as_mut_ptr().cast(),
            &raw mut bytes,
        )
    };
    if answer == ERROR_FILE_NOT_FOUND {
        return Ok(None);
    }
    told(answer)?;
    let end = text.iter().position(|unit| *unit == 0).unwrap_or(text.len());
    Ok(Some(String::from_utf16_lossy(&text[..end])))
}

#[allow(unsafe_code)]
fn set(name: &str, text: &str) -> io::Result<()> {
    let (key, name, text) = (wide(RUN_KEY), wide(name), wide(text));
    let bytes = u32::try_from(text.len() * 2).unwrap_or(u32::MAX);
    // SAFETY: all three texts end in NUL and outlive the call; `bytes` is the length of the last, its NUL included.
    told(unsafe {
        RegSetKeyValueW(HKEY_CURRENT_USER, key.as_ptr(), name.as_ptr(), REG_SZ, text.as_ptr().cast(), bytes)
    })
}

#[allow(unsafe_code)]
fn unset(name: &str) -> io::Result<()> {
    let (key, name) = (wide(RUN_KEY), wide(name));
    // SAFETY: both names end in NUL and outlive the call.
    match unsafe { RegDeleteKeyValueW(HKEY_CURRENT_USER, key.as_ptr(), name.as_ptr()) } {
        ERROR_FILE_NOT_FOUND => Ok(()),
        answer => told(answer),
    }
}

impl Autostart for RealAutostart {
    fn wanted(&self, entry: &Entry) -> Result<Vec<Piece>, Unfit> {
        let text = command_line(&entry.program, &entry.start)?;
        Ok(vec![Piece { kind: Kind::RunValue, place: Place::RunValue(entry.name.clone()), text }])
    }

    fn read(&self, place: &Place) -> io::Result<Option<String>> {
        match place {
            Place::RunValue(name) => value(name),
            Place::File(_) | Place::Link(_) => Ok(None),
        }
    }

    fn write(&self, place: &Place, text: &str) -> io::Result<()> {
        match place {
            Place::RunValue(name) => set(name, text),
            Place::File(_) | Place::Link(_) => Err(io::ErrorKind::Unsupported.into()),
        }
    }

    fn remove(&self, place: &Place) -> io::Result<()> {
        match place {
            Place::RunValue(name) => unset(name),
            Place::File(_) | Place::Link(_) => Ok(()),
        }
    }

    fn start(&self, _: &str) -> bool {
        false
    }

    fn stop(&self, _: &str) {}

    fn forget(&self) {}

    fn not_made(&self) -> Option<&'static str> {
        Some("There is no entry in the Start menu; `kitbag page` opens the page.")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_value_is_written_read_and_removed() {
        let place = Place::RunValue(format!("kitbag-test-{}", std::process::id()));
        let text = r#""C:\Programme für alle\kitbag.exe" "agent" "start""#;
        assert_eq!(RealAutostart.read(&place).unwrap(), None);
        RealAutostart.write(&place, text).unwrap();
        assert_eq!(RealAutostart.read(&place).unwrap().as_deref(), Some(text));
        RealAutostart.remove(&place).unwrap();
        RealAutostart.remove(&place).unwrap();
        assert_eq!(RealAutostart.read(&place).unwrap(), None);
    }
}
