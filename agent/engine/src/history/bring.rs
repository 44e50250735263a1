//! Publishing what comes back: new versions on top of the newest ones, and the operation in the log, in one step of the
//! ledger; then the sync that carries them out.

use kitbag_core::history::History;
use kitbag_core::id::RecordId;
use kitbag_core::path::WorkPath;
use kitbag_core::version::{Content, Kind, Record};
use kitbag_store::ledger::{Change, Verb};

use crate::error::EngineError;
use crate::sync::{self, Progress, Proposal, Request, Rules, report::Report};
use crate::workspace::Workspace;

/// One file about to go back.
pub(super) struct Back {
    /// The version that is published.
    pub(super) record: Record,
    /// What the working folder shows until then.
    pub(super) shown: Option<RecordId>,
}

impl Back {
    /// The content of an older version as a new one on top of the heads of its path. `like` is that older version.
    pub(super) fn new(
        path: &WorkPath,
        history: &History,
        content: Content,
        like: Option<&Record>,
        shown: Option<RecordId>,
    ) -> Self {
        let mut record = Record::new(path.clone(), content, Kind::Edit, history.heads());
        if content != Content::Deleted {
            record.backup = like.and_then(|like| like.backup.clone());
        }
        Back { record, shown }
    }
}

/// Publish them as one operation and carry it out. What the sync did.
///
/// # Errors
/// Something cannot be written, or the sync fails; the versions are published then, and the next sync goes on.
pub(super) fn bring(
    ws: &Workspace,
    rules: &Rules,
    request: Request,
    (verb, undoes): (Verb, Option<i64>),
    files: &[Back],
    progress: &dyn Progress,
) -> Result<(i64, Report), EngineError> {
    let share = ws.share();
    let mut proposals = Vec::with_capacity(files.len());
    for file in files {
        let mut from = None;
        if let Some(content) = file.record.content.id()
            && !ws.ledger.is_packed(content)?
        {
            // saved on sight on this machine, and in no pack yet
            from = Some(ws.kept_folder().join(content.to_string()));
        }
        proposals.push(Proposal { record: file.record.clone(), file: from });
    }
    let operation = ws.ledger.batch(|ledger| {
        sync::propose(ws, &share, &proposals, &[])?;
        let (now, time) = (ws.doors.clock.now_millis(), ws.doors.clock.rfc3339());
        let operation = ledger.begin_operation(verb, now, &time, undoes)?;
        for file in files {
            let path = file.record.path.clone();
            ledger.log_change(operation, &Change { path, before: file.shown, after: file.record.id() })?;
        }
        Ok::<_, EngineError>(operation)
    })?;
    let report = sync::run(ws, rules, request, progress)?;
    // what another machine sent meanwhile came in before it
    Ok((ws.ledger.make_latest(operation)?, report))
}
