//! macOS: a LaunchAgent of the person's own. launchd starts it at log-in, and at once when it is told of it; a session over
//! ssh has no part of the desktop's launchd, and then the log-in does.

use std::io;
use std::path::PathBuf;
use std::process::Command;
use std::time::Duration;

use super::{Autostart, Entry, Kind, Piece, Place, Unfit, label, launch_agent, text, text_file};
use crate::process::brief;

const LAUNCHCTL: &str = "/bin/launchctl";
/// How long launchd may take to answer.
const PATIENCE: Duration = Duration::from_secs(20);

/// What starts at log-in here.
#[derive(Debug, Clone)]
pub struct RealAutostart {
    home: Option<PathBuf>,
}

impl RealAutostart {
    /// As this process finds it.
    pub fn here() -> Self {
        RealAutostart { home: etcetera::home_dir().ok() }
    }

    fn file(&self, name: &str) -> Option<PathBuf> {
        let folder = self.home.as_ref()?.join("Library/LaunchAgents");
        Some(folder.join(format!("{}.plist", label(name))))
    }
}

/// The part of launchd that is this person's desktop.
fn domain() -> String {
    format!("gui/{}", rustix::process::getuid().as_raw())
}

fn launchctl(words: &[&str]) -> bool {
    let mut command = Command::new(LAUNCHCTL);
    matches!(brief(command.args(words), None, PATIENCE), Ok(said) if said.worked)
}

impl Autostart for RealAutostart {
    fn wanted(&self, entry: &Entry) -> Result<Vec<Piece>, Unfit> {
        let file = self.file(&entry.name).ok_or(Unfit::NoPlace)?;
        text(file.as_os_str())?;
        Ok(vec![Piece { kind: Kind::LaunchAgent, place: Place::File(file), text: launch_agent(entry)? }])
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
        let Some(file) = self.file(name) else { return false };
        let (domain, file) = (domain(), file.to_string_lossy().into_owned());
        // what it knew under this label before is another text now
        launchctl(&["bootout", &format!("{domain}/{}", label(name))]);
        launchctl(&["bootstrap", &domain, &file])
    }

    fn stop(&self, name: &str) {
        launchctl(&["bootout", &format!("{}/{}", domain(), label(name))]);
    }

    fn forget(&self) {}

    fn not_made(&self) -> Option<&'static str> {
        Some("There is no entry among your applications; `kitbag page` opens the page.")
    }
}
