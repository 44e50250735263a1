//! One batch of candidates up to the point where everything they say is durable: look, plan, store, publish. Batches
//! keep memory small and let every step of the order be durable at once for many files; `write` does the rest.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use kitbag_core::entry::Seen;
use kitbag_core::history::{History, same_bytes};
use kitbag_core::id::ContentId;
use kitbag_core::merge::way::Way;
use kitbag_core::notebook::{self, InUse};
use kitbag_core::path::WorkPath;
use kitbag_core::plan::{self, Plan, Removal, Situation};
use kitbag_core::version::{Content, Kind, Record};
use kitbag_store::compress_as;
use kitbag_store::ledger::{Candidate, PathRow, Place};
use rayon::prelude::*;

use super::Cycle;
use super::contents::BatchContents;
use super::look::{Before, HELD_BYTES, Looked, look, look_again};
use super::publish::{Published, Publisher};
use super::report::{Planned, Problem, WaitingFor};
use super::restless;
use crate::error::EngineError;

/// So many contents are compressed before they go into the pack.
const COMPRESSED_AT_ONCE: usize = 64;

/// One path on its way through a batch.
pub(super) struct Item {
    pub(super) row: PathRow,
    pub(super) working: Looked,
    pub(super) mirror: Looked,
    pub(super) plan: Plan,
    /// Why the working file is not written now.
    pub(super) in_use: Option<InUse>,
    /// The content could not be published: nothing more is done this time.
    pub(super) dropped: bool,
    /// A write had to be left out because the file in its place is online only.
    pub(super) online: bool,
    /// Another path's plan recorded something here: this one was made without it.
    pub(super) overtaken: bool,
    /// For each place, where its file is to lie, when it is to be renamed first.
    pub(super) targets: [Option<String>; 2],
    /// It was renamed, or should have been.
    pub(super) renamed: bool,
    /// It is to be looked at once more whatever comes of it now.
    pub(super) again: bool,
}

impl Item {
    fn new(
        row: PathRow,
        working: Looked,
        mirror: Looked,
        plan: Plan,
        in_use: Option<InUse>,
        online: bool,
    ) -> Self {
        let (dropped, overtaken, targets, renamed, again) = (false, false, [None, None], false, false);
        Item { row, working, mirror, plan, in_use, dropped, online, overtaken, targets, renamed, again }
    }
}

impl Cycle<'_> {
    /// Take these candidates through.
    ///
    /// # Errors
    /// Something that stops the whole sync: the ledger, the share or the disk.
    pub(super) fn batch(&mut self, candidates: &[Candidate]) -> Result<(), EngineError> {
        let share = self.share.clone();
        let kept = self.kept_store();
        let mut contents = BatchContents::new(&self.ws.ledger, &share, &kept);
        let mut items = self.plan_all(candidates, &mut contents)?;
        if self.request.dry_run {
            items.iter().for_each(|item| self.tell_plan(item));
            return Ok(());
        }
        self.keep(&mut items, &contents)?;
        self.foresee(&items)?;
        let published = self.publish(&mut items, &contents)?;
        self.look_for_questions(&mut items, &contents)?;
        let writes = self.note_plans(&mut items, &published)?;
        self.write(&mut items, writes, &mut contents)
    }

    fn plan_all(
        &mut self,
        candidates: &[Candidate],
        contents: &mut BatchContents<'_>,
    ) -> Result<Vec<Item>, EngineError> {
        let ws = self.ws;
        let rows = ws.ledger.reading(|ledger| {
            let mut rows = Vec::with_capacity(candidates.len());
            for candidate in candidates {
                let row = ledger.path(&candidate.path)?;
                let mut row = row.unwrap_or_else(|| PathRow::new(candidate.path.clone()));
                if candidate.working.is_file() {
                    row.working_at.clone_from(&candidate.working_at);
                }
                if candidate.mirror.is_file() {
                    row.mirror_at.clone_from(&candidate.mirror_at);
                }
                let shown = row.memory.base.map(|base| ledger.record(base)).transpose()?.flatten();
                let shown = shown.filter(|(record, _)| record.path == row.path);
                rows.push((row, shown.map(|(record, _)| record.content)));
            }
            Ok::<_, EngineError>(rows)
        })?;
        let (now, units, patience) = (self.now(), self.units.clone(), self.patience());
        let (work, mirror) = (self.folder(Place::Working), self.folder(Place::Mirror));
        let looked: Vec<_> = self.pool.install(|| {
            let one = |(candidate, (row, shown)): (&Candidate, &(PathRow, Option<Content>))| {
                let unit = units.contains(&candidate.path);
                let before = Before { content: *shown, print: row.working, unit };
                let rests = patience.wait(candidate, before);
                let here = match rests {
                    Some(_) => restless::left(),
                    None => look_again(work, row, &candidate.working, before, now),
                };
                let content = row.memory.mirror.zip(row.mirror_print).map(|(id, print)| match unit {
                    true => Content::Unit { id, size: print.size },
                    false => Content::file(id, print.size),
                });
                let before = Before { content, print: row.mirror_print, unit };
                let mut there = look_again(mirror, row, &candidate.mirror, before, now);
                there.seen = there.seen.without_bit();
                (here, there, rests)
            };
            candidates.par_iter().zip(&rows).map(one).collect()
        });
        self.rests = looked.iter().filter_map(|(_, _, rests)| *rests).chain(self.rests).min();
        let looked = looked.into_iter().map(|(here, there, _)| (here, there)).collect();
        ws.ledger.reading(|_| self.plan_looked(candidates, rows, looked, contents))
    }

    fn plan_looked(
        &mut self,
        candidates: &[Candidate],
        rows: Vec<(PathRow, Option<Content>)>,
        looked: Vec<(Looked, Looked)>,
        contents: &mut BatchContents<'_>,
    ) -> Result<Vec<Item>, EngineError> {
        let mut items = Vec::with_capacity(rows.len());
        for ((candidate, (row, shown)), (mut working, mut mirror)) in candidates.iter().zip(rows).zip(looked)
        {
            self.note_read(candidate, shown, &working);
            for (met, looked) in [(&candidate.working, &mut working), (&candidate.mirror, &mut mirror)] {
                if met.is_file() && looked.seen == Seen::Absent {
                    // gone since the scan: only a scan counts what is gone, and asks when it is much
                    *looked = Looked { seen: Seen::Unsure, ..Looked::absent() };
                    self.again = true;
                }
            }
            for (place, looked) in [(Place::Working, &working), (Place::Mirror, &mirror)] {
                match (looked.seen, &looked.bytes) {
                    (Seen::Content(content), Some(bytes)) => {
                        contents.held.extend(content.id().map(|id| (id, bytes.clone())));
                    }
                    (Seen::Content(Content::File { id, size, .. }), None)
                        if merges_large(&row.path, size) =>
                    {
                        contents.lying.insert(id, self.folder(place).of_row(&row));
                    }
                    _ => {}
                }
            }
            if let Some(item) = self.plan_one(row, working, mirror, contents)? {
                items.push(item);
            }
        }
        Ok(items)
    }

    fn plan_one(
        &mut self,
        row: PathRow,
        mut working: Looked,
        mirror: Looked,
        contents: &mut BatchContents<'_>,
    ) -> Result<Option<Item>, EngineError> {
        let path = row.path.clone();
        for (looked, place) in [(&working, ""), (&mirror, "cloud folder: ")] {
            if let Some(reason) = &looked.reason {
                self.report.problems.push(Problem::told(format!("{place}{path}"), reason.clone()));
            }
        }
        let copies = self.look_at_copies(&path, contents);
        let prefer = self.prefer(&path)?;
        let moved_from = if self.renamed { self.ws.ledger.renamed_to(&path)? } else { None };
        let history = History::with_origin(&path, self.ws.ledger.lineage(&path, moved_from)?, moved_from);
        if let Seen::Content(content) = working.seen
            && !self.ability.executable
        {
            let shown = moved_from.or(row.memory.base);
            working.seen = Seen::Content(history.with_recorded_bit(shown, content));
        }
        let in_use = self.in_use(&path, &working);
        let situation = Situation {
            path: &path,
            memory: &row.memory,
            working: working.seen,
            mirror: mirror.seen,
            copies: &copies,
            history,
            moved_from,
            now: self.now(),
            settle: self.ws.config.outside_settle_seconds as i64 * 1000,
            absence_wait: self.ws.config.absence_wait_seconds as i64 * 1000,
            delivering: self.delivering.contains(&path),
            removals: if self.asked.contains(&path) { Removal::Asks } else { self.removal },
            answer: self.request.answer_for(&path),
            busy: in_use.is_some(),
            prefer,
            backup: self.backups.get(&path).map(|of| of.backup.clone()),
        };
        Ok(match plan::plan(situation, contents) {
            Ok(mut plan) => {
                let online = self.spare_online(&path, &mut plan);
                Some(Item::new(row, working, mirror, plan, in_use, online))
            }
            Err(unreadable) if !self.ws.ledger.has_content(unreadable.content)? => {
                // its pack is gone from the share; the machine that has it writes it back
                let path = Some(path.to_string());
                self.report.waiting_for.push(WaitingFor { path, what: "its content".into() });
                None
            }
            Err(unreadable) => {
                self.report.problems.push(Problem::failed(&path, unreadable.to_string()));
                None
            }
        })
    }

    /// Why the working file must not be written now. One without a fingerprint was touched this very moment.
    fn in_use(&self, path: &WorkPath, working: &Looked) -> Option<InUse> {
        let saved = (working.seen != Seen::Absent)
            .then(|| working.print.map_or(0, |print| self.now().saturating_sub(print.modified / 1_000_000)));
        notebook::in_use(path, &self.request.notebooks, self.session_open, saved)
    }

    /// Where a path's file lies in a place, or would lie.
    pub(super) fn lies(&self, row: &PathRow, place: Place) -> String {
        let plain = || self.folder(place).names.place(&row.path, false).into_owned();
        row.at(place).map_or_else(plain, str::to_owned)
    }

    /// Where the conflict copy of that name of a path lies.
    pub(super) fn copy_at(&self, path: &WorkPath, name: &str) -> Option<String> {
        self.copies.get(path)?.iter().find(|at| name_of(at) == name).cloned()
    }

    fn look_at_copies(&self, path: &WorkPath, contents: &mut BatchContents<'_>) -> Vec<(String, Content)> {
        let mut copies = Vec::new();
        for copy in self.copies.get(path).into_iter().flatten() {
            let file = self.share.root().join(copy);
            let looked = look(self.ws.doors.disk.as_ref(), &file, path, self.now());
            if let (Seen::Content(content), Some(id)) = (looked.seen.without_bit(), looked.seen.id()) {
                contents.held.extend(looked.bytes.map(|bytes| (id, bytes)));
                copies.push((name_of(copy).to_owned(), content));
            }
        }
        copies
    }

    fn tell_plan(&mut self, item: &Item) {
        let path = item.row.path.to_string();
        let mut tell =
            |step: &str| self.report.planned.push(Planned { path: path.clone(), step: step.into() });
        for made in &item.plan.records {
            match (made.record.kind, made.record.content) {
                (Kind::Move, _) if made.record.path == item.row.path => tell("record that it was renamed"),
                (Kind::Move, _) => {
                    tell(&format!("take the change to {}, where the file is now", made.record.path))
                }
                (Kind::Merge, _) => tell("merge both sides"),
                (Kind::Outside, _) => tell("take in the change made in the cloud folder"),
                (_, Content::Deleted) => tell("record that it was removed"),
                _ => tell("record this machine's change"),
            }
        }
        for (put, place) in [(item.plan.working, "working folder"), (item.plan.mirror, "cloud folder")] {
            if let Some(put) = put {
                let what = if put.content == Content::Deleted { "remove it from" } else { "write it to" };
                tell(&format!("{what} the {place}"));
            }
        }
        if item.plan.pending.is_some() {
            tell("wait until the notebook is closed here, then write it to the working folder");
        }
        if item.plan.heads.len() > 1 && !item.plan.later_kitbag {
            tell("ask which side to keep");
        }
    }

    /// Unexplained bytes of the mirror are stored and remembered before anything else happens.
    fn keep(&mut self, items: &mut [Item], contents: &BatchContents<'_>) -> Result<(), EngineError> {
        let kept = self.kept_store();
        let mut found = Vec::new();
        for item in items.iter_mut() {
            for observed in &item.plan.keep {
                let copy = observed.copy.as_deref().and_then(|name| self.copy_at(&item.row.path, name));
                let at = copy.unwrap_or_else(|| self.lies(&item.row, Place::Mirror));
                let file = self.folder(Place::Mirror).file(&at);
                let Some(id) = observed.content.id() else { continue };
                let stored = match observed.content {
                    Content::Unit { .. } => self.keep_unit(&file, id, contents),
                    content => kept.store(id, &file).map(|whole| whole.then(|| vec![(id, content.size())])),
                };
                match stored {
                    Ok(Some(stored)) => found.extend(stored),
                    Ok(None) => item.dropped = true,
                    Err(error) => {
                        self.report.problems.push(Problem::failed(&item.row.path, error.to_string()));
                        item.dropped = true;
                    }
                }
            }
        }
        if found.is_empty() {
            return Ok(());
        }
        self.ws.ledger.batch(|ledger| {
            for (id, size) in found {
                ledger.keep(id, size)?;
            }
            for item in items.iter_mut().filter(|item| !item.dropped && !item.plan.keep.is_empty()) {
                item.row.memory.observed.extend(item.plan.keep.iter().cloned());
                item.row.dirty = true;
                ledger.put_path(&item.row)?;
            }
            Ok::<_, EngineError>(())
        })
    }

    fn publish(
        &mut self,
        items: &mut [Item],
        contents: &BatchContents<'_>,
    ) -> Result<Published, EngineError> {
        let (ws, share) = (self.ws, self.share.clone());
        let mut publisher = Publisher::new(&ws.ledger, &share, self.label());
        let mut small: BTreeMap<ContentId, Arc<[u8]>> = BTreeMap::new();
        let mut large = BTreeSet::new();
        for item in items.iter_mut().filter(|item| !item.dropped) {
            for made in &item.plan.records {
                if let Content::Unit { id, .. } = made.record.content
                    && let Err(reason) = self.publish_unit(&mut publisher, item, id, contents)
                {
                    self.report.problems.push(Problem::told(item.row.path.to_string(), reason));
                    item.dropped = true;
                }
                let (Content::File { id, .. } | Content::Link { id, .. }) = made.record.content else {
                    continue;
                };
                if small.contains_key(&id) || large.contains(&id) || self.ws.ledger.stays_packed(id)? {
                    continue;
                }
                let held = contents.held.get(&id).cloned().or_else(|| made.bytes.as_deref().map(Arc::from));
                match held {
                    Some(bytes) if bytes.len() <= kitbag_store::cut::WHOLE => {
                        small.insert(id, bytes);
                    }
                    Some(bytes) => {
                        publisher.content(&mut bytes.as_ref())?;
                        large.insert(id);
                    }
                    None => match self.publish_file(&mut publisher, item, id) {
                        Ok(()) => drop(large.insert(id)),
                        Err(reason) => {
                            self.report.problems.push(Problem::told(item.row.path.to_string(), reason));
                            item.dropped = true;
                        }
                    },
                }
            }
        }
        let small: Vec<_> = small.into_iter().collect();
        // some at a time: the batch is in memory already, and its pack is about to be
        for some in small.chunks(COMPRESSED_AT_ONCE) {
            let pieces: Vec<_> = self.pool.install(|| {
                some.par_iter().map(|(id, bytes)| compress_as((*id).into(), bytes)).collect::<Vec<_>>()
            });
            for piece in pieces {
                publisher.piece(piece)?;
            }
        }
        drop(small);
        let mut elsewhere = BTreeSet::new();
        for item in items.iter().filter(|item| !item.dropped) {
            for made in &item.plan.records {
                publisher.record_of_file(&made.record, self.modified(item, &made.record)?)?;
                match made.record.kind {
                    Kind::Merge => self.report.merged += 1,
                    _ => self.report.published += 1,
                }
                if made.record.path != item.row.path {
                    elsewhere.insert(made.record.path.clone());
                }
            }
        }
        self.again |= !elsewhere.is_empty();
        items.iter_mut().for_each(|item| item.overtaken = elsewhere.contains(&item.row.path));
        publisher.finish()
    }

    /// When the file of a new version was changed: as the place has it that shows it; of a merge, when the later of
    /// its sides was, which every machine finds alike.
    fn modified(&self, item: &Item, record: &Record) -> Result<Option<i64>, EngineError> {
        let shows = |looked: &&Looked| matches!(looked.seen, Seen::Content(content) if same_bytes(content, record.content));
        if record.kind != Kind::Merge {
            return Ok([&item.working, &item.mirror]
                .into_iter()
                .find(shows)
                .and_then(|looked| looked.modified));
        }
        let mut latest = None;
        for parent in &record.parents {
            let of_this_batch = item.plan.records.iter().find(|made| made.id == *parent);
            let of_parent = match of_this_batch {
                Some(made) => self.modified(item, &made.record)?,
                None => self.ws.ledger.label(*parent)?.and_then(|label| label.modified),
            };
            latest = latest.max(of_parent);
        }
        Ok(latest)
    }

    /// A large content is cut straight from the file it was seen in. If the file has changed since, the path waits.
    fn publish_file(&self, publisher: &mut Publisher<'_>, item: &Item, id: ContentId) -> Result<(), String> {
        let kept = self.kept_store();
        let mut open: Box<dyn std::io::Read> = if self.ws.ledger.kept(id).map_err(|e| e.to_string())? {
            kitbag_store::Loose::open(&kept, id).map(|open| Box::new(open) as Box<dyn std::io::Read>)
        } else {
            let place = if item.working.seen.id() == Some(id) { Place::Working } else { Place::Mirror };
            let file = self.folder(place).of_row(&item.row);
            self.ws.doors.disk.open(&file).map(|open| Box::new(open) as Box<dyn std::io::Read>)
        }
        .map_err(|e| e.to_string())?;
        let (found, _) = publisher.content(&mut open).map_err(|e| e.to_string())?;
        if found == id { Ok(()) } else { Err("it changed while it was read".into()) }
    }
}

/// Whether a file that is not held in memory is merged nevertheless.
fn merges_large(path: &WorkPath, size: u64) -> bool {
    size > HELD_BYTES && size <= Way::of(path).largest()
}

fn name_of(at: &str) -> &str {
    at.rsplit('/').next().unwrap_or(at)
}
