//! What a program in a container reads and writes, through the filter: every byte both ways, and its end.

use std::time::Duration;

use bytes::Bytes;
use http_body_util::BodyExt;
use serde_json::{Value, json};

use super::lab::{Lab, bytes, call, request, send};

/// Docker's frames, by stream.
fn frames(mut from: &[u8]) -> (Vec<u8>, Vec<u8>) {
    let (mut out, mut err) = (Vec::new(), Vec::new());
    while let Some((head, rest)) = from.split_at_checked(8) {
        let size = u32::from_be_bytes([head[4], head[5], head[6], head[7]]) as usize;
        let (body, rest) = rest.split_at(size);
        if head[0] == 2 { &mut err } else { &mut out }.extend_from_slice(body);
        from = rest;
    }
    (out, err)
}

/// A container of ours that sleeps.
async fn sleeper(lab: &Lab) -> String {
    let body = json!({
        "Image": lab.image, "Cmd": ["/bin/busybox", "sleep", "600"],
        "HostConfig": { "Binds": ["{work}/notes:/n"], "Init": false },
    });
    let (status, made) = call(&lab.wire(), "POST", "/containers/create", body).await.unwrap();
    assert_eq!(status, 201, "{made}");
    let id = made["Id"].as_str().unwrap().to_owned();
    let started = call(&lab.wire(), "POST", &format!("/containers/{id}/start"), Value::Null).await.unwrap();
    assert_eq!(started.0, 204, "{}", started.1);
    id
}

async fn exec(lab: &Lab, id: &str, argv: &[&str], input: Option<Vec<u8>>) -> (i64, Vec<u8>, Vec<u8>) {
    let wire = lab.wire();
    let body =
        json!({ "Cmd": argv, "AttachStdin": input.is_some(), "AttachStdout": true, "AttachStderr": true });
    let (status, made) = call(&wire, "POST", &format!("/containers/{id}/exec"), body).await.unwrap();
    assert_eq!(status, 201, "{made}");
    let exec = made["Id"].as_str().unwrap();
    let start = [("kitbag-start", r#"{"Detach":false,"Tty":false}"#)];
    let request = request("POST", &format!("/exec/{exec}/start"), &start, bytes(input.unwrap_or_default()));
    let (status, output) =
        tokio::time::timeout(Duration::from_secs(60), send(&wire, request)).await.unwrap().unwrap();
    assert_eq!(status, 200);
    let code =
        call(&wire, "GET", &format!("/exec/{exec}/json"), Value::Null).await.unwrap().1["ExitCode"].as_i64();
    let (out, err) = frames(&output);
    (code.unwrap_or(-1), out, err)
}

#[tokio::test]
async fn a_program_reads_and_writes_every_byte() {
    let Some(lab) = Lab::open() else { return };
    if !lab.runs() {
        return;
    }
    let id = sleeper(&lab).await;
    let all: Vec<u8> = (0..1_u32 << 20).map(|n| (n.wrapping_mul(2_654_435_761) >> 13) as u8).collect();
    let (code, out, err) = exec(&lab, &id, &["/bin/busybox", "cat"], Some(all.clone())).await;
    assert_eq!((code, out.len(), err), (0, all.len(), vec![]));
    assert!(out == all, "the bytes differ");
    let (code, out, err) =
        exec(&lab, &id, &["/bin/busybox", "sh", "-c", "echo out; echo err >&2; exit 7"], None).await;
    assert_eq!((code, out.as_slice(), err.as_slice()), (7, &b"out\n"[..], &b"err\n"[..]));
    // One that ends before its input does.
    let (code, out, _) = exec(&lab, &id, &["/bin/busybox", "head", "-c", "3"], Some(all.clone())).await;
    assert_eq!((code, out.as_slice()), (0, &all[..3]));
    // The mounted folder is the granted one.
    exec(&lab, &id, &["/bin/busybox", "sh", "-c", "echo hello > /n/from-inside"], None).await;
    assert_eq!(std::fs::read_to_string(lab.bench.work().join("notes/from-inside")).unwrap(), "hello\n");
}

#[tokio::test]
async fn a_start_that_is_not_waited_for() {
    let Some(lab) = Lab::open() else { return };
    if !lab.runs() {
        return;
    }
    let id = sleeper(&lab).await;
    let wire = lab.wire();
    let body = json!({ "Cmd": ["/bin/busybox", "sleep", "600"] });
    let made = call(&wire, "POST", &format!("/containers/{id}/exec"), body).await.unwrap().1;
    let exec = made["Id"].as_str().unwrap();
    let start = [("kitbag-start", r#"{"Detach":true}"#)];
    let started =
        send(&wire, request("POST", &format!("/exec/{exec}/start"), &start, bytes(""))).await.unwrap();
    assert_eq!((started.0, started.1), (200, Bytes::new()));
    let seen = call(&wire, "GET", &format!("/exec/{exec}/json"), Value::Null).await.unwrap();
    assert_eq!(seen.1["Running"], true);
}

#[tokio::test]
async fn somebody_elses_command_is_not_there() {
    let Some(lab) = Lab::open() else { return };
    if !lab.runs() {
        return;
    }
    let foreign = lab.foreign("runs", json!({}));
    assert_eq!(lab.direct("POST", &format!("/containers/{foreign}/start"), b"").0, 204);
    let body = json!({ "Cmd": ["/bin/busybox", "true"] }).to_string();
    let exec = lab.direct("POST", &format!("/containers/{foreign}/exec"), body.as_bytes()).1;
    let exec = exec["Id"].as_str().unwrap();
    for (method, what) in [("GET", "json"), ("POST", "start"), ("POST", "resize?h=1&w=1")] {
        let answer = call(&lab.wire(), method, &format!("/exec/{exec}/{what}"), Value::Null).await.unwrap();
        assert_eq!(answer.0, 404, "{what}");
    }
    let seen = lab.direct("GET", &format!("/exec/{exec}/json"), b"").1;
    assert!(seen["ExitCode"].is_null() && seen["Running"] == false, "it was started");
}

#[tokio::test]
async fn archives_go_both_ways() {
    let Some(lab) = Lab::open() else { return };
    if !lab.runs() {
        return;
    }
    let id = sleeper(&lab).await;
    let mut archive = tar::Builder::new(Vec::new());
    let content: Vec<u8> = (0..3_000_000_u32).map(|n| (n % 251) as u8).collect();
    let mut header = tar::Header::new_gnu();
    header.set_size(content.len() as u64);
    header.set_mode(0o644);
    archive.append_data(&mut header, "big é.bin", content.as_slice()).unwrap();
    let put = request(
        "PUT",
        &format!("/containers/{id}/archive?path=%2F"),
        &[],
        bytes(archive.into_inner().unwrap()),
    );
    assert_eq!(send(&lab.wire(), put).await.unwrap().0, 200);
    let get = request("GET", &format!("/containers/{id}/archive?path=%2Fbig%20%C3%A9.bin"), &[], bytes(""));
    let (status, back) = send(&lab.wire(), get).await.unwrap();
    assert_eq!(status, 200);
    let mut back = tar::Archive::new(back.as_ref());
    let mut entry = back.entries().unwrap().next().unwrap().unwrap();
    let mut read = Vec::new();
    std::io::Read::read_to_end(&mut entry, &mut read).unwrap();
    assert!(read == content, "the bytes differ");
    let head = request("HEAD", &format!("/containers/{id}/archive?path=%2Fn"), &[], bytes(""));
    let response = lab.wire().send(head).await.unwrap();
    assert!(response.headers().contains_key("x-docker-container-path-stat"));
    assert!(response.into_body().collect().await.unwrap().to_bytes().is_empty());
}
