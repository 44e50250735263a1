//! What people do at the same time on several machines.

use kitbag_core::version::Kind;

use crate::cycle::How;
use crate::person::Keep;
use crate::text::Name;

use super::scene::{Check, Scene, check, text};

/// A line stands at two spots after a merge, and each side drops the other copy.
pub fn criss_cross_move(s: &mut Scene) -> Check {
    s.everywhere("x 1 2 x 3")?;
    s.write(0, "1 2 x 3");
    s.cycle(0)?;
    s.write(1, "x 1 2 3");
    s.cycle(1)?;
    s.rests_with("x 1 2 3")
}

fn conflict(s: &mut Scene) -> Check {
    s.everywhere("1 2 3")?;
    s.write(0, "1 a 3");
    s.cycle(0)?;
    s.write(1, "1 b 3");
    s.cycle(1)?;
    s.pass(1, 0);
    s.cycle(0)?;
    check(s.heads(0) == 2 && s.shows(0, "1 a 3"), "there is no conflict")
}

/// An edit of the side that is shown leaves the other one open.
pub fn autosave_in_conflict(s: &mut Scene) -> Check {
    conflict(s)?;
    s.write(0, "1 a 3 4");
    s.cycle(0)?;
    check(s.heads(0) == 2, "the other side was taken for answered")?;
    s.rests_with("1 a b 3 4")
}

/// A program holds the first version open while the second arrives; its autosave comes from the first.
pub fn kernel_pending(s: &mut Scene) -> Check {
    s.everywhere("1 2 3")?;
    let path = s.path.clone();
    s.world.open_program(1, &path);
    s.write(0, "1 2 r 3");
    s.cycle(0)?;
    s.pass(0, 1);
    s.cycles(1, 2)?;
    check(s.shows(1, "1 2 3"), "a file was replaced under a program")?;
    check(s.world.machines[1].mirror.get(&path) == Some(&text("1 2 r 3")), "the mirror waits too")?;
    s.write(1, "k 1 2 3");
    s.cycle(1)?;
    s.rests_at("k 1 2 r 3")
}

/// The edit is known first, then the deletion.
pub fn edit_before_delete(s: &mut Scene) -> Check {
    s.everywhere("1 2")?;
    s.write(0, "1 2 e");
    s.cycle(0)?;
    s.remove(1);
    s.cycle(1)?;
    s.pass(1, 0);
    s.cycle(0)?;
    check(s.shows(0, "1 2 e"), "the edit is gone")?;
    s.rests_at("1 2 e")
}

/// The deletion is known first, then the edit.
pub fn delete_before_edit(s: &mut Scene) -> Check {
    s.everywhere("1 2")?;
    s.write(0, "1 2 e");
    s.cycle(0)?;
    s.remove(1);
    s.cycle(1)?;
    s.pass(0, 1);
    s.cycle(1)?;
    check(s.shows(1, "1 2 e"), "the edit is gone")?;
    s.rests_at("1 2 e")
}

/// A file is deleted on one machine and made again there with the text it had, while it is edited on another.
pub fn made_again_with_the_same_text(s: &mut Scene) -> Check {
    s.everywhere("1 2")?;
    s.write(1, "1 2 e");
    s.cycle(1)?;
    s.remove(0);
    s.cycle(0)?;
    s.write(0, "1 2");
    s.cycle(0)?;
    check(s.shows(0, "1 2"), "it is not there again")?;
    s.rests_with("1 2 e")
}

/// A course file that the student deleted does not come back with the course's next version.
pub fn deleted_course_file_stays_deleted(s: &mut Scene) -> Check {
    let path = s.path.clone();
    s.world.drop_seed(0, &path, 0, 0);
    s.rest()?;
    s.remove(0);
    s.cycle(0)?;
    s.world.drop_seed(1, &path, 0, 1);
    s.cycle(1)?;
    s.rest()?;
    check(s.shown(0).is_empty() && s.shown(1).is_empty(), "the course brought it back")
}

/// A file is renamed on one machine and edited on another under its old name: the edit follows it.
pub fn renamed_and_edited(s: &mut Scene) -> Check {
    s.everywhere("1 2")?;
    let (path, new) = (s.path.clone(), Name::from("new.md"));
    s.world.rename(0, &path, &new, 1, 2_000);
    s.cycle(0)?;
    s.world.cycle(0, &new, How::default()).map_err(|broken| broken.what)?;
    s.write(1, "1 2 e");
    s.cycle(1)?;
    s.rest()?;
    let all = &s.world.machines[2].work;
    check(all.len() == 1 && all.get(&new) == Some(&text("1 2 e")), "the edit did not follow its file")?;
    check(s.conflicts() == 0, "somebody was asked")
}

/// Renamed twice before anybody else hears of it.
pub fn renamed_twice(s: &mut Scene) -> Check {
    s.everywhere("1 2")?;
    let names = ["notes.md", "b.md", "c.md"].map(Name::from);
    for pair in names.windows(2) {
        s.world.rename(0, &pair[0], &pair[1], 1, 2_000);
        for name in &names {
            s.world.cycle(0, name, How::default()).map_err(|broken| broken.what)?;
        }
    }
    s.rest()?;
    let all = &s.world.machines[2].work;
    check(all.len() == 1 && all.get(&names[2]) == Some(&text("1 2")), "it is not one file of the last name")?;
    let history = s.world.machines[2].ledger.history(&names[2]);
    let moves = history.records().filter(|(_, record)| record.kind == Kind::Move).count();
    check(moves == 2, "its past is lost")?;
    check(s.conflicts() == 0, "somebody was asked")
}

/// Renamed, and another file made under the old name before the old place was looked at again: two files.
pub fn renamed_and_made_again(s: &mut Scene) -> Check {
    s.everywhere("1 2")?;
    let (path, new) = (s.path.clone(), Name::from("new.md"));
    s.world.rename(0, &path, &new, 1, 2_000);
    s.world.cycle(0, &new, How::default()).map_err(|broken| broken.what)?;
    s.write(0, "3 4");
    s.cycle(0)?;
    s.rest()?;
    let all = &s.world.machines[2].work;
    check(all.get(&new) == Some(&text("1 2")), "the renamed file lost its text")?;
    check(all.get(&path) == Some(&text("3 4")), "the new file is lost")
}

/// Two machines that had the same files before they met.
pub fn two_machines_first_run(s: &mut Scene) -> Check {
    for m in 0..3 {
        s.write(m, "1 2 3");
        s.cycle(m)?;
    }
    s.rests_at("1 2 3")?;
    check(s.count(0, Kind::Edit) == 1 && s.count(0, Kind::Merge) == 0, "equal files made several records")?;
    check(s.conflicts() == 0, "somebody was asked")
}

/// Two people answer the same conflict at the same moment, each for their own side: what both wanted to keep stays.
pub fn two_answers_at_once(s: &mut Scene) -> Check {
    conflict(s)?;
    s.pass(0, 1);
    s.cycle(1)?;
    check(s.answer(0, Keep::This) && s.answer(1, Keep::This), "there was nothing to answer")?;
    s.cycle(0)?;
    s.cycle(1)?;
    s.pass(0, 1);
    s.pass(1, 0);
    s.cycle(0)?;
    s.rests_with("1 a b 3")
}

/// An emptied folder is asked about, also after a new file has come into it.
pub fn emptied_folder_asks_until_answered(s: &mut Scene) -> Check {
    s.everywhere("1 2")?;
    let other = Name::from("other.md");
    s.world.save(0, &other, text("o"));
    s.world.cycle(0, &other, How::default()).map_err(|broken| broken.what)?;
    s.world.machines[0].work.clear();
    check(s.cycle(0)?.held, "an emptied folder is not asked about")?;
    let done = s.world.cycle(0, &other, How::default()).map_err(|broken| broken.what)?;
    check(done.held, "an emptied folder is asked about for one file only")?;
    s.world.save(0, &Name::from("third.md"), text("t"));
    s.world.cycle(0, &Name::from("third.md"), How::default()).map_err(|broken| broken.what)?;
    check(s.cycle(0)?.held, "the question was forgotten")?;
    s.rests_at("1 2")
}
