//! The door to what starts when a person logs in, without an administrator: a unit of the person's own systemd, an entry
//! of the desktop where systemd does not run the session, a LaunchAgent, a value of the registry's Run key; and the
//! entry in the menu. Each is one small text with quoting rules of its own: rendered by a pure function, written, read
//! back and removed here. Who decides what is whose sees only the texts.

mod command_line;
mod desktop;
mod launchd;
#[cfg(all(unix, not(target_os = "macos")))]
#[path = "real_desktop.rs"]
mod real;
#[cfg(target_os = "macos")]
#[path = "real_macos.rs"]
mod real;
#[cfg(windows)]
#[path = "real_windows.rs"]
mod real;
mod simulated;
mod systemd;
#[cfg(unix)]
mod text_file;

use std::ffi::{OsStr, OsString};
use std::io;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

pub use command_line::command_line;
pub use desktop::{at_log_in, menu};
pub use launchd::{label, launch_agent};
pub use real::RealAutostart;
pub use simulated::SimulatedAutostart;
pub use systemd::unit;

/// What shall start at log-in, and stand in the menu.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Entry {
    /// What its files are called: ASCII letters, digits and hyphens, such as `kitbag`.
    pub name: String,
    /// The program, an absolute path.
    pub program: PathBuf,
    /// This machine's state root; where it is gone nothing is started.
    pub home: PathBuf,
    /// Arguments with which the program is the agent until the person logs out.
    pub stay: Vec<OsString>,
    /// Arguments with which it starts the agent and ends.
    pub start: Vec<OsString>,
    /// Arguments with which it shows its page.
    pub page: Vec<OsString>,
    /// The `PATH` that programs started by it get, where the session does not hand on the person's.
    pub path: Option<OsString>,
}

/// Where a text is kept.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Place {
    /// In this file.
    File(PathBuf),
    /// This link; the text is where it leads.
    Link(PathBuf),
    /// The value of this name in the person's Run key of the registry.
    RunValue(String),
}

impl std::fmt::Display for Place {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Place::File(path) | Place::Link(path) => f.write_str(&path.to_string_lossy()),
            Place::RunValue(name) => write!(f, r"HKEY_CURRENT_USER\{RUN_KEY}\{name}"),
        }
    }
}

/// What one text is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Kind {
    /// A unit of the person's systemd.
    Unit,
    /// The link by which that unit starts at log-in.
    Enabled,
    /// An entry of the desktop's own autostart.
    Autostart,
    /// A LaunchAgent of macOS.
    LaunchAgent,
    /// A value of the registry's Run key.
    RunValue,
    /// The entry in the menu.
    Menu,
}

/// One text and its place.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Piece {
    /// What it is for.
    pub kind: Kind,
    /// Where.
    pub place: Place,
    /// The text.
    pub text: String,
}

/// Why something cannot be started at log-in.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Unfit {
    /// Such files hold text in one line; this is none.
    #[error("{0} is no plain text")]
    NotText(String),
    /// The registry's Run key takes [`LONGEST`] characters.
    #[error("the command is {0} characters long, and Windows takes {LONGEST}")]
    TooLong(usize),
    /// The system does not say where the person's settings lie.
    #[error("the system does not say where your settings lie")]
    NoPlace,
}

/// The longest command the registry's Run key takes, in UTF-16 units (Microsoft, "Run and RunOnce Registry Keys").
pub const LONGEST: usize = 260;

/// Below the person's part of the registry.
const RUN_KEY: &str = r"Software\Microsoft\Windows\CurrentVersion\Run";

/// What starts at log-in on this computer.
pub trait Autostart: Send + Sync {
    /// What has to be written where, in this order. Touches nothing.
    ///
    /// # Errors
    /// It cannot be said in such a text; see [`Unfit`].
    fn wanted(&self, entry: &Entry) -> Result<Vec<Piece>, Unfit>;

    /// What stands at a place; none where nothing is. What is no text, or no link, is some text all the same.
    ///
    /// # Errors
    /// What the system says.
    fn read(&self, place: &Place) -> io::Result<Option<String>>;

    /// Write a text, in place of what stands there. Folders are made.
    ///
    /// # Errors
    /// What the system says.
    fn write(&self, place: &Place, text: &str) -> io::Result<()>;

    /// Remove what stands at a place; fine where nothing is. Folders stay.
    ///
    /// # Errors
    /// What the system says.
    fn remove(&self, place: &Place) -> io::Result<()>;

    /// Tell the person's session what was written under this name, and let it start the agent now, and again should it
    /// fail. False where the session starts nothing by itself: then whoever asks starts it.
    fn start(&self, name: &str) -> bool;

    /// Tell the session that what was written under this name is about to go. The agent has ended.
    fn stop(&self, name: &str);

    /// Tell the session that it is gone.
    fn forget(&self);

    /// What is not made on this system, as a sentence.
    fn not_made(&self) -> Option<&'static str>;
}

/// The text of a word, which every one of these files can hold: no control character, and none that XML does not have.
///
/// # Errors
/// It is no such text.
fn text(word: &OsStr) -> Result<&str, Unfit> {
    let bad = |c: char| c.is_control() || matches!(c, '\u{fffe}' | '\u{ffff}');
    let fit = word.to_str().filter(|text| !text.contains(bad));
    fit.ok_or_else(|| Unfit::NotText(word.to_string_lossy().into_owned()))
}

/// The texts of a program and its arguments.
fn words<'a>(program: &'a Path, arguments: &'a [OsString]) -> Result<Vec<&'a str>, Unfit> {
    std::iter::once(program.as_os_str()).chain(arguments.iter().map(OsString::as_os_str)).map(text).collect()
}

/// A shell that starts a program whose name a format cannot have in first place. The words come as arguments: the shell
/// reads none of them.
const THROUGH_SHELL: [&str; 3] = ["/bin/sh", "-c", "exec \"$0\" \"$@\""];

#[cfg(test)]
mod tests;
