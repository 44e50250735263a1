use super::*;
use crate::layout::From;

fn fault(json: &str) -> Fault {
    let fault = read(json).unwrap_err();
    assert_eq!(fault.code, kitbag_sdk::FaultCode::InvalidConfig, "{json}");
    assert!(!fault.remedies.is_empty(), "{json}");
    fault
}

#[test]
fn the_readme_blocks_read() {
    let readme = include_str!("../../README.md");
    let blocks: Vec<&str> =
        readme.split("```json").skip(1).map(|rest| rest.split("```").next().unwrap()).collect();
    assert_eq!(blocks.len(), 2);
    let one = read(blocks[0]).unwrap();
    assert_eq!(one.containers.len(), 1);
    let notebooks = &one.services[0];
    assert_eq!((notebooks.port, notebooks.token, notebooks.path.as_str()), (Some(8888), true, "/lab"));
    assert_eq!(one.urls["postgres"], "postgresql://student@127.0.0.1/course");
    let refine = &one.services[1];
    assert_eq!(
        (refine.port, refine.path.as_str(), refine.ready_by_port),
        (Some(8888), "/openrefine/", false)
    );
    let several = read(blocks[1]).unwrap();
    assert_eq!(several.containers.len(), 2);
    assert_eq!(several.containers[0].image.file.as_deref(), Some("images/postgres.tar"));
    assert_eq!(several.urls["postgres"], "postgresql://student:{token}@db:5432/course");
    assert_eq!(several.services[1].container.as_deref(), Some("db"));
}

#[test]
fn an_image_nobody_prepared_for_kitbag() {
    let layout = read(
        r#"{"image":"ou/tm351:22j","ports":{"notebooks":8888},"environment":{"JUPYTER_TOKEN":"{token}"},
            "mounts":["./notebooks:/notebooks","./openrefine_projects:/openrefine_projects"]}"#,
    )
    .unwrap();
    assert_eq!(layout.services.len(), 1);
    assert!(layout.services[0].token && layout.services[0].ready_by_port);
    assert_eq!(
        layout.containers[0].mounts[1].from,
        From::Folder { token: "work".into(), path: "openrefine_projects".into() }
    );
}

#[test]
fn what_kitbag_keeps_itself_has_no_container() {
    let layout = read(r#"{"image":"x","services":[{"name":"library","kind":"sqlite"}]}"#).unwrap();
    assert_eq!(layout.services[0].container, None);
    assert!(!layout.services[0].ready_by_port);
}

/// In one container a page under another shares its port and log-in; a database has no page, and its address is the
/// course's.
#[test]
fn pages_and_databases_in_one_container() {
    let json = r#"{"image":"x","ports":{"notebooks":8888,"gallery":9000},"environment":{"T":"{token}"},"services":[
        {"name":"notebooks","kind":"program","path":"/lab"},
        {"name":"refine","kind":"web","path":"/openrefine/","under":"notebooks","port":false,"optional":true,
         "ready":{"port":false,"timeout_seconds":60},"stop_grace_seconds":30},
        {"name":"gallery","kind":"web","path":"/g","under":null,"port":true,"ready":{"port":true,"timeout_seconds":9}},
        {"name":"postgres","kind":"database","inside":"refine","url":"postgresql://s:{token}@127.0.0.1/d"}]}"#;
    let layout = read(json).unwrap();
    let [notebooks, refine, gallery, postgres] = &layout.services[..] else { panic!("{layout:?}") };
    assert_eq!((refine.port, refine.path.as_str(), refine.page), (Some(8888), "/openrefine/", true));
    assert!(refine.token && refine.optional && !refine.ready_by_port && notebooks.ready_by_port);
    assert_eq!((refine.ready_seconds, refine.stop_seconds), (60, 30));
    assert_eq!((gallery.port, gallery.page, gallery.ready_by_port), (Some(9000), true, true));
    assert_eq!((postgres.port, postgres.page, postgres.ready_by_port), (None, false, false));
    assert!(layout.services.iter().all(|one| one.container.as_deref() == Some(ONLY)));
    assert_eq!(layout.urls["postgres"], "postgresql://s:{token}@127.0.0.1/d");
    // the backend's own block wins: the same service has another address in another packaging
    let layout =
        read(&json.replacen("\"image\"", r#""urls":{"postgres":"postgresql://db/d"},"image""#, 1)).unwrap();
    assert_eq!(layout.urls["postgres"], "postgresql://db/d");
}

#[test]
fn a_database_is_in_the_container_it_is_inside() {
    let at = |service: &str| {
        let json = format!(
            r#"{{"compose":"services: {{web: {{image: x, ports: ['80']}}, db: {{image: y}}}}","services":[
                {{"name":"web","kind":"program"}},{{"name":"page","kind":"web","path":"/p","under":"web"}},{service}]}}"#
        );
        let layout = read(&json).unwrap();
        layout
            .services
            .into_iter()
            .find(|one| one.name == "pg" || one.name == "db")
            .unwrap()
            .container
            .unwrap()
    };
    assert_eq!(at(r#"{"name":"pg","kind":"database","inside":"db"}"#), "db");
    assert_eq!(at(r#"{"name":"pg","kind":"database","inside":"web"}"#), "web");
    assert_eq!(at(r#"{"name":"pg","kind":"database","inside":"page"}"#), "web");
    assert_eq!(at(r#"{"name":"pg","kind":"database"}"#), "web");
    assert_eq!(at(r#"{"name":"db","kind":"database"}"#), "db");
    assert_eq!(at(r#"{"name":"db","kind":"database","inside":"web"}"#), "web");
}

#[test]
fn mistakes_are_named() {
    let compose = |more: &str| format!(r#"{{"compose":"services: {{a: {{image: x}}}}"{more}}}"#);
    for (json, word) in [
        ("{".to_owned(), "cannot be read"),
        ("{}".to_owned(), "neither image nor build"),
        (r#"{"image":"x","privileged":true}"#.to_owned(), "\"privileged\""),
        (r#"{"image":"a b"}"#.to_owned(), "name of an image"),
        (r#"{"image":"x","mounts":["/:/host"]}"#.to_owned(), "cannot be mounted"),
        (r#"{"image":"x","ports":{"a":0}}"#.to_owned(), "not a port"),
        (r#"{"image":"x","ports":{"A b":1}}"#.to_owned(), "name of a service"),
        (r#"{"image":"x","environment":{"KITBAG_A":"1"}}"#.to_owned(), "kitbag's own"),
        (r#"{"image":"x","healthcheck":{"test":["curl"]}}"#.to_owned(), "CMD"),
        (r#"{"image":"x","file":"../x.tar"}"#.to_owned(), "plain path"),
        (r#"{"build":"/etc"}"#.to_owned(), "plain path"),
        (r#"{"build":{"context":".","network":"host"}}"#.to_owned(), "cannot be read"),
        (r#"{"image":"x","services":[{"name":"a","kind":"program","path":"lab"}]}"#.to_owned(), "slash"),
        (r#"{"image":"x","links":{"a":{"under":"b","path":"/"}}}"#.to_owned(), "no service"),
        (r#"{"image":"x","urls":{"a":"x"}}"#.to_owned(), "no service"),
        (r#"{"image":"x","services":[{"name":"a","kind":"web","under":"b"}]}"#.to_owned(), "linked under"),
        (r#"{"image":"x","services":[{"name":"a","kind":"web"}]}"#.to_owned(), "no port inside"),
        (
            r#"{"image":"x","links":{"a":{"under":"b","path":"/"}},"ports":{"b":1},
                "services":[{"name":"a","kind":"web","under":"b"}]}"#
                .to_owned(),
            "both",
        ),
        (r#"{"image":"x","services":[{"name":"a","kind":"database","inside":"b"}]}"#.to_owned(), "inside"),
        (r#"{"image":"x","services":[{"name":"a","kind":"database","url":"a b"}]}"#.to_owned(), "no address"),
        (
            r#"{"image":"x","services":[{"name":"a","kind":"database","inside":"l"},{"name":"l","kind":"sqlite"}]}"#
                .to_owned(),
            "inside",
        ),
        (compose(r#","services":[{"name":"a","kind":"database","inside":"b"}]"#), "inside \"b\""),
        (compose(r#","services":[{"name":"a","kind":"web","path":"/"}]"#), "no port inside"),
        (r#"{"compose_file":"compose.yaml"}"#.to_owned(), "handed over"),
        (compose(r#","image":"x""#), "both"),
        (compose(r#","images":{"b":{"file":"x"}}"#), "does not have"),
        (compose(r#","services":[{"name":"b","kind":"program"}]"#), "not in the course's compose file"),
        (compose(r#","services":[{"name":"a","kind":"program"},{"name":"a","kind":"program"}]"#), "twice"),
    ] {
        let fault = fault(&json);
        assert!(fault.message.contains(word), "{json}: {}", fault.message);
    }
}

#[test]
fn the_fingerprint_is_of_the_meaning() {
    let print = |json: &str| read(json).unwrap().fingerprint();
    let one = print(r#"{"image":"x","ports":{"a":1,"b":2}}"#);
    assert_eq!(one, print(r#"{ "ports": {"b":2, "a":1}, "image":"x", "mounts": [] }"#));
    assert_ne!(one, print(r#"{"image":"y","ports":{"a":1,"b":2}}"#));
    // a folder that is built may change while the block does not
    let built = |version: &str| print(&format!(r#"{{"build":"binder","course_version":"{version}"}}"#));
    assert_ne!(built("1"), built("2"));
}
