//! A course follows its student: brought in once on the first machine, found in the cloud folder by the next, with
//! notebooks, notes and the database as they were left. Nothing of a machine's environment travels with them. Two
//! machines may be set up with the course before they meet; a start over, a crash and a broken course lose nothing.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use rusqlite::Connection;
use serde_json::Value;

use crate::machine::{Files, Machine, Ran, room, tree, write};

const NOTEBOOK: &str = "notebooks/01 Looking at data.ipynb";
const LAST: &str = "notebooks/05 A short report.ipynb";
const DUMP: &str = "backups/library/library.dump";

/// The example course.
fn hello() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../examples/hello-course")
}

/// `setup --course`.
#[track_caller]
pub fn setup_with(machine: &Machine, course: &Path) -> Ran {
    let (share, work) = (machine.share.to_str().unwrap(), machine.work.to_str().unwrap());
    let course = course.to_str().unwrap();
    machine.run(&["setup", "--share", share, "--work", work, "--machine", &machine.name, "--course", course])
}

#[track_caller]
fn up(machine: &Machine) -> Value {
    machine.run(&["--json", "up", "--no-open"]).exits(&[0]).json()
}

#[track_caller]
fn done(machine: &Machine) {
    machine.run(&["done"]).exits(&[0]);
}

/// What `status` says of the environment, whatever else is open.
#[track_caller]
pub fn environment(machine: &Machine) -> Value {
    machine.run(&["--json", "status"]).exits(&[0, 3, 4]).json()["environment"].clone()
}

/// What `status` says of one service.
#[track_caller]
pub fn service(machine: &Machine, name: &str) -> Value {
    let environment = environment(machine);
    let services = environment["services"].as_array().unwrap();
    services.iter().find(|one| one["name"] == name).unwrap_or_else(|| panic!("{environment:#}")).clone()
}

/// A database, opened where `status` says it is.
#[track_caller]
pub fn database(machine: &Machine, name: &str) -> Connection {
    let service = service(machine, name);
    let file = service["url"].as_str().and_then(|url| url.strip_prefix("sqlite:")).unwrap();
    assert!(Path::new(file).is_file(), "{file}");
    Connection::open(file).unwrap()
}

fn set_title(machine: &Machine, book: &str, title: &str) {
    let sql = "UPDATE books SET title = ?2 WHERE book_id = ?1";
    assert_eq!(database(machine, "library").execute(sql, [book, title]).unwrap(), 1);
}

fn title(machine: &Machine, book: &str) -> String {
    let sql = "SELECT title FROM books WHERE book_id = ?1";
    database(machine, "library").query_row(sql, [book], |row| row.get(0)).unwrap()
}

/// Replace some text of a file as an editor would.
fn edit(machine: &Machine, path: &str, from: &str, to: &str) {
    let text = machine.text(path);
    assert!(text.contains(from), "{path} has no {from:?}");
    machine.write(path, text.replace(from, to));
}

/// All files of a folder with hidden ones: one line of their names for messages.
fn names(files: &Files) -> Vec<&str> {
    files.0.keys().map(String::as_str).collect()
}

fn contains(bytes: &[u8], text: &str) -> bool {
    bytes.windows(text.len()).any(|window| window == text.as_bytes())
}

/// Nothing of a machine's environment is in the share: no database, no pid, no access token, no address.
fn nothing_of_a_machine(share: &Path, machines: &[&Machine]) {
    let files = tree(share);
    assert!(files.0.contains_key(DUMP), "{:?}", names(&files));
    let own = [".sqlite", ".sqlite-wal", ".sqlite-journal", ".pid", ".log", ".port", "token"];
    for path in files.0.keys() {
        assert!(!own.iter().any(|end| path.to_lowercase().ends_with(end)), "{path} is a machine's own");
    }
    for machine in machines {
        let token = tree(&machine.home).0.into_iter().find(|(path, _)| path.ends_with("/token"));
        let token = String::from_utf8(token.unwrap().1).unwrap();
        assert!(token.trim().len() >= 32, "an access token: {token:?}");
        let state = machine.home.to_str().unwrap();
        for (path, bytes) in &files.0 {
            for word in [token.trim(), state, "library.sqlite", "sqlite:/"] {
                assert!(!contains(bytes, word), "{path} in the share holds {word}");
            }
        }
    }
}

/// Shows F1 and F2 (work follows the student, the environment does not): a notebook, a text file and a database
/// changed at home are there at work and the other way round; the second machine is told nothing but its two folders;
/// the share holds nothing of either machine. First tier.
#[test]
fn a_course_follows_its_student() {
    let room = room();
    let share = room.path().join("share");
    let (a, b) = (Machine::new(room.path(), "HOME-PC", &share), Machine::new(room.path(), "WORK-PC", &share));
    setup_with(&a, &hello()).exits(&[0]);
    up(&a);
    edit(&a, NOTEBOOK, "\"metadata\": {}", "\"metadata\": {\"seen\": true}");
    a.write("notes.txt", "from home\n");
    set_title(&a, "B001", "Middlemarch, at home");
    done(&a);
    assert!(contains(&tree(&share).0[DUMP], "Middlemarch, at home"));
    nothing_of_a_machine(&share, &[&a]);

    b.setup().exits(&[0]);
    assert_eq!(b.files(), a.files());
    assert_eq!(b.text("notes.txt"), "from home\n");
    assert!(b.text(NOTEBOOK).contains("seen"));
    assert_eq!(service(&b, "library")["url"], Value::Null, "a database is made by `up`");
    // what the course says about files counts before the first start too
    b.write("mine.log", "not carried");
    b.sync();
    assert!(!b.mirror().0.contains_key("mine.log"));
    b.remove("mine.log");
    up(&b);
    assert_eq!(title(&b, "B001"), "Middlemarch, at home");
    edit(&b, NOTEBOOK, "seen", "seen_at_work");
    b.write("notes.txt", "from home\nfrom work\n");
    set_title(&b, "B002", "Silas Marner, at work");
    done(&b);

    let said = up(&a);
    assert!(said["notes"].to_string().contains("library"), "a restored database is said: {said}");
    assert_eq!(
        (title(&a, "B001"), title(&a, "B002")),
        ("Middlemarch, at home".into(), "Silas Marner, at work".into())
    );
    assert_eq!(a.text("notes.txt"), "from home\nfrom work\n");
    assert!(a.text(NOTEBOOK).contains("seen_at_work"));
    done(&a);
    assert_eq!((a.files(), a.mirror()), (b.files(), b.files()));
    nothing_of_a_machine(&share, &[&a, &b]);
}

/// Shows F3 for databases: a start that was never ended loses nothing; what two machines changed is one question with
/// both sides kept, and the answer is what the next start brings. First tier.
#[test]
fn databases_survive_a_crash_and_a_conflict() {
    let room = room();
    let share = room.path().join("share");
    let (a, b) = (Machine::new(room.path(), "HOME-PC", &share), Machine::new(room.path(), "WORK-PC", &share));
    setup_with(&a, &hello()).exits(&[0]);
    up(&a);
    set_title(&a, "B001", "kept after a crash");
    up(&a);
    assert_eq!(title(&a, "B001"), "kept after a crash");
    assert!(contains(&tree(&share).0[DUMP], "kept after a crash"), "`up` puts it away first");

    b.setup().exits(&[0]);
    up(&b);
    assert_eq!(title(&b, "B001"), "kept after a crash");
    set_title(&a, "B002", "by A");
    set_title(&b, "B002", "by B");
    done(&a);
    b.run(&["up", "--no-open"]).exits(&[3]);
    assert_eq!(title(&b, "B002"), "by B");
    let said = a.run(&["--json", "up", "--no-open"]).exits(&[3]).json();
    assert!(said["notes"].to_string().contains(&format!("kitbag resolve {DUMP}")), "{said}");
    assert_eq!(title(&a, "B002"), "by A");
    for machine in [&a, &b] {
        let open = machine.conflicts();
        let open = open["conflicts"].as_array().unwrap();
        assert_eq!(open.len(), 1, "{open:?}");
        assert_eq!((&open[0]["path"], &open[0]["kind"]), (&DUMP.into(), &"database".into()));
        let names: BTreeSet<_> = open[0]["sides"]
            .as_array()
            .unwrap()
            .iter()
            .map(|side| side["machine"].as_str().unwrap())
            .collect();
        assert_eq!(names, BTreeSet::from(["HOME-PC", "WORK-PC"]));
    }
    a.run(&["resolve", DUMP, "--keep", "other"]).exits(&[0]);
    up(&a);
    up(&b);
    assert_eq!((title(&a, "B002"), title(&b, "B002")), ("by B".into(), "by B".into()));
    assert_eq!(title(&a, "B001"), "kept after a crash");
    done(&a);
    done(&b);
    a.sync();
    for machine in [&a, &b] {
        assert_eq!(machine.conflicts()["conflicts"], Value::Array(vec![]));
    }
    assert_eq!(a.files(), b.files());
}

/// As a provider that joins two folders: what one has and the other has not is copied.
fn copy_missing(from: &Path, to: &Path) {
    let there = tree(to);
    for (path, bytes) in tree(from).0 {
        if !there.0.contains_key(&path) {
            write(&to.join(path), bytes);
        }
    }
}

/// Shows the seeds' promises: two machines that bring the course in before they meet have one copy of each file and no
/// question, their first databases too; a removed seed stays removed and an edited one stays as it is. First tier.
#[test]
fn two_machines_bring_the_course_in_before_they_meet() {
    let room = room();
    let (at_a, at_b) = (room.path().join("share-a"), room.path().join("share-b"));
    let (a, b) = (Machine::new(room.path(), "HOME-PC", &at_a), Machine::new(room.path(), "WORK-PC", &at_b));
    for machine in [&a, &b] {
        setup_with(machine, &hello()).exits(&[0]);
        up(machine);
        done(machine);
    }
    let alone = a.files();
    for seeds in ["notebooks", "data", "utilities"] {
        for (name, bytes) in tree(&hello().join(seeds)).0 {
            assert_eq!(alone.0.get(&format!("{seeds}/{name}")), Some(&bytes), "{seeds}/{name}");
        }
    }
    let both_ways = || {
        copy_missing(&at_a, &at_b);
        copy_missing(&at_b, &at_a);
    };
    for _ in 0..2 {
        both_ways();
        a.sync();
        b.sync();
    }
    for machine in [&a, &b] {
        assert_eq!(machine.files(), alone, "one copy of each");
        assert_eq!(machine.mirror(), alone);
        assert_eq!(machine.conflicts()["conflicts"], Value::Array(vec![]));
    }

    a.remove(LAST);
    a.write("utilities/library.py", "# mine\n");
    a.sync();
    up(&a);
    assert_eq!((a.read(LAST), a.text("utilities/library.py")), (None, "# mine\n".into()));
    assert!(!a.mirror().0.contains_key(LAST));
    done(&a);
    up(&a);
    assert_eq!((a.read(LAST), a.text("utilities/library.py")), (None, "# mine\n".into()));
    assert_eq!(a.files().0.len(), alone.0.len() - 1);
    // bringing the same course in again, where it is set up already, changes nothing
    setup_with(&a, &hello()).exits(&[0]);
    assert_eq!((a.read(LAST), a.text("utilities/library.py")), (None, "# mine\n".into()));
    assert_eq!((a.read(LAST), a.text("utilities/library.py")), (None, "# mine\n".into()));
}

/// Shows the contract of `status --json` for an environment: every field before the first start, with what is not
/// known null; after it, what runs and where; an optional program that is not on this computer is said. First tier.
#[test]
fn status_tells_of_the_environment() {
    let room = room();
    let a = Machine::new(room.path(), "HOME-PC", &room.path().join("share"));
    setup_with(&a, &hello()).exits(&[0]);
    let before = environment(&a);
    assert_eq!((before.get("backend"), &before["state"]), (Some(&Value::Null), &"stopped".into()));
    let services = before["services"].as_array().unwrap();
    assert_eq!(services.len(), 2, "{before:#}");
    for (service, name, kind) in [(&services[0], "library", "sqlite"), (&services[1], "notebooks", "program")]
    {
        assert_eq!((&service["name"], &service["kind"]), (&name.into(), &kind.into()));
        assert_eq!(service.get("url"), Some(&Value::Null), "{service}");
        assert!(service["state"].is_string(), "{service}");
    }
    let said = up(&a);
    let after = environment(&a);
    assert_eq!((&after["backend"], &after["state"]), (&"local".into(), &"running".into()));
    assert_eq!(after["services"], said["services"]);
    let library = service(&a, "library");
    assert_eq!((&library["state"], &library["kind"]), (&"ready".into(), &"sqlite".into()));
    assert!(library["url"].as_str().unwrap().starts_with("sqlite:"), "{library}");
    let jupyter = service(&a, "notebooks");
    assert!(jupyter["url"].is_null() && jupyter["state"] != "running", "nobody allowed it: {jupyter}");
    done(&a);
    assert_eq!(environment(&a)["state"], "stopped");
    let rows = |machine: &Machine| -> i64 {
        database(machine, "library").query_row("SELECT count(*) FROM books", [], |row| row.get(0)).unwrap()
    };
    let csv = fs::read_to_string(hello().join("data/books.csv")).unwrap();
    assert_eq!(rows(&a), csv.lines().count() as i64 - 1, "the database is still shown, with all its rows");
}

/// Shows what course teams are promised: a mistake is told with file, line and remedy, and nothing is made of a broken
/// course: no state, no share. First tier.
#[test]
fn a_broken_course_makes_nothing() {
    let room = room();
    let a = Machine::new(room.path(), "HOME-PC", &room.path().join("share"));
    let course = room.path().join("broken");
    write(&course.join("course.toml"), "id = \"broken\"\ntitle = \"Broken\"\nversoin = \"1\"\n");
    let folder = course.to_str().unwrap();
    let check = a.run(&["course", "check", folder]).exits(&[1]);
    for words in ["course.toml, line 3", "versoin", "Did you mean `version`?"] {
        assert!(check.stdout.contains(words), "{words:?} is missing: {check:#?}");
    }
    let check = a.run(&["--json", "course", "check", folder]).exits(&[1]).json();
    let problems = check["problems"].as_array().unwrap();
    assert!(
        problems.iter().any(|one| (&one["file"], &one["line"]) == (&"course.toml".into(), &3.into())),
        "{check}"
    );

    let missing = room.path().join("nowhere");
    for (folder, words) in [(&course, "line 3"), (&missing, "nowhere")] {
        setup_with(&a, folder).exits(&[1]).explains(&[words]);
        for made in [&a.home, &a.share, &a.work] {
            assert!(!made.exists(), "{} was made for {words}", made.display());
        }
    }
    a.run(&["course", "check", missing.to_str().unwrap()]).exits(&[1]).explains(&["nowhere"]);

    // mended, it is brought in
    write(&course.join("course.toml"), "id = \"broken\"\ntitle = \"Broken\"\nversion = \"1\"\n");
    a.run(&["course", "check", folder]).exits(&[0]);
    setup_with(&a, &course).exits(&[0]);
    up(&a);
    done(&a);
}

/// Shows the tour's promise: it ends well, in under a minute, and leaves nothing behind. First tier.
#[test]
fn the_tour_ends_well_and_leaves_nothing() {
    let room = room();
    let a = Machine::new(room.path(), "HOME-PC", &room.path().join("share"));
    let temp = room.path().join("temp");
    fs::create_dir(&temp).unwrap();
    let before = tree(room.path());
    let mut command = a.command(&["demo"]);
    for variable in ["TMPDIR", "TEMP", "TMP"] {
        command.env(variable, &temp);
    }
    let began = Instant::now();
    let output = command.output().unwrap();
    assert_eq!(output.status.code(), Some(0), "{output:?}");
    assert!(began.elapsed() < Duration::from_secs(60), "{:?}", began.elapsed());
    let said = String::from_utf8(output.stdout).unwrap();
    assert!(said.contains("(read it!)") && said.contains("kitbag resolve notes.md --keep both"), "{said}");
    assert_eq!(fs::read_dir(&temp).unwrap().count(), 0);
    assert_eq!(tree(room.path()), before, "no file anywhere else");
    assert!(!a.home.exists());
}

/// Shows that a course can come later, and that its rules count from the first look: what it ignores is never put into
/// the share, also not by a machine that joins with such a file in its working folder. First tier.
#[test]
fn a_course_comes_later_and_its_rules_count_at_once() {
    let room = room();
    let share = room.path().join("share");
    let a = Machine::new(room.path(), "HOME-PC", &share);
    a.write("notes.md", "mine\n");
    a.setup().exits(&[0]);
    a.write("a.log", "here only\n");
    a.run(&["setup", "--course", hello().to_str().unwrap()]).exits(&[0]);
    assert!(a.read(LAST).is_some(), "the course's files are here");
    let b = Machine::new(room.path(), "WORK-PC", &share);
    b.write("b.log", "here only\n");
    b.setup().exits(&[0]);
    a.sync();
    for machine in [&a, &b] {
        assert!(machine.read(LAST).is_some() && machine.text("notes.md") == "mine\n");
        assert!(
            !machine.mirror().0.keys().any(|name| name.ends_with(".log")),
            "{:?}",
            machine.mirror().0.keys()
        );
    }
    assert_eq!((a.read("b.log"), b.read("a.log")), (None, None));
}
