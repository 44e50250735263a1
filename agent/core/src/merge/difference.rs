//! What differs between two versions of anything, for people: of notebooks cell by cell, of texts line by line, of all
//! else only that it does. What is read as which is decided by what stands in it, since versions come under odd names.

use serde::Serialize;

use super::diff::partners;
use super::lines::{Numbers, split};
use super::notebook::{self, Changes};
use super::text::is_text;

/// A notebook without a cell.
const EMPTY: &[u8] = b"{\"cells\":[],\"metadata\":{},\"nbformat\":4,\"nbformat_minor\":5}";

/// What differs.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase", tag = "kind")]
pub enum Difference {
    /// Nothing.
    Same,
    /// Cells.
    Notebook(Changes),
    /// Lines.
    Text {
        /// Where and which; empty where only the end of the last line differs.
        lines: Vec<Hunk>,
    },
    /// Bytes of something else.
    Binary,
}

/// Lines that stand in the place of others.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Hunk {
    /// The number of the first line that is gone, from 1; where none is, of the line the new ones stand before.
    pub before: usize,
    /// The same in the newer text.
    pub after: usize,
    /// The lines that are gone, without their ends. Bytes that are no text are replaced.
    pub removed: Vec<String>,
    /// The lines in their place.
    pub added: Vec<String>,
}

/// What differs between the two. No bytes count as an empty notebook beside a notebook, as an empty text beside a text.
pub fn difference(before: &[u8], after: &[u8]) -> Difference {
    if before == after {
        return Difference::Same;
    }
    fn or_empty(bytes: &[u8]) -> &[u8] {
        if bytes.is_empty() { EMPTY } else { bytes }
    }
    if let Ok(changes) = notebook::changes(or_empty(before), or_empty(after)) {
        return Difference::Notebook(changes);
    }
    if is_text(before) && is_text(after) {
        return Difference::Text { lines: hunks(before, after) };
    }
    Difference::Binary
}

/// The lines that differ, in order.
pub fn hunks(before: &[u8], after: &[u8]) -> Vec<Hunk> {
    let mut numbers = Numbers::default();
    let (old, new) = (numbers.read(before), numbers.read(after));
    let places = partners(&old.lines, &new.lines);
    let lines: [Vec<&[u8]>; 2] = [split(before).collect(), split(after).collect()];
    let text =
        |lines: &[&[u8]]| lines.iter().map(|line| String::from_utf8_lossy(line).into_owned()).collect();
    let mut hunks = Vec::new();
    let (mut from, mut to) = (0, 0);
    let ends = places.iter().enumerate().filter_map(|(at, place)| Some((at, (*place)?)));
    for (old_at, new_at) in ends.chain([(old.lines.len(), new.lines.len())]) {
        if old_at > from || new_at > to {
            let (removed, added) = (text(&lines[0][from..old_at]), text(&lines[1][to..new_at]));
            hunks.push(Hunk { before: from + 1, after: to + 1, removed, added });
        }
        (from, to) = (old_at + 1, new_at + 1);
    }
    hunks
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_that_differ_are_told_with_their_places() {
        let hunk = |before, after, removed: &[&str], added: &[&str]| {
            let owned = |lines: &[&str]| lines.iter().map(|line| (*line).to_owned()).collect();
            Hunk { before, after, removed: owned(removed), added: owned(added) }
        };
        assert_eq!(
            hunks(b"a\nb\nc\n", b"a\nx\ny\nc\nd"),
            [hunk(2, 2, &["b"], &["x", "y"]), hunk(4, 5, &[], &["d"])]
        );
        assert_eq!(hunks(b"", b"a\n"), [hunk(1, 1, &[], &["a"])]);
        assert_eq!(hunks(b"a\nb", b"b"), [hunk(1, 1, &["a"], &[])]);
        assert_eq!(hunks(b"a", b"a\n"), []);
        // one put on the other gives the other
        let texts: [&[u8]; 5] = [b"", b"a\nb\nc\n", b"c\nb\na\n", b"a\na\nb\nx\nc\n", b"x\n\nx\n"];
        for before in texts {
            for after in texts {
                let mut lines: Vec<&[u8]> = split(before).collect();
                let hunks = hunks(before, after);
                for hunk in hunks.iter().rev() {
                    let at = hunk.before - 1;
                    let added = hunk.added.iter().map(String::as_bytes);
                    lines.splice(at..at + hunk.removed.len(), added);
                }
                assert_eq!(lines, split(after).collect::<Vec<_>>());
            }
        }
    }

    #[test]
    fn what_it_is_decides_how_it_is_compared() {
        let one = "{\"cells\":[{\"cell_type\":\"raw\",\"id\":\"a\",\"metadata\":{},\"source\":\"x\"}],\"metadata\":{},\"nbformat\":4,\"nbformat_minor\":5}";
        let other = one.replace("\"x\"", "\"y\"");
        assert_eq!(difference(b"x", b"x"), Difference::Same);
        for (before, after) in [(one, other.as_str()), ("", one), (one, "")] {
            let Difference::Notebook(told) = difference(before.as_bytes(), after.as_bytes()) else {
                panic!()
            };
            assert_eq!(told.cells.len(), 1);
        }
        assert!(matches!(difference(one.as_bytes(), b"no notebook"), Difference::Text { .. }));
        assert_eq!(difference(b"a\0", b"a"), Difference::Binary);
        assert_eq!(difference(b"\xff", b"a"), Difference::Binary);
    }
}
