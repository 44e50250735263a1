//! A machine whose file system is not like the first one's: as Windows has it, as macOS, as an old disk of a Mac, as a
//! stick. The disk's manners are changed between the syncs of the two, so each works on a disk of its own kind.

use std::path::Path;

use kitbag_engine::sync::report::Report;
use kitbag_platform::disk::{Disk, Folding, ItemKind, Manners};

use crate::machine::{Machine, World};

const WINDOWS: Manners =
    Manners { executable: false, links: false, folding: Folding::Case, windows_names: true };
const MACOS: Manners =
    Manners { executable: true, links: true, folding: Folding::CaseAndAccents, windows_names: false };
const OLD_MAC: Manners = Manners { folding: Folding::Decomposed, ..MACOS };
const STICK: Manners = Manners { folding: Folding::Case, windows_names: true, ..WINDOWS };

struct Pair<'w> {
    world: &'w World,
    a: Machine<'w>,
    b: Machine<'w>,
    manners: Manners,
}

impl<'w> Pair<'w> {
    /// The first machine is as Linux has it.
    fn new(world: &'w World, manners: Manners) -> Self {
        let (a, b) = (world.machine("alpha", &[]), world.machine("beta", &[]));
        Pair { world, a, b, manners }
    }

    #[track_caller]
    fn sync_a(&self) -> Report {
        self.world.disk.set_manners(Manners::default());
        self.world.wait(10);
        self.a.sync()
    }

    #[track_caller]
    fn sync_b(&self) -> Report {
        self.world.disk.set_manners(self.manners);
        self.world.wait(10);
        let report = self.b.sync();
        self.world.disk.set_manners(Manners::default());
        report
    }

    /// Nothing is left to do on either.
    #[track_caller]
    fn is_settled(&self) {
        for report in [self.sync_a(), self.sync_b(), self.sync_a(), self.sync_b()].iter().skip(2) {
            let left = (report.published, report.received, report.merged, report.pending, report.conflicts);
            assert_eq!(left, (0, 0, 0, 0, 0), "{report:#?}");
        }
    }

    fn on_b(&self) -> Vec<String> {
        let names = self.world.names(self.b.work("").to_str().unwrap());
        names.into_iter().filter(|name| !name.starts_with(".kitbag") && !name.contains(".~kitbag")).collect()
    }

    fn text(&self, machine: &Machine<'_>, path: &str) -> String {
        String::from_utf8(machine.shows(path).unwrap_or_else(|| panic!("no {path}"))).unwrap()
    }
}

#[test]
fn a_windows_machine_works_with_names_it_cannot_have() {
    let world = World::new(1);
    let pair = Pair::new(&world, WINDOWS);
    for name in ["12:30.txt", "CON", "Notes.txt", "notes.txt", "run.sh", "dir./in"] {
        pair.a.save(name, format!("{name}\n").as_bytes());
    }
    world.disk.set_executable(&pair.a.work("run.sh"), true).unwrap();
    world.disk.create_link(&pair.a.work("link"), "run.sh").unwrap();
    pair.sync_a();
    let report = pair.sync_b();
    let told: Vec<_> = report.problems.iter().map(|problem| problem.path.as_str()).collect();
    assert_eq!(told, ["link"], "{report:#?}");
    assert_eq!(report.pending, 0, "what cannot be had is waited for by nobody");
    assert_eq!(
        pair.on_b(),
        ["%{43}ON", "%{6E}otes.txt", "12%{3A}30.txt", "Notes.txt", "dir%{2E}/in", "run.sh"]
    );
    pair.is_settled();

    // edits, a new file, a removal; the bit and the link are as they were
    for (at, text) in [
        ("12%{3A}30.txt", "edited\n"),
        ("%{6E}otes.txt", "small\n"),
        ("run.sh", "echo\n"),
        ("new.txt", "n\n"),
    ] {
        pair.b.save(at, text.as_bytes());
    }
    world.disk.remove(&pair.b.work("%{43}ON")).unwrap();
    assert_eq!(pair.sync_b().published, 5);
    pair.sync_a();
    assert_eq!(pair.text(&pair.a, "12:30.txt"), "edited\n");
    assert_eq!(
        (pair.text(&pair.a, "notes.txt"), pair.text(&pair.a, "Notes.txt")),
        ("small\n".into(), "Notes.txt\n".into())
    );
    assert_eq!(pair.text(&pair.a, "new.txt"), "n\n");
    assert!(pair.a.shows("CON").is_none());
    assert!(world.disk.stat(&pair.a.work("run.sh")).unwrap().executable, "nobody changed that");
    assert_eq!(world.disk.read_link(&pair.a.work("link")).unwrap(), "run.sh");
    pair.is_settled();
}

#[test]
fn a_name_that_changes_only_its_case_changes_everywhere() {
    for (seed, manners) in [(2, WINDOWS), (3, MACOS), (4, OLD_MAC)] {
        let world = World::new(seed);
        let pair = Pair::new(&world, manners);
        for name in ["Notes.txt", "Part/one.txt", "keep.txt"] {
            pair.a.save(name, format!("{name}\n").as_bytes());
        }
        pair.sync_a();
        pair.sync_b();
        for (from, to) in [("Notes.txt", "NOTES.txt"), ("Part", "part")] {
            world.disk.rename_new(&pair.a.work(from), &pair.a.work(to)).unwrap();
        }
        pair.sync_a();
        pair.sync_b();
        pair.is_settled();
        let names = pair.on_b();
        assert_eq!(names.len(), 3, "{manners:?}: {names:?}");
        assert!(names.contains(&"NOTES.txt".to_owned()), "{manners:?}: {names:?}");
        assert_eq!(pair.text(&pair.b, "NOTES.txt"), "Notes.txt\n");
        assert_eq!(pair.text(&pair.a, "part/one.txt"), "Part/one.txt\n");
    }
}

#[test]
fn a_file_system_that_writes_accents_apart_makes_no_new_files() {
    let world = World::new(5);
    let pair = Pair::new(&world, OLD_MAC);
    pair.a.save("caf\u{e9}.txt", b"c\n");
    pair.a.save("\u{dc}bung/\u{f6}.txt", b"o\n");
    pair.sync_a();
    pair.sync_b();
    assert_eq!(pair.on_b(), ["U\u{308}bung/o\u{308}.txt", "cafe\u{301}.txt"], "as it writes them");
    pair.is_settled();
    pair.b.save("cafe\u{301}.txt", b"c\nby beta\n");
    assert_eq!(pair.sync_b().published, 1);
    pair.sync_a();
    assert_eq!(pair.text(&pair.a, "caf\u{e9}.txt"), "c\nby beta\n");
    // a removal there is a removal
    world.disk.remove(&pair.b.work("U\u{308}bung/o\u{308}.txt")).unwrap();
    pair.sync_b();
    pair.sync_a();
    assert!(pair.a.shows("\u{dc}bung/\u{f6}.txt").is_none());
    pair.is_settled();
}

#[test]
fn a_name_given_another_case_where_names_fold_changes_everywhere() {
    for (seed, manners) in [(6, WINDOWS), (7, MACOS), (8, OLD_MAC), (9, STICK)] {
        let world = World::new(seed);
        let pair = Pair::new(&world, manners);
        pair.a.save("Notes.txt", b"n\n");
        pair.a.save("Part/one.txt", b"one\n");
        pair.a.save("Part/two.txt", b"two\n");
        pair.sync_a();
        pair.sync_b();
        pair.is_settled();
        // in one step, as Windows and macOS do it
        for (from, to) in [("Notes.txt", "NOTES.txt"), ("Part", "part")] {
            world.disk.rename_new(&pair.b.work(from), &pair.b.work("x")).unwrap();
            world.disk.rename_new(&pair.b.work("x"), &pair.b.work(to)).unwrap();
        }
        let report = pair.sync_b();
        assert_eq!((report.published, report.pending), (3, 0), "{manners:?}: {report:#?}");
        pair.sync_a();
        let expected = ["NOTES.txt", "part/one.txt", "part/two.txt"];
        assert_eq!(pair.on_b(), expected, "{manners:?}");
        for path in expected {
            pair.text(&pair.a, path);
        }
        assert!(pair.a.shows("Notes.txt").is_none() && pair.a.shows("Part/one.txt").is_none());
        pair.is_settled();
        // the file is the one it was: an edit of the other machine lands in it
        pair.a.save("NOTES.txt", b"n\nby alpha\n");
        pair.b.save("NOTES.txt", b"by beta\nn\n");
        pair.sync_a();
        pair.sync_b();
        assert_eq!(pair.text(&pair.b, "NOTES.txt"), "by beta\nn\nby alpha\n", "{manners:?}");
    }
}

#[test]
fn a_program_that_saves_under_another_case_edits_the_file() {
    let world = World::new(10);
    let pair = Pair::new(&world, WINDOWS);
    pair.a.save("Notes.txt", b"n\n");
    pair.sync_a();
    pair.sync_b();
    // away, and another file in its place
    world.disk.remove(&pair.b.work("Notes.txt")).unwrap();
    pair.b.save("NOTES.TXT", b"n\nby beta\n");
    assert_eq!(pair.sync_b().published, 1);
    pair.sync_a();
    assert_eq!(pair.text(&pair.a, "Notes.txt"), "n\nby beta\n");
    assert_eq!(pair.on_b(), ["NOTES.TXT"]);
    pair.a.save("Notes.txt", b"n\nby beta\nby alpha\n");
    pair.sync_a();
    pair.sync_b();
    assert_eq!(pair.text(&pair.b, "NOTES.TXT"), "n\nby beta\nby alpha\n");
    pair.is_settled();
}

/// One folder on the disk is two of the workspace there: its name is nobody's renaming.
#[test]
fn two_folders_that_are_one_where_names_fold_stay_two_elsewhere() {
    let world = World::new(11);
    let pair = Pair::new(&world, WINDOWS);
    pair.a.save("Part/one.txt", b"one\n");
    pair.a.save("part/two.txt", b"two\n");
    pair.sync_a();
    pair.sync_b();
    pair.is_settled();
    assert_eq!(pair.on_b().len(), 2);
    assert_eq!(
        (pair.text(&pair.a, "Part/one.txt"), pair.text(&pair.a, "part/two.txt")),
        ("one\n".into(), "two\n".into())
    );
    pair.b.save("Part/two.txt", b"two\nby beta\n");
    assert_eq!(pair.sync_b().published, 1);
    pair.sync_a();
    assert_eq!(pair.text(&pair.a, "part/two.txt"), "two\nby beta\n");
    pair.is_settled();
}

#[test]
fn a_file_beside_a_folder_of_its_name_in_another_case() {
    let world = World::new(7);
    let pair = Pair::new(&world, STICK);
    pair.a.save("Data", b"a file\n");
    pair.a.save("data/x", b"x\n");
    pair.sync_a();
    pair.sync_b();
    assert_eq!(pair.on_b(), ["%{44}ata", "data/x"]);
    pair.is_settled();
    // the folder goes: the file has its name
    world.disk.remove(&pair.a.work("data/x")).unwrap();
    world.disk.remove_dir(&pair.a.work("data")).unwrap();
    pair.sync_a();
    pair.sync_b();
    assert!(world.disk.stat(&pair.b.work("data")).is_err(), "what was taken out of it rests elsewhere");
    pair.is_settled();
    assert_eq!((pair.on_b(), pair.text(&pair.b, "Data")), (vec!["Data".to_owned()], "a file\n".to_owned()));
}

#[test]
fn what_a_folder_can_do_is_found_out_once_and_leaves_nothing() {
    let world = World::new(8);
    let pair = Pair::new(&world, WINDOWS);
    pair.sync_b();
    let remembered = pair.b.open().ledger.get("folder.ability").unwrap().unwrap();
    assert!(remembered.contains("\"folds\":true") && remembered.contains("\"links\":false"), "{remembered}");
    // it is not asked again: the disk could answer otherwise now
    pair.world.disk.set_manners(Manners::default());
    pair.b.sync();
    assert_eq!(pair.b.open().ledger.get("folder.ability").unwrap().unwrap(), remembered);
    let items = world.disk.list(&pair.b.work("")).unwrap();
    let files: Vec<_> =
        items.iter().filter(|item| item.kind == ItemKind::File).map(|item| &item.name).collect();
    assert_eq!(files, [Path::new(".kitbag-folder")]);
}
