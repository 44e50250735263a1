//! Engines that are not there, not allowed, too old, elsewhere, or something else: each is said with a remedy.

use kitbag_plugin_docker::api::{Api, unanswered};
use kitbag_plugin_docker::probe::{explain, probe};
use kitbag_sdk::engine::{EngineError, Found};
use kitbag_sdk::{FaultCode, ProbeReport};
use serde_json::json;

use crate::engine::FakeEngine;
use crate::host::TestHost;
use crate::{engine, host, up};

fn asked(change: impl FnOnce(&FakeEngine, &mut TestHost)) -> ProbeReport {
    let (engine, mut host) = (engine(), host());
    change(&engine, &mut host);
    let report = probe(&engine, &host).unwrap();
    for problem in &report.problems {
        assert!(!problem.remedies.is_empty() && !problem.message.is_empty(), "{problem:?}");
    }
    assert_eq!(report.usable, report.problems.is_empty());
    report
}

fn away(found: (bool, bool, bool)) -> ProbeReport {
    asked(|engine, host| {
        *engine.version.borrow_mut() = Some(Err(EngineError::Unreachable("ConnectionRefused".into())));
        let (program, socket, allowed) = found;
        host.found = Found { place: "/var/run/docker.sock".into(), program, socket, allowed, remote: false };
    })
}

fn version(said: serde_json::Value) -> ProbeReport {
    asked(|engine, _| *engine.version.borrow_mut() = Some(Ok(said)))
}

#[test]
fn each_reason_has_its_words() {
    assert!(asked(|_, _| ()).usable);
    for (found, code, word) in [
        ((false, false, false), FaultCode::MissingTool, "not installed"),
        ((true, false, false), FaultCode::NotReady, "not started"),
        ((true, true, true), FaultCode::NotReady, "not started"),
        ((true, true, false), FaultCode::NotGranted, "may not"),
    ] {
        let report = away(found);
        assert_eq!(report.problems[0].code, code);
        assert!(report.problems[0].message.contains(word), "{report:?}");
        let mut host = host();
        (host.found.program, host.found.socket, host.found.allowed) = found;
        let fault = unanswered(&EngineError::Unreachable("x".into()));
        assert!(explain(&host, fault).message.contains(word), "the verbs say something else than probe");
    }
    let linux =
        |api: &str| json!({ "Version": "19.03.15", "ApiVersion": api, "Arch": "amd64", "Os": "linux" });
    for old in ["1.40", "1.9", "0.99"] {
        let problems = version(linux(old)).problems;
        assert_eq!(problems[0].code, FaultCode::Unsupported);
        assert!(problems[0].message.contains("19.03.15 ") && problems[0].message.contains("too old"));
    }
    assert!(version(linux("1.41")).usable);
    let windows = json!({ "Version": "28", "ApiVersion": "1.50", "MinAPIVersion": "1.24", "Os": "windows" });
    assert!(version(windows).problems[0].message.contains("Windows containers"));
    assert!(version(json!({ "hello": "world" })).problems[0].message.contains("not a Docker engine"));
    let remote = asked(|_, host| host.found.remote = true);
    assert!(remote.problems[0].message.contains("another computer"));
    let refused = asked(|engine, _| *engine.version.borrow_mut() = Some(Err(EngineError::Refused)));
    assert_eq!(refused.problems[0].code, FaultCode::NotGranted);
}

#[test]
fn the_version_is_agreed_on() {
    for (newest, oldest, wanted) in [
        ("1.41", "1.12", "/v1.41/"),
        ("1.44", "1.24", "/v1.44/"),
        ("1.60", "1.24", "/v1.47/"),
        // an engine that has given up what this plugin was written against is asked in its oldest words
        ("1.60", "1.52", "/v1.52/"),
    ] {
        let (engine, host) = (engine(), host());
        *engine.version.borrow_mut() = Some(Ok(json!({
            "Version": "x", "ApiVersion": newest, "MinAPIVersion": oldest, "Arch": "amd64", "Os": "linux",
        })));
        let api = Api::connect(&engine, &host).unwrap();
        api.find("/images/none/json").unwrap();
        assert!(engine.asked.borrow()[1].contains(wanted), "{newest} {oldest}: {:?}", engine.asked.borrow());
    }
}

#[test]
fn an_engine_that_goes_away_in_the_middle() {
    let (engine, host) = (engine(), host());
    *engine.version.borrow_mut() = Some(Err(EngineError::Broken("reset".into())));
    let fault = up(&engine, &host, &crate::spec("mine")).unwrap_err();
    assert_eq!(fault.code, FaultCode::Network);
    assert!(!fault.remedies.is_empty());
}
