//! Which line of one text is which line of another. The answer is a common subsequence: a shortest edit where
//! that is affordable, a good one where it is not. What is affordable is decided by counting lines, never by a
//! clock, so every machine finds the same. A merge depends on it to the line: another release of the diff
//! library, or another limit here, is another merge version.

use similar::{Algorithm, DiffOp, capture_diff_slices};

/// Most lines of both texts together, equal head and tail apart, for which the shortest edit is searched
/// whatever it takes: some 30 million steps at worst. Beyond it the search gives up early where it gets
/// expensive, as git does.
const EXACT: usize = 8 * 1024;

/// Most lines of both texts together, equal head and tail apart, that are searched at all. Beyond it only
/// additions are recognised, all else is one block that was replaced.
const SEARCHED: usize = 512 * 1024;

/// For each line of `old` the place of the same line in `new`; none where it is gone. Places rise.
pub(super) fn partners(old: &[usize], new: &[usize]) -> Vec<Option<usize>> {
    let head = old.iter().zip(new).take_while(|(a, b)| a == b).count();
    let (old_rest, new_rest) = (&old[head..], &new[head..]);
    let tail = old_rest.iter().rev().zip(new_rest.iter().rev()).take_while(|(a, b)| a == b).count();
    let old_middle = &old_rest[..old_rest.len() - tail];
    let new_middle = &new_rest[..new_rest.len() - tail];

    let mut partners = vec![None; old.len()];
    let mut pair = |old_place: usize, new_place: usize, lines: usize| {
        for line in 0..lines {
            partners[old_place + line] = Some(new_place + line);
        }
    };
    let lines = old_middle.len() + new_middle.len();
    let additions = if lines > EXACT { additions(old_middle, new_middle) } else { None };
    if let Some(pairs) = additions {
        pair(0, 0, head);
        pairs.into_iter().for_each(|(a, b)| pair(head + a, head + b, 1));
        pair(old.len() - tail, new.len() - tail, tail);
    } else if lines > SEARCHED {
        pair(0, 0, head);
        pair(old.len() - tail, new.len() - tail, tail);
    } else {
        let algorithm = if lines > EXACT { Algorithm::Myers } else { Algorithm::RawMyers };
        // The whole texts, not the middles: the library slides blocks past equal neighbours, always the same way.
        for op in capture_diff_slices(algorithm, old, new) {
            if let DiffOp::Equal { old_index, new_index, len } = op {
                pair(old_index, new_index, len);
            }
        }
    }
    partners
}

/// The pairs where one text is the other with lines added, none where it is not. A search that gives up early
/// could miss this plainest of changes.
fn additions(old: &[usize], new: &[usize]) -> Option<Vec<(usize, usize)>> {
    if old.len() <= new.len() {
        embed(old, new)
    } else {
        let pairs = embed(new, old)?;
        Some(pairs.into_iter().map(|(new_place, old_place)| (old_place, new_place)).collect())
    }
}

/// Each line of `part` with its place in `whole`, none if `part` is not a subsequence of `whole`.
fn embed(part: &[usize], whole: &[usize]) -> Option<Vec<(usize, usize)>> {
    let mut places = whole.iter().enumerate();
    let mut pairs = Vec::with_capacity(part.len());
    for (place, line) in part.iter().enumerate() {
        let (found, _) = places.find(|(_, other)| *other == line)?;
        pairs.push((place, found));
    }
    Some(pairs)
}

/// How many lines are paired.
pub(super) fn common(old: &[usize], new: &[usize]) -> usize {
    partners(old, new).iter().flatten().count()
}

/// Is `part` a subsequence of `whole`? Exact at any size.
pub(super) fn is_subsequence(part: &[usize], whole: &[usize]) -> bool {
    embed(part, whole).is_some()
}
