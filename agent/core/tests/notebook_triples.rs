//! Small notebooks to read: each folder of `notebooks/` holds a base, what a left and a right side made of it, and what
//! the merge must be, byte for byte. The left side is version `b2b2b2b2` of a machine LAPTOP, the right one `a1a1a1a1`
//! of WORK-PC; the left one leads. The first thirteen are the cases other tools are measured by.
#![allow(clippy::unwrap_used)]

use kitbag_core::merge::notebook::{By, Side, conflicts, merge};

fn side<'a>(bytes: &'a [u8], machine: &str, version: &str) -> Side<'a> {
    let by = By { machine: Some(machine.to_owned()), version: Some(version.to_owned()) };
    Side { bytes, by, ..Side::default() }
}

fn holds(base: &[u8], left: &[u8], right: &[u8], wanted: &[u8]) {
    let (one, other) = (side(left, "LAPTOP", "b2b2b2b2"), side(right, "WORK-PC", "a1a1a1a1"));
    let merged = merge(Some(base), &one, &other).unwrap();
    assert_eq!(String::from_utf8_lossy(&merged.bytes), String::from_utf8_lossy(wanted));
    assert_eq!(merge(Some(base), &other, &one).unwrap(), merged, "which side is named first");
    for changed in [left, right] {
        let (changed, same) = (side(changed, "LAPTOP", "b2b2b2b2"), side(base, "WORK-PC", "a1a1a1a1"));
        assert_eq!(merge(Some(base), &changed, &same).unwrap().bytes, changed.bytes, "only one side changed");
    }
    // the same two sides once more, and the result beside one of them: nothing new
    let (out, right) = (side(&merged.bytes, "HOME", "c3c3c3c3"), side(right, "WORK-PC", "a1a1a1a1"));
    assert_eq!(merge(Some(right.bytes), &out, &right).unwrap().bytes, merged.bytes);
    let open = conflicts(&merged.bytes).unwrap();
    assert_eq!(open.into_iter().filter(|one| one.deleted_by.is_none()).collect::<Vec<_>>(), merged.conflicts);
}

macro_rules! triples {
    ($($name:ident,)*) => {
        $(#[test]
        fn $name() {
            holds(
                include_bytes!(concat!("notebooks/", stringify!($name), "/base.ipynb")),
                include_bytes!(concat!("notebooks/", stringify!($name), "/left.ipynb")),
                include_bytes!(concat!("notebooks/", stringify!($name), "/right.ipynb")),
                include_bytes!(concat!("notebooks/", stringify!($name), "/merged.ipynb")),
            );
        })*
    };
}

triples! {
    disjoint,
    adjacent,
    same_cell_different_lines,
    same_cell_same_line,
    outputs_on_both,
    counts_on_both,
    insert_same_place,
    insert_different_places,
    delete_vs_edit,
    move_vs_edit,
    kernel_metadata,
    rerun_vs_edit,
    identical_edit,
    delete_vs_rerun,
    delete_vs_move,
    delete_vs_tag,
    delete_on_both,
    each_deletes_another_copy,
    move_to_two_places,
    edited_and_run_vs_rerun,
    stale_no_more,
    prose_word_by_word,
    prose_conflict,
    kind_changed_vs_edit,
    tags_of_both,
    attachments_of_both,
    attachment_changed_on_both,
    format_4_4_and_4_5,
    without_ids,
    without_ids_conflict,
    all_ids_new_on_one_side,
    numbered_ids_shift,
    new_cells_with_one_id,
    split_vs_edit,
    join_vs_edit,
    same_new_cell_on_both,
    empty_last_cells,
    conflict_carried_along,
    conflict_answered,
    conflict_answered_by_hand,
    conflict_answered_differently,
    conflict_answered_alike,
    conflict_answered_vs_edit,
    other_version_edited_vs_answered,
    third_version,
    pasted_the_other_way_round,
    other_version_stays_below_its_cell,
    mark_taken_away_vs_mark_changed,
    without_ids_move_vs_edit,
    without_ids_moved_and_edited,
    other_version_says_the_same,
    line_taken_from_two_places,
    widgets_of_both,
    source_as_one_string,
    texts_kept_as_they_are,
    bom_and_line_ends,
    one_line,
    indented_anew_on_one_side,
    nan_and_lone_surrogates,
    ids_twice_and_numbers,
}
