//! What lies below something that cannot be judged, a folder that became one thing or a name with something strange
//! behind it, is neither absent nor looked at. That also holds where the next name beside it is one that is left out,
//! such as a program's own list beside its projects.

use kitbag_core::finding::Exit;
use kitbag_core::unit::Units;
use kitbag_engine::sync::Rules;
use kitbag_platform::disk::Disk;

use crate::machine::{Machine, World};

const FILES: [&str; 2] = ["projects/7.project/data.zip", "projects/7.project/metadata.json"];
/// Left out on every machine, and in the order of names just behind the project.
const LEFT_OUT: &str = "projects/Thumbs.db";

/// Two files were carried one by one, as a course's files are, and are known.
fn start(world: &World) -> Machine<'_> {
    let a = world.machine("HOME", &[]);
    for file in FILES {
        a.save(file, file.as_bytes());
    }
    a.sync();
    assert_eq!(a.sync().exit(), Exit::Done);
    a
}

fn nothing_was_removed(a: &Machine<'_>, world: &World) {
    for file in FILES {
        assert_eq!(a.versions(file), 1, "{file} was recorded as removed");
        assert_eq!(world.read(&format!("/cloud/share/{file}")).as_deref(), Some(file.as_bytes()));
    }
}

#[test]
fn files_of_a_folder_that_became_one_thing_are_not_removed_beside_what_is_left_out() {
    for beside in [false, true] {
        let world = World::new(1);
        let a = start(&world);
        if beside {
            a.save(LEFT_OUT, b"the program's own\n");
        }
        let rules = Rules { units: Units::new(&["projects/*.project".to_owned()]), ..Rules::default() };
        for round in 0..4 {
            world.wait(60);
            let report = a.try_sync_with(&rules).unwrap();
            assert_eq!(
                (report.problems.len(), report.waiting_for.len()),
                (0, 0),
                "round {round}, beside: {beside}"
            );
        }
        assert_eq!(a.try_sync_with(&rules).unwrap().exit(), Exit::Done, "beside: {beside}");
        assert_eq!(a.versions("projects/7.project"), 1, "beside: {beside}");
        nothing_was_removed(&a, &world);
    }
}

#[test]
fn something_strange_in_a_folders_place_removes_nothing_beside_what_is_left_out() {
    for beside in [false, true] {
        let world = World::new(2);
        let a = start(&world);
        if beside {
            a.save(LEFT_OUT, b"the system's own\n");
        }
        for file in FILES {
            world.disk.remove(&a.work(file)).unwrap();
        }
        world.disk.remove_dir(&a.work("projects/7.project")).unwrap();
        world.disk.place_other(&a.work("projects/7.project")).unwrap();
        for _ in 0..3 {
            world.wait(60);
            let told: Vec<_> = a.sync().problems.into_iter().map(|problem| problem.path).collect();
            assert_eq!(told, ["projects/7.project"], "beside: {beside}");
        }
        nothing_was_removed(&a, &world);
    }
}
