//! kitbag is killed at random moments of `up` and `done` with Docker. The next command goes on from what is there:
//! one environment and nothing beside it, the files as they were, the rows of every database too. Seeded: STORY_SEED.

use std::collections::BTreeSet;
use std::time::{Duration, Instant};

use super::lab::{COURSE_IMAGE, Docked, Things, course_image, engine, small_course, small_image, turn};
use super::rows::{Rows, left_dumps, rows_course};
use crate::course::{database, setup_with};
use crate::gone::seed;
use crate::http::get;
use crate::machine::{Chance, room};

/// Kills in the first tier, and in the second.
fn moments() -> usize {
    if std::env::var_os("KITBAG_FULL").is_some() { 20 } else { 4 }
}

/// Start a verb, kill it after a part of the time it would take; whether it was still at work.
pub fn kill(machine: &Docked, verb: &[&str], after: Duration) -> bool {
    let mut running = machine.start(verb);
    std::thread::sleep(after);
    let ended = running.try_wait().unwrap().is_some();
    // SIGKILL
    running.kill().unwrap();
    running.wait().unwrap();
    !ended
}

/// How long it takes undisturbed.
#[track_caller]
fn timed(machine: &Docked, verb: &[&str]) -> Duration {
    let began = Instant::now();
    machine.run(verb).exits(&[0]);
    began.elapsed()
}

const UP: &[&str] = &["--yes", "up", "--no-open"];

/// Shows "kill -9 of kitbag at random moments of `up` and `done`: no orphan, no lost row": 4 moments in the first tier,
/// 20 in the second. The first `up` of all, which makes everything, is among them.
#[test]
fn killed_while_it_starts_and_ends() {
    if !engine() {
        return;
    }
    let _turn = turn();
    let seed = seed();
    let mut chance = Chance::new(seed);
    let room = room();
    let course = room.path().join("course");
    small_course(&course, &small_image(None));
    // how long each takes, and what there is then
    let usual = Docked::new(room.path(), "USUAL-PC", &room.path().join("usual"));
    setup_with(&usual, &course).exits(&[0]);
    let first = timed(&usual, UP);
    let whole = shape(&usual.things());
    let end = timed(&usual, &["done"]);
    let later = timed(&usual, UP);
    usual.run(&["done"]).exits(&[0]);

    let a = Docked::new(room.path(), "HOME-PC", &room.path().join("share"));
    setup_with(&a, &course).exits(&[0]);
    let mut in_time = 0;
    for moment in 0..moments() {
        let part = chance.below(1_000) as f64 / 1_000.0;
        let starting = moment % 2 == 0;
        let say =
            format!("seed {seed}, moment {moment}, at {part} of {}", if starting { "up" } else { "done" });
        a.write(&format!("notes/{moment}.md"), format!("{moment}\n"));
        let took = if starting { if moment == 0 { first } else { later } } else { end };
        let verb: &[&str] = if starting { UP } else { &["done"] };
        in_time += usize::from(kill(&a, verb, took.mul_f64(part)));
        // either command may be the next one
        if chance.percent(30) {
            a.run(&["done"]).exits(&[0]);
            assert!(a.things().running.is_empty(), "{say}");
        }
        a.run(UP).exits(&[0]);
        assert_eq!(shape(&a.things()), whole, "{say}");
        assert_eq!(get(&a.url("page"), None), Some(200), "{say}");
        let marks = database(&a, "x");
        marks.execute("INSERT INTO marks (mark) VALUES (?1)", [&say]).unwrap();
        let rows: i64 = marks.query_row("SELECT count(*) FROM marks", [], |row| row.get(0)).unwrap();
        assert_eq!(rows, moment as i64 + 1, "{say}");
        for earlier in 0..=moment {
            assert_eq!(a.text(&format!("notes/{earlier}.md")), format!("{earlier}\n"), "{say}");
        }
        if starting && moment + 1 == moments() {
            continue;
        }
        if !starting {
            a.run(&["done"]).exits(&[0]);
            assert!(a.things().running.is_empty(), "{say}");
        }
    }
    a.run(&["done"]).exits(&[0]);
    assert!(a.things().running.is_empty());
    assert_eq!(a.mirror(), a.files(), "seed {seed}");
    assert!(in_time >= moments() / 4, "hardly any kill came in time: {in_time}, seed {seed}");
    // nothing of it lies about: what `reset` takes away and makes again is all there was
    a.run(&["--yes", "reset", "--no-open"]).exits(&[0]);
    assert_eq!(shape(&a.things()), whole, "seed {seed}");
    a.run(&["done"]).exits(&[0]);
}

/// What there is without the machine's own part of the names: what runs, containers, volumes, networks.
fn shape(things: &Things) -> [BTreeSet<String>; 4] {
    // `kitbag-HASH-page` is `page`
    let own = |names: &BTreeSet<String>| names.iter().map(|name| name.split('-').skip(2).collect()).collect();
    [&things.running, &things.containers, &things.volumes, &things.networks].map(own)
}

/// What is cut short.
#[derive(Debug, Clone, Copy)]
enum Cut {
    /// `done`: the rows are dumped, and everything stops.
    Saving,
    /// `up`: the other machine's newer rows are brought in.
    BringingIn,
    /// `up` after a session that nobody ended and whose server was killed too: its rows are saved first.
    Draining,
}

/// Shows "kill -9 of kitbag at random moments of `up` and `done`: no orphan, no lost row" for the rows of a server,
/// PostgreSQL, on two machines: 3 moments in the first tier, 21 in the second. A row is added before each; after the next
/// command every row ever added is there.
#[test]
fn rows_of_a_server_outlive_a_kill() {
    if !course_image() {
        return;
    }
    let _turn = turn();
    let seed = seed();
    let mut chance = Chance::new(seed);
    let room = room();
    let course = room.path().join("course");
    rows_course(&course, COURSE_IMAGE, 300);
    let share = room.path().join("share");
    let (a, b) = (Docked::new(room.path(), "HOME-PC", &share), Docked::new(room.path(), "WORK-PC", &share));
    setup_with(&a, &course).exits(&[0]);
    b.setup().exits(&[0]);
    // how long each takes, and what there is then
    a.run(UP).exits(&[0]);
    let whole = shape(&a.things());
    let mut rows = Rows::begin(&a);
    let saving = timed(&a, &["done"]);
    b.run(UP).exits(&[0]);
    rows.add(&b);
    b.run(&["done"]).exits(&[0]);
    let bringing_in = timed(&a, UP);
    rows.add(&a);
    crash(&a);
    let draining = timed(&a, UP);
    a.run(&["done"]).exits(&[0]);

    let moments = if std::env::var_os("KITBAG_FULL").is_some() { 21 } else { 3 };
    let mut in_time = 0;
    for moment in 0..moments {
        let cut = [Cut::Saving, Cut::BringingIn, Cut::Draining][moment % 3];
        let part = chance.below(1_000) as f64 / 1_000.0;
        let (x, y) = if chance.percent(50) { (&a, &b) } else { (&b, &a) };
        let say = format!("seed {seed}, moment {moment}, {cut:?} on {} cut at {part}", x.name);
        let (verb, took): (&[&str], _) = match cut {
            Cut::Saving | Cut::Draining => {
                x.run(UP).exits(&[0]);
                rows.add(x);
                if matches!(cut, Cut::Draining) {
                    crash(x);
                    (UP, draining)
                } else {
                    (&["done"], saving)
                }
            }
            Cut::BringingIn => {
                y.run(UP).exits(&[0]);
                rows.add(y);
                y.run(&["done"]).exits(&[0]);
                (UP, bringing_in)
            }
        };
        let cut_short = kill(x, verb, took.mul_f64(part));
        in_time += usize::from(cut_short);
        eprintln!("{say}: {}", if cut_short { "in time" } else { "too late" });
        // either command may be the next one
        if chance.percent(40) {
            x.run(&["done"]).exits(&[0]);
            assert!(x.things().running.is_empty(), "{say}");
        }
        x.run(UP).exits(&[0]);
        rows.all_on(x, &say);
        assert_eq!(shape(&x.things()), whole, "{say}");
        x.run(&["done"]).exits(&[0]);
        assert!(x.things().running.is_empty(), "{say}");
        assert_eq!(left_dumps(x), [""; 0], "{say}");
        assert_eq!(x.mirror(), x.files(), "{say}");
    }
    assert!(in_time >= moments / 3, "hardly any kill came in time: {in_time}, seed {seed}");
    for machine in [&a, &b] {
        machine.run(UP).exits(&[0]);
        rows.all_on(machine, &format!("seed {seed}, at the end"));
        machine.run(&["done"]).exits(&[0]);
    }
}

/// The computer loses power, as far as its containers are concerned.
fn crash(machine: &Docked) {
    for container in machine.things().running {
        machine.docker(&["kill", &container]);
    }
}
