//! Merges where bytes of older versions are gone: they may ask more or add more, and never take anything away. What
//! is only not readable now is an error, and the path waits.

use super::*;
use crate::history::History;

/// Contents in memory; None is one that is gone.
#[derive(Default)]
struct Memory(BTreeMap<ContentId, Option<Arc<[u8]>>>);

impl Contents for Memory {
    fn read(&self, content: ContentId) -> Result<Option<Arc<[u8]>>, Unreadable> {
        self.0.get(&content).cloned().ok_or(Unreadable { content, reason: "not delivered".into() })
    }
}

struct World {
    history: History,
    contents: Memory,
}

impl Default for World {
    fn default() -> Self {
        World { history: History::new(&path(), []), contents: Memory::default() }
    }
}

impl World {
    fn add(&mut self, text: &str, kind: Kind, parents: &[RecordId], near: Option<RecordId>) -> RecordId {
        let id = ContentId::of(text.as_bytes());
        self.contents.0.insert(id, Some(Arc::from(text.as_bytes())));
        let content = Content::file(id, text.len() as u64);
        let mut record = Record::new(path(), content, kind, parents.iter().copied());
        record.near = near;
        self.history.insert(record)
    }

    fn edit(&mut self, text: &str, parents: &[RecordId]) -> RecordId {
        self.add(text, Kind::Edit, parents, None)
    }

    fn lose(&mut self, text: &str) {
        self.contents.0.insert(ContentId::of(text.as_bytes()), None);
    }

    /// What the heads merge to, if they do.
    fn merged(&self) -> Option<String> {
        let made = reduce(&path(), &mut self.history.clone(), &self.contents).unwrap();
        let made = made.last()?;
        let bytes = match &made.bytes {
            Some(bytes) => bytes.clone(),
            None => self.contents.read(made.record.content.id()?).unwrap()?.to_vec(),
        };
        Some(String::from_utf8(bytes).unwrap())
    }
}

fn path() -> WorkPath {
    WorkPath::parse("a.txt").unwrap()
}

#[test]
fn over_a_gone_base_lines_are_added_and_never_taken() {
    let mut world = World::default();
    let base = world.edit("1\n2\n3\n", &[]);
    world.edit("1\n3\n", &[base]);
    world.edit("1\n2\n3\n4\n", &[base]);
    assert_eq!(world.merged().as_deref(), Some("1\n3\n4\n"));
    world.lose("1\n2\n3\n");
    assert_eq!(world.merged().as_deref(), Some("1\n2\n3\n4\n"));
}

#[test]
fn over_a_gone_base_a_change_is_asked_about() {
    let mut world = World::default();
    let base = world.edit("1\n2\n3\n", &[]);
    world.edit("1\ntwo\n3\n", &[base]);
    world.edit("1\n2\n3\n4\n", &[base]);
    assert_eq!(world.merged().as_deref(), Some("1\ntwo\n3\n4\n"));
    world.lose("1\n2\n3\n");
    assert_eq!(world.merged(), None);
}

#[test]
fn what_is_only_not_readable_now_is_waited_for() {
    let mut world = World::default();
    let base = world.edit("1\n", &[]);
    world.edit("1\n2\n", &[base]);
    world.edit("0\n1\n", &[base]);
    world.contents.0.remove(&ContentId::of(b"1\n"));
    assert!(reduce(&path(), &mut world.history, &world.contents).is_err());
}

#[test]
fn a_gone_side_stays_whole() {
    let mut world = World::default();
    let base = world.edit("1\n", &[]);
    world.edit("1\n2\n", &[base]);
    world.edit("0\n1\n", &[base]);
    world.lose("0\n1\n");
    assert_eq!(world.merged(), None);
    let heads = world.history.heads();
    let union = crate::conflict::both_texts(&path(), &world.history, &heads, &world.contents);
    assert_eq!(union.unwrap(), None);
}

// Both sides come from two older versions that crossed. Line 2 went and was put back on one side: with the
// only old version that is left, which has it, it would go again.
#[test]
fn one_of_two_gone_bases_is_not_guessed() {
    let mut world = World::default();
    let first = world.edit("1\n2\n3\n", &[]);
    let one = world.edit("1\n2\n3\n4\n", &[first]);
    let other = world.edit("1\n3\n", &[first]);
    world.edit("1\n2\n3\n4\n5\n", &[one, other]);
    world.edit("0\n1\n3\n4\n", &[one, other]);
    assert_eq!(world.merged().as_deref(), Some("0\n1\n2\n3\n4\n5\n"));
    for lost in ["1\n3\n", "1\n2\n3\n", "1\n2\n3\n4\n"] {
        world.lose(lost);
        assert_eq!(world.merged().as_deref(), Some("0\n1\n2\n3\n4\n5\n"), "{lost:?}");
    }
}

#[test]
fn what_an_outside_version_took_away_is_not_taken_when_nobody_can_tell() {
    let mut world = World::default();
    let seen = world.edit("1\n2\n3\n", &[]);
    let outside = world.add("1\n3\n", Kind::Outside, &[], Some(seen));
    world.edit("1\n3\n4\n", &[outside]);
    world.edit("0\n1\n2\n3\n", &[seen]);
    assert_eq!(world.merged(), None);
    world.lose("1\n2\n3\n");
    assert_eq!(world.merged().as_deref(), Some("0\n1\n2\n3\n4\n"));
}

// The base is here, but not what the outside version looked nearest to: that line 2 was its doing cannot be told.
#[test]
fn without_a_base_nothing_goes_unasked() {
    let mut world = World::default();
    let seen = world.edit("1\n2\n3\n", &[]);
    let newer = world.edit("1\n2\n3\n4\n", &[seen]);
    let takes = world.add("1\n3\n", Kind::Outside, &[], Some(seen));
    let adds = world.add("1\n2\n3\n4\n5\n", Kind::Outside, &[], Some(newer));
    world.edit("1\n3\n4\n", &[takes, adds]);
    world.edit("0\n1\n2\n3\n4\n", &[newer]);
    assert_eq!(world.merged(), None);
    world.lose("1\n2\n3\n");
    assert_eq!(world.merged().as_deref(), Some("0\n1\n2\n3\n4\n"));
}

#[test]
fn a_gone_version_is_nobodys_nearest() {
    let mut world = World::default();
    let old = world.edit("1\n2\n", &[]);
    let new = world.edit("one\n2\n3\n", &[old]);
    let text = "1\n2\n9\n";
    let outside = world.edit(text, &[]);
    let content = world.history.content(outside).unwrap();
    let mut without = World { contents: world.contents, ..World::default() };
    let old_again = without.edit("1\n2\n", &[]);
    without.edit("one\n2\n3\n", &[old_again]);
    assert_eq!((old, new), (old_again, without.history.heads()[0]));
    let record = |world: &World| {
        crate::outside::record_for(&path(), content, &world.history, &world.contents).unwrap()
    };
    assert_eq!(record(&without).parents, BTreeSet::from([old]));
    without.lose("1\n2\n");
    assert_eq!((record(&without).parents, record(&without).near), (BTreeSet::new(), Some(new)));
}

fn script(world: &mut World, text: &str, bit: bool, kind: Kind, parents: &[RecordId]) -> RecordId {
    let id = ContentId::of(text.as_bytes());
    world.contents.0.insert(id, Some(Arc::from(text.as_bytes())));
    let content = Content::file(id, text.len() as u64).with_bit(bit);
    world.history.insert(Record::new(path(), content, kind, parents.iter().copied()))
}

fn merged_bit(world: &World) -> bool {
    reduce(&path(), &mut world.history.clone(), &world.contents)
        .unwrap()
        .last()
        .unwrap()
        .record
        .content
        .is_executable()
}

#[test]
fn the_side_that_changed_who_may_run_it_wins() {
    for before in [false, true] {
        for text in ["1\n2\n3\n", "1\n2\n3\n4\n"] {
            let mut world = World::default();
            let base = script(&mut world, "1\n2\n3\n", before, Kind::Edit, &[]);
            let changed = script(&mut world, "1\n2\n3\n", !before, Kind::Edit, &[base]);
            let other = script(&mut world, &format!("0\n{text}"), before, Kind::Edit, &[base]);
            assert_eq!(merged_bit(&world), !before);
            // and both ways round at once: a bit that both had and one changed twice is as it was
            let back = script(&mut world, text, before, Kind::Edit, &[changed]);
            assert_eq!(merged_bit(&world), before);
            assert_ne!(back, other);
        }
    }
}

#[test]
fn without_a_past_it_may_be_run() {
    let mut world = World::default();
    script(&mut world, "1\n", false, Kind::Edit, &[]);
    script(&mut world, "1\n", true, Kind::Edit, &[]);
    let made = reduce(&path(), &mut world.history, &world.contents).unwrap();
    assert!(made[0].record.content.is_executable() && made[0].bytes.is_none());
}

#[test]
fn a_changed_bit_is_an_edit_and_beats_a_deletion() {
    let mut world = World::default();
    let base = script(&mut world, "1\n", false, Kind::Edit, &[]);
    world.history.insert(Record::new(path(), Content::Deleted, Kind::Edit, [base]));
    script(&mut world, "1\n", true, Kind::Edit, &[base]);
    assert!(merged_bit(&world));
}

#[test]
fn what_the_mirror_shows_keeps_the_bit_of_what_it_looks_like() {
    let mut world = World::default();
    let base = script(&mut world, "1\n2\n", true, Kind::Edit, &[]);
    let id = ContentId::of(b"1\n2\n3\n");
    world.contents.0.insert(id, Some(Arc::from(&b"1\n2\n3\n"[..])));
    let outside =
        crate::outside::record_for(&path(), Content::file(id, 6), &world.history, &world.contents).unwrap();
    assert!(outside.content.is_executable());
    assert_eq!(outside.parents.into_iter().collect::<Vec<_>>(), [base]);
    assert!(world.history.knows(Content::file(ContentId::of(b"1\n2\n"), 4)), "the mirror tells no bit");
}

#[test]
fn where_there_is_no_bit_the_recorded_one_is_taken() {
    let mut world = World::default();
    let base = script(&mut world, "1\n", true, Kind::Edit, &[]);
    let next = script(&mut world, "2\n", false, Kind::Edit, &[base]);
    let seen = |text: &str| Content::file(ContentId::of(text.as_bytes()), 2);
    let told = |base, text| world.history.with_recorded_bit(base, seen(text)).is_executable();
    assert!(told(Some(base), "1\n"), "unchanged");
    assert!(!told(Some(base), "2\n"), "a later version is shown");
    assert!(told(Some(base), "new\n"), "an edit keeps it");
    assert!(!told(Some(next), "new\n"));
    assert!(told(None, "1\n") && !told(None, "new\n"));
}

/// A later kitbag merged the same two sides otherwise: merging its merge with ours would go on for ever.
#[test]
fn a_merge_of_a_later_kitbag_is_left_alone() {
    let mut world = World::default();
    let base = world.edit("1\n2\n3\n", &[]);
    let (left, right) = (world.edit("1\n3\n", &[base]), world.edit("1\n2\n3\n4\n", &[base]));
    let mut later = world.history.get(left).unwrap().clone();
    let text = "1\n3\n4, merged otherwise\n";
    let id = ContentId::of(text.as_bytes());
    world.contents.0.insert(id, Some(Arc::from(text.as_bytes())));
    later.content = Content::file(id, text.len() as u64);
    (later.kind, later.merge, later.parents) = (Kind::Merge, Some(MERGE_VERSION + 1), [left, right].into());
    let mut without = World { history: world.history.clone(), contents: Memory(world.contents.0.clone()) };
    let later = world.history.insert(later);
    assert_eq!(
        (world.history.heads(), world.merged()),
        (vec![later], None),
        "alone it is the newest version"
    );

    // ours, made before it arrived
    let made = reduce(&path(), &mut without.history, &without.contents).unwrap();
    let mut both = World { history: world.history.clone(), contents: without.contents };
    both.contents.0.extend(world.contents.0.clone());
    let ours = made.last().unwrap();
    both.contents.0.insert(ours.record.content.id().unwrap(), ours.bytes.as_deref().map(Arc::from));
    both.history.insert(ours.record.clone());
    assert_eq!(both.history.heads().len(), 2);
    assert_eq!(both.merged(), None);
    assert!(waits_for_later_kitbag(&both.history, &both.history.heads()));

    // so is an edit that did not know of it
    world.edit("0\n1\n3\n", &[left]);
    assert_eq!(world.merged(), None);
    assert!(waits_for_later_kitbag(&world.history, &world.history.heads()));

    // what two sides made of it together is merged as ever
    let mut on_top = World { history: both.history, contents: both.contents };
    let answer = on_top.edit("a\nb\nc\n", &on_top.history.heads());
    on_top.edit("0\na\nb\nc\n", &[answer]);
    on_top.edit("a\nb\nc\nd\n", &[answer]);
    assert_eq!(on_top.merged().as_deref(), Some("0\na\nb\nc\nd\n"));
    assert!(!waits_for_later_kitbag(&on_top.history, &on_top.history.heads()));
}

fn delete(world: &mut World, parents: &[RecordId]) -> RecordId {
    world.history.insert(Record::new(path(), Content::Deleted, Kind::Edit, parents.iter().copied()))
}

/// What the heads come to, if it is one.
fn rests_at(world: &World) -> Option<Content> {
    let mut history = world.history.clone();
    reduce(&path(), &mut history, &world.contents).unwrap();
    match history.heads().as_slice() {
        [one] => history.content(*one),
        _ => None,
    }
}

// Both sides come from two versions with the same text, and one side is that text still.
#[test]
fn a_deletion_wins_over_what_all_common_versions_were() {
    let mut world = World::default();
    let (one, two) = (world.edit("1\n", &[]), world.add("1\n", Kind::Seed, &[], None));
    delete(&mut world, &[one, two]);
    world.add("1\n", Kind::Outside, &[one, two], None);
    assert_eq!(rests_at(&world), Some(Content::Deleted));
}

// The course's versions were placed on machines that did not know of each other's, and merged before the deletion came.
#[test]
fn a_deletion_wins_over_merged_course_files() {
    let mut world = World::default();
    let first = world.add("1\n", Kind::Seed, &[], None);
    let second = world.add("1\n2\n", Kind::Seed, &[first], None);
    let other = world.add("1\n2\n3\n", Kind::Seed, &[], None);
    delete(&mut world, &[first]);
    let merged = world.add("1\n2\n3\n", Kind::Merge, &[second, other], None);
    assert_eq!(rests_at(&world), Some(Content::Deleted));
    world.edit("1\n2\n3\n4\n", &[merged]);
    assert_ne!(rests_at(&world), Some(Content::Deleted), "a person's line is kept");
}

// Bytes from the cloud folder looked nearest to a person's file, showed a line less, and were deleted as they were.
#[test]
fn a_deletion_of_a_guess_takes_no_version_that_was_not_shown() {
    let mut world = World::default();
    let edit = world.edit("1\n2\n3\n", &[]);
    let guess = world.add("1\n3\n4\n", Kind::Outside, &[], Some(edit));
    delete(&mut world, &[guess]);
    let shown = world.history.content(edit);
    assert_eq!(rests_at(&world), shown);
    // a course's version on top is no reason to let it go
    world.add("1\n2\n3\n5\n", Kind::Seed, &[edit], None);
    assert_ne!(rests_at(&world), Some(Content::Deleted));
}

// Merges alone come from no course: what a file moved away took along and what stayed are two files.
#[test]
fn merges_alone_are_no_course_files() {
    let mut world = World::default();
    let (one, other) = (world.edit("1\n", &[]), world.edit("2\n", &[]));
    let joined = world.edit("1\n2\n", &[one, other]);
    let elsewhere = |content, parents: &[RecordId]| {
        let place = WorkPath::parse("b.txt").unwrap();
        Record::new(place, content, Kind::Move, parents.iter().copied())
    };
    let content = |world: &World, id| world.history.content(id).unwrap();
    let first = world.history.insert(elsewhere(content(&world, one), &[one]));
    let mut carried = elsewhere(content(&world, joined), &[first, joined]);
    carried.follows = Some(first);
    let away = world.history.insert(carried);
    let merge = world.add("2\n", Kind::Merge, &[other, first], None);
    assert_eq!(against_delete(&world.history, away, merge), content(&world, merge));
}

// A file made beside another one, which was then deleted, is no later version of that one: an edit of it stays whole.
#[test]
fn what_won_over_a_deletion_drops_nothing_of_what_was_deleted() {
    let mut world = World::default();
    let first = world.edit("1\n", &[]);
    let deleted = delete(&mut world, &[first]);
    let other = world.edit("9\n", &[]);
    world.add("9\n", Kind::Merge, &[other, deleted], None);
    let edit = world.edit("1\n2\n", &[first]);
    assert_eq!(rests_at(&world), None, "two files at one place are asked about");
    // and so it is in the other order
    world.add("1\n2\n", Kind::Merge, &[edit, deleted], None);
    assert_eq!(rests_at(&world), None);
}

// Bytes of a course file came before their record, and won over a deletion as somebody's work might. Now that they are
// known to be the course's, a deletion of that very version wins.
#[test]
fn a_deletion_wins_over_course_files_that_were_taken_for_work() {
    let mut world = World::default();
    let (one, other) = (world.add("1\n", Kind::Seed, &[], None), world.add("2\n", Kind::Seed, &[], None));
    let deleted = delete(&mut world, &[one]);
    world.add("2\n", Kind::Merge, &[deleted, other], None);
    delete(&mut world, &[other]);
    assert_eq!(rests_at(&world), Some(Content::Deleted));
}

// What the look one step down finds is what a look at everything behind finds, in any history.
#[test]
fn the_latest_common_versions_are_those_no_other_comes_from() {
    for seed in 1..200u64 {
        let mut state = seed.wrapping_mul(0x9E37_79B9_7F4A_7C15) | 1;
        let mut next = |n: usize| {
            state ^= state << 13;
            state ^= state >> 7;
            state ^= state << 17;
            (state % n.max(1) as u64) as usize
        };
        let mut world = World::default();
        let mut ids: Vec<RecordId> = Vec::new();
        for n in 0..16 {
            let parents: BTreeSet<_> =
                (0..next(3)).filter_map(|_| ids.get(next(ids.len()))).copied().collect();
            let near = ids.get(next(4 * ids.len().max(1))).copied();
            let text = format!("{}\n", n - next(3).min(n));
            let parents: Vec<_> = parents.into_iter().collect();
            let id = match next(6) {
                0 => delete(&mut world, &parents),
                1 => world.add(&text, Kind::Outside, &[], near),
                2 => world.add(&text, Kind::Merge, &parents, None),
                _ => world.edit(&text, &parents),
            };
            ids.push(id);
        }
        let history = &world.history;
        for near in [Near::Counts, Near::Ignored] {
            let (left, right) = (ids[next(ids.len())], ids[next(ids.len())]);
            let shared = common(history, left, right, near);
            let behind = |id: &RecordId| {
                shared.iter().any(|other| other != id && history.ancestors(*other, near).contains(id))
            };
            let expected: Vec<_> = shared.iter().copied().filter(|id| !behind(id)).collect();
            assert_eq!(maximal(history, &shared, near), expected, "seed {seed}");
        }
    }
}

mod notebooks;
