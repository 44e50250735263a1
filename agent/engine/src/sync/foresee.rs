//! Between the moment a pack is durable and the moment the ledger has heard of it, the program can be killed. The pack
//! then looks like another machine's, and a file the person has gone on with since would be taken for an edit of the
//! version before: a question about their own work, or a line twice. So what the ledger is about to hear is noted
//! beforehand, and looked at after a crash: a record that did get out is what the working folder showed. One that got out
//! and was lost again with the power may come back later by a machine that saw it.

use kitbag_core::conflict;
use kitbag_core::entry::{Memory, Millis};
use kitbag_core::id::RecordId;
use kitbag_core::path::WorkPath;
use kitbag_core::version::Content;
use kitbag_store::Ledger;
use kitbag_store::ledger::{PathRow, Place, Waiting};
use serde::{Deserialize, Serialize};

use super::Cycle;
use super::batch::Item;
use super::publish::Publisher;
use super::rename::LeftBehind;
use crate::error::EngineError;

/// Where the ledger remembers it.
const FORESEEN: &str = "sync.foreseen";
/// What was foreseen in a sync that was killed, and was in the share neither then nor since.
const UNSETTLED: &str = "sync.unsettled";
/// So many of these are kept; most never got out.
const MOST_UNSETTLED: usize = 500;

/// One path whose record is about to be published.
#[derive(PartialEq, Eq, Serialize, Deserialize)]
struct Foreseen {
    path: WorkPath,
    /// The base until then.
    from: Option<RecordId>,
    /// The record of what the working folder shows.
    to: RecordId,
    /// Since when that is known and its content waited for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    since: Option<Millis>,
}

impl Cycle<'_> {
    /// Note what the working folder shows where this batch publishes it for the first time.
    ///
    /// # Errors
    /// The ledger fails.
    pub(super) fn foresee(&self, items: &[Item]) -> Result<(), EngineError> {
        let mut all = Vec::new();
        for item in items.iter().filter(|item| !item.dropped) {
            let (from, to) = (item.row.memory.base, item.plan.memory.base);
            if let Some(to) = to
                && item.plan.records.iter().any(|made| made.id == to)
            {
                all.push(Foreseen { path: item.row.path.clone(), from, to, since: None });
            }
            if let Some(LeftBehind { path, from, to }) = self.left_behind(item)? {
                all.push(Foreseen { path, from: Some(from), to, since: None });
            }
        }
        if !all.is_empty() {
            self.ws.ledger.hint(FORESEEN, &serde_json::to_string(&all).unwrap_or_default())?;
        }
        Ok(())
    }

    /// After a crash, once the packs in the share have been read: what got out is what the working folder showed. What is
    /// not there may have got out all the same, and come back by another machine when this one has gone on.
    ///
    /// # Errors
    /// The ledger or the share fails.
    pub(super) fn note_foreseen(&mut self) -> Result<(), EngineError> {
        let ws = self.ws;
        let read = |key| {
            let text = ws.ledger.get(key)?;
            Ok::<Option<Vec<Foreseen>>, EngineError>(text.and_then(|text| serde_json::from_str(&text).ok()))
        };
        let (unsettled, crashed) = (read(UNSETTLED)?.unwrap_or_default(), read(FORESEEN)?);
        let mut changed = crashed.is_some();
        let mut rows = Vec::new();
        let mut open: Vec<Foreseen> = Vec::new();
        let mut publisher = self.publisher();
        for one in crashed.unwrap_or_default() {
            let row = ws.ledger.path(&one.path)?;
            let mut row = row.unwrap_or_else(|| PathRow::new(one.path.clone()));
            if row.memory.base != one.from {
                continue;
            }
            if ws.ledger.is_admitted(one.to)? {
                row.memory.base = Some(one.to);
                // what it looked like belonged to the base before
                (row.working, row.dirty) = (None, true);
                rows.push(row);
            } else if self.went_on(&one, &row)? && !unsettled.contains(&one) {
                open.push(one);
            }
        }
        for mut one in unsettled {
            let row = ws.ledger.path(&one.path)?;
            if ws.ledger.is_admitted(one.to)? {
                changed = true;
            } else if let Some(row) = row
                && let Some(base) = self.join(&mut one, &row, &mut publisher, &mut changed)?
            {
                let memory = Memory { base: Some(base), ..row.memory };
                rows.push(PathRow { memory, dirty: true, ..row });
                changed = true;
            } else {
                open.push(one);
            }
        }
        if !changed {
            return Ok(());
        }
        let oldest = open.len().saturating_sub(MOST_UNSETTLED);
        open.drain(..oldest);
        let published = publisher.finish()?;
        self.report.bytes_published += ws.ledger.batch(|ledger| {
            let bytes = published.note(ledger)?;
            rows.iter().try_for_each(|row| ledger.put_path(row))?;
            forget(ledger)?;
            if !open.is_empty() {
                ledger.set(UNSETTLED, &serde_json::to_string(&open).unwrap_or_default())?;
            }
            Ok::<_, EngineError>(bytes)
        })?;
        Ok(())
    }

    /// The working folder shows something else again: neither the version before, as when the power took the save, nor
    /// what was foreseen, which is then recorded anew.
    fn went_on(&self, one: &Foreseen, row: &PathRow) -> Result<bool, EngineError> {
        let folder = self.folder(Place::Working);
        let shown = folder.content(&folder.of_row(row));
        let Some(shown) = shown.ok().and_then(|content| content.id()) else { return Ok(false) };
        let before = one.from.map(|from| self.ws.ledger.record(from)).transpose()?.flatten();
        Ok(before.and_then(|(record, _)| record.content.id()) != Some(shown))
    }

    /// A version that was taken for one that never got out is known after all, its content has been waited for long enough,
    /// and the working folder has gone on from it: the base supersedes it, and nobody waits any longer. The record that
    /// says so.
    fn join(
        &self,
        one: &mut Foreseen,
        row: &PathRow,
        publisher: &mut Publisher<'_>,
        changed: &mut bool,
    ) -> Result<Option<RecordId>, EngineError> {
        let ledger = &self.ws.ledger;
        let lacks_content = |waiting: &Waiting| waiting.record == one.to && !waiting.missing_parents;
        let Some((seen, _)) = ledger.record(one.to)?.filter(|(record, _)| record.path == one.path) else {
            return Ok(None);
        };
        let (Content::File { id, .. }, Some(base)) = (seen.content, row.memory.base) else { return Ok(None) };
        let history = self.history(&one.path)?;
        let later = Some(base) != one.from && one.from.is_none_or(|from| history.descends(base, from));
        let (Some(content), true) = (history.content(base), later) else { return Ok(None) };
        if !ledger.waiting()?.iter().any(lacks_content) {
            return Ok(None);
        }
        let since = *one.since.get_or_insert_with(|| {
            *changed = true;
            self.now()
        });
        if self.now().saturating_sub(since) < self.ws.config.absence_wait_seconds as i64 * 1000 {
            return Ok(None);
        }
        publisher.gone(id)?;
        let record = conflict::answer(&one.path, &history, &[base, one.to], content);
        publisher.record(&record)?;
        Ok(Some(record.id()))
    }
}

/// The ledger has heard of what this batch publishes.
///
/// # Errors
/// The ledger fails.
pub(super) fn heard(ledger: &Ledger) -> Result<(), EngineError> {
    Ok(ledger.unset(FORESEEN)?)
}

/// Bases mean nothing any more, or all is settled.
///
/// # Errors
/// The ledger fails.
pub fn forget(ledger: &Ledger) -> Result<(), EngineError> {
    ledger.unset(UNSETTLED)?;
    heard(ledger)
}
