//! A stream of SQL taken apart statement by statement.
//!
//! One statement is held at a time and never more than the longest allowed. Where a statement ends is decided
//! as the sqlite3 program does it, triggers included. Comment lines between statements come out by themselves,
//! since the first and the last line of a dump are such lines.

use std::io::{self, BufRead, Read};

use super::LONGEST;
use super::token::in_word;

/// How the last line of a dump begins.
pub(super) const LAST_LINE: &str = "-- kitbag dump ends: ";

/// Bytes of a comment line between statements.
const LONGEST_LINE: u64 = 1 << 16;

/// What the stream holds next.
pub(super) enum Piece {
    /// A whole statement with its semicolon, and the line it begins on.
    Statement(String, u64),
    /// A comment line between statements, without its line end.
    Comment(String),
    /// Nothing more; any text of a statement without end.
    End(String),
}

/// Why the stream cannot be taken apart.
pub(super) enum Broken {
    /// The reader failed.
    Read(io::Error),
    /// A statement over the limit, or bytes that are no text; with the line.
    Text(u64, &'static str),
}

/// Reads statements and hashes every byte before the comment last returned.
pub(super) struct Statements<R> {
    from: R,
    hash: blake3::Hasher,
    line: u64,
    read: u64,
}

impl<R: BufRead> Statements<R> {
    pub(super) fn new(from: R) -> Self {
        Self { from, hash: blake3::Hasher::new(), line: 1, read: 0 }
    }

    /// The line reached, from 1.
    pub(super) fn line(&self) -> u64 {
        self.line
    }

    /// Bytes read so far.
    pub(super) fn read(&self) -> u64 {
        self.read
    }

    /// The hash of all bytes before the last comment line.
    pub(super) fn hash(&self) -> blake3::Hash {
        self.hash.finalize()
    }

    /// Takes a comment line into the hash, because it was not the last line.
    pub(super) fn keep(&mut self, comment: &str) {
        self.hash.update(comment.as_bytes());
        self.hash.update(b"\n");
    }

    /// The next piece.
    pub(super) fn next(&mut self) -> Result<Piece, Broken> {
        loop {
            match self.from.fill_buf().map_err(Broken::Read)?.first().copied() {
                None => return Ok(Piece::End(String::new())),
                Some(b'-') => return self.comment(),
                Some(byte) if byte.is_ascii_whitespace() => {
                    self.hash.update(&[byte]);
                    self.line += u64::from(byte == b'\n');
                    self.read += 1;
                    self.from.consume(1);
                }
                Some(_) => return self.statement(),
            }
        }
    }

    fn comment(&mut self) -> Result<Piece, Broken> {
        let mut text = Vec::new();
        let line = self.line;
        (&mut self.from).take(LONGEST_LINE).read_until(b'\n', &mut text).map_err(Broken::Read)?;
        self.read += text.len() as u64;
        self.line += 1;
        if text.len() as u64 == LONGEST_LINE {
            return Err(Broken::Text(line, "a comment that is too long"));
        }
        if text.pop() != Some(b'\n') {
            return Ok(Piece::End(String::from_utf8_lossy(&text).into_owned()));
        }
        if !text.starts_with(b"--") {
            return Err(Broken::Text(line, "a line that is no statement"));
        }
        String::from_utf8(text).map(Piece::Comment).map_err(|_| Broken::Text(line, "bytes that are no text"))
    }

    fn statement(&mut self) -> Result<Piece, Broken> {
        let (line, mut text, mut scanner) = (self.line, Vec::new(), Scanner::new());
        let mut done = false;
        while !done {
            let chunk = self.from.fill_buf().map_err(Broken::Read)?;
            if chunk.is_empty() {
                break;
            }
            let end = chunk.iter().position(|byte| scanner.ends(*byte));
            done = end.is_some();
            let taken = &chunk[..end.map_or(chunk.len(), |end| end + 1)];
            if text.len() + taken.len() > LONGEST {
                return Err(Broken::Text(line, "a statement that is too long"));
            }
            text.extend_from_slice(taken);
            self.hash.update(taken);
            self.read += taken.len() as u64;
            self.line += taken.iter().filter(|byte| **byte == b'\n').count() as u64;
            let length = taken.len();
            self.from.consume(length);
        }
        let text = String::from_utf8(text).map_err(|_| Broken::Text(line, "bytes that are no text"))?;
        if text.contains('\0') {
            return Err(Broken::Text(line, "a NUL character"));
        }
        Ok(if done { Piece::Statement(text, line) } else { Piece::End(text) })
    }
}

/// Follows a statement byte by byte to its final semicolon.
struct Scanner {
    inside: Inside,
    step: Step,
    previous: u8,
    word: Vec<u8>,
}

#[derive(Clone, Copy, PartialEq)]
enum Inside {
    Nothing,
    Quotes(u8),
    Line,
    Block,
}

/// How far a `CREATE TRIGGER … ; END;` has come; its inner semicolons do not end it.
#[derive(Clone, Copy, PartialEq)]
enum Step {
    Start,
    Other,
    Create,
    Trigger,
    Semicolon,
    End,
}

impl Scanner {
    fn new() -> Self {
        Self { inside: Inside::Nothing, step: Step::Start, previous: 0, word: Vec::new() }
    }

    /// Takes the next byte; true for the semicolon that ends the statement.
    fn ends(&mut self, byte: u8) -> bool {
        let previous = std::mem::replace(&mut self.previous, byte);
        match self.inside {
            Inside::Quotes(close) => {
                if byte == close {
                    self.inside = Inside::Nothing;
                }
                false
            }
            Inside::Line => {
                if byte == b'\n' {
                    self.inside = Inside::Nothing;
                }
                false
            }
            Inside::Block => {
                if previous == b'*' && byte == b'/' {
                    self.inside = Inside::Nothing;
                    self.previous = 0;
                }
                false
            }
            Inside::Nothing => self.outside(previous, byte),
        }
    }

    fn outside(&mut self, previous: u8, byte: u8) -> bool {
        if in_word(byte) {
            if self.word.len() < 8 {
                self.word.push(byte.to_ascii_lowercase());
            }
            return false;
        }
        if !self.word.is_empty() {
            self.step = self.after_word();
            self.word.clear();
        }
        match byte {
            b'-' if previous == b'-' => self.inside = Inside::Line,
            b'*' if previous == b'/' => {
                self.inside = Inside::Block;
                self.previous = 0;
            }
            b'\'' | b'"' | b'`' => self.mark(Inside::Quotes(byte)),
            b'[' => self.mark(Inside::Quotes(b']')),
            b';' => {
                self.step = match self.step {
                    Step::Trigger | Step::Semicolon => Step::Semicolon,
                    _ => return true,
                };
            }
            // May begin a comment, which counts as space; a lone one changes nothing that matters here.
            b'-' | b'/' => {}
            _ if byte.is_ascii_whitespace() => {}
            _ => self.mark(Inside::Nothing),
        }
        false
    }

    fn mark(&mut self, inside: Inside) {
        self.inside = inside;
        self.step = match self.step {
            Step::Trigger | Step::Semicolon | Step::End => Step::Trigger,
            _ => Step::Other,
        };
    }

    fn after_word(&self) -> Step {
        match (self.step, self.word.as_slice()) {
            (Step::Start, b"create") => Step::Create,
            (Step::Create, b"temp" | b"temporar") => Step::Create,
            (Step::Create, b"trigger") => Step::Trigger,
            (Step::Semicolon, b"end") => Step::End,
            (Step::Trigger | Step::Semicolon | Step::End, _) => Step::Trigger,
            _ => Step::Other,
        }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    fn split(text: &str, buffer: usize) -> (Vec<String>, String) {
        let mut statements = Statements::new(io::BufReader::with_capacity(buffer, text.as_bytes()));
        let mut all = Vec::new();
        loop {
            match statements.next() {
                Ok(Piece::Statement(text, _)) => all.push(text),
                Ok(Piece::Comment(_)) => {}
                Ok(Piece::End(rest)) => return (all, rest),
                Err(Broken::Read(error)) => panic!("{error}"),
                Err(Broken::Text(line, why)) => panic!("{line}: {why}"),
            }
        }
    }

    #[test]
    fn semicolons_that_end_and_those_that_do_not() {
        let statements = [
            "INSERT INTO a VALUES('x;''y;',X'00');",
            "CREATE TABLE \"a;b\"(c -- ; d\n, [e;f], `g;`);",
            "CREATE VIEW v AS SELECT 1 /* ; */ /**/ - 2;",
            "CREATE TRIGGER t AFTER INSERT ON a BEGIN SELECT CASE WHEN 1 THEN 2 END; DELETE FROM b; END;",
            "create temp trigger t after insert on a begin select 'x;END;'; -- c\n end ;",
            "CREATE TABLE trigger_end(a);",
            "BEGIN;",
        ];
        for buffer in [1, 2, 7, 4096] {
            let (all, rest) = split(&statements.join("\n"), buffer);
            assert_eq!(all, statements);
            assert_eq!(rest, "");
        }
    }

    #[test]
    fn an_unfinished_statement_is_told() {
        for text in ["SELECT 1", "SELECT 'a;", "CREATE TRIGGER t BEGIN SELECT 1;", "SELECT 1 /* ;"] {
            assert_eq!(split(text, 8), (vec![], text.to_owned()));
        }
    }
}
