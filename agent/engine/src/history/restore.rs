//! One file as it was in an older version, as a new version on top of the newest: of a deleted file it brings the file
//! back, on an open question it is the answer.

use kitbag_core::finding::Finding;
use kitbag_core::history::same;
use kitbag_core::path::WorkPath;
use kitbag_core::version::Content;
use kitbag_store::ledger::Verb;
use serde::Serialize;

use super::bring::{Back, bring};
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
    /// Whether the working folder shows it now.
    pub shown: bool,
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
    let from = ws.ledger.short_id(found.id)?;
    let content = found.record.content;
    let Some(bytes) = content.id() else {
        return Err(EngineError::Failed(Finding::new(
            format!("version {from} is the removal of {path}"),
            "There is nothing in it to bring back.",
            format!("Name a version before it: `kitbag history {path}` shows them."),
        )));
    };
    // what the working folder holds now becomes a version first
    let before = sync::run(ws, rules, request.clone(), progress)?;
    if !ws.ledger.has_content(bytes)? {
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
    let mut restored = Restored { path: path.as_str().to_owned(), from, version: None, shown: false };
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

/// Whether the working folder shows this content at a path.
fn shows(ws: &Workspace, path: &WorkPath, content: Content) -> Result<bool, EngineError> {
    let Some(base) = ws.ledger.path(path)?.and_then(|row| row.memory.base) else { return Ok(false) };
    Ok(ws.ledger.record(base)?.is_some_and(|(record, _)| same(record.content, content)))
}
