//! The way of a plugin's requests to a real engine. Where none runs this is said; with KITBAG_REQUIRE_DOCKER set it
//! is a failure.

#![cfg(unix)]
#![allow(clippy::unwrap_used, clippy::print_stdout)]

mod chance;
mod component;
#[path = "../doors/mod.rs"]
mod doors;
mod lab;
mod streams;

use std::time::Duration;

use kitbag_plugin_host::wire::WireError;
use kitbag_plugin_host::{Cancel, Op};
use lab::{Lab, bytes, call, send};
use serde_json::{Value, json};

fn refused<T: std::fmt::Debug>(answer: Result<T, WireError>, word: &str) {
    match answer {
        Err(WireError::Refused(why)) if why.to_string().contains(word) => {}
        other => panic!("expected a refusal with {word:?}, got {other:?}"),
    }
}

#[tokio::test]
async fn what_is_not_ours_is_not_there() {
    let Some(lab) = Lab::open() else { return };
    let wire = lab.wire();
    let nobody = lab.foreign("nobody", json!({}));
    let ours = |key: &str| format!("org.kitbag.{key}");
    let other_machine = lab.foreign(
        "machine",
        json!({ ours("workspace"): lab.tag, ours("machine"): "m2", ours("environment"): "course" }),
    );
    let other_environment = lab.foreign(
        "environment",
        json!({ ours("workspace"): lab.tag, ours("machine"): "m1", ours("environment"): "other" }),
    );
    for id in [
        nobody.clone(),
        other_machine,
        other_environment,
        format!("{}-nobody", lab.tag),
        nobody[..12].to_owned(),
    ] {
        for (method, what) in [
            ("GET", "/json"),
            ("POST", "/start"),
            ("POST", "/stop"),
            ("POST", "/kill"),
            ("GET", "/logs?stdout=1"),
            ("GET", "/archive?path=%2F"),
            ("PUT", "/archive?path=%2F"),
            ("POST", "/attach?stream=1&stdout=1"),
            ("DELETE", "?force=1"),
        ] {
            let target = format!("/containers/{id}{what}");
            let (status, said) = call(&wire, method, &target, Value::Null).await.unwrap();
            assert_eq!(status, 404, "{method} {target}: {said}");
        }
        let exec = call(&wire, "POST", &format!("/containers/{id}/exec"), json!({ "Cmd": ["id"] })).await;
        assert_eq!(exec.unwrap().0, 404);
        let (status, seen) = lab.direct("GET", &format!("/containers/{id}/json"), b"");
        assert_eq!((status, &seen["State"]["Status"]), (200, &json!("created")), "{id} was touched");
    }
    let (status, listed) = call(&wire, "GET", "/containers/json?all=1", Value::Null).await.unwrap();
    assert_eq!((status, listed), (200, json!([])));

    let theirs = format!("{}-theirs", lab.tag);
    lab.direct("POST", "/volumes/create", json!({ "Name": theirs }).to_string().as_bytes());
    assert_eq!(call(&wire, "GET", &format!("/volumes/{theirs}"), Value::Null).await.unwrap().0, 404);
    assert_eq!(call(&wire, "DELETE", &format!("/volumes/{theirs}"), Value::Null).await.unwrap().0, 404);
    refused(call(&wire, "POST", "/volumes/create", json!({ "Name": theirs })).await, "somebody else");
    let mount = |name: &str| json!({ "Image": lab.image, "HostConfig": { "Binds": [format!("{name}:/v")] } });
    refused(call(&wire, "POST", "/containers/create", mount(&theirs)).await, "somebody else");
    refused(
        call(&wire, "POST", "/containers/create", mount(&format!("{}-none", lab.tag))).await,
        "must be made",
    );
    refused(call(&wire, "POST", "/networks/create", json!({ "Name": "bridge" })).await, "somebody else");
    assert_eq!(call(&wire, "DELETE", "/networks/bridge", Value::Null).await.unwrap().0, 404);
}

#[tokio::test]
async fn ours_is_made_found_and_taken_away() {
    let Some(lab) = Lab::open() else { return };
    let wire = lab.wire();
    let (name, net) = (format!("{}-pg", lab.tag), format!("{}-net", lab.tag));
    let (status, volume) =
        call(&wire, "POST", "/v1.41/volumes/create", json!({ "Name": name })).await.unwrap();
    assert_eq!((status, &volume["Labels"]["org.kitbag.workspace"]), (201, &json!(lab.tag)));
    assert_eq!(call(&wire, "POST", "/networks/create", json!({ "Name": net })).await.unwrap().0, 201);
    let body = json!({
        "Image": lab.image, "Cmd": ["x"], "Env": ["T={token}", "W={work}"],
        "HostConfig": { "Binds": ["{work}/notes:/n:ro", format!("{name}:/v")], "NetworkMode": net },
    });
    let target = format!("/v1.41/containers/create?name={}-nb", lab.tag);
    let (status, made) = call(&wire, "POST", &target, body).await.unwrap();
    assert_eq!(status, 201, "{made}");
    let seen = lab.direct("GET", &format!("/containers/{}-nb/json", lab.tag), b"").1;
    assert_eq!(seen["Config"]["Labels"]["org.kitbag.environment"], "course");
    assert_eq!(seen["Config"]["Env"], json!(["T=tok-0123456789", "W={work}"]));
    assert_eq!(seen["HostConfig"]["Mounts"][0]["Source"], lab.bench.work().join("notes").to_str().unwrap());
    assert_eq!(
        call(&wire, "GET", "/containers/json?all=1", Value::Null).await.unwrap().1.as_array().unwrap().len(),
        1
    );
    assert_eq!(
        call(&wire, "GET", "/volumes", Value::Null).await.unwrap().1["Volumes"].as_array().unwrap().len(),
        1
    );
    // Another one under the same name, once this one is gone: names are never remembered.
    for _ in 0..2 {
        let target = format!("/containers/{}-nb", lab.tag);
        assert_eq!(call(&wire, "DELETE", &target, Value::Null).await.unwrap().0, 204);
        let target = format!("/containers/create?name={}-nb", lab.tag);
        assert_eq!(
            call(&wire, "POST", &target, json!({ "Image": lab.image, "Cmd": ["x"] })).await.unwrap().0,
            201
        );
        assert_eq!(
            call(&wire, "GET", &format!("/containers/{}-nb/json", lab.tag), Value::Null).await.unwrap().0,
            200
        );
    }
    call(&wire, "DELETE", &format!("/containers/{}-nb", lab.tag), Value::Null).await.unwrap();
    assert_eq!(call(&wire, "DELETE", &format!("/volumes/{name}"), Value::Null).await.unwrap().0, 204);
    assert_eq!(call(&wire, "DELETE", &format!("/networks/{net}"), Value::Null).await.unwrap().0, 204);
}

#[tokio::test]
async fn only_the_engine_can_be_reached_and_only_where_granted() {
    let Some(lab) = Lab::open() else { return };
    let wire = lab.wire();
    for uri in [
        "http://169.254.169.254/latest",
        "http://localhost:22/",
        "http://engine.docker:80/version",
        "https://engine.docker/version",
        "http://a@engine.docker/version",
        "/version",
    ] {
        let request = http::Request::builder().uri(uri).body(bytes("")).unwrap();
        refused(send(&wire, request).await, "");
    }
    assert_eq!(call(&wire, "GET", "/version", Value::Null).await.unwrap().0, 200);
    let cx = lab.bench.cx();
    for op in [None, Some(Op::ListOwned)] {
        let wire = kitbag_plugin_host::wire::Wire::new(
            &cx,
            std::time::Instant::now() + Duration::from_secs(9),
            op.as_ref(),
        );
        assert_eq!(call(&wire, "GET", "/_ping", Value::Null).await.unwrap().0, 200);
        refused(
            call(&wire, "POST", "/containers/create", json!({ "Image": lab.image })).await,
            "no environment",
        );
    }
    let strange = Op::Status(kitbag_plugin_host::EnvRef { machine: "m2".into(), ..lab.id() });
    let wire = kitbag_plugin_host::wire::Wire::new(
        &cx,
        std::time::Instant::now() + Duration::from_secs(9),
        Some(&strange),
    );
    refused(call(&wire, "GET", "/version", Value::Null).await, "granted");
    let mut bench = doors::Bench::new();
    bench.grants.engine = None;
    refused(
        call(&lab.wire_of(&bench.cx(), Duration::from_secs(9)), "GET", "/version", Value::Null).await,
        "granted",
    );
}

#[tokio::test]
async fn a_request_ends_with_its_call() {
    let Some(lab) = Lab::open() else { return };
    if !lab.runs() {
        return;
    }
    let wire = lab.wire();
    let body = json!({ "Image": lab.image, "Cmd": ["/bin/busybox", "sleep", "600"] });
    let id =
        call(&wire, "POST", "/containers/create", body).await.unwrap().1["Id"].as_str().unwrap().to_owned();
    assert_eq!(call(&wire, "POST", &format!("/containers/{id}/start"), Value::Null).await.unwrap().0, 204);
    let late = lab.wire_of(&lab.bench.cx(), Duration::from_millis(300));
    let answer = call(&late, "POST", &format!("/containers/{id}/wait"), Value::Null).await;
    assert_eq!(answer.unwrap_err(), WireError::Late);
    let cancel = Cancel::default();
    let wire = lab.wire_of(&lab.bench.cx().with_cancel(cancel.clone()), Duration::from_secs(60));
    let target = format!("/containers/{id}/logs?follow=1&stdout=1");
    let (answer, ()) = tokio::join!(call(&wire, "GET", &target, Value::Null), async {
        tokio::time::sleep(Duration::from_millis(300)).await;
        cancel.cancel();
    });
    assert_eq!(answer.unwrap_err(), WireError::Cancelled);
}
