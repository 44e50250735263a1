//! Honest requests, and what becomes of them: labels put on, folders and secrets filled in, short forms made long.

use kitbag_plugin_host::filter::{Carried, Want, fill};
use serde_json::{Value, json};

use super::{ALL, ask, create, grants, host};

/// What a course needs, as programs send it.
#[test]
fn every_honest_request_passes() {
    let whole = json!({
        "Hostname": "nb", "User": "1000:1000", "Tty": false, "AttachStdin": false, "Domainname": "", "OnBuild": null,
        "Env": ["JUPYTER_TOKEN={token}", "EMPTY="], "Cmd": ["jupyter", "lab"], "Entrypoint": null,
        "Image": "registry.example:5000/ou/tm351:26j", "Volumes": { "/cache": {} }, "WorkingDir": "/home/jovyan",
        "ExposedPorts": { "8888/tcp": {} }, "StopSignal": "SIGTERM", "StopTimeout": 10,
        "Labels": { "org.kitbag.workspace": "other", "uk.ac.open.service": "jupyter" },
        "Healthcheck": { "Test": ["CMD", "true"], "Interval": 1_000_000_000_u64, "Retries": 3 },
        "HostConfig": {
            "Binds": ["{work}:/home/jovyan/work", "{work}/openrefine:/refine:ro", "pgdata:/srv/data:nocopy"],
            "Mounts": [{ "Type": "volume", "Source": "more", "Target": "/more", "Consistency": "" },
                       { "Type": "tmpfs", "Target": "/tmp/x", "TmpfsOptions": { "SizeBytes": 1_000_000 } }],
            "PortBindings": { "8888/tcp": [{ "HostIp": "", "HostPort": "35180" }], "5432/tcp": [{ "HostIp": "127.0.0.1", "HostPort": "0" }] },
            "RestartPolicy": { "Name": "on-failure", "MaximumRetryCount": 3 }, "Memory": 2_147_483_648_u64,
            "NanoCpus": 2_000_000_000_u64, "ShmSize": 67_108_864, "Init": true, "Privileged": false, "CapAdd": null,
            "CapDrop": ["NET_RAW"], "SecurityOpt": ["no-new-privileges"], "NetworkMode": "default", "PidMode": "",
            "ConsoleSize": [0, 0], "LogConfig": { "Type": "", "Config": {} }, "Devices": [], "MaskedPaths": [],
            "Tmpfs": { "/run": "rw,noexec,size=64m" },
        },
        "NetworkingConfig": { "EndpointsConfig": { "kitbag-net": { "Aliases": ["jupyter"], "IPAMConfig": null } } },
    });
    let pass = create(whole).unwrap();
    assert_eq!(
        pass.checks.iter().map(|one| (one.name.as_str(), one.want)).collect::<Vec<_>>(),
        [("more", Want::Own), ("pgdata", Want::Own), ("kitbag-net", Want::Own)]
    );
    let Carried::Json(mut body) = pass.carried else { panic!() };
    let folders: Vec<_> = pass
        .sources
        .iter()
        .map(|one| (one.token.clone(), one.token.replace("{work}", "/home/a:b/work")))
        .collect();
    fill(&mut body, &folders, &grants(&ALL)).unwrap();
    let host = &body["HostConfig"];
    assert_eq!(body["Env"], json!(["JUPYTER_TOKEN=s3cr3t", "EMPTY="]));
    assert_eq!(body["Labels"]["org.kitbag.workspace"], "tm351");
    assert_eq!(body["Labels"]["org.kitbag.machine"], "m1");
    assert_eq!(body["Labels"]["org.kitbag.environment"], "course");
    assert_eq!(body["Labels"]["uk.ac.open.service"], "jupyter");
    assert!(
        host.get("Binds").is_none() && host.get("Privileged").is_none() && host.get("MaskedPaths").is_none()
    );
    assert_eq!(
        host["Mounts"][2],
        json!({ "Type": "bind", "Source": "/home/a:b/work", "Target": "/home/jovyan/work" })
    );
    assert_eq!(host["Mounts"][3]["Source"], "/home/a:b/work/openrefine");
    assert_eq!(host["Mounts"][3]["ReadOnly"], true);
    assert_eq!(host["Mounts"][4]["VolumeOptions"]["Labels"]["org.kitbag.machine"], "m1");
    assert_eq!(host["PortBindings"]["8888/tcp"], json!([{ "HostIp": "127.0.0.1", "HostPort": "35180" }]));
    assert_eq!(host["PortBindings"]["5432/tcp"], json!([{ "HostIp": "127.0.0.1", "HostPort": "" }]));

    let filters = "filters=%7B%22label%22%3A%7B%22a%3Db%22%3Atrue%7D%2C%22status%22%3A%5B%22running%22%5D%7D";
    let listed = format!("/containers/json?all=1&{filters}");
    for (method, target, body) in [
        ("GET", "/_ping", json!({})),
        ("HEAD", "/_ping", json!({})),
        ("GET", "/version", json!({})),
        ("GET", "/v1.51/info", json!({})),
        ("GET", "/images/json", json!({})),
        ("GET", "/images/registry.example:5000/ou/tm351:26j/json", json!({})),
        ("POST", "/images/create?fromImage=debian&tag=bookworm&platform=linux%2Farm64", json!({})),
        ("POST", "/images/load?quiet=1", json!({})),
        (
            "POST",
            "/build?t=kitbag/tm351:1&dockerfile=binder/Dockerfile&rm=1&buildargs=%7B%22A%22%3A%22b%22%7D",
            json!({}),
        ),
        ("DELETE", "/images/kitbag/tm351:1", json!({})),
        ("GET", &listed, json!({})),
        ("GET", "/containers/4f2a/json", json!({})),
        ("GET", "/containers/nb/logs?follow=1&stdout=1&stderr=1&tail=100&since=1700000000.5", json!({})),
        ("POST", "/containers/nb/start", json!({})),
        ("POST", "/containers/nb/stop?t=10", json!({})),
        ("POST", "/containers/nb/kill?signal=SIGKILL", json!({})),
        ("POST", "/containers/nb/wait?condition=not-running", json!({})),
        ("DELETE", "/containers/nb?v=1&force=1", json!({})),
        ("GET", "/containers/nb/archive?path=%2Fhome%2Fa%20b", json!({})),
        ("PUT", "/containers/nb/archive?path=%2F&noOverwriteDirNonDir=1", json!({})),
        ("HEAD", "/containers/nb/archive?path=%2Fx", json!({})),
        (
            "POST",
            "/containers/nb/exec",
            json!({ "Cmd": ["pg_dump"], "AttachStdout": true, "Privileged": false, "Env": ["A=b"] }),
        ),
        ("POST", "/exec/4f2a/start", json!({})),
        ("GET", "/exec/4f2a/json", json!({})),
        ("POST", "/containers/nb/attach?stream=1&stdin=1&stdout=1", json!({})),
        ("GET", "/volumes", json!({})),
        (
            "POST",
            "/volumes/create",
            json!({ "Name": "v", "Driver": "local", "DriverOpts": {}, "Labels": null }),
        ),
        ("GET", "/volumes/v", json!({})),
        ("DELETE", "/volumes/v?force=1", json!({})),
        (
            "POST",
            "/networks/create",
            json!({ "Name": "n", "Driver": "bridge", "IPAM": { "Driver": "default", "Config": [] }, "EnableIPv6": false }),
        ),
        ("DELETE", "/networks/n", json!({})),
    ] {
        let pass = ask(method, target, body.clone())
            .unwrap_or_else(|refusal| panic!("{method} {target}: {refusal}"));
        let made = matches!(target, "/volumes/create" | "/networks/create");
        if let (Carried::Json(body), true) = (&pass.carried, made) {
            assert_eq!(body["Labels"]["org.kitbag.environment"], "course", "{target}");
            assert_eq!(pass.checks[0].want, Want::OwnOrAbsent);
        }
    }
    let pass = ask("GET", &listed, json!({})).unwrap();
    let target = pass.target(&[]);
    assert!(target.contains("org.kitbag.workspace%3Dtm351") && target.contains("a%3Db"), "{target}");
    let pass = ask("POST", "/v1.45/containers/nb/stop?t=10", json!({})).unwrap();
    assert_eq!(pass.target(&[(1, "4f2a".to_owned())]), "/v1.45/containers/4f2a/stop?t=10");
    let pass = ask("POST", "/build?t=kitbag/a&labels=%7B%22org.kitbag.workspace%22%3A%22x%22%7D", json!({}))
        .unwrap();
    let target = pass.target(&[]);
    assert!(
        target.contains("org.kitbag.image.workspace") && !target.contains("org.kitbag.workspace"),
        "{target}"
    );
    host_ok(
        json!({ "DeviceRequests": [{ "Driver": "nvidia", "Count": -1, "Capabilities": [["gpu", "compute"]] }] }),
    );
}

fn host_ok(value: Value) {
    let _ = host(value).unwrap();
}

/// A container that is never started, through which one volume is read or written. Only the plugin's own volumes can be
/// in it, and what of it is asked for has to be its own too.
#[test]
fn what_copies_a_volume_passes_with_own_volumes_only() {
    let helper = |source: &str| {
        create(json!({
            "Image": "sha256:4f2a", "Cmd": ["kitbag"], "Labels": { "kitbag.docker.helper": "yes" },
            "HostConfig": { "NetworkMode": "none", "Mounts": [{
                "Type": "volume", "Source": source, "Target": "/kitbag-copy/data", "ReadOnly": true,
                "VolumeOptions": { "NoCopy": true },
            }] },
        }))
    };
    let pass = helper("kitbag-1-rows").unwrap();
    let checks: Vec<_> = pass.checks.iter().map(|one| (one.name.as_str(), one.want)).collect();
    assert_eq!(checks, [("kitbag-1-rows", Want::Own)]);
    let Carried::Json(body) = pass.carried else { panic!() };
    assert_eq!(body["Labels"]["org.kitbag.machine"], "m1");
    assert_eq!(body["HostConfig"]["Mounts"][0]["VolumeOptions"]["NoCopy"], true);
    for foreign in ["/var/lib/docker", "..", "a/b", "{work}"] {
        assert!(helper(foreign).is_err(), "{foreign}");
    }
    for (method, target) in [
        ("GET", "/containers/kitbag-1-copy-from/archive?path=%2Fkitbag-copy%2Fdata"),
        ("PUT", "/containers/kitbag-1-copy-to/archive?path=%2Fkitbag-copy"),
        ("DELETE", "/containers/kitbag-1-copy-to?force=1&v=1"),
        ("DELETE", "/volumes/kitbag-1-rows.g1"),
    ] {
        let pass = ask(method, target, json!({})).unwrap();
        assert_eq!((pass.checks.len(), pass.checks[0].want), (1, Want::Own), "{target}");
    }
}
