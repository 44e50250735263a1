//! `reset`: a fresh environment with the same work. What the databases hold is durable in the share before they are
//! removed here. A file that cannot be dumped is put aside instead; what a server holds that cannot be saved goes only
//! when the person says so, who may have nothing left but a fresh start. Then it goes on as `up` does.

use std::path::Path;
use std::sync::Arc;

use kitbag_core::finding::Finding;

use super::databases::{Databases, file, forget_servers, sweep};
use super::done::{Stopping, end};
use super::keep;
use super::python;
use super::runner::{self, Runner};
use super::up::{Doubt, GRACE, Options, Up, up};
use crate::course::unpack::ensure_unpacked;
use crate::error::{EngineError, show};
use crate::sync::Progress;
use crate::workspace::Workspace;

/// Throw this machine's environment away and make a new one.
///
/// # Errors
/// The person does not go on, programs cannot be stopped, machine state or the share cannot be written; then as `up`.
pub async fn reset(
    ws: &Workspace,
    home: &Path,
    options: &Options<'_>,
    progress: Arc<dyn Progress>,
) -> Result<Up, EngineError> {
    let share = ws.share();
    share.check(ws, false)?;
    sweep(ws);
    let here = ensure_unpacked(ws, &share)?.here;
    let ended = end(ws, &share, home, here.as_ref(), options.go_on, progress.clone()).await;
    let ended = ended.map_err(|(Stopping::Refused(error) | Stopping::Failed(error))| error)?;
    let mut notes = ended.notes;
    if let Some((service, why)) = ended.troubles.first_key_value() {
        if !(options.go_on)(&Doubt::Unsaved(ended.troubles.clone())) {
            return Err(EngineError::Failed(Finding::new(
                format!("nothing was reset, because what the database {service} holds cannot be saved"),
                why.clone(),
                "Try again; `kitbag logs` shows what its server said. `kitbag --yes reset` starts afresh with the last \
                 backup, and what was changed since then is lost.",
            )));
        }
        for (service, why) in &ended.troubles {
            notes.push(format!(
                "The database {service} could not be saved ({why}). The one of the last backup takes its place; what \
                 was changed since then is lost."
            ));
        }
    }
    if let Some(here) = &here {
        let databases = Databases { ws, share: &share, here, servers: None };
        let recorded = databases.record_changes().await?;
        for service in databases.files() {
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
    python::make_afresh(ws)?;
    if let Some(runner) = Runner::existing(ws, home, progress.clone(), false).await? {
        if !ended.troubles.is_empty() {
            runner.stop(GRACE).await?;
        }
        runner.destroy().await?;
        if let Some(here) = keep::course(ws, &share, &runner.made, here.as_ref())? {
            forget_servers(ws, &here)?;
        }
        runner::forget(ws)?;
    }
    let mut done = up(ws, home, options, progress).await?;
    notes.append(&mut done.notes);
    done.notes = notes;
    Ok(done)
}
