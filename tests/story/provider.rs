//! A provider between two share folders that nobody else sees: a client on each side carries single files to and from
//! a server, in any order, late, twice, and by halves. The last version carried to the server wins; a client deletes
//! only what it saw deleted. Temporary names are not carried, as with the real ones.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use crate::machine::{Chance, Files, read, tree, write};

/// What the server holds, and what each client last saw.
pub struct Provider {
    sides: [PathBuf; 2],
    /// Path to content (none: deleted) and how often it changed.
    server: BTreeMap<String, (Option<Vec<u8>>, u64)>,
    clients: [BTreeMap<String, Client>; 2],
    /// How many files of each kind were carried by halves: plain ones, history.
    pub halves: [usize; 2],
    /// Whether plain files may stand half copied in the share.
    pub tears_mirror: bool,
}

#[derive(Clone, Default)]
struct Client {
    /// What client and server agreed on last.
    content: Option<Vec<u8>>,
    revision: u64,
    /// The beginning of a download, put in place before the rest.
    half: Option<Vec<u8>>,
}

impl Provider {
    pub fn new(a: &Path, b: &Path, tears_mirror: bool) -> Self {
        let sides = [a.to_owned(), b.to_owned()];
        sides.iter().for_each(|side| fs::create_dir_all(side).unwrap());
        Provider { sides, server: BTreeMap::new(), clients: Default::default(), halves: [0, 0], tears_mirror }
    }

    fn local(&self, side: usize) -> Files {
        let mut files = tree(&self.sides[side]);
        files.0.retain(|path, _| !path.contains(".~"));
        files
    }

    /// Everything one client could do now.
    fn work(&self, side: usize, local: &Files) -> Vec<String> {
        let known = self.clients[side].keys().chain(local.0.keys()).chain(self.server.keys());
        let mut paths: Vec<_> = known.cloned().collect();
        paths.sort();
        paths.dedup();
        paths.retain(|path| {
            let client = self.clients[side].get(path).cloned().unwrap_or_default();
            let revision = self.server.get(path).map_or(0, |(_, revision)| *revision);
            client.half.is_some()
                || client.revision < revision
                || client.content.as_ref() != local.0.get(path)
        });
        paths
    }

    /// One client handles one file, drawn by chance. False when it has nothing to do.
    pub fn step(&mut self, side: usize, chance: &mut Chance) -> bool {
        let local = self.local(side);
        if chance.percent(5) && !local.0.is_empty() {
            // carried once more for no reason
            let (path, bytes) = local.0.iter().nth(chance.below(local.0.len())).unwrap();
            write(&self.sides[side].join(path), bytes);
        }
        let work = self.work(side, &local);
        if work.is_empty() {
            return false;
        }
        let path = work[chance.below(work.len())].clone();
        self.carry(side, &path, local.0.get(&path).cloned(), chance);
        true
    }

    fn carry(&mut self, side: usize, path: &str, here: Option<Vec<u8>>, chance: &mut Chance) {
        let mut client = self.clients[side].get(path).cloned().unwrap_or_default();
        let (content, revision) = self.server.get(path).cloned().unwrap_or_default();
        let downloading = client.half.is_some() && client.half == here;
        if here != client.content && !downloading {
            // changed here: the last one carried wins
            self.server.insert(path.to_owned(), (here.clone(), revision + 1));
            client = Client { content: here, revision: revision + 1, half: None };
        } else if client.revision < revision || downloading {
            let file = self.sides[side].join(path);
            match &content {
                Some(bytes) => {
                    let plain = !path.starts_with(".kitbag/");
                    if client.half.is_none()
                        && bytes.len() > 1
                        && (self.tears_mirror || !plain)
                        && chance.percent(40)
                    {
                        let half = half(bytes, chance);
                        write(&file, &half);
                        self.halves[usize::from(!plain)] += 1;
                        client.half = Some(half);
                    } else {
                        write(&file, bytes);
                        client = Client { content, revision, half: None };
                    }
                }
                None => {
                    fs::remove_file(&file).ok();
                    client = Client { content, revision, half: None };
                }
            }
        } else {
            client.half = None;
        }
        self.clients[side].insert(path.to_owned(), client);
    }

    /// Finish what stands by halves in the plain files.
    pub fn mend(&mut self, side: usize) {
        for path in self.clients[side].keys().cloned().collect::<Vec<_>>() {
            let client = self.clients[side][&path].clone();
            let file = self.sides[side].join(&path);
            if client.half.is_some() && client.half == read(&file) {
                let (content, revision) = self.server[&path].clone();
                match &content {
                    Some(bytes) => write(&file, bytes),
                    None => fs::remove_file(&file).unwrap(),
                }
                self.clients[side].insert(path, Client { content, revision, half: None });
            }
        }
    }

    /// Carry until both clients have nothing left to do.
    pub fn carry_all(&mut self, chance: &mut Chance) {
        loop {
            let worked = [0, 1].map(|side| {
                let mut any = false;
                while self.step(side, chance) {
                    any = true;
                }
                any
            });
            if worked == [false, false] {
                return;
            }
        }
    }
}

/// A file as it stands in the middle of a download: its beginning, cut off or filled up with zeros.
fn half(bytes: &[u8], chance: &mut Chance) -> Vec<u8> {
    let mut half = bytes[..chance.below(bytes.len())].to_vec();
    if chance.percent(50) {
        half.resize(bytes.len(), 0);
    }
    half
}
