//! Which names a course may give: ids and services end up in file names, environment variables and addresses,
//! programs in a search of PATH, paths on Windows as well as here. Each rule is a plain yes or no, or the
//! reason; the words around it are the caller's. Also here: the nearest known word to a mistyped one.

use crate::names::is_device;
use crate::path::WorkPath;

const LONGEST_NAME: usize = 40;
const LONGEST_PROGRAM: usize = 100;
const FARTHEST_TYPO: usize = 2;

/// What [`is_name`] asks for, in words.
pub(super) const NAME_RULE: &str =
    "Use a lower-case letter, then lower-case letters, digits and single hyphens, at most 40.";

/// A name for a course, service, step or backend: fit for a file name and for `KITBAG_<NAME>_URL`.
pub(super) fn is_name(text: &str) -> bool {
    let fits = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-';
    text.len() <= LONGEST_NAME
        && text.starts_with(|c: char| c.is_ascii_lowercase())
        && text.chars().all(fits)
        && !text.ends_with('-')
        && !text.contains("--")
        && !is_device(text)
}

/// `2026.10`, `1.2.3`: one to four numbers.
pub(super) fn is_version(text: &str) -> bool {
    let number = |part: &str| (1..=9).contains(&part.len()) && part.bytes().all(|b| b.is_ascii_digit());
    text.split('.').count() <= 4 && text.split('.').all(number)
}

/// A program called by name, never by place: which file that is, the person's grant decides.
pub(super) fn is_program(text: &str) -> bool {
    !text.is_empty()
        && text.len() <= LONGEST_PROGRAM
        && !text.starts_with(['-', '.'])
        && text.chars().all(|c| c.is_alphanumeric() || matches!(c, '.' | '_' | '-' | '+'))
}

/// A table name SQLite takes without quotes and does not keep for itself.
pub(super) fn is_table(text: &str) -> bool {
    is_identifier(text) && text.len() <= 63 && !text.to_ascii_lowercase().starts_with("sqlite_")
}

/// A name for an environment variable that is not ours.
pub(super) fn is_variable(text: &str) -> bool {
    is_identifier(text) && text.len() <= 100 && !text.to_ascii_uppercase().starts_with("KITBAG_")
}

fn is_identifier(text: &str) -> bool {
    text.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_')
        && text.chars().all(|c| c.is_ascii_alphanumeric() || c == '_')
}

/// Why Windows could not hold this path; nothing when every system can. A course reaches all of them.
pub(super) fn not_portable(path: &WorkPath) -> Option<&'static str> {
    path.names().find_map(|name| {
        if name.contains(['<', '>', ':', '"', '|', '?', '*', '\\']) {
            Some("it has one of < > : \" | ? * \\ in a name")
        } else if name.chars().any(char::is_control) {
            Some("it has a control character in a name")
        } else if name.ends_with([' ', '.']) {
            Some("a name in it ends with a space or a dot")
        } else if is_device(name) {
            Some("Windows keeps a name in it for a device")
        } else {
            None
        }
    })
}

/// The known word a person most likely meant.
pub(super) fn nearest<'k>(word: &str, known: impl IntoIterator<Item = &'k str>) -> Option<&'k str> {
    if word.len() > LONGEST_NAME {
        return None;
    }
    let word = word.to_lowercase().replace('-', "_");
    let close = |known: &'k str| (steps(&word, &known.replace('-', "_")), known);
    known
        .into_iter()
        .map(close)
        .filter(|&(steps, known)| steps <= FARTHEST_TYPO.min(known.len() / 2))
        .min_by_key(|&(steps, _)| steps)
        .map(|(_, known)| known)
}

/// Letters added, dropped, changed or swapped with their neighbour to turn one word into the other.
fn steps(from: &str, to: &str) -> usize {
    let (from, to): (Vec<char>, Vec<char>) = (from.chars().collect(), to.chars().collect());
    let mut before: Vec<usize> = Vec::new();
    let mut above: Vec<usize> = (0..=to.len()).collect();
    for (row, &a) in from.iter().enumerate() {
        let mut line = vec![row + 1];
        for (column, &b) in to.iter().enumerate() {
            let mut best =
                (above[column] + usize::from(a != b)).min(above[column + 1] + 1).min(line[column] + 1);
            if row > 0 && column > 0 && a == to[column - 1] && from[row - 1] == b {
                best = best.min(before[column - 1] + 1);
            }
            line.push(best);
        }
        before = std::mem::replace(&mut above, line);
    }
    above[to.len()]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names() {
        for good in ["a", "library", "tm351-26j", "x1"] {
            assert!(is_name(good), "{good}");
        }
        let long = "a".repeat(41);
        for bad in
            ["", "A", "1a", "a_b", "a b", "a-", "a--b", "-a", "é", "nul", "com1", "../a", "a/b", "a\n", &long]
        {
            assert!(!is_name(bad), "{bad:?}");
        }
    }

    #[test]
    fn versions() {
        for good in ["2026.10", "1", "1.2.3.4", "0.1"] {
            assert!(is_version(good), "{good}");
        }
        for bad in ["", "1.", ".1", "v1", "1.2.3.4.5", "1-2", "1234567890", "1. 2", "２"] {
            assert!(!is_version(bad), "{bad:?}");
        }
    }

    #[test]
    fn programs_are_bare_names() {
        for good in ["jupyter", "python3.11", "pg_dump", "g++", "jupyter-lab"] {
            assert!(is_program(good), "{good}");
        }
        for bad in ["", "/bin/sh", "bin/sh", "..\\x", "c:x", "a b", "-c", "..", "a;b", "$(x)", "a\0"] {
            assert!(!is_program(bad), "{bad:?}");
        }
    }

    #[test]
    fn tables_and_variables() {
        assert!(is_table("loans_raw") && !is_table("sqlite_x") && !is_table("a b") && !is_table("1a"));
        assert!(
            is_variable("JUPYTER_TOKEN")
                && !is_variable("kitbag_x")
                && !is_variable("A=B")
                && !is_variable("")
        );
    }

    #[test]
    fn names_windows_cannot_hold() {
        for bad in ["a:b", "a/b?", "con", "x/NUL.txt", "a.", "a /b", "a\\b", "a\tb", "lpt1.csv"] {
            assert!(not_portable(&WorkPath::parse(bad).unwrap()).is_some(), "{bad:?}");
        }
        for good in ["a/b c.ipynb", "Café/1.csv", ".hidden", "console", "con-x"] {
            assert_eq!(not_portable(&WorkPath::parse(good).unwrap()), None, "{good:?}");
        }
    }

    #[test]
    fn typos_find_their_word() {
        let known = ["title", "version", "folders", "memory_mb", "id"];
        for (word, meant) in [
            ("tilte", Some("title")),
            ("Title", Some("title")),
            ("versions", Some("version")),
            ("folder", Some("folders")),
            ("memory-mb", Some("memory_mb")),
            ("colour", None),
            ("xy", None),
        ] {
            assert_eq!(nearest(word, known), meant, "{word}");
        }
        assert_eq!(steps("kitten", "sitting"), 3);
        assert_eq!(steps("", "abc"), 3);
        assert_eq!(nearest(&"x".repeat(100_000), known), None);
    }
}
