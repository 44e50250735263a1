//! macOS: `osascript` shows it. The script is always the same; what is said comes after it, as its arguments.

use std::process::Command;

use super::{Notice, NoticeError, PATIENCE};
use crate::process::brief;

const OSASCRIPT: &str = "/usr/bin/osascript";
const SCRIPT: [&str; 3] =
    ["on run argv", "display notification (item 2 of argv) with title (item 1 of argv)", "end run"];

pub(super) fn show(notice: &Notice) -> Result<(), NoticeError> {
    let mut command = Command::new(OSASCRIPT);
    for line in SCRIPT {
        command.args(["-e", line]);
    }
    command.args([&notice.title, &notice.text]);
    match brief(&mut command, None, PATIENCE) {
        Ok(said) if said.worked => Ok(()),
        Ok(said) => Err(NoticeError::Refused(said.errors.trim().to_owned())),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => Err(NoticeError::Absent),
        Err(error) => Err(NoticeError::Refused(error.to_string())),
    }
}
