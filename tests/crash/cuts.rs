//! The power goes in the middle of a large sync. One sync is watched, and before each call that changes something the disk
//! and the ledger are copied as they are. From each such moment several outcomes are drawn of what was not durable, and
//! after each the next sync must finish the work as if nothing had been.

use std::sync::{Arc, Mutex};
use std::time::Instant;

use kitbag_engine::sync::Request;
use kitbag_platform::clock::SimulatedClock;
use kitbag_platform::disk::{Call, SimulatedDisk};

use crate::Options;
use crate::computer::{Computer, Down, LedgerFiles, room};
use crate::large::{LARGE, Large};
use crate::whole::shared_out;

/// Every landing looks at so many states after a power cut, and more than that.
const STATES: usize = 10_000;
const FULL_STATES: usize = 100_000;
/// In one state of so many the second computer takes everything in as well.
const FAR: usize = 40;

/// A moment of the sync.
struct Moment {
    call: u64,
    disk: SimulatedDisk,
    ledger: Arc<LedgerFiles>,
    /// As it was one call earlier, if something was committed since: the power may go between a call and the commit that
    /// tells of it.
    before_commit: Option<Arc<LedgerFiles>>,
}

/// Watch one sync.
fn moments(computer: &mut Computer) -> Result<Vec<Moment>, String> {
    let seen: Arc<Mutex<Vec<Moment>>> = Arc::default();
    let (notes, state) = (seen.clone(), computer.state());
    let last: Mutex<Option<(Vec<u8>, Arc<LedgerFiles>)>> = Mutex::default();
    computer.open().map_err(|error| error.to_string())?;
    computer.disk.watch(Some(Box::new(move |disk: &SimulatedDisk, call: Call| {
        let mut last = last.lock().unwrap();
        let commits = LedgerFiles::commits(&state);
        let same = last.as_ref().filter(|(at, _)| *at == commits).map(|(_, ledger)| ledger.clone());
        let before_commit =
            if same.is_some() { None } else { last.as_ref().map(|(_, ledger)| ledger.clone()) };
        let ledger = same.unwrap_or_else(|| Arc::new(LedgerFiles::take(&state)));
        *last = Some((commits, ledger.clone()));
        if call.mutates || before_commit.is_some() {
            let disk = disk.copy(SimulatedClock::new(0));
            notes.lock().unwrap().push(Moment { call: call.before, disk, ledger, before_commit });
        }
    })));
    let done = computer.sync(Request::default());
    computer.disk.watch(None);
    computer.close();
    done.map_err(|error| error.to_string())?;
    Ok(std::mem::take(&mut *seen.lock().unwrap()))
}

/// Shows "nothing lost" for a power cut at every mutating call of a sync of 200 files, with several outcomes of what was
/// not durable each: the next sync finishes the work, nothing is lost, stuck or left lying about. First tier.
pub fn cuts(options: &Options) -> Result<(), String> {
    let start = Instant::now();
    let usual = if options.full { FULL_STATES } else { STATES };
    let wanted = options.number("--runs").map_or(usual, |runs| runs as usize);
    let total = Mutex::new((0, 0, 0, Vec::new()));
    let threads = std::thread::available_parallelism().map_or(2, usize::from);
    // each has the whole story in a place of its own, and looks at its part of the moments
    shared_out(0, threads as u64, |part| {
        let looked = look(part as usize, threads, wanted);
        let mut total = total.lock().unwrap();
        match looked {
            Ok((moments, states, failed)) => {
                total.0 = moments;
                total.1 += states;
                total.2 += 1;
                total.3.extend(failed);
            }
            Err(why) => total.3.push(why),
        }
    });
    let (moments, states, parts, failed) = total.into_inner().unwrap();
    println!("cuts: {moments} moments, {states} states, {:.0} s", start.elapsed().as_secs_f64());
    if !failed.is_empty() {
        return Err(format!("{} states failed\n{}", failed.len(), failed[..failed.len().min(5)].join("\n")));
    }
    if states < wanted || parts != threads {
        return Err(format!("only {states} states were looked at"));
    }
    Ok(())
}

fn look(part: usize, parts: usize, wanted: usize) -> Result<(usize, usize, Vec<String>), String> {
    let room = room();
    let large = Large::new(room.path(), LARGE)?;
    let mut watched = large.begin(1);
    let moments = moments(&mut watched)?;
    let torn = moments.iter().filter(|moment| !moment.disk.is_durable()).count();
    let draws = wanted.div_ceil(torn.max(1));
    let (mut states, mut failed) = (0, Vec::new());
    for (at, moment) in moments.iter().enumerate().filter(|(at, _)| at % parts == part) {
        let draws = if moment.disk.is_durable() { 1 } else { draws };
        let ledgers: Vec<_> =
            [Some(&moment.ledger), moment.before_commit.as_ref()].into_iter().flatten().collect();
        for draw in 0..draws.max(ledgers.len()) {
            let ledger = ledgers[draw % ledgers.len()];
            let seed = (moment.call << 16) + draw as u64;
            let mut computer = large.first.twin(&moment.disk, ledger, seed);
            computer.down(Down::Power(seed));
            states += 1;
            if let Err(why) = large.recover(&mut computer, (at + draw) % FAR == 0) {
                failed.push(format!("before call {}, outcome {draw}: {why}", moment.call));
            }
        }
    }
    Ok((moments.len(), states, failed))
}
