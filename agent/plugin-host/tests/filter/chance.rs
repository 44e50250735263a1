//! Bodies and paths by chance: nothing that was not allowed comes out.

use kitbag_plugin_host::filter::Carried;
use proptest::prelude::*;
use serde_json::{Value, json};

use super::{ALL, Request, ask_with, create, owner};

/// Everything a body may hold when it comes out, whatever went in.
fn allowed(body: &Value) -> Result<(), String> {
    let host = &body["HostConfig"];
    for key in [
        "Privileged",
        "CapAdd",
        "Devices",
        "PidMode",
        "UTSMode",
        "UsernsMode",
        "VolumesFrom",
        "Binds",
        "Runtime",
    ] {
        if host.get(key).is_some() {
            return Err(format!("{key} came out"));
        }
    }
    for mount in host["Mounts"].as_array().into_iter().flatten() {
        let source = mount["Source"].as_str().unwrap_or_default();
        if mount["Type"] == "bind" && !source.starts_with("{work}") || source.contains("..") {
            return Err(format!("the mount {mount} came out"));
        }
        if !mount["VolumeOptions"]["DriverConfig"].is_null() {
            return Err(format!("the driver of {mount} came out"));
        }
    }
    for binding in host["PortBindings"].as_object().into_iter().flat_map(|map| map.values()) {
        for one in binding.as_array().into_iter().flatten() {
            if one["HostIp"] != "127.0.0.1" {
                return Err(format!("the port {one} came out"));
            }
        }
    }
    let mode = host["NetworkMode"].as_str().unwrap_or("bridge");
    if mode == "host" || mode.contains(':') {
        return Err(format!("the network {mode} came out"));
    }
    if body["Labels"]["org.kitbag.machine"] != "m1" {
        return Err("the labels are not ours".to_owned());
    }
    Ok(())
}

/// Values that have something of the keys they are put under.
fn value() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        (-2_i64..40_000).prop_map(Value::from),
        prop::sample::select(vec![
            "",
            "host",
            "bridge",
            "none",
            "private",
            "{work}",
            "{work}/a",
            "{work}/..",
            "/",
            "/etc",
            "/w",
            "v",
            "local",
            "bind",
            "volume",
            "tmpfs",
            "{work}:/w",
            "{work}:/w:ro",
            "/:/host",
            "v:/v",
            "127.0.0.1",
            "0.0.0.0",
            "35180",
            "container:x",
            "rshared",
            "ALL",
            "seccomp=unconfined",
            "a=b",
            "debian",
        ])
        .prop_map(Value::from),
    ];
    leaf.prop_recursive(4, 64, 6, |inner| {
        let keys = prop::sample::select(vec![
            "Type",
            "Source",
            "Target",
            "BindOptions",
            "Propagation",
            "VolumeOptions",
            "DriverConfig",
            "HostIp",
            "HostPort",
            "80/tcp",
            "8888/tcp",
            "Name",
            "Config",
            "Labels",
            "ReadOnly",
            "bridge",
            "EndpointsConfig",
        ]);
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..4).prop_map(Value::from),
            prop::collection::btree_map(keys, inner, 0..5)
                .prop_map(|map| map.into_iter().map(|(key, value)| (key.to_owned(), value)).collect()),
        ]
    })
}

const HOST_KEYS: [&str; 20] = [
    "Binds",
    "Mounts",
    "PortBindings",
    "NetworkMode",
    "Privileged",
    "privileged",
    "CapAdd",
    "CapDrop",
    "Devices",
    "PidMode",
    "IpcMode",
    "UTSMode",
    "UsernsMode",
    "VolumesFrom",
    "Runtime",
    "SecurityOpt",
    "RestartPolicy",
    "Tmpfs",
    "LogConfig",
    "Memory",
];

proptest! {
    #![proptest_config(ProptestConfig { cases: 4000, ..ProptestConfig::default() })]

    #[test]
    fn nothing_that_was_not_allowed_comes_out(
        keys in prop::collection::vec((prop::sample::select(HOST_KEYS.to_vec()), value()), 0..4),
        top in prop::collection::vec((prop::sample::select(vec!["Env", "Cmd", "Labels", "Volumes", "NetworkingConfig", "hostConfig"]), value()), 0..2),
    ) {
        let host: Value = keys.into_iter().map(|(key, value)| (key.to_owned(), value)).collect();
        let mut body = json!({ "Image": "a", "HostConfig": host });
        for (key, value) in top {
            body[key] = value;
        }
        if let Ok(pass) = create(body.clone()) {
            let Carried::Json(out) = pass.carried else { panic!() };
            prop_assert!(allowed(&out).is_ok(), "{:?}\n{body}\n{out}", allowed(&out));
        }
    }

    #[test]
    fn no_path_is_read_in_two_ways(path in "[/a-z.%0-9A-F?&=;:\\\\]{0,40}") {
        for method in ["GET", "POST", "DELETE"] {
            let request = Request { method, target: &path, headers: &[], body: json!({ "Image": "a", "Name": "a" }) };
            if let Ok(pass) = ask_with(&ALL, &owner(), &request) {
                let target = pass.target(&[]);
                prop_assert!(!target.contains("..") && !target.contains("//"), "{path} became {target}");
                prop_assert_eq!(target.split('?').next(), path.split('?').next());
            }
        }
    }
}
