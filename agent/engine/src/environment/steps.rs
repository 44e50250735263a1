//! What a course runs inside its environment at named moments: trusting notebooks, migrations. The host runs each one
//! through the backend. A step that fails is told with its last words; the services go on.

use std::collections::{BTreeMap, BTreeSet};
use std::pin::Pin;
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll};

use kitbag_core::course::{Course, Moment, PORT, Step};
use kitbag_core::path::shown;
use kitbag_plugin_host::{ByteWriter, ExecRequest, Op, Reply, Streams};
use tokio::io::AsyncWrite;

use super::runner::{LONG, Runner, told};
use crate::error::EngineError;

/// Bytes of a step's last words that are kept.
const LAST_WORDS: usize = 2_000;

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
        let said = Arc::new(Mutex::new(Vec::new()));
        let writer = || -> ByteWriter { Box::new(LastWords(said.clone())) };
        let streams = Streams { output: Some(writer()), errors: Some(writer()), ..Streams::default() };
        let request = ExecRequest {
            argv: argv(step, &runner.ports),
            env: urls.to_vec(),
            folder: Some("work".to_owned()),
        };
        let op = Op::ExecIn { id: runner.made.id.clone(), request };
        let ran = runner.call_with(op, runner.grants(programs)?, LONG, streams).await.and_then(Reply::exited);
        let why = match ran {
            Ok(Some(0)) => continue,
            Ok(Some(code)) => format!("it ended with {code}"),
            Ok(None) => "it was ended".to_owned(),
            Err(error) => told(error).to_string(),
        };
        let said = said.lock().unwrap_or_else(PoisonError::into_inner);
        let said = shown(&runner.grants(programs)?.redact(String::from_utf8_lossy(&said).trim()));
        let said = if said.is_empty() { String::new() } else { format!(" It said: {said}") };
        notes.push(format!("The course's step \"{}\" did not work: {why}.{said}", step.name));
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

/// Keeps the end of what a program says.
struct LastWords(Arc<Mutex<Vec<u8>>>);

impl AsyncWrite for LastWords {
    fn poll_write(self: Pin<&mut Self>, _: &mut Context<'_>, bytes: &[u8]) -> Poll<std::io::Result<usize>> {
        let mut kept = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        kept.extend_from_slice(bytes);
        let over = kept.len().saturating_sub(LAST_WORDS);
        kept.drain(..over);
        Poll::Ready(Ok(bytes.len()))
    }

    fn poll_flush(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<std::io::Result<()>> {
        Poll::Ready(Ok(()))
    }

    fn poll_shutdown(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<std::io::Result<()>> {
        Poll::Ready(Ok(()))
    }
}
