//! What every verb needs: the state root, the doors, the settings, and a printer. How it asks stands in `question`.

use std::cell::{Cell, RefCell};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use kitbag_core::course::Course;
use kitbag_core::finding::{Exit, Finding};
use kitbag_core::id::ContentId;
use kitbag_core::path::WorkPath;
use kitbag_engine::agent::{self, Client};
use kitbag_engine::course::{self, unpack};
use kitbag_engine::doors::Doors;
use kitbag_engine::environment::{self, Apart};
use kitbag_engine::error::EngineError;
use kitbag_engine::sync::{Request, Rules};
use kitbag_engine::workspace::{Config, Settings, Workspace, choose};
use kitbag_platform::places::{Places, RealPlaces};

use crate::Trouble;
use crate::args::Args;
use crate::printer::Printer;
use crate::stop::Stop;

/// How long to wait for another kitbag before looking whether it is the agent.
const TURN: Duration = Duration::from_secs(1);

/// For one command.
pub struct Context {
    /// The state root.
    pub home: PathBuf,
    /// The doors.
    pub doors: Doors,
    /// The settings.
    pub config: Config,
    /// Prints.
    pub printer: Arc<Printer>,
    /// Whether it is to end early.
    pub stop: Arc<Stop>,
    /// Take the usual answer.
    pub yes: bool,
    /// The settings as they were given, for a kitbag started by this one.
    pub given: Vec<String>,
    workspace: Option<String>,
    /// Who lent a workspace: it is given back when this ends.
    lenders: RefCell<Vec<Client>>,
}

impl Context {
    /// From the command line.
    ///
    /// # Errors
    /// A setting that does not exist, or no place for machine state.
    pub fn new(args: &Args, printer: Arc<Printer>, stop: Arc<Stop>) -> Result<Self, Trouble> {
        let mut config = Config::default();
        for setting in &args.config {
            config.set(setting).map_err(|what| usage(what, "Run `kitbag --help` for what there is."))?;
        }
        let home = match &args.home {
            Some(home) => absolute(home)?,
            None => RealPlaces.state_root().ok_or_else(|| {
                Finding::new(
                    "there is no place for this machine's own state",
                    "The system does not say where your home folder is.",
                    "Name a folder with --home DIR.",
                )
            })?,
        };
        let (mut doors, workspace) = (Doors::real(), args.workspace.clone());
        // where nobody knows which file this program is, it compiles plugins itself
        if let Ok(program) = std::env::current_exe() {
            doors.backends = Arc::new(Apart { program });
        }
        let given = args.config.clone();
        Ok(Context {
            home,
            doors,
            config,
            printer,
            stop,
            yes: args.yes,
            given,
            workspace,
            lenders: RefCell::default(),
        })
    }

    /// The name given with `--workspace`.
    pub fn named(&self) -> Option<&str> {
        self.workspace.as_deref()
    }

    /// Which workspace is meant.
    ///
    /// # Errors
    /// None, or several.
    pub fn settings(&self) -> Result<Settings, Trouble> {
        let current = std::env::current_dir().ok();
        let current = current.and_then(|current| self.doors.disk.canonical(&current).ok());
        Ok(choose(&self.home, &self.doors, self.named(), current.as_deref())?)
    }

    /// The workspace, for work.
    ///
    /// # Errors
    /// None is meant, or another kitbag is at work.
    pub fn open(&self) -> Result<Workspace, Trouble> {
        self.open_this(self.settings()?)
    }

    /// This workspace, for work. The background agent lends it until this command ends; one that cannot be asked is waited
    /// for as long as it saves, any other kitbag as long as the settings say.
    ///
    /// # Errors
    /// Another kitbag is at work.
    pub fn open_this(&self, settings: Settings) -> Result<Workspace, Trouble> {
        let mut left = Duration::from_secs(self.config.lock_wait_seconds);
        let (said, mut last) = (Cell::new(false), false);
        let waits = || {
            if !said.replace(true) {
                self.printer.say("kitbag is saving in the background; this goes on when it is done …");
            }
        };
        self.borrow(&settings.name, &waits);
        loop {
            let turn = left.min(TURN);
            let (config, doors) = (self.config.clone(), self.doors.clone());
            match Workspace::open_within(&self.home, settings.clone(), config, doors, turn) {
                Err(EngineError::Locked(_)) if agent::saves(&self.home) => {
                    waits();
                    last = false;
                    // where the settings leave no time to wait, the lock did not wait either
                    std::thread::sleep(TURN.saturating_sub(turn) / 10);
                }
                Err(EngineError::Locked(_)) if left > turn => left -= turn,
                // it may have been the agent, which has just ended saving
                Err(EngineError::Locked(_)) if !last => (left, last) = (Duration::ZERO, true),
                opened => return Ok(opened?),
            }
        }
    }

    /// Have the agent stay out of a workspace until this command ends, and look at it then. Where it cannot be asked, or
    /// ends meanwhile, its lock says the rest.
    fn borrow(&self, workspace: &str, waits: &dyn Fn()) {
        let Some(mut agent) = Client::connect(&self.home) else { return };
        match agent.lend(workspace, waits) {
            Ok(()) => self.lenders.borrow_mut().push(agent),
            Err(error) => tracing::info!(%error, "the agent lends nothing"),
        }
    }

    /// The workspace, to look at only.
    ///
    /// # Errors
    /// None is meant.
    pub fn look(&self) -> Result<Workspace, Trouble> {
        Ok(Workspace::look(&self.home, self.settings()?, self.config.clone(), self.doors.clone())?)
    }

    /// A file a person named: relative to the current folder when that is in the working folder, else to the working
    /// folder.
    ///
    /// # Errors
    /// It lies elsewhere.
    pub fn work_path(&self, ws: &Workspace, given: &Path) -> Result<WorkPath, Trouble> {
        let work = self.doors.disk.canonical(&ws.settings.work).unwrap_or_else(|_| ws.settings.work.clone());
        let current =
            std::env::current_dir().ok().and_then(|current| self.doors.disk.canonical(&current).ok());
        let inside = current.filter(|current| current.starts_with(&work)).unwrap_or_else(|| work.clone());
        let full = if given.is_absolute() { given.to_owned() } else { inside.join(given) };
        let relative = full.strip_prefix(&work).or_else(|_| full.strip_prefix(&ws.settings.work)).ok();
        let text = relative.and_then(Path::to_str).map(|text| text.replace(std::path::MAIN_SEPARATOR, "/"));
        text.and_then(|text| WorkPath::parse(&text).ok()).ok_or_else(|| {
            Finding::new(
                format!("{} is no file of the working folder", kitbag_engine::error::show(given)),
                format!("The working folder is {}.", kitbag_engine::error::show(&ws.settings.work)),
                "Name the file as `kitbag conflicts` shows it.",
            )
            .into()
        })
    }

    /// What the course of the workspace says about files.
    ///
    /// # Errors
    /// The ledger or the unpacked course cannot be read.
    pub fn rules(&self, ws: &Workspace) -> Result<Rules, Trouble> {
        Ok(course::rules(unpack::unpacked(ws)?.as_ref()))
    }

    /// A sync as asked for by a person, knowing which notebooks are open in the running course.
    ///
    /// # Errors
    /// The system gives no room for asking.
    pub fn request(&self, ws: &Workspace) -> Result<Request, Trouble> {
        let notebooks =
            self.wait(async { Ok::<_, Trouble>(environment::open_notebooks(ws, &self.home).await) })?;
        Ok(Request { notebooks, ..Request::default() })
    }

    /// Unpack a course that came with a sync, so that what it says about files counts from now on, also before the
    /// first `up`.
    ///
    /// # Errors
    /// The ledger fails or machine state cannot be written.
    pub fn unpack_course(&self, ws: &Workspace) -> Result<(), Trouble> {
        unpack::ensure_unpacked(ws, &ws.share())?;
        Ok(())
    }

    /// Have what runs a course made ready while other work is done; only `up` cannot do without, and tries again.
    pub fn prepare_meanwhile<T>(&self, course: Option<Course>, work: impl FnOnce() -> T) -> T {
        let Some(course) = course else { return work() };
        std::thread::scope(|scope| {
            let (home, doors) = (&self.home, &self.doors);
            let preparing = scope.spawn(move || {
                let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
                runtime.block_on(environment::prepare(home, doors, &course)).map_err(std::io::Error::other)
            });
            let done = work();
            match preparing.join() {
                Ok(Ok(())) => {}
                Ok(Err(error)) => tracing::info!(%error, "what runs the course is not ready yet"),
                Err(_) => tracing::warn!("making ready what runs the course ended badly"),
            }
            done
        })
    }

    /// The same at once for a course that came just now: another one than was known before.
    ///
    /// # Errors
    /// The ledger fails.
    pub fn prepare_new(&self, ws: &Workspace, known: Option<ContentId>) -> Result<(), Trouble> {
        let new = unpack::unpacked(ws)?.filter(|here| Some(here.id) != known);
        self.prepare_meanwhile(new.map(|here| here.course), || ());
        Ok(())
    }

    /// Wait for work that talks to plugins and programs.
    ///
    /// # Errors
    /// Its own; or the system gives no room for it.
    pub fn wait<T, E>(&self, work: impl Future<Output = Result<T, E>>) -> Result<T, Trouble>
    where
        Trouble: From<E>,
    {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
        let runtime = runtime.map_err(EngineError::io("cannot start work in", &self.home))?;
        Ok(runtime.block_on(work)?)
    }
}

/// A path from the command line made absolute, without looking at the disk.
///
/// # Errors
/// It is empty.
pub fn absolute(path: &Path) -> Result<PathBuf, Trouble> {
    Ok(std::path::absolute(path).map_err(EngineError::io("cannot use", path))?)
}

/// Wrong usage that clap cannot see.
pub fn usage(what: impl Into<String>, remedy: impl Into<String>) -> Trouble {
    Trouble { finding: Finding::new(what, "", remedy), exit: Exit::Usage }
}
