//! `[service.database]`: a database server inside the environment. kitbag keeps its data by commands that the
//! course gives and that run where the server is: one writes a dump, one reads it back. No shell takes part, and
//! no secret stands in them, because others can read the arguments of a program that runs.

use serde::Serialize;

use super::block::Block;
use super::kind::SQLITE;
use super::manifest::{ServiceLines, named};
use super::placeholder::{KNOWN, TOKEN, placeholders};
use super::problem::{At, Notes, quoted};

/// A server and the commands by which its data are kept. Each is a program and its arguments.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Database {
    /// What its backups are, such as `postgresql`: a lower-case name.
    pub server: String,
    /// The service in whose environment the commands run; none for the first.
    pub inside: Option<String>,
    /// Writes a dump of all there is to its output.
    pub dump: Vec<String>,
    /// Reads a dump and puts it in the place of all there is, or fails and changes nothing.
    pub restore: Vec<String>,
    /// Ends with 0 when the server answers; none where it answers as soon as it runs.
    pub ready: Option<Vec<String>>,
    /// Reads a dump and writes one that is the same for the same contents; none where dumps are so already.
    pub normalise: Option<Vec<String>>,
    /// Where programs inside the environment find it; `{token}` may stand in it.
    pub url: Option<String>,
    /// How long each of the commands may take, in seconds.
    pub timeout_seconds: u64,
}

/// A few gigabytes on a slow disk.
const TIMEOUT: u64 = 600;
/// A day: more is a slip of the finger.
const LONGEST: u64 = 86_400;

impl Database {
    /// The commands and what each is for, in words that go on after "The course wants to run, to".
    pub fn commands(&self) -> impl Iterator<Item = (&'static str, &[String])> {
        let always = [("save it", Some(&self.dump)), ("bring it back", Some(&self.restore))];
        let maybe = [
            ("see whether it answers", self.ready.as_ref()),
            ("make what was saved comparable", self.normalise.as_ref()),
        ];
        always.into_iter().chain(maybe).filter_map(|(what, argv)| Some((what, argv?.as_slice())))
    }
}

pub(super) fn read_database(
    service: &Block<'_>,
    lines: &mut ServiceLines,
    notes: &mut Notes,
) -> Option<Database> {
    let Some(block) = service.block("database", "[service.database]", notes) else {
        if service.raw("database", notes).is_none() {
            notes.problem(
                service.line,
                "A service of kind `database` needs a [service.database].",
                "Add [service.database] below it with `server`, `dump` and `restore`.",
            );
        }
        return None;
    };
    let server = block.needed("server", "postgresql", notes).and_then(|at| read_server(at, notes));
    let inside = block.text("inside", notes).map(|at| {
        lines.inside = at.line;
        named(at, "inside", notes)
    });
    let needed = |key, example, notes: &mut Notes| {
        if block.raw(key, notes).is_none() {
            let message = format!("`{key}` is missing in [service.database].");
            notes.problem(block.line, message, format!("Add `{key} = {example}`."));
        }
        read_command(&block, key, notes)
    };
    let dump = needed("dump", "[\"pg_dump\", \"--no-owner\"]", notes);
    let restore = needed("restore", "[\"PROGRAM\", \"ARGUMENT\", …]", notes);
    let ready = read_command(&block, "ready", notes);
    let normalise = read_command(&block, "normalise", notes);
    let url = block.text("url", notes).map(|at| read_url(at, notes));
    let timeout = block.number("timeout_seconds", 1, LONGEST, notes);
    Some(Database {
        server: server?,
        inside: inside.flatten(),
        dump: dump?,
        restore: restore?,
        ready,
        normalise,
        url: url.flatten(),
        timeout_seconds: timeout.map_or(TIMEOUT, |at| at.value),
    })
}

/// It stands in the records of backups, where `sqlite` means kitbag's own.
fn read_server(at: At<&str>, notes: &mut Notes) -> Option<String> {
    if at.value == SQLITE {
        notes.problem(
            at.line,
            "SQLite is no server.",
            "Write `kind = \"sqlite\"` at the service; kitbag saves such a database without commands.",
        );
        return None;
    }
    named(at, "server", notes)
}

fn read_command(block: &Block<'_>, key: &str, notes: &mut Notes) -> Option<Vec<String>> {
    let At { line, .. } = block.raw(key, notes)?;
    let before = notes.count();
    let words = block.texts(key, notes);
    if notes.count() > before {
        return None;
    }
    if words.first().is_none_or(|program| program.value.trim().is_empty()) {
        let message = format!("`{key}` names no program.");
        notes.problem(line, message, format!("Write `{key} = [\"PROGRAM\", \"ARGUMENT\", …]`."));
        return None;
    }
    let filled = |at: &&At<&str>| placeholders(at.value).any(|name| KNOWN.contains(&name));
    if let Some(at) = words.iter().find(filled) {
        if placeholders(at.value).any(|name| name == TOKEN) {
            notes.problem(
                at.line,
                format!("The access token stands in `{key}`, where others could read it."),
                "Take it out; let the program find it in its environment.",
            );
        } else {
            let remedy = "Take it out; only `url` is filled in, and there only {token}.";
            notes.problem(at.line, format!("Nothing is filled into `{key}`."), remedy);
        }
        return None;
    }
    Some(words.into_iter().map(|at| at.value.to_owned()).collect())
}

fn read_url(at: At<&str>, notes: &mut Notes) -> Option<String> {
    let breaks = |c: char| c.is_whitespace() || c.is_control() || matches!(c, '\\' | '"' | '<' | '>');
    let scheme = at.value.split_once("://").is_some_and(|(scheme, rest)| {
        let fits = |c: char| c.is_ascii_alphanumeric() || matches!(c, '+' | '-' | '.' | ':');
        scheme.starts_with(|c: char| c.is_ascii_alphabetic()) && scheme.chars().all(fits) && !rest.is_empty()
    });
    if !scheme || at.value.contains(breaks) || at.value.len() > 500 {
        notes.problem(
            at.line,
            format!("{} is not an address.", quoted(at.value)),
            "Write it as `postgresql://NAME@HOST/DATABASE`, without spaces.",
        );
        return None;
    }
    if let Some(other) = placeholders(at.value).find(|name| *name != TOKEN) {
        notes.problem(
            at.line,
            format!("{{{}}} is not filled in here.", quoted(other).trim_matches('`')),
            "Only {token} may stand in `url`; a server inside has the same port on every computer.",
        );
        return None;
    }
    Some(at.value.to_owned())
}
