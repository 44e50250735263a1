//! What is told for a takeaway: as kitbag reads it, with the engine's images, without them, and without an engine.

use kitbag_core::takeaway::{Export, Need, Source};
use kitbag_plugin_docker::export;
use kitbag_sdk::engine::EngineError;
use kitbag_sdk::{Fault, FaultCode, Spec};

use crate::{engine, host, spec, up, with};

fn read(told: &str) -> Export {
    Export::read(told).unwrap_or_else(|bad| panic!("{bad}: {told}"))
}

#[test]
fn a_course_is_told_as_it_is_made() {
    let (engine, host) = (engine(), host());
    let what = spec("m1");
    up(&engine, &host, &what).unwrap();
    let told = with(&engine, &host, |api| export::describe(Ok(api), &what)).unwrap();
    // nothing of this computer: no id of the workspace or the machine, no label
    assert!(!told.contains("org.kitbag") && !told.contains("\"m1\""), "{told}");
    let told = read(&told);
    assert!(told.images_bytes.is_some() && told.notes.is_empty(), "{told:?}");
    let names: Vec<_> = told.containers.iter().map(|one| one.name.as_str()).collect();
    assert_eq!(names, ["db", "notebooks"]);
    assert_eq!((told.services["db"].as_str(), told.services["notebooks"].as_str()), ("db", "notebooks"));
    let [db, notebooks] = &told.containers[..] else { panic!() };
    assert_eq!((db.image.as_str(), notebooks.image.as_str()), ("postgres:16", "kitbag/notebooks:1"));
    assert_eq!(notebooks.env["TOKEN"], "{token}");
    assert_eq!(notebooks.env["KITBAG_NOTEBOOKS_URL"], "http://notebooks:8888/lab");
    assert_eq!(notebooks.needs["db"], Need::Healthy);
    assert_eq!((notebooks.ports[0].inside, notebooks.ports[0].outside), (8888, Some(35188)));
    assert_eq!(told.pages[0].path, "/lab");
    assert!(told.pages[0].token && told.pages[0].container == "notebooks");
    // the folder that only the image declares has a volume with a name here too
    let volumes = |one: &kitbag_core::takeaway::Container| {
        let volume = |mount: &kitbag_core::takeaway::Mount| matches!(mount.from, Source::Volume(_));
        one.mounts.iter().filter(|mount| volume(mount)).map(|mount| mount.target.clone()).collect::<Vec<_>>()
    };
    assert_eq!(volumes(db), ["/rows", "/var/lib/postgresql/data"]);
    let work = notebooks.mounts.iter().find(|mount| mount.target == "/home/x/notebooks").unwrap();
    assert_eq!(serde_json::to_value(&work.from).unwrap(), serde_json::json!({ "work": "notebooks" }));
    assert_eq!(db.health.as_ref().unwrap().test, ["CMD-SHELL", "pg_isready"]);
}

#[test]
fn what_is_missing_is_named() {
    let (engine, host) = (engine(), host());
    let mut what = spec("m1");
    engine.images.borrow_mut().insert("postgres:16".into(), vec![]);
    let told = read(&with(&engine, &host, |api| export::describe(Ok(api), &what)).unwrap());
    assert!(told.images_bytes.is_none() && told.notes[0].contains("kitbag/notebooks:1"), "{told:?}");
    let refused = with(&engine, &host, |api| export::images(api, &what, &mut std::io::sink())).unwrap_err();
    assert_eq!(refused.code, FaultCode::NotFound);
    // no engine: the course is told all the same
    let fault = Fault::new(FaultCode::NotReady, "Docker is installed but not started.");
    let told = read(&export::describe(Err(&fault), &what).unwrap());
    assert!(told.images_bytes.is_none() && told.notes[0].contains("not started"), "{told:?}");
    assert_eq!(told.containers.len(), 2);
    what.source = "{}".into();
    assert_eq!(export::describe(Err(&fault), &what).unwrap_err().code, FaultCode::InvalidConfig);
}

#[test]
fn an_image_of_a_digest_is_told_by_its_id_and_a_built_one_with_its_folder() {
    let (engine, host) = (engine(), host());
    let digest = format!("nb@sha256:{}", "ab".repeat(32));
    engine.images.borrow_mut().insert(digest.clone(), vec![]);
    let told = |source: String| {
        let what = Spec { source, ..spec("m1") };
        read(&with(&engine, &host, |api| export::describe(Ok(api), &what)).unwrap())
    };
    let one = told(format!(r#"{{"image": "{digest}", "services": []}}"#));
    assert!(one.containers[0].image.starts_with("sha256:"), "{one:?}");
    let built = told(r#"{"build": {"context": "binder", "args": {"A": "1"}}, "services": []}"#.into());
    let build = built.containers[0].build.as_ref().unwrap();
    assert_eq!((build.context.as_ref().unwrap().as_str(), build.args["A"].as_str()), ("binder", "1"));
    assert!(built.containers[0].image.starts_with("kitbag/") && built.images_bytes.is_none());
}

#[test]
fn an_engine_that_goes_away_is_a_fault() {
    let (engine, host) = (engine(), host());
    let what = spec("m1");
    up(&engine, &host, &what).unwrap();
    *engine.version.borrow_mut() = Some(Err(EngineError::Unreachable("gone".into())));
    let gone = with(&engine, &host, |api| export::images(api, &what, &mut std::io::sink())).unwrap_err();
    assert_eq!(gone.code, FaultCode::NotReady);
}
