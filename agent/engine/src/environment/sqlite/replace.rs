//! Puts a finished database in the place of another, so that a crash leaves one of the two, whole.
//!
//! Order: the new file is complete and on disk under `NAME.restoring`; the old one takes in its own `-wal` or
//! rolls back its own journal, which also shows that nobody has it open; what is left of such files is removed,
//! since SQLite would apply them to the new file; the new file is renamed over the old; the folder is synced.
//! Until the rename the old database is there with all it held, after it the new one. The caller keeps programs
//! from opening the database meanwhile.

use std::fs::{self, File, OpenOptions};
use std::io::ErrorKind;
use std::path::{Path, PathBuf};

use rusqlite::{Connection, OpenFlags};

use super::source::{PATIENCE, beside};
use super::{SqliteError, absolute};

const LEFTOVERS: [&str; 3] = ["-journal", "-wal", "-shm"];

/// A new database on its way to its place; removed when it does not get there.
pub(super) struct New {
    target: PathBuf,
    path: PathBuf,
}

impl New {
    /// An empty file beside the target. An unfinished one of an earlier attempt is removed.
    ///
    /// # Errors
    /// [`SqliteError::NotAFile`] where the target is a link or folder; [`SqliteError::Disk`].
    pub(super) fn beside(target: &Path) -> Result<Self, SqliteError> {
        let target = absolute(target);
        if fs::symlink_metadata(&target).is_ok_and(|found| !found.is_file()) {
            return Err(SqliteError::NotAFile { path: target });
        }
        let new = Self { path: beside(&target, ".restoring"), target };
        remove(&new.path)?;
        remove_leftovers(&new.path)?;
        // Fails where somebody put a link there in between, instead of following it.
        OpenOptions::new()
            .write(true)
            .create_new(true)
            .open(&new.path)
            .map_err(SqliteError::disk(&new.path))?;
        Ok(new)
    }

    /// The file to fill.
    pub(super) fn path(&self) -> &Path {
        &self.path
    }

    /// Where it goes.
    pub(super) fn target(&self) -> &Path {
        &self.target
    }

    /// A connection that does not wait for the disk: the file counts only once it is whole.
    pub(super) fn open(&self) -> Result<Connection, SqliteError> {
        let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
        Connection::open_with_flags(&self.path, flags).map_err(|error| SqliteError::of(&self.path, error))
    }

    /// Swaps it in. Every connection to it must be closed.
    ///
    /// # Errors
    /// [`SqliteError::Locked`] while another program has the old database open; [`SqliteError::Disk`].
    pub(super) fn put(self) -> Result<(), SqliteError> {
        let sync = File::options().write(true).open(&self.path).and_then(|file| file.sync_all());
        sync.map_err(SqliteError::disk(&self.path))?;
        settle(&self.target)?;
        if let Ok(old) = fs::metadata(&self.target) {
            fs::set_permissions(&self.path, old.permissions()).map_err(SqliteError::disk(&self.path))?;
        }
        fs::rename(&self.path, &self.target).map_err(SqliteError::disk(&self.target))?;
        sync_folder(&self.target)
    }
}

impl Drop for New {
    fn drop(&mut self) {
        // Nothing is there after the rename. What cannot be removed now is removed by the next attempt.
        let _ = remove(&self.path);
        let _ = remove_leftovers(&self.path);
    }
}

/// Brings the old database to rest in its one file.
fn settle(target: &Path) -> Result<(), SqliteError> {
    let old = fs::metadata(target).is_ok_and(|found| found.len() > 0);
    if old {
        match rest(target).map_err(|error| SqliteError::of(target, error)) {
            Ok(true) => {}
            Ok(false) => return Err(SqliteError::Locked { path: target.to_owned() }),
            // Nothing of it can be saved by waiting, and its journals must not reach the new file.
            Err(SqliteError::NotADatabase { .. } | SqliteError::Damaged { .. }) => {}
            Err(other) => return Err(other),
        }
    }
    remove_leftovers(target)
}

/// False while anybody else is connected.
fn rest(target: &Path) -> rusqlite::Result<bool> {
    let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let connection = Connection::open_with_flags(target, flags)?;
    connection.busy_timeout(PATIENCE)?;
    // Leaving WAL mode writes back all of it; held by others, it stays in that mode without an error.
    let mode: String = connection.query_row("PRAGMA journal_mode=DELETE", [], |row| row.get(0))?;
    if mode != "delete" {
        return Ok(false);
    }
    connection.execute_batch("BEGIN EXCLUSIVE; ROLLBACK;")?;
    connection.close().map_err(|(_, error)| error)?;
    Ok(true)
}

fn remove_leftovers(database: &Path) -> Result<(), SqliteError> {
    LEFTOVERS.iter().try_for_each(|ending| remove(&beside(database, ending)))
}

fn remove(path: &Path) -> Result<(), SqliteError> {
    match fs::remove_file(path) {
        Err(error) if error.kind() != ErrorKind::NotFound => Err(SqliteError::disk(path)(error)),
        _ => Ok(()),
    }
}

/// Only then does a power cut find the new name. Windows keeps its own order for renames.
fn sync_folder(path: &Path) -> Result<(), SqliteError> {
    #[cfg(unix)]
    if let Some(folder) = path.parent() {
        File::open(folder).and_then(|folder| folder.sync_all()).map_err(SqliteError::disk(folder))?;
    }
    #[cfg(not(unix))]
    let _ = path;
    Ok(())
}
