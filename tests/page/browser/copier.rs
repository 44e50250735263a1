//! A stand-in for a cloud program: it keeps two folders the same, file by file, as a client on each computer does. What was
//! changed on one side goes to the other in one piece; where both sides changed a file, the one that was carried first
//! wins in both folders. It can be without a network for a while.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard};
use std::thread::{JoinHandle, sleep, spawn};
use std::time::Duration;

/// It carries until it is dropped.
pub struct Copier {
    over: Arc<AtomicBool>,
    network: Arc<Mutex<()>>,
    thread: Option<JoinHandle<()>>,
}

impl Copier {
    /// Between these two folders, which are made.
    pub fn between(sides: [PathBuf; 2]) -> Self {
        sides.iter().for_each(|side| fs::create_dir_all(side).unwrap());
        let over = Arc::new(AtomicBool::new(false));
        let network = Arc::new(Mutex::new(()));
        let (own, on) = (Arc::clone(&over), Arc::clone(&network));
        let thread = spawn(move || {
            let mut agreed = BTreeMap::new();
            while !own.load(Ordering::SeqCst) {
                drop(on.lock().map(|_on| carry(&sides, &mut agreed)));
                sleep(Duration::from_millis(200));
            }
        });
        Copier { over, network, thread: Some(thread) }
    }

    /// Nothing is carried until this is dropped.
    pub fn offline(&self) -> MutexGuard<'_, ()> {
        self.network.lock().unwrap()
    }
}

impl Drop for Copier {
    fn drop(&mut self) {
        self.over.store(true, Ordering::SeqCst);
        if let Some(thread) = self.thread.take() {
            thread.join().ok();
        }
    }
}

type Files = BTreeMap<String, Vec<u8>>;

fn carry(sides: &[PathBuf; 2], agreed: &mut Files) {
    let seen = [crate::machine::tree(&sides[0]).0, crate::machine::tree(&sides[1]).0];
    let paths: Vec<String> = seen
        .iter()
        .flat_map(|side| side.keys())
        .chain(agreed.keys())
        .filter(|path| !temporary(path))
        .cloned()
        .collect();
    for path in paths {
        let before = agreed.get(&path).cloned();
        let now = [seen[0].get(&path), seen[1].get(&path)];
        let from = usize::from(now[0] == before.as_ref());
        if now[from] == before.as_ref() {
            continue;
        }
        // what changed while it was looked at is carried the next time
        let carried = match now[from] {
            Some(bytes) => put(&sides[1 - from], &path, bytes),
            None => fs::remove_file(sides[1 - from].join(&path)),
        };
        if carried.is_ok() {
            match now[from] {
                Some(bytes) => agreed.insert(path, bytes.clone()),
                None => agreed.remove(&path),
            };
        }
    }
}

/// kitbag's own temporary files: no cloud program would have them all.
fn temporary(path: &str) -> bool {
    path.contains(".~")
}

fn put(side: &Path, path: &str, bytes: &[u8]) -> std::io::Result<()> {
    let file = side.join(path);
    let folder = file.parent().unwrap();
    fs::create_dir_all(folder)?;
    let on_its_way = folder.join(".~carried");
    fs::write(&on_its_way, bytes)?;
    fs::rename(on_its_way, file)
}
