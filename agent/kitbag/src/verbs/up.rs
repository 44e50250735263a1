//! `up`: everything here, the course started.

use std::cell::Cell;

use kitbag_core::finding::Exit;
use kitbag_core::path::shown;
use kitbag_engine::environment::{self, Doubt, Opened, Options, Question, ServiceView};
use kitbag_engine::error::show;
use kitbag_engine::sync::report::Report;
use serde::Serialize;

use super::agent;
use super::sync::tell;
use crate::args::Up;
use crate::consent::consent;
use crate::context::Context;
use crate::{Outcome, doubt, opener};

#[derive(Serialize)]
struct Document {
    services: Vec<ServiceView>,
    notes: Vec<String>,
    sync: Report,
}

/// Begin.
pub fn run(context: &Context, options: &Up) -> Outcome {
    let ws = context.open()?;
    let asked = Cell::new(false);
    let ask = |question: &Question| consent(context, question, &asked);
    let go_on = |doubt: &Doubt| doubt::go_on(context, doubt);
    let wanted = Options { backend: options.backend.clone(), ask: &ask, go_on: &go_on };
    let up = context.wait(environment::up(&ws, &context.home, &wanted, context.printer.clone()))?;
    started(context, up, options)
}

/// What `up` and `reset` do and say at the end.
pub fn started(context: &Context, up: environment::Up, options: &Up) -> Outcome {
    let exit = up.report.exit();
    agent::begin(context);
    let printer = &context.printer;
    let begun = Document { services: up.services, notes: up.notes, sync: up.report };
    if printer.document(&begun) {
        return Ok(exit);
    }
    tell(printer, &begun.sync);
    for note in &begun.notes {
        printer.line(shown(note));
    }
    for service in &begun.services {
        let url = service.url.as_deref().map(|url| format!("  {}", shown(url))).unwrap_or_default();
        printer.line(format!("  {}: {}{url}", shown(&service.name), service.state));
    }
    if exit == Exit::Done {
        printer.line("Ready. When you have finished: `kitbag done`.");
    }
    // who talks with kitbag opens it itself
    let opens = !options.no_open && !context.yes && printer.talk().is_none();
    match up.open {
        Some(opened @ Opened::Url { .. }) if opens => opener::open(&opened)?,
        Some(Opened::Folder(folder)) => printer.line(format!("Your files are in {}.", show(&folder))),
        _ => {}
    }
    Ok(exit)
}
