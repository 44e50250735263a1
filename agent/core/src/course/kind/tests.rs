//! What all kinds of services have in common, on services made by hand.

use serde_json::json;

use super::super::{Course, Moment, Step};
use super::*;

fn service(name: &str, kind: ServiceKind) -> Service {
    Service { name: name.to_owned(), title: name.to_owned(), backup: false, backends: Vec::new(), kind }
}

fn program(name: &str, port: Port, open: bool) -> Service {
    let program = Program {
        program: format!("run-{name}"),
        args: Vec::new(),
        env: BTreeMap::new(),
        port,
        path: "/".to_owned(),
        ready: Ready { port: true, timeout_seconds: 60 },
        optional: false,
        open,
        stop_grace_seconds: 5,
    };
    service(name, ServiceKind::Program(program))
}

fn web(name: &str, under: Option<&str>) -> Service {
    let web = Web {
        path: format!("/{name}/"),
        under: under.map(str::to_owned),
        port: if under.is_some() { Port::None } else { Port::Any },
        ready: Ready { port: under.is_none(), timeout_seconds: 120 },
        optional: true,
        open: false,
        stop_grace_seconds: 10,
    };
    service(name, ServiceKind::Web(web))
}

fn database(name: &str) -> Service {
    let words = |text: &str| text.split(' ').map(str::to_owned).collect();
    let database = Database {
        server: "postgresql".to_owned(),
        inside: Some("notebooks".to_owned()),
        dump: words("pg_dump --no-owner"),
        restore: words("restore"),
        ready: None,
        normalise: Some(words("sed -E")),
        url: Some("postgresql://u:{token}@127.0.0.1/d".to_owned()),
        timeout_seconds: 600,
    };
    Service { backup: true, ..service(name, ServiceKind::Database(database)) }
}

fn with(services: Vec<Service>, backends: &[&str]) -> Course {
    let backends = backends.iter().map(|name| ((*name).to_owned(), json!({}))).collect();
    Course { services, backends, ..Course::default() }
}

#[test]
fn names_by_which_a_service_is_found() {
    assert_eq!(program("my-db", Port::Any, false).url_variable(), "KITBAG_MY_DB_URL");
    assert_eq!(
        backup_path("library").map(|path| path.to_string()),
        Ok("backups/library/library.dump".to_owned())
    );
    assert!(backup_path("..").is_err());
    assert!(backup_path("").is_err());
}

#[test]
fn what_open_opens() {
    let opened = |services: Vec<Service>, backend: &str| {
        with(services, &[]).opened(backend).map(|service| service.name.clone())
    };
    let (worker, one, two) = (
        program("worker", Port::None, false),
        program("one", Port::Any, false),
        program("two", Port::Any, true),
    );
    assert_eq!(opened(vec![worker.clone(), one.clone(), two.clone()], LOCAL), Some("two".to_owned()));
    assert_eq!(opened(vec![worker.clone(), one.clone()], LOCAL), Some("one".to_owned()));
    assert_eq!(opened(vec![one.clone(), program("other", Port::Any, false)], LOCAL), None);
    assert_eq!(opened(vec![worker.clone()], LOCAL), None);
    // a page under another is not one to choose between, and what does not run is not opened
    assert_eq!(opened(vec![one.clone(), web("refine", Some("one"))], "docker"), Some("one".to_owned()));
    assert_eq!(opened(vec![web("refine", None)], "docker"), Some("refine".to_owned()));
    assert_eq!(opened(vec![web("refine", None)], LOCAL), None);
    let elsewhere = Service { backends: vec!["docker".to_owned()], ..two };
    assert_eq!(opened(vec![one.clone(), elsewhere.clone()], LOCAL), Some("one".to_owned()));
    assert_eq!(opened(vec![one, elsewhere], "docker"), Some("two".to_owned()));
}

#[test]
fn who_runs_what_and_why_not() {
    let mut notebooks = program("notebooks", Port::Any, false);
    let course = with(
        vec![notebooks.clone(), web("nbdime", Some("notebooks")), web("page", None), database("pg")],
        &["docker", "local", "vagrant"],
    );
    let names = |course: &Course, backend: &str| {
        course.services_with(backend).map(|service| service.name.clone()).collect::<Vec<_>>()
    };
    assert_eq!(names(&course, "docker"), ["notebooks", "nbdime", "page", "pg"]);
    assert_eq!(names(&course, LOCAL), ["notebooks", "nbdime"]);
    assert_eq!(course.databases("docker").count(), 1);
    assert_eq!(course.databases(LOCAL).count(), 0);
    let pg = course.service("pg").unwrap();
    assert_eq!(course.why_not(pg, "docker"), None);
    assert_eq!(course.why_not(pg, LOCAL).unwrap(), "It runs with docker or vagrant.");
    // what lies under a service goes where that one goes
    notebooks.backends = vec!["docker".to_owned()];
    let course = with(vec![notebooks, web("nbdime", Some("notebooks"))], &["local"]);
    assert!(names(&course, LOCAL).is_empty());
    let nbdime = course.service("nbdime").unwrap();
    assert!(nbdime.runs_with(LOCAL) && !course.runs_with(nbdime, LOCAL));
    assert_eq!(course.why_not(nbdime, LOCAL).unwrap(), "Nothing the course names can run it.");
}

#[test]
fn what_a_backend_is_told() {
    let told = program("one", Port::Preferred(8888), true).told_to_backend();
    assert_eq!(
        told,
        json!({
            "name": "one", "kind": "program", "program": "run-one", "args": [], "env": {}, "port": 8888,
            "path": "/", "ready": { "port": true, "timeout_seconds": 60 }, "optional": false,
            "stop_grace_seconds": 5,
        })
    );
    let file = Service { backup: true, ..service("db", ServiceKind::Sqlite(Sqlite::default())) };
    assert_eq!(file.told_to_backend(), json!({ "name": "db", "kind": "sqlite" }));
    assert_eq!(
        web("refine", Some("one")).told_to_backend(),
        json!({
            "name": "refine", "kind": "web", "path": "/refine/", "under": "one", "port": false,
            "ready": { "port": false, "timeout_seconds": 120 }, "optional": true, "stop_grace_seconds": 10,
        })
    );
    // neither its commands nor that it is saved: that is the host's business
    assert_eq!(
        database("pg").told_to_backend(),
        json!({
            "name": "pg", "kind": "database", "inside": "notebooks", "url": "postgresql://u:{token}@127.0.0.1/d",
        })
    );
    assert_eq!(serde_json::to_value([Port::None, Port::Any]).unwrap(), json!([false, true]));
    assert_eq!(serde_json::to_value(file).unwrap()["backup"], true);
    let written = serde_json::to_value(database("pg")).unwrap();
    assert_eq!((&written["kind"], &written["dump"][0]), (&json!("database"), &json!("pg_dump")));
}

#[test]
fn each_kind_says_its_name_its_port_and_its_backup() {
    let all = [
        service("db", ServiceKind::Sqlite(Sqlite::default())),
        program("one", Port::Any, true),
        web("page", None),
        database("pg"),
    ];
    let names: Vec<_> = all.iter().map(|service| service.kind.name()).collect();
    assert_eq!(names, ServiceKind::NAMES);
    let kinds: Vec<_> = all.iter().map(Service::backup_kind).collect();
    assert_eq!(kinds, [Some("sqlite"), None, None, Some("postgresql")]);
    let pages: Vec<_> = all.iter().map(Service::page).collect();
    assert_eq!(pages, [None, Some("/"), Some("/page/"), None]);
    assert_eq!(program("worker", Port::None, false).page(), None);
    let ServiceKind::Database(database) = &all[3].kind else { panic!() };
    let said: Vec<_> = database.commands().map(|(what, argv)| (what, argv[0].as_str())).collect();
    assert_eq!(
        said,
        [("save it", "pg_dump"), ("bring it back", "restore"), ("make what was saved comparable", "sed")]
    );
}

#[test]
fn programs_of_other_backends_are_not_asked_for() {
    let step = |program: &str, backends: &[&str]| Step {
        name: "x".to_owned(),
        when: Moment::AfterReady,
        service: None,
        backends: backends.iter().map(|&name| name.to_owned()).collect(),
        run: vec![program.to_owned(), "--flag".to_owned()],
    };
    let elsewhere = Service { backends: vec!["docker".to_owned()], ..program("two", Port::Any, false) };
    let course = Course {
        services: vec![program("one", Port::Any, false), elsewhere],
        steps: vec![step("a", &[]), step("b", &["docker"]), step("c", &["local"])],
        ..Course::default()
    };
    assert_eq!(course.programs("local").into_iter().collect::<Vec<_>>(), ["a", "c", "run-one"]);
    assert_eq!(course.programs("docker").into_iter().collect::<Vec<_>>(), ["a", "b", "run-one", "run-two"]);
}
