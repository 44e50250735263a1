//! What can go wrong between a database and its dump, said so that a student can act on it.
//!
//! Every message names what failed, why, and what to do. A locked, damaged or foreign file is told apart from
//! a dump that has not arrived whole and from one that tries more than to fill a database.

use std::io;
use std::path::{Path, PathBuf};

use rusqlite::ErrorCode;

/// Why a database was not dumped, restored or made.
#[derive(Debug, thiserror::Error)]
pub enum SqliteError {
    /// There is no file of that name.
    #[error(
        "there is no database {path:?}: start the environment once so that it is made, or correct its path in the course"
    )]
    Missing {
        /// The file looked for.
        path: PathBuf,
    },
    /// The file holds something else, or is encrypted.
    #[error(
        "{path:?} is not a SQLite database (or an encrypted one): correct its path in the course, or restore an earlier backup"
    )]
    NotADatabase {
        /// The file.
        path: PathBuf,
    },
    /// The file is a database whose pages do not agree with each other.
    #[error(
        "the database {path:?} is damaged ({detail}): restore an earlier backup of it; the damaged file was left as it is"
    )]
    Damaged {
        /// The file.
        path: PathBuf,
        /// What SQLite found.
        detail: String,
    },
    /// Another program holds the database.
    #[error(
        "the database {path:?} is in use by another program: end its transaction or close the notebook that has it open, then try again"
    )]
    Locked {
        /// The file.
        path: PathBuf,
    },
    /// The database holds something that a dump cannot carry.
    #[error(
        "the database has {what}, which a backup cannot carry ({why}): remove or replace it, or keep a copy of the file yourself"
    )]
    Unsupported {
        /// Kind and name of the object.
        what: String,
        /// The reason.
        why: String,
    },
    /// One row is larger than a statement may be.
    #[error("a row of table {table} is too large for a backup (more than {} MiB as text): keep such data in a file", super::LONGEST >> 20)]
    RowTooLarge {
        /// The table.
        table: String,
    },
    /// The dump could not be written where the caller wants it.
    #[error("the backup cannot be written: {0}; free some space or check the disk, then try again")]
    Write(#[source] io::Error),
    /// The dump could not be read.
    #[error("the backup cannot be read: {0}; try again when the disk is there")]
    Read(#[source] io::Error),
    /// The text does not begin as a dump does.
    #[error("this is not a backup of a SQLite database made by kitbag: choose another version of it")]
    NotADump,
    /// A dump of a format that this program does not know.
    #[error(
        "the backup has format {found}, this program knows format {}: update kitbag on this machine",
        super::FORMAT
    )]
    OtherFormat {
        /// The format it names.
        found: String,
    },
    /// The dump stops before its last line.
    #[error(
        "the backup is not complete: wait until the cloud folder has delivered all of it, or choose an earlier version"
    )]
    Incomplete,
    /// The bytes are not those that were written.
    #[error("the backup was changed after it was written ({why}): choose an earlier version of it")]
    Altered {
        /// What does not agree.
        why: &'static str,
    },
    /// The dump asks for more than a dump may.
    #[error(
        "the backup was refused at line {line}: {why}; it was not written by kitbag as it is, choose an earlier version"
    )]
    Refused {
        /// Line in the dump, from 1.
        line: u64,
        /// What it tried.
        why: String,
    },
    /// Something that is no plain file has the database's name.
    #[error("{path:?} is not a plain file, so no database is put there: move it away, then try again")]
    NotAFile {
        /// The place.
        path: PathBuf,
    },
    /// A first database is made only where there is none.
    #[error("there is a database {path:?} already: it was kept; move it away to start afresh")]
    Exists {
        /// The place.
        path: PathBuf,
    },
    /// The course's schema cannot be run.
    #[error("the course's schema for the database fails at line {line}: {why}; tell the course team")]
    Schema {
        /// Line in the schema, from 1.
        line: u64,
        /// What SQLite or kitbag says.
        why: String,
    },
    /// The course's table of first rows cannot be read.
    #[error("the course's rows for table {table} cannot be used at line {line}: {why}; tell the course team")]
    Rows {
        /// The table.
        table: String,
        /// Line in the CSV, from 1; 0 for the table as a whole.
        line: u64,
        /// What is wrong.
        why: String,
    },
    /// The operating system refused something.
    #[error("{path:?}: {source}; check that the folder is there, writable and not full")]
    Disk {
        /// The file.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// SQLite failed in a way not foreseen above.
    #[error("the database {path:?} cannot be used: {source}")]
    Database {
        /// The file.
        path: PathBuf,
        /// What SQLite said.
        source: rusqlite::Error,
    },
}

impl SqliteError {
    /// Sorts a failure of SQLite on this file into the kinds above.
    pub(super) fn of(path: &Path, source: rusqlite::Error) -> Self {
        let path = path.to_owned();
        match source.sqlite_error_code() {
            Some(ErrorCode::NotADatabase) => Self::NotADatabase { path },
            Some(ErrorCode::DatabaseCorrupt) => Self::Damaged { path, detail: source.to_string() },
            Some(ErrorCode::DatabaseBusy | ErrorCode::DatabaseLocked) => Self::Locked { path },
            _ => Self::Database { path, source },
        }
    }

    /// For `map_err` on file operations.
    pub(super) fn disk(path: &Path) -> impl FnOnce(io::Error) -> Self {
        let path = path.to_owned();
        move |source| Self::Disk { path, source }
    }
}
