//! The door between two kitbags of one person on this computer: the agent of a state root listens, whoever works in the
//! same state root connects. A Unix socket there, a named pipe on Windows; nobody of another account gets through, in
//! neither direction, whatever the rights of the folder it lies in. What is said are lines, of limited length.

mod lines;
#[cfg(unix)]
#[path = "unix.rs"]
mod system;
#[cfg(windows)]
#[path = "windows.rs"]
mod system;
#[cfg(all(test, unix))]
mod tests;

use std::path::Path;

use kitbag_core::id::ContentId;

pub use lines::{LONGEST, Lines};
pub use system::{Listener, Stream, connect};

/// A short name for a state root, the same for all ways to write its path.
fn name(home: &Path) -> String {
    let home = std::fs::canonicalize(home).unwrap_or_else(|_| home.to_owned());
    let mut name = format!("kitbag-{}", ContentId::of(home.as_os_str().as_encoded_bytes()));
    // half of the hash is enough to tell the state roots of one computer apart
    name.truncate("kitbag-".len() + 32);
    name
}
