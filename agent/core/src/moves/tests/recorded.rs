//! What a person's rename is recorded as.

use super::*;
use crate::entry::{Memory, Seen};
use crate::plan::{Plan, Removal, Situation, plan};

fn look(world: &World, at: &str, base: Option<RecordId>, working: Seen, from: Option<RecordId>) -> Plan {
    let memory = Memory { base, ..Memory::default() };
    let records = world.records.iter().map(|(id, record)| (*id, record.clone()));
    let situation = Situation {
        path: &path(at),
        memory: &memory,
        working,
        mirror: Seen::Absent,
        copies: &[],
        history: History::with_origin(&path(at), records, from),
        moved_from: from,
        now: 0,
        settle: 0,
        absence_wait: 0,
        delivering: false,
        removals: Removal::Asks,
        answer: None,
        busy: false,
        prefer: None,
        backup: None,
    };
    plan(situation, world).unwrap()
}

/// What a person's rename is recorded as, and that the old name's absence is explained by it.
#[test]
fn a_rename_is_one_record() {
    let mut world = World::default();
    let x = world.edit("x", TEXT, &[]);
    let at_y = look(&world, "y", None, Seen::Content(world.records[&x].content), Some(x));
    let [made] = at_y.records.as_slice() else { panic!("{:?}", at_y.records) };
    let (moved, record) = (made.id, made.record.clone());
    assert_eq!((record.kind, &record.parents), (Kind::Move, &BTreeSet::from([x])));
    assert_eq!((at_y.memory.base, at_y.working), (Some(moved), None));
    world.add(record);
    let at_x = look(&world, "x", Some(x), Seen::Absent, None);
    assert_eq!((at_x.memory.base, at_x.records.len(), at_x.held), (Some(moved), 0, None));
    // renamed back: one record again, and nothing else
    let back = look(&world, "x", Some(moved), Seen::Content(world.records[&x].content), Some(moved));
    assert_eq!((back.records.len(), back.heads.len()), (1, 1));
    assert_eq!(back.records[0].record.parents, BTreeSet::from([moved]));
    // the other machine did the same meanwhile: nothing is recorded twice
    let again = look(&world, "y", None, Seen::Content(world.records[&x].content), Some(x));
    assert_eq!((again.records.len(), again.memory.base), (0, Some(moved)));
}

#[test]
fn renamed_and_edited_at_once_is_a_move_and_an_edit() {
    let mut world = World::default();
    let x = world.edit("x", TEXT, &[]);
    let edited = world.hold(END);
    let made = look(&world, "y", None, Seen::Content(edited), Some(x)).records;
    let [moved, edit] = made.as_slice() else { panic!("{made:?}") };
    assert_eq!((moved.record.kind, moved.record.content), (Kind::Move, world.records[&x].content));
    assert_eq!((edit.record.kind, edit.record.content), (Kind::Edit, edited));
    assert_eq!(edit.record.parents, BTreeSet::from([moved.id]));
}

#[test]
fn renamed_to_where_a_file_was_deleted() {
    let mut world = World::default();
    let (x, y) = (world.edit("x", TEXT, &[]), world.edit("y", "y\n", &[]));
    let gone = world.delete("y", y);
    let content = world.records[&x].content;
    let made = look(&world, "y", Some(gone), Seen::Content(content), Some(x));
    assert_eq!(made.records[0].record.parents, BTreeSet::from([x, gone]));
    assert_eq!(made.heads.len(), 1);
    // and to where one was moved away: that move is of another file
    let (x, z) = (world.edit("x", TEXT, &[]), world.edit("z", "z\n", &[]));
    let away = world.rename("y", x);
    let made = look(&world, "x", Some(away), Seen::Content(world.records[&z].content), Some(z));
    assert_eq!(made.records[0].record.parents, BTreeSet::from([z]));
    for made in made.records {
        world.add(made.record);
    }
    world.settle();
    world.show(&[("x", &["z\n"]), ("y", &[TEXT])]);
}

/// Heads that wait for a later kitbag are no question: nothing is recorded, and it is said.
#[test]
fn a_later_kitbags_merge_is_waited_for() {
    let mut world = World::default();
    let base = world.edit("x", TEXT, &[]);
    let (left, right) = (world.edit("x", TOP, &[base]), world.edit("x", END, &[base]));
    let mut later = Record::new(path("x"), world.hold("merged otherwise\n"), Kind::Merge, [left, right]);
    later.merge = Some(99);
    let later = world.add(later);
    let look_at =
        |world: &World| look(world, "x", Some(left), Seen::Content(world.records[&left].content), None);
    let plan = look_at(&world);
    assert_eq!((plan.heads.as_slice(), plan.later_kitbag), ([later].as_slice(), false));
    world.edit("x", "0\n1\n2\n3\n4\n5\n7\n", &[left]);
    let plan = look_at(&world);
    assert_eq!((plan.heads.len(), plan.later_kitbag, plan.records.len()), (2, true, 0));
}
