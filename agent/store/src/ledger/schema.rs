//! The tables, and how an older ledger becomes a newer one: each step runs once, in a transaction with the
//! number that says so (`user_version`). A step that was ever released is never edited; the next one is
//! appended. The candidates of a scan live in a temporary table of the connection and are no part of this.

use rusqlite::Connection;

use crate::error::StoreError;

const STEPS: &[&str] = &["
CREATE TABLE meta (key TEXT NOT NULL PRIMARY KEY, value TEXT NOT NULL) STRICT, WITHOUT ROWID;

-- state: 0 waiting for what `needs` names, 1 ready, 2 admitted. content is null where the file is deleted.
CREATE TABLE records (
    number INTEGER PRIMARY KEY, id BLOB NOT NULL UNIQUE, key BLOB NOT NULL, content BLOB,
    unit INTEGER NOT NULL, raw BLOB NOT NULL, machine TEXT, time TEXT, pack INTEGER, state INTEGER NOT NULL
) STRICT;
CREATE INDEX records_key ON records (key);
CREATE INDEX records_pack ON records (pack);
CREATE INDEX records_open ON records (state) WHERE state < 2;
-- Further packs that hold a record, beside the one named in its row.
CREATE TABLE carried (
    record INTEGER NOT NULL, pack INTEGER NOT NULL, PRIMARY KEY (record, pack)
) STRICT, WITHOUT ROWID;
-- kind: 0 a record, 1 a content, 2 the list of a unit's parts.
CREATE TABLE needs (
    kind INTEGER NOT NULL, what BLOB NOT NULL, record INTEGER NOT NULL, PRIMARY KEY (kind, what, record)
) STRICT, WITHOUT ROWID;
CREATE INDEX needs_record ON needs (record, kind);

CREATE TABLE packs (
    number INTEGER PRIMARY KEY, id BLOB NOT NULL UNIQUE, size INTEGER NOT NULL, mine INTEGER NOT NULL
) STRICT;
CREATE TABLE pieces (
    piece BLOB NOT NULL, pack INTEGER NOT NULL, at INTEGER NOT NULL, stored INTEGER NOT NULL,
    size INTEGER NOT NULL, raw INTEGER NOT NULL, PRIMARY KEY (piece, pack)
) STRICT, WITHOUT ROWID;
-- Contents of more than one piece: their names, 32 bytes each, in order.
CREATE TABLE layouts (
    content BLOB NOT NULL, pack INTEGER NOT NULL, size INTEGER NOT NULL, pieces BLOB NOT NULL,
    UNIQUE (content, pack)
) STRICT;
CREATE TABLE kept (content BLOB NOT NULL PRIMARY KEY, size INTEGER NOT NULL) STRICT, WITHOUT ROWID;
-- Contents a unit's manifest names, 32 bytes each.
CREATE TABLE units (manifest BLOB NOT NULL UNIQUE, parts BLOB NOT NULL) STRICT;
CREATE TABLE packages (id BLOB NOT NULL UNIQUE, raw BLOB NOT NULL) STRICT;
CREATE TABLE package_packs (
    package BLOB NOT NULL, pack INTEGER NOT NULL, PRIMARY KEY (package, pack)
) STRICT, WITHOUT ROWID;

-- present: base is the record of a file that is not deleted.
CREATE TABLE paths (
    key BLOB NOT NULL PRIMARY KEY, base BLOB, mirror BLOB, absent_since INTEGER, stale_writes INTEGER NOT NULL,
    observed INTEGER NOT NULL, size INTEGER NOT NULL, present INTEGER NOT NULL, dirty INTEGER NOT NULL,
    open BLOB, working_size INTEGER, working_modified INTEGER, working_changed INTEGER, working_file INTEGER,
    mirror_size INTEGER, mirror_modified INTEGER, mirror_changed INTEGER, mirror_file INTEGER
) STRICT, WITHOUT ROWID;
CREATE INDEX paths_dirty ON paths (key) WHERE dirty = 1;
CREATE INDEX paths_open ON paths (key) WHERE open IS NOT NULL;
CREATE TABLE observed (
    key BLOB NOT NULL, place INTEGER NOT NULL, kind INTEGER NOT NULL, content BLOB, size INTEGER NOT NULL,
    since INTEGER NOT NULL, copy TEXT, PRIMARY KEY (key, place)
) STRICT, WITHOUT ROWID;

CREATE TABLE intents (
    id INTEGER PRIMARY KEY, key BLOB NOT NULL, place INTEGER NOT NULL, temporary TEXT NOT NULL,
    expect BLOB, put BLOB, parent BLOB, state INTEGER NOT NULL
) STRICT;
CREATE TABLE removals (at INTEGER NOT NULL, key BLOB NOT NULL, PRIMARY KEY (at, key)) STRICT, WITHOUT ROWID;
CREATE TABLE held (
    key BLOB NOT NULL PRIMARY KEY, reason INTEGER NOT NULL, since INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
CREATE TABLE events (id TEXT NOT NULL PRIMARY KEY, raw TEXT NOT NULL) STRICT;
CREATE TABLE services (
    service TEXT NOT NULL PRIMARY KEY, record BLOB NOT NULL, content BLOB NOT NULL
) STRICT, WITHOUT ROWID;
CREATE TABLE plugin_state (
    plugin TEXT NOT NULL, key TEXT NOT NULL, value BLOB NOT NULL, PRIMARY KEY (plugin, key)
) STRICT;
", "
-- Contents whose bytes a pack says are nowhere any more. looked: this machine looked for them itself, in vain.
CREATE TABLE gone (
    content BLOB NOT NULL, pack INTEGER NOT NULL, looked INTEGER NOT NULL, PRIMARY KEY (content, pack)
) STRICT, WITHOUT ROWID;
CREATE INDEX gone_pack ON gone (pack);
", "
-- The version that is written. Intents of before have none; they are looked at by their bytes alone.
ALTER TABLE intents ADD COLUMN version BLOB;
", "
-- How the files among the packs looked when they were last read; bad_since: since when they have not matched.
CREATE TABLE looks (
    pack BLOB NOT NULL PRIMARY KEY, bad_since INTEGER, refused TEXT,
    size INTEGER, modified INTEGER, changed INTEGER, file INTEGER
) STRICT, WITHOUT ROWID;
", "
-- Every scan asks which folders are units.
CREATE INDEX records_unit ON records (key) WHERE unit = 1;
", "
-- What kitbag did here that can be taken back. verb: 0 sync, 1 resolve, 2 restore, 3 undo.
CREATE TABLE operations (
    number INTEGER PRIMARY KEY, verb INTEGER NOT NULL, at INTEGER NOT NULL, time TEXT NOT NULL,
    fresh INTEGER NOT NULL, undoes INTEGER
) STRICT;
-- The versions a path showed before and after; before is null where there was nothing.
CREATE TABLE operation_paths (
    operation INTEGER NOT NULL, key BLOB NOT NULL, before BLOB, after BLOB NOT NULL,
    PRIMARY KEY (operation, key)
) STRICT, WITHOUT ROWID;
CREATE INDEX operation_paths_after ON operation_paths (key, after);
-- Newer versions that wait until a program has closed the file. why: 0 open, 1 just saved.
CREATE TABLE awaited (
    key BLOB NOT NULL PRIMARY KEY, version BLOB NOT NULL, since INTEGER NOT NULL, why INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
", "
-- Packs that another one says to hold all of; since: when this was first heard, in counted time. Rows outlast both.
CREATE TABLE replaced (
    old BLOB NOT NULL, new BLOB NOT NULL, since INTEGER, PRIMARY KEY (old, new)
) STRICT, WITHOUT ROWID;
CREATE INDEX replaced_new ON replaced (new);
-- A pack that is here and replaces it is here too: nothing new is to rely on this one.
ALTER TABLE packs ADD COLUMN leaving INTEGER NOT NULL DEFAULT 0;
-- Contents only superseded versions have, and since when, in counted time.
CREATE TABLE superseded (content BLOB NOT NULL PRIMARY KEY, since INTEGER NOT NULL) STRICT, WITHOUT ROWID;
-- The newest event of each other machine, and when it was first heard of, in counted time.
CREATE TABLE heard (
    machine TEXT NOT NULL PRIMARY KEY, sequence INTEGER NOT NULL, at INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
", "
-- Which records are moves of a version at another path. Moves known before are found in their canonical bytes.
CREATE TABLE moves (parent BLOB NOT NULL, record INTEGER NOT NULL, PRIMARY KEY (parent, record)) STRICT, WITHOUT ROWID;
CREATE INDEX moves_record ON moves (record);
INSERT OR IGNORE INTO moves
    SELECT unhex(value), number FROM records, json_each(CAST(raw AS TEXT), '$.parents')
    WHERE instr(CAST(raw AS TEXT), '\"kind\":\"move\"') > 0;
UPDATE paths SET dirty = 1 WHERE key IN (SELECT old.key FROM moves JOIN records old ON old.id = moves.parent);
", "
-- When the file was last changed, by the machine that made the record, in milliseconds since 1970.
ALTER TABLE records ADD COLUMN modified INTEGER;
-- Where a file lies in a place, when that is not how its name is written there.
ALTER TABLE paths ADD COLUMN working_at TEXT;
ALTER TABLE paths ADD COLUMN mirror_at TEXT;
ALTER TABLE intents ADD COLUMN at TEXT;
-- Paths at which something stands, by the name that systems which fold names take them for. Filled as paths are
-- looked at, so all are looked at once more.
CREATE TABLE standing (
    folded BLOB NOT NULL, key BLOB NOT NULL, folder INTEGER NOT NULL, PRIMARY KEY (folded, key)
) STRICT, WITHOUT ROWID;
UPDATE paths SET dirty = 1;
", "
-- Of a notebook: the one head that was looked into, and how many questions about cells wait in it. Notebooks merge now,
-- so all are looked at once more.
ALTER TABLE paths ADD COLUMN asked BLOB;
ALTER TABLE paths ADD COLUMN cells INTEGER NOT NULL DEFAULT 0;
CREATE INDEX paths_cells ON paths (key) WHERE cells > 0;
UPDATE paths SET dirty = 1 WHERE lower(CAST(substr(key, -6) AS TEXT)) = '.ipynb';
", "
-- How many cells of that head were kept although somebody deleted them; null: not counted yet, so all are looked at once
-- more.
ALTER TABLE paths ADD COLUMN kept INTEGER;
CREATE INDEX paths_kept ON paths (key) WHERE kept > 0;
UPDATE paths SET dirty = 1 WHERE lower(CAST(substr(key, -6) AS TEXT)) = '.ipynb';
"];

pub(super) fn configure(db: &Connection) -> Result<(), StoreError> {
    // A checkpoint every 16 MiB of log: the same pages are changed by many batches, and each is then moved once.
    // fullfsync only means something on macOS, where a plain fsync may stay in the drive's cache.
    db.execute_batch(
        "PRAGMA journal_mode = WAL;
         PRAGMA synchronous = FULL;
         PRAGMA fullfsync = ON;
         PRAGMA checkpoint_fullfsync = ON;
         PRAGMA wal_autocheckpoint = 4000;
         PRAGMA cache_size = -6144;
         PRAGMA temp.cache_size = -2048;
         PRAGMA journal_size_limit = 16777216;
         PRAGMA trusted_schema = OFF;
         CREATE TEMP TABLE candidates (
             key BLOB NOT NULL PRIMARY KEY,
             working INTEGER NOT NULL, working_size INTEGER, working_modified INTEGER,
             working_changed INTEGER, working_file INTEGER,
             mirror INTEGER NOT NULL, mirror_size INTEGER, mirror_modified INTEGER,
             mirror_changed INTEGER, mirror_file INTEGER,
             working_at TEXT, mirror_at TEXT
         ) STRICT, WITHOUT ROWID;
         CREATE TEMP TABLE renames (
             key BLOB NOT NULL PRIMARY KEY, gone INTEGER NOT NULL, content BLOB, size INTEGER NOT NULL,
             modified INTEGER NOT NULL, file INTEGER NOT NULL, base BLOB
         ) STRICT, WITHOUT ROWID;
         CREATE INDEX temp.renames_content ON renames (content);
         CREATE INDEX temp.renames_size ON renames (size);
         CREATE INDEX temp.renames_file ON renames (file);
         CREATE TEMP TABLE renamed (key BLOB NOT NULL PRIMARY KEY, base BLOB NOT NULL) STRICT, WITHOUT ROWID;",
    )?;
    Ok(())
}

pub(super) fn migrate(db: &Connection) -> Result<(), StoreError> {
    // Looked at again inside the transaction: two processes may open a fresh ledger at the same moment.
    if version(db)? == STEPS.len() {
        return Ok(());
    }
    db.execute_batch("BEGIN IMMEDIATE")?;
    let result = run_steps(db);
    db.execute_batch(if result.is_ok() { "COMMIT" } else { "ROLLBACK" })?;
    result
}

fn run_steps(db: &Connection) -> Result<(), StoreError> {
    for (done, step) in STEPS.iter().enumerate().skip(version(db)?) {
        db.execute_batch(step)?;
        db.pragma_update(None, "user_version", (done + 1) as i64)?;
    }
    Ok(())
}

fn version(db: &Connection) -> Result<usize, StoreError> {
    let found: i64 = db.query_row("PRAGMA user_version", [], |row| row.get(0))?;
    usize::try_from(found).ok().filter(|&version| version <= STEPS.len()).ok_or(StoreError::Newer(found))
}

#[cfg(test)]
mod tests {
    use kitbag_core::version::Label;

    use super::*;
    use crate::ledger::Ledger;
    use crate::pack::tests::edit;

    #[test]
    fn an_empty_file_becomes_a_ledger_once() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("ledger.db");
        Connection::open(&file).unwrap();
        Ledger::open(&file).unwrap().set("a", "1").unwrap();
        let again = Ledger::open(&file).unwrap();
        assert_eq!(again.get("a").unwrap().as_deref(), Some("1"));
        assert_eq!(version(&again.db).unwrap(), STEPS.len());
        let mode: String = again.db.query_row("PRAGMA journal_mode", [], |row| row.get(0)).unwrap();
        let waits: i64 = again.db.query_row("PRAGMA synchronous", [], |row| row.get(0)).unwrap();
        assert_eq!((mode.as_str(), waits), ("wal", 2));
    }

    /// A ledger that took in a newer machine's move before it knew what a move is.
    #[test]
    fn moves_of_before_are_found() {
        use kitbag_core::path::WorkPath;
        use kitbag_core::version::{Content, Kind, Record};
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("ledger.db");
        let db = Connection::open(&file).unwrap();
        let before = STEPS.iter().position(|step| step.contains("TABLE moves")).unwrap();
        STEPS[..before].iter().for_each(|step| db.execute_batch(step).unwrap());
        db.pragma_update(None, "user_version", before as i64).unwrap();
        let path = |text| WorkPath::parse(text).unwrap();
        let old = Record::new(path("a/x"), Content::Deleted, Kind::Edit, []);
        let moved = Record::new(path("y"), Content::Deleted, Kind::Move, [old.id()]);
        let plain = Record::new(path("z"), Content::Deleted, Kind::Edit, [old.id()]);
        for record in [&old, &moved, &plain] {
            db.execute(
                "INSERT INTO records (id, key, unit, raw, state) VALUES (?1, ?2, 0, ?3, 2)",
                rusqlite::params![record.id().as_bytes(), record.path.key(), record.canonical()],
            )
            .unwrap();
        }
        let put = "INSERT INTO paths (key, stale_writes, observed, size, present, dirty) VALUES (?1, 0, 0, 0, 0, 0)";
        db.execute(put, [path("a/x").key()]).unwrap();
        drop(db);
        let ledger = Ledger::open(&file).unwrap();
        let found = ledger.lineage(&path("a/x"), None).unwrap();
        let mut expected = vec![(old.id(), old.clone()), (moved.id(), moved)];
        expected.sort_by_key(|(id, _)| *id);
        assert_eq!(found, expected);
        assert!(ledger.path(&path("a/x")).unwrap().unwrap().dirty);
    }

    /// A ledger as it was before files could lie under other names than their own.
    #[test]
    fn an_older_ledger_is_read_and_looked_at_once_more() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("ledger.db");
        let old = Connection::open(&file).unwrap();
        let before = STEPS.iter().position(|step| step.contains("CREATE TABLE standing")).unwrap();
        for step in &STEPS[..before] {
            old.execute_batch(step).unwrap();
        }
        old.pragma_update(None, "user_version", before as i64).unwrap();
        let record = edit("a/b", b"1", &[]);
        old.execute(
            "INSERT INTO records (id, key, content, unit, raw, machine, time, state)
             VALUES (?1, ?2, ?3, 0, ?4, 'HOME', '2024-01-01T00:00:00Z', 2)",
            rusqlite::params![
                record.id().as_bytes(),
                record.path.key(),
                record.content.id().unwrap().as_bytes(),
                record.canonical()
            ],
        )
        .unwrap();
        old.execute(
            "INSERT INTO paths (key, base, stale_writes, observed, size, present, dirty)
             VALUES (?1, ?2, 0, 0, 1, 1, 0)",
            rusqlite::params![record.path.key(), record.id().as_bytes()],
        )
        .unwrap();
        old.execute(
            "INSERT INTO intents (key, place, temporary, state) VALUES (?1, 1, '.~kitbag-1.tmp', 1)",
            [record.path.key()],
        )
        .unwrap();
        drop(old);
        let ledger = Ledger::open(&file).unwrap();
        let row = ledger.path(&record.path).unwrap().unwrap();
        assert_eq!(
            (row.memory.base, row.dirty, row.working_at, row.mirror_at),
            (Some(record.id()), true, None, None)
        );
        assert_eq!(ledger.intents().unwrap()[0].at, "a/b");
        assert_eq!(ledger.label(record.id()).unwrap(), Some(Label::new("HOME", "2024-01-01T00:00:00Z")));
        assert!(ledger.standing_like(&record.path).unwrap().is_empty());
    }

    /// A ledger as it was before notebooks were merged, one of them with both sides open.
    #[test]
    fn notebooks_of_before_are_looked_at_once_more() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("ledger.db");
        let old = Connection::open(&file).unwrap();
        let before = STEPS.iter().position(|step| step.contains("COLUMN cells")).unwrap();
        STEPS[..before].iter().for_each(|step| old.execute_batch(step).unwrap());
        old.pragma_update(None, "user_version", before as i64).unwrap();
        let path = |text| kitbag_core::path::WorkPath::parse(text).unwrap();
        let names = ["a.ipynb", "b/C.IPYNB", "b/plot.png", "ipynb"].map(path);
        for path in &names {
            let put = "INSERT INTO paths (key, stale_writes, observed, size, present, dirty, open)
                       VALUES (?1, 0, 0, 0, 0, 0, ?2)";
            old.execute(put, rusqlite::params![path.key(), [7_u8; 64]]).unwrap();
        }
        drop(old);
        let ledger = Ledger::open(&file).unwrap();
        let dirty: Vec<_> = ledger.dirty_after(None, 9).unwrap().into_iter().map(|row| row.path).collect();
        assert_eq!(dirty, names[..2]);
        assert_eq!(ledger.counts().unwrap().conflicts, 4, "what was open stays so until then");
        assert_eq!(ledger.path(&names[0]).unwrap().unwrap().asked, None);
    }

    /// A ledger as it was before cells that were kept were counted, with questions about cells open.
    #[test]
    fn kept_cells_of_before_are_looked_for() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("ledger.db");
        let old = Connection::open(&file).unwrap();
        let before = STEPS.iter().position(|step| step.contains("COLUMN kept")).unwrap();
        STEPS[..before].iter().for_each(|step| old.execute_batch(step).unwrap());
        old.pragma_update(None, "user_version", before as i64).unwrap();
        let path = kitbag_core::path::WorkPath::parse("a.ipynb").unwrap();
        let put = "INSERT INTO paths (key, stale_writes, observed, size, present, dirty, asked, cells)
                   VALUES (?1, 0, 0, 0, 0, 0, ?2, 2)";
        old.execute(put, rusqlite::params![path.key(), [7_u8; 32]]).unwrap();
        drop(old);
        let ledger = Ledger::open(&file).unwrap();
        let row = ledger.path(&path).unwrap().unwrap();
        let asked = row.asked.unwrap();
        assert_eq!((row.dirty, asked.cells, asked.kept), (true, 2, None));
        assert!(row.asks_about_cells(), "what was open stays so until then");
        assert_eq!(ledger.kept_cells().unwrap(), []);
    }

    #[test]
    fn a_later_ledger_is_left_alone() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("ledger.db");
        Connection::open(&file).unwrap().pragma_update(None, "user_version", 99).unwrap();
        assert!(matches!(Ledger::open(&file), Err(StoreError::Newer(99))));
    }

    #[test]
    fn a_file_that_is_no_database_is_an_error() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("ledger.db");
        std::fs::write(&file, "no database, only words, but enough of them to be looked at. ".repeat(20))
            .unwrap();
        assert!(matches!(Ledger::open(&file), Err(StoreError::Database(_))));
    }
}
