//! Line merge: bytes in, bytes out. Lines are cut after each `\n`; the merge is the one of `diff3.rs`, the
//! same bytes on every machine and whichever side is named first. A line counts the same with and without its
//! `\n`, so the last line of a file is compared, asked about and counted like any other; where it ends up in
//! the middle it gets its `\n`. Whether the result ends with `\n` is merged apart: where the sides differ, the
//! one that changed it wins, and where no base tells which, the result is ended.

use std::collections::{BTreeMap, BTreeSet};

use super::diff;
use super::diff3::Three;
use super::lines::{Numbers, Text, counts, split};
use crate::mutation::{self, Rule, off};

/// Largest side that is merged line by line, in bytes.
pub const LARGEST: usize = 4 * 1024 * 1024;

/// Can these bytes be merged line by line: at most [`LARGEST`] of them, UTF-8, no NUL? The other functions
/// here take any bytes and do not ask again.
pub fn is_text(bytes: &[u8]) -> bool {
    bytes.len() <= LARGEST && !bytes.contains(&0) && std::str::from_utf8(bytes).is_ok()
}

/// Lines a side must not drop without a person's answer: those an outside record on that side removed, as
/// [`removed`] finds them, with or without their `\n`. A region that drops a named line is a conflict however
/// many of it were removed: nobody can tell which of equal lines was meant.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Asks<'a> {
    /// Lines the left side must not drop.
    pub left: BTreeSet<&'a [u8]>,
    /// Lines the right side must not drop.
    pub right: BTreeSet<&'a [u8]>,
}

/// What a merge came to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Merged {
    /// These bytes.
    Clean(Vec<u8>),
    /// A person decides.
    Conflict,
}

/// Merge two sides over a base; over what they have in common where there is none, and then every difference
/// with lines on both sides is a conflict. Equal sides merge to themselves. Which side is named first makes no
/// difference.
pub fn merge(base: Option<&[u8]>, left: &[u8], right: &[u8], asks: &Asks) -> Merged {
    if left == right {
        return Merged::Clean(left.to_vec());
    }
    let turn = if off(Rule::OperandsOrdered) { mutation::turned() } else { right < left };
    if turn {
        let turned = Asks { left: asks.right.clone(), right: asks.left.clone() };
        return merge_in_order(base, right, left, &turned);
    }
    merge_in_order(base, left, right, asks)
}

fn merge_in_order(base: Option<&[u8]>, left: &[u8], right: &[u8], asks: &Asks) -> Merged {
    let read = Read::new(base, left, right);
    let find = |asks: &BTreeSet<&[u8]>| -> BTreeSet<usize> {
        asks.iter().filter_map(|line| read.numbers.find(line)).collect()
    };
    let merged = read.three().merge(&find(&asks.left), &find(&asks.right), read.numbers.len());
    merged.map_or(Merged::Conflict, |lines| Merged::Clean(read.write(&lines)))
}

/// A base for histories that crossed: [`merge`] without asks and guard, and with nothing where the sides
/// conflict. A base only, never a version.
pub fn merge_base(base: Option<&[u8]>, left: &[u8], right: &[u8]) -> Vec<u8> {
    if left == right {
        return left.to_vec();
    }
    let (left, right) = in_order(left, right);
    let read = Read::new(base, left, right);
    read.write(&read.three().without_conflicts())
}

/// Both sides kept, for the answer "both": common lines once, where the sides differ the lines of both, those
/// of the lesser bytes first. Every line stands at least as often as on the side that has it more often.
pub fn union(left: &[u8], right: &[u8]) -> Vec<u8> {
    if left == right {
        return left.to_vec();
    }
    let (left, right) = in_order(left, right);
    let read = Read::new(None, left, right);
    read.write(&read.three().both())
}

/// Lines inserted plus lines deleted between two texts, the same both ways. 0 also where only the last `\n`
/// differs.
pub fn distance(a: &[u8], b: &[u8]) -> usize {
    split(a).count() + split(b).count() - 2 * common(a, b)
}

/// How many lines the two have in common, in order; the same both ways.
pub fn common(a: &[u8], b: &[u8]) -> usize {
    let (a, b) = in_order(a, b);
    let mut numbers = Numbers::default();
    let (a, b) = (numbers.read(a), numbers.read(b));
    diff::common(&a.lines, &b.lines)
}

/// Does `part` become `whole` by adding lines only? Then [`common`] is all of `part`.
pub fn is_subsequence(part: &[u8], whole: &[u8]) -> bool {
    let mut numbers = Numbers::default();
    let (part, whole) = (numbers.read(part), numbers.read(whole));
    diff::is_subsequence(&part.lines, &whole.lines)
}

/// The lines, without their `\n`, that `to` holds less often than `from`, and by how many.
pub fn removed<'a>(from: &'a [u8], to: &[u8]) -> BTreeMap<&'a [u8], usize> {
    let left = counts(to);
    let missing = |(line, count): (&'a [u8], usize)| {
        let missing = count.saturating_sub(left.get(line).copied().unwrap_or(0));
        (missing > 0).then_some((line, missing))
    };
    counts(from).into_iter().filter_map(missing).collect()
}

/// Is `part` a copy of `whole` that a provider has delivered by half: its beginning, cut off or filled up with
/// NUL bytes to at most its length? Never true of equal bytes.
pub fn is_partial(part: &[u8], whole: &[u8]) -> bool {
    let same = part.iter().zip(whole).take_while(|(a, b)| a == b).count();
    part != whole && part.len() <= whole.len() && part[same..].iter().all(|byte| *byte == 0)
}

fn in_order<'a>(left: &'a [u8], right: &'a [u8]) -> (&'a [u8], &'a [u8]) {
    if right < left { (right, left) } else { (left, right) }
}

/// Two sides and perhaps a base in numbers.
struct Read<'a> {
    numbers: Numbers<'a>,
    base: Option<Text>,
    left: Text,
    right: Text,
}

impl<'a> Read<'a> {
    fn new(base: Option<&'a [u8]>, left: &'a [u8], right: &'a [u8]) -> Self {
        let mut numbers = Numbers::default();
        let base = base.map(|bytes| numbers.read(bytes));
        let (left, right) = (numbers.read(left), numbers.read(right));
        Read { numbers, base, left, right }
    }

    fn three(&self) -> Three<'_> {
        match &self.base {
            Some(base) => Three::over(&base.lines, &self.left.lines, &self.right.lines),
            None => Three::strict(&self.left.lines, &self.right.lines),
        }
    }

    fn write(&self, lines: &[usize]) -> Vec<u8> {
        self.numbers.write(lines, self.ended())
    }

    /// Does the merge end with `\n`? A side without lines has no opinion.
    fn ended(&self) -> bool {
        match (self.left.ended, self.right.ended) {
            (Some(left), Some(right)) if left != right => {
                let base = self.base.as_ref().and_then(|text| text.ended);
                base.is_none_or(|ended| !ended)
            }
            (Some(ended), _) | (None, Some(ended)) => ended,
            (None, None) => true,
        }
    }
}

#[cfg(test)]
mod properties;
#[cfg(test)]
mod tests;
