//! The agent starts when the person logs in: what has to stand where is the system's affair, whose it is core's; here it is
//! written, and noted in the state root, so that it is known again. A state root that was moved brings its note along, and
//! with it what has to be written anew. Nothing a person changed is overwritten or removed.

use std::ffi::OsString;
use std::path::{Path, PathBuf};

use kitbag_core::finding::Finding;
use kitbag_core::id::ContentId;
use kitbag_core::install::{Step, step};
use kitbag_platform::autostart::{Autostart, Entry, Kind, Piece, Place, Unfit};
use kitbag_platform::places::Places;
use kitbag_platform::process::{own_program, search_path};
use serde::{Deserialize, Serialize};

use super::place;
use crate::document;
use crate::doors::Doors;
use crate::error::{EngineError, show};

/// The program that shall start, and how it is told what it is for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Called {
    /// The program, an absolute path.
    pub program: PathBuf,
    /// The settings it is given, each `KEY=VALUE`.
    pub settings: Vec<String>,
    /// Whether this state root is the one every kitbag of this person takes by itself.
    pub usual: bool,
    /// The `PATH` of now, for where the session has another.
    pub path: Option<OsString>,
}

impl Called {
    /// This very program, as it shall start for a state root.
    ///
    /// # Errors
    /// The system does not tell which file it is.
    pub fn this(home: &Path, places: &dyn Places, settings: Vec<String>) -> Result<Self, EngineError> {
        let program = own_program().map_err(EngineError::io("cannot find", "this program"))?;
        let usual = places.state_root().is_some_and(|usual| usual == home);
        Ok(Called { program, settings, usual, path: search_path() })
    }
}

/// What became of one text.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Became {
    /// It stands there now.
    Written,
    /// It stood there already.
    Unchanged,
    /// It is gone now.
    Removed,
    /// A person changed it or wrote it; it stays as it is.
    Yours,
}

/// One text and what became of it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Registered {
    /// What it is for.
    pub kind: Kind,
    /// Where it is, for people.
    pub place: String,
    /// What became of it.
    pub became: Became,
}

/// What was noted when it was installed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
struct Note {
    /// What its files are called.
    name: String,
    /// The program, the state root and the settings it was installed with.
    program: PathBuf,
    home: PathBuf,
    settings: Vec<String>,
    /// What may stand where. Two texts for one place while one takes the other's.
    written: Vec<Piece>,
}

/// How the agent is installed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Installed {
    /// The program that starts.
    pub program: PathBuf,
    /// The state root it starts for.
    pub home: PathBuf,
    /// The settings it is given.
    pub settings: Vec<String>,
    /// What is not there any more, or not as it was written, for people.
    pub missing: Vec<String>,
    /// The same for what a person changed.
    pub changed: Vec<String>,
}

fn file(home: &Path) -> PathBuf {
    place::folder(home).join("login.json")
}

/// What its files are called: two state roots of one person have files of their own.
fn name(home: &Path, usual: bool) -> String {
    let mark = ContentId::of(home.as_os_str().as_encoded_bytes()).to_string();
    if usual { "kitbag".to_owned() } else { format!("kitbag-{}", &mark[..8]) }
}

fn entry(home: &Path, called: &Called) -> Entry {
    let with = |last: &[&str]| -> Vec<OsString> {
        let mut words: Vec<OsString> = vec!["--home".into(), home.into()];
        for setting in &called.settings {
            words.extend(["--config".into(), setting.into()]);
        }
        words.extend(last.iter().map(Into::into));
        words
    };
    Entry {
        name: name(home, called.usual),
        program: called.program.clone(),
        home: home.to_owned(),
        stay: with(&["agent", "run", "--stay"]),
        start: with(&["agent", "start"]),
        page: with(&["page"]),
        path: called.path.clone(),
    }
}

/// Have it start at log-in. Gives what was done, and the name to start it by.
///
/// # Errors
/// It cannot be said in the system's files, or something cannot be written.
pub fn install(
    home: &Path,
    doors: &Doors,
    autostart: &dyn Autostart,
    called: &Called,
) -> Result<(String, Vec<Registered>), EngineError> {
    let entry = entry(home, called);
    let wanted = autostart.wanted(&entry).map_err(|unfit| unfitting(&unfit))?;
    doors.disk.create_dirs(home).map_err(EngineError::io("cannot make", home))?;
    place::make(home, doors)?;
    let before = document::read::<Note>(&file(home), doors)?.map(|note| note.written).unwrap_or_default();
    let mut note = Note {
        name: entry.name.clone(),
        program: entry.program,
        home: entry.home,
        settings: called.settings.clone(),
        written: before.iter().chain(&wanted).cloned().collect(),
    };
    // noted before it is done: what stands there after a crash is known as ours
    document::write(&file(home), &note, doors)?;
    let mut done = settle(&before, &[], autostart, &wanted)?;
    for piece in &wanted {
        done.push(one(piece, &note.written, Some(&piece.text), autostart)?);
    }
    note.written = wanted;
    document::write(&file(home), &note, doors)?;
    Ok((note.name, done))
}

/// Have it start no more. The agent has ended. Gives what was done.
///
/// # Errors
/// Something cannot be removed.
pub fn uninstall(
    home: &Path,
    doors: &Doors,
    autostart: &dyn Autostart,
    called: &Called,
) -> Result<Vec<Registered>, EngineError> {
    let note = document::read::<Note>(&file(home), doors)?;
    // without a note, as after a state root was thrown away: what would be written now is ours
    let (name, written) = match note {
        Some(note) => (note.name, note.written),
        None => {
            let entry = entry(home, called);
            let written = autostart.wanted(&entry).unwrap_or_default();
            (entry.name, written)
        }
    };
    autostart.stop(&name);
    let done = settle(&written, &written, autostart, &[])?;
    autostart.forget();
    let gone = doors.disk.remove(&file(home));
    match gone {
        Err(error) if error.kind() != std::io::ErrorKind::NotFound => {
            Err(EngineError::io("cannot remove", file(home))(error))
        }
        _ => Ok(done),
    }
}

/// Remove what is ours at the places that nothing is wanted at.
fn settle(
    written: &[Piece],
    more: &[Piece],
    autostart: &dyn Autostart,
    wanted: &[Piece],
) -> Result<Vec<Registered>, EngineError> {
    let ours: Vec<Piece> = written.iter().chain(more).cloned().collect();
    let mut done: Vec<Registered> = Vec::new();
    // the link before what it leads to
    for piece in written.iter().rev() {
        let seen = done.iter().any(|one| one.place == show(piece.place.to_string()));
        if !seen && wanted.iter().all(|one| one.place != piece.place) {
            let became = one(piece, &ours, None, autostart)?;
            if became.became != Became::Unchanged {
                done.push(became);
            }
        }
    }
    done.reverse();
    Ok(done)
}

/// Bring one place to what is wanted there.
fn one(
    piece: &Piece,
    ours: &[Piece],
    wanted: Option<&str>,
    autostart: &dyn Autostart,
) -> Result<Registered, EngineError> {
    let place = &piece.place;
    let shown = show(place.to_string());
    let found = autostart.read(place).map_err(EngineError::io("cannot read", &shown))?;
    let became = match step(found.as_deref(), &texts(place, ours), wanted) {
        Step::Leave => Became::Unchanged,
        Step::Theirs => Became::Yours,
        Step::Write => {
            let text = wanted.unwrap_or_default();
            autostart.write(place, text).map_err(EngineError::io("cannot write", &shown))?;
            Became::Written
        }
        Step::Remove => {
            autostart.remove(place).map_err(EngineError::io("cannot remove", &shown))?;
            Became::Removed
        }
    };
    Ok(Registered { kind: piece.kind, place: shown, became })
}

fn texts<'a>(place: &Place, pieces: &'a [Piece]) -> Vec<&'a str> {
    pieces.iter().filter(|piece| piece.place == *place).map(|piece| piece.text.as_str()).collect()
}

/// How it is installed; none when it is not.
///
/// # Errors
/// The note cannot be read, or what stands there cannot be looked at.
pub fn installed(
    home: &Path,
    doors: &Doors,
    autostart: &dyn Autostart,
) -> Result<Option<Installed>, EngineError> {
    let Some(note) = document::read::<Note>(&file(home), doors)? else { return Ok(None) };
    let (mut missing, mut changed) = (Vec::new(), Vec::new());
    for Piece { place, .. } in &note.written {
        let shown = show(place.to_string());
        match autostart.read(place).map_err(EngineError::io("cannot read", &shown))? {
            None => missing.push(shown),
            Some(text) if !texts(place, &note.written).contains(&text.as_str()) => changed.push(shown),
            Some(_) => {}
        }
    }
    let Note { program, home, settings, .. } = note;
    Ok(Some(Installed { program, home, settings, missing, changed }))
}

fn unfitting(unfit: &Unfit) -> EngineError {
    let remedy = match unfit {
        Unfit::NotText(_) => {
            "Move kitbag, or name another folder with --home, whose name is plain text in one line."
        }
        Unfit::TooLong(_) => {
            "Put kitbag into a folder with a shorter path, or leave out --home and --config where they are not needed."
        }
        Unfit::NoPlace => "Set HOME to your home folder and try again.",
    };
    EngineError::Failed(Finding::new(
        "kitbag cannot be started when you log in",
        format!("{}.", show(unfit.to_string())),
        format!("{remedy} Until then `kitbag agent start` starts it by hand."),
    ))
}

#[cfg(test)]
#[path = "install_tests.rs"]
mod tests;
