//! Every disk call of a large sync fails once, looks and reads among them. The sync may fail or tell of it; the next one
//! finishes the work as if nothing had been, and nothing is taken for deleted because it could not be looked at.

use std::io::ErrorKind;
use std::sync::Mutex;
use std::time::Instant;

use kitbag_engine::sync::Request;

use crate::Options;
use crate::computer::{Meanwhile, room};
use crate::large::{LARGE, Large};
use crate::whole::shared_out;

const KINDS: [ErrorKind; 4] =
    [ErrorKind::Other, ErrorKind::StorageFull, ErrorKind::PermissionDenied, ErrorKind::Interrupted];
const FAR: u64 = 50;

/// Shows "nothing lost" for a failing disk call. First tier: every call, one kind of error each;
/// with KITBAG_FULL every kind.
pub fn errors(options: &Options) -> Result<(), String> {
    let start = Instant::now();
    let stride = options.number("--stride").unwrap_or(1).max(1);
    let total = Mutex::new((0, 0, 0, Vec::new()));
    let threads = std::thread::available_parallelism().map_or(2, usize::from) as u64;
    shared_out(0, threads, |part| {
        let looked = look(part, threads, stride, options.full);
        let mut total = total.lock().unwrap();
        match looked {
            Ok((calls, errors, refused, failed)) => {
                total.0 = calls;
                total.1 += errors;
                total.2 += refused;
                total.3.extend(failed);
            }
            Err(why) => total.3.push(why),
        }
    });
    let (calls, errors, refused, failed) = total.into_inner().unwrap();
    println!(
        "errors: {calls} calls, {errors} errors injected, {refused} of them ended the sync, {:.0} s",
        start.elapsed().as_secs_f64()
    );
    if !failed.is_empty() {
        return Err(format!("{} failed\n{}", failed.len(), failed[..failed.len().min(8)].join("\n")));
    }
    if calls < 1_000 || errors < calls / stride {
        return Err(format!("only {errors} errors for {calls} calls"));
    }
    Ok(())
}

fn look(part: u64, parts: u64, stride: u64, full: bool) -> Result<(u64, u64, u64, Vec<String>), String> {
    let room = room();
    let large = Large::new(room.path(), LARGE)?;
    let mut counted = large.begin(1);
    counted.open().map_err(|error| error.to_string())?;
    let before = counted.disk.calls();
    counted.sync(Request::default()).map_err(|error| error.to_string())?;
    let calls = counted.disk.calls() - before;
    counted.close();
    let (mut errors, mut refused, mut failed) = (0, 0, Vec::new());
    for nth in (1..=calls).filter(|nth| nth % stride == 1 % stride && (nth / stride) % parts == part) {
        let kinds: Vec<_> =
            if full { KINDS.into() } else { vec![KINDS[(nth / stride / parts) as usize % 4]] };
        for kind in kinds {
            let mut computer = large.begin(1);
            computer.open().map_err(|error| error.to_string())?;
            let what = Meanwhile { fails_at: Some((nth, kind)), ..Meanwhile::default() };
            let done = computer.meanwhile(what, |computer| computer.sync(Request::default()));
            errors += 1;
            if let Some(Err(error)) = &done {
                refused += 1;
                let told = error.finding();
                if told.what.is_empty() || told.why.is_empty() || told.remedy.is_empty() {
                    failed.push(format!("call {nth}, {kind:?}: told only {told:?}"));
                }
            }
            if let Err(why) = large.recover(&mut computer, errors % FAR == 0) {
                failed.push(format!("call {nth}, {kind:?}: {why}; the sync said {done:?}"));
            }
        }
    }
    Ok((calls, errors, refused, failed))
}
