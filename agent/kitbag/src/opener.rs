//! Hands an address or a folder to the program the person's system opens such things with.

use std::process::{Command, Stdio};

use kitbag_core::finding::{Exit, Finding};
use kitbag_engine::environment::Opened;
use kitbag_platform::process::find_program;

use crate::Trouble;

#[cfg(target_os = "macos")]
const OPENERS: &[&str] = &["open"];
#[cfg(windows)]
const OPENERS: &[&str] = &["explorer"];
#[cfg(not(any(target_os = "macos", windows)))]
const OPENERS: &[&str] = &["xdg-open", "gio", "wslview"];

/// Open it.
///
/// # Errors
/// There is no such program here, or it does not start.
pub fn open(what: &Opened) -> Result<(), Trouble> {
    let target = match what {
        Opened::Url { url, .. } => std::ffi::OsString::from(url),
        Opened::Folder(folder) => folder.clone().into_os_string(),
    };
    let path = std::env::var_os("PATH").unwrap_or_default();
    let found = OPENERS.iter().find_map(|name| find_program(name, &path).map(|file| (*name, file)));
    let missing = |why: String| Trouble {
        finding: Finding::new(
            "nothing could be opened",
            why,
            "Open the address yourself: `kitbag open --print` shows it.",
        ),
        exit: Exit::Missing,
    };
    let (name, file) =
        found.ok_or_else(|| missing("This system has no program that opens addresses.".into()))?;
    let mut command = Command::new(file);
    if name == "gio" {
        command.arg("open");
    }
    command.arg(target).stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
    command.spawn().map(|_| ()).map_err(|error| missing(error.to_string()))
}
