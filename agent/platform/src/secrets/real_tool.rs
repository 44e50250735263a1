//! The Secret Service of a Linux desktop, through its own program `secret-tool` (libsecret), which takes a secret on
//! its input and gives it on its output. So no library of the desktop is linked, and a computer without one costs
//! nothing: without a session bus or the program there is no keychain. A desktop that does not answer is not waited
//! for.

use std::io;
use std::process::Command;
use std::time::Duration;

use super::{SERVICE, SecretsError};
use crate::process::{Brief, brief, find_program};

/// A keychain that asks its person for a password takes longer; it is locked then.
const PATIENCE: Duration = Duration::from_secs(3);

pub(super) fn get(name: &str) -> Result<Option<String>, SecretsError> {
    let said = run(&["lookup", "service", SERVICE, "name", name], None)?;
    match said {
        Brief { worked: true, output, .. } => {
            let text = String::from_utf8(output).map_err(|_| SecretsError::Refused("no text".to_owned()))?;
            Ok(Some(text.trim_end_matches('\n').to_owned()))
        }
        // what is not there is answered without a word
        Brief { errors, .. } if errors.trim().is_empty() => Ok(None),
        Brief { errors, .. } => Err(SecretsError::Refused(errors.trim().to_owned())),
    }
}

pub(super) fn set(name: &str, secret: &str) -> Result<(), SecretsError> {
    let label = format!("--label={SERVICE}: {name}");
    match run(&["store", &label, "service", SERVICE, "name", name], Some(secret))? {
        Brief { worked: true, .. } => Ok(()),
        Brief { errors, .. } => Err(SecretsError::Refused(errors.trim().to_owned())),
    }
}

fn run(args: &[&str], input: Option<&str>) -> Result<Brief, SecretsError> {
    let value = |name| std::env::var_os(name).filter(|value| !value.is_empty());
    let (Some(_), Some(path)) = (value("DBUS_SESSION_BUS_ADDRESS"), value("PATH")) else {
        return Err(SecretsError::Absent);
    };
    let program = find_program("secret-tool", &path).ok_or(SecretsError::Absent)?;
    brief(Command::new(program).args(args), input, PATIENCE).map_err(|error| {
        SecretsError::Refused(match error.kind() {
            io::ErrorKind::TimedOut => "it does not answer".to_owned(),
            _ => error.to_string(),
        })
    })
}
