//! `diff`: what differs between two files, or between a version and what the working folder has. Of notebooks cell by
//! cell: sources as lines, outputs in words. Whatever stands in the files is made safe for a terminal and put into eighty
//! columns.

use std::collections::BTreeMap;

use kitbag_core::finding::Exit;
use kitbag_core::merge::difference::{Difference, Hunk, hunks};
use kitbag_core::merge::notebook::{CellChange, Changes, Output};
use kitbag_core::path::shown;
use kitbag_engine::comparing::{Compare, Compared, compare_files};
use kitbag_engine::error::count;
use kitbag_engine::history;

use crate::Outcome;
use crate::args::Diff;
use crate::context::{Context, absolute};

/// Columns.
const WIDTH: usize = 80;
/// So much of one line is shown, in characters: what is longer was made by a program.
const LONGEST: usize = 2_000;

/// Show it.
pub fn run(context: &Context, options: &Diff) -> Outcome {
    let compared = match &options.other {
        Some(other) => compare_files(&context.doors, &absolute(&options.path)?, &absolute(other)?)?,
        None => {
            let ws = context.look()?;
            let rules = context.rules(&ws)?;
            let path = context.work_path(&ws, &options.path)?;
            history::compare(&ws, &rules, &path, options.at.as_deref())?
        }
    };
    if context.printer.document(&compared) {
        return Ok(Exit::Done);
    }
    told(&compared, options.other.is_some()).iter().for_each(|line| context.printer.line(line));
    Ok(Exit::Done)
}

/// All lines of it.
fn told(compared: &Compared, files: bool) -> Vec<String> {
    let Compared { before, after, difference } = compared;
    let mut lines = Vec::new();
    if files {
        wrapped("--- ", &shown(&before.path), &mut lines);
        wrapped("+++ ", &shown(&after.path), &mut lines);
    } else {
        wrapped("", &format!("{}:", shown(&after.path)), &mut lines);
        wrapped("  ", &versions(before, after), &mut lines);
    }
    match difference {
        Difference::Same => lines.push("  Nothing differs.".to_owned()),
        Difference::Notebook(changes) => notebook(changes, &mut lines),
        Difference::Text { lines: hunks } if hunks.is_empty() => {
            lines.push("  Only the end of the last line differs.".to_owned());
        }
        Difference::Text { lines: hunks } => text(hunks, true, "", &mut lines),
        Difference::Binary => {
            let size = |side: &Compare| side.bytes.map_or("nothing".to_owned(), |n| format!("{n} bytes"));
            lines.push(format!("  differs: {} → {}", size(before), size(after)));
        }
    }
    lines
}

/// Which versions of a file are compared.
fn versions(before: &Compare, after: &Compare) -> String {
    let now = if after.bytes.is_some() { "what you have now" } else { "removed here" };
    let Some(short) = &before.short else { return format!("new; {now}") };
    let who = before.machine.as_deref().map_or_else(|| "the cloud folder".to_owned(), shown);
    let when = before.when.as_deref().map(|when| format!(", {}", shown(when))).unwrap_or_default();
    let named =
        if before.path == after.path { String::new() } else { format!(", as {}", shown(&before.path)) };
    format!("version {short} ({who}{when}{named}) → {now}")
}

fn notebook(changes: &Changes, lines: &mut Vec<String>) {
    changes.cells.iter().for_each(|cell| one_cell(cell, lines));
    if !changes.metadata.is_empty() {
        wrapped("  ", &format!("of the notebook: {}", names(&changes.metadata)), lines);
    }
    if changes.cells.is_empty() && changes.metadata.is_empty() {
        lines.push("  Only how it is written differs: no cell does.".to_owned());
    }
}

fn one_cell(cell: &CellChange, lines: &mut Vec<String>) {
    let number = cell.after.or(cell.before).unwrap_or_default();
    let mut what = Vec::new();
    match (cell.before, cell.after) {
        (None, _) => what.push("new".to_owned()),
        (_, None) => what.push("deleted".to_owned()),
        (Some(before), Some(after)) => {
            if cell.moved {
                what.push(format!("moved, was cell {before}"));
            } else if before != after {
                what.push(format!("was cell {before}"));
            }
        }
    }
    if let Some([before, after]) = &cell.outputs {
        what.extend(outputs(before, after));
    }
    if !cell.other.is_empty() {
        what.push(format!("changed: {}", names(&cell.other)));
    }
    if cell.source.is_none() && what.is_empty() {
        what.push("run again, with the same outputs".to_owned());
    }
    let what = if what.is_empty() { String::new() } else { format!(": {}", what.join("; ")) };
    wrapped("  ", &format!("cell {number}, {}{what}", cell.kind.name()), lines);
    if let Some([before, after]) = &cell.source {
        text(&hunks(before.as_bytes(), after.as_bytes()), false, "    ", lines);
    }
}

/// What became of a cell's outputs, kind by kind.
fn outputs(before: &[Output], after: &[Output]) -> Vec<String> {
    let mut kinds: BTreeMap<&'static str, [Vec<&Output>; 2]> = BTreeMap::new();
    for (side, all) in [before, after].into_iter().enumerate() {
        for output in all {
            kinds.entry(word(output)).or_default()[side].push(output);
        }
    }
    let mut said = Vec::new();
    for (word, [was, is]) in &kinds {
        let amount = |outputs: &[&Output]| -> usize { outputs.iter().map(|output| size(output)).sum() };
        let (old, new) = (amount(was), amount(is));
        said.push(match (was.len(), is.len(), *word) {
            (0, _, "error") => format!("an error now: {}", error(is)),
            (_, 0, "error") => format!("no error any more: {}", error(was)),
            (_, _, "error") => format!("the error is {}", error(is)),
            (0, n, "plot" | "output") => format!("{} new", count(n, word)),
            (n, 0, "plot" | "output") => format!("{} gone", count(n, word)),
            (a, b, "plot" | "output") if a != b => format!("{a} → {}", count(b, word)),
            (_, _, "plot" | "output") => format!("{word} changed"),
            (0, _, unit) => format!("{unit} new, {}", amount_of(unit, new)),
            (_, 0, unit) => format!("{unit} gone"),
            (_, _, unit) if old == new => format!("{unit} changed"),
            (_, _, unit) => format!("{unit} {old} → {}", amount_of(unit, new)),
        });
    }
    said
}

fn word(output: &Output) -> &'static str {
    match output {
        Output::Text { .. } => "text",
        Output::Table { .. } => "table",
        Output::Picture => "plot",
        Output::Error { .. } => "error",
        Output::Other => "output",
    }
}

fn size(output: &Output) -> usize {
    match output {
        Output::Text { lines } => *lines,
        Output::Table { rows } => *rows,
        _ => 0,
    }
}

fn amount_of(unit: &str, n: usize) -> String {
    count(n, if unit == "table" { "row" } else { "line" })
}

fn error(outputs: &[&Output]) -> String {
    let names = outputs.iter().filter_map(|output| match output {
        Output::Error { name } => Some(cut(&shown(name), 40)),
        _ => None,
    });
    names.collect::<Vec<_>>().join(", ")
}

/// Names of metadata, the first few.
fn names(all: &[String]) -> String {
    let mut some: Vec<_> = all.iter().take(8).map(|name| cut(&shown(name), 40)).collect();
    if all.len() > some.len() {
        some.push(format!("{} more", all.len() - some.len()));
    }
    some.join(", ")
}

/// Lines that are gone and new, each place with the number of its line where `numbered`.
fn text(hunks: &[Hunk], numbered: bool, indent: &str, lines: &mut Vec<String>) {
    for (at, hunk) in hunks.iter().enumerate() {
        if numbered {
            lines.push(format!("{indent}line {}", hunk.after));
        } else if at > 0 {
            lines.push(format!("{indent}…"));
        }
        let each = |sign, all: &[String], lines: &mut Vec<String>| {
            all.iter().for_each(|line| wrapped(&format!("{indent}{sign} "), &safe(line), lines));
        };
        each('-', &hunk.removed, lines);
        each('+', &hunk.added, lines);
    }
}

/// A line as a terminal may have it: tabs as blanks, no escapes.
fn safe(line: &str) -> String {
    cut(&shown(&line.trim_end_matches('\r').replace('\t', "    ")), LONGEST)
}

fn cut(text: &str, most: usize) -> String {
    if text.chars().count() <= most {
        return text.to_owned();
    }
    text.chars().take(most - 1).chain(['…']).collect()
}

/// In lines of eighty columns; what goes on begins below the text before it.
fn wrapped(before: &str, text: &str, lines: &mut Vec<String>) {
    let room = WIDTH - before.chars().count();
    let mut rest: Vec<char> = text.chars().collect();
    let mut front = before.to_owned();
    while rest.len() > room {
        // at a blank where one is not too far back
        let blank = rest[..room].iter().rposition(|c| *c == ' ').filter(|at| *at > room / 2);
        let tail = rest.split_off(blank.map_or(room, |at| at + 1));
        lines.push(format!("{front}{}", rest.into_iter().collect::<String>()));
        (rest, front) = (tail, " ".repeat(before.chars().count()));
    }
    lines.push(format!("{front}{}", rest.into_iter().collect::<String>()));
}
