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
    let refine = &one.services[1];
    assert_eq!(
        (refine.port, refine.path.as_str(), refine.ready_by_port),
        (Some(8888), "/openrefine/", false)
    );
    let several = read(blocks[1]).unwrap();
    assert_eq!(several.containers.len(), 2);
    assert_eq!(several.containers[0].image.file.as_deref(), Some("images/postgres.tar"));
    assert_eq!(several.urls["db"], "postgresql://student@db:5432/course");
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
