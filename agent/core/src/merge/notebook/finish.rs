//! What is seen only when all cells are merged: a line that would be missing, another version of a cell that says
//! nothing else any more, and ids that are missing or stand twice.

use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet};

use super::cell::{Context, Made, digest_id};
use super::document::{Cell, CellKind, Document};
use super::marks::{self, METADATA};
use super::style::Object;
use super::{Asks, json};
use crate::merge::lines;

/// Lines that would be missing: a line no side took out must stand as often as the other side has it. One that stands
/// several times in what people wrote, and of which each side took out another copy, stays as often as the side has it
/// that has it less often; other versions of a cell are no copies of it, since an answer takes them away. But a line
/// that stands on both sides stays, also where one has it in a version of another cell. Blank lines are no loss.
pub fn lost(base: Option<&Document>, sides: [&Document; 2], cells: &[Made]) -> Asks {
    let all = Counts::of(base, sides, cells, |_, _| true);
    let written = Counts::of(base, sides, cells, |cell, _| cell.tag.is_none());
    let repeats: BTreeSet<_> = base.into_iter().chain(sides).flat_map(repeated).collect();
    let own = Counts::of(base, sides, cells, |cell, line| {
        cell.tag.is_none() || !repeats.contains(&(&*cell.source, line))
    });
    let any_gone =
        |[base, lead, other, out]: &[usize; 4]| other >= base && out < lead || lead >= base && out < other;
    let copy_gone = |[base, lead, other, out]: &[usize; 4]| {
        let least = |side: &usize, taken: &usize| (side + base.min(taken)).saturating_sub(*base);
        *out < least(lead, other).max(least(other, lead)).max(*lead.min(other))
    };
    let last_gone = |[_, lead, other, out]: &[usize; 4]| *out == 0 && *lead.min(other) > 0;
    let gone = all.0.iter().filter(|(_, counts)| any_gone(counts));
    let copies = written.0.iter().filter(|(_, counts)| copy_gone(counts));
    let last = own.0.iter().filter(|(_, counts)| last_gone(counts));
    gone.chain(copies).chain(last).map(|(line, _)| line.to_vec()).collect()
}

/// The lines an other version has in common with the cell it belongs to, each with that version's source.
fn repeated<'s>(document: &'s Document) -> impl Iterator<Item = (&'s [u8], &'s [u8])> {
    document.versions_of().into_iter().flat_map(|(version, of)| {
        let [version, of] = [version, of].map(|at| &*document.cells[at].source);
        let said: BTreeSet<_> = lines::split(of).collect();
        lines::split(version).filter(move |line| said.contains(line)).map(move |line| (version, line))
    })
}

/// How often each line stands in the base, the leading side, the other one, and what was written.
struct Counts<'s>(BTreeMap<&'s [u8], [usize; 4]>);

impl<'s> Counts<'s> {
    /// Of the base and the sides the lines of cells that are wanted; of what was written all.
    fn of(
        base: Option<&'s Document>,
        sides: [&'s Document; 2],
        cells: &'s [Made],
        wanted: impl Fn(&Cell, &[u8]) -> bool,
    ) -> Self {
        let mut all = Counts(BTreeMap::new());
        for (at, side) in base.into_iter().map(|base| (0, base)).chain([1, 2].into_iter().zip(sides)) {
            for cell in &side.cells {
                all.add(at, &cell.source, |line| wanted(cell, line));
            }
        }
        for cell in cells {
            all.add(3, &cell.source, |_| true);
            cell.by_words.iter().for_each(|source| all.add(3, source, |_| true));
        }
        all
    }

    fn add(&mut self, at: usize, source: &'s [u8], wanted: impl Fn(&[u8]) -> bool) {
        for line in lines::split(source).filter(|line| !line.trim_ascii().is_empty() && wanted(line)) {
            self.0.entry(line).or_default()[at] += 1;
        }
    }
}

/// Other versions that say what their cell says, or what another one says, are no question any more.
pub fn answered_by_itself(cells: &mut Vec<Made>) {
    let ids: BTreeMap<String, usize> = cells
        .iter()
        .enumerate()
        .filter_map(|(at, cell)| Some((cell.id.as_deref()?.to_owned(), at)))
        .collect();
    let mut before = None;
    let mut said: BTreeSet<(usize, CellKind, Vec<u8>)> = BTreeSet::new();
    let mut stays = vec![true; cells.len()];
    for (at, cell) in cells.iter().enumerate() {
        if !cell.version {
            before = Some(at);
            continue;
        }
        let of = Cell::read(&cell.text).ok().and_then(|cell| cell.tag).and_then(|tag| tag.of);
        let of = of.and_then(|of| ids.get(&of).copied()).or(before);
        let Some(of) = of.filter(|of| !cells[*of].version) else { continue };
        let first = cells[of].kind == cell.kind && cells[of].source == cell.source;
        stays[at] = said.insert((of, cell.kind, cell.source.to_vec())) && !first;
    }
    let mut stays = stays.into_iter();
    cells.retain(|_| stays.next().unwrap_or(true));
}

/// Give an id to every cell without one of its own. Of cells with equal ids the one that had it before keeps it.
pub fn issue_ids(cells: &mut [Made], context: &Context) {
    if !context.ids {
        return;
    }
    let mut used = BTreeSet::new();
    let mut without = Vec::new();
    for old in [true, false] {
        for (at, cell) in cells.iter().enumerate().filter(|(_, cell)| cell.old == old) {
            if !cell.id.as_ref().is_some_and(|id| used.insert(id.to_string())) {
                without.push(at);
            }
        }
    }
    without.sort_unstable();
    for at in without {
        let cell = &mut cells[at];
        let mut number = 0_u64;
        let id = loop {
            let id =
                digest_id(&[b"kitbag id", cell.kind.name().as_bytes(), &cell.source, &number.to_le_bytes()]);
            if used.insert(id.clone()) {
                break id;
            }
            number += 1;
        };
        let mut object = Object::read(&cell.text, METADATA - 1);
        object.set("id", Some(Cow::Owned(format!("\"{id}\""))), context.style);
        let text = object.text(context.style);
        cell.text = Cow::Owned(text);
        let was = cell.id.replace(Cow::Owned(id.clone()));
        if !cell.version {
            let below = cells[at + 1..].iter_mut().take_while(|cell| cell.version);
            below.for_each(|cell| rename_root(cell, was.as_deref(), &id, context));
        }
    }
}

/// The other version of a cell that has another id now.
fn rename_root(cell: &mut Made, was: Option<&str>, id: &str, context: &Context) {
    let Some(mut tag) = Cell::read(&cell.text).ok().and_then(|cell| cell.tag) else { return };
    if tag.of.as_deref() != was {
        return;
    }
    tag.of = Some(id.to_owned());
    let mut object = Object::read(&cell.text, METADATA - 1);
    let metadata = Cow::Borrowed(json::get(&cell.text, "metadata").unwrap_or("{}"));
    let metadata = marks::set(metadata, "conflict", Some(&tag.write(context.style)), context.style);
    object.set("metadata", Some(metadata), context.style);
    let text = object.text(context.style);
    cell.text = Cow::Owned(text);
}
