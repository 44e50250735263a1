//! The rules of a line merge. Base and sides are cut at the base lines that stand in both sides; what lies
//! between two such lines is a region, and each region is settled by itself. Afterwards the guard counts every
//! line of the whole result: a region sees only itself, so a line that each side moved elsewhere could fall
//! between two of them. Without a base the common lines of both sides stand in for it, strictly: what differs
//! on both sides is a conflict.

use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet};
use std::ops::Range;

use super::diff::partners;
use crate::mutation::{Rule, off};

/// Two sides over a base, and which lines of the sides are which lines of the base.
#[derive(Debug)]
pub(super) struct Three<'t> {
    base: Cow<'t, [usize]>,
    left: &'t [usize],
    right: &'t [usize],
    left_of: Vec<Option<usize>>,
    right_of: Vec<Option<usize>>,
    /// What both sides put in at one place is a conflict.
    strict: bool,
}

/// A stretch between two lines that stand in all three.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Region {
    base: Range<usize>,
    left: Range<usize>,
    right: Range<usize>,
}

impl<'t> Three<'t> {
    /// Over a true base.
    pub fn over(base: &'t [usize], left: &'t [usize], right: &'t [usize]) -> Self {
        let (left_of, right_of) = (partners(base, left), partners(base, right));
        Three { base: Cow::Borrowed(base), left, right, left_of, right_of, strict: false }
    }

    /// Over a true base, but what both sides put in at one place is a conflict.
    pub fn apart(base: &'t [usize], left: &'t [usize], right: &'t [usize]) -> Self {
        Three { strict: true, ..Three::over(base, left, right) }
    }

    /// Over the common subsequence of both sides.
    pub fn strict(left: &'t [usize], right: &'t [usize]) -> Self {
        let pairs = partners(left, right).into_iter().enumerate();
        let (left_of, right_of): (Vec<_>, Vec<_>) =
            pairs.filter_map(|(l, r)| r.map(|r| (Some(l), Some(r)))).unzip();
        let base = left_of.iter().flatten().map(|place| left[*place]).collect();
        Three { base: Cow::Owned(base), left, right, left_of, right_of, strict: true }
    }

    /// All stretches that differ anywhere, in order.
    fn regions(&self) -> Vec<Region> {
        let mut regions = Vec::new();
        let (mut base, mut left, mut right) = (0, 0, 0);
        let places = self.left_of.iter().zip(&self.right_of).enumerate();
        let kept = places.filter_map(|(place, (l, r))| Some((place, (*l)?, (*r)?)));
        let end = (self.base.len(), self.left.len(), self.right.len());
        for (b, l, r) in kept.chain([end]) {
            let region = Region { base: base..b, left: left..l, right: right..r };
            if !(region.base.is_empty() && region.left.is_empty() && region.right.is_empty()) {
                regions.push(region);
            }
            (base, left, right) = (b + 1, l + 1, r + 1);
        }
        regions
    }

    /// The lines between the regions, and what `settle` makes of each region. None as soon as it makes none.
    fn weave(&self, settle: impl Fn(&Region) -> Option<Vec<usize>>) -> Option<Vec<usize>> {
        let mut woven = Vec::with_capacity(self.left.len().max(self.right.len()));
        let mut done = 0;
        for region in self.regions() {
            woven.extend_from_slice(&self.base[done..region.base.start]);
            woven.extend(settle(&region)?);
            done = region.base.end;
        }
        woven.extend_from_slice(&self.base[done..]);
        Some(woven)
    }

    /// What the rules make of a region, none for a conflict.
    fn settle(&self, region: &Region) -> Option<Vec<usize>> {
        let base = &self.base[region.base.clone()];
        let left = &self.left[region.left.clone()];
        let right = &self.right[region.right.clone()];
        if left == base || left == right {
            return Some(right.to_vec());
        }
        if right == base {
            return Some(left.to_vec());
        }
        if base.is_empty() {
            return (!self.strict).then(|| [left, right].concat());
        }
        if let Some((before, after)) = inserted(region, &self.left_of, &region.left, self.left) {
            return Some([&before, right, &after].concat());
        }
        let (before, after) = inserted(region, &self.right_of, &region.right, self.right)?;
        Some([&before, left, &after].concat())
    }

    /// Does a side drop a line here that its asks name?
    fn asked(&self, region: &Region, left: &BTreeSet<usize>, right: &BTreeSet<usize>) -> bool {
        let base = &self.base[region.base.clone()];
        let drops = |side: &[usize], asks: &BTreeSet<usize>| {
            let mut missing: BTreeMap<usize, usize> = BTreeMap::new();
            for line in base.iter().filter(|line| asks.contains(line)) {
                *missing.entry(*line).or_default() += 1;
            }
            for line in side {
                if let Some(count) = missing.get_mut(line) {
                    *count = count.saturating_sub(1);
                }
            }
            missing.into_values().any(|count| count > 0)
        };
        drops(&self.left[region.left.clone()], left) || drops(&self.right[region.right.clone()], right)
    }

    /// The merge, none for a conflict: of a region, of a removal that asks, or because the guard finds a line
    /// missing. `kinds` is the number of different lines.
    pub fn merge(
        &self,
        left_asks: &BTreeSet<usize>,
        right_asks: &BTreeSet<usize>,
        kinds: usize,
    ) -> Option<Vec<usize>> {
        let settle = |region: &Region| {
            if self.asked(region, left_asks, right_asks) { None } else { self.settle(region) }
        };
        self.weave(settle).filter(|woven| off(Rule::LineGuard) || self.guard(woven, kinds))
    }

    /// The merge with nothing where the sides conflict. It asks nothing and is not guarded: it is shown to
    /// nobody, the merge over it is guarded.
    pub fn without_conflicts(&self) -> Vec<usize> {
        self.weave(|region| Some(self.settle(region).unwrap_or_default())).unwrap_or_default()
    }

    /// Both sides of every region, left first.
    pub fn both(&self) -> Vec<usize> {
        let both = |region: &Region| {
            Some([&self.left[region.left.clone()], &self.right[region.right.clone()]].concat())
        };
        self.weave(both).unwrap_or_default()
    }

    /// Does the result hold every line as often as at least one side wants and no side's removal explains?
    fn guard(&self, woven: &[usize], kinds: usize) -> bool {
        let count = |lines: &[usize]| {
            let mut counts = vec![0_i64; kinds];
            lines.iter().for_each(|line| counts[*line] += 1);
            counts
        };
        let (base, left, right, out) = (count(&self.base), count(self.left), count(self.right), count(woven));
        (0..kinds).all(|line| {
            let (b, x, y) = (base[line], left[line], right[line]);
            out[line] >= x.min(y).max(x + (y - b).min(0)).max(y + (x - b).min(0))
        })
    }
}

/// A side's lines before its first base line in the region and its own lines after, if it keeps all base lines
/// there; none if not.
fn inserted(
    region: &Region,
    side_of: &[Option<usize>],
    range: &Range<usize>,
    side: &[usize],
) -> Option<(Vec<usize>, Vec<usize>)> {
    let kept: Option<BTreeSet<usize>> = side_of[region.base.clone()].iter().copied().collect();
    let kept = kept?;
    let first = *kept.first()?;
    let after = (first..range.end).filter(|place| !kept.contains(place)).map(|place| side[place]).collect();
    Some((side[range.start..first].to_vec(), after))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A search that gave up may leave equal lines of a region unpaired, so a drop is counted, not paired.
    #[test]
    fn a_drop_is_counted_within_the_region() {
        let (left, right) = ([1, 7], [1, 2, 1]);
        let three = Three {
            base: Cow::Borrowed(&right),
            left: &left,
            right: &right,
            left_of: vec![None; 3],
            right_of: vec![Some(0), Some(1), Some(2)],
            strict: false,
        };
        let regions = three.regions();
        assert_eq!(regions, [Region { base: 0..3, left: 0..2, right: 0..3 }]);
        let asks = |line| BTreeSet::from([line]);
        assert!(three.asked(&regions[0], &asks(1), &BTreeSet::new()));
        assert!(!three.asked(&regions[0], &asks(7), &BTreeSet::new()));
        assert!(!three.asked(&regions[0], &BTreeSet::new(), &asks(1)));
    }

    #[test]
    fn regions_lie_between_lines_of_all_three() {
        let (base, left, right) = ([0, 1, 2, 3], [0, 9, 1, 2, 3], [0, 1, 8]);
        let three = Three::over(&base, &left, &right);
        let first = Region { base: 1..1, left: 1..2, right: 1..1 };
        let second = Region { base: 2..4, left: 3..5, right: 2..3 };
        assert_eq!(three.regions(), [first, second]);
    }
}
