//! Bits that flip: a disk, a stick or a cloud program hands back something else than was put there. A thousand single
//! flips and some files cut short, at random places of a share's history: nothing of it is ever taken for a version.
//! What needs it is missing and said, all else is right, on a machine that joins and on one that was there.
//! Most are tried on the readers themselves, a sample through the whole program. Seeded: STORY_SEED. First tier.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use kitbag_core::id::{ContentId, PackId};
use kitbag_engine::doors::Doors;
use kitbag_engine::storage::verify::{State, verify};
use kitbag_engine::sync::Silent;
use kitbag_engine::workspace::{self, Config, Workspace};
use kitbag_store::{BadPack, Contents, Ledger, MemoryLoose, MemoryShelf, read as read_pack};

use crate::machine::{Chance, Files, Machine, noise, room, tree, write};

fn seed() -> u64 {
    std::env::var("STORY_SEED").ok().and_then(|seed| seed.parse().ok()).unwrap_or(1)
}

/// One thing done to one file.
#[derive(Debug)]
pub struct Damage {
    /// The file's place below the share.
    pub path: String,
    kind: Kind,
}

#[derive(Debug)]
enum Kind {
    /// This bit of this byte is another.
    Flip { at: usize, bit: u8 },
    /// Only so many bytes are left.
    Cut { to: usize },
}

impl Damage {
    /// Drawn by chance: half of the time any byte of all of them, half of the time any file, so that small ones get
    /// their share. One in ten is cut short instead.
    pub fn draw(history: &Files, chance: &mut Chance) -> Self {
        let all: Vec<_> = history.0.iter().filter(|(_, bytes)| !bytes.is_empty()).collect();
        let total: usize = all.iter().map(|(_, bytes)| bytes.len()).sum();
        let mut byte = chance.below(total);
        let (path, bytes) = if chance.percent(50) {
            all[chance.below(all.len())]
        } else {
            let hit = all.iter().find(|(_, bytes)| {
                let hit = byte < bytes.len();
                byte = byte.wrapping_sub(if hit { 0 } else { bytes.len() });
                hit
            });
            *hit.unwrap()
        };
        let at = chance.below(bytes.len());
        let kind = if chance.percent(10) {
            Kind::Cut { to: if chance.percent(30) { 0 } else { at } }
        } else {
            Kind::Flip { at, bit: chance.below(8) as u8 }
        };
        Damage { path: path.clone(), kind }
    }

    /// What the file's bytes become.
    pub fn done_to(&self, bytes: &[u8]) -> Vec<u8> {
        let mut bytes = bytes.to_vec();
        match self.kind {
            Kind::Flip { at, bit } => bytes[at] ^= 1 << bit,
            Kind::Cut { to } => bytes.truncate(to),
        }
        bytes
    }

    /// Do it; what stood there before.
    pub fn inflict(&self, share: &Path) -> Vec<u8> {
        let file = share.join(&self.path);
        let before = fs::read(&file).unwrap();
        write(&file, self.done_to(&before));
        before
    }
}

/// The files of the history: everything in `.kitbag` that is named by its hash, and the two that are not.
pub fn history(share: &Path) -> Files {
    let mut files = tree(share);
    files.0.retain(|path, _| path.starts_with(".kitbag/"));
    files
}

/// All that ever stood at a path.
#[derive(Default)]
struct Versions(BTreeMap<String, Vec<Vec<u8>>>);

impl Versions {
    fn see(&mut self, files: &Files) {
        for (path, bytes) in &files.0 {
            self.0.entry(path.clone()).or_default().push(bytes.clone());
        }
    }

    /// No file of a machine is there with bytes that never stood there; how many are not the newest.
    #[track_caller]
    fn judge(&self, at: &Machine, newest: &Files, told: &dyn std::fmt::Debug) -> usize {
        let files = at.files();
        for (path, bytes) in &files.0 {
            let right = self.0.get(path).is_some_and(|versions| versions.contains(bytes));
            assert!(right, "{told:?}: {path} at {}: {:?}", at.name, String::from_utf8_lossy(bytes));
        }
        newest.0.iter().filter(|(path, bytes)| files.0.get(*path) != Some(bytes)).count()
    }
}

/// A machine with a history of several packs: text with versions, notebooks, a file of several pieces, one removed.
fn with_history(root: &Path, versions: &mut Versions) -> Machine {
    let share = "share";
    let a = Machine::new(root, "HOME-PC", &root.join(share));
    for n in 0..60 {
        a.write(&format!("part {}/file {n}.txt", n % 6), format!("line of {n}\n").repeat(n + 1));
    }
    a.write("lab/Part 1.ipynb", r#"{"cells":[],"metadata":{},"nbformat":4,"nbformat_minor":5}"#);
    a.write("large.bin", noise(3_000_000, 9));
    a.write("gone.txt", "removed later\n");
    a.setup().exits(&[0]);
    versions.see(&a.files());
    for round in 0..4 {
        a.write("notes.txt", (0..=round).map(|n| format!("round {n}\n")).collect::<String>());
        a.write("part 1/file 1.txt", format!("another line {round}\n").repeat(40));
        if round == 2 {
            a.remove("gone.txt");
        }
        a.sync();
        versions.see(&a.files());
    }
    a
}

fn pack_id(path: &str) -> Option<PackId> {
    path.strip_prefix(".kitbag/packs/").and_then(|rest| rest.rsplit('/').next()?.parse().ok())
}

/// The readers of packs and contents: a thousand flips, none taken. A damaged pack is never read as one, and a content
/// whose pack was damaged after it was read is either right or refused.
#[test]
fn a_thousand_flips_and_none_is_read() {
    let seed = seed();
    let mut chance = Chance::new(seed);
    let room = room();
    let a = with_history(room.path(), &mut Versions::default());
    let history = history(&a.share);
    let packs: Files = Files(history.0.into_iter().filter(|(path, _)| pack_id(path).is_some()).collect());
    assert!(packs.0.len() >= 5, "{:?}", packs.0.keys());

    // what a machine that saw all of it knows
    let (ledger, shelf, loose) = (Ledger::in_memory().unwrap(), MemoryShelf::new(), MemoryLoose::new());
    let mut contents = BTreeMap::new();
    for (path, bytes) in &packs.0 {
        let id = pack_id(path).unwrap();
        let pack = read_pack(id, bytes).unwrap();
        for record in &pack.records {
            contents.extend(record.record.content.id().map(|id| (id, record.record.content.size())));
        }
        ledger.add_pack(id, &pack, bytes.len() as u64, false).unwrap();
        shelf.put(id, bytes.clone());
    }
    ledger.admit().unwrap();
    let stored = Contents::new(&ledger, &shelf, &loose);
    let right = |id: ContentId, bytes: &[u8]| ContentId::of(bytes) == id;
    let all_right = |stored: &Contents<'_>| {
        contents.iter().filter(|(id, size)| stored.read(**id, **size).is_ok_and(|b| right(**id, &b))).count()
    };
    assert_eq!(all_right(&stored), contents.len());

    let (mut refused, mut harmless) = (0, 0);
    for n in 0..1_000 {
        let damage = Damage::draw(&packs, &mut chance);
        let id = pack_id(&damage.path).unwrap();
        let bytes = damage.done_to(&packs.0[&damage.path]);
        assert!(
            matches!(read_pack(id, &bytes), Err(BadPack::NotArrived)),
            "STORY_SEED={seed} {n}: {damage:?} was read as a pack"
        );
        shelf.put(id, bytes);
        let mut hit = false;
        for (&content, &size) in &contents {
            match stored.read(content, size) {
                Ok(bytes) => {
                    assert!(
                        right(content, &bytes),
                        "STORY_SEED={seed} {n}: {damage:?} was read as {content}"
                    );
                }
                Err(_) => hit = true,
            }
        }
        refused += usize::from(hit);
        harmless += usize::from(!hit);
        shelf.put(id, packs.0[&damage.path].clone());
    }
    // some hit statements or the index only, which are read once
    assert!(refused > 300 && harmless > 100, "{refused} hit a content, {harmless} none");
    assert_eq!(all_right(&stored), contents.len());
}

/// `verify` finds a thousand of a thousand, and names the file each time.
#[test]
fn verify_finds_every_one_of_a_thousand() {
    let seed = seed();
    let mut chance = Chance::new(seed + 3);
    let room = room();
    let a = with_history(room.path(), &mut Versions::default());
    let history = history(&a.share);
    let doors = Doors::real();
    let settings = workspace::list(&a.home, &doors).unwrap().remove(0);
    let ws = Workspace::look(&a.home, settings, Config::default(), doors).unwrap();
    let mut found = 0;
    for n in 0..1_000 {
        let damage = Damage::draw(&history, &mut chance);
        let before = damage.inflict(&a.share);
        let seen = verify(&ws, false, &Silent).unwrap();
        let place = damage.path.strip_prefix(".kitbag/").unwrap();
        let named = seen.damaged.iter().chain(&seen.waiting).any(|fault| fault.place == place);
        assert!(named && seen.state != State::Well, "STORY_SEED={seed} {n}: {damage:?}: {seen:#?}");
        found += 1;
        write(&a.share.join(&damage.path), before);
    }
    assert_eq!(found, 1_000);
    assert_eq!(verify(&ws, true, &Silent).unwrap().state, State::Well);
    a.run(&["verify"]).exits(&[0]);
}

/// A machine joins while something is damaged. What it brings is right, what is missing is said, and when the whole
/// file is back everything comes.
#[test]
fn a_machine_joins_a_damaged_share() {
    let seed = seed();
    let mut chance = Chance::new(seed + 1);
    let room = room();
    let mut versions = Versions::default();
    let a = with_history(room.path(), &mut versions);
    let (whole, history) = (a.files(), history(&a.share));
    let mut missed = 0;
    for n in 0..24 {
        let damage = Damage::draw(&history, &mut chance);
        let told = (format!("STORY_SEED={seed}"), n, &damage);
        let before = damage.inflict(&a.share);
        let root = room.path().join(format!("joining {n}"));
        let mut b = Machine::new(&root, "WORK-PC", &a.share);
        // only what the history says: plain files alone would do as well
        b.share = copied(&a.share, &root.join("share"), n % 2 == 0);
        // 3: a plain file whose version cannot be read is taken for somebody's change, and asked about
        let ran = b.setup().exits(&[0, 1, 3, 4]);
        let missing = versions.judge(&b, &whole, &told);
        if ran.status == 0 {
            assert_eq!(missing, 0, "{told:?}: missing and not said: {ran:#?}");
        }
        missed += usize::from(missing > 0);
        write(&b.share.join(&damage.path), &before);
        write(&a.share.join(&damage.path), &before);
        if ran.status == 1 && !b.home.join("workspaces").exists() {
            b.setup().exits(&[0]);
        }
        for _ in 0..2 {
            b.run(&["sync"]).exits(&[0, 3, 4]);
        }
        // with the true version here, there is nothing left to ask
        b.sync();
        assert_eq!(b.files(), whole, "{told:?}");
    }
    assert!(missed >= 4, "hardly any damage was felt: {missed}");
}

/// A copy of a share, with its plain files or without.
fn copied(share: &Path, to: &Path, plain: bool) -> PathBuf {
    for (path, bytes) in tree(share).0 {
        if plain || path.starts_with(".kitbag/") {
            write(&to.join(path), bytes);
        }
    }
    to.to_owned()
}

/// A machine that knows all of the history meets damage in what it has read, and in what is new to it. It loses
/// nothing of its own, and takes in nothing that is not right.
#[test]
fn a_machine_that_was_there_meets_damage() {
    let seed = seed();
    let mut chance = Chance::new(seed + 2);
    let room = room();
    let mut versions = Versions::default();
    let a = with_history(room.path(), &mut versions);
    let b = Machine::new(room.path(), "WORK-PC", &a.share);
    b.setup().exits(&[0]);
    let mut waited = 0;
    for n in 0..16 {
        let (before, shown) = (history(&a.share), b.files());
        let new = n % 2 == 0;
        a.write("notes.txt", format!("{}round {}\n", a.text("notes.txt"), n + 10));
        a.write(&format!("new/{n}.bin"), noise(40_000, n));
        a.sync();
        versions.see(&a.files());
        let mut hit = history(&a.share);
        hit.0.retain(|path, _| pack_id(path).is_some() && before.0.contains_key(path) != new);
        let damage = Damage::draw(&hit, &mut chance);
        let told = (format!("STORY_SEED={seed}"), n, &damage);
        let whole = damage.inflict(&a.share);
        // what it says is in the plain files too, and may come from there; nothing else may
        let ran = b.run(&["sync"]).exits(&[0, 4]);
        waited += usize::from(ran.status == 4);
        let missing = versions.judge(&b, &a.files(), &told);
        assert!(ran.status == 4 || missing == 0, "{told:?}: {missing} missing and not said: {ran:#?}");
        for path in shown.0.keys() {
            assert!(b.read(path).is_some(), "{told:?}: {path} is gone");
        }
        write(&a.share.join(&damage.path), whole);
        for machine in [&b, &a, &b] {
            machine.run(&["sync"]).exits(&[0, 4]);
        }
        assert_eq!(b.files(), a.files(), "{told:?}");
    }
    assert!(waited >= 4, "hardly any damage was felt: {waited}");
}
