//! A fake of a cloud program: carries files between two folders as they change, on a thread of its own. Each file is put in
//! place whole, by a rename; a removal is carried too; where both sides changed one, the other waits a turn and wins.
//! Temporary names are not carried.

use std::collections::BTreeMap;
use std::fs;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::thread::JoinHandle;
use std::time::Duration;

/// How long it pauses between two turns.
pub const TURN: Duration = Duration::from_millis(50);

/// How a file looks: its time, size and number.
type Mark = (i64, i64, u64, u64);

/// Carries until it is dropped.
pub struct Copier {
    stop: Arc<AtomicBool>,
    /// Turns in a row without anything to do.
    idle: Arc<AtomicUsize>,
    thread: Option<JoinHandle<()>>,
}

impl Copier {
    pub fn new(one: &Path, two: &Path) -> Self {
        let (stop, idle) = (Arc::new(AtomicBool::new(false)), Arc::new(AtomicUsize::new(0)));
        let (sides, ends, rests) = ([one.to_owned(), two.to_owned()], stop.clone(), idle.clone());
        let thread = std::thread::spawn(move || {
            let mut client = Client { sides, known: BTreeMap::new() };
            while !ends.load(Ordering::Relaxed) {
                if client.turn() {
                    rests.store(0, Ordering::Relaxed);
                } else {
                    rests.fetch_add(1, Ordering::Relaxed);
                }
                std::thread::sleep(TURN);
            }
        });
        Copier { stop, idle, thread: Some(thread) }
    }

    /// Nothing was to be carried for a few turns.
    pub fn rests(&self) -> bool {
        self.idle.load(Ordering::Relaxed) > 3
    }
}

impl Drop for Copier {
    fn drop(&mut self) {
        self.stop.store(true, Ordering::Relaxed);
        let _ = self.thread.take().map(JoinHandle::join);
    }
}

struct Client {
    sides: [PathBuf; 2],
    /// How each file looked on both sides when they were the same.
    known: BTreeMap<String, [Mark; 2]>,
}

impl Client {
    /// Carry what changed; whether anything did.
    fn turn(&mut self) -> bool {
        let [Some(one), Some(two)] = [0, 1].map(|side| look(&self.sides[side])) else { return false };
        let now = [one, two];
        // a drive that is not mounted says nothing about its files
        if !self.known.is_empty() && now.iter().any(BTreeMap::is_empty) {
            return false;
        }
        let mut paths: Vec<&String> = now.iter().flat_map(BTreeMap::keys).collect();
        paths.extend(self.known.keys());
        paths.sort_unstable();
        paths.dedup();
        let mut known = BTreeMap::new();
        let mut busy = false;
        for path in paths {
            let here = [0, 1].map(|side| now[side].get(path).copied());
            let before = self.known.get(path);
            let changed = [0, 1].map(|side| before.map(|before| before[side]) != here[side]);
            let from = match changed {
                [false, false] => {
                    known.extend(before.map(|before| (path.clone(), *before)));
                    continue;
                }
                [true, true] if self.same(path) => {
                    known.extend(here[0].zip(here[1]).map(|(one, two)| (path.clone(), [one, two])));
                    continue;
                }
                // what is there wins over what is gone, else the first
                [true, true] => usize::from(here[0].is_none()),
                [true, false] => 0,
                [false, true] => 1,
            };
            busy = true;
            let to = 1 - from;
            let carried = match here[from] {
                Some(_) => copy(&self.sides[from].join(path), &self.sides[to].join(path)),
                None => {
                    let _ = fs::remove_file(self.sides[to].join(path));
                    None
                }
            };
            // one that changed meanwhile is carried again
            known.extend(here[from].zip(carried).map(|(mark, copied)| {
                let marks = if from == 0 { [mark, copied] } else { [copied, mark] };
                (path.clone(), marks)
            }));
        }
        self.known = known;
        busy
    }

    fn same(&self, path: &str) -> bool {
        let [one, two] = [0, 1].map(|side| fs::read(self.sides[side].join(path)).ok());
        one == two
    }
}

fn mark(file: &Path) -> Option<Mark> {
    let meta = fs::symlink_metadata(file).ok()?;
    Some((meta.mtime(), meta.mtime_nsec(), meta.len(), meta.ino()))
}

/// Beside the folder, so that nobody sees half a file.
fn copy(from: &Path, to: &Path) -> Option<Mark> {
    let folder = to.parent()?;
    fs::create_dir_all(folder).ok()?;
    let temporary = folder.join(format!(".~copier-{}", to.file_name()?.to_str()?));
    fs::copy(from, &temporary).ok()?;
    let mark = mark(&temporary);
    fs::rename(&temporary, to).ok()?;
    mark
}

/// All files below a folder; none where it cannot be looked at now.
fn look(root: &Path) -> Option<BTreeMap<String, Mark>> {
    let mut found = BTreeMap::new();
    let mut folders = vec![root.to_owned()];
    while let Some(folder) = folders.pop() {
        for item in fs::read_dir(&folder).ok()?.flatten() {
            let path = item.path();
            let (Ok(kind), Ok(name)) = (item.file_type(), item.file_name().into_string()) else { continue };
            if kind.is_dir() {
                folders.push(path);
            } else if kind.is_file() && !name.starts_with(".~") {
                let relative = path.strip_prefix(root).ok()?.to_str()?.to_owned();
                found.extend(mark(&path).map(|mark| (relative, mark)));
            }
        }
    }
    Some(found)
}
