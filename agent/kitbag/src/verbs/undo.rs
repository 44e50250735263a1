//! `undo`: takes back what kitbag did last on this computer.

use kitbag_core::finding::Exit;
use kitbag_core::path::shown;
use kitbag_engine::error::count;
use kitbag_engine::history::{self, OperationView, Undone, Wanted};
use kitbag_engine::sync::report::Report;
use serde::Serialize;
use serde_json::json;

use super::history::operation_line;
use super::sync::tell;
use crate::Outcome;
use crate::args::Undo;
use crate::context::Context;
use crate::question::{Kind, Question};

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
    let many = |files: usize| context.yes || removes(context, files);
    let wanted = Wanted { operation: options.operation, dry_run: options.dry_run, many: &many };
    let request = context.request(&ws)?;
    let (undone, report) = history::undo(&ws, &rules, &request, wanted, context.printer.as_ref())?;
    let left = undone.files.iter().any(|file| !file.undone);
    let exit = match (&report, left) {
        (_, true) => Exit::Failed,
        (Some(report), false) => report.exit(),
        (None, false) => Exit::Done,
    };
    let printer = &context.printer;
    let document = Document { undone, sync: report };
    if printer.document(&document) {
        return Ok(exit);
    }
    let Document { undone, sync: report } = document;
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

/// Many files are not removed everywhere without a yes.
fn removes(context: &Context, files: usize) -> bool {
    let text = format!("This removes {}, on all your computers. Go on?", count(files, "file"));
    let detail = json!({ "about": "removals", "files": files });
    context.agrees(&Question { kind: Kind::GoOn, told: Vec::new(), text, detail }).unwrap_or(false)
}

fn list(context: &Context, limit: usize) -> Outcome {
    let ws = context.look()?;
    let operations = history::operations(&ws, limit)?;
    let list = List { operations };
    if context.printer.document(&list) {
        return Ok(Exit::Done);
    }
    if list.operations.is_empty() {
        context.printer.line("On this computer kitbag has not changed any of your files yet.");
    }
    list.operations.iter().for_each(|operation| context.printer.line(operation_line(operation)));
    Ok(Exit::Done)
}
