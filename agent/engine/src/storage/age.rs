//! Time as this ledger has lived through it. A clock set wrong, a machine that was off for a year, a day that is set
//! back and forth: between two syncs no more than a day is counted, and never less than none. So what waits for age
//! waits longer where a machine is seldom used, and a jump of the clock hurries it by a day at the most.

use crate::error::EngineError;
use crate::workspace::Workspace;

const COUNTED: &str = "storage.counted";
const CLOCK: &str = "storage.clock";

/// A day, in milliseconds.
pub(super) const DAY: i64 = 24 * 3600 * 1000;
// A sync in which nothing happened writes nothing, not even this.
const LEAST: i64 = DAY / 24;

/// Milliseconds this ledger has lived through, counted on to now.
///
/// # Errors
/// The ledger fails.
pub(super) fn count_on(ws: &Workspace) -> Result<i64, EngineError> {
    let number = |key| Ok::<_, EngineError>(ws.ledger.get(key)?.and_then(|text| text.parse::<i64>().ok()));
    let (counted, now) = (number(COUNTED)?.unwrap_or(0), ws.doors.clock.now_millis());
    let Some(before) = number(CLOCK)? else {
        ws.ledger.set(CLOCK, &now.to_string())?;
        return Ok(counted);
    };
    let passed = now.saturating_sub(before);
    if (0..LEAST).contains(&passed) {
        return Ok(counted);
    }
    let counted = counted.saturating_add(passed.clamp(0, DAY));
    ws.ledger.batch(|ledger| {
        ledger.set(COUNTED, &counted.to_string())?;
        ledger.set(CLOCK, &now.to_string()).map_err(EngineError::from)
    })?;
    Ok(counted)
}
