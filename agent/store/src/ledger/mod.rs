//! This machine's memory of one workspace: an SQLite database, one file of code per family of tables. What
//! must survive a power cut is committed before the engine goes on, so every commit waits for the disk
//! (`synchronous=FULL` in WAL mode; NORMAL would lose the last commits); batches keep that cheap. Paths are
//! keyed by `WorkPath::key`, so walking a table is walking sorted folders. The page cache is small: 100,000
//! files must fit into 60 MiB of memory together with everything else.

mod admission;
mod audit;
mod awaited;
mod candidates;
mod column;
mod events;
mod gone;
mod held;
mod intents;
mod kept;
mod lineage;
mod looks;
mod machines;
mod meta;
mod observed;
mod old;
mod operations;
mod packs;
mod paths;
mod records;
mod removals;
mod renames;
mod replaced;
mod schema;
mod services;
mod standing;
mod state;
mod versions;

#[cfg(test)]
mod tests;

use std::cell::Cell;
use std::path::Path;
use std::time::Duration;

use rusqlite::Connection;

use crate::error::StoreError;

pub use admission::Waiting;
pub use audit::Entry;
pub use awaited::Awaited;
pub use candidates::{Candidate, Look};
pub use held::{Held, HeldPath};
pub use intents::{Intent, IntentState, Place};
pub use looks::PackLook;
pub use machines::Heard;
pub use old::Shelved;
pub use operations::{Change, Operation, Verb};
pub use packs::Located;
pub use paths::{Asked, Counts, PathRow};
pub use records::Unpacked;
pub use renames::Marked;
pub use replaced::Replaced;
pub use services::Loaded;
pub use state::{MOST_KEYS, MOST_PLUGIN_BYTES, MOST_VALUE_BYTES, StateError};
pub use versions::Version;

// Another process of ours (the command line beside the agent) may be writing.
const PATIENCE: Duration = Duration::from_secs(10);

/// The database. One thread uses it at a time (it is `Send`, not `Sync`); other processes may have it open.
pub struct Ledger {
    db: Connection,
    in_batch: Cell<bool>,
}

impl Ledger {
    /// Open a workspace's ledger, making or migrating it where needed. The folder must exist.
    ///
    /// # Errors
    /// When it cannot be opened, or a later kitbag wrote it.
    pub fn open(file: &Path) -> Result<Self, StoreError> {
        Self::prepare(Connection::open(file)?)
    }

    /// A ledger that is forgotten with the process, for tests and the simulator.
    ///
    /// # Errors
    /// When SQLite cannot get memory.
    pub fn in_memory() -> Result<Self, StoreError> {
        Self::prepare(Connection::open_in_memory()?)
    }

    fn prepare(db: Connection) -> Result<Self, StoreError> {
        db.busy_timeout(PATIENCE)?;
        db.set_prepared_statement_cache_capacity(128);
        schema::configure(&db)?;
        schema::migrate(&db)?;
        Ok(Ledger { db, in_batch: Cell::new(false) })
    }

    /// Look at several things as they are at one moment. Each look by itself would take and give back the
    /// database's locks. Nothing is to be written inside.
    ///
    /// # Errors
    /// Those of `f`, and those of the database.
    pub fn reading<T, E: From<StoreError>>(&self, f: impl FnOnce(&Self) -> Result<T, E>) -> Result<T, E> {
        if self.in_batch.get() {
            return f(self);
        }
        let open = Batch::open(self, "BEGIN DEFERRED")?;
        let value = f(self)?;
        open.commit()?;
        Ok(value)
    }

    /// Do several things in one transaction: all of them are on the disk when this returns, or none happened.
    /// A batch inside a batch joins the outer one; so when the inner one fails, the outer must fail too.
    ///
    /// # Errors
    /// Those of `f`, and those of the database; the ledger is then as it was before.
    pub fn batch<T, E: From<StoreError>>(&self, f: impl FnOnce(&Self) -> Result<T, E>) -> Result<T, E> {
        if self.in_batch.get() {
            return f(self);
        }
        // Immediate: two processes that both read first and write later could not both go on.
        let open = Batch::open(self, "BEGIN IMMEDIATE")?;
        let value = f(self)?;
        open.commit()?;
        Ok(value)
    }
}

// Rolls back unless committed, also when what runs inside panics.
struct Batch<'a>(&'a Ledger);

impl<'a> Batch<'a> {
    fn open(ledger: &'a Ledger, begin: &str) -> Result<Self, StoreError> {
        ledger.db.execute_batch(begin)?;
        ledger.in_batch.set(true);
        Ok(Batch(ledger))
    }

    fn commit(self) -> Result<(), StoreError> {
        Ok(self.0.db.execute_batch("COMMIT")?)
    }
}

impl Drop for Batch<'_> {
    fn drop(&mut self) {
        self.0.in_batch.set(false);
        if !self.0.db.is_autocommit() {
            // Should this fail, the next batch cannot begin and says so; what was written is not kept either way.
            self.0.db.execute_batch("ROLLBACK").ok();
        }
    }
}
