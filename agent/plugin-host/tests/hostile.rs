//! Plugins that mean harm: the host survives each, in time, and gives nothing that was not granted.

#![cfg(unix)]
#![allow(clippy::unwrap_used)]

mod doors;
mod guests;

use std::time::{Duration, Instant};

use doors::Bench;
use guests::{BACKEND, PROCESS, Parts, STATE, backend, component};
use kitbag_plugin_host::{
    Backend, Cancel, EnvRef, FaultCode, Moment, Op, Origin, Plugin, PluginError, Reply, bundled,
};

const LOG: &str = r#"(import "kitbag:plugin/log@0.1.0-dev" "write" (func $log (param i32 i32 i32)))"#;
const PAUSE: &str = r#"(import "kitbag:plugin/progress@0.1.0-dev" "pause" (func $pause (param i32 i32)))"#;
const RUN: &str =
    r#"(import "kitbag:plugin/process@0.1.0-dev" "available" (func $available (param i32 i32 i32)))"#;
const SET: &str = r#"(import "kitbag:plugin/state@0.1.0-dev" "set" (func $set (param i32 i32 i32 i32 i32)))"#;

async fn load(bench: &Bench, manifest: &str, parts: Parts<'_>) -> Result<Plugin, PluginError> {
    bench.host().load(manifest, &backend(parts), Origin::Added).await
}

/// Load it and ask it to probe, with two seconds at most.
async fn probe(bench: &Bench, manifest: &str, parts: Parts<'_>) -> Result<Reply, PluginError> {
    let plugin = load(bench, manifest, parts).await.unwrap();
    let answer = plugin.call(Op::Probe, &bench.cx_within(Duration::from_secs(2))).await;
    // Whatever it did, the next call finds a fresh instance.
    assert_eq!(plugin.call(Op::Describe, &bench.cx()).await.unwrap().description().unwrap().id, "hostile");
    answer
}

fn broken(answer: Result<Reply, PluginError>, word: &str) {
    match answer {
        Err(PluginError::Broken(reason)) if reason.contains(word) => {}
        other => panic!("expected a break with \"{word}\", got {other:?}"),
    }
}

#[tokio::test]
async fn an_honest_one_of_the_same_make_works() {
    let bench = Bench::new();
    let body = [("#probe", "i32.const 64")];
    let report =
        probe(&bench, BACKEND, Parts { bodies: &body, ..Parts::default() }).await.unwrap().probe().unwrap();
    assert!(!report.usable && report.problems.is_empty());
}

#[tokio::test]
async fn one_that_loops_is_ended() {
    let bench = Bench::new();
    let began = Instant::now();
    let body = [("#probe", "(loop $l (br $l)) i32.const 64")];
    let answer = probe(&bench, BACKEND, Parts { bodies: &body, ..Parts::default() }).await;
    assert_eq!(answer, Err(PluginError::TimedOut));
    assert!(began.elapsed() < Duration::from_secs(6), "{:?}", began.elapsed());
}

#[tokio::test]
async fn one_that_loops_before_it_is_asked_is_ended() {
    let bench = Bench::new();
    let fields = "(func $start (loop $l (br $l))) (start $start)";
    let error = load(&bench, BACKEND, Parts { fields, ..Parts::default() }).await.unwrap_err();
    assert_eq!(error, PluginError::TimedOut);
}

#[tokio::test]
async fn one_that_sleeps_is_woken() {
    let bench = Bench::new();
    // Asks again and again for an hour: each is refused at the deadline, and then it is ended.
    let body =
        [("#probe", "(loop $l (call $pause (i32.const 3600000) (i32.const 64)) (br $l)) i32.const 64")];
    let began = Instant::now();
    let answer = probe(&bench, BACKEND, Parts { imports: PAUSE, bodies: &body, ..Parts::default() }).await;
    assert_eq!(answer, Err(PluginError::TimedOut));
    assert!(began.elapsed() < Duration::from_secs(6), "{:?}", began.elapsed());
}

#[tokio::test]
async fn one_that_does_not_hear_is_ended_some_time_after() {
    let bench = Bench::new();
    let body = [("#probe", "(loop $l (br $l)) i32.const 64")];
    let plugin = load(&bench, BACKEND, Parts { bodies: &body, ..Parts::default() }).await.unwrap();
    let cancel = Cancel::default();
    let cx = bench.cx().with_cancel(cancel.clone());
    let began = Instant::now();
    let (answer, ()) = tokio::join!(plugin.call(Op::Probe, &cx), async {
        tokio::time::sleep(Duration::from_millis(200)).await;
        cancel.cancel();
    });
    assert_eq!(answer, Err(PluginError::Cancelled));
    assert!(began.elapsed() < Duration::from_secs(3), "{:?}", began.elapsed());
}

#[tokio::test]
async fn memory_ends_at_its_limit() {
    let bench = Bench::new();
    // Counts the pages it gets, and says the number in a log line made of as many letters as MiB.
    let body = [(
        "#probe",
        "(local $n i32) (block $full (loop $more
            (br_if $full (i32.eq (memory.grow (i32.const 16)) (i32.const -1)))
            (local.set $n (i32.add (local.get $n) (i32.const 1))) (br $more)))
         (call $log (i32.const 1) (i32.const 128) (local.get $n)) i32.const 64",
    )];
    let letters = format!("(data (i32.const 128) \"{}\")", "m".repeat(600));
    let parts = Parts { imports: LOG, fields: &letters, bodies: &body, ..Parts::default() };
    probe(&bench, BACKEND, parts).await.unwrap();
    let mib = bench.said.log.lock().unwrap()[0].1.len();
    assert!((60..64).contains(&mib), "{mib} MiB");
}

#[tokio::test]
async fn tables_instances_and_stacks_end_at_theirs() {
    let bench = Bench::new();
    let error = load(&bench, BACKEND, Parts { fields: "(table 200000 funcref)", ..Parts::default() })
        .await
        .unwrap_err();
    assert!(matches!(error, PluginError::Broken(_)), "{error:?}");
    let deep = Parts {
        fields: "(func $deep call $deep)",
        bodies: &[("#probe", "call $deep i32.const 64")],
        ..Parts::default()
    };
    broken(probe(&bench, BACKEND, deep).await, "stack");
}

#[tokio::test]
async fn a_flood_of_words_is_counted_not_kept() {
    let bench = Bench::new();
    let body = [(
        "#probe",
        "(local $n i32) (loop $l (call $log (i32.const 3) (i32.const 128) (i32.const 5))
            (local.set $n (i32.add (local.get $n) (i32.const 1)))
            (br_if $l (i32.lt_u (local.get $n) (i32.const 100000)))) i32.const 64",
    )];
    let parts =
        Parts { imports: LOG, fields: "(data (i32.const 128) \"flood\")", bodies: &body, ..Parts::default() };
    let began = Instant::now();
    probe(&bench, BACKEND, parts).await.unwrap();
    let allowed = 210 + usize::try_from(began.elapsed().as_millis() / 5).unwrap() * 2;
    let said = bench.said.log.lock().unwrap();
    let kept = said.iter().filter(|(_, text)| text == "flood").count();
    assert!(kept >= 200 && kept <= allowed, "{kept} lines of 100000, {allowed} allowed");
    let counted: usize = said
        .iter()
        .filter_map(|(_, text)| text.strip_prefix('(')?.split_once(' ')?.0.parse::<usize>().ok())
        .sum();
    assert_eq!(kept + counted, 100_000, "every line is kept or counted");
}

#[tokio::test]
async fn nothing_said_can_paint() {
    let bench = Bench::new();
    let fields = r#"(data (i32.const 128) "\1b[2J\1b]8;;http://x\07y\e2\80\aez\0aA\c2\9bm")"#;
    let body = [("#probe", "(call $log (i32.const 0) (i32.const 128) (i32.const 30)) i32.const 64")];
    probe(&bench, BACKEND, Parts { imports: LOG, fields, bodies: &body, ..Parts::default() }).await.unwrap();
    let said = bench.said.log.lock().unwrap()[0].1.clone();
    assert!(said.starts_with("\\u{1b}[2J\\u{1b}]8;;http://x\\u{7}y\\u{202e}z\\u{a}A\\u{9b}m"), "{said}");
}

#[tokio::test]
async fn long_lines_are_cut_and_longer_ones_end_it() {
    let bench = Bench::new();
    let write = |bytes: u32| {
        format!(
            "(drop (memory.grow (i32.const 400))) (call $log (i32.const 0) (i32.const 2048) (i32.const {bytes})) i32.const 64"
        )
    };
    let long = write(1 << 20);
    probe(&bench, BACKEND, Parts { imports: LOG, bodies: &[("#probe", &long)], ..Parts::default() })
        .await
        .unwrap();
    assert!(bench.said.log.lock().unwrap()[0].1.len() < 64 << 10, "8 KiB of NULs, each escaped");
    let longer = write(16 << 20);
    broken(
        probe(&bench, BACKEND, Parts { imports: LOG, bodies: &[("#probe", &longer)], ..Parts::default() })
            .await,
        "fuel",
    );
}

#[tokio::test]
async fn answers_that_point_nowhere_are_refused() {
    let bench = Bench::new();
    let probed = |body: &'static str| {
        let bench = &bench;
        async move { probe(bench, BACKEND, Parts { bodies: &[("#probe", body)], ..Parts::default() }).await }
    };
    broken(probed("i32.const -8").await, "");
    broken(probed("i32.const 65").await, "align");
    // A list of problems that is said to have four thousand million entries.
    broken(probed("(i32.store (i32.const 84) (i32.const 64)) (i32.store (i32.const 88) (i32.const -1)) i32.const 64").await, "");
    // A discriminant that is none.
    broken(probed("(i32.store (i32.const 64) (i32.const 77)) i32.const 64").await, "");
    broken(probed("unreachable").await, "gave up");
}

fn id() -> EnvRef {
    EnvRef { workspace: "w".into(), machine: "m".into(), name: "n".into() }
}

#[tokio::test]
async fn only_web_addresses_are_opened() {
    let bench = Bench::new();
    // ok, a list at 256 of one: service "hostile" at 24, the address at 128, no secret.
    for (address, good) in [
        ("javascript:alert(1)", false),
        ("file:///etc/passwd", false),
        ("http://a b", false),
        ("http://127.0.0.1:1/", true),
    ] {
        let fields = format!(
            "(data (i32.const 128) \"{address}\") (data (i32.const 64) \"\\00\\00\\00\\00\\00\\01\\00\\00\\01\\00\\00\\00\")
             (data (i32.const 256) \"\\18\\00\\00\\00\\07\\00\\00\\00\\80\\00\\00\\00\\{:02x}\\00\\00\\00\")",
            address.len()
        );
        let parts = Parts { fields: &fields, bodies: &[("#endpoints", "i32.const 64")], ..Parts::default() };
        let plugin = load(&bench, BACKEND, parts).await.unwrap();
        let answer = plugin.call(Op::Endpoints(id()), &bench.cx()).await;
        match answer {
            Ok(Reply::Endpoints(found)) => assert!(good && found[0].url == address, "{address}"),
            Err(PluginError::Nonsense(_)) => assert!(!good, "{address}"),
            other => panic!("{address}: {other:?}"),
        }
    }
}

#[tokio::test]
async fn what_is_not_asked_for_is_not_there() {
    let bench = Bench::new();
    let parts = Parts {
        imports: RUN,
        bodies: &[("#probe", "(call $available (i32.const 24) (i32.const 7) (i32.const 64)) i32.const 128")],
        ..Parts::default()
    };
    let error = load(&bench, BACKEND, parts).await.unwrap_err();
    assert!(matches!(&error, PluginError::NotDeclared(name) if name.contains("process")), "{error:?}");
    assert!(!error.fault().remedies.is_empty());
    // Asked for, but the program is not granted: told, not run.
    load(&bench, &format!("{BACKEND}{PROCESS}"), parts).await.unwrap();
    // The real backend with a manifest that leaves one thing out.
    let (_, local) = bundled()[0];
    for name in ["process", "state", "files"] {
        let manifest = local.manifest.replace(&format!("name = \"{name}\""), "name = \"dropped\"");
        let start = manifest.find("[[capability]]\nname = \"dropped\"").unwrap();
        let end = manifest[start + 5..].find("[[capability]]").map_or(manifest.len(), |at| start + 5 + at);
        let manifest = format!("{}{}", &manifest[..start], &manifest[end..]);
        let error = bench.host().load(&manifest, local.component, Origin::Added).await.unwrap_err();
        assert!(matches!(&error, PluginError::NotDeclared(used) if used.contains(name)), "{name}: {error:?}");
    }
}

#[tokio::test]
async fn nobody_passes_for_another() {
    let bench = Bench::new();
    let manifest = BACKEND.replace("id = \"hostile\"", "id = \"local\"");
    let error = load(&bench, &manifest, Parts::default()).await.unwrap_err();
    assert!(matches!(error, PluginError::NotAPlugin(_)), "{error:?}");
    let manifest = BACKEND.replace("world = \"backend\"", "world = \"course\"");
    let error = load(&bench, &manifest, Parts::default()).await.unwrap_err();
    assert!(matches!(&error, PluginError::NotAPlugin(why) if why.contains("hooks")), "{error:?}");
}

#[tokio::test]
async fn memory_of_the_machine_is_rationed() {
    let bench = Bench::new();
    // Twenty values of 60,000 bytes under keys of growing length; 1 MiB is the limit.
    let body = [(
        "#probe",
        "(local $n i32) (drop (memory.grow (i32.const 4)))
         (loop $l (local.set $n (i32.add (local.get $n) (i32.const 1)))
            (call $set (i32.const 128) (local.get $n) (i32.const 4096) (i32.const 60000) (i32.const 256))
            (br_if $l (i32.lt_u (local.get $n) (i32.const 20)))) i32.const 64",
    )];
    let parts = Parts {
        imports: SET,
        fields: "(data (i32.const 128) \"kkkkkkkkkkkkkkkkkkkkkkkkkkkkkk\")",
        bodies: &body,
        ..Parts::default()
    };
    probe(&bench, &format!("{BACKEND}{STATE}"), parts).await.unwrap();
    let all = bench.state.0.lock().unwrap();
    assert_eq!(all.len(), 17, "1 MiB is seventeen times 60,000 bytes and a rest");
    assert!(all.keys().all(|key| key.starts_with("own/")));
}

/// Parts of WASI, as far as these tests name them.
const WASI: &str = "package test:wasi;
    package wasi:io@0.2.6 { interface poll { resource pollable; } }
    package wasi:clocks@0.2.6 { interface monotonic-clock {
        use wasi:io/poll@0.2.6.{pollable}; type duration = u64;
        subscribe-duration: func(when: duration) -> pollable; } }
    package wasi:sockets@0.2.6 {
        interface network { resource network; }
        interface instance-network { use network.{network}; instance-network: func() -> network; } }
    package wasi:http@0.2.6 { interface client { ask: func() -> u32; } }
    world hostile {
        include kitbag:plugin/backend@0.1.0-dev;
        import wasi:clocks/monotonic-clock@0.2.6;
        import wasi:sockets/instance-network@0.2.6;
        import wasi:http/client@0.2.6;
    }";

#[tokio::test]
async fn handles_end_at_their_limit() {
    let bench = Bench::new();
    let imports = r#"(import "wasi:clocks/monotonic-clock@0.2.6" "subscribe-duration" (func $wait (param i64) (result i32)))"#;
    let asked = |handles: u32| {
        format!(
            "(local $n i32) (loop $l (drop (call $wait (i64.const 1000000000)))
                (local.set $n (i32.add (local.get $n) (i32.const 1)))
                (br_if $l (i32.lt_u (local.get $n) (i32.const {handles})))) i32.const 64"
        )
    };
    let few = asked(100);
    let parts = Parts { imports, bodies: &[("#probe", &few)], package: WASI, ..Parts::default() };
    probe(&bench, BACKEND, parts).await.unwrap();
    let many = asked(100_000);
    let parts = Parts { bodies: &[("#probe", &many)], ..parts };
    broken(probe(&bench, BACKEND, parts).await, "");
}

#[tokio::test]
async fn there_is_no_network() {
    let bench = Bench::new();
    let sockets =
        r#"(import "wasi:sockets/instance-network@0.2.6" "instance-network" (func $network (result i32)))"#;
    let body = [("#probe", "(drop (call $network)) i32.const 64")];
    // Some languages name sockets without use, so it loads; using them ends it.
    broken(
        probe(&bench, BACKEND, Parts { imports: sockets, bodies: &body, package: WASI, ..Parts::default() })
            .await,
        "",
    );
    let http = r#"(import "wasi:http/client@0.2.6" "ask" (func $ask (result i32)))"#;
    let body = [("#probe", "(drop (call $ask)) i32.const 64")];
    let parts = Parts { imports: http, bodies: &body, package: WASI, ..Parts::default() };
    let error = load(&bench, BACKEND, parts).await.unwrap_err();
    assert!(matches!(&error, PluginError::NotDeclared(name) if name.starts_with("wasi:http")), "{error:?}");
}

const HOOKS: &str = "(memory (export \"memory\") 1)
    (data (i32.const 0) \"\\18\\00\\00\\00\\07\\00\\00\\00\\20\\00\\00\\00\\05\\00\\00\\00\\18\\00\\00\\00\\07\\00\\00\\00hostile\\000.1.0\")
    (func (export \"cabi_realloc\") (param i32 i32 i32 i32) (result i32) i32.const 1024)
    (func (export \"kitbag:plugin/hooks@0.1.0-dev#describe\") (result i32) i32.const 0)
    (func (export \"kitbag:plugin/hooks@0.1.0-dev#layout\") (param i32 i32) (result i32) i32.const 64)
    (func (export \"kitbag:plugin/hooks@0.1.0-dev#hook\") (param i32 i32 i32) (result i32) BODY)";

#[tokio::test]
async fn a_hook_gives_advice_and_reaches_nothing() {
    let bench = Bench::new();
    let manifest = BACKEND.replace("world = \"backend\"", "world = \"course\"");
    let honest = component("course", "", &format!("(module {})", HOOKS.replace("BODY", "i32.const 64")));
    let plugin = bench.host().load(&manifest, &honest, Origin::Added).await.unwrap();
    let course = plugin.course().unwrap();
    let layout = course.layout(serde_json::json!({}), &bench.cx()).await.unwrap();
    assert!(layout.folders.is_empty() && layout.ignore.is_empty());
    let advice = course.hook(Moment::BeforeStart, serde_json::json!({}), &bench.cx()).await.unwrap();
    assert_eq!(advice, kitbag_plugin_host::Advice::Proceed);
    assert!(plugin.backend().is_none());
    let error = plugin.call(Op::ListOwned, &bench.cx()).await.unwrap_err();
    assert_eq!(error.fault().code, FaultCode::Unsupported);

    let outside = format!(
        "(module {HOOKS} (data (i32.const 64) \"\\00\\00\\00\\00\\80\\00\\00\\00\\01\\00\\00\\00\") (data (i32.const 128) \"\\c0\\00\\00\\00\\05\\00\\00\\00\") (data (i32.const 192) \"../..\"))"
    );
    let outside = component("course", "", &outside.replace("BODY", "i32.const 256"));
    let plugin = bench.host().load(&manifest, &outside, Origin::Added).await.unwrap();
    let error = plugin.course().unwrap().layout(serde_json::json!({}), &bench.cx()).await.unwrap_err();
    assert!(matches!(error, PluginError::Nonsense(_)), "{error:?}");

    // One that names a part of the interface that a hook has not.
    let package = "package test:greedy;\nworld greedy { import kitbag:plugin/process@0.1.0-dev; export kitbag:plugin/hooks@0.1.0-dev; }";
    let body = "(call $available (i32.const 24) (i32.const 7) (i32.const 256)) i32.const 64";
    let greedy = component("greedy", package, &format!("(module {RUN} {})", HOOKS.replace("BODY", body)));
    let error = bench.host().load(&manifest, &greedy, Origin::Added).await.unwrap_err();
    assert!(matches!(&error, PluginError::NotDeclared(name) if name.contains("process")), "{error:?}");
}
