//! A bucket that lets 200 lines a second through and counts the rest, so that a plugin that talks without end
//! costs neither disk nor patience.

use std::time::Instant;

const PER_SECOND: f64 = 200.0;

/// Lines that may still pass, and those that could not.
#[derive(Debug)]
pub struct Flood {
    left: f64,
    seen: Instant,
    dropped: u64,
}

impl Flood {
    /// A full bucket.
    pub fn new(now: Instant) -> Self {
        Self { left: PER_SECOND, seen: now, dropped: 0 }
    }

    /// Whether a line may pass now.
    pub fn lets_through(&mut self, now: Instant) -> bool {
        let since = now.saturating_duration_since(self.seen).as_secs_f64();
        self.seen = now;
        self.left = (self.left + since * PER_SECOND).min(PER_SECOND);
        if self.left < 1.0 {
            self.dropped += 1;
            return false;
        }
        self.left -= 1.0;
        true
    }

    /// How many could not pass since this was asked last.
    pub fn take_dropped(&mut self) -> u64 {
        std::mem::take(&mut self.dropped)
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[test]
    fn two_hundred_then_two_hundred_a_second() {
        let now = Instant::now();
        let mut flood = Flood::new(now);
        let passed = |flood: &mut Flood, at| (0..1000).filter(|_| flood.lets_through(at)).count();
        assert_eq!(passed(&mut flood, now), 200);
        assert_eq!(flood.take_dropped(), 800);
        assert_eq!(passed(&mut flood, now + Duration::from_millis(500)), 100);
        assert_eq!(passed(&mut flood, now + Duration::from_secs(60)), 200);
    }
}
