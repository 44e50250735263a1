//! A SQLite database as a file of the workspace.
//!
//! [`dump`] writes what a database says, never how it lies on disk: the same contents give the same bytes on
//! every machine. [`restore`] reads that text, which comes from the share and is not trusted, into a new file
//! and puts it in the database's place. [`seed`] makes a course's first database from its schema and tables.
//! The text is plain SQL, so `sqlite3 new.db < file.dump` brings the data back without kitbag.

mod dump;
mod error;
mod grammar;
mod guard;
mod replace;
mod restore;
mod schema;
mod seed;
mod source;
mod statement;
mod token;
mod value;

#[cfg(test)]
mod tests;

use std::path::Path;

pub use dump::dump;
pub use error::SqliteError;
pub use restore::restore;
pub use seed::{CsvTable, seed};
pub use source::check;

/// The format of the dumps written here. A dump of another format is refused by [`restore`].
pub const FORMAT: u32 = 1;

/// Bytes of the longest statement written or read: a row must fit in it as SQL text, a blob as two digits a byte.
/// Tests reach a smaller bound sooner.
const LONGEST: usize = if cfg!(test) { 8 << 20 } else { 256 << 20 };

/// Where programs in the environment find a database: `sqlite:` and its absolute path.
pub fn url(database: &Path) -> String {
    format!("sqlite:{}", absolute(database).display())
}

/// The version of the SQLite library linked into this program, such as `3.54.1`.
pub fn sqlite_version() -> String {
    rusqlite::version().to_owned()
}

/// Also keeps SQLite from reading a name that begins with `file:` as an address with options.
fn absolute(path: &Path) -> std::path::PathBuf {
    std::path::absolute(path).unwrap_or_else(|_| path.to_owned())
}
