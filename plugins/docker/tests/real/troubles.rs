//! What goes wrong on real machines, and that the next command goes on from there.

use std::net::TcpListener;
use std::time::Duration;

use kitbag_plugin_docker::{run, status};
use kitbag_sdk::{FaultCode, Phase};

use crate::{Machine, free_port, image};

fn course(command: &str) -> String {
    serde_json::json!({
        "image": image::NAME, "ports": { "web": 8080 }, "command": ["sh", "-c", command],
        "services": [{ "name": "web", "kind": "program", "ready": { "timeout_seconds": 3 } }],
    })
    .to_string()
}

const SERVES: &str = "exec httpd -f -p 8080 -h /srv";

#[test]
fn a_port_that_is_taken() {
    let Some(machine) = Machine::new("port") else { return };
    let taken = TcpListener::bind(("127.0.0.1", 0)).unwrap();
    let port = taken.local_addr().unwrap().port();
    let fault = machine.up(&machine.spec(&course(SERVES), &[("web", port)])).unwrap_err();
    assert_eq!(fault.code, FaultCode::PortTaken, "{fault:?}");
    assert!(fault.message.contains("port"), "{fault:?}");
    machine.up(&machine.spec(&course(SERVES), &[("web", free_port())])).unwrap();
    machine.with(|api| status::wait_ready(api, &machine.id, Duration::from_secs(30))).unwrap();
}

#[test]
fn killed_from_outside_it_starts_again_with_its_data() {
    let Some(machine) = Machine::new("kill") else { return };
    let what = machine.spec(&course(SERVES), &[("web", free_port())]);
    machine.up(&what).unwrap();
    machine.exec(None, &["sh", "-c", "echo kept > /srv/x"]).unwrap();
    let name = format!("{}-course", kitbag_plugin_docker::names::prefix(&machine.id));
    machine.engine.ask("POST", &format!("/v1.41/containers/{name}/kill"), None);
    machine.engine.ask("POST", &format!("/v1.41/containers/{name}/wait"), None);
    assert_eq!(machine.with(|api| status::status(api, &machine.id)).unwrap().phase, Phase::Stopped);
    machine.up(&what).unwrap();
    assert_eq!(machine.exec(None, &["cat", "/srv/x"]).unwrap().1, "kept\n");
    // even the container gone: what lies in its volume is there
    machine.engine.ask("DELETE", &format!("/v1.41/containers/{name}?force=1"), None);
    machine.up(&what).unwrap();
    assert_eq!(machine.exec(None, &["cat", "/srv/x"]).unwrap().1, "kept\n");
}

#[test]
fn an_image_nobody_has() {
    let Some(machine) = Machine::new("pull") else { return };
    let source = r#"{"image":"127.0.0.1:1/course/none:1"}"#;
    let what = machine.spec(source, &[]);
    let plan = machine.with(|api| run::plan(api, &what)).unwrap();
    assert!(plan.steps[0].contains("127.0.0.1:1/course/none:1"), "{:?}", plan.steps);
    let fault = machine.up(&what).unwrap_err();
    assert_eq!(fault.code, FaultCode::Network, "{fault:?}");
    assert!(fault.message.contains("127.0.0.1:1/course/none:1") && !fault.remedies.is_empty(), "{fault:?}");
    assert_eq!(machine.things(), 0);
}

#[test]
fn a_program_that_ends_at_once_or_never_listens() {
    let Some(machine) = Machine::new("ends") else { return };
    let wait =
        || machine.with(|api| status::wait_ready(api, &machine.id, Duration::from_secs(30))).unwrap_err();
    machine.up(&machine.spec(&course("echo no licence >&2; exit 3"), &[("web", free_port())])).unwrap();
    let fault = wait();
    assert_eq!(fault.code, FaultCode::ToolFailed, "{fault:?}");
    assert!(fault.detail.as_ref().unwrap().contains("no licence"), "{fault:?}");
    let now = machine.with(|api| status::status(api, &machine.id)).unwrap();
    assert!(now.services[0].note.as_ref().unwrap().contains("with 3"), "{now:?}");

    machine.with(|api| run::destroy(api, &machine.id)).unwrap();
    machine.up(&machine.spec(&course("echo thinking; exec sleep 600"), &[("web", free_port())])).unwrap();
    let fault = wait();
    assert_eq!(fault.code, FaultCode::Timeout, "{fault:?}");
    assert!(fault.message.contains("3 seconds"), "{fault:?}");

    machine.with(|api| run::destroy(api, &machine.id)).unwrap();
    let inside = "exec httpd -f -p 127.0.0.1:8080 -h /srv";
    machine.up(&machine.spec(&course(inside), &[("web", free_port())])).unwrap();
    let fault = wait();
    assert!(fault.message.contains("0.0.0.0"), "{fault:?}");
}

#[test]
fn a_folder_that_is_not_there() {
    let Some(mut machine) = Machine::new("folder") else { return };
    machine.engine.folders.insert("work".into(), "/nonexistent/kitbag".into());
    let source =
        serde_json::json!({ "image": image::NAME, "mounts": ["./notebooks:/notebooks"] }).to_string();
    let fault = machine.up(&machine.spec(&source, &[])).unwrap_err();
    assert_eq!(fault.code, FaultCode::NotGranted, "{fault:?}");
}
