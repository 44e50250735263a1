//! `merge`: three notebooks, one out of them; needs no workspace. Ends with 1 where cells wait for an answer, as git
//! wants it of a merge tool.

use kitbag_core::finding::Exit;
use kitbag_core::merge::notebook::{By, CellConflict};
use kitbag_core::path::shown;
use kitbag_engine::error::{count, show};
use kitbag_engine::merging::{MergedFile, Order, SideChanges, merge_files};

use crate::Outcome;
use crate::args::Merge;
use crate::context::{Context, absolute, usage};

/// So much of a line of source is shown, in characters.
const LINE: usize = 60;
/// So many cells are named one by one.
const MOST: usize = 20;

/// Merge them.
pub fn run(context: &Context, options: &Merge) -> Outcome {
    let names = [options.left_name.clone(), options.right_name.clone()];
    if names[0] == names[1] || names.iter().any(|name| name.trim().is_empty()) {
        return Err(usage(
            "the two sides need different names",
            "Leave the names out: then they are left and right.",
        ));
    }
    let order = Order {
        base: absolute(&options.base)?,
        left: absolute(&options.left)?,
        right: absolute(&options.right)?,
        out: absolute(&options.out)?,
        names,
    };
    let merged = merge_files(&context.doors, &order)?;
    let exit = if merged.clean { Exit::Done } else { Exit::Failed };
    if context.printer.document(&merged) {
        return Ok(exit);
    }
    let line = |text: String| context.printer.line(text);
    let out = show(&options.out);
    line(match merged.conflicts.len() {
        0 => format!("{out}: merged."),
        1 => format!("{out}: merged; 1 cell waits for your answer."),
        cells => format!("{out}: merged; {cells} cells wait for your answer."),
    });
    if !merged.base {
        line("  Nothing is known of what both come from, so nothing counts as deleted.".to_owned());
    }
    merged.sides.iter().for_each(|side| line(format!("  {}: {}.", shown(&side.name), did(side))));
    tell(&merged, &line);
    Ok(exit)
}

/// What one side did since the base.
fn did(side: &SideChanges) -> String {
    let parts = [
        (side.new, "new"),
        (side.deleted, "deleted"),
        (side.edited, "edited"),
        (side.run, "run again"),
        (side.moved, "moved"),
    ];
    let mut said: Vec<String> = Vec::new();
    for (n, what) in parts.into_iter().filter(|(n, _)| *n > 0) {
        said.push(if said.is_empty() {
            format!("{} {what}", count(n, "cell"))
        } else {
            format!("{n} {what}")
        });
    }
    if said.is_empty() { "no cell changed".to_owned() } else { said.join(", ") }
}

fn tell(merged: &MergedFile, line: &dyn Fn(String)) {
    for conflict in merged.conflicts.iter().take(MOST) {
        line(format!("  Cell {}, {}, was changed on both sides:", conflict.number, conflict.kind.name()));
        versions(conflict, line);
    }
    if merged.conflicts.len() > MOST {
        line(format!("  … and {} more.", merged.conflicts.len() - MOST));
    }
    for cell in merged.kept.iter().take(MOST) {
        let by = cell.deleted_by.as_ref().map(whose).unwrap_or_default();
        line(format!("  Cell {} was deleted ({by}) and changed on the other side: it stays.", cell.number));
    }
    if merged.kept.len() > MOST {
        line(format!("  … and {} more that were deleted stay.", merged.kept.len() - MOST));
    }
    if !merged.stale.is_empty() {
        let numbers: Vec<_> = merged.stale.iter().take(MOST).map(|cell| cell.number.to_string()).collect();
        let more = if merged.stale.len() > MOST { " …" } else { "" };
        let cells = if merged.stale.len() == 1 { "cell" } else { "cells" };
        line(format!(
            "  To run again, as the outputs are of another source: {cells} {}{more}.",
            numbers.join(", ")
        ));
    }
    for name in &merged.attachments {
        line(format!("  Both sides attached a picture of one name; one is called {} now.", shown(name)));
    }
    if !merged.conflicts.is_empty() {
        line("  The other version stands right below its cell, as a raw cell that is not".to_owned());
        line("  run. In Jupyter, make the upper one what you want, delete the lower one.".to_owned());
    }
}

/// A line of each version: the first one the others do not have.
fn versions(conflict: &CellConflict, line: &dyn Fn(String)) {
    let mut all: Vec<(&By, Option<&str>)> = vec![(&conflict.by, conflict.source.as_deref())];
    all.extend(conflict.others.iter().map(|other| (&other.by, Some(other.source.as_str()))));
    for (at, (by, source)) in all.iter().enumerate() {
        let Some(source) = source else {
            line(format!("    {}: the cell is deleted", whose(by)));
            continue;
        };
        let others = |text: &str| {
            let mut rest = all.iter().enumerate().filter(|(other, _)| *other != at);
            rest.any(|(_, (_, source))| source.is_some_and(|source| source.lines().any(|line| line == text)))
        };
        let own = source.lines().find(|text| !text.trim().is_empty() && !others(text));
        let text = own.map_or_else(|| "less than the other has".to_owned(), |text| cut(&shown(text)));
        line(format!("    {}: {text}", whose(by)));
    }
}

fn whose(by: &By) -> String {
    by.machine.as_deref().map_or_else(|| "one side".to_owned(), |name| cut(&shown(name)))
}

fn cut(text: &str) -> String {
    if text.chars().count() <= LINE {
        return text.to_owned();
    }
    let short: String = text.chars().take(LINE - 1).collect();
    format!("{short}…")
}
