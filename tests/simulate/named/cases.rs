//! The rows of the table of what breaks a plain design, where no other test here is named for them.

use kitbag_core::version::Kind;

use super::scene::{Check, Scene, check};

/// A and B write the same file and the provider keeps B's; C saw A's, then B's bytes before B's record.
pub fn provider_keeps_the_other(s: &mut Scene) -> Check {
    s.everywhere("1 2 3")?;
    s.write(0, "a 1 2 3");
    s.cycle(0)?;
    s.pass(0, 2);
    s.carry(0);
    s.carry(2);
    s.cycle(2)?;
    check(s.shows(2, "a 1 2 3"), "the first did not arrive")?;
    s.write(1, "1 2 3 b");
    s.cycle(1)?;
    s.mirror(2, "1 2 3 b");
    s.cycles(2, 3)?;
    s.rests_with("a 1 2 3 b")
}

/// The record is here and the plain file is old still: the content comes with the record.
pub fn head_arrives_first(s: &mut Scene) -> Check {
    s.everywhere("1 2 3")?;
    s.write(0, "1 2 3 4");
    s.cycle(0)?;
    s.pass(0, 1);
    s.cycle(1)?;
    check(s.shows(1, "1 2 3 4"), "it waits for the plain file")?;
    s.rests_at("1 2 3 4")?;
    check(s.conflicts() == 0, "somebody was asked")
}

/// The plain file is here and its record is not: it settles, and is void when the record comes.
pub fn bytes_arrive_first(s: &mut Scene) -> Check {
    s.everywhere("1 2 3")?;
    s.write(0, "1 2 3 4");
    s.cycle(0)?;
    s.carry(0);
    s.carry(1);
    s.cycles(1, 4)?;
    check(s.shows(1, "1 2 3 4"), "the bytes do not settle")?;
    s.pass(0, 1);
    s.cycle(1)?;
    check(s.heads(1) == 1 && s.count(1, Kind::Merge) == 0, "the guess stays beside the version")?;
    s.rests_at("1 2 3 4")
}

/// Two machines merge at once: the same bytes and the same record.
pub fn two_merge_at_once(s: &mut Scene) -> Check {
    s.everywhere("1 2 3")?;
    s.write(0, "1 2 3 a");
    s.cycle(0)?;
    s.write(1, "1 2 3 b");
    s.cycle(1)?;
    s.records(0);
    s.records(1);
    s.records(0);
    s.cycle(0)?;
    s.cycle(1)?;
    let path = s.path.clone();
    check(s.shown(0) == s.shown(1), "they show different merges")?;
    check(s.world.heads(0, &path) == s.world.heads(1, &path), "they made different records")?;
    s.rest()?;
    check(s.count(0, Kind::Merge) == 1 && s.conflicts() == 0, "one merge is not enough")
}

/// Each machine's merges reach the other only after it has made its own next one. They came to the same content, so
/// nothing more is recorded.
pub fn merges_in_step_end(s: &mut Scene) -> Check {
    s.everywhere("1 2 3")?;
    for (m, lines) in [(0, "a 1 2 3"), (1, "1 2 b 3"), (2, "1 2 3 c")] {
        s.write(m, lines);
        s.cycle(m)?;
    }
    s.records(2);
    // 0 knows of a and c, 1 of b and c
    for m in [0, 1] {
        for file in s.world.side.to_carry(m) {
            if !s.world.side.arrived(m, file) {
                s.world.side.carry(m, file, false);
            }
        }
        s.cycle(m)?;
    }
    let (mut records, mut rounds) = (0, 0);
    loop {
        // both send, then both receive and merge
        let before = s.world.side.files.len();
        for m in [0, 1, 0, 1] {
            s.records(m);
        }
        s.cycle(0)?;
        s.cycle(1)?;
        if s.world.side.files.len() == before {
            break;
        }
        records += 1;
        rounds += 1;
        check(rounds < 10, "they answer each other for ever")?;
    }
    check(records < 5 && s.shown(0) == s.shown(1), "they do not agree")?;
    s.rests_with("a 1 2 b 3 c")?;
    lockstep(s)
}

/// The sharper case: what one sends is always one merge behind.
fn lockstep(s: &mut Scene) -> Check {
    s.write(0, "x a 1 2 b 3 c");
    s.cycle(0)?;
    s.write(1, "a 1 2 b 3 c y");
    s.cycle(1)?;
    s.write(2, "a 1 2 z b 3 c");
    s.cycle(2)?;
    let mut quiet = 0;
    for round in 0..40 {
        let before = s.world.side.files.len();
        let m = round % 3;
        s.records(m);
        s.cycle(m)?;
        quiet = if s.world.side.files.len() == before { quiet + 1 } else { 0 };
        if quiet == 9 {
            return s.rests_with("x a 1 2 z b 3 c y");
        }
    }
    Err("machines that merge in step answer each other for ever".into())
}

/// One of two equal merges is gone on from by a deletion: the other one does not bring the file back.
pub fn deleted_after_equal_merges(s: &mut Scene) -> Check {
    s.everywhere("1 2 3")?;
    for (m, lines) in [(0, "a 1 2 3"), (1, "1 2 b 3"), (2, "1 2 3 c")] {
        s.write(m, lines);
        s.cycle(m)?;
        s.records(m);
    }
    // 0 merges a with b and then c, 2 has c with b first: two chains, one text
    for m in [1, 0, 2, 0, 1] {
        s.records(m);
        s.cycle(m)?;
    }
    s.remove(0);
    s.cycle(0)?;
    s.rest()?;
    check(s.shown(0).is_empty(), "a deleted file is back")
}

/// The one hole of the algorithm: a file of the sidecar is deleted before it was uploaded, and the only ledger that
/// knew it is replaced. The model names it and calls nothing else by that name.
pub fn the_known_hole(s: &mut Scene) -> Check {
    s.everywhere("1 2 3")?;
    s.world.back_up(0);
    let path = s.path.clone();
    let pick = (0..200).find(|pick| {
        pick % 16 != 0 && {
            let mut lines = Vec::new();
            crate::person::change(&mut lines, *pick, 2_000);
            lines.contains(&crate::text::line(2_000))
        }
    });
    s.world.machines[0].work.remove(&path);
    s.world.edit(0, &path, pick.unwrap_or_default(), 2_000);
    s.cycle(0)?;
    for at in (0..s.world.side.files.len()).rev() {
        if s.world.side.to_carry(0).contains(&at) {
            while s.world.side.here[0].has(at) {
                s.world.clean(0, at);
            }
        }
    }
    s.no_mirror(0);
    s.world.restore(0, crate::faults::Restored::All);
    check(s.world.hole, "the hole is not seen")?;
    s.world.come_to_rest().map_err(|failure| failure.to_string())?;
    match s.world.judge() {
        Ok(true) => Ok(()),
        Ok(false) => Err("nothing fell into the hole".into()),
        Err(failure) => Err(format!("it was called something else: {failure}")),
    }
}
