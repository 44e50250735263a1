//! Machines of one person on one simulated disk, with one share. Folders and files are simulated; a ledger is a file of
//! the real disk, since SQLite knows no other.

use std::io::{Read, Write};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use kitbag_core::path::WorkPath;
use kitbag_engine::EngineError;
use kitbag_engine::doors::Doors;
use kitbag_engine::setup::{Wanted, setup};
use kitbag_engine::sync::report::Report;
use kitbag_engine::sync::{self, Request, Rules, Silent};
use kitbag_engine::workspace::{Config, Workspace, choose};
use kitbag_platform::chance::SimulatedChance;
use kitbag_platform::clock::SimulatedClock;
use kitbag_platform::disk::{Disk, ItemKind, SimulatedDisk};
use kitbag_platform::places::SimulatedPlaces;

/// A moment long after every file was written.
const START: i64 = 1_800_000_000_000;

pub struct World {
    ledgers: tempfile::TempDir,
    pub disk: SimulatedDisk,
    pub clock: SimulatedClock,
    pub chance: Arc<SimulatedChance>,
}

pub struct Machine<'w> {
    world: &'w World,
    name: &'static str,
    pub home: PathBuf,
    pub config: Config,
}

impl World {
    pub fn new(seed: u64) -> Self {
        let clock = SimulatedClock::new(START);
        let shm = Path::new("/dev/shm");
        let ledgers = if shm.is_dir() { tempfile::tempdir_in(shm) } else { tempfile::tempdir() }.unwrap();
        let disk = SimulatedDisk::new(clock.clone());
        disk.create_dirs(Path::new("/cloud/share")).unwrap();
        disk.create_dirs(Path::new("/home/ada")).unwrap();
        World { ledgers, disk, clock, chance: Arc::new(SimulatedChance::new(seed)) }
    }

    /// A machine that has been set up. `settings`: as given with `--config`.
    pub fn machine(&self, name: &'static str, settings: &[&str]) -> Machine<'_> {
        let home = self.ledgers.path().join(name);
        std::fs::create_dir_all(home.join("workspaces/share")).unwrap();
        self.disk.create_dirs(&home).unwrap();
        let mut config = Config { threads: 1, ..Config::default() };
        settings.iter().for_each(|setting| config.set(setting).unwrap());
        let machine = Machine { world: self, name, home, config };
        let wanted =
            Wanted { share: "/cloud/share".into(), work: machine.work(""), machine: name.into(), name: None };
        let places = SimulatedPlaces::new(Path::new("/home/ada"));
        setup(&machine.home, &wanted, &places, &machine.doors()).unwrap();
        machine
    }

    /// Time goes on.
    pub fn wait(&self, seconds: i64) {
        use kitbag_platform::clock::Clock;
        self.clock.set(self.clock.now_millis() + seconds * 1000);
    }

    pub fn write(&self, path: &str, bytes: &[u8]) {
        let path = Path::new(path);
        self.disk.create_dirs(path.parent().unwrap()).unwrap();
        let taken = self.disk.stat(path).is_ok();
        let mut file = if taken { self.disk.rewrite(path) } else { self.disk.create(path) }.unwrap();
        file.write_all(bytes).unwrap();
        file.finish(true).unwrap();
        self.disk.sync_volume(path).unwrap();
    }

    pub fn read(&self, path: &str) -> Option<Vec<u8>> {
        let mut bytes = Vec::new();
        self.disk.open(Path::new(path)).ok()?.read_to_end(&mut bytes).unwrap();
        Some(bytes)
    }

    pub fn text(&self, path: &str) -> String {
        String::from_utf8(self.read(path).unwrap_or_else(|| panic!("no {path}"))).unwrap()
    }

    pub fn exists(&self, path: &str) -> bool {
        self.disk.stat(Path::new(path)).is_ok()
    }

    /// All files below a folder that begin so, by their names from it.
    pub fn names(&self, folder: &str) -> Vec<String> {
        let mut found = Vec::new();
        let mut folders = vec![PathBuf::from(folder)];
        while let Some(at) = folders.pop() {
            for item in self.disk.list(&at).unwrap() {
                let path = at.join(&item.name);
                match item.kind {
                    ItemKind::Folder => folders.push(path),
                    _ => found.push(path.strip_prefix(folder).unwrap().to_string_lossy().replace('\\', "/")),
                }
            }
        }
        found.sort();
        found
    }
}

impl Machine<'_> {
    pub fn doors(&self) -> Doors {
        Doors {
            disk: Arc::new(self.world.disk.clone()),
            clock: Arc::new(self.world.clock.clone()),
            chance: self.world.chance.clone(),
            ..Doors::real()
        }
    }

    /// The path of a file in the working folder.
    pub fn work(&self, path: &str) -> PathBuf {
        Path::new("/home/ada/kitbag").join(self.name).join(path)
    }

    pub fn save(&self, path: &str, bytes: &[u8]) {
        self.world.write(self.work(path).to_str().unwrap(), bytes);
    }

    pub fn shows(&self, path: &str) -> Option<Vec<u8>> {
        self.world.read(self.work(path).to_str().unwrap())
    }

    pub fn open(&self) -> Workspace {
        let doors = self.doors();
        let settings = choose(&self.home, &doors, None, None).unwrap();
        Workspace::open(&self.home, settings, self.config.clone(), doors).unwrap()
    }

    pub fn try_sync(&self) -> Result<Report, EngineError> {
        self.try_sync_with(&Rules::default())
    }

    /// A sync of a workspace with a course that says this.
    pub fn try_sync_with(&self, rules: &Rules) -> Result<Report, EngineError> {
        sync::run(&self.open(), rules, Request::default(), &Silent)
    }

    #[track_caller]
    pub fn sync(&self) -> Report {
        self.try_sync().unwrap_or_else(|error| panic!("{}: {error}", self.name))
    }

    /// How many versions of a file are known here.
    pub fn versions(&self, path: &str) -> usize {
        self.open().ledger.admitted(&WorkPath::parse(path).unwrap()).unwrap().len()
    }
}
