//! One cycle at one path, in the order of the engine: take in the sidecar, look, plan; then the plan is carried out. It
//! may stop before any step, and people and providers may act between plan and writes.

use kitbag_core::entry::{Memory, Observed, Seen};
use kitbag_core::history::History;
use kitbag_core::id::RecordId;
use kitbag_core::mutation;
use kitbag_core::plan::{self, AbsenceAnswer, Plan, Removal, Situation};
use kitbag_core::reconcile::Made;

use crate::invariants::Broken;
use crate::machine::{View, work_path};
use crate::sidecar::Bits;
use crate::text::{Blob, Name};
use crate::world::{EngineRule, World};

/// What happens around a cycle.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct How {
    /// It stops before this step.
    pub crash: Option<u32>,
    pub gap: Gap,
    /// The look at the whole folder found that far too much is missing.
    pub asks: bool,
    pub answer: Option<AbsenceAnswer>,
}

/// What comes between the plan and the writes.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Gap {
    #[default]
    Nothing,
    /// The person saves; with the numbers the edit is drawn from.
    Save(u32, u32),
    /// The provider brings something.
    Download,
}

/// What a cycle did.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Cycle {
    pub records: usize,
    pub wrote: bool,
    pub conflict: bool,
    pub held: bool,
    pub waits: bool,
    pub remembered: bool,
}

impl Cycle {
    /// Nothing happened and nothing is left to do.
    pub fn is_still(&self) -> bool {
        self.records == 0 && !(self.wrote || self.conflict || self.held || self.waits)
    }
}

/// What a path shows.
pub struct Look {
    pub working: Option<Blob>,
    pub mirror: Option<Blob>,
    pub copies: Vec<(Name, Blob)>,
    pub before: Memory,
    /// The name the file had before, and the version the folder showed there.
    pub moved_from: Option<(Name, RecordId)>,
}

fn seen(blob: Option<&Blob>) -> Seen {
    blob.map_or(Seen::Absent, |blob| Seen::Content(blob.content()))
}

impl World {
    pub fn cycle(&mut self, m: usize, path: &Name, how: How) -> Result<Cycle, Broken> {
        self.tally.steps += 1;
        self.machines[m].clock += 1;
        mutation::turn(m % 2 == 1);
        self.bind(m)?;
        self.take_in(m);
        self.note_foreseen(m);
        self.recover(m, path);
        let renamed =
            if self.on(EngineRule::MovesPaired) { self.machines[m].renamed(&self.side) } else { Vec::new() };
        // a file that was renamed is looked at where it is now; its old place is explained by that
        let path = renamed.iter().find(|(from, _)| from == path).map_or(path, |(_, to)| to);
        let look = self.look(m, path, &renamed);
        let (history, plan) = self.plan(m, path, &look, &renamed, how)?;
        self.check_plan(m, path, &look, &history, &plan, how.answer)?;
        self.count_conflict(history, &plan);
        let done = Cycle {
            records: plan.records.len(),
            wrote: plan.working.is_some() || plan.mirror.is_some() || !plan.drop_copies.is_empty(),
            conflict: plan.heads.len() > 1,
            held: plan.held.is_some() || plan.backs_off,
            waits: plan.due.is_some() || !plan.memory.observed.is_empty(),
            remembered: plan.memory != look.before,
        };
        if plan.heads.is_empty() && plan.memory == Memory::default() {
            self.machines[m].ledger.memories.remove(path);
            return Ok(done);
        }
        let made: Vec<_> = if self.tells() { plan.records.clone() } else { Vec::new() };
        let (shows, heads) = (look.working.clone(), plan.heads.len());
        let broken = self.carry_out(m, path, &look, plan, how)?;
        if done.is_still() && !done.remembered && !broken {
            return Ok(done);
        }
        self.tell(|world| {
            let mut told = format!("{m} looks at {path}, which shows {shows:?}; heads {heads}");
            for Made { id, record, .. } in &made {
                let text =
                    record.content.id().and_then(|id| world.side.find_content(id)).map(|(_, blob)| blob);
                let parents: Vec<_> = record.parents.iter().collect();
                told += &format!(
                    "; records {:?} {id:?} {text:?} of {parents:?} near {:?}",
                    record.kind, record.near
                );
            }
            if how != How::default() {
                told += &format!("; {how:?}");
            }
            told + if broken { ", cut short" } else { "" }
        });
        Ok(done)
    }

    /// A ledger knows the working folder it was made with; in another its bases mean nothing.
    fn bind(&mut self, m: usize) -> Result<(), Broken> {
        let on = self.on(EngineRule::LedgerBound);
        let machine = &mut self.machines[m];
        if machine.ledger.folder != machine.folder {
            if on {
                machine.ledger.memories.values_mut().for_each(|memory| memory.base = None);
                machine.ledger.intents.clear();
                machine.ledger.foreseen.clear();
            }
            machine.ledger.folder = machine.folder;
            let base = machine.ledger.memories.values().any(|memory| memory.base.is_some());
            Broken::unless(13, !base, || "a ledger brought its bases to another working folder".into())?;
        }
        Ok(())
    }

    /// What arrived is read; what is known here and missing there is written back.
    pub fn take_in(&mut self, m: usize) {
        let all_at_once = !self.on(EngineRule::Admission);
        let write_back = self.on(EngineRule::WriteBack);
        let ledger = &mut self.machines[m].ledger;
        let (here, torn) = (&self.side.here[m], &self.side.torn[m]);
        let new = Bits::joined(here, torn, &ledger.holds, |here, torn, holds| here & !torn & !holds);
        let lost = Bits::joined(here, torn, &ledger.holds, |here, torn, holds| holds & !(here & !torn));
        if !new.is_empty() {
            new.iter().for_each(|file| ledger.holds.set(*file, true));
            ledger.admit(&new, &self.side, all_at_once);
        }
        if write_back {
            lost.into_iter().for_each(|file| self.side.publish(m, file));
        }
    }

    /// What got out before a crash is what the folder showed, though the ledger did not hear of it. It may have been
    /// another machine that published the same.
    fn note_foreseen(&mut self, m: usize) {
        let machine = &mut self.machines[m];
        let ledger = &mut machine.ledger;
        for (path, from, to) in std::mem::take(&mut ledger.foreseen) {
            let memory = ledger.memories.get(&path).cloned().unwrap_or_default();
            if memory.base == from && ledger.is_admitted(to) {
                ledger.memories.insert(path.clone(), Memory { base: Some(to), ..memory });
                machine.shown.insert(path, (to, ledger.generation));
            } else if machine.shown.get(&path).is_some_and(|(shown, _)| *shown == to) {
                // it is not here: nobody can know what was shown
                machine.shown.remove(&path);
            }
        }
    }

    /// An exchange that the ledger had announced and not noted. It moves the base it was made over and no other: a
    /// person may have answered meanwhile.
    fn recover(&mut self, m: usize, path: &Name) {
        let machine = &mut self.machines[m];
        let intent = machine.ledger.intents.remove(path);
        if let (Some((Some(over), intent)), Some(done)) = (intent, machine.aside.remove(path))
            && intent == done
            && let Some(memory) = machine.ledger.memories.get_mut(path)
            && memory.base == Some(over)
        {
            memory.base = Some(intent);
        }
    }

    fn look(&mut self, m: usize, path: &Name, renamed: &[(Name, Name)]) -> Look {
        let saves = self.on(EngineRule::SavedOnSight);
        let machine = &mut self.machines[m];
        let copies = machine.copies_of(path);
        let mirror = machine.mirror.get(path).cloned();
        if !saves && let Some(memory) = machine.ledger.memories.get_mut(path) {
            let stands = |o: &Observed| {
                let here = mirror.iter().chain(copies.iter().map(|(_, blob)| blob));
                here.map(Blob::id).any(|id| Some(id) == o.content.id())
            };
            memory.observed.retain(stands);
        }
        let before = machine.ledger.memories.get(path).cloned().unwrap_or_default();
        let from = renamed.iter().find(|(_, to)| to == path).map(|(from, _)| from);
        let moved_from = from.and_then(|from| Some((from.clone(), machine.ledger.memories.get(from)?.base?)));
        Look { working: machine.work.get(path).cloned(), mirror, copies, before, moved_from }
    }

    fn plan(
        &self,
        m: usize,
        path: &Name,
        look: &Look,
        renamed: &[(Name, Name)],
        how: How,
    ) -> Result<(History, Plan), Broken> {
        let machine = &self.machines[m];
        let history = match &look.moved_from {
            Some((_, origin)) => machine.ledger.history_from(path, *origin, &self.side),
            None => machine.ledger.history(path),
        };
        let copies: Vec<_> =
            look.copies.iter().map(|(name, blob)| (file_name(name).to_owned(), blob.content())).collect();
        let held = self.on(EngineRule::AskedIsHeld);
        let situation = Situation {
            path: &work_path(path),
            memory: &look.before,
            working: seen(look.working.as_ref()),
            mirror: seen(look.mirror.as_ref()),
            copies: &copies,
            history: history.clone(),
            moved_from: look.moved_from.as_ref().map(|(_, origin)| *origin),
            now: machine.clock,
            settle: self.settle,
            absence_wait: 3,
            delivering: machine.ledger.delivering(path, &self.side),
            removals: if how.asks { Removal::Asks } else { machine.removal(path, renamed, held) },
            answer: how.answer,
            busy: machine.kernels.contains_key(path),
            prefer: None,
            backup: None,
        };
        let blobs = look.working.iter().chain(&look.mirror).chain(look.copies.iter().map(|(_, blob)| blob));
        let view = View { side: &self.side, ledger: &machine.ledger, seen: blobs.collect() };
        let plan = plan::plan(situation, &view).map_err(|gone| Broken::new(15, gone.to_string()))?;
        Ok((history, plan))
    }

    /// The admitted records' heads at this machine.
    pub fn heads(&self, m: usize, path: &Name) -> Vec<RecordId> {
        self.machines[m].ledger.paths.get(path).map(|loaded| loaded.history.heads()).unwrap_or_default()
    }
}

impl Look {
    pub fn find(&self, id: kitbag_core::id::ContentId) -> Option<Blob> {
        let mut all = self.working.iter().chain(&self.mirror).chain(self.copies.iter().map(|(_, blob)| blob));
        all.find(|blob| blob.id() == id).cloned()
    }
}

fn file_name(path: &str) -> &str {
    path.rsplit_once('/').map_or(path, |(_, name)| name)
}
