//! A real component, the SDK's example, on a real engine: the whole way from `kitbag_sdk::engine` through `wasi:http`
//! and the filter to Docker and back.

use std::path::Path;
use std::process::Command;
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use kitbag_plugin_host::{
    Backend, Cancel, ExecRequest, FaultCode, Op, Origin, Phase, Plugin, PluginError, Reply, Spec, Streams,
};
use serde_json::{Value, json};
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite};

use super::lab::Lab;

const MANIFEST: &str = "id = \"one-container\"\nversion = \"0.1.0\"\ntitle = \"One container\"\npublisher = \"kitbag\"\n\
    wit = \"kitbag:plugin@0.1.0-dev\"\nworld = \"backend\"\n";
const ENGINE: &str = "[[capability]]\nname = \"engine\"\nreason = \"To run one container.\"\n";

/// Built once for all tests.
fn component() -> &'static [u8] {
    static BUILT: OnceLock<Vec<u8>> = OnceLock::new();
    BUILT.get_or_init(|| {
        let target = Path::new(env!("CARGO_TARGET_TMPDIR")).join("example");
        let mut cargo = Command::new(env!("CARGO"));
        cargo
            .current_dir(concat!(env!("CARGO_MANIFEST_DIR"), "/../.."))
            .args(["build", "--quiet", "--locked", "--package", "kitbag-sdk", "--example", "one_container"])
            .args(["--target", "wasm32-wasip2", "--target-dir"])
            .arg(&target);
        for name in [
            "RUSTFLAGS",
            "CARGO_ENCODED_RUSTFLAGS",
            "RUSTC_WRAPPER",
            "RUSTC_WORKSPACE_WRAPPER",
            "CARGO_BUILD_TARGET",
        ] {
            cargo.env_remove(name);
        }
        let built = cargo.output().unwrap();
        assert!(built.status.success(), "{}", String::from_utf8_lossy(&built.stderr));
        std::fs::read(target.join("wasm32-wasip2/debug/examples/one_container.wasm")).unwrap()
    })
}

async fn load(lab: &Lab) -> Plugin {
    lab.bench.host().load(&format!("{MANIFEST}{ENGINE}"), component(), Origin::Added).await.unwrap()
}

fn spec(lab: &Lab, body: &Value) -> Spec {
    Spec { id: lab.id(), source: body.clone(), ports: vec![], env: vec![] }
}

async fn create(lab: &Lab, plugin: &Plugin, body: &Value) -> Result<Reply, PluginError> {
    let op = Op::Create { spec: spec(lab, body), fingerprint: String::new() };
    plugin.call(op, &lab.bench.cx()).await
}

/// A stream into a test.
fn pipe() -> (Box<dyn AsyncWrite + Send + Unpin>, tokio::io::DuplexStream) {
    let (one, other) = tokio::io::duplex(1 << 22);
    (Box::new(one), other)
}

async fn exec(
    lab: &Lab,
    plugin: &Plugin,
    argv: &[&str],
    input: Option<Vec<u8>>,
) -> (Option<i32>, Vec<u8>, Vec<u8>) {
    let ((output, mut out), (errors, mut err)) = (pipe(), pipe());
    let input = input.map(|bytes| Box::new(std::io::Cursor::new(bytes)) as Box<dyn AsyncRead + Send + Unpin>);
    let cx = lab.bench.cx_with(Streams { input, output: Some(output), errors: Some(errors), lines: None });
    let argv = argv.iter().map(|&one| one.to_owned()).collect();
    let op = Op::ExecIn { id: lab.id(), request: ExecRequest { argv, env: vec![], folder: None } };
    let (mut one, mut two) = (Vec::new(), Vec::new());
    let (code, a, b) =
        tokio::join!(plugin.call(op, &cx), out.read_to_end(&mut one), err.read_to_end(&mut two));
    a.and(b).unwrap();
    (code.unwrap().exited().unwrap(), one, two)
}

#[tokio::test]
async fn a_whole_life() {
    let Some(lab) = Lab::open() else { return };
    if !lab.runs() {
        return;
    }
    let plugin = load(&lab).await;
    let report = plugin.call(Op::Probe, &lab.bench.cx()).await.unwrap().probe().unwrap();
    assert!(report.usable && report.version.is_some());
    let body = json!({
        "Image": lab.image,
        "Cmd": ["/bin/busybox", "sh", "-c", "echo token $T; exec /bin/busybox sleep 600"], "Env": ["T={token}"],
        "HostConfig": { "Binds": ["{work}/notes:/n"] },
    });
    for _ in 0..2 {
        create(&lab, &plugin, &body).await.unwrap().done().unwrap();
    }
    let started = plugin.call(Op::Start(spec(&lab, &body)), &lab.bench.cx()).await.unwrap().status().unwrap();
    assert_eq!(started.phase, Phase::Running);
    assert_eq!(plugin.call(Op::ListOwned, &lab.bench.cx()).await.unwrap().owned().unwrap(), [lab.id()]);

    let all: Vec<u8> = (0..1_u32 << 20).map(|n| (n.wrapping_mul(2_654_435_761) >> 11) as u8).collect();
    let (code, out, err) = exec(&lab, &plugin, &["/bin/busybox", "cat"], Some(all.clone())).await;
    assert_eq!((code, out.len(), err.len()), (Some(0), all.len(), 0));
    assert!(out == all, "the bytes differ");
    let (code, out, err) =
        exec(&lab, &plugin, &["/bin/busybox", "sh", "-c", "echo o; echo e >&2; exit 7"], None).await;
    assert_eq!((code, out.as_slice(), err.as_slice()), (Some(7), &b"o\n"[..], &b"e\n"[..]));

    // What a person reads never shows the token, also where the program printed it.
    let cx = lab.bench.cx_with(Streams { lines: Some(lab.bench.said.clone()), ..Streams::default() });
    plugin.call(Op::Logs { id: lab.id(), service: None, follow: false }, &cx).await.unwrap().done().unwrap();
    assert_eq!(lab.bench.said.lines.lock().unwrap()[0].1, "token •••");

    for _ in 0..2 {
        plugin.call(Op::Destroy(lab.id()), &lab.bench.cx()).await.unwrap().done().unwrap();
    }
    assert_eq!(plugin.call(Op::ListOwned, &lab.bench.cx()).await.unwrap().owned().unwrap(), []);
}

#[tokio::test]
async fn what_is_refused_is_told_with_its_reason() {
    let Some(lab) = Lab::open() else { return };
    let plugin = load(&lab).await;
    for (host, word) in [
        (json!({ "Privileged": true }), "Privileged"),
        (json!({ "Binds": ["/:/host"] }), "Binds"),
        (json!({ "NetworkMode": "host" }), "NetworkMode"),
    ] {
        let body = json!({ "Image": lab.image, "HostConfig": host });
        let Err(PluginError::Fault(fault)) = create(&lab, &plugin, &body).await else {
            panic!("{body} got through")
        };
        assert_eq!(fault.code, FaultCode::NotGranted);
        assert!(fault.detail.as_ref().unwrap().contains(word), "{fault:?}");
        assert!(lab.bench.said.log.lock().unwrap().iter().any(|(_, line)| line.contains(word)));
    }
    // Granted nothing: the same component, the same engine, and not even its version.
    let mut bench = super::doors::Bench::new();
    bench.grants.engine = None;
    let Err(PluginError::Fault(fault)) = plugin.call(Op::Probe, &bench.cx()).await else { panic!() };
    assert_eq!(fault.code, FaultCode::NotGranted);
}

#[tokio::test]
async fn one_that_did_not_ask_is_not_loaded() {
    let bench = super::doors::Bench::new();
    let error = bench.host().load(MANIFEST, component(), Origin::Added).await.unwrap_err();
    assert!(
        matches!(&error, PluginError::NotDeclared(name) if name.contains("engine") || name.contains("wasi:http")),
        "{error:?}"
    );
}

#[tokio::test]
async fn one_that_follows_a_log_hears_that_its_person_gave_up() {
    let Some(lab) = Lab::open() else { return };
    if !lab.runs() {
        return;
    }
    let plugin = load(&lab).await;
    let body = json!({ "Image": lab.image, "Cmd": ["/bin/busybox", "sleep", "600"] });
    create(&lab, &plugin, &body).await.unwrap().done().unwrap();
    plugin.call(Op::Start(spec(&lab, &body)), &lab.bench.cx()).await.unwrap();
    let cancel = Cancel::default();
    let streams = Streams { lines: Some(Arc::clone(&lab.bench.said) as _), ..Streams::default() };
    let cx = lab.bench.cx_with(streams).with_cancel(cancel.clone());
    let op = Op::Logs { id: lab.id(), service: None, follow: true };
    let began = std::time::Instant::now();
    let (answer, ()) = tokio::join!(plugin.call(op, &cx), async {
        tokio::time::sleep(Duration::from_millis(500)).await;
        cancel.cancel();
    });
    // It ends by itself, with what it was told, before it would be ended.
    assert!(matches!(answer, Err(PluginError::Fault(_))), "{answer:?}");
    assert!(began.elapsed() < Duration::from_secs(10));
}
