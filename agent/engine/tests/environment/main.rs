//! The life of an environment on real folders, databases and programs: a student's day on two machines, and the days
//! on which it goes wrong.

#![cfg(unix)]
#![allow(clippy::unwrap_used)]

mod agent;
mod carrier;
mod course;
mod elsewhere;
mod fake_servers;
mod needs;
mod notebooks;
mod restless;
mod servers;
mod servers_end;
mod services;
mod snapshots;
mod world;

use kitbag_engine::sync::Keep;
use world::World;

const DUMP: &str = "backups/library/library.dump";

#[test]
fn the_database_travels_there_and_back() {
    let world = World::new();
    let a = world.machine("a", "share");
    a.adopt(&world.course());
    let up = a.up();
    assert_eq!(a.titles(), ["Dune", "Emma"]);
    assert_eq!(
        up.services.iter().map(|s| s.name.as_str()).collect::<Vec<_>>(),
        ["library", "worker", "page"]
    );
    a.sql("INSERT INTO books VALUES (3, 'Middlemarch')");
    let done = a.done();
    assert_eq!((done.report.problems.as_slice(), done.waiting.as_slice()), (&[][..], &[][..]));
    assert!(a.read(DUMP).contains("Middlemarch"));

    let b = world.machine("b", "share");
    b.up();
    assert_eq!(b.titles(), ["Dune", "Emma", "Middlemarch"]);
    b.sql("DELETE FROM books WHERE title = 'Emma'");
    b.done();

    a.up();
    assert_eq!(a.titles(), ["Dune", "Middlemarch"]);
    assert_eq!(a.conflicts(), []);
    // nothing was changed, so nothing is said to have changed
    let before = a.read(DUMP);
    assert_eq!(a.done().report.published, 0);
    assert_eq!(a.read(DUMP), before);
}

#[test]
fn two_first_databases_are_one_version() {
    let world = World::new();
    let (a, b) = (world.machine("a", "share-a"), world.machine("b", "share-b"));
    for machine in [&a, &b] {
        machine.adopt(&world.course());
        machine.up();
    }
    world.meet(&a, &b);
    for machine in [&a, &b] {
        machine.up();
        assert_eq!(machine.conflicts(), []);
    }
    b.sql("INSERT INTO books VALUES (3, 'Middlemarch')");
    b.done();
    world.meet(&a, &b);
    // a's programs run: they are stopped for the restore and started again
    let up = a.up();
    assert_eq!(a.titles(), ["Dune", "Emma", "Middlemarch"]);
    assert!(up.services.iter().all(|service| service.state != "stopped"), "{:?}", up.services);
}

#[test]
fn a_crash_after_up_keeps_the_changes() {
    let world = World::new();
    let a = world.machine("a", "share");
    a.adopt(&world.course());
    a.up();
    a.sql("INSERT INTO books VALUES (3, 'Middlemarch')");
    // no done: the next up records first, and then restores nothing over it
    a.up();
    assert_eq!(a.titles(), ["Dune", "Emma", "Middlemarch"]);
    assert!(a.read(DUMP).contains("Middlemarch"));
    let b = world.machine("b", "share");
    b.up();
    assert_eq!(b.titles(), ["Dune", "Emma", "Middlemarch"]);
}

#[test]
fn a_restore_that_was_not_noted_is_recognised() {
    let world = World::new();
    let (a, b) = (world.machine("a", "share"), world.machine("b", "share"));
    a.adopt(&world.course());
    a.up();
    b.up();
    let first = b.open().ledger.loaded("library").unwrap().unwrap();
    a.sql("INSERT INTO books VALUES (3, 'from a')");
    a.done();
    b.up();
    let second = b.open().ledger.loaded("library").unwrap().unwrap();
    assert_ne!(first, second);
    // stopped between the restore and the note of it, or the note is gone altogether
    b.open().ledger.set_loaded("library", first).unwrap();
    b.up();
    assert_eq!(b.open().ledger.loaded("library").unwrap(), Some(second));
    b.open().ledger.clear_loaded("library").unwrap();
    b.up();
    assert_eq!(b.open().ledger.loaded("library").unwrap(), Some(second));
    assert_eq!((b.conflicts(), b.titles().len()), (vec![], 3));
}

#[test]
fn both_changed_keeps_both_until_answered() {
    let world = World::new();
    let (a, b) = (world.machine("a", "share"), world.machine("b", "share"));
    a.adopt(&world.course());
    a.up();
    b.up();
    a.sql("INSERT INTO books VALUES (3, 'from a')");
    b.sql("INSERT INTO books VALUES (3, 'from b')");
    a.done();
    b.done();
    let up = a.up();
    assert!(up.notes.iter().any(|note| note.contains("two machines")), "{:?}", up.notes);
    assert_eq!(up.report.conflicts, 1);
    assert_eq!(a.titles(), ["Dune", "Emma", "from a"]);
    b.up();
    assert_eq!(b.titles(), ["Dune", "Emma", "from b"]);
    // an edit while the question is open belongs to the side it was made on
    a.sql("INSERT INTO books VALUES (4, 'a again')");
    a.done();
    assert_eq!(a.conflicts().len(), 1);

    a.answer(DUMP, &Keep::Other);
    a.up();
    assert_eq!(a.titles(), ["Dune", "Emma", "from b"]);
    b.up();
    assert_eq!(b.titles(), ["Dune", "Emma", "from b"]);
    assert_eq!((a.conflicts(), b.conflicts()), (vec![], vec![]));
}

#[test]
fn the_dump_shown_in_the_working_folder_is_not_what_was_loaded() {
    let world = World::new();
    let (a, b) = (world.machine("a", "share"), world.machine("b", "share"));
    a.adopt(&world.course());
    a.up();
    b.up();
    a.sql("INSERT INTO books VALUES (3, 'from a')");
    a.done();
    // b's folder shows a's dump, b's database still holds the first one and is changed
    b.sync();
    assert!(b.read(DUMP).contains("from a"));
    b.sql("INSERT INTO books VALUES (3, 'from b')");
    b.done();
    assert_eq!(b.conflicts().len(), 1, "a's rows must not be taken for deleted");
}

#[test]
fn reset_keeps_files_and_rows() {
    let world = World::new();
    let a = world.machine("a", "share");
    a.adopt(&world.course());
    a.up();
    a.sql("INSERT INTO books VALUES (3, 'Middlemarch')");
    a.write("notebooks/mine.txt", "my own\n");
    let number =
        |path: &std::path::Path| std::os::unix::fs::MetadataExt::ino(&std::fs::metadata(path).unwrap());
    let before = number(&a.database());
    let up = a.reset();
    assert_eq!(up.report.problems, []);
    assert_eq!(a.titles(), ["Dune", "Emma", "Middlemarch"]);
    assert_ne!(number(&a.database()), before, "the database is a fresh one");
    assert_eq!(a.read("notebooks/mine.txt"), "my own\n");
    assert_eq!(a.conflicts(), []);
}

#[test]
fn a_damaged_database_is_put_aside_and_not_lost() {
    let world = World::new();
    let a = world.machine("a", "share");
    a.adopt(&world.course());
    a.up();
    a.done();
    std::fs::write(a.database(), b"these bytes are no database, and somebody may want them").unwrap();
    let up = a.try_up().unwrap();
    assert!(
        up.report.problems.iter().any(|problem| problem.fails && problem.path == DUMP),
        "{:?}",
        up.report
    );
    assert!(std::fs::read(a.database()).unwrap().starts_with(b"these bytes"), "it was left alone");
    let up = a.reset();
    assert_eq!(a.titles(), ["Dune", "Emma"]);
    assert!(up.notes.iter().any(|note| note.contains("could not be saved")), "{:?}", up.notes);
    let folder = a.database().parent().unwrap().to_owned();
    assert!(world::files(&folder).iter().any(|(_, bytes)| bytes.starts_with(b"these bytes")));
}

#[test]
fn nothing_of_the_machine_stands_in_the_share() {
    let world = World::new();
    let a = world.machine("a", "share");
    a.adopt(&world.course());
    let up = a.up();
    let port = up
        .services
        .iter()
        .find_map(|service| service.url.as_ref()?.strip_prefix("http://127.0.0.1:")?.split('/').next());
    let token = std::fs::read_to_string(a.open().environment_folder().join("token")).unwrap();
    let home = a.home.to_string_lossy().into_owned();
    a.done();
    let words =
        [format!(":{}", port.unwrap()), token, home, "library.sqlite".to_owned(), "\"pid\"".to_owned()];
    for (path, bytes) in world::files(&a.share) {
        let name = path.to_string_lossy().into_owned();
        assert!(!name.ends_with(".sqlite") && !name.ends_with(".env"), "{name}");
        let pack = kitbag_core::id::PackId::of(&bytes);
        let mut texts = vec![bytes.clone()];
        if let Ok(pack) = kitbag_store::read(pack, &bytes) {
            texts.extend(pack.pieces.iter().filter_map(|piece| {
                let at = piece.at as usize;
                piece.open(bytes.get(at..at + piece.stored as usize)?).ok()
            }));
        }
        for text in texts {
            let text = String::from_utf8_lossy(&text);
            for word in &words {
                assert!(!text.contains(word), "{word} stands in {name}");
            }
        }
    }
}

#[test]
fn going_back_to_an_old_backup_takes_the_database_along() {
    let world = World::new();
    let (a, b) = (world.machine("a", "share"), world.machine("b", "share"));
    a.adopt(&world.course());
    a.up();
    a.done();
    a.up();
    a.sql("INSERT INTO books VALUES (3, 'Middlemarch')");
    a.done();
    a.restore_first(DUMP);
    a.up();
    assert_eq!(a.titles(), ["Dune", "Emma"]);
    a.done();
    b.up();
    assert_eq!(b.titles(), ["Dune", "Emma"]);
    b.done();
    a.undo();
    a.up();
    assert_eq!(a.titles(), ["Dune", "Emma", "Middlemarch"]);
    // rows that were in no backup yet are not lost by going back: both are kept until answered
    a.sql("INSERT INTO books VALUES (4, 'not saved yet')");
    a.restore_first(DUMP);
    a.up();
    assert!(a.titles().contains(&"not saved yet".to_owned()));
    assert_eq!(a.conflicts().len(), 1);
}
