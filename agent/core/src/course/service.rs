//! The `[[service]]` blocks: what all kinds have in common, databases the host makes, programs a backend runs.
//! Programs are bare names and placeholders are known ones, because a person grants programs by name and the
//! host alone fills in ports, secrets and folders. `web` and `database` read the other two kinds.

use std::collections::BTreeMap;

use toml::de::DeValue;

use super::block::Block;
use super::database::read_database;
use super::kind::{CsvFile, Port, Program, Ready, Service, ServiceKind, Sqlite};
use super::manifest::{ServiceLines, named, one_line, place};
use super::name::{NAME_RULE, is_name, is_program, is_table, is_variable, nearest};
use super::placeholder::{KNOWN, PORT, TOKEN, placeholders};
use super::problem::{At, Notes, quoted};
use super::web::read_web;

const MOST_SERVICES: usize = 100;

pub(super) fn read_services(top: &Block<'_>, notes: &mut Notes) -> (Vec<Service>, Vec<ServiceLines>) {
    let blocks = top.blocks("service", "[[service]]", notes);
    few(&blocks, MOST_SERVICES, notes);
    blocks.iter().take(MOST_SERVICES).filter_map(|block| read_service(block, notes)).unzip()
}

pub(super) fn few(blocks: &[Block<'_>], most: usize, notes: &mut Notes) {
    if let Some(block) = blocks.get(most) {
        let message = format!("There are more than {most} {} blocks.", block.name);
        notes.problem(block.line, message, "Keep those the course cannot do without.");
    }
}

fn read_service(block: &Block<'_>, notes: &mut Notes) -> Option<(Service, ServiceLines)> {
    let name = block.needed("name", "database", notes).and_then(|at| named(at, "name", notes));
    let title = block.text("title", notes).and_then(|at| one_line(at, "title", notes));
    let backup = block.flag("backup", notes);
    let mut lines = ServiceLines { at: block.line, ..ServiceLines::default() };
    let backends = read_backends(block, notes);
    lines.backends = backends.first().map_or(block.line, |at| at.line);
    let kind = block.needed("kind", "sqlite", notes)?;
    let read = match kind.value {
        "sqlite" => Some(ServiceKind::Sqlite(read_sqlite(block, &mut lines, notes))),
        "program" => read_program(block, notes).map(ServiceKind::Program),
        "web" => read_web(block, &mut lines, notes).map(ServiceKind::Web),
        "database" => read_database(block, &mut lines, notes).map(ServiceKind::Database),
        unknown => {
            let message = format!("{} is not a kind of service.", quoted(unknown));
            let remedy = match nearest(unknown, ServiceKind::NAMES) {
                Some(meant) => format!("Did you mean `{meant}`?"),
                None => format!("Write `kind = \"…\"` with one of: {}.", ServiceKind::NAMES.join(", ")),
            };
            notes.problem(kind.line, message, remedy);
            return None;
        }
    };
    for other in ServiceKind::NAMES.into_iter().filter(|other| *other != kind.value) {
        if let Some(At { line, .. }) = block.raw(other, notes) {
            notes.problem(
                line,
                format!("[service.{other}] does not go with the `kind` of this service."),
                format!("Remove it, or write `kind = \"{other}\"`."),
            );
        }
    }
    let saved = matches!(kind.value, "sqlite" | "database");
    if let Some(At { value: true, line }) = backup
        && !saved
    {
        let remedy = "Remove `backup`; what the service keeps in the working folder is kept anyway.";
        notes.problem(line, "Only a service of kind `sqlite` or `database` can be backed up.", remedy);
    }
    let (name, kind) = (name?, read?);
    let title = title.unwrap_or_else(|| name.clone());
    let backends = backends.into_iter().map(|at| at.value.to_owned()).collect();
    Some((Service { name, title, backup: backup.map_or(saved, |at| at.value), backends, kind }, lines))
}

/// The backends a service or step is for; empty where it does not say.
pub(super) fn read_backends<'t>(block: &Block<'t>, notes: &mut Notes) -> Vec<At<&'t str>> {
    let mut backends = block.texts("backends", notes);
    backends.retain(|at| {
        let fits = is_name(at.value);
        if !fits {
            notes.problem(at.line, format!("{} is not a backend.", quoted(at.value)), NAME_RULE);
        }
        fits
    });
    backends
}

fn read_sqlite(service: &Block<'_>, lines: &mut ServiceLines, notes: &mut Notes) -> Sqlite {
    let mut sqlite = Sqlite::default();
    let Some(block) = service.block("sqlite", "[service.sqlite]", notes) else { return sqlite };
    if let Some(schema) = block.text("schema", notes) {
        lines.schema = schema.line;
        sqlite.schema = place(schema, "schema", notes);
    }
    for block in block.blocks("csv", "csv of [service.sqlite]", notes) {
        let table = block.needed("table", "books", notes);
        let file = block.needed("file", "data/books.csv", notes);
        let delimiter = block.text("delimiter", notes).map_or(Some(b','), |at| read_delimiter(at, notes));
        let (Some(table), Some(file), Some(delimiter)) = (table, file, delimiter) else { continue };
        if !is_table(table.value) {
            notes.problem(
                table.line,
                format!("{} cannot be the name of a table.", quoted(table.value)),
                "Use letters, digits and `_`; it may not begin with a digit or with `sqlite_`.",
            );
            continue;
        }
        if let Some(path) = place(file, "file", notes) {
            lines.csv.push(block.line);
            sqlite.csv.push(CsvFile { table: table.value.to_owned(), file: path, delimiter });
        }
    }
    sqlite
}

fn read_delimiter(at: At<&str>, notes: &mut Notes) -> Option<u8> {
    match at.value.as_bytes() {
        &[byte] if byte == b'\t' || (byte.is_ascii_punctuation() && byte != b'"') => Some(byte),
        _ => {
            let message = format!("{} cannot be the `delimiter`.", quoted(at.value));
            notes.problem(at.line, message, "Write one sign, such as `\",\"`, `\";\"` or `\"\\t\"`.");
            None
        }
    }
}

fn read_program(service: &Block<'_>, notes: &mut Notes) -> Option<Program> {
    let Some(block) = service.block("program", "[service.program]", notes) else {
        if service.raw("program", notes).is_none() {
            notes.problem(
                service.line,
                "A service of kind `program` needs a [service.program].",
                "Add [service.program] below it with `program = \"NAME\"`.",
            );
        }
        return None;
    };
    let program = block.needed("program", "jupyter", notes).and_then(|at| bare(at, notes));
    let args = block.texts("args", notes);
    let env = read_env(&block, notes);
    let path = block.text("path", notes);
    let texts: Vec<At<&str>> = args.iter().copied().chain(env.iter().map(|&(_, value)| value)).collect();
    let port =
        read_port(&block, texts.iter().any(|at| placeholders(at.value).any(|name| name == PORT)), notes);
    for &text in &texts {
        known_placeholders(text, port != Port::None, notes);
    }
    if let Some(at) = args.iter().find(|at| placeholders(at.value).any(|name| name == TOKEN)) {
        notes.warning(
            at.line,
            "The access token stands in the arguments, where other users of the computer can read it.",
            "Pass it in [service.program.env] if the program can take it from there.",
        );
    }
    let ready = block.block("ready", "[service.program.ready]", notes);
    let ready_port = ready.as_ref().and_then(|ready| ready.flag("port", notes));
    if let Some(At { value: true, line }) = ready_port
        && port == Port::None
    {
        notes.problem(
            line,
            "The service has no port that could answer.",
            "Add `port = true`, or remove this line.",
        );
    }
    let timeout = ready.as_ref().and_then(|ready| ready.number("timeout_seconds", 1, 3600, notes));
    let grace = block.number("stop_grace_seconds", 0, 600, notes);
    let open = block.flag("open", notes);
    if let Some(At { value: true, line }) = open
        && port == Port::None
    {
        notes.problem(
            line,
            "A service without a port cannot be opened.",
            "Add `port = true`, or remove `open`.",
        );
    }
    let optional = block.flag("optional", notes);
    Some(Program {
        program: program?,
        args: args.iter().map(|at| at.value.to_owned()).collect(),
        env: env
            .iter()
            .map(|&(name, value)| (name.to_owned(), value.value.to_owned()))
            .collect::<BTreeMap<_, _>>(),
        port,
        path: path.map_or(Some("/".to_owned()), |at| url_path(at, notes))?,
        ready: Ready {
            port: ready_port.map_or(port != Port::None, |at| at.value),
            timeout_seconds: timeout.map_or(60, |at| at.value),
        },
        optional: optional.is_some_and(|at| at.value),
        open: open.is_some_and(|at| at.value),
        stop_grace_seconds: grace.map_or(5, |at| at.value),
    })
}

pub(super) fn bare(at: At<&str>, notes: &mut Notes) -> Option<String> {
    if is_program(at.value) {
        return Some(at.value.to_owned());
    }
    notes.problem(
        at.line,
        format!("{} is not the bare name of a program.", quoted(at.value)),
        "Write the name alone, such as `jupyter`: no folders, no spaces; what follows it goes into the arguments.",
    );
    None
}

fn read_env<'t>(block: &Block<'t>, notes: &mut Notes) -> Vec<(&'t str, At<&'t str>)> {
    let mut env = Vec::new();
    for (name, value) in block.entries("env", notes) {
        match value.get_ref() {
            _ if !is_variable(name.value) => notes.problem(
                name.line,
                format!("{} cannot be set for a program.", quoted(name.value)),
                "Use letters, digits and `_`; names that begin with KITBAG_ are kitbag's own.",
            ),
            DeValue::String(text) if !text.contains('\0') => {
                env.push((name.value, At { value: &**text, line: name.line }));
            }
            _ => notes.problem(
                name.line,
                format!("{} has to be a text.", quoted(name.value)),
                format!("Write `{} = \"…\"`, in double quotes.", name.value),
            ),
        }
    }
    env
}

pub(super) fn read_port(block: &Block<'_>, used: bool, notes: &mut Notes) -> Port {
    let Some(At { value, line }) = block.raw("port", notes) else {
        return if used { Port::Any } else { Port::None };
    };
    match value {
        DeValue::Boolean(true) => Port::Any,
        DeValue::Boolean(false) => Port::None,
        // Below 1024 an ordinary user may not listen on many systems.
        _ => match super::block::whole(value).and_then(|port| u16::try_from(port).ok()) {
            Some(port) if port >= 1024 => Port::Preferred(port),
            _ => {
                let remedy = "Write a number from 1024 to 65535, or `true` for any free port.";
                notes.problem(line, "`port` is not a port a student's program can listen on.", remedy);
                Port::Any
            }
        },
    }
}

pub(super) fn known_placeholders(at: At<&str>, has_port: bool, notes: &mut Notes) {
    for name in placeholders(at.value) {
        if !KNOWN.contains(&name) {
            let message = format!("{{{}}} is not something kitbag fills in.", quoted(name).trim_matches('`'));
            let remedy = match nearest(name, KNOWN) {
                Some(meant) => format!("Did you mean {{{meant}}}?"),
                None => "Known here: {port}, {token}, {work}.".to_owned(),
            };
            notes.problem(at.line, message, remedy);
        } else if name == PORT && !has_port {
            notes.problem(
                at.line,
                "{port} is used where there is no port.",
                "Give the service a port, or take it out.",
            );
        }
    }
}

pub(super) fn url_path(at: At<&str>, notes: &mut Notes) -> Option<String> {
    let ends_early = |c: char| c.is_whitespace() || c.is_control() || matches!(c, '\\' | '#' | '{' | '}');
    if at.value.starts_with('/')
        && !at.value.starts_with("//")
        && !at.value.contains(ends_early)
        && at.value.len() <= 500
    {
        return Some(at.value.to_owned());
    }
    let message = format!("{} is not the path of an address.", quoted(at.value));
    notes.problem(
        at.line,
        message,
        "Begin it with one `/` and leave out spaces, braces and `#`, such as `/lab`.",
    );
    None
}
