//! The inputs the fuzzer found worth keeping, read once more by the same functions, and a few thousand of their like:
//! what broke once stays mended, without the fuzzer. First tier; the fuzzer itself is `tests/fuzz/run` (second tier).

#![allow(clippy::unwrap_used)]

mod targets;

use std::fs;
use std::path::Path;

use kitbag_core::id::PackId;
use kitbag_store::{Ledger, read};

/// All inputs of a target.
fn corpus(target: &str) -> Vec<(String, Vec<u8>)> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../tests/fuzz/corpus").join(target);
    let items = fs::read_dir(&folder).unwrap().map(Result::unwrap);
    let mut all: Vec<_> =
        items.map(|item| (item.file_name().into_string().unwrap(), fs::read(item.path()).unwrap())).collect();
    all.sort();
    all
}

/// Each input does what it should. The name of one that does not is in the message.
#[test]
fn the_corpus_is_read() {
    let mut bytes = 0;
    for (target, run) in targets::ALL {
        let all = corpus(target);
        assert!(all.len() >= 20, "{target}: {}", all.len());
        for (name, input) in all {
            bytes += input.len();
            let done = std::panic::catch_unwind(|| run(&input));
            assert!(done.is_ok(), "tests/fuzz/corpus/{target}/{name} fails, see above");
        }
    }
    assert!(bytes < 1 << 20, "the corpus has grown to {bytes} bytes: MINIMISE=1 tests/fuzz/run");
}

/// The same with a byte changed, some left out or two inputs joined, drawn from a fixed seed.
#[test]
fn their_like_is_read() {
    let mut state = 0x5EED_u64;
    let mut below = |n: usize| {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        (state % n.max(1) as u64) as usize
    };
    for (target, run) in targets::ALL {
        let all = corpus(target);
        for round in 0..2_000 {
            let (name, mut input) = all[below(all.len())].clone();
            for _ in 0..1 + below(3) {
                let (at, other) = (below(input.len() + 1), &all[below(all.len())].1);
                match below(4) {
                    0 if at < input.len() => input[at] = below(256) as u8,
                    1 => input.truncate(at),
                    2 => drop(input.splice(at..at, other[..below(other.len() + 1)].iter().copied())),
                    _ => drop(input.drain(at..(at + below(20)).min(input.len()).max(at))),
                }
            }
            let done = std::panic::catch_unwind(|| run(&input));
            assert!(done.is_ok(), "{target}: round {round}, from {name}: {input:?}");
        }
    }
}

/// What passes as a pack is taken into a ledger too, whatever it says.
#[test]
fn a_ledger_takes_what_passes() {
    let ledger = Ledger::in_memory().unwrap();
    let mut taken = 0;
    for (name, input) in corpus("pack") {
        let bytes = targets::as_pack(&input);
        let id = PackId::of(&bytes);
        let Ok(mut pack) = read(id, &bytes) else { continue };
        pack.prove(&bytes);
        ledger.add_pack(id, &pack, bytes.len() as u64, false).unwrap_or_else(|e| panic!("{name}: {e}"));
        ledger.admit().unwrap_or_else(|e| panic!("{name}: {e}"));
        taken += 1;
    }
    assert!(taken >= 5, "{taken}");
    ledger.waiting().unwrap();
}
