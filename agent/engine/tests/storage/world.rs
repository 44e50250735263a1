//! Machines with a clock that goes when told, on a real disk: each with a state root, a working folder and a share of
//! its own, and a cloud that carries single files between the shares.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use kitbag_engine::doors::Doors;
use kitbag_engine::setup::{Wanted, setup};
use kitbag_engine::storage::verify::{State, Verified, verify};
use kitbag_engine::sync::report::Report;
use kitbag_engine::sync::{self, Request, Rules, Silent};
use kitbag_engine::workspace::{Config, Settings, Workspace};
use kitbag_platform::chance::RealChance;
use kitbag_platform::clock::{Clock, SimulatedClock};
use kitbag_platform::disk::RealDisk;
use kitbag_platform::places::SimulatedPlaces;

pub const DAY: u64 = 24 * 3600 * 1000;

/// All files below a folder by their path.
pub type Files = BTreeMap<String, Vec<u8>>;

pub struct Machine {
    pub home: PathBuf,
    pub work: PathBuf,
    pub share: PathBuf,
    pub settings: Settings,
    pub config: Config,
    pub doors: Doors,
}

pub struct World {
    room: tempfile::TempDir,
    /// Set to today, so that files a test writes are not from the future.
    pub clock: SimulatedClock,
}

impl World {
    pub fn new() -> Self {
        let now = kitbag_platform::clock::RealClock.now_millis();
        World { room: tempfile::tempdir().unwrap(), clock: SimulatedClock::new(now) }
    }

    /// A machine with this share; set up, not synced yet.
    pub fn machine(&self, name: &str, share: &str) -> Machine {
        let root = self.room.path();
        let (home, work) = (root.join(name).join("state"), root.join(name).join("work"));
        let share = root.join(share);
        let disk = Arc::new(RealDisk);
        let doors = Doors {
            disk,
            clock: Arc::new(self.clock.clone()),
            chance: Arc::new(RealChance),
            ..Doors::real()
        };
        let machine = name.to_uppercase();
        let wanted = Wanted { share: share.clone(), work: work.clone(), machine, name: Some("mini".into()) };
        let places = SimulatedPlaces::new(&root.join("nobody"));
        let settings = setup(&home, &wanted, &places, &doors).unwrap().settings;
        let config = Config { outside_settle_seconds: 0, threads: 2, ..Config::default() };
        Machine { home, work, share, settings, config, doors }
    }

    /// So many days go by.
    pub fn days(&self, days: u64) {
        self.clock.sleep(days * DAY);
    }

    /// So many days go by on each of which these machines sync.
    pub fn live(&self, days: u64, machines: &[&Machine]) {
        for _ in 0..days {
            self.days(1);
            machines.iter().for_each(|machine| drop(machine.sync()));
        }
    }
}

impl Machine {
    pub fn open(&self) -> Workspace {
        let (settings, config) = (self.settings.clone(), self.config.clone());
        Workspace::open(&self.home, settings, config, self.doors.clone()).unwrap()
    }

    pub fn sync(&self) -> Report {
        sync::run(&self.open(), &Rules::default(), Request::default(), &Silent).unwrap()
    }

    pub fn verify(&self) -> Verified {
        verify(&self.open(), true, &Silent).unwrap()
    }

    #[track_caller]
    pub fn is_well(&self) {
        let found = self.verify();
        assert_eq!(found.state, State::Well, "{}: {found:#?}", self.settings.machine);
    }

    pub fn write(&self, path: &str, bytes: impl AsRef<[u8]>) {
        let file = self.work.join(path);
        fs::create_dir_all(file.parent().unwrap()).unwrap();
        fs::write(file, bytes).unwrap();
    }

    pub fn read(&self, path: &str) -> String {
        fs::read_to_string(self.work.join(path)).unwrap()
    }

    pub fn files(&self) -> Files {
        let mut files = tree(&self.work);
        files.retain(|path, _| path != ".kitbag-folder" && !path.contains(".~kitbag-"));
        files
    }

    /// The names of the packs in the share.
    pub fn packs(&self) -> BTreeSet<String> {
        tree(&self.share.join(".kitbag/packs")).into_keys().collect()
    }

    /// Bytes of the packs in the share.
    pub fn history_bytes(&self) -> usize {
        tree(&self.share.join(".kitbag/packs")).values().map(Vec::len).sum()
    }

    /// Save a file so many times, one sync each.
    pub fn edits(&self, path: &str, times: usize) {
        for n in 0..times {
            let before = fs::read_to_string(self.work.join(path)).unwrap_or_default();
            self.write(path, format!("{before}line {n} by {}\n", self.settings.machine));
            self.sync();
        }
    }
}

pub fn tree(root: &Path) -> Files {
    fn walk(folder: &Path, above: &str, files: &mut Files) {
        let Ok(items) = fs::read_dir(folder) else { return };
        for item in items.map(Result::unwrap) {
            let path = format!("{above}{}", item.file_name().to_str().unwrap());
            if item.file_type().unwrap().is_dir() {
                walk(&item.path(), &format!("{path}/"), files);
            } else {
                files.insert(path, fs::read(item.path()).unwrap());
            }
        }
    }
    let mut files = Files::new();
    walk(root, "", &mut files);
    files
}

/// A cloud between share folders: what one side made, changed or removed since the last time is done at the others. The
/// last side that changed a file wins.
#[derive(Default)]
pub struct Cloud(Files);

impl Cloud {
    /// Carry what `only` lets through.
    pub fn carry_some(&mut self, machines: &[&Machine], only: impl Fn(&str) -> bool) {
        for machine in machines {
            let there = tree(&machine.share);
            let paths: BTreeSet<_> = there.keys().chain(self.0.keys()).cloned().collect();
            for path in paths.into_iter().filter(|path| only(path) && !path.contains(".~kitbag-")) {
                let (now, before) = (there.get(&path), self.0.get(&path).cloned());
                if now == before.as_ref() {
                    continue;
                }
                for other in machines.iter().filter(|other| other.share != machine.share) {
                    let file = other.share.join(&path);
                    // a client that has changes of its own waiting is left alone
                    if fs::read(&file).ok() == before {
                        match now {
                            Some(bytes) => {
                                fs::create_dir_all(file.parent().unwrap()).unwrap();
                                fs::write(file, bytes).unwrap();
                            }
                            None => fs::remove_file(file).unwrap(),
                        }
                    }
                }
                match now {
                    Some(bytes) => self.0.insert(path, bytes.clone()),
                    None => self.0.remove(&path),
                };
            }
        }
    }

    /// Carry everything.
    pub fn carry(&mut self, machines: &[&Machine]) {
        self.carry_some(machines, |_| true);
        self.carry_some(machines, |_| true);
    }
}

/// Bytes that do not compress, the same each time (xorshift64).
pub fn noise(len: usize, seed: u64) -> Vec<u8> {
    let mut state = seed.wrapping_mul(0x9E37_79B9_7F4A_7C15) | 1;
    let mut next = || {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        (state >> 32) as u8
    };
    (0..len).map(|_| next()).collect()
}
