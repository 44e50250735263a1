//! Files that change again and again while kitbag carries in the background: a log, the disk of a virtual machine, what is
//! typed into a program that saves by itself. Each time one is carried costs a record and its bytes, here and in every
//! cloud program. So the first few times it is carried at once, then ever less often, a large one less often still. One
//! that stands still waits no longer: a second is enough for a person who saves every few moments, until there is no end
//! to it. Other files wait for none of this. A clock only delays.

use std::collections::BTreeMap;

use crate::path::WorkPath;

/// So often in a row a small file is carried without a wait.
const FREE: u32 = 5;
/// The first wait, then twice as long each time; milliseconds.
const FIRST: i64 = 4_000;
/// A small file waits no longer than this, milliseconds.
const LONGEST: i64 = 60_000;
/// A file is not read faster than this, bytes a millisecond: ten MiB a second.
const SPEED: u64 = 10 * 1024 * 1024 / 1_000;
/// No file waits longer than this, milliseconds.
const MOST: i64 = 600_000;
/// Standing still for one part in so many of its wait is enough.
const STILL: i64 = 4;
/// So often in a row a small file need not stand still for longer than that, milliseconds.
const OFTEN: u32 = 100;
const MOMENT: i64 = 1_000;
/// One that was left alone for twice its wait and this, milliseconds, begins anew.
const CALM: i64 = 30_000;
/// So many files are kept in mind. What is beyond that does not wait.
pub const FILES: usize = 1_024;

/// Which files of one working folder were carried lately, and how often. Times are monotonic milliseconds.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Restless(BTreeMap<WorkPath, Carried>);

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Carried {
    times: u32,
    at: i64,
    size: u64,
}

impl Carried {
    /// How long it waits for having been carried so often.
    fn doubled(self) -> i64 {
        match self.times.checked_sub(FREE) {
            None | Some(0) => 0,
            Some(more) => FIRST.saturating_mul(1 << (more - 1).min(20)).min(LONGEST),
        }
    }

    /// How long it waits for the next time when it is this large.
    fn wait(self, size: u64) -> i64 {
        self.doubled().max(large(size))
    }

    /// How long it must stand still to wait no longer.
    fn still(self, size: u64) -> i64 {
        let moment = if self.times <= OFTEN { MOMENT } else { i64::MAX };
        (self.doubled() / STILL).min(moment).max(large(size) / STILL)
    }

    fn is_calm(self, now: i64) -> bool {
        now.saturating_sub(self.at) > self.wait(self.size).saturating_mul(2).saturating_add(CALM)
    }
}

/// How long a file of this size waits, however often it was carried.
fn large(size: u64) -> i64 {
    i64::try_from(size / SPEED).unwrap_or(i64::MAX).min(MOST)
}

impl Restless {
    /// A file had changed, and its bytes were read to carry it, so many.
    pub fn read(&mut self, path: &WorkPath, size: u64, now: i64) {
        let before = self.0.get(path).filter(|before| !before.is_calm(now)).map_or(0, |before| before.times);
        let carried = Carried { times: before.saturating_add(1), at: now, size };
        if self.0.len() >= FILES && !self.0.contains_key(path) {
            self.0.retain(|_, carried| !carried.is_calm(now) && carried.times > 1);
            if self.0.len() >= FILES {
                return;
            }
        }
        self.0.insert(path.clone(), carried);
    }

    /// How long a file that changed is left as it is, milliseconds; none: it is carried now. `size` is what it has now,
    /// `still` for how long it has not changed.
    pub fn wait(&self, path: &WorkPath, size: u64, still: i64, now: i64) -> Option<i64> {
        let carried = self.0.get(path)?;
        let left = carried.at.saturating_add(carried.wait(size)).saturating_sub(now);
        let wait = left.min(carried.still(size).saturating_sub(still.max(0)));
        (wait > 0).then_some(wait)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SMALL: u64 = 1_000;

    fn path(text: &str) -> WorkPath {
        WorkPath::parse(text).unwrap()
    }

    /// When a file of that size is carried that is written to every `every` milliseconds for so long.
    fn carried(size: u64, every: i64, long: i64) -> Vec<i64> {
        let (log, mut restless, mut carried) = (path("log.txt"), Restless::default(), Vec::new());
        for now in (0..long).step_by(100) {
            // a look every two seconds at the most, where something was written since
            let due = carried.last().is_none_or(|last| now - last >= 2_000 && now / every > last / every);
            if due && restless.wait(&log, size, now % every, now).is_none() {
                restless.read(&log, size, now);
                carried.push(now);
            }
        }
        carried
    }

    #[test]
    fn what_grows_for_ever_is_carried_less_and_less_often() {
        let all = carried(SMALL, 200, 3_600_000);
        let gaps: Vec<i64> = all.windows(2).map(|pair| pair[1] - pair[0]).collect();
        assert_eq!(gaps[..8], [2_000, 2_000, 2_000, 2_000, 2_000, 4_000, 8_000, 16_000]);
        assert!(gaps[9..].iter().all(|gap| *gap >= LONGEST), "{gaps:?}");
        assert!(all.len() < 75, "{} times an hour", all.len());
        // one that pauses is carried in its pauses, until it does not end
        let all = carried(SMALL, 5_000, 3_600_000).len();
        assert!((100..170).contains(&all), "{all} times an hour");
        // an hour of steady work on a text is not touched: a save every minute
        assert_eq!(carried(SMALL, 60_000, 3_600_000).len(), 60);
    }

    #[test]
    fn who_saves_every_few_moments_waits_for_a_second() {
        let (text, mut restless) = (path("text.md"), Restless::default());
        for (n, now) in (0..300_000).step_by(3_000).enumerate() {
            let wait = restless.wait(&text, SMALL, 300, now + 300).unwrap_or(0);
            assert!(wait <= MOMENT - 300, "save {n}: {wait}");
            assert_eq!(restless.wait(&text, SMALL, 300 + wait, now + 300 + wait), None);
            restless.read(&text, SMALL, now + 300 + wait);
        }
    }

    #[test]
    fn what_stands_still_is_carried_before_its_wait_ends() {
        let (text, mut restless) = (path("a/text.md"), Restless::default());
        for n in 0..120 {
            restless.read(&text, SMALL, n * 2_000);
        }
        let now = 238_000;
        assert_eq!(restless.wait(&text, SMALL, 0, now), Some(15_000));
        assert_eq!(restless.wait(&text, SMALL, 14_000, now + 14_000), Some(1_000));
        assert_eq!(restless.wait(&text, SMALL, 15_000, now + 15_000), None);
        assert_eq!(restless.wait(&text, SMALL, 100, now + LONGEST), None, "its wait has ended");
        // a file from the future waits no longer than any
        assert_eq!(restless.wait(&text, SMALL, -86_400_000, now + LONGEST - 10), Some(10));
        assert_eq!(restless.wait(&path("a/other.md"), SMALL, 0, now), None, "others do not wait");
        // after a long rest it begins anew
        restless.read(&text, SMALL, now + 2 * LONGEST + CALM + 1);
        assert_eq!(restless.wait(&text, SMALL, 0, now + 2 * LONGEST + CALM + 2), None);
    }

    #[test]
    fn a_large_one_is_not_read_all_the_time() {
        let (disk, mut restless) = (path("disk.vdi"), Restless::default());
        restless.read(&disk, 0, 0);
        assert_eq!(restless.wait(&disk, 100 << 20, 0, 0), Some(10_000 / STILL));
        assert_eq!(restless.wait(&disk, 100 << 20, 0, 10_001), None);
        assert_eq!(restless.wait(&disk, u64::MAX, 0, 0), Some(MOST / STILL));
        assert_eq!(restless.wait(&disk, u64::MAX, 0, MOST), None, "but it is, at last");
        // ten gibibytes under a machine that runs: a sixth of the time at a hundred mebibytes a second, and no more
        assert!(carried(10 << 30, 200, 3_600_000).len() <= 7);
    }

    #[test]
    fn however_many_there_are_only_some_are_kept_in_mind() {
        let mut restless = Restless::default();
        let log = path("log");
        (0..9).for_each(|n| restless.read(&log, SMALL, n));
        for n in 0..10_000 {
            restless.read(&path(&format!("many/{n}")), SMALL, 10 + n);
        }
        assert!(restless.0.len() <= FILES);
        assert!(restless.wait(&log, SMALL, 0, 10_010).is_some(), "the one that does not rest is");
        // all of them are: what comes is carried as ever
        for n in 0..FILES {
            (0..9).for_each(|_| restless.read(&path(&format!("logs/{n}")), SMALL, 20_000));
        }
        assert!(restless.0.len() <= FILES);
        assert_eq!(restless.wait(&path("more"), SMALL, 0, 20_000), None);
    }
}
