//! The planner over what is no plain file: folders, links, who may run a file. One place after another shows what
//! people and providers make of them; what the plan does is compared with what must come of it.

#![allow(clippy::unwrap_used)]

use kitbag_core::entry::{Memory, Seen, Stands};
use kitbag_core::history::History;
use kitbag_core::id::{ContentId, RecordId};
use kitbag_core::path::WorkPath;
use kitbag_core::plan::{Plan, Removal, Situation, plan};
use kitbag_core::reconcile::{Contents, Unreadable};
use kitbag_core::version::{Content, Kind, Record};

/// Nothing here is merged by its lines.
struct NoBytes;

impl Contents for NoBytes {
    fn read(&self, _: ContentId) -> Result<Option<std::sync::Arc<[u8]>>, Unreadable> {
        Ok(None)
    }
}

fn path() -> WorkPath {
    WorkPath::parse("a/b").unwrap()
}

fn file(text: &str) -> Content {
    Content::file(ContentId::of(text.as_bytes()), text.len() as u64)
}

struct World {
    history: History,
    memory: Memory,
}

impl Default for World {
    fn default() -> Self {
        World { history: History::new(&path(), []), memory: Memory::default() }
    }
}

impl World {
    fn edit(&mut self, content: Content, parents: &[RecordId]) -> RecordId {
        self.history.insert(Record::new(path(), content, Kind::Edit, parents.iter().copied()))
    }

    /// One cycle; what was to be written is taken for done.
    fn cycle(&mut self, working: Seen, mirror: Seen) -> Plan {
        let plan = plan(
            Situation {
                path: &path(),
                memory: &self.memory,
                working,
                mirror,
                copies: &[],
                history: self.history.clone(),
                moved_from: None,
                now: 1_000,
                settle: 0,
                absence_wait: 0,
                delivering: false,
                removals: Removal::Counts,
                answer: None,
                busy: false,
                prefer: None,
                backup: None,
            },
            &NoBytes,
        )
        .unwrap();
        for made in &plan.records {
            self.history.insert(made.record.clone());
        }
        self.memory = plan.memory.clone();
        if let Some(put) = plan.working {
            self.memory.base = Some(put.version);
        }
        if let Some(put) = plan.mirror {
            self.memory.mirror = put.content.id();
        }
        plan
    }
}

const FOLDER: Seen = Seen::Content(Content::Folder);

fn contents(plan: &Plan) -> Vec<Content> {
    plan.records.iter().map(|made| made.record.content).collect()
}

#[test]
fn an_empty_folder_is_a_version_and_is_made_elsewhere() {
    let mut world = World::default();
    let plan = world.cycle(FOLDER, Seen::Absent);
    assert_eq!((contents(&plan), plan.stands), (vec![Content::Folder], Stands::Folder));
    assert_eq!(plan.mirror.map(|put| put.content), Some(Content::Folder));
    // another machine
    world.memory = Memory::default();
    let plan = world.cycle(Seen::Absent, FOLDER);
    assert_eq!(plan.working.map(|put| put.content), Some(Content::Folder));
    assert_eq!((contents(&plan), plan.mirror), (vec![], None));
    // gone from the mirror: no question, however long
    let plan = world.cycle(FOLDER, Seen::Absent);
    assert_eq!((plan.held, plan.mirror.map(|put| put.content)), (None, Some(Content::Folder)));
    // nothing left to do, empty or filled
    for seen in [FOLDER, Seen::Filled] {
        let plan = world.cycle(seen, seen);
        assert_eq!((contents(&plan), plan.working, plan.mirror, plan.due), (vec![], None, None, None));
    }
}

#[test]
fn a_folder_that_is_filled_is_not_removed_and_an_absent_one_is() {
    let mut world = World::default();
    world.cycle(FOLDER, FOLDER);
    assert_eq!(contents(&world.cycle(Seen::Filled, Seen::Filled)), []);
    let plan = world.cycle(Seen::Absent, FOLDER);
    assert_eq!((contents(&plan), plan.stands), (vec![Content::Deleted], Stands::Nothing));
    assert_eq!(plan.mirror.map(|put| put.content), Some(Content::Deleted));
    // on a machine that filled it meanwhile nothing is to be done, and it is no new version
    world.memory.base = Some(world.edit(Content::Folder, &[]));
    let plan = world.cycle(Seen::Filled, Seen::Filled);
    assert_eq!((contents(&plan), plan.working, plan.mirror), (vec![], None, None));
}

#[test]
fn a_folder_in_the_mirror_alone_is_no_version() {
    let mut world = World::default();
    let plan = world.cycle(Seen::Absent, FOLDER);
    assert_eq!((contents(&plan), plan.working, plan.mirror, plan.heads), (vec![], None, None, vec![]));
    // nor does it bring back a file that stood there
    let base = world.edit(file("1"), &[]);
    world.edit(Content::Deleted, &[base]);
    let plan = world.cycle(Seen::Absent, FOLDER);
    assert_eq!((contents(&plan), plan.working, plan.mirror), (vec![], None, None));
}

#[test]
fn a_file_where_a_folder_comes_to_be_is_removed_and_asked_about_in_the_mirror() {
    for seen in [Seen::Filled, FOLDER] {
        let mut world = World::default();
        world.cycle(Seen::Content(file("1")), Seen::Content(file("1")));
        let plan = world.cycle(Seen::Content(file("1")), seen);
        assert_eq!((contents(&plan), plan.mirror), (vec![], None));
        assert!(plan.held.is_some(), "an absence in the mirror is asked about");
    }
    let mut world = World::default();
    world.cycle(Seen::Content(file("1")), Seen::Content(file("1")));
    let plan = world.cycle(Seen::Filled, Seen::Content(file("1")));
    assert_eq!(contents(&plan), [Content::Deleted]);
    assert_eq!(plan.mirror.map(|put| put.content), Some(Content::Deleted));
}

#[test]
fn an_empty_folder_gives_way_to_whatever_has_bytes() {
    let mut world = World::default();
    let base = world.edit(file("1"), &[]);
    world.edit(Content::Folder, &[base]);
    let edited = world.edit(file("2"), &[base]);
    world.memory.base = Some(edited);
    let plan = world.cycle(Seen::Content(file("2")), Seen::Absent);
    assert_eq!((contents(&plan), plan.stands), (vec![file("2")], Stands::File));
    // the machine that had made the folder writes the file
    world.memory = Memory { base: Some(world.edit(Content::Folder, &[base])), ..Memory::default() };
    let plan = world.cycle(FOLDER, Seen::Content(file("2")));
    let put = plan.working.unwrap();
    assert_eq!((put.expect, put.content), (FOLDER, file("2")));
}

#[test]
fn a_removed_folder_stays_removed_unless_it_is_made_anew() {
    let mut world = World::default();
    let folder = world.edit(Content::Folder, &[]);
    let removed = world.edit(Content::Deleted, &[folder]);
    // a machine that has it still, and one that lost its ledger
    for base in [Some(folder), None] {
        world.memory = Memory { base, ..Memory::default() };
        let plan = world.cycle(FOLDER, Seen::Absent);
        assert_eq!(contents(&plan), []);
        assert_eq!(plan.working.map(|put| put.content), Some(Content::Deleted));
    }
    world.memory = Memory { base: Some(removed), ..Memory::default() };
    assert_eq!(contents(&world.cycle(FOLDER, Seen::Absent)), [Content::Folder]);
}

#[test]
fn a_changed_bit_is_an_edit_of_what_was_shown_and_the_mirror_is_left_alone() {
    let mut world = World::default();
    world.cycle(Seen::Content(file("1")), Seen::Content(file("1")));
    let base = world.memory.base;
    let plan = world.cycle(Seen::Content(file("1").with_bit(true)), Seen::Content(file("1")));
    assert_eq!(contents(&plan), [file("1").with_bit(true)]);
    assert_eq!(plan.records[0].record.parents.iter().copied().collect::<Vec<_>>(), [base.unwrap()]);
    assert_eq!(plan.mirror, None);
    // the other machine
    world.memory = Memory { base, mirror: file("1").id(), ..Memory::default() };
    let plan = world.cycle(Seen::Content(file("1")), Seen::Content(file("1")));
    assert_eq!(
        plan.working.map(|put| (put.expect, put.content)),
        Some((Seen::Content(file("1")), file("1").with_bit(true)))
    );
    assert_eq!(plan.mirror, None);
}
