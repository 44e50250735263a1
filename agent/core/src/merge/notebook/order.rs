//! Which cells the result has and in which order. Cells that neither side moved keep the order of the base; what a
//! side moved or put in stands after the neighbour it has on that side. Two cells put in at one place both stay, those
//! of the leading side first; the same cell put in twice stays once. A cell one side deleted goes, unless the other
//! side edited it.

use std::collections::{BTreeMap, BTreeSet};

use super::cell::{Context, Made, drops, kind};
use super::document::{Cell, Document};
use super::pair::{likeness, pair, rising};
use crate::merge::diff::partners;
use crate::mutation::{Rule, off};

/// A cell that may stand in all three.
#[derive(Debug, Clone, Copy, Default)]
struct Entity {
    base: Option<usize>,
    /// In the leading side and in the other.
    sides: [Option<usize>; 2],
}

/// Three notebooks over one another.
pub struct Three<'d, 'a> {
    base: Option<&'d Document<'a>>,
    sides: [&'d Document<'a>; 2],
    entities: Vec<Entity>,
    /// The entity of each cell of a side.
    of: [Vec<usize>; 2],
    /// Which side moved an entity.
    moved: Vec<[bool; 2]>,
}

impl<'d, 'a> Three<'d, 'a> {
    /// Pair the cells of all three.
    pub fn over(base: Option<&'d Document<'a>>, sides: [&'d Document<'a>; 2]) -> Self {
        let mut entities: Vec<Entity> = Vec::new();
        let mut of = sides.map(|side| vec![usize::MAX; side.cells.len()]);
        let mut moved = Vec::new();
        if let Some(base) = base {
            entities = (0..base.cells.len()).map(|at| Entity { base: Some(at), sides: [None; 2] }).collect();
            moved = vec![[false; 2]; entities.len()];
            for (side, document) in sides.iter().enumerate() {
                let pairs = pair(base, document);
                let kept: Vec<_> =
                    pairs.iter().enumerate().filter_map(|(at, to)| Some((at, (*to)?))).collect();
                let places: Vec<_> = kept.iter().map(|(_, to)| *to).collect();
                let mut stays = rising(&places).into_iter().peekable();
                for (step, (at, to)) in kept.into_iter().enumerate() {
                    entities[at].sides[side] = Some(to);
                    of[side][to] = at;
                    moved[at][side] = stays.next_if_eq(&step).is_none();
                }
            }
        }
        // what both sides put in and is the same cell
        let both = match base {
            None => pair(sides[0], sides[1]),
            Some(_) => added_by_both(sides, &of),
        };
        for side in [0, 1] {
            for at in 0..sides[side].cells.len() {
                if of[side][at] != usize::MAX {
                    continue;
                }
                of[side][at] = entities.len();
                let mut entity = Entity::default();
                entity.sides[side] = Some(at);
                if side == 0
                    && let Some(to) = both[at].filter(|to| of[1][*to] == usize::MAX)
                {
                    entity.sides[1] = Some(to);
                    of[1][to] = entities.len();
                }
                entities.push(entity);
                moved.push([false; 2]);
            }
        }
        Three { base, sides, entities, of, moved }
    }

    fn cell(&self, entity: usize, side: usize) -> Option<&'d Cell<'a>> {
        self.entities[entity].sides[side].map(|at| &self.sides[side].cells[at])
    }

    fn before(&self, entity: usize) -> Option<&'d Cell<'a>> {
        Some(&self.base?.cells[self.entities[entity].base?])
    }

    /// Which older conflicts both sides have answered: the places in the base of the cells they were about.
    fn answered(&self) -> Vec<bool> {
        let Some(base) = self.base else { return Vec::new() };
        let mut by = vec![[false; 2]; base.cells.len()];
        for (version, of) in base.versions_of() {
            for (side, answered) in by[of].iter_mut().enumerate() {
                *answered |= self.cell(version, side).is_none_or(|cell| cell.tag.is_none());
            }
        }
        by.into_iter().map(|by| by == [true; 2]).collect()
    }

    /// The side that deleted this cell, where it stays all the same; none where it goes.
    fn kept(&self, entity: usize, context: &Context, answered: bool) -> Option<usize> {
        let base = self.before(entity)?;
        let deleted_by = usize::from(self.cell(entity, 0).is_some());
        let cell = self.cell(entity, 1 - deleted_by)?;
        let attached = |cell: &Cell<'a>| cell.get("attachments").map(str::to_owned);
        let edited = cell.source != base.source
            || cell.kind != base.kind
            || attached(cell) != attached(base)
            || base.tag.is_some() && cell.tag.is_none();
        let asked = drops(&base.source, b"", context.asks[deleted_by]);
        (edited && !off(Rule::EditedCellStays) || asked || answered).then_some(deleted_by)
    }

    /// The cells of the result.
    pub fn merge(&mut self, context: &Context) -> Vec<Made<'a>> {
        let answered = self.answered();
        let answered = |entity: &Entity| entity.base.is_some_and(|base| answered.get(base) == Some(&true));
        // 0: in both or put in, 1: kept, deleted by a side; none: gone
        let mut fate: Vec<Option<Option<usize>>> = (0..self.entities.len())
            .map(|at| {
                let entity = &self.entities[at];
                match (entity.base, entity.sides) {
                    (None, _) | (_, [Some(_), Some(_)]) => Some(None),
                    (_, [None, None]) => None,
                    _ => self.kept(at, context, answered(entity)).map(Some),
                }
            })
            .collect();
        self.each_its_copy(&mut fate);
        let mut made = Vec::new();
        for entity in self.arrange(&fate) {
            let Some(Some(fate)) = fate.get(entity).copied() else { continue };
            match (fate, self.cell(entity, 0), self.cell(entity, 1)) {
                (Some(by), Some(cell), None) | (Some(by), None, Some(cell)) => {
                    made.push(if by > 1 { Made::untouched(cell, true) } else { context.kept(cell, by) });
                }
                (_, Some(lead), Some(other)) => {
                    let answered = answered(&self.entities[entity]);
                    made.extend(context.both(self.before(entity), lead, other, answered));
                }
                (_, Some(cell), None) | (_, None, Some(cell)) => made.push(Made::untouched(cell, false)),
                (_, None, None) => {}
            }
        }
        made
    }

    /// Of equal cells each side deleted another one: as many stay as both sides kept, or the last one would be gone
    /// though nobody deleted all.
    fn each_its_copy(&self, fate: &mut [Option<Option<usize>>]) {
        let mut copies: BTreeMap<_, [Vec<usize>; 2]> = BTreeMap::new();
        for (at, entity) in self.entities.iter().enumerate() {
            let Some(cell) = self.before(at).filter(|cell| !cell.is_blank()) else { continue };
            let by = match entity.sides {
                [None, Some(_)] => 0,
                [Some(_), None] => 1,
                _ => continue,
            };
            if fate[at].is_none() {
                copies.entry((kind(cell), &*cell.source)).or_default()[by].push(at);
            }
        }
        for [first, second] in copies.into_values() {
            for at in first.iter().zip(&second).map(|(a, b)| a.min(b)) {
                fate[*at] = Some(Some(2));
            }
        }
    }

    /// The entities that stay, in order.
    fn arrange(&mut self, fate: &[Option<Option<usize>>]) -> Vec<usize> {
        let stays = |at: usize| fate[at].is_some();
        let old = self.base.map_or(0, |base| base.cells.len());
        let mut slot_of = vec![None; self.entities.len()];
        let mut skeleton = Vec::new();
        for at in (0..old).filter(|at| stays(*at) && self.moved[*at] == [false; 2]) {
            skeleton.push(at);
            slot_of[at] = Some(skeleton.len());
        }
        // what a side puts where
        let mut slots: Vec<[Vec<usize>; 2]> = vec![Default::default(); skeleton.len() + 1];
        let mut at_slot: Vec<[Option<usize>; 2]> = vec![[None; 2]; self.entities.len()];
        for side in [0, 1] {
            let mut slot = 0;
            for entity in self.of[side].iter().copied().filter(|entity| stays(*entity)) {
                match slot_of[entity] {
                    Some(next) => slot = next,
                    None if entity >= old || self.moved[entity][side] => {
                        slots[slot][side].push(entity);
                        at_slot[entity][side] = Some(slot);
                    }
                    None => {}
                }
            }
        }
        let mut order = Vec::with_capacity(self.entities.len());
        for (slot, [lead, other]) in slots.into_iter().enumerate() {
            if let Some(before) = slot.checked_sub(1) {
                order.push(skeleton[before]);
            }
            let elsewhere = |entity: &usize| at_slot[*entity][0].is_some_and(|place| place != slot);
            let other: Vec<_> = other.into_iter().filter(|entity| !elsewhere(entity)).collect();
            // other versions of the cell above stay below it
            let versions = |list: &[usize], side| {
                list.iter()
                    .take_while(|e| self.cell(**e, side).is_some_and(|cell| cell.tag.is_some()))
                    .count()
            };
            let (first, second) = (versions(&lead, 0), versions(&other, 1));
            self.weave(&lead[..first], &other[..second], &mut order);
            self.weave(&lead[first..], &other[second..], &mut order);
        }
        order
    }

    /// Both lists of one place, the leading one first; what stands in both, or is the same new cell, once.
    fn weave(&mut self, lead: &[usize], other: &[usize], order: &mut Vec<usize>) {
        let mut numbers = BTreeMap::new();
        let mut new = BTreeMap::new();
        let mut number = |entity: usize, side: usize, all: &Self| {
            let next = numbers.len() + new.len();
            let one = &all.entities[entity];
            match all.cell(entity, side).filter(|_| one.base.is_none() && one.sides[1 - side].is_none()) {
                Some(cell) => *new.entry((cell.kind, cell.source.to_vec())).or_insert(next),
                None => *numbers.entry(entity).or_insert(next),
            }
        };
        let left: Vec<_> = lead.iter().map(|entity| number(*entity, 0, self)).collect();
        let right: Vec<_> = other.iter().map(|entity| number(*entity, 1, self)).collect();
        let pairs: Vec<_> = if left.is_empty() || right.is_empty() {
            Vec::new()
        } else {
            partners(&left, &right).into_iter().enumerate().filter_map(|(l, r)| Some((l, r?))).collect()
        };
        let (mut l, mut r) = (0, 0);
        let there: BTreeSet<_> = lead.iter().collect();
        let once = |entity: &&usize| !there.contains(entity);
        for (next_l, next_r) in pairs.into_iter().chain([(lead.len(), other.len())]) {
            order.extend_from_slice(&lead[l..next_l]);
            order.extend(other[r..next_r].iter().filter(once));
            if let (Some(one), Some(same)) = (lead.get(next_l), other.get(next_r)) {
                order.push(*one);
                if one != same {
                    self.entities[*one].sides[1] = self.entities[*same].sides[1];
                }
            }
            (l, r) = (next_l + 1, next_r + 1);
        }
    }
}

/// Cells both sides put in under one id, where they are alike or the same other version.
fn added_by_both(sides: [&Document; 2], of: &[Vec<usize>; 2]) -> Vec<Option<usize>> {
    let mut both = vec![None; sides[0].cells.len()];
    let ids = sides[1].unique_ids();
    for (id, at) in sides[0].unique_ids() {
        let Some(to) = ids.get(id).copied() else { continue };
        let (one, same) = (&sides[0].cells[at], &sides[1].cells[to]);
        let new = of[0][at] == usize::MAX && of[1][to] == usize::MAX;
        if new && (one.is_blank() || same.is_blank() || likeness(&one.source, &same.source) >= 50) {
            both[at] = Some(to);
        }
    }
    both
}
