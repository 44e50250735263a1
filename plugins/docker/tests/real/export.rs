//! Images saved by a real engine for a takeaway.

use std::io::Read;

use kitbag_plugin_docker::export;

use crate::{Machine, free_port, image};

/// What is saved is an archive of the engine's own with the image in it under its name, and no bigger than was said.
#[test]
fn images_come_out_under_their_names() {
    let Some(machine) = Machine::new("export") else { return };
    let source = format!(
        r#"{{"image": "{}", "command": ["sleep", "60"], "mounts": ["rows:/rows"], "ports": {{"page": 8080}},
            "environment": {{"TOKEN": "{{token}}"}}, "services": [{{"name": "page", "kind": "web", "path": "/"}}]}}"#,
        image::NAME
    );
    let what = machine.spec(&source, &[("page", free_port())]);
    machine.up(&what).unwrap();
    let told = machine.with(|api| export::describe(Ok(api), &what)).unwrap();
    let told = kitbag_core::takeaway::Export::read(&told).unwrap();
    assert_eq!(told.containers[0].image, image::NAME);
    let mut saved = Vec::new();
    let moved = machine.with(|api| export::images(api, &what, &mut saved)).unwrap();
    assert_eq!(moved, saved.len() as u64);
    assert!(moved > 0 && moved <= told.images_bytes.unwrap(), "{moved} of {:?}", told.images_bytes);
    let mut archive = tar::Archive::new(&saved[..]);
    let manifest = archive
        .entries()
        .unwrap()
        .map(Result::unwrap)
        .find(|entry| entry.path().unwrap().as_os_str() == "manifest.json");
    let mut text = String::new();
    manifest.unwrap().read_to_string(&mut text).unwrap();
    assert!(text.contains(image::NAME), "{text}");
    assert!(!saved.windows(12).any(|part| part == b"s3cret-t0ken"), "the token is in what is saved");
}
