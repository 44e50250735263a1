//! What lies in the share and in this machine's state, seen as stored things rather than as work: whether it is whole,
//! what is small and could be one, what is old and could go, what is left over. Sync carries the work; this looks after
//! what carrying leaves behind. Nothing here decides between versions, and nothing here touches a person's file.

mod age;
pub mod clean;
mod growth;
mod mend;
mod merge;
mod old;
mod others;
mod remove;
pub mod verify;

use kitbag_core::tidy::{BOUNDS, Bounds};

pub use growth::{Growth, growth};
pub(crate) use mend::mend;
pub(crate) use others::{has, made_of};

use crate::error::EngineError;
use crate::share::Share;
use crate::workspace::Workspace;
use old::Old;
use others::Others;

/// Where the ledger remembers when the whole history was last gone through, in counted time.
const LOOKED_THROUGH: &str = "storage.looked_through";

/// How thorough to be.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum When {
    /// As part of a sync: the whole history is gone through once a day.
    Due,
    /// Because a person asked: whatever can go goes now.
    Now,
}

impl When {
    fn bounds(self) -> Bounds {
        match self {
            When::Due => BOUNDS,
            When::Now => Bounds { worth: u64::MAX, least: 1, most: 1, ..BOUNDS },
        }
    }
}

/// What was done.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Tidied {
    /// Packs that were replaced by fewer or smaller ones.
    pub replaced: u64,
    /// Packs that were removed.
    pub removed: u64,
}

/// Look after the packs: remove those that were replaced and are needed by nobody, make one of many small ones, leave
/// out what is old.
///
/// # Errors
/// The share cannot be written, or the ledger fails.
pub(crate) fn tidy(ws: &Workspace, share: &Share, when: When) -> Result<Tidied, EngineError> {
    let now = age::count_on(ws)?;
    let bounds = when.bounds();
    let leaving = !ws.ledger.leaving()?.is_empty();
    let through = is_due(ws, now, when)?;
    let crowded = !kitbag_core::tidy::groups(&merge::standing(ws, &Old::default())?, &bounds).is_empty();
    if !leaving && !through && !crowded {
        return Ok(Tidied::default());
    }
    let others = others(ws, now)?;
    let removed = if leaving { remove::remove_replaced(ws, share, &others, now)? } else { 0 };
    let old = if through { old::find(ws, &others, now)? } else { Old::default() };
    let replaced = merge::merge_groups(ws, share, &old, &others, &bounds)?;
    if through {
        ws.ledger.set(LOOKED_THROUGH, &now.to_string())?;
    }
    Ok(Tidied { replaced, removed })
}

/// The other machines that matter: who stays silent for longer than anything is kept is not waited for.
fn others(ws: &Workspace, now: i64) -> Result<Others, EngineError> {
    Others::heard(ws, now, ws.config.keep_days.max(remove::WAIT_DAYS))
}

/// Going through the whole history takes as long as a sync of all its files, so it is done once a day. Where nothing is
/// to be kept for a day, each time.
fn is_due(ws: &Workspace, now: i64, when: When) -> Result<bool, EngineError> {
    let last = ws.ledger.get(LOOKED_THROUGH)?.and_then(|text| text.parse::<i64>().ok());
    Ok(when == When::Now
        || ws.config.keep_days == 0
        || last.is_none_or(|last| now.saturating_sub(last) >= age::DAY / 2))
}
