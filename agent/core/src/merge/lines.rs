//! Bytes as lines and back. A line is what stands before a `\n` (a `\r` belongs to the line); every line of
//! the texts compared gets a number, so that equal lines are equal numbers. Whether a text ends with `\n` is
//! kept apart from its lines: "x" at the end of a file and "x\n" in its middle are the same line, and a line
//! that moves from the end to the middle gets its `\n` without anybody having changed it.

use std::collections::BTreeMap;

/// The lines of a text without their `\n`. No bytes, no lines.
pub(super) fn split(bytes: &[u8]) -> impl Iterator<Item = &[u8]> {
    let body = bytes.strip_suffix(b"\n").unwrap_or(bytes);
    let lines = (!bytes.is_empty()).then(|| body.split(|byte| *byte == b'\n'));
    lines.into_iter().flatten()
}

/// How often each line stands in a text.
pub(super) fn counts(bytes: &[u8]) -> BTreeMap<&[u8], usize> {
    let mut counts = BTreeMap::new();
    for line in split(bytes) {
        *counts.entry(line).or_insert(0) += 1;
    }
    counts
}

/// One text in numbers.
#[derive(Debug)]
pub(super) struct Text {
    /// The number of each line.
    pub lines: Vec<usize>,
    /// Does the last line end with `\n`? None where there is no line.
    pub ended: Option<bool>,
}

/// Gives lines their numbers: equal lines, equal numbers, from 0 in the order they were met.
#[derive(Debug, Default)]
pub(super) struct Numbers<'a> {
    number: BTreeMap<&'a [u8], usize>,
    line: Vec<&'a [u8]>,
}

impl<'a> Numbers<'a> {
    /// The text in numbers; lines not met before get the next ones.
    pub fn read(&mut self, bytes: &'a [u8]) -> Text {
        let lines = split(bytes).map(|line| self.give(line)).collect();
        Text { lines, ended: bytes.last().map(|last| *last == b'\n') }
    }

    fn give(&mut self, line: &'a [u8]) -> usize {
        let line_store = &mut self.line;
        *self.number.entry(line).or_insert_with(|| {
            line_store.push(line);
            line_store.len() - 1
        })
    }

    /// The number of a line, with or without its `\n`; none for a line of no text read so far.
    pub fn find(&self, line: &[u8]) -> Option<usize> {
        self.number.get(line.strip_suffix(b"\n").unwrap_or(line)).copied()
    }

    /// How many different lines there are.
    pub fn len(&self) -> usize {
        self.line.len()
    }

    /// The bytes of these lines, each ended with `\n` but the last, which is as `ended` says. A last line that
    /// is empty is always ended: without its `\n` it would be no line at all.
    pub fn write(&self, lines: &[usize], ended: bool) -> Vec<u8> {
        let mut bytes = Vec::with_capacity(lines.iter().map(|number| self.line[*number].len() + 1).sum());
        for number in lines {
            bytes.extend_from_slice(self.line[*number]);
            bytes.push(b'\n');
        }
        let last_is_empty = lines.last().is_some_and(|number| self.line[*number].is_empty());
        if !ended && !last_is_empty {
            bytes.pop();
        }
        bytes
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn there_and_back() {
        for text in
            ["", "\n", "a", "a\n", "\n\n", "\na", "a\n\n", "a\nb", "a\r\nb\r\n", "a\nb\n", "\r", "a\n\nb"]
        {
            let mut numbers = Numbers::default();
            let read = numbers.read(text.as_bytes());
            let back = numbers.write(&read.lines, read.ended.unwrap_or(true));
            assert_eq!(back, text.as_bytes(), "{text:?}");
        }
    }

    #[test]
    fn the_last_line_is_the_same_line_with_and_without_its_end() {
        let mut numbers = Numbers::default();
        let text = numbers.read(b"x\ny\nx");
        assert_eq!(text.lines, [0, 1, 0]);
        assert_eq!((numbers.find(b"x\n"), numbers.find(b"x"), numbers.find(b"z")), (Some(0), Some(0), None));
    }

    #[test]
    fn a_last_empty_line_keeps_its_end() {
        let mut numbers = Numbers::default();
        let text = numbers.read(b"a\n\n");
        assert_eq!(numbers.write(&text.lines, false), b"a\n\n");
    }

    #[test]
    fn lines_are_counted() {
        let counts = counts(b"x\ny\n\nx");
        assert_eq!(counts, BTreeMap::from([(&b""[..], 1), (b"x", 2), (b"y", 1)]));
    }
}
