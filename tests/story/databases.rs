//! A database of a server inside an environment, with a real engine and a real PostgreSQL: rows follow the student, both
//! sides of a conflict are kept, a session nobody ended loses nothing, `reset` keeps the rows. The course is written
//! here; its image is that of examples/data-course, with the commands that course has. Where no engine answers, or the
//! image is not there, that is said; with KITBAG_REQUIRE_DOCKER it is a failure.

use std::path::{Path, PathBuf};

use serde_json::Value;

use crate::background::{NoneLeft, agents, kill_agents, until};
use crate::course::{environment, service, setup_with};
use crate::docker::lab::{Docked, course_image, turn};
use crate::machine::{pair, read, room, tree, write};

pub const DUMP: &str = "backups/postgres/postgres.dump";

/// Without notebooks: the server alone.
pub const MANIFEST: &str = r#"
id = "rows"
title = "Rows"
version = "1"
[[seed]]
from = "notes"
to = "notes"
[[service]]
name = "postgres"
title = "PostgreSQL"
kind = "database"
[service.database]
server = "postgresql"
dump = ["pg_dump", "--no-owner", "--no-privileges"]
restore = ["/opt/course/binder/restore"]
ready = ["pg_isready", "--quiet"]
normalise = [
    "sed",
    "-E",
    '1,12{/^\\restrict /d;/^-- Dumped (from database|by pg_dump) version /d};/^-- PostgreSQL database dump complete$/,${/^\\unrestrict /d}',
]
timeout_seconds = 300
[backend.docker]
image = "data-course:2026.10"
mounts = ["rows:/srv/course"]
[backend.docker.environment]
COURSE_PARTS = "database"
"#;

fn marks(machine: &Docked) -> String {
    machine.sql("SELECT string_agg(mark, ',' ORDER BY mark) FROM marks")
}

/// MongoDB by the commands its documentation names. What runs is a fake: see [`FAKE_MONGO`].
const MONGO: &str = r#"
id = "documents"
title = "Documents"
version = "1"
[[seed]]
from = "fake-mongo"
to = "fake-mongo"
[[service]]
name = "mongo"
title = "MongoDB"
kind = "database"
[service.database]
server = "mongodb"
dump = ["mongodump", "--quiet", "--archive"]
restore = ["mongorestore", "--quiet", "--drop", "--archive"]
ready = ["mongosh", "--quiet", "--eval", "db.adminCommand('ping')"]
[backend.docker]
image = "data-course:2026.10"
mounts = ["./fake-mongo:/fake-mongo:ro", "documents:/data/db"]
entrypoint = ["/bin/sh", "-c"]
command = ["install -m 755 /fake-mongo/mongo* /usr/local/bin/ && exec tini -- sleep infinity"]
healthcheck = { test = ["CMD", "test", "-x", "/usr/local/bin/mongosh"] }
"#;

/// Not MongoDB: three programs of its names that take the arguments above and no others, keep documents as lines of one
/// file, write them as an archive of bytes with a mark before and behind, and refuse one without these.
const FAKE_MONGO: [(&str, &str); 3] = [
    (
        "mongodump",
        "#!/bin/sh\nset -eu\n[ \"$*\" = '--quiet --archive' ]\nprintf 'FAKE\\000\\377\\n'\n\
         cat /data/db/documents 2>/dev/null || true\necho END\n",
    ),
    (
        "mongorestore",
        "#!/bin/sh\nset -eu\n[ \"$*\" = '--quiet --drop --archive' ]\ncat > /data/db/new\n\
         [ \"$(head -c 4 /data/db/new)\" = FAKE ] && [ \"$(tail -n 1 /data/db/new)\" = END ] || exit 1\n\
         sed '1d;$d' /data/db/new > /data/db/documents\nrm /data/db/new\n",
    ),
    ("mongosh", "#!/bin/sh\n[ \"$1 $2\" = '--quiet --eval' ]\n"),
];

/// Shows that another server than PostgreSQL follows the student by its own commands alone, its dump being bytes and no
/// text. MongoDB itself is a fake here. First tier.
#[test]
fn documents_follow_the_student_by_the_commands_of_a_fake_mongodb() {
    let _turn = turn();
    if !course_image() {
        return;
    }
    let room = room();
    let folder = room.path().join("documents");
    write(&folder.join("course.toml"), MONGO);
    for (name, text) in FAKE_MONGO {
        write(&folder.join("fake-mongo").join(name), text);
    }
    let (a, b) = pair(room.path(), &[]);
    setup_with(&a, &folder).exits(&[0]);
    let (a, b): (Docked, Docked) = (a.into(), b.into());
    a.up();
    let shell = |machine: &Docked, script: &str| {
        machine.run(&["exec", "mongo", "--", "sh", "-c", script]).exits(&[0]).stdout
    };
    shell(&a, "echo '{\"mark\": \"home\"}' >> /data/db/documents");
    a.done();
    assert!(a.read("backups/mongo/mongo.dump").unwrap().starts_with(b"FAKE\0\xff\n"));
    b.up();
    assert_eq!(shell(&b, "cat /data/db/documents"), "{\"mark\": \"home\"}\n");
    shell(&b, "echo '{\"mark\": \"work\"}' >> /data/db/documents");
    b.done();
    a.up();
    assert_eq!(shell(&a, "cat /data/db/documents").lines().count(), 2);
    assert_eq!(a.done()["sync"]["published"], 0);
}

pub fn course(room: &Path) -> PathBuf {
    let folder = room.join("rows");
    write(&folder.join("course.toml"), MANIFEST);
    write(&folder.join("notes/week1.md"), "# Week 1\n");
    folder
}

/// Two machines with one share; the first has the course.
fn machines(room: &Path) -> (Docked, Docked) {
    let (a, b) = pair(room, &[]);
    setup_with(&a, &course(room)).exits(&[0]);
    (a.into(), b.into())
}

/// Shows that rows follow the student there and back, that a dump without change publishes nothing, and that both sides
/// of a conflict are kept and one answer holds on both machines. First tier.
#[test]
fn rows_follow_the_student_and_conflicts_are_answered_once() {
    let _turn = turn();
    if !course_image() {
        return;
    }
    let room = room();
    let (a, b) = machines(room.path());
    a.up();
    a.sql("CREATE TABLE marks (mark text PRIMARY KEY); INSERT INTO marks VALUES ('home')");
    assert_eq!(service(&a, "postgres")["state"], "running");
    a.done();

    b.up();
    assert_eq!(marks(&b), "home");
    assert_eq!(b.sql("SELECT count(*) >= 100000 FROM city.counts"), "t", "the course's own rows too");
    b.sql("INSERT INTO marks VALUES ('work')");
    b.done();
    a.up();
    assert_eq!(marks(&a), "home,work");
    let dump = a.read(DUMP);
    let said = a.done();
    assert_eq!(said["sync"]["published"], 0, "nothing was changed: {said:#}");
    assert_eq!(a.read(DUMP), dump);

    // both change without meeting
    a.up();
    b.up();
    a.sql("INSERT INTO marks VALUES ('only at home')");
    b.sql("INSERT INTO marks VALUES ('only at work')");
    a.done();
    b.run(&["--json", "done"]).exits(&[3]);
    a.run(&["up", "--no-open"]).exits(&[3]);
    b.run(&["up", "--no-open"]).exits(&[3]);
    assert_eq!((marks(&a), marks(&b)), ("home,only at home,work".into(), "home,only at work,work".into()));
    for machine in [&a, &b] {
        let open = machine.conflicts();
        assert_eq!(
            (&open["conflicts"][0]["path"], &open["conflicts"][0]["kind"]),
            (&DUMP.into(), &"database".into())
        );
        assert_eq!(open["conflicts"][0]["sides"].as_array().unwrap().len(), 2);
    }
    a.run(&["resolve", DUMP, "--keep", "this"]).exits(&[0]);
    a.up();
    b.up();
    assert_eq!((marks(&a), marks(&b)), ("home,only at home,work".into(), "home,only at home,work".into()));
    a.done();
    b.done();
    for machine in [&a, &b] {
        assert_eq!(machine.conflicts()["conflicts"], Value::Array(vec![]));
    }
    let (of_a, of_b) = (a.things().volumes, b.things().volumes);
    assert!(of_a.len() == 1 && of_b.len() == 1 && of_a != of_b, "each its own: {of_a:?} {of_b:?}");
}

/// Shows that a session nobody ended loses nothing: the container is killed, the next `up` records its rows before it
/// brings newer ones in. And that `reset`, twice, leaves one environment and the same rows. First tier.
#[test]
fn rows_outlive_a_killed_container_and_resets() {
    let _turn = turn();
    if !course_image() {
        return;
    }
    let room = room();
    let (a, b) = machines(room.path());
    a.up();
    a.sql("CREATE TABLE marks (mark text PRIMARY KEY); INSERT INTO marks VALUES ('before')");
    // a checkpoint while the course is open
    a.sync();
    let share = tree(&a.share);
    assert!(String::from_utf8_lossy(&share.0[DUMP]).contains("before"));
    a.sql("INSERT INTO marks VALUES ('not saved')");
    for container in a.things().running {
        a.docker(&["kill", &container]);
    }
    assert_ne!(environment(&a)["state"], "running");
    b.up();
    b.sql("INSERT INTO marks VALUES ('elsewhere')");
    b.done();
    a.run(&["up", "--no-open"]).exits(&[3]);
    assert_eq!(marks(&a), "before,not saved", "recorded before the newer one could come in");
    a.run(&["resolve", DUMP, "--keep", "this"]).exits(&[0]);
    a.done();

    for _ in 0..2 {
        let before = a.numbers();
        a.run(&["--yes", "reset", "--no-open"]).exits(&[0]);
        assert_eq!(marks(&a), "before,not saved");
        let after = a.numbers();
        assert_eq!(after.len(), 1);
        assert_ne!(before, after);
    }
    assert_eq!(a.things().volumes.len(), 1);
    // thrown away past kitbag: what was saved comes back
    a.done();
    for container in a.things().containers {
        a.docker(&["rm", "-f", &container]);
    }
    for volume in a.things().volumes {
        a.docker(&["volume", "rm", &volume]);
    }
    a.up();
    assert_eq!(marks(&a), "before,not saved");
    a.done();
}

/// Shows that rows of a server reach the cloud folder while the course is open, without a command; that an agent killed
/// meanwhile, and a container, cost nothing; and that `done` ends it all. First tier.
#[test]
fn rows_are_saved_while_the_course_is_open() {
    let _turn = turn();
    if !course_image() {
        return;
    }
    let room = room();
    let (mut a, b) = machines(room.path());
    a.set("agent.start", true);
    a.set("environment.checkpoint_seconds", 1);
    let _none_left = NoneLeft(a.home.clone());
    a.up();
    a.sql("CREATE TABLE marks (mark text PRIMARY KEY); INSERT INTO marks VALUES ('home')");
    let shared = |mark: &str| {
        let dump = read(&a.share.join(DUMP)).unwrap_or_default();
        String::from_utf8_lossy(&dump).contains(mark)
    };
    until("the row is in the cloud folder", || shared("home"));
    a.sql("INSERT INTO marks VALUES ('killed meanwhile')");
    kill_agents(&a.home);
    until("it is gone", || agents(&a.home).is_empty());
    a.up();
    a.sql("INSERT INTO marks VALUES ('after that')");
    until("the rows are in the cloud folder", || shared("killed meanwhile") && shared("after that"));
    // what does not run is not started by it
    for container in a.things().running {
        a.docker(&["kill", &container]);
    }
    a.write("notes/mine.md", "mine\n");
    until("files go on", || a.share.join("notes/mine.md").exists());
    assert!(a.things().running.is_empty());
    a.done();
    until("it ends with the session", || agents(&a.home).is_empty());
    b.up();
    assert_eq!(marks(&b), "after that,home,killed meanwhile");
    b.done();
}
