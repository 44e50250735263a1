//! A course with PostgreSQL on full disks: this computer's state, the cloud folder, and the disk the rows themselves lie
//! on, while they are saved, brought in and written. Each time it is a sentence with a remedy, nothing is lost, and the
//! next command goes on when there is room.

use std::path::Path;

use super::lab::{COURSE_IMAGE, Docked, course_image, turn};
use super::rows::{Rows, ask, left_dumps, rows_course, small_database};
use crate::course::setup_with;
use crate::disk::Mounted;
use crate::engine::Engine;
use crate::machine::room;

const UP: &[&str] = &["--yes", "up", "--no-open"];

/// Shows "volume full" for a dump: no room for it in this computer's state, nor in the cloud folder. First tier.
#[test]
fn no_room_to_save_rows() {
    if !course_image() {
        return;
    }
    let _turn = turn();
    let room = room();
    let course = room.path().join("course");
    rows_course(&course, COURSE_IMAGE, 60);
    // what fills the disk lies beside the cloud folder: in it, it would be somebody's file
    let share = room.path().join("drive/share");
    // they go after the machines: a machine knows by its state what is its own
    let (state, drive);
    let (a, b) = (Docked::new(room.path(), "HOME-PC", &share), Docked::new(room.path(), "WORK-PC", &share));
    let small = |at: &Path| Mounted::new(at, "200m");
    let (Some(one), Some(other)) = (small(&a.home), small(&room.path().join("drive"))) else { return };
    (state, drive) = (one, other);
    std::fs::create_dir(&share).unwrap();
    setup_with(&a, &course).exits(&[0]);
    b.setup().exits(&[0]);
    a.run(UP).exits(&[0]);
    let mut rows = Rows::begin(&a);
    a.sync();
    for (number, disk) in [&state, &drive].into_iter().enumerate() {
        rows.add(&a);
        // more than there is room for, also where something of before goes
        let many =
            format!("CREATE TABLE many_{number} AS SELECT md5(n::text) FROM generate_series(1, 100000) n");
        ask(&a, &many).unwrap();
        let full = disk.fill(1 << 20);
        for _ in 0..2 {
            a.run(&["done"]).exits(&[5]).explains(&["disk is full", "Free some space"]);
            // what is not saved yet goes on, and can be worked with
            let goes_on = !a.things().running.is_empty();
            assert!(goes_on || number == 1, "it was saved, and only could not be shown in the cloud folder");
            if goes_on {
                rows.add(&a);
                rows.all_on(&a, "while the disk is full");
            }
        }
        drop(full);
        a.run(&["done"]).exits(&[0]);
        assert!(a.things().running.is_empty());
        assert_eq!(left_dumps(&a), [""; 0]);
        b.run(UP).exits(&[0]);
        rows.all_on(&b, "as they were saved when there was room");
        b.run(&["done"]).exits(&[0]);
        a.run(UP).exits(&[0]);
        // nobody ended it, and there is no room to save what it holds
        rows.add(&a);
        ask(
            &a,
            &format!("INSERT INTO many_{number} SELECT md5(n::text) FROM generate_series(100000, 200000) n"),
        )
        .unwrap();
        for container in a.things().running {
            a.docker(&["kill", &container]);
        }
        let full = disk.fill(1 << 20);
        a.run(UP).exits(&[5]).explains(&["disk is full", "Free some space"]);
        // a larger disk does as well
        disk.remount("size=400m");
        a.run(UP).exits(&[0]);
        rows.all_on(&a, "saved before anything else");
        drop(full);
    }
    a.run(&["done"]).exits(&[0]);
    assert_eq!(a.mirror(), a.files());
}

/// Shows "volume full" for the disk the rows lie on, on an engine of the test's own: full while newer rows are brought in,
/// and while the student writes. First tier.
#[test]
fn no_room_for_rows() {
    if !course_image() {
        return;
    }
    let _turn = turn();
    let room = room();
    let Some(engine) = Engine::with_volumes_of(room.path(), "400m") else { return };
    let course = room.path().join("course");
    rows_course(&course, &small_database(&engine.address()), 20);
    let share = room.path().join("share");
    let machine = |name: &str| Docked::at(&engine.address(), room.path(), name, &share);
    let (a, b) = (machine("HOME-PC"), machine("WORK-PC"));
    setup_with(&a, &course).exits(&[0]);
    b.setup().exits(&[0]);
    a.run(UP).exits(&[0]);
    let mut rows = Rows::begin(&a);
    a.run(&["done"]).exits(&[0]);
    b.run(UP).exits(&[0]);
    rows.add(&b);
    b.run(&["done"]).exits(&[0]);
    a.run(UP).exits(&[0]);
    ask(&a, "CREATE TABLE many AS SELECT n, md5(n::text) FROM generate_series(1, 300000) n").unwrap();
    rows.add(&a);
    a.run(&["done"]).exits(&[0]);

    let disk = engine.disk.as_ref().unwrap();
    let full = disk.fill(4 << 20);
    for _ in 0..2 {
        b.run(UP).exits(&[5]).explains(&["disk", "full"]);
        assert!(b.things().running.is_empty(), "nobody works on rows that are not the last");
    }
    drop(full);
    b.run(UP).exits(&[0]);
    rows.all_on(&b, "brought in when there was room");
    assert_eq!(ask(&b, "SELECT count(*) FROM many").unwrap(), "300000");

    // the student writes until nothing more goes in; the server may even end
    rows.add(&b);
    let full = disk.fill(0);
    let wrote = ask(&b, "INSERT INTO many SELECT n, md5(n::text) FROM generate_series(1, 3000000) n");
    assert!(wrote.is_err(), "there was room: {wrote:?}");
    let ran = b.run(&["done"]).exits(&[0, 1, 5]);
    assert!(ran.status == 0 || !ran.stderr.is_empty(), "{ran:#?}");
    drop(full);
    b.run(UP).exits(&[0]);
    rows.all_on(&b, "written before the disk was full");
    assert_eq!(ask(&b, "SELECT count(*) FROM many").unwrap(), "300000");
    rows.add(&b);
    b.run(&["done"]).exits(&[0]);
    assert!(b.things().running.is_empty());
    a.run(UP).exits(&[0]);
    rows.all_on(&a, "and on the other machine");
    a.run(&["done"]).exits(&[0]);
}
