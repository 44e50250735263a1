//! Files in use, left behind, damaged or foreign; places of databases.

use std::fs;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use rusqlite::Connection;

use super::super::{check, sqlite_version, url};
use super::*;

#[test]
fn a_writer_at_the_same_moment_does_not_tear_the_dump() {
    for mode in ["WAL", "DELETE"] {
        let bench = Bench::new();
        let database = bench.made("a.db", &format!("PRAGMA journal_mode={mode}; CREATE TABLE a(k INTEGER PRIMARY KEY, v); CREATE TABLE b(k INTEGER PRIMARY KEY, v); INSERT INTO a VALUES(1,0); INSERT INTO b VALUES(1,0);"));
        let stop = Arc::new(AtomicBool::new(false));
        let writer = {
            let (stop, database) = (Arc::clone(&stop), database.clone());
            std::thread::spawn(move || {
                let connection = Connection::open(database).unwrap();
                connection.busy_timeout(std::time::Duration::from_secs(20)).unwrap();
                connection.execute_batch("PRAGMA synchronous=OFF").unwrap();
                let mut count = 0_u32;
                while !stop.load(Ordering::Relaxed) {
                    connection
                        .execute_batch("BEGIN IMMEDIATE; UPDATE a SET v=v+1; UPDATE b SET v=v+1; COMMIT;")
                        .unwrap();
                    count += 1;
                    std::thread::sleep(std::time::Duration::from_millis(1));
                }
                count
            })
        };
        let mut seen = std::collections::BTreeSet::new();
        let begun = std::time::Instant::now();
        for round in 0.. {
            // The writer must have come in between; a busy machine may take its time.
            if round >= 50 && (seen.len() > 2 || begun.elapsed().as_secs() > 60) {
                break;
            }
            std::thread::sleep(std::time::Duration::from_millis(2));
            let text = dumped(&database);
            let value = |table: &str| {
                let start = format!("INSERT INTO \"{table}\" VALUES(1,");
                text.lines().find_map(|line| line.strip_prefix(&start)).unwrap().to_owned()
            };
            assert_eq!(value("a"), value("b"), "{mode}");
            seen.insert(value("a"));
        }
        stop.store(true, Ordering::Relaxed);
        assert!(writer.join().unwrap() > 0);
        assert!(seen.len() > 2, "the writer never wrote between two dumps ({mode})");
    }
}

#[test]
fn the_source_is_not_written_and_its_unwritten_log_is_read() {
    let bench = Bench::new();
    let database = bench.path("a.db");
    let owner = Connection::open(&database).unwrap();
    owner.execute_batch("PRAGMA journal_mode=WAL; PRAGMA wal_autocheckpoint=0; CREATE TABLE a(x); INSERT INTO a VALUES('in the log');").unwrap();
    let bytes = |name: &str| fs::read(bench.path(name)).unwrap();
    let (file, log) = (bytes("a.db"), bytes("a.db-wal"));
    let text = dumped(&database);
    assert!(text.contains("'in the log'"));
    assert_eq!((bytes("a.db"), bytes("a.db-wal")), (file, log));
    drop(owner);
    same(&text, &dumped(&database));
    assert_eq!(bench.names(), ["a.db"], "a log was left behind");
}

#[test]
fn the_journal_of_a_killed_program_is_rolled_back_in_a_copy() {
    let bench = Bench::new();
    let database =
        bench.made("live.db", "PRAGMA journal_mode=DELETE; CREATE TABLE a(x); INSERT INTO a VALUES('kept');");
    let before = dumped(&database);
    let connection = Connection::open(&database).unwrap();
    connection.execute_batch("PRAGMA cache_size=1; BEGIN; WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i+1 FROM n WHERE i<3000) INSERT INTO a SELECT hex(randomblob(50)) FROM n;").unwrap();
    // What a kill at this moment leaves behind.
    for ending in ["", "-journal"] {
        fs::copy(bench.path(&format!("live.db{ending}")), bench.path(&format!("dead.db{ending}"))).unwrap();
    }
    drop(connection);
    let (file, journal) =
        (fs::read(bench.path("dead.db")).unwrap(), fs::read(bench.path("dead.db-journal")).unwrap());
    assert!(file.len() > 100_000 && !journal.is_empty());
    same(&before, &dumped(&bench.path("dead.db")));
    assert_eq!(fs::read(bench.path("dead.db")).unwrap(), file);
    assert_eq!(fs::read(bench.path("dead.db-journal")).unwrap(), journal);
}

#[test]
fn what_is_no_readable_database_is_told_apart() {
    let bench = Bench::new();
    assert!(matches!(dump_error(&bench.path("none.db")), SqliteError::Missing { .. }));
    fs::write(bench.path("text.db"), "hello ".repeat(1000)).unwrap();
    assert!(matches!(dump_error(&bench.path("text.db")), SqliteError::NotADatabase { .. }));
    assert!(matches!(dump_error(bench.0.path()), SqliteError::NotADatabase { .. }));

    let database = bench.made("a.db", "CREATE TABLE a(x PRIMARY KEY, y); WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i+1 FROM n WHERE i<2000) INSERT INTO a SELECT i, hex(zeroblob(40)) FROM n;");
    check(&database).unwrap();
    let mut bytes = fs::read(&database).unwrap();
    let middle = bytes.len() / 2 / 4096 * 4096;
    bytes[middle..middle + 20_480].fill(0xee);
    fs::write(&database, bytes).unwrap();
    assert!(matches!(dump_error(&database), SqliteError::Damaged { .. }));
    let error = check(&database).unwrap_err();
    assert!(matches!(error, SqliteError::Damaged { .. }), "{error}");
}

#[test]
fn rows_hidden_by_a_bad_index_are_noticed() {
    let bench = Bench::new();
    let database = bench.made("a.db", "CREATE TABLE a(x TEXT PRIMARY KEY); INSERT INTO a VALUES('p'),('q');");
    // The key's index is emptied behind the table's back.
    let connection = Connection::open(&database).unwrap();
    let page: u32 = connection
        .query_row("SELECT rootpage FROM sqlite_schema WHERE name='sqlite_autoindex_a_1'", [], |row| {
            row.get(0)
        })
        .unwrap();
    drop(connection);
    let mut bytes = fs::read(&database).unwrap();
    let start = (page as usize - 1) * 4096;
    bytes[start..start + 8].copy_from_slice(&[10, 0, 0, 0, 0, 16, 0, 0]);
    fs::write(&database, bytes).unwrap();
    assert!(matches!(dump_error(&database), SqliteError::Damaged { .. }));
}

#[test]
fn a_held_database_is_told_and_left() {
    let bench = Bench::new();
    let database = bench.made("a.db", "CREATE TABLE a(x)");
    let text = dumped(&database);
    let holder = Connection::open(&database).unwrap();
    holder.execute_batch("BEGIN EXCLUSIVE; INSERT INTO a VALUES(1)").unwrap();
    assert!(matches!(dump_error(&database), SqliteError::Locked { .. }));
    assert!(matches!(restore(&mut text.as_bytes(), &database).unwrap_err(), SqliteError::Locked { .. }));
    holder.execute_batch("COMMIT; PRAGMA journal_mode=WAL; SELECT * FROM a;").unwrap();
    assert!(matches!(restore(&mut text.as_bytes(), &database).unwrap_err(), SqliteError::Locked { .. }));
    assert!(dumped(&database).contains("VALUES(1,1);"));
    drop(holder);
    restore(&mut text.as_bytes(), &database).unwrap();
    same(&text, &dumped(&database));
}

#[test]
fn a_stale_log_does_not_reach_the_new_database() {
    let bench = Bench::new();
    let text = dumped(&bench.made("wanted.db", "CREATE TABLE a(x); INSERT INTO a VALUES('wanted')"));
    let database =
        bench.made("live.db", "PRAGMA journal_mode=WAL; PRAGMA wal_autocheckpoint=0; CREATE TABLE a(x);");
    let owner = Connection::open(&database).unwrap();
    owner.execute_batch("INSERT INTO a VALUES('stale')").unwrap();
    for ending in ["", "-wal"] {
        fs::copy(bench.path(&format!("live.db{ending}")), bench.path(&format!("dead.db{ending}"))).unwrap();
    }
    drop(owner);
    let dead = bench.path("dead.db");
    assert!(dumped(&dead).contains("'stale'"));
    restore(&mut text.as_bytes(), &dead).unwrap();
    same(&text, &dumped(&dead));
    assert_eq!(bench.names(), ["dead.db", "live.db", "wanted.db"]);

    // Also over something that is no database at all but has such files beside it.
    fs::write(&dead, "no database ".repeat(500)).unwrap();
    fs::write(bench.path("dead.db-wal"), "junk").unwrap();
    fs::write(bench.path("dead.db.restoring"), "left by a crash").unwrap();
    fs::write(bench.path("dead.db.restoring-journal"), "left by a crash").unwrap();
    restore(&mut text.as_bytes(), &dead).unwrap();
    same(&text, &dumped(&dead));
    assert_eq!(bench.names(), ["dead.db", "live.db", "wanted.db"]);
}

#[cfg(unix)]
#[test]
fn links_are_not_followed_and_permissions_stay() {
    use std::os::unix::fs::{PermissionsExt, symlink};
    let bench = Bench::new();
    let database = bench.made("a.db", "CREATE TABLE a(x)");
    let text = dumped(&database);
    symlink(&database, bench.path("link.db")).unwrap();
    assert!(matches!(
        restore(&mut text.as_bytes(), &bench.path("link.db")).unwrap_err(),
        SqliteError::NotAFile { .. }
    ));
    fs::write(bench.path("victim"), "mine").unwrap();
    symlink(bench.path("victim"), bench.path("a.db.restoring")).unwrap();
    fs::set_permissions(&database, fs::Permissions::from_mode(0o640)).unwrap();
    restore(&mut text.as_bytes(), &database).unwrap();
    assert_eq!(fs::read(bench.path("victim")).unwrap(), b"mine");
    assert_eq!(fs::metadata(&database).unwrap().permissions().mode() & 0o777, 0o640);
}

#[test]
fn a_row_that_no_statement_could_hold_is_told() {
    let bench = Bench::new();
    let half = super::super::LONGEST / 2;
    let sql = |size: usize| format!("CREATE TABLE big(x); INSERT INTO big VALUES(zeroblob({size}))");
    let error = dump_error(&bench.made("large.db", &sql(half)));
    assert!(matches!(error, SqliteError::RowTooLarge { table } if table == "big"));
    bench.round(&bench.made("fits.db", &sql(half - 100)));
}

#[test]
fn a_failing_sink_is_told() {
    struct Full;
    impl std::io::Write for Full {
        fn write(&mut self, _: &[u8]) -> std::io::Result<usize> {
            Err(std::io::ErrorKind::StorageFull.into())
        }
        fn flush(&mut self) -> std::io::Result<()> {
            Ok(())
        }
    }
    let bench = Bench::new();
    let database = bench.made("a.db", "CREATE TABLE a(x)");
    assert!(matches!(dump(&database, &mut Full), Err(SqliteError::Write(_))));
}

#[test]
fn names_that_look_like_addresses() {
    let bench = Bench::new();
    let database = bench.made("file:a.db?mode=memory", "CREATE TABLE a(x)");
    assert!(fs::metadata(&database).is_ok());
    bench.round(&database);
    assert_eq!(url(&bench.path("x.db")), format!("sqlite:{}", bench.path("x.db").display()));
    assert!(url(Path::new("x.db")).len() > "sqlite:x.db".len());
    assert!(sqlite_version().starts_with("3."));
}
