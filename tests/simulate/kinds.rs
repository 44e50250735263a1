//! The kinds of runs, as data: what may happen in each and how often, and what it may cost people. The costs are bounds
//! a fifth to a half over what was measured when this was written, so that a change that asks people more is noticed. The
//! pace is torture: an edit every few steps on two files, ten conflicts of two people's work in every run.

use crate::operation::What::{self, *};

/// What happens in every run, with its weight.
pub const ALWAYS: &[(What, u32)] = &[
    (Edit, 20),
    (Cycle, 34),
    (Carry, 18),
    (Deliver, 16),
    (Answer, 4),
    (AnswerAtTwo, 1),
    (Delete, 1),
    (AnswerAbsence, 1),
];

/// One kind of run.
#[derive(Debug)]
pub struct Kind {
    pub name: &'static str,
    /// What may happen beyond the ordinary.
    pub faults: &'static [(What, u32)],
    /// How many operations.
    pub operations: usize,
    /// At most so many conflicts without two people's work in them, in a thousand runs.
    pub needless: u64,
    /// The same in runs with notebooks, where what two people wrote into one cell is no conflict of the file: only half
    /// a notebook is.
    pub needless_notebooks: u64,
    /// At most so many removed lines back at the end, in a thousand runs.
    pub returned: u64,
    /// At most so many runs in a thousand that fall into a known limit: tests/README.md tells them.
    pub hole: u64,
}

/// At most so many cells in a thousand runs that merges put beside another as its other version, whatever the kind.
pub const ASKED: u64 = 11_500;

const fn kind(name: &'static str, faults: &'static [(What, u32)], needless: u64, returned: u64) -> Kind {
    Kind { name, faults, operations: 120, needless, needless_notebooks: 1, returned, hole: 0 }
}

const ALL_BUT_CLEANER: &[(What, u32)] = &[
    (Recreate, 1),
    (Rename, 1),
    (RenameAndMakeAgain, 1),
    (CycleThatStops, 4),
    (CycleWithSave, 3),
    (CycleWithDownload, 3),
    (DeliverByHalf, 3),
    (PhoneAdds, 1),
    (PhoneChanges, 2),
    (PhoneDeletes, 1),
    (Vanish, 1),
    (VanishAll, 1),
    (Torn, 1),
    (Stale, 1),
    (BackUp, 1),
    (Restore, 3),
    (CloneMachine, 1),
    (LoseLedger, 1),
    (ForeignLedger, 1),
    (ClockJump, 1),
    (OpenProgram, 2),
    (CloseProgram, 1),
    (Seed, 1),
    (EmptyWork, 1),
];

const ALL: &[(What, u32)] = &[
    (Recreate, 1),
    (Rename, 1),
    (RenameAndMakeAgain, 1),
    (CycleThatStops, 4),
    (CycleWithSave, 3),
    (CycleWithDownload, 3),
    (DeliverByHalf, 3),
    (Clean, 2),
    (PhoneAdds, 1),
    (PhoneChanges, 2),
    (PhoneDeletes, 1),
    (Vanish, 1),
    (VanishAll, 1),
    (Torn, 1),
    (Stale, 1),
    (BackUp, 1),
    (Restore, 3),
    (CloneMachine, 1),
    (LoseLedger, 1),
    (ForeignLedger, 1),
    (ClockJump, 1),
    (OpenProgram, 2),
    (CloseProgram, 1),
    (Seed, 1),
    (EmptyWork, 1),
];

/// All kinds.
pub const KINDS: &[Kind] = &[
    kind("edits", &[], 50, 2_300),
    kind("phone adds", &[(PhoneAdds, 4)], 60, 2_300),
    kind("phone changes", &[(PhoneChanges, 4)], 45, 2_450),
    kind("phone deletes a file", &[(PhoneDeletes, 3), (AnswerAbsence, 3)], 45, 1_900),
    kind(
        "delete, make again, rename",
        &[(Delete, 3), (Recreate, 4), (Rename, 3), (RenameAndMakeAgain, 2)],
        30,
        4_300,
    ),
    Kind { hole: 1, ..kind("backup", &[(BackUp, 3), (Restore, 9)], 30, 2_250) },
    kind("copied machine", &[(CloneMachine, 3)], 60, 3_200),
    kind("lost or foreign ledger", &[(LoseLedger, 2), (ForeignLedger, 2)], 50, 3_300),
    kind("absence", &[(Vanish, 3), (VanishAll, 1), (EmptyWork, 2), (AnswerAbsence, 2)], 40, 2_000),
    kind("download in the gap", &[(CycleWithDownload, 12)], 60, 2_100),
    kind("save in the gap", &[(CycleWithSave, 12)], 70, 2_300),
    kind("crash", &[(CycleThatStops, 16)], 35, 1_750),
    kind("program holds the file", &[(OpenProgram, 5), (CloseProgram, 3)], 35, 1_900),
    kind("course files", &[(Seed, 4), (Delete, 2)], 500, 2_000),
    kind("clock", &[(ClockJump, 4), (PhoneChanges, 2)], 45, 2_300),
    Kind {
        needless_notebooks: 220,
        ..kind("torn and stale", &[(Torn, 3), (Stale, 2), (DeliverByHalf, 6)], 110, 2_100)
    },
    kind("cleaner", &[(Clean, 4)], 40, 1_950),
    Kind { hole: 1, needless_notebooks: 90, ..kind("all but the cleaner", ALL_BUT_CLEANER, 130, 2_900) },
    Kind { hole: 8, needless_notebooks: 90, ..kind("all", ALL, 120, 2_950) },
];
