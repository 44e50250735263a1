//! `reset`: a fresh environment with the same work. What the databases hold is durable in the share before they are
//! removed here; one that cannot be dumped is put aside instead. Then it goes on as `up` does.

use std::path::Path;
use std::sync::Arc;

use super::databases::{Databases, file};
use super::done::stop;
use super::runner::{self, Runner};
use super::up::{Options, Up, up};
use crate::course::unpack::ensure_unpacked;
use crate::error::{EngineError, show};
use crate::sync::Progress;
use crate::workspace::Workspace;

/// Throw this machine's environment away and make a new one.
///
/// # Errors
/// Programs cannot be stopped, machine state or the share cannot be written; then as `up`.
pub async fn reset(
    ws: &Workspace,
    home: &Path,
    options: &Options<'_>,
    progress: Arc<dyn Progress>,
) -> Result<Up, EngineError> {
    let share = ws.share();
    share.check(ws, false)?;
    let here = ensure_unpacked(ws, &share)?.here;
    let mut notes = stop(ws, home, here.as_ref(), progress.clone()).await?;
    if let Some(here) = &here {
        let databases = Databases { ws, share: &share, here };
        let recorded = databases.record_changes()?;
        for (service, _) in databases.services() {
            if ws.doors.disk.stat(&file(ws, &service.name)).is_err() {
                continue;
            }
            let trouble = recorded.troubles.get(&service.name);
            if let Some(aside) = databases.discard(&service.name, trouble.is_some())? {
                let why = trouble.map(String::as_str).unwrap_or_default();
                notes.push(format!(
                    "The database {} could not be saved ({why}). It lies in {} on this machine; the one of the last \
                     backup takes its place.",
                    service.name,
                    show(&aside)
                ));
            }
        }
    }
    if let Some(runner) = Runner::existing(ws, home, progress.clone(), false).await? {
        runner.destroy().await?;
        runner::forget(ws)?;
    }
    let mut done = up(ws, home, options, progress).await?;
    notes.append(&mut done.notes);
    done.notes = notes;
    Ok(done)
}
