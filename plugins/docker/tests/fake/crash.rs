//! The instance ends at every request of every verb, before and after it took effect; a refusal comes at every
//! request. Whatever is left, the next try goes on from it, and list-owned and destroy leave nothing.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::time::Duration;

use kitbag_plugin_docker::{run, status};
use kitbag_sdk::{FaultCode, Phase, Spec};

use crate::engine::{Container, FakeEngine, Moment, Trap};
use crate::host::TestHost;
use crate::{engine, host, spec, up, with};

/// Run something and let the trap end it. True: it ended by the trap.
pub fn trapped(of: impl FnOnce()) -> bool {
    match catch_unwind(AssertUnwindSafe(of)) {
        Ok(()) => false,
        Err(cause) if cause.is::<Trap>() => true,
        Err(other) => std::panic::resume_unwind(other),
    }
}

/// Everything of this machine is found and goes; what is another machine's stays.
pub fn clean(engine: &FakeEngine, host: &TestHost, stays: usize) {
    for id in with(engine, host, run::list_owned).unwrap() {
        assert_eq!(id.machine, "mine");
        with(engine, host, |api| run::destroy(api, &id)).unwrap();
    }
    assert_eq!(engine.things(), stays, "something was left behind");
    assert!(with(engine, host, run::list_owned).unwrap().is_empty());
}

pub fn others(engine: &FakeEngine) -> usize {
    up(engine, &host(), &spec("other")).unwrap();
    engine.counted();
    engine.things()
}

fn ready(engine: &FakeEngine, host: &TestHost, what: &Spec) {
    let now = with(engine, host, |api| status::wait_ready(api, &what.id, Duration::from_secs(60))).unwrap();
    assert_eq!(now.phase, Phase::Running, "{now:?}");
}

#[test]
fn a_crash_at_any_request_of_going_up() {
    let what = spec("mine");
    let all = {
        let engine = engine();
        others(&engine);
        up(&engine, &host(), &what).unwrap();
        engine.counted()
    };
    assert!(all > 25, "only {all} requests: the test does not reach far");
    for at in 0..all {
        for moment in [Moment::Before, Moment::After] {
            // then everything is taken away
            let (engine, host) = (engine(), host());
            let stays = others(&engine);
            engine.trap.set(Some((at, moment)));
            assert!(trapped(|| up(&engine, &host, &what).unwrap()), "no request {at}");
            engine.trap.set(None);
            clean(&engine, &host, stays);
            // or it is tried again, twice
            engine.counted();
            engine.trap.set(Some((at, moment)));
            trapped(|| up(&engine, &host, &what).unwrap());
            engine.trap.set(None);
            for _ in 0..2 {
                up(&engine, &host, &what).unwrap();
                ready(&engine, &host, &what);
                assert_eq!(engine.things(), stays * 2, "request {at}, {moment:?}");
            }
            clean(&engine, &host, stays);
        }
    }
}

#[test]
fn a_crash_at_any_request_of_stopping_and_going_away() {
    let what = spec("mine");
    let down = |engine: &FakeEngine, host: &TestHost| {
        with(engine, host, |api| run::stop(api, &what.id, Duration::from_secs(5))).unwrap();
        with(engine, host, |api| run::destroy(api, &what.id)).unwrap();
    };
    for at in 0.. {
        let mut reached = false;
        for moment in [Moment::Before, Moment::After] {
            let (engine, host) = (engine(), host());
            let stays = others(&engine);
            up(&engine, &host, &what).unwrap();
            engine.counted();
            engine.trap.set(Some((at, moment)));
            reached |= trapped(|| down(&engine, &host));
            engine.trap.set(None);
            down(&engine, &host);
            clean(&engine, &host, stays);
        }
        if !reached {
            assert!(at > 12, "only {at} requests: the test does not reach far");
            return;
        }
    }
}

/// A refusal at any request is a fault that says what to do, and the next try succeeds.
#[test]
fn a_refusal_at_any_request() {
    let what = spec("mine");
    for at in 0.. {
        let (engine, host) = (engine(), host());
        engine.fail.set(Some((at, 500, "no space left on device")));
        let tried = up(&engine, &host, &what);
        let reached = engine.counted() > at;
        engine.fail.set(None);
        if !reached {
            tried.unwrap();
            assert!(at > 25, "only {at} requests: the test does not reach far");
            return;
        }
        let fault = tried.unwrap_err();
        assert_eq!(fault.code, FaultCode::Quota, "{fault:?}");
        assert!(!fault.remedies.is_empty() && !fault.message.contains("500"), "{fault:?}");
        up(&engine, &host, &what).unwrap();
        ready(&engine, &host, &what);
    }
}

/// No plan, status, list or endpoint changes anything.
#[test]
fn questions_change_nothing() {
    let (engine, host, what) = (engine(), host(), spec("mine"));
    let ask = || {
        engine.asked.borrow_mut().clear();
        with(&engine, &host, |api| run::plan(api, &what)).unwrap();
        with(&engine, &host, |api| status::status(api, &what.id)).unwrap();
        with(&engine, &host, run::list_owned).unwrap();
        let _ = with(&engine, &host, |api| status::endpoints(api, &what.id));
        let asked = engine.asked.borrow();
        assert!(asked.len() > 10 && asked.iter().all(|one| one.starts_with("GET ")), "{asked:?}");
    };
    ask();
    up(&engine, &host, &what).unwrap();
    ask();
    let plan = with(&engine, &host, |api| run::plan(api, &what)).unwrap();
    assert!(plan.steps.is_empty() && !plan.destructive, "{plan:?}");
}

/// The steps that are shown are the steps that are done, in their order.
#[test]
fn what_is_done_is_what_was_said() {
    let (engine, host, what) = (engine(), host(), spec("mine"));
    let plan = with(&engine, &host, |api| run::plan(api, &what)).unwrap();
    with(&engine, &host, |api| run::create(api, &what, &plan.fingerprint)).unwrap();
    with(&engine, &host, |api| run::start(api, &what)).unwrap();
    let wanted = [
        "network",
        "volume-cache",
        "volume-rows",
        "create-db",
        "create-notebooks",
        "start-db",
        "await-db",
        "start-notebooks",
    ];
    let done: Vec<String> = host
        .steps
        .borrow()
        .iter()
        .filter(|id| !id.starts_with("image-") && !id.starts_with("own-"))
        .cloned()
        .collect();
    let (declared, done): (Vec<String>, Vec<String>) =
        done.into_iter().partition(|id| id.starts_with("volume-db."));
    // only what an image says of itself (a folder, its user) could not be known before the image was there
    assert_eq!((done, declared.len()), (wanted.map(str::to_owned).to_vec(), 1));
    assert_eq!(plan.steps.len(), 2 + wanted.len());
    let again = with(&engine, &host, |api| run::plan(api, &what)).unwrap();
    assert_eq!(again.fingerprint, plan.fingerprint);
}

/// All phases and all verbs: each verb ends where it should from wherever it begins.
#[test]
fn every_verb_from_every_phase() {
    let what = spec("mine");
    let id = &what.id;
    for phase in ["absent", "created", "running", "exited", "half", "unhealthy"] {
        let fresh = || {
            let (engine, host) = (engine(), host());
            if phase != "absent" {
                let print = with(&engine, &host, |api| run::plan(api, &what)).unwrap().fingerprint;
                with(&engine, &host, |api| run::create(api, &what, &print)).unwrap();
            }
            if !["absent", "created"].contains(&phase) {
                with(&engine, &host, |api| run::start(api, &what)).unwrap();
            }
            let set = |part: &str, state: &'static str, health: Option<&'static str>| {
                let mut all = engine.containers.borrow_mut();
                let one = all.iter_mut().find(|(name, _)| name.ends_with(part)).unwrap().1;
                (one.state, one.health, one.code) = (state, health, 1);
            };
            match phase {
                "exited" => ["-db", "-notebooks"].iter().for_each(|part| set(part, "exited", None)),
                "half" => set("-db", "exited", None),
                "unhealthy" => set("-db", "running", Some("unhealthy")),
                _ => {}
            }
            (engine, host)
        };
        let (engine, host) = fresh();
        let now = with(&engine, &host, |api| status::status(api, id)).unwrap();
        let wanted = match phase {
            "absent" => Phase::Absent,
            "created" | "exited" => Phase::Stopped,
            "running" => Phase::Running,
            _ => Phase::Unhealthy,
        };
        assert_eq!(now.phase, wanted, "{phase}: {now:?}");
        let (engine, host) = fresh();
        let stopped = with(&engine, &host, |api| run::stop(api, id, Duration::from_secs(1)));
        stopped.unwrap();
        assert!(engine.containers.borrow().values().all(|one| one.state != "running"), "{phase}");
        let (engine, host) = fresh();
        up(&engine, &host, &what).unwrap();
        assert!(engine.containers.borrow().values().all(|one| one.state == "running"), "{phase}");
        let (engine, host) = fresh();
        with(&engine, &host, |api| run::destroy(api, id)).unwrap();
        assert_eq!(engine.things(), 0, "{phase}");
    }
}

#[test]
fn waiting_ends_at_its_deadline() {
    let (engine, host, what) = (engine(), host(), spec("mine"));
    up(&engine, &host, &what).unwrap();
    for one in engine.containers.borrow_mut().values_mut() {
        one.health = Some("starting");
    }
    let began = kitbag_plugin_docker::host::Host::elapsed(&host);
    let late =
        with(&engine, &host, |api| status::wait_ready(api, &what.id, Duration::from_secs(20))).unwrap_err();
    let took = kitbag_plugin_docker::host::Host::elapsed(&host) - began;
    assert_eq!(late.code, FaultCode::Timeout);
    assert!(took >= Duration::from_secs(20) && took <= Duration::from_secs(21), "{took:?}");
}

/// A container of the name that belongs to somebody else is neither used nor removed.
#[test]
fn a_name_that_somebody_else_took() {
    let (engine, host, what) = (engine(), host(), spec("mine"));
    let name = format!("{}-db", kitbag_plugin_docker::names::prefix(&what.id));
    let theirs = serde_json::json!({ "Labels": { "org.kitbag.machine": "theirs" } });
    let theirs = Container { request: theirs, state: "running", code: 0, health: None, number: 0 };
    engine.containers.borrow_mut().insert(name.clone(), theirs);
    let fault = up(&engine, &host, &what).unwrap_err();
    assert!(fault.message.contains("at the same time"), "{fault:?}");
    with(&engine, &host, |api| run::destroy(api, &what.id)).unwrap();
    assert_eq!(engine.containers.borrow().keys().collect::<Vec<_>>(), [&name]);
}

/// An engine that was killed while it started a container refuses it for ever: it is made afresh, and only that one.
#[test]
fn a_container_the_engine_lost_track_of_is_made_afresh() {
    let (engine, host, what) = (engine(), host(), spec("m"));
    let print = with(&engine, &host, |api| run::plan(api, &what)).unwrap().fingerprint;
    with(&engine, &host, |api| run::create(api, &what, &print)).unwrap();
    let numbers = |engine: &FakeEngine| -> Vec<(String, usize)> {
        engine.containers.borrow().iter().map(|(name, one)| (name.clone(), one.number)).collect()
    };
    let mut before = numbers(&engine);
    let stop = || with(&engine, &host, |api| run::stop(api, &what.id, Duration::from_secs(1))).unwrap();
    // the first start has more to do than those after it
    with(&engine, &host, |api| run::start(api, &what)).unwrap();
    stop();
    engine.counted();
    engine.asked.borrow_mut().clear();
    with(&engine, &host, |api| run::start(api, &what)).unwrap();
    let at = engine.asked.borrow().iter().position(|asked| asked.ends_with("-notebooks/start")).unwrap();
    stop();
    engine.counted();
    // as containerd says it of what ran, and as it says it of what it knows of it
    for lost in ["task 060edf: already exists: unknown", "id already in use"] {
        engine.fail.set(Some((at, 500, lost)));
        with(&engine, &host, |api| run::start(api, &what)).unwrap();
        let after = numbers(&engine);
        for ((name, old), (same, new)) in before.iter().zip(&after) {
            assert_eq!(name, same);
            assert_eq!(old != new, name.ends_with("-notebooks"), "{lost}: {name}");
        }
        before = after;
        stop();
        engine.counted();
    }
    with(&engine, &host, |api| run::start(api, &what)).unwrap();
    assert!(engine.containers.borrow().values().all(|one| one.state == "running"));
    assert_eq!(engine.volumes.borrow().len(), 3);
}
