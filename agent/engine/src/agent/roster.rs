//! The workspaces of a state root as the agent knows them: which there are, whether one is open and since when all of it is
//! saved, whether its folders are there and watched, who borrowed it, and its pace. Looked at every few seconds, so it must
//! cost next to nothing: a ledger is opened only when its files have changed since the last look. What cannot be read
//! now is believed to be as it was, for a while; one workspace's trouble hinders no other.

use std::collections::BTreeMap;
use std::ffi::{OsStr, OsString};
use std::io::ErrorKind;
use std::path::{Path, PathBuf};

use kitbag_core::entry::Fingerprint;
use kitbag_core::finding::Finding;
use kitbag_core::notice;
use kitbag_core::pace::{Due, Ended, Now, Pace, Rhythm, What};
use kitbag_core::restless::Restless;
use kitbag_platform::clock::millis;
use kitbag_platform::disk::ItemKind;
use kitbag_platform::watch::{Hint, NotWatched, Watcher};

use super::desk::Doing;
use crate::doors::Doors;
use crate::environment::last_checkpoint;
use crate::error::EngineError;
use crate::events;
use crate::workspace::{Config, Settings, Workspace, folder, read_settings};

/// One that could not be read so often in a row counts as closed until it can.
const PATIENCE: u32 = 5;

/// The files by which a change is seen: the settings, the ledger and what was written to it last.
const FILES: [&str; 3] = ["workspace.json", "ledger.sqlite", "ledger.sqlite-wal"];

type Marks = [Option<Fingerprint>; FILES.len()];

/// The workspaces of one state root, by the names of their folders.
#[derive(Debug, Default)]
pub(super) struct Roster {
    known: BTreeMap<OsString, Known>,
    /// Borrowed names, and how many borrowed each.
    lent: BTreeMap<String, usize>,
}

/// One workspace.
#[derive(Debug, Default)]
pub(super) struct Known {
    marks: Option<Marks>,
    /// What setup wrote down; none: it cannot be read yet.
    pub(super) settings: Option<Settings>,
    /// When to look at it.
    pub(super) pace: Pace,
    /// Which of its files change again and again.
    pub(super) restless: Restless,
    /// What is done with it, and since when.
    pub(super) doing: Option<(Doing, i64)>,
    /// Why the last look failed.
    pub(super) error: Option<Finding>,
    /// What a person may have to be told, as the last look left it.
    seen: Option<notice::Seen>,
    /// How often it could not be read, in a row.
    unreadable: u32,
    /// The folders that are watched, with their numbers.
    watched: BTreeMap<PathBuf, u64>,
    /// That they cannot be was told.
    told: bool,
}

impl Roster {
    /// Look again at which workspaces there are and what their ledgers say.
    pub(super) fn look(&mut self, home: &Path, config: &Config, doors: &Doors, watcher: &dyn Watcher) {
        let all = folder(home);
        let items = match doors.disk.list(&all) {
            Ok(items) => items,
            Err(error) if error.kind() == ErrorKind::NotFound => Vec::new(),
            Err(error) => {
                tracing::warn!(%error, "the workspaces cannot be listed");
                return;
            }
        };
        let names: Vec<OsString> = items.into_iter().map(|item| item.name).collect();
        self.known.retain(|name, known| {
            let stays = names.contains(name);
            if !stays {
                known.unwatch(watcher);
            }
            stays
        });
        for name in names {
            let known = self.known.entry(name.clone()).or_default();
            let state = all.join(&name);
            let now = FILES.map(|file| doors.disk.stat(&state.join(file)).ok().map(|stat| stat.fingerprint));
            // a folder without settings or ledger is no workspace, and looking must not make one of it
            if now[0].is_none() || now[1].is_none() {
                known.unwatch(watcher);
                *known = Known { marks: Some(now), ..Known::default() };
            } else if known.marks != Some(now) {
                known.read(&state, now, home, config, doors);
            }
        }
    }

    /// What a person may have to be told of all of them.
    pub(super) fn seen(&self) -> Vec<notice::Seen> {
        self.known.values().filter_map(|known| known.seen.clone()).collect()
    }

    /// Whether any is open, or may be.
    pub(super) fn any_open(&self) -> bool {
        self.known.values().any(|known| known.pace.is_open() || known.in_doubt())
    }

    /// Time goes on while one is looked at.
    pub(super) fn tick(&mut self, now: Now) {
        self.known.values_mut().for_each(|known| known.pace.tick(now));
    }

    /// Time went on: folders that went or were replaced are noticed, and what was told of is noted.
    pub(super) fn turn(&mut self, doors: &Doors, watcher: &dyn Watcher, now: Now) {
        let hints = watcher.take();
        for known in self.known.values_mut() {
            known.pace.tick(now);
            known.doing.get_or_insert((Doing::Nothing, now.wall));
            known.notice(doors, watcher, now);
            let mut lost = false;
            for root in known.roots() {
                match hints.get(&root) {
                    Some(Hint::Changed) => known.pace.hint(now),
                    Some(Hint::Lost) => lost |= known.watched.remove(&root).is_some(),
                    None => {}
                }
            }
            if lost {
                let workspace = known.settings.as_ref().map(|settings| settings.name.as_str());
                tracing::info!(workspace, "changes may have been missed; all of it is looked at");
                known.pace.watched = false;
                known.pace.hasten();
            }
        }
    }

    /// What is to be done now: the workspace's folder and what.
    pub(super) fn next(&self, rhythm: Rhythm, now: Now) -> Vec<(OsString, What)> {
        let due = |(name, known): (&OsString, &Known)| match known.pace.due(rhythm, now) {
            Due::Now(what) if self.may(known) => Some((name.clone(), what)),
            _ => None,
        };
        self.known.iter().filter_map(due).collect()
    }

    /// How long nothing is due, in milliseconds; none: as things stand never.
    pub(super) fn wait(&self, rhythm: Rhythm, now: Now) -> Option<i64> {
        self.known.values().filter_map(|known| self.wait_of(known, rhythm, now)).min()
    }

    /// The same of one.
    pub(super) fn wait_of(&self, known: &Known, rhythm: Rhythm, now: Now) -> Option<i64> {
        match known.pace.due(rhythm, now) {
            _ if !self.may(known) => None,
            Due::Never => None,
            Due::Now(_) => Some(0),
            Due::In(millis) => Some(millis),
        }
    }

    /// The agent may go into it.
    fn may(&self, known: &Known) -> bool {
        known.settings.as_ref().is_some_and(|settings| !self.lent.contains_key(&settings.name))
    }

    /// One of them.
    pub(super) fn get(&mut self, name: &OsStr) -> Option<&mut Known> {
        self.known.get_mut(name)
    }

    /// All whose settings are known, by their folders' names.
    pub(super) fn all(&self) -> impl Iterator<Item = (&Known, &Settings)> {
        self.known.values().filter_map(|known| Some((known, known.settings.as_ref()?)))
    }

    /// Whether somebody borrowed it.
    pub(super) fn is_lent(&self, name: &str) -> bool {
        self.lent.contains_key(name)
    }

    /// Somebody borrows one.
    pub(super) fn lend(&mut self, name: &str, wall: i64) {
        *self.lent.entry(name.to_owned()).or_default() += 1;
        for known in self.of(name) {
            known.doing = Some((Doing::Lent, wall));
        }
    }

    /// Somebody gives it back; with the last it is looked at.
    pub(super) fn take_back(&mut self, name: &str, wall: i64) {
        let Some(times) = self.lent.get_mut(name) else { return };
        *times -= 1;
        if *times == 0 {
            self.lent.remove(name);
            for known in self.of(name) {
                known.doing = Some((Doing::Nothing, wall));
                known.pace.hasten();
            }
        }
    }

    /// Look at one soon, or at all.
    pub(super) fn hasten(&mut self, name: Option<&str>) {
        for known in self.known.values_mut() {
            let named = known.settings.as_ref().map(|settings| settings.name.as_str());
            if name.is_none() || name == named {
                known.pace.hasten();
            }
        }
    }

    fn of<'a>(&'a mut self, name: &'a str) -> impl Iterator<Item = &'a mut Known> {
        let named =
            move |known: &&mut Known| known.settings.as_ref().is_some_and(|settings| settings.name == name);
        self.known.values_mut().filter(named)
    }
}

impl Known {
    /// The working folder and the cloud folder.
    pub(super) fn roots(&self) -> Vec<PathBuf> {
        self.settings.iter().flat_map(|settings| [settings.work.clone(), settings.share.clone()]).collect()
    }

    /// Those that nobody watches.
    pub(super) fn unwatched(&self) -> Vec<PathBuf> {
        self.roots().into_iter().filter(|root| !self.watched.contains_key(root)).collect()
    }

    /// These are watched from now on, each with its number; one is not, for this reason.
    pub(super) fn watches(&mut self, begun: Vec<(PathBuf, u64)>, not: Option<NotWatched>) {
        self.watched.extend(begun);
        self.pace.watched = self.unwatched().is_empty();
        if let Some(error) = not.filter(|_| !self.told) {
            let workspace = self.settings.as_ref().map(|settings| settings.name.as_str());
            tracing::warn!(workspace, %error, "changes are not told of; it is looked at every so often");
            self.told = true;
        }
        self.told &= !self.pace.watched;
    }

    /// Nothing of it is watched any more.
    pub(super) fn unwatch(&mut self, watcher: &dyn Watcher) {
        for root in std::mem::take(&mut self.watched).into_keys() {
            watcher.unwatch(&root);
        }
        self.pace.watched = false;
    }

    /// A folder that went is not looked at until it is back; one that was replaced is watched anew.
    fn notice(&mut self, doors: &Doors, watcher: &dyn Watcher, now: Now) {
        if self.pace.is_away() {
            return;
        }
        for root in self.roots() {
            let number = number(&root, doors);
            if self.watched.get(&root).is_some_and(|known| Some(*known) != number) {
                self.unwatch(watcher);
                self.pace.hasten();
            }
            if number.is_none() {
                self.away(&root, watcher, now);
                return;
            }
        }
    }

    /// A folder is not there.
    fn away(&mut self, root: &Path, watcher: &dyn Watcher, now: Now) {
        self.unwatch(watcher);
        self.pace.gone(now);
        let is_share = self.settings.as_ref().is_some_and(|settings| settings.share == root);
        let missing = if is_share { EngineError::ShareMissing } else { EngineError::WorkMissing };
        self.missing(missing(root.to_owned()).finding());
    }

    /// What is said of a folder that is away.
    pub(super) fn missing(&mut self, finding: Finding) {
        if self.error.as_ref() != Some(&finding) {
            let workspace = self.settings.as_ref().map(|settings| settings.name.as_str());
            tracing::warn!(workspace, what = finding.what, "it is waited for");
        }
        self.error = Some(finding);
    }

    /// Whether the folders are there again; as cheap as may be.
    pub(super) fn glance(&mut self, doors: &Doors, now: Now) {
        let Some(settings) = &self.settings else { return };
        let share = crate::share::Share::new(&settings.share, &settings.machine_id, doors);
        // the place where a drive is mounted stays there without it, empty
        let filled = share.has_sidecar() || share.is_empty().is_ok_and(|empty| !empty);
        if filled && number(&settings.work, doors).is_some() {
            tracing::info!(workspace = settings.name, "its folders are there again");
            self.error = None;
            self.pace.back();
        } else {
            self.pace.gone(now);
        }
    }

    /// What a look found that a person may have to be told; one that failed found that it is not saved.
    pub(super) fn noted(&mut self, seen: Option<notice::Seen>, ended: Ended) {
        if seen.is_some() {
            self.seen = seen;
        } else if matches!(ended, Ended::Failed | Ended::Away | Ended::Unsaved) {
            let workspace = self.settings.as_ref().map(|settings| settings.name.clone()).unwrap_or_default();
            let open = self.pace.is_open();
            let unseen = notice::Seen { workspace, open, ..notice::Seen::default() };
            self.seen.get_or_insert(unseen).saved = false;
        }
    }

    fn in_doubt(&self) -> bool {
        (1..PATIENCE).contains(&self.unreadable)
    }

    fn read(&mut self, state: &Path, marks: Marks, home: &Path, config: &Config, doors: &Doors) {
        match look(state, home, config, doors) {
            Ok((settings, open, saved)) => {
                self.settings = Some(settings);
                self.pace.session(open, saved);
                // taken before the look: what was written during it is seen next time
                (self.marks, self.unreadable) = (Some(marks), 0);
            }
            Err(error) => {
                self.marks = None;
                self.unreadable = self.unreadable.saturating_add(1);
                if self.unreadable == PATIENCE {
                    self.pace.session(None, None);
                    tracing::warn!(%error, state = %crate::error::show(state), "a workspace cannot be read");
                }
            }
        }
    }
}

/// The number of a folder that is there, also by way of a link.
pub(super) fn number(root: &Path, doors: &Doors) -> Option<u64> {
    let stat = match doors.disk.stat(root).ok()? {
        stat if stat.kind == ItemKind::Folder => stat,
        _ => doors.disk.stat(&doors.disk.canonical(root).ok()?).ok()?,
    };
    (stat.kind == ItemKind::Folder).then_some(stat.fingerprint.file)
}

type Seen = (Settings, Option<i64>, Option<i64>);

/// Its settings, since when it is open, and when it was saved last.
fn look(state: &Path, home: &Path, config: &Config, doors: &Doors) -> Result<Seen, EngineError> {
    let settings = read_settings(&state.join(FILES[0]), doors)?;
    let ws = Workspace::look(home, settings.clone(), config.clone(), doors.clone())?;
    // a time that cannot be read is long ago
    let open = events::open_since(&ws.ledger)?.map(|since| millis(&since).unwrap_or(0));
    let saved = last_checkpoint(&ws.ledger)?.and_then(|saved| millis(&saved));
    Ok((settings, open, saved))
}
