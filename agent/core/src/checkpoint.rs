//! When the open work of a workspace is saved next. While a session is open a checkpoint is due every so often, counted
//! from the last one, whoever made it; one that failed is tried again sooner, then less and less often; one that found
//! somebody else at work is tried again soon. Times are the computer's clock, which may be set: a time that lies ahead
//! tells nothing, and a computer that slept wakes up with one due. A clock only ever delays or hastens a save here.

/// Somebody else was at work: looked at again after so many milliseconds.
pub const BUSY: i64 = 2_000;
/// The first try after one that failed, where checkpoints are not more frequent than that; milliseconds.
const FIRST_RETRY: i64 = 15_000;
/// Tries are never further apart than this, or than checkpoints are; milliseconds.
const LAST_RETRY: i64 = 600_000;

/// How a try ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Ended {
    /// Everything was saved, as far as it could be reached.
    Saved,
    /// Something was not.
    Failed,
    /// Another kitbag was at work.
    Busy,
}

/// What is known of one workspace's checkpoints. All times in milliseconds since 1970.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Checkpoints {
    /// Since when the session is open; none: it is not.
    pub open: Option<i64>,
    /// When all was saved last, by whomever.
    pub saved: Option<i64>,
    /// When the last try ended, and how.
    pub tried: Option<(i64, Ended)>,
    /// How many tries have failed since the last that did not.
    pub failures: u32,
}

/// When to save next.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Due {
    /// Not at all, as things stand.
    Never,
    /// Now.
    Now,
    /// After so many milliseconds.
    In(i64),
}

impl Checkpoints {
    /// A try has ended.
    pub fn note(&mut self, now: i64, ended: Ended) {
        self.tried = Some((now, ended));
        match ended {
            Ended::Saved => (self.saved, self.failures) = (Some(now), 0),
            Ended::Failed => self.failures = self.failures.saturating_add(1),
            Ended::Busy => {}
        }
    }

    /// When the next one is due, where they are `every` milliseconds apart; 0 stands for never.
    pub fn due(&self, every: i64, now: i64) -> Due {
        if every <= 0 || self.open.is_none() {
            return Due::Never;
        }
        let known = |time: Option<i64>| time.filter(|time| *time <= now);
        let rest = known(self.open).max(known(self.saved)).map(|last| (last, every));
        let again = self.tried.filter(|(at, _)| *at <= now).map(|(at, ended)| {
            let wait = match ended {
                Ended::Saved => every,
                Ended::Busy => BUSY.min(every),
                Ended::Failed => retry(self.failures, every),
            };
            (at, wait)
        });
        // what came later counts; where the clock was set back nothing is known, and saving once more does no harm
        let latest = match (rest, again) {
            (Some(rest), Some(again)) if rest.0 <= again.0 => Some(again),
            (rest, again) => rest.or(again),
        };
        let Some((last, wait)) = latest else { return Due::Now };
        match last.saturating_add(wait).saturating_sub(now) {
            left if left > 0 => Due::In(left),
            _ => Due::Now,
        }
    }
}

/// How long after so many failures in a row.
fn retry(failures: u32, every: i64) -> i64 {
    let doubled = FIRST_RETRY.min(every).saturating_mul(1 << failures.saturating_sub(1).min(20));
    doubled.min(LAST_RETRY.max(every))
}

#[cfg(test)]
mod tests {
    use super::*;

    const MINUTE: i64 = 60_000;
    const EVERY: i64 = 10 * MINUTE;

    fn open(at: i64) -> Checkpoints {
        Checkpoints { open: Some(at), ..Checkpoints::default() }
    }

    #[test]
    fn one_is_due_so_long_after_the_session_opened_or_the_last_one() {
        let mut known = open(1_000);
        assert_eq!(known.due(EVERY, 1_000), Due::In(EVERY));
        assert_eq!(known.due(EVERY, 1_000 + EVERY - 1), Due::In(1));
        assert_eq!(known.due(EVERY, 1_000 + EVERY), Due::Now);
        known.note(5 * MINUTE, Ended::Saved);
        assert_eq!(known.due(EVERY, 5 * MINUTE + 1), Due::In(EVERY - 1));
        // somebody else saved
        known.saved = Some(8 * MINUTE);
        assert_eq!(known.due(EVERY, 8 * MINUTE), Due::In(EVERY));
        // of a session before this one
        known.open = Some(9 * MINUTE);
        assert_eq!(known.due(EVERY, 9 * MINUTE), Due::In(EVERY));
    }

    #[test]
    fn never_without_a_session_or_where_it_is_switched_off() {
        let closed = Checkpoints { open: None, saved: Some(0), ..open(0) };
        assert_eq!(closed.due(EVERY, EVERY * 9), Due::Never);
        assert_eq!(open(0).due(0, EVERY * 9), Due::Never);
    }

    #[test]
    fn failures_are_tried_again_soon_and_then_less_often() {
        let mut known = open(0);
        let (mut now, mut waits) = (EVERY, Vec::new());
        for _ in 0..9 {
            assert_eq!(known.due(EVERY, now), Due::Now);
            known.note(now, Ended::Failed);
            let Due::In(wait) = known.due(EVERY, now) else { panic!("at once again: {known:?}") };
            waits.push(wait / 1_000);
            now += wait;
        }
        assert_eq!(waits, [15, 30, 60, 120, 240, 480, 600, 600, 600]);
        known.note(now, Ended::Saved);
        known.note(now, Ended::Failed);
        assert_eq!(known.due(EVERY, now), Due::In(15_000), "one that went well ends the counting");
        // saved by somebody else since: the usual pace
        known.saved = Some(now + 1);
        assert_eq!(known.due(EVERY, now + 1), Due::In(EVERY));
        // never sooner than checkpoints themselves are, never stuck
        let mut quick = open(0);
        quick.note(0, Ended::Failed);
        assert_eq!(quick.due(1_000, 0), Due::In(1_000));
        quick.failures = u32::MAX;
        assert_eq!(quick.due(1_000, 0), Due::In(LAST_RETRY));
        assert_eq!(quick.due(i64::MAX, 0), Due::In(15_000 << 20));
    }

    #[test]
    fn who_is_in_the_way_is_not_waited_for_and_counts_as_no_failure() {
        let mut known = open(0);
        known.note(EVERY, Ended::Busy);
        assert_eq!((known.due(EVERY, EVERY), known.failures), (Due::In(BUSY), 0));
        assert_eq!(known.due(EVERY, EVERY + BUSY), Due::Now);
    }

    /// Set back by a day, or ahead by a day: one more save, then the usual pace.
    #[test]
    fn a_clock_that_is_set_costs_one_save() {
        let day = 24 * 60 * MINUTE;
        for jump in [-day, day] {
            let mut known = open(2 * day);
            known.note(2 * day + EVERY, Ended::Saved);
            let now = 2 * day + EVERY + jump;
            assert_eq!(known.due(EVERY, now), Due::Now, "{jump}");
            for ended in [Ended::Saved, Ended::Failed, Ended::Busy] {
                let mut after = known;
                after.note(now, ended);
                assert!(matches!(after.due(EVERY, now), Due::In(_)), "{jump} {ended:?}: never a busy loop");
            }
        }
    }
}
