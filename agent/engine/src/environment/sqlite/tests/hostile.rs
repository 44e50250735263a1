//! Dumps that somebody wrote to do more than fill a database. Each is refused, and the target stays as it was.

use std::io::Read;

use super::*;

/// A dump with these statements inside and a last line that fits.
fn sealed(settings: &str, inside: &str, rows: usize) -> Vec<u8> {
    let body = format!("-- kitbag SQLite dump, format 1\n{settings}BEGIN;\n{inside}\nCOMMIT;\n");
    let hash = blake3::hash(body.as_bytes()).to_hex();
    format!("{body}-- kitbag dump ends: rows {rows}, blake3 {hash}\n").into_bytes()
}

/// Restores over a database with one row and wants it untouched, with nothing beside it.
fn refused(text: &[u8]) -> SqliteError {
    let bench = Bench::new();
    let target = bench.made("t.db", "CREATE TABLE mine(x); INSERT INTO mine VALUES('kept')");
    let before = std::fs::read(&target).unwrap();
    let error = restore(&mut &text[..], &target).unwrap_err();
    assert_eq!(std::fs::read(&target).unwrap(), before);
    assert_eq!(bench.names(), ["t.db"], "{error}");
    error
}

#[test]
fn statements_no_dump_has() {
    let deep = format!("CREATE VIEW v AS SELECT {}1{};", "(".repeat(100_000), ")".repeat(100_000));
    let long_sum = format!("CREATE TABLE a(x CHECK(1{}));", "+1".repeat(50_000));
    let wide =
        format!("CREATE TABLE a({});", (0..5_000).map(|n| format!("c{n}")).collect::<Vec<_>>().join(","));
    let bomb = "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i+1 FROM n) SELECT count(*) FROM n";
    let attacks = [
        "ATTACH 'other.db' AS o;",
        "ATTACH '/etc/passwd' AS o;",
        "DETACH main;",
        "PRAGMA writable_schema=ON;",
        "PRAGMA user_version=1; PRAGMA writable_schema=ON;",
        "PRAGMA user_version=(SELECT 1);",
        "PRAGMA user_version=99999999999;",
        "PRAGMA journal_mode=OFF;",
        "PRAGMA temp_store_directory='/tmp';",
        "PRAGMA trusted_schema=ON;",
        "PRAGMA foreign_keys=OFF;",
        "VACUUM INTO 'out.db';",
        "VACUUM;",
        "SELECT load_extension('evil.so');",
        "CREATE TABLE a(x DEFAULT (load_extension('evil.so'))); INSERT INTO a DEFAULT VALUES;",
        "CREATE TABLE a(x, y AS (load_extension('evil.so')) STORED);\nINSERT INTO a(x) VALUES(1);",
        "CREATE TABLE a(x, y AS (fts3_tokenizer('simple')));",
        ".shell rm -rf /",
        ".read /etc/passwd;",
        "INSERT INTO sqlite_master VALUES('table','x','x',0,'garbage');",
        "CREATE TABLE a(x);\nUPDATE a SET x=1;",
        "DELETE FROM sqlite_master;",
        "DROP TABLE a;",
        "ANALYZE;",
        "REINDEX;",
        "SAVEPOINT s;",
        "COMMIT;\nBEGIN;",
        "EXPLAIN CREATE TABLE a(x);",
        "CREATE TEMP TABLE a(x);",
        "CREATE TABLE temp.a(x);",
        "CREATE VIEW temp.v AS SELECT 1;",
        "CREATE TABLE IF NOT EXISTS a(x);",
        "CREATE TABLE a AS SELECT randomblob(100000000);",
        "CREATE TABLE sqlite_stat1(a,b,c);",
        "CREATE VIRTUAL TABLE a USING dbstat(main);",
        "CREATE VIRTUAL TABLE a USING fts4(x);",
        "CREATE VIRTUAL TABLE a USING fts5(x);\nINSERT INTO a_data VALUES(1,X'00');",
        "CREATE VIRTUAL TABLE temp.a USING fts5(x);",
        "CREATE TABLE a(x);\nINSERT INTO a SELECT 1;",
        "CREATE TABLE a(x);\nINSERT INTO a VALUES((WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i+1 FROM n) SELECT count(*) FROM n));",
        "CREATE TABLE a(x);\nINSERT INTO a VALUES(zeroblob(1000000000));",
        "CREATE TABLE a(x);\nINSERT INTO a VALUES(readfile('/etc/passwd'));",
        "CREATE TABLE a(x);\n-- kitbag SQLite dump, format 1\nINSERT INTO a VALUES(1);",
        "CREATE TABLE a(x);\n/* ; */",
        "nonsense;",
        ";",
        "'",
        &deep,
        &long_sum,
        &wide,
    ];
    for attack in attacks {
        let shown: String = attack.chars().take(100).collect();
        for rows in 0..2 {
            let error = refused(&sealed("", attack, rows));
            assert!(
                matches!(
                    error,
                    SqliteError::Refused { .. } | SqliteError::Incomplete | SqliteError::Altered { .. }
                ),
                "{shown}: {error}"
            );
        }
    }
    assert!(matches!(
        refused(&sealed("PRAGMA writable_schema=ON;\n", "", 0)),
        SqliteError::Refused { line: 2, .. }
    ));
    let twice = sealed("", &format!("CREATE VIEW v AS {bomb};\nCREATE TABLE a AS {bomb};"), 0);
    assert!(matches!(refused(&twice), SqliteError::Refused { line: 4, .. }));
}

/// What lies in a schema without running is restored as it is, and does not run.
#[test]
fn sleeping_bombs_do_not_go_off() {
    let bomb = "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i+1 FROM n) SELECT count(*) FROM n";
    let inside = format!(
        "CREATE TABLE a(x);\nCREATE TRIGGER t AFTER INSERT ON a BEGIN {bomb}; END;\n\
         CREATE VIEW v AS {bomb};\nINSERT INTO \"a\" VALUES(1);"
    );
    let bench = Bench::new();
    let target = bench.path("t.db");
    restore(&mut &sealed("", &inside, 1)[..], &target).unwrap();
    assert!(dumped(&target).contains("INSERT INTO \"a\"(rowid,\"x\") VALUES(1,1);"));
}

#[test]
fn small_texts_that_cost_a_day_are_stopped() {
    let rows = "INSERT INTO \"n\" VALUES(1);\n".repeat(100);
    let rebuild = format!(
        "CREATE TABLE n(i);\n{rows}\
         CREATE VIEW v(x) AS SELECT 1 FROM n a, n b, n c, n d, n e, n f WHERE a.i+b.i+c.i+d.i+e.i+f.i > 6;\n\
         CREATE VIRTUAL TABLE f USING fts5(x, content='v', content_rowid='x');\n\
         INSERT INTO \"f\"(\"f\") VALUES('rebuild');"
    );
    let error = refused(&sealed("", &rebuild, 101));
    assert!(
        matches!(&error, SqliteError::Refused { line: 106, why } if why.contains("far more work")),
        "{error}"
    );
    let blobs = "CREATE TABLE a(x, y AS (zeroblob(8000000)) STORED);\n".to_owned()
        + &"INSERT INTO a(x) VALUES(1);\n".repeat(99);
    let error = refused(&sealed("", &blobs, 99));
    assert!(matches!(&error, SqliteError::Refused { line: 30..60, why } if why.contains("grows")), "{error}");
}

#[test]
fn dumps_that_are_not_whole() {
    let bench = Bench::new();
    let database = bench.made("a.db", "CREATE TABLE a(k INTEGER PRIMARY KEY, v); INSERT INTO a VALUES(1,'one; two''s'),(2,x'00ff'); CREATE TRIGGER t AFTER DELETE ON a BEGIN DELETE FROM a; END;");
    let text = dumped(&database).into_bytes();
    for end in 0..text.len() {
        let error = refused(&text[..end]);
        assert!(matches!(error, SqliteError::Incomplete), "cut at {end}: {error}");
    }
    for at in 0..text.len() {
        let mut other = text.clone();
        other[at] ^= 1;
        refused(&other);
    }
    let doubled = [&text[..], &text[..]].concat();
    assert!(matches!(refused(&doubled), SqliteError::Altered { .. }));
    let more = [&text[..], b"ATTACH 'x' AS y;\n"].concat();
    assert!(matches!(refused(&more), SqliteError::Altered { .. }));
    let newer = String::from_utf8(text.clone()).unwrap().replacen("format 1", "format 2", 1);
    assert!(matches!(refused(newer.as_bytes()), SqliteError::OtherFormat { found } if found == "2"));
    for foreign in
        [&b"SQLite format 3\0"[..], b"BEGIN;\n", b"PRAGMA foreign_keys=OFF;\n", b"\xff\xfe\n", b"--\n"]
    {
        assert!(matches!(refused(foreign), SqliteError::NotADump), "{foreign:?}");
    }
    let nul = sealed("", "CREATE TABLE a(x\0);", 0);
    assert!(matches!(refused(&nul), SqliteError::Refused { line: 3, .. }));
}

/// One statement without end is not taken into memory whole.
#[test]
fn a_statement_without_end_is_stopped() {
    let start = b"-- kitbag SQLite dump, format 1\nBEGIN;\nINSERT INTO a VALUES('";
    let mut endless = start.chain(std::io::repeat(b'a'));
    let bench = Bench::new();
    let error = restore(&mut endless, &bench.path("t.db")).unwrap_err();
    assert!(matches!(error, SqliteError::Refused { line: 3, .. }), "{error}");
    assert_eq!(bench.names(), [""; 0]);
    let mut endless = b"-- kitbag SQLite dump, format 1\n--".chain(std::io::repeat(b'a'));
    assert!(matches!(restore(&mut endless, &bench.path("t.db")), Err(SqliteError::Refused { .. })));
}

#[test]
fn a_reader_that_fails_is_told() {
    struct Broken;
    impl Read for Broken {
        fn read(&mut self, _: &mut [u8]) -> std::io::Result<usize> {
            Err(std::io::ErrorKind::TimedOut.into())
        }
    }
    let bench = Bench::new();
    let mut cut = b"-- kitbag SQLite dump, format 1\nBEGIN;\n".chain(Broken);
    assert!(matches!(restore(&mut cut, &bench.path("t.db")), Err(SqliteError::Read(_))));
    assert!(matches!(restore(&mut Broken, &bench.path("t.db")), Err(SqliteError::Read(_))));
}
