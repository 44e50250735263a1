//! `up`: everything here, the course started.

use std::cell::Cell;

use kitbag_core::finding::Exit;
use kitbag_core::path::shown;
use kitbag_engine::environment::{
    self, AskedDatabase, AskedPython, Doubt, Opened, Options, Question, ServiceView,
};
use kitbag_engine::error::show;
use kitbag_engine::sync::report::Report;
use serde::Serialize;

use super::agent;
use super::sync::tell;
use crate::args::Up;
use crate::context::Context;
use crate::{Outcome, doubt, opener};

#[derive(Serialize)]
struct Document {
    services: Vec<ServiceView>,
    notes: Vec<String>,
    sync: Report,
}

/// Begin.
pub fn run(context: &Context, options: &Up) -> Outcome {
    let ws = context.open()?;
    let asked = Cell::new(false);
    let ask = |question: &Question| consent(context, question, &asked);
    let go_on = |doubt: &Doubt| doubt::go_on(context, doubt);
    let wanted = Options { backend: options.backend.clone(), ask: &ask, go_on: &go_on };
    let up = context.wait(environment::up(&ws, &context.home, &wanted, context.printer.clone()))?;
    started(context, up, options)
}

/// What `up` and `reset` do and say at the end.
pub fn started(context: &Context, up: environment::Up, options: &Up) -> Outcome {
    let exit = up.report.exit();
    agent::begin(context);
    if context.printer.json() {
        context.printer.document(&Document { services: up.services, notes: up.notes, sync: up.report });
        return Ok(exit);
    }
    let printer = &context.printer;
    tell(printer, &up.report);
    for note in &up.notes {
        printer.line(shown(note));
    }
    for service in &up.services {
        let url = service.url.as_deref().map(|url| format!("  {}", shown(url))).unwrap_or_default();
        printer.line(format!("  {}: {}{url}", shown(&service.name), service.state));
    }
    if exit == Exit::Done {
        printer.line("Ready. When you have finished: `kitbag done`.");
    }
    match up.open {
        Some(opened @ Opened::Url { .. }) if !options.no_open && !context.yes => opener::open(&opened)?,
        Some(Opened::Folder(folder)) => printer.line(format!("Your files are in {}.", show(&folder))),
        _ => {}
    }
    Ok(exit)
}

/// What it means to control Docker, for every system in its own words.
const DOCKER: &str = if cfg!(target_os = "linux") {
    "Anything that controls Docker can read and change every file on this computer and become administrator."
} else {
    "Anything that controls Docker can read and change every file Docker may see on this computer, often your whole \
     home folder, and is administrator of Docker's own machine."
};

/// Ask whether the course's programs may be started and Docker used, and say what that means.
pub fn consent(context: &Context, question: &Question, asked: &Cell<bool>) -> bool {
    if context.yes {
        return true;
    }
    if asked.replace(true) {
        return false;
    }
    let again = if question.again { " has changed and" } else { "" };
    let course = shown(&question.course);
    if let Some(engine) = &question.engine {
        let say = |text: String| context.printer.say(text);
        say(format!(
            "The course \"{course}\"{again} runs with \"{}\", which wants to control Docker:",
            shown(&engine.title)
        ));
        say(format!("  {}", shown(&engine.reason)));
        say(DOCKER.to_owned());
        say("kitbag will limit it to containers it made, folders you chose and no privileged mode; a determined \
             attacker may get round this."
            .to_owned());
        let rights: Vec<_> = engine.rights.iter().map(|right| right.words()).collect();
        if !rights.is_empty() {
            say(format!("It may also: {}.", rights.join("; ")));
        }
        say(format!("Made by: {}.", shown(&engine.publisher)));
    }
    if !question.databases.is_empty() {
        databases(context, &question.databases);
    }
    if let Some(python) = &question.python {
        packages(context, question, python, &course, again);
    }
    if !question.programs.is_empty() {
        programs(context, question, &course, again);
    }
    context
        .ask("Allow it for this course? [y/N]")
        .is_some_and(|answer| matches!(answer.as_str(), "y" | "Y" | "yes"))
}

/// The commands of the course that keep its databases. They run in its environment, not on this computer.
fn databases(context: &Context, asked: &[AskedDatabase]) {
    context.printer.say(
        "To keep your databases it runs these commands of the course, in the course's environment and nowhere else:",
    );
    for database in asked {
        for command in &database.commands {
            context.printer.say(format!(
                "  {}, to {}: {}",
                shown(&database.service),
                command.purpose,
                shown(&words(&command.argv))
            ));
        }
    }
}

/// A command as a person reads it: words with spaces in them in quotes.
fn words(argv: &[String]) -> String {
    let word = |word: &String| {
        let plain = !word.is_empty() && !word.contains([' ', '\t', '\n', '"', '\'']);
        if plain { word.clone() } else { format!("'{}'", word.replace('\'', "'\\''")) }
    };
    argv.iter().map(word).collect::<Vec<_>>().join(" ")
}

/// Most packages that are named; a list nobody reads to its end helps nobody.
const NAMED: usize = 20;

fn packages(context: &Context, question: &Question, python: &AskedPython, course: &str, again: &str) {
    let file = python.file.as_ref().map_or_else(|| "not installed".to_owned(), show);
    let mut names: Vec<_> = python.packages.iter().take(NAMED).map(|name| shown(name)).collect();
    let more = python.packages.len() - names.len();
    if more > 0 {
        names.push(format!("and {more} more"));
    }
    context.printer.say(format!(
        "The course \"{course}\"{again} installs Python packages into a folder of its own on this computer, with {} \
         ({file}):",
        shown(&python.program)
    ));
    context.printer.say(format!("  {} and what they need", names.join(", ")));
    if question.programs.is_empty() {
        context.printer.say("A package can do everything you can do on this computer.");
    }
}

fn programs(context: &Context, question: &Question, course: &str, again: &str) {
    context
        .printer
        .say(format!("The course \"{course}\"{again} wants to start these programs of your computer:"));
    for program in &question.programs {
        let absent = if question.python.is_some() { "from these packages" } else { "not installed" };
        let file = program.file.as_ref().map_or_else(|| absent.to_owned(), show);
        let uses: Vec<_> = program.uses.iter().map(|name| shown(name)).collect();
        context.printer.say(format!("  {} ({file}), for {}", shown(&program.program), uses.join(", ")));
    }
    context.printer.say("A program started here can do everything you can do on this computer.");
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_command_is_read_as_it_would_be_written() {
        let said = |argv: &[&str]| words(&argv.iter().map(|&word| word.to_owned()).collect::<Vec<_>>());
        assert_eq!(said(&["pg_dump", "--no-owner"]), "pg_dump --no-owner");
        assert_eq!(said(&["sed", "s/a b/c/", "", "it's"]), "sed 's/a b/c/' '' 'it'\\''s'");
    }
}
