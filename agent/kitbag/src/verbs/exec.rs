//! `exec`: a command beside the services, with their addresses in its environment. Its exit code is passed on.

use kitbag_core::finding::{Exit, Finding};
use kitbag_engine::environment;

use crate::Outcome;
use crate::args::Exec;
use crate::context::Context;

/// Run it.
pub fn run(context: &Context, options: &Exec) -> Outcome {
    let ws = context.look()?;
    let service = options.service.as_deref();
    let code = context.wait(environment::exec(&ws, &context.home, service, &options.command, None))?;
    match code.map(u8::try_from) {
        Some(Ok(code)) => Ok(Exit::Passed(code)),
        Some(Err(_)) => Ok(Exit::Failed),
        None => Err(Finding::new("the command was ended by a signal", "", "Run it again.").into()),
    }
}
