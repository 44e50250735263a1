//! Reads a dump into a new database and puts it in the place of the old one.
//!
//! The text comes from the share and may have been written by anybody. Only the statements a dump consists of
//! are run, under [`Guard`], on a file of their own; the target changes when the last line has proved that all
//! of it arrived as it was written, and not before.

use std::io::{BufReader, Read};
use std::path::Path;

use rusqlite::Connection;
use rusqlite::ErrorCode::{CannotOpen, OutOfMemory, SystemIoFailure};

use super::dump::FIRST_LINE;
use super::grammar::{Kind, kind};
use super::guard::{Author, Guard};
use super::replace::New;
use super::statement::{Broken, LAST_LINE, Piece, Statements};
use super::{FORMAT, SqliteError};

/// How far the text has come.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Phase {
    Settings,
    Inside,
    After,
}

/// Makes the database that the dump describes and puts it at `target`, whole or not at all.
///
/// # Errors
/// A dump that is cut off, altered, of another format or asking for more than a dump may; a target that is in
/// use or no plain file. The target is as it was then.
pub fn restore(dump: &mut dyn Read, target: &Path) -> Result<(), SqliteError> {
    let mut text = Statements::new(BufReader::with_capacity(1 << 16, dump));
    first_line(&mut text)?;
    let new = New::beside(target)?;
    let mut connection = new.open()?;
    let failed = |error| SqliteError::of(new.path(), error);
    connection
        .execute_batch("PRAGMA synchronous=OFF; PRAGMA journal_mode=MEMORY; PRAGMA locking_mode=EXCLUSIVE;")
        .map_err(failed)?;
    let mut guard = Guard::new(&mut connection, Author::Dump).map_err(failed)?;
    fill(&mut text, &connection, &mut guard, new.path())?;
    connection.close().map_err(|(_, error)| failed(error))?;
    new.put()
}

fn next<R: std::io::BufRead>(text: &mut Statements<R>) -> Result<Piece, SqliteError> {
    text.next().map_err(|broken| match broken {
        Broken::Read(error) => SqliteError::Read(error),
        Broken::Text(line, why) => SqliteError::Refused { line, why: why.to_owned() },
    })
}

fn first_line<R: std::io::BufRead>(text: &mut Statements<R>) -> Result<(), SqliteError> {
    let line = match next(text) {
        Ok(Piece::Comment(line)) => line,
        Ok(Piece::End(rest)) if rest.is_empty() || FIRST_LINE.starts_with(&rest) => {
            return Err(SqliteError::Incomplete);
        }
        Err(SqliteError::Read(error)) => return Err(SqliteError::Read(error)),
        _ => return Err(SqliteError::NotADump),
    };
    let format = line.strip_prefix(FIRST_LINE).ok_or(SqliteError::NotADump)?;
    if format != FORMAT.to_string() {
        return Err(SqliteError::OtherFormat { found: format.chars().take(20).collect() });
    }
    text.keep(&line);
    Ok(())
}

fn fill<R: std::io::BufRead>(
    text: &mut Statements<R>,
    connection: &Connection,
    guard: &mut Guard,
    path: &Path,
) -> Result<(), SqliteError> {
    let (mut phase, mut rows) = (Phase::Settings, 0);
    loop {
        match next(text)? {
            Piece::Statement(statement, line) => {
                let refused = |why: String| SqliteError::Refused { line, why };
                let kind = kind(&statement).ok_or_else(|| refused(unknown(&statement)))?;
                phase =
                    follow(phase, kind).ok_or_else(|| refused("a statement out of its place".to_owned()))?;
                rows += u64::from(kind == Kind::Row);
                let run = guard.allow(connection, text.read());
                run.and_then(|()| connection.execute_batch(&statement)).map_err(|error| {
                    match error.sqlite_error_code() {
                        Some(SystemIoFailure | CannotOpen | OutOfMemory) => SqliteError::of(path, error),
                        _ => refused(guard.why(&error)),
                    }
                })?;
            }
            Piece::Comment(line) => match line.strip_prefix(LAST_LINE) {
                Some(last) => return last_line(text, last, rows, phase),
                None if phase == Phase::Settings => text.keep(&line),
                None => {
                    let why = "a comment out of its place".to_owned();
                    return Err(SqliteError::Refused { line: text.line() - 1, why });
                }
            },
            Piece::End(_) => return Err(SqliteError::Incomplete),
        }
    }
}

fn follow(phase: Phase, kind: Kind) -> Option<Phase> {
    match (phase, kind) {
        (Phase::Settings, Kind::Setting) => Some(Phase::Settings),
        (Phase::Settings, Kind::Begin) => Some(Phase::Inside),
        (Phase::Inside, Kind::Number | Kind::Create | Kind::Row | Kind::Counters) => Some(Phase::Inside),
        (Phase::Inside, Kind::Commit) => Some(Phase::After),
        _ => None,
    }
}

fn last_line<R: std::io::BufRead>(
    text: &mut Statements<R>,
    last: &str,
    rows: u64,
    phase: Phase,
) -> Result<(), SqliteError> {
    let altered = |why| Err(SqliteError::Altered { why });
    if phase != Phase::After {
        return altered("it ends before its COMMIT");
    }
    if last != format!("rows {rows}, blake3 {}", text.hash().to_hex()) {
        return altered("its last line does not fit the rest");
    }
    match next(text)? {
        Piece::End(rest) if rest.is_empty() => Ok(()),
        _ => altered("there is more after its last line"),
    }
}

/// The beginning of a statement, for people.
fn unknown(statement: &str) -> String {
    let start: String = statement.chars().take(60).collect();
    format!("no statement of a backup: {}", start.escape_debug())
}
