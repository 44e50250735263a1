//! `done`: everything put away, and whether it is safe to shut down.

use kitbag_core::finding::Exit;
use kitbag_core::path::shown;
use kitbag_engine::environment::{self, Doubt};
use kitbag_engine::sync::report::Report;
use serde::Serialize;

use super::sync::tell;
use crate::context::Context;
use crate::{Outcome, doubt};

#[derive(Serialize)]
struct Document {
    waiting: Vec<String>,
    notes: Vec<String>,
    sync: Report,
}

/// End.
pub fn run(context: &Context) -> Outcome {
    let ws = context.open()?;
    let go_on = |doubt: &Doubt| doubt::go_on(context, doubt);
    let done = context.wait(environment::done(&ws, &context.home, &go_on, context.printer.clone()))?;
    let exit = done.report.exit();
    let done = Document { waiting: done.waiting, notes: done.notes, sync: done.report };
    let printer = &context.printer;
    if printer.document(&done) {
        return Ok(exit);
    }
    tell(printer, &done.sync);
    for line in done.notes.iter().chain(&done.waiting) {
        printer.line(shown(line));
    }
    match exit {
        Exit::Done if done.waiting.is_empty() => printer.line(
            "Your work is in the cloud folder. Once your cloud program has carried it, you can shut down.",
        ),
        Exit::Conflicts => printer.line("Nothing is lost; you can shut down and answer later."),
        _ => {}
    }
    Ok(exit)
}
