//! `verify`: is everything that is stored whole? Nothing in either folder is changed.

use kitbag_engine::error::{count, size};
use kitbag_engine::storage::verify::{Checked, Fault, Healer, State, verify};

use crate::Outcome;
use crate::args::VerifyOptions;
use crate::context::Context;

/// Look and tell.
pub fn run(context: &Context, options: &VerifyOptions) -> Outcome {
    let ws = context.look()?;
    let found = verify(&ws, options.files, context.printer.as_ref())?;
    let printer = &context.printer;
    if printer.document(&found) {
        return Ok(found.exit());
    }
    for fault in &found.damaged {
        printer.line(format!("{} {}.{}", fault.place, fault.what, remedy(fault)));
    }
    for fault in &found.waiting {
        printer.line(format!("{} {}.", fault.place, fault.what));
    }
    for remark in &found.remarks {
        printer.say(remark);
    }
    printer.line(looked_at(&found.checked));
    printer.line(match found.state {
        State::Well => "Everything is whole.".to_owned(),
        State::Waiting => "Nothing is damaged; the cloud folder has not brought everything yet.".to_owned(),
        State::Damaged => format!("{} not as it should be.", count(found.damaged.len(), "thing")),
    });
    Ok(found.exit())
}

fn remedy(fault: &Fault) -> String {
    match fault.healer {
        Healer::Here => " `kitbag sync` on this machine puts it right.".into(),
        Healer::Elsewhere => {
            format!(" To put it right, run `kitbag sync` on {}.", fault.machines.join(" or "))
        }
        Healer::Nobody => String::new(),
    }
}

fn looked_at(checked: &Checked) -> String {
    let of = |n: u64, one: &str| count(usize::try_from(n).unwrap_or(usize::MAX), one);
    let files = if checked.files > 0 { format!(", {}", of(checked.files, "file")) } else { String::new() };
    format!(
        "Looked at {} in {} of the history ({}){files}.",
        of(checked.versions, "version"),
        of(checked.packs, "part"),
        size(checked.bytes)
    )
}
