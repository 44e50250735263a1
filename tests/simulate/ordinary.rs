//! Ordinary use: one person on two machines on alternating days, with a provider that brings everything in time, for
//! sixty days. Nobody is ever asked anything, nothing is written twice, no removed line comes back. A phone that only
//! adds asks nothing either.

use crate::chance::Chance;
use crate::cycle::How;
use crate::form::Form;
use crate::provider::Policy;
use crate::text::{Name, TYPED, Token};
use crate::world::World;

const DAYS: u64 = 60;
/// For each policy of the provider.
const PEOPLE: u64 = 40;

/// Everything is carried and taken in at one machine.
fn synchronise(world: &mut World, m: usize, paths: &[Name]) -> Result<(), String> {
    for _ in 0..3 {
        for file in world.side.to_carry(m) {
            world.side.carry(m, file, false);
        }
        for name in world.provider.names(m, &world.machines[m].mirror) {
            world.carry_name(m, &name);
        }
        for path in paths {
            let done = world.cycle(m, path, How::default()).map_err(|broken| broken.what)?;
            if done.conflict || done.held {
                return Err(format!("asks about {path}: {done:?}"));
            }
        }
    }
    Ok(())
}

fn sixty_days(seed: u64, policy: Policy, phone: bool) -> Result<u64, String> {
    let mut chance = Chance::new(seed);
    let settle = [0, 2, 5][chance.below(3)];
    let mut world = World::new(2, policy, settle, Form::Lines, None, false);
    let paths: Vec<Name> = ["notes.md", "data/table.csv", "src/a.py"].map(Name::from).into();
    let mut mark: Token = TYPED;
    let mut edits = 0;
    for day in 0..DAYS {
        let m = (day % 2) as usize;
        synchronise(&mut world, m, &paths).map_err(|what| format!("morning of day {day}: {what}"))?;
        for _ in 0..1 + chance.below(12) {
            let path = &paths[chance.below(paths.len())];
            mark += 4;
            match chance.below(12) {
                // the last files of a folder are not thrown away without a question
                0 if world.machines[m].work.len() > 2 => world.delete(m, path),
                _ => world.edit(m, path, chance.next() as u32, mark),
            }
            edits += 1;
            if chance.percent(60) {
                let done = world.cycle(m, path, How::default()).map_err(|broken| broken.what)?;
                if done.conflict || done.held {
                    return Err(format!("day {day}: asks about {path}: {done:?}"));
                }
            }
        }
        synchronise(&mut world, m, &paths).map_err(|what| format!("evening of day {day}: {what}"))?;
        // the other machine's client runs overnight, kitbag may
        for file in world.side.to_carry(1 - m) {
            world.side.carry(1 - m, file, false);
        }
        if phone && chance.percent(50) {
            mark += 4;
            let path = paths[chance.below(paths.len())].clone();
            world.phone(&path, crate::faults::PhoneEdit::Adds, chance.next() as u32, mark);
        }
    }
    world.come_to_rest().map_err(|failure| failure.to_string())?;
    let hole = world.judge().map_err(|failure| failure.to_string())?;
    let cost = world.tally;
    if hole || cost.genuine + cost.needless + cost.answers + cost.returned > 0 {
        return Err(format!("it cost people something: {cost:?}"));
    }
    Ok(edits)
}

/// Many people's sixty days.
pub fn ordinary_use() -> Result<(), String> {
    everybody(false)
}

/// With a phone that only adds.
pub fn ordinary_use_with_a_phone_that_adds() -> Result<(), String> {
    everybody(true)
}

fn everybody(phone: bool) -> Result<(), String> {
    let mut edits = 0;
    for seed in 0..PEOPLE {
        for policy in [Policy::LastWriter, Policy::Copies, Policy::Twins] {
            edits +=
                sixty_days(seed, policy, phone).map_err(|what| format!("seed {seed}, {policy:?}: {what}"))?;
        }
    }
    println!(
        "{edits} edits in {DAYS} days of {} people: 0 conflicts, 0 questions, 0 returned lines",
        3 * PEOPLE
    );
    Ok(())
}
