//! What others answer, asked once before the checks look: Docker what it is, the plugin whether it can work with it, and
//! what the course needs beside what is here. Docker's plugin is asked only where the person allowed it already.

use kitbag_core::course::Course;
use kitbag_core::finding::Finding;
use kitbag_plugin_host::bundled;

use super::Machine;
use crate::course::unpack;
use crate::environment::needs::{self, Told};
use crate::environment::{self, Engine};
use crate::error::EngineError;
use crate::workspace::Workspace;

/// Who can start containers.
pub(super) const DOCKER: &str = "docker";

/// What was answered.
pub(super) struct Answers {
    /// The workspace's course.
    pub course: Option<Course>,
    /// What the course would run with here, or runs with; none without a course.
    pub backend: Option<String>,
    /// What keeps Docker from answering.
    pub absent: Option<Finding>,
    /// What it says of itself.
    pub engine: Option<Engine>,
    /// What its plugin says keeps it from working with it.
    pub trouble: Option<Finding>,
    /// The course's needs; none without a course.
    pub needs: Option<Result<Told, EngineError>>,
}

/// Ask.
pub(super) async fn ask(machine: &Machine<'_>, ws: Option<&Workspace>) -> Answers {
    let backends = &machine.doors.backends;
    let absent = backends.needs_met(DOCKER).await.err().map(environment::finding);
    let engine = if absent.is_none() { backends.engine(DOCKER).await } else { None };
    let mut answers = Answers { course: None, backend: None, absent, engine, trouble: None, needs: None };
    // a course that cannot be read is said by whoever needs it
    let Some((ws, here)) = ws.and_then(|ws| Some((ws, unpack::unpacked(ws).ok()??))) else { return answers };
    let others = needs::machines(ws).unwrap_or_default();
    let told = needs::told(&ws.doors, &here.course, &ws.environment_folder(), &[], &others).await;
    let made = environment::made_with(ws).ok().flatten();
    answers.backend = made.clone().or_else(|| told.as_ref().ok().map(|told| told.backend.clone()));
    if answers.absent.is_none() && answers.backend.as_deref() == Some(DOCKER) {
        answers.trouble = environment::trouble(ws, machine.home).await.unwrap_or_default();
    }
    answers.needs = Some(told.map(|told| without_downloads(told, made.as_deref())));
    answers.course = Some(here.course);
    answers
}

/// What has come already needs no room any more.
fn without_downloads(mut told: Told, made: Option<&str>) -> Told {
    if made == Some(told.backend.as_str()) {
        told.needs.retain(|one| one.what != "disk");
        if !told.short() {
            told.alternatives.clear();
        }
    }
    told
}

impl Answers {
    /// The ways this kitbag can run the course.
    pub(super) fn ways(&self) -> Vec<&str> {
        let have = |name: &&str| bundled().iter().any(|(id, _)| id == name);
        self.course
            .iter()
            .flat_map(|course| course.backends.keys().map(String::as_str).filter(have))
            .collect()
    }
}
