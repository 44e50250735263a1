//! What goes through the real local backend: bytes of programs, archives, log lines; and how it is ended.

use std::time::{Duration, Instant};

use kitbag_plugin_host::{Backend, Cancel, ExecRequest, FaultCode, Op, PluginError, Streams};
use serde_json::json;
use tokio::io::AsyncReadExt;

use crate::doors::Bench;
use crate::{begin, fault, id, local, spec};

#[tokio::test]
async fn a_program_reads_and_writes_any_bytes() {
    let bench = Bench::new();
    let local = local(&bench).await;
    begin(&local, &bench, &spec(json!([]))).await.unwrap();
    let bytes: Vec<u8> = (0..1_048_577_u32).map(|n| (n.wrapping_mul(2_654_435_761) >> 13) as u8).collect();
    let exec = |argv: &[&str], folder: Option<&str>| Op::ExecIn {
        id: id(),
        request: ExecRequest {
            argv: argv.iter().map(|&w| w.to_owned()).collect(),
            env: vec![],
            folder: folder.map(str::to_owned),
        },
    };
    let (output, mut out) = tokio::io::duplex(4096);
    let (errors, mut err) = tokio::io::duplex(4096);
    let cx = bench.cx_with(Streams {
        input: Some(Box::new(std::io::Cursor::new(bytes.clone()))),
        output: Some(Box::new(output)),
        errors: Some(Box::new(errors)),
        lines: None,
    });
    let (mut back, mut complaints) = (Vec::new(), String::new());
    let (reply, _, _) = tokio::join!(
        local.call(exec(&["sh", "-c", "cat; echo \"$KITBAG_X_URL\" >&2; exit 37"], None), &cx),
        out.read_to_end(&mut back),
        err.read_to_string(&mut complaints),
    );
    assert_eq!(reply.unwrap().exited().unwrap(), Some(37));
    assert!(back == bytes, "1 MiB came back changed");
    assert_eq!(complaints, "sqlite:x\n");
    // Odd quoting, a signal, a folder.
    let (output, mut out) = tokio::io::duplex(4096);
    let cx = bench.cx_with(Streams { output: Some(Box::new(output)), ..Streams::default() });
    let mut text = String::new();
    let odd = "a \"b\" 'c' $HOME `d` \\ \n é {nothing} {work";
    let (reply, _) = tokio::join!(
        local.call(exec(&["sh", "-c", "printf '%s|' \"$1\"; pwd; kill -9 $$", "sh", odd], Some("work")), &cx),
        out.read_to_string(&mut text),
    );
    assert_eq!(reply.unwrap().exited().unwrap(), None, "ended by a signal");
    let work = std::fs::canonicalize(bench.work()).unwrap();
    assert_eq!(text, format!("{odd}|{}\n", work.display()));
}

#[tokio::test]
async fn files_go_in_and_out() {
    let bench = Bench::new();
    let local = local(&bench).await;
    begin(&local, &bench, &spec(json!([]))).await.unwrap();
    let mut archive = tar::Builder::new(Vec::new());
    let contents = [("a b/ü.txt", b"hello".to_vec()), ("empty", vec![]), ("big", vec![0xA5; 300_000])];
    for (name, content) in &contents {
        let mut header = tar::Header::new_gnu();
        header.set_size(content.len() as u64);
        header.set_mode(0o644);
        archive.append_data(&mut header, name, content.as_slice()).unwrap();
    }
    let bytes = archive.into_inner().unwrap();
    let put = |path: &str| Op::Put { id: id(), path: path.to_owned() };
    let input =
        || Streams { input: Some(Box::new(std::io::Cursor::new(bytes.clone()))), ..Streams::default() };
    let moved = local.call(put("in/here"), &bench.cx_with(input())).await.unwrap().moved().unwrap();
    assert_eq!(moved, 300_005);
    for path in ["../x", "/etc", "a//b", "."] {
        let error = local.call(put(path), &bench.cx_with(input())).await.unwrap_err();
        assert_eq!(fault(&error), (FaultCode::InvalidConfig, true), "{path}");
    }
    let (output, mut out) = tokio::io::duplex(4096);
    let cx = bench.cx_with(Streams { output: Some(Box::new(output)), ..Streams::default() });
    let mut back = Vec::new();
    let (reply, _) = tokio::join!(
        local.call(Op::Get { id: id(), path: "in/here".into() }, &cx),
        out.read_to_end(&mut back)
    );
    assert!(reply.unwrap().moved().unwrap() > 300_000);
    let found = tempfile::tempdir().unwrap();
    tar::Archive::new(back.as_slice()).unpack(found.path()).unwrap();
    for (name, content) in &contents {
        assert_eq!(&std::fs::read(found.path().join(name)).unwrap(), content, "{name}");
    }
}

#[tokio::test]
async fn giving_up_and_deadlines_end_what_runs() {
    let bench = Bench::new();
    let local = local(&bench).await;
    begin(&local, &bench, &spec(json!([]))).await.unwrap();
    let marker = bench.work().join("late");
    let script = format!("sleep 2; touch '{}'", marker.display());
    let exec = || Op::ExecIn {
        id: id(),
        request: ExecRequest {
            argv: vec!["sh".into(), "-c".into(), script.clone()],
            env: vec![],
            folder: None,
        },
    };
    let cancel = Cancel::default();
    let cx = bench.cx().with_cancel(cancel.clone());
    let began = Instant::now();
    let (reply, ()) = tokio::join!(local.call(exec(), &cx), async {
        tokio::time::sleep(Duration::from_millis(200)).await;
        cancel.cancel();
    });
    assert_eq!(fault(&reply.unwrap_err()).0, FaultCode::Cancelled);
    let error = local.call(exec(), &bench.cx_within(Duration::from_millis(200))).await.unwrap_err();
    assert_eq!(fault(&error).0, FaultCode::Timeout);
    assert!(began.elapsed() < Duration::from_millis(1900), "{:?}", began.elapsed());
    assert_eq!(local.call(exec(), &cx).await, Err(PluginError::Cancelled), "given up before it began");
    // A caller that drops the call ends it too.
    let dropped =
        tokio::time::timeout(Duration::from_millis(200), async { local.call(exec(), &bench.cx()).await })
            .await;
    assert!(dropped.is_err());
    tokio::time::sleep(Duration::from_millis(2500)).await;
    assert!(!marker.exists(), "a program outlived its call");
}

#[tokio::test]
async fn following_logs_ends_when_nobody_wants_more() {
    let bench = Bench::new();
    let local = local(&bench).await;
    let talker = json!([{"name": "t", "kind": "program", "program": "sh",
        "args": ["-c", "n=0; while :; do n=$((n+1)); echo line $n; sleep 0.05; done"]}]);
    begin(&local, &bench, &spec(talker)).await.unwrap();
    let cancel = Cancel::default();
    let cx = bench
        .cx_with(Streams { lines: Some(bench.said.clone()), ..Streams::default() })
        .with_cancel(cancel.clone());
    let (reply, ()) = tokio::join!(
        local.call(Op::Logs { id: id(), service: Some("t".into()), follow: true }, &cx),
        async {
            while bench.said.lines.lock().unwrap().len() < 10 {
                tokio::time::sleep(Duration::from_millis(20)).await;
            }
            cancel.cancel();
        }
    );
    drop(reply);
    let lines: Vec<String> = bench.said.lines.lock().unwrap().iter().map(|(_, text)| text.clone()).collect();
    let wanted: Vec<String> = (1..=lines.len()).map(|n| format!("line {n}")).collect();
    assert_eq!(lines, wanted, "none twice, none lost");
}
