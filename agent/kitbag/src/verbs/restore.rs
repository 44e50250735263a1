//! `restore`: a file as it was in an older version.

use kitbag_core::finding::Exit;
use kitbag_core::path::shown;
use kitbag_engine::error::count;
use kitbag_engine::history::{self, Restored};
use kitbag_engine::sync::report::Report;
use serde::Serialize;

use super::sync::tell;
use crate::Outcome;
use crate::args::Restore;
use crate::context::Context;

#[derive(Serialize)]
struct Document {
    restored: Restored,
    sync: Report,
}

/// Bring it back.
pub fn run(context: &Context, options: &Restore) -> Outcome {
    let ws = context.open()?;
    let rules = context.rules(&ws)?;
    let path = context.work_path(&ws, &options.path)?;
    let request = context.request(&ws)?;
    let progress = context.printer.as_ref();
    let (restored, report) = history::restore(&ws, &rules, &request, &path, &options.at, progress)?;
    let exit = report.exit();
    let document = Document { restored, sync: report };
    if context.printer.document(&document) {
        return Ok(exit);
    }
    let Document { restored, sync: report } = document;
    let (path, from) = (shown(&restored.path), &restored.from);
    for left in &restored.left {
        context.printer.line(format!("{left}."));
    }
    if restored.version.is_none() && !(restored.files.is_empty() && restored.left.is_empty()) {
        let files = count(restored.files.len(), "file");
        context.printer.line(format!("{files} of {path} brought back; your other computers get them too."));
        if exit != Exit::Done {
            tell(&context.printer, &report);
        }
        return Ok(exit);
    }
    context.printer.line(match (&restored.version, restored.shown) {
        (None, _) => format!("{path} already reads as in version {from}."),
        (Some(_), true) => format!(
            "{path} is as in version {from} again, as a new version; your other computers get it too. `kitbag undo` \
             takes it back."
        ),
        (Some(_), false) => format!(
            "{path} as in version {from} is the newest version now; it is not in the working folder yet."
        ),
    });
    if exit != Exit::Done {
        tell(&context.printer, &report);
    }
    Ok(exit)
}
