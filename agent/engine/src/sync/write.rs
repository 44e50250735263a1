//! The second half of a batch: what was decided is noted, files are written, and what came of it is noted again. A name
//! stands in the ledger before it is used; a base moves only when the folder shows it.

use std::cmp::Reverse;
use std::collections::BTreeSet;
use std::io::{self, ErrorKind};
use std::sync::Arc;

use kitbag_core::entry::{Memory, Seen, Stands};
use kitbag_core::id::ContentId;
use kitbag_core::path::TEMPORARY_PREFIX;
use kitbag_core::plan::{self, AbsenceAnswer, Put};
use kitbag_core::version::{Content, Kind};
use kitbag_store::Ledger;
use kitbag_store::ledger::{Awaited, Held, Intent, IntentState, Place};
use rayon::prelude::*;

use super::Cycle;
use super::batch::Item;
use super::contents::BatchContents;
use super::foresee;
use super::look::{HELD_BYTES, Looked};
use super::placing::Renaming;
use super::project::{Job, Outcome};
use super::publish::Published;
use super::rename::LeftBehind;
use super::report::{HeldFile, Problem, held_word};
use crate::error::{EngineError, is_full};

/// A write about to be done.
pub(super) struct Write {
    item: usize,
    /// It removes the conflict copy of this name.
    copy: Option<String>,
    pub(super) place: Place,
    pub(super) put: Put,
    pub(super) intent: Intent,
    pub(super) modified: i64,
}

/// A write that a plan asks for.
struct Wish {
    place: Place,
    at: String,
    copy: Option<String>,
    put: Put,
}

/// In which order writes are done: what goes makes room for what comes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Step {
    Remove,
    RemoveFolder,
    Bring,
}

impl Write {
    fn step(&self) -> Step {
        match (self.put.content, self.put.expect) {
            (Content::Deleted, Seen::Content(Content::Folder)) => Step::RemoveFolder,
            (Content::Deleted, _) => Step::Remove,
            _ => Step::Bring,
        }
    }

    fn job(&self) -> Job<'_> {
        Job {
            path: &self.intent.path,
            at: &self.intent.at,
            put: &self.put,
            temporary: &self.intent.temporary,
            modified: self.modified,
        }
    }
}

/// The earliest time a file is given, in nanoseconds since 1970: FAT begins with 1980.
const EARLIEST: i64 = 315_619_200_000_000_000;

/// Something of the path is left for the next cycle.
fn unfinished(item: &Item) -> bool {
    let plan = &item.plan;
    let waits = plan.due.is_some() || plan.held.is_some() || !plan.memory.observed.is_empty();
    let unsure = item.working.seen == Seen::Unsure
        || item.mirror.seen == Seen::Unsure
        || plan.later_kitbag
        || item.overtaken
        || item.again;
    let waits = waits || plan.pending.is_some();
    waits
        || unsure
        || item.online
        || plan.working.is_some()
        || plan.mirror.is_some()
        || !plan.drop_copies.is_empty()
}

impl Cycle<'_> {
    /// The ledger learns what was published, what was decided, and which names are about to be used: in one step,
    /// since each waits for the disk.
    pub(super) fn note_plans(
        &mut self,
        items: &mut [Item],
        published: &Published,
    ) -> Result<(Vec<Renaming>, Vec<Write>), EngineError> {
        let (mut renamings, mut writes) = (Vec::new(), Vec::new());
        let ws = self.ws;
        self.report.bytes_published += ws.ledger.batch(|ledger| {
            let bytes = published.note(ledger)?;
            foresee::heard(ledger)?;
            self.note_standing(ledger, items)?;
            for (at, item) in items.iter_mut().enumerate() {
                if item.dropped {
                    item.row.dirty = true;
                    ledger.put_path(&item.row)?;
                } else {
                    renamings.extend(self.find_places(ledger, at, item)?);
                    self.note_plan(ledger, at, item, &mut writes)?;
                }
            }
            Ok::<_, EngineError>(bytes)
        })?;
        writes.sort_by(|one, other| {
            let deepest =
                |write: &Write| (write.step() != Step::Bring).then(|| Reverse(write.intent.path.key()));
            one.step().cmp(&other.step()).then_with(|| deepest(one).cmp(&deepest(other)))
        });
        for item in items.iter().filter(|item| !item.dropped) {
            if let Some(held) = item.plan.held {
                self.report.held.push(HeldFile { path: item.row.path.to_string(), reason: held_word(held) });
            }
            if item.plan.backs_off {
                let reason = "the cloud program keeps bringing an old version back; `kitbag resolve PATH --absent \
                              restore` writes the new one again";
                self.report.problems.push(Problem::told(item.row.path.to_string(), reason));
            }
            self.tell_of_moves(item);
        }
        Ok((renamings, writes))
    }

    /// A renamed file has left its old place: the scan met nothing there. A file made there since is another one, and
    /// no edit of the one that went.
    fn note_left(&self, ledger: &Ledger, item: &Item) -> Result<(), EngineError> {
        if let Some(LeftBehind { path, from, to }) = self.left_behind(item)?
            && let Some(mut row) = ledger.path(&path)?
            && row.memory.base == Some(from)
        {
            row.memory.base = Some(to);
            (row.working, row.size, row.dirty) = (None, 0, true);
            row.set_at(Place::Working, None);
            ledger.put_path(&row)?;
        }
        Ok(())
    }

    fn note_plan(
        &mut self,
        ledger: &Ledger,
        at: usize,
        item: &mut Item,
        writes: &mut Vec<Write>,
    ) -> Result<(), EngineError> {
        let path = item.row.path.clone();
        let shown = item.row.memory.base;
        item.row.memory = item.plan.memory.clone();
        item.row.dirty = unfinished(item);
        let seen_as = |looked: &Looked| {
            // a folder that others are in is none of this path's, unless it is one itself
            looked.print.filter(|_| looked.seen != Seen::Filled || item.plan.stands == Stands::Folder)
        };
        item.row.working = seen_as(&item.working).or(item.working.touched);
        item.row.mirror_print = seen_as(&item.mirror);
        let asks = item.plan.heads.len() > 1 && !item.plan.later_kitbag;
        item.row.open = if asks { item.plan.heads.clone() } else { Vec::new() };
        item.row.size = match item.working.seen {
            Seen::Content(content) => content.size(),
            _ => 0,
        };
        self.note_left(ledger, item)?;
        let removed = |record: &kitbag_core::version::Record| {
            record.content == Content::Deleted && record.kind == Kind::Edit
        };
        if let Some(made) = item.plan.records.iter().find(|made| removed(&made.record)) {
            if item.row.present {
                ledger.log_removal(self.now(), &path)?;
            }
            if self.request.answer_for(&path) == Some(AbsenceAnswer::Accept) {
                self.log_accepted(ledger, &path, shown, made.id)?;
            }
        }
        match (item.plan.pending, item.in_use) {
            (Some(version), Some(why)) => {
                ledger.put_awaited(&Awaited { path: path.clone(), version, since: self.now(), why })?;
            }
            _ if path.extension() == "ipynb" => drop(ledger.drop_awaited(&path)?),
            _ => {}
        }
        match item.plan.held {
            Some(plan::Held::RemovedHere) => ledger.hold(&path, Held::RemovedHere, self.now())?,
            Some(plan::Held::MissingInShare) => ledger.hold(&path, Held::MissingInShare, self.now())?,
            None => {
                ledger.release(&path)?;
            }
        }
        if item.plan.heads.is_empty() && item.row.memory == Memory::default() {
            return Ok(ledger.drop_path(&path)?);
        }
        ledger.put_path(&item.row)?;
        // old enough that any later write changes it, so that the fingerprint cannot lie
        let newest = self.now().saturating_sub(2_000).saturating_mul(1_000_000);
        for Wish { place, at: target, copy, put } in self.wishes(item) {
            let recorded = ledger.label(put.version)?.and_then(|label| label.modified);
            let modified = recorded.map_or(newest, |millis| millis.saturating_mul(1_000_000));
            let is_file = |content| matches!(content, Content::File { .. });
            let replaces =
                matches!(put.expect, Seen::Content(shown) if is_file(shown)) && is_file(put.content);
            let rewrites = replaces && place == Place::Mirror && self.in_place();
            let token = self.ws.doors.chance.token(8);
            let token = token.map_err(EngineError::io("cannot name a file in", self.root(place)))?;
            let mut intent = Intent {
                id: 0,
                path: path.clone(),
                place,
                at: target,
                temporary: format!("{TEMPORARY_PREFIX}{token}.tmp"),
                expect: put.expect.id(),
                put: put.content.id(),
                parent: item.row.memory.base,
                version: Some(put.version),
                state: if rewrites { IntentState::Rewriting } else { IntentState::Planned },
            };
            intent.id = ledger.add_intent(&intent)?;
            writes.push(Write {
                item: at,
                copy,
                place,
                put,
                intent,
                modified: modified.clamp(EARLIEST.min(newest), newest),
            });
        }
        Ok(())
    }

    /// The writes a plan asks for.
    fn wishes(&self, item: &Item) -> Vec<Wish> {
        let plan = &item.plan;
        let mut wishes = Vec::new();
        for (place, put) in [(Place::Working, plan.working), (Place::Mirror, plan.mirror)] {
            let at = || item.targets[place as usize].clone().unwrap_or_else(|| self.lies(&item.row, place));
            wishes.extend(put.map(|put| Wish { place, at: at(), copy: None, put }));
        }
        for (name, content) in &plan.drop_copies {
            if let (Some(at), Some(version)) = (self.copy_at(&item.row.path, name), plan.heads.first()) {
                let expect = Seen::Content(*content);
                let put = Put { expect, content: Content::Deleted, version: *version };
                wishes.push(Wish { place: Place::Mirror, at, copy: Some(name.clone()), put });
            }
        }
        wishes
    }

    /// Do the writes, as many at once as fit in memory; a large file goes alone, streamed.
    pub(super) fn write(
        &mut self,
        items: &mut [Item],
        (renamings, mut writes): (Vec<Renaming>, Vec<Write>),
        contents: &mut BatchContents<'_>,
    ) -> Result<(), EngineError> {
        if !renamings.is_empty() {
            let failed = self.rename(items, renamings);
            writes.retain(|write| write.copy.is_some() || !failed.contains(&(write.item, write.place)));
            self.ws.ledger.batch(|ledger| {
                let mut renamed = items.iter().filter(|item| item.renamed);
                renamed.try_for_each(|item| Ok::<_, EngineError>(ledger.put_path(&item.row)?))
            })?;
        }
        let mut rest = writes.as_slice();
        while !rest.is_empty() {
            let mut bytes = 0;
            let step = rest.first().map(Write::step);
            let fits = rest.iter().take_while(|write| Some(write.step()) == step).take_while(|write| {
                let here = write.put.content.id().is_some_and(|id| contents.held.contains_key(&id));
                bytes += match write.put.content {
                    // goes alone: its files are brought one by one
                    Content::Unit { .. } => HELD_BYTES + 1,
                    _ if here => 0,
                    content => content.size(),
                };
                bytes <= HELD_BYTES
            });
            let n = fits.count().max(1);
            let (now, later) = rest.split_at(n);
            rest = later;
            let outcomes = match now {
                [large]
                    if large.put.content.size() > HELD_BYTES
                        || matches!(large.put.content, Content::Unit { .. }) =>
                {
                    self.put(now, |id, to| contents.copy_to(id, to))?
                }
                several => self.put_several(several, contents)?,
            };
            self.note_outcomes(items, now, outcomes)?;
        }
        Ok(())
    }

    fn put_several(
        &self,
        writes: &[Write],
        contents: &mut BatchContents<'_>,
    ) -> Result<Vec<Outcome>, EngineError> {
        let mut brought = Vec::new();
        for id in writes.iter().filter_map(|write| write.put.content.id()) {
            if !contents.held.contains_key(&id)
                && let Ok(bytes) = contents.stored().read(id, HELD_BYTES)
            {
                contents.held.insert(id, Arc::from(bytes));
                brought.push(id);
            }
        }
        let held = &contents.held;
        let bring = |id, to: &mut dyn io::Write| to.write_all(held.get(&id).ok_or(ErrorKind::NotFound)?);
        let projectors = self.projectors();
        let prepared: Vec<_> = self.pool.install(|| {
            let prepare = |write: &Write| projectors[write.place as usize].prepare(&write.job(), &bring);
            writes.par_iter().map(prepare).collect()
        });
        self.get_ready(writes)?;
        let place = |(write, prepared): (&Write, _)| {
            projectors[write.place as usize].place(&write.job(), prepared, &bring)
        };
        let outcomes = if writes.first().is_some_and(|write| write.step() == Step::RemoveFolder) {
            // one after the other: the inner ones first
            writes.iter().zip(prepared).map(place).collect()
        } else {
            self.pool.install(|| writes.par_iter().zip(prepared).map(place).collect())
        };
        brought.iter().for_each(|id| drop(contents.held.remove(id)));
        Ok(outcomes)
    }

    /// One by one: what is too large to hold.
    fn put(
        &self,
        writes: &[Write],
        bring: impl Fn(ContentId, &mut dyn io::Write) -> io::Result<()>,
    ) -> Result<Vec<Outcome>, EngineError> {
        let projectors = self.projectors();
        let prepare = |write: &Write| projectors[write.place as usize].prepare(&write.job(), &bring);
        let prepared: Vec<_> = writes.iter().map(prepare).collect();
        self.get_ready(writes)?;
        let place = |(write, prepared): (&Write, _)| {
            projectors[write.place as usize].place(&write.job(), prepared, &bring)
        };
        Ok(writes.iter().zip(prepared).map(place).collect())
    }

    /// What was written aside is durable, and the ledger says so, before it takes a name: a power cut may keep a name and
    /// lose the bytes behind it, and after a crash it is known whose bytes lie aside.
    fn get_ready(&self, writes: &[Write]) -> Result<(), EngineError> {
        let swapped = || writes.iter().filter(|write| write.intent.state == IntentState::Planned);
        let brought = swapped().filter(|write| write.put.content != Content::Deleted);
        self.make_durable(brought.map(|write| write.place))?;
        self.ws.ledger.batch(|ledger| {
            swapped().try_for_each(|write| {
                Ok::<_, EngineError>(ledger.set_intent_state(write.intent.id, IntentState::Ready)?)
            })
        })
    }

    /// Bytes and names in these places survive a power cut afterwards.
    ///
    /// # Errors
    /// The system cannot write them.
    pub(super) fn make_durable(&self, places: impl Iterator<Item = Place>) -> Result<(), EngineError> {
        let places: BTreeSet<Place> = places.collect();
        places.into_iter().try_for_each(|place| {
            let root = self.root(place);
            self.ws.doors.disk.sync_volume(root).map_err(EngineError::io("cannot write", root))
        })
    }

    fn note_outcomes(
        &mut self,
        items: &mut [Item],
        writes: &[Write],
        outcomes: Vec<Outcome>,
    ) -> Result<(), EngineError> {
        // names and bytes first, then the ledger's word for them
        self.make_durable(writes.iter().map(|write| write.place))?;
        let mut full = None;
        let ws = self.ws;
        ws.ledger.batch(|ledger| {
            for (write, outcome) in writes.iter().zip(outcomes) {
                let item = &mut items[write.item];
                let left = match outcome {
                    Outcome::Done { print, left } => {
                        self.note_done(ledger, item, write, print)?;
                        left
                    }
                    Outcome::Changed { left } => {
                        self.again = true;
                        left
                    }
                    Outcome::Cannot { reason } => {
                        self.report.problems.push(Problem::told(item.row.path.to_string(), reason));
                        item.plan.working = None;
                        false
                    }
                    Outcome::Failed { error, reason } => {
                        if is_full(error) || error == ErrorKind::ReadOnlyFilesystem {
                            full = Some((error, self.root(write.place).to_owned()));
                        }
                        self.report.problems.push(Problem::failed(&item.row.path, reason));
                        // the name may be in use: the next cycle looks
                        true
                    }
                };
                match (left, write.intent.state) {
                    (false, _) => ledger.remove_intent(write.intent.id)?,
                    // what may be torn stays so until it was looked at
                    (true, IntentState::Rewriting) => {}
                    (true, _) => {
                        ledger.set_intent_state(write.intent.id, IntentState::Swapped)?;
                        if write.put.content == Content::Deleted {
                            self.may_rest_at_top(ledger, &write.intent)?;
                        }
                    }
                }
                item.row.dirty = unfinished(item);
                ledger.put_path(&item.row)?;
            }
            Ok::<_, EngineError>(())
        })?;
        self.remove_emptied(writes)?;
        match full {
            Some((error, root)) => Err(EngineError::io("cannot write", root)(error.into())),
            None => Ok(()),
        }
    }

    fn note_done(
        &mut self,
        ledger: &Ledger,
        item: &mut Item,
        write: &Write,
        print: Option<kitbag_core::entry::Fingerprint>,
    ) -> Result<(), EngineError> {
        if let Some(copy) = &write.copy {
            item.plan.drop_copies.retain(|(name, _)| name != copy);
            return Ok(());
        }
        if write.put.content.id().is_none() {
            item.row.set_at(write.place, None);
        }
        if write.place == Place::Working {
            self.log_shown(ledger, &item.row.path, item.row.memory.base, write.put.version)?;
            item.row.memory.base = Some(write.put.version);
            item.row.working = print;
            item.row.size = write.put.content.size();
            item.plan.working = None;
            self.report.received += 1;
        } else {
            item.row.memory.mirror = write.put.content.id();
            item.row.memory.absent_since = None;
            item.row.mirror_print = print;
            item.plan.mirror = None;
        }
        Ok(())
    }
}
