//! What the share does between and during cycles: it overtakes, overwrites, vanishes and is cleaned.

use kitbag_core::plan::AbsenceAnswer;

use crate::cycle::Gap;
use crate::sidecar::Immutable;
use crate::text::Blob;

use super::scene::{Check, Scene, check, text};

/// Brings a record and its content to a machine, and nothing else.
fn bring(s: &mut Scene, m: usize, blob: &Blob) -> bool {
    let content = s.world.side.find_content(blob.id()).map(|(file, _)| file);
    let is = |file: &Immutable| matches!(file, Immutable::Record { record, .. } if record.content.id() == Some(blob.id()));
    let record = s.world.side.files.iter().position(is);
    for file in content.into_iter().chain(record) {
        s.world.side.carry(m, file, false);
    }
    content.is_some() && record.is_some()
}

/// A version arrives before the one it comes from: nothing is made of it until that is here.
pub fn child_before_parent(s: &mut Scene) -> Check {
    s.everywhere("1 2 3")?;
    s.write(0, "1 2 3 4");
    s.cycle(0)?;
    s.write(0, "1 2 3 4 5");
    s.cycle(0)?;
    s.records(0);
    s.write(1, "0 1 2 3");
    check(bring(s, 1, &text("1 2 3 4 5")), "there is no such version")?;
    s.cycle(1)?;
    check(s.shows(1, "0 1 2 3") && s.heads(1) == 1, "a version counted without what it comes from")?;
    s.rests_at("0 1 2 3 4 5")
}

/// The provider brings a file between our look and our write.
pub fn download_before_write(s: &mut Scene) -> Check {
    s.everywhere("1 2 3")?;
    s.world.provider.phone(&s.path, Some(text("1 2 3 p")));
    s.write(0, "0 1 2 3");
    s.with_gap(0, Gap::Download)?;
    s.rests_at("0 1 2 3 p")
}

/// The person saves between our look and our write.
pub fn save_before_write(s: &mut Scene) -> Check {
    s.everywhere("1 2 3")?;
    s.write(1, "1 2 3 r");
    s.cycle(1)?;
    s.pass(1, 0);
    // drawn so that it inserts one new line
    let inserts = (0..200).find(|pick| {
        let mut lines = text("1 2 3").lines();
        crate::person::change(&mut lines, *pick, 2_000);
        lines.len() == 4 && lines.contains(&crate::text::line(2_000)) && pick % 16 != 0
    });
    s.with_gap(0, Gap::Save(inserts.unwrap_or_default(), 2_000))?;
    s.rests_with("1 2 3 r L002000")
}

/// A machine stops right after it wrote: what it replaced is in the history.
pub fn record_before_overwrite(s: &mut Scene) -> Check {
    s.everywhere("1 2 3")?;
    s.write(1, "1 2 3 r");
    s.cycle(1)?;
    s.pass(1, 0);
    s.write(0, "e 1 2 3");
    for steps in 0..12 {
        s.stop_after(0, steps)?;
    }
    s.rests_at("e 1 2 3 r")
}

/// A machine is killed when a version is in the share and the ledger has not heard of it; the person goes on from it.
pub fn killed_before_the_ledger_heard(s: &mut Scene) -> Check {
    s.everywhere("1 2 3")?;
    s.write(0, "1 2 3 4");
    s.stop_after(0, 3)?;
    check(s.world.side.to_carry(0).len() == 2, "the version did not get out, or the ledger heard of it")?;
    s.write(0, "1 2 3 four 5");
    s.cycle(0)?;
    s.rests_at("1 2 3 four 5")?;
    check(s.conflicts() == 0, "somebody was asked")
}

fn vanish(s: &mut Scene) -> Check {
    s.everywhere("1 2 3")?;
    s.no_mirror(1);
    for _ in 0..8 {
        let done = s.cycle(1)?;
        check(!done.wrote && done.records == 0, "an absence decided something by itself")?;
    }
    check(s.cycle(1)?.held, "nobody is asked")?;
    check(s.shows(1, "1 2 3"), "the file is gone")
}

/// A file vanishes from the mirror for a while and comes back.
pub fn absence_blip(s: &mut Scene) -> Check {
    vanish(s)?;
    s.mirror(1, "1 2 3");
    check(s.cycle(1)?.is_still(), "it is asked about still")?;
    s.rests_at("1 2 3")
}

/// Deleted by phone, and the person wants it back.
pub fn phone_delete_put_back(s: &mut Scene) -> Check {
    vanish(s)?;
    s.answer_absence(1, AbsenceAnswer::Restore)?;
    check(s.world.machines[1].mirror.contains_key(&s.path), "it is not put back")?;
    s.rests_at("1 2 3")
}

/// Deleted by phone, and the person says so.
pub fn phone_delete_accepted(s: &mut Scene) -> Check {
    vanish(s)?;
    let path = s.path.clone();
    s.world.provider.phone(&path, None);
    s.answer_absence(1, AbsenceAnswer::Accept)?;
    check(s.shown(1).is_empty(), "it is not deleted")?;
    s.rest()?;
    check(s.shown(0).is_empty() && s.shown(2).is_empty(), "it came back")
}

/// Somebody cleans the sidecar everywhere: it is written back from what machines know.
pub fn cleaned_sidecar(s: &mut Scene) -> Check {
    s.everywhere("1 2 3")?;
    s.write(0, "1 2 3 4");
    s.cycle(0)?;
    while s.world.side.clean(0, 0).is_some() {}
    s.rests_at("1 2 3 4")?;
    check(!s.world.side.here[2].clone().eq(&crate::sidecar::Bits::default()), "the sidecar stays empty")
}

/// A record has arrived by half: it has not arrived.
pub fn half_arrived_record(s: &mut Scene) -> Check {
    s.everywhere("1 2 3")?;
    s.write(0, "1 2 3 4");
    s.cycle(0)?;
    s.records(0);
    for file in s.world.side.to_carry(1) {
        s.world.side.carry(1, file, true);
    }
    s.cycle(1)?;
    check(s.shows(1, "1 2 3") && s.heads(1) == 1, "half a record counted")?;
    s.records(1);
    s.cycle(1)?;
    check(s.shows(1, "1 2 3 4"), "the whole record does not count")?;
    s.rests_at("1 2 3 4")
}

/// While nobody knows what the mirror's bytes are, they are not written over, though a newer version waits.
pub fn unexplained_bytes_stay(s: &mut Scene) -> Check {
    s.everywhere("1 2 3")?;
    s.world.settle = 5;
    s.mirror(0, "1 2 3 o");
    s.write(0, "0 1 2 3");
    s.cycle(0)?;
    check(s.world.machines[0].mirror.get(&s.path) == Some(&text("1 2 3 o")), "they are gone")?;
    s.rests_at("0 1 2 3 o")
}
