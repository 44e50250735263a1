//! `logs`: what a service said. With `--json` one document at the end; while it is followed, one for each line.

use std::sync::{Arc, Mutex, PoisonError};

use kitbag_core::finding::Exit;
use kitbag_core::path::shown;
use kitbag_engine::environment::{self, LineSink};
use serde::Serialize;

use crate::Outcome;
use crate::args::Logs;
use crate::context::Context;
use crate::printer::Printer;

#[derive(Serialize)]
struct Document {
    lines: Vec<Line>,
}

#[derive(Serialize)]
struct Line {
    service: String,
    line: String,
}

struct Lines {
    printer: Arc<Printer>,
    /// Lines for the one document, where one is wanted.
    kept: Option<Mutex<Vec<Line>>>,
}

impl LineSink for Lines {
    fn line(&self, service: &str, text: &str) -> bool {
        let line = || Line { service: service.to_owned(), line: text.to_owned() };
        let only = match &self.kept {
            Some(kept) => {
                kept.lock().unwrap_or_else(PoisonError::into_inner).push(line());
                true
            }
            None => self.printer.json() && self.printer.document(&line()),
        };
        if !only {
            self.printer.line(format!("{}: {}", shown(service), shown(text)));
        }
        true
    }
}

/// Show it.
pub fn run(context: &Context, options: &Logs) -> Outcome {
    let ws = context.look()?;
    let printer = context.printer.clone();
    let kept = (printer.json() && !options.follow).then(Mutex::default);
    let lines = Arc::new(Lines { printer, kept });
    let service = options.service.as_deref();
    context.wait(environment::logs(&ws, &context.home, service, options.follow, lines.clone()))?;
    if let Some(kept) = &lines.kept {
        let lines = std::mem::take(&mut *kept.lock().unwrap_or_else(PoisonError::into_inner));
        context.printer.document(&Document { lines });
    }
    Ok(Exit::Done)
}
