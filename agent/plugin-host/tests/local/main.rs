//! The real local backend, driven through the host, with real programs of this machine.

#![cfg(unix)]
#![allow(clippy::unwrap_used)]

#[path = "../doors/mod.rs"]
mod doors;
mod streams;

use std::net::TcpListener;
use std::time::{Duration, Instant};

use doors::Bench;
use kitbag_plugin_host::{
    Backend, EnvRef, EnvStatus, ExecRequest, FaultCode, Op, Phase, Plugin, PluginError, Port, Reply, Spec,
    Streams,
};
use serde_json::{Value, json};

fn id() -> EnvRef {
    EnvRef { workspace: "tm351".into(), machine: "HOME PC".into(), name: "main".into() }
}

fn spec(services: Value) -> Spec {
    Spec {
        id: id(),
        source: json!({ "services": services }),
        ports: vec![],
        env: vec![("KITBAG_X_URL".into(), "sqlite:x".into())],
    }
}

fn sleeper() -> Value {
    json!([
        {"name": "catalogue", "kind": "sqlite"},
        {"name": "note-books", "kind": "program", "program": "sh", "args": ["-c", "echo dir={work} token={token}; exec sleep 60"]},
    ])
}

async fn local(bench: &Bench) -> Plugin {
    bench.host().load_bundled("local").await.unwrap()
}

async fn ask(plugin: &Plugin, bench: &Bench, op: Op) -> Result<Reply, PluginError> {
    plugin.call(op, &bench.cx()).await
}

/// Plan, create, start.
async fn begin(plugin: &Plugin, bench: &Bench, spec: &Spec) -> Result<EnvStatus, PluginError> {
    let plan = ask(plugin, bench, Op::Plan(spec.clone())).await?.plan()?;
    ask(plugin, bench, Op::Create { spec: spec.clone(), fingerprint: plan.fingerprint }).await?.done()?;
    ask(plugin, bench, Op::Start(spec.clone())).await?.status()
}

fn fault(error: &PluginError) -> (FaultCode, bool) {
    let PluginError::Fault(fault) = error else { panic!("{error:?}") };
    (fault.code, !fault.remedies.is_empty())
}

fn phases(status: &EnvStatus) -> Vec<Phase> {
    status.services.iter().map(|service| service.phase).collect()
}

#[tokio::test]
async fn a_whole_life_twice_over() {
    let bench = Bench::new();
    let local = local(&bench).await;
    let spec = spec(sleeper());
    assert!(ask(&local, &bench, Op::Probe).await.unwrap().probe().unwrap().usable);
    assert_eq!(ask(&local, &bench, Op::Status(id())).await.unwrap().status().unwrap().phase, Phase::Absent);
    let plan = ask(&local, &bench, Op::Plan(spec.clone())).await.unwrap().plan().unwrap();
    assert_eq!(plan, ask(&local, &bench, Op::Plan(spec.clone())).await.unwrap().plan().unwrap());
    assert!(bench.state.0.lock().unwrap().is_empty(), "planning changes nothing");

    let status = begin(&local, &bench, &spec).await.unwrap();
    assert_eq!((status.phase, phases(&status)), (Phase::Running, vec![Phase::Running; 2]));
    let pids = bench.process.pids();
    assert_eq!(pids.len(), 1);
    // Everything again changes nothing.
    assert_eq!(begin(&local, &bench, &spec).await.unwrap(), status);
    assert_eq!(bench.process.pids(), pids);
    assert_eq!(
        ask(&local, &bench, Op::WaitReady { id: id(), deadline_millis: 1000 })
            .await
            .unwrap()
            .status()
            .unwrap(),
        status
    );
    assert_eq!(ask(&local, &bench, Op::ListOwned).await.unwrap().owned().unwrap(), [id()]);
    // programs of the computer have no snapshots, and that is a sentence
    for op in [
        Op::ListSnapshots(id()),
        Op::TakeSnapshot { id: id(), label: "x".into() },
        Op::RestoreSnapshot { id: id(), snapshot: "x".into() },
        Op::RemoveSnapshot { id: id(), snapshot: "x".into() },
    ] {
        let fault = ask(&local, &bench, op).await.unwrap_err().fault();
        assert_eq!(fault.code, FaultCode::Unsupported, "{fault:?}");
        assert!(!fault.remedies.is_empty());
    }

    for _ in 0..2 {
        let stopped =
            ask(&local, &bench, Op::Stop { id: id(), grace_millis: 5000 }).await.unwrap().status().unwrap();
        assert_eq!((stopped.phase, phases(&stopped)), (Phase::Stopped, vec![Phase::Stopped; 2]));
        assert!(bench.process.pids().is_empty());
    }
    assert_eq!(begin(&local, &bench, &spec).await.unwrap().phase, Phase::Running);
    for _ in 0..2 {
        ask(&local, &bench, Op::Destroy(id())).await.unwrap().done().unwrap();
        assert!(bench.process.pids().is_empty());
        assert!(bench.state.0.lock().unwrap().is_empty(), "nothing is left behind");
        assert_eq!(ask(&local, &bench, Op::ListOwned).await.unwrap().owned().unwrap(), []);
    }
    assert!(bench.said.steps.lock().unwrap().contains(&"start-note-books".to_owned()));
}

#[tokio::test]
async fn folders_and_secrets_are_filled_in_and_never_shown() {
    let bench = Bench::new();
    let local = local(&bench).await;
    begin(&local, &bench, &spec(sleeper())).await.unwrap();
    // The program's first line takes a moment.
    let lines = loop {
        let cx = bench.cx_with(Streams { lines: Some(bench.said.clone()), ..Streams::default() });
        local.call(Op::Logs { id: id(), service: None, follow: false }, &cx).await.unwrap().done().unwrap();
        let lines = std::mem::take(&mut *bench.said.lines.lock().unwrap());
        if !lines.is_empty() {
            break lines;
        }
        tokio::time::sleep(Duration::from_millis(20)).await;
    };
    assert_eq!(lines, [("note-books".to_owned(), format!("dir={} token=•••", bench.work().display()))]);
    let state = format!(
        "{:?}",
        bench
            .state
            .0
            .lock()
            .unwrap()
            .values()
            .map(|v| String::from_utf8_lossy(v).into_owned())
            .collect::<Vec<_>>()
    );
    assert!(!state.contains("tok-0123456789") && !state.contains(bench.work().to_str().unwrap()), "{state}");
}

#[tokio::test]
async fn a_crash_is_seen_with_the_last_words_and_mended() {
    let bench = Bench::new();
    let local = local(&bench).await;
    let spec = spec(json!([{"name": "db", "kind": "program", "program": "sh",
        "args": ["-c", "echo first; printf 'out of \\033[31mdisk\\033[0m\\n' >&2; exec sleep 60"]}]));
    begin(&local, &bench, &spec).await.unwrap();
    let log = bench.folder.path().join("logs/tm351._48_4f_4d_45_20_50_43.main.db");
    while !std::fs::read_to_string(&log).unwrap().contains("disk") {
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    bench.process.crash();
    while !bench.process.pids().is_empty() {
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    let status = ask(&local, &bench, Op::Status(id())).await.unwrap().status().unwrap();
    assert_eq!((status.phase, phases(&status)), (Phase::Unhealthy, vec![Phase::Unhealthy]));
    let note = status.services[0].note.clone().unwrap();
    assert!(note.contains("first\nout of \\u{1b}[31mdisk"), "escapes are visible, lines stay: {note:?}");
    let error = ask(&local, &bench, Op::WaitReady { id: id(), deadline_millis: 1000 }).await.unwrap_err();
    assert_eq!(fault(&error), (FaultCode::ToolFailed, true));
    assert_eq!(begin(&local, &bench, &spec).await.unwrap().phase, Phase::Running);
}

#[tokio::test]
async fn who_does_not_end_in_time_is_ended() {
    let bench = Bench::new();
    let local = local(&bench).await;
    let deaf = json!([{"name": "deaf", "kind": "program", "program": "sh", "stop_grace_seconds": 1,
        "args": ["-c", "trap '' TERM; echo ready; while :; do sleep 0.1; done"]}]);
    begin(&local, &bench, &spec(deaf)).await.unwrap();
    let log = bench.folder.path().join("logs/tm351._48_4f_4d_45_20_50_43.main.deaf");
    while std::fs::read_to_string(&log).unwrap().is_empty() {
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    let began = Instant::now();
    ask(&local, &bench, Op::Stop { id: id(), grace_millis: 10_000 }).await.unwrap();
    let took = began.elapsed();
    assert!(bench.process.pids().is_empty());
    assert!(took >= Duration::from_millis(900) && took < Duration::from_secs(4), "{took:?}");
}

#[tokio::test]
async fn ports_are_waited_for_and_kept() {
    let mut bench = Bench::new();
    let free = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = free.local_addr().unwrap().port();
    drop(free);
    bench.grants.ports.insert(port);
    let local = local(&bench).await;
    let mut spec =
        spec(json!([{"name": "web", "kind": "program", "program": "sh", "port": true, "path": "/lab",
        "args": ["-c", "echo {port}; exec sleep 60", "{token}"], "ready": {"timeout_seconds": 10}}]));
    let error = begin(&local, &bench, &spec).await.unwrap_err();
    assert_eq!(fault(&error), (FaultCode::InvalidConfig, true), "no port was chosen");
    spec.ports = vec![Port { service: "web".into(), number: port }];
    assert_eq!(begin(&local, &bench, &spec).await.unwrap().phase, Phase::Starting);
    let error = ask(&local, &bench, Op::WaitReady { id: id(), deadline_millis: 300 }).await.unwrap_err();
    assert_eq!(fault(&error), (FaultCode::Timeout, true));

    let listener = std::thread::spawn(move || {
        std::thread::sleep(Duration::from_millis(300));
        TcpListener::bind(("127.0.0.1", port)).unwrap()
    });
    let status = ask(&local, &bench, Op::WaitReady { id: id(), deadline_millis: 10_000 })
        .await
        .unwrap()
        .status()
        .unwrap();
    assert_eq!(status.phase, Phase::Running);
    let _listener = listener.join().unwrap();
    // Another choice does not move what runs.
    spec.ports[0].number = port.wrapping_add(1);
    begin(&local, &bench, &spec).await.unwrap();
    let endpoints = ask(&local, &bench, Op::Endpoints(id())).await.unwrap().endpoints().unwrap();
    assert_eq!(endpoints[0].url, format!("http://127.0.0.1:{port}/lab"));
    assert_eq!(endpoints[0].secret_query.as_deref(), Some("token"));
}

#[tokio::test]
async fn what_is_missing_is_said() {
    let bench = Bench::new();
    let local = local(&bench).await;
    let service = |optional| {
        json!([
            {"name": "a", "kind": "program", "program": "sh", "args": ["-c", "exec sleep 60"]},
            {"name": "b", "kind": "program", "program": "missing", "optional": optional},
        ])
    };
    let error = begin(&local, &bench, &spec(service(false))).await.unwrap_err();
    assert_eq!(fault(&error), (FaultCode::MissingTool, true));
    assert!(bench.process.pids().is_empty(), "nothing was started");
    // Another source for the same environment.
    let error = begin(&local, &bench, &spec(service(true))).await.unwrap_err();
    assert_eq!(fault(&error), (FaultCode::Conflict, true));
    ask(&local, &bench, Op::Destroy(id())).await.unwrap();
    let status = begin(&local, &bench, &spec(service(true))).await.unwrap();
    assert_eq!((status.phase, phases(&status)), (Phase::Running, vec![Phase::Running, Phase::NotAvailable]));
    assert!(status.services[1].note.as_ref().unwrap().contains("missing"));
}

/// A program of the course's own is found where it was granted to be looked for, and only when its name was granted.
#[tokio::test]
async fn the_courses_own_programs_are_found_first() {
    let mut bench = Bench::new();
    let folder = bench.folder.path().join("own");
    std::fs::create_dir(&folder).unwrap();
    for name in ["missing", "never-granted"] {
        std::fs::write(folder.join(name), "#!/bin/sh\nexec sleep 60\n").unwrap();
        let mode = std::os::unix::fs::PermissionsExt::from_mode(0o755);
        std::fs::set_permissions(folder.join(name), mode).unwrap();
    }
    let local = local(&bench).await;
    let spec = |program: &str| {
        let mut spec = spec(json!([{"name": "a", "kind": "program", "program": program}]));
        spec.source["python"] = json!({ "environment": "one" });
        spec
    };
    let error = begin(&local, &bench, &spec("missing")).await.unwrap_err();
    let PluginError::Fault(told) = &error else { panic!("{error:?}") };
    assert!(told.code == FaultCode::MissingTool && told.message.contains("Python packages"), "{told:?}");
    bench.grants.program_folders.push(folder);
    assert_eq!(begin(&local, &bench, &spec("missing")).await.unwrap().phase, Phase::Running);
    ask(&local, &bench, Op::Destroy(id())).await.unwrap();
    let error = begin(&local, &bench, &spec("never-granted")).await.unwrap_err();
    assert_eq!(fault(&error), (FaultCode::NotGranted, true));
}

#[tokio::test]
async fn nothing_that_was_not_granted() {
    let mut bench = Bench::new();
    bench.grants.programs.remove("sh");
    bench.grants.folders.remove("data");
    let local = local(&bench).await;
    let error = begin(&local, &bench, &spec(sleeper())).await.unwrap_err();
    assert_eq!(fault(&error), (FaultCode::NotGranted, true));
    let exec = |argv: &[&str], env: &[(&str, &str)]| Op::ExecIn {
        id: id(),
        request: ExecRequest {
            argv: argv.iter().map(|&word| word.to_owned()).collect(),
            env: env.iter().map(|&(name, value)| (name.to_owned(), value.to_owned())).collect(),
            folder: None,
        },
    };
    for (argv, env) in [
        (&["sh"][..], &[][..]),
        (&["/bin/cat"], &[]),
        (&["../cat"], &[]),
        (&["cat"], &[("LD_PRELOAD", "/tmp/x.so")]),
        (&["cat"], &[("Path", "/tmp")]),
    ] {
        let error = ask(&local, &bench, exec(argv, env)).await.unwrap_err();
        assert_eq!(fault(&error), (FaultCode::NotGranted, true), "{argv:?} {env:?}");
    }
    let error = ask(&local, &bench, Op::Get { id: id(), path: String::new() }).await.unwrap_err();
    assert_eq!(fault(&error), (FaultCode::NotGranted, true));
}
