//! One workspace as this machine knows it: where its folders are, who this machine is, and the ledger. All of it
//! lies in the machine's state root, never in the share.

use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::time::Duration;

use kitbag_core::provider::{self, Row, TABLE};
use kitbag_platform::lock::{Lock, LockError};
use kitbag_store::Ledger;
use serde::{Deserialize, Serialize};

use crate::doors::Doors;
use crate::error::EngineError;
use crate::share::Share;

/// What `setup` wrote down; `workspace.json` in the workspace's state.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Settings {
    /// The workspace's name on this machine.
    pub name: String,
    /// The cloud folder.
    pub share: PathBuf,
    /// The working folder.
    pub work: PathBuf,
    /// This machine's random id.
    pub machine_id: String,
    /// This machine's name, for people.
    pub machine: String,
    /// Key of the provider that carries the share, as setup found it.
    #[serde(default)]
    pub provider: Option<String>,
}

/// Settings a person may change, by `--config KEY=VALUE`.
#[derive(Debug, Clone)]
pub struct Config {
    /// `sync.outside_settle_seconds`: how long bytes that nobody recorded wait in the cloud folder.
    pub outside_settle_seconds: u64,
    /// `sync.absence_wait_seconds`: how long a file may be missing from the cloud folder before it is asked about.
    pub absence_wait_seconds: u64,
    /// `sync.threads`: how many threads read and write.
    pub threads: usize,
    /// `history.delivery_seconds`: how long a part of the history may be on its way before it counts as damaged.
    pub delivery_seconds: u64,
    /// `history.keep_days`: how long the contents of superseded versions are kept, in days on which this machine synced.
    pub keep_days: u64,
    /// `lock.wait_seconds`: how long to wait for another kitbag on this machine.
    pub lock_wait_seconds: u64,
    /// `environment.checkpoint_seconds`: how long after the last one the background agent saves what is open; 0: never.
    pub checkpoint_seconds: u64,
    /// `environment.check_needs`: whether a course that needs more than this computer has is kept from starting.
    pub check_needs: bool,
    /// `agent.scan_seconds`: how often the background agent looks at everything, also where no change was told of; 0: only
    /// when one was.
    pub scan_seconds: u64,
    /// `agent.start`: whether `up` and `reset` start the background agent.
    pub agent_start: bool,
    /// `agent.stop_seconds`: how long the background agent may take to end before it is ended by force.
    pub agent_stop_seconds: u64,
    /// `secrets.keychain`: whether the keychain of this session keeps access tokens; else a file does.
    pub keychain: bool,
    /// `share.provider`: whose the cloud folder is, in place of what setup found.
    pub provider: Option<&'static Row>,
}

impl Default for Config {
    fn default() -> Self {
        let threads = std::thread::available_parallelism().map_or(2, usize::from).min(8);
        Config {
            outside_settle_seconds: 5,
            absence_wait_seconds: 60,
            threads,
            delivery_seconds: 3_600,
            keep_days: 60,
            lock_wait_seconds: 30,
            checkpoint_seconds: 600,
            check_needs: true,
            scan_seconds: 300,
            agent_start: true,
            agent_stop_seconds: 300,
            keychain: true,
            provider: None,
        }
    }
}

impl Config {
    /// Take one `KEY=VALUE`.
    ///
    /// # Errors
    /// What is wrong with it, with the keys there are.
    pub fn set(&mut self, setting: &str) -> Result<(), String> {
        let keys = "sync.outside_settle_seconds, sync.absence_wait_seconds, sync.threads, \
                    history.delivery_seconds, history.keep_days, lock.wait_seconds, \
                     environment.checkpoint_seconds, environment.check_needs, agent.scan_seconds, agent.start, \
                     agent.stop_seconds, secrets.keychain, share.provider";
        let (key, value) =
            setting.split_once('=').ok_or_else(|| format!("--config takes KEY=VALUE; keys: {keys}"))?;
        let number = |value: &str| {
            value.trim().parse::<u64>().map_err(|_| format!("{key} takes a whole number, not {value:?}"))
        };
        let yes_or_no =
            |value: &str| value.trim().parse::<bool>().map_err(|_| format!("{key} takes true or false"));
        match key.trim() {
            "sync.outside_settle_seconds" => self.outside_settle_seconds = number(value)?,
            "sync.absence_wait_seconds" => self.absence_wait_seconds = number(value)?,
            "sync.threads" => self.threads = usize::try_from(number(value)?).unwrap_or(64).clamp(1, 64),
            "history.delivery_seconds" => self.delivery_seconds = number(value)?,
            "history.keep_days" => self.keep_days = number(value)?,
            "lock.wait_seconds" => self.lock_wait_seconds = number(value)?,
            "environment.checkpoint_seconds" => self.checkpoint_seconds = number(value)?,
            "environment.check_needs" => self.check_needs = yes_or_no(value)?,
            "agent.scan_seconds" => self.scan_seconds = number(value)?,
            "agent.start" => self.agent_start = yes_or_no(value)?,
            "agent.stop_seconds" => self.agent_stop_seconds = number(value)?,
            "secrets.keychain" => self.keychain = yes_or_no(value)?,
            "share.provider" => {
                let keys: Vec<_> = TABLE.iter().map(|row| row.key).collect();
                let row = provider::row(value.trim());
                self.provider = Some(row.ok_or_else(|| format!("{key} takes one of: {}", keys.join(", ")))?);
            }
            other => return Err(format!("there is no setting {other:?}; keys: {keys}")),
        }
        Ok(())
    }
}

/// An open workspace. While it lives, no other kitbag works on it.
pub struct Workspace {
    /// What setup wrote down.
    pub settings: Settings,
    /// What a person may change.
    pub config: Config,
    /// The doors.
    pub doors: Doors,
    /// The ledger.
    pub ledger: Ledger,
    /// This workspace's folder in the state root.
    pub state: PathBuf,
    _lock: Option<Lock>,
}

/// Where the workspaces of a state root lie.
pub fn folder(home: &Path) -> PathBuf {
    home.join("workspaces")
}

/// One workspace's settings as they could be read.
pub type Found = (OsString, Result<Settings, EngineError>);

/// Each workspace of this state root by the name of its folder, also one whose settings are damaged.
///
/// # Errors
/// The state root cannot be read.
pub fn each(home: &Path, doors: &Doors) -> Result<Vec<Found>, EngineError> {
    let all = folder(home);
    let items = match doors.disk.list(&all) {
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(Vec::new()),
        other => other.map_err(EngineError::io("cannot read", &all))?,
    };
    let mut found = Vec::new();
    for item in items {
        let file = all.join(&item.name).join("workspace.json");
        if doors.disk.stat(&file).is_ok() {
            found.push((item.name, read_settings(&file, doors)));
        }
    }
    Ok(found)
}

/// All workspaces set up in this state root, by name.
///
/// # Errors
/// The state root cannot be read, or a workspace's settings are damaged.
pub fn list(home: &Path, doors: &Doors) -> Result<Vec<Settings>, EngineError> {
    each(home, doors)?.into_iter().map(|(_, settings)| settings).collect()
}

/// What `setup` wrote down in this file.
///
/// # Errors
/// It cannot be read, or is damaged.
pub(crate) fn read_settings(file: &Path, doors: &Doors) -> Result<Settings, EngineError> {
    let mut text = String::new();
    let mut open = doors.disk.open(file).map_err(EngineError::io("cannot read", file))?;
    std::io::Read::read_to_string(&mut open, &mut text).map_err(EngineError::io("cannot read", file))?;
    serde_json::from_str(&text)
        .map_err(|e| EngineError::State { path: file.to_owned(), reason: e.to_string() })
}

/// Which workspace a command means: the named one, the one the current folder is in, or the only one.
///
/// # Errors
/// None, or several.
pub fn choose(
    home: &Path,
    doors: &Doors,
    name: Option<&str>,
    current: Option<&Path>,
) -> Result<Settings, EngineError> {
    if let Some(name) = name {
        // another one that is damaged is in nobody's way
        let found = each(home, doors)?.into_iter().find_map(|(folder, settings)| match settings {
            Ok(settings) if settings.name == name => Some(Ok(settings)),
            Err(error) if folder == name => Some(Err(error)),
            _ => None,
        });
        return found.unwrap_or_else(|| Err(EngineError::NoWorkspace(Some(name.to_owned()))));
    }
    let mut all = list(home, doors)?;
    let inside = |settings: &Settings| {
        let work = doors.disk.canonical(&settings.work).unwrap_or_else(|_| settings.work.clone());
        current.is_some_and(|current| current.starts_with(work))
    };
    if let Some(at) = all.iter().position(inside) {
        return Ok(all.swap_remove(at));
    }
    match all.len() {
        0 => Err(EngineError::NoWorkspace(None)),
        1 => Ok(all.swap_remove(0)),
        _ => Err(EngineError::WhichWorkspace(all.into_iter().map(|settings| settings.name).collect())),
    }
}

impl Workspace {
    /// Open a workspace for work: nobody else may work on it meanwhile. Another kitbag is waited for as long as the
    /// settings say.
    ///
    /// # Errors
    /// Another kitbag is at work; the ledger cannot be opened.
    pub fn open(home: &Path, settings: Settings, config: Config, doors: Doors) -> Result<Self, EngineError> {
        let wait = Duration::from_secs(config.lock_wait_seconds);
        Self::open_within(home, settings, config, doors, wait)
    }

    /// The same with a wait of one's own.
    ///
    /// # Errors
    /// As [`Workspace::open`].
    pub fn open_within(
        home: &Path,
        settings: Settings,
        config: Config,
        doors: Doors,
        wait: Duration,
    ) -> Result<Self, EngineError> {
        let lock = Lock::acquire(&home.join("lock"), wait);
        let lock = lock.map_err(|error| match error {
            LockError::Held { pid } => EngineError::Locked(pid),
            LockError::Failed { source, .. } => EngineError::io("cannot write", home)(source),
        })?;
        Self::with(home, settings, config, doors, Some(lock))
    }

    /// Open it to look only.
    ///
    /// # Errors
    /// The ledger cannot be opened.
    pub fn look(home: &Path, settings: Settings, config: Config, doors: Doors) -> Result<Self, EngineError> {
        Self::with(home, settings, config, doors, None)
    }

    fn with(
        home: &Path,
        settings: Settings,
        config: Config,
        doors: Doors,
        lock: Option<Lock>,
    ) -> Result<Self, EngineError> {
        let state = folder(home).join(&settings.name);
        let ledger = Ledger::open(&state.join("ledger.sqlite"))?;
        Ok(Workspace { settings, config, doors, ledger, state, _lock: lock })
    }

    /// The share, written to as this machine.
    pub fn share(&self) -> Share {
        Share::new(&self.settings.share, &self.settings.machine_id, &self.doors)
    }

    /// What is known of the provider that carries the share; none when nobody knows which it is.
    pub fn provider(&self) -> Option<&'static Row> {
        self.config.provider.or_else(|| provider::row(self.settings.provider.as_deref()?))
    }

    /// Where contents lie that stand in no pack yet.
    pub fn kept_folder(&self) -> PathBuf {
        self.state.join("kept")
    }

    /// Where the environment's own files lie: databases, logs. Never in the share, never in the working folder.
    pub fn environment_folder(&self) -> PathBuf {
        self.state.join("environment")
    }
}
