//! A database opened to be read and nothing else, seen as it was at one moment.
//!
//! The file itself is never written. A program that was killed leaves a journal that only a writer may roll
//! back: then a private copy is recovered and read, and the original stays as it is for its owner. A copy is read
//! too where SQLite would leave new `-wal` and `-shm` files behind, which do not belong in a working folder. Only
//! beside a log that is there already it may make the `-shm` file that goes with it.

use std::fs;
use std::io::Read;
use std::path::{Path, PathBuf};
use std::time::Duration;

use rusqlite::config::DbConfig;
use rusqlite::{Connection, ErrorCode, OpenFlags};

use super::{SqliteError, absolute};

/// How long a writer is waited for. Tests of a held database are sooner sure.
pub(super) const PATIENCE: Duration = Duration::from_secs(if cfg!(test) { 1 } else { 5 });

/// A connection inside a read transaction.
pub(super) struct Source {
    pub(super) connection: Connection,
    pub(super) path: PathBuf,
    // Dropped after the connection that reads in it.
    _copy: Option<Folder>,
}

impl Source {
    /// Opens the database and holds still what it says.
    ///
    /// # Errors
    /// [`SqliteError::Missing`], [`SqliteError::NotADatabase`], [`SqliteError::Damaged`], [`SqliteError::Locked`].
    pub(super) fn open(database: &Path) -> Result<Self, SqliteError> {
        let path = absolute(database);
        let missing = |_| SqliteError::Missing { path: path.clone() };
        if !fs::metadata(&path).map_err(missing)?.is_file() {
            return Err(SqliteError::NotADatabase { path });
        }
        if !at_rest_with_log(&path)? {
            match begin(&path, OpenFlags::SQLITE_OPEN_READ_ONLY) {
                Ok(connection) => return Ok(Self { connection, path, _copy: None }),
                Err(error) if needs_copy(&error) => {}
                Err(error) => return Err(SqliteError::of(&path, error)),
            }
        }
        let copy = copy(&path)?;
        let connection = begin(&copy.0.join(COPY), OpenFlags::SQLITE_OPEN_READ_WRITE)
            .map_err(|error| SqliteError::of(&path, error))?;
        Ok(Self { connection, path, _copy: Some(copy) })
    }

    /// For `map_err` on queries.
    pub(super) fn error(&self) -> impl Fn(rusqlite::Error) -> SqliteError {
        |error| SqliteError::of(&self.path, error)
    }
}

/// Reads every page of a database and says whether they agree with each other.
///
/// # Errors
/// As [`super::dump`]; [`SqliteError::Damaged`] with the first thing found.
pub fn check(database: &Path) -> Result<(), SqliteError> {
    let source = Source::open(database)?;
    let found: String =
        source.connection.query_row("PRAGMA quick_check(1)", [], |row| row.get(0)).map_err(source.error())?;
    // Rows that break a rule of their own table are the student's affair, not the disk's.
    let rule = ["CHECK constraint failed", "NULL value in", "NUMERIC value in", "TEXT value in", "non-"];
    if found == "ok" || rule.iter().any(|start| found.starts_with(start)) {
        return Ok(());
    }
    Err(SqliteError::Damaged { path: source.path.clone(), detail: found })
}

fn begin(path: &Path, access: OpenFlags) -> rusqlite::Result<Connection> {
    let connection = Connection::open_with_flags(path, access | OpenFlags::SQLITE_OPEN_NO_MUTEX)?;
    connection.busy_timeout(PATIENCE)?;
    connection.set_db_config(DbConfig::SQLITE_DBCONFIG_DEFENSIVE, true)?;
    connection.set_db_config(DbConfig::SQLITE_DBCONFIG_TRUSTED_SCHEMA, false)?;
    // The first read takes the snapshot that all others see.
    connection.execute_batch("BEGIN")?;
    connection.query_row("SELECT count(*) FROM sqlite_schema", [], |_| Ok(()))?;
    Ok(connection)
}

fn needs_copy(error: &rusqlite::Error) -> bool {
    matches!(error.sqlite_error_code(), Some(ErrorCode::ReadOnly | ErrorCode::CannotOpen))
}

/// Whether the database keeps a log but nobody has it open now.
fn at_rest_with_log(path: &Path) -> Result<bool, SqliteError> {
    const WRITE_VERSION: usize = 18;
    let mut header = Vec::new();
    let file = fs::File::open(path).map_err(SqliteError::disk(path))?;
    file.take(100).read_to_end(&mut header).map_err(SqliteError::disk(path))?;
    Ok(header.get(WRITE_VERSION) == Some(&2) && !beside(path, "-wal").exists())
}

const COPY: &str = "copy.db";
const PARTS: [&str; 3] = ["-journal", "-wal", ""];

/// Copies until the files are the same before and after, so nobody has written in between.
fn copy(path: &Path) -> Result<Folder, SqliteError> {
    for _ in 0..3 {
        let folder = Folder::new().map_err(SqliteError::disk(&std::env::temp_dir()))?;
        let before = PARTS.map(|ending| look(&beside(path, ending)));
        for (ending, found) in PARTS.iter().zip(&before) {
            let from = beside(path, ending);
            if found.is_some() {
                fs::copy(&from, folder.0.join(format!("{COPY}{ending}")))
                    .map_err(SqliteError::disk(&from))?;
            }
        }
        if before == PARTS.map(|ending| look(&beside(path, ending))) {
            return Ok(folder);
        }
    }
    Err(SqliteError::Locked { path: path.to_owned() })
}

fn look(path: &Path) -> Option<(u64, Option<std::time::SystemTime>)> {
    fs::metadata(path).ok().map(|found| (found.len(), found.modified().ok()))
}

/// The file with this ending added to its whole name.
pub(super) fn beside(path: &Path, ending: &str) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(ending);
    name.into()
}

#[cfg(unix)]
fn private() -> fs::DirBuilder {
    let mut builder = fs::DirBuilder::new();
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    builder
}

/// Temporary folders are in the person's own profile there.
#[cfg(not(unix))]
fn private() -> fs::DirBuilder {
    fs::DirBuilder::new()
}

/// A folder only this user can enter, gone when dropped.
struct Folder(PathBuf);

impl Folder {
    fn new() -> std::io::Result<Self> {
        let builder = private();
        for number in 0..10_000 {
            let path = std::env::temp_dir().join(format!("kitbag-sqlite-{}-{number}", std::process::id()));
            match builder.create(&path) {
                Ok(()) => return Ok(Self(path)),
                Err(error) if error.kind() == std::io::ErrorKind::AlreadyExists => {}
                Err(error) => return Err(error),
            }
        }
        Err(std::io::ErrorKind::AlreadyExists.into())
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        // What cannot be removed is the system's temporary folder's to sweep.
        let _ = fs::remove_dir_all(&self.0);
    }
}
