//! The Python packages a course wants without containers: `python = { requirements = "FILE" }` below [backend.local].
//! The file is read here as far as kitbag has to know it: which packages stand in it, for the person who is asked, and
//! that everything to install stands in this one file, since it alone says when the packages have to be installed
//! again. What a package really needs is between pip and its index.

use toml::de::DeValue;

use super::LOCAL;
use super::block::Block;
use super::manifest::place;
use super::problem::{At, Notes};
use crate::path::{WorkPath, shown};

const PYTHON: &str = "python of [backend.local]";
/// Longer than the list of any course, in bytes.
pub const LONGEST_REQUIREMENTS: usize = 256 * 1024;

/// Options that say how packages are found. Those that name other files, or weaken a check, are not among them.
const OPTIONS: &[&str] = &[
    "-i",
    "--index-url",
    "--extra-index-url",
    "-f",
    "--find-links",
    "--no-index",
    "--only-binary",
    "--no-binary",
    "--prefer-binary",
    "--pre",
    "--require-hashes",
];

/// A line of a requirements file that cannot be used.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BadRequirement {
    /// The line, from 1.
    pub line: usize,
    /// What is wrong, one sentence.
    pub message: String,
    /// What to do about it.
    pub remedy: String,
}

/// The requirements file the manifest names, and its line.
pub(super) fn read_python(top: &Block<'_>, notes: &mut Notes) -> Option<(WorkPath, usize)> {
    let (_, backend) =
        top.entries("backend", &mut Notes::new("")).into_iter().find(|(name, _)| name.value == LOCAL)?;
    let (key, value) = backend.get_ref().as_table()?.get_key_value("python")?;
    let line = notes.line(&key.span());
    let DeValue::Table(table) = value.get_ref() else {
        let remedy = "Write `python = { requirements = \"requirements.txt\" }`.";
        notes.problem(line, "`python` below [backend.local] has to be a block.", remedy);
        return None;
    };
    let block = Block::new(table, PYTHON, line, notes);
    let requirements = block.needed("requirements", "requirements.txt", notes)?;
    Some((place(At { line, ..requirements }, "requirements", notes)?, line))
}

/// The names of the packages in the text of a requirements file, in its order.
///
/// # Errors
/// The first line that names none, or that would take something from another file of this computer.
pub fn packages(text: &str) -> Result<Vec<String>, BadRequirement> {
    let mut names = Vec::new();
    for (line, entry) in entries(text) {
        if let Some(name) = entry_name(&entry).map_err(|(message, remedy)| BadRequirement {
            line,
            message,
            remedy: remedy.to_owned(),
        })? {
            names.push(name.to_owned());
        }
    }
    if names.is_empty() {
        let remedy = "Write one package a line, such as `jupyterlab==4.6.6`.".to_owned();
        return Err(BadRequirement { line: 1, message: "No package stands in the file.".to_owned(), remedy });
    }
    Ok(names)
}

/// Each entry and the line it begins on: comments are gone, lines that end with a backslash are joined.
fn entries(text: &str) -> Vec<(usize, String)> {
    let mut found = Vec::new();
    let mut open: Option<(usize, String)> = None;
    for (number, line) in text.lines().enumerate() {
        let (at, mut entry) = open.take().unwrap_or((number + 1, String::new()));
        let (line, more) = match line.strip_suffix('\\') {
            Some(line) => (line, true),
            None => (line, false),
        };
        entry.push_str(line);
        if more {
            open = Some((at, entry));
        } else {
            found.push((at, entry));
        }
    }
    found.extend(open);
    // a comment begins a line or follows a space: `name @ https://host/#egg` is none
    let plain = |entry: String| {
        let comment = entry
            .match_indices('#')
            .map(|(at, _)| at)
            .find(|&at| entry[..at].trim_end().len() < at || at == 0);
        entry[..comment.unwrap_or(entry.len())].trim().to_owned()
    };
    found.into_iter().map(|(at, entry)| (at, plain(entry))).filter(|(_, entry)| !entry.is_empty()).collect()
}

/// The package of an entry; none for an option.
fn entry_name(entry: &str) -> Result<Option<&str>, (String, &'static str)> {
    let quoted = || super::problem::quoted(entry);
    if entry.starts_with('-') {
        let option = entry.split([' ', '=']).next().unwrap_or_default();
        if OPTIONS.contains(&option) {
            return Ok(None);
        }
        let remedy =
            "Name every package in this one file; leave out options that name other files or folders.";
        return Err((format!("{} is not an option kitbag passes on.", quoted()), remedy));
    }
    let remedy = "Write a package's name and version, such as `pandas==3.1.1`, or `name @ https://…`.";
    let wrong = || (format!("{} does not begin with the name of a package.", quoted()), remedy);
    let part = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '_' | '-');
    let end = entry.find(|c| !part(c)).unwrap_or(entry.len());
    let (name, rest) = entry.split_at(end);
    let archive = [".whl", ".zip", ".gz", ".bz2", ".xz", ".tar"];
    let lower = name.to_ascii_lowercase();
    if !name.starts_with(|c: char| c.is_ascii_alphanumeric())
        || !name.ends_with(|c: char| c.is_ascii_alphanumeric())
        || archive.iter().any(|ending| lower.ends_with(ending))
        || shown(entry) != entry
        || !(rest.is_empty() || rest.starts_with([' ', '\t', '[', '(', '<', '>', '=', '!', '~', ';', '@']))
    {
        return Err(wrong());
    }
    // after the extras an `@` says where the package lies, and that may not be on this computer
    let rest = rest.trim_start();
    let rest = rest.strip_prefix('[').and_then(|rest| rest.split_once(']')).map_or(rest, |(_, rest)| rest);
    if let Some(place) = rest.trim_start().strip_prefix('@') {
        let place = place.trim_start();
        if !["https://", "http://", "git+https://"].iter().any(|scheme| place.starts_with(scheme)) {
            return Err(wrong());
        }
    }
    Ok(Some(name))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn packages_are_named_whatever_stands_around_them() {
        let text = "# the list\n\njupyterlab==4.6.6\npandas >= 3, < 4   # tables\n--only-binary :all:\npsycopg[binary]==3.3.9 ; \
                    python_version > '3.9'\nkept @ https://example.org/kept.zip#egg=kept\n-i https://example.org/simple\n\
                    hashed==1 \\\n    --hash=sha256:00 \\\n    --hash=sha256:01\nzope.interface\nd3\\\n==1\r\nlast~=1.0\n";
        assert_eq!(
            packages(text).unwrap(),
            ["jupyterlab", "pandas", "psycopg", "kept", "hashed", "zope.interface", "d3", "last"]
        );
    }

    #[test]
    fn what_leads_out_of_the_file_is_refused_with_its_line() {
        for (text, line) in [
            ("pandas\n-r more.txt\n", 2),
            ("\n\n--requirement=more.txt", 3),
            ("-c constraints.txt", 1),
            ("-e .", 1),
            ("--editable=/home", 1),
            ("--trusted-host example.org", 1),
            ("pandas\n./wheels/x.whl", 2),
            ("x-1.0-py3-none-any.whl", 1),
            ("wheels/x", 1),
            ("https://example.org/x.zip", 1),
            ("file:///etc", 1),
            ("x @ file:///etc/x.whl", 1),
            ("x[a] @ ../x", 1),
            ("..", 1),
            ("C:\\x.whl", 1),
            ("a\u{1b}[31m", 1),
            ("", 1),
            ("# nothing\n", 1),
        ] {
            let bad = packages(text).unwrap_err();
            assert_eq!(bad.line, line, "{text:?}: {bad:?}");
            assert!(!bad.remedy.is_empty() && !bad.message.contains('\u{1b}'), "{bad:?}");
        }
    }
}
