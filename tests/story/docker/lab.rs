//! What the stories with Docker share: a machine whose containers, volumes and networks are taken away when the test
//! ends, however it ends; what the engine has of it, asked by the labels and past kitbag; the reference course and a
//! small one.

use std::collections::BTreeSet;
use std::fs;
use std::ops::{Deref, DerefMut};
use std::path::{Path, PathBuf};
use std::sync::{Condvar, Mutex, PoisonError};
use std::time::{Duration, Instant};

use serde_json::Value;

use crate::jupyter::Jupyter;
use crate::machine::{Machine, write};

pub use super::image::{docker, engine, small_image};

/// The image of examples/data-course.
pub const COURSE_IMAGE: &str = "data-course:2026.10";

/// The reference course.
pub fn data_course() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../examples/data-course")
}

/// A course of two linked containers with a volume and a page, on a static busybox.
const COMPOSE: &str = r#"
services:
  page:
    image: IMAGE
    ports: ["8080"]
    depends_on: {keeper: {condition: service_healthy}}
    environment: {TOKEN: "${KITBAG_TOKEN}"}
    volumes: ["./notes:/notes", "kept:/kept"]
    command: [/bin/busybox, sh, -c, "trap 'exit 0' TERM; /bin/busybox httpd -f -p 8080 -h / & wait"]
  keeper:
    image: IMAGE
    volumes: ["rows:/rows"]
    command: [/bin/busybox, sh, -c, "trap 'exit 0' TERM; /bin/busybox date >> /rows/starts; while :; do /bin/busybox sleep 0.1; done"]
    healthcheck: {test: [CMD, /bin/busybox, test, -s, /rows/starts], interval: 5m}
volumes: {kept: , rows: }
"#;

const MANIFEST: &str = r#"
id = "tiny"
title = "Tiny course"
version = "1"
folders = ["notes"]
[[seed]]
from = "notes"
to = "notes"
[[service]]
name = "x"
kind = "sqlite"
[service.sqlite]
schema = "schema.sql"
[[service]]
name = "page"
kind = "web"
[service.web]
path = "/notes/week1.md"
[backend.docker]
compose_file = "compose.yaml"
"#;

/// Stories that start containers go on beside each other: two, since most of such a story is waiting.
const AT_ONCE: usize = 2;
static STARTED: Mutex<usize> = Mutex::new(0);
static ENDED: Condvar = Condvar::new();

/// The right to start containers, until it is dropped.
pub struct Turn(());

/// Wait for it.
pub fn turn() -> Turn {
    let started = STARTED.lock().unwrap_or_else(PoisonError::into_inner);
    let free = ENDED.wait_while(started, |started| *started == AT_ONCE);
    *free.unwrap_or_else(PoisonError::into_inner) += 1;
    Turn(())
}

impl Drop for Turn {
    fn drop(&mut self) {
        *STARTED.lock().unwrap_or_else(PoisonError::into_inner) -= 1;
        ENDED.notify_one();
    }
}

/// Whether the engine has the image of the reference course; it has to where an engine is required.
pub fn course_image() -> bool {
    if !engine() {
        return false;
    }
    let there = docker(None, &["image", "inspect", COURSE_IMAGE]).is_ok();
    let required = std::env::var_os("KITBAG_REQUIRE_DOCKER").is_some();
    assert!(there || !required, "{COURSE_IMAGE} is not there; examples/data-course/build makes it");
    if !there {
        eprintln!("NOT TESTED: {COURSE_IMAGE} is not there; examples/data-course/build makes it");
    }
    there
}

/// The small course in a folder.
pub fn small_course(folder: &Path, image: &str) {
    write(&folder.join("course.toml"), MANIFEST);
    write(&folder.join("compose.yaml"), COMPOSE.replace("IMAGE", image));
    write(&folder.join("schema.sql"), "CREATE TABLE marks (id INTEGER PRIMARY KEY, mark TEXT);\n");
    write(&folder.join("notes/week1.md"), "# Week 1\n");
}

/// A machine whose environments on the engine go with the test.
pub struct Docked {
    machine: Machine,
}

impl Deref for Docked {
    type Target = Machine;

    fn deref(&self) -> &Machine {
        &self.machine
    }
}

impl DerefMut for Docked {
    fn deref_mut(&mut self) -> &mut Machine {
        &mut self.machine
    }
}

/// What the engine has of a machine, by name.
#[derive(Debug, Default, PartialEq, Eq, Clone)]
pub struct Things {
    pub running: BTreeSet<String>,
    pub containers: BTreeSet<String>,
    pub volumes: BTreeSet<String>,
    pub networks: BTreeSet<String>,
}

impl From<Machine> for Docked {
    fn from(machine: Machine) -> Self {
        Docked { machine }
    }
}

impl Docked {
    pub fn new(root: &Path, name: &str, share: &Path) -> Self {
        Machine::new(root, name, share).into()
    }

    /// One whose engine listens there.
    pub fn at(host: &str, root: &Path, name: &str, share: &Path) -> Self {
        let mut machine = Docked::new(root, name, share);
        machine.variables.insert("DOCKER_HOST".into(), host.to_owned());
        machine
    }

    /// Start the course as one who trusts it; what was said.
    #[track_caller]
    pub fn up(&self) -> Value {
        self.run(&["--json", "--yes", "up", "--no-open"]).exits(&[0]).json()
    }

    /// End it, with nothing left running; what was said.
    #[track_caller]
    pub fn done(&self) -> Value {
        let said = self.run(&["--json", "done"]).exits(&[0]).json();
        assert_eq!(self.things().running, BTreeSet::new(), "`done` leaves nothing running");
        said
    }

    /// What the course's PostgreSQL answers.
    #[track_caller]
    pub fn sql(&self, sql: &str) -> String {
        let psql = ["psql", "-X", "-q", "-t", "-A", "-v", "ON_ERROR_STOP=1", "-c", sql];
        let args: Vec<&str> = ["exec", "postgres", "--"].into_iter().chain(psql).collect();
        self.run(&args).exits(&[0]).stdout.trim().to_owned()
    }

    /// The address `open` opens, with the token in it, and the token.
    #[track_caller]
    pub fn opened(&self, service: &str) -> (String, String) {
        let said = self.run(&["--json", "open", service]).exits(&[0]).json();
        let url = said["opened"].as_str().unwrap().to_owned();
        let token = url.split("token=").nth(1).unwrap_or_default().to_owned();
        (url, token)
    }

    /// The course's notebook server, logged in as `open` logs in.
    #[track_caller]
    pub fn jupyter(&self) -> Jupyter {
        Jupyter::opened(&self.opened("notebooks").0)
    }

    /// Where its engine listens, if not at the usual place.
    fn host(&self) -> Option<&str> {
        self.machine.variables.get("DOCKER_HOST").map(String::as_str)
    }

    /// The docker program, past kitbag.
    #[track_caller]
    pub fn docker(&self, args: &[&str]) -> String {
        docker(self.host(), args).unwrap_or_else(|error| panic!("docker {args:?}: {error}"))
    }

    /// The label everything of this machine has; none before it is set up.
    pub fn label(&self) -> Option<String> {
        Some(format!("label=org.kitbag.machine={}", self.number()?))
    }

    /// The label of images that were built for it.
    fn image_label(&self) -> Option<String> {
        Some(format!("label=org.kitbag.image.machine={}", self.number()?))
    }

    fn number(&self) -> Option<String> {
        let folder = fs::read_dir(self.home.join("workspaces")).ok()?.next()?.ok()?.path();
        let settings = fs::read(folder.join("workspace.json")).ok()?;
        let settings: Value = serde_json::from_slice(&settings).ok()?;
        Some(settings["machine_id"].as_str()?.to_owned())
    }

    /// What the engine lists of it.
    #[track_caller]
    fn list(&self, args: &[&str]) -> BTreeSet<String> {
        let label = self.label().expect("it is set up");
        let args: Vec<&str> = args.iter().copied().chain(["--filter", &label]).collect();
        self.docker(&args).lines().map(str::to_owned).collect()
    }

    #[track_caller]
    pub fn things(&self) -> Things {
        Things {
            running: self.list(&["ps", "--format", "{{.Names}}"]),
            containers: self.list(&["ps", "-a", "--format", "{{.Names}}"]),
            volumes: self.list(&["volume", "ls", "-q"]),
            networks: self.list(&["network", "ls", "--format", "{{.Name}}"]),
        }
    }

    /// The engine's numbers of its containers, never given twice.
    #[track_caller]
    pub fn numbers(&self) -> BTreeSet<String> {
        self.list(&["ps", "-aq"])
    }

    /// The images that were built for it, by the engine's numbers.
    #[track_caller]
    pub fn built(&self) -> BTreeSet<String> {
        let label = self.image_label().expect("it is set up");
        self.docker(&["image", "ls", "-q", "--filter", &label]).lines().map(str::to_owned).collect()
    }

    /// The address of a service, from `status`.
    #[track_caller]
    pub fn url(&self, service: &str) -> String {
        let seen = self.run(&["--json", "status"]).json();
        let all = seen["environment"]["services"].as_array().unwrap();
        let one = all.iter().find(|one| one["name"] == service).unwrap_or_else(|| panic!("{seen:#}"));
        one["url"].as_str().unwrap_or_else(|| panic!("{seen:#}")).to_owned()
    }
}

impl Drop for Docked {
    fn drop(&mut self) {
        let (Some(label), Some(image)) = (self.label(), self.image_label()) else { return };
        let host = self.host();
        for (list, label, remove) in [
            (&["ps", "-aq"][..], &label, &["rm", "-fv"][..]),
            (&["volume", "ls", "-q"], &label, &["volume", "rm", "-f"]),
            (&["network", "ls", "-q"], &label, &["network", "rm"]),
            (&["image", "ls", "-q"], &image, &["rmi", "-f"]),
        ] {
            let args: Vec<&str> = list.iter().copied().chain(["--filter", label]).collect();
            for one in docker(host, &args).unwrap_or_default().lines() {
                let args: Vec<&str> = remove.iter().copied().chain([one]).collect();
                docker(host, &args).ok();
            }
        }
    }
}

/// Wait until it is so.
#[track_caller]
pub fn until(what: &str, patience: Duration, mut is_so: impl FnMut() -> bool) {
    let deadline = Instant::now() + patience;
    while !is_so() {
        assert!(Instant::now() < deadline, "not in {patience:?}: {what}");
        std::thread::sleep(Duration::from_millis(20));
    }
}
