//! Phase one of tidying the history: few packs are written in place of many, or one without what is old. The old ones
//! stay where they are. A crash before or after leaves nothing half done; the next sync finds the same choice or the
//! finished pack.

use std::collections::{BTreeMap, BTreeSet};

use kitbag_core::id::PackId;
use kitbag_core::tidy::{Bounds, Standing, groups};
use kitbag_store::pack::{Unfit, merge};
use kitbag_store::{Pack, read};

use super::old::Old;
use super::others::Others;
use crate::error::EngineError;
use crate::share::Share;
use crate::workspace::Workspace;

/// The packs that stay, with what of each is old.
///
/// # Errors
/// The ledger fails.
pub(super) fn standing(ws: &Workspace, old: &Old) -> Result<Vec<Standing>, EngineError> {
    let mut waste: BTreeMap<PackId, u64> = BTreeMap::new();
    for piece in &old.pieces {
        for shelved in ws.ledger.shelved(*piece)? {
            *waste.entry(shelved.pack).or_default() += shelved.stored;
        }
    }
    let all = ws.ledger.staying()?.into_iter();
    Ok(all
        .map(|(pack, size)| Standing { pack, size, waste: waste.get(&pack).copied().unwrap_or(0) })
        .collect())
}

/// Write what is worth writing; how many packs were replaced.
///
/// # Errors
/// The share cannot be written, or the ledger fails.
pub(super) fn merge_groups(
    ws: &Workspace,
    share: &Share,
    old: &Old,
    others: &Others,
    bounds: &Bounds,
) -> Result<u64, EngineError> {
    let mut replaced = 0;
    for group in groups(&standing(ws, old)?, bounds) {
        replaced += write(ws, share, old, others, &group)?;
    }
    Ok(replaced)
}

fn write(
    ws: &Workspace,
    share: &Share,
    old: &Old,
    others: &Others,
    group: &BTreeSet<PackId>,
) -> Result<u64, EngineError> {
    let sources = sources(share, group);
    if sources.len() < group.len().min(2) {
        return Ok(0);
    }
    let merged = match merge(&sources, &old.contents, &old.pieces) {
        Ok(merged) => merged,
        // statements can come to more than was reckoned; they are merged in other company one day
        Err(Unfit::NoRoom | Unfit::Unreadable) => return Ok(0),
    };
    let before: usize = sources.values().map(|(_, bytes)| bytes.len()).sum();
    if sources.len() == 1 && merged.bytes.len() >= before {
        return Ok(0);
    }
    let used: BTreeSet<PackId> = sources.into_keys().collect();
    let pack = read(merged.id, &merged.bytes).map_err(|error| EngineError::State {
        path: share.root().to_owned(),
        reason: format!("a pack just made cannot be read: {error}"),
    })?;
    share.write_pack(merged.id, &merged.bytes)?;
    // it is news from here only as far as something in it is
    let mine = ws.ledger.my_packs()?;
    let news = used.iter().any(|one| mine.contains(one) && !others.all_name(*one));
    ws.ledger.batch(|ledger| {
        ledger.add_pack(merged.id, &pack, merged.bytes.len() as u64, news)?;
        ledger.admit()?;
        Ok(used.len() as u64)
    })
}

/// The packs of a group that are whole, every piece proven. One that cannot be had now is left out, as is one with
/// anything in it that would not be carried on: what its writer got wrong, or what a later kitbag means by it.
fn sources(share: &Share, group: &BTreeSet<PackId>) -> BTreeMap<PackId, (Pack, Vec<u8>)> {
    let whole = |id: PackId| {
        let bytes = share.read_pack(id).ok()?;
        let mut pack = read(id, &bytes).ok()?;
        pack.prove(&bytes);
        (pack.refused.is_empty() && pack.unknown == 0).then_some((id, (pack, bytes)))
    };
    group.iter().filter_map(|id| whole(*id)).collect()
}
