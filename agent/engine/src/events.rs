//! Session events: written by this machine, read from all. Each names the packs its machine had seen since its last.

use std::collections::BTreeSet;

use kitbag_core::id::PackId;
use kitbag_core::session::{Event, EventKind, Presence, presence};
use kitbag_store::Ledger;

use crate::error::EngineError;
use crate::share::Share;
use crate::workspace::Workspace;

/// All events known here; ones that cannot be read are passed over.
///
/// # Errors
/// The ledger fails.
pub fn all(ledger: &Ledger) -> Result<Vec<Event>, EngineError> {
    Ok(ledger.events()?.iter().filter_map(|(_, text)| serde_json::from_str(text).ok()).collect())
}

/// Packs that no event of this machine has named yet.
fn unsaid(ws: &Workspace, mine: &[Event]) -> Result<BTreeSet<PackId>, EngineError> {
    let said: BTreeSet<PackId> = mine.iter().flat_map(|event| event.packs.iter().copied()).collect();
    Ok(ws.ledger.packs()?.difference(&said).copied().collect())
}

fn mine(ws: &Workspace) -> Result<Vec<Event>, EngineError> {
    Ok(all(&ws.ledger)?.into_iter().filter(|event| event.machine == ws.settings.machine_id).collect())
}

/// Say what was taken in from other machines since the last time; nothing when there is nothing new.
///
/// # Errors
/// The event cannot be written.
pub fn acknowledge(ws: &Workspace, share: &Share) -> Result<(), EngineError> {
    let own = ws.ledger.my_packs()?;
    if unsaid(ws, &mine(ws)?)?.is_subset(&own) {
        return Ok(());
    }
    add(ws, share, EventKind::Seen)
}

/// Say what happened, to the other machines.
///
/// # Errors
/// The event cannot be written.
pub fn add(ws: &Workspace, share: &Share, event: EventKind) -> Result<(), EngineError> {
    let mine = mine(ws)?;
    let next = Event {
        event,
        machine: ws.settings.machine_id.clone(),
        name: ws.settings.machine.clone(),
        packs: unsaid(ws, &mine)?,
        sequence: mine.iter().map(|event| event.sequence + 1).max().unwrap_or(1),
        time: ws.doors.clock.rfc3339(),
    };
    let text = serde_json::to_string(&next).unwrap_or_default();
    let name = share.add_note("events", &text)?;
    ws.ledger.add_event(&name, &text)?;
    Ok(())
}

/// Whether this machine has a session open.
///
/// # Errors
/// The ledger fails.
pub fn session_open(ledger: &Ledger, machine: &str) -> Result<bool, EngineError> {
    let events = all(ledger)?;
    Ok(presence(&events, machine, &BTreeSet::new()).iter().any(|p| p.this && p.session_open.is_some()))
}

/// What is known of every machine.
///
/// # Errors
/// The ledger fails.
pub fn machines(ws: &Workspace) -> Result<Vec<Presence>, EngineError> {
    Ok(presence(&all(&ws.ledger)?, &ws.settings.machine_id, &ws.ledger.my_packs()?))
}
