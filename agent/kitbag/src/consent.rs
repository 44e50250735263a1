//! Asks whether what a course wants on this computer is allowed: to control Docker, to run commands for its databases, to
//! install packages, to start programs. What that means is told in plain words before the question; a program that talks
//! with kitbag gets the lists themselves too, to show them in its own way.

use std::cell::Cell;
use std::path::PathBuf;

use kitbag_core::path::shown;
use kitbag_engine::environment::{AskedDatabase, AskedEngine, AskedProgram, AskedPython, Question};
use kitbag_engine::error::show;
use serde_json::{Value, json};

use crate::context::Context;
use crate::question::{self, Kind};

/// What it means to control Docker, for every system in its own words.
const DOCKER: &str = if cfg!(target_os = "linux") {
    "Anything that controls Docker can read and change every file on this computer and become administrator."
} else {
    "Anything that controls Docker can read and change every file Docker may see on this computer, often your whole \
     home folder, and is administrator of Docker's own machine."
};

/// What every program and package may do.
const ALL: &str = "can do everything you can do on this computer.";

/// Ask whether the course's programs may be started and Docker used, and say what that means. `asked`: whether it was
/// asked in this command already; the same is not asked twice.
pub fn consent(context: &Context, question: &Question, asked: &Cell<bool>) -> bool {
    if context.yes {
        return true;
    }
    if asked.replace(true) {
        return false;
    }
    context.agrees(&worded(question)).unwrap_or(false)
}

fn worded(question: &Question) -> question::Question {
    let mut told = Vec::new();
    if let Some(asked) = &question.engine {
        engine(&mut told, asked, &whose(question));
    }
    if !question.databases.is_empty() {
        databases(&mut told, &question.databases);
    }
    if let Some(python) = &question.python {
        packages(&mut told, question, python);
    }
    if !question.programs.is_empty() {
        programs(&mut told, question);
    }
    let text = "Allow it for this course?".to_owned();
    question::Question { kind: Kind::Consent, told, text, detail: detail(question) }
}

/// The course, as the subject of a sentence.
fn whose(question: &Question) -> String {
    let again = if question.again { " has changed and" } else { "" };
    format!("The course \"{}\"{again}", shown(&question.course))
}

fn engine(told: &mut Vec<String>, engine: &AskedEngine, whose: &str) {
    told.push(format!("{whose} runs with \"{}\", which wants to control Docker:", shown(&engine.title)));
    told.push(format!("  {}", shown(&engine.reason)));
    told.push(DOCKER.to_owned());
    told.push(
        "kitbag will limit it to containers it made, folders you chose and no privileged mode; a determined attacker \
         may get round this."
            .to_owned(),
    );
    let rights: Vec<_> = engine.rights.iter().map(|right| right.words()).collect();
    if !rights.is_empty() {
        told.push(format!("It may also: {}.", rights.join("; ")));
    }
    told.push(format!("Made by: {}.", shown(&engine.publisher)));
}

/// The commands of the course that keep its databases. They run in its environment, not on this computer.
fn databases(told: &mut Vec<String>, asked: &[AskedDatabase]) {
    told.push(
        "To keep your databases it runs these commands of the course, in the course's environment and nowhere else:"
            .to_owned(),
    );
    for database in asked {
        for command in &database.commands {
            let words = shown(&words(&command.argv));
            told.push(format!("  {}, to {}: {words}", shown(&database.service), command.purpose));
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

fn packages(told: &mut Vec<String>, question: &Question, python: &AskedPython) {
    let file = python.file.as_ref().map_or_else(|| "not installed".to_owned(), show);
    let mut names: Vec<_> = python.packages.iter().take(NAMED).map(|name| shown(name)).collect();
    let more = python.packages.len() - names.len();
    if more > 0 {
        names.push(format!("and {more} more"));
    }
    told.push(format!(
        "{} installs Python packages into a folder of its own on this computer, with {} ({file}):",
        whose(question),
        shown(&python.program)
    ));
    told.push(format!("  {} and what they need", names.join(", ")));
    if question.programs.is_empty() {
        told.push(format!("A package {ALL}"));
    }
}

fn programs(told: &mut Vec<String>, question: &Question) {
    told.push(format!("{} wants to start these programs of your computer:", whose(question)));
    for program in &question.programs {
        let absent = if question.python.is_some() { "from these packages" } else { "not installed" };
        let file = program.file.as_ref().map_or_else(|| absent.to_owned(), show);
        let uses: Vec<_> = program.uses.iter().map(|name| shown(name)).collect();
        told.push(format!("  {} ({file}), for {}", shown(&program.program), uses.join(", ")));
    }
    told.push(format!("A program started here {ALL}"));
}

/// All of it as data. Where something is null or empty, nothing of the kind is wanted.
fn detail(question: &Question) -> Value {
    let file = |file: &Option<PathBuf>| file.as_ref().map(|file| file.to_string_lossy().into_owned());
    let engine = question.engine.as_ref().map(|engine| {
        let rights = engine.rights.iter();
        let rights: Vec<_> =
            rights.map(|right| json!({ "right": right.as_str(), "words": right.words() })).collect();
        json!({
            "title": engine.title, "publisher": engine.publisher, "reason": engine.reason,
            "means": DOCKER, "rights": rights,
        })
    });
    let commands = |database: &AskedDatabase| -> Vec<Value> {
        let commands = database.commands.iter();
        let one = |(purpose, argv): (&str, &[String])| json!({ "purpose": purpose, "argv": argv, "words": words(argv) });
        commands.map(|command| one((&command.purpose, &command.argv))).collect()
    };
    let databases: Vec<_> = (question.databases.iter())
        .map(|database| json!({ "service": database.service, "commands": commands(database) }))
        .collect();
    let program = |program: &AskedProgram| json!({ "program": program.program, "file": file(&program.file), "uses": program.uses });
    let programs: Vec<_> = question.programs.iter().map(program).collect();
    let python = question.python.as_ref().map(|python| {
        json!({ "packages": python.packages, "program": python.program, "file": file(&python.file) })
    });
    json!({
        "about": "course", "course": question.course, "version": question.version, "backend": question.backend,
        "again": question.again, "engine": engine, "databases": databases, "python": python, "programs": programs,
    })
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use kitbag_engine::environment::{AskedCommand, EngineRight};

    use super::*;

    fn nothing() -> Question {
        Question {
            course: "Hello".into(),
            version: "1".into(),
            backend: "local".into(),
            programs: Vec::new(),
            engine: None,
            databases: Vec::new(),
            python: None,
            again: false,
        }
    }

    #[test]
    fn a_command_is_read_as_it_would_be_written() {
        let said = |argv: &[&str]| words(&argv.iter().map(|&word| word.to_owned()).collect::<Vec<_>>());
        assert_eq!(said(&["pg_dump", "--no-owner"]), "pg_dump --no-owner");
        assert_eq!(said(&["sed", "s/a b/c/", "", "it's"]), "sed 's/a b/c/' '' 'it'\\''s'");
    }

    #[test]
    fn the_question_has_its_lists_and_says_what_they_mean() {
        let command = AskedCommand { purpose: "save it".into(), argv: vec!["pg_dump".into(), "a b".into()] };
        let question = Question {
            programs: vec![AskedProgram {
                program: "sh".into(),
                file: Some("/bin/sh".into()),
                uses: vec!["worker".into()],
            }],
            engine: Some(AskedEngine {
                title: "Docker".into(),
                publisher: "kitbag".into(),
                reason: "it runs containers".into(),
                rights: BTreeSet::from([EngineRight::Gpu]),
            }),
            databases: vec![AskedDatabase { service: "db".into(), commands: vec![command] }],
            python: Some(AskedPython {
                packages: (0..30).map(|n| format!("p{n}")).collect(),
                program: "uv".into(),
                file: None,
            }),
            again: true,
            ..nothing()
        };
        let asked = worded(&question);
        let told = asked.told.join("\n");
        for words in [
            "The course \"Hello\" has changed and runs with",
            DOCKER,
            "It may also: use the graphics card.",
            "Made by: kitbag.",
            "  db, to save it: pg_dump 'a b'",
            "p19, and 10 more and what they need",
            "  sh (/bin/sh), for worker",
        ] {
            assert!(told.contains(words), "{words:?} is missing in {told}");
        }
        assert_eq!(told.matches(ALL).count(), 1, "{told}");
        let detail = asked.detail;
        assert_eq!((&detail["about"], &detail["again"]), (&json!("course"), &json!(true)));
        assert_eq!(detail["engine"]["rights"], json!([{ "right": "gpu", "words": "use the graphics card" }]));
        assert_eq!(detail["engine"]["publisher"], "kitbag");
        assert_eq!(detail["databases"][0]["commands"][0]["argv"], json!(["pg_dump", "a b"]));
        assert_eq!(detail["python"]["packages"].as_array().unwrap().len(), 30, "all of them");
        assert_eq!(detail["programs"], json!([{ "program": "sh", "file": "/bin/sh", "uses": ["worker"] }]));

        let nothing = worded(&nothing()).detail;
        assert_eq!((&nothing["engine"], &nothing["programs"]), (&Value::Null, &json!([])));
    }

    #[test]
    fn hostile_names_are_escaped_in_words_and_stay_as_they_are_in_detail() {
        let hostile = "\u{1b}]0;x\u{7}\u{202e}\n<b>";
        let programs = vec![AskedProgram { program: hostile.into(), file: None, uses: vec![hostile.into()] }];
        let asked = worded(&Question { course: hostile.into(), programs, ..nothing() });
        let told = asked.told.join(" ");
        assert!(!told.contains(['\u{1b}', '\u{7}', '\u{202e}', '\n']), "{told:?}");
        assert_eq!(
            (&asked.detail["course"], &asked.detail["programs"][0]["program"]),
            (&hostile.into(), &hostile.into())
        );
    }
}
