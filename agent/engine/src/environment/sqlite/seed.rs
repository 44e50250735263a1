//! The first database of a course, from its schema and its tables of rows.
//!
//! Two machines must make the same database, or each would think that the other's student has worked already.
//! So whatever depends on the moment or on chance is refused, and triggers do not fire. Types are SQLite's own
//! business: every field goes in as text and takes the affinity of its column.

use std::io::BufReader;
use std::path::Path;

use rusqlite::{Connection, params_from_iter};

use super::SqliteError;
use super::grammar::{Kind, kind};
use super::guard::{Author, Guard};
use super::replace::New;
use super::schema::listed;
use super::statement::{Broken, Piece, Statements};
use super::token::{Token, tokens};
use super::value::name;

/// First rows of one table, as a course ships them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CsvTable {
    /// The table they go to; the schema makes it.
    pub table: String,
    /// The rows, UTF-8, with the names of the columns in the first one. An empty field is NULL.
    pub csv: Vec<u8>,
    /// The byte between fields, `,` or `;` or a tab.
    pub delimiter: u8,
}

/// Makes a database at `target`, where there is none yet: first the schema, then the rows of each table.
///
/// # Errors
/// [`SqliteError::Exists`]; a schema that fails, reaches outside, or would differ from machine to machine; rows
/// that are ragged or do not fit their table; foreign keys that lead nowhere. Nothing is left at `target` then.
pub fn seed(schema_sql: &str, tables: &[CsvTable], target: &Path) -> Result<(), SqliteError> {
    let new = New::beside(target)?;
    if new.target().exists() {
        return Err(SqliteError::Exists { path: new.target().to_owned() });
    }
    let mut connection = new.open()?;
    let failed = |error| SqliteError::of(new.path(), error);
    connection
        .execute_batch("PRAGMA synchronous=OFF; PRAGMA journal_mode=MEMORY; PRAGMA foreign_keys=OFF;")
        .map_err(failed)?;
    let mut guard = Guard::new(&mut connection, Author::Course).map_err(failed)?;
    let length = schema_sql.len() + tables.iter().map(|table| table.csv.len()).sum::<usize>();
    let mut run = |connection: &Connection| {
        make(connection, &mut guard, schema_sql, length as u64)?;
        tables.iter().try_for_each(|table| fill(connection, &guard, table))?;
        check_keys(connection)
    };
    run(&connection)?;
    connection.close().map_err(|(_, error)| failed(error))?;
    new.put()
}

fn make(connection: &Connection, guard: &mut Guard, schema: &str, length: u64) -> Result<(), SqliteError> {
    let failed = |line: u64, why: String| SqliteError::Schema { line, why };
    guard.allow(connection, length).map_err(|error| failed(0, error.to_string()))?;
    let mut text = Statements::new(BufReader::new(schema.as_bytes()));
    loop {
        let piece = text.next().map_err(|broken| match broken {
            Broken::Read(error) => SqliteError::Read(error),
            Broken::Text(line, why) => failed(line, why.to_owned()),
        })?;
        let (statement, line, last) = match piece {
            Piece::Comment(_) => continue,
            Piece::Statement(statement, line) => (statement, line, false),
            Piece::End(rest) => (rest, text.line(), true),
        };
        connection.execute_batch(&statement).map_err(|error| failed(line, guard.why(&error)))?;
        if let Some(why) = unsteady(connection, guard, &statement) {
            return Err(failed(line, why));
        }
        if last {
            break;
        }
    }
    if connection.is_autocommit() {
        return Ok(());
    }
    Err(failed(text.line(), "it ends inside a transaction".to_owned()))
}

/// Why what just ran would not give the same on another machine.
fn unsteady(connection: &Connection, guard: &Guard, statement: &str) -> Option<String> {
    const NEVER: [&str; 7] = [
        "random",
        "randomblob",
        "current_date",
        "current_time",
        "current_timestamp",
        "sqlite_version",
        "sqlite_source_id",
    ];
    let (functions, touched) = guard.taken();
    if kind(statement) == Some(Kind::Create) {
        // Defined, not called.
        return None;
    }
    let differs =
        |what: &str| format!("it uses {what}, so each machine would get other rows; give fixed values");
    if let Some(found) = NEVER.iter().find(|never| functions.contains(**never)) {
        return Some(differs(found));
    }
    let dated: Vec<&str> = DATES.into_iter().filter(|date| functions.contains(*date)).collect();
    if dated.is_empty() {
        return None;
    }
    let defined = touched.iter().filter_map(|object| {
        let sql = "SELECT group_concat(sql, ';') FROM sqlite_schema WHERE lower(name)=?1 AND sql IS NOT NULL";
        connection.query_row(sql, [object], |row| row.get::<_, Option<String>>(0)).ok().flatten()
    });
    let mut texts = std::iter::once(statement.to_owned()).chain(defined);
    let now = texts.any(|text| {
        let all: Vec<Token<'_>> = tokens(&text).collect();
        asks_the_clock(&all)
            && all
                .windows(2)
                .any(|two| two[1] == Token::Mark(b'(') && dated.iter().any(|date| two[0].is(date)))
    });
    // Asking the schema is no act of the course.
    let _ = guard.taken();
    now.then(|| differs("a date function of the present moment"))
}

const DATES: [&str; 6] = ["date", "datetime", "julianday", "strftime", "time", "unixepoch"];

/// `'now'`, or a date function without a date.
fn asks_the_clock(all: &[Token<'_>]) -> bool {
    let quoted_now = |token: &Token<'_>| {
        !matches!(token, Token::Word(_)) && token.plain().is_some_and(|text| text.eq_ignore_ascii_case("now"))
    };
    let bare = |three: &[Token<'_>]| {
        DATES.iter().any(|date| three[0].is(date)) && three[1..] == [Token::Mark(b'('), Token::Mark(b')')]
    };
    let format_only = |four: &[Token<'_>]| {
        four[0].is("strftime") && four[1] == Token::Mark(b'(') && four[3] == Token::Mark(b')')
    };
    all.iter().any(quoted_now) || all.windows(3).any(bare) || all.windows(4).any(format_only)
}

fn fill(connection: &Connection, guard: &Guard, rows: &CsvTable) -> Result<(), SqliteError> {
    let failed = |line: u64, why: String| SqliteError::Rows { table: rows.table.clone(), line, why };
    let bytes = rows.csv.strip_prefix(b"\xef\xbb\xbf").unwrap_or(&rows.csv);
    let mut reader = csv::ReaderBuilder::new().delimiter(rows.delimiter).from_reader(bytes);
    let columns: Vec<String> =
        reader.headers().map_err(|error| ragged(&rows.table, &error))?.iter().map(str::to_owned).collect();
    if columns.is_empty() {
        return Err(failed(1, "there is no row with the names of the columns".to_owned()));
    }
    let mut table = String::new();
    name(&mut table, &rows.table);
    let marks = vec!["?"; columns.len()].join(",");
    let sql = format!("INSERT INTO main.{table}({}) VALUES({marks})", listed(columns.iter()));
    let at_once = |sql| connection.execute_batch(sql).map_err(|error| failed(0, guard.why(&error)));
    at_once("BEGIN")?;
    let mut insert = connection.prepare(&sql).map_err(|error| failed(1, guard.why(&error)))?;
    if let Some(why) = unsteady(connection, guard, "") {
        return Err(failed(1, why));
    }
    let mut record = csv::StringRecord::new();
    while reader.read_record(&mut record).map_err(|error| ragged(&rows.table, &error))? {
        let line = record.position().map_or(0, csv::Position::line);
        let fields = record.iter().map(|field| (!field.is_empty()).then_some(field));
        insert.execute(params_from_iter(fields)).map_err(|error| failed(line, guard.why(&error)))?;
    }
    drop(insert);
    at_once("COMMIT")
}

fn ragged(table: &str, error: &csv::Error) -> SqliteError {
    let line = error.position().map_or(0, csv::Position::line);
    let why = match error.kind() {
        csv::ErrorKind::UnequalLengths { expected_len, len, .. } => {
            format!("it has {len} fields, the first row names {expected_len}")
        }
        csv::ErrorKind::Utf8 { .. } => "its text is not UTF-8".to_owned(),
        _ => error.to_string(),
    };
    SqliteError::Rows { table: table.to_owned(), line, why }
}

fn check_keys(connection: &Connection) -> Result<(), SqliteError> {
    let failed = |table: &str, why: String| SqliteError::Rows { table: table.to_owned(), line: 0, why };
    let database = |error: rusqlite::Error| failed("", error.to_string());
    let mut check = connection.prepare("PRAGMA foreign_key_check").map_err(database)?;
    let mut found = check.query([]).map_err(database)?;
    match found.next().map_err(database)? {
        None => Ok(()),
        Some(row) => {
            let (table, parent): (String, String) =
                (row.get(0).map_err(database)?, row.get(2).map_err(database)?);
            Err(failed(&table, format!("a row refers to a row of {parent} that is not there")))
        }
    }
}
