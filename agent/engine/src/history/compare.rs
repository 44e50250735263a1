//! A file as it is in the working folder beside one of its versions: the one a person names, else the latest that says
//! something else. So "what did I change" is answered before a sync, and "what came in last" after it.

use kitbag_core::finding::Finding;
use kitbag_core::merge::notebook::LARGEST;
use kitbag_core::path::WorkPath;
use kitbag_core::version::{Content, Kind, Label};

use super::find::{self, Found};
use super::kept::kept;
use super::words;
use crate::comparing::{Compare, Compared, compared, content};
use crate::error::EngineError;
use crate::given::{self, Given};
use crate::sync::{Cycle, Rules};
use crate::workspace::Workspace;

/// Compare a version with what the working folder has. `at`: its id; the latest that differs where it is not given.
///
/// # Errors
/// No version has that id, or its content is not to be had; or there is neither a file nor a version.
pub fn compare(
    ws: &Workspace,
    rules: &Rules,
    path: &WorkPath,
    at: Option<&str>,
) -> Result<Compared, EngineError> {
    let file = ws.settings.work.join(path.as_str());
    let now = match ws.doors.disk.stat(&file) {
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => None,
        _ => Some(given::read(&ws.doors, &file, LARGEST)?),
    };
    let after = Compare { path: path.as_str().to_owned(), ..Compare::default() };
    let found = match at {
        Some(at) => Some(find::version(ws, path, at)?),
        None => latest_other(ws, path, now.as_ref())?,
    };
    let before = match found {
        Some(found) => version(ws, rules, path, found)?,
        None => (after.clone(), None),
    };
    Ok(compared(before, (after, now)))
}

/// Going back from the version the working folder shows, the first that says something else; none where there is none.
fn latest_other(ws: &Workspace, path: &WorkPath, now: Option<&Given>) -> Result<Option<Found>, EngineError> {
    let ledger = &ws.ledger;
    let base = ledger.path(path)?.and_then(|row| row.memory.base);
    if base.is_none() && now.is_none() {
        return Err(EngineError::Failed(Finding::new(
            format!("{path} is not in the working folder"),
            "There is nothing to compare a version with.",
            format!("`kitbag history {path}` shows its versions; --at ID compares with one of them."),
        )));
    }
    let now = now.map(content);
    let mut next = base;
    while let Some(id) = next {
        let Some((record, label)) = ledger.record(id)? else { break };
        if record.content.id() != now {
            return Ok(Some(Found { id, record, label }));
        }
        // of a merge what this computer had before it
        next = record.parents.first().copied();
        for parent in &record.parents {
            let own = |label: &Label| label.machine == ws.settings.machine;
            if ledger.record(*parent)?.and_then(|(_, label)| label).as_ref().is_some_and(own) {
                next = Some(*parent);
                break;
            }
        }
    }
    Ok(None)
}

fn version(
    ws: &Workspace,
    rules: &Rules,
    path: &WorkPath,
    found: Found,
) -> Result<(Compare, Option<Given>), EngineError> {
    let Found { id, record, label } = found;
    let short = ws.ledger.short_id(id)?;
    let content = record.content;
    if matches!(content, Content::Unit { .. }) {
        return Err(EngineError::Failed(Finding::new(
            format!("{path} is a folder that is kept as one thing"),
            "Its versions are of the whole folder.",
            format!("`kitbag history {path}` shows them; `kitbag restore {path} --at ID` brings one back."),
        )));
    }
    if !kept(ws, content)? {
        return Err(EngineError::Failed(Finding::new(
            format!("the content of version {short} of {path} is no longer kept"),
            "Contents of old versions are removed after a while, so that the cloud folder does not fill up.",
            words::who_may_have_it(label.as_ref()),
        )));
    }
    let given = match content.id() {
        None => None,
        Some(content) if record.content.size() > LARGEST as u64 => {
            Some(Given::Larger(record.content.size(), content))
        }
        Some(content) => {
            let bytes = Cycle::for_answers(ws, rules)?.stored(content, LARGEST as u64);
            Some(Given::Whole(bytes.map_err(|error| {
                EngineError::Failed(Finding::new(
                    format!("version {short} of {path} cannot be read"),
                    error.to_string(),
                    "Wait until the cloud folder has delivered it; `kitbag verify` checks what is stored.",
                ))
            })?))
        }
    };
    let (machine, when) = label.map(|Label { machine, time, .. }| (machine, time)).unzip();
    let outside = record.kind == Kind::Outside;
    let side = Compare {
        path: record.path.as_str().to_owned(),
        version: Some(id.to_string()),
        short: Some(short),
        machine: machine.filter(|machine| !machine.is_empty() && !outside),
        when: when.filter(|when| !when.is_empty()),
        bytes: None,
    };
    Ok((side, given))
}
