//! The background agent. One for each state root. It saves every workspace whose session is open here, each so often, as
//! `kitbag sync` does: `watch` sees which are open, core says when one is due, and the same cycle runs. It asks nobody
//! anything: what needs an answer waits for the person. It ends by itself when no session is open any more, when the
//! state root is gone, when it is asked to, and when its program was replaced; the next `up` starts it again.

mod install;
mod notice;
mod place;
mod start;
mod stop;
mod watch;

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use kitbag_core::checkpoint::Ended;
use kitbag_core::entry::Fingerprint;
use kitbag_core::finding::Finding;
use kitbag_platform::lock::{Lock, LockError};
use kitbag_platform::process::interrupted;
use kitbag_store::StoreError;

use crate::doors::Doors;
use crate::environment;
use crate::error::EngineError;
use crate::events;
use crate::sync::Silent;
use crate::sync::report::Report;
use crate::workspace::{Config, Settings, Workspace};
use watch::Watch;

pub use install::{Became, Called, Installed, Registered, install, installed, uninstall};
pub use notice::{Teller, seen};
pub use place::{log, runs, saves};
pub use start::{Started, start};
pub use stop::{Stopped, stop};

/// How often it looks whether it is still wanted, and what is open; milliseconds.
const LOOK: i64 = 2_000;
/// It never turns faster than this; milliseconds.
const LEAST: i64 = 100;
/// How often it looks for Ctrl-C while it waits; milliseconds.
const NAP: i64 = 500;
/// How long another may take to let go of the lock: one that is ending, or somebody who only looks.
const PATIENCE: Duration = Duration::from_secs(3);
/// A program file missing at so many looks in a row was not just being replaced.
const GONE: u32 = 15;

/// Why the agent ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Why {
    /// No session is open any more.
    Closed,
    /// Somebody asked it to: `agent stop`, Ctrl-C, the system.
    Asked,
    /// The state root is gone, or is another one now.
    Gone,
    /// The program is another one now.
    Replaced,
}

/// What comes after one round.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Step {
    /// Another round after so many milliseconds.
    Wait(i64),
    /// The end.
    End(Why),
}

/// The agent of one state root, while it lives.
pub struct Agent {
    home: PathBuf,
    config: Config,
    doors: Doors,
    watch: Watch,
    /// The program it runs from, as it was at the start.
    program: Option<(PathBuf, Fingerprint)>,
    missing: u32,
    /// The lock's file as it was taken: a state root that was made anew has another.
    taken: Option<Fingerprint>,
    _lock: Lock,
}

impl Agent {
    /// The agent of this state root. `program` is the file it runs from.
    ///
    /// # Errors
    /// There is one already; the state root is not there or cannot be written.
    pub fn begin(
        home: &Path,
        config: Config,
        doors: Doors,
        program: Option<&Path>,
    ) -> Result<Self, EngineError> {
        place::make(home, &doors)?;
        let file = place::life(home);
        let lock = Lock::acquire(&file, PATIENCE).map_err(|error| match error {
            LockError::Held { pid } => EngineError::Failed(Finding::new(
                match pid {
                    Some(pid) => format!("the background agent runs already (process {pid})"),
                    None => "the background agent runs already".to_owned(),
                },
                "One is enough: it looks after every workspace of this computer's state.",
                "Nothing needs to be done; `kitbag agent stop` ends it.",
            )),
            LockError::Failed { source, .. } => EngineError::io("cannot write", &file)(source),
        })?;
        place::forget_stop(home, &doors);
        place::sign(home, &doors)?;
        let mark = |file: &Path| doors.disk.stat(file).ok().map(|stat| stat.fingerprint);
        let program = program.and_then(|program| Some((program.to_owned(), mark(program)?)));
        let taken = mark(&file);
        let home = home.to_owned();
        Ok(Agent { home, config, doors, watch: Watch::default(), program, missing: 0, taken, _lock: lock })
    }

    /// Live until there is a reason to end.
    pub async fn live(mut self) -> Why {
        loop {
            let mut left = match self.round().await {
                Step::End(why) => return why,
                Step::Wait(millis) => millis,
            };
            while left > 0 && !interrupted() {
                let nap = left.min(NAP);
                tokio::time::sleep(Duration::from_millis(nap.unsigned_abs())).await;
                left -= nap;
            }
        }
    }

    /// Look, save what is due, and say when to come again.
    pub async fn round(&mut self) -> Step {
        if let Some(why) = self.ends() {
            return Step::End(why);
        }
        self.watch.look(&self.home, &self.config, &self.doors);
        if !self.watch.any_open() {
            return Step::End(Why::Closed);
        }
        let every = i64::try_from(self.config.checkpoint_seconds).unwrap_or(i64::MAX).saturating_mul(1_000);
        for (name, settings) in self.watch.due(every, self.now()) {
            let workspace = settings.name.clone();
            let ended = self.save(settings).await;
            let failures = self.watch.note(&name, self.now(), ended);
            if failures > 0 {
                tracing::info!(workspace, failures, "it will be tried again");
            }
            if let Some(why) = self.ends() {
                return Step::End(why);
            }
        }
        let wait = self.watch.wait(every, self.now()).unwrap_or(LOOK);
        Step::Wait(wait.clamp(LEAST, LOOK))
    }

    fn now(&self) -> i64 {
        self.doors.clock.now_millis()
    }

    fn ends(&mut self) -> Option<Why> {
        let disk = self.doors.disk.as_ref();
        // its size changes with who wrote their number into it
        let number = |mark: Fingerprint| mark.file;
        let lock = disk.stat(&place::life(&self.home)).ok().map(|stat| stat.fingerprint);
        if lock.map(number) != self.taken.map(number) {
            return Some(Why::Gone);
        }
        if interrupted() || place::asked_to_stop(&self.home, &self.doors) {
            return Some(Why::Asked);
        }
        let (program, mark) = self.program.as_ref()?;
        // another link to it, or other rights, make no other program
        let same = |one: Fingerprint| Fingerprint { changed: mark.changed, ..one } == *mark;
        match disk.stat(program) {
            Ok(stat) if same(stat.fingerprint) => self.missing = 0,
            Ok(_) => return Some(Why::Replaced),
            Err(_) => self.missing += 1,
        }
        (self.missing >= GONE).then_some(Why::Replaced)
    }

    /// Save one workspace, on a thread of its own: whatever goes wrong in it, the loop goes on.
    async fn save(&self, settings: Settings) -> Ended {
        let workspace = settings.name.clone();
        let (home, config, doors) = (self.home.clone(), self.config.clone(), self.doors.clone());
        let saved = tokio::task::spawn_blocking(move || save(&home, settings, config, doors)).await;
        match saved {
            Ok(Ok(None)) => Ended::Saved,
            Ok(Ok(Some(report))) => {
                let (published, received, conflicts) = (report.published, report.received, report.conflicts);
                let problems = report.problems.len();
                tracing::info!(workspace, published, received, conflicts, problems, "saved");
                if report.unsaved.is_empty() {
                    return Ended::Saved;
                }
                tracing::warn!(workspace, databases = report.unsaved.join(", "), "not saved");
                Ended::Failed
            }
            Ok(Err(EngineError::Locked(_) | EngineError::Store(StoreError::Busy))) => Ended::Busy,
            Ok(Err(error)) => {
                let finding = error.finding();
                tracing::warn!(workspace, what = finding.what, why = finding.why, "it could not be saved");
                Ended::Failed
            }
            Err(error) => {
                tracing::error!(workspace, %error, "saving it ended by a mistake of kitbag's own");
                Ended::Failed
            }
        }
    }
}

/// One cycle, if the session is still open by the time nobody else is at work; none: it is not.
fn save(
    home: &Path,
    settings: Settings,
    config: Config,
    doors: Doors,
) -> Result<Option<Report>, EngineError> {
    // Tells who waits for the workspace what it is waiting for: taken before the workspace is and let go of after it, so
    // that nobody ever finds the one without the other. Where it cannot be had they only wait less patiently.
    let _saving = Lock::acquire(&place::saving(home), PATIENCE).ok();
    let ws = Workspace::open_within(home, settings, config, doors, Duration::ZERO)?;
    if !events::session_open(&ws.ledger)? {
        return Ok(None);
    }
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    let runtime = runtime.map_err(EngineError::io("cannot start work in", home))?;
    runtime.block_on(environment::cycle(&ws, home, Arc::new(Silent))).map(Some)
}
