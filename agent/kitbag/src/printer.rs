//! Where every line goes. Data to stdout, talk to stderr; with `--json` stdout holds one document and nothing else.
//! Meaning is never only in colour, and there is none yet.

use std::io::{IsTerminal, Write};
use std::sync::Mutex;
use std::time::{Duration, Instant};

use kitbag_core::finding::Finding;
use kitbag_core::path::shown;
use kitbag_engine::sync::Progress;
use serde::Serialize;

/// Prints.
pub struct Printer {
    json: bool,
    moving: bool,
    last: Mutex<usize>,
    /// When something was last said of long work.
    said: Mutex<Instant>,
}

/// Where no line can be painted over, long work is told of this often.
const EVERY: Duration = Duration::from_secs(5);

impl Printer {
    /// For this command.
    pub fn new(json: bool, plain: bool) -> Self {
        let moving =
            !plain && !json && std::io::stderr().is_terminal() && std::env::var_os("NO_PROGRESS").is_none();
        Printer { json, moving, last: Mutex::new(0), said: Mutex::new(Instant::now()) }
    }

    /// Whether one JSON document is wanted.
    pub fn json(&self) -> bool {
        self.json
    }

    /// One line for the person; not with `--json`.
    pub fn line(&self, text: impl AsRef<str>) {
        if !self.json {
            write_line(&mut std::io::stdout().lock(), text.as_ref());
        }
    }

    /// One line of talk.
    pub fn say(&self, text: impl AsRef<str>) {
        self.clear();
        write_line(&mut std::io::stderr().lock(), text.as_ref());
    }

    /// The document.
    pub fn document(&self, document: &impl Serialize) {
        let text = serde_json::to_string_pretty(document).unwrap_or_default();
        write_line(&mut std::io::stdout().lock(), &plain(&text));
    }

    /// Bad news.
    pub fn finding(&self, finding: &Finding) {
        self.clear();
        let mut out = std::io::stderr().lock();
        write_line(&mut out, &format!("kitbag: {}", sentence(&finding.what)));
        if !finding.why.is_empty() {
            for line in finding.why.lines() {
                write_line(&mut out, &format!("  {line}"));
            }
        }
        if !finding.remedy.is_empty() {
            write_line(&mut out, &format!("  To do: {}", finding.remedy));
        }
    }

    fn clear(&self) {
        if let Ok(mut last) = self.last.lock()
            && *last > 0
        {
            let mut out = std::io::stderr().lock();
            // a closed stderr loses nothing but talk
            write!(out, "\r{:width$}\r", "", width = *last).ok();
            *last = 0;
        }
    }
}

/// The document with every character that could paint on a terminal escaped as JSON has it. Such characters stand in
/// strings only; JSON itself asks it for the first 32 alone.
fn plain(document: &str) -> String {
    let mut out = String::with_capacity(document.len());
    for c in document.chars() {
        if c == '\n' || (' '..='~').contains(&c) || shown(c.encode_utf8(&mut [0; 4])).starts_with(c) {
            out.push(c);
        } else {
            out.push_str(&format!("\\u{:04x}", u32::from(c)));
        }
    }
    out
}

fn sentence(text: &str) -> String {
    if text.ends_with(['.', '!', '?']) { text.to_owned() } else { format!("{text}.") }
}

impl Progress for Printer {
    fn at(&self, what: &str, done: u64, total: u64) {
        if !self.moving {
            return;
        }
        let text = if total > 0 { format!("{done} of {total} {what}") } else { format!("{what} …") };
        let text = shown(&text);
        if let Ok(mut last) = self.last.lock() {
            let mut out = std::io::stderr().lock();
            write!(out, "\r{text:width$}", width = *last).ok();
            out.flush().ok();
            *last = text.chars().count();
        }
    }

    /// Also where nobody watches a terminal: a download may take half an hour.
    fn step(&self, what: &str) {
        if self.moving {
            return self.at(what, 0, 0);
        }
        if let Ok(mut said) = self.said.lock()
            && said.elapsed() >= EVERY
        {
            *said = Instant::now();
            write_line(&mut std::io::stderr().lock(), &format!("{} …", shown(what)));
        }
    }
}

/// A hint below an error.
pub fn hint(text: &str) {
    write_line(&mut std::io::stderr().lock(), &format!("\nhint: {text}"));
}

fn write_line(out: &mut dyn Write, text: &str) {
    // when nobody reads any more there is nobody to tell
    writeln!(out, "{text}").ok();
}
