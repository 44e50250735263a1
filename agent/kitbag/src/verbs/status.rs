//! `status`: five words and what stands behind them.

use kitbag_core::finding::Exit;
use kitbag_core::path::shown;
use kitbag_engine::agent;
use kitbag_engine::environment;
use kitbag_engine::error::{count, show, size};
use kitbag_page::status::{self, State};
use kitbag_platform::places::RealPlaces;

use super::conflicts::quoted;
use super::sync::pending_line;
use crate::context::Context;
use crate::{Outcome, Trouble};

/// Show it.
pub fn run(context: &Context) -> Outcome {
    let ws = context.look()?;
    let rules = context.rules(&ws)?;
    let view = context.wait(async { Ok::<_, Trouble>(environment::view(&ws, &context.home).await) })?;
    let mut status = status::read(&ws, &rules, view, &RealPlaces)?;
    status.agent = agent::look(&context.home, &ws.settings.name);
    let exit = match status.state {
        State::NeedsYou if status.held > 0 => Exit::Failed,
        State::NeedsYou => Exit::Conflicts,
        State::Waiting => Exit::Waiting,
        State::Stopped => Exit::Failed,
        State::Working | State::UpToDate => Exit::Done,
    };
    let printer = &context.printer;
    if printer.document(&status) {
        return Ok(exit);
    }
    printer.line(format!("{}: {}", status.workspace, status.state.words()));
    let provider = status.share.provider.map(|provider| format!(" ({provider})")).unwrap_or_default();
    let reachable = if status.share.reachable { "" } else { ": not there" };
    printer.line(format!("  cloud folder    {}{provider}{reachable}", show(&ws.settings.share)));
    printer.line(format!("  working folder  {}", show(&ws.settings.work)));
    let files = count(usize::try_from(status.files).unwrap_or(usize::MAX), "file");
    let pending = match status.pending {
        Some(0) => String::new(),
        Some(n) => format!(", {n} to carry"),
        None => ", another kitbag is at work".into(),
    };
    printer.line(format!("  {files}{pending}"));
    let parts = count(usize::try_from(status.storage.packs).unwrap_or(usize::MAX), "part");
    printer.line(format!("  history in the cloud folder: {}, {parts}", size(status.storage.history_bytes)));
    if status.missing > 0 {
        printer.line(format!("  {} still on the way", count(status.missing as usize, "thing")));
    }
    for conflict in &status.conflicts {
        printer.line(format!("  changed on two machines: {}", shown(&conflict.path)));
    }
    if status.held > 0 {
        printer
            .line(format!("  {} gone; `kitbag conflicts` tells more", count(status.held as usize, "file")));
    }
    for notebook in &status.pending_notebooks {
        printer.line(format!("  {}", pending_line(notebook)));
    }
    for notebook in &status.notes {
        let cells = count(usize::try_from(notebook.cells).unwrap_or(usize::MAX), "cell");
        let path = quoted(&notebook.path);
        printer.line(format!(
            "  {}: {cells} kept although deleted elsewhere; `kitbag conflicts {path}` shows more",
            shown(&notebook.path)
        ));
    }
    for service in &status.environment.services {
        let url = service.url.as_deref().map(|url| format!("  {}", shown(url))).unwrap_or_default();
        let note = service.note.as_deref().map(|note| format!("  {}", shown(note))).unwrap_or_default();
        printer.line(format!("  {}: {}{url}{note}", shown(&service.name), service.state));
    }
    for machine in &status.machines {
        let open =
            machine.session_open.as_deref().map(|t| format!(", open since {}", shown(t))).unwrap_or_default();
        let latest = match (machine.this, machine.has_my_latest) {
            (true, _) => " (this machine)",
            (_, Some(true)) => ", has your latest",
            (_, Some(false)) => ", does not have your latest yet",
            (_, None) => "",
        };
        printer.line(format!("  {}{latest}{open}", shown(&machine.name)));
    }
    Ok(exit)
}
