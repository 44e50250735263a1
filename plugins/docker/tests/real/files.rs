//! Archives both ways, and images from the course package.

use std::collections::BTreeMap;
use std::io::Read;

use kitbag_plugin_docker::{archive, run};
use kitbag_sdk::FaultCode;

use crate::{Machine, image};

fn files(tar: &[u8]) -> BTreeMap<String, (Vec<u8>, u32)> {
    let mut found = BTreeMap::new();
    for entry in tar::Archive::new(tar).entries().unwrap() {
        let mut entry = entry.unwrap();
        if entry.header().entry_type().is_file() {
            let mut bytes = Vec::new();
            entry.read_to_end(&mut bytes).unwrap();
            let path = String::from_utf8(entry.path_bytes().into_owned()).unwrap();
            found.insert(
                path.trim_start_matches("./").to_owned(),
                (bytes, entry.header().mode().unwrap() & 0o777),
            );
        }
    }
    found
}

#[test]
fn files_go_in_and_out_unchanged() {
    let Some(machine) = Machine::new("tar") else { return };
    let idle = serde_json::json!({ "image": image::NAME, "command": ["sleep", "600"] }).to_string();
    machine.up(&machine.spec(&idle, &[])).unwrap();
    let big: Vec<u8> = (0..3_000_000_u32).map(|at| ((at * 31) >> 3) as u8).collect();
    let long = format!("{}/deep.txt", "folder/".repeat(20).trim_end_matches('/'));
    let wanted: BTreeMap<String, (Vec<u8>, u32)> = [
        ("a b.txt", (b"spaces".to_vec(), 0o644)),
        ("empty", (Vec::new(), 0o600)),
        ("n\u{0303}.txt", (b"decomposed".to_vec(), 0o644)),
        ("\u{00f1}.txt", (b"composed".to_vec(), 0o644)),
        ("tools/run.sh", (b"#!/bin/sh\n".to_vec(), 0o755)),
        ("big.bin", (big, 0o644)),
        (long.as_str(), (b"deep".to_vec(), 0o644)),
    ]
    .into_iter()
    .map(|(name, file)| (name.to_owned(), file))
    .collect();
    let mut tar = tar::Builder::new(Vec::new());
    for (name, (bytes, mode)) in &wanted {
        let mut head = tar::Header::new_gnu();
        head.set_size(bytes.len() as u64);
        head.set_mode(*mode);
        tar.append_data(&mut head, name, &bytes[..]).unwrap();
    }
    let tar = tar.into_inner().unwrap();
    let sum: u64 = wanted.values().map(|(bytes, _)| bytes.len() as u64).sum();
    let put = machine.with(|api| archive::put(api, &machine.id, "course:/srv", &mut &tar[..])).unwrap();
    assert_eq!(put, sum);
    let mut back = Vec::new();
    assert_eq!(machine.with(|api| archive::get(api, &machine.id, "/srv", &mut back)).unwrap(), sum);
    assert!(files(&back) == wanted, "{:?}", files(&back).keys());
    // one file by itself, also where nothing runs
    machine.with(|api| run::stop(api, &machine.id, std::time::Duration::from_secs(1))).unwrap();
    let mut one = Vec::new();
    assert_eq!(machine.with(|api| archive::get(api, &machine.id, "/srv/a b.txt", &mut one)).unwrap(), 6);
    assert_eq!(files(&one)["a b.txt"].0, b"spaces");
    for path in ["/nowhere", "/srv/nothing here"] {
        let fault = machine.with(|api| archive::get(api, &machine.id, path, &mut Vec::new())).unwrap_err();
        assert_eq!(fault.code, FaultCode::NotFound, "{path}");
        let fault = machine.with(|api| archive::put(api, &machine.id, path, &mut &tar[..])).unwrap_err();
        assert_eq!(fault.code, FaultCode::NotFound, "{path}");
    }
    let fault =
        machine.with(|api| archive::get(api, &machine.id, "srv/../etc", &mut Vec::new())).unwrap_err();
    assert_eq!(fault.code, FaultCode::InvalidConfig);
}

/// A course whose image is built from a folder of its package, and one whose image lies there in a file.
#[test]
fn images_come_from_the_package() {
    let Some(mut machine) = Machine::new("package") else { return };
    let package = std::env::temp_dir().join(format!("kitbag-docker-package-{}", std::process::id()));
    std::fs::create_dir_all(package.join("binder")).unwrap();
    std::fs::write(package.join("binder/hello.txt"), "from the package").unwrap();
    let dockerfile = format!(
        "FROM {}\nARG WHO\nCOPY hello.txt /hello.txt\nRUN echo $WHO > /who\nCMD [\"sleep\",\"600\"]\n",
        image::NAME
    );
    std::fs::write(package.join("binder/Dockerfile"), dockerfile).unwrap();
    machine.engine.folders.insert("package".into(), package.clone());
    let built = r#"{"build":{"context":"binder","args":{"WHO":"a b"}},"course_version":"1"}"#;
    machine.up(&machine.spec(built, &[])).unwrap();
    assert_eq!(machine.exec(None, &["cat", "/hello.txt", "/who"]).unwrap().1, "from the packagea b\n");
    assert!(machine.host.steps.borrow().iter().any(|step| step.starts_with("image-")));
    let name = format!("{}-course", kitbag_plugin_docker::names::prefix(&machine.id));
    let (_, seen) = machine.engine.ask("GET", &format!("/v1.41/containers/{name}/json"), None);
    let image = seen["Config"]["Image"].as_str().unwrap().to_owned();

    // the same image, in a file
    let tag = format!("kitbag-test/loaded:{}", std::process::id());
    let (repository, version) = tag.split_once(':').unwrap();
    machine.engine.ask("POST", &format!("/v1.41/images/{image}/tag?repo={repository}&tag={version}"), None);
    let answer = kitbag_sdk::engine::Engine::call(
        &machine.engine,
        kitbag_sdk::engine::Request::new("GET", format!("/v1.41/images/{tag}/get")),
    );
    std::fs::write(package.join("image.tar"), answer.unwrap().bytes(64 << 20).unwrap()).unwrap();
    machine.with(|api| run::destroy(api, &machine.id)).unwrap();
    for name in [&tag, &image] {
        assert_eq!(machine.engine.ask("DELETE", &format!("/v1.41/images/{name}?force=1"), None).0, 200);
    }
    let loaded = serde_json::json!({ "image": tag, "file": "image.tar", "size_mb": 3 }).to_string();
    let what = machine.spec(&loaded, &[]);
    let plan = machine.with(|api| run::plan(api, &what)).unwrap();
    assert!(plan.summary.contains("3 MB"), "{}", plan.summary);
    assert!(plan.steps[0].contains("image.tar"), "{:?}", plan.steps);
    machine.up(&what).unwrap();
    assert_eq!(machine.exec(None, &["cat", "/hello.txt"]).unwrap().1, "from the package");

    // a file that holds something else
    machine.with(|api| run::destroy(api, &machine.id)).unwrap();
    let wrong = serde_json::json!({ "image": "kitbag-test/other:1", "file": "image.tar" }).to_string();
    let fault = machine.up(&machine.spec(&wrong, &[])).unwrap_err();
    assert_eq!(fault.code, FaultCode::NotFound, "{fault:?}");
    // a build that fails says what it said last
    std::fs::write(
        package.join("binder/Dockerfile"),
        format!("FROM {}\nRUN echo the reason; false\n", image::NAME),
    )
    .unwrap();
    let again = r#"{"build":"binder","course_version":"2"}"#;
    let fault = machine.up(&machine.spec(again, &[])).unwrap_err();
    assert_eq!(fault.code, FaultCode::ToolFailed);
    assert!(fault.detail.as_ref().unwrap().contains("the reason"), "{fault:?}");
    machine.engine.ask("DELETE", &format!("/v1.41/images/{tag}?force=1"), None);
    std::fs::remove_dir_all(package).unwrap();
}
