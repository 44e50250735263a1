//! What could be lost is told before it is, and the person asked whether to go on.

use kitbag_core::path::shown;
use kitbag_engine::environment::Doubt;

use crate::context::Context;

/// Whether to go on. `--yes` goes on; where nobody can be asked, only if nothing is known to run.
pub fn go_on(context: &Context, doubt: &Doubt) -> bool {
    let say = |text: String| context.printer.say(text);
    match doubt {
        Doubt::Notebooks(at_work) => {
            for name in &at_work.running {
                say(format!("Still running: {}", shown(name)));
            }
            for name in &at_work.unsaved {
                say(format!("Perhaps not saved: {}", shown(name)));
            }
            let surely = !at_work.running.is_empty();
            agreed(context, "Stop all the same? What runs ends, what is not saved is lost. [y/N]", !surely)
        }
        Doubt::Unsaved(databases) => {
            for (service, why) in databases {
                say(format!("The database {} cannot be saved: {}", shown(service), shown(why)));
            }
            say("What was changed since its last backup would be lost.".to_owned());
            agreed(context, "Go on all the same? [y/N]", false)
        }
    }
}

fn agreed(context: &Context, question: &str, unasked: bool) -> bool {
    if context.yes {
        return true;
    }
    context.ask(question).map_or(unasked, |answer| matches!(answer.as_str(), "y" | "Y" | "yes"))
}
