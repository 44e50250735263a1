//! `up` on computers that are only described: what the course needs is weighed before anything is asked for or made.
//! Where it cannot run nothing is started and another way takes over or is named; where it is tight the person is asked;
//! what ran once is never refused.

use std::cell::{Cell, RefCell};
use std::sync::Arc;

use kitbag_core::finding::Exit;
use kitbag_engine::EngineError;
use kitbag_engine::doors::Doors;
use kitbag_engine::environment::{self, Backends, Doubt, Engine, Options, Tight, Up};
use kitbag_engine::sync::Silent;
use kitbag_engine::workspace::{Config, Workspace, choose};
use kitbag_platform::specs::SimulatedHost;
use kitbag_plugin_host::{Backend, BoxFuture, Fault, PluginError};

use crate::fake_servers::FakeServers;
use crate::servers;
use crate::world::{Machine, World, block};

const GB: u64 = 1 << 30;

/// The fake servers, in an engine that says this of itself.
#[derive(Clone)]
struct Inside(FakeServers, Engine);

impl Backends for Inside {
    fn load<'a>(
        &'a self,
        id: &'a str,
        folder: &'a std::path::Path,
        key: [u8; 32],
    ) -> BoxFuture<'a, Result<Arc<dyn Backend>, PluginError>> {
        self.0.load(id, folder, key)
    }

    fn needs_met<'a>(&'a self, _: &'a str) -> BoxFuture<'a, Result<(), Fault>> {
        Box::pin(async { Ok(()) })
    }

    fn engine<'a>(&'a self, id: &'a str) -> BoxFuture<'a, Option<Engine>> {
        Box::pin(async move { (id == "docker").then(|| self.1.clone()) })
    }
}

struct Student {
    machine: Machine,
    engine: FakeServers,
    asked: Cell<usize>,
    told: RefCell<Vec<Tight>>,
    goes_on: bool,
}

impl Student {
    fn new(world: &World, needs: &str) -> Self {
        let text = servers::manifest("1", "one").replace("[[seed]]", &format!("{needs}\n[[seed]]"));
        world.write_course("course.toml", &text);
        let engine = FakeServers::default();
        let mut machine = world.machine("a", "share");
        machine.backends = Arc::new(engine.clone());
        machine.adopt(&world.course());
        Student { machine, engine, asked: Cell::default(), told: RefCell::default(), goes_on: true }
    }

    fn open(&self, host: &SimulatedHost, check: bool) -> Workspace {
        let said = Engine {
            version: "27".into(),
            arch: host.specs.arch.clone(),
            memory: host.specs.memory,
            cores: 4,
            folder: Some("/docker".into()),
        };
        let doors = Doors {
            backends: Arc::new(Inside(self.engine.clone(), said)),
            host: Arc::new(host.clone()),
            ..Doors::real()
        };
        let settings = choose(&self.machine.home, &doors, None, None).unwrap();
        let config = Config {
            outside_settle_seconds: 0,
            threads: 2,
            keychain: false,
            check_needs: check,
            ..Config::default()
        };
        Workspace::open(&self.machine.home, settings, config, doors).unwrap()
    }

    fn up(&self, host: &SimulatedHost, backend: Option<&str>, check: bool) -> Result<Up, EngineError> {
        let ask = |_: &environment::Question| {
            self.asked.set(self.asked.get() + 1);
            true
        };
        let go_on = |doubt: &Doubt| {
            let Doubt::Tight(tight) = doubt else { panic!("{doubt:?}") };
            self.told.borrow_mut().push(tight.clone());
            self.goes_on
        };
        let options = Options { backend: backend.map(str::to_owned), ask: &ask, go_on: &go_on };
        block(environment::up(&self.open(host, check), &self.machine.home, &options, Arc::new(Silent)))
    }

    /// What the engine was asked; nothing where nothing was begun.
    fn calls(&self) -> usize {
        self.engine.now().asked.len()
    }
}

const BIG: &str = "[needs]\nmemory = \"8 GB\"\ndisk = \"15 GB\"\n";

fn old_laptop() -> SimulatedHost {
    SimulatedHost::new(2 * GB, 2, 100 * GB)
}

/// Old laptop with 2 GB: refused before anybody is asked and before anything is begun, with the way that needs less.
#[test]
fn what_cannot_run_is_refused_before_anything_is_asked_or_made() {
    let world = servers::world();
    let student = Student::new(&world, BIG);
    let error = student.up(&old_laptop(), Some("docker"), true).unwrap_err();
    assert_eq!(error.exit(), Exit::Missing);
    let finding = error.finding();
    assert!(finding.what.contains("too little memory"), "{finding:?}");
    assert_eq!(finding.why, "The course needs 8 GB, this computer has 2 GB.");
    for words in ["check_needs=false", "kitbag setup"] {
        assert!(finding.remedy.contains(words), "{words}: {finding:?}");
    }
    assert_eq!((student.asked.get(), student.calls()), (0, 0));
    // the team's figures may be wrong
    student.up(&old_laptop(), Some("docker"), false).unwrap();
    assert_eq!(student.asked.get(), 1);
}

/// The course's other way needs less: it takes over by itself, and says why; asked for the big one, it is named.
#[test]
fn a_way_that_needs_less_takes_over_or_is_named() {
    let world = servers::world();
    let student =
        Student::new(&world, &format!("{BIG}[backend.local.needs]\nmemory = \"1 GB\"\ndisk = \"1 GB\"\n"));
    let finding = student.up(&old_laptop(), Some("docker"), true).unwrap_err().finding();
    assert!(
        finding.remedy.contains("`kitbag up --backend local`. It needs memory 1 GB, disk 1 GB"),
        "{finding:?}"
    );
    let up = student.up(&old_laptop(), None, true).unwrap();
    let note = up.notes.iter().find(|note| note.contains("too little memory")).unwrap();
    assert!(note.contains("instead") && note.contains("--backend docker"), "{note}");
    assert_eq!(student.calls(), 0, "Docker was not touched");
}

/// Only the drive Docker keeps its images on is full; the student's own has room.
#[test]
fn the_drive_of_the_images_counts() {
    let world = servers::world();
    let student = Student::new(&world, BIG);
    let host = SimulatedHost::new(16 * GB, 8, 500 * GB).with_volume("/docker", 3 * GB);
    let finding = student.up(&host, Some("docker"), true).unwrap_err().finding();
    assert!(finding.what.contains("too little room on the drive /docker"), "{finding:?}");
    assert!(finding.remedy.contains("at least 12 GB more"), "{finding:?}");
    assert_eq!(student.calls(), 0);
}

#[test]
fn another_processor_is_refused() {
    let world = servers::world();
    let student = Student::new(&world, "[needs]\narchitecture = [\"amd64\"]\n");
    let mut host = SimulatedHost::new(16 * GB, 8, 500 * GB);
    host.specs.arch = "aarch64".into();
    let finding = student.up(&host, Some("docker"), true).unwrap_err().finding();
    assert!(finding.what.contains("another kind of processor") && finding.why.contains("ARM"), "{finding:?}");
}

/// Asked once, where it is tight; a no starts nothing, a yes starts it, and what ran is not asked about again, not even
/// when it is made afresh on a computer that has lost its room since.
#[test]
fn where_it_is_tight_the_person_is_asked_once() {
    let world = servers::world();
    let mut student = Student::new(&world, "[needs]\nmemory = \"3 GB\"\n");
    student.goes_on = false;
    let error = student.up(&old_laptop(), Some("docker"), true).unwrap_err();
    assert_eq!((error.exit(), student.calls()), (Exit::Missing, 0));
    assert!(error.to_string().contains("not started"), "{error}");
    let told = student.told.take();
    assert_eq!((told.len(), told[0].short.len()), (1, 1));
    assert!(told[0].alternatives.iter().any(|other| other.contains("kitbag setup")), "{told:?}");

    student.goes_on = true;
    student.up(&old_laptop(), Some("docker"), true).unwrap();
    assert_eq!(student.told.take().len(), 1);
    let tiny = SimulatedHost::new(GB / 2, 1, 0);
    student.up(&tiny, None, true).unwrap();
    let options = Options { backend: None, ask: &|_| true, go_on: &|_| false };
    let ws = student.open(&tiny, true);
    block(environment::reset(&ws, &student.machine.home, &options, Arc::new(Silent))).unwrap();
    assert_eq!(student.told.take(), []);
}
