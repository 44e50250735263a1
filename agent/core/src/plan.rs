//! One path, one cycle: what the places show and what is remembered go in; records to publish and steps to take
//! come out. The order of the fields of [`Plan`] is the order of the work: bytes are stored before records,
//! records before anything is replaced, and every step may be repeated after a crash without harm.

mod settle;

use std::collections::BTreeSet;

use crate::entry::{Memory, Millis, Observed, Seen, Stands};
use crate::history::{History, same, same_bytes};
use crate::id::{ContentId, RecordId};
use crate::moves;
use crate::mutation::{Rule, off};
use crate::path::WorkPath;
use crate::reconcile::{Contents, Made, Unreadable, reduce, waits_for_later_kitbag};
use crate::version::{Backup, Content, Kind, Record};

/// Everything a plan depends on.
pub struct Situation<'a> {
    /// The path.
    pub path: &'a WorkPath,
    /// What the ledger remembers.
    pub memory: &'a Memory,
    /// What the working folder shows.
    pub working: Seen,
    /// What the mirror shows.
    pub mirror: Seen,
    /// Conflict copies of this file that a provider made in the mirror: file name and content. One of a weak name
    /// is among them only on evidence: see [`copies::may_be_of`].
    pub copies: &'a [(String, Content)],
    /// The path's admitted records; with those `moved_from` comes from.
    pub history: History,
    /// The file was at another path until the person renamed it: the version the working folder showed there.
    pub moved_from: Option<RecordId>,
    /// Now.
    pub now: Millis,
    /// How long unexplained bytes wait for their record.
    pub settle: Millis,
    /// How long a file may be missing from the mirror before the person is asked.
    pub absence_wait: Millis,
    /// A record of this path is known whose parents or content are still on their way.
    pub delivering: bool,
    /// Whether a file missing from the working folder counts as removed.
    pub removals: Removal,
    /// The person's answer about a held absence.
    pub answer: Option<AbsenceAnswer>,
    /// A program holds the working file open: it is read, but not written.
    pub busy: bool,
    /// In a conflict, show this head if it is one (what this machine's database holds).
    pub prefer: Option<RecordId>,
    /// What a backup at this path was dumped from.
    pub backup: Option<Backup>,
}

/// What a file missing from the working folder means.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Removal {
    /// The person removed it.
    Counts,
    /// Too many at once: ask first.
    Asks,
}

/// A person's answer about files that are gone.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum AbsenceAnswer {
    /// They were meant to go.
    Accept,
    /// Put them back.
    Restore,
}

/// What waits for an answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Held {
    /// Many files are gone from the working folder.
    RemovedHere,
    /// The file is gone from the mirror.
    MissingInShare,
}

/// One write to one place.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Put {
    /// What must stand there before; anything else stops the step.
    pub expect: Seen,
    /// What shall stand there.
    pub content: Content,
    /// The version this is.
    pub version: RecordId,
}

/// What one cycle does at one path.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Plan {
    /// Unexplained mirror bytes, to be stored and remembered on this machine before anything else. Those that
    /// become a record in this very plan are not among them.
    pub keep: Vec<Observed>,
    /// Records to publish, in order. Some may be of another path: edits that follow a renamed file. That path is then
    /// to be planned again.
    pub records: Vec<Made>,
    /// What to remember once the records are durable.
    pub memory: Memory,
    /// The write to the working folder. When done, `base` is its version.
    pub working: Option<Put>,
    /// The write to the mirror. When done, `mirror` is its content.
    pub mirror: Option<Put>,
    /// Conflict copies whose bytes are in a record: to be removed from the mirror.
    pub drop_copies: Vec<(String, Content)>,
    /// The heads afterwards; more than one is a conflict.
    pub heads: Vec<RecordId>,
    /// The heads are left as they are: a later kitbag merged this file, and this one waits for it. No question.
    pub later_kitbag: bool,
    /// The file was renamed differently on machines that did not know of each other: where it is now.
    pub went_apart: Vec<WorkPath>,
    /// The head the working folder shows.
    pub shown: Option<RecordId>,
    /// What stands at the path by the heads.
    pub stands: Stands,
    /// A question about an absence.
    pub held: Option<Held>,
    /// The provider keeps bringing an old version back: it is left alone, and said.
    pub backs_off: bool,
    /// When waiting bytes or absences are due, if any wait.
    pub due: Option<Millis>,
    /// The version that would be shown if the working file were not in use.
    pub pending: Option<RecordId>,
}

/// A known old version that the provider brings back is written over this often, then left.
const STALE_WRITES: u32 = 3;

/// Plan one cycle at one path.
///
/// # Errors
/// A stored content that a decision needs cannot be read: the path waits, nothing is done.
pub fn plan(situation: Situation<'_>, contents: &dyn Contents) -> Result<Plan, Unreadable> {
    let memory = situation.memory.clone();
    let history = situation.history.clone();
    let mut work = Work {
        s: situation,
        contents,
        memory,
        history,
        keep: vec![],
        records: vec![],
        held: None,
        due: None,
        mixed: BTreeSet::new(),
        pending: None,
    };
    work.look_at_mirror();
    work.look_at_working();
    work.look_for_accepted_absence();
    let drop_copies = work.settle_observed()?;
    let made = reduce(work.s.path, &mut work.history, contents)?;
    work.records.extend(made);
    Ok(work.project(drop_copies))
}

struct Work<'a> {
    s: Situation<'a>,
    contents: &'a dyn Contents,
    memory: Memory,
    history: History,
    keep: Vec<Observed>,
    records: Vec<Made>,
    held: Option<Held>,
    due: Option<Millis>,
    /// Units in the mirror that are a mix of known versions.
    mixed: BTreeSet<Option<ContentId>>,
    pending: Option<RecordId>,
}

impl Work<'_> {
    fn record(&mut self, mut record: Record) -> RecordId {
        if record.kind == Kind::Edit && record.content != Content::Deleted {
            record.backup.clone_from(&self.s.backup);
        }
        let known = self.history.get(record.id()).is_some();
        let id = self.history.insert(record.clone());
        if !known {
            self.records.push(Made { id, record, bytes: None });
        }
        id
    }

    fn edit(&mut self, content: Content, parent: Option<RecordId>) -> RecordId {
        let mut record = Record::new(self.s.path.clone(), content, Kind::Edit, parent);
        if off(Rule::EditNamesShown) {
            record.parents.extend(self.history.heads());
        }
        self.record(record)
    }

    fn wait_until(&mut self, at: Millis) {
        self.due = Some(self.due.map_or(at, |due| due.min(at)));
    }

    /// Bytes no record explains are remembered at once, whatever happens to them next.
    fn look_at_mirror(&mut self) {
        // an empty folder says nothing: folders come before their files, and stay behind them
        if let Seen::Content(content) = self.s.mirror
            && content != Content::Folder
        {
            self.memory.absent_since = None;
            self.observe(content, None);
        }
        for (name, content) in self.s.copies {
            self.observe(*content, Some(name));
        }
    }

    /// Bytes that are known already are remembered only of a copy of weak name: when it was first seen.
    fn observe(&mut self, content: Content, copy: Option<&String>) {
        let already =
            self.memory.observed.iter().any(|o| same_bytes(o.content, content) && o.copy.as_ref() == copy);
        let known = self.history.knows(content);
        if !already && (!known || copy.is_some_and(|name| settle::is_weak(name))) {
            let observed = Observed { content, since: self.s.now, copy: copy.cloned() };
            if !known {
                self.keep.push(observed.clone());
            }
            self.memory.observed.push(observed);
        }
    }

    /// An edit names what the folder showed as its only parent.
    fn look_at_working(&mut self) {
        let base = self
            .memory
            .base
            .map(|base| self.history.real(base))
            .filter(|base| self.history.get(*base).is_some());
        let shown = base.and_then(|base| self.history.content(base));
        self.memory.base = base;
        match (self.s.working, base) {
            (Seen::Unsure, _) => {}
            (Seen::Content(content), _)
                if matches!(shown, None | Some(Content::Deleted)) && self.s.moved_from.is_some() =>
            {
                self.memory.base = Some(self.moved_here(content, base));
            }
            (Seen::Content(content), None) => {
                let known = self.history.explaining(content);
                self.memory.base = Some(known.unwrap_or_else(|| self.edit(content, None)));
            }
            (Seen::Content(content), Some(base)) => {
                if !shown.is_some_and(|shown| same(shown, content)) {
                    let newer = self.history.descendant_with(base, content);
                    let newer = newer.filter(|_| !off(Rule::LaterVersionShown));
                    self.memory.base = Some(newer.unwrap_or_else(|| self.edit(content, Some(base))));
                }
            }
            (Seen::Filled, Some(_)) if shown == Some(Content::Folder) => {}
            (Seen::Absent | Seen::Filled, Some(base)) if shown != Some(Content::Deleted) => {
                self.missing_here(base);
            }
            (Seen::Absent | Seen::Filled, _) => {}
        }
    }

    /// The person renamed a file to this path: its life goes on here. What was changed along with it is an edit on
    /// top. A version of this path that says so already is taken as it is.
    fn moved_here(&mut self, content: Content, base: Option<RecordId>) -> RecordId {
        let origin = self.s.moved_from.map(|id| self.history.real(id));
        let Some((origin, before)) = origin.and_then(|id| Some((id, self.history.own_content(id)?))) else {
            return self.edit(content, base);
        };
        if let Some(known) = self.history.descendant_with(origin, content) {
            return known;
        }
        // a deletion the folder showed here is superseded; a move away has ended at another path
        let deletion = base.filter(|base| self.history.is_local(*base));
        let parents = [origin].into_iter().chain(deletion);
        let moved = self.record(Record::new(self.s.path.clone(), before, Kind::Move, parents));
        if same(before, content) { moved } else { self.edit(content, Some(moved)) }
    }

    fn missing_here(&mut self, base: RecordId) {
        if let Some(deletion) = self.history.descendant_with(base, Content::Deleted) {
            self.memory.base = Some(deletion);
            return;
        }
        match (self.s.removals, self.s.answer) {
            (_, Some(AbsenceAnswer::Restore)) => self.memory.base = None,
            (Removal::Counts, _) | (_, Some(AbsenceAnswer::Accept)) => {
                self.memory.base = Some(self.edit(Content::Deleted, Some(base)));
            }
            (Removal::Asks, None) => self.held = Some(Held::RemovedHere),
        }
    }

    /// The person said a file missing from the mirror was meant to go: it is deleted as it was seen there. An
    /// edit made since is newer than that and stays.
    fn look_for_accepted_absence(&mut self) {
        let Some(base) = self.memory.base else { return };
        let had = self.history.content(base).and_then(|content| content.id());
        let gone = self.s.mirror == Seen::Absent && self.memory.mirror.is_some() && self.memory.mirror == had;
        let accepted = self.s.answer == Some(AbsenceAnswer::Accept)
            || (off(Rule::AbsenceAsks)
                && self.memory.absent_since.is_some_and(|since| self.s.now >= since + self.s.absence_wait));
        if gone && accepted && self.held.is_none() {
            self.edit(Content::Deleted, Some(base));
        }
    }

    fn project(mut self, drop_copies: Vec<(String, Content)>) -> Plan {
        let heads = self.history.heads();
        let shown = self.shown(&heads);
        let later_kitbag = waits_for_later_kitbag(&self.history, &heads);
        let working = shown.and_then(|version| self.put_working(version));
        let first = heads.first().copied();
        let (mirror, backs_off) = first.map_or((None, false), |version| self.put_mirror(version));
        // what is published in this very cycle is durable there
        let recorded =
            |content: &Content| self.records.iter().any(|made| same_bytes(made.record.content, *content));
        self.keep.retain(|observed| !recorded(&observed.content));
        Plan {
            keep: self.keep,
            records: self.records,
            memory: self.memory,
            working,
            mirror,
            drop_copies,
            stands: Stands::of(heads.iter().filter_map(|head| self.history.content(*head))),
            heads,
            shown,
            later_kitbag,
            went_apart: moves::went_apart(&self.history).into_iter().collect(),
            held: self.held,
            backs_off,
            due: self.due,
            pending: self.pending,
        }
    }

    /// The head that comes from what the folder shows, so that a conflict does not change a file under the
    /// person's hands.
    fn shown(&self, heads: &[RecordId]) -> Option<RecordId> {
        let preferred = self.s.prefer.map(|id| self.history.real(id)).filter(|id| heads.contains(id));
        let from_base = || {
            let base = self.memory.base?;
            heads.iter().copied().find(|head| self.history.descends(*head, base))
        };
        preferred.or_else(from_base).or_else(|| heads.first().copied())
    }

    fn put_working(&mut self, version: RecordId) -> Option<Put> {
        let content = self.history.content(version)?;
        if self.held == Some(Held::RemovedHere) {
            return None;
        }
        let stands = match self.s.working {
            Seen::Unsure => return None,
            Seen::Absent => content == Content::Deleted,
            Seen::Filled => matches!(content, Content::Deleted | Content::Folder),
            Seen::Content(seen) => same(seen, content),
        };
        if stands {
            self.memory.base = Some(version);
            return None;
        }
        if self.s.busy {
            // base stays what the folder shows: a save now is an edit of that, and not of what waits
            if off(Rule::BaseStaysWhileBusy) {
                self.memory.base = Some(version);
            }
            self.pending = Some(version);
            return None;
        }
        Some(Put { expect: self.s.working, content, version })
    }

    fn put_mirror(&mut self, version: RecordId) -> (Option<Put>, bool) {
        let content = match self.history.content(version) {
            None => return (None, false),
            // cloud programs follow links, each in its own way: none is ever put there
            Some(Content::Link { .. }) => Content::Deleted,
            Some(content) => content,
        };
        let put = Put { expect: self.s.mirror, content, version };
        match self.s.mirror {
            Seen::Unsure => (None, false),
            Seen::Absent if content == Content::Deleted => self.mirror_stands(),
            Seen::Filled if matches!(content, Content::Deleted | Content::Folder) => self.mirror_stands(),
            Seen::Content(Content::Folder) if content == Content::Folder => self.mirror_stands(),
            Seen::Content(Content::Folder) if content == Content::Deleted => {
                self.mirror_stands();
                (self.history.knows(Content::Folder).then_some(put), false)
            }
            Seen::Absent | Seen::Filled | Seen::Content(Content::Folder) => {
                (self.may_fill_absence(content).then_some(put), false)
            }
            Seen::Content(seen) if same_bytes(seen, content) => {
                if self.memory.mirror != seen.id() {
                    (self.memory.mirror, self.memory.stale_writes) = (seen.id(), 0);
                }
                (None, false)
            }
            // unexplained bytes are not written over: they wait to become a version
            Seen::Content(seen) if !self.history.knows(seen) && !off(Rule::UnexplainedStays) => {
                (self.mixed.contains(&seen.id()).then_some(put), false)
            }
            Seen::Content(seen) if self.memory.mirror == seen.id() => {
                self.memory.stale_writes = 0;
                (Some(put), false)
            }
            Seen::Content(_) if self.s.answer == Some(AbsenceAnswer::Restore) => {
                self.memory.stale_writes = 0;
                (Some(put), false)
            }
            // not brought back, but new: it has just become a version
            Seen::Content(seen) if self.records.iter().any(|made| same_bytes(made.record.content, seen)) => {
                (Some(put), false)
            }
            Seen::Content(_) if self.memory.stale_writes >= STALE_WRITES => (None, true),
            Seen::Content(_) => {
                self.memory.stale_writes += 1;
                (Some(put), false)
            }
        }
    }

    /// The mirror has no file there, and shall have none.
    fn mirror_stands(&mut self) -> (Option<Put>, bool) {
        (self.memory.mirror, self.memory.absent_since) = (None, None);
        (None, false)
    }

    /// A file the mirror never had is written; one it had and lacks waits, then asks.
    fn may_fill_absence(&mut self, content: Content) -> bool {
        if self.memory.mirror.is_none() || self.memory.mirror != content.id() {
            return true;
        }
        if self.s.answer == Some(AbsenceAnswer::Restore) {
            return true;
        }
        let since = *self.memory.absent_since.get_or_insert(self.s.now);
        let due = since.saturating_add(self.s.absence_wait);
        if self.s.now < due {
            self.wait_until(due);
        } else {
            self.held = self.held.or(Some(Held::MissingInShare));
        }
        false
    }
}
