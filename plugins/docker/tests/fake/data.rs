//! Which data an environment keeps, and when what a program wrote is whole.

use std::time::Duration;

use kitbag_plugin_docker::exec::{self, Pipes};
use kitbag_plugin_docker::{run, stamp};
use kitbag_sdk::{ExecRequest, FaultCode};

use crate::{engine, host, spec, up, with};

#[test]
fn the_stamp_lives_as_long_as_the_volumes() {
    let (engine, host) = (engine(), host());
    let (what, other) = (spec("mine"), spec("other"));
    let stamp = |of: &kitbag_sdk::EnvRef| with(&engine, &host, |api| stamp::stamp(api, of)).unwrap();
    assert_eq!(stamp(&what.id), None);
    up(&engine, &host, &what).unwrap();
    up(&engine, &host, &other).unwrap();
    let first = stamp(&what.id).unwrap();
    assert!(first.len() < 100 && first != stamp(&other.id).unwrap());
    with(&engine, &host, |api| run::stop(api, &what.id, Duration::from_secs(1))).unwrap();
    // containers come and go, and somebody else's volumes
    engine.containers.borrow_mut().clear();
    with(&engine, &host, |api| run::destroy(api, &other.id)).unwrap();
    assert_eq!(stamp(&what.id).as_ref(), Some(&first));
    up(&engine, &host, &what).unwrap();
    assert_eq!(stamp(&what.id).as_ref(), Some(&first));
    with(&engine, &host, |api| run::destroy(api, &what.id)).unwrap();
    assert_eq!(stamp(&what.id), None);
    up(&engine, &host, &what).unwrap();
    assert_ne!(stamp(&what.id).unwrap(), first, "the same names, other data");
}

#[test]
fn without_volumes_the_containers_are_the_data() {
    let (engine, host) = (engine(), host());
    let mut what = spec("mine");
    what.source = r#"{"image": "kitbag/notebooks:1"}"#.into();
    up(&engine, &host, &what).unwrap();
    let stamp = || with(&engine, &host, |api| stamp::stamp(api, &what.id)).unwrap();
    let first = stamp().unwrap();
    assert_eq!(stamp().as_ref(), Some(&first));
    with(&engine, &host, |api| run::destroy(api, &what.id)).unwrap();
    up(&engine, &host, &what).unwrap();
    assert_ne!(stamp().unwrap(), first);
}

/// The connection to a program ends and the program goes on: what was read may be half of what it wrote.
#[test]
fn an_output_whose_program_goes_on_is_not_whole() {
    let (engine, host) = (engine(), host());
    let what = spec("mine");
    up(&engine, &host, &what).unwrap();
    let dump = || {
        let (mut out, mut err) = (Vec::new(), Vec::new());
        let request = ExecRequest { argv: vec!["pg_dump".into()], env: vec![], folder: Some("db:".into()) };
        let pipes = Pipes { stdin: None, stdout: &mut out, stderr: &mut err };
        with(&engine, &host, |api| exec::run(api, &what.id, &request, pipes))
    };
    assert_eq!(dump().unwrap(), Some(0));
    engine.lost.set(true);
    let fault = dump().unwrap_err();
    assert_eq!(fault.code, FaultCode::Network, "{fault:?}");
    assert!(!fault.remedies.is_empty());
}
