//! What a computer's ledger and history say, for the verdicts: the words of a path's newest versions and of the version the
//! working folder is taken to show.

use std::collections::BTreeSet;
use std::io::{self, Cursor, Read};
use std::path::PathBuf;

use kitbag_core::history::History;
use kitbag_core::id::{ContentId, RecordId};
use kitbag_core::path::WorkPath;
use kitbag_engine::share::Share;
use kitbag_engine::workspace::Workspace;
use kitbag_platform::disk::SimulatedDisk;
use kitbag_store::{Contents, Loose};

use crate::computer::Computer;
use crate::person::words;

/// Contents that lie loose in machine state.
struct Kept {
    disk: SimulatedDisk,
    folder: PathBuf,
}

impl Loose for Kept {
    fn open(&self, id: ContentId) -> io::Result<Box<dyn Read + '_>> {
        let bytes = self.disk.peek(&self.folder.join(id.to_string()));
        Ok(Box::new(Cursor::new(bytes.ok_or(io::ErrorKind::NotFound)?.to_vec())))
    }
}

impl Computer {
    fn words_of(&self, ws: &Workspace, history: &History, version: RecordId) -> BTreeSet<String> {
        let Some(id) = history.content(version).and_then(|content| content.id()) else {
            return BTreeSet::new();
        };
        let share = Share::new(&self.share, &ws.settings.machine_id, &self.doors());
        let kept = Kept { disk: self.disk.clone(), folder: ws.kept_folder() };
        let read = Contents::new(&ws.ledger, &share, &kept).read(id, 1 << 26);
        read.map(|bytes| words(&bytes)).unwrap_or_default()
    }

    /// The words of all newest versions of a path.
    pub fn head_words(&self, path: &WorkPath) -> BTreeSet<String> {
        let Some(ws) = self.opened() else { return BTreeSet::new() };
        let history = History::new(path, ws.ledger.lineage(path, None).unwrap_or_default());
        history.heads().into_iter().flat_map(|head| self.words_of(ws, &history, head)).collect()
    }

    /// The words of the version the working folder showed last.
    pub fn shown_words(&self, path: &WorkPath) -> BTreeSet<String> {
        let Some(ws) = self.opened() else { return BTreeSet::new() };
        let history = History::new(path, ws.ledger.lineage(path, None).unwrap_or_default());
        let base = ws.ledger.path(path).ok().flatten().and_then(|row| row.memory.base);
        base.map(|base| self.words_of(ws, &history, base)).unwrap_or_default()
    }

    /// All versions of the paths with several newest ones or many merges, for a story.
    pub fn tell_versions(&self) -> Vec<String> {
        let Some(ws) = self.opened() else { return Vec::new() };
        let mut told = Vec::new();
        for row in ws.ledger.paths_after(None, 10_000).unwrap_or_default() {
            let history = History::new(&row.path, ws.ledger.lineage(&row.path, None).unwrap_or_default());
            told.push(format!(
                "{}: base {:?}, open {}",
                row.path,
                row.memory.base.map(short),
                row.open.len()
            ));
            for (id, record) in ws.ledger.admitted(&row.path).unwrap_or_default() {
                let parents: Vec<_> = record.parents.iter().map(|id| short(*id)).collect();
                let near = record.near.map(short);
                let real = (history.real(id) != id).then(|| format!(" is {}", short(history.real(id))));
                let head = if history.heads().contains(&id) { " HEAD" } else { "" };
                let content =
                    record.content.id().map_or("deleted".into(), |id| id.to_string()[..6].to_owned());
                let words = self.words_of(ws, &history, id);
                told.push(format!(
                    "  {} {:?} {content} of {parents:?} near {near:?}{}{head} {words:?}",
                    short(id),
                    record.kind,
                    real.unwrap_or_default()
                ));
            }
        }
        for waiting in ws.ledger.waiting().unwrap_or_default() {
            let content = waiting.content.map(|id| id.to_string()[..6].to_owned());
            let packed = waiting.content.map(|id| ws.ledger.is_packed(id).unwrap_or(false));
            told.push(format!("  waiting: {} content {content:?}, packed {packed:?}", waiting.path));
        }
        told
    }
}

fn short(id: RecordId) -> String {
    id.to_string()[..6].to_owned()
}
