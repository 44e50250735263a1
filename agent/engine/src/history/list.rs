//! The versions of everything, of a folder or of a file, the newest first by the clocks of the machines that made
//! them, for reading only; and what kitbag did on this machine. A renamed file's versions under its old name belong
//! to it.

use std::collections::{BTreeMap, BTreeSet};

use kitbag_core::history::{History, Near, same};
use kitbag_core::id::RecordId;
use kitbag_core::path::WorkPath;
use kitbag_core::version::{Content, Kind, Label};
use kitbag_store::ledger::{Operation, Version};
use serde::Serialize;

use super::kept::kept;
use super::words;
use crate::error::EngineError;
use crate::sync::{Cycle, Rules};
use crate::workspace::Workspace;

/// `history --json`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct HistoryView {
    /// The file or folder asked for; null for everything.
    pub path: Option<String>,
    /// The versions, newest first.
    pub versions: Vec<VersionView>,
    /// Whether there are older ones.
    pub more: bool,
    /// What kitbag did here, newest first; empty when a path was asked for.
    pub operations: Vec<OperationView>,
}

/// One version.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct VersionView {
    /// Its id.
    pub id: String,
    /// As many digits of it as name no other version.
    pub short: String,
    /// The file.
    pub path: String,
    /// The machine that made it; null for a change made in the cloud folder.
    pub machine: Option<String>,
    /// When, by that machine's clock.
    pub when: Option<String>,
    /// `edit`, `merge`, `outside`, `move` or `seed`.
    pub kind: Kind,
    /// How it came to be, in words.
    pub what: String,
    /// Bytes; null where the file was removed.
    pub size: Option<u64>,
    /// Whether its content is still to be had; null where the file was removed.
    pub kept: Option<bool>,
    /// Whether the working folder shows it.
    pub shown: bool,
    /// Whether it is the newest, or one side of an open question.
    pub newest: bool,
    /// Whether it is one side of an open question.
    pub open: bool,
    /// The short id of an older version with the same content.
    pub as_in: Option<String>,
}

/// Something kitbag did here.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct OperationView {
    /// Its number on this machine.
    pub number: i64,
    /// `sync`, `resolve`, `restore` or `undo`.
    pub what: &'static str,
    /// When.
    pub when: String,
    /// The operation it took back.
    pub undoes: Option<i64>,
    /// Files that came new with it.
    pub new_files: u64,
    /// What it did to files that were there.
    pub changes: Vec<ChangeView>,
}

/// What an operation did to one file.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct ChangeView {
    /// The file.
    pub path: String,
    /// `merged`, `changed`, `removed`, `renamed`, `brought back` or `answered`.
    pub what: &'static str,
}

/// The versions at a path and below it, or of everything; at most `limit` of them.
///
/// # Errors
/// The ledger fails.
pub fn history(
    ws: &Workspace,
    rules: &Rules,
    path: Option<&WorkPath>,
    limit: usize,
) -> Result<HistoryView, EngineError> {
    let lister = Lister { ws, cycle: Cycle::for_answers(ws, rules)? };
    let mut versions = ws.ledger.versions(path, limit.saturating_add(1))?;
    if let Some(path) = path {
        let elsewhere = lister.elsewhere(path)?;
        if !elsewhere.is_empty() {
            versions.extend(elsewhere);
            versions.sort_by(|a, b| time(b).cmp(time(a)));
        }
    }
    let more = versions.len() > limit;
    versions.truncate(limit);
    let operations = if path.is_none() { operations(ws, limit.min(10))? } else { Vec::new() };
    let versions = lister.views(versions, path)?;
    Ok(HistoryView { path: path.map(|path| path.as_str().to_owned()), versions, more, operations })
}

fn time(version: &Version) -> &str {
    version.label.as_ref().map_or("", |label| label.time.as_str())
}

/// What kitbag did here, newest first, at most `limit`.
///
/// # Errors
/// The ledger fails.
pub fn operations(ws: &Workspace, limit: usize) -> Result<Vec<OperationView>, EngineError> {
    ws.ledger.operations(limit)?.into_iter().map(|operation| view(ws, operation)).collect()
}

/// An operation as people see it.
pub(super) fn view(ws: &Workspace, operation: Operation) -> Result<OperationView, EngineError> {
    let mut changes = Vec::new();
    for change in ws.ledger.changes(operation.number)? {
        let record = |id: RecordId| Ok::<_, EngineError>(ws.ledger.record(id)?.map(|(record, _)| record));
        let after = record(change.after)?;
        let before = change.before.map(record).transpose()?.flatten();
        let had = before.is_some_and(|it| it.content != Content::Deleted && it.path == change.path);
        let what = match after {
            Some(after) if after.content == Content::Deleted => "removed",
            Some(after) if after.path != change.path => "renamed",
            _ if !had => "brought back",
            Some(after) if after.kind == Kind::Merge => "merged",
            Some(after) if after.kind == Kind::Edit && after.parents.len() > 1 => "answered",
            _ => "changed",
        };
        changes.push(ChangeView { path: change.path.as_str().to_owned(), what });
    }
    Ok(OperationView {
        number: operation.number,
        what: words::verb(operation.verb),
        when: operation.time,
        undoes: operation.undoes,
        new_files: operation.fresh,
        changes,
    })
}

struct Lister<'a> {
    ws: &'a Workspace,
    cycle: Cycle<'a>,
}

/// What is the same for all versions of one path.
struct Standing {
    history: History,
    heads: Vec<RecordId>,
    shown: Option<RecordId>,
}

impl Lister<'_> {
    fn standing(&self, path: &WorkPath) -> Result<Standing, EngineError> {
        let history = self.cycle.history(path)?;
        let base = self.ws.ledger.path(path)?.and_then(|row| row.memory.base);
        let (heads, shown) = (history.heads(), base.map(|base| history.real(base)));
        Ok(Standing { history, heads, shown })
    }

    fn views(
        &self,
        versions: Vec<Version>,
        asked: Option<&WorkPath>,
    ) -> Result<Vec<VersionView>, EngineError> {
        let mut standings: BTreeMap<WorkPath, Standing> = BTreeMap::new();
        let mut views = Vec::with_capacity(versions.len());
        let from = asked.map(|path| self.cycle.history(path)).transpose()?;
        for version in versions {
            // a rename that took the file away is part of the history of the path it left
            let away = from.as_ref().is_some_and(|from| from.moves_away().any(|(id, _)| id == version.id));
            let path = asked.filter(|_| away).unwrap_or(&version.record.path).clone();
            if !standings.contains_key(&path) {
                standings.insert(path.clone(), self.standing(&path)?);
            }
            let standing = &standings[&path];
            // a guess about bytes in the cloud folder that turned out to be a version known by another id
            if standing.history.real(version.id) == version.id {
                let to = away.then(|| words::renamed_to(&version.record.path));
                let view = self.view(version, standing)?;
                views.push(match to {
                    Some(what) => {
                        let path = path.as_str().to_owned();
                        VersionView { path, what, size: None, kept: None, as_in: None, ..view }
                    }
                    None => view,
                });
            }
        }
        Ok(views)
    }

    fn view(&self, version: Version, standing: &Standing) -> Result<VersionView, EngineError> {
        let ledger = &self.ws.ledger;
        let Version { id, record, label } = version;
        let mut from = None;
        if record.kind == Kind::Move {
            for parent in &record.parents {
                let parent = ledger.record(*parent)?.map(|(parent, _)| parent.path);
                from = from.or_else(|| parent.filter(|path| *path != record.path));
            }
        }
        let earlier = standing.history.ancestors(id, Near::Ignored).into_iter().find(|earlier| {
            let content = standing.history.content(*earlier);
            *earlier != id && content.is_some_and(|content| same(content, record.content))
        });
        let content = record.content.id();
        let newest = standing.heads.contains(&id);
        let outside = record.kind == Kind::Outside;
        let (machine, when) = label.map(|Label { machine, time, .. }| (machine, time)).unzip();
        Ok(VersionView {
            id: id.to_string(),
            short: ledger.short_id(id)?,
            path: record.path.as_str().to_owned(),
            machine: machine.filter(|machine| !machine.is_empty() && !outside),
            when: when.filter(|when| !when.is_empty()),
            kind: record.kind,
            what: words::of(&record, from.as_ref().map(WorkPath::as_str)),
            size: content.map(|_| record.content.size()),
            kept: (record.content != Content::Deleted).then(|| kept(self.ws, record.content)).transpose()?,
            shown: standing.shown == Some(id),
            newest,
            open: newest && standing.heads.len() > 1,
            as_in: earlier
                .filter(|_| content.is_some())
                .map(|earlier| ledger.short_id(earlier))
                .transpose()?,
        })
    }

    /// Versions a file had before it was renamed to this path, and the renames that took one away from it.
    fn elsewhere(&self, path: &WorkPath) -> Result<Vec<Version>, EngineError> {
        let history = self.cycle.history(path)?;
        let mut all = lineage(self.ws, path)?;
        all.extend(history.moves_away().map(|(id, _)| id));
        let mut found = Vec::new();
        for id in all {
            if let Some((record, label)) = self.ws.ledger.record(id)?
                && record.path != *path
            {
                found.push(Version { id, record, label });
            }
        }
        Ok(found)
    }
}

/// All versions of a file: those at its path, and what they come from under other names.
pub(super) fn lineage(ws: &Workspace, path: &WorkPath) -> Result<BTreeSet<RecordId>, EngineError> {
    let here = ws.ledger.admitted(path)?.into_iter().filter(|(_, record)| record.path == *path);
    let mut todo: Vec<_> = here.collect();
    let mut all: BTreeSet<RecordId> = todo.iter().map(|(id, _)| *id).collect();
    while let Some((_, record)) = todo.pop() {
        for parent in record.parents {
            if !all.contains(&parent)
                && let Some((record, _)) = ws.ledger.record(parent)?
            {
                all.insert(parent);
                todo.push((parent, record));
            }
        }
    }
    Ok(all)
}
