//! A cloud provider as its clients behave: every machine has a replica of the mirror; a local change is uploaded
//! some time later and reaches each other replica some time after that, in any order. Where two changed the same
//! file it keeps the last, puts the loser beside it under a conflict name, or makes a numbered twin. On the way a
//! replica may show a file by half, not at all, or as it once was.

use std::collections::BTreeMap;

use crate::text::{Blob, Name};

pub type Files = BTreeMap<Name, Blob>;

/// What the provider does where two machines changed one file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Policy {
    /// The last one to arrive stays, silently.
    LastWriter,
    /// The loser lies beside it under a name that says so.
    Copies,
    /// The loser lies beside it as `NAME (1).EXT`.
    Twins,
}

/// What a replica shows for a moment that was never anybody's version there.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Midway {
    /// The first part of what is coming.
    Torn,
    /// Nothing: replaced by removing and creating, or a client that starts again.
    Absent,
    /// A version from before.
    Stale,
}

pub struct Provider {
    policy: Policy,
    pub server: Files,
    /// What each machine's client last had in common with the server.
    agreed: Vec<Files>,
    /// What each machine's client itself put there for a moment.
    midway: Vec<BTreeMap<Name, Option<Blob>>>,
    old: BTreeMap<Name, Vec<Blob>>,
    copies: usize,
}

impl Provider {
    pub fn new(policy: Policy, machines: usize) -> Self {
        Provider {
            policy,
            server: Files::new(),
            agreed: vec![Files::new(); machines],
            midway: vec![BTreeMap::new(); machines],
            old: BTreeMap::new(),
            copies: 0,
        }
    }

    /// One file of one machine's replica meets the server; true when something moved.
    pub fn carry(&mut self, machine: usize, replica: &mut Files, name: &Name) -> bool {
        let there = self.server.get(name).cloned();
        if let Some(shown) = self.midway[machine].remove(name)
            && shown.as_ref() == replica.get(name)
        {
            set(&mut self.agreed[machine], name, there.clone());
            set(replica, name, there);
            return true;
        }
        let (here, agreed) = (replica.get(name).cloned(), self.agreed[machine].get(name).cloned());
        if here == there {
            return set(&mut self.agreed[machine], name, here);
        }
        if here == agreed {
            set(replica, name, there);
        } else if there == agreed || self.policy == Policy::LastWriter || there.is_none() || here.is_none() {
            // a deletion against a change: the change is what providers keep
            let kept = if there == agreed { here } else { here.or(there) };
            self.store(name, kept.clone());
            set(replica, name, kept);
        } else {
            let copy = self.name_for_loser(name, replica);
            set(replica, &copy, here);
            set(replica, name, there);
        }
        let now = replica.get(name).cloned();
        set(&mut self.agreed[machine], name, now);
        true
    }

    fn store(&mut self, name: &Name, blob: Option<Blob>) {
        if let Some(old) = self.server.get(name) {
            self.old.entry(name.clone()).or_default().push(old.clone());
        }
        set(&mut self.server, name, blob);
    }

    fn name_for_loser(&mut self, name: &Name, replica: &Files) -> Name {
        let (stem, ending) = name.rsplit_once('.').unwrap_or((name, ""));
        if self.policy == Policy::Twins {
            let twin = |n: usize| Name::from(format!("{stem} ({n}).{ending}"));
            let free = |name: &Name| !self.server.contains_key(name) && !replica.contains_key(name);
            return (1..).map(twin).find(free).unwrap_or_else(|| twin(0));
        }
        self.copies += 1;
        let (n, month, day) = (self.copies, 1 + self.copies / 28 % 12, 1 + self.copies % 28);
        let copy = match n % 4 {
            0 => format!("{stem} (PC's conflicted copy 2026-{month:02}-{day:02}).{ending}"),
            1 => format!("{stem}.sync-conflict-20260203-{n:06}-ABCDE27.{ending}"),
            2 => format!("{stem} (conflicted copy ada 2026-02-03 {n:06}).{ending}"),
            _ => format!("{stem}_conflict-ada-20260203-{n:06}.{ending}"),
        };
        copy.into()
    }

    /// Show something for a moment; the next time the file is carried it is as it should be, unless somebody wrote
    /// it meanwhile. Nothing happens to a file with changes of this machine.
    pub fn halfway(
        &mut self,
        machine: usize,
        replica: &mut Files,
        name: &Name,
        what: Midway,
        pick: usize,
    ) -> bool {
        let here = replica.get(name).cloned();
        if self.midway[machine].contains_key(name) || here.as_ref() != self.agreed[machine].get(name) {
            return false;
        }
        let shown = match (what, self.server.get(name)) {
            (Midway::Torn, Some(coming)) if Some(coming) != here.as_ref() && coming.bytes().len() > 1 => {
                let bytes = &coming.bytes()[..pick % coming.bytes().len()];
                // some clients fill up what has not come yet
                let filled = if pick.is_multiple_of(5) { coming.bytes().len() - bytes.len() } else { 0 };
                Some(Blob::new([bytes, &vec![0; filled]].concat()))
            }
            (Midway::Absent, Some(_)) if here.is_some() => None,
            (Midway::Stale, Some(_)) => match self.old.get(name) {
                Some(old) => Some(old[pick % old.len()].clone()),
                None => return false,
            },
            _ => return false,
        };
        self.midway[machine].insert(name.clone(), shown.clone());
        set(replica, name, shown)
    }

    /// Every name this machine's client may have to carry.
    pub fn names(&self, machine: usize, replica: &Files) -> Vec<Name> {
        let mut names: Vec<_> =
            self.server.keys().chain(replica.keys()).chain(self.agreed[machine].keys()).cloned().collect();
        names.sort();
        names.dedup();
        names
    }

    /// Somebody writes or deletes a file by phone or web page: no kitbag, no record.
    pub fn phone(&mut self, name: &Name, blob: Option<Blob>) {
        self.store(name, blob);
    }
}

fn set(files: &mut Files, name: &Name, blob: Option<Blob>) -> bool {
    let before = match &blob {
        Some(blob) => files.insert(name.clone(), blob.clone()),
        None => files.remove(name),
    };
    before != blob
}
