//! Whether everything that is known can still be had: each version's ancestors and content, each file's base. What is
//! missing is looked for where it can be rebuilt from: this machine's folders, what is kept here, the machines that
//! made it.

use std::collections::{BTreeMap, BTreeSet};

use kitbag_core::id::{ContentId, PackId, RecordId};
use kitbag_core::path::{WorkPath, shown};
use kitbag_store::Contents;
use kitbag_store::ledger::Place;
use kitbag_store::pack::place;

use super::{Healer, Look};
use crate::error::{EngineError, count};
use crate::sync::Kept;
use crate::sync::spot::Folder;

const PAGE: usize = 1_000;

/// A content that cannot be had from the share, and what needs it.
#[derive(Default)]
struct Lost {
    path: String,
    machines: BTreeSet<String>,
    here: bool,
}

impl Look<'_> {
    /// Packs that were taken in and are not in the share any more.
    pub(super) fn missing_packs(&mut self, known: &BTreeSet<PackId>) {
        let missing: Vec<_> =
            known.iter().filter(|id| !self.packs.contains(id) && !self.unusable.contains(id)).collect();
        for id in missing {
            self.damaged(place(*id), "is gone from the cloud folder", Healer::Here, Vec::new());
        }
    }

    /// Every version, known here or stated in a pack.
    pub(super) fn coverage(&mut self) -> Result<(), EngineError> {
        let (mut lost, mut absent) = (BTreeMap::new(), 0);
        self.prove_long_contents()?;
        let mut known = BTreeSet::new();
        let mut last = 0;
        loop {
            let page = self.ws.ledger.records_after(last, PAGE)?;
            let Some(end) = page.last() else { break };
            last = end.number;
            for entry in page {
                known.insert(entry.id);
                let Some(record) = entry.record else {
                    let what = format!("of this machine holds version {} with other bytes", entry.id);
                    self.damaged("database", what, Healer::Nobody, Vec::new());
                    continue;
                };
                absent += usize::from(!self.versions.contains_key(&entry.id));
                let path = record.path.to_string();
                if !entry.admitted {
                    self.waiting(path, "waits for a version or content that has not arrived");
                    continue;
                }
                let machine = entry.label.map(|label| label.machine);
                for content in self.contents_of(record.content.id())? {
                    self.look_for(content, &path, machine.as_deref(), &mut lost)?;
                }
            }
        }
        self.found.checked.versions = known.len() as u64;
        self.not_taken_in(&known)?;
        self.bases(&known)?;
        if absent > 0 && self.found.damaged.is_empty() {
            let what = format!("lacks {} known here; a sync writes them again", count(absent, "version"));
            self.damaged("history", what, Healer::Here, Vec::new());
        }
        self.heal(lost)
    }

    /// A list of pieces may name pieces that are whole and not the right ones.
    fn prove_long_contents(&mut self) -> Result<(), EngineError> {
        let kept = Kept::new(self.ws.kept_folder(), &self.ws.doors);
        let long: Vec<ContentId> = self.layouts.keys().copied().collect();
        for content in long {
            let have = &self.pieces;
            let lists = self.layouts.entry(content).or_default();
            lists.retain(|list| list.iter().all(|piece| have.contains(piece)));
            let contents = Contents::new(&self.ws.ledger, &self.share, &kept);
            // with one list all pieces of which are whole, only a lie can make it fail
            if !lists.is_empty()
                && self.ws.ledger.is_packed(content)?
                && contents.copy_to(content, &mut std::io::sink()).is_err()
            {
                lists.clear();
            }
        }
        Ok(())
    }

    fn has(&self, content: ContentId) -> bool {
        self.pieces.contains(&content.into())
            || self.layouts.get(&content).is_some_and(|lists| !lists.is_empty())
    }

    /// A content, and what it names where it is a unit's list.
    fn contents_of(&self, content: Option<ContentId>) -> Result<Vec<ContentId>, EngineError> {
        let Some(content) = content else { return Ok(Vec::new()) };
        let parts = self.ws.ledger.unit_parts(content)?.unwrap_or_default();
        Ok(std::iter::once(content).chain(parts).collect())
    }

    fn look_for(
        &self,
        content: ContentId,
        path: &str,
        machine: Option<&str>,
        lost: &mut BTreeMap<ContentId, Lost>,
    ) -> Result<(), EngineError> {
        if self.has(content) || self.gone.contains(&content) || self.ws.ledger.is_gone(content)? {
            return Ok(());
        }
        let lost = lost.entry(content).or_default();
        lost.path = shown(path);
        if let Some(machine) = machine.filter(|machine| *machine != self.ws.settings.machine) {
            lost.machines.insert(shown(machine));
        }
        Ok(())
    }

    /// Versions that stand in packs and were not taken in yet: what they need may be on its way.
    fn not_taken_in(&mut self, known: &BTreeSet<RecordId>) -> Result<(), EngineError> {
        let (mut waiting, mut new) = (Vec::new(), 0);
        for (id, version) in self.versions.iter().filter(|(id, _)| !known.contains(id)) {
            new += 1;
            let here = |id: &RecordId| known.contains(id) || self.versions.contains_key(id);
            let content =
                version.content.is_none_or(|content| self.has(content) || self.gone.contains(&content));
            if !content || !version.comes_from.iter().all(here) {
                let by =
                    version.machine.as_deref().map(|name| format!(" by {}", shown(name))).unwrap_or_default();
                waiting.push((
                    shown(&version.path),
                    format!("version {}{by} lacks what it needs", &id.to_string()[..12]),
                ));
            }
        }
        for (path, what) in waiting {
            self.waiting(path, what);
        }
        if new > 0 {
            self.remark(format!("{} to take in by the next sync", count(new, "version")));
        }
        Ok(())
    }

    /// What the working folder shows must be a version that is known.
    fn bases(&mut self, known: &BTreeSet<RecordId>) -> Result<(), EngineError> {
        self.each_path(|look, row| {
            if row.memory.base.is_some_and(|base| !known.contains(&base)) {
                let what = "shows a version this machine's database does not know";
                look.damaged(row.path.to_string(), what, Healer::Nobody, Vec::new());
            }
            Ok(())
        })
    }

    /// Where lost contents can come from.
    fn heal(&mut self, mut lost: BTreeMap<ContentId, Lost>) -> Result<(), EngineError> {
        if lost.is_empty() {
            return Ok(());
        }
        for (content, found) in &mut lost {
            found.here = self.ws.ledger.kept(*content)?;
        }
        let (work, mirror) = (Folder::of(self.ws, Place::Working)?, Folder::of(self.ws, Place::Mirror)?);
        self.each_path(|look, row| {
            let shown = row.memory.base.map(|base| look.ws.ledger.record(base)).transpose()?.flatten();
            let shown = shown.and_then(|(record, _)| record.content.id());
            for (folder, content) in [(work, shown), (mirror, row.memory.mirror)] {
                if let Some(content) = content
                    && let Some(found) = lost.get_mut(&content)
                    && !found.here
                {
                    let there = folder.content(&folder.of_row(row));
                    found.here = there.is_ok_and(|found| found.id() == Some(content));
                }
            }
            Ok(())
        })?;
        for (content, Lost { path, machines, here }) in lost {
            let healer = match (here, machines.is_empty()) {
                (true, _) => Healer::Here,
                (false, false) => Healer::Elsewhere,
                (false, true) => Healer::Nobody,
            };
            let what = format!("the content {} of one of its versions is lost", &content.to_string()[..12]);
            self.damaged(path, what, healer, machines.into_iter().collect());
        }
        Ok(())
    }

    /// Every path the ledger knows.
    pub(super) fn each_path(
        &mut self,
        mut each: impl FnMut(&mut Self, &kitbag_store::ledger::PathRow) -> Result<(), EngineError>,
    ) -> Result<(), EngineError> {
        let mut last: Option<WorkPath> = None;
        loop {
            let page = self.ws.ledger.paths_after(last.as_ref().map(WorkPath::key).as_deref(), PAGE)?;
            for row in &page {
                each(self, row)?;
            }
            match page.into_iter().last() {
                Some(end) => last = Some(end.path),
                None => return Ok(()),
            }
        }
    }
}
