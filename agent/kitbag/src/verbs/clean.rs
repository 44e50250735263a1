//! `clean`: says what can be freed, asks, and frees it. Never work.

use kitbag_core::finding::Exit;
use kitbag_engine::error::{count, size};
use kitbag_engine::storage::clean::{Freeable, free, look};
use serde::Serialize;

use crate::Outcome;
use crate::args::CleanOptions;
use crate::context::Context;

#[derive(Serialize)]
struct Document<'a> {
    free: &'a [Freeable],
    bytes: u64,
    /// Null when nothing was freed: only looked, or nobody said yes.
    freed: Option<u64>,
}

/// Look, ask, free.
pub fn run(context: &Context, options: &CleanOptions) -> Outcome {
    let ws = context.open()?;
    let found = look(&ws, &context.home, options.databases)?;
    let printer = &context.printer;
    for one in &found.free {
        let files = count(usize::try_from(one.files).unwrap_or(usize::MAX), "file");
        printer.line(format!("{}: {files}, {}", one.what, size(one.bytes)));
    }
    let wanted = !options.dry_run && !found.free.is_empty();
    let agreed = wanted && (context.yes || agrees(context, found.bytes()));
    let freed = if agreed { Some(free(&ws, &found)?) } else { None };
    if printer.json() {
        printer.document(&Document { free: &found.free, bytes: found.bytes(), freed });
    } else if found.free.is_empty() {
        printer.line("There is nothing to free.");
    } else if let Some(freed) = freed {
        printer.line(format!("Freed {}.", size(freed)));
    } else if options.dry_run {
        printer.line(format!("{} could be freed. Nothing was.", size(found.bytes())));
    } else {
        printer.line("Nothing was freed. `kitbag clean --yes` frees it without a question.");
    }
    // a question that nobody answered
    Ok(if wanted && !agreed { Exit::Failed } else { Exit::Done })
}

fn agrees(context: &Context, bytes: u64) -> bool {
    let answer = context.ask(&format!("Free {}? [y/N]", size(bytes)));
    answer.is_some_and(|answer| matches!(answer.to_lowercase().as_str(), "y" | "yes"))
}
