//! Heads, aliases and descent within one path; what crosses paths is in `moves`.

use super::*;
use crate::id::ContentId;
use crate::path::WorkPath;

fn path() -> WorkPath {
    WorkPath::parse("f").unwrap()
}

fn history() -> History {
    History::new(&path(), [])
}

fn record(text: &str, kind: Kind, parents: &[RecordId]) -> Record {
    let content = Content::file(ContentId::of(text.as_bytes()), text.len() as u64);
    Record::new(path(), content, kind, parents.iter().copied())
}

#[test]
fn heads_are_what_nobody_supersedes() {
    let mut h = history();
    let a = h.insert(record("a", Kind::Edit, &[]));
    assert_eq!(h.heads(), [a]);
    let b = h.insert(record("b", Kind::Edit, &[a]));
    let c = h.insert(record("c", Kind::Edit, &[a]));
    let mut both = vec![b, c];
    both.sort();
    assert_eq!(h.heads(), both);
    let m = h.insert(record("m", Kind::Merge, &[b, c]));
    assert_eq!(h.heads(), [m]);
    assert!(h.descends(m, a) && !h.descends(b, c));
}

#[test]
fn an_outside_guess_becomes_the_version_it_was() {
    let mut h = history();
    let a = h.insert(record("a", Kind::Edit, &[]));
    let mut guess = record("b", Kind::Outside, &[]);
    guess.near = Some(a);
    let guess = h.insert(guess);
    let child = h.insert(record("c", Kind::Edit, &[guess]));
    let mut open = vec![a, child];
    open.sort();
    assert_eq!(h.heads(), open);
    let b = h.insert(record("b", Kind::Edit, &[a]));
    assert_eq!(h.real(guess), b);
    assert_eq!(h.heads(), [child]);
    assert!(h.descends(child, a));
}

#[test]
fn two_guesses_of_the_same_bytes_are_one() {
    let mut h = history();
    let a = h.insert(record("a", Kind::Edit, &[]));
    let one = h.insert(record("b", Kind::Outside, &[]));
    let two = h.insert(record("b", Kind::Outside, &[a]));
    assert_eq!(h.real(one), h.real(two));
    assert_eq!(h.heads().len(), if h.real(one) == two { 1 } else { 2 });
}

#[test]
fn a_descendant_cannot_void_its_ancestor() {
    let mut h = history();
    let guess = h.insert(record("a", Kind::Outside, &[]));
    let edit = h.insert(record("b", Kind::Edit, &[guess]));
    let back = h.insert(record("a", Kind::Edit, &[edit]));
    assert_eq!(h.real(guess), guess);
    assert_eq!(h.heads(), [back]);
}

#[test]
fn order_of_arrival_does_not_matter() {
    let a = record("a", Kind::Edit, &[]);
    let guess = record("b", Kind::Outside, &[]);
    let b = record("b", Kind::Edit, &[a.id()]);
    let c = record("c", Kind::Edit, &[guess.id()]);
    let all = [a, guess, b, c];
    let forward = History::new(&path(), all.iter().map(|r| (r.id(), r.clone()))).heads();
    let mut step = history();
    for r in all.iter().rev() {
        step.insert(r.clone());
    }
    assert_eq!(forward, step.heads());
}

#[test]
fn machines_a_delivery_behind_each_other_stop_merging() {
    let mut all = history();
    let edits = [all.insert(record("a", Kind::Edit, &[])), all.insert(record("b", Kind::Edit, &[]))];
    let third = all.insert(record("c", Kind::Edit, &[edits[0]]));
    // each saw another part when it merged, and neither merge comes from the other
    let one = all.insert(record("abc", Kind::Merge, &[edits[1], third]));
    let two = all.insert(record("ab", Kind::Merge, &edits));
    assert_eq!(all.heads(), [one], "what made `two` stands behind `one`");
    let three = all.insert(record("abc", Kind::Merge, &[two, third]));
    assert_eq!(all.heads(), [one.min(three)], "both were made of the same");
    // what a person did to a merge is more than the merge
    let edit = all.insert(record("ab!", Kind::Edit, &[two]));
    let mut open = vec![one.min(three), edit];
    open.sort();
    assert_eq!(all.heads(), open);
}
