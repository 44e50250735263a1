//! The engine itself fails: ended in the middle, killed, started again, its disk full. For this there is an engine of
//! the test's own, with its files on a small disk.

use super::lab::{Docked, small_course, small_image, turn};
use crate::course::{environment, service, setup_with};
use crate::engine::Engine;
use crate::machine::room;

const UP: &[&str] = &["--yes", "up", "--no-open"];

/// Shows "dockerd restarted, engine gone in the middle, volume full": the files go on without the engine, the next `up`
/// goes on from what it left, its volumes with what was in them, and a full disk is a sentence. First tier.
#[test]
fn an_engine_that_ends_and_comes_back() {
    let _turn = turn();
    let room = room();
    let Some(mut own) = Engine::on_a_disk_of(room.path(), "96m") else { return };
    let host = own.address();
    let image = small_image(Some(&host));
    let course = room.path().join("course");
    small_course(&course, &image);
    let a = Docked::at(&host, room.path(), "HOME-PC", &room.path().join("share"));
    setup_with(&a, &course).exits(&[0]);

    // full before anything is made
    let full = own.disk.as_ref().unwrap().fill(0);
    a.run(UP).exits(&[5]).explains(&["full"]);
    drop(full);
    a.run(UP).exits(&[0]);
    let things = a.things();
    assert_eq!(things.running.len(), 2, "{things:?}");
    let starts = |a: &Docked| -> usize {
        let keeper = a.things().containers.into_iter().find(|name| name.ends_with("-keeper")).unwrap();
        a.docker(&["exec", &keeper, "/bin/busybox", "cat", "/rows/starts"]).lines().count()
    };
    assert_eq!(starts(&a), 1);

    for signal in ["-TERM", "-KILL"] {
        own.stop(signal);
        assert_eq!(environment(&a)["state"], "unknown");
        a.write(&format!("notes/{signal}.md"), "without Docker\n");
        a.sync();
        a.run(UP).exits(&[5]).explains(&["Docker"]);
        a.run(&["done"]).exits(&[5]).explains(&["Docker"]);
        assert!(a.mirror().0.contains_key(&format!("notes/{signal}.md")));
        own.again();
        let before = environment(&a)["state"].clone();
        a.run(UP).exits(&[0]);
        assert_eq!(service(&a, "page")["state"], "running", "after {signal}, when it was {before}");
        assert_eq!(a.things(), things, "after {signal}");
        assert!(starts(&a) >= 1, "what was in the volume is there");
    }

    // gone in the middle of `up`, at three moments
    a.run(&["done"]).exits(&[0]);
    let began = std::time::Instant::now();
    a.run(UP).exits(&[0]);
    let whole = began.elapsed();
    a.run(&["done"]).exits(&[0]);
    let before = starts_in_volume(&a, &image);
    for part in [0.3, 0.6, 0.9] {
        let mut running = a.start(UP);
        std::thread::sleep(whole.mul_f64(part));
        own.stop("-KILL");
        let code = running.wait().unwrap().code();
        assert!(matches!(code, Some(0 | 1 | 5)), "at {part}: {code:?}");
        own.again();
        a.run(UP).exits(&[0]);
        assert_eq!(a.things(), things, "at {part}");
        a.run(&["done"]).exits(&[0]);
    }
    assert!(starts_in_volume(&a, &image) > before, "one volume all the time");
    assert_eq!(a.mirror(), a.files());
}

/// Lines in the volume, read by a container of the test's own.
fn starts_in_volume(machine: &Docked, image: &str) -> usize {
    let volume = machine.things().volumes.into_iter().find(|name| name.ends_with("-rows")).unwrap();
    let mount = format!("{volume}:/rows");
    machine
        .docker(&["run", "--rm", "-v", &mount, image, "/bin/busybox", "cat", "/rows/starts"])
        .lines()
        .count()
}
