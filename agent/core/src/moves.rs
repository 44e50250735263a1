//! A file was renamed on one machine and edited under its old name on another: the edit follows it. The record that
//! carries it is made from the records alone, so every machine makes the same one. Each person's move is followed once
//! by an edit and whatever comes of it, so that moves in a circle come to an end; in doubt two files stay.

use std::collections::{BTreeMap, BTreeSet};

use crate::history::{History, Near, same};
use crate::id::RecordId;
use crate::path::WorkPath;
use crate::version::{Content, Kind, Record};

/// The next record that carries a late edit of this path to where the file was moved; none when all have arrived. It
/// belongs to the other path, and is the end of the edit's file here.
pub fn follow(history: &History) -> Option<Record> {
    history.moves_away().next()?;
    // an empty folder that took the file's place is no later version of it
    let is_file = |tip| !matches!(history.content(tip), Some(Content::Deleted | Content::Folder));
    let mut tips = history.tips().into_iter().filter(|tip| is_file(*tip));
    tips.find_map(|tip| to_follow(history, tip).map(|away| carried(history, tip, away)))
}

/// Places where one file went on several machines that did not know of each other, in order; empty when it went to one
/// place at the most.
pub fn went_apart(history: &History) -> BTreeSet<WorkPath> {
    let moves: Vec<_> = history.moves_away().filter(|(_, record)| record.follows.is_none()).collect();
    let mut places = BTreeSet::new();
    for (i, (left, one)) in moves.iter().enumerate() {
        for (right, other) in &moves[i + 1..] {
            let apart = one.path != other.path
                && !history.descends(*left, *right)
                && !history.descends(*right, *left)
                && !moved_line(history, one).is_disjoint(&moved_line(history, other));
            if apart {
                places.extend([one.path.clone(), other.path.clone()]);
            }
        }
    }
    places
}

/// The move this edit did not know of, of the same file, to a place where the edit has not arrived yet.
fn to_follow(history: &History, edit: RecordId) -> Option<RecordId> {
    let from = history.ancestors(edit, Near::Ignored);
    let line = history.line(edit, Near::Counts);
    // a file that was merged with the end of the moved one has nothing of that one in it
    let made_from = history.line(edit, Near::Ignored);
    let known: BTreeSet<_> = from.iter().filter_map(|id| followed(*id, history.get(*id)?)).collect();
    let mut arrived = BTreeSet::new();
    let mut open: BTreeMap<&WorkPath, Vec<RecordId>> = BTreeMap::new();
    for (id, record) in history.moves_away() {
        if history.descends(id, edit) {
            arrived.insert(&record.path);
        } else if followed(id, record).is_some_and(|root| !known.contains(&root))
            && !moved_line(history, record).is_disjoint(&line)
        {
            open.entry(&record.path).or_default().push(id);
        }
    }
    let (_, moves) = open.into_iter().find(|(path, _)| !arrived.contains(*path))?;
    let (whole, beside): (Vec<_>, Vec<_>) =
        moves.into_iter().partition(|id| supersedes(history, &made_from, *id));
    let after = |id: RecordId, other: RecordId| id != other && history.descends(id, other);
    let latest = |id: &&RecordId| !whole.iter().any(|other| after(*other, **id));
    // beside the file it goes the way the file went, one move after the other
    let earliest = |id: &&RecordId| !beside.iter().any(|other| after(**id, *other));
    let move_of = |id: &&RecordId| history.get(**id).and_then(|record| followed(**id, record));
    whole.iter().filter(latest).min().or_else(|| beside.iter().filter(earliest).min_by_key(move_of)).copied()
}

/// The person's move a record is or follows.
fn followed(id: RecordId, record: &Record) -> Option<RecordId> {
    (record.kind == Kind::Move).then(|| record.follows.unwrap_or(id))
}

/// The versions of the file that a move away took with it.
fn moved_line(history: &History, away: &Record) -> BTreeSet<RecordId> {
    let here = away.parents.iter().filter(|parent| history.is_local(**parent));
    here.flat_map(|parent| history.line(*parent, Near::Counts)).collect()
}

/// Whether an edit that comes from these was made to the very version that was moved: then it stands in its place.
/// Otherwise both go on beside each other there, and are merged as they would have been here.
fn supersedes(history: &History, from: &BTreeSet<RecordId>, away: RecordId) -> bool {
    let Some(record) = history.get(away) else { return false };
    let mut here = record.parents.iter().filter(|parent| history.is_local(**parent)).peekable();
    let unchanged = |parent: &RecordId| match (history.content(*parent), history.own_content(away)) {
        (Some(before), Some(after)) => same(before, after),
        _ => false,
    };
    here.peek().is_some() && here.all(|parent| from.contains(&history.real(*parent)) && unchanged(parent))
}

fn carried(history: &History, edit: RecordId, away: RecordId) -> Record {
    let from = history.line(edit, Near::Ignored);
    let place = history.get(away).map_or_else(|| history.path().clone(), |record| record.path.clone());
    let content = history.content(edit).unwrap_or(Content::Deleted);
    let superseded = supersedes(history, &from, away).then_some(away);
    let mut record = Record::new(place, content, Kind::Move, superseded.into_iter().chain([edit]));
    record.follows = history.get(away).and_then(|record| followed(away, record));
    record
}

#[cfg(test)]
mod tests;
