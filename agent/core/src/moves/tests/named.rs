//! One test an interleaving: a rename here, an edit there, in whatever order they arrive.

use super::*;

#[test]
fn a_move_ends_the_file_where_it_was() {
    let mut world = World::default();
    let x = world.edit("x", TEXT, &[]);
    let moved = world.rename("y", x);
    assert_eq!(world.history("x").heads(), [moved]);
    assert_eq!(world.history("x").content(moved), Some(Content::Deleted));
    assert_eq!(world.history("x").descendant_with(x, Content::Deleted), Some(moved));
    assert_eq!(world.history("y").heads(), [moved]);
    let y = world.history("y");
    assert_eq!((y.own_content(moved), y.content(x)), (y.content(moved), y.content(moved)));
    assert!(y.descends(moved, x) && y.live().count() == 1);
    assert_eq!(world.settle(), 0);
    // a new file in the free place takes nothing from the other path
    let new = world.edit("x", "new", &[moved]);
    assert_eq!((world.history("x").heads(), world.history("y").heads()), (vec![new], vec![moved]));
    assert_eq!(world.settle(), 0);
    world.show(&[("x", &["new"]), ("y", &[TEXT])]);
}

#[test]
fn a_record_of_another_path_is_nothing_here() {
    let mut world = World::default();
    let x = world.edit("x", TEXT, &[]);
    let before = world.history("x").heads();
    let other = world.edit("z", "z", &[]);
    world.rename("w", other);
    let history = world.history("x");
    assert_eq!((history.heads(), history.is_empty(), history.get(other)), (before, false, None));
    assert!(world.history("nothing").is_empty());
    assert_eq!(history.tips(), [x]);
}

/// The edit was made to the version that was moved: it stands in its place, in one record.
#[test]
fn renamed_and_edited() {
    let mut world = World::default();
    let x = world.edit("x", TEXT, &[]);
    let moved = world.rename("y", x);
    let edit = world.edit("x", END, &[x]);
    let mut settled = world.clone();
    settled.settle();
    assert_eq!(settled.records.len(), 4);
    let derived = settled.history("y").heads()[0];
    let record = &settled.records[&derived];
    assert_eq!((record.kind, record.follows), (Kind::Move, Some(moved)));
    assert_eq!(record.parents, BTreeSet::from([moved, edit]));
    assert_eq!(settled.history("x").heads(), [derived]);
    world.settles_to(&[("y", &[END])]);
    // and one on top of the move, as of a person who renames and edits at once
    world.edit("y", TOP, &[moved]);
    world.settles_to(&[("y", &[ALL])]);
}

/// The edit was made to an older version than the one that was moved: both changes are in the result.
#[test]
fn an_edit_of_an_older_version_takes_nothing_back() {
    let mut world = World::default();
    let old = world.edit("x", TEXT, &[]);
    let newer = world.edit("x", TOP, &[old]);
    world.rename("y", newer);
    world.edit("x", END, &[old]);
    world.settles_to(&[("y", &[ALL])]);
}

#[test]
fn what_does_not_merge_is_asked_at_the_new_name() {
    let mut world = World::default();
    let old = world.edit("x", TEXT, &[]);
    let newer = world.edit("x", "1\n2\nthree\n4\n5\n", &[old]);
    world.rename("y", newer);
    world.edit("x", "1\n2\nTHREE\n4\n5\n", &[old]);
    world.settles_to(&[("y", &["1\n2\nTHREE\n4\n5\n", "1\n2\nthree\n4\n5\n"])]);
}

#[test]
fn several_edits_follow_one_after_the_other() {
    let mut world = World::default();
    let x = world.edit("x", TEXT, &[]);
    world.rename("y", x);
    let first = world.edit("x", END, &[x]);
    world.edit("x", "1\n2\n3\n4\n5\n6\n7\n", &[first]);
    world.edit("x", TOP, &[x]);
    world.settles_to(&[("y", &["0\n1\n2\n3\n4\n5\n6\n7\n"])]);
}

#[test]
fn renamed_twice() {
    let mut world = World::default();
    let x = world.edit("x", TEXT, &[]);
    let y = world.rename("y", x);
    world.rename("z", y);
    world.settles_to(&[("z", &[TEXT])]);
    world.edit("x", END, &[x]);
    world.settles_to(&[("z", &[END])]);
    world.edit("y", TOP, &[y]);
    world.settles_to(&[("z", &[ALL])]);
}

#[test]
fn renamed_back() {
    let mut world = World::default();
    let x = world.edit("x", TEXT, &[]);
    let y = world.rename("y", x);
    let edited = world.edit("y", TOP, &[y]);
    let back = world.rename("x", edited);
    assert_eq!((world.history("x").heads(), world.history("y").heads()), (vec![back], vec![back]));
    world.settles_to(&[("x", &[TOP])]);
    // a late edit of the first time is merged where the file is again
    world.edit("x", END, &[x]);
    world.settles_to(&[("x", &[ALL])]);
    // also when it went on from there
    world.rename("z", back);
    world.settles_to(&[("z", &[ALL])]);
}

#[test]
fn renamed_to_two_places() {
    let mut world = World::default();
    let x = world.edit("x", TEXT, &[]);
    let (y, z) = (world.rename("y", x), world.rename("z", x));
    assert_eq!(went_apart(&world.history("x")), BTreeSet::from([path("y"), path("z")]));
    world.settles_to(&[("y", &[TEXT]), ("z", &[TEXT])]);
    world.edit("x", END, &[x]);
    world.settles_to(&[("y", &[END]), ("z", &[END])]);
    // each goes its own way from then on
    world.edit("y", TOP, &[y]);
    world.settles_to(&[("y", &[ALL]), ("z", &[END])]);
    world.rename("w", z);
    assert_eq!(went_apart(&world.history("x")), BTreeSet::from([path("y"), path("z")]));
    assert_eq!(went_apart(&world.history("z")), BTreeSet::new());
    world.settles_to(&[("y", &[ALL]), ("w", &[END])]);
}

#[test]
fn edited_and_renamed_to_two_places() {
    let mut world = World::default();
    let x = world.edit("x", TEXT, &[]);
    world.rename("y", x);
    let edited = world.edit("x", END, &[x]);
    world.rename("z", edited);
    world.settles_to(&[("y", &[END]), ("z", &[END])]);
}

/// One machine deletes y and renames x to y, the other deletes x and renames y to x: a swap in which nobody's file is
/// lost, and late edits of both find theirs.
#[test]
fn against_each_other() {
    let mut world = World::default();
    let (x, y) = (world.edit("x", TEXT, &[]), world.edit("y", "y\n", &[]));
    let (no_x, no_y) = (world.delete("x", x), world.delete("y", y));
    let content = |id: &RecordId| world.records[id].content;
    let to_y = Record::new(path("y"), content(&x), Kind::Move, [x, no_y]);
    let to_x = Record::new(path("x"), content(&y), Kind::Move, [y, no_x]);
    world.add(to_y);
    world.add(to_x);
    world.settles_to(&[("x", &["y\n"]), ("y", &[TEXT])]);
    world.edit("x", END, &[x]);
    world.edit("y", "y\nmore\n", &[y]);
    world.settles_to(&[("x", &["y\nmore\n"]), ("y", &[END])]);
}

/// The same file went to and fro on two machines: an edit follows each move once and comes to rest.
#[test]
fn in_a_circle() {
    let mut world = World::default();
    let x = world.edit("x", TEXT, &[]);
    let y = world.rename("y", x);
    let back = world.rename("x", y);
    let again = world.rename("y", back);
    world.edit("x", END, &[x]);
    world.settles_to(&[("y", &[END])]);
    world.edit("y", TOP, &[y]);
    world.settles_to(&[("y", &[ALL])]);
    let third = world.rename("z", again);
    world.rename("x", third);
    world.rename("w", y);
    world.settles_to(&[("w", &[ALL]), ("x", &[ALL])]);
}

#[test]
fn a_chain_with_a_late_edit_of_the_first_name() {
    let mut world = World::default();
    let x = world.edit("x", TEXT, &[]);
    let y = world.rename("y", x);
    let edited = world.edit("y", TOP, &[y]);
    let z = world.rename("z", edited);
    world.edit("z", "0\n1\n2\n3!\n4\n5\n", &[z]);
    world.edit("x", END, &[x]);
    world.settles_to(&[("z", &["0\n1\n2\n3!\n4\n5\n6\n"])]);
}

#[test]
fn deleted_and_renamed() {
    let mut world = World::default();
    let x = world.edit("x", TEXT, &[]);
    let y = world.rename("y", x);
    world.delete("x", x);
    world.settles_to(&[("y", &[TEXT])]);
    // deleted under the new name, edited under the old one: the edit wins, under the new name
    world.delete("y", y);
    world.settles_to(&[]);
    world.edit("x", END, &[x]);
    world.settles_to(&[("y", &[END])]);
}

#[test]
fn a_new_file_under_the_old_name_stays_there() {
    let mut world = World::default();
    let x = world.edit("x", TEXT, &[]);
    world.rename("y", x);
    world.edit("x", "another file\n", &[]);
    world.settles_to(&[("x", &["another file\n"]), ("y", &[TEXT])]);
    // one made where the old one was deleted is a new one too, though it looks the same
    let gone = world.delete("x", x);
    world.edit("x", END, &[gone]);
    world.edit("x", TOP, &[x]);
    let shows = {
        let mut settled = world.clone();
        settled.settle();
        settled.shows()
    };
    assert_eq!(shows["y"], [TOP]);
    assert!(shows["x"].iter().any(|text| text.contains("another file")), "{shows:?}");
}

/// Found in the cloud folder under the old name: it follows, and what it removes is asked there.
#[test]
fn an_outside_edit_follows() {
    let mut world = World::default();
    let x = world.edit("x", TEXT, &[]);
    let y = world.rename("y", x);
    let content = world.hold(END);
    world.add(Record::new(path("x"), content, Kind::Outside, [x]));
    world.settles_to(&[("y", &[END])]);
    let content = world.hold("1\n2\n4\n5\n");
    let mut removes = Record::new(path("x"), content, Kind::Outside, []);
    removes.near = Some(x);
    world.add(removes);
    world.edit("y", TOP, &[y]);
    world.settles_to(&[("y", &[ALL, "1\n2\n4\n5\n"])]);
}

/// An edit of an older version is merged with the end of the moved file, under the old name: it knows of the move and
/// has nothing of the moved version in it. It goes beside that one, and takes none of its lines back.
#[test]
fn an_edit_merged_with_an_end_does_not_stand_in_its_place() {
    let mut world = World::default();
    let old = world.edit("x", TEXT, &[]);
    let newer = world.edit("x", TOP, &[old]);
    let moved = world.rename("y", newer);
    let other = world.edit("x", "other\n", &[]);
    let away = world.rename("y", other);
    // both files at the old name were joined, and that went the way of the other one
    let joined = world.edit("x", &format!("{TOP}other\n"), &[newer, other]);
    let mut end = Record::new(path("y"), world.records[&joined].content, Kind::Move, [joined, away]);
    end.follows = Some(away);
    let end = world.add(end);
    let edit = world.edit("x", END, &[old]);
    let merge = Record::new(path("x"), world.records[&edit].content, Kind::Merge, [edit, end]);
    let merge = world.add(merge);
    let mut history = world.history("x");
    let mut carried = Vec::new();
    while let Some(record) = follow(&history) {
        history.insert(record.clone());
        carried.push(record);
    }
    let of_merge: Vec<_> = carried.iter().filter(|record| record.parents.contains(&merge)).collect();
    assert_eq!(of_merge.len(), 1, "it follows its file once");
    assert_eq!((of_merge[0].follows, of_merge[0].parents.len()), (Some(moved), 1), "and supersedes nothing");
    world.settle();
    assert!(world.shows()["y"].iter().all(|text| text.starts_with("0\n")), "{:?}", world.shows());
}

#[test]
fn a_later_seed_follows_the_students_file() {
    let mut world = World::default();
    let seed = |world: &mut World, text: &str, parents: &[RecordId]| {
        let content = world.hold(text);
        world.add(Record::new(path("x"), content, Kind::Seed, parents.iter().copied()))
    };
    let first = seed(&mut world, TEXT, &[]);
    let moved = world.rename("y", first);
    world.edit("y", TOP, &[moved]);
    seed(&mut world, END, &[first]);
    world.settles_to(&[("y", &[ALL])]);
}
