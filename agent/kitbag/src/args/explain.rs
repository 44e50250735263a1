//! A command line that does not fit: said in clap's words, and words of other tools answered with the right verb.

use std::ffi::OsString;

use clap::error::{ContextKind, ContextValue, ErrorKind};
use kitbag_core::finding::{Exit, Finding};

use crate::printer::Printer;

/// Words from Vagrant, compose and git, and the verb that is meant.
const OTHER_WORDS: &[(&str, &str)] = &[
    ("halt", "done"),
    ("suspend", "done"),
    ("destroy", "reset"),
    ("ssh", "exec"),
    ("run", "exec"),
    ("provision", "up"),
    ("start", "up"),
    ("ps", "status"),
    ("push", "sync"),
    ("pull", "sync"),
    ("init", "setup"),
    ("clone", "setup"),
    ("reload", "reset"),
    ("log", "history"),
    ("checkout", "restore"),
    ("revert", "undo"),
    ("export", "takeaway"),
    ("package", "takeaway"),
];

/// Whether a command line that does not fit asks for talk.
pub fn wants_talk(words: impl Iterator<Item = OsString>) -> bool {
    words.take_while(|word| word != "--").any(|word| word == "--talk")
}

/// Print what clap has to say, with the right verb for words of other tools. `talk`: to the program that runs this.
pub fn explain(error: &clap::Error, talk: Option<&Printer>) -> Exit {
    let exit = if error.use_stderr() { Exit::Usage } else { Exit::Done };
    let hint = meant(error).map(|verb| format!("in kitbag this is `kitbag {verb}`"));
    if let Some(printer) = talk {
        let text = error.render().to_string();
        if exit == Exit::Done {
            text.lines().for_each(|line| printer.line(line));
            return exit;
        }
        let (what, why) = text.trim().split_once('\n').unwrap_or((text.trim(), ""));
        let remedy = hint.unwrap_or_else(|| "`kitbag --help` tells what there is".to_owned());
        let what = what.trim_start_matches("error: ");
        printer.finding(&Finding::new(what, why.trim(), format!("{remedy}.")));
        return exit;
    }
    // help and version go to stdout and are no error; a closed pipe is nobody's trouble
    error.print().ok();
    if let Some(hint) = hint {
        crate::printer::hint(&hint);
    }
    exit
}

/// The verb that is meant by a word of another tool.
fn meant(error: &clap::Error) -> Option<&'static str> {
    if error.kind() != ErrorKind::InvalidSubcommand {
        return None;
    }
    let ContextValue::String(word) = error.get(ContextKind::InvalidSubcommand)? else {
        return None;
    };
    OTHER_WORDS.iter().find(|(other, _)| other == word).map(|(_, verb)| *verb)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn talk_is_wanted_where_it_is_an_option() {
        let wants = |words: &[&str]| wants_talk(words.iter().map(OsString::from));
        assert!(wants(&["--talk", "frobnicate"]) && wants(&["resolve", "--talk"]));
        assert!(!wants(&["frobnicate"]) && !wants(&["exec", "--", "echo", "--talk"]));
    }
}
