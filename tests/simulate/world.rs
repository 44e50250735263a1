//! The world of one run: machines, one provider, the sidecar, and what became of every line. Operations are applied one
//! by one; a broken invariant ends the run.

use std::collections::BTreeSet;

use kitbag_core::history::{History, Near};
use kitbag_core::id::{ContentId, RecordId};
use kitbag_core::mutation::Rule;
use kitbag_core::plan::{AbsenceAnswer, Plan};
use kitbag_core::version::Kind;

use crate::cycle::{Gap, How};
use crate::faults::{PhoneEdit, Restored};
use crate::form::Form;
use crate::invariants::{Broken, Functions};
use crate::lines::Lines;
use crate::machine::Machine;
use crate::operation::{Case, Op, What};
use crate::person::Keep;
use crate::provider::{Midway, Policy, Provider};
use crate::sidecar::Sidecar;
use crate::text::{Blob, Name, Token};

/// A rule the engine keeps, which the model machine keeps in its place.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum EngineRule {
    /// Unexplained bytes are stored before anything else.
    SavedOnSight,
    /// What is missing from the sidecar is written back.
    WriteBack,
    /// A ledger has no bases in another working folder.
    LedgerBound,
    /// A record counts once its parents and its content are here.
    Admission,
    /// What came out of an exchange is looked at.
    SwapAndInspect,
    /// Records are durable before anything is replaced.
    RecordsFirst,
    /// A removal that was asked about once waits for its answer.
    AskedIsHeld,
    /// A file that is gone and one that is new are one, where that is proven.
    MovesPaired,
    /// What is about to be published of the working folder is noted before.
    Foreseen,
    /// With a move it is noted that nothing was shown at the old place.
    OldPlaceNoted,
}

impl EngineRule {
    pub const ALL: [EngineRule; 10] = [
        EngineRule::SavedOnSight,
        EngineRule::WriteBack,
        EngineRule::LedgerBound,
        EngineRule::Admission,
        EngineRule::SwapAndInspect,
        EngineRule::RecordsFirst,
        EngineRule::AskedIsHeld,
        EngineRule::MovesPaired,
        EngineRule::Foreseen,
        EngineRule::OldPlaceNoted,
    ];
}

/// A rule taken out.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Off {
    Core(Rule),
    Engine(EngineRule),
}

/// What a run cost.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Tally {
    pub steps: u64,
    pub answers: u64,
    /// Conflicts between the work of two people.
    pub genuine: u64,
    /// Other conflicts.
    pub needless: u64,
    /// Removed lines that are back at the end.
    pub returned: u64,
    /// Cells that merges put beside another as its other version.
    pub asked: u64,
}

pub struct World {
    pub machines: Vec<Machine>,
    pub provider: Provider,
    pub side: Sidecar,
    pub lines: Lines,
    pub functions: Functions,
    pub tally: Tally,
    pub settle: i64,
    pub form: Form,
    pub engine_off: Option<EngineRule>,
    /// Contents somebody wrote, as opposed to machines and providers.
    pub authored: BTreeSet<ContentId>,
    pub cleaned: BTreeSet<usize>,
    /// Lines that fell into the known hole.
    pub extinct: BTreeSet<Token>,
    pub hole: bool,
    pub generations: u64,
    pub folders: u64,
    /// Files made in working folders so far.
    made: u64,
    conflicts: BTreeSet<Vec<RecordId>>,
    story: Option<Vec<String>>,
    names: [Name; 4],
    course: Name,
}

impl World {
    pub fn new(
        machines: usize,
        policy: Policy,
        settle: i64,
        form: Form,
        off: Option<Off>,
        story: bool,
    ) -> Self {
        let (names, course) = form.names();
        let machine = |n| Machine { folder: n as u64 + 1, ..Machine::default() };
        World {
            machines: (0..machines).map(machine).collect(),
            provider: Provider::new(policy, machines),
            side: Sidecar::new(machines),
            lines: Lines::default(),
            functions: Functions::default(),
            tally: Tally::default(),
            settle,
            form,
            engine_off: off.and_then(|off| if let Off::Engine(rule) = off { Some(rule) } else { None }),
            authored: BTreeSet::new(),
            cleaned: BTreeSet::new(),
            extinct: BTreeSet::new(),
            hole: false,
            generations: 0,
            folders: machines as u64,
            made: 0,
            conflicts: BTreeSet::new(),
            story: story.then(Vec::new),
            names,
            course,
        }
    }

    pub fn of(case: &Case, off: Option<Off>, story: bool) -> Self {
        World::new(case.machines, case.policy, case.settle, case.form, off, story)
    }

    /// Does the rule stand?
    pub fn on(&self, rule: EngineRule) -> bool {
        self.engine_off != Some(rule)
    }

    /// Does anybody want the story?
    pub fn tells(&self) -> bool {
        self.story.is_some()
    }

    pub fn tell(&mut self, what: impl FnOnce(&World) -> String) {
        if self.story.is_some() {
            let told = what(self);
            self.story.iter_mut().for_each(|story| story.push(told.clone()));
        }
    }

    pub fn take_story(&mut self) -> Vec<String> {
        self.story.take().unwrap_or_default()
    }

    /// A file in a working folder gets this text; a new one gets a number of its own.
    pub fn save(&mut self, m: usize, path: &Name, blob: Blob) {
        let machine = &mut self.machines[m];
        if machine.work.insert(path.clone(), blob).is_none() {
            self.made += 1;
            machine.numbers.insert(path.clone(), self.made);
        }
    }

    pub fn apply(&mut self, op: &Op) -> Result<(), Broken> {
        let m = op.machine % self.machines.len();
        let other = (m + 1 + op.pick as usize % (self.machines.len() - 1)) % self.machines.len();
        let pick = op.pick as usize;
        let path = self.names[op.path].clone();
        // a renamed file is the one that goes on
        let renamed = self.names[op.path + 2].clone();
        let is_renamed = self.machines[m].work.contains_key(&renamed) && pick % 4 != 1;
        let (path, renamed) = if is_renamed { (renamed, path) } else { (path, renamed) };
        // what the course placed is read, and now and then deleted or written in
        let of_course = self.machines[m].ledger.paths.contains_key(&self.course)
            && match op.what {
                What::Edit => pick % 16 == 5,
                What::Answer | What::Delete => pick % 3 == 1,
                _ => op.what.is_cycle() && pick % 3 == 1,
            };
        let path = if of_course { self.course.clone() } else { path };
        match op.what {
            What::Edit => self.edit(m, &path, op.pick, op.mark),
            What::Delete => self.delete(m, &path),
            What::Recreate => self.recreate(m, &path, op.pick, op.mark),
            What::Rename => self.rename(m, &path, &renamed, op.pick, op.mark),
            What::RenameAndMakeAgain => {
                self.rename(m, &path, &renamed, 1, op.mark);
                self.cycle(m, &renamed, How::default())?;
                self.recreate(m, &path, op.pick, op.mark);
            }
            What::Cycle => {
                self.cycle(m, &path, How::default())?;
            }
            What::CycleThatStops => {
                let crash = Some(op.pick % 12);
                self.cycle(m, &path, How { crash, ..How::default() })?;
            }
            What::CycleWithSave => {
                let gap = Gap::Save(op.pick, op.mark);
                self.cycle(m, &path, How { gap, ..How::default() })?;
            }
            What::CycleWithDownload => {
                self.cycle(m, &path, How { gap: Gap::Download, ..How::default() })?;
            }
            What::Carry => self.carry(m, pick),
            What::Deliver | What::DeliverByHalf => self.deliver(m, pick, op.what == What::DeliverByHalf),
            What::Answer => drop(self.answer(m, &path, Keep::drawn(pick / 3), pick / 7)),
            What::AnswerAtTwo => {
                self.answer(m, &path, Keep::drawn(pick / 3), pick / 7);
                self.answer(other, &path, Keep::drawn(pick / 11), pick / 13);
            }
            What::AnswerAbsence => {
                let answers = [AbsenceAnswer::Accept, AbsenceAnswer::Restore];
                self.cycle(m, &path, How { answer: Some(answers[pick % 2]), ..How::default() })?;
            }
            What::PhoneAdds => self.phone(&path, PhoneEdit::Adds, op.pick, op.mark),
            What::PhoneChanges => self.phone(&path, PhoneEdit::Changes, op.pick, op.mark),
            What::PhoneDeletes => self.phone(&path, PhoneEdit::Deletes, op.pick, op.mark),
            What::Vanish => self.halfway(m, Midway::Absent, pick),
            What::VanishAll => self.mass_absence(m),
            What::Torn => self.halfway(m, Midway::Torn, pick),
            What::Stale => self.halfway(m, Midway::Stale, pick),
            What::Clean => self.clean(m, pick),
            What::BackUp => self.back_up(m),
            What::Restore => self.restore(m, Restored::drawn(pick)),
            What::CloneMachine => self.clone_machine(other, m),
            What::LoseLedger => self.lose_ledger(m),
            What::ForeignLedger => self.foreign_ledger(m, other),
            What::ClockJump => {
                self.machines[m].clock += i64::from(op.pick % 61) - 30;
                self.tell(|_| format!("{m}: the clock jumps"));
            }
            What::OpenProgram => self.open_program(m, &path),
            What::CloseProgram => drop(self.machines[m].kernels.remove(&path)),
            What::Seed if pick.is_multiple_of(4) => {
                self.drop_seed(m, &self.names[op.path].clone(), op.path, op.pick / 4 % 2);
            }
            What::Seed => self.drop_seed(m, &self.course.clone(), 3, op.pick % 2),
            What::EmptyWork => self.empty_work(m)?,
        }
        Ok(())
    }

    /// The client of a machine carries one of its files.
    pub fn carry(&mut self, m: usize, pick: usize) {
        let names = self.provider.names(m, &self.machines[m].mirror);
        if let Some(name) = names.get(pick % names.len().max(1)) {
            self.carry_name(m, name);
        }
    }

    pub fn carry_name(&mut self, m: usize, name: &Name) -> bool {
        let moved = self.provider.carry(m, &mut self.machines[m].mirror, name);
        if moved {
            self.tell(|_| format!("{m}: the provider carries {name}"));
        }
        moved
    }

    /// Some sidecar files travel between a machine and the server, in any order.
    pub fn deliver(&mut self, m: usize, pick: usize, by_half: bool) {
        let mut pick = pick;
        for _ in 0..1 + pick % 6 {
            let files = self.side.to_carry(m);
            if files.is_empty() {
                return;
            }
            let file = files[pick / 6 % files.len()];
            self.side.carry(m, file, by_half && pick.is_multiple_of(3));
            self.tell(|_| format!("{m}: sidecar file {file} travels"));
            pick = pick.rotate_right(5) ^ 0x2b;
        }
    }

    pub fn fill_gap(&mut self, m: usize, path: &Name, gap: Gap) {
        match gap {
            Gap::Nothing => {}
            Gap::Save(pick, mark) => self.edit(m, path, pick, mark),
            Gap::Download => drop(self.carry_name(m, path)),
        }
    }

    /// A conflict counts once, wherever it is met; as genuine when two of its sides hold somebody's work that the
    /// other lacks.
    pub fn count_conflict(&mut self, mut history: History, plan: &Plan) {
        if plan.heads.len() < 2 || !self.conflicts.insert(plan.heads.clone()) {
            return;
        }
        history.extend(plan.records.iter().map(|made| (made.id, made.record.clone())));
        let from: Vec<_> = plan.heads.iter().map(|head| history.ancestors(*head, Near::Ignored)).collect();
        let worked = |mine: &BTreeSet<RecordId>, others: &BTreeSet<RecordId>| {
            mine.difference(others).any(|id| {
                history.get(*id).is_some_and(|record| {
                    let person = matches!(record.kind, Kind::Edit | Kind::Outside | Kind::Move);
                    person && record.content.id().is_none_or(|id| self.authored.contains(&id))
                })
            })
        };
        let genuine = from
            .iter()
            .enumerate()
            .any(|(at, mine)| from[at + 1..].iter().any(|other| worked(mine, other) && worked(other, mine)));
        if genuine {
            self.tally.genuine += 1;
        } else {
            self.tally.needless += 1;
        }
    }
}
