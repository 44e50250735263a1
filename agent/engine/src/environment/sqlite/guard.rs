//! What SQL from elsewhere may do on a connection: fill this one database, within a measure of work.
//!
//! Set on every connection that runs text from a share or a course package. SQLite asks before it does
//! anything outside tables and indexes; the answer is no unless the action stands in the list below. A second
//! bound is work: instructions and pages that grow with the length of the text, so a small text cannot cost a day.

use std::collections::BTreeSet;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use rusqlite::Connection;
use rusqlite::config::DbConfig;
use rusqlite::hooks::{AuthAction, AuthContext, Authorization};
use rusqlite::limits::Limit;

use super::LONGEST;

/// Whose text it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Author {
    /// A dump: only makes objects and fills them.
    Dump,
    /// A course: may also change and drop what it made.
    Course,
}

/// Virtual tables that keep all they have in this database.
pub(super) const MODULES: [&str; 3] = ["fts5", "rtree", "rtree_i32"];

const STEP: u64 = 1_000;
const FREE_WORK: u64 = 100_000_000;
const WORK_PER_BYTE: u64 = 2_000;
const FREE_BYTES: u64 = 256 << 20;
const BYTES_PER_BYTE: u64 = 64;

/// What was noted while the text ran.
#[derive(Debug, Default)]
struct Notes {
    refused: Option<String>,
    functions: BTreeSet<String>,
    touched: BTreeSet<String>,
}

/// Watches one connection.
pub(super) struct Guard {
    allowed: Arc<AtomicU64>,
    notes: Arc<Mutex<Notes>>,
    next: u64,
}

impl Guard {
    /// Closes a fresh connection to everything but its own database.
    pub(super) fn new(connection: &mut Connection, author: Author) -> rusqlite::Result<Self> {
        connection.set_db_config(DbConfig::SQLITE_DBCONFIG_DEFENSIVE, true)?;
        connection.set_db_config(DbConfig::SQLITE_DBCONFIG_TRUSTED_SCHEMA, false)?;
        // Rows come in as they were; what a trigger once did is among them.
        connection.set_db_config(DbConfig::SQLITE_DBCONFIG_ENABLE_TRIGGER, false)?;
        let longest = i32::try_from(LONGEST).unwrap_or(i32::MAX);
        connection.set_limit(Limit::SQLITE_LIMIT_LENGTH, longest)?;
        connection.set_limit(Limit::SQLITE_LIMIT_SQL_LENGTH, longest)?;
        connection.set_limit(Limit::SQLITE_LIMIT_ATTACHED, 0)?;
        connection.set_limit(Limit::SQLITE_LIMIT_LIKE_PATTERN_LENGTH, 1_000)?;
        connection.set_limit(Limit::SQLITE_LIMIT_WORKER_THREADS, 0)?;

        let allowed = Arc::new(AtomicU64::new(FREE_WORK));
        let left = Arc::clone(&allowed);
        let mut spent = 0;
        connection.progress_handler(
            i32::try_from(STEP).unwrap_or(1_000),
            Some(move || {
                spent += STEP;
                spent > left.load(Ordering::Relaxed)
            }),
        )?;

        let notes = Arc::new(Mutex::new(Notes::default()));
        let seen = Arc::clone(&notes);
        connection.authorizer(Some(move |context: AuthContext<'_>| {
            let mut notes = seen.lock().unwrap_or_else(PoisonError::into_inner);
            match refusal(&context, author) {
                Some(why) => {
                    notes.refused.get_or_insert(why);
                    Authorization::Deny
                }
                None => {
                    notes.note(&context);
                    Authorization::Allow
                }
            }
        }))?;
        Ok(Self { allowed, notes, next: 0 })
    }

    /// Allows the work and the pages that a text of this length may need, in bytes read so far.
    pub(super) fn allow(&mut self, connection: &Connection, read: u64) -> rusqlite::Result<()> {
        self.allowed.store(FREE_WORK + WORK_PER_BYTE.saturating_mul(read), Ordering::Relaxed);
        if read < self.next {
            return Ok(());
        }
        self.next = read.saturating_mul(2).max(1 << 20);
        let size: u32 = connection.pragma_query_value(None, "page_size", |row| row.get(0))?;
        let pages =
            FREE_BYTES.saturating_add(BYTES_PER_BYTE.saturating_mul(self.next)) / u64::from(size.max(512));
        // Asked with a value it answers with a row.
        connection.query_row(&format!("PRAGMA max_page_count={pages}"), [], |_| Ok(()))
    }

    /// What an error really was: the refused action if there was one.
    pub(super) fn why(&self, error: &rusqlite::Error) -> String {
        use rusqlite::ErrorCode::{DiskFull, OperationInterrupted, TooBig};
        let refused = self.notes.lock().unwrap_or_else(PoisonError::into_inner).refused.take();
        match (refused, error.sqlite_error_code()) {
            (Some(refused), _) => refused,
            (None, Some(OperationInterrupted)) => "it takes far more work than its size explains".to_owned(),
            (None, Some(DiskFull)) => "the disk is full, or it grows far beyond its own size".to_owned(),
            (None, Some(TooBig)) => "a value or statement is too large".to_owned(),
            (None, _) => error.to_string(),
        }
    }

    /// The functions called and the tables and triggers touched since this was last asked, in lower case.
    pub(super) fn taken(&self) -> (BTreeSet<String>, BTreeSet<String>) {
        let mut notes = self.notes.lock().unwrap_or_else(PoisonError::into_inner);
        (std::mem::take(&mut notes.functions), std::mem::take(&mut notes.touched))
    }
}

impl Notes {
    fn note(&mut self, context: &AuthContext<'_>) {
        match context.action {
            AuthAction::Function { function_name } => {
                self.functions.insert(function_name.to_ascii_lowercase());
            }
            AuthAction::Insert { table_name } | AuthAction::Update { table_name, .. } => {
                self.touched.insert(table_name.to_ascii_lowercase());
            }
            _ => {}
        }
        if let Some(accessor) = context.accessor {
            self.touched.insert(accessor.to_ascii_lowercase());
        }
    }
}

fn refusal(context: &AuthContext<'_>, author: Author) -> Option<String> {
    use AuthAction as A;
    if !matches!(context.database_name, None | Some("main")) {
        return Some(format!("it reaches for another database ({:?})", context.action));
    }
    let course = author == Author::Course;
    let fine = match context.action {
        A::CreateTable { .. }
        | A::CreateIndex { .. }
        | A::CreateView { .. }
        | A::CreateTrigger { .. }
        | A::Insert { .. }
        | A::Update { .. }
        | A::Delete { .. }
        | A::Read { .. }
        | A::Select
        | A::Reindex { .. }
        | A::Transaction { .. }
        | A::Savepoint { .. } => true,
        A::CreateVtable { module_name, .. } | A::DropVtable { module_name, .. } => {
            MODULES.iter().any(|module| module.eq_ignore_ascii_case(module_name))
        }
        A::Pragma { pragma_name, .. } => pragma(pragma_name),
        A::Function { function_name } => {
            !matches!(function_name.to_ascii_lowercase().as_str(), "load_extension" | "fts3_tokenizer")
        }
        A::Recursive
        | A::AlterTable { .. }
        | A::DropTable { .. }
        | A::DropIndex { .. }
        | A::DropView { .. }
        | A::DropTrigger { .. } => course,
        _ => false,
    };
    (!fine).then(|| format!("it may not do this: {:?}", context.action))
}

/// `data_version` and `page_size` are asked by the virtual tables themselves.
fn pragma(name: &str) -> bool {
    const FINE: [&str; 9] = [
        "application_id",
        "data_version",
        "encoding",
        "foreign_key_check",
        "foreign_keys",
        "ignore_check_constraints",
        "max_page_count",
        "page_size",
        "user_version",
    ];
    FINE.iter().any(|fine| fine.eq_ignore_ascii_case(name))
}
