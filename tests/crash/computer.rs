//! One simulated computer that runs the real engine. All its files lie on a simulated disk, except the ledger: SQLite
//! needs a real file, which lies in memory-backed storage under the same path. When the computer dies in a disk call the
//! ledger's files are copied in that moment, so what is committed survives, what is not does not, and nothing the dying
//! program still does reaches the ledger that is found afterwards.

use std::fs;
use std::io::Read;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

use kitbag_core::path::WorkPath;
use kitbag_engine::EngineError;
use kitbag_engine::doors::Doors;
use kitbag_engine::setup::{Wanted, setup};
use kitbag_engine::sync::report::Report;
use kitbag_engine::sync::{self, Answered, Cycle, Keep, Request, Rules, Silent};
use kitbag_engine::workspace::{self, Config, Workspace};
use kitbag_platform::chance::SimulatedChance;
use kitbag_platform::clock::{Clock, SimulatedClock};
use kitbag_platform::disk::{Call, Failure, SimulatedDisk};
use kitbag_platform::places::SimulatedPlaces;

const NAME: &str = "w";
const START: i64 = 1_760_000_000_000;

/// A folder for ledgers: in memory where the system has such a place.
pub fn room() -> tempfile::TempDir {
    let memory = Path::new("/dev/shm");
    let made = if memory.is_dir() { tempfile::tempdir_in(memory) } else { tempfile::tempdir() };
    made.expect("a temporary folder")
}

/// How a computer goes down.
#[derive(Debug, Clone, Copy)]
pub enum Down {
    /// The program is killed: all that was written stays.
    Killed,
    /// The power goes: what was not durable is dropped, torn or undone as this seed has it.
    Power(u64),
}

/// What happens to a program while it works: at which call it dies, and what else happens before which call.
#[derive(Default)]
pub struct Meanwhile {
    /// It dies in this call, counted from 1.
    pub dies_at: Option<u64>,
    /// The ledger is found as it was before the call before that: the crash came after the call and before what it was
    /// for was committed.
    pub before_commit: bool,
    /// This call fails.
    pub fails_at: Option<(u64, std::io::ErrorKind)>,
    /// Done before this call.
    pub deed: Option<(u64, Deed)>,
}

pub type Deed = Box<dyn FnOnce(&SimulatedDisk) + Send>;

pub struct Computer {
    pub disk: SimulatedDisk,
    pub clock: SimulatedClock,
    pub config: Config,
    pub work: PathBuf,
    pub share: PathBuf,
    chance: Arc<SimulatedChance>,
    name: String,
    home: PathBuf,
    workspace: Option<Workspace>,
}

impl Computer {
    /// A computer whose state root is this folder, which is made.
    pub fn new(home: &Path, name: &str, seed: u64, config: Config) -> Self {
        fs::create_dir_all(home.join("workspaces").join(NAME)).expect("a folder for the ledger");
        let clock = SimulatedClock::new(START);
        let disk = SimulatedDisk::new(clock.clone());
        disk.place_folder(Path::new("/cloud")).expect("a fresh disk");
        disk.place_folder(home).expect("a fresh disk");
        Computer {
            disk,
            clock,
            config,
            work: "/person/course".into(),
            share: "/cloud/course".into(),
            chance: Arc::new(SimulatedChance::new(seed)),
            name: name.to_owned(),
            home: home.to_owned(),
            workspace: None,
        }
    }

    /// The same computer once more, from a copy of its disk and of its ledger. One of the two may be open at a time: they
    /// share the place of the ledger's real file.
    pub fn twin(&self, disk: &SimulatedDisk, ledger: &LedgerFiles, seed: u64) -> Self {
        let clock = SimulatedClock::new(self.clock.now_millis());
        ledger.put(&self.state());
        Computer {
            disk: disk.copy(clock.clone()),
            clock,
            chance: Arc::new(SimulatedChance::new(seed)),
            home: self.home.clone(),
            config: self.config.clone(),
            work: self.work.clone(),
            share: self.share.clone(),
            name: self.name.clone(),
            workspace: None,
        }
    }

    pub fn state(&self) -> PathBuf {
        workspace::folder(&self.home).join(NAME)
    }

    pub fn doors(&self) -> Doors {
        Doors {
            disk: Arc::new(self.disk.clone()),
            clock: Arc::new(self.clock.clone()),
            chance: self.chance.clone(),
            ..Doors::real()
        }
    }

    pub fn ledger_files(&self) -> LedgerFiles {
        LedgerFiles::take(&self.state())
    }

    pub fn is_set_up(&self) -> bool {
        self.disk.peek(&self.state().join("workspace.json")).is_some()
    }

    fn set_up(&self) -> Result<(), EngineError> {
        // setup begins by removing what an unfinished one left; on the simulated disk it finds no ledger
        LedgerFiles::clear(&self.state());
        let wanted = Wanted {
            share: self.share.clone(),
            work: self.work.clone(),
            machine: self.name.clone(),
            name: Some(NAME.into()),
        };
        let places = SimulatedPlaces::new(Path::new("/person"));
        setup(&self.home, &wanted, &places, &self.doors()).map(|_| ())
    }

    /// The open workspace; set up where it is not.
    pub fn open(&mut self) -> Result<&Workspace, EngineError> {
        if self.workspace.is_none() {
            if !self.is_set_up() {
                self.set_up()?;
            }
            let doors = self.doors();
            let settings = workspace::choose(&self.home, &doors, Some(NAME), None)?;
            self.workspace = Some(Workspace::open(&self.home, settings, self.config.clone(), doors)?);
        }
        self.workspace.as_ref().ok_or(EngineError::NoWorkspace(None))
    }

    /// The program ends properly.
    pub fn close(&mut self) {
        self.workspace = None;
    }

    /// The workspace, while the program runs.
    pub fn opened(&self) -> Option<&Workspace> {
        self.workspace.as_ref()
    }

    pub fn sync(&mut self, request: Request) -> Result<Report, EngineError> {
        sync::run(self.open()?, &Rules::default(), request, &Silent)
    }

    pub fn answer(&mut self, path: &WorkPath, keep: &Keep) -> Result<Answered, EngineError> {
        Cycle::for_answers(self.open()?, &Rules::default())?.answer(path, keep, None)
    }

    /// Work while something happens. None when the program died of it; the computer still is to go [`Computer::down`].
    pub fn meanwhile<T>(
        &mut self,
        what: Meanwhile,
        work: impl FnOnce(&mut Self) -> Result<T, EngineError>,
    ) -> Option<Result<T, EngineError>> {
        let found: Arc<Mutex<Found>> = Arc::default();
        let (folder, notes, start) = (self.state(), found.clone(), self.disk.calls());
        let Meanwhile { dies_at, before_commit, fails_at, mut deed } = what;
        self.disk.watch(Some(Box::new(move |disk: &SimulatedDisk, call: Call| {
            let number = call.before + 1 - start;
            if let Some((at, kind)) = fails_at
                && at == number
                && dies_at != Some(number)
            {
                disk.fail_call(1, Failure::Error(kind));
            }
            if deed.as_ref().is_some_and(|(at, _)| *at == number)
                && let Some((_, deed)) = deed.take()
            {
                deed(disk);
            }
            let Some(dies_at) = dies_at else { return };
            let copied_at = if before_commit { dies_at.saturating_sub(1).max(1) } else { dies_at };
            let mut notes = notes.lock().unwrap_or_else(PoisonError::into_inner);
            if number == copied_at {
                notes.ledger = Some(LedgerFiles::take(&folder));
            }
            if number == dies_at {
                disk.fail_call(1, Failure::Crash);
                notes.died = true;
            }
        })));
        let done = work(self);
        self.disk.watch(None);
        let mut found = found.lock().unwrap_or_else(PoisonError::into_inner);
        match found.ledger.take() {
            Some(ledger) if found.died => {
                self.workspace = None;
                ledger.put(&self.state());
                None
            }
            _ => Some(done),
        }
    }

    /// It goes down and starts again.
    pub fn down(&mut self, how: Down) {
        self.workspace = None;
        match how {
            Down::Killed => self.disk.restart(),
            Down::Power(seed) => self.disk.power_cut(seed),
        }
    }

    /// Every temporary file of ours that lies about.
    pub fn temporaries(&self) -> Vec<PathBuf> {
        let folders = [self.work.clone(), self.share.clone(), self.state()];
        let all = folders.iter().flat_map(|folder| self.disk.peek_files(folder));
        let ours = |file: &PathBuf| {
            file.file_name().is_some_and(|name| name.to_string_lossy().starts_with(".~kitbag-"))
        };
        all.filter(ours).collect()
    }
}

#[derive(Default)]
struct Found {
    ledger: Option<LedgerFiles>,
    died: bool,
}

/// The ledger's files at one moment: the database and its log.
#[derive(Clone, PartialEq, Eq)]
pub struct LedgerFiles(Vec<(&'static str, Option<Vec<u8>>)>);

const FILES: [&str; 2] = ["ledger.sqlite", "ledger.sqlite-wal"];

impl LedgerFiles {
    pub fn take(folder: &Path) -> Self {
        LedgerFiles(FILES.map(|name| (name, fs::read(folder.join(name)).ok())).into())
    }

    /// Something that changes with every commit: the head of the log's index, which counts them.
    pub fn commits(folder: &Path) -> Vec<u8> {
        let mut head = Vec::new();
        let file = fs::File::open(folder.join("ledger.sqlite-shm"));
        file.and_then(|file| file.take(48).read_to_end(&mut head))
            .expect("the log's index of an open ledger");
        head
    }

    fn clear(folder: &Path) {
        for name in FILES.into_iter().chain(["ledger.sqlite-shm"]) {
            fs::remove_file(folder.join(name)).ok();
        }
    }

    fn put(&self, folder: &Path) {
        Self::clear(folder);
        fs::create_dir_all(folder).expect("a folder for the ledger");
        for (name, bytes) in &self.0 {
            if let Some(bytes) = bytes {
                fs::write(folder.join(name), bytes).expect("room for the ledger");
            }
        }
    }
}
