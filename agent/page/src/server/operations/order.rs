//! What a page may ask for, turned into the arguments of a kitbag command. Every word of a page is checked for what it is
//! to be, and stands behind `--option=` or behind `--`: it can never be an option itself.

use std::ffi::OsString;
use std::path::Path;

use kitbag_core::path::WorkPath;
use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::{Map, Value};

/// Longest word of a page, in bytes.
const LONGEST: usize = 4096;

/// `POST /api/operations`.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(in crate::server) struct Wanted {
    /// Which workspace; none for `setup`.
    pub workspace: Option<String>,
    /// What to do.
    pub verb: String,
    /// How.
    #[serde(default)]
    pub options: Map<String, Value>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Nothing {}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Up {
    backend: Option<String>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Resolve {
    path: String,
    keep: String,
    cell: Option<String>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Absent {
    answer: AbsentAnswer,
    path: Option<String>,
}

#[derive(Deserialize)]
#[serde(rename_all = "lowercase")]
enum AbsentAnswer {
    Accept,
    Restore,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Restore {
    path: String,
    at: String,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Undo {
    operation: Option<u32>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Setup {
    share: String,
    work: String,
    course: Option<String>,
    machine: Option<String>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Takeaway {
    file: String,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Revoke {
    plugin: String,
}

/// Why it is not done.
pub(in crate::server) type Wrong = String;

/// The arguments behind `kitbag --talk`.
///
/// # Errors
/// What does not fit.
pub(in crate::server) fn arguments(wanted: &Wanted) -> Result<Vec<OsString>, Wrong> {
    if wanted.workspace.is_some() == (wanted.verb == "setup") {
        return Err("It names no workspace, or one where there is none yet.".to_owned());
    }
    let plain = |verb: &str| options::<Nothing>(wanted).map(|_| words(&[verb]));
    match wanted.verb.as_str() {
        "done" => plain("done"),
        "sync" => plain("sync"),
        "clean" => plain("clean"),
        "verify" => plain("verify"),
        "doctor-fix" => options::<Nothing>(wanted).map(|_| words(&["doctor", "--fix"])),
        verb @ ("up" | "reset") => {
            let mut words = words(&[verb, "--no-open"]);
            if let Some(backend) = options::<Up>(wanted)?.backend {
                words.push(option("backend", &id(&backend)?));
            }
            Ok(words)
        }
        "resolve" => {
            let Resolve { path, keep, cell } = options(wanted)?;
            let mut words = vec!["resolve".into(), option("keep", name(&keep)?)];
            if let Some(cell) = cell {
                words.push(option("cell", name(&cell)?));
            }
            Ok([words, behind(work(&path)?)].concat())
        }
        "absent" => {
            let Absent { answer, path } = options(wanted)?;
            let answer = match answer {
                AbsentAnswer::Accept => "accept",
                AbsentAnswer::Restore => "restore",
            };
            let path = path.map(|path| Ok::<_, Wrong>(behind(work(&path)?))).transpose()?;
            Ok([words(&["resolve"]), vec![option("absent", answer)], path.unwrap_or_default()].concat())
        }
        "restore" => {
            let Restore { path, at } = options(wanted)?;
            if at.is_empty() || !at.bytes().all(|byte| byte.is_ascii_hexdigit()) {
                return Err("It names no version.".to_owned());
            }
            Ok([words(&["restore"]), vec![option("at", &at)], behind(work(&path)?)].concat())
        }
        "undo" => {
            let operation = options::<Undo>(wanted)?.operation.map(|number| number.to_string());
            Ok([words(&["undo"]), operation.map(OsString::from).into_iter().collect()].concat())
        }
        "setup" => {
            let Setup { share, work, course, machine } = options(wanted)?;
            let mut words =
                vec!["setup".into(), option("share", full(&share)?), option("work", full(&work)?)];
            if let Some(course) = course {
                words.push(option("course", full(&course)?));
            }
            if let Some(machine) = machine {
                words.push(option("machine", name(&machine)?));
            }
            Ok(words)
        }
        "takeaway" => Ok([words(&["takeaway"]), behind(full(&options::<Takeaway>(wanted)?.file)?)].concat()),
        "grant-revoke" => {
            Ok([words(&["plugin", "revoke"]), behind(&id(&options::<Revoke>(wanted)?.plugin)?)].concat())
        }
        _ => Err("There is nothing of that name to do.".to_owned()),
    }
}

fn options<T: DeserializeOwned>(wanted: &Wanted) -> Result<T, Wrong> {
    let options = Value::Object(wanted.options.clone());
    serde_json::from_value(options).map_err(|_| "Its options do not fit what is to be done.".to_owned())
}

fn words(words: &[&str]) -> Vec<OsString> {
    words.iter().map(OsString::from).collect()
}

fn option(name: &str, value: &str) -> OsString {
    format!("--{name}={value}").into()
}

fn behind(value: &str) -> Vec<OsString> {
    vec!["--".into(), value.into()]
}

/// A word for people: a machine's name, a side, a cell.
fn name(text: &str) -> Result<&str, Wrong> {
    let fine = !text.is_empty() && text.len() <= 200 && !text.contains(char::is_control);
    fine.then_some(text).ok_or_else(|| "A name in it is empty, too long or no name.".to_owned())
}

/// The id of a plugin or backend.
fn id(text: &str) -> Result<String, Wrong> {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b'.' | b'/' | b':');
    let fine = !text.is_empty() && text.len() <= 200 && text.bytes().all(plain);
    fine.then(|| text.to_owned()).ok_or_else(|| "A name in it is no name of a plugin.".to_owned())
}

/// A file of the workspace.
fn work(text: &str) -> Result<&str, Wrong> {
    WorkPath::parse(text).map_err(|bad| format!("It names no file of the workspace: {bad}."))?;
    Ok(text)
}

/// A full path of this computer.
fn full(text: &str) -> Result<&str, Wrong> {
    let fine = text.len() <= LONGEST && !text.contains('\0') && Path::new(text).is_absolute();
    fine.then_some(text).ok_or_else(|| "It names a folder or file without its full path.".to_owned())
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn came_to(workspace: Option<&str>, verb: &str, options: Value) -> Result<Vec<String>, Wrong> {
        let document = json!({ "workspace": workspace, "verb": verb, "options": options });
        let wanted: Wanted = serde_json::from_value(document).map_err(|error| error.to_string())?;
        let words = arguments(&wanted)?;
        Ok(words.into_iter().map(|word| word.into_string().unwrap()).collect())
    }

    #[test]
    fn each_verb_is_a_command() {
        let top = if cfg!(windows) { "C:\\x" } else { "/x" };
        for (verb, options, words) in [
            ("up", json!({}), vec!["up", "--no-open"]),
            ("up", json!({ "backend": "local" }), vec!["up", "--no-open", "--backend=local"]),
            ("reset", json!({ "backend": null }), vec!["reset", "--no-open"]),
            ("done", json!({}), vec!["done"]),
            ("sync", json!({}), vec!["sync"]),
            (
                "resolve",
                json!({ "path": "-a/b c", "keep": "--yes" }),
                vec!["resolve", "--keep=--yes", "--", "-a/b c"],
            ),
            (
                "resolve",
                json!({ "path": "a.ipynb", "keep": "other", "cell": "3f2a-91" }),
                vec!["resolve", "--keep=other", "--cell=3f2a-91", "--", "a.ipynb"],
            ),
            (
                "resolve",
                json!({ "path": "a.ipynb", "keep": "both", "cell": "--yes '\"$(x) #3" }),
                vec!["resolve", "--keep=both", "--cell=--yes '\"$(x) #3", "--", "a.ipynb"],
            ),
            (
                "resolve",
                json!({ "path": "a.ipynb", "keep": "this", "cell": null }),
                vec!["resolve", "--keep=this", "--", "a.ipynb"],
            ),
            ("absent", json!({ "answer": "accept" }), vec!["resolve", "--absent=accept"]),
            (
                "absent",
                json!({ "answer": "restore", "path": "x" }),
                vec!["resolve", "--absent=restore", "--", "x"],
            ),
            ("restore", json!({ "path": "x", "at": "0a1b" }), vec!["restore", "--at=0a1b", "--", "x"]),
            ("undo", json!({}), vec!["undo"]),
            ("undo", json!({ "operation": 7 }), vec!["undo", "7"]),
            ("doctor-fix", json!({}), vec!["doctor", "--fix"]),
            ("takeaway", json!({ "file": top }), vec!["takeaway", "--", top]),
            ("clean", json!({}), vec!["clean"]),
            ("verify", json!({}), vec!["verify"]),
            (
                "grant-revoke",
                json!({ "plugin": "kitbag/docker" }),
                vec!["plugin", "revoke", "--", "kitbag/docker"],
            ),
        ] {
            assert_eq!(came_to(Some("a"), verb, options.clone()).unwrap(), words, "{verb} {options}");
        }
        let setup = came_to(None, "setup", json!({ "share": top, "work": top, "machine": "-x" })).unwrap();
        assert_eq!(setup, ["setup", &format!("--share={top}"), &format!("--work={top}"), "--machine=-x"]);
    }

    #[test]
    fn what_does_not_fit_is_no_command() {
        for (workspace, verb, options) in [
            (None, "up", json!({})),
            (Some("a"), "setup", json!({ "share": "/x", "work": "/y" })),
            (Some("a"), "exec", json!({})),
            (Some("a"), "", json!({})),
            (Some("a"), "--help", json!({})),
            (Some("a"), "up", json!({ "yes": true })),
            (Some("a"), "up", json!({ "backend": "a b" })),
            (Some("a"), "up", json!({ "backend": "" })),
            (Some("a"), "up", json!({ "backend": ["x"] })),
            (Some("a"), "up", json!([])),
            (Some("a"), "sync", json!({ "dry_run": true })),
            (Some("a"), "resolve", json!({ "path": "../x", "keep": "this" })),
            (Some("a"), "resolve", json!({ "path": "/etc/passwd", "keep": "this" })),
            (Some("a"), "resolve", json!({ "path": ".kitbag/packs", "keep": "this" })),
            (Some("a"), "resolve", json!({ "path": "x\0", "keep": "this" })),
            (Some("a"), "resolve", json!({ "path": "x", "keep": "" })),
            (Some("a"), "resolve", json!({ "path": "x", "keep": "a\nb" })),
            (Some("a"), "resolve", json!({ "path": "x" })),
            (Some("a"), "resolve", json!({ "path": "x", "keep": "this", "cell": "" })),
            (Some("a"), "resolve", json!({ "path": "x", "keep": "this", "cell": "a\0b" })),
            (Some("a"), "resolve", json!({ "path": "x", "keep": "this", "cell": "\u{1b}[2J" })),
            (Some("a"), "resolve", json!({ "path": "x", "keep": "this", "cell": "x".repeat(201) })),
            (Some("a"), "resolve", json!({ "path": "x", "keep": "this", "cell": 3 })),
            (Some("a"), "resolve", json!({ "path": "x", "keep": "this", "cells": "a" })),
            (Some("a"), "absent", json!({ "answer": "yes" })),
            (Some("a"), "restore", json!({ "path": "x", "at": "--help" })),
            (Some("a"), "restore", json!({ "path": "x", "at": "" })),
            (Some("a"), "undo", json!({ "operation": -1 })),
            (Some("a"), "undo", json!({ "operation": "1" })),
            (Some("a"), "takeaway", json!({ "file": "takeaway.zip" })),
            (Some("a"), "grant-revoke", json!({ "plugin": "x\n" })),
            (None, "setup", json!({ "share": "x", "work": "/y" })),
            (None, "setup", json!({ "share": "/x", "work": "/y", "name": "z" })),
            (None, "setup", json!({ "share": "/x", "work": "/y", "machine": "\u{1b}[2J" })),
        ] {
            assert!(came_to(workspace, verb, options.clone()).is_err(), "{verb} {options}");
        }
    }
}
