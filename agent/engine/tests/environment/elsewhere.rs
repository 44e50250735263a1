//! Services that one backend runs and another does not: what is left out is named with what would run it, and a page
//! under another service goes where that one goes. With a backend that has an inside, no program of this computer is
//! asked about, but the commands that keep its databases are.

use std::fs;
use std::sync::Arc;

use kitbag_engine::EngineError;
use kitbag_engine::environment::{self, Opened};

use crate::fake_servers::FakeServers;
use crate::services::wait_for;
use crate::world::{World, block, manifest};

const SERVICES: &str = r#"
[[service]]
name = "compare"
title = "Comparing"
kind = "web"
[service.web]
path = "/nbdime/difftool"
under = "page"

[[service]]
name = "refine"
title = "OpenRefine"
kind = "web"
backends = ["docker"]
[service.web]
path = "/openrefine/"
under = "page"

[[service]]
name = "records"
title = "PostgreSQL"
kind = "database"
[service.database]
server = "postgresql"
dump = ["pg_dump", "--no-owner"]
restore = ["/opt/restore", "a b"]
url = "postgresql://student@127.0.0.1/records"

[backend.docker]
image = "mini:1"
"#;

fn world() -> World {
    let world = World::new();
    world.write_course("course.toml", &format!("{}{SERVICES}", manifest("1", "")));
    world
}

#[test]
fn what_runs_elsewhere_is_left_out_and_named() {
    let world = world();
    let a = world.machine("a", "share");
    a.adopt(&world.course());
    let up = a.try_up_with(Some("local")).unwrap();
    assert_eq!(up.report.problems, []);
    for note in
        ["OpenRefine is left out: It runs with docker.", "PostgreSQL is left out: It runs with docker."]
    {
        assert!(up.notes.iter().any(|said| said == note), "{:?}", up.notes);
    }
    assert!(!up.notes.iter().any(|note| note.contains("Comparing")), "{:?}", up.notes);
    let view = a.view();
    assert_eq!(view.services, up.services);
    let told: Vec<_> = view.services.iter().map(|one| (one.kind.as_str(), one.state.as_str())).collect();
    assert_eq!(
        told,
        [
            ("sqlite", "ready"),
            ("program", "running"),
            ("program", "running"),
            ("web", "running"),
            ("web", "not-available"),
            ("database", "not-available"),
        ]
    );
    let [.., page, compare, refine, records] = &view.services[..] else { panic!("{view:?}") };
    let address = page.url.as_deref().and_then(|url| url.strip_suffix("/lab")).unwrap();
    assert_eq!(compare.url, Some(format!("{address}/nbdime/difftool")), "the port of what it lies under");
    assert_eq!((&compare.note, &refine.url, &records.url), (&None, &None, &None));
    assert_eq!(refine.note.as_deref(), Some("It runs with docker."));

    // it is opened behind the same log-in
    let open = |name: &str| block(environment::open(&a.open(), &a.home, Some(name)));
    let Opened::Url { url: lab, .. } = open("page").unwrap() else { panic!() };
    let token = lab.split_once("?token=").unwrap().1;
    let expected = format!("{address}/nbdime/difftool?token={token}");
    assert_eq!(open("compare").unwrap(), Opened::Url { service: "compare".to_owned(), url: expected });
    let error = open("refine").unwrap_err();
    assert!(
        matches!(error, EngineError::Missing(_)) && error.finding().why == "It runs with docker.",
        "{error}"
    );
    let error = open("records").unwrap_err();
    assert!(
        error.to_string().contains("has no page") && error.finding().why.contains("KITBAG_RECORDS_URL"),
        "{error}"
    );

    // programs hear of what runs here and of nothing else
    let env = wait_for(|| {
        fs::read_to_string(a.work.join("logs/worker.env")).ok().filter(|text| text.contains("PATH="))
    });
    assert!(env.contains(&format!("KITBAG_COMPARE_URL={address}/nbdime/difftool")), "{env}");
    assert!(!env.contains("KITBAG_REFINE_URL") && !env.contains("KITBAG_RECORDS_URL"), "{env}");
}

#[test]
fn a_page_goes_down_with_what_it_lies_under() {
    let world = world();
    let a = world.machine("a", "share");
    a.adopt(&world.course());
    a.try_up_with(Some("local")).unwrap();
    a.done();
    let view = a.view();
    let compare = view.services.iter().find(|one| one.name == "compare").unwrap();
    assert_eq!((compare.state.as_str(), &compare.url), ("stopped", &None));
    assert!(block(environment::open(&a.open(), &a.home, Some("compare"))).is_err());
}

#[test]
fn the_commands_that_keep_a_database_are_shown_before_they_run() {
    let world = world();
    let mut a = world.machine("a", "share");
    // with or without Docker on this computer
    a.backends = Arc::new(FakeServers::default());
    a.adopt(&world.course());
    a.answer = false;
    let error = a.try_up_with(Some("docker")).unwrap_err();
    assert!(matches!(error, EngineError::Missing(_)), "{error}");
    a.try_up_with(Some("local")).unwrap_err();
    let asked = a.asked.borrow();
    let [docker, local] = &asked[..] else { panic!("{asked:?}") };
    assert!(docker.engine.is_some());
    assert_eq!(docker.programs, [], "in a container nothing of this computer is started");
    let [database] = &docker.databases[..] else { panic!("{docker:?}") };
    assert_eq!(database.service, "PostgreSQL");
    let said: Vec<_> =
        database.commands.iter().map(|one| (one.purpose.as_str(), one.argv.join("|"))).collect();
    assert_eq!(
        said,
        [("save it", "pg_dump|--no-owner".to_owned()), ("bring it back", "/opt/restore|a b".to_owned())]
    );
    assert!(local.engine.is_none() && local.databases.is_empty() && local.programs.len() == 2);
}
