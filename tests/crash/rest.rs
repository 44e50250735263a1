//! The end of a run: everything is delivered and answered until nothing moves any more, and the verdict is given. Nothing
//! seen is lost, all computers show the same, nothing waits, nothing lies about, and a further sync writes nothing.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;

use kitbag_core::plan::AbsenceAnswer;
use kitbag_engine::sync::report::Report;
use kitbag_engine::sync::{Keep, Request};
use kitbag_platform::clock::Clock;
use kitbag_platform::disk::SimulatedDisk;

use crate::computer::{Computer, Meanwhile};
use crate::person::all_words;
use crate::world::World;

/// So many rounds, or it never comes to rest.
const ROUNDS: usize = 60;

/// Files by their paths.
pub type Files = BTreeMap<String, Arc<Vec<u8>>>;

/// What stands in a folder, the history and our marks left out.
pub fn files(disk: &SimulatedDisk, folder: &Path) -> Files {
    let names = disk.peek_files(folder).into_iter();
    let plain = names.filter_map(|file| {
        let name = file.strip_prefix(folder).ok()?.to_str()?.to_owned();
        let ours = name.starts_with(".kitbag") || name.rsplit('/').next()?.starts_with(".~kitbag-");
        (!ours).then(|| Some((name, disk.peek(&file)?)))?
    });
    plain.collect()
}

/// What is still to do, in words; none when all is done.
pub fn unfinished(report: &Report) -> Option<String> {
    let waits = report.pending > 0
        || report.conflicts > 0
        || !report.waiting_for.is_empty()
        || !report.held.is_empty()
        || !report.problems.is_empty();
    waits.then(|| format!("{report:?}"))
}

impl World {
    pub fn come_to_rest(&mut self) -> Result<(), String> {
        self.story.push("--- all is delivered and answered".into());
        let mut quiet = 0;
        let mut last = String::new();
        for round in 0..ROUNDS {
            let mut moved = false;
            for at in 0..self.computers.len() {
                for name in self.provider.names(&self.computers[at]) {
                    if self.provider.carry(at, &self.computers[at], &name, None) {
                        moved = true;
                        self.figures.deliveries += 1;
                        self.tell(format!("provider carries {name} at {at}"));
                    }
                }
                // temporary files that nobody can own any more are taken away some time later
                self.computers[at].clock.sleep(2 * 3600 * 1000);
                let restore = (round % 4 == 3).then_some((AbsenceAnswer::Restore, None));
                let before = self.computers[at].disk.mutations();
                let request = Request { absent: restore, ..Request::default() };
                let report = self.sync(at, Meanwhile::default(), None, request)?;
                let Some(report) = report else { return Err(format!("{at} died without being told to")) };
                moved |= self.computers[at].disk.mutations() != before;
                if let Some(what) = unfinished(&report) {
                    moved = true;
                    last = format!("at {at}: {what}");
                }
                if report.conflicts > 0 && at == round % self.computers.len() {
                    self.answer_with(at, &Keep::Both);
                }
            }
            quiet = if moved { 0 } else { quiet + 1 };
            if quiet >= 2 {
                return Ok(());
            }
        }
        Err(format!("does not come to rest; the last thing left was {last}"))
    }

    pub fn judge(&mut self) -> Result<(), String> {
        let first = files(&self.computers[0].disk, &self.computers[0].work);
        let there = all_words(&self.computers[0].disk, &self.computers[0].work);
        for (at, computer) in self.computers.iter().enumerate() {
            same(&first, &files(&computer.disk, &computer.work))
                .map_err(|name| format!("{name} differs in the working folders of 0 and {at}"))?;
            same(&first, &files(&computer.disk, &computer.share))
                .map_err(|name| format!("{name} differs in the cloud folder of {at}"))?;
            let left = computer.temporaries();
            if !left.is_empty() {
                return Err(format!("temporary files are left at {at}: {left:?}"));
            }
        }
        let lost = self.words.lost(&there);
        if !lost.is_empty() {
            return Err(format!("lost: {}", lost.join(", ")));
        }
        self.computers.iter_mut().enumerate().try_for_each(|(at, computer)| writes_nothing(at, computer))
    }
}

/// A further sync changes nothing: no call that writes, not a byte of the ledger.
fn writes_nothing(at: usize, computer: &mut Computer) -> Result<(), String> {
    let (mutations, ledger) = (computer.disk.mutations(), computer.ledger_files());
    computer.sync(Request::default()).map_err(|error| format!("{at} cannot sync at rest: {error}"))?;
    match computer.disk.mutations() - mutations {
        0 if computer.ledger_files() == ledger => Ok(()),
        0 => Err(format!("a sync at rest writes to the ledger of {at}")),
        more => Err(format!("a sync at rest makes {more} calls at {at} that write")),
    }
}

/// # Errors
/// The first name that differs.
pub fn same(a: &Files, b: &Files) -> Result<(), String> {
    match a.keys().chain(b.keys()).find(|name| a.get(*name) != b.get(*name)) {
        Some(name) => Err(name.clone()),
        None => Ok(()),
    }
}
