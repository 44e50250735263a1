//! A folder that only makes sense whole, such as an OpenRefine project, as its student meets it: it arrives whole or
//! not at all, half a delivery is no version of it, and when both machines changed it there is one question about the
//! folder, not one about each of its files.

use std::fs;
use std::path::Path;

use serde_json::Value;

use crate::course::setup_with;
use crate::machine::{Machine, room, tree, write};

const COURSE: &str = r#"
id = "refine"
title = "Cleaning data"
version = "1"

[[unit]]
path = "projects/*.project"
"#;

const PROJECT: &str = "projects/17.project";

/// Two machines with a course that has units; the first has a project of three files.
fn pair(root: &Path) -> (Machine, Machine) {
    pair_with(root, &root.join("share"), &root.join("share"))
}

fn pair_with(root: &Path, at_a: &Path, at_b: &Path) -> (Machine, Machine) {
    let course = root.join("course");
    write(&course.join("course.toml"), COURSE);
    let (a, b) = (Machine::new(root, "HOME-PC", at_a), Machine::new(root, "WORK-PC", at_b));
    setup_with(&a, &course).exits(&[0]);
    for (name, text) in
        [("metadata.json", "{\"v\":1}\n"), ("data/rows", "1\n2\n"), ("history/1.json", "{}\n")]
    {
        a.write(&format!("{PROJECT}/{name}"), text);
    }
    a.write("projects/workspace.json", "{}\n");
    a.sync();
    (a, b)
}

fn change(machine: &Machine, who: &str) {
    machine.write(&format!("{PROJECT}/metadata.json"), format!("{{\"by\":\"{who}\"}}\n"));
    machine.write(&format!("{PROJECT}/data/rows"), format!("1\n2\n{who}\n"));
    machine.write(&format!("{PROJECT}/history/{who}.json"), "{}\n");
}

/// Shows F24: a project travels as one thing, changes and removal too, and its files can be found in the cloud folder
/// as they are. First tier.
#[test]
fn a_project_travels_whole() {
    let room = room();
    let (a, b) = pair(room.path());
    b.setup().exits(&[0]);
    assert_eq!(a.files(), b.files());
    assert_eq!(a.mirror(), a.files());
    change(&b, "b");
    b.remove(&format!("{PROJECT}/history/1.json"));
    assert_eq!(b.sync()["published"], 1, "one version of one thing");
    assert_eq!(a.sync()["received"], 1);
    assert_eq!((a.files(), a.mirror()), (b.files(), b.files()));
    assert_eq!(a.sync()["published"], 0);
    fs::remove_dir_all(a.work.join(PROJECT)).unwrap();
    a.sync();
    b.sync();
    b.sync();
    assert!(!b.work.join(PROJECT).exists() && !b.share.join(PROJECT).exists());
    assert_eq!(a.files(), b.files());
}

/// Shows F24: a project that the course itself brings begins as single files and goes on as one thing, also on a machine
/// that joins later or gets its history before the rest. First tier.
#[test]
fn a_project_of_the_course_travels_whole() {
    let room = room();
    let course = room.path().join("course");
    write(&course.join("course.toml"), format!("{COURSE}[[seed]]\nfrom = \"projects\"\nto = \"projects\"\n"));
    write(&course.join(PROJECT).join("metadata.json"), "{\"v\":1}\n");
    write(&course.join(PROJECT).join("data/rows"), "1\n2\n");
    let share = room.path().join("share");
    let (a, b) = (Machine::new(room.path(), "HOME-PC", &share), Machine::new(room.path(), "WORK-PC", &share));
    setup_with(&a, &course).exits(&[0]);
    a.run(&["up", "--no-open"]).exits(&[0]);
    a.run(&["done"]).exits(&[0]);
    b.setup().exits(&[0]);
    assert_eq!(tree(&b.work.join(PROJECT)), tree(&course.join(PROJECT)));
    assert_eq!((a.files(), b.mirror()), (b.files(), b.files()));
    change(&b, "b");
    b.remove(&format!("{PROJECT}/data/rows"));
    assert_eq!(b.sync()["published"], 1, "one version of one thing");
    a.run(&["up", "--no-open"]).exits(&[0]);
    assert_eq!(a.files(), b.files());
    for machine in [&a, &b] {
        let report = machine.sync();
        assert_eq!((&report["pending"], &report["problems"]), (&0.into(), &Value::Array(vec![])), "{report}");
    }
    let late = Machine::new(room.path(), "THIRD-PC", &room.path().join("late"));
    copy(&share.join(".kitbag"), &late.share.join(".kitbag"));
    late.setup().exits(&[0, 4]);
    assert_eq!(late.files(), a.files());
}

/// Shows F24 and F3: both changed the project: one question, each machine goes on with its own, and "both" puts the
/// other whole beside it. First tier.
#[test]
fn changed_on_both_machines_it_is_one_question() {
    let room = room();
    let (a, b) = pair(room.path());
    b.setup().exits(&[0]);
    change(&a, "a");
    change(&b, "b");
    let (mine, theirs) = (tree(&a.work.join(PROJECT)), tree(&b.work.join(PROJECT)));
    a.sync();
    b.run(&["sync"]).exits(&[3]);
    a.run(&["sync"]).exits(&[3]);
    let open = a.conflicts();
    assert_eq!(open["conflicts"].as_array().unwrap().len(), 1);
    assert_eq!(
        (&open["conflicts"][0]["path"], &open["conflicts"][0]["kind"]),
        (&PROJECT.into(), &"unit".into())
    );
    assert_eq!((tree(&a.work.join(PROJECT)), tree(&b.work.join(PROJECT))), (mine.clone(), theirs.clone()));
    a.run(&["resolve", PROJECT, "--keep", "both"]).exits(&[0]);
    for machine in [&b, &a, &b] {
        machine.sync();
    }
    assert_eq!(a.files(), b.files());
    assert_eq!(tree(&a.work.join(PROJECT)), mine);
    assert_eq!(tree(&a.work.join("projects/17 (WORK-PC).project")), theirs);
    assert_eq!(a.conflicts()["conflicts"], Value::Array(vec![]));
}

/// Shows F24: what a cloud program has delivered of a project so far is no version of it, whatever order its files
/// come in and however long it takes. First tier.
#[test]
fn half_a_delivery_is_no_version() {
    let room = room();
    let (at_a, at_b) = (room.path().join("cloud a"), room.path().join("cloud b"));
    let (a, b) = pair_with(room.path(), &at_a, &at_b);
    copy(&at_a, &at_b);
    b.setup().exits(&[0]);
    let old = b.files();
    change(&a, "a");
    a.sync();
    // one file of the folder comes first, everything else later
    let first = format!("{PROJECT}/data/rows");
    fs::copy(at_a.join(&first), at_b.join(&first)).unwrap();
    for _ in 0..2 {
        b.run(&["sync"]).exits(&[0, 4]);
        assert_eq!(b.files(), old, "half of it is not shown");
    }
    copy(&at_a.join(".kitbag"), &at_b.join(".kitbag"));
    b.run(&["sync"]).exits(&[0, 4]);
    assert_eq!(b.files(), a.files(), "history has it whole");
    copy(&at_a, &at_b);
    let report = b.sync();
    assert_eq!((&report["conflicts"], &report["published"]), (&0.into(), &0.into()));
    assert_eq!(b.mirror(), a.files());
}

/// Shows F24: a project that holds something that is not carried stays where it is and is told, and is never taken for
/// removed. First tier.
#[cfg(unix)]
#[test]
fn a_project_that_is_not_whole_waits() {
    let room = room();
    let (a, b) = pair(room.path());
    b.setup().exits(&[0]);
    std::os::unix::fs::symlink("/etc/passwd", a.work.join(PROJECT).join("link")).unwrap();
    let report = a.run(&["--json", "sync"]).exits(&[0, 4]).json();
    let told = report["problems"].as_array().unwrap();
    assert!(told.iter().any(|p| p["path"] == PROJECT), "{report:#}");
    b.sync();
    assert!(b.work.join(PROJECT).join("metadata.json").exists());
    fs::remove_file(a.work.join(PROJECT).join("link")).unwrap();
    change(&a, "a");
    a.sync();
    b.sync();
    assert_eq!(a.files(), b.files());
}

fn copy(from: &Path, to: &Path) {
    for (path, bytes) in tree(from).0.into_iter().filter(|(path, _)| !path.contains(".~kitbag-")) {
        write(&to.join(path), bytes);
    }
}
