//! What a course runs inside its environment at named moments: trusting notebooks, migrations. The host runs each one
//! through the backend. A step that fails is told with its last words; the services go on.

use std::collections::{BTreeMap, BTreeSet};

use kitbag_core::course::{Course, Moment, PORT, Step};

use super::inside::{self, Command};
use super::runner::{LONG, Runner};
use crate::error::EngineError;

/// Run the steps of a moment in order; what went wrong, in words.
///
/// # Errors
/// Machine state cannot be used. A step that fails is no error.
pub(super) async fn run(
    runner: &Runner<'_>,
    course: &Course,
    moment: Moment,
    programs: &BTreeSet<String>,
    urls: &[(String, String)],
    running: &BTreeSet<String>,
) -> Result<Vec<String>, EngineError> {
    let mut notes = Vec::new();
    let backend = &runner.made.backend;
    let of_backend = |step: &&Step| step.backends.is_empty() || step.backends.contains(backend);
    let concerned = |step: &&Step| step.service.as_ref().is_none_or(|service| running.contains(service));
    for step in course.steps.iter().filter(|step| step.when == moment).filter(of_backend).filter(concerned) {
        let command = Command {
            argv: argv(step, &runner.ports),
            env: urls.to_vec(),
            folder: Some("work".to_owned()),
            within: LONG,
        };
        if let Some(why) = inside::run(runner, programs, command, None, None).await? {
            notes.push(format!("The course's step \"{}\" did not work: {why}", step.name));
        }
    }
    Ok(notes)
}

/// `{port}` is that of the step's service; the other placeholders are filled in where programs are started.
fn argv(step: &Step, ports: &BTreeMap<String, u16>) -> Vec<String> {
    let port = step.service.as_ref().and_then(|service| ports.get(service));
    let fill = |text: &String| match port {
        Some(port) => text.replace(&format!("{{{PORT}}}"), &port.to_string()),
        None => text.clone(),
    };
    step.run.iter().map(fill).collect()
}
