//! `up` on computers that are only described: what the course needs is weighed before anything is asked for or made.
//! Where it cannot run nothing is started and another way takes over or is named; where it is tight the person is asked;
//! what ran once is never refused.

use std::cell::{Cell, RefCell};
use std::sync::Arc;

use kitbag_core::finding::Exit;
use kitbag_engine::EngineError;
use kitbag_engine::doctor::{self, Checked, State};
use kitbag_engine::doors::Doors;
use kitbag_engine::environment::{self, Backends, Doubt, Engine, Options, Tight, Up};
use kitbag_engine::sync::Silent;
use kitbag_engine::workspace::{Config, Workspace, choose};
use kitbag_platform::autostart::SimulatedAutostart;
use kitbag_platform::outbound::{Outbound, SimulatedOutbound};
use kitbag_platform::places::SimulatedPlaces;
use kitbag_platform::process::{PortState, SimulatedPorts};
use kitbag_platform::provider::SimulatedPrograms;
use kitbag_platform::specs::SimulatedHost;
use kitbag_plugin_host::{
    Backend, BoxFuture, Fault, FaultCode, Op, OpContext, PluginError, ProbeReport, Reply,
};

use crate::fake_servers::FakeServers;
use crate::servers;
use crate::world::{Machine, World, block};

const GB: u64 = 1 << 30;

/// The fake servers, in an engine that says this of itself, or is not there.
#[derive(Clone)]
struct Inside(FakeServers, Result<Engine, Fault>, Option<Fault>);

impl Backends for Inside {
    fn load<'a>(
        &'a self,
        id: &'a str,
        folder: &'a std::path::Path,
        key: [u8; 32],
    ) -> BoxFuture<'a, Result<Arc<dyn Backend>, PluginError>> {
        let Some(problem) = self.2.clone().filter(|_| id == "docker") else {
            return self.0.load(id, folder, key);
        };
        let useless: Arc<dyn Backend> = Arc::new(Useless(problem));
        Box::pin(async { Ok(useless) })
    }

    fn needs_met<'a>(&'a self, id: &'a str) -> BoxFuture<'a, Result<(), Fault>> {
        Box::pin(async move { if id == "docker" { self.1.clone().map(drop) } else { Ok(()) } })
    }

    fn engine<'a>(&'a self, id: &'a str) -> BoxFuture<'a, Option<Engine>> {
        Box::pin(async move { self.1.clone().ok().filter(|_| id == "docker") })
    }
}

/// A plugin that was asked whether it can work here, and cannot.
struct Useless(Fault);

impl Backend for Useless {
    fn call<'a>(&'a self, op: Op, _: &'a OpContext) -> BoxFuture<'a, Result<Reply, PluginError>> {
        assert!(matches!(op, Op::Probe), "{op:?}");
        let report = ProbeReport { usable: false, version: None, problems: vec![self.0.clone()] };
        Box::pin(async { Ok(Reply::Probe(report)) })
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
        self.open_with(host, check, Ok(engine_of(host)), None)
    }

    fn open_with(
        &self,
        host: &SimulatedHost,
        check: bool,
        said: Result<Engine, Fault>,
        trouble: Option<Fault>,
    ) -> Workspace {
        let doors = Doors {
            backends: Arc::new(Inside(self.engine.clone(), said, trouble)),
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

    /// What `doctor` says.
    fn doctor(
        &self,
        said: Result<Engine, Fault>,
        trouble: Option<Fault>,
        ports: &SimulatedPorts,
        outbound: Option<&SimulatedOutbound>,
    ) -> Vec<Checked> {
        let ws = self.open_with(&tower(), true, said, trouble);
        let machine = doctor::Machine {
            home: &self.machine.home,
            doors: &ws.doors,
            places: &SimulatedPlaces::new(&self.machine.home.join("nobody")),
            programs: &SimulatedPrograms(None),
            ports,
            autostart: &SimulatedAutostart::new(&self.machine.home.join("autostart")),
            outbound: outbound.map(|outbound| outbound as &dyn Outbound),
        };
        block(doctor::examine(&machine, Some(&ws), false))
    }

    /// What the engine was asked; nothing where nothing was begun.
    fn calls(&self) -> usize {
        self.engine.now().asked.len()
    }
}

fn engine_of(host: &SimulatedHost) -> Engine {
    Engine {
        version: "27".into(),
        arch: host.specs.arch.clone(),
        memory: host.specs.memory,
        cores: 4,
        folder: Some("/docker".into()),
    }
}

fn tower() -> SimulatedHost {
    SimulatedHost::new(16 * GB, 8, 500 * GB)
}

#[track_caller]
fn one<'c>(checked: &'c [Checked], name: &str) -> &'c Checked {
    checked.iter().find(|checked| checked.check == name).unwrap_or_else(|| panic!("no {name}: {checked:#?}"))
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

/// Docker absent, stopped, not for this person: wrong where the course runs there, worth knowing where it runs without.
/// What its plugin says of one that answers, such as that it is too old, counts where the person let it look.
#[test]
fn doctor_says_of_docker_what_matters_to_this_course() {
    let world = servers::world();
    let student = Student::new(&world, "");
    let none = SimulatedPorts::default();
    for (code, message) in [
        (FaultCode::MissingTool, "Docker is not installed here."),
        (FaultCode::NotReady, "Docker is not started."),
        (FaultCode::NotGranted, "You may not use Docker on this computer."),
    ] {
        let fault = Fault::new(code, message).remedy("Do something.");
        let checked = student.doctor(Err(fault), None, &none, None);
        let docker = one(&checked, "Docker");
        assert_eq!((docker.state, docker.findings[0].finding.what.as_str()), (State::Note, message));
        assert!(docker.findings[0].finding.why.contains("run without it"), "{docker:#?}");
    }
    student.up(&tower(), Some("docker"), true).unwrap();
    let absent = Err(Fault::new(FaultCode::NotReady, "Docker is not started.").remedy("Start it."));
    let checked = student.doctor(absent, None, &none, None);
    assert_eq!(one(&checked, "Docker").state, State::Bad);

    let old = Fault::new(FaultCode::Unsupported, "Docker 19.03 on this computer is too old.")
        .remedy("Update Docker.");
    let checked = student.doctor(Ok(engine_of(&tower())), Some(old), &none, None);
    let docker = one(&checked, "Docker");
    assert_eq!(docker.state, State::Bad);
    assert!(docker.findings[0].finding.what.contains("too old"), "{docker:#?}");
}

/// A port somebody has is worth knowing; places in the network are tried when that is asked for.
#[test]
fn doctor_says_of_ports_and_places_what_the_course_names() {
    let world = servers::world();
    let student = Student::new(&world, "[needs]\nnetwork = [\"pypi.org\"]\n");
    let text = servers::manifest("2", "quay.io/pond/one").replace("port = true", "port = 8123");
    let text = text.replace("[[seed]]", "[needs]\nnetwork = [\"pypi.org\"]\n[[seed]]");
    world.write_course("course.toml", &text);
    student.machine.adopt(&world.course());
    let engine = || Ok(engine_of(&tower()));
    let look = |ports: &SimulatedPorts, outbound: Option<&SimulatedOutbound>| {
        student.doctor(engine(), None, ports, outbound)
    };
    let free = SimulatedPorts::default();
    let checked = look(&free, None);
    assert_eq!(
        (one(&checked, "ports").state, one(&checked, "network").state),
        (State::Good, State::NotAsked)
    );
    let not_asked = &one(&checked, "network").findings[0].finding;
    assert!(not_asked.what.contains("pypi.org, quay.io"), "{not_asked:?}");

    for (state, word) in [(PortState::Taken, "Another program"), (PortState::Kept, "The system keeps it")] {
        let checked = look(&SimulatedPorts([(8123, state)].into()), None);
        let ports = one(&checked, "ports");
        assert_eq!((ports.state, ports.findings.len()), (State::Note, 1));
        assert!(ports.findings[0].finding.why.contains(word), "{ports:#?}");
    }

    let offline = look(&free, Some(&SimulatedOutbound::default()));
    let network = one(&offline, "network");
    assert_eq!((network.state, network.findings.len()), (State::Bad, 2));
    assert!(network.findings[0].finding.remedy.contains("online"), "{network:#?}");
    let answers = [("pypi.org:443".to_owned(), Ok(())), ("quay.io:443".to_owned(), Ok(()))];
    let online = look(&free, Some(&SimulatedOutbound(answers.into())));
    assert_eq!(one(&online, "network").seen.as_deref(), Some("2 places reached"));
}
