//! The program: reads the command line, opens the workspace, runs one verb, prints what came of it. All output goes
//! through the printer, all bad news through one funnel: what happened, why, what to do.

mod args;
mod context;
mod doubt;
mod log;
mod opener;
mod printer;
mod verbs;

use std::process::ExitCode;
use std::sync::Arc;

use clap::Parser;
use kitbag_core::finding::{Exit, Finding};

use args::{AgentVerb, Args, Verb};
use context::Context;
use printer::Printer;

fn main() -> ExitCode {
    kitbag_platform::memory::keep_small();
    let args = match Args::try_parse() {
        Ok(args) => args,
        Err(error) => return args::explain(error),
    };
    let printer = Arc::new(Printer::new(args.json, args.plain));
    // a program nobody watches writes into a file
    if !matches!(&args.verb, Some(Verb::Agent(agent)) if agent.verb == AgentVerb::Run) {
        log::to_stderr(args.verbose);
    }
    let outcome = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| run(args, printer.clone())));
    let exit = match outcome {
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
    };
    ExitCode::from(exit.code())
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

fn run(args: Args, printer: Arc<Printer>) -> Outcome {
    let context = Context::new(&args, printer)?;
    match args.verb.unwrap_or(Verb::Status) {
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
        Verb::Undo(options) => verbs::undo::run(&context, &options),
        Verb::Open(options) => verbs::open::run(&context, &options),
        Verb::Logs(options) => verbs::logs::run(&context, &options),
        Verb::Exec(options) => verbs::exec::run(&context, &options),
        Verb::Clean(options) => verbs::clean::run(&context, &options),
        Verb::Verify(options) => verbs::verify::run(&context, &options),
        Verb::Takeaway(options) => verbs::takeaway::run(&context, &options),
        Verb::Snapshot(options) => verbs::snapshot::run(&context, options),
        Verb::Course(options) => verbs::course::run(&context, &options),
        Verb::Plugin(options) => verbs::plugin::run(&context, &options),
        Verb::Agent(options) => verbs::agent::run(&context, &options),
        Verb::Demo(options) => verbs::demo::run(&context, &options),
        Verb::Doctor(options) => verbs::doctor::run(&context, &options),
        Verb::Completions(options) => verbs::completions::run(&context, &options),
        Verb::CompilePlugin => Ok(verbs::compile_plugin::run(&context)),
    }
}
