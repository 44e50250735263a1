//! What a folder holds beside names and bytes: who may run a file, when it was changed, links, empty folders; files
//! that become folders; names the other system cannot have.

use std::fs;
use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::Path;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use crate::machine::{Machine, pair, room};

fn may_run(file: &Path) -> bool {
    fs::metadata(file).unwrap().permissions().mode() & 0o100 != 0
}

fn let_run(file: &Path, run: bool) {
    let mode = if run { 0o755 } else { 0o644 };
    fs::set_permissions(file, fs::Permissions::from_mode(mode)).unwrap();
}

/// Syncs both until neither has anything left to do.
#[track_caller]
pub fn settle(machines: [&Machine; 2]) {
    for machine in machines.into_iter().cycle().take(4) {
        machine.run(&["sync"]).exits(&[0, 4]);
    }
    for machine in machines {
        let report = machine.sync();
        for field in ["published", "received", "merged", "bytes_published", "pending"] {
            assert_eq!(report[field], 0, "{}: {field}: {report:#}", machine.name);
        }
    }
}

/// All folders below one, but the sidecar.
fn folders(root: &Path) -> Vec<String> {
    fn walk(folder: &Path, above: &str, found: &mut Vec<String>) {
        for item in fs::read_dir(folder).unwrap().map(Result::unwrap) {
            let path = format!("{above}{}", item.file_name().to_str().unwrap());
            if item.file_type().unwrap().is_dir() && path != ".kitbag" {
                walk(&item.path(), &format!("{path}/"), found);
                found.push(path);
            }
        }
    }
    let mut found = Vec::new();
    walk(root, "", &mut found);
    found.sort();
    found
}

#[track_caller]
fn all_have(machines: [&Machine; 2], expected: &[&str]) {
    for machine in machines {
        assert_eq!(folders(&machine.work), expected, "{}", machine.name);
    }
    assert_eq!(folders(&machines[0].share), expected, "the cloud folder");
}

/// A file that may be run may be run on the other machine; a changed bit is an edit, merged with an edit of the text;
/// the cloud folder never speaks about it. First tier.
#[test]
fn who_may_run_a_file_follows() {
    let room = room();
    let (a, b) =
        pair(room.path(), &[("run.sh", b"#!/bin/sh\necho 1\necho 2\necho 3\n"), ("data.csv", b"1\n")]);
    let run = |machine: &Machine| may_run(&machine.work.join("run.sh"));
    assert!(!run(&b));
    let_run(&a.work.join("run.sh"), true);
    assert_eq!(a.sync()["published"], 1);
    b.sync();
    assert!(run(&b) && !may_run(&b.work.join("data.csv")));
    settle([&a, &b]);

    // one takes it away, the other edits: both
    let_run(&b.work.join("run.sh"), false);
    a.write("run.sh", "#!/bin/sh\necho 1\necho 2\necho 3\necho 4\n");
    assert!(run(&a), "saving keeps it");
    settle([&a, &b]);
    for machine in [&a, &b] {
        assert!(!run(machine), "{}", machine.name);
        assert!(machine.text("run.sh").ends_with("echo 4\n"));
    }

    // a new file, a change in the cloud folder by a program that sets every bit
    a.write("new.sh", "#!/bin/sh\n");
    let_run(&a.work.join("new.sh"), true);
    settle([&a, &b]);
    assert!(may_run(&b.work.join("new.sh")));
    for name in ["run.sh", "new.sh", "data.csv"] {
        let_run(&a.share.join(name), true);
    }
    fs::write(a.share.join("new.sh"), "#!/bin/sh\nfrom a phone\n").unwrap();
    settle([&a, &b]);
    for machine in [&a, &b] {
        assert!(may_run(&machine.work.join("new.sh")) && !run(machine));
        assert!(!may_run(&machine.work.join("data.csv")));
        assert_eq!(machine.text("new.sh"), "#!/bin/sh\nfrom a phone\n");
    }
}

/// An empty folder follows, is made again where the cloud folder lost it, goes when it is removed, and stays when its
/// last file goes. First tier.
#[test]
fn empty_folders_follow() {
    let room = room();
    let (a, b) = pair(room.path(), &[("notes.txt", b"n\n")]);
    fs::create_dir_all(a.work.join("plan/week 1/drafts")).unwrap();
    fs::create_dir(a.work.join("results")).unwrap();
    assert_eq!(a.sync()["published"], 2, "a folder with folders in it needs no version");
    b.sync();
    settle([&a, &b]);
    all_have([&a, &b], &["plan", "plan/week 1", "plan/week 1/drafts", "results"]);

    // gone from the cloud folder: no question, made again
    fs::remove_dir(a.share.join("results")).unwrap();
    settle([&a, &b]);
    all_have([&a, &b], &["plan", "plan/week 1", "plan/week 1/drafts", "results"]);

    // filled on one machine, and emptied there again
    b.write("results/plot.txt", "p\n");
    settle([&a, &b]);
    assert_eq!(a.text("results/plot.txt"), "p\n");
    b.remove("results/plot.txt");
    settle([&a, &b]);
    all_have([&a, &b], &["plan", "plan/week 1", "plan/week 1/drafts", "results"]);

    // removed on one machine
    fs::remove_dir_all(b.work.join("plan")).unwrap();
    settle([&a, &b]);
    all_have([&a, &b], &["results"]);

    // removed here, filled there: the file stays
    fs::remove_dir(a.work.join("results")).unwrap();
    b.write("results/late.txt", "l\n");
    settle([&a, &b]);
    assert_eq!(a.text("results/late.txt"), "l\n");
    a.remove("results/late.txt");
    fs::remove_dir(a.work.join("results")).unwrap();
    settle([&a, &b]);
    all_have([&a, &b], &[]);
}

/// A tree that is removed on one machine leaves no empty folders anywhere, and none come back; also where the other
/// machine has something in them that is never carried. Both ways. First tier.
#[test]
fn removed_trees_do_not_come_back() {
    let room = room();
    let mut files: Vec<(String, Vec<u8>)> = Vec::new();
    for part in 0..3 {
        for name in ["one.txt", "data/two.csv", "data/raw/deep/er/three.csv"] {
            files.push((format!("Part {part}/{name}"), format!("{part}{name}").into_bytes()));
        }
    }
    files.extend((0..40).map(|n| (format!("keep/{n}.txt"), vec![b'k'; n])));
    let borrowed: Vec<_> = files.iter().map(|(path, bytes)| (path.as_str(), bytes.as_slice())).collect();
    let (a, b) = pair(room.path(), &borrowed);
    fs::create_dir_all(a.work.join("Part 0/empty/too")).unwrap();
    settle([&a, &b]);
    assert!(b.work.join("Part 0/empty/too").is_dir());
    for (part, from, to) in [(0, &a, &b), (1, &b, &a)] {
        let top = format!("Part {part}");
        to.write(&format!("{top}/data/.ipynb_checkpoints/two-checkpoint.csv"), "left to itself");
        fs::remove_dir_all(from.work.join(&top)).unwrap();
        settle([from, to]);
        assert!(!from.work.join(&top).exists() && !from.share.join(&top).exists());
        assert_eq!(
            folders(&to.work.join(&top)),
            ["data", "data/.ipynb_checkpoints"],
            "what is never carried is never removed"
        );
        fs::remove_dir_all(to.work.join(&top)).unwrap();
        settle([from, to]);
    }
    let left = [
        "Part 2",
        "Part 2/data",
        "Part 2/data/raw",
        "Part 2/data/raw/deep",
        "Part 2/data/raw/deep/er",
        "keep",
    ];
    all_have([&a, &b], &left);
}

/// A file's time follows, so that a listing by date makes sense on every machine; a later edit is seen all the same,
/// also one that leaves size and time alone. First tier.
#[test]
fn the_time_of_a_change_follows() {
    let room = room();
    let (a, b) = pair(room.path(), &[("notes.txt", b"n\n")]);
    let at = |seconds: u64| UNIX_EPOCH + Duration::from_secs(seconds);
    let set =
        |file: &Path, time| fs::File::options().write(true).open(file).unwrap().set_modified(time).unwrap();
    let time = |file: &Path| fs::metadata(file).unwrap().modified().unwrap();
    let long_ago = at(1_600_000_000);
    a.write("old.txt", "1\n2\n3\n");
    set(&a.work.join("old.txt"), long_ago);
    a.write("future.txt", "f\n");
    set(&a.work.join("future.txt"), at(4_000_000_000));
    settle([&a, &b]);
    assert_eq!(time(&b.work.join("old.txt")), long_ago);
    assert_eq!(time(&a.share.join("old.txt")), long_ago);
    assert!(time(&b.work.join("future.txt")) <= SystemTime::now(), "no time that is still to come");

    // same size, and the time put back: an edit
    b.write("old.txt", "1\n2\nX\n");
    set(&b.work.join("old.txt"), long_ago);
    settle([&a, &b]);
    assert_eq!((a.text("old.txt"), time(&a.work.join("old.txt"))), ("1\n2\nX\n".into(), long_ago));

    // a merge bears the later time on both
    a.write("old.txt", "A\n1\n2\nX\n");
    set(&a.work.join("old.txt"), at(1_650_000_000));
    b.write("old.txt", "1\n2\nX\nB\n");
    set(&b.work.join("old.txt"), at(1_640_000_000));
    settle([&a, &b]);
    for machine in [&a, &b] {
        assert_eq!(machine.text("old.txt"), "A\n1\n2\nX\nB\n");
        assert_eq!(time(&machine.work.join("old.txt")), at(1_650_000_000), "{}", machine.name);
    }
    // before FAT's beginning of time, and before everybody's
    a.write("older.txt", "o\n");
    set(&a.work.join("older.txt"), UNIX_EPOCH - Duration::from_secs(1_000));
    settle([&a, &b]);
    assert_eq!(time(&b.work.join("older.txt")), at(315_619_200));
}

fn says(machine: &Machine, path: &str) -> Option<String> {
    fs::read_link(machine.work.join(path)).ok().map(|target| target.to_str().unwrap().to_owned())
}

/// A link that leads to a place inside the folder is carried, changed, and removed like a file; it is never put into
/// the cloud folder, and what it leads to is there once. First tier.
#[test]
fn links_inside_the_folder_follow() {
    let room = room();
    let (a, b) =
        pair(room.path(), &[("data/run 1.csv", b"1\n"), ("data/run 2.csv", b"2\n"), ("was.txt", b"w\n")]);
    symlink("run 1.csv", a.work.join("data/latest.csv")).unwrap();
    symlink("data", a.work.join("to folder")).unwrap();
    symlink("../not here yet.csv", a.work.join("data/dangling")).unwrap();
    settle([&a, &b]);
    for (path, target) in
        [("data/latest.csv", "run 1.csv"), ("to folder", "data"), ("data/dangling", "../not here yet.csv")]
    {
        assert_eq!(says(&b, path).as_deref(), Some(target));
    }
    assert_eq!(a.mirror().0.keys().collect::<Vec<_>>(), ["data/run 1.csv", "data/run 2.csv", "was.txt"]);
    assert!(fs::symlink_metadata(a.share.join("to folder")).is_err());

    // led elsewhere, removed, in the place of a file, and a file in the place of one
    b.remove("data/latest.csv");
    symlink("run 2.csv", b.work.join("data/latest.csv")).unwrap();
    b.remove("data/dangling");
    b.remove("was.txt");
    symlink("data/run 2.csv", b.work.join("was.txt")).unwrap();
    b.remove("to folder");
    b.write("to folder", "a file now\n");
    settle([&a, &b]);
    assert_eq!(says(&a, "data/latest.csv").as_deref(), Some("run 2.csv"));
    assert_eq!(says(&a, "was.txt").as_deref(), Some("data/run 2.csv"));
    assert!(fs::symlink_metadata(a.work.join("data/dangling")).is_err());
    assert_eq!(a.text("to folder"), "a file now\n");
    assert!(!a.mirror().0.contains_key("was.txt"), "{:?}", a.mirror());
    assert_eq!(a.mirror().0["to folder"], b"a file now\n");

    // both led elsewhere: asked about, kept whole
    for (machine, target) in [(&a, "data/run 1.csv"), (&b, "data/latest.csv")] {
        machine.remove("was.txt");
        symlink(target, machine.work.join("was.txt")).unwrap();
    }
    for machine in [&a, &b, &a] {
        machine.run(&["sync"]).exits(&[0, 3]);
    }
    assert_eq!(b.conflicts()["conflicts"][0]["path"], "was.txt");
    assert_eq!(says(&b, "was.txt").as_deref(), Some("data/latest.csv"));
    b.run(&["resolve", "was.txt", "--keep", "both"]).exits(&[0]);
    settle([&a, &b]);
    assert_eq!(says(&a, "was.txt").as_deref(), Some("data/latest.csv"));
    assert_eq!(says(&a, "was (HOME-PC).txt").as_deref(), Some("data/run 1.csv"));
}

/// A link that leads out of the folder, in a circle, or through another one to the outside is told about and left
/// alone; it is no removal of what stood there. First tier.
#[test]
fn links_that_lead_elsewhere_are_left_alone() {
    let room = room();
    let (a, b) = pair(room.path(), &[("notes.txt", b"n\n"), ("d/was.txt", b"w\n")]);
    let outside = room.path().join("outside");
    fs::create_dir(&outside).unwrap();
    fs::write(outside.join("secret.txt"), "secret").unwrap();
    let links = [
        ("out", outside.to_str().unwrap()),
        ("up", "../../outside/secret.txt"),
        ("through", "out/secret.txt"),
        ("one", "two"),
        ("two", "one"),
        ("d/above", ".."),
        ("d/self", "self"),
        ("own", ".kitbag-folder"),
        ("d/winding", "x/../../notes.txt"),
    ];
    for (path, target) in links {
        symlink(target, a.work.join(path)).unwrap();
    }
    a.remove("d/was.txt");
    symlink("/etc/hostname", a.work.join("d/was.txt")).unwrap();
    for _ in 0..2 {
        let report = a.sync();
        let told: Vec<_> =
            report["problems"].as_array().unwrap().iter().map(|p| p["path"].as_str().unwrap()).collect();
        for (path, _) in links {
            assert!(told.contains(&path), "{path}: {report:#}");
        }
        assert!(told.contains(&"d/was.txt"));
    }
    b.sync();
    assert_eq!(b.files().0.len(), 2);
    assert_eq!(b.text("d/was.txt"), "w\n");
    for (path, _) in links {
        assert!(says(&b, path).is_none() && says(&a, path).is_some());
    }
}
