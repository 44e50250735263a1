//! Programs and logs: bytes that go in and out unchanged, exit codes, lines that come once.

use std::time::Duration;

use kitbag_plugin_docker::{exec, logs, run};
use kitbag_sdk::{ExecRequest, FaultCode};

use crate::{Machine, image};

fn idle(command: &str) -> String {
    serde_json::json!({ "image": image::NAME, "command": ["sh", "-c", command] }).to_string()
}

#[test]
fn a_megabyte_of_any_bytes_goes_through_unchanged() {
    let Some(machine) = Machine::new("exec") else { return };
    machine.up(&machine.spec(&idle("exec sleep 600"), &[])).unwrap();
    let mut state = 7_u32;
    let bytes: Vec<u8> = (0..1 << 20)
        .map(|_| {
            state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            (state >> 24) as u8
        })
        .collect();
    for size in [0, 1, 65_535, 65_536, 1 << 20] {
        let mut input = &bytes[..size];
        let (mut out, mut err) = (Vec::new(), Vec::new());
        let what = ExecRequest { argv: vec!["cat".into()], env: vec![], folder: None };
        let pipes = exec::Pipes { stdin: Some(&mut input), stdout: &mut out, stderr: &mut err };
        let code = machine.with(|api| exec::run(api, &machine.id, &what, pipes)).unwrap();
        assert_eq!((code, out.len(), err.len()), (Some(0), size, 0));
        assert!(out == bytes[..size], "{size} bytes came back changed");
    }
}

#[test]
fn codes_words_and_complaints() {
    let Some(machine) = Machine::new("codes") else { return };
    machine.up(&machine.spec(&idle("exec sleep 600"), &[])).unwrap();
    let script = "echo out; echo err >&2; echo \"$KITBAG_WORKSPACE_NAME|$0|$1\"; exit 7";
    let (code, out, err) = machine.exec(Some("/tmp"), &["sh", "-c", script, "a b'\"$x", "ü\n"]).unwrap();
    assert_eq!((code, err.as_str()), (Some(7), "err\n"));
    assert_eq!(out, "out\nData|a b'\"$x|ü\n\n");
    assert_eq!(machine.exec(Some("/tmp"), &["pwd"]).unwrap().1, "/tmp\n");
    let missing = machine.exec(None, &["no-such-program"]).unwrap_err();
    assert_eq!(missing.code, FaultCode::NotFound, "{missing:?}");
    // a program that reads nothing sees the end of its input at once
    assert_eq!(machine.exec(None, &["cat"]).unwrap(), (Some(0), String::new(), String::new()));
    // one that does not read what it is given ends all the same
    let what = ExecRequest { argv: vec!["true".into()], env: vec![], folder: None };
    let (mut out, mut err) = (Vec::new(), Vec::new());
    let zeros = vec![0; 4 << 20];
    let mut input = &zeros[..];
    let pipes = exec::Pipes { stdin: Some(&mut input), stdout: &mut out, stderr: &mut err };
    assert_eq!(machine.with(|api| exec::run(api, &machine.id, &what, pipes)).unwrap(), Some(0));
    machine.with(|api| run::stop(api, &machine.id, Duration::from_secs(1))).unwrap();
    assert_eq!(machine.exec(None, &["true"]).unwrap_err().code, FaultCode::NotReady);
}

#[test]
fn lines_come_once_and_following_stops_when_it_should() {
    let Some(machine) = Machine::new("logs") else { return };
    let script = "echo first; echo second >&2; for i in 1 2 3 4 5 6 7 8 9; do echo line $i; sleep 0.2; done; printf end; exec sleep 600";
    machine.up(&machine.spec(&idle(script), &[])).unwrap();
    let mut got: Vec<String> = Vec::new();
    machine
        .with(|api| {
            logs::read(api, &machine.id, None, true, &mut |source, line| {
                assert_eq!(source, "course");
                got.push(line.to_owned());
                line != "line 9"
            })
        })
        .unwrap();
    got.sort_by_key(|line| line.starts_with("line"));
    let mut wanted = vec!["first".to_owned(), "second".to_owned()];
    wanted.extend((1..10).map(|number| format!("line {number}")));
    got[..2].sort();
    assert_eq!(got, wanted);
    let fault = machine.with(|api| logs::read(api, &machine.id, Some("nobody"), false, &mut |_, _| true));
    assert_eq!(fault.unwrap_err().code, FaultCode::NotFound);
}

/// A container with a terminal sends one stream without frames.
#[test]
fn a_terminal_has_lines_too() {
    let Some(machine) = Machine::new("tty") else { return };
    let labels = serde_json::json!({
        "org.kitbag.workspace": machine.id.workspace, "org.kitbag.machine": machine.id.machine,
        "org.kitbag.environment": machine.id.name, "kitbag.docker.part": "course",
    });
    let name = format!("kitbag-test-tty-{}", std::process::id());
    let body = serde_json::json!({
        "Image": image::NAME, "Tty": true, "Cmd": ["sh", "-c", "echo one; echo two"], "Labels": labels,
    });
    assert_eq!(
        machine.engine.ask("POST", &format!("/v1.41/containers/create?name={name}"), Some(body)).0,
        201
    );
    machine.engine.ask("POST", &format!("/v1.41/containers/{name}/start"), None);
    machine.engine.ask("POST", &format!("/v1.41/containers/{name}/wait"), None);
    let mut got = Vec::new();
    machine
        .with(|api| {
            logs::read(api, &machine.id, None, false, &mut |_, line| {
                got.push(line.to_owned());
                true
            })
        })
        .unwrap();
    assert_eq!(got, ["one", "two"]);
}
