//! Which contents may be dropped from the history: those only superseded versions have, for long enough, that no machine
//! heard of lately may still show, and that nothing here needs: no file of either folder, no question, no way back.
//! Everything that is not known to be old is kept.

use std::collections::BTreeSet;

use kitbag_core::history::{History, Near};
use kitbag_core::id::{ContentId, PieceId};
use kitbag_core::tidy::{BOUNDS, Superseded, superseded};

use super::age::DAY;
use super::others::Others;
use crate::error::EngineError;
use crate::workspace::Workspace;

const PAGE: usize = 1_000;
/// A surplus backup is kept this long all the same.
const BACKUP_DAYS: i64 = 1;

/// What may be dropped.
#[derive(Debug, Default)]
pub(super) struct Old {
    /// Contents.
    pub contents: BTreeSet<ContentId>,
    /// Pieces that nothing but these contents is made of.
    pub pieces: BTreeSet<PieceId>,
}

/// Find what is old at counted time `now`, and begin to count the age of what has become superseded since.
///
/// # Errors
/// The ledger fails.
pub(super) fn find(ws: &Workspace, others: &Others, now: i64) -> Result<Old, EngineError> {
    let (all, mut needed) = survey(ws)?;
    needed.extend(ws.ledger.undo_contents()?);
    with_parts(ws, &mut needed)?;
    let candidates: Vec<_> = all.into_iter().filter(|one| !needed.contains(&one.content)).collect();
    let contents = candidates.iter().map(|one| one.content).collect();
    let since = ws.ledger.set_superseded(&contents, now)?;
    let keep = i64::try_from(ws.config.keep_days).unwrap_or(i64::MAX).saturating_mul(DAY);
    let (mut old, mut young) = (BTreeSet::new(), BTreeSet::new());
    for one in &candidates {
        let age = since.get(&one.content).map_or(0, |since| now.saturating_sub(*since));
        let ripe = age >= keep || (one.surplus && age >= keep.min(BACKUP_DAYS * DAY));
        // one that stands at several paths is old when it is old at each
        let chosen = ripe && superseded_everywhere(ws, others, one)?;
        if chosen { &mut old } else { &mut young }.insert(one.content);
    }
    // what a unit's list names is as old as the list, unless something else has it too
    with_parts(ws, &mut young)?;
    young.extend(needed);
    let mut contents: BTreeSet<_> = old.difference(&young).copied().collect();
    with_parts(ws, &mut contents)?;
    contents.retain(|content| !young.contains(content));
    let pieces = pieces(ws, &contents, young)?;
    Ok(Old { contents, pieces })
}

/// Add what the lists of units among them name.
fn with_parts(ws: &Workspace, contents: &mut BTreeSet<ContentId>) -> Result<(), EngineError> {
    for content in contents.clone() {
        contents.extend(ws.ledger.unit_parts(content)?.unwrap_or_default());
    }
    Ok(())
}

/// Whether every machine heard of lately has taken in something that supersedes each version with this content.
fn superseded_everywhere(ws: &Workspace, others: &Others, one: &Superseded) -> Result<bool, EngineError> {
    for by in &one.by {
        let mut packs = BTreeSet::new();
        for record in by {
            packs.extend(ws.ledger.packs_with(*record)?);
        }
        if !others.all_have_one_of(&packs) {
            return Ok(false);
        }
    }
    Ok(true)
}

/// Everything superseded, path by path, and every content that is needed.
fn survey(ws: &Workspace) -> Result<(Vec<Superseded>, BTreeSet<ContentId>), EngineError> {
    let ledger = &ws.ledger;
    let (mut all, mut needed) = (Vec::new(), ledger.only_contents()?);
    for path in ledger.paths_with_history()? {
        let history = History::new(&path, ledger.lineage(&path, None)?);
        let old = superseded(&path, &history, &BOUNDS);
        let gone: BTreeSet<_> = old.iter().map(|one| one.content).collect();
        let there = history.live().filter_map(|(_, record)| record.content.id());
        needed.extend(there.filter(|content| !gone.contains(content)));
        all.extend(old);
        // an answer may also need what a renamed file was under its old name
        let heads = history.heads();
        let behind =
            heads.iter().filter(|_| heads.len() > 1).flat_map(|id| history.ancestors(*id, Near::Counts));
        needed.extend(behind.filter_map(|id| history.own_content(id)?.id()));
    }
    needed.extend(in_use(ws)?);
    with_parts(ws, &mut needed)?;
    Ok((all, needed))
}

/// What is needed whatever its history says. What only a way back needs is not among it: this machine keeps that, and
/// where another one has dropped it all the same, storing it again would go on for as long as they differ.
pub(super) fn needed(ws: &Workspace) -> Result<BTreeSet<ContentId>, EngineError> {
    Ok(survey(ws)?.1)
}

/// What this machine's folders show, keep or are about to show, and what its services and questions go back to.
fn in_use(ws: &Workspace) -> Result<BTreeSet<ContentId>, EngineError> {
    let ledger = &ws.ledger;
    let mut used: BTreeSet<ContentId> = ledger.observed_contents()?.into_iter().collect();
    used.extend(ledger.all_kept()?.into_iter().map(|(content, _)| content));
    used.extend(ledger.packages()?.into_iter().flat_map(|package| package.files).map(|file| file.id));
    used.extend(ledger.waiting()?.into_iter().filter_map(|waiting| waiting.content));
    used.extend(ledger.all_loaded()?.into_iter().map(|loaded| loaded.content));
    let mut bases = BTreeSet::new();
    for intent in ledger.intents()? {
        used.extend(intent.expect.into_iter().chain(intent.put));
        bases.extend(intent.parent);
    }
    let mut last: Option<Vec<u8>> = None;
    loop {
        let page = ledger.paths_after(last.as_deref(), PAGE)?;
        let Some(end) = page.last() else { break };
        last = Some(end.path.key());
        for row in &page {
            used.extend(row.memory.mirror);
            // where a file was deleted or moved away, nothing is shown
            bases.extend(row.memory.base.filter(|_| row.present));
        }
    }
    for base in bases {
        used.extend(ledger.record(base)?.and_then(|(record, _)| record.content.id()));
    }
    Ok(used)
}

fn pieces(
    ws: &Workspace,
    old: &BTreeSet<ContentId>,
    stay: BTreeSet<ContentId>,
) -> Result<BTreeSet<PieceId>, EngineError> {
    if old.is_empty() {
        return Ok(BTreeSet::new());
    }
    let (mut dropped, mut kept) = (BTreeSet::new(), BTreeSet::new());
    dropped.extend(old.iter().map(|content| PieceId::from(*content)));
    for (content, pieces) in ws.ledger.all_lists()? {
        if old.contains(&content) { &mut dropped } else { &mut kept }.extend(pieces);
    }
    // a piece of a long content may be a short content of its own
    let contents = ws.ledger.record_contents()?.into_iter().chain(stay);
    kept.extend(contents.filter(|content| !old.contains(content)).map(PieceId::from));
    Ok(dropped.difference(&kept).copied().collect())
}
