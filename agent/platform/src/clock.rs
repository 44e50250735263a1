//! The door to time. Time labels what people read and delays what must wait; it never chooses between
//! versions. The simulated clock stands still until it is told to go on, or until somebody sleeps on it.

use std::sync::atomic::{AtomicI64, Ordering};
use std::sync::{Arc, LazyLock};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use jiff::Timestamp;

/// What time it is, and waiting.
pub trait Clock: Send + Sync {
    /// Milliseconds since 1970, UTC. May jump when a person sets the computer's clock.
    fn now_millis(&self) -> i64;

    /// Milliseconds since some moment before, by a clock that only goes on, whatever a person sets. On some systems it
    /// stands still while the computer sleeps.
    fn steady_millis(&self) -> i64;

    /// Do nothing for this many milliseconds.
    fn sleep(&self, millis: u64);

    /// [`Clock::now_millis`] as RFC 3339 in UTC, such as `2025-11-22T21:46:05.123Z`.
    fn rfc3339(&self) -> String {
        rfc3339(self.now_millis())
    }
}

/// Milliseconds since 1970 as RFC 3339 in UTC; 1970 itself for times that cannot be written so. Always with three
/// digits of a second, so that the order of the texts is the order of the times: `05.12Z` would come after `05.123Z`.
pub fn rfc3339(millis: i64) -> String {
    format!("{:.3}", Timestamp::from_millisecond(millis).unwrap_or(Timestamp::UNIX_EPOCH))
}

/// The time that [`rfc3339`] wrote, in milliseconds since 1970; none when it is no such text.
pub fn millis(text: &str) -> Option<i64> {
    text.parse::<Timestamp>().ok().map(Timestamp::as_millisecond)
}

/// The computer's clock.
#[derive(Debug, Clone, Copy, Default)]
pub struct RealClock;

impl Clock for RealClock {
    fn now_millis(&self) -> i64 {
        let millis = |d: Duration| i64::try_from(d.as_millis()).unwrap_or(i64::MAX);
        match SystemTime::now().duration_since(UNIX_EPOCH) {
            Ok(after) => millis(after),
            Err(before) => -millis(before.duration()),
        }
    }

    fn steady_millis(&self) -> i64 {
        static BEGAN: LazyLock<Instant> = LazyLock::new(Instant::now);
        i64::try_from(BEGAN.elapsed().as_millis()).unwrap_or(i64::MAX)
    }

    fn sleep(&self, millis: u64) {
        std::thread::sleep(Duration::from_millis(millis));
    }
}

/// A clock that goes only when told. Copies of it show the same time.
#[derive(Debug, Clone, Default)]
pub struct SimulatedClock {
    wall: Arc<AtomicI64>,
    steady: Arc<AtomicI64>,
}

impl SimulatedClock {
    /// Shows this time, in milliseconds since 1970.
    pub fn new(millis: i64) -> Self {
        SimulatedClock { wall: Arc::new(AtomicI64::new(millis)), steady: Arc::default() }
    }

    /// Set it, also backwards, as a person may.
    pub fn set(&self, millis: i64) {
        self.wall.store(millis, Ordering::SeqCst);
    }
}

impl Clock for SimulatedClock {
    fn now_millis(&self) -> i64 {
        self.wall.load(Ordering::SeqCst)
    }

    fn steady_millis(&self) -> i64 {
        self.steady.load(Ordering::SeqCst)
    }

    /// Goes on by so much at once.
    fn sleep(&self, millis: u64) {
        let millis = i64::try_from(millis).unwrap_or(i64::MAX);
        self.wall.fetch_add(millis, Ordering::SeqCst);
        self.steady.fetch_add(millis, Ordering::SeqCst);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_simulated_clock_goes_only_when_told() {
        let clock = SimulatedClock::new(1_763_847_965_123);
        let copy = clock.clone();
        assert_eq!(clock.rfc3339(), "2025-11-22T21:46:05.123Z");
        copy.sleep(877);
        assert_eq!(clock.now_millis(), 1_763_847_966_000);
        assert_eq!(clock.rfc3339(), "2025-11-22T21:46:06.000Z");
        clock.set(-1);
        assert_eq!(copy.rfc3339(), "1969-12-31T23:59:59.999Z");
        assert_eq!(copy.steady_millis(), 877, "whatever a person sets");
    }

    #[test]
    fn a_time_that_was_written_is_read_again() {
        for time in [0, 1_763_847_965_123, -1] {
            assert_eq!(millis(&rfc3339(time)), Some(time));
        }
        assert_eq!(millis("yesterday"), None);
    }

    /// What `history` sorts by.
    #[test]
    fn the_order_of_the_texts_is_the_order_of_the_times() {
        let texts: Vec<_> = (1_763_847_965_000..1_763_847_967_100).map(rfc3339).collect();
        assert!(texts.is_sorted() && texts.iter().all(|text| text.len() == texts[0].len()));
    }

    #[test]
    fn the_real_clock_goes_on() {
        let (before, steady) = (RealClock.now_millis(), RealClock.steady_millis());
        RealClock.sleep(5);
        assert!(RealClock.now_millis() >= before + 5);
        assert!(RealClock.steady_millis() >= steady + 5);
        assert!(RealClock.rfc3339().ends_with('Z'));
    }
}
