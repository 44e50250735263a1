//! One student, two computers, the reference course in both of its packagings: one container for all, and linked ones
//! by the words of course.toml's own comment. A notebook, the table it made and an OpenRefine project go to and fro; the
//! two environments never mix; a fresh one has the same work; what the course itself checks passes in it.

use std::collections::BTreeSet;
use std::fs::{self, File};
use std::path::{Path, PathBuf};

use serde_json::Value;

use super::lab::{Docked, Things, course_image, data_course, turn};
use super::refine::{self, Refine};
use crate::course::{environment, setup_with};
use crate::machine::{Files, copy, room, tree, write};

const NOTEBOOK: &str = "notebooks/mine.ipynb";

/// Finds the database as any program does, leaves a table there, and shows what is in it.
const CELLS: [&str; 2] = [
    "import os, psycopg\nhere = psycopg.connect(os.environ['KITBAG_POSTGRES_URL'], autocommit=True)",
    "here.execute(\"CREATE TABLE IF NOT EXISTS mine AS SELECT 'home' AS place, count(*) AS n FROM city.counts\")\n\
     print(here.execute('SELECT place, n FROM mine').fetchall())",
];

/// Whether this is the second tier, which may take longer.
fn full() -> bool {
    std::env::var_os("KITBAG_FULL").is_some()
}

/// The course with linked containers: its course.toml changed as its own comment says, and TEAM.md with it.
fn linked(room: &Path) -> PathBuf {
    let course = room.join("linked course");
    copy(&data_course(), &course);
    let manifest = fs::read_to_string(course.join("course.toml")).unwrap();
    let begins = |line: &&str| !line.starts_with("# One container with everything.");
    let comment: Vec<&str> =
        manifest.lines().skip_while(begins).take_while(|line| line.starts_with('#')).collect();
    assert!(comment[0].ends_with("in place of image, build, mounts, ports and environment:"), "{comment:?}");
    let words: Vec<&str> = comment.iter().filter_map(|line| line.strip_prefix("#   ")).collect();
    let [compose, inside, url] = words[..] else { panic!("another comment: {comment:?}") };
    let team = fs::read_to_string(course.join("TEAM.md")).unwrap();
    assert!([compose, inside, url].iter().all(|line| team.contains(line)), "TEAM.md says something else");

    let (before, block) = manifest.split_once("[backend.docker]\n").unwrap();
    let (keys, rest) = block.split_once("\n[").unwrap();
    let keys: Vec<&str> = keys.lines().filter_map(|line| Some(line.split_once(" = ")?.0)).collect();
    assert_eq!(keys, ["image", "build", "mounts", "ports"], "what the comment replaces");
    assert!(rest.starts_with("backend.docker.environment]") && !rest.contains("\n["), "{rest}");
    let lines = before.lines().map(|line| match line {
        line if line.starts_with("inside = ") => inside,
        line if line.starts_with("url = ") => url,
        line => line,
    });
    let lines: Vec<&str> = lines.chain(["[backend.docker]", compose, ""]).collect();
    write(&course.join("course.toml"), lines.join("\n"));
    course
}

/// What the engine has of each machine is its own, and so is what is mounted in it and what it is connected to.
#[track_caller]
fn apart(a: &Docked, b: &Docked) {
    let (of_a, of_b) = (a.things(), b.things());
    let disjoint = |get: fn(&Things) -> &BTreeSet<String>| get(&of_a).is_disjoint(get(&of_b));
    assert!(disjoint(|things| &things.containers), "{of_a:?} {of_b:?}");
    assert!(disjoint(|things| &things.volumes), "{of_a:?} {of_b:?}");
    assert!(disjoint(|things| &things.networks), "{of_a:?} {of_b:?}");
    for (machine, own) in [(a, of_a), (b, of_b)] {
        for container in &own.containers {
            let about: Value = serde_json::from_str(&machine.docker(&["inspect", container])).unwrap();
            for mount in about[0]["Mounts"].as_array().unwrap() {
                let ours = match mount["Type"].as_str().unwrap() {
                    "bind" => Path::new(mount["Source"].as_str().unwrap()).starts_with(&machine.work),
                    _ => own.volumes.contains(mount["Name"].as_str().unwrap()),
                };
                assert!(ours, "{} has {mount:#}", machine.name);
            }
            let networks = about[0]["NetworkSettings"]["Networks"].as_object().unwrap();
            let alone = own.networks.is_empty();
            for network in networks.keys() {
                assert!(
                    own.networks.contains(network) || alone && network == "bridge",
                    "{container}: {network}"
                );
            }
        }
    }
}

/// The files of the course's OpenRefine project.
fn project(machine: &Docked) -> Files {
    tree(&machine.work.join(refine::FOLDER))
}

/// What the notebook says it printed last.
#[track_caller]
fn printed(machine: &Docked) -> String {
    let notebook = machine.jupyter().notebook(NOTEBOOK);
    let output = &notebook["cells"][1]["outputs"][0]["text"];
    output.as_str().unwrap_or_else(|| panic!("{notebook:#}")).to_owned()
}

/// The course's own check, run in the environment that kitbag made as its TEAM.md says: all notebooks in the second tier,
/// one that asks the database in the first; the services in both.
#[track_caller]
fn checks(machine: &Docked) {
    let line = "kitbag exec notebooks -- runuser -u student -- python3 - /opt/course <make/check.py";
    let team = fs::read_to_string(data_course().join("TEAM.md")).unwrap();
    assert!(team.contains(&format!("\n    {line}\n")), "TEAM.md has another line than {line}");
    let (line, script) = line.split_once(" <").unwrap();
    let mut words: Vec<&str> = line.split(' ').skip(1).collect();
    if !full() {
        words.push("05");
    }
    let script = File::open(data_course().join(script)).unwrap();
    let ran = machine.command(&words).stdin(script).output().unwrap();
    let said = String::from_utf8_lossy(&ran.stdout);
    assert!(ran.status.success(), "{said}\n{}", String::from_utf8_lossy(&ran.stderr));
    assert!(said.contains("ok      notebook server, OpenRefine and nbdime"), "{said}");
    let last = if full() {
        "8 notebooks, 32 exercises, 0 failures\n"
    } else {
        "1 notebooks, 4 exercises, 0 failures\n"
    };
    assert!(said.ends_with(last), "{said}");
}

fn to_and_fro(room: &Path, course: &Path, containers: usize, resets: usize) {
    let share = room.join("share");
    let (a, b) = (Docked::new(room, "HOME-PC", &share), Docked::new(room, "WORK-PC", &share));
    setup_with(&a, course).exits(&[0]);
    a.up();
    assert_eq!(environment(&a)["backend"], "docker");
    assert_eq!(a.things().running.len(), containers, "{:?}", a.things());
    let home = a.jupyter();
    home.save_cells(NOTEBOOK, &CELLS);
    assert_eq!(home.run(NOTEBOOK), "[('home', 240217)]\n");
    checks(&a);
    // edited a moment before the end: OpenRefine itself writes only once a minute, and when it is ended
    let refine = Refine::of(&a);
    let streets: Vec<String> = refine.column("street").iter().map(|street| street.to_uppercase()).collect();
    refine.transform("street", "grel:value.toUppercase()");
    assert_eq!(refine.column("street"), streets);
    a.done();

    b.setup().exits(&[0]);
    apart(&a, &b);
    b.up();
    apart(&a, &b);
    assert_eq!(project(&b), project(&a));
    assert_eq!(b.sql("SELECT place, n FROM mine"), "home|240217");
    assert_eq!(printed(&b), "[('home', 240217)]\n");
    let refine = Refine::of(&b);
    assert_eq!((refine.column("street"), refine.steps().len()), (streets.clone(), 1));
    b.sql("UPDATE mine SET place = 'work'");
    assert_eq!(b.jupyter().run(NOTEBOOK), "[('work', 240217)]\n");
    refine.transform("kind", "grel:value + ' (seen)'");
    let kinds = refine.column("kind");
    assert!(kinds.iter().all(|kind| kind.ends_with(" (seen)")), "{kinds:?}");
    b.done();
    apart(&a, &b);

    // and back, where nothing is changed
    a.up();
    let same = |machine: &Docked, when: usize| {
        assert_eq!(machine.sql("SELECT place, n FROM mine"), "work|240217", "after {when} resets");
        assert_eq!(printed(machine), "[('work', 240217)]\n", "after {when} resets");
        assert_eq!(project(machine), project(&b), "after {when} resets");
    };
    same(&a, 0);
    let said = a.done();
    assert_eq!(said["sync"]["published"], 0, "nothing was changed: {said:#}");

    if resets == 0 {
        return;
    }
    let things = a.things();
    for turn in 1..=resets {
        let before = a.numbers();
        a.run(&["--yes", "reset", "--no-open"]).exits(&[0]);
        assert!(a.numbers().is_disjoint(&before), "made afresh");
        assert_eq!(a.things().running, a.things().containers);
        assert_eq!(Things { running: BTreeSet::new(), ..a.things() }, things, "one environment");
        same(&a, turn);
    }
    apart(&a, &b);
    // last, since opening a project is a change to OpenRefine
    let refine = Refine::of(&a);
    assert_eq!((refine.column("street"), refine.column("kind")), (streets, kinds));
    assert_eq!(refine.steps().len(), 2);
    a.done();
}

/// Shows, with the reference course in one container: a notebook run by Jupyter's own API writes a table, and with its
/// outputs it follows the student to the other machine and back; so does an OpenRefine project edited a moment before
/// `done`; containers and volumes of the two never mix; `done` leaves nothing running, and publishes nothing where
/// nothing was changed; `reset`, twice, leaves one environment and the same work. First tier.
#[test]
fn to_and_fro_in_one_container() {
    if !course_image() {
        return;
    }
    let _turn = turn();
    let room = room();
    to_and_fro(room.path(), &data_course(), 1, 2);
}

/// Shows the same with the same course in three linked containers, by the words of its own comment. First tier; both
/// `reset`s are in the second.
#[test]
fn to_and_fro_in_linked_containers() {
    if !course_image() {
        return;
    }
    let _turn = turn();
    let room = room();
    let resets = if full() { 2 } else { 0 };
    to_and_fro(room.path(), &linked(room.path()), 3, resets);
}
