//! The access token in the keychain of a Linux desktop: a real session bus and a real keyring, begun by the test in a
//! home of its own. Where they are not installed there is nothing to try, and in CI that is a failure.
#![cfg(target_os = "linux")]

use std::path::Path;
use std::process::{Command, Output, Stdio};

use crate::course::setup_with;
use crate::machine::{Machine, room, tree, write};

const MANIFEST: &str = r#"
id = "secret"
title = "Secret"
version = "1"
[[seed]]
from = "notes"
to = "notes"
[[service]]
name = "page"
kind = "program"
[service.program]
program = "sh"
args = ["-c", "exec sleep 300"]
port = true
ready = { port = false }
[service.program.env]
JUPYTER_TOKEN = "{token}"
[backend.local]
"#;

/// The program in a desktop session whose keyring is open.
fn in_session(machine: &Machine, args: &[&str]) -> Output {
    let inner = machine.command(args);
    let open = "printf pw | gnome-keyring-daemon --unlock --components=secrets >/dev/null 2>&1; exec \"$@\"";
    let mut command = Command::new("dbus-run-session");
    command.args(["--", "sh", "-c", open, "sh"]).arg(inner.get_program()).args(inner.get_args()).env_clear();
    command.envs(inner.get_envs().filter_map(|(name, value)| Some((name, value?)))).stdin(Stdio::null());
    let ran = command.current_dir(&machine.user).output().unwrap();
    assert!(ran.status.success(), "{args:?}: {ran:?}");
    ran
}

fn token(opened: &[u8]) -> String {
    String::from_utf8_lossy(opened).trim().split("?token=").nth(1).unwrap().to_owned()
}

fn holds(folder: &Path, token: &str) -> Vec<String> {
    let holds = |bytes: &[u8]| bytes.windows(token.len()).any(|window| window == token.as_bytes());
    tree(folder).0.into_iter().filter(|(_, bytes)| holds(bytes)).map(|(path, _)| path).collect()
}

/// Shows where the token lies: in a file that is said aloud once where there is no keychain; taken over by the
/// keychain when there is one, and then nowhere else. First tier.
#[test]
fn the_keychain_takes_over_what_a_file_held() {
    let here = |program: &str| Command::new(program).arg("--version").output().is_ok();
    if !["dbus-run-session", "gnome-keyring-daemon", "secret-tool"].into_iter().all(here) {
        assert!(std::env::var_os("CI").is_none(), "no session bus, keyring or secret-tool is installed");
        eprintln!("no session bus, keyring or secret-tool is installed; nothing tried");
        return;
    }
    let room = room();
    let folder = room.path().join("secret");
    write(&folder.join("course.toml"), MANIFEST);
    write(&folder.join("notes/week1.md"), "# Week 1\n");
    let mut a = Machine::new(room.path(), "HOME-PC", &room.path().join("share"));
    a.settings.retain(|setting| !setting.starts_with("secrets."));
    setup_with(&a, &folder).exits(&[0]);

    // no session: at once, in a file
    let said = a.run(&["--yes", "up", "--no-open"]).exits(&[0]).stdout;
    assert!(said.contains("is kept in a file of this machine that only you can read"), "{said}");
    let first = token(a.run(&["open", "--print"]).exits(&[0]).stdout.as_bytes());
    assert_eq!(holds(&a.home, &first).len(), 1);
    assert!(!a.run(&["up", "--no-open"]).exits(&[0]).stdout.contains("is kept in a file"), "said once");

    in_session(&a, &["up", "--no-open"]);
    assert_eq!(holds(&a.home, &first), [] as [&str; 0]);
    assert_eq!(token(&in_session(&a, &["open", "--print"]).stdout), first, "it is the same one");
    for folder in [&a.home, &a.user, &a.share, &a.work] {
        assert_eq!(holds(folder, &first), [] as [&str; 0], "{}", folder.display());
    }
    let ps = Command::new("ps").args(["-eo", "args"]).output().unwrap();
    assert!(
        !String::from_utf8_lossy(&ps.stdout).contains(&first),
        "the token stands in the list of processes"
    );
    in_session(&a, &["done"]);
}
