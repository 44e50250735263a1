//! The program: reads the command line, opens the workspace, runs one verb, prints what came of it. All output goes
//! through the printer, all bad news through one funnel: what happened, why, what to do.

mod args;
mod consent;
mod context;
mod doubt;
mod log;
mod opener;
mod printer;
mod question;
mod stop;
mod talk;
mod verbs;

use std::process::ExitCode;
use std::sync::Arc;
use std::sync::mpsc::{RecvTimeoutError, channel};
use std::time::Duration;

use clap::Parser;
use kitbag_core::finding::{Exit, Finding};
use kitbag_platform::process::notice_interrupt;

use args::{AgentVerb, Args, Verb};
use context::{Context, usage};
use printer::Printer;
use stop::Stop;

/// How often to look whether a command that another program talks with is to end.
const TURN: Duration = Duration::from_millis(20);
/// As large as the main thread's.
const STACK: usize = 8 << 20;

fn main() -> ExitCode {
    kitbag_platform::memory::keep_small();
    let stop = Arc::new(Stop::default());
    let args = match Args::try_parse() {
        Ok(args) => args,
        Err(error) => {
            let talk = args::wants_talk(std::env::args_os()).then(|| Printer::talking(&stop));
            let exit = args::explain(&error, talk.as_ref());
            if let Some(printer) = talk {
                printer.end(exit);
            }
            return ExitCode::from(exit.code());
        }
    };
    let printer = Arc::new(Printer::new(&args, &stop));
    // a program nobody watches writes into a file
    if !matches!(&args.verb, Some(Verb::Agent(agent)) if matches!(agent.verb, AgentVerb::Run { .. })) {
        log::to_stderr(args.verbose);
    }
    let exit =
        if printer.talk().is_some() { attended(args, &printer, &stop) } else { ended(args, &printer, &stop) };
    printer.end(exit);
    ExitCode::from(exit.code())
}

/// The verb while another program talks with it: answers are listened to, and a request to end is followed at once and
/// still has a last line.
fn attended(args: Args, printer: &Arc<Printer>, stop: &Arc<Stop>) -> Exit {
    if let Err(error) = notice_interrupt() {
        tracing::warn!(%error, "a request to end will not be noticed");
    }
    let thread = || std::thread::Builder::new().stack_size(STACK);
    let listener = Arc::clone(printer);
    let listen = move || listener.talk().map_or((), |talk| talk.listen(std::io::stdin().lock()));
    let (done, end) = channel();
    let (its_printer, its_stop) = (Arc::clone(printer), Arc::clone(stop));
    // whoever waits has gone only with the whole program
    let work = move || done.send(ended(args, &its_printer, &its_stop)).unwrap_or(());
    if let Err(error) = thread().spawn(listen).and_then(|_| thread().spawn(work)) {
        printer.finding(&Finding::new("kitbag cannot start work", error.to_string(), "Try again."));
        return Exit::Failed;
    }
    loop {
        match end.recv_timeout(TURN) {
            Ok(exit) => return exit,
            Err(RecvTimeoutError::Timeout) if !stop.at_once() => {}
            Err(RecvTimeoutError::Disconnected) => return Exit::Bug,
            Err(RecvTimeoutError::Timeout) => {
                printer.finding(&Finding::new(
                    "this was stopped before it was done",
                    "Somebody asked for it. Nothing is lost.",
                    "The next command goes on where this one was.",
                ));
                return Exit::Failed;
            }
        }
    }
}

/// The verb to its end.
fn ended(args: Args, printer: &Arc<Printer>, stop: &Arc<Stop>) -> Exit {
    caught(printer, || run(args, Arc::clone(printer), Arc::clone(stop)))
}

/// What came of it, and what there is to say about that.
fn caught(printer: &Printer, run: impl FnOnce() -> Outcome) -> Exit {
    match std::panic::catch_unwind(std::panic::AssertUnwindSafe(run)) {
        Ok(Ok(exit)) => exit,
        Ok(Err(trouble)) => {
            printer.finding(&trouble.finding);
            trouble.exit
        }
        Err(_) => {
            printer.finding(&Finding::new(
                "kitbag stopped because of a mistake of its own",
                "The work in both folders is as it was; the next sync looks at everything again.",
                "Please report the lines above.",
            ));
            Exit::Bug
        }
    }
}

/// What stops a verb.
pub struct Trouble {
    finding: Finding,
    exit: Exit,
}

impl From<kitbag_engine::EngineError> for Trouble {
    fn from(error: kitbag_engine::EngineError) -> Self {
        Trouble { finding: error.finding(), exit: error.exit() }
    }
}

impl From<Finding> for Trouble {
    fn from(finding: Finding) -> Self {
        Trouble { finding, exit: Exit::Failed }
    }
}

type Outcome = Result<Exit, Trouble>;

fn run(mut args: Args, printer: Arc<Printer>, stop: Arc<Stop>) -> Outcome {
    let bare = args.verb.is_none();
    let verb = args.verb.take().unwrap_or(Verb::Status);
    if args.talk && verb.is_mute() {
        return Err(usage("nobody can talk with this command", "Run it without --talk."));
    }
    let context = Context::new(&args, printer, stop)?;
    if bare {
        let outcome = verbs::status::run(&context);
        // bad news says itself what to do
        if outcome.is_ok() {
            verbs::page::mention(&context);
        }
        return outcome;
    }
    match verb {
        Verb::Setup(options) => verbs::setup::run(&context, &options),
        Verb::Status => verbs::status::run(&context),
        Verb::Where => verbs::whereabouts::run(&context),
        Verb::Sync(options) => verbs::sync::run(&context, &options),
        Verb::Conflicts(options) => verbs::conflicts::run(&context, &options),
        Verb::Resolve(options) => verbs::resolve::run(&context, &options),
        Verb::Up(options) => verbs::up::run(&context, &options),
        Verb::Done => verbs::done::run(&context),
        Verb::Reset(options) => verbs::reset::run(&context, &options),
        Verb::History(options) => verbs::history::run(&context, &options),
        Verb::Restore(options) => verbs::restore::run(&context, &options),
        Verb::Diff(options) => verbs::diff::run(&context, &options),
        Verb::Merge(options) => verbs::merge::run(&context, &options),
        Verb::Undo(options) => verbs::undo::run(&context, &options),
        Verb::Open(options) => verbs::open::run(&context, &options),
        Verb::Logs(options) => verbs::logs::run(&context, &options),
        Verb::Exec(options) => verbs::exec::run(&context, &options),
        Verb::Clean(options) => verbs::clean::run(&context, &options),
        Verb::Verify(options) => verbs::verify::run(&context, &options),
        Verb::Takeaway(options) => verbs::takeaway::run(&context, &options),
        Verb::Report(options) => verbs::report::run(&context, &options),
        Verb::Snapshot(options) => verbs::snapshot::run(&context, options),
        Verb::Course(options) => verbs::course::run(&context, &options),
        Verb::Plugin(options) => verbs::plugin::run(&context, &options),
        Verb::Agent(options) => verbs::agent::run(&context, &options),
        Verb::Page(options) => verbs::page::run(&context, &options),
        Verb::Demo(options) => verbs::demo::run(&context, &options),
        Verb::Doctor(options) => verbs::doctor::run(&context, &options),
        Verb::Completions(options) => verbs::completions::run(&context, &options),
        Verb::CompilePlugin => Ok(verbs::compile_plugin::run(&context)),
    }
}
