//! Word merge: for prose, where a paragraph is one long line and two people change two words of it. Stricter than the
//! line merge: what both sides put in at one place is a conflict, since words that come to stand side by side by
//! chance are no sentence. A blank is a word of its own, so all of them are kept as they were.

use super::diff3::Three;
use super::lines::Numbers;
use super::text::Merged;
use std::collections::BTreeSet;

/// Texts of more words than this are not merged word by word.
const MOST: usize = 20_000;

/// Merge two sides over a base, word by word. Which side is named first makes no difference.
pub fn merge(base: &[u8], left: &[u8], right: &[u8]) -> Merged {
    let (left, right) = if right < left { (right, left) } else { (left, right) };
    let texts = [base, left, right];
    if texts.iter().any(|text| text.contains(&0)) {
        return Merged::Conflict;
    }
    let cut: Vec<Vec<u8>> = texts.iter().map(|text| one_a_line(text)).collect();
    let mut numbers = Numbers::default();
    let [base, left, right] = [&cut[0], &cut[1], &cut[2]].map(|text| numbers.read(text).lines);
    if [&base, &left, &right].iter().any(|words| words.len() > MOST) {
        return Merged::Conflict;
    }
    let none = BTreeSet::new();
    let merged = Three::apart(&base, &left, &right).merge(&none, &none, numbers.len());
    merged.map_or(Merged::Conflict, |words| Merged::Clean(joined(&numbers.write(&words, true))))
}

/// Each word on a line of its own; a line's end is a NUL.
fn one_a_line(text: &[u8]) -> Vec<u8> {
    let mut out = Vec::with_capacity(text.len() * 2);
    let kind = |byte: u8| {
        if byte == b'\n' {
            0
        } else if byte.is_ascii_whitespace() {
            1
        } else {
            2
        }
    };
    for (at, byte) in text.iter().enumerate() {
        if at > 0 && (*byte == b'\n' || kind(text[at - 1]) != kind(*byte)) {
            out.push(b'\n');
        }
        out.push(if *byte == b'\n' { 0 } else { *byte });
    }
    if !out.is_empty() {
        out.push(b'\n');
    }
    out
}

fn joined(lines: &[u8]) -> Vec<u8> {
    let bytes = lines.iter().filter(|byte| **byte != b'\n');
    bytes.map(|byte| if *byte == 0 { b'\n' } else { *byte }).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn merged(base: &str, left: &str, right: &str) -> Option<String> {
        match merge(base.as_bytes(), left.as_bytes(), right.as_bytes()) {
            Merged::Clean(bytes) => Some(String::from_utf8(bytes).unwrap()),
            Merged::Conflict => None,
        }
    }

    #[test]
    fn words_apart_are_merged_and_blanks_kept() {
        let base = "The  quick brown fox\njumps over\tthe dog.\n";
        let left = "The  slow brown fox\njumps over\tthe dog.\n";
        let right = "The  quick brown fox\njumps over\tthe cat.\n";
        let both = "The  slow brown fox\njumps over\tthe cat.\n";
        assert_eq!(merged(base, left, right).as_deref(), Some(both));
        assert_eq!(merged(base, right, left).as_deref(), Some(both));
        assert_eq!(merged(base, base, right).as_deref(), Some(right));
    }

    #[test]
    fn what_meets_at_one_place_is_a_conflict() {
        assert_eq!(merged("# Title", "# Title one", "# Title two"), None);
        assert_eq!(merged("a b c", "a x c", "a y c"), None);
        assert_eq!(merged("a\0b", "a b", "a c"), None);
    }

    #[test]
    fn cut_and_joined_is_the_same() {
        for text in ["", "\n", " ", "a", "a b", "\n\na  \n b\r\n", "é ü\n"] {
            assert_eq!(joined(&one_a_line(text.as_bytes())), text.as_bytes(), "{text:?}");
        }
    }
}
