//! What changes again and again, as the agent carries it: a log grows all day long and is carried every now and then, while
//! an edit beside it is carried at once, and what is asked for by a command is carried whole.

use std::fs;
use std::io::Write;
use std::time::{Duration, UNIX_EPOCH};

use kitbag_engine::environment::{self, Extent};
use kitbag_engine::sync::Silent;
use kitbag_platform::clock::Clock;
use kitbag_platform::watch::Hint;

use crate::carrier::{Bench, Several};
use crate::world::block;

/// Between two rounds, milliseconds.
const ROUND: u64 = 2_000;

/// One more line, a moment before the next round, and told of.
fn grows(several: &Several, bench: &Bench, n: usize) {
    let path = several.work("one").join("log.txt");
    let mut log = fs::File::options().create(true).append(true).open(path).unwrap();
    writeln!(log, "line {n}").unwrap();
    let at = bench.clock.now_millis().unsigned_abs() + ROUND - 100;
    log.set_modified(UNIX_EPOCH + Duration::from_millis(at)).unwrap();
    bench.watcher.happens(&several.work("one"), Hint::Changed);
}

fn carried(several: &Several) -> usize {
    fs::read_to_string(several.share("one").join("log.txt")).unwrap_or_default().lines().count()
}

/// Shows that a log that grows for twenty minutes is carried some thirty times and not six hundred, that edits meanwhile
/// are carried within two seconds, and that the last line is when it has come to rest.
#[test]
fn a_log_that_grows_all_the_time_is_carried_now_and_then() {
    let several = Several::closed(&["one"]);
    let mut bench = Bench::staying(&several.home());
    bench.after(0);
    bench.after(5_000);
    let (mut times, mut before) = (0, 0);
    for n in 0..600 {
        grows(&several, &bench, n);
        if n % 50 == 25 {
            several.write("one", &format!("edit {n}\n"));
        }
        bench.after(ROUND);
        if n % 50 == 25 {
            assert_eq!(several.carried("one"), Some(format!("edit {n}\n")), "an edit waits for no log");
        }
        let now = carried(&several);
        times += usize::from(now > before);
        before = now;
    }
    assert!((15..40).contains(&times), "carried {times} times");
    assert!(before > 560, "and what is carried is not old: {before}");
    for _ in 0..10 {
        bench.after(ROUND);
    }
    assert_eq!(carried(&several), 600, "it stands still, and is whole");
}

/// Shows that a command waits for no such thing.
#[test]
fn a_command_carries_it_at_once() {
    let several = Several::closed(&["one"]);
    let mut bench = Bench::staying(&several.home());
    bench.after(0);
    for n in 0..20 {
        grows(&several, &bench, n);
        bench.after(ROUND);
    }
    assert!(carried(&several) < 20);
    let ws = several.open("one");
    block(environment::cycle(&ws, &several.home(), Extent::default(), std::sync::Arc::new(Silent))).unwrap();
    assert_eq!(carried(&several), 20);
}
