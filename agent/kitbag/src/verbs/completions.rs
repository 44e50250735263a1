//! `completions SHELL`.

use clap::CommandFactory;
use kitbag_core::finding::Exit;

use crate::Outcome;
use crate::args::{Args, Completions};
use crate::context::Context;

/// Print them.
pub fn run(_: &Context, options: &Completions) -> Outcome {
    clap_complete::generate(options.shell, &mut Args::command(), "kitbag", &mut std::io::stdout());
    Ok(Exit::Done)
}
