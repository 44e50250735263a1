//! Joins a share and a working folder: makes the workspace, or joins the one that stands in the share. Places where work
//! or machine state would come to harm are refused with a better one named.

use std::path::{Path, PathBuf};

use kitbag_core::finding::Finding;
use kitbag_core::path::shown;
use kitbag_core::provider::Row;
use kitbag_platform::disk::Disk;
use kitbag_platform::places::Places;
use kitbag_platform::provider;
use kitbag_store::Ledger;

use crate::apart::{Folders, Surroundings, overlap, resolved};
use crate::doors::Doors;
use crate::error::{EngineError, show};
use crate::folders::IDENTITIES;
use crate::share::Share;
use crate::workspace::{Settings, folder, list};

/// What a person asks for.
#[derive(Debug, Clone)]
pub struct Wanted {
    /// The cloud folder, absolute.
    pub share: PathBuf,
    /// The working folder, absolute.
    pub work: PathBuf,
    /// This machine's name.
    pub machine: String,
    /// The workspace's name here; the share's folder name when not given.
    pub name: Option<String>,
}

/// What setup did.
#[derive(Debug, Clone)]
pub struct SetUp {
    /// The workspace.
    pub settings: Settings,
    /// It stood in the share already.
    pub joined: bool,
    /// The provider the share lies with, when it is known.
    pub provider: Option<&'static Row>,
}

/// Set a workspace up.
///
/// # Errors
/// A place is refused, the name is taken, or something cannot be written.
pub fn setup(home: &Path, wanted: &Wanted, places: &dyn Places, doors: &Doors) -> Result<SetUp, EngineError> {
    let others = list(home, doors)?;
    let disk = doors.disk.as_ref();
    let folders = Folders::new(&wanted.share, &wanted.work, home, disk);
    let around = Surroundings { places, disk };
    refuse(folders.places(around))?;
    for other in &others {
        let (work, share) = (resolved(&other.work, disk), resolved(&other.share, disk));
        if work == folders.work || share == folders.share {
            return Err(EngineError::WorkspaceExists(other.name.clone()));
        }
    }
    refuse(folders.second_tools(around))?;
    refuse(others.iter().find_map(|other| around_another(other, &folders, disk)))?;
    let name = match &wanted.name {
        Some(name) => name.clone(),
        None => free_name(&wanted.share, &others),
    };
    if !plain(&name) {
        return Err(place(
            format!("{} cannot be the name of a workspace", shown(&name)),
            "It names a folder of this machine's state.",
            "Use letters, digits, `-` and `_`.",
        ));
    }
    if others.iter().any(|other| other.name == name) {
        return Err(EngineError::WorkspaceExists(name));
    }
    let provider = provider::holding(&folders.share, places, disk).map(|provider| provider.row);
    for folder in [&wanted.share, &wanted.work] {
        // before anything is made: a file in the way of one must not leave the other behind
        let above = folder.ancestors().map(|above| (above, doors.disk.list(above)));
        let mut there = above.filter(
            |(_, listed)| !matches!(listed, Err(error) if error.kind() == std::io::ErrorKind::NotFound),
        );
        if let Some((above, Err(error))) = there.next() {
            return Err(EngineError::io("cannot use", above)(error));
        }
    }
    make_folder(&wanted.share, doors, false)?;
    make_folder(&wanted.work, doors, true)?;
    let state = folder(home).join(&name);
    doors.disk.create_dirs(&state).map_err(EngineError::io("cannot write", &state))?;
    let machine_id = match unfinished(&state, doors) {
        Some(settings) => settings.machine_id,
        None => doors.chance.token(16).map_err(EngineError::io("cannot name this machine in", home))?,
    };
    let share = Share::new(&wanted.share, &machine_id, doors);
    let joined = share.has_sidecar();
    if joined {
        share.check_format()?;
    }
    let settings = Settings {
        name,
        share: wanted.share.clone(),
        work: wanted.work.clone(),
        machine_id,
        machine: wanted.machine.clone(),
        provider: provider.map(|row| row.key.to_owned()),
    };
    begin_settings(&state, &settings, doors)?;
    share.clear_left();
    start_ledger(&state, &share, doors)?;
    // the settings name these folders: none of them may be gone after a power cut that leaves the settings
    for made in [&wanted.share, &wanted.work, &state] {
        doors.disk.sync_volume(made).map_err(EngineError::io("cannot write", made))?;
    }
    finish_settings(&state, doors)?;
    Ok(SetUp { settings, joined, provider })
}

/// The first finding is the answer.
fn refuse(found: impl IntoIterator<Item = Finding>) -> Result<(), EngineError> {
    match found.into_iter().next() {
        Some(Finding { what, why, remedy }) => Err(EngineError::Place { what, why, remedy }),
        None => Ok(()),
    }
}

/// A folder of another workspace of this machine inside one of ours; the other way round its own marks tell.
fn around_another(other: &Settings, folders: &Folders, disk: &dyn Disk) -> Option<Finding> {
    for theirs in [&other.share, &other.work] {
        let theirs = resolved(theirs, disk);
        let ours = [&folders.share, &folders.work].into_iter().find(|ours| overlap(ours, &theirs));
        if let Some(ours) = ours {
            let (ours, theirs) = (show(ours), show(theirs));
            return Some(Finding::new(
                format!("{ours} and a folder of the workspace {} ({theirs}) lie in one another", other.name),
                "The same files would be carried twice.",
                "Use folders apart from those.",
            ));
        }
    }
    None
}

fn start_ledger(state: &Path, share: &Share, doors: &Doors) -> Result<(), EngineError> {
    // an earlier setup that did not finish
    for left in ["ledger.sqlite", "ledger.sqlite-wal", "ledger.sqlite-shm"] {
        let file = state.join(left);
        match doors.disk.remove(&file) {
            Err(error) if error.kind() != std::io::ErrorKind::NotFound => {
                return Err(EngineError::io("cannot remove", &file)(error));
            }
            _ => {}
        }
    }
    let ledger = Ledger::open(&state.join("ledger.sqlite"))?;
    share.make_sidecar()?;
    let mut identities = share.identities()?;
    if identities.is_empty() {
        let id =
            doors.chance.token(16).map_err(EngineError::io("cannot name the workspace in", share.root()))?;
        share.add_identity(&id)?;
        identities.insert(id);
    }
    let lines: Vec<_> = identities.into_iter().collect();
    ledger.set(IDENTITIES, &lines.join("\n"))?;
    Ok(())
}

/// Write a workspace's settings down, in one step.
///
/// # Errors
/// They cannot be written.
pub(crate) fn write_settings(state: &Path, settings: &Settings, doors: &Doors) -> Result<(), EngineError> {
    begin_settings(state, settings, doors)?;
    finish_settings(state, doors)
}

/// What setup writes first and names last: who this machine is must be known before it writes into the share, and that
/// the workspace is set up must be true once it can be read.
const BEGUN: &str = "workspace.json.new";

/// The settings of a setup that did not come to its end.
fn unfinished(state: &Path, doors: &Doors) -> Option<Settings> {
    let mut text = String::new();
    std::io::Read::read_to_string(&mut doors.disk.open(&state.join(BEGUN)).ok()?, &mut text).ok()?;
    serde_json::from_str(&text).ok()
}

fn begin_settings(state: &Path, settings: &Settings, doors: &Doors) -> Result<(), EngineError> {
    let file = state.join(BEGUN);
    let text = serde_json::to_string_pretty(settings).unwrap_or_default();
    let written = (|| {
        match doors.disk.remove(&file) {
            Err(error) if error.kind() != std::io::ErrorKind::NotFound => return Err(error),
            _ => {}
        }
        let mut to = doors.disk.create(&file)?;
        std::io::Write::write_all(&mut to, text.as_bytes())?;
        to.finish(true).map(|_| ())
    })();
    written.map_err(EngineError::io("cannot write", &file))
}

fn finish_settings(state: &Path, doors: &Doors) -> Result<(), EngineError> {
    let file = state.join("workspace.json");
    let named = doors.disk.rename_over(&state.join(BEGUN), &file).and_then(|()| doors.disk.sync_dir(state));
    named.map_err(EngineError::io("cannot write", &file))
}

/// The folder is made; above it, only a working folder's parents are. A share whose parent is missing is more likely a
/// drive that is not there.
fn make_folder(wanted: &Path, doors: &Doors, parents: bool) -> Result<(), EngineError> {
    if doors.disk.list(wanted).is_ok() {
        return Ok(());
    }
    let above = wanted.parent().is_some_and(|above| doors.disk.list(above).is_ok());
    if !above && !parents {
        return Err(EngineError::ShareMissing(wanted.to_owned()));
    }
    doors.disk.create_dirs(wanted).map_err(EngineError::io("cannot make", wanted))
}

fn free_name(share: &Path, others: &[Settings]) -> String {
    let folder = share.file_name().map(|name| name.to_string_lossy().to_lowercase()).unwrap_or_default();
    let name: String =
        folder.chars().map(|c| if c.is_ascii_alphanumeric() || c == '_' { c } else { '-' }).collect();
    let name = name.trim_matches('-');
    let name = if name.is_empty() { "coursework" } else { name };
    let taken = |name: &str| others.iter().any(|other| other.name == name);
    let mut free = name.to_owned();
    let mut n = 2;
    while taken(&free) {
        free = format!("{name}-{n}");
        n += 1;
    }
    free
}

fn plain(name: &str) -> bool {
    !name.is_empty()
        && name.len() <= 64
        && name.chars().all(|c| c.is_ascii_alphanumeric() || c == '-' || c == '_')
}

fn place(what: impl Into<String>, why: impl Into<String>, remedy: impl Into<String>) -> EngineError {
    EngineError::Place { what: what.into(), why: why.into(), remedy: remedy.into() }
}
