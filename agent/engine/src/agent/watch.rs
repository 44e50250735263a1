//! Which workspaces of a state root are open, and since when all of each is saved. Looked at every few seconds, so it must
//! cost next to nothing: a ledger is opened only when its files have changed since the last look. What cannot be read
//! now is believed to be as it was, for a while; one workspace's trouble hinders no other.

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::io::ErrorKind;
use std::path::Path;

use kitbag_core::checkpoint::{Checkpoints, Due, Ended};
use kitbag_core::entry::Fingerprint;
use kitbag_platform::clock::millis;

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

/// The workspaces of one state root.
#[derive(Debug, Default)]
pub(super) struct Watch {
    known: BTreeMap<OsString, Known>,
}

#[derive(Debug, Default)]
struct Known {
    marks: Option<Marks>,
    settings: Option<Settings>,
    checkpoints: Checkpoints,
    /// How often it could not be read, in a row.
    unreadable: u32,
}

impl Watch {
    /// Look again.
    pub(super) fn look(&mut self, home: &Path, config: &Config, doors: &Doors) {
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
        self.known.retain(|name, _| names.contains(name));
        for name in names {
            let known = self.known.entry(name.clone()).or_default();
            let state = all.join(&name);
            let now = FILES.map(|file| doors.disk.stat(&state.join(file)).ok().map(|stat| stat.fingerprint));
            // a folder without settings or ledger is no workspace, and looking must not make one of it
            if now[0].is_none() || now[1].is_none() {
                *known = Known { marks: Some(now), ..Known::default() };
            } else if known.marks != Some(now) {
                known.read(&state, now, home, config, doors);
            }
        }
    }

    /// Whether any is open, or may be.
    pub(super) fn any_open(&self) -> bool {
        self.known.values().any(|known| known.checkpoints.open.is_some() || known.in_doubt())
    }

    /// Those to be saved now, each by the name of its folder.
    pub(super) fn due(&self, every: i64, now: i64) -> Vec<(OsString, Settings)> {
        let due = |(name, known): (&OsString, &Known)| {
            let settings = known.settings.clone()?;
            (known.checkpoints.due(every, now) == Due::Now).then(|| (name.clone(), settings))
        };
        self.known.iter().filter_map(due).collect()
    }

    /// How long none of them is due, in milliseconds; none: as things stand never.
    pub(super) fn wait(&self, every: i64, now: i64) -> Option<i64> {
        let wait = |known: &Known| match known.checkpoints.due(every, now) {
            Due::Never => None,
            Due::Now => Some(0),
            Due::In(millis) => Some(millis),
        };
        self.known.values().filter_map(wait).min()
    }

    /// A try to save one has ended; how often it has failed now.
    pub(super) fn note(&mut self, name: &OsString, now: i64, ended: Ended) -> u32 {
        let Some(known) = self.known.get_mut(name) else { return 0 };
        known.checkpoints.note(now, ended);
        known.checkpoints.failures
    }
}

impl Known {
    fn in_doubt(&self) -> bool {
        (1..PATIENCE).contains(&self.unreadable)
    }

    fn read(&mut self, state: &Path, marks: Marks, home: &Path, config: &Config, doors: &Doors) {
        match look(state, home, config, doors) {
            Ok((settings, open, saved)) => {
                let before = self.checkpoints.open;
                self.settings = Some(settings);
                (self.checkpoints.open, self.checkpoints.saved) = (open, saved);
                if before != open {
                    // another session begins with a clean sheet
                    (self.checkpoints.tried, self.checkpoints.failures) = (None, 0);
                }
                // taken before the look: what was written during it is seen next time
                (self.marks, self.unreadable) = (Some(marks), 0);
            }
            Err(error) => {
                self.marks = None;
                self.unreadable = self.unreadable.saturating_add(1);
                if self.unreadable == PATIENCE {
                    self.checkpoints.open = None;
                    tracing::warn!(%error, state = %crate::error::show(state), "a workspace cannot be read");
                }
            }
        }
    }
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
