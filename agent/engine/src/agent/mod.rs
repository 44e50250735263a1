//! The background agent. One for each state root. It carries every workspace of it: a change in either folder is hinted at
//! by the system and looked at soon, everything else every few minutes, and while a session is open its databases are
//! saved every so often. `roster` knows the workspaces, core's pace says when, `carry` does it, one at a time, and `desk`
//! is where others say what they wish. It asks nobody anything: what needs an answer waits for the person. It ends when
//! it is asked to, when the state root is gone, when its program was replaced, and, unless it is to stay, when no session
//! is open any more.

mod carry;
mod client;
mod desk;
mod install;
mod notice;
mod place;
mod program;
mod protocol;
mod roster;
mod serve;
mod start;
mod stop;

use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, Instant};

use kitbag_core::entry::Fingerprint;
use kitbag_core::finding::Finding;
use kitbag_core::pace::{Ended, Now, Rhythm, What};
use kitbag_platform::clock::rfc3339;
use kitbag_platform::local::Listener;
use kitbag_platform::lock::{Lock, LockError};
use kitbag_platform::notice::Notices;
use kitbag_platform::process::interrupted;
use kitbag_platform::watch::Watcher;
use tokio::sync::{mpsc, oneshot, watch};

use crate::doors::Doors;
use crate::error::EngineError;
use crate::workspace::Config;
use carry::{Job, Outcome};
use desk::Wish;
use program::Program;
use roster::Roster;

pub use client::{Client, Seen, look};
pub use desk::{About, Activity, Desk, Doing, Loan, Picture};
pub use install::{Became, Called, Installed, Registered, install, installed, uninstall};
pub use notice::{Teller, seen};
pub use place::{log, runs, saves};
pub use start::{Started, start, stays};
pub use stop::{Stopped, stop};

/// How often it looks whether it is still wanted, what is open, and whether the folders are there; milliseconds.
const LOOK: i64 = 2_000;
/// It never turns faster than this, however much is hinted at; milliseconds.
const LEAST: i64 = 100;
/// How often it looks for Ctrl-C while it waits; milliseconds.
const NAP: i64 = 500;
/// How long another may take to let go of the lock: one that is ending, or somebody who only looks.
const PATIENCE: Duration = Duration::from_secs(3);

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

/// What the agent is told at its start.
pub struct Given {
    /// The program file it runs from; none: nobody knows.
    pub program: Option<PathBuf>,
    /// It stays when no session is open.
    pub stay: bool,
    /// Tells of changes.
    pub watcher: Arc<dyn Watcher>,
    /// Where the person is told what needs them.
    pub desktop: Arc<dyn Notices>,
}

/// The agent of one state root, while it lives.
pub struct Agent {
    home: PathBuf,
    config: Config,
    doors: Doors,
    watcher: Arc<dyn Watcher>,
    roster: Roster,
    teller: Teller,
    desk: Desk,
    wishes: mpsc::UnboundedReceiver<Wish>,
    shown: watch::Sender<Picture>,
    /// The workspace it is in, and who waits to borrow it.
    inside: Option<String>,
    waiting: Vec<(String, oneshot::Sender<Loan>)>,
    asked: bool,
    program: Option<Program>,
    /// The lock's file as it was taken: a state root that was made anew has another.
    taken: Option<Fingerprint>,
    _lock: Lock,
}

impl Agent {
    /// The agent of this state root.
    ///
    /// # Errors
    /// There is one already; the state root is not there or cannot be written.
    pub fn begin(home: &Path, config: Config, doors: Doors, given: Given) -> Result<Self, EngineError> {
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
        place::sign(home, given.stay, &doors)?;
        let about = About {
            version: env!("CARGO_PKG_VERSION").to_owned(),
            process: std::process::id(),
            since: doors.clock.rfc3339(),
            stay: given.stay,
        };
        let (desk, wishes, shown) = Desk::new(about);
        let teller = Teller::new(home, &doors, given.desktop);
        let program = given.program.and_then(|program| Program::new(&program, doors.disk.as_ref()));
        let taken = doors.disk.stat(&file).ok().map(|stat| stat.fingerprint);
        Ok(Agent {
            home: home.to_owned(),
            config,
            doors,
            watcher: given.watcher,
            roster: Roster::default(),
            teller,
            desk,
            wishes,
            shown,
            inside: None,
            waiting: Vec::new(),
            asked: false,
            program,
            taken,
            _lock: lock,
        })
    }

    /// Where wishes are left and what it does is shown.
    pub fn desk(&self) -> Desk {
        self.desk.clone()
    }

    /// Live, and answer whoever asks over the socket of the state root, until there is a reason to end. Where there can
    /// be no socket, all it does is done without.
    pub async fn live_and_answer(self) -> Why {
        let answering = match Listener::bind(&self.home) {
            Ok(listener) => Some(tokio::spawn(serve::serve(listener, self.desk()))),
            Err(error) => {
                tracing::warn!(%error, "nobody can ask this agent anything");
                None
            }
        };
        let why = self.live().await;
        if let Some(answering) = answering {
            answering.abort();
            // with the listener its socket goes; that it was broken off is what is wanted
            let _ = answering.await;
        }
        why
    }

    /// Live until there is a reason to end.
    pub async fn live(mut self) -> Why {
        loop {
            match self.round().await {
                Step::End(why) => return why,
                Step::Wait(millis) => self.rest(millis).await,
            }
        }
    }

    /// Wait so long, or until somebody wishes something or something is hinted at.
    async fn rest(&mut self, millis: i64) {
        let after = |millis: i64| Instant::now() + Duration::from_millis(millis.unsigned_abs());
        let (bell, mut end, mut rung) = (self.watcher.bell(), after(millis), false);
        while Instant::now() < end && !interrupted() {
            let nap = end.min(after(NAP));
            tokio::select! {
                wish = self.wishes.recv() => return self.obey(wish),
                () = bell.notified(), if !rung => (rung, end) = (true, end.min(after(LEAST))),
                () = tokio::time::sleep_until(nap.into()) => {}
            }
        }
    }

    /// Look, do what is due, and say when to come again.
    pub async fn round(&mut self) -> Step {
        while let Ok(wish) = self.wishes.try_recv() {
            self.obey(Some(wish));
        }
        if let Some(why) = self.ends() {
            return Step::End(why);
        }
        self.roster.look(&self.home, &self.config, &self.doors, self.watcher.as_ref());
        if !self.desk.about().stay && !self.roster.any_open() {
            return Step::End(Why::Closed);
        }
        self.roster.turn(&self.doors, self.watcher.as_ref(), self.now());
        let rhythm = self.rhythm();
        for (name, what) in self.roster.next(rhythm, self.now()) {
            self.work(&name, what).await;
            if let Some(why) = self.ends() {
                return Step::End(why);
            }
        }
        self.show();
        let wait = self.roster.wait(rhythm, self.now()).unwrap_or(LOOK);
        Step::Wait(wait.clamp(LEAST, LOOK))
    }

    fn now(&self) -> Now {
        let clock = &self.doors.clock;
        Now { wall: clock.now_millis(), steady: clock.steady_millis() }
    }

    fn rhythm(&self) -> Rhythm {
        let millis = |seconds: u64| i64::try_from(seconds).unwrap_or(i64::MAX).saturating_mul(1_000);
        Rhythm { scan: millis(self.config.scan_seconds), checkpoint: millis(self.config.checkpoint_seconds) }
    }

    fn ends(&mut self) -> Option<Why> {
        let disk = self.doors.disk.as_ref();
        // its size changes with who wrote their number into it
        let number = |mark: Fingerprint| mark.file;
        let lock = disk.stat(&place::life(&self.home)).ok().map(|stat| stat.fingerprint);
        if lock.map(number) != self.taken.map(number) {
            return Some(Why::Gone);
        }
        if self.asked || interrupted() || place::asked_to_stop(&self.home, &self.doors) {
            return Some(Why::Asked);
        }
        let now = self.doors.clock.steady_millis();
        let replaced = self.program.as_mut().is_some_and(|program| program.replaced(disk, now));
        replaced.then_some(Why::Replaced)
    }

    /// Do what is due with one workspace.
    async fn work(&mut self, name: &OsString, what: What) {
        let now = self.now();
        let Some(known) = self.roster.get(name) else { return };
        let Some(settings) = known.settings.clone() else { return };
        if what == What::Glance {
            return known.glance(&self.doors, now);
        }
        // lent while another was looked at
        if self.roster.is_lent(&settings.name) {
            return;
        }
        let Some(known) = self.roster.get(name) else { return };
        known.pace.begin();
        known.doing = Some((if what == What::Checkpoint { Doing::Saving } else { Doing::Looking }, now.wall));
        let job = Job {
            home: self.home.clone(),
            settings: settings.clone(),
            config: self.config.clone(),
            doors: self.doors.clone(),
            what,
            watcher: self.watcher.clone(),
            unwatched: known.unwatched(),
            restless: Arc::new(known.restless.clone()),
        };
        self.inside = Some(settings.name.clone());
        self.show();
        let outcome = self.meanwhile(tokio::task::spawn_blocking(move || job.run())).await;
        self.inside = None;
        self.note(name, &settings.name, what, now, outcome);
        for (workspace, answer) in std::mem::take(&mut self.waiting) {
            self.lend(workspace, answer);
        }
        self.show();
    }

    /// Wait for a look to end, with an ear for wishes.
    async fn meanwhile(&mut self, mut job: tokio::task::JoinHandle<Outcome>) -> Outcome {
        loop {
            tokio::select! {
                outcome = &mut job => return outcome.unwrap_or_else(|error| {
                    tracing::error!(%error, "a look ended by a mistake of kitbag's own");
                    Outcome::mistaken(&error)
                }),
                wish = self.wishes.recv() => self.obey(wish),
                // so that a computer that sleeps meanwhile is noticed, and a long look is no sleep
                () = tokio::time::sleep(Duration::from_millis(NAP.unsigned_abs())) => {
                    self.roster.tick(self.now());
                }
            }
        }
    }

    /// A look has ended.
    fn note(&mut self, name: &OsString, workspace: &str, what: What, began: Now, outcome: Outcome) {
        let now = self.now();
        let Some(known) = self.roster.get(name) else { return };
        let Outcome { ended, error, seen, read, watched, not_watched } = outcome;
        read.iter().for_each(|(path, size)| known.restless.read(path, *size, now.steady));
        known.noted(seen, ended);
        known.doing = Some((Doing::Nothing, now.wall));
        known.watches(watched, not_watched);
        known.pace.note(what, began, now, ended);
        match (ended, error) {
            (Ended::Busy, _) => {}
            (Ended::Away, Some(error)) => known.missing(error),
            (_, error) => known.error = error,
        }
        if ended == Ended::Away {
            known.unwatch(self.watcher.as_ref());
        }
        if known.pace.failures > 0 {
            tracing::info!(workspace, failures = known.pace.failures, "it will be tried again");
        }
        self.teller.look(&self.roster.seen(), now.steady);
    }

    fn obey(&mut self, wish: Option<Wish>) {
        match wish {
            Some(Wish::Lend { workspace, answer }) if self.inside.as_ref() == Some(&workspace) => {
                self.waiting.push((workspace, answer));
            }
            Some(Wish::Lend { workspace, answer }) => self.lend(workspace, answer),
            Some(Wish::Return(workspace)) => {
                let wall = self.now().wall;
                self.roster.take_back(&workspace, wall);
                self.show();
            }
            Some(Wish::Wake(workspace)) => self.roster.hasten(workspace.as_deref()),
            Some(Wish::Stop) => self.asked = true,
            // the agent has a desk itself, so this cannot be
            None => {}
        }
    }

    fn lend(&mut self, workspace: String, answer: oneshot::Sender<Loan>) {
        self.roster.lend(&workspace, self.now().wall);
        // one who no longer waits gives it back by that
        let _ = answer.send(self.desk.loan(workspace));
        self.show();
    }

    /// Show what is done, where that has changed.
    fn show(&self) {
        let (rhythm, now) = (self.rhythm(), self.now());
        let activity = |(known, settings): (&roster::Known, &crate::workspace::Settings)| {
            let (doing, since) = known.doing.unwrap_or((Doing::Nothing, now.wall));
            Activity {
                name: settings.name.clone(),
                doing,
                since: rfc3339(since),
                next_ms: self.roster.wait_of(known, rhythm, now).map(i64::unsigned_abs),
                failures: known.pace.failures,
                last_error: known.error.clone(),
                watching: known.pace.watched,
            }
        };
        let workspaces = self.roster.all().map(activity).collect();
        let picture = Picture::new(workspaces);
        self.shown.send_if_modified(|before| {
            let changed = !before.is_still(&picture);
            if changed {
                *before = picture;
            }
            changed
        });
    }
}
