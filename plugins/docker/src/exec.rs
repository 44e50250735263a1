//! Running a program in a container: an exec is made, started with its streams, and asked for its exit code. Input
//! and output go at the same time over one connection, as bytes; nothing is turned into text.

use std::io::{Read, Write};
use std::time::Duration;

use kitbag_sdk::engine::Request;
use kitbag_sdk::{EnvRef, ExecRequest, Fault, FaultCode};
use serde_json::{Value, json};

use crate::api::{Api, said_no, whole};
use crate::frames::{Output, each_piece};
use crate::{body, names, place};

/// How long a program may go on after its output has ended.
const LAST_STEPS: Duration = Duration::from_secs(5);

/// What a program reads and writes.
pub struct Pipes<'a> {
    /// Nothing: an empty input.
    pub stdin: Option<&'a mut dyn Read>,
    /// Its output.
    pub stdout: &'a mut dyn Write,
    /// Its complaints.
    pub stderr: &'a mut dyn Write,
}

impl std::fmt::Debug for Pipes<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Pipes").field("stdin", &self.stdin.is_some()).finish_non_exhaustive()
    }
}

/// Run it to its end; gives its exit code. A program ended by a signal gives 128 and the signal's number.
///
/// # Errors
/// `not-found` for an absent environment, service or program; `not-ready` when it does not run.
pub fn run(api: &Api<'_>, id: &EnvRef, what: &ExecRequest, pipes: Pipes<'_>) -> Result<Option<i32>, Fault> {
    if what.argv.is_empty() {
        return Err(Fault::new(FaultCode::InvalidConfig, "No program was named.")
            .remedy_command("Name one.", &["kitbag", "exec", "SERVICE", "--", "PROGRAM"]));
    }
    let place = place::find(api, id, what.folder.as_deref())?;
    // Where services are is known in the container better than out here.
    let env = what.env.iter().filter(|(name, _)| !body::is_address(name));
    let env: Vec<String> = env.map(|(name, value)| format!("{name}={value}")).collect();
    let mut request = json!({
        "AttachStdin": pipes.stdin.is_some(),
        "AttachStdout": true,
        "AttachStderr": true,
        "Tty": false,
        "Cmd": what.argv,
        "Env": env,
    });
    if let Some(path) = &place.path {
        request["WorkingDir"] = json!(path);
    }
    run_in(api, &place.container.name, &request, pipes)
}

/// Run a program of which only the exit code counts; none when it does not end in time, and then it is left to
/// itself.
///
/// # Errors
/// As [`run`].
pub fn quietly(api: &Api<'_>, container: &str, argv: &[&str], limit: Duration) -> Result<Option<i32>, Fault> {
    let request = json!({ "AttachStdin": false, "AttachStdout": false, "AttachStderr": false, "Cmd": argv });
    let exec = prepare(api, container, &request)?;
    let start = Request::new("POST", format!("/exec/{exec}/start")).start(r#"{"Detach":true,"Tty":false}"#);
    whole(api.done(start)?)?;
    let began = api.host().elapsed();
    loop {
        let now = api.get(&format!("/exec/{exec}/json"))?;
        if now["Running"] != true {
            return Ok(code(&now));
        }
        if api.host().elapsed().saturating_sub(began) >= limit {
            return Ok(None);
        }
        api.host().pause(Duration::from_millis(50))?;
    }
}

/// How an exec ended whose output has. One that goes on without its output has lost its connection: what was read of
/// it may be half, whatever it says later.
fn ended(api: &Api<'_>, exec: &str) -> Result<Value, Fault> {
    let began = api.host().elapsed();
    loop {
        let now = api.get(&format!("/exec/{exec}/json"))?;
        if now["Running"] != true {
            return Ok(now);
        }
        if api.host().elapsed().saturating_sub(began) >= LAST_STEPS {
            return Err(Fault::new(
                FaultCode::Network,
                "The connection to a program in the environment broke.",
            )
            .remedy_command("Try again; nothing is lost.", &["kitbag", "up"]));
        }
        api.host().pause(Duration::from_millis(50))?;
    }
}

fn code(exec: &Value) -> Option<i32> {
    exec["ExitCode"].as_i64().and_then(|code| i32::try_from(code).ok())
}

/// Make an exec; gives its id.
fn prepare(api: &Api<'_>, container: &str, request: &Value) -> Result<String, Fault> {
    let made = api.post(&format!("/containers/{}/exec", names::encode(container)), request)?;
    match made["Id"].as_str() {
        Some(id) if !id.is_empty() && id.chars().all(|c| c.is_ascii_alphanumeric()) => Ok(id.to_owned()),
        _ => Err(Fault::new(FaultCode::ToolFailed, "The Docker engine's answer cannot be read.")),
    }
}

/// Run it in a container that is known.
///
/// # Errors
/// As [`run`].
pub fn run_in(
    api: &Api<'_>,
    container: &str,
    request: &Value,
    pipes: Pipes<'_>,
) -> Result<Option<i32>, Fault> {
    let exec = prepare(api, container, request)?;
    let mut start =
        Request::new("POST", format!("/exec/{exec}/start")).start(r#"{"Detach":false,"Tty":false}"#);
    if let Some(stdin) = pipes.stdin {
        start = start.stream(stdin);
    }
    let answer = api.done(start)?;
    // When a program cannot be started the engine says why where its output would be.
    let mut first = Vec::new();
    each_piece(answer.body, |output, bytes, _| {
        if first.len() < 512 {
            first.extend(&bytes[..bytes.len().min(512)]);
        }
        match output {
            Output::Out => pipes.stdout.write_all(bytes)?,
            Output::Err => pipes.stderr.write_all(bytes)?,
        }
        Ok(true)
    })?;
    pipes.stdout.flush()?;
    pipes.stderr.flush()?;
    let code = code(&ended(api, &exec)?);
    let first = String::from_utf8_lossy(&first);
    if matches!(code, Some(126 | 127)) && first.contains("OCI runtime exec failed") {
        return Err(said_no(400, &first));
    }
    Ok(code)
}
