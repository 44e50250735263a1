//! Working folder, mirror and ledger walked side by side as three sorted streams. What looks as it did is passed over
//! without reading; the rest becomes candidates, kept in the ledger so that a first scan of a large folder needs no
//! memory. Along the way it counts what is gone.

use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use kitbag_core::entry::Fingerprint;
use kitbag_core::guard::Removals;
use kitbag_core::ignore::Ignore;
use kitbag_core::path::{WorkPath, shown};
use kitbag_core::plan::Removal;
use kitbag_core::provider::Stub;
use kitbag_platform::disk::Disk;
use kitbag_store::Ledger;
use kitbag_store::ledger::{Held, Look, PathRow, Place};

use super::Cycle;
use super::copies::{Copies, Told};
use super::displaced::{self, Displaced};
use super::met::{Met, is_clean};
use super::report::Problem;
use super::rows::Rows;
use super::spot::Folder;
use super::units::UnitFolders;
use super::walk::{self, Walk};
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
    /// Folders that a course needs: they are made on every machine.
    pub(super) required: &'a BTreeSet<WorkPath>,
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
    /// Conflict copies in the mirror: of which file, where the copies lie.
    pub copies: BTreeMap<WorkPath, Vec<String>>,
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
    let open = |folder: Folder<'_>, stubs| {
        let walk = Walk::new(scan.disk.clone(), folder, scan.ignore.clone(), scan.units.clone(), stubs);
        let steps = walk.and_then(|walk| {
            Ok(if scan.ahead { Box::new(walk.ahead()?) as Steps } else { Box::new(walk) as Steps })
        });
        steps.map_err(EngineError::io("cannot read", folder.top))
    };
    let mut working = Side::new(open(work, &[])?, work, None)?;
    let mut mirrored = Side::new(open(mirror, scan.stubs)?, mirror, Some(&scan.copies))?;
    let mut rows = Rows::new(ledger);
    let mut displaced: Vec<Displaced> = Vec::new();
    loop {
        let next = [working.key(), mirrored.key(), rows.key()?].into_iter().flatten().min();
        let Some(key) = next else { break };
        let (here, there, row) = (working.take(&key)?, mirrored.take(&key)?, rows.take(&key)?);
        let path = || {
            let path = WorkPath::from_key(&key).map_err(|e| e.to_string());
            path.map_err(|reason| EngineError::State { path: work.top.to_owned(), reason })
        };
        if let Some(row) = row.as_ref().filter(|row| scan.units.holds(&row.path)) {
            // recorded alone before its folder was, as a course's files are; the folder has carried it since
            if row.dirty {
                ledger.put_path(&PathRow { dirty: false, ..row.clone() })?;
            }
            continue;
        }
        let row_at = row.as_ref();
        let (before, had) = (row_at.and_then(|row| row.working), row_at.is_some_and(|row| row.present));
        let (mut here, here_online) = here.judge(before, had);
        let (before, had) =
            (row_at.and_then(|row| row.mirror_print), row_at.is_some_and(|row| row.memory.mirror.is_some()));
        let (mut there, there_online) = there.judge(before, had);
        if here.look == Look::Folder && scan.required.contains(&path()?) {
            here.look = Look::Filled;
        }
        if row.as_ref().is_none_or(|row| !row.present && row.memory.mirror.is_none()) {
            for (met, folder) in [(&mut here, work), (&mut there, mirror)] {
                displaced.extend(displaced::find(ledger, folder, path()?, met, &displaced)?);
            }
        }
        scanned.working_files += u64::from(here.look.is_file());
        scanned.mirror_files += u64::from(there.look.is_file());
        if let Some(row) = &row
            && row.present
        {
            scanned.removals.known += 1;
            scanned.removals.missing += u64::from(here.is_gone());
        }
        let something = here.look.is_file() || there.look.is_file() || here.look == Look::Folder;
        let clean = row.as_ref().is_some_and(|row| is_clean(row, &here, &there));
        let candidate = !clean && (row.is_some() || something);
        let wanted = [here_online, there_online].contains(&Online::Wanted);
        if !candidate && !wanted {
            continue;
        }
        let path = path()?;
        for (online, place) in [(here_online, Place::Working), (there_online, Place::Mirror)] {
            if online == Online::Unchanged {
                scanned.online.insert((place, path.clone()));
            }
        }
        if wanted {
            scanned.wanted.push(path.clone());
        }
        if candidate {
            ledger.add_candidate(&Met::candidate(path, here, there))?;
            scanned.candidates += 1;
        }
    }
    scanned.problems.append(&mut working.problems);
    scanned.problems.append(&mut mirrored.problems);
    for displaced in displaced {
        scanned.put_right(ledger, displaced)?;
    }
    // a copy's file is looked at even when nothing else about it changed
    for (base, copy) in mirrored.copies {
        if ledger.candidate(&base)?.is_none() {
            let row = ledger.path(&base)?.unwrap_or_else(|| PathRow::new(base.clone()));
            let (here, there) = (Met::now(&row, work), Met::now(&row, mirror));
            ledger.add_candidate(&Met::candidate(base.clone(), here, there))?;
            scanned.candidates += 1;
        }
        scanned.copies.entry(base).or_default().push(copy);
    }
    Ok(scanned)
}

impl Scanned {
    /// A file that lies under a name which is not its own belongs to its path.
    fn put_right(&mut self, ledger: &Ledger, displaced: Displaced) -> Result<(), EngineError> {
        let Displaced { place, path, look, at } = displaced;
        let known = ledger.candidate(&path)?;
        self.candidates -= u64::from(known.is_some());
        let row = ledger.path(&path)?.unwrap_or_else(|| PathRow::new(path.clone()));
        let (mut here, mut there) = match known {
            Some(known) => (
                Met { look: known.working, at: known.working_at },
                Met { look: known.mirror, at: known.mirror_at },
            ),
            None => (Met::remembered(&row, Place::Working), Met::remembered(&row, Place::Mirror)),
        };
        let (met, missing) = match place {
            Place::Working => (&mut here, &mut self.removals.missing),
            Place::Mirror => (&mut there, &mut 0),
        };
        *missing = missing.saturating_sub(u64::from(row.present && met.is_gone()));
        *met = Met { look, at: Some(at) };
        if is_clean(&row, &here, &there) {
            ledger.drop_candidate(&path)?;
        } else {
            ledger.add_candidate(&Met::candidate(path, here, there))?;
            self.candidates += 1;
        }
        Ok(())
    }
}

impl Cycle<'_> {
    /// Scan both folders; how many paths want a closer look. Along the way, another program that came to sync one of
    /// them since setup is told of.
    ///
    /// # Errors
    /// A folder cannot be read or was replaced meanwhile, or the ledger fails.
    pub(super) fn scan(&mut self) -> Result<u64, EngineError> {
        let ws = self.ws;
        let (work, mirror) = (&ws.settings.work, self.share.root());
        for finding in apart::marks(mirror, work, ws.provider(), ws.doors.disk.as_ref()) {
            let told = format!("{}. {} {}", finding.what, finding.why, finding.remedy);
            self.report.problems.push(Problem::told("folders", told));
        }
        let (work, mirror) = (self.folder(Place::Working), self.folder(Place::Mirror));
        let mut machines: Vec<_> = events::machines(ws)?.into_iter().map(|machine| machine.name).collect();
        machines.push(ws.settings.machine.clone());
        let scanned = ws.ledger.batch(|ledger| {
            let copies = Copies {
                ledger,
                work,
                mirror,
                machines: &machines,
                delivering: &self.delivering,
                now: self.now(),
            };
            let stubs = ws.provider().map_or(&[][..], |row| row.stubs);
            let (disk, ahead) = (&ws.doors.disk, ws.config.threads > 1);
            let (ignore, units, required) = (&self.ignore, &self.units, &self.required);
            scan(&Scan { disk, copies, ignore, units, required, stubs, ahead })
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

type Steps = Box<dyn Iterator<Item = walk::Met>>;

/// How one side shows a path.
enum Sight {
    /// As it can be looked at.
    Here(Met),
    /// Its bytes are online only; the placeholder's metadata, where it keeps the file's own, and where it lies.
    Online(Option<Fingerprint>, Option<String>),
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
    fn judge(self, before: Option<Fingerprint>, had: bool) -> (Met, Online) {
        let (now, at) = match self {
            Sight::Here(met) => return (met, Online::No),
            Sight::Online(now, at) => (now, at),
        };
        match (now, before) {
            (Some(now), Some(before))
                if had && (now.size, now.modified) == (before.size, before.modified) =>
            {
                (Met { look: Look::File(before), at }, Online::Unchanged)
            }
            // a stub says nothing of the file but that it is there; a change shows when its bytes come
            (None, Some(before)) if had => (Met { look: Look::File(before), at }, Online::Unchanged),
            _ => (Met::plain(Look::Unsure), Online::Wanted),
        }
    }
}

fn is_below(key: &[u8], above: &[u8]) -> bool {
    key.starts_with(above) && key.get(above.len()) == Some(&0)
}

/// What a folder's stream shows next.
struct Next {
    key: Vec<u8>,
    sight: Sight,
    /// Whether nothing below it can be judged. It counts from when it is given, not from when it is met: until then
    /// the paths below the one before are still asked for.
    covers: bool,
}

/// One folder's stream, with what cannot be judged remembered for everything below it.
struct Side<'a> {
    walk: Steps,
    folder: Folder<'a>,
    next: Option<Next>,
    /// The key that was given last.
    last: Vec<u8>,
    /// The thing given last below which nothing can be judged.
    unsure: Option<Vec<u8>>,
    problems: Vec<Problem>,
    /// The mirror's side: conflict copies are set apart.
    judge: Option<&'a Copies<'a>>,
    copies: Vec<(WorkPath, String)>,
}

impl<'a> Side<'a> {
    fn new(walk: Steps, folder: Folder<'a>, judge: Option<&'a Copies<'a>>) -> Result<Self, EngineError> {
        let (last, problems, copies) = (Vec::new(), Vec::new(), Vec::new());
        let mut side = Side { walk, folder, next: None, last, unsure: None, problems, judge, copies };
        side.advance()?;
        Ok(side)
    }

    fn key(&self) -> Option<Vec<u8>> {
        self.next.as_ref().map(|next| next.key.clone())
    }

    fn take(&mut self, key: &[u8]) -> Result<Sight, EngineError> {
        if self.next.as_ref().is_some_and(|next| next.key == key)
            && let Some(Next { key, sight, covers }) = self.next.take()
        {
            if covers {
                self.unsure = Some(key.clone());
            }
            self.last = key;
            self.advance()?;
            return Ok(sight);
        }
        Ok(Sight::Here(Met::plain(if self.unsure.as_ref().is_some_and(|unsure| is_below(key, unsure)) {
            Look::Unsure
        } else if self.next.as_ref().is_some_and(|next| is_below(&next.key, key)) {
            Look::Filled
        } else {
            Look::Absent
        })))
    }

    fn tell(&mut self, name: &str, reason: String) {
        let cloud = if self.judge.is_some() { "cloud folder: " } else { "" };
        self.problems.push(Problem::told(format!("{cloud}{name}"), reason));
    }

    fn advance(&mut self) -> Result<(), EngineError> {
        while let Some(met) = self.walk.next() {
            // files of a unit that were once carried one by one are neither absent nor looked at
            let covers = matches!(met, walk::Met::Unit { .. } | walk::Met::Unsure { .. });
            let (path, sight) = match met {
                walk::Met::File { path, at, print } => {
                    let lies = at.as_deref().unwrap_or(path.as_str());
                    let told = self.judge.map_or(Ok(Told::Ordinary), |copies| copies.judge(&path, lies))?;
                    let look = match told {
                        Told::Ordinary => Look::File(print),
                        Told::NotNow => Look::Unsure,
                        Told::CopyOf(base) => {
                            self.copies.push((base, lies.to_owned()));
                            continue;
                        }
                    };
                    let at = self.unusual(&path, at);
                    (path, Sight::Here(Met { look, at }))
                }
                walk::Met::Second { path, at } if self.judge.is_some() => {
                    self.copies.push((path, at));
                    continue;
                }
                walk::Met::Second { path, at } => {
                    self.tell(&shown(&at), format!("{path} is written so too; rename one of them"));
                    continue;
                }
                walk::Met::Unit { path, print } => (path, Sight::Here(Met::plain(Look::File(print)))),
                walk::Met::Online { path, at, print } => {
                    let at = self.unusual(&path, at);
                    (path, Sight::Online(print, at))
                }
                walk::Met::Link { path, at, print } => {
                    let at = self.unusual(&path, at);
                    (path, Sight::Here(Met { look: Look::Link(print), at }))
                }
                walk::Met::Folder { path, filled } => {
                    let look = if filled { Look::Filled } else { Look::Folder };
                    (path, Sight::Here(Met::plain(look)))
                }
                walk::Met::Unsure { path, reason } => {
                    if let Some(reason) = reason {
                        self.tell(&path.to_string(), reason);
                    }
                    (path, Sight::Here(Met::plain(Look::Unsure)))
                }
                walk::Met::Problem { name, reason } => {
                    self.tell(&name, reason);
                    continue;
                }
                walk::Met::Temporary(_) => continue,
            };
            // a file that lies elsewhere and a folder can have one path: the file was first
            let key = path.key();
            if key != self.last {
                self.next = Some(Next { key, sight, covers });
                return Ok(());
            }
            if covers {
                self.unsure = Some(key);
            }
        }
        self.next = None;
        Ok(())
    }

    /// Where a file lies, when that is not how its name is written there.
    fn unusual(&self, path: &WorkPath, at: Option<String>) -> Option<String> {
        match (at, self.folder.names.place(path, false)) {
            (None, Cow::Borrowed(_)) => None,
            (None, _) => Some(path.as_str().to_owned()),
            (Some(at), written) => (at != written).then_some(at),
        }
    }
}
