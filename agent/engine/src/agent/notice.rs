//! Tells the person on their desktop what needs them. Core decides what is said and when; this finds the words, keeps what
//! was told in the state root, and hands it over on a thread of its own, since a desktop may take seconds to answer. A
//! computer without a desktop costs nothing.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use kitbag_core::notice::{News, Seen, Told};
use kitbag_core::path::shown;
use kitbag_platform::notice::{Notice, NoticeError, Notices};

use super::place;
use crate::document;
use crate::doors::Doors;
use crate::error::{EngineError, count};
use crate::workspace::Workspace;

/// Says what needs somebody, as long as the agent lives.
pub struct Teller {
    file: PathBuf,
    doors: Doors,
    desktop: Arc<dyn Notices>,
    told: Told,
}

impl Teller {
    /// For a state root. What was told before is not told again; where that cannot be read it may be.
    pub fn new(home: &Path, doors: &Doors, desktop: Arc<dyn Notices>) -> Self {
        let file = place::folder(home).join("told.json");
        let told = document::read(&file, doors).unwrap_or_else(|error| {
            tracing::info!(%error, "what was told before is not known");
            None
        });
        Teller { file, doors: doors.clone(), desktop, told: told.unwrap_or_default() }
    }

    /// The one call: how all workspaces stand now, each time the agent has looked at any. Says what is to be said, and
    /// returns at once. `now` is monotonic milliseconds.
    pub fn look(&mut self, all: &[Seen], now: i64) {
        let before = self.told.clone();
        let news = self.told.decide(all, now);
        if serde_json::to_string(&before).ok() != serde_json::to_string(&self.told).ok()
            && let Err(error) = document::write(&self.file, &self.told, &self.doors)
        {
            tracing::info!(%error, "what was told is not kept");
        }
        let Some(news) = news else { return };
        let (desktop, notice) = (self.desktop.clone(), words(&news));
        std::thread::spawn(move || match desktop.show(&notice) {
            Ok(()) | Err(NoticeError::Absent) => {}
            Err(error) => tracing::info!(%error, "a notice"),
        });
    }
}

/// What of a workspace a person may have to be told. `saved` is whether the last look ended with all of it in the cloud
/// folder.
///
/// # Errors
/// The ledger cannot be read.
pub fn seen(ws: &Workspace, open: bool, saved: bool) -> Result<Seen, EngineError> {
    let conflicts = ws.ledger.open_conflicts()?.into_iter().map(|row| row.path.to_string()).collect();
    // however many files are gone, it is one question
    let questions =
        if ws.ledger.held()?.is_empty() { BTreeSet::new() } else { BTreeSet::from(["gone".into()]) };
    Ok(Seen { workspace: ws.settings.name.clone(), open, saved, conflicts, questions })
}

fn words(news: &News) -> Notice {
    let (title, text) = match news {
        News::Question(name, _) => (
            format!("{} has a question for you", shown(name)),
            "Files are gone. `kitbag conflicts` tells which, and waits for your answer.".to_owned(),
        ),
        News::Conflict(name, n) => (
            format!("{} in {} changed on two computers", count(*n, "file"), shown(name)),
            "Nothing is lost. `kitbag conflicts` shows both sides.".to_owned(),
        ),
        News::Unsaved(name) => (
            format!("{} was not saved for an hour", shown(name)),
            "`kitbag status` tells what is in the way. Your files are where they were.".to_owned(),
        ),
        News::ShutDown(name) => (
            "You can shut down now".to_owned(),
            format!("{} is in the cloud folder, once your cloud program has carried it.", shown(name)),
        ),
    };
    Notice { title, text }
}

#[cfg(test)]
mod tests {
    use std::time::{Duration, Instant};

    use kitbag_platform::notice::SimulatedNotices;

    use super::*;

    fn until(shown: &SimulatedNotices, n: usize) {
        let start = Instant::now();
        while shown.shown().len() < n {
            assert!(start.elapsed() < Duration::from_secs(60), "{:?}", shown.shown());
            std::thread::sleep(Duration::from_millis(1));
        }
    }

    #[test]
    fn it_is_said_once_also_by_the_next_agent() {
        let dir = tempfile::tempdir().unwrap();
        let doors = Doors::real();
        place::make(dir.path(), &doors).unwrap();
        let desktop = SimulatedNotices::default();
        let seen = Seen {
            workspace: "my\u{1b}[2Jcourse".into(),
            saved: true,
            conflicts: BTreeSet::from(["a.txt".to_owned()]),
            ..Seen::default()
        };
        for _ in 0..2 {
            let mut teller = Teller::new(dir.path(), &doors, Arc::new(desktop.clone()));
            for now in 0..3 {
                teller.look(std::slice::from_ref(&seen), now);
            }
            until(&desktop, 1);
        }
        let asked = Seen { questions: BTreeSet::from(["gone".to_owned()]), ..seen };
        Teller::new(dir.path(), &doors, Arc::new(desktop.clone())).look(&[asked], 0);
        until(&desktop, 2);
        let shown = desktop.shown();
        assert_eq!(shown.len(), 2, "{shown:?}");
        assert!(shown[0].title.starts_with("1 file in my\\u{1b}[2Jcourse changed"), "{shown:?}");
        assert!(shown[1].title.contains("question"), "{shown:?}");
    }

    #[test]
    fn where_nothing_can_be_kept_or_shown_it_goes_on() {
        let dir = tempfile::tempdir().unwrap();
        let doors = Doors::real();
        let seen = |workspace: &str| Seen {
            workspace: workspace.into(),
            questions: BTreeSet::from(["q".into()]),
            ..Seen::default()
        };
        let home = dir.path().join("gone");
        let none = SimulatedNotices::default();
        none.answer_with(Some(NoticeError::Absent));
        Teller::new(&home, &doors, Arc::new(none)).look(&[seen("a")], 0);
        let desktop = SimulatedNotices::default();
        let mut teller = Teller::new(&home, &doors, Arc::new(desktop.clone()));
        teller.look(&[seen("a")], 0);
        until(&desktop, 1);
        assert!(!dir.path().join("gone").exists());
    }
}
