//! A cloud provider as its clients behave: every machine has a replica of the mirror; a local change is uploaded
//! some time later and reaches each other replica some time after that, in any order. Where two changed the same
//! file it keeps the last (`LastWriter`) or puts the loser beside it under a conflict name (`Copies`).

use std::collections::BTreeMap;

use crate::chance::Chance;

pub type Files = BTreeMap<String, Vec<u8>>;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Policy {
    LastWriter,
    Copies,
}

pub struct Provider {
    policy: Policy,
    server: Files,
    /// What each machine's client last had in common with the server.
    agreed: Vec<Files>,
    copies: usize,
}

impl Provider {
    pub fn new(policy: Policy, machines: usize) -> Self {
        Provider { policy, server: Files::new(), agreed: vec![Files::new(); machines], copies: 0 }
    }

    /// One file of one machine's replica meets the server; true when something moved.
    pub fn carry(&mut self, machine: usize, replica: &mut Files, name: &str) -> bool {
        let (here, there, agreed) = (
            replica.get(name).cloned(),
            self.server.get(name).cloned(),
            self.agreed[machine].get(name).cloned(),
        );
        if here == there {
            return set(&mut self.agreed[machine], name, here);
        }
        if here == agreed {
            set(replica, name, there.clone());
        } else if there == agreed {
            set(&mut self.server, name, here);
        } else if self.policy == Policy::LastWriter || there.is_none() || here.is_none() {
            // a deletion against a change: the change is what providers keep
            let kept = here.or(there);
            set(&mut self.server, name, kept.clone());
            set(replica, name, kept);
        } else {
            self.copies += 1;
            let (stem, ending) = name.rsplit_once('.').unwrap_or((name, ""));
            let copy = format!("{stem} (PC's conflicted copy 2026-10-0{}).{ending}", 1 + self.copies % 9);
            set(replica, &copy, here);
            set(replica, name, there.clone());
        }
        let now = replica.get(name).cloned();
        set(&mut self.agreed[machine], name, now);
        true
    }

    /// Every name this machine's client may have to carry.
    pub fn names(&self, replica: &Files) -> Vec<String> {
        let mut names: Vec<_> = self.server.keys().chain(replica.keys()).cloned().collect();
        names.sort();
        names.dedup();
        names
    }

    /// Somebody edits on a phone or the web page: no kitbag, no record.
    pub fn phone(
        &mut self,
        name: &str,
        chance: &mut Chance,
        edit: impl FnOnce(&mut Vec<Vec<u8>>, &mut Chance),
    ) -> bool {
        let Some(bytes) = self.server.get(name) else { return false };
        let mut lines = crate::machine::split(bytes);
        edit(&mut lines, chance);
        self.server.insert(name.to_owned(), lines.concat());
        true
    }
}

fn set(files: &mut Files, name: &str, bytes: Option<Vec<u8>>) -> bool {
    let before = match &bytes {
        Some(bytes) => files.insert(name.to_owned(), bytes.clone()),
        None => files.remove(name),
    };
    before != bytes
}
