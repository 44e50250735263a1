//! Downloads as a person sees them: progress that counts, and why one does not come.

use std::cell::RefCell;
use std::time::Duration;

use kitbag_plugin_docker::api::Api;
use kitbag_plugin_docker::host::Host;
use kitbag_plugin_docker::run;
use kitbag_sdk::engine::Found;
use kitbag_sdk::{Fault, FaultCode, Spec};

use crate::{engine, host, spec, up, with};

/// Keeps the titles too.
struct Titles<'a>(&'a dyn Host, RefCell<Vec<String>>);

impl Host for Titles<'_> {
    fn step(&self, _: &str, title: &str) {
        self.1.borrow_mut().push(title.to_owned());
    }
    fn pause(&self, time: Duration) -> Result<(), Fault> {
        self.0.pause(time)
    }
    fn elapsed(&self) -> Duration {
        self.0.elapsed()
    }
    fn moment(&self) -> u128 {
        self.0.moment()
    }
    fn look(&self) -> Result<Found, Fault> {
        self.0.look()
    }
    fn free_disk_mb(&self) -> u64 {
        self.0.free_disk_mb()
    }
    fn remember_machine(&self, machine: &str) -> Result<(), Fault> {
        self.0.remember_machine(machine)
    }
    fn machines(&self) -> Result<Vec<String>, Fault> {
        self.0.machines()
    }
}

fn one(image: &str) -> Spec {
    Spec { source: format!(r#"{{"image":"{image}","size_mb":40}}"#), ..spec("mine") }
}

#[test]
fn progress_counts_layers_together_and_says_each_number_once() {
    let engine = engine();
    engine.registry.borrow_mut().insert("a:1".into(), vec![]);
    let layer = |id: &str, current: u64| {
        format!(
            r#"{{"status":"Downloading","id":"{id}","progressDetail":{{"current":{current},"total":1000}}}}"#
        ) + "\n"
    };
    let mut told = r#"{"status":"Pulling from a","id":"1"}"#.to_owned() + "\nnot json at all\n";
    for part in 0..=1000 {
        told.push_str(&layer("x", part));
    }
    told.push_str(&layer("y", 500));
    told.push_str("{\"status\":\"Download complete\",\"id\":\"y\"}\n");
    *engine.told.borrow_mut() = Some(told);
    let inner = host();
    let host = Titles(&inner, RefCell::default());
    let api = Api::connect(&engine, &host).unwrap();
    let what = one("a:1");
    let print = run::plan(&api, &what).unwrap();
    assert!(
        print.summary.contains("40 MB") && print.summary.contains("50000 MB are free"),
        "{}",
        print.summary
    );
    run::create(&api, &what, &print.fingerprint).unwrap();
    let titles = host.1.borrow();
    let titles: Vec<&str> =
        titles.iter().filter_map(|title| title.strip_prefix("Download a:1 (40 MB)")).collect();
    assert_eq!((titles[0], titles[1], titles[51]), ("", ": 0 %", ": 50 %"));
    assert_eq!(&titles[titles.len() - 2..], [": 75 %", ": 100 %"]);
    assert!(titles.len() < 110, "{} lines of progress for 1001 pieces", titles.len());
}

#[test]
fn what_keeps_an_image_away_is_said() {
    for (error, code, word) in [
        ("manifest unknown: not there", FaultCode::NotFound, "not there"),
        ("pull access denied for a", FaultCode::NotFound, "not for everybody"),
        ("dial tcp: lookup registry: no such host", FaultCode::Network, "could not be downloaded"),
        ("write /x: no space left on device", FaultCode::Quota, "full"),
        ("no matching manifest for linux/arm64", FaultCode::Unsupported, "processor"),
    ] {
        let (engine, host) = (engine(), host());
        engine.registry.borrow_mut().insert("a:1".into(), vec![]);
        *engine.told.borrow_mut() =
            Some(serde_json::json!({ "errorDetail": { "message": error } }).to_string() + "\n");
        let fault = up(&engine, &host, &one("a:1")).unwrap_err();
        assert_eq!(fault.code, code, "{fault:?}");
        assert!(fault.message.contains(word), "{fault:?}");
        assert!(fault.detail.as_ref().unwrap().contains(error) && !fault.remedies.is_empty(), "{fault:?}");
        assert_eq!(engine.things(), 0);
    }
}

/// What is there goes only when the image of what takes its place has come.
#[test]
fn another_course_whose_image_cannot_be_had_leaves_what_is_there() {
    let (engine, host) = (engine(), host());
    up(&engine, &host, &spec("mine")).unwrap();
    let things = engine.things();
    let other = one("a:1");
    let create = || {
        let print = with(&engine, &host, |api| run::plan(api, &other)).unwrap().fingerprint;
        with(&engine, &host, |api| run::create(api, &other, &print)).unwrap_err()
    };
    assert_eq!(create().code, FaultCode::NotFound);
    assert!(engine.things() == things && !engine.images.borrow().contains_key("a:1"));
    engine.registry.borrow_mut().insert("a:1".into(), vec![]);
    assert_eq!(create().code, FaultCode::Conflict, "now it may be taken away");
    assert!(engine.things() == things && engine.images.borrow().contains_key("a:1"));
    with(&engine, &host, |api| run::destroy(api, &other.id)).unwrap();
    up(&engine, &host, &other).unwrap();
}
