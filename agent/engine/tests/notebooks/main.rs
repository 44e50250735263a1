//! Jupyter's habits, on the simulated disk: a notebook is saved in place (a copy beside it, then emptied, written piece
//! by piece), and one that is open in a kernel is not replaced. No half notebook ever becomes a version, whatever moment
//! a sync looks; a newer version waits and is told; what is saved meanwhile is an edit of what was shown.

#![allow(clippy::unwrap_used)]

mod waiting;

use std::collections::BTreeSet;
use std::io::{Read, Write};
use std::path::PathBuf;
use std::sync::Arc;

use kitbag_core::finding::Exit;
use kitbag_core::id::{ContentId, RecordId};
use kitbag_core::merge::notebook;
use kitbag_core::notebook::{InUse, Notebooks};
use kitbag_core::path::WorkPath;
use kitbag_core::session::EventKind;
use kitbag_core::version::{Content, Kind};
use kitbag_engine::doors::Doors;
use kitbag_engine::events;
use kitbag_engine::setup::{Wanted, setup};
use kitbag_engine::sync::report::Report;
use kitbag_engine::sync::{self, Request, Rules, Silent};
use kitbag_engine::workspace::{Config, Workspace};
use kitbag_platform::chance::{Chance, SimulatedChance};
use kitbag_platform::clock::{Clock, SimulatedClock};
use kitbag_platform::disk::{Disk, SimulatedDisk, Writing};
use kitbag_platform::places::SimulatedPlaces;
use kitbag_store::ledger::{Intent, IntentState, Place};

/// One disk for all machines; only their ledgers lie on the real one.
struct World {
    real: tempfile::TempDir,
    clock: SimulatedClock,
    disk: SimulatedDisk,
}

struct Machine {
    ws: Workspace,
    work: PathBuf,
    share: PathBuf,
}

const NAME: &str = "part/one.ipynb";

fn path() -> WorkPath {
    WorkPath::parse(NAME).unwrap()
}

fn notebook(text: &str) -> Vec<u8> {
    format!(
        "{{\"cells\": [{{\"cell_type\": \"code\", \"id\": \"a\", \"metadata\": {{}}, \"outputs\": [], \
         \"source\": [\"{text}\"]}}], \"metadata\": {{}}, \"nbformat\": 4, \"nbformat_minor\": 5}}\n"
    )
    .into_bytes()
}

impl World {
    fn new() -> Self {
        let clock = SimulatedClock::new(1_790_000_000_000);
        let disk = SimulatedDisk::new(clock.clone());
        let world = World { real: tempfile::tempdir().unwrap(), clock, disk };
        world.disk.create_dirs(world.real.path()).unwrap();
        world
    }

    fn machine(&self, name: &str) -> Machine {
        let top = self.real.path();
        let home = top.join(format!("{name}-home"));
        std::fs::create_dir_all(home.join("workspaces/course")).unwrap();
        let doors = Doors {
            disk: Arc::new(self.disk.clone()),
            clock: Arc::new(self.clock.clone()),
            chance: Arc::new(SimulatedChance::new(name.len() as u64 + u64::from(name.as_bytes()[0]))),
            ..Doors::real()
        };
        let wanted = Wanted {
            share: top.join("share"),
            work: top.join(format!("{name}-work")),
            machine: name.to_uppercase(),
            name: Some("course".to_owned()),
        };
        let places = SimulatedPlaces::new(&top.join("nobody"));
        let settings = setup(&home, &wanted, &places, &doors).unwrap().settings;
        let config = Config { outside_settle_seconds: 0, threads: 1, ..Config::default() };
        let ws = Workspace::open(&home, settings, config, doors).unwrap();
        Machine { ws, work: wanted.work, share: wanted.share }
    }

    fn pass(&self, millis: i64) {
        self.clock.set(self.clock.now_millis() + millis);
    }
}

impl Machine {
    fn try_sync(&self, notebooks: Notebooks) -> Report {
        let request = Request { notebooks, ..Request::default() };
        sync::run(&self.ws, &Rules::default(), request, &Silent).unwrap()
    }

    fn sync(&self) -> Report {
        self.try_sync(Notebooks::Unknown)
    }

    fn file(&self) -> PathBuf {
        self.work.join(NAME)
    }

    /// Save as an editor that replaces the file's bytes at once.
    fn write(&self, bytes: &[u8]) {
        let disk = &self.ws.doors.disk;
        disk.create_dirs(self.file().parent().unwrap()).unwrap();
        let mut to = match disk.stat(&self.file()) {
            Ok(_) => disk.rewrite(&self.file()).unwrap(),
            Err(_) => disk.create(&self.file()).unwrap(),
        };
        to.write_all(bytes).unwrap();
        to.finish(true).unwrap();
    }

    fn read_at(&self, file: PathBuf) -> Option<Vec<u8>> {
        let mut bytes = Vec::new();
        self.ws.doors.disk.open(&file).ok()?.read_to_end(&mut bytes).unwrap();
        Some(bytes)
    }

    fn shows(&self) -> Option<Vec<u8>> {
        self.read_at(self.file())
    }

    fn mirror(&self) -> Option<Vec<u8>> {
        self.read_at(self.share.join(NAME))
    }

    /// What somebody saved; merges are put together from that.
    fn contents(&self) -> BTreeSet<ContentId> {
        let records = self.ws.ledger.admitted(&path()).unwrap().into_iter();
        let saved = records.filter(|(_, record)| record.kind != Kind::Merge);
        saved.filter_map(|(_, record)| record.content.id()).collect()
    }

    fn base(&self) -> Option<RecordId> {
        self.ws.ledger.path(&path()).unwrap()?.memory.base
    }

    fn session(&self, event: EventKind) {
        events::add(&self.ws, &self.ws.share(), event).unwrap();
    }
}

/// Jupyter's save, one step at a time (`jupyter_server/services/contents/fileio.py`).
struct Save {
    file: PathBuf,
    aside: PathBuf,
    disk: Arc<dyn Disk>,
    open: Option<Box<dyn Writing>>,
    rest: Vec<u8>,
    piece: usize,
    step: usize,
}

impl Save {
    fn new(machine: &Machine, bytes: &[u8], piece: usize) -> Self {
        let file = machine.file();
        Save {
            aside: file.with_file_name(".~one.ipynb"),
            file,
            disk: machine.ws.doors.disk.clone(),
            open: None,
            rest: bytes.to_vec(),
            piece,
            step: 0,
        }
    }

    /// False when it is done.
    fn step(&mut self) -> bool {
        self.step += 1;
        match self.step {
            1 => drop(self.disk.clone_or_copy(&self.file, &self.aside).unwrap()),
            2 => self.open = Some(self.disk.rewrite(&self.file).unwrap()),
            _ if !self.rest.is_empty() => {
                let piece = self.rest.drain(..self.piece.min(self.rest.len())).collect::<Vec<_>>();
                self.open.as_mut().unwrap().write_all(&piece).unwrap();
            }
            _ => {
                if let Some(open) = self.open.take() {
                    open.finish(true).unwrap();
                    return true;
                }
                self.disk.remove(&self.aside).unwrap();
                return false;
            }
        }
        true
    }
}

#[test]
fn every_moment_of_a_save_is_looked_at_and_none_becomes_a_version() {
    let world = World::new();
    let (a, b) = (world.machine("a"), world.machine("b"));
    let (old, new) = (notebook("old"), notebook("new, and a little longer"));
    a.write(&old);
    world.pass(10_000);
    a.sync();
    let whole = BTreeSet::from([ContentId::of(&old), ContentId::of(&new)]);
    let mut save = Save::new(&a, &new, 1);
    let mut looks = 0;
    while save.step() {
        world.pass(100);
        let report = a.sync();
        assert!(a.contents().is_subset(&whole), "step {}", save.step);
        assert!([&old, &new].contains(&&a.mirror().unwrap()), "step {}", save.step);
        assert_ne!(report.exit(), Exit::Failed, "{report:?}");
        b.sync();
        assert!([&old, &new].contains(&&b.shows().unwrap()), "step {}", save.step);
        looks += 1;
    }
    assert!(looks > new.len(), "every prefix was seen");
    world.pass(100);
    a.sync();
    b.sync();
    assert_eq!((a.contents(), b.shows().unwrap()), (whole, new));
    assert_eq!(a.mirror(), b.shows());
}

/// A crash of Jupyter leaves half a notebook: after a minute it is taken as it is, since it will not be finished, and
/// the version before it is still there.
#[test]
fn a_save_that_never_ends_is_taken_after_a_minute() {
    let world = World::new();
    let a = world.machine("a");
    let old = notebook("old");
    a.write(&old);
    world.pass(10_000);
    a.sync();
    let mut save = Save::new(&a, &notebook("new"), 20);
    for _ in 0..4 {
        save.step();
    }
    drop(save);
    world.pass(59_000);
    assert!(!a.sync().problems.is_empty(), "it is said");
    assert_eq!(a.contents(), BTreeSet::from([ContentId::of(&old)]));
    world.pass(2_000);
    a.sync();
    let half = ContentId::of(&notebook("new")[..40]);
    assert_eq!(a.contents(), BTreeSet::from([ContentId::of(&old), half]));
}

/// Saves, syncs and another machine's versions in any order: each version is a whole notebook that somebody saved, and
/// the last save is one of them. Replays from the seed it names.
#[test]
fn saves_and_syncs_in_any_order() {
    for seed in 0..60 {
        let world = World::new();
        let (a, b) = (world.machine("a"), world.machine("b"));
        let chance = SimulatedChance::new(seed);
        let below = |n: u16| {
            let token = chance.token(2).unwrap();
            u16::from_str_radix(&token, 16).unwrap() % n
        };
        let mut whole = BTreeSet::new();

        let first = notebook("first");
        whole.insert(ContentId::of(&first));
        a.write(&first);
        world.pass(10_000);
        a.sync();
        b.sync();
        let mut save: Option<Save> = None;
        let mut last = first;
        for step in 0..60 {
            world.pass(100);
            match below(8) {
                0 if below(3) == 0 => {
                    let bytes = notebook(&format!("by b {step}"));
                    whole.insert(ContentId::of(&bytes));
                    b.write(&bytes);
                    world.pass(100);
                    b.sync();
                }
                1 | 2 => drop(a.sync()),
                // a minute in which nobody saves; half-saved it would be taken for abandoned
                3 if save.is_none() => world.pass(60_000),
                _ => {
                    let saving = save.get_or_insert_with(|| {
                        last = notebook(&format!("by a {step}"));
                        whole.insert(ContentId::of(&last));
                        Save::new(&a, &last, 40)
                    });
                    if !saving.step() {
                        save = None;
                    }
                }
            }
            assert!(a.contents().is_subset(&whole), "seed {seed}, step {step}");
        }
        while save.as_mut().is_some_and(Save::step) {}
        for _ in 0..4 {
            world.pass(1_000);
            a.sync();
            b.sync();
        }
        assert!(a.contents().is_subset(&whole), "seed {seed}");
        assert!(a.contents().contains(&ContentId::of(&last)), "seed {seed}: the last save is lost");
        assert_eq!(a.contents(), b.contents(), "seed {seed}");
        world.pass(200_000);
        a.sync();
        b.sync();
        let shown = a.shows().unwrap();
        assert!(notebook::lines(&shown).is_some(), "seed {seed}");
        assert_eq!(Some(shown), b.shows(), "seed {seed}: two machines show one notebook");
    }
}

/// A program that had the file open when it was swapped out goes on saving into what came out: its first half is no
/// version, the whole is.
#[test]
fn a_save_into_what_was_swapped_out_counts_when_it_is_whole() {
    let world = World::new();
    let a = world.machine("a");
    let (old, new) = (notebook("old"), notebook("saved into what was swapped out"));
    a.write(&old);
    world.pass(10_000);
    a.sync();
    let temporary = ".~kitbag-0011223344556677.tmp";
    let intent = Intent {
        id: 0,
        path: path(),
        at: path().as_str().to_owned(),
        place: Place::Working,
        temporary: temporary.to_owned(),
        expect: Some(ContentId::of(b"what was swapped out")),
        put: Some(ContentId::of(&old)),
        parent: a.base(),
        version: a.base(),
        state: IntentState::Swapped,
    };
    a.ws.ledger.add_intent(&intent).unwrap();
    let mut to = a.ws.doors.disk.create(&a.file().with_file_name(temporary)).unwrap();
    let marker = a.file().with_file_name(".~one.ipynb");
    a.ws.doors.disk.clone_or_copy(&a.file(), &marker).unwrap();
    for piece in new.chunks(25) {
        world.pass(100);
        a.sync();
        assert_eq!(a.contents(), BTreeSet::from([ContentId::of(&old)]));
        to.write_all(piece).unwrap();
    }
    to.finish(true).unwrap();
    a.ws.doors.disk.remove(&marker).unwrap();
    world.pass(100);
    a.sync();
    assert_eq!(a.contents(), BTreeSet::from([ContentId::of(&old), ContentId::of(&new)]));
    assert!(a.ws.ledger.intents().unwrap().iter().all(|intent| intent.temporary != temporary));
    assert_eq!(a.shows().unwrap(), new);
}
