//! An agent on a clock that only goes when told and with hints that a test gives, and workspaces for it.

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use kitbag_engine::agent::{self, Agent, Given, Step};
use kitbag_engine::doors::Doors;
use kitbag_engine::environment::{self, Options};
use kitbag_engine::events;
use kitbag_engine::setup::{Wanted, setup};
use kitbag_engine::sync::Silent;
use kitbag_engine::workspace::{Config, Settings, Workspace};
use kitbag_platform::clock::{Clock, RealClock, SimulatedClock};
use kitbag_platform::notice::SimulatedNotices;
use kitbag_platform::places::SimulatedPlaces;
use kitbag_platform::watch::SimulatedWatcher;

use crate::world::block;

pub fn config() -> Config {
    Config { outside_settle_seconds: 0, threads: 2, keychain: false, ..Config::default() }
}

pub fn given(
    program: Option<&Path>,
    stay: bool,
    watcher: &SimulatedWatcher,
    desktop: &SimulatedNotices,
) -> Given {
    let desktop = Arc::new(desktop.clone());
    Given { program: program.map(Path::to_owned), stay, watcher: Arc::new(watcher.clone()), desktop }
}

/// An agent, the clock it lives by, and what it is told of.
pub struct Bench {
    pub clock: SimulatedClock,
    pub watcher: SimulatedWatcher,
    pub desktop: SimulatedNotices,
    pub agent: Agent,
}

impl Bench {
    pub fn new(home: &Path) -> Self {
        Self::with(home, Doors::real(), None, false)
    }

    pub fn staying(home: &Path) -> Self {
        Self::with(home, Doors::real(), None, true)
    }

    pub fn with(home: &Path, doors: Doors, program: Option<&Path>, stay: bool) -> Self {
        let (clock, watcher) = (SimulatedClock::new(RealClock.now_millis()), SimulatedWatcher::new());
        let desktop = SimulatedNotices::default();
        let doors = Doors { clock: Arc::new(clock.clone()), ..doors };
        let agent = Agent::begin(home, config(), doors, given(program, stay, &watcher, &desktop)).unwrap();
        Bench { clock, watcher, desktop, agent }
    }

    /// What it does with the only workspace.
    pub fn doing(&self) -> agent::Activity {
        self.agent.desk().picture().borrow().workspaces[0].clone()
    }

    pub fn round(&mut self) -> Step {
        block(self.agent.round())
    }

    /// A round after so long.
    #[track_caller]
    pub fn after(&mut self, millis: u64) {
        self.clock.sleep(millis);
        let step = self.round();
        assert!(matches!(step, Step::Wait(1..=2_000)), "{step:?}");
    }
}

/// Several workspaces of one state root, each open and without a course: files alone.
pub struct Several {
    pub folder: tempfile::TempDir,
}

impl Several {
    pub fn new(names: &[&str]) -> Self {
        let several = Several::closed(names);
        for name in names {
            let ws = several.open(name);
            let options = Options { backend: None, ask: &|_| false, go_on: &|_| false };
            block(environment::up(&ws, &several.home(), &options, Arc::new(Silent))).unwrap();
        }
        several
    }

    pub fn closed(names: &[&str]) -> Self {
        let several = Several { folder: tempfile::tempdir().unwrap() };
        for name in names {
            let wanted = Wanted {
                share: several.share(name),
                work: several.work(name),
                machine: "HOME-PC".into(),
                name: Some((*name).into()),
            };
            let places = SimulatedPlaces::new(&several.folder.path().join("nobody"));
            setup(&several.home(), &wanted, &places, &Doors::real()).unwrap();
        }
        several
    }

    pub fn home(&self) -> PathBuf {
        self.folder.path().join("home")
    }

    pub fn share(&self, name: &str) -> PathBuf {
        self.folder.path().join(format!("{name}-share"))
    }

    pub fn work(&self, name: &str) -> PathBuf {
        self.folder.path().join(format!("{name}-work"))
    }

    pub fn open(&self, name: &str) -> Workspace {
        let file = self.home().join("workspaces").join(name).join("workspace.json");
        let settings: Settings = serde_json::from_slice(&fs::read(file).unwrap()).unwrap();
        Workspace::open(&self.home(), settings, config(), Doors::real()).unwrap()
    }

    pub fn done(&self, name: &str) {
        let ws = self.open(name);
        block(environment::done(&ws, &self.home(), &|_| true, Arc::new(Silent))).unwrap();
        assert!(!events::session_open(&ws.ledger).unwrap());
    }

    pub fn write(&self, name: &str, text: &str) {
        fs::write(self.work(name).join("notes.txt"), text).unwrap();
    }

    /// What the cloud folder has of it.
    pub fn carried(&self, name: &str) -> Option<String> {
        fs::read_to_string(self.share(name).join("notes.txt")).ok()
    }
}
