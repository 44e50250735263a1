//! `reset`: a fresh environment, the same work.

use std::cell::Cell;

use kitbag_engine::environment::{self, Doubt, Options, Question};

use super::up::started;
use crate::args::Up;
use crate::consent::consent;
use crate::context::Context;
use crate::{Outcome, doubt};

/// Start afresh.
pub fn run(context: &Context, options: &Up) -> Outcome {
    let ws = context.open()?;
    let asked = Cell::new(false);
    let ask = |question: &Question| consent(context, question, &asked);
    let go_on = |doubt: &Doubt| doubt::go_on(context, doubt);
    let wanted = Options { backend: options.backend.clone(), ask: &ask, go_on: &go_on };
    let up = context.wait(environment::reset(&ws, &context.home, &wanted, context.printer.clone()))?;
    started(context, up, options)
}
