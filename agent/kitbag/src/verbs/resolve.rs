//! `resolve`: a person's answer, carried out at once.

use kitbag_core::plan::AbsenceAnswer;
use kitbag_engine::EngineError;
use kitbag_engine::sync::report::Report;
use kitbag_engine::sync::{self, Answered, Cycle, Keep};
use serde::Serialize;

use super::sync::tell;
use crate::Outcome;
use crate::args::{Absent, Resolve};
use crate::context::Context;

#[derive(Serialize)]
struct Document {
    answered: Option<Answered>,
    sync: Report,
}

/// Answer.
pub fn run(context: &Context, options: &Resolve) -> Outcome {
    let ws = context.open()?;
    let rules = context.rules(&ws)?;
    let path = options.path.as_ref().map(|path| context.work_path(&ws, path)).transpose()?;
    let mut request = context.request(&ws)?;
    let mut answered = None;
    match (&options.absent, &options.keep, path) {
        (Some(absent), _, path) => {
            let answer = match absent {
                Absent::Accept => AbsenceAnswer::Accept,
                Absent::Restore => AbsenceAnswer::Restore,
            };
            request.absent = Some((answer, path));
        }
        (None, Some(keep), Some(path)) => {
            let keep = match keep.as_str() {
                "this" => Keep::This,
                "other" => Keep::Other,
                "both" => Keep::Both,
                "merged" => Keep::Merged,
                named => Keep::Named(named.to_owned()),
            };
            answered =
                Some(Cycle::for_answers(&ws, &rules)?.answer(&path, &keep, options.cell.as_deref())?);
        }
        _ => {}
    }
    let report = sync::run(&ws, &rules, request, context.printer.as_ref())?;
    if let Some(answered) = &answered {
        // what another computer sent meanwhile came in before the answer
        ws.ledger.make_latest(answered.operation).map_err(EngineError::from)?;
    }
    let document = Document { answered, sync: report };
    let exit = document.sync.exit();
    if context.printer.document(&document) {
        return Ok(exit);
    }
    let Document { answered, sync } = document;
    for beside in answered.iter().flat_map(|answered| &answered.beside) {
        context.printer.line(format!("The other side lies beside it as {beside}."));
    }
    tell(&context.printer, &sync);
    Ok(exit)
}
