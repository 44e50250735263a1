//! Records this machine knows that are missing from the share are written back, with the contents that can still be
//! had: somebody cleaned the folder, or a provider lost a file. The others then find everything again. A superseded
//! content that can be had nowhere is said to be gone, so that a machine that joins does not wait for it for ever.

use std::collections::{BTreeMap, BTreeSet};
use std::io::ErrorKind;

use kitbag_core::id::{ContentId, PackId, PieceId};
use kitbag_core::version::Content;
use kitbag_store::ledger::{PathRow, Place};

use super::Cycle;
use super::publish::Publisher;
use crate::error::EngineError;

const PAGE: usize = 1_000;

/// Whether a file still holds the bytes that are looked for.
enum Found {
    Here,
    Not,
    /// It cannot be read now.
    Unsure,
}

impl Cycle<'_> {
    pub(super) fn write_back(&mut self) -> Result<(), EngineError> {
        self.write_back_contents()?;
        loop {
            let records = self.ws.ledger.records_without_pack(PAGE)?;
            let packages = self.ws.ledger.packages_without_pack()?;
            if records.is_empty() && packages.is_empty() {
                return Ok(());
            }
            let mut publisher = self.publisher();
            for raw in &packages {
                publisher.package(raw)?;
            }
            for record in &records {
                publisher.known_record(record)?;
            }
            let published = publisher.finish()?;
            self.report.bytes_published += self.ws.ledger.batch(|ledger| published.note(ledger))?;
        }
    }

    /// Damaged packs are taken away once all they held stands in others; else they stay, since another machine's copy
    /// may be good and what is removed here is removed there.
    pub(super) fn remove_damaged(&self, damaged: &BTreeMap<PackId, Vec<PieceId>>) -> Result<(), EngineError> {
        let ledger = &self.ws.ledger;
        let rewritten = if damaged.is_empty() { BTreeSet::new() } else { ledger.packs()? };
        for (pack, pieces) in damaged.iter().filter(|(pack, _)| !rewritten.contains(pack)) {
            let mut all = true;
            for piece in pieces {
                all &= ledger.has_piece(*piece)?;
            }
            // whole again in the meantime: the next sync takes it in
            if all && self.share.read_pack(*pack).is_ok_and(|bytes| PackId::of(&bytes) != *pack) {
                self.share.remove_pack(*pack)?;
                ledger.forget_pack_look(*pack)?;
            }
        }
        Ok(())
    }

    /// Contents whose pack is gone, found again in the working folder, the mirror or what is kept here.
    fn write_back_contents(&mut self) -> Result<(), EngineError> {
        let lost: BTreeSet<ContentId> = self.ws.ledger.lost_contents()?.into_iter().collect();
        let kept: Vec<ContentId> = self.ws.ledger.observed_contents()?;
        let mut lost: BTreeSet<_> = lost.into_iter().filter(|id| !kept.contains(id)).collect();
        let mut unsure = BTreeSet::new();
        let mut last: Option<Vec<u8>> = None;
        while !lost.is_empty() {
            let page = self.ws.ledger.paths_after(last.as_deref(), PAGE)?;
            let Some(end) = page.last() else { break };
            last = Some(end.path.key());
            let mut publisher = self.publisher();
            for row in page {
                let shown = row.memory.base.map(|base| self.ws.ledger.record(base)).transpose()?.flatten();
                let shown = shown.map(|(record, _)| record.content);
                self.write_back_parts(&row, shown, &mut lost, &mut publisher)?;
                let shown = shown.filter(|content| !matches!(content, Content::Unit { .. }));
                let shown = shown.and_then(|content| content.id());
                for (place, id) in [(Place::Working, shown), (Place::Mirror, row.memory.mirror)] {
                    if let Some(id) = id
                        && lost.contains(&id)
                    {
                        match self.write_back_from(place, &row, id, &mut publisher)? {
                            Found::Here => drop(lost.remove(&id)),
                            Found::Not => {}
                            Found::Unsure => drop(unsure.insert(id)),
                        }
                    }
                }
            }
            let published = publisher.finish()?;
            self.report.bytes_published += self.ws.ledger.batch(|ledger| published.note(ledger))?;
        }
        self.say_gone(lost.difference(&unsure).copied().collect())
    }

    /// Contents this machine looked for and has nowhere, where only superseded versions need them: said once in the
    /// share, unless somebody said so before. What a newest version needs is waited for.
    fn say_gone(&mut self, lost: BTreeSet<ContentId>) -> Result<(), EngineError> {
        let gone = self.superseded(lost)?;
        if gone.is_empty() {
            return Ok(());
        }
        let mut publisher = self.publisher();
        for id in &gone {
            if !self.ws.ledger.is_gone(*id)? {
                publisher.gone(*id)?;
            }
        }
        let published = publisher.finish()?;
        self.report.bytes_published += self.ws.ledger.batch(|ledger| {
            let bytes = published.note(ledger)?;
            for id in &gone {
                ledger.looked_for_gone(*id)?;
            }
            Ok::<_, EngineError>(bytes)
        })?;
        Ok(())
    }

    /// Without those that a head of some path has, or a record that does not count yet.
    fn superseded(&self, mut contents: BTreeSet<ContentId>) -> Result<BTreeSet<ContentId>, EngineError> {
        let ledger = &self.ws.ledger;
        let needed = |content: ContentId, contents: &mut BTreeSet<ContentId>| {
            contents.remove(&content);
            for part in ledger.unit_parts(content)?.unwrap_or_default() {
                contents.remove(&part);
            }
            Ok::<_, EngineError>(())
        };
        if contents.is_empty() {
            return Ok(contents);
        }
        for content in ledger.waiting()?.into_iter().filter_map(|waiting| waiting.content) {
            needed(content, &mut contents)?;
        }
        let mut last: Option<Vec<u8>> = None;
        while !contents.is_empty() {
            let page = ledger.paths_after(last.as_deref(), PAGE)?;
            let Some(end) = page.last() else { break };
            last = Some(end.path.key());
            for row in page {
                let history = self.history(&row.path)?;
                let heads = history.heads().into_iter().filter_map(|head| history.content(head)?.id());
                for content in heads {
                    needed(content, &mut contents)?;
                }
            }
        }
        Ok(contents)
    }

    fn write_back_from(
        &self,
        place: Place,
        row: &PathRow,
        id: ContentId,
        publisher: &mut Publisher<'_>,
    ) -> Result<Found, EngineError> {
        let folder = self.folder(place);
        let file = folder.file(&self.lies(row, place));
        match folder.content(&file) {
            Ok(found) if found.id() == Some(id) => {}
            Ok(_) => return Ok(Found::Not),
            Err(error) if error.kind() == ErrorKind::NotFound => return Ok(Found::Not),
            Err(_) => return Ok(Found::Unsure),
        }
        let mut open = folder.open(&file).map_err(EngineError::io("cannot read", &file))?;
        Ok(if publisher.content(&mut open)?.0 == id { Found::Here } else { Found::Not })
    }
}
