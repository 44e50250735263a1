//! The arrows of the house: core stands alone, the three crates above it do not know one another, and nothing
//! points back. Read from the manifests and from Cargo.lock, so that it holds for every system and not only
//! for the one the test runs on. Runs in .ci/run.

#![allow(clippy::unwrap_used)]
// A test may look at the disk; core itself may not.
#![allow(clippy::disallowed_methods, clippy::disallowed_types)]

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use toml::{Table, Value};

/// What would let core touch a clock, a disk, a network or a thread.
const FORBIDDEN: [&str; 4] = ["tokio", "rusqlite", "notify", "wasmtime"];

/// Each crate of the agent by its folder, and the folders its manifest may name.
const ARROWS: [(&str, &[&str]); 7] = [
    ("core", &[]),
    ("platform", &["core"]),
    ("store", &["core"]),
    ("plugin-host", &["core"]),
    ("engine", &["core", "platform", "store", "plugin-host"]),
    ("page", &["core", "platform", "store", "plugin-host", "engine"]),
    ("kitbag", &["core", "platform", "store", "plugin-host", "engine", "page"]),
];

fn table(file: &str) -> Table {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..").join(file);
    std::fs::read_to_string(path).unwrap().parse().unwrap()
}

/// What a manifest names for building and running, on any system; what only its tests need is left out.
fn named(manifest: &Table) -> BTreeSet<String> {
    let mut tables = vec![manifest];
    if let Some(Value::Table(targets)) = manifest.get("target") {
        tables.extend(targets.values().filter_map(Value::as_table));
    }
    let mut names = BTreeSet::new();
    for table in tables {
        for kind in ["dependencies", "build-dependencies"] {
            if let Some(Value::Table(dependencies)) = table.get(kind) {
                names.extend(dependencies.iter().map(|(key, value)| {
                    value.get("package").and_then(Value::as_str).unwrap_or(key).to_owned()
                }));
            }
        }
    }
    names
}

/// Every package that can be reached from `first` in Cargo.lock, under its name.
fn reached(lock: &Table, first: &BTreeSet<String>) -> BTreeSet<String> {
    let mut below: BTreeMap<&str, BTreeSet<&str>> = BTreeMap::new();
    for package in lock["package"].as_array().unwrap() {
        // Two versions of one name are taken together: what either reaches counts.
        let into = below.entry(package["name"].as_str().unwrap()).or_default();
        let names = package.get("dependencies").and_then(Value::as_array).into_iter().flatten();
        // "name", or "name version" where there are several
        into.extend(names.map(|entry| entry.as_str().unwrap().split(' ').next().unwrap()));
    }
    let mut found = BTreeSet::new();
    let mut todo: Vec<&str> = first.iter().map(String::as_str).collect();
    while let Some(name) = todo.pop() {
        if found.insert(name.to_owned()) {
            todo.extend(&below[name]);
        }
    }
    found
}

fn reached_by(folder: &str) -> BTreeSet<String> {
    reached(&table("Cargo.lock"), &named(&table(&format!("agent/{folder}/Cargo.toml"))))
}

#[test]
fn core_reaches_nothing_that_touches() {
    let core = reached_by("core");
    for forbidden in FORBIDDEN {
        assert!(!core.contains(forbidden), "kitbag-core reaches {forbidden}");
    }
    // The look itself works: it finds what core names, and what lies below that.
    for expected in ["blake3", "constant_time_eq", "serde_json", "itoa"] {
        assert!(core.contains(expected), "{expected} was not found below kitbag-core");
    }
    // And it would find the forbidden ones, for the engine does reach them.
    let engine = reached_by("engine");
    for forbidden in ["tokio", "rusqlite", "wasmtime"] {
        assert!(engine.contains(forbidden), "{forbidden} was not found below kitbag-engine");
    }
}

#[test]
fn arrows_run_one_way() {
    for (folder, allowed) in ARROWS {
        let manifest = table(&format!("agent/{folder}/Cargo.toml"));
        let ours: BTreeSet<String> =
            named(&manifest).into_iter().filter(|name| name.starts_with("kitbag")).collect();
        let allowed: BTreeSet<String> = allowed.iter().map(|name| format!("kitbag-{name}")).collect();
        assert!(ours.is_subset(&allowed), "agent/{folder} names {:?}", ours.difference(&allowed));
    }
}

#[test]
fn renamed_target_and_build_dependencies_are_seen() {
    let manifest = r#"
        [dependencies]
        other = { package = "tokio", version = "1" }
        [target.'cfg(windows)'.dependencies]
        notify = "9"
        [build-dependencies]
        cc = "1"
        [dev-dependencies]
        proptest = "1"
    "#;
    let names = named(&manifest.parse().unwrap());
    assert_eq!(names.into_iter().collect::<Vec<_>>(), ["cc", "notify", "tokio"]);
}

/// The features kitbag-core has where `package` is built, along these edges, as cargo itself works them out.
fn features_of_core(package: &str, edges: &str) -> BTreeSet<String> {
    let mut cargo = std::process::Command::new(env!("CARGO"));
    cargo.args(["tree", "--offline", "--locked", "--prefix", "none", "--format", "{p}|{f}"]);
    cargo.args(["--package", package, "--edges", edges]);
    let told = cargo.current_dir(env!("CARGO_MANIFEST_DIR")).output().unwrap();
    assert!(told.status.success(), "{}", String::from_utf8_lossy(&told.stderr));
    let text = String::from_utf8(told.stdout).unwrap();
    let of_core: Vec<_> = text.lines().filter(|line| line.starts_with("kitbag-core ")).collect();
    assert!(!of_core.is_empty(), "{package} is built without kitbag-core");
    let features = of_core.iter().filter_map(|line| line.split_once('|')).map(|(_, features)| features);
    let names = features.flat_map(|features| features.split([',', ' ', '(', ')', '*']));
    names.filter(|name| !name.is_empty()).map(str::to_owned).collect()
}

/// The switches that take a rule out are in no program: only the tests of core itself have them.
#[test]
fn no_program_has_the_switches_of_the_tests() {
    for program in ["kitbag", "kitbag-engine", "kitbag-page"] {
        let features = features_of_core(program, "normal,build");
        assert!(!features.contains("mutations"), "{program} is built with the switches");
    }
    assert!(features_of_core("kitbag-core", "normal,build,dev").contains("mutations"), "the look finds them");
}
