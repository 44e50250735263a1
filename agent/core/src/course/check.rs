//! The course against its package and against itself: do the files it names exist, do two of them want one
//! place on any system, are names given twice, would something it keeps be ignored, can it run at all. All
//! that is found is collected; only a course without problems is handed out.

use std::collections::BTreeMap;

use super::manifest::{COMPOSE_FILE, Draft, draft};
use super::placeholder::{PORT, placeholders};
use super::problem::{MANIFEST, Notes, Problem, quoted};
use super::{
    Course, LONGEST_MANIFEST, LONGEST_REQUIREMENTS, MOST_SEEDS, PackageFiles, Port, ServiceKind, Sqlite,
    backup_path, csv, packages, services,
};
use crate::ignore::{Ignore, Why};
use crate::path::WorkPath;

/// What a look at a package found.
#[derive(Debug, Clone, PartialEq)]
pub struct Checked {
    /// The course, when nothing is wrong.
    pub course: Option<Course>,
    /// What has to be put right, the manifest's lines first, in order.
    pub problems: Vec<Problem>,
    /// What the team should know but may leave.
    pub warnings: Vec<Problem>,
}

/// Read a manifest and check it against its package.
///
/// # Errors
/// Every problem found, in order; never an empty list.
pub fn read(manifest: &str, files: &PackageFiles<'_>) -> Result<Course, Vec<Problem>> {
    let checked = check(manifest, files);
    checked.course.ok_or(checked.problems)
}

/// As [`read`], with the warnings.
pub fn check(manifest: &str, files: &PackageFiles<'_>) -> Checked {
    // Lines are counted only in what may be read at all.
    let mut notes = Notes::new(if manifest.len() > LONGEST_MANIFEST { "" } else { manifest });
    let draft = draft(manifest, &mut notes);
    if let Some(draft) = &draft {
        let ignore = Ignore::new(&draft.course.ignore).unwrap_or_default();
        names_of_files(files, &mut notes);
        seeds(draft, files, &ignore, &mut notes);
        services::check(draft, &ignore, &mut notes);
        for (service, lines) in draft.course.services.iter().zip(&draft.services) {
            if let ServiceKind::Sqlite(sqlite) = &service.kind {
                database(sqlite, lines.schema, &lines.csv, files, &mut notes);
            }
        }
        steps(draft, &mut notes);
        services::backends(draft, &mut notes);
        requirements(draft, files, &mut notes);
        for (path, line) in &draft.backend_files {
            exists(path, COMPOSE_FILE, *line, files, &mut notes);
        }
        if let Some(hook) = &draft.course.hook {
            exists(hook, "component", draft.hook, files, &mut notes);
        }
    }
    let (problems, warnings) = notes.into_sorted();
    let course = draft.map(|draft| draft.course).filter(|_| problems.is_empty());
    Checked { course, problems, warnings }
}

fn names_of_files(files: &PackageFiles<'_>, notes: &mut Notes) {
    for name in files.refused() {
        let message = format!("{} is not a name for a file in a package.", quoted(name));
        notes.problem_in(MANIFEST, None, message, "Take the file out of the package or rename it.");
    }
}

fn exists(path: &WorkPath, key: &str, line: usize, files: &PackageFiles<'_>, notes: &mut Notes) -> bool {
    let there = files.contains(path);
    if !there {
        missing(path, key, line, files, notes);
    }
    there
}

fn missing(path: &WorkPath, key: &str, line: usize, files: &PackageFiles<'_>, notes: &mut Notes) {
    let message = format!("{} in `{key}` is not in the package.", quoted(path.as_str()));
    let meant = if notes.has_room() { files.nearest(path) } else { None };
    let remedy = match meant {
        Some(meant) => format!("Did you mean {}?", quoted(meant)),
        None => "Add the file, or correct the path; capital letters count.".to_owned(),
    };
    notes.problem(line, message, remedy);
}

/// What wants a place in the workspace.
struct Claim {
    exact: String,
    file: bool,
    line: usize,
}

fn seeds(draft: &Draft, files: &PackageFiles<'_>, ignore: &Ignore, notes: &mut Notes) {
    let course = &draft.course;
    let mut claims: BTreeMap<String, Claim> = BTreeMap::new();
    for (folder, &line) in course.folders.iter().zip(&draft.folders) {
        claim(folder, false, line, &mut claims, notes);
    }
    let backups: BTreeMap<String, &str> = course
        .services
        .iter()
        .filter(|service| service.backup)
        .filter_map(|service| Some((backup_path(&service.name).ok()?.folded(), service.name.as_str())))
        .collect();
    let mut placed = 0;
    for (rule, &line) in course.seed.iter().zip(&draft.seeds) {
        let single = files.contains(&rule.from);
        let mut found = false;
        for seed in rule.expand(files) {
            found = true;
            placed += 1;
            if placed > MOST_SEEDS {
                let remedy = "Ship large collections as one archive, or as data a notebook fetches.";
                notes.problem(line, format!("The course places more than {MOST_SEEDS} files."), remedy);
                return;
            }
            let seed = match seed {
                Ok(seed) => seed,
                Err((from, bad)) => {
                    let message = format!(
                        "{} would be placed outside what a workspace can hold: {bad}.",
                        quoted(from.as_str())
                    );
                    notes.problem(line, message, "Choose another `to`, or rename the file.");
                    continue;
                }
            };
            if let Some(why) = ignore.why(seed.to.as_str(), false) {
                let message = format!("{} would not be kept: {why}.", quoted(seed.to.as_str()));
                if single {
                    notes.problem(line, message, "Place it elsewhere, or change the `ignore` rules.");
                } else if let Why::Course(_) = why {
                    notes.warning(
                        line,
                        message,
                        "It is left out. Take it out of the package, or change the `ignore` rules.",
                    );
                }
                continue;
            }
            if let Some(why) = super::name::not_portable(&seed.to) {
                let message = format!("{} cannot exist on every computer: {why}.", quoted(seed.to.as_str()));
                notes.problem(line, message, "Rename the file.");
            }
            if let Some(service) = backups.get(&seed.to.folded()) {
                let message =
                    format!("{} is where the backup of `{service}` lies.", quoted(seed.to.as_str()));
                notes.problem(
                    line,
                    message,
                    "Place the file elsewhere; fill the database with `schema` and `csv`, or where it is made.",
                );
            }
            claim(&seed.to, true, line, &mut claims, notes);
        }
        if !found {
            missing(&rule.from, "from", line, files, notes);
        }
    }
}

/// Take a place and the folders above it; what is taken already by something else is a problem, also where
/// only some systems see the two as one.
fn claim(path: &WorkPath, file: bool, line: usize, claims: &mut BTreeMap<String, Claim>, notes: &mut Notes) {
    let mut next = Some((path.clone(), file));
    while let Some((path, file)) = next {
        next = path.parent().map(|folder| (folder, false));
        let new = Claim { exact: path.as_str().to_owned(), file, line };
        let Some(old) = claims.get(&path.folded()) else {
            claims.insert(path.folded(), new);
            continue;
        };
        let (here, there) = (quoted(path.as_str()), quoted(&old.exact));
        let message = match (old.file, file) {
            (true, true) if old.exact == path.as_str() => {
                format!("{here} is placed twice, also by line {}.", old.line)
            }
            _ if old.file != file => {
                format!("{here} would be a folder and a file at once, because of line {}.", old.line)
            }
            _ if old.exact != path.as_str() => {
                format!("{here} and {there} (line {}) are one name on some computers.", old.line)
            }
            _ => return,
        };
        notes.problem(line, message, "Give each its own place, spelled the same way everywhere.");
        return;
    }
}

fn database(sqlite: &Sqlite, at: usize, lines: &[usize], files: &PackageFiles<'_>, notes: &mut Notes) {
    let schema = sqlite.schema.as_ref().filter(|path| exists(path, "schema", at, files, notes));
    let schema = schema.and_then(|path| sql_text(path, files, notes));
    let mut tables: BTreeMap<String, usize> = BTreeMap::new();
    for (csv, &line) in sqlite.csv.iter().zip(lines) {
        let table = csv.table.to_ascii_lowercase();
        if sqlite.schema.is_none() {
            let message = format!("Nothing makes the table {}.", quoted(&csv.table));
            notes.problem(line, message, "Add `schema = \"….sql\"` with a CREATE TABLE for it.");
        } else if schema.as_ref().is_some_and(|text| !has_word(text, &table)) {
            let message = format!("The schema makes no table {}.", quoted(&csv.table));
            notes.problem(line, message, "Add a CREATE TABLE for it, or correct the name.");
        }
        if let Some(first) = tables.insert(table, line) {
            let message = format!("The table {} is filled twice, also by line {first}.", quoted(&csv.table));
            notes.problem(line, message, "Put its rows into one file.");
        }
        if !exists(&csv.file, "file", line, files, notes) {
            continue;
        }
        match files.bytes(&csv.file).map(|bytes| csv::look(&bytes, csv.delimiter)) {
            None => unreadable(&csv.file, notes),
            Some(Ok(())) => {}
            Some(Err(bad)) => notes.problem_in(csv.file.as_str(), bad.line, bad.message, bad.remedy),
        }
    }
}

/// The schema in lower case; nothing, with the reason noted, where it cannot be SQL.
fn sql_text(path: &WorkPath, files: &PackageFiles<'_>, notes: &mut Notes) -> Option<String> {
    let Some(bytes) = files.bytes(path) else {
        unreadable(path, notes);
        return None;
    };
    match String::from_utf8(bytes) {
        Ok(text) if text.trim().is_empty() => {
            notes.problem_in(
                path.as_str(),
                None,
                "The file is empty.",
                "Write the CREATE TABLE statements into it.",
            );
            None
        }
        Ok(text) => Some(text.to_ascii_lowercase()),
        Err(_) => {
            notes.problem_in(path.as_str(), None, "The text is not UTF-8.", "Save the file again as UTF-8.");
            None
        }
    }
}

fn unreadable(path: &WorkPath, notes: &mut Notes) {
    notes.problem_in(
        path.as_str(),
        None,
        "The file cannot be read.",
        "Check that you may open it, then try again.",
    );
}

fn has_word(text: &str, word: &str) -> bool {
    text.split(|c: char| !c.is_alphanumeric() && c != '_').any(|found| found == word)
}

fn requirements(draft: &Draft, files: &PackageFiles<'_>, notes: &mut Notes) {
    let Some(path) = &draft.course.requirements else { return };
    if !exists(path, "requirements", draft.requirements, files, notes) {
        return;
    }
    let Some(bytes) = files.bytes(path) else { return unreadable(path, notes) };
    let text = String::from_utf8(bytes).ok().filter(|text| text.len() <= LONGEST_REQUIREMENTS);
    match text.map(|text| packages(&text)) {
        None => {
            let message = "The file is not UTF-8 text, or is larger than 256 KiB.";
            notes.problem_in(path.as_str(), None, message, "Write one package a line, saved as UTF-8.");
        }
        Some(Err(bad)) => notes.problem_in(path.as_str(), Some(bad.line), bad.message, bad.remedy),
        Some(Ok(_)) => {}
    }
}

fn steps(draft: &Draft, notes: &mut Notes) {
    let course = &draft.course;
    let mut names: BTreeMap<&str, usize> = BTreeMap::new();
    for (step, &line) in course.steps.iter().zip(&draft.steps) {
        if let Some(first) = names.insert(&step.name, line) {
            let message =
                format!("There are two steps called {}, here and on line {first}.", quoted(&step.name));
            notes.problem(line, message, "Give each its own name.");
        }
        match step.service.as_deref().map(|name| (name, course.service(name))) {
            Some((name, None)) if draft.all_services => {
                let message = format!("There is no service called {}.", quoted(name));
                notes.problem(line, message, "Write the `name` of a [[service]], or leave `service` out.");
            }
            Some((_, Some(service)))
                if service.port() == Port::None
                    && step.run.iter().any(|text| placeholders(text).any(|name| name == PORT)) =>
            {
                let message = format!("{{port}} is used, but the service `{}` has none.", service.name);
                notes.problem(line, message, "Take it out, or name a service with a port.");
            }
            _ => {}
        }
        for name in step.backends.iter().filter(|name| !course.backends.contains_key(*name)) {
            let message = format!("There is no backend called {}.", quoted(name));
            notes.problem(line, message, format!("Add [backend.{name}], or take it out."));
        }
    }
}
