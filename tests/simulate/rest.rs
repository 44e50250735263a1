//! The end of a run: faults stop, everything is delivered, people answer, until nothing moves any more. Then one more
//! full cycle everywhere must find nothing to do, and all machines must show the same files.

use kitbag_core::id::RecordId;
use kitbag_core::moves;
use kitbag_core::plan::AbsenceAnswer;
use kitbag_core::version::{Content, Kind, Record};

use crate::cycle::How;
use crate::invariants::Broken;
use crate::operation::{Case, Op};
use crate::person::Keep;
use crate::text::Token;
use crate::world::{Off, Tally, World};

/// Rounds of everything everywhere within which a world must come to rest.
const ROUNDS: usize = 80;
/// How often absences are answered, so that they are seen to wait.
const ANSWERED: usize = 8;

/// Why a run failed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Failure {
    /// An invariant broke.
    Broken(Broken),
    /// A line is gone.
    Lost(String),
    /// It goes on for ever, or ends differently in two places.
    Unsettled(String),
}

impl Failure {
    /// Failures of one sort shrink into one another.
    pub fn sort(&self) -> (u32, u32) {
        match self {
            Failure::Broken(broken) => (0, broken.number),
            Failure::Lost(_) => (1, 0),
            Failure::Unsettled(_) => (2, 0),
        }
    }
}

impl std::fmt::Display for Failure {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Failure::Broken(Broken { number: 0, what }) => write!(f, "broken: {what}"),
            Failure::Broken(Broken { number: 15, what }) => {
                write!(f, "a decision without its content: {what}")
            }
            Failure::Broken(Broken { number, what }) => write!(f, "invariant {number} broken: {what}"),
            Failure::Lost(what) | Failure::Unsettled(what) => f.write_str(what),
        }
    }
}

/// How a run ended.
pub struct Outcome {
    pub verdict: Result<(), Failure>,
    pub tally: Tally,
    /// It lost lines to the known limits, and to nothing else.
    pub hole: bool,
    pub story: Vec<String>,
}

/// Run a case with these operations.
pub fn run(case: &Case, operations: &[Op], off: Option<Off>, story: bool) -> Outcome {
    if let Some(Off::Core(rule)) = off {
        kitbag_core::mutation::switch_off(Some(rule));
    }
    let mut world = World::of(case, off, story);
    let done = operations.iter().try_for_each(|op| world.apply(op)).map_err(Failure::Broken);
    let done = done.and_then(|()| world.come_to_rest());
    let judged = done.and_then(|()| world.judge());
    kitbag_core::mutation::switch_off(None);
    let (verdict, hole) = match judged {
        Ok(hole) => (Ok(()), hole),
        Err(failure) => (Err(failure), false),
    };
    Outcome { verdict, tally: world.tally, hole, story: world.take_story() }
}

impl World {
    pub fn come_to_rest(&mut self) -> Result<(), Failure> {
        self.note_extinct();
        self.tell(|_| "from here on all is delivered and answered".into());
        for machine in &mut self.machines {
            machine.kernels.clear();
        }
        let mut quiet = 0;
        for round in 0..ROUNDS {
            quiet = if self.round(round).map_err(Failure::Broken)? { 0 } else { quiet + 1 };
            if quiet >= 2 {
                return self.check_fixpoint();
            }
        }
        Err(Failure::Unsettled(format!("does not come to rest in {ROUNDS} rounds")))
    }

    /// Everything once; true when something moved.
    fn round(&mut self, round: usize) -> Result<bool, Broken> {
        let mut moved = false;
        for m in 0..self.machines.len() {
            for file in self.side.to_carry(m) {
                self.side.carry(m, file, false);
                moved = true;
            }
            for name in self.provider.names(m, &self.machines[m].mirror) {
                moved |= self.carry_name(m, &name);
            }
            self.take_in(m);
            self.machines[m].clock += 5;
            let answer = (round % ANSWERED == ANSWERED - 1).then_some(AbsenceAnswer::Restore);
            for path in self.machines[m].paths() {
                let done = self.cycle(m, &path, How { answer, ..How::default() })?;
                moved |= !done.is_still();
                if done.conflict && round % self.machines.len() == m {
                    self.answer(m, &path, Keep::Both, 0);
                }
            }
        }
        Ok(moved)
    }

    /// 12: at rest, a cycle writes nothing and learns nothing.
    fn check_fixpoint(&mut self) -> Result<(), Failure> {
        for m in 0..self.machines.len() {
            if !self.side.to_carry(m).is_empty() {
                return Err(Failure::Unsettled(format!("the sidecar of {m} is not carried")));
            }
            for path in self.machines[m].paths() {
                let done = self.cycle(m, &path, How::default()).map_err(Failure::Broken)?;
                if !done.is_still() || done.remembered {
                    let memory = self.machines[m].ledger.memories.get(&path);
                    let what = format!("at rest, {m} still does something at {path}: {done:?} {memory:?}");
                    return Err(Failure::Broken(Broken::new(12, what)));
                }
            }
        }
        Ok(())
    }

    /// True when it lost something to the known limits.
    pub fn judge(&mut self) -> Result<bool, Failure> {
        let unsettled = |what: String| Err(Failure::Unsettled(what));
        for (m, machine) in self.machines.iter().enumerate() {
            let first = &self.machines[0];
            if machine.work != first.work {
                return unsettled(format!("0 and {m} differ: {:?} {:?}", first.work, machine.work));
            }
            if machine.work != machine.mirror || machine.mirror != self.provider.server {
                return unsettled(format!(
                    "the mirror of {m} differs from its folder: {:?} {:?}",
                    machine.work, machine.mirror
                ));
            }
            for path in machine.paths() {
                if moves::follow(&machine.ledger.history(&path)).is_some() {
                    return unsettled(format!("a late edit of {path} did not follow its file"));
                }
                if self.heads(m, &path) != self.heads(0, &path) {
                    return unsettled(format!("0 and {m} have different heads of {path}"));
                }
            }
        }
        self.judge_seeds()?;
        let blobs = self.machines[0].work.values();
        let mut present: Vec<Token> = blobs.flat_map(|blob| blob.tokens().iter().copied()).collect();
        present.sort_unstable();
        let (lost, returned) = self.lines.judge(&present);
        self.tally.returned += returned;
        // the known limits, and only the lines that fell into them
        self.note_extinct();
        let known = |token: &Token| self.extinct.contains(token) || self.lines.is_mistaken(*token);
        match lost.iter().find(|(token, _)| !known(token)) {
            Some((_, what)) => Err(Failure::Lost(what.clone())),
            None => Ok(!lost.is_empty()),
        }
    }

    /// Delete beats seed: a file that people only ever deleted is not there again because the course has another version.
    /// But bytes whose record was still on its way may have won over the deletion, as somebody's work would. What was
    /// recorded then stands: the file is back once more than need be, and nothing is lost.
    fn judge_seeds(&self) -> Result<(), Failure> {
        for path in self.machines[0].work.keys() {
            let history = self.machines[0].ledger.history(path);
            let of_people = |kind| matches!(kind, Kind::Edit | Kind::Outside | Kind::Move);
            let (deleted, written): (Vec<_>, Vec<_>) = history
                .live()
                .filter(|(_, record)| of_people(record.kind))
                .partition(|(_, record)| record.content == Content::Deleted);
            let void = |id: &RecordId| history.real(*id) != *id;
            let won = |record: &Record| record.kind == Kind::Merge && record.content != Content::Deleted;
            let overtaken = history.records().any(|(_, r)| won(r) && r.parents.iter().any(void));
            if !deleted.is_empty() && written.is_empty() && !overtaken {
                return Err(Failure::Lost(format!("{path} was deleted, and the course brought it back")));
            }
        }
        Ok(())
    }
}
