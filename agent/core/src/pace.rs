//! When the agent looks at a workspace next, and what it does then. Something changed: soon, once it is quiet for a moment.
//! Nothing did: every few minutes, since a hint may get lost, and never more than a hundredth of the time. What waits is
//! looked at again when its wait ends; what failed sooner at first and then less and less often; a folder that is away
//! costs a glance. While a session is open a checkpoint (databases too) is due so often, counted from the last one, whoever
//! made it. A clock only ever delays or hastens: one that was set, or a computer that slept, hastens one look.

/// Hints are waited out until none came for so long, milliseconds.
pub const QUIET: i64 = 300;
/// But never longer than this after the first, milliseconds.
pub const LONGEST: i64 = 2_000;
/// Somebody else was at work: looked at again after so many milliseconds.
pub const BUSY: i64 = 2_000;
/// How often a folder that is away is glanced at, milliseconds.
pub const GLANCE: i64 = 5_000;
/// Where nobody tells of changes, a full look is this frequent if the settings ask for fewer; milliseconds.
const UNWATCHED: i64 = 30_000;
/// A look that nothing asked for waits so many times as long as one takes.
const SHARE: i64 = 100;
/// One that was hinted at waits so many times as long, where changes do not end; and no longer than that, milliseconds.
const HINTED_SHARE: i64 = 9;
const HINTED_REST: i64 = 60_000;
/// What waits, and nobody knows how long: looked at first after so many milliseconds, then after twice as many, and so on.
const WAIT: i64 = 5_000;
/// The first try after one that failed, where checkpoints are not more frequent than that; milliseconds.
const FIRST_RETRY: i64 = 15_000;
/// Where something changed since it failed, a try is at most so far away; milliseconds.
const HINTED_RETRY: i64 = 60_000;
/// Tries are never further apart than this, or than checkpoints are; milliseconds.
const LAST_RETRY: i64 = 600_000;
/// The two clocks went apart by more than this, milliseconds: one was set, or the computer slept.
const JUMP: i64 = 5_000;
/// Nobody asked for so long, milliseconds: the computer slept, or the program stood still.
const LATE: i64 = 30_000;

/// What time it is, by both clocks.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Now {
    /// Milliseconds since 1970, as the computer's clock says, which may be set.
    pub wall: i64,
    /// Milliseconds since some moment, by a clock that only goes on and may stand still while the computer sleeps.
    pub steady: i64,
}

/// How frequent things are, as the settings say; milliseconds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Rhythm {
    /// Between full looks that nothing asks for; 0: none.
    pub scan: i64,
    /// Between checkpoints while a session is open; 0: none.
    pub checkpoint: i64,
}

/// What is done.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum What {
    /// Look whether the folders are there again, and nothing else.
    Glance,
    /// Carry files.
    Cycle,
    /// Carry files, and save the databases of the open session.
    Checkpoint,
}

/// How a cycle or checkpoint ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Ended {
    /// Everything was carried and saved, as far as it could be reached; whether anything had to be.
    Done {
        /// Something was written.
        carried: bool,
    },
    /// So was what could be; something waits.
    Waits {
        /// For so many milliseconds, where that is known.
        wait: Option<i64>,
        /// Something else was written.
        carried: bool,
    },
    /// Files were carried; a database could not be saved.
    Unsaved,
    /// It failed.
    Failed,
    /// Another kitbag was at work.
    Busy,
    /// A folder is not there.
    Away,
}

/// When to do something next.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Due {
    /// Not at all, as things stand.
    Never,
    /// Now.
    Now(What),
    /// After so many milliseconds.
    In(i64),
}

/// What is known of one workspace's looks. Times are of the steady clock, those of the session of the computer's.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Pace {
    /// Whether somebody tells of changes in both folders.
    pub watched: bool,
    /// How many looks have failed since the last that did not.
    pub failures: u32,
    session: Session,
    /// The first and the last hint since the last look began.
    hints: Option<(i64, i64)>,
    /// A look is wanted without waiting for quiet.
    at_once: bool,
    /// When the last look began and ended.
    last: Option<(i64, i64)>,
    /// How long a look takes that carries nothing, and how long the one before took.
    cost: Option<i64>,
    cost_before: Option<i64>,
    /// The last look was asked for: by a hint, by somebody, by a sleep.
    asked: bool,
    /// What the last look left is looked at then.
    again: Option<Again>,
    /// Another kitbag was at work until then, at least.
    busy: Option<i64>,
    /// When the missing folder was glanced at.
    away: Option<i64>,
    /// When somebody asked last.
    clock: Option<Now>,
}

/// A look that the one before asks for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Again {
    at: i64,
    /// How often in a row something was still waiting.
    times: u32,
    /// It belongs to a look that was asked for.
    asked: bool,
}

/// Checkpoints of one session, in milliseconds since 1970.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
struct Session {
    /// Since when it is open; none: it is not.
    open: Option<i64>,
    /// When all was saved last, by whomever.
    saved: Option<i64>,
    /// When the last try ended, and how long to wait after it.
    tried: Option<(i64, Tried)>,
    failures: u32,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Tried {
    Saved,
    Failed,
    Busy,
}

impl Pace {
    /// What the ledger says of the session: since when it is open, and when all was saved last.
    pub fn session(&mut self, open: Option<i64>, saved: Option<i64>) {
        if self.session.open != open {
            // another session begins with a clean sheet
            self.session = Session::default();
        }
        (self.session.open, self.session.saved) = (open, saved);
    }

    /// Whether a session is open here.
    pub fn is_open(&self) -> bool {
        self.session.open.is_some()
    }

    /// Time went on. After a sleep, or when a clock was set, everything is looked at: hints may have got lost.
    pub fn tick(&mut self, now: Now) {
        if let Some(before) = self.clock {
            let (steady, wall) = (now.steady - before.steady, now.wall - before.wall);
            self.at_once |= (wall - steady).abs() > JUMP || steady > LATE;
        }
        self.clock = Some(now);
    }

    /// Something changed in one of the folders.
    pub fn hint(&mut self, now: Now) {
        let first = self.hints.map_or(now.steady, |(first, _)| first);
        self.hints = Some((first, now.steady));
    }

    /// Look as soon as may be: hints got lost, somebody gave the workspace back or asks for it.
    pub fn hasten(&mut self) {
        self.at_once = true;
        self.busy = None;
    }

    /// A folder is not there; it is looked at for as long as that is so.
    pub fn gone(&mut self, now: Now) {
        self.away = Some(now.steady);
    }

    /// Both folders are there again.
    pub fn back(&mut self) {
        self.away = None;
        self.hasten();
    }

    /// Whether a folder is away.
    pub fn is_away(&self) -> bool {
        self.away.is_some()
    }

    /// A look begins: what was told before is seen by it.
    pub fn begin(&mut self) {
        self.asked = self.at_once || self.hints.is_some();
        if self.asked {
            // whatever waited so long, something new may wait for a short time
            self.again = None;
        }
        (self.hints, self.at_once, self.busy) = (None, false, None);
    }

    /// A look that began then has ended.
    pub fn note(&mut self, what: What, began: Now, now: Now, ended: Ended) {
        let took = (now.steady - began.steady).max(0);
        if what == What::Checkpoint {
            self.session.note(now.wall, ended);
        }
        if ended == Ended::Busy {
            self.busy = Some(now.steady + BUSY);
            self.at_once = true;
            return;
        }
        let before = self.again.map_or(0, |again| again.times);
        self.last = Some((began.steady, now.steady));
        let after = |wait: i64| now.steady.saturating_add(wait);
        self.again = match ended {
            // what it took out of the folders is put away by the next
            Ended::Done { carried: true } => Some(Again { at: after(LONGEST), times: 0, asked: false }),
            Ended::Waits { wait, .. } => {
                let doubled = WAIT.saturating_mul(1 << before.min(20));
                let wait = wait.filter(|_| before == 0).map_or(doubled, |wait| wait.max(QUIET));
                let asked = self.asked && before == 0;
                Some(Again { at: after(wait), times: before.saturating_add(1), asked })
            }
            _ => None,
        };
        if ended == Ended::Away {
            self.gone(now);
        }
        let idle = matches!(ended, Ended::Done { carried: false } | Ended::Waits { carried: false, .. });
        if what == What::Cycle && idle {
            (self.cost_before, self.cost) = (self.cost, Some(took));
        }
        self.failures = match ended {
            Ended::Failed => self.failures.saturating_add(1),
            _ => 0,
        };
    }

    /// What to do next, and when.
    pub fn due(&self, rhythm: Rhythm, now: Now) -> Due {
        if let Some(glanced) = self.away {
            return due(glanced.saturating_add(GLANCE), What::Glance, now);
        }
        if let Some(until) = self.busy.filter(|until| *until > now.steady) {
            return Due::In(until - now.steady);
        }
        let save = self.session.due(rhythm.checkpoint, now.wall);
        if save == Due::Now(What::Checkpoint) {
            return save;
        }
        let look = self.look(rhythm).map_or(Due::Never, |at| due(at, What::Cycle, now));
        match (save, look) {
            (Due::In(save), Due::In(look)) => Due::In(save.min(look)),
            (save, Due::Never) => save,
            (_, look) => look,
        }
    }

    /// When to carry files next, by the steady clock.
    fn look(&self, rhythm: Rhythm) -> Option<i64> {
        let Some((began, ended)) = self.last else { return Some(i64::MIN) };
        let took = ended - began;
        // whatever asks for it, there is a pause after a look
        let pause = ended.saturating_add(took.saturating_mul(HINTED_SHARE).clamp(QUIET, LONGEST));
        let cost = self.cost.map_or(took, |cost| if self.failures > 0 { cost.max(took) } else { cost });
        let rest = ended.saturating_add(cost.saturating_mul(SHARE));
        if self.at_once {
            return Some(pause);
        }
        if self.failures > 0 {
            let wait = retry(self.failures, LAST_RETRY);
            return Some(match self.hints {
                Some(_) => ended.saturating_add(wait.min(HINTED_RETRY)),
                None => ended.saturating_add(wait).max(rest),
            });
        }
        // in a large folder something may change all the time; one look may be slow because all is for a moment
        let usual = self.cost.min(self.cost_before).unwrap_or(0);
        let spare = usual.saturating_mul(HINTED_SHARE).min(HINTED_REST);
        let pause = pause.max(ended.saturating_add(spare));
        let hinted = self.hints.map(|(first, last)| (last + QUIET).min(first + LONGEST).max(pause));
        let again = self.again.map(|again| if again.asked { again.at } else { again.at.max(rest) });
        let usual = if self.watched { rhythm.scan } else { rhythm.scan.min(UNWATCHED) };
        let full = (rhythm.scan > 0).then(|| ended.saturating_add(usual).max(rest));
        [hinted, again, full].into_iter().flatten().min()
    }
}

impl Session {
    fn note(&mut self, wall: i64, ended: Ended) {
        match ended {
            Ended::Done { .. } | Ended::Waits { .. } => {
                self.tried = Some((wall, Tried::Saved));
                (self.saved, self.failures) = (Some(wall), 0);
            }
            Ended::Unsaved | Ended::Failed => {
                self.tried = Some((wall, Tried::Failed));
                self.failures = self.failures.saturating_add(1);
            }
            Ended::Busy => self.tried = Some((wall, Tried::Busy)),
            // looked at again when the folder is back
            Ended::Away => {}
        }
    }

    /// When the next checkpoint is due, where they are `every` milliseconds apart.
    fn due(&self, every: i64, now: i64) -> Due {
        if every <= 0 || self.open.is_none() {
            return Due::Never;
        }
        let known = |time: Option<i64>| time.filter(|time| *time <= now);
        let rest = known(self.open).max(known(self.saved)).map(|last| (last, every));
        let again = self.tried.filter(|(at, _)| *at <= now).map(|(at, tried)| {
            let wait = match tried {
                Tried::Saved => every,
                Tried::Busy => BUSY.min(every),
                Tried::Failed => retry(self.failures, every),
            };
            (at, wait)
        });
        // what came later counts; where the clock was set back nothing is known, and saving once more does no harm
        let latest = match (rest, again) {
            (Some(rest), Some(again)) if rest.0 <= again.0 => Some(again),
            (rest, again) => rest.or(again),
        };
        let Some((last, wait)) = latest else { return Due::Now(What::Checkpoint) };
        match last.saturating_add(wait).saturating_sub(now) {
            left if left > 0 => Due::In(left),
            _ => Due::Now(What::Checkpoint),
        }
    }
}

fn due(at: i64, what: What, now: Now) -> Due {
    match at.saturating_sub(now.steady) {
        left if left > 0 => Due::In(left),
        _ => Due::Now(what),
    }
}

/// How long after so many failures in a row, where things are `every` milliseconds apart.
fn retry(failures: u32, every: i64) -> i64 {
    let doubled = FIRST_RETRY.min(every).saturating_mul(1 << failures.saturating_sub(1).min(20));
    doubled.min(LAST_RETRY.max(every))
}

#[cfg(test)]
#[path = "pace_tests.rs"]
mod tests;
