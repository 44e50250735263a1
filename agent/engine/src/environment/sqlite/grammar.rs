//! The few kinds of statement a dump may consist of.
//!
//! What is no setting, `CREATE`, or `INSERT` of literals has no [`Kind`] and is never given to SQLite. So a dump
//! runs no query and calls no function of its author's choice; what definitions contain is left to the guard.

use super::token::{Token, tokens};

/// What a statement of a dump is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    /// Before the transaction: how checks and texts are treated.
    Setting,
    /// `BEGIN;`
    Begin,
    /// Inside the transaction: the numbers a program keeps in the file's header.
    Number,
    /// A table, index, view, trigger or virtual table.
    Create,
    /// One row of literals.
    Row,
    /// The counters of AUTOINCREMENT, made new.
    Counters,
    /// `COMMIT;`
    Commit,
}

/// The statement that empties the AUTOINCREMENT counters before they are written.
pub(super) const COUNTERS: &str = "DELETE FROM sqlite_sequence;";

/// Recognises a statement of a dump, none for anything else.
pub(super) fn kind(statement: &str) -> Option<Kind> {
    match statement {
        "BEGIN;" => return Some(Kind::Begin),
        "COMMIT;" => return Some(Kind::Commit),
        COUNTERS => return Some(Kind::Counters),
        "PRAGMA foreign_keys=OFF;"
        | "PRAGMA ignore_check_constraints=ON;"
        | "PRAGMA encoding='UTF-8';"
        | "PRAGMA encoding='UTF-16le';"
        | "PRAGMA encoding='UTF-16be';" => return Some(Kind::Setting),
        _ => {}
    }
    if let Some(setting) = statement.strip_prefix("PRAGMA ") {
        let (name, number) = setting.strip_suffix(';')?.split_once('=')?;
        let known = matches!(name, "application_id" | "user_version") && number.parse::<i32>().is_ok();
        return known.then_some(Kind::Number);
    }
    let mut words = tokens(statement);
    match words.next()? {
        word if word.is("CREATE") => create(words).then_some(Kind::Create),
        word if word.is("INSERT") => row(words).is_some().then_some(Kind::Row),
        _ => None,
    }
}

/// `CREATE TABLE name AS SELECT` runs a query, so a table must go on with its columns.
fn create<'a>(mut words: impl Iterator<Item = Token<'a>>) -> bool {
    let Some(what) = words.next() else { return false };
    if what.is("TABLE") {
        let named = words.next().is_some_and(|token| token.plain().is_some());
        return named && words.next() == Some(Token::Mark(b'('));
    }
    let next = words.next();
    what.is("INDEX")
        || what.is("VIEW")
        || what.is("TRIGGER")
        || (what.is("UNIQUE") && next.is_some_and(|token| token.is("INDEX")))
        || (what.is("VIRTUAL") && next.is_some_and(|token| token.is("TABLE")))
}

/// `INTO name [(name, …)] VALUES (literal, …);` and nothing else.
fn row<'a>(mut words: impl Iterator<Item = Token<'a>>) -> Option<()> {
    let words = &mut words;
    expect(words, "INTO")?;
    words.next()?.plain()?;
    let mut next = words.next()?;
    if next == Token::Mark(b'(') {
        loop {
            words.next()?.plain()?;
            match words.next()? {
                Token::Mark(b',') => {}
                Token::Mark(b')') => break,
                _ => return None,
            }
        }
        next = words.next()?;
    }
    if !next.is("VALUES") {
        return None;
    }
    mark(words, b'(')?;
    loop {
        literal(words)?;
        match words.next()? {
            Token::Mark(b',') => {}
            Token::Mark(b')') => break,
            _ => return None,
        }
    }
    mark(words, b';')?;
    words.next().is_none().then_some(())
}

fn literal<'a>(words: &mut impl Iterator<Item = Token<'a>>) -> Option<()> {
    match words.next()? {
        Token::Text(_) | Token::Blob | Token::Number => Some(()),
        Token::Mark(b'-') => (words.next()? == Token::Number).then_some(()),
        word if word.is("NULL") => Some(()),
        word if word.is("CAST") => {
            mark(words, b'(')?;
            (words.next()? == Token::Blob).then_some(())?;
            expect(words, "AS")?;
            expect(words, "TEXT")?;
            mark(words, b')')
        }
        word if word.is("replace") => {
            mark(words, b'(')?;
            for _ in 0..2 {
                matches!(words.next()?, Token::Text(_)).then_some(())?;
                mark(words, b',')?;
            }
            expect(words, "char")?;
            mark(words, b'(')?;
            (words.next()? == Token::Number).then_some(())?;
            mark(words, b')')?;
            mark(words, b')')
        }
        _ => None,
    }
}

fn expect<'a>(words: &mut impl Iterator<Item = Token<'a>>, keyword: &str) -> Option<()> {
    words.next()?.is(keyword).then_some(())
}

fn mark<'a>(words: &mut impl Iterator<Item = Token<'a>>, byte: u8) -> Option<()> {
    (words.next()? == Token::Mark(byte)).then_some(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rows_are_literals() {
        for good in [
            "INSERT INTO \"a\" VALUES(1,-2,3.5e-7,-9e999,'x',X'00',NULL);",
            "INSERT INTO \"a\"(rowid,\"b\") VALUES(1,CAST(X'00' AS TEXT));",
            "INSERT INTO \"a\" VALUES(replace('a\\r','\\r',char(13)));",
        ] {
            assert_eq!(kind(good), Some(Kind::Row), "{good}");
        }
        for bad in [
            "INSERT INTO a SELECT 1;",
            "INSERT INTO a DEFAULT VALUES;",
            "INSERT INTO a VALUES(1),(2);",
            "INSERT INTO a VALUES(randomblob(9));",
            "INSERT INTO a VALUES((SELECT 1));",
            "INSERT INTO a VALUES(1+1);",
            "INSERT INTO a VALUES(?);",
            "INSERT INTO a VALUES(1) RETURNING b;",
            "INSERT INTO a VALUES(1) ON CONFLICT DO NOTHING;",
            "INSERT OR REPLACE INTO a VALUES(1);",
            "INSERT INTO main.a VALUES(1);",
            "INSERT INTO a VALUES();",
        ] {
            assert_eq!(kind(bad), None, "{bad}");
        }
    }
}
