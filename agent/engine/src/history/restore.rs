//! One file as it was in an older version, as a new version on top of the newest: of a deleted file it brings the file
//! back, on an open question it is the answer. Of a folder, the files that were removed together come back: that is
//! the one moment of many files that can be told without trusting the clocks of several computers.

use kitbag_core::finding::Finding;
use kitbag_core::history::same;
use kitbag_core::path::WorkPath;
use kitbag_core::version::Content;
use kitbag_store::ledger::Verb;
use serde::Serialize;

use super::bring::{Back, bring};
use super::kept::kept;
use super::{find, words};
use crate::error::EngineError;
use crate::sync::{self, Cycle, Progress, Request, Rules, report::Report};
use crate::workspace::Workspace;

/// What a restore did.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Restored {
    /// The file.
    pub path: String,
    /// The short id of the version that was brought back.
    pub from: String,
    /// The id of the new version that has its content; null where the newest one had it already.
    pub version: Option<String>,
    /// Whether the working folder shows it now; of a folder, all of it.
    pub shown: bool,
    /// Of a folder: the files that came back.
    pub files: Vec<String>,
    /// Of a folder: files removed with them that are left as they are, each with the reason.
    pub left: Vec<String>,
}

/// Bring a version of a file back.
///
/// # Errors
/// The id names no version of that file, the version is a removal or its content is not kept any more, or a sync fails.
pub fn restore(
    ws: &Workspace,
    rules: &Rules,
    request: &Request,
    path: &WorkPath,
    at: &str,
    progress: &dyn Progress,
) -> Result<(Restored, Report), EngineError> {
    let found = find::version(ws, path, at)?;
    if found.record.path != *path && is_below(&found.record.path, path) {
        return restore_folder(ws, rules, request, path, found, progress);
    }
    let from = ws.ledger.short_id(found.id)?;
    let content = found.record.content;
    if content == Content::Deleted {
        return Err(EngineError::Failed(Finding::new(
            format!("version {from} is the removal of {path}"),
            "There is nothing in it to bring back.",
            format!("Name a version before it: `kitbag history {path}` shows them."),
        )));
    }
    // what the working folder holds now becomes a version first
    let before = sync::run(ws, rules, request.clone(), progress)?;
    if !kept(ws, content)? {
        return Err(EngineError::Failed(Finding::new(
            format!("the content of version {from} of {path} is no longer kept"),
            "Contents of old versions are removed after a while, so that the cloud folder does not fill up.",
            words::who_may_have_it(found.label.as_ref()),
        )));
    }
    let history = Cycle::for_answers(ws, rules)?.history(path)?;
    let heads = history.heads();
    let shown = ws.ledger.path(path)?.and_then(|row| row.memory.base);
    let already = matches!(heads.as_slice(), [only]
        if history.content(*only).is_some_and(|newest| same(newest, content)));
    let mut restored = Restored::new(path, from);
    let mut report = before;
    if !already {
        let back = Back::new(path, &history, content, Some(&found.record), shown);
        restored.version = Some(back.record.id().to_string());
        let (_, after) = bring(ws, rules, request.clone(), (Verb::Restore, None), &[back], progress)?;
        report = report.then(after);
    }
    restored.shown = shows(ws, path, content)?;
    Ok((restored, report))
}

impl Restored {
    fn new(path: &WorkPath, from: String) -> Self {
        Restored {
            path: path.as_str().to_owned(),
            from,
            version: None,
            shown: false,
            files: Vec::new(),
            left: Vec::new(),
        }
    }
}

fn is_below(path: &WorkPath, folder: &WorkPath) -> bool {
    path.as_str().strip_prefix(folder.as_str()).is_some_and(|rest| rest.starts_with('/'))
}

/// Every file below a folder that was removed together with this one and is still gone.
fn restore_folder(
    ws: &Workspace,
    rules: &Rules,
    request: &Request,
    folder: &WorkPath,
    found: find::Found,
    progress: &dyn Progress,
) -> Result<(Restored, Report), EngineError> {
    let from = ws.ledger.short_id(found.id)?;
    let label = found.label.filter(|_| found.record.content == Content::Deleted);
    let Some(label) = label else {
        return Err(EngineError::Failed(Finding::new(
            format!("version {from} is no removal, and {folder} is a folder"),
            "Versions are of single files. Which versions of a whole folder belonged together cannot be told from \
             the clocks of several computers; which files were removed together can.",
            format!(
                "Bring a removed folder back with the id of one of the removals, or single files with theirs: \
                 `kitbag history {folder}` shows both."
            ),
        )));
    };
    let before = sync::run(ws, rules, request.clone(), progress)?;
    let cycle = Cycle::for_answers(ws, rules)?;
    let mut restored = Restored::new(folder, from);
    let mut backs = Vec::new();
    for removal in ws.ledger.removed_together(folder, &label)? {
        let path = &removal.record.path;
        let history = cycle.history(path)?;
        if history.heads() != [removal.id] {
            restored.left.push(format!("{path}: it was made or changed again since"));
            continue;
        }
        let had = removal.record.parents.iter().filter_map(|parent| history.get(*parent));
        let mut had: Vec<_> = had.filter(|parent| parent.content != Content::Deleted).collect();
        had.dedup_by_key(|parent| parent.content);
        match had.as_slice() {
            [one] if kept(ws, one.content)? => {
                let shown = ws.ledger.path(path)?.and_then(|row| row.memory.base);
                backs.push(Back::new(path, &history, one.content, Some(*one), shown));
            }
            [_] => restored.left.push(format!("{path}: its content is no longer kept")),
            _ => restored.left.push(format!("{path}: it had several versions; name one with its own id")),
        }
    }
    let mut report = before;
    if !backs.is_empty() {
        let (_, after) = bring(ws, rules, request.clone(), (Verb::Restore, None), &backs, progress)?;
        report = report.then(after);
    }
    restored.shown = true;
    for back in &backs {
        restored.files.push(back.record.path.as_str().to_owned());
        restored.shown &= shows(ws, &back.record.path, back.record.content)?;
    }
    Ok((restored, report))
}

/// Whether the working folder shows this content at a path.
fn shows(ws: &Workspace, path: &WorkPath, content: Content) -> Result<bool, EngineError> {
    let Some(base) = ws.ledger.path(path)?.and_then(|row| row.memory.base) else { return Ok(false) };
    Ok(ws.ledger.record(base)?.is_some_and(|(record, _)| same(record.content, content)))
}
