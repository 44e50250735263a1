//! Each rule of the pace by itself, and then all of them against chance, on a clock that only these tests move.

use super::*;

const MINUTE: i64 = 60_000;
const EVERY: i64 = 10 * MINUTE;
const SCAN: i64 = 5 * MINUTE;
const USUAL: Rhythm = Rhythm { scan: SCAN, checkpoint: EVERY };
const NOTHING: Ended = Ended::Done { carried: false };

/// Both clocks go alike.
fn at(steady: i64) -> Now {
    Now { wall: 1_000_000_000 + steady, steady }
}

fn waits_for(wait: Option<i64>) -> Ended {
    Ended::Waits { wait, carried: false }
}

/// A look that took so long and ended at that time.
fn looked(pace: &mut Pace, took: i64, end: i64, ended: Ended) {
    pace.begin();
    pace.note(What::Cycle, at(end - took), at(end), ended);
}

/// One that looked around at 0 and found nothing.
fn rested(took: i64) -> Pace {
    let mut pace = Pace { watched: true, ..Pace::default() };
    looked(&mut pace, took, 0, NOTHING);
    pace
}

fn at_work() -> Pace {
    let mut pace = rested(10);
    pace.session(Some(at(0).wall), None);
    pace
}

#[test]
fn the_first_look_is_at_once_and_then_it_rests() {
    let mut pace = Pace { watched: true, ..Pace::default() };
    assert_eq!(pace.due(USUAL, at(0)), Due::Now(What::Cycle));
    looked(&mut pace, 10, 10, NOTHING);
    assert_eq!(pace.due(USUAL, at(10)), Due::In(SCAN));
    assert_eq!(pace.due(USUAL, at(10 + SCAN)), Due::Now(What::Cycle));
    assert_eq!(pace.due(Rhythm { scan: 0, ..USUAL }, at(10 + SCAN)), Due::Never);
}

#[test]
fn a_change_is_looked_at_when_it_is_quiet_or_after_two_seconds() {
    let mut pace = rested(10);
    pace.hint(at(10_000));
    assert_eq!(pace.due(USUAL, at(10_000)), Due::In(QUIET));
    pace.hint(at(10_200));
    assert_eq!(pace.due(USUAL, at(10_200)), Due::In(QUIET));
    assert_eq!(pace.due(USUAL, at(10_500)), Due::Now(What::Cycle));
    for more in (10_200..12_000).step_by(100) {
        pace.hint(at(more));
        assert!(matches!(pace.due(USUAL, at(more)), Due::In(_)), "{more}");
    }
    assert_eq!(pace.due(USUAL, at(12_000)), Due::Now(What::Cycle));
}

#[test]
fn a_look_that_takes_long_is_rarer() {
    let pace = rested(4_000);
    assert_eq!(pace.due(USUAL, at(0)), Due::In(400_000));
    // and where nobody tells of changes they are more frequent, but no more than that
    let unwatched = |took| Pace { watched: false, ..rested(took) };
    assert_eq!(unwatched(10).due(USUAL, at(0)), Due::In(UNWATCHED));
    assert_eq!(unwatched(1_000).due(USUAL, at(0)), Due::In(100_000));
    // carrying much is no look that takes long
    let mut pace = rested(10);
    pace.hint(at(1_000));
    looked(&mut pace, 500_000, 600_000, Ended::Done { carried: true });
    assert_eq!(pace.due(USUAL, at(600_000)), Due::In(LONGEST));
}

/// Where something changes all the time, looking takes a tenth of the time at the most, however long a look takes.
#[test]
fn changes_without_an_end_cost_a_tenth_of_the_time() {
    for took in [10, 300, 1_000, 3_000, 6_000] {
        let (mut pace, mut now, mut spent) = (rested(took), 0, 0);
        looked(&mut pace, took, 0, NOTHING);
        while now < 60 * MINUTE {
            pace.hint(at(now));
            if pace.due(USUAL, at(now)) == Due::Now(What::Cycle) {
                now += took;
                spent += took;
                looked(&mut pace, took, now, NOTHING);
            }
            now += 50;
        }
        assert!(spent * 10 <= 61 * MINUTE, "{spent} ms of an hour, {took} each");
    }
    // one that was slow for once, as all was, delays nothing
    let mut pace = rested(10);
    looked(&mut pace, 20_000, 30_000, NOTHING);
    pace.hint(at(40_000));
    assert_eq!(pace.due(USUAL, at(40_000)), Due::In(QUIET));
}

#[test]
fn what_waits_is_looked_at_when_its_wait_ends_and_then_less_often() {
    let mut pace = rested(10);
    pace.hint(at(0));
    let (mut now, mut waits) = (1_000, Vec::new());
    for wait in [Some(1_500), Some(1_500), None, None, None, None, None, None] {
        looked(&mut pace, 10, now, waits_for(wait));
        let Due::In(wait) = pace.due(USUAL, at(now)) else { panic!("at once: {pace:?}") };
        waits.push(wait);
        now += wait;
    }
    assert_eq!(waits, [1_500, 10_000, 20_000, 40_000, 80_000, 160_000, SCAN, SCAN]);
    // something new does not wait for what is old
    pace.hint(at(now));
    looked(&mut pace, 10, now, waits_for(Some(2_000)));
    assert_eq!(pace.due(USUAL, at(now)), Due::In(2_000));
    looked(&mut pace, 10, now, NOTHING);
    assert_eq!(pace.due(USUAL, at(now)), Due::In(SCAN));
}

#[test]
fn a_folder_that_is_away_costs_a_glance() {
    let mut pace = at_work();
    pace.hint(at(0));
    pace.gone(at(0));
    pace.hasten();
    assert_eq!(pace.due(USUAL, at(0)), Due::In(GLANCE));
    assert_eq!(pace.due(USUAL, at(GLANCE)), Due::Now(What::Glance), "however much is due");
    pace.gone(at(EVERY));
    assert_eq!(pace.due(USUAL, at(EVERY)), Due::In(GLANCE));
    assert!(pace.is_away());
    pace.back();
    assert_eq!(pace.due(USUAL, at(EVERY - 1)), Due::Now(What::Cycle));
    looked(&mut pace, 10, EVERY, Ended::Away);
    assert_eq!(pace.due(USUAL, at(EVERY)), Due::In(GLANCE));
}

#[test]
fn a_sleep_and_a_set_clock_hasten_one_look() {
    let day = 24 * 60 * MINUTE;
    let slept = Now { wall: at(9_000).wall + day, steady: 9_000 };
    let set_back = Now { wall: at(9_000).wall - day, steady: 9_000 };
    for now in [slept, set_back, at(8_000 + LATE + 1)] {
        let mut pace = rested(10);
        pace.tick(at(7_000));
        pace.tick(at(8_000));
        assert!(matches!(pace.due(USUAL, at(8_000)), Due::In(_)));
        pace.tick(now);
        assert_eq!(pace.due(USUAL, now), Due::Now(What::Cycle));
        pace.begin();
        pace.note(What::Cycle, now, now, NOTHING);
        let later = Now { wall: now.wall + 1_000, steady: now.steady + 1_000 };
        pace.tick(later);
        assert_eq!(pace.due(USUAL, later), Due::In(SCAN - 1_000), "one look");
    }
}

#[test]
fn hints_that_got_lost_again_and_again_make_no_busy_loop() {
    let mut pace = rested(1_000);
    let mut now = 0;
    for _ in 0..20 {
        pace.hasten();
        let Due::In(wait) = pace.due(USUAL, at(now)) else { panic!("at once again") };
        assert_eq!(wait, LONGEST);
        looked(&mut pace, 1_000, now + wait + 1_000, NOTHING);
        now += wait + 1_000;
    }
}

#[test]
fn failures_are_tried_again_soon_and_then_less_often() {
    let mut pace = rested(10);
    let (mut now, mut waits) = (0, Vec::new());
    for _ in 0..8 {
        looked(&mut pace, 10, now, Ended::Failed);
        let Due::In(wait) = pace.due(USUAL, at(now)) else { panic!("at once again: {pace:?}") };
        waits.push(wait / 1_000);
        now += wait;
    }
    assert_eq!(waits, [15, 30, 60, 120, 240, 480, 600, 600]);
    // what is written in vain tells of itself: not at once, and a person need not wait for long
    pace.hint(at(now));
    assert_eq!(pace.due(USUAL, at(now - 599_000)), Due::In(HINTED_RETRY - 1_000));
    pace.hasten();
    assert_eq!(pace.due(USUAL, at(now)), Due::Now(What::Cycle));
    looked(&mut pace, 10, now, NOTHING);
    assert_eq!((pace.due(USUAL, at(now)), pace.failures), (Due::In(SCAN), 0));
    // one who is in the way is no failure
    looked(&mut pace, 10, now, Ended::Busy);
    assert_eq!((pace.due(USUAL, at(now)), pace.failures), (Due::In(BUSY), 0));
    assert_eq!(pace.due(USUAL, at(now + BUSY)), Due::Now(What::Cycle));
    pace.hasten();
    assert_eq!(pace.due(USUAL, at(now + QUIET)), Due::Now(What::Cycle), "given back by whoever was");
}

/// A try to save that ended at that time by both clocks.
fn saved(pace: &mut Pace, time: i64, ended: Ended) {
    pace.begin();
    pace.note(What::Checkpoint, at(time), at(time), ended);
}

/// When the next checkpoint is due, whatever else is.
fn save_due(pace: &Pace, every: i64, time: i64) -> Due {
    pace.session.due(every, at(time).wall)
}

#[test]
fn a_checkpoint_is_due_so_long_after_the_session_opened_or_the_last_one() {
    let rare = Rhythm { scan: 0, ..USUAL };
    let mut pace = at_work();
    assert_eq!(pace.due(rare, at(0)), Due::In(EVERY));
    assert_eq!(pace.due(rare, at(EVERY - 1)), Due::In(1));
    assert_eq!(pace.due(rare, at(EVERY)), Due::Now(What::Checkpoint));
    saved(&mut pace, 5 * MINUTE, NOTHING);
    assert_eq!(pace.due(rare, at(5 * MINUTE + 1)), Due::In(EVERY - 1));
    // somebody else saved
    pace.session(Some(at(0).wall), Some(at(8 * MINUTE).wall));
    assert_eq!(pace.due(rare, at(8 * MINUTE)), Due::In(EVERY));
    // of a session before this one
    pace.session(Some(at(9 * MINUTE).wall), Some(at(8 * MINUTE).wall));
    assert_eq!(pace.due(rare, at(9 * MINUTE)), Due::In(EVERY));
    // files go their own way meanwhile
    pace.hint(at(9 * MINUTE));
    assert_eq!(pace.due(rare, at(9 * MINUTE)), Due::In(QUIET));
    assert_eq!(pace.due(rare, at(9 * MINUTE + QUIET)), Due::Now(What::Cycle));
    // never without a session or where it is switched off
    assert_eq!(pace.due(Rhythm { scan: 0, checkpoint: 0 }, at(9 * EVERY)), Due::Now(What::Cycle));
    pace.session(None, Some(0));
    looked(&mut pace, 10, 9 * EVERY, NOTHING);
    assert_eq!(pace.due(rare, at(99 * EVERY)), Due::Never);
}

#[test]
fn a_checkpoint_that_failed_is_tried_again_and_keeps_no_file() {
    let mut pace = at_work();
    let (mut time, mut waits) = (EVERY, Vec::new());
    for _ in 0..9 {
        assert_eq!(save_due(&pace, EVERY, time), Due::Now(What::Checkpoint));
        saved(&mut pace, time, Ended::Unsaved);
        let Due::In(wait) = save_due(&pace, EVERY, time) else { panic!("at once again: {pace:?}") };
        waits.push(wait / 1_000);
        pace.hint(at(time));
        assert_eq!((pace.due(USUAL, at(time + QUIET)), pace.failures), (Due::Now(What::Cycle), 0));
        time += wait;
    }
    assert_eq!(waits, [15, 30, 60, 120, 240, 480, 600, 600, 600]);
    saved(&mut pace, time, NOTHING);
    saved(&mut pace, time, Ended::Failed);
    assert_eq!(save_due(&pace, EVERY, time), Due::In(15_000), "one that went well ends the counting");
    // saved by somebody else since: the usual pace
    pace.session(pace.session.open, Some(at(time + 1).wall));
    assert_eq!(save_due(&pace, EVERY, time + 1), Due::In(EVERY));
    // never sooner than checkpoints themselves are, never stuck
    let mut quick = at_work();
    saved(&mut quick, 0, Ended::Failed);
    assert_eq!(save_due(&quick, 1_000, 0), Due::In(1_000));
    quick.session.failures = u32::MAX;
    assert_eq!(save_due(&quick, 1_000, 0), Due::In(LAST_RETRY));
    assert_eq!(save_due(&quick, i64::MAX, 0), Due::In(15_000 << 20));
    saved(&mut quick, EVERY, Ended::Busy);
    assert_eq!(save_due(&quick, EVERY, EVERY), Due::In(BUSY));
}

/// Set back by a day, or ahead by a day: one more save, then the usual pace.
#[test]
fn a_clock_that_is_set_costs_one_save() {
    let day = 24 * 60 * MINUTE;
    for jump in [-day, day] {
        let mut pace = at_work();
        pace.session(Some(at(2 * day).wall), None);
        saved(&mut pace, 2 * day + EVERY, NOTHING);
        let now = 2 * day + EVERY + jump;
        assert_eq!(save_due(&pace, EVERY, now), Due::Now(What::Checkpoint), "{jump}");
        for ended in [NOTHING, Ended::Failed, Ended::Busy, Ended::Unsaved] {
            let mut after = pace;
            saved(&mut after, now, ended);
            assert!(
                matches!(save_due(&after, EVERY, now), Due::In(_)),
                "{jump} {ended:?}: never a busy loop"
            );
        }
    }
}

/// SplitMix64 (Steele, Lea, Flood 2014).
struct Chance(u64);

impl Chance {
    fn below(&mut self, n: i64) -> i64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        ((z ^ (z >> 31)) % n.unsigned_abs()).cast_signed()
    }
}

/// What one simulated day came to.
#[derive(Debug, Default)]
struct Day {
    /// Milliseconds spent on looks that nothing asked for and that took as long as they usually do.
    unasked: i64,
    looks: u32,
    hinted: u32,
    glances: u32,
    saves: u32,
}

/// A day of chance: hints alone and in floods, hints lost, sleeps, clocks set, looks of any length that end in any way.
fn day(seed: u64) -> Day {
    let mut chance = Chance(seed);
    let mut day = Day::default();
    let (mut pace, mut now) = (Pace { watched: chance.below(4) > 0, ..Pace::default() }, at(0));
    let usual = [10, 100, 1_000, 8_000][chance.below(4) as usize];
    // the oldest change no look has seen; none: nothing is to be seen
    let (mut unseen, mut asked): (Option<i64>, bool) = (None, true);
    // a look in trouble saw nothing; the one after a look that was asked for may belong to it
    let (mut trouble, mut follows) = (false, false);
    // what the last two looks took that carried nothing
    let mut slow = [0; 2];
    if chance.below(2) == 0 {
        pace.session(Some(now.wall), None);
    }
    while now.steady < 24 * 60 * MINUTE {
        match chance.below(4_000) {
            0..200 => {
                pace.hint(now);
                unseen = unseen.or(Some(now.steady));
            }
            200..210 => {
                pace.hasten();
                asked = true;
            }
            210..212 => {
                now.wall += (chance.below(3) - 1) * 24 * 60 * MINUTE + 7_000;
                asked = true;
            }
            _ => {}
        }
        pace.tick(now);
        let wait = match pace.due(USUAL, now) {
            Due::Never => panic!("seed {seed}: stuck: {pace:?}"),
            Due::In(wait) => {
                assert!(wait > 0, "seed {seed}");
                if let (Some(since), false, false) = (unseen, trouble, pace.is_away()) {
                    let patience = (slow[0].min(slow[1]) * HINTED_SHARE).clamp(LONGEST, HINTED_REST);
                    assert!(
                        now.steady - since <= patience,
                        "seed {seed}: {since} still waits at {now:?}: {pace:?}"
                    );
                }
                wait
            }
            Due::Now(What::Glance) => {
                day.glances += 1;
                if chance.below(10) == 0 {
                    (asked, trouble) = (true, false);
                    pace.back();
                } else {
                    pace.gone(now);
                }
                1
            }
            Due::Now(what) => {
                let began = now;
                pace.begin();
                let hinted = asked || unseen.is_some();
                let took = if chance.below(10) == 0 { chance.below(20_000) } else { usual };
                now = Now { wall: now.wall + took, steady: now.steady + took };
                let ended = match chance.below(40) {
                    0 => Ended::Failed,
                    1 => Ended::Busy,
                    2 => Ended::Away,
                    3 => Ended::Unsaved,
                    4..8 => waits_for(Some(chance.below(6_000))),
                    8..12 => waits_for(None),
                    _ if hinted => Ended::Done { carried: true },
                    _ => NOTHING,
                };
                pace.note(what, began, now, ended);
                if what == What::Cycle && (ended == NOTHING || matches!(ended, Ended::Waits { .. })) {
                    slow = [took, slow[0]];
                }
                day.looks += 1;
                day.saves += u32::from(what == What::Checkpoint);
                day.hinted += u32::from(hinted);
                let counts = matches!(ended, Ended::Done { .. } | Ended::Waits { .. }) && took == usual;
                if counts && !hinted && !follows && !trouble && what == What::Cycle {
                    day.unasked += took;
                }
                trouble = matches!(ended, Ended::Failed | Ended::Busy | Ended::Away);
                follows = hinted && matches!(ended, Ended::Waits { .. });
                if !trouble {
                    (asked, unseen) = (false, None);
                    // and what it wrote itself comes back as a hint
                    if ended == (Ended::Done { carried: true }) {
                        pace.hint(now);
                        unseen = Some(now.steady);
                    }
                } else if let Some(since) = &mut unseen {
                    *since = now.steady;
                }
                assert!(
                    !matches!(pace.due(USUAL, now), Due::Now(What::Cycle)),
                    "seed {seed}: no pause: {pace:?}"
                );
                1
            }
        };
        // the loop turns every two seconds at the latest
        let step = wait.min(1 + chance.below(2_000));
        now = Now { wall: now.wall + step, steady: now.steady + step };
    }
    day
}

/// Replay one with `PACE_SEED=N`.
#[test]
fn against_chance_nothing_waits_too_long_and_nothing_is_looked_at_too_often() {
    let only = option_env!("PACE_SEED").and_then(|seed| seed.parse::<u64>().ok());
    let seeds = only.map_or(0..300, |seed| seed..seed + 1);
    let mut all = Day::default();
    for seed in seeds {
        let day = day(seed);
        assert!(day.unasked * 100 <= 24 * 60 * MINUTE, "seed {seed}: {day:?}");
        all.looks += day.looks;
        all.hinted += day.hinted;
        all.glances += day.glances;
        all.saves += day.saves;
    }
    // each kind came up, or nothing was shown
    assert!(all.hinted > 0 && all.glances > 0 && all.saves > 0 && all.looks > all.hinted, "{all:?}");
}
