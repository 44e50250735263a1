//! `doctor`: what could be wrong with this computer or around the work, and what can be mended. Before `setup` it looks
//! the computer over.

use kitbag_core::finding::Exit;
use kitbag_core::path::shown;
use kitbag_engine::EngineError;
use kitbag_engine::doctor::{Checked, Diagnosis, Machine, State, examine, exit};
use kitbag_engine::workspace::{Workspace, list};
use kitbag_platform::autostart::RealAutostart;
use kitbag_platform::outbound::{Outbound, RealOutbound};
use kitbag_platform::places::RealPlaces;
use kitbag_platform::process::RealPorts;
use kitbag_platform::provider::RealPrograms;
use serde::Serialize;

use crate::args::Doctor;
use crate::context::Context;
use crate::{Outcome, Trouble};

#[derive(Serialize)]
struct Document {
    /// The workspace that was looked over; none where only the computer was.
    workspace: Option<String>,
    checks: Vec<Checked>,
}

/// The workspace, where one is set up here. One that was named has to be there.
fn workspace(context: &Context, fix: bool) -> Result<Option<Workspace>, Trouble> {
    if context.named().is_none() && list(&context.home, &context.doors)?.is_empty() {
        return Ok(None);
    }
    // mending wants the workspace for itself
    Ok(Some(if fix { context.open()? } else { context.look()? }))
}

/// The computer and a workspace looked over. `fix` mends, `network` tries what the course names.
///
/// # Errors
/// The system gives no room for it.
pub fn looked_over(
    context: &Context,
    ws: Option<&Workspace>,
    fix: bool,
    network: bool,
) -> Result<Vec<Checked>, Trouble> {
    let machine = Machine {
        home: &context.home,
        doors: &context.doors,
        places: &RealPlaces,
        programs: &RealPrograms,
        ports: &RealPorts,
        autostart: &RealAutostart::here(),
        outbound: network.then_some(&RealOutbound as &dyn Outbound),
    };
    context.wait(async { Ok::<_, EngineError>(examine(&machine, ws, fix).await) })
}

/// Look everything over.
pub fn run(context: &Context, options: &Doctor) -> Outcome {
    let fix = options.fix && !options.dry_run;
    let ws = workspace(context, fix)?;
    let checks = looked_over(context, ws.as_ref(), fix, options.network)?;
    let exit = exit(&checks);
    let document = Document { workspace: ws.as_ref().map(|ws| ws.settings.name.clone()), checks };
    if context.printer.document(&document) {
        return Ok(exit);
    }
    let checks = document.checks;
    for checked in &checks {
        let seen = checked.seen.as_ref().map(|seen| format!("  {}", shown(seen))).unwrap_or_default();
        context.printer.line(format!("{:<22}{}{seen}", checked.check, word(checked.state)));
        checked.findings.iter().for_each(|diagnosis| tell(context, diagnosis, options.dry_run));
    }
    if ws.is_none() {
        context
            .printer
            .line("This is the computer alone. `kitbag setup` joins a cloud folder and a working folder.");
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
        State::NotAsked => "not asked",
        State::Note => "worth knowing",
        State::NotChecked => "could not look",
        State::Bad => "needs you",
    }
}

fn tell(context: &Context, diagnosis: &Diagnosis, dry_run: bool) {
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
            let when = if dry_run { "Would be mended" } else { "Can be mended" };
            printer.line(format!("    {when}: {}.", treated.does));
        }
        None => printer.line(format!("    To do: {}", finding.remedy)),
    }
}
