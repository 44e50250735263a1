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
