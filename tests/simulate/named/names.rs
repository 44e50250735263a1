//! Names that differ only in case, or in how their accents are written. To the planner they are two paths; a place that
//! takes them for one is given one of them as a twin, and nothing meets.

use kitbag_core::names::{Names, decode};
use kitbag_core::path::folded;
use kitbag_core::version::Kind;

use crate::cycle::How;
use crate::machine::work_path;
use crate::text::Name;

use super::scene::{Check, Scene, check, text};

/// Only the case of the name is changed: the file goes on, everywhere, and nothing is asked.
pub fn renamed_in_case_only(s: &mut Scene) -> Check {
    s.everywhere("1 2")?;
    let (path, new) = (s.path.clone(), Name::from("Notes.md"));
    check(folded(&path) == folded(&new), "the names differ in more than case")?;
    s.world.rename(0, &path, &new, 1, 2_000);
    for name in [&path, &new] {
        s.world.cycle(0, name, How::default()).map_err(|broken| broken.what)?;
    }
    s.write(1, "1 2 e");
    s.cycle(1)?;
    s.rest()?;
    for machine in &s.world.machines {
        let all = &machine.work;
        check(all.len() == 1 && all.get(&new) == Some(&text("1 2 e")), "it is not one file of the new name")?;
    }
    let history = s.world.machines[2].ledger.history(&new);
    check(history.records().any(|(_, record)| record.kind == Kind::Move), "its past is lost")?;
    check(s.conflicts() == 0, "somebody was asked")
}

/// Two machines make files that some systems take for one: both stay, with their own texts and pasts.
pub fn twins_in_case_and_accents(s: &mut Scene) -> Check {
    let twins = [
        ("Part.md", "part.md"),
        ("caf\u{e9}.md", "cafe\u{301}.md"),
        ("\u{c9}t\u{e9}.md", "\u{e9}t\u{e9}.md"),
    ];
    for (one, other) in twins {
        check(folded(one) == folded(other), "they are no twins")?;
        for (m, name) in [(0, one), (1, other)] {
            let name = Name::from(name);
            s.world.save(m, &name, text(&format!("of {m}")));
            s.world.cycle(m, &name, How::default()).map_err(|broken| broken.what)?;
        }
        // what is written into a place that folds names: one as it is, the other as a twin
        let (one_path, other_path) = (work_path(one), work_path(other));
        let (plain, twin) = (Names::CLOUD.place(&one_path, false), Names::CLOUD.place(&other_path, true));
        check(folded(&plain) != folded(&twin), "the written names are one")?;
        check(decode(&plain) == one && decode(&twin) == other, "a name does not come back")?;
    }
    s.rest()?;
    for machine in &s.world.machines {
        check(machine.work.len() == 2 * twins.len(), "a file is missing, or there is one too many")?;
        for (one, other) in twins {
            let shows = |name: &str, m| machine.work.get(name) == Some(&text(&format!("of {m}")));
            check(shows(one, 0) && shows(other, 1), "two files were mixed")?;
        }
    }
    check(s.conflicts() == 0, "somebody was asked")
}
