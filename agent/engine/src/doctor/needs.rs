//! What the workspace's course needs beside what this computer has, and what else could be done where that is too little.

use kitbag_core::course::{Verdict, Weighed};
use kitbag_core::finding::Finding;

use super::{Around, FirstCheck, Said};
use crate::environment::needs::Told;
use crate::error::EngineError;

pub(super) struct CourseNeeds;

impl FirstCheck for CourseNeeds {
    fn name(&self) -> &'static str {
        "what the course needs"
    }

    fn concerns(&self, around: &Around<'_>) -> bool {
        around.ws.is_some()
    }

    fn look(&self, around: &Around<'_>) -> Result<Vec<Said>, EngineError> {
        let told = match &around.answers.needs {
            None => return Ok(Vec::new()),
            Some(Ok(told)) => told,
            Some(Err(error)) => return Ok(vec![Said::bad(error.finding())]),
        };
        let mut said: Vec<Said> = told.needs.iter().filter_map(|one| word(one, told)).collect();
        let enough = told.needs.iter().filter(|one| one.verdict == Verdict::Enough);
        let enough: Vec<_> = enough.map(|one| format!("{} {}", one.what, one.needs)).collect();
        if !enough.is_empty() {
            said.push(Said::seen(enough.join(", ")));
        }
        Ok(said)
    }
}

fn word(one: &Weighed, told: &Told) -> Option<Said> {
    let Finding { what, why, remedy } = one.finding.clone()?;
    let remedy = [vec![remedy], told.alternatives.clone()].concat().join(" ");
    let finding = Finding::new(what, why, remedy);
    Some(if one.verdict == Verdict::Cannot { Said::bad(finding) } else { Said::note(finding) })
}
