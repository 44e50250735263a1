//! Which cell of one notebook is which cell of another. By id where both have it once; then equal cells, in order and
//! moved ones; then, where ids say nothing, cells that are much alike. The cost grows with the size of the notebooks,
//! not with its square: likeness is looked for among cells that share a rare line or stand between the same
//! neighbours.

use std::collections::BTreeMap;

use super::document::{Cell, CellKind, Document};
use crate::merge::diff::partners;

/// Cells without ids that stand between the same neighbours are compared one by one up to this many pairs.
const NEIGHBOURS: usize = 64;
/// A line that more cells hold tells nothing.
const COMMON: usize = 8;
/// Lines and bytes of one cell that are looked at.
const LINES: usize = 200;
const BYTES: usize = 500;

type Pairs = Vec<Option<usize>>;

/// For each cell of `from` its partner in `to`.
pub fn pair(from: &Document, to: &Document) -> Pairs {
    let mut pairing = Pairing {
        from: &from.cells,
        to: &to.cells,
        pairs: vec![None; from.cells.len()],
        back: vec![None; to.cells.len()],
    };
    pairing.by_id(from, to);
    let ids_known = pairing.pairs.iter().any(Option::is_some);
    pairing.equal_in_order();
    pairing.equal_and_moved();
    // where no id of one is in the other, a program gave new ones to all
    let alike = |cell: &Cell| !ids_known || cell.id.is_none();
    pairing.by_rare_lines(&alike);
    pairing.by_neighbours(&alike);
    pairing.pairs
}

/// The longest run of these places that rises, as positions: what did not move.
pub fn rising(places: &[usize]) -> Vec<usize> {
    let mut ends: Vec<usize> = Vec::new();
    let mut before = vec![None; places.len()];
    for (at, place) in places.iter().enumerate() {
        let length = ends.partition_point(|end| places[*end] < *place);
        before[at] = length.checked_sub(1).map(|last| ends[last]);
        if length == ends.len() {
            ends.push(at);
        } else {
            ends[length] = at;
        }
    }
    let mut run = Vec::with_capacity(ends.len());
    let mut next = ends.last().copied();
    while let Some(at) = next {
        run.push(at);
        next = before[at];
    }
    run.reverse();
    run
}

/// How alike two sources are, by pairs of bytes, from 0 to 100.
pub fn likeness(a: &[u8], b: &[u8]) -> usize {
    if a == b {
        return 100;
    }
    let pairs = |text: &[u8]| {
        let text = &text[..text.len().min(BYTES)];
        let mut pairs: Vec<_> = text.windows(2).map(|two| (two[0], two[1])).collect();
        pairs.sort_unstable();
        pairs
    };
    let (a, b) = (pairs(a), pairs(b));
    let (mut i, mut j, mut both) = (0, 0, 0);
    while let (Some(x), Some(y)) = (a.get(i), b.get(j)) {
        both += usize::from(x == y);
        (i, j) = (i + usize::from(x <= y), j + usize::from(y <= x));
    }
    (200 * both).checked_div(a.len() + b.len()).unwrap_or(0)
}

struct Pairing<'d, 'a> {
    from: &'d [Cell<'a>],
    to: &'d [Cell<'a>],
    pairs: Pairs,
    back: Pairs,
}

impl<'d> Pairing<'d, '_> {
    fn join(&mut self, a: usize, b: usize) {
        if self.pairs[a].is_none() && self.back[b].is_none() {
            self.pairs[a] = Some(b);
            self.back[b] = Some(a);
        }
    }

    fn by_id(&mut self, from: &Document, to: &Document) {
        let (ids, other) = (from.unique_ids(), to.unique_ids());
        let (here, there) = (sole(self.from), sole(self.to));
        for (id, a) in ids {
            let Some(b) = other.get(id).copied() else { continue };
            // a program that numbers cells anew gives old ids to other cells: then the source says which is which
            let elsewhere = |cell: &Cell<'_>| {
                let key = (cell.kind, &*cell.source);
                here.contains_key(&key) && there.get(&key).is_some_and(|place| *place != b)
            };
            if self.from[a].source == self.to[b].source || !elsewhere(&self.from[a]) {
                self.join(a, b);
            }
        }
    }

    fn free(&self) -> (Vec<usize>, Vec<usize>) {
        let free = |pairs: &Pairs| (0..pairs.len()).filter(|at| pairs[*at].is_none()).collect();
        (free(&self.pairs), free(&self.back))
    }

    fn equal_in_order(&mut self) {
        let (a, b) = self.free();
        if a.is_empty() || b.is_empty() {
            return;
        }
        let mut numbers: BTreeMap<(CellKind, &[u8]), usize> = BTreeMap::new();
        let mut number = |cell: &'d Cell<'_>| {
            let next = numbers.len();
            *numbers.entry((cell.kind, &*cell.source)).or_insert(next)
        };
        let from: Vec<_> = a.iter().map(|at| number(&self.from[*at])).collect();
        let to: Vec<_> = b.iter().map(|at| number(&self.to[*at])).collect();
        for (at, place) in partners(&from, &to).into_iter().enumerate() {
            if let Some(place) = place {
                self.join(a[at], b[place]);
            }
        }
    }

    fn equal_and_moved(&mut self) {
        let (a, b) = self.free();
        let mut places: BTreeMap<_, Vec<usize>> = BTreeMap::new();
        for at in b.into_iter().rev().filter(|at| !self.to[*at].is_blank()) {
            places.entry((self.to[at].kind, &*self.to[at].source)).or_default().push(at);
        }
        for at in a {
            let key = (self.from[at].kind, &*self.from[at].source);
            if let Some(place) = places.get_mut(&key).and_then(Vec::pop) {
                self.join(at, place);
            }
        }
    }

    fn by_rare_lines(&mut self, alike: &dyn Fn(&Cell) -> bool) {
        let (a, b) = self.free();
        let mut holders: BTreeMap<&[u8], Vec<usize>> = BTreeMap::new();
        let mut counts = vec![0; self.to.len()];
        for at in b.into_iter().filter(|at| alike(&self.to[*at])) {
            let lines = rare_lines(&self.to[at]);
            counts[at] = lines.len();
            for line in lines {
                let holders = holders.entry(line).or_default();
                if holders.len() <= COMMON {
                    holders.push(at);
                }
            }
        }
        let mut found = Vec::new();
        for at in a.into_iter().filter(|at| alike(&self.from[*at])) {
            let lines = rare_lines(&self.from[at]);
            let mut shared: BTreeMap<usize, usize> = BTreeMap::new();
            for holders in lines.iter().filter_map(|line| holders.get(line)).filter(|all| all.len() <= COMMON)
            {
                holders.iter().for_each(|place| *shared.entry(*place).or_default() += 1);
            }
            for (place, shared) in shared {
                let score = 200 * shared / (lines.len() + counts[place]);
                if score >= 50 && self.from[at].kind == self.to[place].kind {
                    found.push((100 - score.min(100), at.abs_diff(place), at, place));
                }
            }
        }
        self.best(found);
    }

    fn by_neighbours(&mut self, alike: &dyn Fn(&Cell) -> bool) {
        let kept: Vec<_> = self.pairs.iter().enumerate().filter_map(|(a, b)| Some((a, (*b)?))).collect();
        let places: Vec<_> = kept.iter().map(|(_, b)| *b).collect();
        let anchors: Vec<_> = rising(&places).into_iter().map(|at| kept[at]).collect();
        let (mut a, mut b) = (0, 0);
        let mut found = Vec::new();
        for (next_a, next_b) in anchors.into_iter().chain([(self.from.len(), self.to.len())]) {
            let free = |pairs: &Pairs, cells: &[Cell], range: std::ops::Range<usize>| -> Vec<usize> {
                range.filter(|at| pairs[*at].is_none() && alike(&cells[*at])).collect()
            };
            let here = free(&self.pairs, self.from, a..next_a);
            let there = free(&self.back, self.to, b..next_b);
            let all = here.len().saturating_mul(there.len()) <= NEIGHBOURS;
            for (step, at) in here.iter().enumerate() {
                let places = if all { &there[..] } else { there.get(step..=step).unwrap_or_default() };
                for place in places {
                    let score = likeness(&self.from[*at].source, &self.to[*place].source);
                    if score >= 50 {
                        found.push((100 - score, at.abs_diff(*place), *at, *place));
                    }
                }
            }
            (a, b) = (next_a + 1, next_b + 1);
        }
        self.best(found);
    }

    /// The best pairs first; of equally good ones the nearest, then the first.
    fn best(&mut self, mut found: Vec<(usize, usize, usize, usize)>) {
        found.sort_unstable();
        found.into_iter().for_each(|(_, _, a, b)| self.join(a, b));
    }
}

/// Where each cell that stands in a notebook once stands.
fn sole<'d>(cells: &'d [Cell]) -> BTreeMap<(CellKind, &'d [u8]), usize> {
    let mut places = BTreeMap::new();
    for (at, cell) in cells.iter().enumerate().filter(|(_, cell)| !cell.is_blank()) {
        places.entry((cell.kind, &*cell.source)).and_modify(|at| *at = usize::MAX).or_insert(at);
    }
    places.retain(|_, at| *at != usize::MAX);
    places
}

/// The different lines of a cell that say something.
fn rare_lines<'c>(cell: &'c Cell) -> Vec<&'c [u8]> {
    let lines = cell.source.split(|byte| *byte == b'\n').map(<[u8]>::trim_ascii);
    let mut lines: Vec<_> = lines.filter(|line| line.len() > 1).take(LINES).collect();
    lines.sort_unstable();
    lines.dedup();
    lines
}
