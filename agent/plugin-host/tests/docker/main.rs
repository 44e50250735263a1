//! The official Docker backend as it is shipped: its component, through the host and its filter, on a real engine.
//! Where none runs this is said; with KITBAG_REQUIRE_DOCKER set it is a failure.

#![cfg(unix)]
#![allow(clippy::unwrap_used, clippy::print_stdout, dead_code)]

#[path = "../doors/mod.rs"]
mod doors;
#[path = "../engine/lab.rs"]
mod lab;

use std::process::Command;

use kitbag_plugin_host::{
    Backend, EngineRight, ExecRequest, FaultCode, Op, Phase, Plugin, PluginError, Port, Reply, Spec, Streams,
};
use serde_json::{Value, json};
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite};

use lab::Lab;

async fn load(lab: &Lab) -> Plugin {
    lab.bench.host().load_bundled("docker").await.unwrap()
}

/// Two linked containers, one of which others wait for; a folder of the work, a volume, a page with a token.
fn course(lab: &Lab) -> Value {
    let compose = format!(
        r#"
services:
  page:
    image: {image}
    ports: ["8080"]
    user: "1234:56"
    environment: {{TOKEN: "${{KITBAG_TOKEN}}"}}
    depends_on: {{db: {{condition: service_healthy}}}}
    volumes: ["./notes:/notes", "page:/page"]
    command: [/bin/busybox, sh, -c, "/bin/busybox wget -q -O /page/answer http://db:5432/answer && exec /bin/busybox httpd -f -p 8080 -h /page"]
  db:
    image: {image}
    volumes: ["rows:/rows"]
    command: [/bin/busybox, sh, -c, "echo rows > /rows/answer; exec /bin/busybox httpd -f -p 5432 -h /rows"]
    healthcheck: {{test: [CMD, /bin/busybox, test, -e, /rows/answer], interval: 5m}}
volumes: {{page: , rows: }}
"#,
        image = lab.image
    );
    json!({ "compose": compose, "services": [{ "name": "page", "kind": "program", "path": "/answer" }] })
}

fn spec(lab: &Lab, source: &Value) -> Spec {
    let ports = vec![Port { service: "page".into(), number: 45_007 }];
    Spec { id: lab.id(), source: source.clone(), ports, env: vec![("KITBAG_NAME".into(), "x".into())] }
}

async fn ask(lab: &Lab, plugin: &Plugin, op: Op) -> Result<Reply, PluginError> {
    plugin.call(op, &lab.bench.cx()).await
}

/// A stream into a test.
fn pipe() -> (Box<dyn AsyncWrite + Send + Unpin>, tokio::io::DuplexStream) {
    let (one, other) = tokio::io::duplex(1 << 22);
    (Box::new(one), other)
}

/// Run something with an output, and with an input if there is one.
async fn streamed(
    lab: &Lab,
    plugin: &Plugin,
    op: Op,
    input: Option<Vec<u8>>,
) -> Result<(Reply, Vec<u8>, Vec<u8>), PluginError> {
    let ((output, mut out), (errors, mut err)) = (pipe(), pipe());
    let input = input.map(|bytes| Box::new(std::io::Cursor::new(bytes)) as Box<dyn AsyncRead + Send + Unpin>);
    let cx = lab.bench.cx_with(Streams { input, output: Some(output), errors: Some(errors), lines: None });
    let (mut one, mut two) = (Vec::new(), Vec::new());
    let call = async {
        let reply = plugin.call(op, &cx).await;
        drop(cx);
        reply
    };
    let (reply, a, b) = tokio::join!(call, out.read_to_end(&mut one), err.read_to_end(&mut two));
    a.and(b).unwrap();
    Ok((reply?, one, two))
}

async fn exec(
    lab: &Lab,
    plugin: &Plugin,
    place: &str,
    argv: &[&str],
    input: Option<Vec<u8>>,
) -> Result<(Option<i32>, Vec<u8>), PluginError> {
    let argv = argv.iter().map(|&one| one.to_owned()).collect();
    let request = ExecRequest { argv, env: vec![], folder: Some(place.to_owned()) };
    let (reply, out, _) = streamed(lab, plugin, Op::ExecIn { id: lab.id(), request }, input).await?;
    Ok((reply.exited()?, out))
}

#[tokio::test]
async fn a_whole_life() {
    let Some(lab) = Lab::open() else { return };
    if !lab.runs() {
        return;
    }
    let docker = load(&lab).await;
    let id = lab.id();
    let what = spec(&lab, &course(&lab));
    let report = ask(&lab, &docker, Op::Probe).await.unwrap().probe().unwrap();
    assert!(report.usable && report.problems.is_empty(), "{report:?}");
    let plan = ask(&lab, &docker, Op::Plan(what.clone())).await.unwrap().plan().unwrap();
    assert_eq!(plan, ask(&lab, &docker, Op::Plan(what.clone())).await.unwrap().plan().unwrap());
    assert_eq!(
        ask(&lab, &docker, Op::Status(id.clone())).await.unwrap().status().unwrap().phase,
        Phase::Absent
    );

    for _ in 0..2 {
        let create = Op::Create { spec: what.clone(), fingerprint: plan.fingerprint.clone() };
        ask(&lab, &docker, create).await.unwrap().done().unwrap();
        ask(&lab, &docker, Op::Start(what.clone())).await.unwrap().status().unwrap();
        let wait = Op::WaitReady { id: id.clone(), deadline_millis: 20_000 };
        let now = ask(&lab, &docker, wait).await.unwrap().status().unwrap();
        assert_eq!(now.phase, Phase::Running, "{now:?}");
    }
    let endpoints = ask(&lab, &docker, Op::Endpoints(id.clone())).await.unwrap().endpoints().unwrap();
    assert_eq!(endpoints[0].url, "http://127.0.0.1:45007/answer");
    assert_eq!(endpoints[0].secret_query.as_deref(), Some("token"));
    assert_eq!(ask(&lab, &docker, Op::ListOwned).await.unwrap().owned().unwrap(), std::slice::from_ref(&id));

    // as the user of the course: its volume, the work, the bytes, the token that only the host knows
    let all: Vec<u8> = (0..1_u32 << 20).map(|n| (n.wrapping_mul(2_654_435_761) >> 11) as u8).collect();
    let (code, out) =
        exec(&lab, &docker, "page:", &["/bin/busybox", "cat"], Some(all.clone())).await.unwrap();
    assert_eq!((code, out.len()), (Some(0), all.len()));
    assert!(out == all, "the bytes differ");
    let script = "cat answer; test -n \"$TOKEN\" && test \"$TOKEN\" != '{token}' && echo secret; id -u";
    let (code, out) =
        exec(&lab, &docker, "/page", &["/bin/busybox", "sh", "-c", script], None).await.unwrap();
    assert_eq!((code, String::from_utf8(out).unwrap().as_str()), (Some(0), "rows\nsecret\n1234\n"));
    std::fs::write(lab.bench.work().join("notes/a b"), "mine").unwrap();
    let (code, out) = exec(&lab, &docker, "/notes", &["/bin/busybox", "cat", "a b"], None).await.unwrap();
    assert_eq!((code, out.as_slice()), (Some(0), &b"mine"[..]));
    let missing = exec(&lab, &docker, "/page", &["no-such-program"], None).await.unwrap_err();
    assert!(
        matches!(&missing, PluginError::Fault(fault) if fault.code == FaultCode::NotFound),
        "{missing:?}"
    );

    // archives both ways
    let mut archive = tar::Builder::new(Vec::new());
    let mut head = tar::Header::new_gnu();
    head.set_size(5);
    head.set_mode(0o640);
    archive.append_data(&mut head, "ü b/x", &b"hello"[..]).unwrap();
    let tar = archive.into_inner().unwrap();
    let put = Op::Put { id: id.clone(), path: "db:/rows".into() };
    let (moved, ..) = streamed(&lab, &docker, put, Some(tar)).await.unwrap();
    assert_eq!(moved.moved().unwrap(), 5);
    let get = Op::Get { id: id.clone(), path: "db:/rows/ü b/x".into() };
    let (moved, tar, _) = streamed(&lab, &docker, get, None).await.unwrap();
    assert_eq!(moved.moved().unwrap(), 5);
    assert_eq!(tar::Archive::new(&tar[..]).entries().unwrap().count(), 1);

    let cx = lab.bench.cx_with(Streams { lines: Some(lab.bench.said.clone()), ..Streams::default() });
    let logs = Op::Logs { id: id.clone(), service: Some("page".into()), follow: false };
    docker.call(logs, &cx).await.unwrap().done().unwrap();

    for _ in 0..2 {
        let stop = Op::Stop { id: id.clone(), grace_millis: 1000 };
        assert_eq!(ask(&lab, &docker, stop).await.unwrap().status().unwrap().phase, Phase::Stopped);
    }
    for _ in 0..2 {
        ask(&lab, &docker, Op::Destroy(id.clone())).await.unwrap().done().unwrap();
        assert_eq!(ask(&lab, &docker, Op::ListOwned).await.unwrap().owned().unwrap(), []);
    }
}

/// Snapshots through the host and its filter, which has no more doors than before: what a volume held comes back, and
/// `commit` stays refused.
#[tokio::test]
async fn a_snapshot_holds_the_volumes_and_nothing_else() {
    let Some(lab) = Lab::open() else { return };
    if !lab.runs() {
        return;
    }
    let docker = load(&lab).await;
    let id = lab.id();
    let script = "trap 'exit 0' TERM; while :; do /bin/busybox sleep 0.1; done";
    let command = ["/bin/busybox", "sh", "-c", script];
    let source = json!({ "image": lab.image, "mounts": ["rows:/rows", "other:/other"], "command": command });
    let what = Spec { id: lab.id(), source, ports: vec![], env: vec![] };
    let start = async || {
        let plan = ask(&lab, &docker, Op::Plan(what.clone())).await.unwrap().plan().unwrap();
        let create = Op::Create { spec: what.clone(), fingerprint: plan.fingerprint };
        ask(&lab, &docker, create).await.unwrap().done().unwrap();
        ask(&lab, &docker, Op::Start(what.clone())).await.unwrap().status().unwrap();
    };
    let run = async |script: &str| {
        let argv = ["/bin/busybox", "sh", "-c", script];
        let (code, out) = exec(&lab, &docker, "/rows", &argv, None).await.unwrap();
        assert_eq!(code, Some(0), "{script}");
        String::from_utf8(out).unwrap()
    };
    let stop = async || {
        let stop = Op::Stop { id: id.clone(), grace_millis: 1000 };
        ask(&lab, &docker, stop).await.unwrap().status().unwrap();
    };
    let list = async || ask(&lab, &docker, Op::ListSnapshots(id.clone())).await.unwrap().snaps().unwrap();
    start().await;
    run("echo 1 > row && /bin/busybox head -c 3000000 /dev/zero > big && echo x > /inside").await;
    let take = |label: &str| Op::TakeSnapshot { id: id.clone(), label: label.to_owned() };
    let refused = ask(&lab, &docker, take("early")).await.unwrap_err();
    assert!(
        matches!(&refused, PluginError::Fault(fault) if fault.code == FaultCode::NotReady),
        "{refused:?}"
    );
    stop().await;
    let snap = ask(&lab, &docker, take("week 1")).await.unwrap().snap().unwrap();
    assert!(snap.label == "week 1" && snap.bytes > 3_000_000 && snap.taken > Some(1_700_000_000), "{snap:?}");
    assert_eq!(list().await, std::slice::from_ref(&snap));
    let stamp = async || ask(&lab, &docker, Op::DataStamp(id.clone())).await.unwrap().stamp().unwrap();
    let before = stamp().await;
    start().await;
    run("/bin/busybox rm row big && echo 2 > later").await;
    stop().await;
    assert_eq!(stamp().await, before);
    let restore = Op::RestoreSnapshot { id: id.clone(), snapshot: snap.id.clone() };
    ask(&lab, &docker, restore).await.unwrap().done().unwrap();
    assert_ne!(stamp().await, before);
    start().await;
    assert_eq!(run("/bin/busybox cat row; test -s big; test ! -e later; test ! -e /inside").await, "1\n");
    // it outlives the environment and is owned until it is removed
    ask(&lab, &docker, Op::Destroy(id.clone())).await.unwrap().done().unwrap();
    assert_eq!(ask(&lab, &docker, Op::ListOwned).await.unwrap().owned().unwrap(), std::slice::from_ref(&id));
    for _ in 0..2 {
        let remove = Op::RemoveSnapshot { id: id.clone(), snapshot: snap.id.clone() };
        ask(&lab, &docker, remove).await.unwrap().done().unwrap();
        assert_eq!(list().await, []);
    }
    assert_eq!(ask(&lab, &docker, Op::ListOwned).await.unwrap().owned().unwrap(), []);
}

/// What was not granted is a fault that says so, and nothing is left of the try.
#[tokio::test]
async fn without_the_grant_there_is_a_reason() {
    let Some(mut lab) = Lab::open() else { return };
    let docker = load(&lab).await;
    let what = spec(&lab, &course(&lab));
    lab.bench.grants.engine.as_mut().unwrap().rights.remove(&EngineRight::Networks);
    let plan = ask(&lab, &docker, Op::Plan(what.clone())).await.unwrap().plan().unwrap();
    let create = Op::Create { spec: what.clone(), fingerprint: plan.fingerprint };
    let refused = ask(&lab, &docker, create).await.unwrap_err();
    let PluginError::Fault(fault) = &refused else { panic!("{refused:?}") };
    assert_eq!(fault.code, FaultCode::NotGranted);
    assert!(fault.detail.as_ref().unwrap().contains("networks") && !fault.remedies.is_empty(), "{fault:?}");
    ask(&lab, &docker, Op::Destroy(lab.id())).await.unwrap().done().unwrap();
    lab.bench.grants.engine = None;
    let report = ask(&lab, &docker, Op::Probe).await.unwrap().probe().unwrap();
    assert!(!report.usable && report.problems[0].code == FaultCode::NotGranted, "{report:?}");
}

/// An image built from a folder of the course package and one loaded from a file of it: the plugin carries neither.
#[tokio::test]
async fn images_come_from_the_package() {
    let Some(mut lab) = Lab::open() else { return };
    if !lab.runs() {
        return;
    }
    let docker = load(&lab).await;
    let package = lab.bench.work().join("package");
    std::fs::create_dir_all(package.join("binder")).unwrap();
    std::fs::write(package.join("binder/hello"), "from the package").unwrap();
    let dockerfile =
        format!("FROM {}\nCOPY hello /hello\nCMD [\"/bin/busybox\",\"sleep\",\"600\"]\n", lab.image);
    std::fs::write(package.join("binder/Dockerfile"), dockerfile).unwrap();
    lab.bench.grants.folders.insert("package".into(), package.clone());
    let rights = [EngineRight::ImagesBuild, EngineRight::ImagesLoad];
    lab.bench.grants.engine.as_mut().unwrap().rights.extend(rights);
    let up = async |source: Value| -> Result<(), PluginError> {
        let what = spec(&lab, &source);
        let plan = ask(&lab, &docker, Op::Plan(what.clone())).await?.plan()?;
        let create = Op::Create { spec: what.clone(), fingerprint: plan.fingerprint };
        ask(&lab, &docker, create).await?.done()?;
        ask(&lab, &docker, Op::Start(what)).await?.status()?;
        let (code, out) = exec(&lab, &docker, "", &["/bin/busybox", "cat", "/hello"], None).await?;
        assert_eq!((code, out.as_slice()), (Some(0), &b"from the package"[..]));
        Ok(())
    };
    let built = json!({ "build": "binder", "course_version": lab.tag });
    up(built).await.unwrap();
    let seen = lab.direct("GET", "/containers/json?all=1", b"").1;
    let ours =
        seen.as_array().unwrap().iter().find(|one| one["Labels"]["org.kitbag.workspace"] == lab.tag.as_str());
    let image = ours.unwrap()["Image"].as_str().unwrap().to_owned();
    assert!(image.starts_with("kitbag/"), "{image}");
    // the same image under a name of its own, in a file
    let tag = format!("{}-loaded:1", lab.tag);
    let (name, version) = tag.split_once(':').unwrap();
    assert_eq!(lab.direct("POST", &format!("/images/{image}/tag?repo={name}&tag={version}"), b"").0, 201);
    let saved = Command::new("curl")
        .args(["-sS", "--unix-socket", "/var/run/docker.sock", "-o"])
        .arg(package.join("image file.tar"))
        .arg(format!("http://docker/images/{tag}/get"))
        .status()
        .unwrap();
    assert!(saved.success());
    ask(&lab, &docker, Op::Destroy(lab.id())).await.unwrap().done().unwrap();
    for name in [&tag, &image] {
        assert_eq!(lab.direct("DELETE", &format!("/images/{name}?force=1"), b"").0, 200);
    }
    up(json!({ "image": tag, "file": "image file.tar" })).await.unwrap();
    ask(&lab, &docker, Op::Destroy(lab.id())).await.unwrap().done().unwrap();
    assert_eq!(lab.direct("DELETE", &format!("/images/{tag}?force=1"), b"").0, 200);
    // what is not in the package, and what is not a file, is said with its name
    for (file, word) in [("nothing.tar", "nothing.tar"), ("binder", "single file")] {
        let fault = up(json!({ "image": "kitbag-test/none:1", "file": file })).await.unwrap_err();
        let PluginError::Fault(fault) = &fault else { panic!("{fault:?}") };
        assert!(fault.detail.as_ref().unwrap().contains(word), "{fault:?}");
        assert!(!fault.remedies.is_empty());
    }
    ask(&lab, &docker, Op::Destroy(lab.id())).await.unwrap().done().unwrap();
}

/// Images come out through the host with the grant for it; without it there is a reason, and the course can be described
/// all the same.
#[tokio::test]
async fn images_are_saved_with_a_grant_of_their_own() {
    let Some(mut lab) = Lab::open() else { return };
    let docker = load(&lab).await;
    let what = spec(&lab, &course(&lab));
    let save = || Op::ExportImages(what.clone());
    let told = ask(&lab, &docker, Op::DescribeExport(what.clone())).await.unwrap().export().unwrap();
    assert!(told.containers.len() == 2 && told.images_bytes.is_some(), "{told:?}");
    let refused = streamed(&lab, &docker, save(), None).await.unwrap_err();
    let PluginError::Fault(fault) = &refused else { panic!("{refused:?}") };
    assert_eq!(fault.code, FaultCode::NotGranted);
    assert!(fault.detail.as_ref().unwrap().contains("images.save"), "{fault:?}");
    lab.bench.grants.engine.as_mut().unwrap().rights.insert(EngineRight::ImagesSave);
    let (moved, bytes, _) = streamed(&lab, &docker, save(), None).await.unwrap();
    assert_eq!(moved.moved().unwrap(), bytes.len() as u64);
    let names = tar::Archive::new(&bytes[..])
        .entries()
        .unwrap()
        .map(|one| one.unwrap().path().unwrap().into_owned())
        .collect::<Vec<_>>();
    assert!(names.iter().any(|name| name.as_os_str() == "manifest.json"), "{names:?}");
}
