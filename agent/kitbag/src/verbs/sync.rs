//! `sync`: one full cycle now.

use kitbag_core::notebook::InUse;
use kitbag_core::path::shown;
use kitbag_engine::course::unpack;
use kitbag_engine::environment;
use kitbag_engine::error::count;
use kitbag_engine::sync::report::Report;
use kitbag_engine::sync::{self, PendingNotebook, Request};

use crate::Outcome;
use crate::args::SyncOptions;
use crate::context::Context;
use crate::printer::Printer;

/// Run it.
pub fn run(context: &Context, options: &SyncOptions) -> Outcome {
    let ws = context.open()?;
    let known = unpack::unpacked(&ws)?.map(|here| here.id);
    let report = if options.dry_run {
        let request = Request { dry_run: true, ..context.request(&ws)? };
        sync::run(&ws, &context.rules(&ws)?, request, context.printer.as_ref())?
    } else {
        let (home, progress) = (&context.home, context.printer.clone());
        context.wait(environment::cycle(&ws, home, environment::Extent::default(), progress))?
    };
    if !options.dry_run {
        context.prepare_new(&ws, known)?;
    }
    if !context.printer.document(&report) {
        tell(&context.printer, &report);
    }
    Ok(report.exit())
}

/// A report in words.
pub fn tell(printer: &Printer, report: &Report) {
    let mut done = Vec::new();
    let mut add = |n: u64, one: &str, many: &str| {
        if n > 0 {
            done.push(format!("{n} {}", if n == 1 { one } else { many }));
        }
    };
    add(report.published, "change put into the cloud folder", "changes put into the cloud folder");
    add(report.received, "file brought here", "files brought here");
    add(report.merged, "file merged", "files merged");
    for step in &report.planned {
        printer.line(format!("{}: {}", step.path, step.step));
    }
    if !done.is_empty() {
        printer.line(format!("{}.", done.join(", ")));
    }
    for problem in &report.problems {
        printer.say(format!("{}: {}", problem.path, problem.reason));
    }
    if !report.held.is_empty() {
        let files = count(report.held.len(), "file");
        printer.line(format!(
            "{files} gone, and nothing was deleted elsewhere. Was that meant? `kitbag resolve --absent accept` or \
             `--absent restore`."
        ));
    }
    if report.conflicts > 0 {
        let files = count(usize::try_from(report.conflicts).unwrap_or(usize::MAX), "file");
        printer.line(format!("{files} changed on two machines. `kitbag conflicts` shows both sides."));
    }
    for notebook in &report.pending_notebooks {
        printer.line(pending_line(notebook));
    }
    let pending = report.pending.saturating_sub(report.pending_notebooks.len() as u64);
    let online = report.online_only();
    if online > 0 {
        printer.line(format!(
            "{} to be made available on this device in your cloud program.",
            count(online, "file")
        ));
    }
    if report.waiting_for.len() > online {
        printer.line("Waiting for the cloud folder to deliver more.");
    } else if pending > 0 && report.held.is_empty() && online == 0 {
        let files = count(usize::try_from(pending).unwrap_or(usize::MAX), "file");
        printer.line(format!("{files} will be looked at again next time."));
    }
    let quiet = done.is_empty() && report.planned.is_empty() && report.problems.is_empty();
    if quiet
        && report.held.is_empty()
        && report.conflicts == 0
        && report.waiting_for.is_empty()
        && report.pending == 0
    {
        printer.line("Up to date.");
    }
}

/// What a notebook's newer version waits for.
pub fn pending_line(notebook: &PendingNotebook) -> String {
    let from = match (&notebook.machine, &notebook.when) {
        (Some(machine), Some(when)) => format!("of {} from {}", shown(machine), shown(when)),
        _ => "from the cloud folder".to_owned(),
    };
    let why = match notebook.why {
        InUse::Open => "it is open here: close it and shut its kernel down, or run `kitbag done`",
        InUse::JustSaved => "it was saved here a moment ago and may be open",
    };
    format!("{}: the newer version {from} waits, because {why}.", shown(&notebook.path))
}
