//! From the text of `course.toml` to a draft of the course: every setting read, checked for itself and
//! remembered with its line. What can only be judged against the package or against other settings is left
//! to the check. The draft of a manifest with problems is never handed out.

use std::collections::BTreeMap;

use serde_json::Value;
use toml::de::DeValue;

use super::block::{BACKEND_NEEDS, Block, TOP, whole};
use super::name::{NAME_RULE, is_name, is_version, not_portable};
use super::needs::{self, Needs};
use super::problem::{At, Notes, quoted};
use super::python::read_python;
use super::service::read_services;
use super::step::read_steps;
use super::syntax::parsed;
use super::{Course, LONGEST_MANIFEST, MOST_SEEDS, SeedRule};
use crate::ignore::Ignore;
use crate::path::{WorkPath, shown};

const LONGEST_TITLE: usize = 200;
/// In the block of a backend: what it needs of a computer.
const NEEDS: &str = "needs";
/// In the block of a backend: a package file whose text the backend is told.
pub(super) const COMPOSE_FILE: &str = "compose_file";

/// A course that may still be wrong, and the lines its parts stand on, in the same order as the parts.
#[derive(Default)]
pub(super) struct Draft {
    pub course: Course,
    pub folders: Vec<usize>,
    pub seeds: Vec<usize>,
    pub ignore: usize,
    pub services: Vec<ServiceLines>,
    /// Whether every [[service]] could be read, so that a name not among them is really unknown.
    pub all_services: bool,
    pub steps: Vec<usize>,
    /// Whether anything stands below [backend].
    pub backend: bool,
    /// Whether every backend could be read, as with the services.
    pub all_backends: bool,
    pub requirements: usize,
    /// Package files that blocks of backends name.
    pub backend_files: Vec<(WorkPath, usize)>,
    pub hook: usize,
}

/// Where a service's parts stand.
#[derive(Default)]
pub(super) struct ServiceLines {
    pub at: usize,
    pub backends: usize,
    pub schema: usize,
    pub csv: Vec<usize>,
    pub under: usize,
    pub inside: usize,
}

/// Read the manifest; nothing when it is not TOML at all.
pub(super) fn draft(text: &str, notes: &mut Notes) -> Option<Draft> {
    if text.len() > LONGEST_MANIFEST {
        notes.problem(1, "The manifest is larger than 1 MiB.", "Seed whole folders instead of single files.");
        return None;
    }
    let document = parsed(text, notes)?;
    let top = Block::new(document.get_ref(), TOP, 1, notes);
    let mut draft = Draft::default();
    read_identity(&top, &mut draft.course, notes);
    draft.course.needs = needs::read(&top, notes);
    (draft.course.folders, draft.folders) = read_folders(&top, notes);
    (draft.course.seed, draft.seeds) = read_seeds(&top, notes);
    (draft.course.ignore, draft.ignore) = read_ignore(&top, notes);
    draft.course.units = read_units(&top, notes);
    let sound = notes.count();
    (draft.course.services, draft.services) = read_services(&top, notes);
    draft.all_services = notes.count() == sound;
    (draft.course.steps, draft.steps) = read_steps(&top, notes);
    draft.backend =
        top.raw("backend", notes).is_some_and(|at| at.value.as_table().is_none_or(|table| !table.is_empty()));
    let sound = notes.count();
    (draft.course.backends, draft.course.backend_needs, draft.backend_files) = read_backends(&top, notes);
    draft.all_backends = notes.count() == sound;
    if let Some((requirements, line)) = read_python(&top, notes) {
        (draft.course.requirements, draft.requirements) = (Some(requirements), line);
    }
    if let Some(hook) = top.block("hook", "[hook]", notes)
        && let Some(component) = hook.needed("component", "hook.wasm", notes)
    {
        draft.hook = component.line;
        draft.course.hook = place(component, "component", notes);
    }
    Some(draft)
}

fn read_identity(top: &Block<'_>, course: &mut Course, notes: &mut Notes) {
    if let Some(id) = top.needed("id", "my-course", notes) {
        course.id = named(id, "id", notes).unwrap_or_default();
    }
    if let Some(title) = top.needed("title", "My course", notes) {
        course.title = one_line(title, "title", notes).unwrap_or_default();
    }
    if let Some(At { value, line }) = top.needed("version", "2026.10", notes) {
        if is_version(value) {
            course.version = value.to_owned();
        } else {
            let message = format!("{} is not a version.", quoted(value));
            notes.problem(
                line,
                message,
                "Use one to four numbers with dots between them, such as `2026.10`.",
            );
        }
    }
}

fn read_folders(top: &Block<'_>, notes: &mut Notes) -> (Vec<WorkPath>, Vec<usize>) {
    let texts = top.texts("folders", notes);
    texts.into_iter().filter_map(|at| Some((place(at, "folders", notes)?, at.line))).unzip()
}

fn read_seeds(top: &Block<'_>, notes: &mut Notes) -> (Vec<SeedRule>, Vec<usize>) {
    let blocks = top.blocks("seed", "[[seed]]", notes);
    if let Some(block) = blocks.get(MOST_SEEDS) {
        notes.problem(
            block.line,
            format!("There are more than {MOST_SEEDS} [[seed]] blocks."),
            "Seed whole folders instead of single files.",
        );
        return Default::default();
    }
    let mut seeds = (Vec::new(), Vec::new());
    for block in blocks {
        let Some(written) = block.needed("from", "content/notebooks", notes) else { continue };
        let to = block.text("to", notes).unwrap_or(written);
        let Some(from) = place(written, "from", notes) else { continue };
        let top = matches!(to.value, "." | "./");
        let to_path = if top { None } else { place(to, "to", notes) };
        if top || to_path.is_some() {
            seeds.0.push(SeedRule { from, to: to_path, into_folder: top || to.value.ends_with('/') });
            seeds.1.push(block.line);
        }
    }
    seeds
}

fn read_ignore(top: &Block<'_>, notes: &mut Notes) -> (Vec<String>, usize) {
    let rules = top.texts("ignore", notes);
    let first = rules.first().map_or(1, |rule| rule.line);
    let texts: Vec<String> = rules.iter().map(|rule| rule.value.to_owned()).collect();
    match Ignore::new(&texts) {
        Ok(_) => (texts, first),
        Err(error) => {
            let line = rules.get(error.rule).map_or(first, |rule| rule.line);
            notes.problem(
                line,
                format!("The rule {} cannot be used: {}.", quoted(&error.text), error.why),
                error.remedy,
            );
            (Vec::new(), first)
        }
    }
}

fn read_units(top: &Block<'_>, notes: &mut Notes) -> Vec<String> {
    let mut units = Vec::new();
    for block in top.blocks("unit", "[[unit]]", notes) {
        let Some(At { value, line }) = block.needed("path", "openrefine_projects/*", notes) else { continue };
        let text = value.strip_suffix('/').unwrap_or(value);
        let glob = globset::GlobBuilder::new(text).literal_separator(true).backslash_escape(true).build();
        match (WorkPath::parse(text), glob) {
            (Ok(_), Ok(_)) if text.len() <= 1024 => units.push(text.to_owned()),
            (Err(bad), _) => notes.problem(
                line,
                format!("The unit {} is not a place in the workspace: {bad}.", quoted(value)),
                "Write a folder or pattern below the workspace, such as `openrefine_projects/*`.",
            ),
            _ => notes.problem(
                line,
                format!("The pattern {} cannot be read.", quoted(value)),
                "Use `*`, `?` and `[a-z]`, each bracket closed.",
            ),
        }
    }
    units
}

type Backends = (BTreeMap<String, Value>, BTreeMap<String, Needs>, Vec<(WorkPath, usize)>);

fn read_backends(top: &Block<'_>, notes: &mut Notes) -> Backends {
    let (mut backends, mut needs, mut files) = (BTreeMap::new(), BTreeMap::new(), Vec::new());
    for (name, value) in top.entries("backend", notes) {
        if !is_name(name.value) {
            notes.problem(
                name.line,
                format!("{} is not a name for a backend.", quoted(name.value)),
                NAME_RULE,
            );
        } else if let DeValue::Table(block) = value.get_ref() {
            // The rest of a block is the plugin's to understand; this file kitbag itself hands over.
            if let Some((key, value)) = block.get_key_value(COMPOSE_FILE) {
                let at =
                    value.get_ref().as_str().map(|text| At { value: text, line: notes.line(&key.span()) });
                let path = at.and_then(|at| Some((place(at, COMPOSE_FILE, notes)?, at.line)));
                files.extend(path);
            }
            if block.contains_key(NEEDS) {
                let block = Block::inside(block, name.line);
                if let Some(own) = block.block(NEEDS, BACKEND_NEEDS, notes) {
                    needs.insert(name.value.to_owned(), needs::of(&own, notes));
                }
            }
            match json(value.get_ref()) {
                Some(mut json) => {
                    // kitbag's own to judge, and nothing the plugin knows
                    if let Some(settings) = json.as_object_mut() {
                        settings.remove(NEEDS);
                    }
                    backends.insert(name.value.to_owned(), json);
                }
                None => notes.problem(
                    name.line,
                    format!("[backend.{}] holds a number that backends cannot be given.", name.value),
                    "Keep whole numbers below 2^63 and leave out `inf` and `nan`.",
                ),
            }
        } else {
            let message = format!("`{}` below [backend] has to be a block.", name.value);
            notes.problem(
                name.line,
                message,
                format!("Begin it with [backend.{}] on a line of its own.", name.value),
            );
        }
    }
    (backends, needs, files)
}

/// A TOML value as the plugin gets it; dates become texts. The parser bounds how deep values nest.
fn json(value: &DeValue<'_>) -> Option<Value> {
    Some(match value {
        DeValue::String(text) => Value::String(text.to_string()),
        DeValue::Integer(_) => Value::from(whole(value)?),
        DeValue::Float(number) => {
            Value::from(number.as_str().parse::<f64>().ok().filter(|float| float.is_finite())?)
        }
        DeValue::Boolean(flag) => Value::Bool(*flag),
        DeValue::Datetime(date) => Value::String(date.to_string()),
        DeValue::Array(items) => {
            Value::Array(items.iter().map(|item| json(item.get_ref())).collect::<Option<_>>()?)
        }
        DeValue::Table(table) => {
            let entry = |(key, value): (&toml::Spanned<_>, &toml::Spanned<_>)| {
                let name: &std::borrow::Cow<'_, str> = key.get_ref();
                Some((name.to_string(), json(value.get_ref())?))
            };
            Value::Object(table.iter().map(entry).collect::<Option<_>>()?)
        }
    })
}

/// A path of the workspace or package that every system can hold. One slash at its end is forgiven.
pub(super) fn place(at: At<&str>, key: &str, notes: &mut Notes) -> Option<WorkPath> {
    let text = at.value.strip_suffix('/').unwrap_or(at.value);
    let text = text.strip_prefix("./").unwrap_or(text);
    match WorkPath::parse(text) {
        Ok(path) => match not_portable(&path) {
            None => return Some(path),
            Some(why) => notes.problem(
                at.line,
                format!("{} in `{key}` cannot exist on every computer: {why}.", quoted(at.value)),
                "Choose another name.",
            ),
        },
        Err(bad) => notes.problem(
            at.line,
            format!("{} in `{key}` is not a place in the folder: {bad}.", quoted(at.value)),
            "Write a path below the folder, with `/` between names and without `..`.",
        ),
    }
    None
}

/// A name by the rule for names.
pub(super) fn named(at: At<&str>, key: &str, notes: &mut Notes) -> Option<String> {
    if is_name(at.value) {
        return Some(at.value.to_owned());
    }
    notes.problem(at.line, format!("{} cannot be the `{key}`.", quoted(at.value)), NAME_RULE);
    None
}

/// A text for people: something to read, on one line.
pub(super) fn one_line(at: At<&str>, key: &str, notes: &mut Notes) -> Option<String> {
    let text = at.value.trim();
    if !text.is_empty() && text.len() <= LONGEST_TITLE && shown(text) == text {
        return Some(text.to_owned());
    }
    let message = format!("{} cannot be the `{key}`.", quoted(at.value));
    notes.problem(at.line, message, "Write one short line of plain text, at most 200 bytes.");
    None
}
