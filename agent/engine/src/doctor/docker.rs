//! Whether Docker is installed, started, allowed, and new enough. The words are those of whoever uses it: where it does
//! not answer, the ones `up` has for that; where it does, those of the plugin. It is wrong only where the course can run
//! in no other way.

use kitbag_core::finding::Finding;

use super::answers::DOCKER;
use super::{Around, FirstCheck, Said};
use crate::error::EngineError;

pub(super) struct Docker;

impl FirstCheck for Docker {
    fn name(&self) -> &'static str {
        "Docker"
    }

    fn look(&self, around: &Around<'_>) -> Result<Vec<Said>, EngineError> {
        let answers = around.answers;
        let ways = answers.ways();
        let wanted = answers.course.is_none() || ways.contains(&DOCKER);
        let Some(finding) = answers.absent.as_ref().or(answers.trouble.as_ref()) else {
            let version =
                answers.engine.as_ref().map(|engine| format!("version {}, started", engine.version));
            return Ok(vec![Said::seen(version.unwrap_or_else(|| "started".to_owned()))]);
        };
        if !wanted {
            return Ok(vec![Said::seen("not needed by this course")]);
        }
        let Finding { what, why, remedy } = finding.clone();
        let used = answers.backend.as_deref() == Some(DOCKER) || ways == [DOCKER];
        if used {
            return Ok(vec![Said::bad(Finding::new(what, why, remedy))]);
        }
        let other = match &answers.course {
            None => "Only courses that run in Docker need it.",
            Some(_) => "The course can run without it, with less.",
        };
        Ok(vec![Said::note(Finding::new(what, format!("{why} {other}").trim_start(), remedy))])
    }
}
