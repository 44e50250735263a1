//! A real engine for these tests: asked directly, without the filter, for what the filter is compared with; and an
//! image made of one static program. Everything made is named after the test's process and taken away at its end.

use std::io::{Read, Write};
use std::os::unix::net::UnixStream;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::{Duration, Instant};

use bytes::Bytes;
use http_body_util::{BodyExt, Full};
use kitbag_plugin_host::wire::{Body, Wire, WireError};
use kitbag_plugin_host::{EngineGrant, EngineRight, EnvRef, Op, OpContext};
use serde_json::{Value, json};

use crate::doors::Bench;

const SOCKET: &str = "/var/run/docker.sock";
static NEXT: AtomicU32 = AtomicU32::new(0);

/// One test's part of the engine.
pub struct Lab {
    pub bench: Bench,
    /// Before every name the test gives, and the workspace's id.
    pub tag: String,
    pub image: String,
}

impl Lab {
    /// None where no engine runs: said aloud, and a failure where one is required.
    pub fn open() -> Option<Self> {
        if UnixStream::connect(SOCKET).is_err() {
            let required = std::env::var_os("KITBAG_REQUIRE_DOCKER").is_some();
            assert!(!required, "KITBAG_REQUIRE_DOCKER is set and no engine answers at {SOCKET}");
            println!("NOT TESTED: no engine answers at {SOCKET}");
            return None;
        }
        let number = NEXT.fetch_add(1, Ordering::Relaxed);
        let tag = format!("kbt{}x{number}", std::process::id());
        let mut bench = Bench::new();
        bench.grants.ports = (45_000..45_020).collect();
        bench.grants.engine = Some(EngineGrant {
            workspace: tag.clone(),
            machine: "m1".into(),
            rights: [EngineRight::Networks].into(),
        });
        std::fs::create_dir(bench.work().join("notes")).unwrap();
        let image = format!("{tag}:1");
        let lab = Self { bench, tag, image };
        let program = ["/bin/busybox", "/usr/bin/busybox"].into_iter().find(|path| Path::new(path).exists());
        let mut archive = tar::Builder::new(Vec::new());
        if let Some(program) = program {
            archive.append_path_with_name(program, "bin/busybox").unwrap();
        }
        let made = lab.direct(
            "POST",
            &format!("/images/create?fromSrc=-&repo={}&tag=1", lab.tag),
            &archive.into_inner().unwrap(),
        );
        assert_eq!(made.0, 200, "{}", made.1);
        Some(lab)
    }

    /// Whether programs can be run in its containers.
    pub fn runs(&self) -> bool {
        let there = ["/bin/busybox", "/usr/bin/busybox"].into_iter().any(|path| Path::new(path).exists());
        assert!(there || std::env::var_os("KITBAG_REQUIRE_DOCKER").is_none(), "install busybox-static");
        if !there {
            println!("NOT TESTED: busybox-static is not installed");
        }
        there
    }

    pub fn id(&self) -> EnvRef {
        EnvRef { workspace: self.tag.clone(), machine: "m1".into(), name: "course".into() }
    }

    pub fn wire(&self) -> Arc<Wire> {
        self.wire_of(&self.bench.cx(), Duration::from_secs(60))
    }

    pub fn wire_of(&self, cx: &OpContext, within: Duration) -> Arc<Wire> {
        Wire::new(cx, Instant::now() + within, Some(&Op::Status(self.id())))
    }

    /// Past the filter: status and body.
    pub fn direct(&self, method: &str, target: &str, body: &[u8]) -> (u16, Value) {
        let mut stream = UnixStream::connect(SOCKET).unwrap();
        let kind = if body.first() == Some(&b'{') { "application/json" } else { "application/x-tar" };
        write!(
            stream,
            "{method} {target} HTTP/1.0\r\nHost: docker\r\nContent-Type: {kind}\r\nContent-Length: {}\r\n\r\n",
            body.len()
        )
        .unwrap();
        stream.write_all(body).unwrap();
        let mut answer = Vec::new();
        stream.read_to_end(&mut answer).unwrap();
        let split = answer.windows(4).position(|four| four == b"\r\n\r\n").unwrap();
        let head = String::from_utf8_lossy(&answer[..split]).into_owned();
        let status = head.split(' ').nth(1).unwrap().parse().unwrap();
        (status, serde_json::from_slice(&answer[split + 4..]).unwrap_or(Value::Null))
    }

    /// The id of a container somebody else made.
    pub fn foreign(&self, name: &str, labels: Value) -> String {
        let body = json!({ "Image": self.image, "Cmd": ["/bin/busybox", "sleep", "600"], "Labels": labels, "HostConfig": {} });
        let target = format!("/containers/create?name={}-{name}", self.tag);
        let (status, made) = self.direct("POST", &target, body.to_string().as_bytes());
        assert_eq!(status, 201, "{made}");
        made["Id"].as_str().unwrap().to_owned()
    }
}

impl Drop for Lab {
    fn drop(&mut self) {
        let filters = format!("%7B%22name%22%3A%5B%22{}%22%5D%7D", self.tag);
        let mut all = self
            .direct(
                "GET",
                &format!("/containers/json?all=1&filters=%7B%22ancestor%22%3A%5B%22{}%22%5D%7D", self.image),
                b"",
            )
            .1;
        for one in all.as_array_mut().into_iter().flatten() {
            self.direct("DELETE", &format!("/containers/{}?force=1&v=1", one["Id"].as_str().unwrap()), b"");
        }
        for one in self.direct("GET", &format!("/volumes?filters={filters}"), b"").1["Volumes"]
            .as_array()
            .into_iter()
            .flatten()
        {
            self.direct("DELETE", &format!("/volumes/{}?force=1", one["Name"].as_str().unwrap()), b"");
        }
        for one in self
            .direct("GET", &format!("/networks?filters={filters}"), b"")
            .1
            .as_array()
            .into_iter()
            .flatten()
        {
            self.direct("DELETE", &format!("/networks/{}", one["Id"].as_str().unwrap()), b"");
        }
        self.direct("DELETE", &format!("/images/{}?force=1", self.image), b"");
    }
}

/// What a plugin sends.
pub fn request(method: &str, target: &str, headers: &[(&str, &str)], body: Body) -> http::Request<Body> {
    let mut request = http::Request::builder().method(method).uri(format!("http://engine.docker{target}"));
    for (name, value) in headers {
        request = request.header(*name, *value);
    }
    request.body(body).unwrap()
}

pub fn bytes(bytes: impl Into<Bytes>) -> Body {
    Full::new(bytes.into()).map_err(|never| match never {}).boxed_unsync()
}

/// Through the filter: status and the whole body.
pub async fn send(wire: &Arc<Wire>, request: http::Request<Body>) -> Result<(u16, Bytes), WireError> {
    let response = Arc::clone(wire).send(request).await?;
    let status = response.status().as_u16();
    Ok((status, response.into_body().collect().await?.to_bytes()))
}

/// The same, with JSON both ways.
pub async fn call(
    wire: &Arc<Wire>,
    method: &str,
    target: &str,
    body: Value,
) -> Result<(u16, Value), WireError> {
    let body = if body.is_null() { bytes("") } else { bytes(body.to_string()) };
    let (status, bytes) = send(wire, request(method, target, &[], body)).await?;
    Ok((status, serde_json::from_slice(&bytes).unwrap_or(Value::Null)))
}
