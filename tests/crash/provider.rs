//! A cloud provider as its clients behave: each computer has a replica of the share on its disk; one file at a time of a
//! replica meets the server, the history's files too, in any order and any time late. Where two changed one file it keeps
//! the last, or puts the loser beside it under a conflict name. A delivery may stop half way. It leaves our temporary
//! names alone.

use std::path::Path;
use std::sync::Arc;

use crate::computer::Computer;
use crate::rest::Files;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Policy {
    LastWriter,
    Copies,
}

#[derive(Clone)]
pub struct Provider {
    policy: Policy,
    pub server: Files,
    /// What each client last had in common with the server.
    agreed: Vec<Files>,
    /// What each client has written of a delivery that is not complete.
    partial: Vec<Files>,
    copies: usize,
}

impl Provider {
    pub fn new(policy: Policy, computers: usize) -> Self {
        let none = vec![Files::new(); computers];
        Provider { policy, server: Files::new(), agreed: none.clone(), partial: none, copies: 0 }
    }

    /// Every name this computer's client may have to carry.
    pub fn names(&self, computer: &Computer) -> Vec<String> {
        let here = computer.disk.peek_files(&computer.share);
        let here = here.iter().filter_map(|path| name(&computer.share, path));
        let mut names: Vec<_> = self.server.keys().cloned().chain(here).collect();
        names.sort();
        names.dedup();
        names.retain(|name| !name.rsplit('/').next().is_some_and(|last| last.starts_with(".~")));
        names
    }

    /// After a power cut a client brings back some of what is gone, as one does that lost its own notes of it. The other
    /// losses, those of names that add up to an even number, it takes for deletions, also in the history.
    pub fn power_came_back(&mut self, at: usize, computer: &Computer) {
        self.agreed[at].retain(|name, _| {
            let gone = computer.disk.peek(&computer.share.join(name)).is_none();
            !gone || name.bytes().map(u32::from).sum::<u32>().is_multiple_of(2)
        });
    }

    /// One file of one replica meets the server. With `part`, a download stops after so many thousandths of it. True when
    /// something moved.
    pub fn carry(&mut self, at: usize, computer: &Computer, name: &str, part: Option<u64>) -> bool {
        let file = computer.share.join(name);
        let here = computer.disk.peek(&file);
        let there = self.server.get(name).cloned();
        let agreed = self.agreed[at].get(name).cloned();
        let unfinished = self.partial[at].remove(name);
        if here == there {
            return set(&mut self.agreed[at], name, here);
        }
        if here == agreed || (unfinished.is_some() && here == unfinished) {
            if let (Some(part), Some(whole)) = (part, &there)
                && unfinished.is_none()
            {
                let n = whole.len() * usize::try_from(part).unwrap_or(0) / 1000;
                put(computer, name, Some(&whole[..n]));
                self.partial[at].insert(name.to_owned(), whole[..n].to_vec().into());
                return true;
            }
            put(computer, name, bytes(&there));
        } else if there == agreed {
            set(&mut self.server, name, here);
        } else if self.policy == Policy::LastWriter || there.is_none() || here.is_none() {
            // a deletion against a change: the change is what providers keep
            let kept = here.or(there);
            put(computer, name, bytes(&kept));
            set(&mut self.server, name, kept);
        } else {
            self.copies += 1;
            let (stem, ending) = name.rsplit_once('.').unwrap_or((name, ""));
            let copy = format!("{stem} (PC's conflicted copy 2026-10-{:02}).{ending}", 1 + self.copies % 28);
            put(computer, &copy, bytes(&here));
            put(computer, name, bytes(&there));
        }
        let now = computer.disk.peek(&file);
        set(&mut self.agreed[at], name, now);
        true
    }
}

/// A path below the share as the provider names it.
fn name(share: &Path, path: &Path) -> Option<String> {
    Some(path.strip_prefix(share).ok()?.to_str()?.to_owned())
}

fn put(computer: &Computer, name: &str, bytes: Option<&[u8]>) {
    let file = computer.share.join(name);
    match bytes {
        Some(bytes) => computer.disk.place_file(&file, bytes).expect("a file can be brought"),
        None => drop(computer.disk.take_away(&file)),
    }
}

fn bytes(file: &Option<Arc<Vec<u8>>>) -> Option<&[u8]> {
    file.as_ref().map(|bytes| bytes.as_slice())
}

fn set(files: &mut Files, name: &str, bytes: Option<Arc<Vec<u8>>>) -> bool {
    let before = match &bytes {
        Some(bytes) => files.insert(name.to_owned(), bytes.clone()),
        None => files.remove(name),
    };
    before != bytes
}
