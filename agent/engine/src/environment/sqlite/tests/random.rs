//! A thousand random databases: dumped, restored, vacuumed, refilled in another order.

use proptest::prelude::*;
use rusqlite::Connection;
use rusqlite::types::Value;

use super::super::value;
use super::*;

#[derive(Debug, Clone)]
struct Table {
    name: String,
    columns: Vec<(String, &'static str)>,
    key: Key,
    generated: bool,
    rows: Vec<Vec<Value>>,
    gaps: u8,
}

#[derive(Debug, Clone, Copy, PartialEq)]
enum Key {
    None,
    Number,
    Counter,
    First,
    Two,
    Sole,
}

fn a_value() -> impl Strategy<Value = Value> {
    prop_oneof![
        1 => Just(Value::Null),
        2 => any::<i64>().prop_map(Value::Integer),
        2 => (-3_i64..4).prop_map(Value::Integer),
        3 => any::<u64>().prop_map(|bits| Value::Real(f64::from_bits(bits))),
        1 => (-1e4..1e4).prop_map(|number: f64| Value::Real((number * 100.0).round() / 100.0)),
        3 => "\\PC{0,12}".prop_map(Value::Text),
        2 => "[a-z';\\-\\n\\r\\t\\\\\"0-9 ]{0,12}".prop_map(Value::Text),
        1 => prop::collection::vec(any::<char>(), 0..6).prop_map(|all| Value::Text(all.into_iter().collect())),
        2 => prop::collection::vec(any::<u8>(), 0..12).prop_map(Value::Blob),
    ]
}

fn a_table() -> impl Strategy<Value = Table> {
    let kind = prop::sample::select(vec![
        "",
        "INTEGER",
        "TEXT",
        "REAL",
        "BLOB",
        "NUMERIC",
        "VARCHAR(9) COLLATE NOCASE",
    ]);
    let key =
        prop::sample::select(vec![Key::None, Key::Number, Key::Counter, Key::First, Key::Two, Key::Sole]);
    let word = "[a-zA-Z\"'\\]\\[ ;é\\-]{1,6}|select|rowid|table";
    (word, prop::collection::vec((word, kind), 1..5), key, any::<bool>(), 0..4_u8).prop_flat_map(
        |(name, columns, key, generated, gaps)| {
            let width = columns.len();
            prop::collection::vec(prop::collection::vec(a_value(), width), 0..8).prop_map(move |rows| Table {
                name: name.clone(),
                columns: columns.clone(),
                key,
                generated,
                rows,
                gaps,
            })
        },
    )
}

fn quoted(name: &str) -> String {
    let mut out = String::new();
    value::name(&mut out, name);
    out
}

impl Table {
    /// Names apart from those of other tables and columns, whatever their case.
    fn named(mut self, number: usize) -> Self {
        self.name = format!("{}{number}", self.name);
        for (number, (name, _)) in self.columns.iter_mut().enumerate() {
            // One column may keep a name such as rowid.
            if number > 0 {
                *name = format!("{name}{number}");
            }
        }
        self
    }

    fn sql(&self) -> String {
        let column = |number: usize| quoted(&self.columns[number].0);
        let mut parts: Vec<String> =
            self.columns.iter().map(|(name, kind)| format!("{} {kind}", quoted(name))).collect();
        let mut end = "";
        match self.key {
            Key::None => {}
            Key::Number => parts[0] = format!("{} INTEGER PRIMARY KEY", column(0)),
            Key::Counter => parts[0] = format!("{} INTEGER PRIMARY KEY AUTOINCREMENT", column(0)),
            Key::First => parts.push(format!("PRIMARY KEY({} DESC)", column(0))),
            Key::Two => parts.push(format!(
                "PRIMARY KEY({},{} COLLATE RTRIM)",
                column(self.columns.len() - 1),
                column(0)
            )),
            Key::Sole => {
                parts.push(format!("PRIMARY KEY({})", column(0)));
                end = " WITHOUT ROWID";
            }
        }
        if self.generated {
            let at = self.columns.len();
            parts.insert(at, format!("\"generated\" AS (typeof({})) STORED", column(0)));
        }
        format!("CREATE TABLE {}({}){end};", quoted(&self.name), parts.join(", "))
    }

    fn fill<'a>(&self, connection: &Connection, rows: impl Iterator<Item = &'a Vec<Value>>) {
        let names: Vec<String> = self.columns.iter().map(|(name, _)| quoted(name)).collect();
        let marks = vec!["?"; names.len()].join(",");
        let sql =
            format!("INSERT OR IGNORE INTO {}({}) VALUES({marks})", quoted(&self.name), names.join(","));
        let mut insert = connection.prepare(&sql).unwrap();
        for row in rows {
            // A random value may not fit a number's column; then the row is left out.
            let _ = insert.execute(rusqlite::params_from_iter(row));
        }
    }

    fn keyed(&self) -> bool {
        self.key != Key::None
    }

    fn has_null_in_key(&self) -> bool {
        matches!(self.key, Key::First | Key::Two)
    }
}

fn all(connection: &Connection, table: &Table) -> Vec<Vec<Value>> {
    let names: Vec<String> = table.columns.iter().map(|(name, _)| quoted(name)).collect();
    let mut statement =
        connection.prepare(&format!("SELECT {} FROM {}", names.join(","), quoted(&table.name))).unwrap();
    let width = names.len();
    let rows = statement
        .query_map([], |row| (0..width).map(|at| row.get(at)).collect::<rusqlite::Result<Vec<Value>>>());
    // A text that is not UTF-8 cannot come from these strategies.
    rows.unwrap().collect::<rusqlite::Result<_>>().unwrap()
}

fn bits(rows: &[Vec<Value>]) -> Vec<String> {
    let shown = |value: &Value| match value {
        Value::Real(number) => format!("real {:x}", number.to_bits()),
        other => format!("{other:?}"),
    };
    let mut all: Vec<String> =
        rows.iter().map(|row| row.iter().map(shown).collect::<Vec<_>>().join("|")).collect();
    all.sort();
    all
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 1_000, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn a_dump_says_what_the_database_says(
        tables in prop::collection::vec(a_table(), 0..4),
        wide in any::<bool>(),
        log in any::<bool>(),
        version: i32,
    ) {
        let tables: Vec<Table> = tables.into_iter().enumerate().map(|(number, table)| table.named(number)).collect();
        let bench = Bench::new();
        let database = bench.path("a.db");
        let connection = Connection::open(&database).unwrap();
        let (encoding, mode) = (if wide { "UTF-16le" } else { "UTF-8" }, if log { "WAL" } else { "DELETE" });
        connection.execute_batch(&format!("PRAGMA encoding='{encoding}'; PRAGMA journal_mode={mode}; PRAGMA synchronous=OFF; PRAGMA user_version={version};")).unwrap();
        for (number, table) in tables.iter().enumerate() {
            connection.execute_batch(&table.sql()).unwrap();
            let column = quoted(&table.columns[0].0);
            let name = quoted(&table.name);
            if table.generated {
                connection.execute_batch(&format!("CREATE INDEX \"an index {number}\" ON {name}(\"generated\", length({column})) WHERE {column} IS NOT NULL; CREATE VIEW \"a view; {number}\" AS SELECT * FROM {name} -- end\n;")).unwrap();
            }
            table.fill(&connection, table.rows.iter());
            if table.gaps == 0 && table.key != Key::Sole {
                connection.execute_batch(&format!("DELETE FROM {name} WHERE {column} < 0")).unwrap();
            }
        }

        // Once through kitbag, once as plain SQL; the bits of all values are compared too.
        let text = bench.round(&database);
        for name in ["back.db", "plain.db"] {
            let back = Connection::open(bench.path(name)).unwrap();
            for table in &tables {
                prop_assert_eq!(bits(&all(&connection, table)), bits(&all(&back, table)));
            }
        }

        // VACUUM keeps what is told apart by a key, or by numbers without gaps.
        let numbered = |table: &Table| table.keyed() || table.gaps != 0;
        if tables.iter().all(numbered) {
            connection.execute_batch("VACUUM").unwrap();
            same(&text, &dumped(&database));
        }

        // The same rows put in again the other way round.
        connection.execute_batch("BEGIN").unwrap();
        let mut comparable = true;
        for table in tables.iter().filter(|table| table.keyed()) {
            let rows = all(&connection, table);
            comparable &= !table.has_null_in_key() || rows.iter().flatten().all(|value| *value != Value::Null);
            connection.execute_batch(&format!("DELETE FROM {}", quoted(&table.name))).unwrap();
            table.fill(&connection, rows.iter().rev());
        }
        connection.execute_batch("COMMIT; ANALYZE").unwrap();
        if comparable && !speaks_of_numbers(&tables) {
            same(&text, &dumped(&database));
        }
    }
}

/// Then numbers beside keys are kept, and the order of filling shows.
fn speaks_of_numbers(tables: &[Table]) -> bool {
    tables.iter().any(|table| table.columns.iter().any(|(name, _)| name == "rowid"))
}
