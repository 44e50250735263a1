//! Working folder, mirror and ledger walked side by side as three sorted streams. What looks as it did is passed over
//! without reading; the rest becomes candidates, kept in the ledger so that a first scan of a large folder needs no
//! memory. Along the way it counts what is gone.

use std::cmp::Ordering;
use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;

use kitbag_core::copies;
use kitbag_core::entry::Fingerprint;
use kitbag_core::guard::Removals;
use kitbag_core::ignore::Ignore;
use kitbag_core::path::WorkPath;
use kitbag_platform::disk::Disk;
use kitbag_store::Ledger;
use kitbag_store::ledger::{Candidate, Look, PathRow};

use super::report::Problem;
use super::units::UnitFolders;
use super::walk::{Met, Walk};
use crate::error::EngineError;

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
}

/// Scan both folders against the ledger. Call it inside a batch of the ledger. With `ahead` each folder is walked on
/// a thread of its own.
///
/// # Errors
/// A folder's top cannot be listed, or the ledger fails.
pub fn scan(
    disk: &Arc<dyn Disk>,
    work: &Path,
    mirror: &Path,
    ignore: &Arc<Ignore>,
    units: &Arc<UnitFolders>,
    ledger: &Ledger,
    ahead: bool,
) -> Result<Scanned, EngineError> {
    let mut scanned = Scanned::default();
    ledger.clear_candidates()?;
    let open = |root: &Path| {
        let walk = Walk::new(disk.clone(), root, ignore.clone(), units.clone());
        let steps = walk.and_then(|walk| {
            Ok(if ahead { Box::new(walk.ahead()?) as Steps } else { Box::new(walk) as Steps })
        });
        steps.map_err(EngineError::io("cannot read", root))
    };
    let mut working = Side::new(open(work)?, "", None);
    let mut mirrored = Side::new(open(mirror)?, "cloud folder: ", Some(ledger));
    let mut rows = Rows::new(ledger);
    loop {
        let next = [working.key(), mirrored.key(), rows.key()?].into_iter().flatten().min();
        let Some(key) = next else { break };
        let (here, there, row) = (working.take(&key), mirrored.take(&key), rows.take(&key)?);
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
        if !clean && (row.is_some() || something(&here) || something(&there)) {
            let path = WorkPath::from_key(&key)
                .map_err(|e| EngineError::State { path: work.to_owned(), reason: e.to_string() })?;
            ledger.add_candidate(&Candidate { path, working: here, mirror: there })?;
            scanned.candidates += 1;
        }
    }
    scanned.problems.append(&mut working.problems);
    scanned.problems.append(&mut mirrored.problems);
    // a copy's file is looked at even when nothing else about it changed
    for (base, copy) in mirrored.copies {
        let look = |root: &Path| match disk.stat(&root.join(base.as_str())) {
            Ok(stat) if stat.kind == kitbag_platform::disk::ItemKind::File => Look::File(stat.fingerprint),
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

fn same(look: &Look, print: Option<&Fingerprint>) -> bool {
    match (look, print) {
        (Look::Absent, None) | (Look::Unsure, _) => true,
        (Look::File(now), Some(before)) => now == before,
        _ => false,
    }
}

type Steps = Box<dyn Iterator<Item = Met>>;

/// One folder's stream, with what cannot be judged remembered for everything below it.
struct Side<'a> {
    walk: Steps,
    next: Option<(Vec<u8>, Look)>,
    unsure: Option<Vec<u8>>,
    problems: Vec<Problem>,
    place: &'static str,
    /// The mirror's side: conflict copies are set apart.
    ledger: Option<&'a Ledger>,
    copies: Vec<(WorkPath, WorkPath)>,
}

impl<'a> Side<'a> {
    fn new(walk: Steps, place: &'static str, ledger: Option<&'a Ledger>) -> Self {
        let mut side =
            Side { walk, next: None, unsure: None, problems: Vec::new(), place, ledger, copies: Vec::new() };
        side.advance();
        side
    }

    fn key(&self) -> Option<Vec<u8>> {
        self.next.as_ref().map(|(key, _)| key.clone())
    }

    fn take(&mut self, key: &[u8]) -> Look {
        if self.next.as_ref().is_some_and(|(next, _)| next == key) {
            let look = self.next.take().map_or(Look::Absent, |(_, look)| look);
            self.advance();
            return look;
        }
        let below = |above: &Vec<u8>| key.starts_with(above) && key.get(above.len()) == Some(&0);
        if self.unsure.as_ref().is_some_and(below) { Look::Unsure } else { Look::Absent }
    }

    fn advance(&mut self) {
        while let Some(met) = self.walk.next() {
            match met {
                Met::File { path, print, .. } => {
                    if let Some(base) = self.copy_of(&path) {
                        self.copies.push((base, path));
                        continue;
                    }
                    self.next = Some((path.key(), Look::File(print)));
                    return;
                }
                Met::Unit { path, print } => {
                    // files of it that were once carried one by one are neither absent nor looked at
                    self.unsure = Some(path.key());
                    self.next = Some((path.key(), Look::File(print)));
                    return;
                }
                Met::Unsure { path, reason } => {
                    if let Some(reason) = reason {
                        self.problems.push(Problem::told(format!("{}{path}", self.place), reason));
                    }
                    self.unsure = Some(path.key());
                    self.next = Some((path.key(), Look::Unsure));
                    return;
                }
                Met::Problem { name, reason } => {
                    self.problems.push(Problem::told(format!("{}{name}", self.place), reason));
                }
                Met::Temporary(_) => {}
            }
        }
        self.next = None;
    }

    /// A conflict copy by its whole name, of a file we know, that is not a file of the workspace itself.
    fn copy_of(&self, path: &WorkPath) -> Option<WorkPath> {
        let ledger = self.ledger?;
        let copy = copies::base_of(path.file_name())?;
        let base = path
            .parent()
            .map_or_else(|| WorkPath::parse(&copy.base), |folder| folder.join(&copy.base))
            .ok()?;
        let own = ledger.path(path).ok()?.is_some();
        let known = ledger.path(&base).ok()?.is_some();
        (!own && known).then_some(base)
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
