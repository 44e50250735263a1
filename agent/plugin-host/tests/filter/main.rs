//! The filter of a container engine's API against a list of requests that mean harm, each by its name, and a list of
//! honest ones; and against chance: whatever body goes in, nothing that was not allowed comes out.

#![allow(clippy::unwrap_used)]

mod bodies;
mod chance;
mod honest;
mod requests;

use std::collections::BTreeSet;

use kitbag_plugin_host::filter::{Owner, Pass, Reads, Refusal, Rules, read, route};
use kitbag_plugin_host::{EngineGrant, EngineRight, Grants, Secret};
use serde_json::{Value, json};

const ALL: [EngineRight; 5] = [
    EngineRight::ImagesBuild,
    EngineRight::ImagesLoad,
    EngineRight::ImagesSave,
    EngineRight::Networks,
    EngineRight::Gpu,
];

fn grants(rights: &[EngineRight]) -> Grants {
    Grants {
        folders: [("work".to_owned(), "/home/a:b/work".into()), ("data".to_owned(), "/d".into())].into(),
        secrets: [("token".to_owned(), Secret::new("s3cr3t"))].into(),
        ports: [35180].into(),
        engine: Some(EngineGrant {
            workspace: "tm351".into(),
            machine: "m1".into(),
            rights: rights.iter().copied().collect::<BTreeSet<_>>(),
        }),
        ..Grants::default()
    }
}

fn owner() -> Owner {
    Owner { workspace: "tm351".into(), machine: "m1".into(), environment: Some("course".into()) }
}

struct Request<'a> {
    method: &'a str,
    target: &'a str,
    headers: &'a [(&'a str, &'a str)],
    body: Value,
}

fn ask_with(rights: &[EngineRight], owner: &Owner, request: &Request<'_>) -> Result<Pass, Refusal> {
    let grants = grants(rights);
    let rules = Rules { grants: &grants, owner };
    let headers = request.headers.iter().map(|(name, value)| (*name, value.as_bytes()));
    let route = route(read(request.method, request.target, headers)?, rules)?;
    let text = request.body.to_string();
    let document = (route.reads() == Reads::Json).then_some(text.as_bytes());
    route.judge(document, rules)
}

fn ask(method: &str, target: &str, body: Value) -> Result<Pass, Refusal> {
    ask_with(&ALL, &owner(), &Request { method, target, headers: &[], body })
}

fn create(body: Value) -> Result<Pass, Refusal> {
    ask("POST", "/v1.41/containers/create?name=nb", body)
}

fn host(host: Value) -> Result<Pass, Refusal> {
    create(json!({ "Image": "a", "HostConfig": host }))
}

#[test]
fn what_needs_a_grant_of_its_own_is_refused_without() {
    for (right, method, target, body) in [
        (EngineRight::ImagesBuild, "POST", "/build?t=kitbag/a", json!({})),
        (EngineRight::ImagesBuild, "DELETE", "/images/kitbag/a", json!({})),
        (EngineRight::ImagesLoad, "POST", "/images/load", json!({})),
        (EngineRight::ImagesSave, "GET", "/images/a/b:c/get", json!({})),
        (EngineRight::ImagesSave, "GET", "/images/get?names=a%2Fb%3Ac&names=d", json!({})),
        (EngineRight::ImagesSave, "GET", "/containers/a/export", json!({})),
        (EngineRight::Networks, "POST", "/networks/create", json!({ "Name": "n" })),
        (EngineRight::Networks, "GET", "/networks", json!({})),
        (EngineRight::Networks, "GET", "/networks/n", json!({})),
        (EngineRight::Networks, "DELETE", "/networks/n", json!({})),
        (
            EngineRight::Networks,
            "POST",
            "/containers/create",
            json!({ "Image": "a", "HostConfig": { "NetworkMode": "n" } }),
        ),
        (
            EngineRight::Gpu,
            "POST",
            "/containers/create",
            json!({ "Image": "a", "HostConfig": { "DeviceRequests": [{ "Count": -1, "Capabilities": [["gpu"]] }] } }),
        ),
    ] {
        let request = Request { method, target, headers: &[], body };
        let others: Vec<EngineRight> = ALL.into_iter().filter(|one| *one != right).collect();
        let refusal = ask_with(&others, &owner(), &request).unwrap_err();
        assert!(refusal.to_string().contains(right.as_str()), "{target}: {refusal}");
        ask_with(&[right], &owner(), &request).unwrap();
    }
}

#[test]
fn nothing_is_made_for_no_environment() {
    let nobody = Owner { environment: None, ..owner() };
    for (target, body) in [
        ("/containers/create", json!({ "Image": "a" })),
        ("/volumes/create", json!({ "Name": "v" })),
        ("/build?t=kitbag/a", json!({})),
        ("/containers/a/exec", json!({ "Cmd": ["id"] })),
    ] {
        let request = Request { method: "POST", target, headers: &[], body };
        assert!(ask_with(&ALL, &nobody, &request).is_err(), "{target}");
        ask_with(&ALL, &owner(), &request).unwrap();
    }
    let request = Request { method: "GET", target: "/containers/json", headers: &[], body: json!({}) };
    let pass = ask_with(&ALL, &nobody, &request).unwrap();
    assert!(pass.target(&[]).contains("org.kitbag.machine") && !pass.target(&[]).contains("environment"));
}
