//! Single stories that once lost something, told at every call they can be interrupted at.

use std::sync::Arc;

use kitbag_engine::sync::Request;
use kitbag_engine::workspace::Config;

use crate::Options;
use crate::computer::{Computer, Deed, Down, Meanwhile, room};
use crate::large::{Large, SMALL, carry_all};
use crate::provider::{Policy, Provider};

/// A file is renamed, the sync that records it is killed, and a new file takes the old name: it is a file of its own, and
/// what stands in the renamed one stays. First tier: a kill at every disk call.
pub fn renamed_and_the_name_used_again(_: &Options) -> Result<(), String> {
    let room = room();
    let config = Config { outside_settle_seconds: 0, threads: 1, lock_wait_seconds: 0, ..Config::default() };
    let say = |error: kitbag_engine::EngineError| error.to_string();
    let mut computer = Computer::new(room.path(), "ONE", 1, config);
    let write = |computer: &Computer, name: &str, text: &str| {
        computer
            .disk
            .place_file(&computer.work.join(name), text.as_bytes())
            .map_err(|error| error.to_string())
    };
    write(&computer, "notes.md", "Lfirst.\nLsecond.\n")?;
    write(&computer, "other.md", "Lother.\n")?;
    computer.sync(Request::default()).map_err(say)?;
    computer.disk.take_away(&computer.work.join("notes.md")).map_err(|error| error.to_string())?;
    write(&computer, "renamed.md", "Lfirst.\nLsecond.\n")?;
    computer.close();
    let (disk, ledger) = (computer.disk.clone(), computer.ledger_files());
    for nth in 1.. {
        let mut again = computer.twin(&disk, &ledger, nth);
        again.open().map_err(say)?;
        let what =
            Meanwhile { dies_at: Some(nth), before_commit: nth.is_multiple_of(2), ..Meanwhile::default() };
        let whole = again.meanwhile(what, |computer| computer.sync(Request::default())).is_some();
        again.down(Down::Killed);
        write(&again, "notes.md", "Lanother.\n")?;
        for _ in 0..2 {
            again.sync(Request::default()).map_err(say)?;
        }
        let shows = |name: &str| {
            let bytes = again.disk.peek(&again.work.join(name)).unwrap_or_default();
            String::from_utf8_lossy(&bytes).into_owned()
        };
        if (shows("notes.md").as_str(), shows("renamed.md").as_str())
            != ("Lanother.\n", "Lfirst.\nLsecond.\n")
        {
            return Err(format!("killed at call {nth}: {:?}, {:?}", shows("notes.md"), shows("renamed.md")));
        }
        if whole {
            return if nth > 50 { Ok(()) } else { Err(format!("the sync took only {nth} calls")) };
        }
    }
    Ok(())
}

/// A program has a file open and goes on adding to it while another machine's version takes its place: each line it
/// writes, during that sync, after it and after the next, is there in the end, once. First tier: a line before every disk
/// call.
pub fn held_open_while_swapped(_: &Options) -> Result<(), String> {
    for nth in 1.. {
        let came = held_open(nth).map_err(|why| format!("a line before call {nth}: {why}"))?;
        if !came {
            return if nth > 50 { Ok(()) } else { Err(format!("the sync took only {nth} calls")) };
        }
    }
    Ok(())
}

/// Whether the sync took so many calls.
fn held_open(nth: u64) -> Result<bool, String> {
    let room = room();
    let config = Config { outside_settle_seconds: 0, threads: 1, lock_wait_seconds: 0, ..Config::default() };
    let computer = |name: &str, seed| Computer::new(&room.path().join(name), name, seed, config.clone());
    let (mut first, mut second) = (computer("ONE", 1), computer("TWO", 2));
    first.disk.set_exchange(nth.is_multiple_of(2));
    let mut provider = Provider::new(Policy::Copies, 2);
    let io = |error: std::io::Error| error.to_string();
    let sync = |computer: &mut Computer| computer.sync(Request::default()).map_err(|error| error.to_string());
    let lines: String = (0..9).map(|n| format!("L{n}.\n")).collect();
    let (file, theirs) = (first.work.join("notes.md"), format!("Ltheirs.\n{lines}"));
    first.disk.place_file(&file, lines.as_bytes()).map_err(io)?;
    sync(&mut first)?;
    carry_all(&mut provider, 0, &first);
    carry_all(&mut provider, 1, &second);
    sync(&mut second)?;
    second.disk.place_file(&second.work.join("notes.md"), theirs.as_bytes()).map_err(io)?;
    sync(&mut second)?;
    carry_all(&mut provider, 1, &second);
    carry_all(&mut provider, 0, &first);

    let logger = Arc::new(first.disk.hold(&file).map_err(io)?);
    let (during, before) = (logger.clone(), first.disk.calls());
    let deed: Deed = Box::new(move |_| during.append(b"Lduring.\n").expect("an open file"));
    let what = Meanwhile { deed: Some((nth, deed)), ..Meanwhile::default() };
    let done = first.meanwhile(what, |computer| computer.sync(Request::default()));
    done.ok_or("it died")?.map_err(|error| error.to_string())?;
    let came = nth <= first.disk.calls() - before;
    for line in ["Lafter.\n", "Llater.\n"] {
        logger.append(line.as_bytes()).map_err(io)?;
        sync(&mut first)?;
    }
    drop(logger);
    for _ in 0..3 {
        sync(&mut first)?;
        carry_all(&mut provider, 0, &first);
        carry_all(&mut provider, 1, &second);
        sync(&mut second)?;
        carry_all(&mut provider, 1, &second);
        carry_all(&mut provider, 0, &first);
    }
    let during = if came { "Lduring.\n" } else { "" };
    let wanted = format!("{theirs}{during}Lafter.\nLlater.\n");
    for computer in [&first, &second] {
        let there = computer.disk.peek(&computer.work.join("notes.md")).unwrap_or_default();
        if *there != wanted.as_bytes() {
            return Err(String::from_utf8_lossy(&there).into_owned());
        }
    }
    match first.temporaries() {
        left if left.is_empty() => Ok(came),
        left => Err(format!("left: {left:?}")),
    }
}

/// A sync that brings another machine's version is killed, and the person goes on with what is shown by then: their edit is
/// one of the version they saw, and no question. First tier: a kill at every disk call.
pub fn brought_and_gone_on_with(_: &Options) -> Result<(), String> {
    let room = room();
    let config = Config { outside_settle_seconds: 0, threads: 1, lock_wait_seconds: 0, ..Config::default() };
    let computer = |name: &str, seed| Computer::new(&room.path().join(name), name, seed, config.clone());
    let (mut first, mut second) = (computer("ONE", 1), computer("TWO", 2));
    let mut provider = Provider::new(Policy::Copies, 2);
    let io = |error: std::io::Error| error.to_string();
    let sync = |computer: &mut Computer| computer.sync(Request::default()).map_err(|error| error.to_string());
    let file = first.work.join("notes.md");
    first.disk.place_file(&file, b"L0.\nL1.\nL2.\n").map_err(io)?;
    sync(&mut first)?;
    carry_all(&mut provider, 0, &first);
    carry_all(&mut provider, 1, &second);
    sync(&mut second)?;
    second.disk.place_file(&second.work.join("notes.md"), b"L0.\nLtheirs.\nL2.\n").map_err(io)?;
    sync(&mut second)?;
    carry_all(&mut provider, 1, &second);
    carry_all(&mut provider, 0, &first);
    first.close();
    let (disk, ledger, mut gone_on) = (first.disk.clone(), first.ledger_files(), 0);
    for nth in 1.. {
        let mut again = first.twin(&disk, &ledger, nth);
        let what =
            Meanwhile { dies_at: Some(nth), before_commit: nth.is_multiple_of(2), ..Meanwhile::default() };
        let whole = again.meanwhile(what, |computer| computer.sync(Request::default())).is_some();
        again.down(Down::Killed);
        let shown = again.disk.peek(&file).unwrap_or_default();
        let mut wanted = String::from_utf8_lossy(&shown).replace("Ltheirs.", "Lthen mine.");
        if wanted.contains("mine") {
            again.disk.overwrite(&file, wanted.as_bytes()).map_err(io)?;
            gone_on += 1;
        } else {
            wanted = "L0.\nLtheirs.\nL2.\n".into();
        }
        for _ in 0..2 {
            let report = sync(&mut again)?;
            if report.conflicts > 0 {
                return Err(format!("killed at call {nth}, and asked: {report:?}"));
            }
        }
        let shown = again.disk.peek(&file).unwrap_or_default();
        if *shown != wanted.as_bytes() {
            return Err(format!("killed at call {nth}: {:?}", String::from_utf8_lossy(&shown)));
        }
        if whole {
            return if gone_on > 5 { Ok(()) } else { Err(format!("only {gone_on} times")) };
        }
    }
    Ok(())
}

/// The power goes while the workspace is made: where settings stand, the folders they name do too, and all goes on from
/// there. First tier: a cut at every disk call, with several outcomes.
pub fn cut_while_it_is_set_up(_: &Options) -> Result<(), String> {
    let config = Config { outside_settle_seconds: 0, threads: 1, lock_wait_seconds: 0, ..Config::default() };
    for nth in 1.. {
        let mut whole = false;
        for seed in 0..8 {
            let told = |why: String| format!("cut at call {nth}, seed {seed}: {why}");
            let room = room();
            let mut computer = Computer::new(room.path(), "ONE", 1, config.clone());
            let what = Meanwhile { dies_at: Some(nth), ..Meanwhile::default() };
            let made = computer.meanwhile(what, |computer| computer.open().map(drop));
            whole |= made.transpose().map_err(|error| told(error.to_string()))?.is_some();
            computer.down(Down::Power(seed));
            let there = |folder| computer.disk.peek_names(folder).is_some();
            if computer.is_set_up() && !(there(&computer.work) && there(&computer.share)) {
                return Err(told("the settings name a folder that is gone".into()));
            }
            for _ in 0..2 {
                computer.sync(Request::default()).map_err(|error| told(error.to_string()))?;
            }
        }
        if whole {
            return if nth > 20 { Ok(()) } else { Err(format!("only {nth} calls")) };
        }
    }
    Ok(())
}

/// A sync is killed, and the power goes in the one after it: what the first wrote was believed by the second, and must not
/// be taken away by the cut. First tier.
pub fn killed_then_cut(options: &Options) -> Result<(), String> {
    let room = room();
    let small = Large::new(room.path(), SMALL)?;
    let (every, mut states) = (if options.full { 1 } else { 5 }, 0);
    for first in (1..).step_by(every) {
        let mut killed = small.begin(first as u64);
        killed.open().map_err(|error| error.to_string())?;
        if !dies(&mut killed, first) {
            println!("killed_then_cut: {states} states");
            return if states > 500 { Ok(()) } else { Err(format!("only {states} states")) };
        }
        killed.down(Down::Killed);
        let (disk, ledger) = (killed.disk.copy(killed.clock.clone()), killed.ledger_files());
        for second in (1 + first % every..).step_by(2 * every + 1) {
            let mut cut = killed.twin(&disk, &ledger, second as u64);
            cut.open().map_err(|error| error.to_string())?;
            let died = dies(&mut cut, second);
            cut.down(Down::Power((first << 16 | second) as u64));
            states += 1;
            let recovered = small.recover(&mut cut, false);
            recovered.map_err(|why| format!("killed at call {first}, power cut at {second}: {why}"))?;
            if !died {
                break;
            }
        }
    }
    Ok(())
}

fn dies(computer: &mut Computer, nth: usize) -> bool {
    let what = Meanwhile { dies_at: Some(nth as u64), ..Meanwhile::default() };
    computer.meanwhile(what, |computer| computer.sync(Request::default())).is_none()
}
