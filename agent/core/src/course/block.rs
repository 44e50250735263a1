//! One block of the manifest, read setting by setting. A value of the wrong type is said with its line and
//! left out; a setting nobody knows is answered with the one probably meant, or the block it belongs in, so
//! that a typing mistake never passes silently. All settings of all blocks stand in one table here.

use toml::Spanned;
use toml::de::{DeTable, DeValue};

use super::name::nearest;
use super::problem::{At, Notes, quoted};

/// The settings outside any block.
pub(super) const TOP: &str = "the top of the file";

/// What one way to run the course needs, where that is something else.
pub(super) const BACKEND_NEEDS: &str = "[backend.NAME.needs]";
/// What `[needs]` was called at first; still read.
pub(super) const OLD_NEEDS: &str = "machine";

const NEEDS: &[&str] = &["memory", "disk", "cores", "gpu", "virtualisation", "architecture", "network"];

/// What may stand where.
const SETTINGS: &[(&str, &[&str])] = &[
    (
        TOP,
        &[
            "id", "title", "version", "folders", "ignore", "needs", "seed", "unit", "service", "step",
            "backend", "hook", OLD_NEEDS,
        ],
    ),
    ("[needs]", NEEDS),
    (BACKEND_NEEDS, NEEDS),
    ("[machine]", &["memory_mb", "disk_mb", "cores"]),
    ("[[seed]]", &["from", "to"]),
    ("[[unit]]", &["path"]),
    ("[[service]]", &["name", "kind", "title", "backup", "backends", "sqlite", "program", "web", "database"]),
    ("[service.sqlite]", &["schema", "csv"]),
    ("csv of [service.sqlite]", &["table", "file", "delimiter"]),
    (
        "[service.program]",
        &["program", "args", "env", "port", "path", "ready", "optional", "open", "stop_grace_seconds"],
    ),
    ("[service.program.ready]", &["port", "timeout_seconds"]),
    ("[service.web]", &["path", "under", "port", "ready", "optional", "open", "stop_grace_seconds"]),
    ("[service.web.ready]", &["port", "timeout_seconds"]),
    (
        "[service.database]",
        &["server", "inside", "dump", "restore", "ready", "normalise", "url", "timeout_seconds"],
    ),
    ("[[step]]", &["name", "when", "service", "backends", "run"]),
    ("[hook]", &["component"]),
    ("python of [backend.local]", &["requirements"]),
];

/// A table of the manifest and its name for people.
pub(super) struct Block<'t> {
    table: &'t DeTable<'t>,
    pub name: &'static str,
    pub line: usize,
}

impl<'t> Block<'t> {
    /// Look at a table; unknown settings are said at once.
    pub fn new(table: &'t DeTable<'t>, name: &'static str, line: usize, notes: &mut Notes) -> Self {
        let known = SETTINGS.iter().find(|(block, _)| *block == name).map_or(&[][..], |(_, keys)| keys);
        for key in table.keys() {
            let word: &str = key.get_ref();
            if !known.contains(&word) {
                let line = notes.line(&key.span());
                notes.problem(
                    line,
                    format!("{} is not a setting of {name}.", quoted(word)),
                    hint(word, name, known),
                );
            }
        }
        Block { table, name, line }
    }

    /// A table whose settings are somebody else's: only what is asked for is looked at.
    pub fn inside(table: &'t DeTable<'t>, line: usize) -> Self {
        Block { table, name: "[backend.NAME]", line }
    }

    /// The value of a setting and the line it stands on.
    pub fn raw(&self, key: &str, notes: &Notes) -> Option<At<&'t DeValue<'t>>> {
        let (key, value) = self.table.get_key_value(key)?;
        Some(At { value: value.get_ref(), line: notes.line(&key.span()) })
    }

    /// A text.
    pub fn text(&self, key: &str, notes: &mut Notes) -> Option<At<&'t str>> {
        let At { value, line } = self.raw(key, notes)?;
        match value {
            DeValue::String(text) if text.contains('\0') => {
                notes.problem(line, format!("`{key}` has a NUL character in it."), "Take it out.");
                None
            }
            DeValue::String(text) => Some(At { value: text, line }),
            other => {
                self.mistyped(
                    key,
                    other,
                    "a text",
                    &format!("Write `{key} = \"…\"`, in double quotes."),
                    line,
                    notes,
                );
                None
            }
        }
    }

    /// A text that has to be there.
    pub fn needed(&self, key: &str, example: &str, notes: &mut Notes) -> Option<At<&'t str>> {
        if !self.table.contains_key(key) {
            let (message, remedy) =
                (format!("`{key}` is missing in {}.", self.name), format!("Add `{key} = \"{example}\"`."));
            notes.problem(self.line, message, remedy);
        }
        self.text(key, notes)
    }

    /// A list of texts, each with its own line; empty when absent.
    pub fn texts(&self, key: &str, notes: &mut Notes) -> Vec<At<&'t str>> {
        let remedy = format!("Write `{key} = [\"…\", \"…\"]`.");
        let Some(At { value, line }) = self.raw(key, notes) else { return Vec::new() };
        let DeValue::Array(items) = value else {
            self.mistyped(key, value, "a list of texts", &remedy, line, notes);
            return Vec::new();
        };
        let mut texts = Vec::with_capacity(items.len());
        for item in items.iter() {
            let line = notes.line(&item.span());
            match item.get_ref() {
                DeValue::String(text) if !text.contains('\0') => texts.push(At { value: &**text, line }),
                DeValue::String(_) => {
                    notes.problem(
                        line,
                        format!("A text in `{key}` has a NUL character in it."),
                        "Take it out.",
                    );
                }
                other => self.mistyped(key, other, "a list of texts", &remedy, line, notes),
            }
        }
        texts
    }

    /// Yes or no.
    pub fn flag(&self, key: &str, notes: &mut Notes) -> Option<At<bool>> {
        let At { value, line } = self.raw(key, notes)?;
        if let DeValue::Boolean(flag) = value {
            return Some(At { value: *flag, line });
        }
        self.mistyped(
            key,
            value,
            "true or false",
            &format!("Write `{key} = true` or `{key} = false`."),
            line,
            notes,
        );
        None
    }

    /// A whole number between two bounds, both allowed.
    pub fn number(&self, key: &str, least: u64, most: u64, notes: &mut Notes) -> Option<At<u64>> {
        let At { value, line } = self.raw(key, notes)?;
        let number = whole(value).and_then(|number| u64::try_from(number).ok());
        if let Some(number) = number.filter(|number| (least..=most).contains(number)) {
            return Some(At { value: number, line });
        }
        notes.problem(
            line,
            format!("`{key}` in {} is not a whole number from {least} to {most}.", self.name),
            format!("Write `{key} = {least}`, say, without quotes."),
        );
        None
    }

    /// A block inside this one.
    pub fn block(&self, key: &str, name: &'static str, notes: &mut Notes) -> Option<Block<'t>> {
        let At { value, line } = self.raw(key, notes)?;
        if let DeValue::Table(table) = value {
            return Some(Block::new(table, name, line, notes));
        }
        self.mistyped(
            key,
            value,
            "a block",
            &format!("Begin it with {name} on a line of its own."),
            line,
            notes,
        );
        None
    }

    /// A list of blocks; empty when absent.
    pub fn blocks(&self, key: &str, name: &'static str, notes: &mut Notes) -> Vec<Block<'t>> {
        let remedy = match name.starts_with("[[") {
            true => format!("Begin each one with {name} on a line of its own."),
            false => format!("Write `{key} = [{{ … }}, {{ … }}]`."),
        };
        let Some(At { value, line }) = self.raw(key, notes) else { return Vec::new() };
        let DeValue::Array(items) = value else {
            self.mistyped(key, value, "a list of blocks", &remedy, line, notes);
            return Vec::new();
        };
        let mut blocks = Vec::with_capacity(items.len());
        for item in items.iter() {
            let line = notes.line(&item.span());
            match item.get_ref() {
                DeValue::Table(table) => blocks.push(Block::new(table, name, line, notes)),
                other => self.mistyped(key, other, "a list of blocks", &remedy, line, notes),
            }
        }
        blocks
    }

    /// A table whose keys are the course's own words, sorted by them.
    pub fn entries(&self, key: &str, notes: &mut Notes) -> Vec<(At<&'t str>, &'t Spanned<DeValue<'t>>)> {
        let Some(At { value, line }) = self.raw(key, notes) else { return Vec::new() };
        let DeValue::Table(table) = value else {
            let remedy = format!("Write it as a block, one `name = value` a line: {key}.");
            self.mistyped(key, value, "a block", &remedy, line, notes);
            return Vec::new();
        };
        let entry = |(key, value): (&'t Spanned<_>, _)| {
            let name: &'t std::borrow::Cow<'t, str> = key.get_ref();
            (At { value: &**name, line: notes.line(&key.span()) }, value)
        };
        table.iter().map(entry).collect()
    }

    fn mistyped(
        &self,
        key: &str,
        found: &DeValue<'_>,
        wanted: &str,
        remedy: &str,
        line: usize,
        notes: &mut Notes,
    ) {
        let message = format!("`{key}` in {} has to be {wanted}, not {}.", self.name, kind(found));
        notes.problem(line, message, remedy);
    }
}

/// A whole number in any of TOML's notations.
pub(super) fn whole(value: &DeValue<'_>) -> Option<i64> {
    let number = value.as_integer()?;
    i64::from_str_radix(number.as_str(), number.radix()).ok()
}

fn kind(value: &DeValue<'_>) -> &'static str {
    match value {
        DeValue::String(_) => "a text",
        DeValue::Integer(_) | DeValue::Float(_) => "a number",
        DeValue::Boolean(_) => "true or false",
        DeValue::Datetime(_) => "a date",
        DeValue::Array(_) => "a list",
        DeValue::Table(_) => "a block",
    }
}

fn hint(word: &str, here: &str, known: &[&str]) -> String {
    // The usual trap of TOML: a setting written below a [block] belongs to that block.
    let elsewhere =
        |(block, keys): &&(&str, &[&str])| *block != here && *block != "[machine]" && keys.contains(&word);
    if let Some((block, _)) = SETTINGS.iter().find(elsewhere) {
        return match *block {
            TOP => format!("It belongs at {TOP}, above the first line that begins with `[`."),
            block => format!("It belongs in {block}."),
        };
    }
    match nearest(word, known.iter().copied()) {
        Some(meant) => format!("Did you mean `{meant}`?"),
        None => {
            let known: Vec<_> = known.iter().copied().filter(|key| *key != OLD_NEEDS).collect();
            format!("Remove it. Known here: {}.", known.join(", "))
        }
    }
}
