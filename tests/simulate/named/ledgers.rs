//! Ledgers and folders that do not belong together: backups, copies, losses.

use crate::faults::Restored;
use kitbag_core::version::Kind;

use super::scene::{Check, Scene, check};

/// Two more versions, known to machine 0 alone with the first at machine 1.
fn two_ahead(s: &mut Scene) -> Check {
    s.everywhere("1 2 3")?;
    for lines in ["1 2 3 4", "1 2 3 4 5"] {
        s.write(0, lines);
        s.cycle(0)?;
    }
    Ok(())
}

/// A machine gets another's ledger and keeps its own, older folder: nothing is taken for an edit.
pub fn foreign_ledger(s: &mut Scene) -> Check {
    two_ahead(s)?;
    s.records(0);
    s.records(1);
    s.world.foreign_ledger(1, 0);
    let edits = s.count(0, Kind::Edit);
    s.cycle(1)?;
    check(s.count(1, Kind::Edit) == edits, "an old folder was taken for an edit")?;
    s.rests_at("1 2 3 4 5")
}

/// The working folder is put back from a backup, the ledger is not.
pub fn snapshot_of_other_w(s: &mut Scene) -> Check {
    s.everywhere("1 2 3")?;
    s.world.back_up(0);
    s.write(0, "1 2 3 4");
    s.cycle(0)?;
    s.world.restore(0, Restored::Work);
    s.cycle(0)?;
    s.rests_at("1 2 3 4")
}

/// The ledger is put back from a backup, the folder shows a later version.
pub fn old_ledger_current_w(s: &mut Scene) -> Check {
    s.everywhere("1 2 3")?;
    s.world.back_up(1);
    for lines in ["1 2 3 4", "1 2 3 4 5"] {
        s.write(0, lines);
        s.cycle(0)?;
        s.pass(0, 1);
        s.cycle(1)?;
    }
    s.world.restore(1, Restored::Ledger);
    let edits = s.count(0, Kind::Edit);
    s.cycle(1)?;
    check(s.count(1, Kind::Edit) == edits, "a later version was taken for an edit")?;
    s.rests_at("1 2 3 4 5")
}

/// The ledger is lost, and the folder was edited meanwhile: a union, never a deletion.
pub fn lost_ledger_offline_edit(s: &mut Scene) -> Check {
    two_ahead(s)?;
    s.write(1, "0 1 2 3");
    s.world.lose_ledger(1);
    s.pass(0, 1);
    s.cycle(1)?;
    s.rests_with("0 1 2 3 4 5")
}

/// A whole machine is put back from a backup and goes on from there; no counter is used twice, for there is none.
pub fn restored_device(s: &mut Scene) -> Check {
    s.everywhere("1 2 3")?;
    s.world.back_up(0);
    s.write(0, "1 2 3 4");
    s.cycle(0)?;
    s.pass(0, 1);
    s.cycle(1)?;
    s.world.restore(0, Restored::All);
    s.write(0, "0 1 2 3");
    s.cycle(0)?;
    s.rests_at("0 1 2 3 4")
}

/// Two copies of one disk both go on.
pub fn cloned_device(s: &mut Scene) -> Check {
    s.everywhere("1 2 3")?;
    s.world.clone_machine(0, 1);
    s.write(0, "a 1 2 3");
    s.cycle(0)?;
    s.write(1, "1 2 3 b");
    s.cycle(1)?;
    s.rests_at("a 1 2 3 b")?;
    check(s.conflicts() == 0, "somebody was asked")
}

/// One machine is never heard of again: a deletion is carried out by the others all the same.
pub fn device_never_returns(s: &mut Scene) -> Check {
    s.everywhere("1 2 3")?;
    s.remove(0);
    s.cycle(0)?;
    s.pass(0, 1);
    s.cycles(1, 2)?;
    check(s.shown(1).is_empty(), "the deletion waits for somebody")?;
    check(s.cycle(0)?.is_still() && s.cycle(1)?.is_still(), "they are not at rest")
}

/// Clocks far apart, in both directions: they delay, and decide nothing.
pub fn clock_skew(s: &mut Scene) -> Check {
    s.everywhere("1 2 3")?;
    s.world.machines[0].clock -= 40;
    s.world.machines[1].clock += 1_000_000;
    s.write(0, "a 1 2 3");
    s.write(1, "1 2 3 b");
    s.mirror(2, "1 2 3 o");
    for m in 0..3 {
        s.cycle(m)?;
    }
    s.rests_with("a 1 2 3 b o")
}
