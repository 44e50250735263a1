//! `agent`: carries everything in the background. `run` is the agent itself, in the foreground; `start` starts it as a
//! program of its own that stays, `up` as one that ends with the last open course; `stop` ends it. A new version of the
//! program goes on in the place of an agent that stays.

use std::ffi::OsString;
use std::io::{IsTerminal, stdout};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use kitbag_core::finding::{Exit, Finding};
use kitbag_engine::agent::{self, Agent, Given, Started, Stopped, Why};
use kitbag_engine::error::{EngineError, show};
use kitbag_platform::notice::RealNotices;
use kitbag_platform::process::{Launch, RealProcesses, go_on_as, notice_interrupt};
use kitbag_platform::watch::RealWatcher;
use serde::Serialize;

use super::install;
use crate::args::{Agent as Options, AgentVerb};
use crate::context::Context;
use crate::{Outcome, Trouble, log};

/// How often a new program is tried that does not start, a second apart.
const TRIES: u32 = 5;

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
        AgentVerb::Run { stay } => live(context, stay),
        AgentVerb::Start => start(context),
        AgentVerb::Stop => stop(context),
        AgentVerb::Install => install::install(context),
        AgentVerb::Uninstall => install::uninstall(context),
    }
}

fn live(context: &Context, stay: bool) -> Outcome {
    // before anybody can see that it lives; where nothing can be noticed it ends at once, as ever, which loses nothing
    let noticed = notice_interrupt();
    let program = std::env::current_exe().ok();
    let (watcher, desktop) = (Arc::new(RealWatcher::new()), Arc::new(RealNotices));
    let given = Given { program: program.clone(), stay, watcher, desktop };
    let agent = Agent::begin(&context.home, context.config.clone(), context.doors.clone(), given)?;
    let file = agent::log(&context.home);
    log::to_file(&file).map_err(EngineError::io("cannot write", &file))?;
    if let Err(error) = noticed {
        tracing::warn!(%error, "the end will not be noticed");
    }
    let seconds = context.config.checkpoint_seconds;
    tracing::info!(
        version = env!("CARGO_PKG_VERSION"),
        process = std::process::id(),
        stay,
        seconds,
        "begins"
    );
    if stdout().is_terminal() {
        let until = if stay { "until it is ended" } else { "until no course is open" };
        context.printer.line(format!("Carrying your files as they change, {until}. Ctrl-C ends it."));
        context.printer.line(format!("What it does stands in {}.", show(&file)));
    }
    super::page::serve(context, agent.desk());
    let why = context.wait(async { Ok::<_, Trouble>(agent.live_and_answer().await) })?;
    tracing::info!(?why, "ends");
    if let (Why::Replaced, true, Some(program)) = (why, stay, program) {
        succeed(&program, file)?;
        return Ok(Exit::Done);
    }
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

/// The new program goes on in the place of this one, with the same arguments.
fn succeed(program: &Path, log: PathBuf) -> Result<(), Trouble> {
    let launch = Launch {
        program: program.to_owned(),
        arguments: std::env::args_os().skip(1).collect(),
        environment: std::env::vars_os().collect(),
        folder: program.parent().unwrap_or(Path::new("/")).to_owned(),
        log,
    };
    let mut tries = 0;
    loop {
        match go_on_as(&launch) {
            Ok(()) => return Ok(()),
            Err(error) if tries == TRIES => {
                tracing::error!(%error, "the new program does not start");
                return Err(EngineError::io("cannot start", program)(error).into());
            }
            // some systems let nobody start what was written a moment ago
            Err(_) => std::thread::sleep(Duration::from_secs(1)),
        }
        tries += 1;
    }
}

fn start(context: &Context) -> Outcome {
    let started = stay(context)?;
    let changed = started == Started::Now;
    if context.printer.document(&Document { running: true, changed }) {
        return Ok(Exit::Done);
    }
    context.printer.line(match started {
        Started::Now => "Your files are carried in the background from now on, until `kitbag agent stop`.",
        Started::Already => "Your files are carried in the background already.",
    });
    Ok(Exit::Done)
}

/// End the one that runs, if any, and wait for that.
pub fn end(context: &Context) -> Result<Stopped, Trouble> {
    let waiting = || context.printer.say("Waiting for kitbag in the background to end …");
    let (home, seconds) = (&context.home, context.config.agent_stop_seconds);
    Ok(agent::stop(home, &context.doors, &RealProcesses::new(), seconds, &waiting)?)
}

fn stop(context: &Context) -> Outcome {
    let stopped = end(context)?;
    let changed = stopped != Stopped::NotRunning;
    if context.printer.document(&Document { running: false, changed }) {
        return Ok(Exit::Done);
    }
    context.printer.line(match stopped {
        Stopped::NotRunning => "Nothing runs in the background.",
        Stopped::Ended => "Nothing is carried in the background any more. The next `kitbag up` starts it again.",
        Stopped::ByForce => {
            "It did not end by itself and was ended by force. Nothing is lost; the next command goes on where it was."
        }
    });
    Ok(Exit::Done)
}

/// At the end of `up` and `reset`: everything is carried and saved from now on. A course that runs is worth more than this, so
/// trouble is told and no failure.
pub fn begin(context: &Context) {
    if !context.config.agent_start {
        return;
    }
    if let Err(Trouble { finding: Finding { what, why, remedy }, .. }) = spawn(context, false) {
        context.printer.say(format!("{what}. {why} {remedy}"));
    }
}

/// For the page: one that lives, also when no course is open.
///
/// # Errors
/// It cannot be started, or the one there is does not end to make room.
pub fn stay(context: &Context) -> Result<Started, Trouble> {
    // one that `up` started ends with the last open course
    if agent::stays(&context.home, &context.doors)? == Some(false) {
        end(context)?;
    }
    spawn(context, true)
}

/// The same kitbag, with the same state root and settings.
pub fn spawn(context: &Context, stay: bool) -> Result<Started, Trouble> {
    let program = std::env::current_exe().map_err(EngineError::io("cannot find", "this program"))?;
    let mut arguments: Vec<OsString> = vec!["--home".into(), context.home.clone().into()];
    for setting in &context.given {
        arguments.extend(["--config".into(), setting.into()]);
    }
    arguments.extend(["agent".into(), "run".into()]);
    arguments.extend(stay.then(|| "--stay".into()));
    let surroundings = std::env::vars_os().collect();
    let processes = RealProcesses::new();
    Ok(agent::start(&context.home, &context.doors, &processes, &program, arguments, surroundings)?)
}
