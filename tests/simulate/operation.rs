//! A run is a function of a case and a list of operations. The list is drawn from the seed before anything happens, and
//! each operation carries all its own numbers, so that any of them can be left out and the others stay what they were.

use crate::chance::Chance;
use crate::form::Form;
use crate::kinds::{KINDS, Kind};
use crate::provider::Policy;
use crate::text::{TYPED, Token};

/// What happens.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum What {
    Edit,
    Delete,
    Recreate,
    Rename,
    RenameAndMakeAgain,
    Cycle,
    CycleThatStops,
    CycleWithSave,
    CycleWithDownload,
    Carry,
    Deliver,
    DeliverByHalf,
    Answer,
    AnswerAtTwo,
    AnswerAbsence,
    PhoneAdds,
    PhoneChanges,
    PhoneDeletes,
    Vanish,
    VanishAll,
    Torn,
    Stale,
    Clean,
    BackUp,
    Restore,
    CloneMachine,
    LoseLedger,
    ForeignLedger,
    ClockJump,
    OpenProgram,
    CloseProgram,
    Seed,
    EmptyWork,
}

impl What {
    /// Is it a cycle of a machine, whatever comes between?
    pub fn is_cycle(self) -> bool {
        matches!(
            self,
            What::Cycle
                | What::CycleThatStops
                | What::CycleWithSave
                | What::CycleWithDownload
                | What::AnswerAbsence
        )
    }
}

/// One thing that happens, with all the numbers it is drawn from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Op {
    pub what: What,
    pub machine: usize,
    pub path: usize,
    pub pick: u32,
    /// The first of the tokens for lines typed here.
    pub mark: Token,
}

/// Seeds from here on are of runs with notebooks.
pub const NOTEBOOKS: u64 = 1 << 32;

/// Tokens of one operation.
const MARKS: Token = 4;

/// What a run is drawn from.
#[derive(Debug, Clone)]
pub struct Case {
    pub seed: u64,
    pub kind: &'static Kind,
    pub policy: Policy,
    pub machines: usize,
    /// Cycles that unexplained bytes wait.
    pub settle: i64,
    pub form: Form,
}

impl Case {
    /// Everything follows from the seed: neighbours differ in kind, then in policy, then in machines.
    pub fn of(seed: u64) -> Self {
        let kinds = KINDS.len() as u64;
        let policies = [Policy::LastWriter, Policy::Copies, Policy::Twins];
        let mut chance = Chance::new(seed);
        Case {
            seed,
            kind: &KINDS[(seed % kinds) as usize],
            policy: policies[(seed / kinds % 3) as usize],
            machines: [2, 3, 2, 3, 4, 5][(seed / kinds / 3 % 6) as usize],
            settle: [0, 1, 2, 5][chance.below(4)],
            form: if seed < NOTEBOOKS { Form::Lines } else { Form::Cells { ids: chance.below(4) > 0 } },
        }
    }

    /// The operations of this case.
    pub fn operations(&self) -> Vec<Op> {
        let mut chance = Chance::new(self.seed ^ 0x0b5e_55ed);
        let weights: Vec<_> = crate::kinds::ALWAYS.iter().chain(self.kind.faults).collect();
        let total: u32 = weights.iter().map(|(_, weight)| weight).sum();
        let count = self.kind.operations;
        (0..count)
            .map(|at| {
                let mut draw = chance.below(total as usize) as u32;
                let mut what = What::Cycle;
                for (candidate, weight) in &weights {
                    if draw < *weight {
                        what = *candidate;
                        break;
                    }
                    draw -= weight;
                }
                Op {
                    what,
                    machine: chance.below(self.machines),
                    path: chance.below(2),
                    pick: (chance.next() >> 33) as u32,
                    mark: TYPED + at as Token * MARKS,
                }
            })
            .collect()
    }
}
