//! Bytes in the mirror that no record explains: phones, web pages, records still on their way.

use crate::faults::PhoneEdit;
use crate::provider::Policy;
use crate::text::Name;

use super::scene::{Check, Scene, check, text};

/// A makes three versions; B's bytes, made of the first, reach A's mirror before B's record does.
pub fn three_against_one(s: &mut Scene) -> Check {
    s.everywhere("1 2 3")?;
    for lines in ["1 a1 2 3", "1 a1 2 a2 3", "1 a1 2 a2 3 a3"] {
        s.write(0, lines);
        s.cycle(0)?;
    }
    s.mirror(0, "1 2 3 b");
    s.cycles(0, 3)?;
    s.rests_with("1 2 3 a1 a2 a3 b")
}

/// The mirror shows unknown bytes, and before they settle the provider replaces them.
pub fn overwritten_while_settling(s: &mut Scene) -> Check {
    s.everywhere("1 2")?;
    s.mirror(0, "1 2 o");
    s.cycle(0)?;
    s.mirror(0, "1 2 p");
    s.cycles(0, 3)?;
    s.rests_with("1 2 o p")
}

/// A scan sees unknown bytes and the machine stops; the provider replaces them.
pub fn crash_then_overwrite(s: &mut Scene) -> Check {
    s.everywhere("1 2")?;
    s.mirror(0, "1 2 o");
    s.stop_after(0, 1)?;
    s.mirror(0, "1 2 p");
    s.cycles(0, 3)?;
    s.rests_with("1 2 o p")
}

/// The first unknown bytes lack a line; the second look nearest to the first. That line is asked about still.
pub fn guess_of_guess(s: &mut Scene) -> Check {
    s.everywhere("1 2 3 4")?;
    s.mirror(1, "1 2 4 x");
    s.cycles(1, 3)?;
    check(s.heads(1) == 2, "bytes that lack a line do not ask")?;
    s.mirror(1, "1 2 4 x y");
    s.cycles(1, 3)?;
    check(s.heads(1) == 2, "a guess made on a guess takes the line out unasked")?;
    s.rests_with("1 2 3 4 x y")
}

/// Two versions of a course file, an edit of the second, bytes near that edit: the lines of the first stay.
pub fn seed_chain(s: &mut Scene) -> Check {
    let path = s.path.clone();
    s.world.drop_seed(0, &path, 0, 0);
    s.rest()?;
    s.world.drop_seed(0, &path, 0, 1);
    s.rest()?;
    let second = s.shown(1);
    check(second.split(' ').count() == 6, "the second version did not arrive")?;
    s.write(1, &format!("{second} e"));
    s.cycle(1)?;
    s.pass(1, 0);
    s.cycle(0)?;
    let first_line = second.split(' ').next().unwrap_or_default().to_owned();
    let rest: Vec<_> = second.split(' ').skip(1).collect();
    s.mirror(0, &format!("{} e o", rest.join(" ")));
    s.cycles(0, 3)?;
    check(s.heads(0) == 2, "a line of the course goes unasked")?;
    s.rests_with(&format!("{first_line} e o"))
}

/// The folder shows unknown bytes as they are and the person deletes them; lines never shown there stay.
pub fn delete_of_unsure(s: &mut Scene) -> Check {
    s.write(0, "1 2 3");
    s.cycle(0)?;
    s.mirror(0, "1 3 o");
    s.cycles(0, 3)?;
    check(s.heads(0) == 2, "bytes that lack a line do not ask")?;
    s.write(1, "1 3 o");
    s.pass(0, 1);
    s.cycle(1)?;
    s.remove(1);
    s.cycle(1)?;
    check(s.shows(1, "1 2 3"), "what was never shown went with it")?;
    s.rests_with("1 2 3")
}

/// A line stands twice in the nearest version and once in the bytes: nobody can tell which was meant.
pub fn duplicate_line_removal(s: &mut Scene) -> Check {
    s.everywhere("x 1 x 2")?;
    s.write(0, "x 1 x 2 3");
    s.cycle(0)?;
    s.mirror(1, "x 1 2");
    s.cycles(1, 3)?;
    check(s.heads(1) == 2, "one of two equal lines goes unasked")?;
    s.rests_with("x 1 2 3")
}

/// Bytes settle before their record; the next version deletes a line of them. It stays deleted, and nobody is asked.
pub fn overtaking_bytes(s: &mut Scene) -> Check {
    s.everywhere("1 2")?;
    s.write(0, "1 2 3");
    s.cycle(0)?;
    s.mirror(1, "1 2 3");
    s.cycles(1, 3)?;
    check(s.shows(1, "1 2 3"), "the bytes did not settle")?;
    s.write(0, "1 2 4");
    s.cycle(0)?;
    s.rests_at("1 2 4")?;
    check(s.conflicts() == 0, "somebody was asked")
}

/// Two machines fold the same conflict copy.
pub fn two_fold_one_copy(s: &mut Scene) -> Check {
    s.world.provider = crate::provider::Provider::new(Policy::Copies, 3);
    s.everywhere("1 2")?;
    let copy = Name::from("notes (PC's conflicted copy 2026-02-03).md");
    for m in 0..2 {
        s.world.machines[m].mirror.insert(copy.clone(), text("1 2 c"));
        s.cycles(m, 3)?;
        check(s.shows(m, "1 2 c"), "the copy is not folded in")?;
        check(!s.world.machines[m].mirror.contains_key(&copy), "the copy is not removed")?;
    }
    s.rests_at("1 2 c")?;
    check(s.conflicts() == 0, "somebody was asked")
}

/// The phone adds a line while a machine changes another: nobody is asked.
pub fn phone_add_beside_change(s: &mut Scene) -> Check {
    s.everywhere("1 2 3 4 5")?;
    s.write(0, "one 2 3 4 5");
    s.cycle(0)?;
    let path = s.path.clone();
    s.world.phone(&path, PhoneEdit::Adds, 4, 2_000);
    s.carry(1);
    s.cycles(1, 3)?;
    s.rests_at("one 2 3 4 L002000 5")?;
    check(s.conflicts() == 0, "somebody was asked")
}

/// The phone changes one line: exactly one question.
pub fn phone_change_line(s: &mut Scene) -> Check {
    s.everywhere("1 2 3")?;
    s.world.provider.phone(&s.path, Some(text("1 two 3")));
    s.carry(1);
    s.cycles(1, 3)?;
    s.rests_with("1 2 two 3")?;
    check(s.conflicts() == 1 && s.world.tally.answers == 1, "it was not exactly one question")
}

/// Somebody restores an old version on the provider's page: it is written over three times, then left and said.
pub fn restored_on_the_web(s: &mut Scene) -> Check {
    s.everywhere("1")?;
    s.write(0, "1 2");
    s.cycle(0)?;
    s.rests_at("1 2")?;
    for _ in 0..3 {
        s.mirror(0, "1");
        check(s.cycle(0)?.wrote, "an old version is not written over")?;
        check(s.world.machines[0].mirror.get(&s.path) == Some(&text("1 2")), "not written over")?;
        // the provider brings it before anybody has looked again
    }
    s.mirror(0, "1");
    let done = s.cycle(0)?;
    check(done.held && !done.wrote, "it goes on for ever")?;
    s.rests_at("1 2")
}
