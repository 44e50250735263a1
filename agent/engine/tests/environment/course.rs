//! The course's own files in a workspace: placed once, updated by merging, never over a person's work.

use std::fs;

use crate::world::{World, files, manifest};
use kitbag_engine::EngineError;
use kitbag_engine::course::{package, seeds, unpack};
use kitbag_engine::doors::Doors;

#[test]
fn two_machines_that_seed_before_they_meet_place_each_file_once() {
    let world = World::new();
    let (a, b) = (world.machine("a", "share-a"), world.machine("b", "share-b"));
    for machine in [&a, &b] {
        machine.adopt(&world.course());
        machine.up();
    }
    a.write("notebooks/two.txt", "second, edited on a\n");
    a.done();
    world.meet(&a, &b);
    for machine in [&b, &a] {
        machine.up();
        assert_eq!(machine.conflicts(), []);
        assert_eq!(machine.read("notebooks/two.txt"), "second, edited on a\n");
        assert_eq!(machine.read("notebooks/one.txt"), "a\nb\nc\nd\ne\nf\ng\nh\n");
    }
    assert_eq!(files(&a.work.join("notebooks")).len(), 2);
}

#[test]
fn a_second_start_places_nothing() {
    let world = World::new();
    let a = world.machine("a", "share");
    a.adopt(&world.course());
    a.up();
    let ws = a.open();
    let share = ws.share();
    let here = unpack::ensure_unpacked(&ws, &share).unwrap().here.unwrap();
    assert_eq!(seeds::place(&ws, &share, &here).unwrap(), seeds::Placed::default());
}

#[test]
fn a_deleted_seed_stays_deleted_through_an_update() {
    let world = World::new();
    let a = world.machine("a", "share");
    a.adopt(&world.course());
    a.up();
    fs::remove_file(a.work.join("notebooks/two.txt")).unwrap();
    a.up();
    assert!(!a.work.join("notebooks/two.txt").exists());
    world.write_course("course.toml", &manifest("2", ""));
    world.write_course("notebooks/two.txt", "second, better\n");
    world.write_course("notebooks/three.txt", "third\n");
    a.adopt(&world.course());
    a.up();
    assert!(!a.work.join("notebooks/two.txt").exists());
    assert_eq!(a.read("notebooks/three.txt"), "third\n");
    assert_eq!(a.conflicts(), []);
}

#[test]
fn an_update_is_merged_with_an_edit_or_asked_about() {
    let world = World::new();
    let (a, b) = (world.machine("a", "share"), world.machine("b", "share"));
    a.adopt(&world.course());
    a.up();
    b.up();
    a.write("notebooks/one.txt", "a\nb\nc\nd\ne\nf\ng\nmy h\n");
    a.write("notebooks/two.txt", "my second\n");
    world.write_course("course.toml", &manifest("2", ""));
    world.write_course("notebooks/one.txt", "better a\nb\nc\nd\ne\nf\ng\nh\n");
    world.write_course("notebooks/two.txt", "better second\n");
    // the update comes by the other machine
    b.adopt(&world.course());
    b.up();
    assert_eq!(b.read("notebooks/two.txt"), "better second\n");
    a.up();
    assert_eq!(a.read("notebooks/one.txt"), "better a\nb\nc\nd\ne\nf\ng\nmy h\n");
    assert_eq!(a.read("notebooks/two.txt"), "my second\n", "the person's side is shown");
    let open: Vec<_> = a.conflicts().into_iter().map(|conflict| conflict.path).collect();
    assert_eq!(open, ["notebooks/two.txt"]);
    assert!(a.asked.borrow().last().unwrap().again, "another package asks again");
}

#[test]
fn a_file_of_ones_own_at_a_seeds_place_is_left_alone() {
    let world = World::new();
    let a = world.machine("a", "share");
    a.write("notebooks/one.txt", "mine\n");
    fs::write(a.share.join("sent.txt"), "from the phone\n").unwrap();
    world.write_course("notebooks/sent.txt", "the course's\n");
    world.write_course(
        "course.toml",
        &manifest("1", "").replace(
            "to = \"notebooks\"",
            "to = \"notebooks\"\n[[seed]]\nfrom = \"notebooks/sent.txt\"\nto = \"sent.txt\"",
        ),
    );
    a.adopt(&world.course());
    let up = a.up();
    assert_eq!(a.read("notebooks/one.txt"), "mine\n");
    assert_eq!(a.read("sent.txt"), "from the phone\n");
    assert_eq!(a.read("notebooks/two.txt"), "second\n");
    assert!(up.notes.iter().any(|note| note.contains("notebooks/one.txt")), "{:?}", up.notes);
    assert_eq!(a.conflicts(), []);
    // and an update does not come near them
    world.write_course("course.toml", &manifest("2", ""));
    world.write_course("notebooks/one.txt", "changed by the course\n");
    a.adopt(&world.course());
    a.up();
    assert_eq!(a.read("notebooks/one.txt"), "mine\n");
    assert_eq!(a.conflicts(), []);
}

#[test]
fn required_folders_are_made_again() {
    let world = World::new();
    let a = world.machine("a", "share");
    a.adopt(&world.course());
    a.up();
    fs::remove_dir_all(a.work.join("logs")).unwrap();
    a.up();
    assert!(a.work.join("logs").is_dir());
}

#[test]
fn a_course_waits_until_all_of_it_has_arrived() {
    let world = World::new();
    let (a, b) = (world.machine("a", "share-a"), world.machine("b", "share-b"));
    a.adopt(&world.course());
    // the statement and the contents lie in one small pack: a second version shares all but one file
    world.meet(&a, &b);
    b.up();
    world.write_course("course.toml", &manifest("2", ""));
    let big: String = (0..400_000_u64).map(|n| format!("{:x}\n", n * 7_919 % 1_000_003)).collect();
    world.write_course("notebooks/big.txt", &big);
    a.adopt(&world.course());
    world.meet(&a, &b);
    let packs = |machine: &crate::world::Machine| files(&machine.share.join(".kitbag/packs"));
    let torn: Vec<_> =
        packs(&b).into_iter().filter(|(_, bytes)| bytes.len() > 100_000).map(|(path, _)| path).collect();
    assert_eq!(torn.len(), 1);
    let whole = fs::read(&torn[0]).unwrap();
    fs::write(&torn[0], &whole[..whole.len() / 2]).unwrap();
    b.up();
    assert!(!b.work.join("notebooks/big.txt").exists());
    fs::write(&torn[0], whole).unwrap();
    b.up();
    assert_eq!(b.read("notebooks/big.txt"), big);
}

#[test]
fn a_half_unpacked_course_is_unpacked_again() {
    let world = World::new();
    let a = world.machine("a", "share");
    let here = a.adopt(&world.course()).here;
    let courses = here.folder.parent().unwrap();
    for entry in fs::read_dir(courses).unwrap() {
        let path = entry.unwrap().path();
        if path.is_file() {
            fs::remove_file(path).unwrap();
        }
    }
    fs::write(here.folder.join("db/schema.sql"), "torn").unwrap();
    fs::write(here.folder.join("left-over"), "x").unwrap();
    a.up();
    assert_eq!(fs::read_to_string(here.folder.join("db/schema.sql")).unwrap(), crate::world::SCHEMA);
    assert!(!here.folder.join("left-over").exists());
    assert_eq!(a.titles(), ["Dune", "Emma"]);
}

#[test]
fn a_package_is_read_with_all_its_problems() {
    let world = World::new();
    let read = || package::read_folder(&world.course(), &Doors::real());
    assert_eq!(read().unwrap().package.files.len(), 5);
    // what systems drop is no part of it
    world.write_course(".DS_Store", "x");
    assert_eq!(read().unwrap().package.files.len(), 5);
    std::os::unix::fs::symlink("/etc/passwd", world.course().join("notebooks/link")).unwrap();
    let Err(EngineError::Course(problems)) = read() else { panic!("a link was taken") };
    assert!(problems.iter().any(|problem| problem.file == "notebooks/link"), "{problems:?}");
    fs::remove_file(world.course().join("notebooks/link")).unwrap();
    world.write_course("course.toml", "id = 3");
    assert!(matches!(read(), Err(EngineError::Course(_))));
    fs::remove_file(world.course().join("course.toml")).unwrap();
    assert!(matches!(read(), Err(EngineError::Course(_))));
    let file = package::read_folder(&world.course().join("db/books.csv"), &Doors::real()).unwrap_err();
    assert!(file.finding().why.contains("single file"), "{}", file.finding().why);
}

#[test]
fn another_course_is_refused() {
    let world = World::new();
    let a = world.machine("a", "share");
    a.adopt(&world.course());
    world.write_course("course.toml", &manifest("3", "").replace("id = \"mini\"", "id = \"other\""));
    let ws = a.open();
    let share = ws.share();
    let error = kitbag_engine::course::adopt::adopt(&ws, &share, &world.course()).unwrap_err();
    assert!(error.to_string().contains("another course"), "{error}");
}

#[test]
fn an_older_version_does_not_take_over() {
    let world = World::new();
    let a = world.machine("a", "share");
    world.write_course("course.toml", &manifest("10", ""));
    assert!(a.adopt(&world.course()).current);
    world.write_course("course.toml", &manifest("9", ""));
    let older = a.adopt(&world.course());
    assert!(older.new && !older.current);
    a.up();
    assert_eq!(a.asked.borrow()[0].version, "10");
}
