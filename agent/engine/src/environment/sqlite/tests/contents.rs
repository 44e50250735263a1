//! Every kind of object and value, dumped and restored.

use rusqlite::Connection;

use super::*;

#[test]
fn an_empty_database() {
    let bench = Bench::new();
    let database = bench.made("a.db", "PRAGMA user_version=0");
    let text = bench.round(&database);
    assert_eq!(text.lines().count(), 10);
    assert!(text.starts_with("-- kitbag SQLite dump, format 1\n"));
    assert!(text.contains("\nCOMMIT;\n-- kitbag dump ends: rows 0, blake3 "));
}

#[test]
fn every_kind_of_object_in_order() {
    let bench = Bench::new();
    let database = bench.made(
        "a.db",
        r#"
        PRAGMA application_id=-7; PRAGMA user_version=12;
        CREATE TABLE zebra(id INTEGER PRIMARY KEY AUTOINCREMENT, name TEXT NOT NULL CHECK(length(name)>1)) STRICT;
        CREATE TABLE "it's ""odd""; --"("a b" INT, [c] TEXT DEFAULT 'x;y', `d` BLOB);
        CREATE TABLE keyed(a TEXT, b REAL, c ANY, PRIMARY KEY(b DESC, a COLLATE NOCASE)) WITHOUT ROWID;
        CREATE TABLE made(a, b AS (a*2), c AS (a+1) STORED, d);
        CREATE TABLE empty(x);
        CREATE TABLE child(a REFERENCES parent(id), rowid TEXT);
        CREATE TABLE parent(id INTEGER PRIMARY KEY);
        CREATE UNIQUE INDEX i1 ON zebra(lower(name)) WHERE id > 0;
        CREATE INDEX a_first ON made(c, a DESC);
        CREATE VIEW b AS SELECT * FROM c; -- made before what it reads
        CREATE VIEW c AS SELECT * FROM zebra /* and a comment */;
        CREATE VIEW late AS SELECT 1 AS x -- a comment at the end
        ;
        CREATE TRIGGER t INSTEAD OF INSERT ON b BEGIN INSERT INTO zebra(name) VALUES(new.name || ';'); SELECT CASE WHEN 1 THEN 2 END; END;
        CREATE TRIGGER s AFTER INSERT ON zebra BEGIN INSERT INTO empty VALUES(new.id); END;
        INSERT INTO zebra(id,name) VALUES(3,'three'),(900,'x2');
        DELETE FROM zebra WHERE id=900; DELETE FROM empty;
        INSERT INTO "it's ""odd""; --" VALUES(1,'one',x'00ff'),(2,NULL,'text');
        INSERT INTO keyed VALUES('A',2.5,1),('b',1.5,2.0),('a',-1,'x');
        INSERT INTO made(a,d) VALUES(1,2),(3.5,'x');
        INSERT INTO child(_rowid_,a,rowid) VALUES(9,404,'r'),(5,NULL,'s');
        ANALYZE;
        "#,
    );
    let text = bench.round(&database);
    let position = |part: &str| text.find(part).unwrap_or_else(|| panic!("{part} is not in\n{text}"));
    let order = [
        "PRAGMA application_id=-7;\nPRAGMA user_version=12;",
        "CREATE TABLE child",
        "CREATE TABLE zebra",
        "INSERT INTO \"child\"(_rowid_,\"a\",\"rowid\") VALUES(5,NULL,'s');",
        "INSERT INTO \"child\"(_rowid_,\"a\",\"rowid\") VALUES(9,404,'r');",
        "INSERT INTO \"it's \"\"odd\"\"; --\"",
        "INSERT INTO \"keyed\" VALUES('a',-1.0,'x');",
        "INSERT INTO \"made\"(rowid,\"a\",\"d\") VALUES(1,1,2);",
        "INSERT INTO \"zebra\" VALUES(3,'three');",
        "DELETE FROM sqlite_sequence;\nINSERT INTO \"sqlite_sequence\"(\"name\",\"seq\") VALUES('zebra',900);",
        "CREATE INDEX a_first",
        "CREATE UNIQUE INDEX i1",
        "CREATE VIEW b",
        "CREATE VIEW c",
        "CREATE TRIGGER s",
        "CREATE TRIGGER t",
    ];
    for pair in order.windows(2) {
        assert!(position(pair[0]) < position(pair[1]), "{} before {}", pair[0], pair[1]);
    }
    assert!(!text.contains("sqlite_stat"));

    let back = Connection::open(bench.path("back.db")).unwrap();
    back.execute_batch("INSERT INTO b(name) VALUES('via view')").unwrap();
    let id: i64 =
        back.query_row("SELECT id FROM zebra WHERE name='via view;'", [], |row| row.get(0)).unwrap();
    assert_eq!(id, 901);
    let made: (f64, f64) =
        back.query_row("SELECT b,c FROM made WHERE a=3.5", [], |row| Ok((row.get(0)?, row.get(1)?))).unwrap();
    assert_eq!(made, (7.0, 4.5));
    assert_eq!(back.query_row("SELECT x FROM empty", [], |row| row.get::<_, i64>(0)).unwrap(), 901);
}

#[test]
fn every_value_exactly() {
    let bench = Bench::new();
    let floats = [
        0.0,
        -0.0,
        5e-324,
        -2.225_073_858_507_201e-308,
        f64::MAX,
        f64::MIN,
        f64::INFINITY,
        f64::NEG_INFINITY,
        0.1 + 0.2,
        1.0 / 3.0,
        9_007_199_254_740_993.0,
        1e22,
        1e23,
        123_456_789.012_345_67,
    ];
    let database = bench.made("a.db", "CREATE TABLE a(k INTEGER PRIMARY KEY, v); CREATE TABLE r(v REAL)");
    let connection = Connection::open(&database).unwrap();
    for float in floats {
        connection.execute("INSERT INTO a(v) VALUES(?1)", [float]).unwrap();
        connection.execute("INSERT INTO r(v) VALUES(?1)", [float]).unwrap();
    }
    connection.execute_batch(
        "INSERT INTO a(v) VALUES(-9223372036854775808),(9223372036854775807),(NULL),(''),(x''),('a' || char(0) || 'b'),\
         (CAST(x'ff00fe' AS TEXT)),('line' || char(13,10) || '\\r'),(char(26)),(zeroblob(3)),('–ü😀' || char(0xfffe)),(1),(1.0),('1')",
    ).unwrap();
    let shown = |connection: &Connection| -> Vec<(String, Vec<u8>, u64)> {
        connection
            .prepare("SELECT typeof(v), CAST(v AS BLOB), v FROM (SELECT k, v FROM a UNION ALL SELECT rowid+1000, v FROM r) ORDER BY k")
            .unwrap()
            .query_map([], |row| Ok((row.get(0)?, row.get::<_, Option<Vec<u8>>>(1)?.unwrap_or_default(), row.get::<_, f64>(2).map_or(0, f64::to_bits))))
            .unwrap()
            .collect::<Result<_, _>>()
            .unwrap()
    };
    let before = shown(&connection);
    bench.round(&database);
    for name in ["back.db", "plain.db"] {
        assert_eq!(shown(&Connection::open(bench.path(name)).unwrap()), before, "{name}");
    }
    let read: Vec<u64> = before[..floats.len()].iter().map(|(_, _, bits)| *bits).collect();
    assert_eq!(read, floats.map(f64::to_bits));
}

#[test]
fn two_byte_texts() {
    for encoding in ["UTF-16le", "UTF-16be"] {
        let bench = Bench::new();
        let sql = format!(
            "PRAGMA encoding='{encoding}'; CREATE TABLE \"tä\"(a TEXT PRIMARY KEY, b) WITHOUT ROWID;
             INSERT INTO \"tä\" VALUES('é😀''',1),(CAST(x'00d8' AS TEXT),2),(CAST(x'd800dc' AS TEXT),3),(CAST(x'feff' AS TEXT),x'61'),(CAST(x'fffe' AS TEXT),0.5)"
        );
        let database = bench.made("a.db", &sql);
        let text = bench.round(&database);
        assert!(text.contains(&format!("PRAGMA encoding='{encoding}';")));
        assert!(text.contains("'é😀'''"));
        let raw = |name| -> Vec<Vec<u8>> {
            let connection = Connection::open(bench.path(name)).unwrap();
            let mut statement = connection.prepare("SELECT CAST(a AS BLOB) FROM \"tä\" ORDER BY 1").unwrap();
            statement.query_map([], |row| row.get(0)).unwrap().collect::<Result<_, _>>().unwrap()
        };
        assert_eq!(raw("a.db"), raw("back.db"));
    }
}

#[test]
fn search_and_space_tables() {
    let bench = Bench::new();
    let database = bench.made(
        "a.db",
        "CREATE VIRTUAL TABLE own USING fts5(title, body, tokenize='porter unicode61');
         INSERT INTO own(own, rank) VALUES('automerge', 2);
         INSERT INTO own(rowid,title,body) VALUES(7,'seven','the cats''s running'),(3,NULL,'ran');
         CREATE TABLE note(key TEXT PRIMARY KEY, body TEXT);
         CREATE VIRTUAL TABLE outside USING fts5(body, content='note');
         CREATE TRIGGER n AFTER INSERT ON note BEGIN INSERT INTO outside(rowid,body) VALUES(new.rowid,new.body); END;
         INSERT INTO note VALUES('z','first words'),('a','second words');
         CREATE VIRTUAL TABLE box USING rtree(id, x0, x1, y0, y1, +label);
         INSERT INTO box VALUES(5,0.1,0.7,-3,4,'five'),(1,1,2,3,4,NULL);",
    );
    let text = bench.round(&database);
    assert!(!text.contains("own_data") && !text.contains("box_node"));
    let back = Connection::open(bench.path("back.db")).unwrap();
    let find = |sql: &str| back.query_row(sql, [], |row| row.get::<_, i64>(0)).unwrap();
    assert_eq!(find("SELECT rowid FROM own WHERE own MATCH 'run' AND title='seven'"), 7);
    assert_eq!(find("SELECT rowid FROM outside WHERE outside MATCH 'first'"), 1);
    assert_eq!(find("SELECT id FROM box WHERE x0 > 0.5"), 1);
    // The index of the search table depends on its history, the dump does not.
    Connection::open(&database).unwrap().execute_batch("INSERT INTO own(own) VALUES('optimize')").unwrap();
    same(&text, &dumped(&database));
}

#[test]
fn what_cannot_be_carried_is_named() {
    for (sql, named) in [
        ("CREATE VIRTUAL TABLE old USING fts4(a)", "old"),
        ("CREATE VIRTUAL TABLE bare USING fts5(a, content='')", "bare"),
        ("CREATE TABLE ok(a); CREATE INDEX special ON ok(a COLLATE unheard)", "special"),
    ] {
        let bench = Bench::new();
        let path = bench.path("a.db");
        let connection = Connection::open(&path).unwrap();
        if named == "special" {
            // Such an index is made by a program with a collation of its own.
            connection.execute_batch("CREATE TABLE ok(a); CREATE INDEX special ON ok(a)").unwrap();
            connection.execute_batch("PRAGMA writable_schema=ON; UPDATE sqlite_schema SET sql=replace(sql,'(a)','(a COLLATE unheard)') WHERE name='special'; PRAGMA writable_schema=OFF;").unwrap();
        } else {
            connection.execute_batch(sql).unwrap();
        }
        drop(connection);
        let error = dump_error(&path);
        assert!(matches!(&error, SqliteError::Unsupported { what, .. } if what.contains(named)), "{error}");
    }
}

#[test]
fn rows_that_break_rules_come_back() {
    let bench = Bench::new();
    let database = bench.made(
        "a.db",
        "CREATE TABLE a(b CHECK(b > 0), c REFERENCES nowhere(d));
         PRAGMA ignore_check_constraints=ON; INSERT INTO a VALUES(-1, 5);",
    );
    bench.round(&database);
}

#[test]
fn row_numbers_without_a_key_are_kept_and_with_a_key_are_not() {
    let bench = Bench::new();
    let make = |name: &str, rows: &str| {
        dumped(&bench.made(name, &format!("CREATE TABLE a(x); CREATE TABLE k(x TEXT PRIMARY KEY, y); CREATE TABLE w(x PRIMARY KEY) WITHOUT ROWID; {rows}")))
    };
    let first =
        make("1.db", "INSERT INTO k VALUES('p',1),('q',2),(NULL,3); INSERT INTO a(rowid,x) VALUES(4,'p')");
    let other = make(
        "2.db",
        "INSERT INTO k(rowid,x,y) VALUES(90,'q',2),(3,NULL,3),(9,'p',1); INSERT INTO a(rowid,x) VALUES(4,'p')",
    );
    same(&first, &other);
    let moved =
        make("3.db", "INSERT INTO k VALUES('p',1),('q',2),(NULL,3); INSERT INTO a(rowid,x) VALUES(5,'p')");
    assert_ne!(first, moved);
    // VACUUM renumbers rows that have neither key nor index; only then does the dump change.
    Connection::open(bench.path("1.db")).unwrap().execute_batch("VACUUM").unwrap();
    let vacuumed = dumped(&bench.path("1.db"));
    assert!(vacuumed.contains("INSERT INTO \"a\"(rowid,\"x\") VALUES(1,'p');"));
    // A schema that speaks of row numbers has them kept beside keys too.
    let spoken = bench.made("4.db", "CREATE TABLE k(x TEXT PRIMARY KEY); CREATE VIEW v AS SELECT RowID AS n FROM k; INSERT INTO k(rowid,x) VALUES(8,'p')");
    assert!(bench.round(&spoken).contains("INSERT INTO \"k\"(rowid,\"x\") VALUES(8,'p');"));
    // Columns can take all names of the number; then it cannot be seen, and the rows are ordered by content.
    let hidden = "CREATE TABLE h(rowid, oid, _rowid_); INSERT INTO h VALUES";
    same(
        &bench.round(&bench.made("5.db", &format!("{hidden}(1,2,3),(0,0,0)"))),
        &dumped(&bench.made("6.db", &format!("{hidden}(0,0,0),(1,2,3)"))),
    );
}
