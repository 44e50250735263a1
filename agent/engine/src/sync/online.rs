//! Files whose bytes the cloud client keeps off this disk: what is said of them, and that none is written over.

use kitbag_core::path::WorkPath;
use kitbag_core::plan::Plan;
use kitbag_store::ledger::Place;

use super::Cycle;
use super::report::{Problem, WaitingFor};

/// What is said of a file whose bytes are needed and not here.
pub(crate) const ONLINE_ONLY: &str = "online only: make it available on this device";
/// So many of them are told by name.
const MOST_TOLD: usize = 100;

impl Cycle<'_> {
    /// The path cannot go on without bytes that the cloud program has taken off this disk.
    pub(super) fn wait_online(&mut self, path: &WorkPath) {
        if self.report.waiting_for.iter().filter(|waiting| waiting.what == ONLINE_ONLY).count() >= MOST_TOLD {
            return;
        }
        let keep = self.ws.provider().and_then(|row| row.keep_here);
        let keep = keep.map(|words| format!(" (\"{words}\")")).unwrap_or_default();
        self.report.waiting_for.push(WaitingFor { path: Some(path.to_string()), what: ONLINE_ONLY.into() });
        self.report.problems.push(Problem::told(path.to_string(), format!("{ONLINE_ONLY}{keep}")));
    }

    /// A file that is online only is not written over: what came out of its place could not be looked at.
    pub(super) fn spare_online(&mut self, path: &WorkPath, plan: &mut Plan) -> bool {
        let online = |place| self.online.contains(&(place, path.clone()));
        let (here, there) = (online(Place::Working), online(Place::Mirror));
        let spared = [plan.working.take_if(|_| here), plan.mirror.take_if(|_| there)];
        let waits = spared.iter().any(Option::is_some);
        if waits {
            self.wait_online(path);
        }
        waits
    }
}
