//! Interleavings with a name: each broke some variant of the algorithm once, and each is played here step by step on
//! the model. Beside a test stands the rule that makes it fail when taken out, where there is one; that is tried too,
//! so that every such test is known to be able to fail.

mod cases;
mod ledgers;
mod names;
mod outside;
mod people;
mod scene;
mod share;

use kitbag_core::mutation::{Rule, switch_off};

use crate::world::{EngineRule, Off};
use scene::{Check, Scene};

/// A name, what is played, and the rule without which it fails.
type Named = (&'static str, fn(&mut Scene) -> Check, Option<Off>);

const fn core(rule: Rule) -> Option<Off> {
    Some(Off::Core(rule))
}

const fn engine(rule: EngineRule) -> Option<Off> {
    Some(Off::Engine(rule))
}

const ALL: &[Named] = &[
    ("three_against_one", outside::three_against_one, core(Rule::OutsideNoChild)),
    ("overwritten_while_settling", outside::overwritten_while_settling, core(Rule::ObservedSettles)),
    ("crash_then_overwrite", outside::crash_then_overwrite, engine(EngineRule::SavedOnSight)),
    ("guess_of_guess", outside::guess_of_guess, core(Rule::OutsideRemovalsAsk)),
    ("seed_chain", outside::seed_chain, core(Rule::OutsideRemovalsAsk)),
    ("delete_of_unsure", outside::delete_of_unsure, core(Rule::EditBeatsDelete)),
    ("duplicate_line_removal", outside::duplicate_line_removal, core(Rule::OutsideRemovalsAsk)),
    ("overtaking_bytes", outside::overtaking_bytes, core(Rule::Aliases)),
    ("two_fold_one_copy", outside::two_fold_one_copy, None),
    ("phone_add_beside_change", outside::phone_add_beside_change, core(Rule::UnexplainedStays)),
    ("phone_change_line", outside::phone_change_line, core(Rule::OutsideRemovalsAsk)),
    ("restored_on_the_web", outside::restored_on_the_web, None),
    ("criss_cross_move", people::criss_cross_move, core(Rule::LineGuard)),
    ("autosave_in_conflict", people::autosave_in_conflict, core(Rule::EditNamesShown)),
    ("kernel_pending", people::kernel_pending, core(Rule::BaseStaysWhileBusy)),
    ("edit_before_delete", people::edit_before_delete, core(Rule::EditBeatsDelete)),
    ("delete_before_edit", people::delete_before_edit, core(Rule::EditBeatsDelete)),
    ("made_again_with_the_same_text", people::made_again_with_the_same_text, None),
    (
        "deleted_course_file_stays_deleted",
        people::deleted_course_file_stays_deleted,
        core(Rule::DeleteBeatsSeed),
    ),
    ("renamed_and_edited", people::renamed_and_edited, core(Rule::MovesFollowed)),
    ("renamed_twice", people::renamed_twice, engine(EngineRule::MovesPaired)),
    ("renamed_and_made_again", people::renamed_and_made_again, engine(EngineRule::OldPlaceNoted)),
    ("renamed_in_case_only", names::renamed_in_case_only, engine(EngineRule::MovesPaired)),
    ("twins_in_case_and_accents", names::twins_in_case_and_accents, None),
    ("two_machines_first_run", people::two_machines_first_run, None),
    ("two_answers_at_once", people::two_answers_at_once, core(Rule::ConflictsStayOpen)),
    (
        "emptied_folder_asks_until_answered",
        people::emptied_folder_asks_until_answered,
        engine(EngineRule::AskedIsHeld),
    ),
    ("foreign_ledger", ledgers::foreign_ledger, engine(EngineRule::LedgerBound)),
    ("snapshot_of_other_w", ledgers::snapshot_of_other_w, engine(EngineRule::LedgerBound)),
    ("old_ledger_current_w", ledgers::old_ledger_current_w, core(Rule::LaterVersionShown)),
    ("lost_ledger_offline_edit", ledgers::lost_ledger_offline_edit, core(Rule::EditNamesShown)),
    ("restored_device", ledgers::restored_device, core(Rule::EditNamesShown)),
    ("cloned_device", ledgers::cloned_device, None),
    ("device_never_returns", ledgers::device_never_returns, None),
    ("clock_skew", ledgers::clock_skew, core(Rule::UnexplainedStays)),
    ("child_before_parent", share::child_before_parent, engine(EngineRule::Admission)),
    ("download_before_write", share::download_before_write, engine(EngineRule::SwapAndInspect)),
    ("save_before_write", share::save_before_write, engine(EngineRule::SwapAndInspect)),
    ("record_before_overwrite", share::record_before_overwrite, core(Rule::EditNamesShown)),
    ("killed_before_the_ledger_heard", share::killed_before_the_ledger_heard, engine(EngineRule::Foreseen)),
    ("absence_blip", share::absence_blip, core(Rule::AbsenceAsks)),
    ("phone_delete_put_back", share::phone_delete_put_back, core(Rule::AbsenceAsks)),
    ("phone_delete_accepted", share::phone_delete_accepted, core(Rule::AbsenceAsks)),
    ("cleaned_sidecar", share::cleaned_sidecar, engine(EngineRule::WriteBack)),
    ("half_arrived_record", share::half_arrived_record, None),
    ("unexplained_bytes_stay", share::unexplained_bytes_stay, core(Rule::UnexplainedStays)),
    ("provider_keeps_the_other", cases::provider_keeps_the_other, core(Rule::UnexplainedStays)),
    ("head_arrives_first", cases::head_arrives_first, None),
    ("bytes_arrive_first", cases::bytes_arrive_first, core(Rule::Aliases)),
    ("two_merge_at_once", cases::two_merge_at_once, core(Rule::OperandsOrdered)),
    ("merges_in_step_end", cases::merges_in_step_end, core(Rule::LesserMerges)),
    ("deleted_after_equal_merges", cases::deleted_after_equal_merges, None),
    ("the_known_hole", cases::the_known_hole, None),
];

fn play(test: fn(&mut Scene) -> Check, off: Option<Off>) -> Check {
    if let Some(Off::Core(rule)) = off {
        switch_off(Some(rule));
    }
    let mut scene = Scene::new(off);
    let done = test(&mut scene);
    switch_off(None);
    done.map_err(|why| format!("{why}\n    {}", scene.story().join("\n    ")))
}

/// The names, for the list of tests.
pub fn names() -> impl Iterator<Item = &'static str> {
    ALL.iter().map(|(name, _, _)| *name)
}

/// Play one.
pub fn run(name: &str) -> Check {
    let Some((_, test, breaks)) = ALL.iter().find(|(known, _, _)| *known == name) else {
        return Err(format!("no test is called {name}"));
    };
    play(*test, None)?;
    match breaks {
        Some(off) if play(*test, Some(*off)).is_ok() => Err(format!("it passes without {off:?} too")),
        _ => Ok(()),
    }
}
