//! Word merge: for prose, where a paragraph is one long line and two people change two words of it. Line by line, so
//! it only speaks where no side put in or took out a line. Stricter than the line merge: what both sides put in at one
//! place is a conflict, since words that come to stand side by side by chance are no sentence. A blank is a word of
//! its own, so all of them are kept as they were.

use std::collections::BTreeSet;

use super::diff3::Three;
use super::lines::Numbers;
use super::text::Merged;

/// Texts longer than this, in bytes, are not merged word by word.
const LONGEST: usize = 64 * 1024;

/// Merge two sides over a base, word by word. Which side is named first makes no difference.
pub(super) fn merge(base: &[u8], left: &[u8], right: &[u8]) -> Merged {
    let (left, right) = if right < left { (right, left) } else { (left, right) };
    if [base, left, right].iter().any(|text| text.len() > LONGEST) {
        return Merged::Conflict;
    }
    let [base, left, right] =
        [base, left, right].map(|text| text.split(|byte| *byte == b'\n').collect::<Vec<_>>());
    if base.len() != left.len() || base.len() != right.len() {
        return Merged::Conflict;
    }
    let lines = base.iter().zip(left.iter().zip(&right)).map(|(base, (left, right))| line(base, left, right));
    let lines: Option<Vec<Vec<u8>>> = lines.collect();
    lines.map_or(Merged::Conflict, |lines| Merged::Clean(lines.join(&b'\n')))
}

fn line(base: &[u8], left: &[u8], right: &[u8]) -> Option<Vec<u8>> {
    if left == base || left == right {
        return Some(right.to_vec());
    }
    if right == base {
        return Some(left.to_vec());
    }
    let cut = [base, left, right].map(one_a_line);
    let mut numbers = Numbers::default();
    let [base, left, right] = [&cut[0], &cut[1], &cut[2]].map(|text| numbers.read(text).lines);
    let none = BTreeSet::new();
    let merged = Three::apart(&base, &left, &right).merge(&none, &none, numbers.len());
    merged.map(|words| numbers.write(&words, true).into_iter().filter(|byte| *byte != b'\n').collect())
}

/// Each word of a line on a line of its own.
fn one_a_line(text: &[u8]) -> Vec<u8> {
    let mut out = Vec::with_capacity(text.len() * 2);
    for (at, byte) in text.iter().enumerate() {
        if at > 0 && text[at - 1].is_ascii_whitespace() != byte.is_ascii_whitespace() {
            out.push(b'\n');
        }
        out.push(*byte);
    }
    if !out.is_empty() {
        out.push(b'\n');
    }
    out
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
        assert_eq!(merged("a b\nc d", "a x\nc d\ne", "a b\ny d"), None, "a line more is no matter of words");
    }
}
