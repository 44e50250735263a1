//! What never becomes work: files systems and programs drop beside it, and what a course says it can do
//! without. Built-in rules are a table, each with its reason; a course's rules are written as in a gitignore
//! file. What lies below an ignored folder is ignored. A full scan asks for every entry, so a question
//! allocates nothing. Rules do not depend on the system: two machines must ignore alike.

use std::fmt;

use globset::{Candidate, GlobBuilder, GlobSet, GlobSetBuilder};

mod built_in;

use built_in::built_in;
pub use built_in::{BUILT_IN, Rule, Scope, Shape};

/// Most rules a course may have.
pub const MOST_RULES: usize = 500;
/// Longest rule, in bytes.
pub const LONGEST_RULE: usize = 500;

/// A rule of a course that cannot be used.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("the ignore rule {text:?} cannot be used: {why}. {remedy}")]
pub struct BadRule {
    /// Which one of the rules, from 0.
    pub rule: usize,
    /// The rule.
    pub text: String,
    /// What is wrong with it.
    pub why: &'static str,
    /// What to write instead.
    pub remedy: &'static str,
}

/// Why something is ignored.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Why<'a> {
    /// A rule of every course.
    BuiltIn(&'static Rule),
    /// A rule of this course, as written; the course is the author's, so show it with care.
    Course(&'a str),
}

impl fmt::Display for Why<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Why::BuiltIn(rule) => f.write_str(rule.reason),
            Why::Course(rule) => write!(f, "the course leaves out `{}`", crate::path::shown(rule)),
        }
    }
}

/// Some rules of a course that are asked the same question.
#[derive(Debug, Clone, Default)]
struct Globs {
    set: GlobSet,
    /// Which rule each glob is.
    rules: Vec<usize>,
}

impl Globs {
    fn takes(&self, text: &str) -> bool {
        !self.rules.is_empty() && self.set.is_match_candidate(&Candidate::new(text))
    }

    fn first(&self, text: &str) -> Option<usize> {
        self.set.matches(text).first().map(|&at| self.rules[at])
    }
}

/// The rules of one course, ready to be asked. The default has the built-in ones alone.
#[derive(Debug, Clone, Default)]
pub struct Ignore {
    texts: Vec<String>,
    names: Globs,
    folder_names: Globs,
    paths: Globs,
    folder_paths: Globs,
}

impl Ignore {
    /// The built-in rules and a course's, which are written as in a gitignore file: `*.log` is a name at any
    /// depth, `logs/` a folder at any depth, `data/tmp/**` and `/drafts` places from the top. There is no
    /// `!`, and `\` means nothing; `[*]` is a star. Capital letters count.
    ///
    /// # Errors
    /// The first rule that cannot be used, with what to write instead.
    pub fn new(course_rules: &[String]) -> Result<Self, BadRule> {
        let mut builders = [const { Vec::new() }; 4];
        for (at, text) in course_rules.iter().enumerate() {
            let bad = |(why, remedy)| BadRule { rule: at, text: text.clone(), why, remedy };
            if at >= MOST_RULES {
                return Err(bad(("there are more than 500 rules", "Join some of them with `*`.")));
            }
            let (glob, anchored, folder) = read_rule(text).map_err(bad)?;
            builders[usize::from(anchored) * 2 + usize::from(folder)].push((at, glob));
        }
        let [names, folder_names, paths, folder_paths] = builders.map(|globs| {
            let mut builder = GlobSetBuilder::new();
            let rules: Vec<usize> = globs.iter().map(|(at, _)| *at).collect();
            globs.into_iter().for_each(|(_, glob)| _ = builder.add(glob));
            let last = rules.last().copied().unwrap_or_default();
            let text = || course_rules.get(last).cloned().unwrap_or_default();
            let too_much = |_| BadRule {
                rule: last,
                text: text(),
                why: "the rules are too large",
                remedy: "Use fewer or simpler ones.",
            };
            builder.build().map_err(too_much).map(|set| Globs { set, rules })
        });
        Ok(Ignore {
            texts: course_rules.to_vec(),
            names: names?,
            folder_names: folder_names?,
            paths: paths?,
            folder_paths: folder_paths?,
        })
    }

    /// Whether a path, `/` between its names, is ignored by itself or because of a folder it lies in.
    pub fn is_ignored(&self, path: &str, is_folder: bool) -> bool {
        steps(path, is_folder).any(|(entry, folder)| self.is_ignored_here(entry, folder))
    }

    /// As [`Ignore::is_ignored`], for a walk that does not enter ignored folders: looks at the last name
    /// alone.
    pub fn is_ignored_here(&self, path: &str, is_folder: bool) -> bool {
        let name = path.rsplit('/').next().unwrap_or(path);
        built_in(path, name, is_folder).is_some()
            || self.names.takes(name)
            || self.paths.takes(path)
            || is_folder && (self.folder_names.takes(name) || self.folder_paths.takes(path))
    }

    /// Which rule ignores a path; the outermost folder's where there are several.
    pub fn why(&self, path: &str, is_folder: bool) -> Option<Why<'_>> {
        let (entry, is_folder) =
            steps(path, is_folder).find(|&(entry, folder)| self.is_ignored_here(entry, folder))?;
        let name = entry.rsplit('/').next().unwrap_or(entry);
        if let Some(rule) = built_in(entry, name, is_folder) {
            return Some(Why::BuiltIn(rule));
        }
        let folders =
            is_folder.then(|| self.folder_names.first(name).or_else(|| self.folder_paths.first(entry)));
        let found = self.names.first(name).or_else(|| self.paths.first(entry)).or(folders.flatten())?;
        Some(Why::Course(&self.texts[found]))
    }
}

/// The folders above a path from the top, then the path itself.
fn steps(path: &str, is_folder: bool) -> impl Iterator<Item = (&str, bool)> {
    path.match_indices('/').map(|(at, _)| (&path[..at], true)).chain(std::iter::once((path, is_folder)))
}

type Complaint = (&'static str, &'static str);

/// The glob of a rule, whether it counts from the top, and whether it is for folders only.
fn read_rule(text: &str) -> Result<(globset::Glob, bool, bool), Complaint> {
    let folder = text.ends_with('/');
    let core = text.strip_suffix('/').unwrap_or(text);
    let anchored = core.contains('/');
    let core = core.strip_prefix('/').unwrap_or(core);
    if text.len() > LONGEST_RULE {
        return Err(("it is too long", "Write at most 500 bytes."));
    }
    if text.starts_with('!') {
        return Err(("`!` does not bring anything back here", "Ignore less instead."));
    }
    if text.contains('\\') {
        return Err(("it has a `\\`", "Write `/` between names, and `[*]` for a star."));
    }
    if text.chars().any(char::is_control) || text.trim() != text {
        return Err(("it has spaces around it or a control character", "Take them out."));
    }
    if core.chars().all(|c| matches!(c, '*' | '/' | '?')) {
        return Err(("it would leave out everything", "Name what is not wanted."));
    }
    if core.split('/').any(|name| matches!(name, "" | "." | "..")) {
        return Err(("it has an empty name, `.` or `..`", "Write the place from the top of the workspace."));
    }
    GlobBuilder::new(core)
        .literal_separator(true)
        .backslash_escape(false)
        .build()
        .map(|glob| (glob, anchored, folder))
        .map_err(|_| ("its brackets do not fit together", "Close each `[` and `{`."))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn with(rules: &[&str]) -> Ignore {
        let rules: Vec<String> = rules.iter().map(|&rule| rule.to_owned()).collect();
        Ignore::new(&rules).unwrap()
    }

    #[test]
    fn course_rules_read_as_gitignore_reads_them() {
        for (rule, path, is_folder, expected) in [
            ("*.log", "a.log", false, true),
            ("*.log", "x/y/a.log", false, true),
            ("*.log", "x.log/keep.txt", false, true),
            ("*.log", "a.log.txt", false, false),
            ("*.log", "A.LOG", false, false),
            ("logs/", "logs", true, true),
            ("logs/", "logs", false, false),
            ("logs/", "x/logs/today.txt", false, true),
            ("logs/", "logsx/a", false, false),
            ("data/tmp/**", "data/tmp/a/b", false, true),
            ("data/tmp/**", "data/tmp", true, false),
            ("data/tmp/**", "x/data/tmp/a", false, false),
            ("/drafts", "drafts", false, true),
            ("/drafts", "drafts/a", false, true),
            ("/drafts", "x/drafts", false, false),
            ("data/*.bin", "data/a.bin", false, true),
            ("data/*.bin", "data/x/a.bin", false, false),
            ("**/cache/", "a/b/cache/x", false, true),
            ("**/cache/", "cache/x", false, true),
            ("out?.txt", "sub/out1.txt", false, true),
            ("[0-9]*.txt", "1a.txt", false, true),
            ("[*].txt", "*.txt", false, true),
            ("[*].txt", "a.txt", false, false),
            ("*.{bak,old}", "x/a.old", false, true),
            ("my file.txt", "x/my file.txt", false, true),
        ] {
            let ignore = with(&[rule]);
            assert_eq!(ignore.is_ignored(path, is_folder), expected, "{rule} {path}");
            let why = expected.then_some(Why::Course(rule));
            assert_eq!(ignore.why(path, is_folder), why, "{rule} {path}");
        }
    }

    #[test]
    fn a_walk_asks_only_for_the_last_name() {
        let ignore = with(&["logs/", "data/tmp/**"]);
        assert!(!ignore.is_ignored_here("logs/a.txt", false));
        assert!(ignore.is_ignored_here("logs", true));
        assert!(ignore.is_ignored_here("data/tmp/x", true));
        assert!(!ignore.is_ignored_here(".git/HEAD", false));
    }

    #[test]
    fn the_right_rule_is_named() {
        let ignore = with(&["*.log", "tmp/", "/a/b", "a/c/"]);
        assert_eq!(ignore.why("x/tmp/y.log", false), Some(Why::Course("tmp/")));
        assert_eq!(ignore.why("a/b", false), Some(Why::Course("/a/b")));
        assert_eq!(ignore.why("a/c", true), Some(Why::Course("a/c/")));
        assert_eq!(Why::Course("a\u{1b}b").to_string(), "the course leaves out `a\\u{1b}b`");
    }

    #[test]
    fn rules_that_cannot_be_used_are_refused_by_number() {
        let long = "x".repeat(LONGEST_RULE + 1);
        for text in [
            "",
            "/",
            "*",
            "**",
            "**/",
            "*/*",
            "?",
            "!keep",
            "data\\tmp",
            " a",
            "a\n",
            "../x",
            "./x",
            "a//b",
            "[a",
            "{a",
            &long,
        ] {
            let error = Ignore::new(&["fine".to_owned(), text.to_owned()]).unwrap_err();
            assert_eq!((error.rule, error.text.as_str()), (1, text));
            assert!(!error.why.is_empty() && !error.remedy.is_empty());
        }
        let many: Vec<String> = (0..=MOST_RULES).map(|at| format!("f{at}")).collect();
        assert_eq!(Ignore::new(&many).unwrap_err().rule, MOST_RULES);
        assert!(Ignore::new(&many[1..]).is_ok());
    }
}
