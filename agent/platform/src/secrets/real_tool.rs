//! The Secret Service of a Linux desktop, through its own program `secret-tool` (libsecret), which takes a secret on
//! its input and gives it on its output. So no library of the desktop is linked, and a computer without one costs
//! nothing: without a session bus or the program there is no keychain. A desktop that does not answer is not waited
//! for.

use std::io::{Read, Write};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use super::{SERVICE, SecretsError};
use crate::process::find_program;

/// A keychain that asks its person for a password takes longer; it is locked then.
const PATIENCE: Duration = Duration::from_secs(3);

pub(super) fn get(name: &str) -> Result<Option<String>, SecretsError> {
    let said = run(&["lookup", "service", SERVICE, "name", name], None)?;
    match said {
        Said { worked: true, output, .. } => {
            let text = String::from_utf8(output).map_err(|_| SecretsError::Refused("no text".to_owned()))?;
            Ok(Some(text.trim_end_matches('\n').to_owned()))
        }
        // what is not there is answered without a word
        Said { errors, .. } if errors.trim().is_empty() => Ok(None),
        Said { errors, .. } => Err(SecretsError::Refused(errors.trim().to_owned())),
    }
}

pub(super) fn set(name: &str, secret: &str) -> Result<(), SecretsError> {
    let label = format!("--label={SERVICE}: {name}");
    match run(&["store", &label, "service", SERVICE, "name", name], Some(secret))? {
        Said { worked: true, .. } => Ok(()),
        Said { errors, .. } => Err(SecretsError::Refused(errors.trim().to_owned())),
    }
}

struct Said {
    worked: bool,
    output: Vec<u8>,
    errors: String,
}

fn run(args: &[&str], input: Option<&str>) -> Result<Said, SecretsError> {
    let value = |name| std::env::var_os(name).filter(|value| !value.is_empty());
    let (Some(_), Some(path)) = (value("DBUS_SESSION_BUS_ADDRESS"), value("PATH")) else {
        return Err(SecretsError::Absent);
    };
    let program = find_program("secret-tool", &path).ok_or(SecretsError::Absent)?;
    let failed = |error: std::io::Error| SecretsError::Refused(error.to_string());
    let mut command = Command::new(program);
    command.args(args).stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = command.spawn().map_err(failed)?;
    // short texts fit into the pipes, so nobody waits for anybody
    if let Some(mut stdin) = child.stdin.take() {
        stdin.write_all(input.unwrap_or_default().as_bytes()).ok();
    }
    let end = Instant::now() + PATIENCE;
    let status = loop {
        match child.try_wait().map_err(failed)? {
            Some(status) => break status,
            None if Instant::now() >= end => {
                child.kill().ok();
                child.wait().ok();
                return Err(SecretsError::Refused("it does not answer".to_owned()));
            }
            None => std::thread::sleep(Duration::from_millis(5)),
        }
    };
    let (mut output, mut errors) = (Vec::new(), String::new());
    if let (Some(out), Some(err)) = (child.stdout.take(), child.stderr.take()) {
        out.take(64 << 10).read_to_end(&mut output).map_err(failed)?;
        err.take(4 << 10).read_to_string(&mut errors).ok();
    }
    Ok(Said { worked: status.success(), output, errors })
}
