//! This computer's clock against what other machines wrote. Time decides nothing here, but it is what people read, and a
//! clock that is far off keeps cloud programs from logging in.

use kitbag_core::finding::Finding;
use kitbag_core::path::shown;
use kitbag_platform::clock::rfc3339;

use super::{Around, FirstCheck, Said};
use crate::error::EngineError;
use crate::events;

/// Clocks differ by minutes; this many milliseconds are too many.
const FAR: i64 = 15 * 60 * 1000;
/// No computer of ours showed an earlier time.
const EARLIEST: &str = "2025-01-01T00:00:00";

pub(super) struct ClockTime;

impl FirstCheck for ClockTime {
    fn name(&self) -> &'static str {
        "clock"
    }

    fn look(&self, around: &Around<'_>) -> Result<Vec<Said>, EngineError> {
        let now = around.machine.doors.clock.now_millis();
        let remedy = "Look at the date and time of this computer, and let it set them by itself.";
        if rfc3339(now).as_str() < EARLIEST {
            let what = format!("this computer's clock shows {}", &rfc3339(now)[..10]);
            return Ok(vec![Said::bad(Finding::new(what, "That time is long past.", remedy))]);
        }
        let Some(ws) = around.ws else { return Ok(Vec::new()) };
        let events = events::all(&ws.ledger)?;
        let others = events.iter().filter(|event| event.machine != ws.settings.machine_id);
        // all are written alike, so their order as text is that of time
        let Some(last) = others.max_by_key(|event| event.time.as_str()) else { return Ok(Vec::new()) };
        if last.time.as_str() <= rfc3339(now.saturating_add(FAR)).as_str() {
            return Ok(Vec::new());
        }
        Ok(vec![Said::note(Finding::new(
            format!("{} was last seen at {}, which is later than now", shown(&last.name), shown(&last.time)),
            "The clock of one of the two computers is wrong. No work is lost by it.",
            remedy,
        ))])
    }
}
