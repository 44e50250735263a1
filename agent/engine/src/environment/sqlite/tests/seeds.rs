//! First databases of courses.

use super::super::{CsvTable, seed};
use super::*;

const SCHEMA: &str = "-- the shop\nCREATE TABLE customer(id INTEGER PRIMARY KEY, name TEXT NOT NULL, born DATE, joined DEFAULT (datetime('now')));
CREATE TABLE sale(customer INTEGER REFERENCES customer(id), amount REAL, note);
CREATE INDEX by_customer ON sale(customer);
CREATE TRIGGER t AFTER INSERT ON sale BEGIN UPDATE sale SET note=datetime('now'); END;
INSERT INTO customer VALUES(1, 'Ann', date('2001-02-03','+1 day'), NULL)";

fn csv(table: &str, text: &str) -> CsvTable {
    CsvTable { table: table.to_owned(), csv: text.into(), delimiter: b',' }
}

#[test]
fn two_machines_make_the_same() {
    let bench = Bench::new();
    let tables = [
        csv(
            "customer",
            "\u{feff}id,name,born,joined\r\n2,\"Bob \"\"B\"\", jr\",,\r\n3,\"two\nlines\",2000-01-01,x\r\n",
        ),
        csv("sale", "customer,amount,note\n2,10,007\n3,1.50,\n1,abc,x\n"),
    ];
    for name in ["a.db", "b.db"] {
        seed(SCHEMA, &tables, &bench.path(name)).unwrap();
    }
    let text = bench.round(&bench.path("a.db"));
    same(&text, &dumped(&bench.path("b.db")));
    for line in [
        "INSERT INTO \"customer\" VALUES(1,'Ann','2001-02-04',NULL);",
        "INSERT INTO \"customer\" VALUES(2,'Bob \"B\", jr',NULL,NULL);",
        "INSERT INTO \"customer\" VALUES(3,'two\nlines','2000-01-01','x');",
        "INSERT INTO \"sale\"(rowid,\"customer\",\"amount\",\"note\") VALUES(1,2,10.0,'007');",
        "INSERT INTO \"sale\"(rowid,\"customer\",\"amount\",\"note\") VALUES(2,3,1.5,NULL);",
        "INSERT INTO \"sale\"(rowid,\"customer\",\"amount\",\"note\") VALUES(3,1,'abc','x');",
    ] {
        assert!(text.contains(line), "{line} is not in\n{text}");
    }
    assert!(matches!(seed("", &[], &bench.path("a.db")), Err(SqliteError::Exists { .. })));
    seed("-- nothing", &[], &bench.path("empty.db")).unwrap();
    bench.round(&bench.path("empty.db"));
}

#[test]
fn bad_rows_name_their_line() {
    let both = "CREATE TABLE p(id INTEGER PRIMARY KEY); CREATE TABLE a(x INTEGER CHECK(x < 9), y REFERENCES p(id), z DEFAULT CURRENT_TIMESTAMP, w DEFAULT (strftime('%s')));";
    for (table, text, line) in [
        ("a", "x,y,z,w\n1,,,\n1,,\n", 3),
        ("a", "x,y,z,w\n1,,,\n\"a\nb\",,,\n10,,,\n", 3),
        ("a", "x,y,z,w\n1,7,,\n", 0),
        ("a", "x,q\n1,2\n", 1),
        ("a", "x,x\n1,2\n", 1),
        ("a", "x,y,w\n1,,1\n", 1),
        ("a", "x,y,z\n1,,1\n", 1),
        ("a", "", 1),
        ("none", "x\n1\n", 1),
    ] {
        let bench = Bench::new();
        let error = seed(both, &[csv(table, text)], &bench.path("a.db")).unwrap_err();
        assert!(
            matches!(&error, SqliteError::Rows { line: found, .. } if *found == line),
            "{text:?}: {error}"
        );
        assert_eq!(bench.names(), [""; 0], "{text:?}");
    }
    let bench = Bench::new();
    let bad = CsvTable { table: "a".into(), csv: b"x\n1\n\xff\n".into(), delimiter: b';' };
    let error = seed("CREATE TABLE a(x)", &[bad], &bench.path("a.db")).unwrap_err();
    assert!(matches!(error, SqliteError::Rows { line: 3, .. }), "{error}");
}

#[test]
fn schemas_that_differ_or_reach_outside_are_refused() {
    for (schema, line) in [
        ("CREATE TABLE a(x);\nINSERT INTO a VALUES(random());", 2),
        ("CREATE TABLE a(x);\nINSERT INTO a VALUES(datetime('NOW'));", 2),
        ("CREATE TABLE a(x);\nINSERT INTO a VALUES(date());", 2),
        ("CREATE TABLE a(x, y DEFAULT (datetime('now')));\n\nINSERT INTO a(x) VALUES(1);", 3),
        ("CREATE TABLE a(x, y DEFAULT CURRENT_DATE);\nINSERT INTO a(x) VALUES(1);", 2),
        ("CREATE TABLE a AS SELECT julianday('now') AS x;", 1),
        ("ATTACH 'other.db' AS o;", 1),
        ("VACUUM INTO 'other.db';", 1),
        ("SELECT load_extension('x');", 1),
        ("PRAGMA writable_schema=ON;", 1),
        ("CREATE TEMP TABLE a(x);", 1),
        ("BEGIN; CREATE TABLE a(x);", 1),
        ("CREATE TABLE a(x);\nnonsense;", 2),
        ("CREATE TABLE a(x);\nCREATE TABLE b(", 2),
        (
            "SELECT count(*) FROM (WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i+1 FROM n) SELECT i FROM n);",
            1,
        ),
    ] {
        let bench = Bench::new();
        let error = seed(schema, &[], &bench.path("a.db")).unwrap_err();
        assert!(
            matches!(&error, SqliteError::Schema { line: found, .. } if *found == line),
            "{schema}: {error}"
        );
        assert_eq!(bench.names(), [""; 0], "{schema}");
    }
}
