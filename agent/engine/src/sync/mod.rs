//! One full cycle: watch the order, it is what keeps work safe. Take in what the share brought; look at what earlier
//! cycles left; scan both folders; ask where too much is gone; take the candidates through in batches; write back
//! what is missing from the share; say what was seen. The engine owns no decision: core plans, this carries out.

mod answers;
mod batch;
mod cells;
mod contents;
mod copies;
mod displaced;
mod emptied;
pub(crate) mod foresee;
mod import;
mod listing;
mod log;
pub(crate) mod look;
mod met;
mod notebooks;
pub(crate) mod online;
mod placing;
mod project;
mod propose;
mod publish;
mod recover;
mod rename;
pub mod report;
mod restless;
mod rows;
mod scan;
mod sides;
pub(crate) mod spot;
mod tree;
mod units;
pub(crate) mod walk;
mod write;
mod write_back;

use std::collections::{BTreeMap, BTreeSet};
use std::io;
use std::path::Path;
use std::sync::Arc;

use kitbag_core::entry::Millis;
use kitbag_core::ignore::Ignore;
use kitbag_core::notebook::Notebooks;
use kitbag_core::path::WorkPath;
use kitbag_core::plan::{AbsenceAnswer, Removal};
use kitbag_core::restless::Restless;
use kitbag_core::unit::Units;
use kitbag_core::version::{Backup, Label};
use kitbag_platform::disk::Ability;
use kitbag_store::ledger::Place;

pub use answers::{Answered, Conflict, Keep, Side};
pub use cells::{CellQuestion, CellSheet, OtherCell, SheetCell, SheetVersion};
pub use import::announced;
pub use notebooks::{NotedNotebook, PendingNotebook, noted_notebooks, pending_notebooks};
pub use propose::{Proposal, propose, store_package};
pub use sides::{SideText, Sides};

use crate::error::EngineError;
use crate::events;
use crate::folders;
use crate::share::Share;
use crate::storage;
use crate::workspace::Workspace;
use contents::BatchContents;
pub(crate) use contents::Kept;
use import::Imported;
pub(crate) use import::believes;
pub(crate) use look::hash;
use look::held_size;
use project::Projector;
pub(crate) use publish::Publisher;
use report::{Problem, Report};
use spot::Folder;
use units::UnitFolders;

/// What a sync is asked to do.
#[derive(Debug, Clone, Default)]
pub struct Request {
    /// Only say what would be done.
    pub dry_run: bool,
    /// An answer about files that are gone: for one path, or for all.
    pub absent: Option<(AbsenceAnswer, Option<WorkPath>)>,
    /// The course's programs have ended: no notebook is open in a browser any more.
    pub ending: bool,
    /// What a running notebook server has open.
    pub notebooks: Notebooks,
    /// Wait for nothing: say when bytes will have settled, and come back then.
    pub brief: bool,
    /// Files of the working folder that change again and again: they are left as they are for a while.
    pub restless: Arc<Restless>,
}

impl Request {
    fn answer_for(&self, path: &WorkPath) -> Option<AbsenceAnswer> {
        let (answer, only) = self.absent.as_ref()?;
        only.as_ref().is_none_or(|only| only == path).then_some(*answer)
    }

    fn restores_all(&self) -> bool {
        matches!(self.absent, Some((AbsenceAnswer::Restore, _)))
    }
}

/// What the course says that matters to files.
#[derive(Debug, Clone, Default)]
pub struct Rules {
    /// What is never carried.
    pub ignore: Ignore,
    /// Folders that stay even when they are empty.
    pub required: BTreeSet<WorkPath>,
    /// Which paths are backups of which service.
    pub backups: BTreeMap<WorkPath, BackupOf>,
    /// Which folders are one thing.
    pub units: Units,
}

/// A backup of a service.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BackupOf {
    /// The service.
    pub service: String,
    /// What its record says of it.
    pub backup: Backup,
}

/// Hears how far long work is.
pub trait Progress: Send + Sync {
    /// So much of so much.
    fn at(&self, what: &str, done: u64, total: u64);

    /// What a backend does now: a whole sentence that may change while it goes on, as `Download X: 40 %`.
    fn step(&self, what: &str) {
        self.at(what, 0, 0);
    }
}

/// Nobody listens.
pub struct Silent;

impl Progress for Silent {
    fn at(&self, _: &str, _: u64, _: u64) {}
}

/// A batch is closed at this many paths or bytes, whichever comes first: a compromise between memory and fsyncs.
const BATCH_PATHS: usize = 2_304;
const BATCH_BYTES: u64 = 8 * 1024 * 1024;
/// A sync that still has something to do right away goes round this often at the most.
const ROUNDS: usize = 5;
/// A sync waits for bytes to settle if that takes no longer than this, in milliseconds.
const WAIT: Millis = 15_000;

/// One sync of one workspace.
pub struct Cycle<'a> {
    ws: &'a Workspace,
    share: Share,
    kept: Kept,
    ignore: Arc<Ignore>,
    required: BTreeSet<WorkPath>,
    backups: BTreeMap<WorkPath, BackupOf>,
    patterns: Units,
    units: Arc<UnitFolders>,
    pool: rayon::ThreadPool,
    request: Request,
    report: Report,
    removal: Removal,
    /// Removals asked about before: they wait for their answer, however few are missing by now.
    asked: BTreeSet<WorkPath>,
    delivering: BTreeSet<WorkPath>,
    copies: BTreeMap<WorkPath, Vec<String>>,
    /// Candidates that are online only at a place, with what stood there last.
    online: BTreeSet<(Place, WorkPath)>,
    session_open: bool,
    ability: Ability,
    /// When the first of the files that do not rest is to be looked at again, milliseconds.
    rests: Option<Millis>,
    /// This scan found renamed files.
    renamed: bool,
    again: bool,
    /// The first round of this sync: what lies swapped out is from an earlier one.
    first: bool,
    /// Temporary names of what this sync took out of folders.
    resting: BTreeSet<String>,
    /// The number of this sync in the log of operations, once it did something that can be taken back.
    operation: Option<i64>,
    progress: &'a dyn Progress,
}

/// Run one sync.
///
/// # Errors
/// A folder is missing or cannot be used, the disk is full, the ledger fails. Single files that cannot be done are
/// in the report.
pub fn run(
    ws: &Workspace,
    rules: &Rules,
    request: Request,
    progress: &dyn Progress,
) -> Result<Report, EngineError> {
    let mut sync = Cycle::new(ws, rules, request, progress)?;
    sync.share.check(ws, sync.request.restores_all())?;
    folders::check_working(ws)?;
    sync.ability = folders::ability(ws)?;
    if sync.request.dry_run {
        return sync.look_only();
    }
    sync.share.clear_left();
    sync.kept.clear_left();
    let start = sync.now();
    for round in 0..ROUNDS {
        (sync.again, sync.first) = (false, round == 0);
        let began = sync.now();
        sync.cycle()?;
        if sync.again {
            continue;
        }
        let due = sync.next_due(began)?;
        if sync.request.brief {
            let settles = due.map(|due| (due - sync.now()).max(0));
            sync.report.settles_in = [settles, sync.rests].into_iter().flatten().min();
            break;
        }
        match due {
            Some(due) if due - start <= WAIT => {
                let wait = (due - sync.now()).max(0);
                sync.progress.at("waiting for the cloud folder to settle", 0, 0);
                ws.doors.clock.sleep(wait as u64);
            }
            _ => break,
        }
    }
    sync.tidy()?;
    sync.finish()
}

/// Take in what other machines put into the share, and touch no file: a machine that joins learns of its course before
/// it looks at any folder.
///
/// # Errors
/// The share is missing or cannot be read, or the ledger fails.
pub fn take_in(ws: &Workspace) -> Result<(), EngineError> {
    let share = ws.share();
    share.check(ws, false)?;
    import(ws, &share).map(|_| ())
}

fn import(ws: &Workspace, share: &Share) -> Result<Imported, EngineError> {
    let delivery = i64::try_from(ws.config.delivery_seconds).unwrap_or(i64::MAX).saturating_mul(1000);
    let kept = Kept::new(ws.kept_folder(), &ws.doors);
    import::import(share, &ws.ledger, &kept, ws.doors.clock.now_millis(), delivery)
}

/// How many files are not carried yet, by looking only.
///
/// # Errors
/// A folder cannot be read, or the ledger is busy.
pub fn pending(ws: &Workspace, rules: &Rules) -> Result<u64, EngineError> {
    let mut cycle = Cycle::new(ws, rules, Request { dry_run: true, ..Request::default() }, &Silent)?;
    let mut found = 0;
    let undone = ws.ledger.batch(|_| {
        found = cycle.scan()?;
        Err::<(), _>(Undo(None))
    });
    match undone {
        Err(Undo(Some(error))) => Err(error),
        _ => Ok(found),
    }
}

impl<'a> Cycle<'a> {
    fn new(
        ws: &'a Workspace,
        rules: &Rules,
        request: Request,
        progress: &'a dyn Progress,
    ) -> Result<Self, EngineError> {
        let pool =
            rayon::ThreadPoolBuilder::new().num_threads(ws.config.threads).stack_size(512 * 1024).build();
        let pool =
            pool.map_err(|e| EngineError::io("cannot start threads for", &ws.state)(io::Error::other(e)))?;
        let session_open = !request.ending && events::session_open(&ws.ledger)?;
        Ok(Cycle {
            ws,
            share: ws.share(),
            kept: Kept::new(ws.kept_folder(), &ws.doors),
            ignore: Arc::new(rules.ignore.clone()),
            required: rules.required.clone(),
            backups: rules.backups.clone(),
            patterns: rules.units.clone(),
            units: Arc::new(UnitFolders::new(rules.units.clone(), &ws.ledger)?),
            pool,
            request,
            report: Report::default(),
            removal: Removal::Counts,
            asked: BTreeSet::new(),
            delivering: BTreeSet::new(),
            copies: BTreeMap::new(),
            online: BTreeSet::new(),
            rests: None,
            session_open,
            ability: folders::ability(ws)?,
            renamed: false,
            again: false,
            first: true,
            resting: BTreeSet::new(),
            operation: None,
            progress,
        })
    }

    fn now(&self) -> Millis {
        self.ws.doors.clock.now_millis()
    }

    fn root(&self, place: Place) -> &Path {
        match place {
            Place::Working => &self.ws.settings.work,
            Place::Mirror => self.share.root(),
        }
    }

    fn kept_store(&self) -> Kept {
        Kept::new(self.ws.kept_folder(), &self.ws.doors)
    }

    fn batch_contents(&self) -> BatchContents<'_> {
        BatchContents::new(&self.ws.ledger, &self.share, &self.kept)
    }

    fn publisher(&self) -> Publisher<'_> {
        Publisher::new(&self.ws.ledger, &self.share, self.label())
    }

    fn label(&self) -> Label {
        Label::new(self.ws.settings.machine.as_str(), self.ws.doors.clock.rfc3339())
    }

    fn folder(&self, place: Place) -> Folder<'_> {
        let disk = self.ws.doors.disk.as_ref();
        Folder { disk, top: self.root(place), place, names: spot::names(place, self.ability) }
    }

    /// One for each place, in the order of [`Place`].
    fn projectors(&self) -> [Projector<'_>; 2] {
        [Place::Working, Place::Mirror].map(|place| Projector {
            folder: self.folder(place),
            required: &self.required,
            bits: place == Place::Working && self.ability.executable,
            in_place: place == Place::Mirror && self.in_place(),
        })
    }

    /// Whether the share's provider knows files by number.
    fn in_place(&self) -> bool {
        self.ws.provider().is_some_and(|row| row.in_place)
    }

    /// The version this machine's database holds, when the path is its backup.
    fn prefer(&self, path: &WorkPath) -> Result<Option<kitbag_core::id::RecordId>, EngineError> {
        match self.backups.get(path) {
            Some(of) => Ok(self.ws.ledger.loaded(&of.service)?.map(|loaded| loaded.record)),
            None => Ok(None),
        }
    }

    fn cycle(&mut self) -> Result<(), EngineError> {
        self.report.held.clear();
        self.report.problems.clear();
        self.rests = None;
        self.recover()?;
        let imported = import(self.ws, &self.share)?;
        self.note_foreseen()?;
        self.report.waiting_for = imported.waiting;
        self.report.problems.extend(imported.problems);
        self.units = Arc::new(UnitFolders::new(self.patterns.clone(), &self.ws.ledger)?);
        self.delivering = self.ws.ledger.waiting()?.into_iter().map(|waiting| waiting.path).collect();
        let total = self.scan()?;
        // first of all: a batch may have to bring what was deleted from the sidecar
        self.write_back()?;
        self.remove_damaged(&imported.damaged)?;
        storage::mend(self.ws, &self.share)?;
        self.batches(total)?;
        events::acknowledge(self.ws, &self.share)
    }

    fn batches(&mut self, total: u64) -> Result<(), EngineError> {
        let mut last: Option<Vec<u8>> = None;
        let mut done = 0;
        loop {
            let mut page = self.ws.ledger.candidates_after(last.as_deref(), BATCH_PATHS)?;
            let mut bytes = 0;
            let fits = page.iter().take_while(|candidate| {
                let fits = bytes < BATCH_BYTES;
                bytes += held_size(&candidate.path, &candidate.working)
                    + held_size(&candidate.path, &candidate.mirror);
                fits
            });
            let n = fits.count();
            page.truncate(n);
            let Some(end) = page.last() else { return Ok(()) };
            last = Some(end.path.key());
            done += page.len() as u64;
            self.batch(&page)?;
            if total > 200 {
                self.progress.at("files", done, total);
            }
        }
    }

    /// When the earliest waiting thing is due; none when nothing waits for time alone.
    fn next_due(&self, began: Millis) -> Result<Option<Millis>, EngineError> {
        let settle = self.ws.config.outside_settle_seconds as i64 * 1000;
        let mut due = None;
        for row in self.ws.ledger.dirty_after(None, 1_000)? {
            // what was due when this round began and still waits does so for something else than a short time
            let fresh =
                row.memory.observed.iter().map(|observed| observed.since + settle).filter(|at| *at > began);
            for at in fresh {
                due = Some(due.map_or(at, |due: Millis| due.min(at)));
            }
        }
        Ok(due)
    }

    /// Look after the history, when all has come that was announced. It can wait: trouble with it fails no sync.
    fn tidy(&mut self) -> Result<(), EngineError> {
        if !self.report.waiting_for.is_empty() || self.again {
            return Ok(());
        }
        match storage::tidy(self.ws, &self.share, storage::When::Due) {
            Err(error @ EngineError::Io { .. }) => {
                self.report.problems.push(Problem::told("history", error.to_string()));
                Ok(())
            }
            other => other.map(|_| ()),
        }
    }

    fn finish(mut self) -> Result<Report, EngineError> {
        let counts = self.ws.ledger.counts()?;
        self.report.conflicts = counts.conflicts;
        self.report.pending = counts.dirty;
        for (id, _) in self.ws.ledger.all_kept()? {
            if self.ws.ledger.stays_packed(id)? {
                self.ws.ledger.unkeep(id)?;
                self.kept.forget(id);
            }
        }
        self.ws.ledger.forget_removals_before(self.now() - 48 * 3600 * 1000)?;
        self.forget_old_operations()?;
        self.report.pending_notebooks = pending_notebooks(self.ws)?;
        self.report.problems.sort();
        self.report.problems.dedup();
        Ok(self.report)
    }

    /// Everything up to the first step that would change something; the ledger forgets it was asked.
    fn look_only(mut self) -> Result<Report, EngineError> {
        let ws = self.ws;
        let mut report = None;
        let undone = ws.ledger.batch(|_| {
            let done = (|| {
                let imported = import(ws, &self.share)?;
                self.report.waiting_for = imported.waiting;
                let total = self.scan()?;
                self.batches(total)
            })();
            self.report.conflicts = ws.ledger.counts()?.conflicts;
            report = Some(done.map(|()| std::mem::take(&mut self.report)));
            Err::<(), _>(Undo(None))
        });
        match (report, undone) {
            (Some(report), _) => report,
            (None, Err(Undo(Some(error)))) => Err(error),
            (None, _) => Ok(Report::default()),
        }
    }
}

/// Rolls the ledger back.
struct Undo(Option<EngineError>);

impl From<kitbag_store::StoreError> for Undo {
    fn from(error: kitbag_store::StoreError) -> Self {
        Undo(Some(error.into()))
    }
}

impl From<EngineError> for Undo {
    fn from(error: EngineError) -> Self {
        Undo(Some(error))
    }
}
