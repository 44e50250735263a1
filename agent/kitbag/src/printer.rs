//! Where every line goes. Data to stdout, talk to stderr; with `--json` stdout holds one document and nothing else; with
//! `--talk` everything goes to the program that runs kitbag, each thing as what it is. Meaning is never only in colour,
//! and there is none yet.

use std::io::{IsTerminal, Write};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use kitbag_core::finding::{Exit, Finding};
use kitbag_core::path::shown;
use kitbag_engine::sync::Progress;
use serde::Serialize;

use crate::args::Args;
use crate::stop::Stop;
use crate::talk::{Said, Talk};

/// Prints.
pub struct Printer {
    form: Form,
    last: Mutex<usize>,
    /// When something was last said of long work.
    said: Mutex<Instant>,
}

/// For whom.
enum Form {
    /// A person; whether a line may be painted over.
    Person { moving: bool },
    /// A program that wants one document.
    Json,
    /// A program that wants all of it.
    Talk(Talk),
}

/// Where no line can be painted over, long work is told of this often.
const EVERY: Duration = Duration::from_secs(5);

impl Printer {
    /// For this command. A request to end that another program makes goes to `stop`.
    pub fn new(args: &Args, stop: &Arc<Stop>) -> Self {
        if args.talk {
            return Self::talking(stop);
        }
        if args.json {
            return Self::of(Form::Json);
        }
        let watched = std::io::stderr().is_terminal() && std::env::var_os("NO_PROGRESS").is_none();
        Self::of(Form::Person { moving: !args.plain && watched })
    }

    /// For the program that runs kitbag and talks with it.
    pub fn talking(stop: &Arc<Stop>) -> Self {
        Self::to(Box::new(std::io::stdout()), stop)
    }

    /// For a program that reads this and talks with kitbag.
    pub fn to(out: Box<dyn Write + Send>, stop: &Arc<Stop>) -> Self {
        Self::of(Form::Talk(Talk::new(out, Arc::clone(stop))))
    }

    fn of(form: Form) -> Self {
        Printer { form, last: Mutex::new(0), said: Mutex::new(Instant::now()) }
    }

    /// Whether one JSON document is wanted, and nothing else.
    pub fn json(&self) -> bool {
        matches!(self.form, Form::Json)
    }

    /// The program that talks with kitbag, where one does.
    pub fn talk(&self) -> Option<&Talk> {
        match &self.form {
            Form::Talk(talk) => Some(talk),
            _ => None,
        }
    }

    /// One line for the person; not with `--json`.
    pub fn line(&self, text: impl AsRef<str>) {
        match &self.form {
            Form::Person { .. } => write_line(&mut std::io::stdout().lock(), text.as_ref()),
            Form::Json => {}
            Form::Talk(talk) => talk.say(&Said::Line(text.as_ref())),
        }
    }

    /// One line of talk.
    pub fn say(&self, text: impl AsRef<str>) {
        if let Form::Talk(talk) = &self.form {
            return talk.say(&Said::Say(text.as_ref()));
        }
        self.clear();
        write_line(&mut std::io::stderr().lock(), text.as_ref());
    }

    /// The document, for a program; whether that was all that is wanted.
    pub fn document(&self, document: &impl Serialize) -> bool {
        match &self.form {
            Form::Person { .. } => false,
            Form::Json => {
                let text = serde_json::to_string_pretty(document).unwrap_or_default();
                write_line(&mut std::io::stdout().lock(), &plain(&text));
                true
            }
            Form::Talk(talk) => {
                talk.say(&Said::Document(&serde_json::to_value(document).unwrap_or_default()));
                false
            }
        }
    }

    /// Bad news.
    pub fn finding(&self, finding: &Finding) {
        if let Form::Talk(talk) = &self.form {
            return talk.say(&Said::Finding(finding));
        }
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

    /// How the command ended; nothing is printed after it.
    pub fn end(&self, exit: Exit) {
        if let Form::Talk(talk) = &self.form {
            talk.say(&Said::Exit(exit.code()));
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

    fn paint(&self, text: &str) {
        let text = shown(text);
        if let Ok(mut last) = self.last.lock() {
            let mut out = std::io::stderr().lock();
            write!(out, "\r{text:width$}", width = *last).ok();
            out.flush().ok();
            *last = text.chars().count();
        }
    }
}

/// The document with every character that could paint on a terminal escaped as JSON has it. Such characters stand in
/// strings only; JSON itself asks it for the first 32 alone.
pub fn plain(document: &str) -> String {
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
        match &self.form {
            Form::Person { moving: true } if total > 0 => self.paint(&format!("{done} of {total} {what}")),
            Form::Person { moving: true } => self.paint(&format!("{what} …")),
            Form::Person { moving: false } | Form::Json => {}
            Form::Talk(talk) => {
                let what = &shown(what);
                talk.progress(what, total > 0 && done >= total, &Said::Progress { what, done, total });
            }
        }
    }

    /// Also where nobody watches a terminal: a download may take half an hour.
    fn step(&self, what: &str) {
        match &self.form {
            Form::Person { moving: true } => self.at(what, 0, 0),
            Form::Talk(talk) => {
                let what = &shown(what);
                // of a sentence that counts only the figures change
                let kind: String = what.chars().filter(|c| !c.is_numeric()).collect();
                talk.progress(&kind, false, &Said::Step(what));
            }
            Form::Person { .. } | Form::Json => {
                if let Ok(mut said) = self.said.lock()
                    && said.elapsed() >= EVERY
                {
                    *said = Instant::now();
                    write_line(&mut std::io::stderr().lock(), &format!("{} …", shown(what)));
                }
            }
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
