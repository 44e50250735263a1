//! The services of a course against each other: names given twice, two that want to be opened first, a page under
//! something that has no page, a database in a place that is not there, something no backend of the course can
//! run, a backup that the course's own rules would ignore.

use std::collections::BTreeMap;

use super::manifest::{Draft, ServiceLines};
use super::name::nearest;
use super::problem::{Notes, quoted};
use super::{Course, LOCAL, Port, Service, ServiceKind, backup_path};
use crate::ignore::Ignore;

pub(super) fn check(draft: &Draft, ignore: &Ignore, notes: &mut Notes) {
    let course = &draft.course;
    let each = || course.services.iter().zip(&draft.services);
    let mut names: BTreeMap<&str, usize> = BTreeMap::new();
    let mut opened: Option<usize> = None;
    for (service, lines) in each() {
        if let Some(first) = names.insert(&service.name, lines.at) {
            let message =
                format!("There are two services called {}, here and on line {first}.", quoted(&service.name));
            notes.problem(lines.at, message, "Give each its own name.");
        }
        if service.opens() {
            match opened {
                None => opened = Some(lines.at),
                Some(first) => {
                    let message = format!("Two services have `open = true`, here and on line {first}.");
                    notes.problem(lines.at, message, "Keep the one students open first.");
                }
            }
        }
        kept(draft, service, ignore, notes);
        runners(draft, service, lines, notes);
    }
    // Which of two is meant nobody knows.
    if names.len() < course.services.len() {
        return;
    }
    for (service, lines) in each() {
        if let Some(above) = service.under() {
            under(draft, service, above, lines.under, notes);
        }
        if let ServiceKind::Database(database) = &service.kind
            && let Some(inside) = &database.inside
        {
            place(draft, inside, lines.inside, notes);
        }
    }
}

/// What is saved has to follow the student.
fn kept(draft: &Draft, service: &Service, ignore: &Ignore, notes: &mut Notes) {
    if let Ok(backup) = backup_path(&service.name)
        && service.backup
        && ignore.is_ignored(backup.as_str(), false)
    {
        notes.problem(
            draft.ignore,
            format!(
                "The rules would ignore {}, so the database could not follow the student.",
                quoted(backup.as_str())
            ),
            "Take the rule out, or write `backup = false` at the service.",
        );
    }
}

/// A page lies under a service that has a port of its own.
fn under(draft: &Draft, service: &Service, above: &str, line: usize, notes: &mut Notes) {
    let course = &draft.course;
    match course.service(above) {
        _ if above == service.name => notes.problem(
            line,
            format!("{} cannot lie under itself.", quoted(above)),
            "Name the service whose port and log-in it shares, or give it a `port`.",
        ),
        None => unknown(draft, above, line, notes),
        Some(other) if other.under().is_some() => notes.problem(
            line,
            format!("{} lies under another service itself.", quoted(above)),
            format!("Write `under = \"{}\"`.", other.under().unwrap_or_default()),
        ),
        Some(other) if other.port() == Port::None => notes.problem(
            line,
            format!("{} has no port, so no page can lie under it.", quoted(above)),
            "Name a service with a port, or leave `under` out.",
        ),
        Some(other) if runs(course, other) && runs(course, service) => {
            if !course.backends.keys().any(|name| course.runs_with(service, name)) {
                let message =
                    format!("No backend runs both {} and {}.", quoted(&service.name), quoted(&other.name));
                notes.problem(line, message, "Give both the same `backends`, or leave `backends` out.");
            }
        }
        Some(_) => {}
    }
}

/// The name may also be one of a compose file, which only the backend reads: it says then what it does not find.
fn place(draft: &Draft, inside: &str, line: usize, notes: &mut Notes) {
    let linked = |block: &serde_json::Value| block.get("compose").or(block.get("compose_file")).is_some();
    match draft.course.service(inside) {
        Some(Service { kind: ServiceKind::Sqlite(_), .. }) => notes.problem(
            line,
            format!("{} is a file that kitbag keeps; nothing runs inside it.", quoted(inside)),
            "Name a service that runs in the environment, or leave `inside` out.",
        ),
        None if !draft.course.backends.values().any(linked) => unknown(draft, inside, line, notes),
        _ => {}
    }
}

fn unknown(draft: &Draft, name: &str, line: usize, notes: &mut Notes) {
    // One that could not be read has been said already.
    if !draft.all_services {
        return;
    }
    let names = draft.course.services.iter().map(|service| service.name.as_str());
    let remedy = match nearest(name, names) {
        Some(meant) => format!("Did you mean `{meant}`?"),
        None => "Write the `name` of a [[service]], or take it out.".to_owned(),
    };
    notes.problem(line, format!("There is no service called {}.", quoted(name)), remedy);
}

/// Whether some backend of the course runs it, whatever it lies under.
fn runs(course: &Course, service: &Service) -> bool {
    course.backends.keys().any(|name| service.runs_with(name))
}

/// Each backend a service names is there, and at least one can run it.
fn runners(draft: &Draft, service: &Service, lines: &ServiceLines, notes: &mut Notes) {
    let course = &draft.course;
    // Without any backend that is said once, for the whole course; one that could not be read has been said.
    if course.backends.is_empty() || !draft.all_backends {
        return;
    }
    let mut known = true;
    for name in service.backends.iter().filter(|name| !course.backends.contains_key(*name)) {
        known = false;
        let message = format!("There is no backend called {}.", quoted(name));
        notes.problem(lines.backends, message, format!("Add [backend.{name}], or take it out."));
    }
    if known && !runs(course, service) {
        let message = format!(
            "Nothing can run {}: the backend `{LOCAL}` starts programs of the student's own computer only.",
            quoted(&service.name)
        );
        notes.problem(lines.at, message, "Add [backend.docker] with the environment it lives in.");
    }
}

pub(super) fn backends(draft: &Draft, notes: &mut Notes) {
    let runs = draft.services.iter().map(|lines| lines.at).chain(draft.steps.iter().copied());
    // A [backend] that is there but wrong has been said already.
    if let Some(line) = runs.min()
        && !draft.backend
    {
        notes.problem(
            line,
            "The course has something to run, but no backend to run it.",
            wanted(&draft.course),
        );
    }
}

/// What would run it: a course whose services all live in an environment has no use for the local backend.
fn wanted(course: &Course) -> String {
    let local = course.services.iter().any(|service| service.runs_with(LOCAL));
    if local || course.services.is_empty() {
        return format!("Add [backend.{LOCAL}] for programs of the student's own computer.");
    }
    let named = course.services.iter().flat_map(|service| &service.backends).next();
    format!("Add [backend.{}] with the environment they live in.", named.map_or("docker", String::as_str))
}
