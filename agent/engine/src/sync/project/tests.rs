//! Single writes on a simulated disk: where links cannot be made, where they say what they must not, where somebody
//! puts a folder in the place of a file at the last moment, and where only the executable bit changes.

use std::io::Read;

use kitbag_core::id::RecordId;
use kitbag_core::names::Names;
use kitbag_platform::clock::SimulatedClock;
use kitbag_platform::disk::{Disk, Manners, SimulatedDisk};

use super::*;
use crate::sync::spot::link_content;

fn disk() -> SimulatedDisk {
    let disk = SimulatedDisk::new(SimulatedClock::new(1_700_000_000_000));
    disk.create_dir(Path::new("/w")).unwrap();
    disk
}

fn save(disk: &SimulatedDisk, path: &str, text: &str) {
    let mut to = disk.create(Path::new(path)).unwrap();
    to.write_all(text.as_bytes()).unwrap();
    to.finish(false).unwrap();
}

fn read(disk: &SimulatedDisk, path: &str) -> String {
    let mut text = String::new();
    disk.open(Path::new(path)).unwrap().read_to_string(&mut text).unwrap();
    text
}

fn file(text: &str) -> Content {
    Content::file(ContentId::of(text.as_bytes()), text.len() as u64)
}

/// Put `text` at `/w/f`, as this content.
fn put(disk: &SimulatedDisk, expect: Seen, content: Content, text: &str) -> Outcome {
    let names = Names { naming: kitbag_core::names::Naming::Natural, folds: false };
    let folder = Folder { disk, top: Path::new("/w"), place: Place::Working, names };
    let projector = Projector { folder, required: &BTreeSet::new(), bits: true, in_place: false };
    let put = Put { expect, content, version: RecordId::of(b"version") };
    let path = WorkPath::parse("f").unwrap();
    let job = Job {
        path: &path,
        at: "f",
        put: &put,
        temporary: ".~kitbag-1.tmp",
        modified: 1_600_000_000_000_000_000,
    };
    let bring: Bring<'_> = &|_, to| to.write_all(text.as_bytes());
    projector.place(&job, projector.prepare(&job, bring), bring)
}

fn names(disk: &SimulatedDisk) -> Vec<String> {
    let items = disk.list(Path::new("/w")).unwrap();
    items.into_iter().map(|item| item.name.into_string().unwrap()).collect()
}

#[test]
fn a_link_that_leads_out_is_never_made() {
    for text in ["/etc/passwd", "../x", "a/../../x", "f", "", ".kitbag/format"] {
        let disk = disk();
        let outcome = put(&disk, Seen::Absent, link_content(text), text);
        assert!(matches!(outcome, Outcome::Cannot { .. }), "{text}: {outcome:?}");
        assert_eq!(names(&disk), Vec::<String>::new());
    }
    let disk = disk();
    assert!(matches!(
        put(&disk, Seen::Absent, link_content("a/b"), "a/b"),
        Outcome::Done { left: false, .. }
    ));
    assert_eq!(disk.read_link(Path::new("/w/f")).unwrap(), "a/b");
}

#[test]
fn where_links_cannot_be_made_nothing_changes() {
    let disk = disk();
    disk.set_manners(Manners { links: false, ..Manners::default() });
    save(&disk, "/w/f", "old");
    let outcome = put(&disk, Seen::Content(file("old")), link_content("a"), "a");
    assert!(matches!(outcome, Outcome::Cannot { .. }), "{outcome:?}");
    assert_eq!((names(&disk), read(&disk, "/w/f")), (vec!["f".to_owned()], "old".to_owned()));
}

#[test]
fn a_folder_put_there_at_the_last_moment_stays_where_it_is() {
    for content in [file("new"), Content::Deleted, Content::Folder, link_content("a")] {
        for exchange in [true, false] {
            let disk = disk();
            disk.set_exchange(exchange);
            disk.create_dir(Path::new("/w/f")).unwrap();
            save(&disk, "/w/f/work.txt", "a person's");
            let outcome = put(&disk, Seen::Content(file("old")), content, "new");
            assert!(matches!(outcome, Outcome::Changed { .. }), "{outcome:?}");
            assert_eq!(read(&disk, "/w/f/work.txt"), "a person's");
        }
    }
}

#[test]
fn a_file_saved_into_an_emptied_folder_is_not_lost() {
    let disk = disk();
    disk.create_dir(Path::new("/w/f")).unwrap();
    save(&disk, "/w/f/work.txt", "a person's");
    for content in [file("new"), Content::Deleted] {
        assert_eq!(put(&disk, Seen::Content(Content::Folder), content, "new"), CHANGED);
        assert_eq!(
            (names(&disk), read(&disk, "/w/f/work.txt")),
            (vec!["f".to_owned()], "a person's".to_owned())
        );
    }
    disk.remove(Path::new("/w/f/work.txt")).unwrap();
    assert!(matches!(put(&disk, Seen::Content(Content::Folder), file("new"), "new"), Outcome::Done { .. }));
    assert_eq!(read(&disk, "/w/f"), "new");
}

#[test]
fn a_changed_bit_swaps_nothing() {
    let disk = disk();
    save(&disk, "/w/f", "text");
    let run = file("text").with_bit(true);
    let number = disk.stat(Path::new("/w/f")).unwrap().fingerprint.file;
    assert!(matches!(
        put(&disk, Seen::Content(file("text")), run, "text"),
        Outcome::Done { left: false, .. }
    ));
    let stat = disk.stat(Path::new("/w/f")).unwrap();
    assert!(stat.executable && stat.fingerprint.file == number);
    // saved in between: the bit is set, the save is found by the next look
    disk.remove(Path::new("/w/f")).unwrap();
    save(&disk, "/w/f", "saved");
    assert_eq!(put(&disk, Seen::Content(file("text")), run, "text"), CHANGED);
    assert_eq!(read(&disk, "/w/f"), "saved");
    // a new file may be run from the start
    disk.remove(Path::new("/w/f")).unwrap();
    put(&disk, Seen::Absent, run, "text");
    assert!(disk.stat(Path::new("/w/f")).unwrap().executable);
}
