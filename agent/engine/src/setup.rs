//! Joins a share and a working folder: makes the workspace, or joins the one that stands in the share. Places where work
//! or machine state would come to harm are refused with a better one named.

use std::path::{Path, PathBuf};

use kitbag_core::path::{SIDECAR, shown};
use kitbag_platform::places::{Places, TooBroad};
use kitbag_platform::provider;
use kitbag_store::Ledger;

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
    pub provider: Option<&'static str>,
}

/// Set a workspace up.
///
/// # Errors
/// A place is refused, the name is taken, or something cannot be written.
pub fn setup(home: &Path, wanted: &Wanted, places: &dyn Places, doors: &Doors) -> Result<SetUp, EngineError> {
    let others = list(home, doors)?;
    let share_path = resolved(&wanted.share, doors);
    let work_path = resolved(&wanted.work, doors);
    let home_path = resolved(home, doors);
    check_places(&share_path, &work_path, &home_path, &wanted.work, places, doors)?;
    for other in &others {
        if resolved(&other.work, doors) == work_path || resolved(&other.share, doors) == share_path {
            return Err(EngineError::WorkspaceExists(other.name.clone()));
        }
    }
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
    let provider =
        provider::holding(&share_path, places, doors.disk.as_ref()).map(|provider| provider.name());
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
    };
    begin_settings(&state, &settings, doors)?;
    share.clear_left();
    start_ledger(&state, &share, doors)?;
    finish_settings(&state, doors)?;
    Ok(SetUp { settings, joined, provider })
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

fn check_places(
    share: &Path,
    work: &Path,
    home: &Path,
    asked: &Path,
    places: &dyn Places,
    doors: &Doors,
) -> Result<(), EngineError> {
    let course = share.file_name().map(|name| shown(&name.to_string_lossy())).unwrap_or_default();
    let parent =
        places.work_parent().map(|parent| show(parent.join(&course))).unwrap_or_else(|| course.clone());
    let better = format!("Use a folder of its own outside any cloud folder, such as {parent}.");
    for (folder, what) in [(share, "cloud folder"), (work, "working folder")] {
        if let Err(broad) = places.check(folder) {
            let why = match broad {
                TooBroad::Top => "Everything on the drive would be carried along.",
                TooBroad::Home => "Everything you have would be carried along.",
                TooBroad::Relative => "A full path is needed.",
            };
            let remedy = if what == "cloud folder" {
                format!("Use a folder of its own inside it, such as {}.", show(folder.join("coursework")))
            } else {
                better.clone()
            };
            return Err(place(format!("{} cannot be the {what}: {broad}", show(folder)), why, remedy));
        }
    }
    let overlap = |a: &Path, b: &Path| a.starts_with(b) || b.starts_with(a);
    if overlap(share, work) {
        return Err(place(
            format!(
                "the working folder {} and the cloud folder {} lie in one another",
                show(work),
                show(share)
            ),
            "kitbag carries files between the two, so each needs a place of its own.",
            better,
        ));
    }
    for (folder, what) in [(work, "working folder"), (home, "folder for this machine's own state")] {
        if let Some(cloud) = provider::holding(folder, places, doors.disk.as_ref()) {
            return Err(place(
                format!("the {what} {} lies in {} ({})", show(folder), cloud.name(), show(&cloud.root)),
                "The cloud program would carry half-written files and this machine's own state to other machines.",
                if folder == work {
                    better
                } else {
                    "Choose another with --home, or leave it out for the usual place.".into()
                },
            ));
        }
        if let Some(other) =
            folder.ancestors().find(|above| doors.disk.stat(&above.join(SIDECAR).join("format")).is_ok())
        {
            return Err(place(
                format!("the {what} {} lies in the cloud folder {}", show(folder), show(other)),
                "What a machine works on must not be carried by a cloud program at the same time.",
                better,
            ));
        }
    }
    if overlap(home, share) || home.starts_with(work) || work.starts_with(home) {
        return Err(place(
            format!("this machine's own state ({}) and your folders lie in one another", show(home)),
            "The state of one machine must never be carried to another.",
            format!("Choose another place for {} or another --home.", show(asked)),
        ));
    }
    Ok(())
}

/// The path with links resolved as far as it exists.
fn resolved(path: &Path, doors: &Doors) -> PathBuf {
    let mut rest = Vec::new();
    let mut at = path;
    loop {
        if let Ok(found) = doors.disk.canonical(at) {
            return rest.iter().rev().fold(found, |found, name| found.join(name));
        }
        match (at.parent(), at.file_name()) {
            (Some(parent), Some(name)) => {
                rest.push(name.to_owned());
                at = parent;
            }
            _ => return path.to_owned(),
        }
    }
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
