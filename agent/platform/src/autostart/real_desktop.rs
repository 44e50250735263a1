//! Linux and its like. Where systemd started the computer, a person's own systemd runs what belongs to their session: a
//! unit and the link that enables it, both good also while nobody answers (over `su`, before the first log-in). Elsewhere
//! the desktop reads its autostart folder. The menu entry is the same for both.

use std::ffi::OsString;
use std::io;
use std::path::PathBuf;
use std::process::Command;
use std::time::Duration;

use etcetera::base_strategy::{BaseStrategy, Xdg};

use super::{Autostart, Entry, Kind, Piece, Place, Unfit, at_log_in, menu, text, text_file, unit};
use crate::process::{brief, find_program};

/// As sd_booted(3) looks.
const BOOTED: &str = "/run/systemd/system";
/// How long the person's systemd may take to answer.
const PATIENCE: Duration = Duration::from_secs(20);

/// What starts at log-in here.
#[derive(Debug, Clone)]
pub struct RealAutostart {
    config: Option<PathBuf>,
    data: Option<PathBuf>,
    booted: PathBuf,
    path: OsString,
}

impl RealAutostart {
    /// As this process finds it.
    pub fn here() -> Self {
        let places = Xdg::new().ok();
        RealAutostart {
            config: places.as_ref().map(BaseStrategy::config_dir),
            data: places.as_ref().map(BaseStrategy::data_dir),
            booted: BOOTED.into(),
            path: std::env::var_os("PATH").unwrap_or_default(),
        }
    }

    /// The same with other folders for a person's settings and data, another sign that systemd started the computer,
    /// and programs found here.
    #[cfg(test)]
    pub(super) fn elsewhere(config: PathBuf, data: PathBuf, booted: PathBuf, path: OsString) -> Self {
        RealAutostart { config: Some(config), data: Some(data), booted, path }
    }

    /// Whether the person's systemd did as it was told; false where there is none.
    fn manager(&self, words: &[&str]) -> bool {
        let Some(program) = find_program("systemctl", &self.path).filter(|_| self.booted.exists()) else {
            return false;
        };
        let mut command = Command::new(program);
        command.arg("--user").args(words);
        matches!(brief(&mut command, None, PATIENCE), Ok(said) if said.worked)
    }
}

impl Autostart for RealAutostart {
    fn wanted(&self, entry: &Entry) -> Result<Vec<Piece>, Unfit> {
        let (Some(config), Some(data)) = (&self.config, &self.data) else { return Err(Unfit::NoPlace) };
        // what is written down must be text
        text(config.as_os_str())?;
        text(data.as_os_str())?;
        let name = &entry.name;
        let mut pieces = Vec::new();
        if self.booted.exists() {
            let folder = config.join("systemd/user");
            let file = folder.join(format!("{name}.service"));
            let link = folder.join(format!("default.target.wants/{name}.service"));
            let leads = file.to_string_lossy().into_owned();
            pieces.push(Piece { kind: Kind::Unit, place: Place::File(file), text: unit(entry)? });
            pieces.push(Piece { kind: Kind::Enabled, place: Place::Link(link), text: leads });
        } else {
            let file = config.join("autostart").join(format!("{name}.desktop"));
            pieces.push(Piece { kind: Kind::Autostart, place: Place::File(file), text: at_log_in(entry)? });
        }
        let file = data.join("applications").join(format!("{name}.desktop"));
        pieces.push(Piece { kind: Kind::Menu, place: Place::File(file), text: menu(entry)? });
        Ok(pieces)
    }

    fn read(&self, place: &Place) -> io::Result<Option<String>> {
        text_file::read(place)
    }

    fn write(&self, place: &Place, text: &str) -> io::Result<()> {
        text_file::write(place, text)
    }

    fn remove(&self, place: &Place) -> io::Result<()> {
        text_file::remove(place)
    }

    fn start(&self, name: &str) -> bool {
        self.manager(&["daemon-reload"]) && self.manager(&["start", &format!("{name}.service")])
    }

    fn stop(&self, name: &str) {
        self.manager(&["stop", &format!("{name}.service")]);
    }

    fn forget(&self) {
        self.manager(&["daemon-reload"]);
    }

    fn not_made(&self) -> Option<&'static str> {
        None
    }
}
