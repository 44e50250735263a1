//! Switches that tests use to take one rule of the sync out, to show that the suite notices. In every other build
//! `off` is a constant `false` and the compiler drops the branch: the feature `mutations` is asked for by this crate's
//! own tests alone. One rule of one thread at a time, so tests may run beside one another.

/// A rule of this crate that can be taken out.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Rule {
    /// What does not merge stays open. Off: the first head wins.
    ConflictsStayOpen,
    /// An edit names only what the folder showed. Off: it supersedes every head.
    EditNamesShown,
    /// Unknown bytes are no child of what the folder shows. Off: they are.
    OutsideNoChild,
    /// Unknown bytes are no sibling of what the folder shows. Off: they are.
    OutsideNoSibling,
    /// A change wins over a deletion. Off: the deletion wins.
    EditBeatsDelete,
    /// A deletion wins over a course file. Off: the course file comes back.
    DeleteBeatsSeed,
    /// The base stays while a program holds the file. Off: it moves, unwritten.
    BaseStaysWhileBusy,
    /// What unknown bytes lack is asked. Off: a merge takes it out.
    OutsideRemovalsAsk,
    /// A file missing from the cloud folder is asked about. Off: it is deleted after the wait.
    AbsenceAsks,
    /// Waiting bytes become a version even if the place has changed since. Off: they are dropped.
    ObservedSettles,
    /// Unexplained bytes are not written over. Off: they are.
    UnexplainedStays,
    /// A merge must hold every line often enough. Off: it need not.
    LineGuard,
    /// A guess that turns out to be a recorded version is that version. Off: it stays a version of its own.
    Aliases,
    /// A folder that shows a later version needs no record. Off: it gets one.
    LaterVersionShown,
    /// A merge orders its sides by their bytes. Off: by the machine it runs on.
    OperandsOrdered,
    /// A merge whose parts all stand behind another head is no head. Off: it is one.
    LesserMerges,
    /// A renamed file takes its past along, and late edits follow it. Off: it is another file.
    MovesFollowed,
    /// What both sides wrote into one cell stays in both versions. Off: the leading one wins.
    BothCellsStay,
    /// A cell that one side edited stays though the other deleted it. Off: it goes.
    EditedCellStays,
    /// A merge of notebooks must hold every line. Off: it need not.
    CellGuard,
    /// A merge of notebooks orders its sides by their past. Off: by the machine it runs on.
    NotebooksOrdered,
}

impl Rule {
    /// Those of notebooks alone.
    pub const OF_NOTEBOOKS: [Rule; 4] =
        [Rule::BothCellsStay, Rule::EditedCellStays, Rule::CellGuard, Rule::NotebooksOrdered];

    /// All others.
    pub const ALL: [Rule; 17] = [
        Rule::ConflictsStayOpen,
        Rule::EditNamesShown,
        Rule::OutsideNoChild,
        Rule::OutsideNoSibling,
        Rule::EditBeatsDelete,
        Rule::DeleteBeatsSeed,
        Rule::BaseStaysWhileBusy,
        Rule::OutsideRemovalsAsk,
        Rule::AbsenceAsks,
        Rule::ObservedSettles,
        Rule::UnexplainedStays,
        Rule::LineGuard,
        Rule::Aliases,
        Rule::LaterVersionShown,
        Rule::OperandsOrdered,
        Rule::LesserMerges,
        Rule::MovesFollowed,
    ];
}

#[cfg(feature = "mutations")]
mod switch {
    use std::cell::Cell;

    use super::Rule;

    thread_local! {
        static OFF: Cell<Option<Rule>> = const { Cell::new(None) };
        static TURNED: Cell<bool> = const { Cell::new(false) };
    }

    /// Take a rule out on this thread, or put it back with none.
    pub fn switch_off(rule: Option<Rule>) {
        OFF.set(rule);
    }

    /// While [`Rule::OperandsOrdered`] is off: whether this machine names the sides the other way round.
    pub fn turn(turned: bool) {
        TURNED.set(turned);
    }

    /// Is the rule taken out?
    pub fn off(rule: Rule) -> bool {
        OFF.get() == Some(rule)
    }

    /// Does this machine name the sides the other way round?
    pub fn turned() -> bool {
        TURNED.get()
    }
}

#[cfg(not(feature = "mutations"))]
mod switch {
    use super::Rule;

    /// Never: this build has no switches.
    pub const fn off(_: Rule) -> bool {
        false
    }

    /// Never.
    pub const fn turned() -> bool {
        false
    }
}

pub use switch::*;
