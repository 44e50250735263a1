//! `reset`: a fresh environment, the same work.

use std::cell::Cell;

use kitbag_engine::environment::{self, Options, Question};

use super::up::{consent, started};
use crate::Outcome;
use crate::args::Up;
use crate::context::Context;

/// Start afresh.
pub fn run(context: &Context, options: &Up) -> Outcome {
    let ws = context.open()?;
    let asked = Cell::new(false);
    let ask = |question: &Question| consent(context, question, &asked);
    let wanted = Options { backend: options.backend.clone(), ask: &ask };
    let up = context.wait(environment::reset(&ws, &context.home, &wanted, context.printer.clone()))?;
    started(context, up, options)
}
