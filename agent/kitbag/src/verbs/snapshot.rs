//! `snapshot`: what the course's programs keep for themselves, as it is now; the same put back later.

use std::cell::Cell;

use kitbag_core::finding::Exit;
use kitbag_core::path::shown;
use kitbag_engine::environment::snapshot::{self, Changed, Snapshot};
use kitbag_engine::environment::{Doubt, Options, Question, ServiceView};
use kitbag_engine::error::size;
use kitbag_engine::sync::report::Report;
use serde::Serialize;

use super::sync::tell;
use super::up::started;
use crate::args::{Snapshot as Args, SnapshotVerb, Up};
use crate::consent::consent;
use crate::context::Context;
use crate::{Outcome, doubt};

#[derive(Serialize)]
struct Document {
    snapshot: Snapshot,
    /// Null: the course did not run, and does not.
    services: Option<Vec<ServiceView>>,
    notes: Vec<String>,
    sync: Report,
}

#[derive(Serialize)]
struct List {
    snapshots: Vec<Snapshot>,
}

#[derive(Serialize)]
struct Removed {
    removed: Snapshot,
}

/// Take, list, restore or remove.
pub fn run(context: &Context, args: Args) -> Outcome {
    match args.verb.unwrap_or(SnapshotVerb::Take { name: args.name }) {
        SnapshotVerb::Take { name } => change(context, Wanted::Take(name)),
        SnapshotVerb::Restore { name } => change(context, Wanted::Restore(name)),
        SnapshotVerb::List => list(context),
        SnapshotVerb::Remove { name } => remove(context, &name),
    }
}

enum Wanted {
    Take(Option<String>),
    Restore(String),
}

fn change(context: &Context, wanted: Wanted) -> Outcome {
    let ws = context.open()?;
    let asked = Cell::new(false);
    let ask = |question: &Question| consent(context, question, &asked);
    let go_on = |doubt: &Doubt| doubt::go_on(context, doubt);
    let options = Options { backend: None, ask: &ask, go_on: &go_on };
    let (home, progress) = (&context.home, context.printer.clone());
    let changed = match &wanted {
        Wanted::Take(name) => context.wait(snapshot::take(&ws, home, name.as_deref(), &options, progress))?,
        Wanted::Restore(name) => context.wait(snapshot::restore(&ws, home, name, &options, progress))?,
    };
    told(context, &wanted, changed)
}

fn told(context: &Context, wanted: &Wanted, changed: Changed) -> Outcome {
    let printer = &context.printer;
    let document = document(&changed);
    if printer.document(&document) {
        return Ok(document.sync.exit());
    }
    let Changed { snapshot, up, report, notes } = changed;
    tell(printer, &report);
    notes.iter().for_each(|note| printer.line(shown(note)));
    match wanted {
        Wanted::Take(_) => {
            printer.line(format!("Snapshot taken: {}", line(&snapshot)));
            printer.line(
                "It is on this computer only and holds what the course's programs keep for themselves, such as \
                 databases. Your files have their own history. What you installed inside the container is not in it, \
                 nor are networks and their rules.",
            );
        }
        Wanted::Restore(_) => {
            printer.line(format!("Snapshot restored: {}", line(&snapshot)));
            printer.line(
                "Your files are as they were before. What the databases held before is in their history: `kitbag \
                 history backups`. The container was made afresh, without what you installed inside it.",
            );
        }
    }
    let exit = report.exit();
    match up {
        Some(up) => {
            let again = started(context, up, &Up { backend: None, no_open: true })?;
            Ok(if exit == Exit::Done { again } else { exit })
        }
        None => Ok(exit),
    }
}

fn document(changed: &Changed) -> Document {
    let Changed { snapshot, up, report, notes } = changed.clone();
    let (mut document, more) = (Document { snapshot, services: None, notes, sync: report }, up);
    if let Some(up) = more {
        document.sync = document.sync.then(up.report);
        document.notes.extend(up.notes);
        document.services = Some(up.services);
    }
    document
}

fn list(context: &Context) -> Outcome {
    let ws = context.open()?;
    let snapshots = context.wait(snapshot::list(&ws, &context.home, context.printer.clone()))?;
    let printer = &context.printer;
    let list = List { snapshots };
    if printer.document(&list) {
        return Ok(Exit::Done);
    }
    if list.snapshots.is_empty() {
        printer.line("No snapshots yet. `kitbag snapshot NAME` takes one.");
    }
    list.snapshots.iter().for_each(|one| printer.line(line(one)));
    Ok(Exit::Done)
}

fn remove(context: &Context, name: &str) -> Outcome {
    let ws = context.open()?;
    let removed = context.wait(snapshot::remove(&ws, &context.home, name, context.printer.clone()))?;
    let printer = &context.printer;
    let gone = Removed { removed };
    if !printer.document(&gone) {
        printer.line(format!("Snapshot removed: {}", line(&gone.removed)));
    }
    Ok(Exit::Done)
}

fn line(one: &Snapshot) -> String {
    let when = one.taken.as_deref().map(|when| format!("  {}", shown(when))).unwrap_or_default();
    format!("{}{when}  {}", shown(&one.name), size(one.bytes))
}
