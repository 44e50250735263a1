//! Files of the working folder that change again and again, as the background agent leaves them: core says for how long, and
//! what had changed is told so that it can. One that is left is neither read nor written; it counts as what cannot be
//! judged now.

use kitbag_core::entry::{Millis, Seen};
use kitbag_core::history::same_bytes;
use kitbag_core::restless::{FILES, Restless};
use kitbag_core::version::Content;
use kitbag_store::ledger::{Candidate, Look};

use super::Cycle;
use super::look::{Before, Looked};

/// What is known of them, and what time it is.
#[derive(Clone, Copy)]
pub(super) struct Patience<'a> {
    restless: &'a Restless,
    wall: Millis,
    steady: Millis,
}

impl Patience<'_> {
    /// How long one is left as it is, milliseconds.
    pub(super) fn wait(self, candidate: &Candidate, before: Before) -> Option<Millis> {
        let Look::File(print) = candidate.working else { return None };
        if before.unit || before.print == Some(print) {
            return None;
        }
        let still = self.wall.saturating_sub(print.modified.div_euclid(1_000_000));
        self.restless.wait(&candidate.path, print.size, still, self.steady)
    }
}

/// One that is left.
pub(super) fn left() -> Looked {
    Looked { seen: Seen::Unsure, ..Looked::absent() }
}

impl Cycle<'_> {
    /// How patient this sync is.
    pub(super) fn patience(&self) -> Patience<'_> {
        let steady = self.ws.doors.clock.steady_millis();
        Patience { restless: &self.request.restless, wall: self.now(), steady }
    }

    /// A file may have changed, or change just now.
    pub(super) fn note_read(&mut self, candidate: &Candidate, shown: Option<Content>, working: &Looked) {
        let Look::File(print) = candidate.working else { return };
        let changed = match working.seen {
            Seen::Content(content) => !shown.is_some_and(|shown| same_bytes(shown, content)),
            Seen::Unsure => working.reason.is_some(),
            _ => false,
        };
        if self.request.brief && changed && self.report.read.len() < FILES {
            self.report.read.insert(candidate.path.clone(), print.size);
        }
    }
}
