//! The engine is killed in the middle of saving rows and of bringing them in, at several moments of each, with a real
//! PostgreSQL. The files go on, a sentence says what to do, and when the engine is there again the next command, whichever
//! it is, has every row.

use std::path::Path;
use std::process::Child;
use std::time::{Duration, Instant};

use super::lab::{Docked, course_image, turn};
use super::rows::{Rows, ask, dumps, left_dumps, rows_course, small_database};
use crate::course::setup_with;
use crate::engine::Engine;
use crate::machine::{Ran, room};

const UP: &[&str] = &["--yes", "up", "--no-open"];

/// Wait until a file has this size; whether it came to that before the program ended.
fn grows(file: &Path, to: u64, running: &mut Child) -> bool {
    let until = Instant::now() + Duration::from_secs(60);
    while !std::fs::metadata(file).is_ok_and(|about| about.len() >= to) {
        if running.try_wait().unwrap().is_some() {
            return false;
        }
        assert!(Instant::now() < until, "{} was never made", file.display());
        std::thread::sleep(Duration::from_millis(1));
    }
    true
}

/// Kill the engine so long after this file of the machine's dumps has begun; what the command came to.
fn without_engine(engine: &mut Engine, machine: &Docked, verb: &[&str], file: &str, after: u64) -> Ran {
    let mut running = machine.begin(verb);
    let began = grows(&dumps(machine).join(file), 1, &mut running);
    std::thread::sleep(Duration::from_millis(after));
    engine.stop("-KILL");
    let ran = machine.ended(verb, running.wait_with_output().unwrap());
    assert!(began, "{file} was never there: {ran:#?}");
    ran
}

/// It is said, unless everything had been done already; 1 if it is.
#[track_caller]
fn said(ran: Ran) -> u32 {
    let ran = ran.exits(&[0, 5]);
    if ran.status != 0 {
        ran.explains(&["Docker"]);
    }
    u32::from(ran.status != 0)
}

/// Shows "engine gone in the middle" of a dump and of a restore: one moment of each in the first tier, ten in the second.
#[test]
fn the_engine_ends_while_rows_are_carried() {
    if !course_image() {
        return;
    }
    let _turn = turn();
    let room = room();
    let Some(mut engine) = Engine::with_volumes_of(room.path(), "500m") else { return };
    let course = room.path().join("course");
    rows_course(&course, &small_database(&engine.address()), 60);
    let share = room.path().join("share");
    let machine = |name: &str| Docked::at(&engine.address(), room.path(), name, &share);
    let (a, b) = (machine("HOME-PC"), machine("WORK-PC"));
    setup_with(&a, &course).exits(&[0]);
    b.setup().exits(&[0]);
    a.run(UP).exits(&[0]);
    let mut rows = Rows::begin(&a);
    // large enough for a dump and a restore to take a while
    ask(&a, "CREATE TABLE many AS SELECT n, md5(n::text) FROM generate_series(1, 400000) n").unwrap();
    let moments: &[u64] = if std::env::var_os("KITBAG_FULL").is_some() {
        &[0, 20, 50, 100, 200, 300, 500, 700, 1_000, 1_500]
    } else {
        &[50]
    };
    let mut cut = [0, 0];
    for (turn, after) in moments.iter().enumerate() {
        let say = format!("{after} ms after it began");
        // saving
        rows.add(&a);
        a.write(&format!("notes/{turn}.md"), "carried all the same\n");
        let ran = without_engine(&mut engine, &a, &["done"], "postgres.raw", *after);
        cut[0] += said(ran);
        assert!(a.mirror().0.contains_key(&format!("notes/{turn}.md")), "{say}");
        engine.again();
        if turn % 2 == 0 {
            a.run(UP).exits(&[0]);
            rows.all_on(&a, &say);
        }
        a.run(&["done"]).exits(&[0]);
        assert!(a.things().running.is_empty() && left_dumps(&a).is_empty(), "{say}");

        // bringing in
        let ran = without_engine(&mut engine, &b, UP, "postgres.restore", *after);
        cut[1] += said(ran);
        engine.again();
        if turn % 2 == 1 {
            b.run(&["done"]).exits(&[0]);
        }
        b.run(UP).exits(&[0]);
        rows.all_on(&b, &say);
        assert_eq!(ask(&b, "SELECT count(*) FROM many").unwrap(), "400000", "{say}");
        rows.add(&b);
        b.run(&["done"]).exits(&[0]);
        assert!(b.things().running.is_empty() && left_dumps(&b).is_empty(), "{say}");
        a.run(UP).exits(&[0]);
        rows.all_on(&a, &say);
    }
    assert!(cut.iter().all(|cut| *cut > 0), "never in the middle: {cut:?}");
    a.run(&["done"]).exits(&[0]);
    assert_eq!((a.things().volumes.len(), b.things().volumes.len()), (1, 1));
    assert_eq!(a.mirror(), a.files());
}
