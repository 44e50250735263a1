//! Taking an operation back: each file it changed gets what the working folder showed before, as a new version. Only
//! files that still show what the operation left are touched; what was changed since is told and stays. Files that
//! came new from another machine stay too: to take them away would be to delete somebody's work everywhere. An undo
//! is an operation itself, so undoing it does the first thing again.

use kitbag_core::finding::Finding;
use kitbag_core::guard::Removals;
use kitbag_core::history::{History, same, same_bytes};
use kitbag_core::id::RecordId;
use kitbag_core::version::{Content, Label, Record};
use kitbag_store::ledger::{Change, Operation, Verb};
use serde::Serialize;

use super::bring::{Back, bring};
use super::kept::kept;
use super::list::{OperationView, view};
use super::words;
use crate::error::EngineError;
use crate::sync::{self, Cycle, Progress, Request, Rules, report::Report};
use crate::workspace::Workspace;

/// What a person asks for.
#[derive(Clone, Copy)]
pub struct Wanted<'a> {
    /// Which operation; none for the latest.
    pub operation: Option<i64>,
    /// Only say what would be done.
    pub dry_run: bool,
    /// Whether so many files may be removed, where they are many.
    pub many: &'a dyn Fn(usize) -> bool,
}

/// What an undo did, or would do.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Undone {
    /// What was taken back.
    pub operation: OperationView,
    /// This undo's own number; null when nothing was done.
    pub number: Option<i64>,
    /// Every file the operation had changed.
    pub files: Vec<UndoneFile>,
}

/// One file of it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct UndoneFile {
    /// The file.
    pub path: String,
    /// Whether it was, or would be, taken back.
    pub undone: bool,
    /// What that means, or why not, in words.
    pub what: String,
}

/// Take an operation back.
///
/// # Errors
/// There is none, none of its files can be taken back, too many files would be removed, or a sync fails.
pub fn undo(
    ws: &Workspace,
    rules: &Rules,
    request: &Request,
    wanted: Wanted<'_>,
    progress: &dyn Progress,
) -> Result<(Undone, Option<Report>), EngineError> {
    let operation = choose(ws, wanted.operation)?;
    let mut undone = Undone { operation: view(ws, operation.clone())?, number: None, files: Vec::new() };
    // what the working folder holds now becomes a version first; chosen before that, which may be an operation too
    let before = match wanted.dry_run {
        true => None,
        false => Some(sync::run(ws, rules, request.clone(), progress)?),
    };
    let cycle = Cycle::for_answers(ws, rules)?;
    let mut backs = Vec::new();
    for change in ws.ledger.changes(operation.number)? {
        let step = Look { ws, cycle: &cycle, dry_run: wanted.dry_run }.at(&change)?;
        let (undo, what) = match step {
            Step::Back(back, what) => {
                backs.push(*back);
                (true, what)
            }
            Step::Leave(why) => (false, why),
        };
        undone.files.push(UndoneFile { path: change.path.as_str().to_owned(), undone: undo, what });
    }
    let Some(before) = before else { return Ok((undone, None)) };
    if backs.is_empty() {
        return Ok((undone, Some(before)));
    }
    guard(ws, &backs, wanted.many)?;
    let verb = (Verb::Undo, Some(operation.number));
    let (number, after) = bring(ws, rules, request.clone(), verb, &backs, progress)?;
    undone.number = Some(number);
    Ok((undone, Some(before.then(after))))
}

fn choose(ws: &Workspace, number: Option<i64>) -> Result<Operation, EngineError> {
    let found = match number {
        Some(number) => ws.ledger.operation(number)?,
        None => ws.ledger.operations(1)?.pop(),
    };
    let list = "`kitbag undo --list` shows what there is.";
    let Some(operation) = found else {
        return Err(EngineError::Failed(match number {
            Some(number) => {
                let what = format!("there is no operation {number} on this computer");
                Finding::new(what, "The latest 200 of the last 60 days are remembered.", list)
            }
            None => Finding::new(
                "there is nothing to take back",
                "On this computer kitbag has not changed any of your files yet. What you changed yourself is in the \
                 history.",
                "`kitbag history FILE` shows a file's versions, `kitbag restore FILE --at ID` brings one back.",
            ),
        }));
    };
    if ws.ledger.changes(operation.number)?.is_empty() {
        let files = crate::error::count(usize::try_from(operation.fresh).unwrap_or(usize::MAX), "new file");
        return Err(EngineError::Failed(Finding::new(
            format!("the {} of {} only brought {files}", words::verb(operation.verb), operation.time),
            "New files of another computer stay: taking them away would remove them there too.",
            format!("Remove those you do not want. To take back something earlier: {list}"),
        )));
    }
    Ok(operation)
}

/// Many files are not removed everywhere without a word.
fn guard(ws: &Workspace, backs: &[Back], many: &dyn Fn(usize) -> bool) -> Result<(), EngineError> {
    let missing = backs.iter().filter(|back| back.record.content == Content::Deleted).count();
    let day = 24 * 3600 * 1000;
    let removals = Removals {
        missing: missing as u64,
        known: ws.ledger.counts()?.files,
        last_day: ws.ledger.removals_since(ws.doors.clock.now_millis() - day)?,
    };
    if !removals.ask() || many(missing) {
        return Ok(());
    }
    Err(EngineError::Failed(Finding::new(
        format!("this would remove {}, on all your computers", crate::error::count(missing, "file")),
        "They were not there before. Their contents stay in the history.",
        "If that is meant, run it again with `--yes`; `kitbag undo --dry-run` names them.",
    )))
}

enum Step {
    Back(Box<Back>, String),
    Leave(String),
}

fn leave(why: impl Into<String>) -> Result<Step, EngineError> {
    Ok(Step::Leave(why.into()))
}

struct Look<'a> {
    ws: &'a Workspace,
    cycle: &'a Cycle<'a>,
    dry_run: bool,
}

impl Look<'_> {
    fn at(&self, change: &Change) -> Result<Step, EngineError> {
        let Change { path, before, after } = change;
        let history = self.cycle.history(path)?;
        let known = |id: RecordId| Ok::<_, EngineError>(self.ws.ledger.record(id)?);
        // of a move away from here it is that nothing stood here
        let had = before.and_then(|id| history.content(id));
        let before = before.map(known).transpose()?.flatten();
        let (content, label) = match &before {
            Some((record, label)) => (had.unwrap_or(record.content), label.as_ref()),
            None => (Content::Deleted, None),
        };
        let Some((after_record, _)) = known(*after)? else {
            return leave("its versions are not known here any more");
        };
        let row = self.ws.ledger.path(path)?;
        if row.as_ref().is_some_and(|row| !row.open.is_empty()) {
            return leave("a question about it is open; `kitbag resolve` answers it");
        }
        let shown = row.and_then(|row| row.memory.base).map(|shown| history.real(shown));
        let stands = shown.and_then(|shown| history.content(shown)).unwrap_or(Content::Deleted);
        let left = history.content(*after).unwrap_or(after_record.content);
        let newest = history.heads();
        if !same(stands, left) && newest == [history.real(change.after)] {
            return leave("what it brought is not in the working folder yet");
        }
        if !same(stands, left) || (self.dry_run && !self.untouched(path, stands)?) {
            return leave("it was changed again since, so it stays as it is");
        }
        if newest != shown.into_iter().collect::<Vec<_>>() {
            return leave("a newer version of it waits to be brought in");
        }
        if same(content, stands) {
            return self.same_before_and_after(&history, &after_record);
        }
        if !kept(self.ws, content)? {
            let may = words::who_may_have_it(label);
            return leave(format!("what it held before is no longer kept. {may}"));
        }
        let what = in_words(content, stands, label);
        let like = before.as_ref().map(|(record, _)| record);
        Ok(Step::Back(Box::new(Back::new(path, &history, content, like, shown)), what))
    }

    /// Whether the working folder still holds what the ledger says it shows; looked at only, nothing is recorded.
    fn untouched(&self, path: &kitbag_core::path::WorkPath, stands: Content) -> Result<bool, EngineError> {
        Ok(same_bytes(self.cycle.working_content(path)?, stands))
    }

    /// An answer kept the side that was shown: going back to it changes nothing, but the other sides can be had.
    fn same_before_and_after(&self, history: &History, after: &Record) -> Result<Step, EngineError> {
        let mut others = Vec::new();
        for parent in &after.parents {
            if history.content(*parent).is_some_and(|content| !same(content, after.content)) {
                others.push(self.ws.ledger.short_id(*parent)?);
            }
        }
        leave(if others.is_empty() {
            "it reads the same before and after".to_owned()
        } else {
            format!(
                "the answer kept what was here. The other side is version {}: `kitbag restore {} --at {}`",
                others.join(", "),
                after.path,
                others[0]
            )
        })
    }
}

fn in_words(content: Content, stands: Content, label: Option<&Label>) -> String {
    match (content, stands, label) {
        (Content::Deleted, _, _) => "is removed again".to_owned(),
        (_, Content::Deleted, _) => "comes back".to_owned(),
        (_, _, Some(Label { machine, time, .. })) => format!(
            "as it was here before: the version of {} from {}",
            kitbag_core::path::shown(machine),
            kitbag_core::path::shown(time)
        ),
        _ => "as it was here before".to_owned(),
    }
}
