//! What a database consists of, in the one order a dump writes it.
//!
//! Objects come by kind and name: tables, virtual tables, then (after the rows) indexes, views and triggers.
//! Statistics and the tables inside virtual tables are left out; SQLite makes them again. Before anything is
//! written the whole schema is rehearsed in memory under the rules of a restore, so no dump turns out useless.

use std::collections::BTreeSet;

use rusqlite::Connection;

use super::SqliteError;
use super::grammar::{Kind, kind};
use super::guard::{Author, Guard, MODULES};
use super::source::Source;
use super::token::{Token, tokens};
use super::value::{Encoding, name};

/// One thing that was made by a `CREATE` statement, which is kept as it was written.
#[derive(Debug)]
pub(super) struct Object {
    pub(super) name: String,
    pub(super) sql: String,
}

impl Object {
    /// The statement with an end that no comment swallows. SQLite keeps the spaces before the semicolon of
    /// some statements and not of others, so they are left out.
    pub(super) fn statement(&self) -> String {
        let sql = self.sql.trim_end_matches(|letter: char| letter.is_ascii_whitespace());
        let ended = format!("{sql};");
        match tokens(&ended).last() {
            Some(Token::Mark(b';')) => ended,
            Some(Token::Bad) => format!("{sql}*/;"),
            _ => format!("{sql}\n;"),
        }
    }
}

/// How the rows of a table are told apart and put in order.
#[derive(Debug)]
pub(super) struct Rows {
    pub(super) table: String,
    /// Columns that take values; generated ones do not.
    pub(super) columns: Vec<String>,
    /// The name under which the row number is written, where it is no column but must be kept.
    pub(super) number: Option<&'static str>,
    /// Whether the columns are written out: the order in the table does not say it all.
    pub(super) named: bool,
    /// The terms after ORDER BY.
    pub(super) order: String,
    /// Whether rows are found through an index, so that their count must be checked against the table.
    pub(super) through_index: bool,
}

/// What a virtual table needs after its rows.
#[derive(Debug)]
pub(super) enum Search {
    /// A full-text table that reads the texts of another table.
    Outside(String),
    /// A full-text table with its own texts.
    Own(String),
}

/// All of it.
#[derive(Debug)]
pub(super) struct Schema {
    pub(super) encoding: Encoding,
    pub(super) application: i32,
    pub(super) version: i32,
    pub(super) tables: Vec<Object>,
    pub(super) rows: Vec<Rows>,
    pub(super) searches: Vec<Search>,
    pub(super) rest: Vec<Object>,
    /// Whether there are AUTOINCREMENT counters.
    pub(super) counters: bool,
}

impl Schema {
    /// Reads and rehearses it.
    ///
    /// # Errors
    /// [`SqliteError::Unsupported`] names the object that a dump cannot carry.
    pub(super) fn read(source: &Source) -> Result<Self, SqliteError> {
        let error = source.error();
        let database = &source.connection;
        let number =
            |pragma| database.pragma_query_value(None, pragma, |row| row.get::<_, i32>(0)).map_err(&error);
        let encoding: String =
            database.pragma_query_value(None, "encoding", |row| row.get(0)).map_err(&error)?;
        let encoding = Encoding::named(&encoding)
            .ok_or_else(|| unsupported(&format!("texts stored as {encoding}"), "it is not known"))?;

        let plain = objects(database, "type='table' AND rootpage<>0").map_err(&error)?;
        let virtuals = objects(database, "type='table' AND rootpage=0").map_err(&error)?;
        let inner = names(database, "type='shadow'").map_err(&error)?;
        let keyless = names(database, "wr").map_err(&error)?;
        let plain: Vec<Object> = plain.into_iter().filter(|table| !inner.contains(&table.name)).collect();
        let mut rest = Vec::new();
        for kind in ["index", "view", "trigger"] {
            rest.extend(objects(database, &format!("type='{kind}'")).map_err(&error)?);
        }

        let speaks_of_numbers =
            plain.iter().chain(&virtuals).chain(&rest).any(|object| speaks_of_numbers(&object.sql));
        let mut searches = Vec::new();
        let mut rows = Vec::new();
        for table in &plain {
            let keyed = keyless.contains(&table.name);
            rows.push(rows_of(database, &table.name, keyed, speaks_of_numbers).map_err(&error)?);
        }
        for table in &virtuals {
            rows.extend(virtual_rows(database, table, &mut searches, &error)?);
        }
        let mut schema = Self {
            encoding,
            application: number("application_id")?,
            version: number("user_version")?,
            tables: plain.into_iter().chain(virtuals).collect(),
            rows,
            searches,
            rest,
            counters: false,
        };
        if schema.tables.is_empty() && schema.rest.is_empty() {
            // SQLite has not settled on one either.
            schema.encoding = Encoding::Utf8;
        }
        schema.counters = schema.rehearse()?;
        Ok(schema)
    }

    /// Makes every object in an empty database; says whether that has AUTOINCREMENT counters.
    fn rehearse(&self) -> Result<bool, SqliteError> {
        let trial = |error: rusqlite::Error| unsupported("a schema", &error.to_string());
        let mut empty = Connection::open_in_memory().map_err(trial)?;
        empty.execute_batch("PRAGMA foreign_keys=OFF").map_err(trial)?;
        let guard = Guard::new(&mut empty, Author::Dump).map_err(trial)?;
        for object in self.tables.iter().chain(&self.rest) {
            let statement = object.statement();
            if kind(&statement) != Some(Kind::Create) {
                return Err(unsupported(&object.name, "its definition is unusual"));
            }
            empty.execute_batch(&statement).map_err(|error| unsupported(&object.name, &guard.why(&error)))?;
        }
        empty
            .query_row("SELECT count(*) FROM sqlite_schema WHERE name='sqlite_sequence'", [], |row| {
                row.get(0)
            })
            .map_err(trial)
    }
}

fn unsupported(what: &str, why: &str) -> SqliteError {
    SqliteError::Unsupported { what: what.to_owned(), why: why.to_owned() }
}

/// Objects SQLite names itself (statistics, counters, indexes of keys) begin with `sqlite_`.
fn objects(database: &Connection, condition: &str) -> rusqlite::Result<Vec<Object>> {
    database
        .prepare(&format!(
            "SELECT name, sql FROM sqlite_schema WHERE {condition} AND sql IS NOT NULL \
             AND name NOT LIKE 'sqlite\\_%' ESCAPE '\\' ORDER BY CAST(name AS BLOB)"
        ))?
        .query_map([], |row| Ok(Object { name: row.get(0)?, sql: row.get(1)? }))?
        .collect()
}

fn names(database: &Connection, condition: &str) -> rusqlite::Result<BTreeSet<String>> {
    database
        .prepare(&format!("SELECT name FROM pragma_table_list WHERE schema='main' AND {condition}"))?
        .query_map([], |row| row.get(0))?
        .collect()
}

/// Whether anything refers to rows by number, as a full-text table over another table also does.
fn speaks_of_numbers(sql: &str) -> bool {
    if module(sql).is_some_and(|(_, arguments)| content(&arguments).is_some()) {
        return true;
    }
    let mut before = None;
    tokens(sql).any(|token| {
        // `WITHOUT ROWID` says the opposite.
        let without = before.replace(token).is_some_and(|word: Token<'_>| word.is("WITHOUT"));
        let word = token.plain().unwrap_or_default();
        !without && NUMBERS.iter().any(|number| word.eq_ignore_ascii_case(number))
    })
}

/// The names of the row number, unless a column has taken them.
const NUMBERS: [&str; 3] = ["rowid", "_rowid_", "oid"];

struct Column {
    name: String,
    key: i64,
    hidden: i64,
}

fn columns(database: &Connection, table: &str) -> rusqlite::Result<Vec<Column>> {
    database
        .prepare("SELECT name, pk, hidden FROM pragma_table_xinfo(?1) ORDER BY cid")?
        .query_map([table], |row| Ok(Column { name: row.get(0)?, key: row.get(1)?, hidden: row.get(2)? }))?
        .collect()
}

/// A row is told by its declared key. Without a key it is told by its number, which is kept then: programs
/// that refer to such rows have nothing else. Numbers beside a key are kept where the schema speaks of them.
fn rows_of(database: &Connection, table: &str, keyless: bool, numbered: bool) -> rusqlite::Result<Rows> {
    let columns = columns(database, table)?;
    let taken = |number: &&str| !columns.iter().any(|column| column.name.eq_ignore_ascii_case(number));
    let number = NUMBERS.into_iter().find(taken).filter(|_| !keyless);
    let key = key_order(database, table)?;
    let has_key = columns.iter().any(|column| column.key > 0);
    let stored: Vec<String> =
        columns.iter().filter(|column| column.hidden == 0).map(|column| column.name.clone()).collect();
    let is_number = has_key && key.is_none();
    let kept = number.filter(|_| !is_number && (key.is_none() || numbered));
    let mut order = match (&key, kept) {
        (_, Some(number)) => number.to_owned(),
        (Some(key), None) => key.clone(),
        (None, None) => {
            // An INTEGER PRIMARY KEY, or a table whose columns took all names of the number.
            let key = columns.iter().filter(|column| !has_key || column.key > 0);
            listed(key.filter(|column| column.hidden == 0).map(|column| &column.name))
        }
    };
    let through_index = key.is_some() && kept.is_none() && !keyless;
    if through_index && let Some(number) = number {
        // Keys of ordinary tables may be NULL, and then they may repeat.
        order = format!("{order},{number}");
    }
    let named = kept.is_some() || stored.len() < columns.len();
    Ok(Rows { table: table.to_owned(), columns: stored, number: kept, named, order, through_index })
}

/// The columns of the key's own index with their collations; none where the key is the row number.
fn key_order(database: &Connection, table: &str) -> rusqlite::Result<Option<String>> {
    let terms: Vec<String> = database
        .prepare(
            "SELECT x.name, x.coll FROM pragma_index_list(?1) AS l, pragma_index_xinfo(l.name) AS x \
             WHERE l.origin='pk' AND x.key ORDER BY x.seqno",
        )?
        .query_map([table], |row| {
            let mut term = String::new();
            name(&mut term, &row.get::<_, String>(0)?);
            term.push_str(" COLLATE ");
            name(&mut term, &row.get::<_, String>(1)?);
            Ok(term)
        })?
        .collect::<rusqlite::Result<_>>()?;
    Ok((!terms.is_empty()).then(|| terms.join(",")))
}

/// Quoted names with commas.
pub(super) fn listed<'a>(names: impl Iterator<Item = &'a String>) -> String {
    let mut out = String::new();
    for each in names {
        if !out.is_empty() {
            out.push(',');
        }
        name(&mut out, each);
    }
    out
}

/// Module and arguments of a virtual table.
fn module(sql: &str) -> Option<(String, Vec<Vec<Token<'_>>>)> {
    let mut words = tokens(sql);
    let _create = words.next()?;
    if !words.next()?.is("VIRTUAL") {
        return None;
    }
    let module = words.find(|token| token.is("USING")).and_then(|_| words.next()?.plain())?;
    let all: Vec<Token<'_>> = words.collect();
    let arguments = all.split(|token| *token == Token::Mark(b',')).map(|part| {
        part.iter().filter(|token| !matches!(token, Token::Mark(b'(' | b')'))).copied().collect()
    });
    Some((module, arguments.collect()))
}

/// The table a full-text table reads instead of keeping texts; empty for one that keeps none.
fn content(arguments: &[Vec<Token<'_>>]) -> Option<String> {
    arguments.iter().find_map(|argument| match argument.as_slice() {
        [key, Token::Mark(b'='), value] if key.is("content") => value.plain(),
        _ => None,
    })
}

fn virtual_rows(
    database: &Connection,
    table: &Object,
    searches: &mut Vec<Search>,
    error: &impl Fn(rusqlite::Error) -> SqliteError,
) -> Result<Option<Rows>, SqliteError> {
    let refuse = |why: &str| Err(unsupported(&format!("the virtual table {}", table.name), why));
    let Some((module, arguments)) = module(&table.sql) else {
        return refuse("its module is not known");
    };
    if !MODULES.iter().any(|known| known.eq_ignore_ascii_case(&module)) {
        return refuse(&format!("only fts5 and rtree tables are understood, this is {module}"));
    }
    let search = module.eq_ignore_ascii_case("fts5");
    if search {
        let has = |key| {
            arguments.iter().any(|argument| {
                argument.first().is_some_and(|token| token.is(key)) && argument.contains(&Token::Mark(b'='))
            })
        };
        if has("locale") {
            return refuse("texts with a locale cannot be read back");
        }
        match content(&arguments) {
            Some(outside) if outside.is_empty() => {
                return refuse("it keeps no texts that could be read back");
            }
            Some(_) => {
                searches.push(Search::Outside(table.name.clone()));
                return Ok(None);
            }
            None => searches.push(Search::Own(table.name.clone())),
        }
    }
    let columns = columns(database, &table.name).map_err(error)?;
    let stored: Vec<String> =
        columns.into_iter().filter(|column| column.hidden == 0).map(|column| column.name).collect();
    let number = search.then_some("rowid");
    let order = if search { "rowid".to_owned() } else { listed(stored.iter().take(1)) };
    Ok(Some(Rows {
        table: table.name.clone(),
        columns: stored,
        number,
        named: true,
        order,
        through_index: false,
    }))
}
