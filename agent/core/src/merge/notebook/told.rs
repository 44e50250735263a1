//! A merge and all there is to tell a person of it: what each side did, what waits, what is to be run again. Each notebook
//! is read once for all of it, since reading is what takes the time.

use super::changes::{Changes, between};
use super::conflict::{CellConflict, questions, stale};
use super::document::Document;
use super::{Merged, NotMergeable, Side, Which, in_order, untouched};

/// What there is to tell.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Told {
    /// What the left and the right side did; none without a base that can be read.
    pub sides: Option<[Changes; 2]>,
    /// Cells one side deleted and the other changed: they stay, and stand here until somebody answers.
    pub kept: Vec<CellConflict>,
    /// Cells whose outputs are those of another source, each by its name and its number from 1.
    pub stale: Vec<(String, usize)>,
}

/// [`super::merge`], and what there is to tell of it. Every notebook is looked into, also where only one side changed
/// anything.
///
/// # Errors
/// A side is no notebook of format 4, or is damaged, or too large.
pub fn merge_told(base: Option<&[u8]>, left: &Side, right: &Side) -> Result<(Merged, Told), NotMergeable> {
    let mut sides = None;
    let mut look = |base: Option<&Document>, documents: [&Document; 2]| {
        sides = base.map(|base| documents.map(|side| between(base, side)));
    };
    let (bytes, notes) = if let Some(bytes) = untouched(base, left, right) {
        let read = |bytes, side| Document::read(bytes).map_err(|why| NotMergeable { side, why });
        let documents = [&read(left.bytes, Which::Left)?, &read(right.bytes, Which::Right)?];
        look(base.and_then(|bytes| Document::read(bytes).ok()).as_ref(), documents);
        (bytes.to_vec(), Vec::new())
    } else {
        in_order(base, left, right, &mut look)?
    };
    let out = Document::read(&bytes).map_err(|why| NotMergeable { side: Which::Both, why })?;
    let (kept, conflicts) = questions(&out).into_iter().partition(|one| one.deleted_by.is_some());
    let told = Told { sides, kept, stale: stale(&out) };
    Ok((Merged { bytes, conflicts, notes }, told))
}

#[cfg(test)]
mod tests {
    use super::super::{By, merge};
    use super::*;

    fn notebook(cells: &[(&str, &str)]) -> String {
        let cell = |(id, source): &(&str, &str)| {
            format!(
                "{{\"cell_type\":\"code\",\"execution_count\":1,\"id\":\"{id}\",\"metadata\":{{}},\"outputs\":[],\"source\":\"{source}\"}}"
            )
        };
        let cells: Vec<_> = cells.iter().map(cell).collect();
        format!("{{\"cells\":[{}],\"metadata\":{{}},\"nbformat\":4,\"nbformat_minor\":5}}", cells.join(","))
    }

    #[test]
    fn it_is_the_merge_and_says_who_did_what() {
        let base = notebook(&[("a", "x"), ("b", "y"), ("c", "z")]);
        let left = notebook(&[("a", "x = 1"), ("c", "z")]);
        let right = notebook(&[("a", "x = 2"), ("b", "y = 1"), ("c", "z")]);
        let side = |bytes, name: &str| {
            let by = By { machine: Some(name.to_owned()), version: None };
            Side { bytes, by, ..Side::default() }
        };
        let all = [base.as_bytes(), left.as_bytes(), right.as_bytes()];
        for base in [Some(all[0]), None, Some(b"{".as_slice())] {
            for (left, right) in [(all[1], all[2]), (all[2], all[1]), (all[0], all[2]), (all[1], all[1])] {
                let (left, right) = (side(left, "L"), side(right, "R"));
                let (merged, told) = merge_told(base, &left, &right).unwrap();
                assert_eq!(merged, merge(base, &left, &right).unwrap());
                let wanted = base
                    .filter(|base| base.len() > 1)
                    .map(|base| [&left, &right].map(|side| super::super::changes(base, side.bytes).unwrap()));
                assert_eq!(told.sides, wanted);
            }
        }
        let (merged, told) = merge_told(Some(all[0]), &side(all[1], "L"), &side(all[2], "R")).unwrap();
        assert_eq!((merged.conflicts.len(), told.kept.len(), told.stale), (1, 1, vec![]));
        let refused = merge_told(Some(all[0]), &side(all[0], "L"), &side(b"{", "R")).unwrap_err();
        assert_eq!(refused.side, Which::Right);
    }
}
