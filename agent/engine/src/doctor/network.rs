//! Whether the places in the network that the course names can be reached: only these, and only when a person asks for it
//! (`doctor --network`). A connection is made and closed again; nothing is sent.

use std::collections::BTreeSet;
use std::time::Duration;

use kitbag_core::course::Outside;
use kitbag_core::finding::Finding;
use kitbag_platform::outbound::{Outbound, Unreached};

use super::{Around, FirstCheck, Said};
use crate::error::{EngineError, count};

/// Longest wait for one of them.
const PATIENCE: Duration = Duration::from_secs(8);

pub(super) struct Network;

impl FirstCheck for Network {
    fn name(&self) -> &'static str {
        "network"
    }

    fn concerns(&self, around: &Around<'_>) -> bool {
        around.ws.is_some()
    }

    fn look(&self, around: &Around<'_>) -> Result<Vec<Said>, EngineError> {
        let answers = around.answers;
        let Some(course) = &answers.course else { return Ok(Vec::new()) };
        let places: BTreeSet<Outside> =
            answers.ways().into_iter().flat_map(|backend| course.outside(backend)).collect();
        if places.is_empty() {
            return Ok(vec![Said::seen("the course names no place it needs")]);
        }
        let names: Vec<_> = places.iter().map(ToString::to_string).collect();
        let Some(outbound) = around.machine.outbound else {
            return Ok(vec![Said::not_asked(Finding::new(
                format!("the network was not tried: {}", names.join(", ")),
                "kitbag connects to nothing without being asked.",
                "`kitbag doctor --network` tries whether these places can be reached.",
            ))]);
        };
        let tried = try_all(outbound, &places);
        let reached = tried.iter().filter(|(_, answer)| answer.is_ok()).count();
        let mut said: Vec<Said> = tried
            .iter()
            .filter_map(|(place, answer)| Some(Said::bad(finding(place, answer.as_ref().err()?))))
            .collect();
        if reached > 0 {
            said.push(Said::seen(format!("{} reached", count(reached, "place"))));
        }
        Ok(said)
    }
}

/// All at once, so that several silent ones take no longer than one.
fn try_all<'p>(
    outbound: &dyn Outbound,
    places: &'p BTreeSet<Outside>,
) -> Vec<(&'p Outside, Result<(), Unreached>)> {
    std::thread::scope(|scope| {
        let tries: Vec<_> = places
            .iter()
            .map(|place| (place, scope.spawn(move || outbound.reach(&place.host, place.port, PATIENCE))))
            .collect();
        let ended = |(place, attempt): (&'p Outside, std::thread::ScopedJoinHandle<'_, _>)| {
            (place, attempt.join().unwrap_or(Err(Unreached::Silent)))
        };
        tries.into_iter().map(ended).collect()
    })
}

fn finding(place: &Outside, why: &Unreached) -> Finding {
    let remedy = match why {
        Unreached::NoName => {
            "Look whether this computer is online, and whether a log-in page of the network waits."
        }
        Unreached::Refused => "It may be down for a while; try again later, or ask the course team.",
        Unreached::Silent | Unreached::NoWay(_) => {
            "Try another network: at work or in a hotel something on the way may let nothing through. Or ask for the \
             course package that has everything in it."
        }
    };
    Finding::new(
        format!("{place} cannot be reached"),
        format!("The course gets something from there; {}.", kitbag_core::path::shown(&why.to_string())),
        remedy,
    )
}
