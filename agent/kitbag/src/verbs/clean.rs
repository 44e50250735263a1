//! `clean`: says what can be freed, asks, and frees it. Never work.

use kitbag_core::finding::Exit;
use kitbag_engine::environment::snapshot;
use kitbag_engine::error::{count, size};
use kitbag_engine::storage::clean::{Found, Freeable, free, look};
use serde::Serialize;
use serde_json::json;

use crate::Outcome;
use crate::args::CleanOptions;
use crate::context::Context;
use crate::question::{Kind, Question};

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
    let mut found = look(&ws, &context.home, options.databases)?;
    let printer = &context.printer;
    let snapshots = match options.snapshots {
        true => context.wait(snapshot::list(&ws, &context.home, printer.clone()))?,
        false => Vec::new(),
    };
    if !snapshots.is_empty() {
        found.free.push(Freeable {
            kind: "snapshots",
            what: "Snapshots of what the course's programs keep",
            files: snapshots.len() as u64,
            bytes: snapshots.iter().map(|one| one.bytes).sum(),
        });
    }
    for one in &found.free {
        let of = if one.kind == "snapshots" { "snapshot" } else { "file" };
        let files = count(usize::try_from(one.files).unwrap_or(usize::MAX), of);
        printer.line(format!("{}: {files}, {}", one.what, size(one.bytes)));
    }
    if let Some(known) = snapshot::known(&ws)?.filter(|_| !options.snapshots && !printer.json()) {
        let bytes = known.snapshots.iter().map(|one| one.bytes).sum();
        printer.line(format!(
            "{} stay ({}); `kitbag clean --snapshots` frees them too.",
            count(known.snapshots.len(), "snapshot"),
            size(bytes)
        ));
    }
    let wanted = !options.dry_run && !found.free.is_empty();
    let agreed = wanted && (context.yes || agrees(context, &found));
    let mut freed = if agreed { Some(free(&ws, &found)?) } else { None };
    if let Some(freed) = &mut freed {
        for one in &snapshots {
            context.wait(snapshot::remove(&ws, &context.home, &one.name, printer.clone()))?;
            *freed += one.bytes;
        }
    }
    // a question that nobody answered
    let exit = if wanted && !agreed { Exit::Failed } else { Exit::Done };
    if printer.document(&Document { free: &found.free, bytes: found.bytes(), freed }) {
        return Ok(exit);
    }
    printer.line(match freed {
        _ if found.free.is_empty() => "There is nothing to free.".to_owned(),
        Some(freed) => format!("Freed {}.", size(freed)),
        None if options.dry_run => format!("{} could be freed. Nothing was.", size(found.bytes())),
        None => "Nothing was freed. `kitbag clean --yes` frees it without a question.".to_owned(),
    });
    Ok(exit)
}

fn agrees(context: &Context, found: &Found) -> bool {
    let detail = json!({ "about": "free", "free": found.free, "bytes": found.bytes() });
    let text = format!("Free {}?", size(found.bytes()));
    context.agrees(&Question { kind: Kind::GoOn, told: Vec::new(), text, detail }).unwrap_or(false)
}
