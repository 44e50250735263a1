//! Takes out of a text what nobody else needs to know. It passes nothing it does not know: words from kitbag's own
//! vocabulary, short figures, times, and a few signs. What is known by name (folders, machines, people, files) becomes a
//! mark that tells what it was, the same for the same name; the rest becomes one word, hidden.

use std::collections::BTreeMap;
use std::ops::Bound;

use super::{AgentFacts, Computer, Facts, Found, Report, WorkspaceFacts};
use crate::finding::Finding;
use crate::path::shown;

/// Stands for what is left out.
const HIDDEN: &str = "[hidden]";
/// Where marks begin while a text is worked on; no such sign of a text's own is kept.
const FIRST_MARK: u32 = 0xf_0000;
/// Marks there can be in one text.
const MOST_MARKS: u32 = 0xfffd;
/// Names shorter than this are not looked for: they are parts of ordinary words.
const SHORTEST: usize = 2;
/// Digits of a figure that passes. Longer ones may be numbers of people.
const FIGURE: usize = 6;
/// Endings of files that say what they are and nothing more.
const ENDINGS: [&str; 24] = [
    "ipynb", "py", "csv", "tsv", "txt", "md", "json", "xml", "html", "pdf", "png", "jpg", "jpeg", "svg",
    "zip", "gz", "dump", "sql", "sqlite", "db", "xlsx", "docx", "log", "tmp",
];

/// What may be kept though it has a dot or a slash inside, or a sign that names have.
const PLAIN: [&str; 17] = [
    "course.toml",
    "workspace.json",
    "ledger.sqlite",
    "agent.log",
    "process.json",
    "127.0.0.1",
    "and/or",
    "GNU/Linux",
    "x86_64",
    "aarch64",
    "sync.outside_settle_seconds",
    "sync.absence_wait_seconds",
    "sync.threads",
    "environment.checkpoint_seconds",
    "agent.start",
    "secrets.keychain",
    "share.provider",
];

/// The words kitbag says; one a line, in order.
const WORDS: &str = include_str!("words.txt");

/// What is known by name, and the salt of the marks.
#[derive(Debug, Clone, Default)]
pub struct Names {
    /// Folders: what to call them, and where they are.
    pub folders: Vec<(&'static str, String)>,
    /// Machines, people and the like: what kind, and the name.
    pub others: Vec<(&'static str, String)>,
    /// Files, each by its path in the working folder.
    pub files: Vec<String>,
    /// Whether files are called by their names.
    pub show_files: bool,
    /// Random bytes: without them a mark tells nothing about a name, also not to who guesses it.
    pub salt: Vec<u8>,
}

/// Takes out what nobody else needs.
#[derive(Debug, Clone)]
pub struct Redactor {
    /// Names, and what is said in their place.
    known: BTreeMap<String, String>,
    salt: Vec<u8>,
    show_files: bool,
}

impl Redactor {
    /// With these names.
    pub fn new(names: Names) -> Self {
        let Names { folders, others, files, show_files, salt } = names;
        let mut redactor = Redactor { known: BTreeMap::new(), salt, show_files };
        for file in files {
            let said = redactor.file(&file);
            for (at, part) in
                file.match_indices('/').map(|(at, _)| (at, &file[..at])).chain([(file.len(), &*file)])
            {
                // a folder's name says as much as a file's
                let name = part.rsplit('/').next().unwrap_or(part);
                let said = if at == file.len() { said.clone() } else { redactor.file(part) };
                if !word(name) && !figure(name) {
                    redactor.know(name, &said);
                }
                if part.contains('/') {
                    redactor.know(part, &said);
                }
            }
        }
        let mut numbers: BTreeMap<&str, usize> = BTreeMap::new();
        let mut given: BTreeMap<(&str, String), String> = BTreeMap::new();
        for (kind, name) in others {
            let count = numbers.entry(kind).or_default();
            let said = given.entry((kind, name.clone())).or_insert_with(|| {
                *count += 1;
                format!("[{kind} {count}]")
            });
            redactor.know(&name, said);
        }
        for (kind, folder) in folders {
            let said = format!("[{kind}]");
            redactor.know(&folder, &said);
            redactor.know(&folder.replace('\\', "/"), &said);
        }
        redactor
    }

    /// Remember a name, also as it is shown and as systems write it small.
    fn know(&mut self, name: &str, said: &str) {
        let shown = shown(name);
        let escaped = |text: &str| text.replace('\\', r"\\").replace('"', "\\\"");
        for form in
            [name.to_owned(), name.to_ascii_lowercase(), escaped(&shown), escaped(name), shown.clone()]
        {
            let form = form.trim().to_owned();
            if form.chars().count() >= SHORTEST {
                self.known.insert(form, said.to_owned());
            }
        }
    }

    /// What a file is called, given its path in the working folder.
    pub fn file(&self, path: &str) -> String {
        if self.show_files {
            return shown(path);
        }
        let mut hasher = blake3::Hasher::new();
        hasher.update(&self.salt).update(path.as_bytes());
        let mark = &hasher.finalize().to_hex()[..6];
        let ending =
            path.rsplit_once('.').map(|(_, ending)| ending).filter(|ending| ENDINGS.contains(ending));
        match ending {
            Some(ending) => format!("[file {mark}.{ending}]"),
            None => format!("[file {mark}]"),
        }
    }

    /// A text of any number of lines, as it may be shown.
    pub fn text(&self, text: &str) -> String {
        text.lines().map(|line| self.line(line)).collect::<Vec<_>>().join("\n")
    }

    fn line(&self, line: &str) -> String {
        let mut marks: Vec<&str> = Vec::new();
        let marked = self.marked(line, &mut marks);
        let mut out = String::new();
        let mut hidden = false;
        for chunk in marked.split_whitespace() {
            let passed = passed(chunk);
            if passed == HIDDEN && hidden {
                continue;
            }
            hidden = passed.ends_with(HIDDEN);
            if !out.is_empty() {
                out.push(' ');
            }
            for c in passed.chars() {
                match mark(c).and_then(|at| marks.get(at)) {
                    Some(said) => out.push_str(said),
                    None => out.push(c),
                }
            }
        }
        out
    }

    /// The line with every known name replaced by a mark, the longest first.
    fn marked<'s>(&'s self, line: &str, marks: &mut Vec<&'s str>) -> String {
        // signs that could be taken for marks are none
        let line: String = line.chars().map(|c| if mark(c).is_some() { '\u{fffd}' } else { c }).collect();
        let mut out = String::new();
        let mut before = None;
        let mut rest = line.as_str();
        while let Some(c) = rest.chars().next() {
            let begins = !before.is_some_and(char::is_alphanumeric) || !c.is_alphanumeric();
            if let Some((name, said)) = begins.then(|| self.longest(rest)).flatten() {
                let next = u32::try_from(marks.len()).unwrap_or(MOST_MARKS);
                if let Some(sign) = char::from_u32(FIRST_MARK + next).filter(|_| next < MOST_MARKS) {
                    marks.push(said);
                    out.push(sign);
                } else {
                    out.push('\u{fffd}');
                }
                before = name.chars().next_back();
                rest = &rest[name.len()..];
            } else {
                out.push(c);
                before = Some(c);
                rest = &rest[c.len_utf8()..];
            }
        }
        out
    }

    /// The longest known name that this begins with and that ends where a word may end.
    fn longest(&self, text: &str) -> Option<(&str, &str)> {
        let mut bound = text;
        loop {
            let (name, said) =
                self.known.range::<str, _>((Bound::Unbounded, Bound::Included(bound))).next_back()?;
            if let Some(after) = text.strip_prefix(name.as_str()) {
                let last = name.chars().next_back().is_some_and(char::is_alphanumeric);
                if !last || !after.chars().next().is_some_and(char::is_alphanumeric) {
                    return Some((name, said));
                }
            }
            // whatever this begins with also begins with what the two have in common, or is shorter
            let common = name.bytes().zip(text.bytes()).take_while(|(a, b)| a == b).count();
            let mut end = common.min(name.len().saturating_sub(1)).min(bound.len().saturating_sub(1));
            while !text.is_char_boundary(end) {
                end -= 1;
            }
            if end == 0 {
                return None;
            }
            bound = &text[..end];
        }
    }

    fn opt(&self, text: Option<String>) -> Option<String> {
        text.map(|text| self.text(&text))
    }

    fn all(&self, texts: Vec<String>) -> Vec<String> {
        texts.iter().map(|text| self.text(text)).collect()
    }

    /// The facts, with every text looked at.
    pub fn report(&self, facts: Facts) -> Report {
        let computer = facts.computer.map(|computer| Computer {
            os_version: self.text(&computer.os_version),
            arch: self.text(&computer.arch),
            ..computer
        });
        let workspace = |one: WorkspaceFacts| WorkspaceFacts {
            conflicts: one.conflicts.iter().map(|path| self.file(path)).collect(),
            last_checkpoint: self.opt(one.last_checkpoint),
            backend: self.opt(one.backend),
            environment: self.text(&one.environment),
            services: one.services.iter().map(|(kind, state)| (self.text(kind), self.text(state))).collect(),
            ..one
        };
        let found = |one: Found| Found {
            check: self.text(&one.check),
            state: one.state,
            finding: Finding {
                what: self.text(&one.finding.what),
                why: self.text(&one.finding.why),
                remedy: self.text(&one.finding.remedy),
            },
        };
        let AgentFacts { running, at_log_in } = facts.agent;
        Report(Facts {
            version: facts.version,
            taken: self.text(&facts.taken),
            computer,
            agent: AgentFacts { running, at_log_in },
            workspaces: facts.workspaces.into_iter().map(workspace).collect(),
            findings: facts.findings.into_iter().map(found).collect(),
            last_errors: self.all(facts.last_errors),
            not_looked_at: self.all(facts.not_looked_at),
        })
    }
}

/// Which mark a sign is.
fn mark(c: char) -> Option<usize> {
    let at = u32::from(c).checked_sub(FIRST_MARK).filter(|at| *at < MOST_MARKS)?;
    usize::try_from(at).ok()
}

/// What stands between two spaces, as far as it may be shown.
fn passed(chunk: &str) -> String {
    let signs = |c: char| "\"'()[]{},.:;!?…–`·|".contains(c);
    let core = chunk.trim_matches(signs);
    if core.is_empty() || PLAIN.contains(&core) || time(core) || parts(core) {
        return chunk.to_owned();
    }
    // the name of a value is kitbag's, whatever the value is
    match core.split_once('=') {
        Some((key, _)) if parts(key) && !key.contains('=') => format!("{key}={HIDDEN}"),
        _ => HIDDEN.to_owned(),
    }
}

/// Known words and figures, joined by harmless signs.
fn parts(core: &str) -> bool {
    let joins = |c: char| "-_:=,'\"()[]+;".contains(c);
    // a slash joins only what has a mark: it says where below a folder something is
    let marked = core.chars().any(|c| mark(c).is_some());
    core.split(|c| joins(c) || marked && "/\\.".contains(c)).all(|part| {
        let only_mark = part.chars().count() == 1 && part.chars().all(|c| mark(c).is_some());
        part.is_empty()
            || only_mark
            || (!marked || !core.contains(['/', '\\'])) && (word(part) || figure(part))
    })
}

/// Whether kitbag uses this word.
fn word(text: &str) -> bool {
    let small = text.to_ascii_lowercase();
    !small.is_empty() && WORDS.binary_search_by_word(&small)
}

/// Finds a word in an ordered list of lines.
trait Lines {
    fn binary_search_by_word(&self, word: &str) -> bool;
}

impl Lines for str {
    fn binary_search_by_word(&self, word: &str) -> bool {
        let (mut low, mut high) = (0, self.len());
        while low < high {
            let middle = (low + high) / 2;
            let begin = self.as_bytes()[..middle].iter().rposition(|b| *b == b'\n').map_or(0, |at| at + 1);
            let end = self.as_bytes()[middle..]
                .iter()
                .position(|b| *b == b'\n')
                .map_or(self.len(), |at| middle + at);
            match self[begin..end].cmp(word) {
                std::cmp::Ordering::Equal => return true,
                std::cmp::Ordering::Less => low = end + 1,
                std::cmp::Ordering::Greater => high = begin,
            }
        }
        false
    }
}

/// A figure, a version, an amount with its unit.
fn figure(text: &str) -> bool {
    let plain = text.trim_end_matches('%');
    let digits = plain.trim_end_matches(|c: char| c.is_ascii_alphabetic());
    let unit = &plain[digits.len()..];
    let units =
        ["", "s", "ms", "us", "kb", "mb", "gb", "tb", "b", "kib", "mib", "gib", "st", "nd", "rd", "th", "x"];
    let short = |part: &str| (1..=FIGURE).contains(&part.len()) && part.bytes().all(|b| b.is_ascii_digit());
    digits.split('.').all(short)
        && digits.split('.').count() <= 3
        && units.contains(&&*unit.to_ascii_lowercase())
}

/// A day or a moment, as RFC 3339 has it, or the time of a day.
fn time(text: &str) -> bool {
    let shape: String = text.chars().map(|c| if c.is_ascii_digit() { '0' } else { c }).collect();
    let shape = shape.trim_end_matches('Z');
    let moment = shape.split_once('.').map_or(shape, |(moment, part)| {
        if part.len() <= 9 && part.bytes().all(|b| b == b'0') { moment } else { "" }
    });
    ["0000-00-00T00:00:00", "0000-00-00", "00:00:00", "00:00"].contains(&moment)
}
