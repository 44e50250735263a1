//! Renames and edits by chance.

use super::*;

const SEEDS: std::ops::RangeInclusive<u64> = 1..=150;

/// Any mixture of renames and edits on up to four machines comes to an end, and no line of an edit is gone: nobody
/// deletes any here. What fails names its seed.
#[test]
fn any_mixture_ends_and_loses_nothing() {
    for seed in SEEDS {
        let mut next = chance(seed);
        let mut all = World::default();
        let names = ["x", "y", "z"];
        all.edit("x", "base\n", &[]);
        all.edit("y", "other\n", &[]);
        let mut machines: Vec<World> = (0..2 + next(3)).map(|_| all.clone()).collect();
        let mut lines = Vec::new();
        for step in 0..6 + next(8) {
            let count = machines.len();
            let machine = &mut machines[next(count)];
            machine.settle();
            let shows = |world: &World, at: &str| -> Vec<RecordId> {
                let history = world.history(at);
                history
                    .heads()
                    .into_iter()
                    .filter(|id| history.content(*id) != Some(Content::Deleted))
                    .collect()
            };
            let (from, to) = (names[next(3)], names[next(3)]);
            match (shows(machine, from).as_slice(), shows(machine, to).as_slice(), next(5)) {
                ([one], [], 0..=2) => {
                    let gone = machine.history(to).heads();
                    let gone = gone.into_iter().filter(|id| machine.records[id].path == path(to));
                    let content = machine.records[one].content;
                    let parents: Vec<_> = gone.chain([*one]).collect();
                    machine.add(Record::new(path(to), content, Kind::Move, parents));
                }
                ([one], _, 0..=3) => {
                    let id = machine.records[one].content.id().unwrap();
                    let before = String::from_utf8(machine.contents[&id].to_vec()).unwrap();
                    let line = format!("line {step}\n");
                    let text =
                        if next(2) == 0 { format!("{line}{before}") } else { format!("{before}{line}") };
                    machine.edit(from, &text, &[*one]);
                    lines.push(line);
                }
                _ => {
                    let other = machines[next(count)].clone();
                    let machine = &mut machines[next(count)];
                    machine.receive(&other);
                }
            }
        }
        machines.iter().for_each(|machine| all.receive(machine));
        // what is derived in another order is other records, and comes to the same in the end
        let mut backwards = all.clone();
        all.settle();
        backwards.paths().iter().rev().for_each(|at| backwards.reduce(at));
        backwards.settle();
        all.receive(&backwards);
        all.settle();
        let shown: String = all.shows().into_values().flatten().collect();
        for line in lines {
            assert!(shown.contains(&line), "seed {seed}: {line:?} is gone: {:#?}", all.shows());
        }
    }
}
