//! A sync of about 200 files that has everything in it: new, changed and deleted files on both computers, large ones cut
//! in pieces, a merge, a question, a conflict copy. It is prepared once; then the first computer's sync can be run again
//! and again from the same moment, each time disturbed in another way, and what comes of it in the end is compared with
//! what comes of a sync that nobody disturbed.

use std::collections::BTreeSet;
use std::path::Path;

use kitbag_engine::sync::Request;
use kitbag_engine::workspace::Config;
use kitbag_platform::clock::Clock;
use kitbag_platform::disk::SimulatedDisk;

use crate::computer::{Computer, LedgerFiles};
use crate::person::{all_words, words};
use crate::provider::{Policy, Provider};
use crate::rest::{Files, files, same, unfinished};

/// The first computer just before its large sync, the second, and the provider between them.
pub struct Large {
    pub first: Computer,
    second: Computer,
    provider: Provider,
    disk: SimulatedDisk,
    ledger: LedgerFiles,
    second_disk: SimulatedDisk,
    second_ledger: LedgerFiles,
    /// What an undisturbed sync leads to.
    work: Files,
    mirror: Files,
}

/// How much of everything there is.
#[derive(Clone, Copy)]
pub struct Extent {
    old: usize,
    new: usize,
    changed: usize,
    removed: usize,
    /// Files of more than one piece.
    big: bool,
}

pub const LARGE: Extent = Extent { old: 100, new: 40, changed: 25, removed: 8, big: true };
/// Few files, for many tries.
pub const SMALL: Extent = Extent { old: 12, new: 2, changed: 2, removed: 1, big: false };

fn lines(name: &str, n: usize) -> Vec<u8> {
    (0..n).map(|line| format!("L{name}-{line}.\n")).collect::<String>().into_bytes()
}

/// Bytes of more than one piece, the same for the same number.
fn big(number: u64, len: usize) -> Vec<u8> {
    let chance = kitbag_platform::chance::SimulatedChance::new(number);
    let mut bytes = b"\0big\n".to_vec();
    while bytes.len() < len {
        bytes.extend(chance.next().to_le_bytes());
    }
    bytes
}

impl Large {
    /// # Errors
    /// The preparation or the undisturbed sync goes wrong.
    pub fn new(room: &Path, extent: Extent) -> Result<Self, String> {
        let config = Config {
            outside_settle_seconds: 0,
            absence_wait_seconds: 60,
            threads: 1,
            lock_wait_seconds: 0,
            ..Config::default()
        };
        let computer = |name: &str, seed| Computer::new(&room.join(name), name, seed, config.clone());
        let (mut first, mut second) = (computer("ONE", 1), computer("TWO", 2));
        let mut provider = Provider::new(Policy::Copies, 2);
        let say = |error: kitbag_engine::EngineError| error.to_string();

        let Extent { old, new, changed, removed: gone, big: has_big } = extent;
        for n in 0..old {
            write(&first, &format!("part {}/old {n}.txt", n % 7), &lines(&format!("old{n}"), 6));
        }
        write(&first, "both.txt", &lines("both", 9));
        write(&first, "question.txt", &lines("question", 3));
        write(&first, "copied.txt", &lines("copied", 5));
        if has_big {
            write(&first, "large.bin", &big(1, 1_300_000));
        }
        for _ in 0..3 {
            first.sync(Request::default()).map_err(say)?;
            carry_all(&mut provider, 0, &first);
            carry_all(&mut provider, 1, &second);
            second.sync(Request::default()).map_err(say)?;
        }

        // both go on working
        for n in 0..new {
            write(&first, &format!("mine {}/new {n}.txt", n % 5), &lines(&format!("mine{n}"), 4));
            write(&second, &format!("theirs {}/new {n}.txt", n % 5), &lines(&format!("theirs{n}"), 4));
        }
        for n in 0..changed {
            append(&first, &format!("part {}/old {n}.txt", n % 7), &format!("Lmine-changed{n}.\n"));
            let n = n + changed;
            append(&second, &format!("part {}/old {n}.txt", n % 7), &format!("Ltheirs-changed{n}.\n"));
        }
        let mut removed = BTreeSet::new();
        for n in 2 * changed..2 * changed + gone {
            removed.extend(take(&first, &format!("part {}/old {n}.txt", n % 7)));
            let n = n + gone;
            removed.extend(take(&second, &format!("part {}/old {n}.txt", n % 7)));
        }
        if has_big {
            write(&first, "mine.bin", &big(2, 1_200_000));
            write(&second, "theirs.bin", &big(3, 1_200_000));
            let mut large = big(1, 1_300_000);
            large[600_000..600_100].fill(7);
            write(&second, "large.bin", &large);
        }
        replace(&first, "both.txt", "Lboth-1.", "Lboth-1-mine.");
        replace(&second, "both.txt", "Lboth-7.", "Lboth-7-theirs.");
        replace(&first, "question.txt", "Lquestion-1.", "Lquestion-mine.");
        replace(&second, "question.txt", "Lquestion-1.", "Lquestion-theirs.");
        removed.extend(["Lboth-1.", "Lboth-7.", "Lquestion-1."].map(str::to_owned));

        second.clock.sleep(60_000);
        first.clock.sleep(60_000);
        second.sync(Request::default()).map_err(say)?;
        carry_all(&mut provider, 1, &second);
        carry_all(&mut provider, 0, &first);
        let copy = [lines("copied", 5), b"Lcopied-elsewhere.\n".to_vec()].concat();
        let beside = first.share.join("copied (PC's conflicted copy 2026-10-02).txt");
        first.disk.place_file(&beside, &copy).map_err(|error| error.to_string())?;

        let mut owed = all_words(&first.disk, &first.work);
        owed.extend(all_words(&second.disk, &second.work));
        owed.insert("Lcopied-elsewhere.".into());
        owed.retain(|word| !removed.contains(word));
        first.close();
        second.close();
        let mut large = Large {
            disk: first.disk.copy(first.clock.clone()),
            ledger: first.ledger_files(),
            second_disk: second.disk.copy(second.clock.clone()),
            second_ledger: second.ledger_files(),
            first,
            second,
            provider,
            work: Files::new(),
            mirror: Files::new(),
        };
        large.undisturbed(&owed, (new + changed) as u64)?;
        Ok(large)
    }

    fn undisturbed(&mut self, owed: &BTreeSet<String>, least: u64) -> Result<(), String> {
        let mut whole = self.begin(1);
        let report = whole.sync(Request::default()).map_err(|error| error.to_string())?;
        if report.received < least || report.published < least || report.merged < 1 || report.conflicts != 1 {
            return Err(format!("the large sync is not what it was meant to be: {report:?}"));
        }
        (self.work, self.mirror) = (files(&whole.disk, &whole.work), files(&whole.disk, &whole.share));
        if self.mirror.keys().any(|name| name.contains("conflicted")) {
            return Err("the conflict copy stays".into());
        }
        let mut there = all_words(&whole.disk, &whole.work);
        there.extend(all_words(&whole.disk, &whole.share));
        let lost: Vec<_> = owed.difference(&there).collect();
        if !lost.is_empty() {
            return Err(format!("an undisturbed sync loses {lost:?}"));
        }
        self.check(&mut whole, true)
    }

    /// The first computer just before its large sync.
    pub fn begin(&self, seed: u64) -> Computer {
        self.first.twin(&self.disk, &self.ledger, seed)
    }

    /// After a disturbance: a sync that nobody disturbs, and then everything is as if there had been none. With `far` the
    /// second computer takes it all in too.
    ///
    /// # Errors
    /// What is not as it should be.
    pub fn recover(&self, computer: &mut Computer, far: bool) -> Result<(), String> {
        let report = computer.sync(Request::default()).map_err(|error| format!("cannot sync: {error}"))?;
        let left = kitbag_engine::sync::report::Report { conflicts: report.conflicts.abs_diff(1), ..report };
        if let Some(what) = unfinished(&left) {
            return Err(format!("not done after the next sync: {what}"));
        }
        self.check(computer, far)
    }

    fn check(&self, computer: &mut Computer, far: bool) -> Result<(), String> {
        let (work, mirror) = (files(&computer.disk, &computer.work), files(&computer.disk, &computer.share));
        same(&self.work, &work).map_err(|name| format!("{name} differs in the working folder"))?;
        same(&self.mirror, &mirror).map_err(|name| format!("{name} differs in the cloud folder"))?;
        // temporary files that nobody can own any more are taken away some time later
        computer.clock.sleep(2 * 3600 * 1000);
        if !computer.temporaries().is_empty() {
            computer.sync(Request::default()).map_err(|error| format!("cannot sync later: {error}"))?;
        }
        let left = computer.temporaries();
        if !left.is_empty() {
            return Err(format!("temporary files are left: {left:?}"));
        }
        let mutations = computer.disk.mutations();
        computer.sync(Request::default()).map_err(|error| format!("cannot sync at rest: {error}"))?;
        match computer.disk.mutations() - mutations {
            0 if far => self.meet(computer),
            0 => Ok(()),
            more => Err(format!("a sync at rest makes {more} calls that write")),
        }
    }

    /// The second computer takes in what the first has put into its share, and shows the same.
    fn meet(&self, computer: &mut Computer) -> Result<(), String> {
        let mut provider = self.provider.clone();
        let mut second = self.second.twin(&self.second_disk, &self.second_ledger, 5);
        for _ in 0..2 {
            carry_all(&mut provider, 0, computer);
            carry_all(&mut provider, 1, &second);
            second.sync(Request::default()).map_err(|error| format!("the other cannot sync: {error}"))?;
            carry_all(&mut provider, 1, &second);
            carry_all(&mut provider, 0, computer);
            computer.sync(Request::default()).map_err(|error| format!("cannot sync again: {error}"))?;
        }
        let (mut here, mut there) =
            (files(&computer.disk, &computer.work), files(&second.disk, &second.work));
        // each shows its own side of the open question
        here.remove("question.txt");
        there.remove("question.txt");
        same(&here, &there).map_err(|name| format!("{name} differs on the other computer"))
    }
}

/// The provider carries every file once at this computer.
pub fn carry_all(provider: &mut Provider, at: usize, computer: &Computer) {
    for name in provider.names(computer) {
        provider.carry(at, computer, &name, None);
    }
}

fn write(computer: &Computer, name: &str, bytes: &[u8]) {
    computer.disk.place_file(&computer.work.join(name), bytes).expect("a file can be written");
}

fn read(computer: &Computer, name: &str) -> Vec<u8> {
    computer.disk.peek(&computer.work.join(name)).unwrap_or_default().to_vec()
}

fn append(computer: &Computer, name: &str, line: &str) {
    write(computer, name, &[read(computer, name), line.as_bytes().to_vec()].concat());
}

fn replace(computer: &Computer, name: &str, old: &str, new: &str) {
    let text = String::from_utf8_lossy(&read(computer, name)).replace(old, new);
    write(computer, name, text.as_bytes());
}

/// Delete a file; the words it held.
fn take(computer: &Computer, name: &str) -> BTreeSet<String> {
    let held = words(&read(computer, name));
    computer.disk.take_away(&computer.work.join(name)).expect("a file can be deleted");
    held
}
