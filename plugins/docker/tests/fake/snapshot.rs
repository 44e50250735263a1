//! Snapshots of the volumes: what they hold, whom they are listed for, and an end of the instance at every request of
//! taking, restoring and removing one. The data are always all old or all new, and nothing half is left or listed.

use std::collections::BTreeMap;
use std::time::Duration;

use kitbag_plugin_docker::{look, run, snapshot, stamp};
use kitbag_sdk::{EnvRef, Fault, FaultCode, Snap, Spec};

use crate::crash::{clean, others, trapped};
use crate::engine::{FakeEngine, Moment};
use crate::host::TestHost;
use crate::{engine, host, spec, up, with};

fn stop(engine: &FakeEngine, host: &TestHost, id: &EnvRef) {
    with(engine, host, |api| run::stop(api, id, Duration::from_secs(1))).unwrap();
}

fn take(engine: &FakeEngine, host: &TestHost, id: &EnvRef, label: &str) -> Result<Snap, Fault> {
    with(engine, host, |api| snapshot::take(api, id, label))
}

/// Id and label of each.
fn list(engine: &FakeEngine, host: &TestHost, id: &EnvRef) -> Vec<(String, String)> {
    let all = with(engine, host, |api| snapshot::list(api, id)).unwrap();
    all.into_iter().map(named).collect()
}

fn named(snap: Snap) -> (String, String) {
    (snap.id, snap.label)
}

/// What the environment works with now, by part.
fn data(engine: &FakeEngine, host: &TestHost, id: &EnvRef) -> BTreeMap<String, String> {
    let current = with(engine, host, |api| look::volumes(api, id)).unwrap().current;
    let contents = engine.contents.borrow();
    let text = |name: &str| contents.get(name).cloned().unwrap_or_default();
    current.into_iter().map(|(part, volume)| (part, text(&volume.name))).collect()
}

/// Somebody works in it.
fn write(engine: &FakeEngine, host: &TestHost, id: &EnvRef, text: &str) {
    let current = with(engine, host, |api| look::volumes(api, id)).unwrap().current;
    for (part, volume) in current {
        engine.contents.borrow_mut().insert(volume.name, format!("{text} of {part}"));
    }
}

fn is(data: &BTreeMap<String, String>, text: &str) -> bool {
    data.len() == 3 && data.iter().all(|(part, held)| *held == format!("{text} of {part}"))
}

/// An environment of three volumes that does not run, with data in it.
fn stopped(text: &str) -> (FakeEngine, TestHost, Spec) {
    let (engine, host, what) = (engine(), host(), spec("mine"));
    up(&engine, &host, &what).unwrap();
    stop(&engine, &host, &what.id);
    write(&engine, &host, &what.id, text);
    (engine, host, what)
}

#[test]
fn what_was_taken_comes_back_as_other_data() {
    let (engine, host, what) = stopped("first");
    let id = &what.id;
    let things = engine.things();
    let snap = take(&engine, &host, id, "week 1").unwrap();
    let length: usize = data(&engine, &host, id).values().map(String::len).sum();
    assert_eq!((snap.label.as_str(), snap.bytes), ("week 1", length as u64));
    assert_eq!(list(&engine, &host, id), [named(snap.clone())]);
    assert_eq!(engine.things(), things + 4, "three volumes, and one that says that they are whole");
    let stamp = || with(&engine, &host, |api| stamp::stamp(api, id)).unwrap().unwrap();
    let before = stamp();
    up(&engine, &host, &what).unwrap();
    assert!(is(&data(&engine, &host, id), "first"));
    write(&engine, &host, id, "second");
    for refused in [
        take(&engine, &host, id, "x").unwrap_err(),
        with(&engine, &host, |api| snapshot::restore(api, id, &snap.id)).unwrap_err(),
    ] {
        assert!(refused.code == FaultCode::NotReady && !refused.remedies.is_empty(), "{refused:?}");
    }
    stop(&engine, &host, id);
    assert_eq!(stamp(), before, "a snapshot is no part of the data");
    let later = take(&engine, &host, id, "week 2").unwrap();
    with(&engine, &host, |api| snapshot::restore(api, id, &snap.id)).unwrap();
    assert!(is(&data(&engine, &host, id), "first"));
    assert_ne!(stamp(), before);
    up(&engine, &host, &what).unwrap();
    assert!(is(&data(&engine, &host, id), "first"), "its containers have the new volumes");
    write(&engine, &host, id, "third");
    stop(&engine, &host, id);
    // as often as one likes, and each stays what it was
    with(&engine, &host, |api| snapshot::restore(api, id, &later.id)).unwrap();
    assert!(is(&data(&engine, &host, id), "second"));
    with(&engine, &host, |api| snapshot::restore(api, id, &snap.id)).unwrap();
    assert!(is(&data(&engine, &host, id), "first"));
    up(&engine, &host, &what).unwrap();
    assert_eq!(engine.things(), things + 8, "nothing is left of the old ones");
    assert_eq!(list(&engine, &host, id), [named(snap), named(later)]);
}

#[test]
fn nobody_sees_another_machines() {
    let (engine, host, what) = stopped("mine");
    let other = spec("other");
    up(&engine, &host, &other).unwrap();
    stop(&engine, &host, &other.id);
    write(&engine, &host, &other.id, "theirs");
    let mine = take(&engine, &host, &what.id, "one").unwrap();
    let theirs = take(&engine, &host, &other.id, "one").unwrap();
    assert_ne!(mine.id, theirs.id);
    assert_eq!(list(&engine, &host, &what.id), [named(mine)]);
    let things = engine.things();
    with(&engine, &host, |api| snapshot::remove(api, &what.id, &theirs.id)).unwrap();
    let fault = with(&engine, &host, |api| snapshot::restore(api, &what.id, &theirs.id)).unwrap_err();
    assert_eq!((fault.code, engine.things()), (FaultCode::NotFound, things));
    assert!(is(&data(&engine, &host, &what.id), "mine") && is(&data(&engine, &host, &other.id), "theirs"));
}

/// They outlive the environment, are owned until they are removed, and come back into one that was made afresh.
#[test]
fn they_outlive_destroy() {
    let (engine, host, what) = stopped("first");
    let snap = take(&engine, &host, &what.id, "kept").unwrap();
    with(&engine, &host, |api| run::destroy(api, &what.id)).unwrap();
    assert_eq!(engine.things(), 4);
    assert_eq!(with(&engine, &host, run::list_owned).unwrap()[0].machine, "mine");
    assert_eq!(list(&engine, &host, &what.id), [named(snap.clone())]);
    // also where there is none, and so no container
    with(&engine, &host, |api| snapshot::restore(api, &what.id, &snap.id)).unwrap();
    assert!(is(&data(&engine, &host, &what.id), "first"));
    with(&engine, &host, |api| run::destroy(api, &what.id)).unwrap();
    up(&engine, &host, &what).unwrap();
    stop(&engine, &host, &what.id);
    with(&engine, &host, |api| snapshot::restore(api, &what.id, &snap.id)).unwrap();
    assert!(is(&data(&engine, &host, &what.id), "first"));
    with(&engine, &host, |api| snapshot::remove(api, &what.id, &snap.id)).unwrap();
    with(&engine, &host, |api| snapshot::remove(api, &what.id, &snap.id)).unwrap();
    clean(&engine, &host, 0);
}

#[test]
fn what_cannot_be_is_said() {
    let (engine, host, what) = stopped("first");
    let snap = take(&engine, &host, &what.id, "old").unwrap();
    // another version of the course
    let mut newer = spec("mine");
    newer.source = newer.source.replace("/cache'", "/other'");
    with(&engine, &host, |api| run::destroy(api, &what.id)).unwrap();
    up(&engine, &host, &newer).unwrap();
    stop(&engine, &host, &what.id);
    let refused = with(&engine, &host, |api| snapshot::restore(api, &what.id, &snap.id)).unwrap_err();
    assert!(
        refused.code == FaultCode::Conflict && refused.message.contains("another version"),
        "{refused:?}"
    );
    let nowhere = EnvRef { name: "nowhere".into(), ..what.id.clone() };
    assert_eq!(take(&engine, &host, &nowhere, "x").unwrap_err().code, FaultCode::Unsupported);
    // nothing in volumes, or not all of it
    for (block, said) in [
        (r#"{"image": "kitbag/notebooks:1"}"#, "keeps no data in Docker"),
        (r#"{"image": "kitbag/notebooks:1", "mounts": ["{data}:/srv", "v:/v"]}"#, "folder of this computer"),
    ] {
        let mut what = spec(said);
        what.source = block.into();
        up(&engine, &host, &what).unwrap();
        stop(&engine, &host, &what.id);
        let refused = take(&engine, &host, &what.id, "x").unwrap_err();
        assert!(refused.code == FaultCode::Unsupported && refused.message.contains(said), "{refused:?}");
    }
    // no room
    let mut small = host_with(10);
    small.machines = host.machines.clone();
    write(&engine, &host, &what.id, &"x".repeat(6 << 20));
    let things = engine.things();
    let refused = take(&engine, &small, &what.id, "x").unwrap_err();
    assert!(refused.code == FaultCode::Quota && refused.message.contains("19 MB"), "{refused:?}");
    assert_eq!(engine.things(), things);
}

fn host_with(free_mb: u64) -> TestHost {
    let mut host = host();
    host.free_mb = free_mb;
    host
}

/// What is asked between two counts, so that the instance can end at each of them.
fn at_every_request(
    verb: impl Fn(&FakeEngine, &TestHost, &Spec, &Snap),
    after: impl Fn(&FakeEngine, &TestHost, &Spec),
) {
    for at in 0.. {
        let mut reached = false;
        for moment in [Moment::Before, Moment::After] {
            let (engine, host, what) = stopped("first");
            let snap = take(&engine, &host, &what.id, "kept").unwrap();
            write(&engine, &host, &what.id, "second");
            let stays = others(&engine) - engine_things(&engine, "mine");
            engine.counted();
            engine.trap.set(Some((at, moment)));
            reached |= trapped(|| verb(&engine, &host, &what, &snap));
            engine.trap.set(None);
            after(&engine, &host, &what);
            // the next command goes on, and nothing is left when everything is taken away
            up(&engine, &host, &what).unwrap();
            stop(&engine, &host, &what.id);
            let whole = list(&engine, &host, &what.id);
            assert_eq!(
                engine_things(&engine, "mine"),
                6 + 4 * whole.len(),
                "request {at}, {moment:?}: something was left"
            );
            for (id, label) in whole {
                with(&engine, &host, |api| snapshot::restore(api, &what.id, &id)).unwrap();
                let text = if label == "kept" { "first" } else { "second" };
                assert!(is(&data(&engine, &host, &what.id), text), "request {at}, {moment:?}");
                with(&engine, &host, |api| snapshot::remove(api, &what.id, &id)).unwrap();
            }
            clean(&engine, &host, stays);
        }
        if !reached {
            assert!(at > 7, "only {at} requests: the test does not reach far");
            return;
        }
    }
}

/// Containers, networks and volumes of a machine.
fn engine_things(engine: &FakeEngine, machine: &str) -> usize {
    let mine = |labels: &serde_json::Value| labels["org.kitbag.machine"] == machine;
    let of =
        |all: &BTreeMap<String, serde_json::Value>| all.values().filter(|one| mine(&one["Labels"])).count();
    engine.containers.borrow().values().filter(|one| mine(&one.request["Labels"])).count()
        + of(&engine.networks.borrow())
        + of(&engine.volumes.borrow())
}

#[test]
fn a_crash_at_any_request_of_taking() {
    at_every_request(
        |engine, host, what, _| drop(take(engine, host, &what.id, "new").unwrap()),
        |engine, host, what| assert!(is(&data(engine, host, &what.id), "second")),
    );
}

#[test]
fn a_crash_at_any_request_of_restoring() {
    at_every_request(
        |engine, host, what, snap| {
            with(engine, host, |api| snapshot::restore(api, &what.id, &snap.id)).unwrap();
        },
        |engine, host, what| {
            let held = data(engine, host, &what.id);
            assert!(is(&held, "first") || is(&held, "second"), "neither old nor new: {held:?}");
            let before = with(engine, host, |api| stamp::stamp(api, &what.id)).unwrap();
            up(engine, host, what).unwrap();
            assert_eq!(data(engine, host, &what.id), held, "what it is does not change when it is swept");
            assert_eq!(with(engine, host, |api| stamp::stamp(api, &what.id)).unwrap(), before);
        },
    );
}

#[test]
fn a_crash_at_any_request_of_removing_and_of_destroying() {
    at_every_request(
        |engine, host, what, snap| {
            with(engine, host, |api| snapshot::remove(api, &what.id, &snap.id)).unwrap();
        },
        |engine, host, what| assert!(is(&data(engine, host, &what.id), "second")),
    );
    at_every_request(
        |engine, host, what, _| with(engine, host, |api| run::destroy(api, &what.id)).unwrap(),
        |engine, host, what| assert_eq!(list(engine, host, &what.id).len(), 1),
    );
}

/// A full disk at any request is a sentence, and what was begun is gone at once.
#[test]
fn a_refusal_at_any_request() {
    for restoring in [false, true] {
        for at in 0.. {
            let (engine, host, what) = stopped("first");
            let snap = take(&engine, &host, &what.id, "kept").unwrap();
            write(&engine, &host, &what.id, "second");
            let things = engine.things();
            engine.counted();
            engine.fail.set(Some((at, 500, "write /x: no space left on device")));
            let tried = if restoring {
                with(&engine, &host, |api| snapshot::restore(api, &what.id, &snap.id))
            } else {
                take(&engine, &host, &what.id, "new").map(drop)
            };
            let reached = engine.counted() > at;
            engine.fail.set(None);
            if !reached {
                tried.unwrap();
                assert!(at > 20, "only {at} requests: the test does not reach far");
                break;
            }
            let fault = tried.unwrap_err();
            assert_eq!(fault.code, FaultCode::Quota, "{fault:?}");
            let held = data(&engine, &host, &what.id);
            assert!(is(&held, "second") || restoring && is(&held, "first"), "{held:?}");
            assert!(engine.things() <= things || restoring && is(&held, "first"), "request {at}");
            assert_eq!(list(&engine, &host, &what.id).len(), 1);
        }
    }
}
