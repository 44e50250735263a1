//! What the other machines have taken in, by their own events. A machine that had every pack another one was made of has
//! what stands in that one too. Nothing between versions is decided by it: it only delays what is tidied away.

use std::collections::{BTreeMap, BTreeSet};

use kitbag_core::id::PackId;
use kitbag_core::session::Event;
use kitbag_store::ledger::Replaced;

use super::age::DAY;
use crate::error::EngineError;
use crate::events;
use crate::workspace::Workspace;

/// The other machines that were heard of lately.
pub(crate) struct Others {
    /// Packs each says to have taken in.
    said: Vec<BTreeSet<PackId>>,
    /// Packs and what they were made of.
    made_of: BTreeMap<PackId, BTreeSet<PackId>>,
}

impl Others {
    /// Those heard of within so many counted days before `now`.
    ///
    /// # Errors
    /// The ledger fails.
    pub(super) fn heard(ws: &Workspace, now: i64, days: u64) -> Result<Self, EngineError> {
        let all = events::all(&ws.ledger)?;
        let mut machines: BTreeMap<&str, (u64, BTreeSet<PackId>)> = BTreeMap::new();
        for Event { machine, sequence, packs, .. } in &all {
            if *machine != ws.settings.machine_id {
                let (newest, said) = machines.entry(machine).or_default();
                *newest = (*newest).max(*sequence);
                said.extend(packs);
            }
        }
        for (machine, (newest, _)) in &machines {
            ws.ledger.hear(machine, *newest, now)?;
        }
        let window = i64::try_from(days).unwrap_or(i64::MAX).saturating_mul(DAY);
        let lately = ws.ledger.heard()?.into_iter().filter(|heard| now.saturating_sub(heard.at) <= window);
        let said = lately.filter_map(|heard| Some(machines.remove(heard.machine.as_str())?.1)).collect();
        Ok(Others { said, made_of: made_of(&ws.ledger.replaced()?) })
    }

    /// Whether there is any.
    pub(super) fn any(&self) -> bool {
        !self.said.is_empty()
    }

    /// Whether each says to have taken in this very pack.
    pub(super) fn all_name(&self, pack: PackId) -> bool {
        self.said.iter().all(|said| said.contains(&pack))
    }

    /// Whether each has what stands in one of these packs.
    pub(super) fn all_have_one_of(&self, packs: &BTreeSet<PackId>) -> bool {
        self.said.iter().all(|said| packs.iter().any(|pack| has(said, &self.made_of, *pack)))
    }

    /// Every pack that one of them says to have taken in.
    pub(super) fn named(&self) -> BTreeSet<PackId> {
        self.said.iter().flatten().copied().collect()
    }
}

/// From rows to groups.
pub(crate) fn made_of(replaced: &[Replaced]) -> BTreeMap<PackId, BTreeSet<PackId>> {
    let mut made_of: BTreeMap<PackId, BTreeSet<PackId>> = BTreeMap::new();
    for row in replaced {
        made_of.entry(row.new).or_default().insert(row.old);
    }
    made_of
}

/// Whether who has `said` packs has what stands in this one.
pub(crate) fn has(
    said: &BTreeSet<PackId>,
    made_of: &BTreeMap<PackId, BTreeSet<PackId>>,
    pack: PackId,
) -> bool {
    // packs that say to replace each other lead nowhere
    fn look(
        said: &BTreeSet<PackId>,
        made_of: &BTreeMap<PackId, BTreeSet<PackId>>,
        pack: PackId,
        on_the_way: &mut BTreeSet<PackId>,
    ) -> bool {
        if said.contains(&pack) {
            return true;
        }
        let Some(parts) = made_of.get(&pack) else { return false };
        if !on_the_way.insert(pack) {
            return false;
        }
        let all = parts.iter().all(|part| look(said, made_of, *part, on_the_way));
        on_the_way.remove(&pack);
        all
    }
    look(said, made_of, pack, &mut BTreeSet::new())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn who_has_the_parts_has_the_whole() {
        let [a, b, c, d, e] = ["a", "b", "c", "d", "e"].map(|text| PackId::of(text.as_bytes()));
        let row = |old, new| Replaced { old, new, since: None };
        let made = made_of(&[row(a, c), row(b, c), row(c, d), row(a, d), row(b, d), row(d, e), row(e, d)]);
        assert!(has(&[a, b].into(), &made, c) && has(&[c].into(), &made, c));
        assert!(!has(&[a].into(), &made, c));
        assert!(!has(&[a, b].into(), &made, d), "e says it is part of d, and nobody has e");
        assert!(!has(&BTreeSet::new(), &made, e));
    }
}
