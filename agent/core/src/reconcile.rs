//! From all records of a path to its heads: edits of a file that was renamed elsewhere follow it; then pairs of heads
//! that merge cleanly become a merge record, until none do. What is left open is a conflict, and no record is written
//! for it. Frame and rules: edit beats delete, delete beats seed, text merges line by line, a notebook cell by cell,
//! everything else stays whole; what an outside version removes is asked.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use crate::history::{History, Near, same, same_bytes};
use crate::id::{ContentId, RecordId};
use crate::merge::text;
use crate::merge::way::{Lines, Side, Way};
use crate::moves;
use crate::mutation::{Rule, off};
use crate::path::WorkPath;
use crate::unit;
use crate::version::{Content, Kind, MERGE_VERSION, Record};

/// Where merges read the bytes of a version.
pub trait Contents {
    /// The bytes, which stand on this machine or in the share; none when they are known to be nowhere any more,
    /// as those of an old version can be. Asked for sizes of [`Way::largest`] only.
    ///
    /// # Errors
    /// The bytes are not to be had now; the path waits.
    fn read(&self, id: ContentId) -> Result<Option<Arc<[u8]>>, Unreadable>;
}

/// The bytes of a version could not be read; nothing is decided without them.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("the stored content {content} cannot be read: {reason}")]
pub struct Unreadable {
    /// Which.
    pub content: ContentId,
    /// Why, in words.
    pub reason: String,
}

/// A record a plan makes, with its bytes where they are new.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Made {
    /// The record's name.
    pub id: RecordId,
    /// The record.
    pub record: Record,
    /// Bytes that stand nowhere yet: the result of a merge.
    pub bytes: Option<Vec<u8>>,
}

/// Carry late edits to where their file is now, then merge heads until no pair merges; the records made, in order.
/// Those that carry an edit are of another path. `history` holds all of them afterwards.
///
/// # Errors
/// A content the merge needs cannot be read.
pub fn reduce(
    path: &WorkPath,
    history: &mut History,
    contents: &dyn Contents,
) -> Result<Vec<Made>, Unreadable> {
    let mut made = Vec::new();
    while !off(Rule::MovesFollowed)
        && let Some(record) = moves::follow(history)
    {
        made.push(Made { id: history.insert(record.clone()), record, bytes: None });
    }
    // bytes made here can be needed again before they are stored
    let mut fresh = Fresh { made: BTreeMap::new(), stored: contents };
    'again: loop {
        let heads = history.heads();
        for (i, &left) in heads.iter().enumerate() {
            for &right in &heads[i + 1..] {
                let Some((content, bytes)) = merge(path, history, &fresh, left, right)? else { continue };
                if let (Some(id), Some(bytes)) = (content.id(), &bytes) {
                    fresh.made.insert(id, Arc::from(bytes.as_slice()));
                }
                let mut record = Record::new(path.clone(), content, Kind::Merge, [left, right]);
                record.backup = [left, right].iter().filter_map(|id| history.get(*id)?.backup.clone()).next();
                made.push(Made { id: history.insert(record.clone()), record, bytes });
                continue 'again;
            }
        }
        if off(Rule::ConflictsStayOpen)
            && let Some(content) = heads.get(1).and_then(|_| history.content(heads[0]))
        {
            let record = Record::new(path.clone(), content, Kind::Merge, heads);
            made.push(Made { id: history.insert(record.clone()), record, bytes: None });
            continue;
        }
        return Ok(made);
    }
}

/// Whether some of these heads are left as they are because a merge among them was made by a later kitbag: this one
/// might merge them otherwise, and the two would never agree.
pub fn waits_for_later_kitbag(history: &History, heads: &[RecordId]) -> bool {
    let pairs =
        heads.iter().enumerate().flat_map(|(i, left)| heads[i + 1..].iter().map(move |r| (*left, *r)));
    pairs.into_iter().any(|(left, right)| merged_later(history, left, right))
}

/// A version that one of the two comes from and the other does not is a later kitbag's merge.
fn merged_later(history: &History, left: RecordId, right: RecordId) -> bool {
    let later = |record: &Record| record.merge.is_some_and(|version| version > MERGE_VERSION);
    if !history.live().any(|(_, record)| later(record)) {
        return false;
    }
    let (left, right) = (history.ancestors(left, Near::Ignored), history.ancestors(right, Near::Ignored));
    left.symmetric_difference(&right).any(|id| history.get(*id).is_some_and(later))
}

struct Fresh<'a> {
    made: BTreeMap<ContentId, Arc<[u8]>>,
    stored: &'a dyn Contents,
}

impl Contents for Fresh<'_> {
    fn read(&self, id: ContentId) -> Result<Option<Arc<[u8]>>, Unreadable> {
        self.made.get(&id).cloned().map_or_else(|| self.stored.read(id), |bytes| Ok(Some(bytes)))
    }
}

type Outcome = Option<(Content, Option<Vec<u8>>)>;

fn merge(
    path: &WorkPath,
    history: &History,
    contents: &dyn Contents,
    left: RecordId,
    right: RecordId,
) -> Result<Outcome, Unreadable> {
    let (Some(a), Some(b)) = (history.get(left), history.get(right)) else { return Ok(None) };
    if merged_later(history, left, right) {
        return Ok(None);
    }
    if same(a.content, b.content) {
        return Ok(Some((a.content, None)));
    }
    if same_bytes(a.content, b.content) {
        return Ok(Some((a.content.with_bit(bit(history, left, right)), None)));
    }
    match (a.content, b.content) {
        (Content::Deleted, _) => return Ok(Some((against_delete(history, left, right), None))),
        (_, Content::Deleted) => return Ok(Some((against_delete(history, right, left), None))),
        // a folder with nothing in it holds nothing that could be lost
        (Content::Folder, other) | (other, Content::Folder) => return Ok(Some((other, None))),
        _ => {}
    }
    if let Some(content) = unrelated_seed(history, left, right) {
        return Ok(Some((content, None)));
    }
    if let Some(content) = half_a_unit(history, contents, left, right)? {
        return Ok(Some((content, None)));
    }
    let way = Way::of(path);
    let (Some(x), Some(y)) = (readable(way, a.content, contents)?, readable(way, b.content, contents)?)
    else {
        return Ok(None);
    };
    if let Some(content) = half_delivered(history, (left, &x), (right, &y)) {
        return Ok(Some((content.with_bit(bit(history, left, right)), None)));
    }
    if !way.can_merge(&x) || !way.can_merge(&y) {
        return Ok(None);
    }
    let (from_left, from_right) =
        (history.ancestors(left, Near::Counts), history.ancestors(right, Near::Counts));
    let past = Past { way, history, contents };
    let known = past.base(&from_left, &from_right, DEEPEST_BASE).and_then(|base| {
        let ask_left = past.asked(left, &from_left, &from_right)?;
        Ok((base, ask_left, past.asked(right, &from_right, &from_left)?))
    });
    let (base, ask_left, ask_right) = match known {
        Ok(known) => known,
        // without a base nothing is removed, so nothing that ought to be asked is done unasked
        Err(Stop::Gone) => Default::default(),
        Err(Stop::Unreadable(error)) => return Err(error),
    };
    // the same wherever the record is known: it counts only with all it comes from
    let depth = |id| history.ancestors(id, Near::Ignored).len();
    let sides = [
        Side { id: left, bytes: &x, depth: depth(left), asks: &ask_left },
        Side { id: right, bytes: &y, depth: depth(right), asks: &ask_right },
    ];
    Ok(way.merge(base.as_deref(), sides).map(|bytes| {
        let content = Content::file(ContentId::of(&bytes), bytes.len() as u64);
        let stands = same_bytes(content, a.content) || same_bytes(content, b.content);
        (content.with_bit(bit(history, left, right)), (!stands).then_some(bytes))
    }))
}

/// Who may run it, by three: the side that changed it wins. With nothing in common, or a past that does not agree
/// about it, it may be run: the other mistake stops a person's work.
fn bit(history: &History, left: RecordId, right: RecordId) -> bool {
    let of = |id: RecordId| history.content(id).is_some_and(|content| content.is_executable());
    if of(left) == of(right) {
        return of(left);
    }
    let shared = common(history, left, right, Near::Counts);
    let mut before = maximal(history, &shared, Near::Counts).into_iter().map(of);
    // the sides differ, so one of them changed what both had
    let both_had_it = before.next().is_some_and(|first| first && before.all(|bit| bit));
    !both_had_it
}

/// Content wins over a deletion, unless it is just what was deleted, or what a course placed. It wins over a move away
/// too: what the move took with it has followed by now, and this is another file or came back another way.
fn against_delete(history: &History, deleted: RecordId, other: RecordId) -> Content {
    let Some(record) = history.get(other) else { return Content::Deleted };
    let common = maximal(history, &common(history, deleted, other, Near::Ignored), Near::Ignored);
    // several where histories crossed: then it must be what each of them was
    let unchanged = |id: &RecordId| history.content(*id).is_some_and(|c| same(c, record.content));
    let untouched = history.is_local(deleted) && !common.is_empty() && common.iter().all(unchanged);
    let seed = only_seeds(history, deleted, other) && !off(Rule::DeleteBeatsSeed);
    if untouched || seed || off(Rule::EditBeatsDelete) { Content::Deleted } else { record.content }
}

/// What this side has beyond the other is a course's: seeds, and merges and deletions, which have nothing of their own.
/// Where it has no seed beyond either, all of it must be so: merges alone can be of what people wrote.
fn only_seeds(history: &History, other: RecordId, side: RecordId) -> bool {
    let known = history.ancestors(other, Near::Ignored);
    let all: Vec<_> = history.ancestors(side, Near::Ignored).into_iter().collect();
    let kinds = |ids: &mut dyn Iterator<Item = &RecordId>| -> BTreeSet<Kind> {
        let records = ids.filter_map(|id| history.get(*id));
        records.filter(|record| record.content != Content::Deleted).map(|record| record.kind).collect()
    };
    let of_course = |kinds: &BTreeSet<Kind>| {
        kinds.contains(&Kind::Seed) && kinds.iter().all(|kind| matches!(kind, Kind::Seed | Kind::Merge))
    };
    let beyond = kinds(&mut all.iter().filter(|id| !known.contains(id)));
    let merges_alone = beyond.iter().all(|kind| *kind == Kind::Merge);
    of_course(&beyond) || merges_alone && of_course(&kinds(&mut all.iter()))
}

/// A person's file at a place where a course would put its own, with nothing in common: the person's stays.
fn unrelated_seed(history: &History, left: RecordId, right: RecordId) -> Option<Content> {
    let (a, b) = (history.get(left)?, history.get(right)?);
    if !common(history, left, right, Near::Counts).is_empty() {
        return None;
    }
    match (a.kind == Kind::Seed, b.kind == Kind::Seed) {
        (true, false) => Some(b.content),
        (false, true) => Some(a.content),
        _ => None,
    }
}

/// Bytes from the mirror without any history that are only the first part of the other side: the provider had
/// not finished when they were seen. Nothing of them is missing in the whole.
fn half_delivered(
    history: &History,
    (left, x): (RecordId, &[u8]),
    (right, y): (RecordId, &[u8]),
) -> Option<Content> {
    let bare = |id| {
        history
            .get(id)
            .is_some_and(|r: &Record| r.kind == Kind::Outside && r.parents.is_empty() && r.near.is_none())
    };
    if bare(left) && text::is_partial(x, y) {
        history.content(right)
    } else if bare(right) && text::is_partial(y, x) {
        history.content(left)
    } else {
        None
    }
}

/// A unit that was taken from the cloud folder while its files were still arriving, and turned out to be a mix of
/// versions that were recorded properly, is none.
fn half_a_unit(
    history: &History,
    contents: &dyn Contents,
    left: RecordId,
    right: RecordId,
) -> Result<Option<Content>, Unreadable> {
    for (half, whole) in [(left, right), (right, left)] {
        if let Some(record) = history.get(half)
            && record.kind == Kind::Outside
            && record.parents.is_empty()
            && let Content::Unit { id, .. } = record.content
            && unit::is_mix(history, id, Some(half), contents)?
        {
            return Ok(history.content(whole));
        }
    }
    Ok(None)
}

/// Why what two sides come from cannot be told.
enum Stop {
    /// Bytes it takes are nowhere any more.
    Gone,
    /// They are not to be had now.
    Unreadable(Unreadable),
}

impl From<Unreadable> for Stop {
    fn from(error: Unreadable) -> Self {
        Stop::Unreadable(error)
    }
}

/// The bytes where they are few enough to be looked into, and not gone.
fn readable(way: Way, content: Content, contents: &dyn Contents) -> Result<Option<Arc<[u8]>>, Unreadable> {
    match content {
        Content::File { id, .. } if fits(way, content) => contents.read(id),
        _ => Ok(None),
    }
}

fn fits(way: Way, content: Content) -> bool {
    matches!(content, Content::File { size, .. } if size <= way.largest())
}

fn common(history: &History, left: RecordId, right: RecordId, near: Near) -> BTreeSet<RecordId> {
    history.ancestors(left, near).intersection(&history.ancestors(right, near)).copied().collect()
}

/// Those of a set that no other one of it comes from, in id order. The set holds whatever its members come from, so
/// it is enough to look one step down.
fn maximal(history: &History, set: &BTreeSet<RecordId>, near: Near) -> Vec<RecordId> {
    let below: BTreeSet<_> = set.iter().flat_map(|id| history.comes_from(*id, near)).collect();
    set.difference(&below).copied().collect()
}

/// A criss-cross deeper than this is merged without base: it asks more, and loses nothing.
const DEEPEST_BASE: usize = 12;

/// What lies behind the sides of a merge.
struct Past<'a> {
    way: Way,
    history: &'a History,
    contents: &'a dyn Contents,
}

impl Past<'_> {
    /// The bytes of an older version, where they are few enough to be looked into.
    fn older(&self, content: Content) -> Result<Option<Arc<[u8]>>, Stop> {
        match readable(self.way, content, self.contents)? {
            None if fits(self.way, content) => Err(Stop::Gone),
            bytes => Ok(bytes),
        }
    }

    /// What both sides started from: their maximal common ancestors, several merged with one another first. Where
    /// one of them is gone it is not guessed from the others: a line might be removed that a person had put back.
    fn base(
        &self,
        left: &BTreeSet<RecordId>,
        right: &BTreeSet<RecordId>,
        depth: usize,
    ) -> Result<Option<Vec<u8>>, Stop> {
        let shared: BTreeSet<_> = left.intersection(right).copied().collect();
        let mut base: Option<(Vec<u8>, BTreeSet<RecordId>)> = None;
        for id in maximal(self.history, &shared, Near::Counts) {
            let Some(content) = self.history.content(id) else { continue };
            let Some(bytes) = self.older(content)? else { continue };
            if !self.way.can_merge(&bytes) {
                continue;
            }
            let from = self.history.ancestors(id, Near::Counts);
            base = Some(match base {
                None => (bytes.to_vec(), from),
                Some(_) if depth == 0 => return Ok(None),
                Some((so_far, mut came_from)) => {
                    let below = self.base(&came_from, &from, depth - 1)?;
                    let Some(merged) = self.way.merge_base(below.as_deref(), &so_far, &bytes) else {
                        return Ok(None);
                    };
                    came_from.extend(from);
                    (merged, came_from)
                }
            });
        }
        Ok(base.map(|(bytes, _)| bytes))
    }

    /// Lines that outside records behind this head alone removed from what they looked nearest to. Nobody is known
    /// to have meant those removals, so a merge that would carry one out asks.
    fn asked(
        &self,
        head: RecordId,
        from: &BTreeSet<RecordId>,
        others: &BTreeSet<RecordId>,
    ) -> Result<Lines, Stop> {
        if off(Rule::OutsideRemovalsAsk) {
            return Ok(Lines::new());
        }
        let history = self.history;
        let settled = history.ancestors(head, Near::Ignored);
        let mut all = Lines::new();
        for &id in from.difference(others) {
            let Some(record) = history.get(id) else { continue };
            let Some(near) = record.near.map(|near| history.real(near)) else { continue };
            if settled.contains(&id) && settled.contains(&near) {
                continue;
            }
            let Some(near) = history.content(near) else { continue };
            let (Some(was), Some(is)) = (self.older(near)?, self.older(record.content)?) else { continue };
            // what cannot be told is as good as gone
            all.extend(self.way.removed(&was, &is).ok_or(Stop::Gone)?);
        }
        Ok(all)
    }
}

#[cfg(test)]
mod tests;
