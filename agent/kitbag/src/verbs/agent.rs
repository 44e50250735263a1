//! `agent`: saves what is open in the background. `run` is the agent itself, in the foreground; `start` and `up` start it as
//! a program that stays; `stop` ends it.

use std::ffi::OsString;
use std::io::{IsTerminal, stdout};

use kitbag_core::finding::{Exit, Finding};
use kitbag_engine::agent::{self, Agent, Started, Stopped, Why};
use kitbag_engine::error::{EngineError, show};
use kitbag_engine::events;
use kitbag_engine::workspace::{Workspace, list};
use kitbag_platform::process::{RealProcesses, notice_interrupt};
use serde::Serialize;

use crate::args::{Agent as Options, AgentVerb};
use crate::context::Context;
use crate::{Outcome, Trouble, log};

#[derive(Serialize)]
struct Document {
    /// Whether the agent lives now.
    running: bool,
    /// Whether this command changed that.
    changed: bool,
}

/// Run, start or stop it.
pub fn run(context: &Context, options: &Options) -> Outcome {
    match options.verb {
        AgentVerb::Run => live(context),
        AgentVerb::Start => start(context),
        AgentVerb::Stop => stop(context),
    }
}

fn live(context: &Context) -> Outcome {
    // before anybody can see that it lives; where nothing can be noticed it ends at once, as ever, which loses nothing
    let noticed = notice_interrupt();
    let program = std::env::current_exe().ok();
    let agent =
        Agent::begin(&context.home, context.config.clone(), context.doors.clone(), program.as_deref())?;
    let file = agent::log(&context.home);
    log::to_file(&file).map_err(EngineError::io("cannot write", &file))?;
    if let Err(error) = noticed {
        tracing::warn!(%error, "the end will not be noticed");
    }
    let seconds = context.config.checkpoint_seconds;
    tracing::info!(version = env!("CARGO_PKG_VERSION"), process = std::process::id(), seconds, "begins");
    if stdout().is_terminal() {
        let line =
            format!("Saving what is open every {seconds} seconds, until no course is open. Ctrl-C ends it.");
        context.printer.line(line);
        context.printer.line(format!("What it does stands in {}.", show(&file)));
    }
    super::page::serve(context);
    let why = context.wait(async { Ok::<_, Trouble>(agent.live().await) })?;
    tracing::info!(?why, "ends");
    let words = match why {
        Why::Closed => "No course is open any more.",
        Why::Asked => "Ended.",
        Why::Gone => "This computer's own state is not there any more.",
        Why::Replaced => "The program was replaced; the next `kitbag up` starts the new one.",
    };
    if stdout().is_terminal() {
        context.printer.line(words);
    }
    Ok(Exit::Done)
}

fn start(context: &Context) -> Outcome {
    let open = any_open(context)?;
    let started = if open { Some(spawn(context)?) } else { None };
    let running = open || agent::runs(&context.home)?;
    let changed = started == Some(Started::Now);
    if context.printer.document(&Document { running, changed }) {
        return Ok(Exit::Done);
    }
    context.printer.line(match started {
        Some(Started::Now) => "Your work is saved in the background from now on, until `kitbag done`.",
        Some(Started::Already) => "Your work is saved in the background already.",
        None => "No course is open, so there is nothing to save. `kitbag up` starts this by itself.",
    });
    Ok(Exit::Done)
}

fn stop(context: &Context) -> Outcome {
    let waiting = || context.printer.say("Waiting for kitbag in the background to end …");
    let (home, seconds) = (&context.home, context.config.agent_stop_seconds);
    let stopped = agent::stop(home, &context.doors, &RealProcesses::new(), seconds, &waiting)?;
    let changed = stopped != Stopped::NotRunning;
    if context.printer.document(&Document { running: false, changed }) {
        return Ok(Exit::Done);
    }
    context.printer.line(match stopped {
        Stopped::NotRunning => "Nothing runs in the background.",
        Stopped::Ended => "Nothing is saved in the background any more. The next `kitbag up` starts it again.",
        Stopped::ByForce => {
            "It did not end by itself and was ended by force. Nothing is lost; the next command goes on where it was."
        }
    });
    Ok(Exit::Done)
}

/// At the end of `up` and `reset`: whatever is open is saved from now on. A course that runs is worth more than this, so
/// trouble is told and no failure.
pub fn begin(context: &Context) {
    if !context.config.agent_start || context.config.checkpoint_seconds == 0 {
        return;
    }
    if let Err(Trouble { finding: Finding { what, why, remedy }, .. }) = spawn(context) {
        context.printer.say(format!("{what}. {why} {remedy}"));
    }
}

/// For the page: one that lives.
///
/// # Errors
/// It cannot be started.
pub fn stay(context: &Context) -> Result<(), Trouble> {
    spawn(context).map(drop)
}

/// Whether any workspace here is open. One that cannot be read is not.
fn any_open(context: &Context) -> Result<bool, Trouble> {
    let open = |settings| -> Result<bool, EngineError> {
        let ws = Workspace::look(&context.home, settings, context.config.clone(), context.doors.clone())?;
        events::session_open(&ws.ledger)
    };
    Ok(list(&context.home, &context.doors)?.into_iter().any(|settings| open(settings).unwrap_or(false)))
}

/// The same kitbag, with the same state root and settings.
fn spawn(context: &Context) -> Result<Started, Trouble> {
    let program = std::env::current_exe().map_err(EngineError::io("cannot find", "this program"))?;
    let mut arguments: Vec<OsString> = vec!["--home".into(), context.home.clone().into()];
    for setting in &context.given {
        arguments.extend(["--config".into(), setting.into()]);
    }
    arguments.extend(["agent".into(), "run".into()]);
    let surroundings = std::env::vars_os().collect();
    let processes = RealProcesses::new();
    Ok(agent::start(&context.home, &context.doors, &processes, &program, arguments, surroundings)?)
}
