//! What can go wrong with the ledger. Bad news about packs and contents has its own enums, since somebody
//! else can act on it: a damaged ledger is this machine's matter, a damaged pack another machine's.

use kitbag_core::id::{PackId, RecordId};
use rusqlite::ffi;

/// The ledger could not do it.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// The disk that holds the ledger is full. Nothing of the batch was kept.
    #[error("the disk that holds kitbag's own data is full")]
    Full,
    /// Another process kept the ledger busy for longer than we wait.
    #[error("another kitbag on this machine keeps the ledger busy")]
    Busy,
    /// Any other trouble of the database.
    #[error("the ledger cannot be read or written: {0}")]
    Database(#[source] rusqlite::Error),
    /// The ledger's format is later than this build knows; the number is its version.
    #[error("the ledger was written by a later kitbag (its version is {0})")]
    Newer(i64),
    /// A record whose bytes do not hash to the name it was given under.
    #[error("the bytes of record {0} do not match its name")]
    WrongName(RecordId),
    /// A pack that was never added.
    #[error("pack {0} is not in the ledger")]
    UnknownPack(PackId),
    /// A record that was never added.
    #[error("record {0} is not in the ledger")]
    UnknownRecord(RecordId),
    /// A stored record that no longer reads as one.
    #[error("the ledger holds a record kitbag cannot read: {0}")]
    BadRecord(#[from] kitbag_core::version::BadRecord),
}

impl From<rusqlite::Error> for StoreError {
    fn from(error: rusqlite::Error) -> Self {
        // what SQLite says when it cannot make room for the index of its log
        if error.sqlite_error().is_some_and(|error| error.extended_code == ffi::SQLITE_IOERR_SHMSIZE) {
            return StoreError::Full;
        }
        match error.sqlite_error_code() {
            Some(rusqlite::ErrorCode::DiskFull) => StoreError::Full,
            Some(rusqlite::ErrorCode::DatabaseBusy) => StoreError::Busy,
            _ => StoreError::Database(error),
        }
    }
}
