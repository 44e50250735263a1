//! `where`: the folders, so nobody has to guess which is which.

use kitbag_core::finding::Exit;
use kitbag_engine::error::show;
use serde::Serialize;

use crate::Outcome;
use crate::context::Context;

#[derive(Serialize)]
struct Where {
    workspace: String,
    machine: String,
    work: String,
    share: String,
    state: String,
}

/// Print them.
pub fn run(context: &Context) -> Outcome {
    let ws = context.look()?;
    let at = Where {
        workspace: ws.settings.name.clone(),
        machine: ws.settings.machine.clone(),
        work: ws.settings.work.to_string_lossy().into_owned(),
        share: ws.settings.share.to_string_lossy().into_owned(),
        state: ws.state.to_string_lossy().into_owned(),
    };
    if !context.printer.document(&at) {
        context.printer.line(format!("Working folder        {}", show(&ws.settings.work)));
        context.printer.line(format!("Cloud folder          {}", show(&ws.settings.share)));
        context.printer.line(format!("This machine's state  {}", show(&ws.state)));
    }
    Ok(Exit::Done)
}
