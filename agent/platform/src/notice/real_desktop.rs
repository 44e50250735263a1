//! A Linux desktop (Desktop Notifications Specification), through `notify-send` of libnotify or `gdbus` of GLib, whichever
//! is there. Both take what is said as arguments. Without a session bus nobody is asked.

use std::ffi::OsString;
use std::path::Path;
use std::process::Command;

use super::{Notice, NoticeError, PATIENCE};
use crate::process::{brief, find_program};

pub(super) fn show(notice: &Notice) -> Result<(), NoticeError> {
    let path = std::env::var_os("PATH").unwrap_or_default();
    let runtime = std::env::var_os("XDG_RUNTIME_DIR");
    let bus = bus(std::env::var_os("DBUS_SESSION_BUS_ADDRESS"), runtime.as_deref().map(Path::new));
    ask(notice, &path, &bus.ok_or(NoticeError::Absent)?)
}

/// The session's bus: as the session says, or at its usual place, which a program started before the desktop is not told.
fn bus(told: Option<OsString>, runtime: Option<&Path>) -> Option<OsString> {
    told.filter(|told| !told.is_empty()).or_else(|| {
        let socket = runtime?.join("bus");
        let plain = socket
            .to_str()
            .filter(|path| path.bytes().all(|b| b.is_ascii_alphanumeric() || b"/-_.".contains(&b)));
        (socket.exists()).then(|| plain.map(|path| format!("unix:path={path}").into()))?
    })
}

fn ask(notice: &Notice, path: &OsString, bus: &OsString) -> Result<(), NoticeError> {
    let mut command = if let Some(program) = find_program("notify-send", path) {
        let mut command = Command::new(program);
        command.args(["--app-name=kitbag", "--icon=kitbag", "--", &notice.title, &notice.text]);
        command
    } else if let Some(program) = find_program("gdbus", path) {
        let mut command = Command::new(program);
        let path = "/org/freedesktop/Notifications";
        command.args(["call", "--session", "--timeout=5", "--dest=org.freedesktop.Notifications"]);
        command.args([
            &format!("--object-path={path}"),
            "--method=org.freedesktop.Notifications.Notify",
            "--",
        ]);
        // app name, replaces nothing, icon, summary, body, no actions, no hints, the desktop's own time; each with its type,
        // which gdbus guesses where a desktop does not tell
        command.args(["'kitbag'", "uint32 0", "'kitbag'", &literal(&notice.title), &literal(&notice.text)]);
        command.args(["@as []", "@a{sv} {}", "int32 -1"]);
        command
    } else {
        return Err(NoticeError::Absent);
    };
    command.env("DBUS_SESSION_BUS_ADDRESS", bus);
    match brief(&mut command, None, PATIENCE) {
        Ok(said) if said.worked => Ok(()),
        Ok(said) => Err(NoticeError::Refused(said.errors.trim().to_owned())),
        Err(error) => Err(NoticeError::Refused(error.to_string())),
    }
}

/// A string as GVariant's text format has it: gdbus would read some texts as something else.
fn literal(text: &str) -> String {
    format!("'{}'", text.replace('\\', r"\\").replace('\'', r"\'"))
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt;
    use std::path::PathBuf;

    use super::*;

    /// A fake program that writes down how it was called, each word on its own.
    fn fake(folder: &Path, name: &str, ends: u8) -> PathBuf {
        let (file, said) = (folder.join(name), folder.join("said"));
        let script = format!(
            "#!/bin/sh\nprintf '%s\\0' \"${{0##*/}}\" \"$DBUS_SESSION_BUS_ADDRESS\" \"$@\" > '{}'\necho trouble >&2\nexit {ends}\n",
            said.display()
        );
        std::fs::write(&file, script).unwrap();
        std::fs::set_permissions(&file, std::fs::Permissions::from_mode(0o755)).unwrap();
        said
    }

    const HOSTILE: &str = "--urgency=critical $(touch /tmp/x) `id`; 'quote\" \\ ü @as ['a']";

    #[test]
    fn what_is_said_comes_as_arguments_whatever_it_says() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().as_os_str().to_owned();
        let notice = Notice { title: format!("kitbag: {HOSTILE}"), text: HOSTILE.into() };
        let bus = OsString::from("unix:path=/nowhere");
        assert_eq!(ask(&notice, &path, &bus), Err(NoticeError::Absent));

        let said = fake(dir.path(), "gdbus", 0);
        assert_eq!(ask(&notice, &path, &bus), Ok(()));
        let words = |said: &Path| -> Vec<String> {
            let text = std::fs::read_to_string(said).unwrap();
            text.split_terminator('\0').map(str::to_owned).collect()
        };
        let told = words(&said);
        assert_eq!(told[..2], ["gdbus", "unix:path=/nowhere"]);
        let end = told.iter().position(|word| word == "--").unwrap();
        let expected = [
            "'kitbag'",
            "uint32 0",
            "'kitbag'",
            &literal(&notice.title),
            &literal(HOSTILE),
            "@as []",
            "@a{sv} {}",
            "int32 -1",
        ];
        assert_eq!(told[end + 1..], expected);

        fake(dir.path(), "notify-send", 0);
        assert_eq!(ask(&notice, &path, &bus), Ok(()));
        let told = words(&said);
        assert_eq!(told[0], "notify-send");
        assert_eq!(told[told.len() - 3..], ["--".to_owned(), notice.title.clone(), HOSTILE.to_owned()]);

        fake(dir.path(), "notify-send", 1);
        assert_eq!(ask(&notice, &path, &bus), Err(NoticeError::Refused("trouble".into())));
    }

    #[test]
    fn the_bus_is_the_sessions() {
        let dir = tempfile::tempdir().unwrap();
        assert_eq!(bus(None, None), None);
        assert_eq!(bus(None, Some(dir.path())), None);
        std::fs::write(dir.path().join("bus"), "").unwrap();
        let usual = format!("unix:path={}/bus", dir.path().display());
        assert_eq!(bus(None, Some(dir.path())), Some(usual.clone().into()));
        assert_eq!(bus(Some("".into()), Some(dir.path())), Some(usual.into()));
        assert_eq!(bus(Some("tcp:x".into()), Some(dir.path())), Some("tcp:x".into()));
    }
}
