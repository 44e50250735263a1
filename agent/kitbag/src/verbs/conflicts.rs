//! `conflicts`: what was changed on two machines at once, and what is gone and waits for an answer.

use kitbag_core::conflict::ConflictKind;
use kitbag_core::finding::Exit;
use kitbag_core::path::shown;
use kitbag_engine::sync::{Conflict, Side};
use kitbag_page::questions::{self, Questions};

use super::cells;
use crate::Outcome;
use crate::args::Conflicts;
use crate::context::Context;

/// Show them.
pub fn run(context: &Context, options: &Conflicts) -> Outcome {
    let ws = context.look()?;
    let rules = context.rules(&ws)?;
    let path = options.path.as_ref().map(|path| context.work_path(&ws, path)).transpose()?;
    let questions = questions::read(&ws, &rules, path.as_ref())?;
    let exit = match (questions.conflicts.iter().any(Conflict::waits), questions.held.is_empty()) {
        (false, true) => Exit::Done,
        (true, true) => Exit::Conflicts,
        (_, false) => Exit::Failed,
    };
    if context.printer.document(&questions) {
        return Ok(exit);
    }
    let Questions { conflicts, held, notes } = questions;
    for conflict in &conflicts {
        if !conflict.cells.is_empty() {
            let lines = if path.is_some() { cells::in_full(conflict) } else { cells::in_short(conflict) };
            lines.iter().for_each(|line| context.printer.line(line));
            continue;
        }
        context.printer.line(format!("{}: {}", shown(&conflict.path), sentence(conflict.kind)));
        for side in &conflict.sides {
            context.printer.line(format!("  {}", side_line(side)));
        }
        context.printer.line(format!("  kitbag resolve {} --keep this|other|both", quoted(&conflict.path)));
    }
    for held in &held {
        let what = match held.reason {
            "removed-here" => "gone from the working folder",
            _ => "gone from the cloud folder",
        };
        context.printer.line(format!("{}: {what}; still kept everywhere else", shown(&held.path)));
    }
    if !held.is_empty() {
        context.printer.line("  kitbag resolve --absent accept   they were meant to go");
        context.printer.line("  kitbag resolve --absent restore  put them back");
    }
    if conflicts.is_empty() && held.is_empty() {
        context.printer.line("No questions are open.");
    }
    if path.is_none() {
        notes.iter().flat_map(cells::in_short).for_each(|line| context.printer.line(line));
    }
    Ok(exit)
}

fn sentence(kind: ConflictKind) -> &'static str {
    match kind {
        ConflictKind::Text => "the same lines were changed on two machines.",
        ConflictKind::Notebook => "the notebook was changed on two machines.",
        ConflictKind::Database => "the database was changed on two machines.",
        ConflictKind::File => "the file was changed on two machines.",
        ConflictKind::Unit => "the folder, which is kept as one thing, was changed on two machines.",
        ConflictKind::Deleted => "it was changed on one machine and deleted on another.",
    }
}

fn side_line(side: &Side) -> String {
    let who = side.machine.as_deref().map_or_else(|| "a change in the cloud folder".to_owned(), shown);
    let here = if side.this { " (in your working folder now)" } else { "" };
    let size = side.size.map_or_else(|| "deleted".to_owned(), |size| format!("{size} bytes"));
    let when = side.when.as_deref().map(|when| format!(", {}", shown(when))).unwrap_or_default();
    format!("{who}{here}: {size}{when}, version {}", &side.id[..12])
}

/// A path as it can be typed.
pub(super) fn quoted(path: &str) -> String {
    let plain = path.chars().all(|c| c.is_alphanumeric() || "-_./".contains(c));
    if plain { path.to_owned() } else { format!("'{}'", shown(path).replace('\'', "'\\''")) }
}
