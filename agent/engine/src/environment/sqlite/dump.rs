//! Writes what a database says as SQL text, the same bytes for the same contents.
//!
//! One read transaction, one row in memory at a time. Order: settings, tables by name, their rows by key or row
//! number, counters, full-text settings, then indexes, views and triggers by name; the last line carries the
//! number of rows and the hash of all before it. Page size, journal mode, statistics and the order in which
//! triggers of one event fire are not contents and not kept. A table without any key keeps its row numbers, so
//! VACUUM, which renumbers such rows, changes its dump where numbers were missing: they are all that programs
//! have to refer to these rows. The text of a definition is kept as written, spaces included.
//! Without kitbag: the sqlite3 program joins CR LF inside a definition to LF, and versions before about 3.43 read
//! floats below 1e-280 with a wrong last bit.

use std::io::{BufWriter, Write};
use std::path::Path;

use rusqlite::types::ValueRef;

use super::grammar::COUNTERS;
use super::schema::{Rows, Schema, Search, listed};
use super::source::Source;
use super::statement::LAST_LINE;
use super::value::{Encoding, name, text, value};
use super::{FORMAT, LONGEST, SqliteError};

/// The first line without the number of the format.
pub(super) const FIRST_LINE: &str = "-- kitbag SQLite dump, format ";

/// Writes the contents of a database, as they were at one moment, even while another program uses it.
///
/// The database is not changed. It is waited for up to five seconds while a writer holds it.
///
/// # Errors
/// A file that is missing, locked, damaged or no database; an object that a dump cannot carry; `to` failing.
/// What was written until then has no last line and is refused by [`super::restore`].
pub fn dump(database: &Path, to: &mut dyn Write) -> Result<(), SqliteError> {
    let source = Source::open(database)?;
    let schema = Schema::read(&source)?;
    let mut out = Out { to: BufWriter::with_capacity(1 << 16, to), hash: blake3::Hasher::new(), rows: 0 };

    out.line(&format!("{FIRST_LINE}{FORMAT}"))?;
    out.line("-- To bring it back without kitbag: sqlite3 new.db < this-file")?;
    out.line("PRAGMA foreign_keys=OFF;")?;
    out.line("PRAGMA ignore_check_constraints=ON;")?;
    out.line(&format!("PRAGMA encoding='{}';", schema.encoding.name()))?;
    out.line("BEGIN;")?;
    out.line(&format!("PRAGMA application_id={};", schema.application))?;
    out.line(&format!("PRAGMA user_version={};", schema.version))?;
    for table in &schema.tables {
        out.line(&table.statement())?;
    }
    for rows in &schema.rows {
        write_rows(&source, &schema, rows, &mut out)?;
    }
    if schema.counters {
        out.line(COUNTERS)?;
        let columns = vec!["name".to_owned(), "seq".to_owned()];
        let order = "name,seq,rowid".to_owned();
        let table = "sqlite_sequence".to_owned();
        let counters = Rows { table, columns, number: None, named: true, order, through_index: false };
        write_rows(&source, &schema, &counters, &mut out)?;
    }
    for search in &schema.searches {
        write_search(&source, search, &mut out)?;
    }
    for object in &schema.rest {
        out.line(&object.statement())?;
    }
    out.line("COMMIT;")?;
    out.finish()
}

struct Out<'a> {
    to: BufWriter<&'a mut dyn Write>,
    hash: blake3::Hasher,
    rows: u64,
}

impl Out<'_> {
    fn line(&mut self, text: &str) -> Result<(), SqliteError> {
        for part in [text.as_bytes(), b"\n"] {
            self.hash.update(part);
            self.to.write_all(part).map_err(SqliteError::Write)?;
        }
        Ok(())
    }

    fn row(&mut self, statement: &str) -> Result<(), SqliteError> {
        self.rows += 1;
        self.line(statement)
    }

    fn finish(mut self) -> Result<(), SqliteError> {
        let last = format!("{LAST_LINE}rows {}, blake3 {}\n", self.rows, self.hash.finalize().to_hex());
        self.to.write_all(last.as_bytes()).and_then(|()| self.to.flush()).map_err(SqliteError::Write)
    }
}

fn write_rows(source: &Source, schema: &Schema, rows: &Rows, out: &mut Out<'_>) -> Result<(), SqliteError> {
    let error = source.error();
    let wide = schema.encoding != Encoding::Utf8;
    let columns: Vec<String> = rows
        .number
        .map(str::to_owned)
        .into_iter()
        .chain(rows.columns.iter().map(|column| listed(std::iter::once(column))))
        .collect();
    let asked: Vec<String> = columns
        .iter()
        // Texts of two-byte databases are taken as stored: SQLite's own way to UTF-8 loses lone halves.
        .map(|column| if wide { format!("CAST({column} AS BLOB),{column}") } else { column.clone() })
        .collect();
    let mut table = String::new();
    name(&mut table, &rows.table);
    let mut statement = source
        .connection
        .prepare(&format!("SELECT {} FROM main.{table} ORDER BY {}", asked.join(","), rows.order))
        .map_err(&error)?;
    let names = if rows.named { format!("({})", columns.join(",")) } else { String::new() };
    let start = format!("INSERT INTO {table}{names} VALUES(");

    let before = out.rows;
    let mut found = statement.query([]).map_err(&error)?;
    let mut line = String::new();
    while let Some(row) = found.next().map_err(&error)? {
        line.clear();
        line.push_str(&start);
        for column in 0..columns.len() {
            if column > 0 {
                line.push(',');
            }
            let at = if wide { column * 2 + 1 } else { column };
            let read = row.get_ref(at).map_err(&error)?;
            let length =
                if let ValueRef::Text(bytes) | ValueRef::Blob(bytes) = read { bytes.len() } else { 0 };
            if line.len() + length > LONGEST {
                return Err(SqliteError::RowTooLarge { table: rows.table.clone() });
            }
            match read {
                ValueRef::Text(_) if wide => match row.get_ref(at - 1).map_err(&error)? {
                    ValueRef::Blob(stored) => text(&mut line, stored, schema.encoding),
                    other => value(&mut line, other),
                },
                other => value(&mut line, other),
            }
        }
        line.push_str(");");
        if line.len() > LONGEST {
            return Err(SqliteError::RowTooLarge { table: rows.table.clone() });
        }
        out.row(&line)?;
        if line.capacity() > 1 << 20 {
            line = String::new();
        }
    }
    if rows.through_index {
        check_count(source, &table, out.rows - before)?;
    }
    Ok(())
}

/// A damaged index hides rows without a word; a dump without them would replace a good backup.
fn check_count(source: &Source, table: &str, found: u64) -> Result<(), SqliteError> {
    let count: i64 = source
        .connection
        .query_row(&format!("SELECT count(*) FROM main.{table} NOT INDEXED"), [], |row| row.get(0))
        .map_err(source.error())?;
    if u64::try_from(count) == Ok(found) {
        return Ok(());
    }
    let detail = format!("table {table} has {count} rows, its key leads to {found}");
    Err(SqliteError::Damaged { path: source.path.clone(), detail })
}

/// The index of a full-text table depends on its history; its texts and settings do not.
fn write_search(source: &Source, search: &Search, out: &mut Out<'_>) -> Result<(), SqliteError> {
    let error = source.error();
    let (Search::Own(plain) | Search::Outside(plain)) = search;
    let (mut table, mut settings) = (String::new(), String::new());
    name(&mut table, plain);
    name(&mut settings, &format!("{plain}_config"));
    let mut statement = source
        .connection
        .prepare(&format!("SELECT k, v FROM main.{settings} WHERE k<>'version' ORDER BY k"))
        .map_err(&error)?;
    let mut found = statement.query([]).map_err(&error)?;
    while let Some(row) = found.next().map_err(&error)? {
        let mut line = format!("INSERT INTO {table}({table},rank) VALUES(");
        value(&mut line, row.get_ref(0).map_err(&error)?);
        line.push(',');
        value(&mut line, row.get_ref(1).map_err(&error)?);
        line.push_str(");");
        out.row(&line)?;
    }
    if matches!(search, Search::Outside(_)) {
        out.row(&format!("INSERT INTO {table}({table}) VALUES('rebuild');"))?;
    }
    Ok(())
}
