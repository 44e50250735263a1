//! A version got out, was seen by another machine, and then its pack was lost everywhere: the power went at the machine
//! that had made it before the pack was durable, and its cloud program took the loss for a deletion.

use kitbag_engine::sync::{Keep, Request};
use kitbag_engine::workspace::Config;
use kitbag_platform::clock::Clock;

use crate::Options;
use crate::computer::{Computer, Down, Meanwhile, room};
use crate::large::carry_all;
use crate::provider::{Policy, Provider};
use crate::rest::unfinished;

/// The machine that made it has gone on with the file. Nobody waits for ever, nothing of either person is lost, and one's
/// own older version is no question. First tier: a kill at every disk call, and several cuts after each.
pub fn lost_after_it_was_carried(_: &Options) -> Result<(), String> {
    let mut lost = 0;
    for nth in 1.. {
        let mut whole = false;
        for seed in 0..3 {
            for question in [false, true] {
                let told = |why| format!("killed at call {nth}, seed {seed}, question {question}: {why}");
                let ended = story(nth, seed, question).map_err(told)?;
                whole |= ended.whole;
                lost += usize::from(ended.lost);
            }
        }
        if whole {
            println!("lost_after_it_was_carried: {nth} calls, a pack lost in {lost} stories");
            return if nth > 50 && lost > 3 { Ok(()) } else { Err(format!("{nth} calls, {lost} losses")) };
        }
    }
    Ok(())
}

struct Ended {
    /// The sync was not killed.
    whole: bool,
    /// The cut took a part of the history.
    lost: bool,
}

fn story(nth: u64, seed: u64, question: bool) -> Result<Ended, String> {
    let room = room();
    let config = Config { outside_settle_seconds: 0, threads: 1, lock_wait_seconds: 0, ..Config::default() };
    let computer = |name: &str, seed| Computer::new(&room.path().join(name), name, seed, config.clone());
    let (mut first, mut second) = (computer("ONE", 1), computer("TWO", 2));
    let mut provider = Provider::new(Policy::Copies, 2);
    let write = |computer: &Computer, text: &str| {
        let file = computer.work.join("notes.md");
        computer.disk.place_file(&file, text.as_bytes()).map_err(|error| error.to_string())
    };
    let sync = |computer: &mut Computer| computer.sync(Request::default()).map_err(|error| error.to_string());
    // which of two open versions is shown in the cloud folder goes by their ids, and so by what is in them
    let theirs = format!("Ltheirs{seed}.");
    write(&first, "L0.\nL1.\nL2.\nL3.\n")?;
    sync(&mut first)?;
    carry_all(&mut provider, 0, &first);
    carry_all(&mut provider, 1, &second);
    sync(&mut second)?;
    carry_all(&mut provider, 1, &second);
    carry_all(&mut provider, 0, &first);
    sync(&mut first)?;

    // a sync is killed, what it wrote is carried, and another machine takes it in beside its own version
    write(&first, "L0.\nLmine.\nL2.\nL3.\n")?;
    let what = Meanwhile { dies_at: Some(nth), ..Meanwhile::default() };
    let whole = first.meanwhile(what, |computer| computer.sync(Request::default())).is_some();
    first.down(Down::Killed);
    if question {
        write(&second, &format!("L0.\n{theirs}\nL2.\nL3.\n"))?;
        sync(&mut second)?;
    }
    carry_all(&mut provider, 0, &first);
    carry_all(&mut provider, 1, &second);
    sync(&mut second)?;
    // the person goes on, the power goes, and what it took is deleted everywhere
    write(&first, "L0.\nLmine, later.\nL2.\nL3.\n")?;
    let before = provider.names(&first).len();
    first.down(Down::Power(seed));
    carry_all(&mut provider, 0, &first);
    let lost = provider.names(&first).len() < before;
    carry_all(&mut provider, 1, &second);
    let mut last = String::new();
    for round in 0..8 {
        let mut moved = false;
        for (at, computer) in [&mut second, &mut first].into_iter().enumerate() {
            carry_all(&mut provider, 1 - at, computer);
            computer.clock.sleep(3 * 3600 * 1000);
            let report = sync(computer)?;
            if let Some(what) = unfinished(&report) {
                (moved, last) = (true, what);
            }
            if report.conflicts > 0 {
                if !question {
                    return Err(format!("a question about one's own work: {report:?}"));
                }
                let path = kitbag_core::path::WorkPath::parse("notes.md").map_err(|e| e.to_string())?;
                // one side cannot be read yet: another time
                if let Err(error) = computer.answer(&path, &Keep::Both) {
                    last = error.to_string();
                }
            }
            carry_all(&mut provider, 1 - at, computer);
        }
        if !moved && round > 2 {
            break;
        }
        last = format!("it does not end: {last}");
    }
    let shown = |computer: &Computer| {
        let bytes = computer.disk.peek(&computer.work.join("notes.md")).unwrap_or_default();
        String::from_utf8_lossy(&bytes).into_owned()
    };
    let (here, there) = (shown(&first), shown(&second));
    if here != there || last.starts_with("it does not") && unfinished(&sync(&mut first)?).is_some() {
        return Err(format!("{here:?} and {there:?}; {last}"));
    }
    for line in ["Lmine, later.", if question { theirs.as_str() } else { "L0." }] {
        if here.lines().filter(|other| *other == line).count() != 1 {
            return Err(format!("{line} in {here:?}"));
        }
    }
    if here.lines().any(|line| line == "Lmine.") {
        return Err(format!("one's own older line is back: {here:?}"));
    }
    Ok(Ended { whole, lost })
}
