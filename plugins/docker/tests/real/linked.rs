//! Several containers that need each other: one starts when the other is well, and finds it by its name.

use std::time::Duration;

use kitbag_plugin_docker::{run, status};
use kitbag_sdk::{FaultCode, Phase};

use crate::{Machine, free_port, image};

/// A "database" that is well two seconds after it was started, and a page that asks it once, at its own start.
fn course(test: &str) -> String {
    let compose = format!(
        r#"
services:
  page:
    image: {image}
    ports: ["8080"]
    depends_on: {{db: {{condition: service_healthy}}}}
    volumes: ["page:/out"]
    command: ["sh", "-c", "wget -q -O /out/page $${{KITBAG_DB_URL}}answer && exec httpd -f -p 8080 -h /out"]
  db:
    image: {image}
    ports: ["5432"]
    volumes: ["rows:/rows"]
    command: ["sh", "-c", "sleep 2; echo rows > /rows/answer; exec httpd -f -p 5432 -h /rows"]
    healthcheck:
      test: {test}
      interval: 200ms
      timeout: 2s
      retries: 30
volumes:
  page:
  rows:
"#,
        image = image::NAME
    );
    serde_json::json!({
        "compose": compose,
        "urls": { "db": "http://db:5432/" },
        "services": [{ "name": "page", "kind": "program" }, { "name": "db", "kind": "database" }],
    })
    .to_string()
}

#[test]
fn a_service_starts_when_the_one_it_needs_is_well() {
    let Some(machine) = Machine::new("linked") else { return };
    let ports = [("page", free_port()), ("db", free_port())];
    let what =
        machine.spec(&course("[CMD, wget, -q, -O, /dev/null, \"http://127.0.0.1:5432/answer\"]"), &ports);
    machine.up(&what).unwrap();
    let now = machine.with(|api| status::wait_ready(api, &machine.id, Duration::from_secs(30))).unwrap();
    assert_eq!(now.phase, Phase::Running, "{now:?}");
    assert_eq!(now.services.iter().map(|one| one.name.as_str()).collect::<Vec<_>>(), ["page", "db"]);
    let steps = machine.host.steps.borrow().clone();
    let at =
        |id: &str| steps.iter().position(|step| step == id).unwrap_or_else(|| panic!("{id} in {steps:?}"));
    assert!(at("start-db") < at("await-db") && at("await-db") < at("start-page"));
    // two containers, two volumes of the course and two that the image declares, one network
    assert_eq!(machine.things(), 7);
    // only the page is for a browser
    let endpoints = machine.with(|api| status::endpoints(api, &machine.id)).unwrap();
    assert_eq!(endpoints.iter().map(|one| one.service.as_str()).collect::<Vec<_>>(), ["page"]);
    // a program runs in the container that is named, else in the main one
    assert_eq!(machine.exec(Some("db:/rows"), &["cat", "answer"]).unwrap().1, "rows\n");
    assert_eq!(machine.exec(None, &["cat", "/out/page"]).unwrap().1, "rows\n");
    assert_eq!(machine.exec(Some("cache:"), &["true"]).unwrap_err().code, FaultCode::NotFound);
    machine.with(|api| run::stop(api, &machine.id, Duration::from_secs(2))).unwrap();
    let steps = machine.host.steps.borrow().clone();
    assert!(steps.ends_with(&["stop-page".to_owned(), "stop-db".to_owned()]), "{steps:?}");
    machine.with(|api| run::destroy(api, &machine.id)).unwrap();
    assert_eq!(machine.things(), 0);
}

#[test]
fn a_check_that_fails_is_said_and_nothing_that_needs_it_starts() {
    let Some(machine) = Machine::new("unwell") else { return };
    let ports = [("page", free_port()), ("db", free_port())];
    let source = course("[CMD, \"false\"]").replace("retries: 30", "retries: 2");
    let fault = machine.up(&machine.spec(&source, &ports)).unwrap_err();
    assert_eq!(fault.code, FaultCode::ToolFailed, "{fault:?}");
    assert!(fault.message.contains("db") && !fault.remedies.is_empty(), "{fault:?}");
    let now = machine.with(|api| status::status(api, &machine.id)).unwrap();
    assert_eq!(now.phase, Phase::Unhealthy);
    assert!(now.services[1].note.as_ref().unwrap().contains("check"), "{now:?}");
}
