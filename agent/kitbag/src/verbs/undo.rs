//! `undo`: takes back what kitbag did last on this computer.

use kitbag_core::finding::Exit;
use kitbag_core::path::shown;
use kitbag_engine::history::{self, OperationView, Undone, Wanted};
use kitbag_engine::sync::report::Report;
use serde::Serialize;

use super::history::operation_line;
use super::sync::tell;
use crate::Outcome;
use crate::args::Undo;
use crate::context::Context;

#[derive(Serialize)]
struct List {
    operations: Vec<OperationView>,
}

#[derive(Serialize)]
struct Document {
    undone: Undone,
    sync: Option<Report>,
}

/// Take it back, or tell what there is.
pub fn run(context: &Context, options: &Undo) -> Outcome {
    if options.list {
        return list(context, options.limit);
    }
    let ws = if options.dry_run { context.look()? } else { context.open()? };
    let rules = context.rules(&ws)?;
    let wanted = Wanted { operation: options.operation, dry_run: options.dry_run, many: context.yes };
    let request = context.request(&ws)?;
    let (undone, report) = history::undo(&ws, &rules, &request, wanted, context.printer.as_ref())?;
    let left = undone.files.iter().any(|file| !file.undone);
    let exit = match (&report, left) {
        (_, true) => Exit::Failed,
        (Some(report), false) => report.exit(),
        (None, false) => Exit::Done,
    };
    if context.printer.json() {
        context.printer.document(&Document { undone, sync: report });
        return Ok(exit);
    }
    let printer = &context.printer;
    let would = if options.dry_run { "Would take back" } else { "Takes back" };
    printer.line(format!("{would}{}", operation_line(&undone.operation)));
    for file in &undone.files {
        let stays = if file.undone { "" } else { "stays: " };
        printer.line(format!("{}: {stays}{}", shown(&file.path), file.what));
    }
    if undone.operation.new_files > 0 {
        printer.line("The new files that came with it stay.");
    }
    if undone.number.is_some() {
        printer.line(
            "What came back is a new version, so your other computers get it too. `kitbag undo` takes this back again.",
        );
    } else if !options.dry_run {
        printer.line("Nothing was taken back.");
    }
    if let Some(report) = &report
        && report.exit() != Exit::Done
    {
        tell(printer, report);
    }
    Ok(exit)
}

fn list(context: &Context, limit: usize) -> Outcome {
    let ws = context.look()?;
    let operations = history::operations(&ws, limit)?;
    if context.printer.json() {
        context.printer.document(&List { operations });
        return Ok(Exit::Done);
    }
    if operations.is_empty() {
        context.printer.line("On this computer kitbag has not changed any of your files yet.");
    }
    operations.iter().for_each(|operation| context.printer.line(operation_line(operation)));
    Ok(Exit::Done)
}
