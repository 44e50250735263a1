//! Working folder, mirror and ledger walked side by side as three sorted streams. What looks as it did is passed over
//! without reading; the rest becomes candidates, kept in the ledger so that a first scan of a large folder needs no
//! memory. Along the way it counts what is gone.

use std::cmp::Ordering;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use kitbag_core::entry::Fingerprint;
use kitbag_core::guard::Removals;
use kitbag_core::ignore::Ignore;
use kitbag_core::path::WorkPath;
use kitbag_core::plan::Removal;
use kitbag_core::provider::Stub;
use kitbag_platform::disk::{Disk, ItemKind};
use kitbag_store::Ledger;
use kitbag_store::ledger::{Candidate, Held, Look, PathRow, Place};

use super::Cycle;
use super::copies::{Copies, Told};
use super::report::Problem;
use super::units::UnitFolders;
use super::walk::{Met, Walk};
use crate::apart;
use crate::error::EngineError;
use crate::events;
use crate::folders;

/// What is scanned, and with which eyes.
pub(super) struct Scan<'a> {
    /// The disk; each folder may be walked on a thread of its own.
    pub(super) disk: &'a Arc<dyn Disk>,
    /// Which files of the mirror are conflict copies; knows both folders.
    pub(super) copies: Copies<'a>,
    /// What is never carried.
    pub(super) ignore: &'a Arc<Ignore>,
    /// Folders that are one thing.
    pub(super) units: &'a Arc<UnitFolders>,
    /// How the share's provider shows files whose bytes are not here.
    pub(super) stubs: &'static [Stub],
    /// Each folder on a thread of its own.
    pub(super) ahead: bool,
}

/// What a scan found out.
#[derive(Default)]
pub struct Scanned {
    /// How many candidates stand in the ledger.
    pub candidates: u64,
    /// What is gone from the working folder.
    pub removals: Removals,
    /// Conflict copies in the mirror: of which file, the copies' paths.
    pub copies: BTreeMap<WorkPath, Vec<WorkPath>>,
    /// What was left out, and why.
    pub problems: Vec<Problem>,
    /// Files seen in the working folder.
    pub working_files: u64,
    /// Files seen in the mirror.
    pub mirror_files: u64,
    /// Candidates whose bytes are online only at this place, and unchanged: they may be known, not written over.
    pub online: BTreeSet<(Place, WorkPath)>,
    /// Files that are online only and must be here to go on.
    pub wanted: Vec<WorkPath>,
}

/// Scan both folders against the ledger. Call it inside a batch of the ledger.
///
/// # Errors
/// A folder's top cannot be listed, or the ledger fails.
pub(super) fn scan(scan: &Scan<'_>) -> Result<Scanned, EngineError> {
    let mut scanned = Scanned::default();
    let Copies { ledger, work, mirror, .. } = scan.copies;
    ledger.clear_candidates()?;
    let open = |root, stubs| {
        let walk = Walk::new(scan.disk.clone(), root, scan.ignore.clone(), scan.units.clone(), stubs);
        let steps = walk.and_then(|walk| {
            Ok(if scan.ahead { Box::new(walk.ahead()?) as Steps } else { Box::new(walk) as Steps })
        });
        steps.map_err(EngineError::io("cannot read", root))
    };
    let mut working = Side::new(open(work, &[])?, "", None)?;
    let mut mirrored = Side::new(open(mirror, scan.stubs)?, "cloud folder: ", Some(&scan.copies))?;
    let mut rows = Rows::new(ledger);
    loop {
        let next = [working.key(), mirrored.key(), rows.key()?].into_iter().flatten().min();
        let Some(key) = next else { break };
        let (here, there, row) = (working.take(&key)?, mirrored.take(&key)?, rows.take(&key)?);
        let row_at = row.as_ref();
        let (before, had) = (row_at.and_then(|row| row.working), row_at.is_some_and(|row| row.present));
        let (here, here_online) = here.judge(before, had);
        let (before, had) =
            (row_at.and_then(|row| row.mirror_print), row_at.is_some_and(|row| row.memory.mirror.is_some()));
        let (there, there_online) = there.judge(before, had);
        scanned.working_files += u64::from(matches!(here, Look::File(_)));
        scanned.mirror_files += u64::from(matches!(there, Look::File(_)));
        if let Some(row) = &row
            && row.present
        {
            scanned.removals.known += 1;
            scanned.removals.missing += u64::from(here == Look::Absent);
        }
        let clean = row.as_ref().is_some_and(|row| {
            // a file touched just before the last look has no fingerprint: that alone is no absence
            let gone = (row.present && here == Look::Absent)
                || (row.memory.mirror.is_some() && there == Look::Absent);
            !row.dirty
                && !gone
                && same(&here, row.working.as_ref())
                && same(&there, row.mirror_print.as_ref())
        });
        let something = |look: &Look| matches!(look, Look::File(_));
        let candidate = !clean && (row.is_some() || something(&here) || something(&there));
        let wanted = [here_online, there_online].contains(&Online::Wanted);
        if !candidate && !wanted {
            continue;
        }
        let path = WorkPath::from_key(&key)
            .map_err(|e| EngineError::State { path: work.to_owned(), reason: e.to_string() })?;
        for (online, place) in [(here_online, Place::Working), (there_online, Place::Mirror)] {
            if online == Online::Unchanged {
                scanned.online.insert((place, path.clone()));
            }
        }
        if wanted {
            scanned.wanted.push(path.clone());
        }
        if candidate {
            ledger.add_candidate(&Candidate { path, working: here, mirror: there })?;
            scanned.candidates += 1;
        }
    }
    scanned.problems.append(&mut working.problems);
    scanned.problems.append(&mut mirrored.problems);
    // a copy's file is looked at even when nothing else about it changed
    for (base, copy) in mirrored.copies {
        let look = |root: &std::path::Path| match scan.disk.stat(&root.join(base.as_str())) {
            Ok(stat) if stat.kind == ItemKind::File && !stat.placeholder => Look::File(stat.fingerprint),
            Ok(_) => Look::Unsure,
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => Look::Absent,
            Err(_) => Look::Unsure,
        };
        ledger.add_candidate(&Candidate { path: base.clone(), working: look(work), mirror: look(mirror) })?;
        scanned.candidates += 1;
        scanned.copies.entry(base).or_default().push(copy);
    }
    Ok(scanned)
}

impl Cycle<'_> {
    /// Scan both folders; how many paths want a closer look. Along the way, another program that came to sync one of
    /// them since setup is told of.
    ///
    /// # Errors
    /// A folder cannot be read or was replaced meanwhile, or the ledger fails.
    pub(super) fn scan(&mut self) -> Result<u64, EngineError> {
        let ws = self.ws;
        let (work, mirror) = (ws.settings.work.clone(), self.share.root().to_owned());
        for finding in apart::marks(&mirror, &work, ws.provider(), ws.doors.disk.as_ref()) {
            let told = format!("{}. {} {}", finding.what, finding.why, finding.remedy);
            self.report.problems.push(Problem::told("folders", told));
        }
        let mut machines: Vec<_> = events::machines(ws)?.into_iter().map(|machine| machine.name).collect();
        machines.push(ws.settings.machine.clone());
        let scanned = ws.ledger.batch(|ledger| {
            let copies = Copies {
                ledger,
                disk: ws.doors.disk.as_ref(),
                work: &work,
                mirror: &mirror,
                machines: &machines,
                delivering: &self.delivering,
                now: self.now(),
            };
            let stubs = ws.provider().map_or(&[][..], |row| row.stubs);
            let (disk, ahead) = (&ws.doors.disk, ws.config.threads > 1);
            scan(&Scan { disk, copies, ignore: &self.ignore, units: &self.units, stubs, ahead })
        })?;
        // a folder renamed away during the scan looks like one whose files were deleted
        self.share.is_empty()?;
        folders::check_same_working(ws)?;
        let renamed = if scanned.removals.missing > 0 { self.find_renamed()? } else { 0 };
        self.renamed = renamed > 0;
        // their old places are looked at once it is recorded where they went
        self.again |= self.renamed;
        let mut removals = scanned.removals;
        if removals.missing > 0 {
            removals.missing = removals.missing.saturating_sub(renamed + ws.ledger.moved_away()?);
        }
        removals.last_day = ws.ledger.removals_since(self.now() - 24 * 3600 * 1000)?;
        self.removal = if removals.ask() { Removal::Asks } else { Removal::Counts };
        let held = ws.ledger.held()?.into_iter().filter(|held| held.reason == Held::RemovedHere);
        self.asked = held.map(|held| held.path).collect();
        (self.copies, self.online) = (scanned.copies, scanned.online);
        self.report.problems.extend(scanned.problems);
        for path in &scanned.wanted {
            self.wait_online(path);
        }
        Ok((scanned.candidates + scanned.wanted.len() as u64).saturating_sub(renamed))
    }
}

fn same(look: &Look, print: Option<&Fingerprint>) -> bool {
    match (look, print) {
        (Look::Absent, None) | (Look::Unsure, _) => true,
        (Look::File(now), Some(before)) => now == before,
        _ => false,
    }
}

type Steps = Box<dyn Iterator<Item = Met>>;

/// How one side shows a path.
#[derive(Debug, Clone, Copy)]
enum Sight {
    /// As it can be looked at.
    Here(Look),
    /// Its bytes are online only; the placeholder's metadata, where it keeps the file's own.
    Online(Option<Fingerprint>),
}

/// What being online only means for a path.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Online {
    /// It is not, or nothing follows from it.
    No,
    /// It shows what it showed last.
    Unchanged,
    /// Its bytes are needed.
    Wanted,
}

impl Sight {
    /// A placeholder counts as what stood there last when size and time are the same; it is never opened. `before` is
    /// how the file looked then, `had`: whether anything was known to be there.
    fn judge(self, before: Option<Fingerprint>, had: bool) -> (Look, Online) {
        let now = match self {
            Sight::Here(look) => return (look, Online::No),
            Sight::Online(now) => now,
        };
        match (now, before) {
            (Some(now), Some(before))
                if had && (now.size, now.modified) == (before.size, before.modified) =>
            {
                (Look::File(before), Online::Unchanged)
            }
            // a stub says nothing of the file but that it is there; a change shows when its bytes come
            (None, Some(before)) if had => (Look::File(before), Online::Unchanged),
            _ => (Look::Unsure, Online::Wanted),
        }
    }
}

/// One folder's stream, with what cannot be judged remembered for everything below it.
struct Side<'a> {
    walk: Steps,
    next: Option<(Vec<u8>, Sight)>,
    unsure: Option<Vec<u8>>,
    problems: Vec<Problem>,
    place: &'static str,
    /// The mirror's side: conflict copies are set apart.
    judge: Option<&'a Copies<'a>>,
    copies: Vec<(WorkPath, WorkPath)>,
}

impl<'a> Side<'a> {
    fn new(walk: Steps, place: &'static str, judge: Option<&'a Copies<'a>>) -> Result<Self, EngineError> {
        let (problems, copies) = (Vec::new(), Vec::new());
        let mut side = Side { walk, next: None, unsure: None, problems, place, judge, copies };
        side.advance()?;
        Ok(side)
    }

    fn key(&self) -> Option<Vec<u8>> {
        self.next.as_ref().map(|(key, _)| key.clone())
    }

    fn take(&mut self, key: &[u8]) -> Result<Sight, EngineError> {
        if self.next.as_ref().is_some_and(|(next, _)| next == key) {
            let sight = self.next.take().map_or(Sight::Here(Look::Absent), |(_, sight)| sight);
            self.advance()?;
            return Ok(sight);
        }
        let below = |above: &Vec<u8>| key.starts_with(above) && key.get(above.len()) == Some(&0);
        let unsure = self.unsure.as_ref().is_some_and(below);
        Ok(Sight::Here(if unsure { Look::Unsure } else { Look::Absent }))
    }

    fn advance(&mut self) -> Result<(), EngineError> {
        for met in self.walk.by_ref() {
            match met {
                Met::File { path, print } => {
                    let told = self.judge.map_or(Ok(Told::Ordinary), |copies| copies.judge(&path))?;
                    let look = match told {
                        Told::Ordinary => Look::File(print),
                        Told::NotNow => Look::Unsure,
                        Told::CopyOf(base) => {
                            self.copies.push((base, path));
                            continue;
                        }
                    };
                    self.next = Some((path.key(), Sight::Here(look)));
                    return Ok(());
                }
                Met::Unit { path, print } => {
                    // files of it that were once carried one by one are neither absent nor looked at
                    self.unsure = Some(path.key());
                    self.next = Some((path.key(), Sight::Here(Look::File(print))));
                    return Ok(());
                }
                Met::Online { path, print } => {
                    self.next = Some((path.key(), Sight::Online(print)));
                    return Ok(());
                }
                Met::Unsure { path, reason } => {
                    if let Some(reason) = reason {
                        self.problems.push(Problem::told(format!("{}{path}", self.place), reason));
                    }
                    self.unsure = Some(path.key());
                    self.next = Some((path.key(), Sight::Here(Look::Unsure)));
                    return Ok(());
                }
                Met::Problem { name, reason } => {
                    self.problems.push(Problem::told(format!("{}{name}", self.place), reason));
                }
                Met::Temporary(_) => {}
            }
        }
        self.next = None;
        Ok(())
    }
}

/// The ledger's stream, page by page.
struct Rows<'a> {
    ledger: &'a Ledger,
    page: std::vec::IntoIter<PathRow>,
    next: Option<PathRow>,
    last: Option<Vec<u8>>,
    done: bool,
}

const PAGE: usize = 2_000;

impl<'a> Rows<'a> {
    fn new(ledger: &'a Ledger) -> Self {
        Rows { ledger, page: Vec::new().into_iter(), next: None, last: None, done: false }
    }

    fn fill(&mut self) -> Result<(), EngineError> {
        while self.next.is_none() && !self.done {
            self.next = self.page.next();
            if self.next.is_none() {
                let page = self.ledger.paths_after(self.last.as_deref(), PAGE)?;
                self.done = page.is_empty();
                self.last = page.last().map(|row| row.path.key()).or(self.last.take());
                self.page = page.into_iter();
            }
        }
        Ok(())
    }

    fn key(&mut self) -> Result<Option<Vec<u8>>, EngineError> {
        self.fill()?;
        Ok(self.next.as_ref().map(|row| row.path.key()))
    }

    fn take(&mut self, key: &[u8]) -> Result<Option<PathRow>, EngineError> {
        self.fill()?;
        let order = self.next.as_ref().map(|row| row.path.key().as_slice().cmp(key));
        Ok(if order == Some(Ordering::Equal) { self.next.take() } else { None })
    }
}
