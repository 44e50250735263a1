//! A page that is reached under another service and runs in a container of its own, as OpenRefine does in linked ones.

use std::time::Duration;

use kitbag_plugin_docker::{run, status};
use kitbag_sdk::Phase;

use crate::{engine, host, spec, up, with};

const COURSE: &str = r#"{
  "compose": "services: {notebooks: {image: 'kitbag/notebooks:1', ports: ['8888']}, refine: {image: 'kitbag/notebooks:1'}}",
  "services": [
    {"name": "notebooks", "kind": "program"}, {"name": "diff", "kind": "web", "under": "notebooks", "path": "/diff"},
    {"name": "refine", "kind": "web", "under": "notebooks", "path": "/refine", "optional": true, "stop_grace_seconds": 30}
  ]
}"#;

/// What its container is, it is; the course goes on without it, since it can.
#[test]
fn it_runs_when_its_own_container_runs() {
    let (engine, host) = (engine(), host());
    let mut what = spec("mine");
    what.source = COURSE.into();
    up(&engine, &host, &what).unwrap();
    let phases = || {
        let now = with(&engine, &host, |api| status::status(api, &what.id)).unwrap();
        let names: Vec<_> = now.services.iter().map(|one| one.name.as_str()).collect();
        assert_eq!(names, ["notebooks", "diff", "refine"]);
        (now.phase, now.services.iter().map(|one| one.phase).collect::<Vec<_>>())
    };
    let end = |part: &str, state: &'static str| {
        let mut all = engine.containers.borrow_mut();
        let one = all.iter_mut().find(|(name, _)| name.ends_with(part)).unwrap();
        one.1.state = state;
    };
    assert_eq!(phases(), (Phase::Running, vec![Phase::Running; 3]));
    end("-refine", "exited");
    assert_eq!(phases(), (Phase::Running, vec![Phase::Running, Phase::Running, Phase::Unhealthy]));
    end("-refine", "running");
    end("-notebooks", "exited");
    assert_eq!(phases(), (Phase::Unhealthy, vec![Phase::Unhealthy; 3]), "nobody reaches it then");
}

/// It gets the time the course gives it, not that of whoever it is reached under.
#[test]
fn its_own_container_gets_its_time_to_stop() {
    let (engine, host) = (engine(), host());
    let mut what = spec("mine");
    what.source = COURSE.into();
    up(&engine, &host, &what).unwrap();
    with(&engine, &host, |api| run::stop(api, &what.id, Duration::from_secs(60))).unwrap();
    let asked = engine.asked.borrow();
    let time = |part: &str| {
        let of = format!("-{part}/stop?t=");
        asked.iter().find_map(|asked| Some(asked.split_once(&of)?.1.to_owned()))
    };
    assert_eq!(time("refine").as_deref(), Some("30"));
    assert_eq!(time("notebooks").as_deref(), Some("10"));
}
