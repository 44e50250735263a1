//! `history`: the versions of everything, of a folder or of a file, and what kitbag did here.

use kitbag_core::finding::{Exit, Finding};
use kitbag_core::path::shown;
use kitbag_engine::history::{self, OperationView, VersionView};

use crate::Outcome;
use crate::args::History;
use crate::context::Context;

/// Show it.
pub fn run(context: &Context, options: &History) -> Outcome {
    let ws = context.look()?;
    let rules = context.rules(&ws)?;
    let path = options.path.as_ref().map(|path| context.work_path(&ws, path)).transpose()?;
    let history = history::history(&ws, &rules, path.as_ref(), options.limit)?;
    if let Some(path) = &path
        && history.versions.is_empty()
        && options.limit > 0
    {
        return Err(Finding::new(
            format!("{path} has no versions"),
            "No file of that name was ever carried.",
            "`kitbag history` shows the latest versions of everything; `kitbag sync` records what is new.",
        )
        .into());
    }
    let printer = &context.printer;
    if printer.document(&history) {
        return Ok(Exit::Done);
    }
    // of a single file the name needs to be said only where it was another one
    let own = |version: &VersionView| path.as_ref().is_some_and(|path| path.as_str() == version.path);
    for version in &history.versions {
        printer.line(version_line(version, !own(version)));
    }
    if history.more {
        printer
            .line(format!("There are older ones: --limit {} shows more.", options.limit.saturating_mul(5)));
    }
    if history.versions.is_empty() {
        printer.line("No versions yet.");
    }
    if !history.operations.is_empty() {
        printer.line("");
        printer.line("What kitbag did on this computer (`kitbag undo` takes the latest back):");
        history.operations.iter().for_each(|operation| printer.line(operation_line(operation)));
    }
    Ok(Exit::Done)
}

fn version_line(version: &VersionView, with_path: bool) -> String {
    let when = version.when.as_deref().map_or_else(|| "at an unknown time".to_owned(), shown);
    let who = version.machine.as_deref().map(|machine| format!("  {}", shown(machine))).unwrap_or_default();
    let path = if with_path { format!("  {}", shown(&version.path)) } else { String::new() };
    let size = version.size.map(|size| format!(", {size} bytes")).unwrap_or_default();
    let mut marks = Vec::new();
    if let Some(earlier) = &version.as_in {
        marks.push(format!("as in {earlier}"));
    }
    if version.shown {
        marks.push("what you have now".to_owned());
    }
    if version.open {
        marks.push("one side of an open question".to_owned());
    }
    if version.kept == Some(false) {
        marks.push("content no longer kept".to_owned());
    }
    let marks = if marks.is_empty() { String::new() } else { format!(" ({})", marks.join("; ")) };
    format!("{}  {when}{who}{path}  {}{size}{marks}", version.short, version.what)
}

/// One operation in a line.
pub fn operation_line(operation: &OperationView) -> String {
    let mut parts = Vec::new();
    for what in ["merged", "changed", "removed", "renamed", "brought back", "answered"] {
        let files: Vec<_> = operation.changes.iter().filter(|change| change.what == what).collect();
        match files.as_slice() {
            [] => {}
            [one] => parts.push(format!("{} {what}", shown(&one.path))),
            several => parts.push(format!("{} files {what}", several.len())),
        }
    }
    if operation.new_files > 0 {
        let files = usize::try_from(operation.new_files).unwrap_or(usize::MAX);
        parts.push(kitbag_engine::error::count(files, "new file"));
    }
    let of = operation.undoes.map(|number| format!(" of {number}")).unwrap_or_default();
    format!(
        "  {}  {}  {}{of}: {}",
        operation.number,
        shown(&operation.when),
        operation.what,
        parts.join(", ")
    )
}
