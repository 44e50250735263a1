//! `doctor`: what could be wrong around the work, and what can be mended.

use kitbag_core::finding::Exit;
use kitbag_core::path::shown;
use kitbag_engine::doctor::{Checked, Diagnosis, Patient, State, examine, exit};
use kitbag_platform::disk::RealDisk;
use kitbag_platform::places::RealPlaces;
use kitbag_platform::provider::RealPrograms;
use kitbag_platform::specs::RealHost;
use serde::Serialize;

use crate::Outcome;
use crate::args::Doctor;
use crate::context::Context;

#[derive(Serialize)]
struct Document {
    checks: Vec<Checked>,
}

/// Look everything over.
pub fn run(context: &Context, options: &Doctor) -> Outcome {
    // mending wants the workspace for itself
    let ws = if options.fix { context.open()? } else { context.look()? };
    let patient = Patient {
        ws: &ws,
        home: &context.home,
        places: &RealPlaces,
        host: &RealHost(RealDisk),
        programs: &RealPrograms,
    };
    let checks = examine(&patient, options.fix);
    let exit = exit(&checks);
    let document = Document { checks };
    if context.printer.document(&document) {
        return Ok(exit);
    }
    let Document { checks } = document;
    for checked in &checks {
        context.printer.line(format!("{:<22}{}", checked.check, word(checked.state)));
        checked.findings.iter().for_each(|diagnosis| tell(context, diagnosis));
    }
    let treatable = |diagnosis: &Diagnosis| diagnosis.treatment.as_ref().is_some_and(|treated| !treated.done);
    if !options.fix && checks.iter().flat_map(|checked| &checked.findings).any(treatable) {
        context.printer.line("`kitbag doctor --fix` does what is marked with \"can be mended\".");
    }
    if exit == Exit::Done {
        context.printer.line("Nothing stands in the way.");
    }
    Ok(exit)
}

fn word(state: State) -> &'static str {
    match state {
        State::Good => "good",
        State::Note => "worth knowing",
        State::NotChecked => "could not look",
        State::Bad => "needs you",
    }
}

fn tell(context: &Context, diagnosis: &Diagnosis) {
    let printer = &context.printer;
    let finding = &diagnosis.finding;
    printer.line(format!("  {}", finding.what));
    if !finding.why.is_empty() {
        printer.line(format!("    {}", finding.why));
    }
    match &diagnosis.treatment {
        Some(treated) if treated.done => printer.line(format!("    Mended: {}.", treated.does)),
        Some(treated) => {
            if let Some(failed) = &treated.failed {
                printer.line(format!("    Could not be mended: {}", shown(failed)));
            }
            printer.line(format!("    Can be mended: {}.", treated.does));
        }
        None => printer.line(format!("    To do: {}", finding.remedy)),
    }
}
