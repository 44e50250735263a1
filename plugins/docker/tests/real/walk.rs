//! From nothing to running to nothing again, each verb twice.

use std::io::{Read, Write};
use std::net::TcpStream;
use std::time::Duration;

use kitbag_plugin_docker::{probe, run, stamp, status};
use kitbag_sdk::{FaultCode, Phase};

use crate::{Machine, free_port, image};

fn course(more: &str) -> String {
    format!(
        r#"{{"image":"{}","ports":{{"web":8080}},"environment":{{"TOKEN":"{{token}}"}},
            "command":["sh","-c","echo serving; exec httpd -f -v -p 8080 -h /srv"],
            "services":[{{"name":"web","kind":"program","path":"/page"}},{{"name":"library","kind":"sqlite"}}]{more}}}"#,
        image::NAME
    )
}

fn get(url: &str) -> String {
    let rest = url.strip_prefix("http://").unwrap();
    let (address, path) = rest.split_once('/').unwrap();
    let mut stream = TcpStream::connect(address).unwrap();
    write!(stream, "GET /{path} HTTP/1.0\r\n\r\n").unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).unwrap();
    answer
}

#[test]
fn every_verb_twice() {
    let Some(machine) = Machine::new("walk") else { return };
    let report = probe::probe(&machine.engine, &machine.host).unwrap();
    assert!(report.usable && report.problems.is_empty(), "{report:?}");

    let port = free_port();
    let what = machine.spec(&course(""), &[("web", port)]);
    let id = &what.id;
    let plan = machine.with(|api| run::plan(api, &what)).unwrap();
    assert_eq!(machine.with(|api| run::plan(api, &what)).unwrap().fingerprint, plan.fingerprint);
    assert!(!plan.destructive);
    assert_eq!(machine.things(), 0, "a plan made something");
    assert_eq!(machine.with(|api| status::status(api, id)).unwrap().phase, Phase::Absent);
    assert_eq!(machine.with(|api| run::start(api, &what)).unwrap_err().code, FaultCode::NotFound);

    for _ in 0..2 {
        machine.with(|api| run::create(api, &what, &plan.fingerprint)).unwrap();
        // the container, and the volume its image declares
        assert_eq!(machine.things(), 2);
    }
    assert_eq!(machine.with(|api| status::status(api, id)).unwrap().phase, Phase::Stopped);
    for _ in 0..2 {
        machine.with(|api| run::start(api, &what)).unwrap();
        let now = machine.with(|api| status::wait_ready(api, id, Duration::from_secs(30))).unwrap();
        assert_eq!(now.phase, Phase::Running, "{now:?}");
        assert_eq!(now.services.iter().map(|one| one.name.as_str()).collect::<Vec<_>>(), ["web", "library"]);
    }
    assert_eq!(machine.exec(None, &["sh", "-c", "echo $TOKEN > /srv/page"]).unwrap().0, Some(0));
    let endpoints = machine.with(|api| status::endpoints(api, id)).unwrap();
    assert_eq!(endpoints.len(), 1);
    assert_eq!(endpoints[0].url, format!("http://127.0.0.1:{port}/page"));
    assert_eq!(endpoints[0].secret_query.as_deref(), Some("token"));
    assert!(get(&endpoints[0].url).contains("s3cret-t0ken"));
    assert!(
        machine.with(|api| run::plan(api, &what)).unwrap().steps.is_empty(),
        "a running course has a plan"
    );

    for _ in 0..2 {
        machine.with(|api| run::stop(api, id, Duration::from_secs(2))).unwrap();
        let now = machine.with(|api| status::status(api, id)).unwrap();
        assert_eq!(now.phase, Phase::Stopped, "{now:?}");
        assert!(machine.with(|api| status::endpoints(api, id)).unwrap().is_empty());
    }
    // another port: the container is made afresh, what lies in volumes stays
    let moved = machine.spec(&course(""), &[("web", free_port())]);
    assert!(machine.with(|api| run::plan(api, &moved)).unwrap().destructive);
    machine.up(&moved).unwrap();
    machine.with(|api| status::wait_ready(api, id, Duration::from_secs(30))).unwrap();
    let url = machine.with(|api| status::endpoints(api, id)).unwrap()[0].url.clone();
    assert!(get(&url).contains("s3cret-t0ken"));

    // another version of the course
    let other = machine.spec(&course(r#","user":"1000""#), &[("web", port)]);
    let print = machine.with(|api| run::plan(api, &other)).unwrap();
    assert!(print.destructive);
    let refused = machine.with(|api| run::create(api, &other, &print.fingerprint)).unwrap_err();
    assert_eq!(refused.code, FaultCode::Conflict);

    assert_eq!(machine.with(run::list_owned).unwrap().len(), 1);
    for _ in 0..2 {
        machine.with(|api| run::destroy(api, id)).unwrap();
        assert_eq!(machine.things(), 0);
        assert!(machine.with(run::list_owned).unwrap().is_empty());
    }
    assert_eq!(machine.with(|api| status::endpoints(api, id)).unwrap_err().code, FaultCode::NotFound);
}

/// Nothing the engine shows of a container is more than a course may have.
#[test]
fn containers_have_no_more_than_they_may() {
    let Some(mut machine) = Machine::new("inspect") else { return };
    let work = std::env::temp_dir().join(format!("kitbag docker's wörk {}", std::process::id()));
    std::fs::create_dir_all(work.join("notebooks")).unwrap();
    std::fs::write(work.join("notebooks/a b.txt"), "mine").unwrap();
    machine.engine.folders.insert("work".into(), work.clone());
    let source = course(r#","mounts":["./notebooks:/home/x/notebooks:ro"],"working_dir":"/tmp""#);
    let what = machine.spec(&source, &[("web", free_port())]);
    machine.up(&what).unwrap();
    let name = format!("{}-course", kitbag_plugin_docker::names::prefix(&machine.id));
    let (_, seen) = machine.engine.ask("GET", &format!("/v1.41/containers/{name}/json"), None);
    let host = &seen["HostConfig"];
    assert_eq!(host["Privileged"], false);
    assert!(host["CapAdd"].is_null() && host["Devices"].as_array().is_none_or(Vec::is_empty));
    assert_eq!((host["PidMode"].as_str(), host["UsernsMode"].as_str()), (Some(""), Some("")));
    assert_eq!(host["IpcMode"], "private");
    for bound in host["PortBindings"].as_object().unwrap().values() {
        assert_eq!(bound[0]["HostIp"], "127.0.0.1");
    }
    let kinds: Vec<_> =
        seen["Mounts"].as_array().unwrap().iter().map(|one| one["Type"].as_str().unwrap()).collect();
    assert_eq!((kinds.len(), kinds.iter().filter(|&&kind| kind == "bind").count()), (2, 1), "{kinds:?}");
    // the working folder is where its part is mounted
    let (code, said, _) = machine.exec(Some("work"), &["sh", "-c", "pwd; cat 'notebooks/a b.txt'"]).unwrap();
    assert_eq!((code, said.as_str()), (Some(0), "/home/x\nmine"));
    let (code, ..) = machine.exec(None, &["touch", "/home/x/notebooks/new"]).unwrap();
    assert_ne!(code, Some(0), "a folder mounted read-only was written");
    std::fs::remove_dir_all(work).unwrap();
}

/// Two state folders, one engine, one course: neither sees, stops or removes what is the other's.
#[test]
fn two_machines_never_mix() {
    let (Some(one), Some(mut other)) = (Machine::new("mix"), Machine::new("mix")) else { return };
    other.id.machine.push_str("-other");
    let specs =
        [one.spec(&course(""), &[("web", free_port())]), other.spec(&course(""), &[("web", free_port())])];
    one.up(&specs[0]).unwrap();
    other.up(&specs[1]).unwrap();
    for (machine, mark) in [(&one, "one"), (&other, "other")] {
        machine.exec(None, &["sh", "-c", &format!("echo {mark} > /srv/page")]).unwrap();
        assert_eq!(machine.with(run::list_owned).unwrap().len(), 1);
        machine.with(|api| status::wait_ready(api, &machine.id, Duration::from_secs(30))).unwrap();
    }
    one.with(|api| run::stop(api, &one.id, Duration::from_secs(1))).unwrap();
    one.with(|api| run::destroy(api, &one.id)).unwrap();
    assert_eq!(one.things(), 0);
    assert_eq!(other.with(|api| status::status(api, &other.id)).unwrap().phase, Phase::Running);
    let url = other.with(|api| status::endpoints(api, &other.id)).unwrap()[0].url.clone();
    assert!(get(&url).ends_with("other\n"));
}

/// A volume that is new belongs to the administrator; the course's user can write to it all the same, and what is
/// in one already keeps its owner.
#[test]
fn a_new_volume_is_its_users() {
    let Some(machine) = Machine::new("owner") else { return };
    let source = |user: &str| {
        serde_json::json!({
            "image": image::NAME, "user": user, "command": ["sleep", "600"],
            "mounts": ["data:/var/data of it", "more:/more"],
        })
        .to_string()
    };
    for user in ["1234:56", "student", "1234:staff"] {
        machine.up(&machine.spec(&source(user), &[])).unwrap();
        let (code, said, err) =
            machine.exec(None, &["sh", "-c", "touch '/var/data of it/x' /more/y && id -u"]).unwrap();
        assert_eq!((code, said.as_str()), (Some(0), "1234\n"), "{user}: {err}");
        machine.with(|api| run::stop(api, &machine.id, Duration::from_secs(1))).unwrap();
        machine.with(|api| run::destroy(api, &machine.id)).unwrap();
    }
}

/// The engine's own first check comes after half a minute; nobody waits for it.
#[test]
fn a_check_is_not_waited_for() {
    let Some(machine) = Machine::new("check") else { return };
    let source = serde_json::json!({
        "image": image::NAME, "command": ["sh", "-c", "sleep 2; touch /tmp/well; exec sleep 600"],
        "healthcheck": { "test": ["CMD-SHELL", "test -e /tmp/well"], "interval": "5m" },
        "services": [{ "name": "thing", "kind": "program" }],
    });
    machine.up(&machine.spec(&source.to_string(), &[])).unwrap();
    assert_eq!(machine.with(|api| status::status(api, &machine.id)).unwrap().phase, Phase::Starting);
    let now = machine.with(|api| status::wait_ready(api, &machine.id, Duration::from_secs(60))).unwrap();
    assert_eq!(now.phase, Phase::Running, "{now:?}");
    assert_eq!(machine.exec(None, &["test", "-e", "/tmp/well"]).unwrap().0, Some(0));
}

/// The engine's own time of a volume's making changes with what is made at its top; the stamp does not.
#[test]
fn what_is_written_into_a_volume_does_not_make_it_another_one() {
    let Some(machine) = Machine::new("stamp") else { return };
    let source = serde_json::json!({
        "image": image::NAME, "command": ["sleep", "600"], "mounts": ["rows:/srv/rows"],
    });
    let what = machine.spec(&source.to_string(), &[]);
    let stamp = || machine.with(|api| stamp::stamp(api, &machine.id)).unwrap();
    assert_eq!(stamp(), None);
    machine.up(&what).unwrap();
    let first = stamp();
    assert!(first.is_some());
    // that time has whole seconds
    std::thread::sleep(Duration::from_millis(1_100));
    assert_eq!(machine.exec(None, &["touch", "/srv/rows/one", "/srv/rows/two"]).unwrap().0, Some(0));
    assert_eq!(machine.exec(None, &["rm", "/srv/rows/one"]).unwrap().0, Some(0));
    assert_eq!(stamp(), first);
    machine.with(|api| run::destroy(api, &machine.id)).unwrap();
    machine.up(&what).unwrap();
    assert_ne!(stamp(), first, "the same name, other data");
}
