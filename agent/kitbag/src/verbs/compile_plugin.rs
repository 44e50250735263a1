//! `compile-plugin`: a process of kitbag's own, started by another one. It has limits, and takes nobody else along. Of a
//! state root it knows the folder of compiled plugins only, which it is given as one.

use kitbag_core::finding::Exit;
use kitbag_engine::environment;

use crate::context::Context;

/// Compile what comes in; words about what is no plugin go to whoever started this.
pub fn run(context: &Context) -> Exit {
    let Err(error) = environment::compile(&context.home, std::io::stdin().lock()) else { return Exit::Done };
    context.printer.say(error.to_string());
    if error.not_a_plugin() { Exit::Failed } else { Exit::Missing }
}
