//! What goes wrong: disks put back from a backup, machines copied, ledgers lost or brought to another folder, files
//! that vanish, phones that edit, cleaners that clean. Each is one operation.

use std::collections::BTreeSet;

use kitbag_core::plan::{AbsenceAnswer, Removal};

use crate::cycle::How;
use crate::invariants::Broken;
use crate::machine::{Ledger, Machine, Saved};
use crate::provider::Midway;
use crate::sidecar::Immutable;
use crate::text::{Name, Token};
use crate::world::{EngineRule, World};

/// Which part of a machine's disk comes from the backup.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Restored {
    /// Ledger and working folder, as a snapshot of a virtual machine does.
    All,
    /// Both, and the working folder is another folder than before.
    AllElsewhere,
    Ledger,
    Work,
}

impl Restored {
    pub fn drawn(pick: usize) -> Self {
        [Restored::All, Restored::AllElsewhere, Restored::Ledger, Restored::Work][pick % 4]
    }
}

impl World {
    pub fn back_up(&mut self, m: usize) {
        let machine = &mut self.machines[m];
        let saved = Saved {
            work: machine.work.clone(),
            aside: machine.aside.clone(),
            numbers: machine.numbers.clone(),
            ledger: machine.ledger.clone(),
            shown: machine.shown.clone(),
            deleted: machine.deleted.clone(),
        };
        machine.backup = Some(Box::new(saved));
        self.tell(|_| format!("{m}: a backup is made"));
    }

    pub fn restore(&mut self, m: usize, what: Restored) {
        let Some(saved) = self.machines[m].backup.clone() else { return };
        self.tell(|_| format!("{m}: the backup is put back: {what:?}"));
        if what != Restored::Ledger {
            self.throw_away_work(m);
            let machine = &mut self.machines[m];
            machine.work = saved.work.clone();
            machine.numbers = saved.numbers.clone();
            machine.aside = saved.aside.clone();
            machine.shown = saved.shown.clone();
            machine.deleted = saved.deleted.clone();
        }
        if what != Restored::Work {
            self.replace_ledger(m, saved.ledger.clone());
        }
        if what == Restored::Ledger {
            self.note_mistaken(m);
        }
        if matches!(what, Restored::AllElsewhere | Restored::Work) {
            self.new_folder(m);
        }
        self.note_extinct();
    }

    /// Another machine's disk is copied over this one; both go on.
    pub fn clone_machine(&mut self, from: usize, to: usize) {
        if from == to {
            return;
        }
        self.tell(|_| format!("{to} becomes a copy of {from}"));
        self.throw_away_work(to);
        let Machine { work, aside, numbers, shown, folder, deleted, ledger, .. } =
            self.machines[from].clone();
        let machine = &mut self.machines[to];
        machine.backup = None;
        (machine.numbers, machine.aside) = (numbers, aside);
        (machine.work, machine.shown, machine.folder, machine.deleted) = (work, shown, folder, deleted);
        let generation = ledger.generation;
        self.replace_ledger(to, ledger);
        // the copy is one of ledger and folder together: what the folder shows is what the ledger says
        let now = self.machines[to].ledger.generation;
        for (_, with) in self.machines[to].shown.values_mut().filter(|(_, with)| *with == generation) {
            *with = now;
        }
        self.note_extinct();
    }

    pub fn lose_ledger(&mut self, m: usize) {
        self.tell(|_| format!("{m} loses its ledger"));
        self.replace_ledger(m, Ledger::default());
        self.note_extinct();
    }

    /// This machine gets another's ledger and keeps its own working folder. Two copies of one disk cannot tell their
    /// folders apart, so there it is the other's ledger of before the copying, or nothing.
    pub fn foreign_ledger(&mut self, m: usize, from: usize) {
        if self.machines[m].folder != self.machines[from].ledger.folder {
            self.tell(|_| format!("{m} gets the ledger of {from}"));
            self.replace_ledger(m, self.machines[from].ledger.clone());
            self.note_extinct();
        }
    }

    fn replace_ledger(&mut self, m: usize, mut ledger: Ledger) {
        let waiting: Vec<_> = {
            let old = &self.machines[m].ledger;
            let observed = old.memories.values().flat_map(|memory| &memory.observed);
            observed.filter_map(|o| self.side.find_content(o.content.id()?)).map(|(_, b)| b.clone()).collect()
        };
        // what stands in the mirror still will be met again, if the provider leaves it there
        waiting.iter().for_each(|blob| self.lines.thrown_away(blob));
        self.generations += 1;
        ledger.generation = self.generations;
        let machine = &mut self.machines[m];
        machine.ledger = ledger;
    }

    fn throw_away_work(&mut self, m: usize) {
        let machine = &mut self.machines[m];
        let shown = std::mem::take(&mut machine.work);
        machine.numbers.clear();
        machine.kernels.clear();
        machine.deleted.clear();
        shown.values().for_each(|blob| self.lines.thrown_away(blob));
    }

    fn new_folder(&mut self, m: usize) {
        self.folders += 1;
        self.machines[m].folder = self.folders;
    }

    /// The other known limit: a ledger is put back beside the folder of a later day, alone. Where the folder shows
    /// a later version, it is known by its bytes. Where it shows something else, or the file was renamed and its name
    /// is used again, that looks like an edit of what the ledger remembers. It stands in the history, and is one.
    fn note_mistaken(&mut self, m: usize) {
        let machine = &self.machines[m];
        let mut mistaken = Vec::new();
        // what got out before a stop is what the ledger will believe
        let foreseen = machine.ledger.foreseen.iter().map(|(path, _, shows)| (path, *shows));
        let bases = machine.ledger.memories.iter().filter_map(|(path, memory)| Some((path, memory.base?)));
        for (path, base) in bases.chain(foreseen) {
            let Some(record) = self.side.find_record(base) else { continue };
            let Some((_, blob)) = record.1.content.id().and_then(|id| self.side.find_content(id)) else {
                continue;
            };
            let shown = machine.shown.get(path).map(|(id, _)| *id);
            let later = shown.is_some_and(|shown| self.side.goes_on_from(shown, base));
            if !later {
                mistaken.push(blob.clone());
            }
        }
        mistaken.iter().for_each(|blob| self.lines.mistaken(blob));
    }

    /// The known hole: a cleaner deleted a file before another machine had read it, and then the only ledger that knew
    /// it was replaced. What came with it, and what comes from it, is nowhere any more.
    pub fn note_extinct(&mut self) {
        let mut gone: BTreeSet<usize> = BTreeSet::new();
        for file in self.cleaned.clone() {
            let held = self.machines.iter().any(|machine| machine.ledger.holds.has(file));
            if !held && !self.side.anywhere(file) {
                gone.insert(file);
            }
        }
        if gone.is_empty() {
            return;
        }
        let mut ids = BTreeSet::new();
        loop {
            let before = gone.len();
            for (file, immutable) in self.side.files.iter().enumerate() {
                if let Immutable::Record { id, record, .. } = immutable {
                    let content = record.content.id().and_then(|id| self.side.find_content(id));
                    let parents = record.parents.iter().chain(&record.near).any(|id| ids.contains(id));
                    if gone.contains(&file) || parents || content.is_some_and(|(c, _)| gone.contains(&c)) {
                        ids.insert(*id);
                        gone.insert(file);
                        gone.extend(content.map(|(file, _)| file));
                    }
                }
            }
            if gone.len() == before {
                break;
            }
        }
        self.tell(|_| format!("{} cleaned files are nowhere any more", gone.len()));
        for file in gone {
            if let Immutable::Content(blob) = &self.side.files[file] {
                self.extinct.extend(blob.tokens());
            }
        }
        self.hole = true;
    }

    pub fn clean(&mut self, m: usize, pick: usize) {
        if let Some(file) = self.side.clean(m, pick) {
            self.cleaned.insert(file);
            self.tell(|_| format!("{m}: somebody deletes file {file} of the sidecar"));
            self.note_extinct();
        }
    }

    pub fn halfway(&mut self, m: usize, what: Midway, pick: usize) {
        let names = self.provider.names(m, &self.machines[m].mirror);
        if let Some(name) = names.get(pick % names.len().max(1))
            && self.provider.halfway(m, &mut self.machines[m].mirror, name, what, pick / 7)
        {
            self.tell(|_| format!("{m}: the mirror shows {name} as {what:?}"));
        }
    }

    /// Every file is gone from a mirror for a while.
    pub fn mass_absence(&mut self, m: usize) {
        for name in self.provider.names(m, &self.machines[m].mirror) {
            self.provider.halfway(m, &mut self.machines[m].mirror, &name, Midway::Absent, 0);
        }
        self.tell(|_| format!("{m}: the mirror shows nothing"));
    }

    /// A working folder is emptied by accident. The guard asks, and the person puts everything back.
    pub fn empty_work(&mut self, m: usize) -> Result<(), Broken> {
        let paths = self.machines[m].paths();
        for path in &paths {
            self.cycle(m, path, How::default())?;
        }
        let is_base = |path: &Name| {
            self.machines[m].ledger.memories.get(path).is_some_and(|memory| memory.base.is_some())
        };
        let machine = &self.machines[m];
        let all_known = machine.work.keys().all(is_base);
        if machine.work.len() < 2 || !all_known || !machine.kernels.is_empty() {
            return Ok(());
        }
        self.tell(|_| format!("{m}: the working folder is emptied by accident"));
        self.throw_away_work(m);
        for answer in [None, None, Some(AbsenceAnswer::Restore)] {
            let held = self.on(EngineRule::AskedIsHeld);
            let asks: Vec<_> =
                paths.iter().map(|path| self.machines[m].removal(path, &[], held) == Removal::Asks).collect();
            for (path, asks) in paths.iter().zip(asks) {
                self.cycle(m, path, How { answer, asks, ..How::default() })?;
            }
        }
        Ok(())
    }

    pub fn phone(&mut self, name: &Name, what: PhoneEdit, pick: u32, mark: Token) {
        let Some(before) = self.provider.server.get(name).cloned() else { return };
        let after = match what {
            PhoneEdit::Deletes => None,
            PhoneEdit::Adds => Some(self.form.added(&before, pick, mark)),
            PhoneEdit::Changes => Some(self.form.opened(&self.form.edited(Some(&before), pick, mark))),
        };
        self.tell(|_| format!("the phone makes {name} {after:?} of {before:?}"));
        self.lines.phone_made(Some(&before), after.as_ref());
        after.iter().for_each(|blob| _ = self.authored.insert(blob.id()));
        self.provider.phone(name, after);
    }
}

/// What somebody does by phone or web page.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PhoneEdit {
    Adds,
    Changes,
    Deletes,
}
