//! What is wrong with a course package, said so that a module team can put it right: which file, which line,
//! what, and what to do. Problems are collected, never only the first. Names from the package are made safe
//! to show and cut short here, so no other file has to remember it.

use std::fmt;
use std::ops::Range;

use serde::Serialize;

use crate::path::shown;

/// The manifest's name in a package.
pub const MANIFEST: &str = "course.toml";

/// More than this many are counted, not listed: nobody reads them, and a hostile manifest could fill memory.
const MOST: usize = 200;
const LONGEST_QUOTE: usize = 80;

/// One thing to put right in a course package. All text is safe to show.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize)]
pub struct Problem {
    /// The package file it stands in, usually `course.toml`.
    pub file: String,
    /// The line in that file, from 1, where one can be named.
    pub line: Option<usize>,
    /// What is wrong, in one sentence.
    pub message: String,
    /// What to do about it.
    pub remedy: String,
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.file)?;
        if let Some(line) = self.line {
            write!(f, ", line {line}")?;
        }
        write!(f, ": {} {}", self.message, self.remedy)
    }
}

/// A value and the line of the manifest it stands on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct At<T> {
    pub value: T,
    pub line: usize,
}

/// The problems and warnings found so far, and where the lines of the manifest begin.
pub(super) struct Notes {
    starts: Vec<usize>,
    problems: Vec<Problem>,
    warnings: Vec<Problem>,
    more: usize,
}

impl Notes {
    pub fn new(manifest: &str) -> Self {
        let starts = std::iter::once(0).chain(manifest.match_indices('\n').map(|(at, _)| at + 1)).collect();
        Notes { starts, problems: Vec::new(), warnings: Vec::new(), more: 0 }
    }

    /// The line of the manifest a span begins on, from 1.
    pub fn line(&self, span: &Range<usize>) -> usize {
        self.starts.partition_point(|&start| start <= span.start).max(1)
    }

    /// Something wrong on a line of the manifest.
    pub fn problem(&mut self, line: usize, message: impl Into<String>, remedy: impl Into<String>) {
        self.problem_in(MANIFEST, Some(line), message, remedy);
    }

    /// Something wrong in any file of the package.
    pub fn problem_in(
        &mut self,
        file: &str,
        line: Option<usize>,
        message: impl Into<String>,
        remedy: impl Into<String>,
    ) {
        if self.problems.len() < MOST {
            self.problems.push(Problem {
                file: shown(file),
                line,
                message: message.into(),
                remedy: remedy.into(),
            });
        } else {
            self.more += 1;
        }
    }

    /// Something the team should know that does not stop the course.
    pub fn warning(&mut self, line: usize, message: impl Into<String>, remedy: impl Into<String>) {
        if self.warnings.len() < MOST {
            let (message, remedy) = (message.into(), remedy.into());
            self.warnings.push(Problem { file: MANIFEST.to_owned(), line: Some(line), message, remedy });
        }
    }

    /// How many problems were found so far.
    pub fn count(&self) -> usize {
        self.problems.len() + self.more
    }

    /// Whether one more problem would still be listed, so that it is worth looking for its remedy.
    pub fn has_room(&self) -> bool {
        self.problems.len() < MOST
    }

    /// Problems and warnings, the manifest's first, by line, each once.
    pub fn into_sorted(mut self) -> (Vec<Problem>, Vec<Problem>) {
        for list in [&mut self.problems, &mut self.warnings] {
            list.sort_by(|a, b| (a.file != MANIFEST, a).cmp(&(b.file != MANIFEST, b)));
            list.dedup();
        }
        if self.more > 0 {
            self.problems.push(Problem {
                file: MANIFEST.to_owned(),
                line: None,
                message: format!("There are {} more problems.", self.more),
                remedy: "Put the ones above right first, then check again.".to_owned(),
            });
        }
        (self.problems, self.warnings)
    }
}

/// A word from the package between backticks: safe to show, cut where it is long.
pub(super) fn quoted(text: &str) -> String {
    let mut short: String = text.chars().take(LONGEST_QUOTE).collect();
    if short.len() < text.len() {
        short.push('…');
    }
    format!("`{}`", shown(&short))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_count_from_one() {
        let notes = Notes::new("a\nbc\n\nd");
        let lines: Vec<_> = [0, 1, 2, 3, 5, 6, 99].map(|at| notes.line(&(at..at))).into();
        assert_eq!(lines, [1, 1, 2, 2, 3, 4, 4]);
        assert_eq!(Notes::new("").line(&(0..0)), 1);
    }

    #[test]
    fn quotes_are_short_and_cannot_paint() {
        assert_eq!(quoted("a\u{1b}[2J"), "`a\\u{1b}[2J`");
        assert_eq!(quoted(&"é".repeat(81)), format!("`{}…`", "é".repeat(80)));
    }

    #[test]
    fn a_flood_is_counted_and_order_does_not_depend_on_finding_order() {
        let mut notes = Notes::new("");
        (0..MOST + 7).rev().for_each(|line| notes.problem(line, "x", "y"));
        let (problems, _) = notes.into_sorted();
        assert_eq!(problems.len(), MOST + 1);
        assert!(problems[..MOST].is_sorted());
        assert_eq!(problems[MOST].message, "There are 7 more problems.");

        let mut notes = Notes::new("");
        notes.problem_in("a.csv", None, "x", "y");
        notes.problem(5, "x", "y");
        notes.problem(5, "x", "y");
        let (problems, _) = notes.into_sorted();
        assert_eq!(problems.iter().map(|p| p.file.as_str()).collect::<Vec<_>>(), [MANIFEST, "a.csv"]);
    }
}
