//! The cloud program: a client on each side carries single files to and from a server, in any order and late. Where
//! both sides changed a file, the last one carried wins, or the other's is kept as a conflict copy. A download is
//! written in place by halves, put in place by a rename, or deleted and made again. Temporary names are not carried. A
//! client never loses bytes that only it has seen: what stands in its folder is carried before it is replaced.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::time::Duration;

use crate::diary::Diary;
use crate::machine::{Chance, Files, read, tree};

/// What happens where both sides changed a file.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Policy {
    #[default]
    LastWriter,
    ConflictCopies,
}

#[derive(Default)]
pub struct Cloud {
    sides: [PathBuf; 2],
    policy: Policy,
    /// Path to content (none: deleted) and how often it changed.
    server: BTreeMap<String, (Option<Vec<u8>>, u64)>,
    clients: [BTreeMap<String, Client>; 2],
    counts: Counts,
}

/// What one client knows of one file.
#[derive(Clone, Default)]
struct Client {
    /// What client and server agreed on last.
    content: Option<Vec<u8>>,
    revision: u64,
    /// The beginning of a download, put in place before the rest.
    half: Option<Vec<u8>>,
}

#[derive(Default)]
struct Counts {
    up: usize,
    down: usize,
    halves: usize,
    copies: usize,
}

impl Cloud {
    pub fn new(a: &Path, b: &Path, policy: Policy) -> Self {
        let sides = [a.to_owned(), b.to_owned()];
        sides.iter().for_each(|side| fs::create_dir_all(side).unwrap());
        Cloud { sides, policy, ..Cloud::default() }
    }

    /// What stands in one share. A file that vanishes while it is looked at was not there.
    fn local(&self, side: usize) -> Files {
        let mut files = tree(&self.sides[side]);
        files.0.retain(|path, _| !path.rsplit('/').next().unwrap_or_default().starts_with(".~"));
        files
    }

    fn client(&self, side: usize, path: &str) -> Client {
        self.clients[side].get(path).cloned().unwrap_or_default()
    }

    /// Files one client has something to do about.
    fn work(&self, side: usize, local: &Files) -> Vec<String> {
        let known = self.clients[side].keys().chain(local.0.keys()).chain(self.server.keys());
        let mut paths: Vec<_> = known.cloned().collect();
        paths.sort();
        paths.dedup();
        paths.retain(|path| {
            let client = self.client(side, path);
            let revision = self.server.get(path).map_or(0, |(_, revision)| *revision);
            client.half.is_some()
                || client.revision < revision
                || client.content.as_ref() != local.0.get(path)
        });
        paths
    }

    /// One client handles one file, drawn by chance. False when it has nothing to do.
    pub fn step(&mut self, side: usize, chance: &mut Chance, diary: &Diary) -> bool {
        let local = self.local(side);
        let work = self.work(side, &local);
        if work.is_empty() {
            return false;
        }
        let path = &work[chance.below(work.len())];
        self.carry(side, path, chance, diary);
        true
    }

    fn carry(&mut self, side: usize, path: &str, chance: &mut Chance, diary: &Diary) {
        let file = self.sides[side].join(path);
        let here = read(&file);
        let mut client = self.client(side, path);
        let (content, revision) = self.server.get(path).cloned().unwrap_or_default();
        let downloading = client.half.is_some() && client.half == here;
        if here == content {
            client = Client { content, revision, half: None };
        } else if here != client.content && !downloading {
            let behind = client.revision < revision;
            match (self.policy, &here, &content) {
                (Policy::ConflictCopies, Some(_), Some(_)) if behind => {
                    self.set_aside(side, path, diary);
                    return;
                }
                // a file somebody changed comes back, whoever deleted it
                (_, None, Some(_)) if behind => self.download(side, path, &mut client, chance),
                _ => {
                    self.server.insert(path.to_owned(), (here.clone(), revision + 1));
                    self.counts.up += 1;
                    client = Client { content: here, revision: revision + 1, half: None };
                }
            }
            diary.tell(format!(
                "cloud {side}: {path} up, {} bytes",
                client.content.as_ref().map_or(0, Vec::len)
            ));
        } else if client.revision < revision || downloading {
            self.download(side, path, &mut client, chance);
            diary.tell(format!("cloud {side}: {path} down, half {}", client.half.is_some()));
        } else {
            client.half = None;
        }
        self.clients[side].insert(path.to_owned(), client);
    }

    /// Both changed it: ours gets another name, and the server's comes in its place next time.
    fn set_aside(&mut self, side: usize, path: &str, diary: &Diary) {
        let (folder, name) = path.rsplit_once('/').map_or(("", path), |(folder, name)| (folder, name));
        let (stem, extension) = name.rsplit_once('.').unwrap_or((name, "txt"));
        let who = ["HOME-PC", "WORK-PC"][side];
        self.counts.copies += 1;
        let copy =
            format!("{stem} ({who}'s conflicted copy 2026-11-23) ({}).{extension}", self.counts.copies);
        let at = self.sides[side].join(folder).join(&copy);
        if fs::rename(self.sides[side].join(path), &at).is_ok() {
            diary.tell(format!("cloud {side}: {path} set aside as {copy}"));
            // this client knows that its own place is empty now, and why
            let client = self.clients[side].entry(path.to_owned()).or_default();
            client.content = None;
            client.half = None;
        }
    }

    fn download(&mut self, side: usize, path: &str, client: &mut Client, chance: &mut Chance) {
        let (content, revision) = self.server[path].clone();
        let file = self.sides[side].join(path);
        let Some(bytes) = &content else {
            fs::remove_file(&file).ok();
            *client = Client { content, revision, half: None };
            return;
        };
        self.counts.down += 1;
        let by_halves = client.half.is_none() && bytes.len() > 1 && chance.percent(30);
        if by_halves {
            let mut half = bytes[..chance.below(bytes.len())].to_vec();
            if chance.percent(50) {
                half.resize(bytes.len(), 0);
            }
            write(&file, &half);
            self.counts.halves += 1;
            client.half = Some(half);
            return;
        }
        match chance.below(3) {
            0 => write(&file, bytes),
            1 => {
                let beside = file.with_file_name(format!(".~download-{}.tmp", chance.below(1_000_000)));
                write(&beside, bytes);
                fs::rename(&beside, &file).unwrap();
            }
            _ => {
                fs::remove_file(&file).ok();
                std::thread::sleep(Duration::from_millis(chance.below(20) as u64));
                write(&file, bytes);
            }
        }
        *client = Client { content, revision, half: None };
    }

    /// Finish what stands by halves.
    pub fn finish_halves(&mut self) {
        for side in [0, 1] {
            let halves = self.clients[side].iter().filter(|(_, client)| client.half.is_some());
            for path in halves.map(|(path, _)| path.clone()).collect::<Vec<_>>() {
                let mut client = self.client(side, &path);
                let file = self.sides[side].join(&path);
                if client.half == read(&file) {
                    let (content, revision) = self.server[&path].clone();
                    match &content {
                        Some(bytes) => write(&file, bytes),
                        None => fs::remove_file(&file).unwrap(),
                    }
                    client = Client { content, revision, half: None };
                }
                self.clients[side].insert(path, client);
            }
        }
    }

    /// Carry until both clients have nothing left to do.
    pub fn carry_all(&mut self, chance: &mut Chance, diary: &Diary) {
        loop {
            let worked = [0, 1].map(|side| {
                let mut any = false;
                while self.step(side, chance, diary) {
                    any = true;
                }
                any
            });
            if worked == [false, false] {
                return;
            }
        }
    }

    /// Whether there is nothing left to carry.
    pub fn rests(&self) -> bool {
        [0, 1].iter().all(|&side| self.work(side, &self.local(side)).is_empty())
    }

    pub fn told(&self) -> String {
        let Counts { up, down, halves, copies } = self.counts;
        format!("{up} files carried up, {down} down, {halves} by halves, {copies} conflict copies")
    }

    /// A cloud that carries nothing shows nothing.
    pub fn was_busy(&self, time: Duration) -> Result<(), String> {
        let copies = self.policy == Policy::LastWriter || self.counts.copies > 0;
        let enough = self.counts.down as u64 >= time.as_secs() && self.counts.halves > 0 && copies;
        if enough { Ok(()) } else { Err(format!("hardly anything was carried: {}", self.told())) }
    }
}

/// Write a file. A folder that just became empty may be cleared away in this very moment; then it is made again.
fn write(file: &Path, bytes: &[u8]) {
    for _ in 0..100 {
        fs::create_dir_all(file.parent().unwrap()).ok();
        if fs::write(file, bytes).is_ok() {
            return;
        }
    }
    panic!("cannot write {}", file.display());
}
