//! Phase two: a replaced pack is removed once every other machine heard of lately says it has the new one, or after a
//! while when there is none or one stays silent. Before that the new pack is read from the share once more, all of the
//! old one is found in it, and what is called gone and needed here after all is stored anew.

use std::collections::BTreeSet;

use kitbag_core::id::{ContentId, PackId};
use kitbag_store::ledger::Replaced;

use super::age::DAY;
use super::old;
use super::others::Others;
use crate::error::EngineError;
use crate::share::Share;
use crate::sync::Publisher;
use crate::workspace::Workspace;

/// How long a replaced pack stays when nobody says to have the new one, in counted days.
pub(super) const WAIT_DAYS: u64 = 14;

/// Remove what can go; how many packs went.
///
/// # Errors
/// The share cannot be written, or the ledger fails.
pub(super) fn remove_replaced(
    ws: &Workspace,
    share: &Share,
    others: &Others,
    now: i64,
) -> Result<u64, EngineError> {
    ws.ledger.date_replaced(now)?;
    let (mut removed, known) = (0, known(ws)?);
    // what they took in before they said so has to be here: it may rely on what is about to go
    let heard_out = others.any() && others.named().is_subset(&known);
    let wait = i64::try_from(WAIT_DAYS).unwrap_or(i64::MAX).saturating_mul(DAY);
    for Replaced { old, new, since } in ws.ledger.replaced()? {
        let leaving = ws.ledger.leaving()?;
        if !leaving.contains(&old) || leaving.contains(&new) || !ws.ledger.packs()?.contains(&new) {
            continue;
        }
        let waited = since.is_some_and(|since| now.saturating_sub(since) >= wait);
        let ready = waited || (heard_out && others.all_name(new));
        if ready && stands(share, new) && ws.ledger.holds_all(new, old)? {
            rescue(ws, share, new)?;
            share.remove_pack(old)?;
            forget(ws, old, new)?;
            removed += 1;
        }
    }
    Ok(removed)
}

/// Every pack this ledger knows or knew.
fn known(ws: &Workspace) -> Result<BTreeSet<PackId>, EngineError> {
    let mut known = ws.ledger.packs()?;
    known.extend(ws.ledger.replaced()?.into_iter().map(|row| row.old));
    Ok(known)
}

/// Whether the new pack is whole where the others get it from.
fn stands(share: &Share, new: PackId) -> bool {
    share.read_pack(new).is_ok_and(|bytes| PackId::of(&bytes) == new)
}

fn forget(ws: &Workspace, old: PackId, new: PackId) -> Result<(), EngineError> {
    ws.ledger.batch(|ledger| {
        let gone = ledger.called_gone_by(new)?;
        ledger.forget_pack(old)?;
        ledger.forget_pack_look(old)?;
        for content in gone {
            // dropped on purpose: nobody is to look for it
            if !ledger.has_content(content)? {
                ledger.looked_for_gone(content)?;
            }
        }
        Ok(())
    })
}

/// Contents another machine dropped as old and this one needs: somebody went back to one, or it was never old here.
fn rescue(ws: &Workspace, share: &Share, new: PackId) -> Result<(), EngineError> {
    let mut dropped: BTreeSet<ContentId> = ws.ledger.called_gone_by(new)?.into_iter().collect();
    if dropped.is_empty() {
        return Ok(());
    }
    let needed = old::needed(ws)?;
    dropped.retain(|content| needed.contains(content));
    let mut publisher = Publisher::for_machine(ws, share);
    for content in dropped {
        if !ws.ledger.stays_packed(content)? && ws.ledger.is_packed(content)? {
            publisher.stored(content)?;
        }
    }
    let published = publisher.finish()?;
    ws.ledger.batch(|ledger| published.note(ledger))?;
    Ok(())
}
