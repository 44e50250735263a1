//! The whole way: databases dumped, restored, seeded and attacked, on real files.

#![allow(clippy::unwrap_used)]

mod contents;
mod files;
mod hostile;
mod random;
mod seeds;

use std::path::{Path, PathBuf};

use rusqlite::Connection;

use super::{SqliteError, dump, restore};

/// A folder for one test, and databases in it.
struct Bench(tempfile::TempDir);

impl Bench {
    fn new() -> Self {
        Self(tempfile::tempdir().unwrap())
    }

    fn path(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    fn made(&self, name: &str, sql: &str) -> PathBuf {
        let path = self.path(name);
        let connection = Connection::open(&path).unwrap();
        connection.execute_batch("PRAGMA foreign_keys=OFF; PRAGMA synchronous=OFF;").unwrap();
        connection.execute_batch(sql).unwrap();
        path
    }

    fn names(&self) -> Vec<String> {
        let mut all: Vec<_> = std::fs::read_dir(self.0.path())
            .unwrap()
            .map(|entry| entry.unwrap().file_name().into_string().unwrap())
            .collect();
        all.sort();
        all
    }

    /// Dumps, restores with kitbag and with plain SQLite, and wants the same dump from both.
    fn round(&self, database: &Path) -> String {
        let text = dumped(database);
        let back = self.path("back.db");
        restore(&mut text.as_bytes(), &back).unwrap();
        same(&text, &dumped(&back));
        let plain = self.path("plain.db");
        std::fs::remove_file(&plain).ok();
        Connection::open(&plain).unwrap().execute_batch(&format!("PRAGMA synchronous=OFF;\n{text}")).unwrap();
        same(&text, &dumped(&plain));
        text
    }
}

fn dumped(database: &Path) -> String {
    let mut out = Vec::new();
    dump(database, &mut out).unwrap();
    String::from_utf8(out).unwrap()
}

fn dump_error(database: &Path) -> SqliteError {
    dump(database, &mut Vec::new()).unwrap_err()
}

/// Shows the first line that differs, not two whole databases.
#[track_caller]
fn same(left: &str, right: &str) {
    for (number, (left, right)) in left.lines().zip(right.lines()).enumerate() {
        assert_eq!(left, right, "line {}, {}", number + 1, std::panic::Location::caller());
    }
    assert_eq!(left.len(), right.len());
}
