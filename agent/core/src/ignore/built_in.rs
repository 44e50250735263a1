//! The rules of every course: what systems and programs drop beside the work. A table, each rule with its reason,
//! because a person who misses a file is told that reason. Most names are let through by their first byte.

/// How a built-in rule reads a name, ASCII letters in either case.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Shape {
    /// This name.
    Is(&'static str),
    /// Names that begin so.
    Begins(&'static str),
    /// Names that begin and end so.
    Between(&'static str, &'static str),
}

/// Where a built-in rule looks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Scope {
    /// Files and folders, at any depth.
    Anything,
    /// Folders, at any depth.
    Folders,
    /// Files and folders at the top of the workspace.
    Top,
}

/// One built-in rule.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Rule {
    /// Which names.
    pub shape: Shape,
    /// Where.
    pub scope: Scope,
    /// Why, for people.
    pub reason: &'static str,
}

const fn rule(shape: Shape, scope: Scope, reason: &'static str) -> Rule {
    Rule { shape, scope, reason }
}

/// What is ignored in every course. `venv` without a dot is not here: by its name alone it may be anything.
pub const BUILT_IN: &[Rule] = {
    use Scope::{Anything, Folders, Top};
    use Shape::{Begins, Between, Is};
    &[
        rule(Is(".DS_Store"), Anything, "macOS keeps there how its windows look"),
        rule(Is("desktop.ini"), Anything, "Windows keeps there how its windows look"),
        rule(Is("Thumbs.db"), Anything, "Windows keeps small pictures there"),
        rule(Is("Icon\r"), Anything, "macOS keeps a folder's picture there"),
        rule(Begins("~$"), Anything, "Office marks an open document with it"),
        rule(
            Begins(".~"),
            Anything,
            "programs mark open files with it, and kitbag writes its own unfinished files so",
        ),
        rule(Between("~", ".tmp"), Anything, "programs write unfinished files so"),
        rule(Is(".ipynb_checkpoints"), Folders, "Jupyter keeps its own copies there"),
        rule(Is("__pycache__"), Folders, "Python makes it again when it is needed"),
        rule(Is(".venv"), Folders, "an environment works only on the machine that made it"),
        rule(Is("node_modules"), Folders, "it is downloaded again when it is needed"),
        rule(Is(".vagrant"), Folders, "it is the state of this machine's own virtual machine"),
        rule(Is(".git"), Folders, "copied file by file between machines it breaks"),
        rule(Begins(".dropbox"), Anything, "Dropbox keeps its own state there"),
        rule(Is(".kitbag-folder"), Anything, "kitbag marks a working folder with it"),
        rule(Is(".kitbag"), Top, "kitbag keeps its own files there"),
    ]
};

/// Bytes an ignored name can begin with: most names are let through after one look.
const FIRST: [bool; 256] = {
    let mut first = [false; 256];
    let mut at = 0;
    while at < BUILT_IN.len() {
        let (Shape::Is(text) | Shape::Begins(text) | Shape::Between(text, _)) = BUILT_IN[at].shape;
        let byte = text.as_bytes()[0];
        first[byte.to_ascii_lowercase() as usize] = true;
        first[byte.to_ascii_uppercase() as usize] = true;
        at += 1;
    }
    first
};

impl Rule {
    fn takes(&self, name: &str, is_folder: bool, depth: usize) -> bool {
        let here = match self.scope {
            Scope::Anything => true,
            Scope::Folders => is_folder,
            Scope::Top => depth == 0,
        };
        let name = name.as_bytes();
        let begins = |text: &str| {
            name.get(..text.len()).is_some_and(|start| start.eq_ignore_ascii_case(text.as_bytes()))
        };
        let ends = |text: &str| {
            name.len()
                .checked_sub(text.len())
                .is_some_and(|at| name[at..].eq_ignore_ascii_case(text.as_bytes()))
        };
        here && match self.shape {
            Shape::Is(text) => name.len() == text.len() && begins(text),
            Shape::Begins(text) => begins(text),
            Shape::Between(start, end) => name.len() >= start.len() + end.len() && begins(start) && ends(end),
        }
    }
}

/// The built-in rule that takes this name, the last of that path.
pub(super) fn built_in(path: &str, name: &str, is_folder: bool) -> Option<&'static Rule> {
    if !name.as_bytes().first().is_some_and(|&byte| FIRST[usize::from(byte)]) {
        return None;
    }
    let depth = path.len() - name.len();
    BUILT_IN.iter().find(|rule| rule.takes(name, is_folder, depth))
}

#[cfg(test)]
mod tests {
    use super::super::{Ignore, Why};
    use super::*;

    #[test]
    fn built_in_rules() {
        let ignore = Ignore::default();
        for (path, is_folder) in [
            (".DS_Store", false),
            ("a/b/.DS_Store", false),
            ("Desktop.ini", false),
            ("thumbs.db", false),
            ("x/Icon\r", false),
            ("~$report.docx", false),
            (".~lock.report.odt#", false),
            ("notebooks/.~01.ipynb", false),
            (".~kitbag-7.tmp", false),
            ("~x.tmp", false),
            ("notebooks/.ipynb_checkpoints", true),
            ("notebooks/.ipynb_checkpoints/01-checkpoint.ipynb", false),
            ("utilities/__pycache__/library.cpython-311.pyc", false),
            (".venv/bin/python", false),
            ("a/node_modules/b/c", false),
            (".vagrant/machines/default/id", false),
            (".git/HEAD", false),
            (".dropbox", false),
            (".dropbox.cache/x", false),
            ("sub/.kitbag-folder", false),
            (".kitbag/packs/ab/x", false),
            (".KITBAG", true),
        ] {
            assert!(ignore.is_ignored(path, is_folder), "{path:?}");
            assert!(matches!(ignore.why(path, is_folder), Some(Why::BuiltIn(_))), "{path:?}");
        }
        for (path, is_folder) in [
            ("notes.tmp", false),
            ("~x.tmp.txt", false),
            ("~", false),
            ("venv/notes.txt", false),
            (".git", false),
            ("__pycache__", false),
            ("x/.kitbag", true),
            ("DS_Store", false),
            ("a.DS_Store", false),
            (".DS_Store.txt", false),
            ("Icon", false),
            (".gitignore", false),
            ("data/loans.csv", false),
            ("", false),
            ("é/ü", true),
        ] {
            assert!(!ignore.is_ignored(path, is_folder), "{path:?}");
            assert_eq!(ignore.why(path, is_folder), None, "{path:?}");
        }
    }

    #[test]
    fn every_built_in_rule_has_a_reason_and_is_reached() {
        for rule in BUILT_IN {
            assert!(!rule.reason.is_empty());
            let name = match rule.shape {
                Shape::Is(text) => text.to_owned(),
                Shape::Begins(text) => format!("{text}x"),
                Shape::Between(start, end) => format!("{start}x{end}"),
            };
            assert_eq!(Ignore::default().why(&name, true), Some(Why::BuiltIn(rule)), "{name:?}");
            assert!(Ignore::default().is_ignored(&name.to_ascii_uppercase(), true), "{name:?}");
        }
    }
}
