//! A database of a server inside an environment, with a real engine and a real PostgreSQL: rows follow the student, both
//! sides of a conflict are kept, a session nobody ended loses nothing, `reset` keeps the rows. The course is written
//! here; its image is that of examples/data-course, with the commands that course has. Where no engine answers, or the
//! image is not there, that is said; with KITBAG_REQUIRE_DOCKER it is a failure.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::{Mutex, MutexGuard, PoisonError};

use serde_json::Value;

use crate::course::{environment, service, setup_with};
use crate::machine::{Machine, pair, room, tree, write};

const IMAGE: &str = "data-course:2026.10";
const DUMP: &str = "backups/postgres/postgres.dump";

/// Without notebooks: the server alone.
const MANIFEST: &str = r#"
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

/// One at a time: each starts servers, and processors are few.
fn turn() -> MutexGuard<'static, ()> {
    static TURN: Mutex<()> = Mutex::new(());
    TURN.lock().unwrap_or_else(PoisonError::into_inner)
}

/// The docker program past kitbag; what it prints, if it could.
fn docker(args: &[&str]) -> Option<String> {
    let output = Command::new("docker").args(args).stdin(Stdio::null()).output().ok()?;
    output.status.success().then(|| String::from_utf8_lossy(&output.stdout).trim().to_owned())
}

/// Whether there is an engine with the image.
fn ready() -> bool {
    let there = docker(&["image", "inspect", IMAGE]).is_some();
    assert!(there || std::env::var_os("KITBAG_REQUIRE_DOCKER").is_none(), "no Docker engine with {IMAGE}");
    if !there {
        eprintln!("NOT TESTED: there is no Docker engine with {IMAGE}; examples/data-course/build makes it");
    }
    there
}

/// A machine; what the engine has of it goes with the test.
struct Docked(Machine);

impl Docked {
    fn label(&self) -> Option<String> {
        let folder = fs::read_dir(self.0.home.join("workspaces")).ok()?.next()?.ok()?.path();
        let settings: Value = serde_json::from_slice(&fs::read(folder.join("workspace.json")).ok()?).ok()?;
        Some(format!("label=org.kitbag.machine={}", settings["machine_id"].as_str()?))
    }

    fn list(&self, args: &[&str]) -> Vec<String> {
        let label = self.label().unwrap();
        let args: Vec<&str> = args.iter().copied().chain(["--filter", &label]).collect();
        docker(&args).unwrap().lines().map(str::to_owned).collect()
    }

    fn up(&self) {
        self.0.run(&["--yes", "up", "--no-open"]).exits(&[0]);
    }

    fn done(&self) -> Value {
        let said = self.0.run(&["--json", "done"]).exits(&[0]).json();
        assert_eq!(self.list(&["ps", "-q"]), [""; 0], "nothing runs on");
        said
    }

    /// What PostgreSQL answers to the person.
    #[track_caller]
    fn sql(&self, sql: &str) -> String {
        let psql = ["psql", "-X", "-q", "-t", "-A", "-v", "ON_ERROR_STOP=1", "-c", sql];
        let args: Vec<&str> = ["exec", "postgres", "--"].into_iter().chain(psql).collect();
        self.0.run(&args).exits(&[0]).stdout.trim().to_owned()
    }

    fn marks(&self) -> String {
        self.sql("SELECT string_agg(mark, ',' ORDER BY mark) FROM marks")
    }
}

impl Drop for Docked {
    fn drop(&mut self) {
        if self.label().is_none() {
            return;
        }
        for one in self.list(&["ps", "-aq"]) {
            docker(&["rm", "-fv", &one]);
        }
        for one in self.list(&["volume", "ls", "-q"]) {
            docker(&["volume", "rm", "-f", &one]);
        }
    }
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
    if !ready() {
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
    let (a, b) = (Docked(a), Docked(b));
    a.up();
    let shell = |machine: &Docked, script: &str| {
        machine.0.run(&["exec", "mongo", "--", "sh", "-c", script]).exits(&[0]).stdout
    };
    shell(&a, "echo '{\"mark\": \"home\"}' >> /data/db/documents");
    a.done();
    assert!(a.0.read("backups/mongo/mongo.dump").unwrap().starts_with(b"FAKE\0\xff\n"));
    b.up();
    assert_eq!(shell(&b, "cat /data/db/documents"), "{\"mark\": \"home\"}\n");
    shell(&b, "echo '{\"mark\": \"work\"}' >> /data/db/documents");
    b.done();
    a.up();
    assert_eq!(shell(&a, "cat /data/db/documents").lines().count(), 2);
    assert_eq!(a.done()["sync"]["published"], 0);
}

fn course(room: &Path) -> PathBuf {
    let folder = room.join("rows");
    write(&folder.join("course.toml"), MANIFEST);
    write(&folder.join("notes/week1.md"), "# Week 1\n");
    folder
}

/// Two machines with one share; the first has the course.
fn machines(room: &Path) -> (Docked, Docked) {
    let (a, b) = pair(room, &[]);
    setup_with(&a, &course(room)).exits(&[0]);
    (Docked(a), Docked(b))
}

/// Shows that rows follow the student there and back, that a dump without change publishes nothing, and that both sides
/// of a conflict are kept and one answer holds on both machines. First tier.
#[test]
fn rows_follow_the_student_and_conflicts_are_answered_once() {
    let _turn = turn();
    if !ready() {
        return;
    }
    let room = room();
    let (a, b) = machines(room.path());
    a.up();
    a.sql("CREATE TABLE marks (mark text PRIMARY KEY); INSERT INTO marks VALUES ('home')");
    assert_eq!(service(&a.0, "postgres")["state"], "running");
    a.done();

    b.up();
    assert_eq!(b.marks(), "home");
    assert_eq!(b.sql("SELECT count(*) >= 100000 FROM city.counts"), "t", "the course's own rows too");
    b.sql("INSERT INTO marks VALUES ('work')");
    b.done();
    a.up();
    assert_eq!(a.marks(), "home,work");
    let dump = a.0.read(DUMP);
    let said = a.done();
    assert_eq!(said["sync"]["published"], 0, "nothing was changed: {said:#}");
    assert_eq!(a.0.read(DUMP), dump);

    // both change without meeting
    a.up();
    b.up();
    a.sql("INSERT INTO marks VALUES ('only at home')");
    b.sql("INSERT INTO marks VALUES ('only at work')");
    a.done();
    b.0.run(&["--json", "done"]).exits(&[3]);
    a.0.run(&["up", "--no-open"]).exits(&[3]);
    b.0.run(&["up", "--no-open"]).exits(&[3]);
    assert_eq!((a.marks(), b.marks()), ("home,only at home,work".into(), "home,only at work,work".into()));
    for machine in [&a, &b] {
        let open = machine.0.conflicts();
        assert_eq!(
            (&open["conflicts"][0]["path"], &open["conflicts"][0]["kind"]),
            (&DUMP.into(), &"database".into())
        );
        assert_eq!(open["conflicts"][0]["sides"].as_array().unwrap().len(), 2);
    }
    a.0.run(&["resolve", DUMP, "--keep", "this"]).exits(&[0]);
    a.up();
    b.up();
    assert_eq!((a.marks(), b.marks()), ("home,only at home,work".into(), "home,only at home,work".into()));
    a.done();
    b.done();
    for machine in [&a, &b] {
        assert_eq!(machine.0.conflicts()["conflicts"], Value::Array(vec![]));
    }
    let (of_a, of_b) = (a.list(&["volume", "ls", "-q"]), b.list(&["volume", "ls", "-q"]));
    assert!(of_a.len() == 1 && of_b.len() == 1 && of_a != of_b, "each its own: {of_a:?} {of_b:?}");
}

/// Shows that a session nobody ended loses nothing: the container is killed, the next `up` records its rows before it
/// brings newer ones in. And that `reset`, twice, leaves one environment and the same rows. First tier.
#[test]
fn rows_outlive_a_killed_container_and_resets() {
    let _turn = turn();
    if !ready() {
        return;
    }
    let room = room();
    let (a, b) = machines(room.path());
    a.up();
    a.sql("CREATE TABLE marks (mark text PRIMARY KEY); INSERT INTO marks VALUES ('before')");
    // a checkpoint while the course is open
    a.0.sync();
    let share = tree(&a.0.share);
    assert!(String::from_utf8_lossy(&share.0[DUMP]).contains("before"));
    a.sql("INSERT INTO marks VALUES ('not saved')");
    for container in a.list(&["ps", "-q"]) {
        docker(&["kill", &container]).unwrap();
    }
    assert_ne!(environment(&a.0)["state"], "running");
    b.up();
    b.sql("INSERT INTO marks VALUES ('elsewhere')");
    b.done();
    a.0.run(&["up", "--no-open"]).exits(&[3]);
    assert_eq!(a.marks(), "before,not saved", "recorded before the newer one could come in");
    a.0.run(&["resolve", DUMP, "--keep", "this"]).exits(&[0]);
    a.done();

    for _ in 0..2 {
        let before = a.list(&["ps", "-aq"]);
        a.0.run(&["--yes", "reset", "--no-open"]).exits(&[0]);
        assert_eq!(a.marks(), "before,not saved");
        let after = a.list(&["ps", "-aq"]);
        assert_eq!(after.len(), 1);
        assert_ne!(before, after);
    }
    assert_eq!(a.list(&["volume", "ls", "-q"]).len(), 1);
    // thrown away past kitbag: what was saved comes back
    a.done();
    for container in a.list(&["ps", "-aq"]) {
        docker(&["rm", "-f", &container]).unwrap();
    }
    for volume in a.list(&["volume", "ls", "-q"]) {
        docker(&["volume", "rm", &volume]).unwrap();
    }
    a.up();
    assert_eq!(a.marks(), "before,not saved");
    a.done();
}
