//! The filter of a container engine's API against a list of requests that mean harm, each by its name, and a list of
//! honest ones; and against chance: whatever body goes in, nothing that was not allowed comes out.

#![allow(clippy::unwrap_used)]

use std::collections::BTreeSet;

use kitbag_plugin_host::filter::{Carried, Owner, Pass, Reads, Refusal, Rules, Want, fill, read, route};
use kitbag_plugin_host::{EngineGrant, EngineRight, Grants, Secret};
use proptest::prelude::*;
use serde_json::{Value, json};

const ALL: [EngineRight; 5] = [
    EngineRight::ImagesBuild,
    EngineRight::ImagesLoad,
    EngineRight::ImagesSave,
    EngineRight::Networks,
    EngineRight::Gpu,
];

fn grants(rights: &[EngineRight]) -> Grants {
    Grants {
        folders: [("work".to_owned(), "/home/a:b/work".into()), ("data".to_owned(), "/d".into())].into(),
        secrets: [("token".to_owned(), Secret::new("s3cr3t"))].into(),
        ports: [35180].into(),
        engine: Some(EngineGrant {
            workspace: "tm351".into(),
            machine: "m1".into(),
            rights: rights.iter().copied().collect::<BTreeSet<_>>(),
        }),
        ..Grants::default()
    }
}

fn owner() -> Owner {
    Owner { workspace: "tm351".into(), machine: "m1".into(), environment: Some("course".into()) }
}

struct Request<'a> {
    method: &'a str,
    target: &'a str,
    headers: &'a [(&'a str, &'a str)],
    body: Value,
}

fn ask_with(rights: &[EngineRight], owner: &Owner, request: &Request<'_>) -> Result<Pass, Refusal> {
    let grants = grants(rights);
    let rules = Rules { grants: &grants, owner };
    let headers = request.headers.iter().map(|(name, value)| (*name, value.as_bytes()));
    let route = route(read(request.method, request.target, headers)?, rules)?;
    let text = request.body.to_string();
    let document = (route.reads() == Reads::Json).then_some(text.as_bytes());
    route.judge(document, rules)
}

fn ask(method: &str, target: &str, body: Value) -> Result<Pass, Refusal> {
    ask_with(&ALL, &owner(), &Request { method, target, headers: &[], body })
}

fn create(body: Value) -> Result<Pass, Refusal> {
    ask("POST", "/v1.41/containers/create?name=nb", body)
}

fn host(host: Value) -> Result<Pass, Refusal> {
    create(json!({ "Image": "a", "HostConfig": host }))
}

/// Every one of these must be refused. The name says what it tries.
fn hostile_bodies() -> Vec<(&'static str, Value)> {
    let mut all: Vec<(&'static str, Value)> = [
        ("privileged", json!({ "Privileged": true })),
        ("privileged in another case", json!({ "privileged": true })),
        ("privileged by a letter that folds", json!({ "Privi\u{2113}eged": true })),
        ("all capabilities", json!({ "CapAdd": ["ALL"] })),
        ("one capability", json!({ "CapAdd": ["SYS_ADMIN"] })),
        ("a device", json!({ "Devices": [{ "PathOnHost": "/dev/sda", "PathInContainer": "/dev/sda" }] })),
        ("device rules", json!({ "DeviceCgroupRules": ["a *:* rwm"] })),
        ("any device by CDI", json!({ "DeviceRequests": [{ "Driver": "cdi", "DeviceIDs": ["x"] }] })),
        ("a device request that is no gpu", json!({ "DeviceRequests": [{ "Count": -1, "Capabilities": [["tpu"]] }] })),
        ("a device request with options", json!({ "DeviceRequests": [{ "Capabilities": [["gpu"]], "Options": { "a": "b" } }] })),
        ("processes of this computer", json!({ "PidMode": "host" })),
        ("processes of another container", json!({ "PidMode": "container:other" })),
        ("memory of this computer", json!({ "IpcMode": "host" })),
        ("shared memory for others", json!({ "IpcMode": "shareable" })),
        ("memory of another container", json!({ "IpcMode": "container:other" })),
        ("network of this computer", json!({ "NetworkMode": "host" })),
        ("network of another container", json!({ "NetworkMode": "container:other" })),
        ("a network name space by path", json!({ "NetworkMode": "ns:/proc/1/ns/net" })),
        ("name of this computer", json!({ "UTSMode": "host" })),
        ("users of this computer", json!({ "UsernsMode": "host" })),
        ("control groups of this computer", json!({ "CgroupnsMode": "host" })),
        ("another parent of its control group", json!({ "CgroupParent": "/" })),
        ("the root of this computer", json!({ "Binds": ["/:/host"] })),
        ("the engine's socket", json!({ "Binds": ["/var/run/docker.sock:/var/run/docker.sock"] })),
        ("a home folder", json!({ "Binds": ["/home:/home:ro"] })),
        ("a drive", json!({ "Binds": ["C:\\:/host"] })),
        ("a path beside the token", json!({ "Binds": ["{work}/../..:/host"] })),
        ("a path behind the token", json!({ "Binds": ["{work}x:/host"] })),
        ("two tokens", json!({ "Binds": ["{work}{data}:/host"] })),
        ("a secret as a folder", json!({ "Binds": ["{token}:/host"] })),
        ("a folder that was not granted", json!({ "Binds": ["{home}:/host"] })),
        ("a doubled slash below a folder", json!({ "Binds": ["{work}//etc:/host"] })),
        ("a backslash below a folder", json!({ "Binds": ["{work}/..\\..:/host"] })),
        ("a mount that spreads", json!({ "Binds": ["{work}:/w:rshared"] })),
        ("a mount that follows", json!({ "Binds": ["{work}:/w:rslave"] })),
        ("a relabelled folder", json!({ "Binds": ["{work}:/w:Z"] })),
        ("the container's root", json!({ "Binds": ["{work}:/"] })),
        ("a target that climbs", json!({ "Binds": ["{work}:/a/../.."] })),
        ("four parts", json!({ "Binds": ["{work}:/w:ro:/x"] })),
        ("no source", json!({ "Binds": [":/w"] })),
        ("a bind that is no text", json!({ "Binds": [{ "Source": "/" }] })),
        ("binds that are no list", json!({ "Binds": "/:/host" })),
        ("a long bind of the root", json!({ "Mounts": [{ "Type": "bind", "Source": "/", "Target": "/host" }] })),
        ("a long bind in another case", json!({ "Mounts": [{ "type": "bind", "Source": "/", "Target": "/host" }] })),
        ("a bind with a type in capitals", json!({ "Mounts": [{ "Type": "BIND", "Source": "/", "Target": "/host" }] })),
        ("a made mount point", json!({ "Mounts": [{ "Type": "bind", "Source": "{work}", "Target": "/w", "BindOptions": { "CreateMountpoint": true } }] })),
        ("a long bind that spreads", json!({ "Mounts": [{ "Type": "bind", "Source": "{work}", "Target": "/w", "BindOptions": { "Propagation": "shared" } }] })),
        ("a volume that binds", json!({ "Mounts": [{ "Type": "volume", "Source": "v", "Target": "/v", "VolumeOptions": { "DriverConfig": { "Name": "local", "Options": { "type": "none", "o": "bind", "device": "/" } } } }] })),
        ("a volume beside its place", json!({ "Mounts": [{ "Type": "volume", "Source": "v", "Target": "/v", "VolumeOptions": { "Subpath": "../.." } }] })),
        ("a volume that is a path", json!({ "Mounts": [{ "Type": "volume", "Source": "/etc", "Target": "/v" }] })),
        ("a named pipe", json!({ "Mounts": [{ "Type": "npipe", "Source": "\\\\.\\pipe\\docker_engine", "Target": "/p" }] })),
        ("a cluster volume", json!({ "Mounts": [{ "Type": "cluster", "Source": "v", "Target": "/p" }] })),
        ("a mounted image", json!({ "Mounts": [{ "Type": "image", "Source": "a", "Target": "/p" }] })),
        ("bind options on a volume", json!({ "Mounts": [{ "Type": "volume", "Source": "v", "Target": "/v", "BindOptions": { "NonRecursive": true } }] })),
        ("memory with a source", json!({ "Mounts": [{ "Type": "tmpfs", "Source": "/etc", "Target": "/v" }] })),
        ("memory with a bind in its options", json!({ "Tmpfs": { "/t": "bind" } })),
        ("memory over a climbing path", json!({ "Tmpfs": { "/../t": "" } })),
        ("volumes of another container", json!({ "VolumesFrom": ["other"] })),
        ("another volume driver", json!({ "VolumeDriver": "evil" })),
        ("all ports to everybody", json!({ "PublishAllPorts": true })),
        ("a port to everybody", json!({ "PortBindings": { "80/tcp": [{ "HostIp": "0.0.0.0", "HostPort": "35180" }] } })),
        ("a port to everybody, IPv6", json!({ "PortBindings": { "80/tcp": [{ "HostIp": "::", "HostPort": "" }] } })),
        ("an address that is written oddly", json!({ "PortBindings": { "80/tcp": [{ "HostIp": "127.1", "HostPort": "" }] } })),
        ("a port that was not granted", json!({ "PortBindings": { "80/tcp": [{ "HostPort": "22" }] } })),
        ("a range of ports", json!({ "PortBindings": { "80/tcp": [{ "HostPort": "35180-36000" }] } })),
        ("a port with a sign", json!({ "PortBindings": { "80/tcp": [{ "HostPort": "+35180" }] } })),
        ("a range of inner ports", json!({ "PortBindings": { "80-90/tcp": [{}] } })),
        ("no confinement", json!({ "SecurityOpt": ["seccomp=unconfined"] })),
        ("no labels of the system", json!({ "SecurityOpt": ["label=disable"] })),
        ("paths that are not masked", json!({ "SecurityOpt": ["systempaths=unconfined"] })),
        ("other masked paths", json!({ "MaskedPaths": ["/x"] })),
        ("other read-only paths", json!({ "ReadonlyPaths": ["/x"] })),
        ("a kernel setting", json!({ "Sysctls": { "net.ipv4.ip_forward": "1" } })),
        ("another runtime", json!({ "Runtime": "evil" })),
        ("annotations for a runtime", json!({ "Annotations": { "run.oci.hooks": "x" } })),
        ("a log that is sent away", json!({ "LogConfig": { "Type": "syslog", "Config": { "syslog-address": "tcp://evil" } } })),
        ("a log with a path", json!({ "LogConfig": { "Type": "json-file", "Config": { "path": "/etc" } } })),
        ("one that comes back by itself", json!({ "RestartPolicy": { "Name": "always" } })),
        ("one that comes back unless stopped", json!({ "RestartPolicy": { "Name": "unless-stopped" } })),
        ("a link to another container", json!({ "Links": ["other:db"] })),
        ("more groups", json!({ "GroupAdd": ["docker"] })),
        ("one that outlives when memory ends", json!({ "OomKillDisable": true })),
        ("names for addresses", json!({ "ExtraHosts": ["bank.example:10.0.0.1"] })),
        ("a key of tomorrow", json!({ "FutureHostThing": { "Enable": true } })),
        ("storage options", json!({ "StorageOpt": { "size": "1" } })),
        ("limits of the system", json!({ "Ulimits": [{ "Name": "core", "Soft": -1, "Hard": -1 }] })),
    ]
    .into_iter()
    .map(|(name, host)| (name, json!({ "Image": "a", "HostConfig": host })))
    .collect();
    all.extend([
        ("another's label", json!({ "Image": "a", "Labels": { "com.docker.compose.project": "x" } })),
        ("a label that updates by itself", json!({ "Image": "a", "Labels": { "io.containers.autoupdate": "registry" } })),
        ("a label that is no text", json!({ "Image": "a", "Labels": { "a": ["b"] } })),
        ("a bind in lower case", json!({ "Image": "a", "hostconfig": { "Binds": ["/:/host"] } })),
        ("no image", json!({ "HostConfig": {} })),
        ("an image that is a path", json!({ "Image": "../../x" })),
        ("an anonymous volume with options", json!({ "Image": "a", "Volumes": { "/v": { "device": "/" } } })),
        ("a variable without a name", json!({ "Image": "a", "Env": ["=x"] })),
        ("a variable without a value", json!({ "Image": "a", "Env": ["DOCKER_HOST"] })),
        ("a NUL in a command", json!({ "Image": "a", "Cmd": ["a\u{0}b"] })),
        ("a command by ONBUILD", json!({ "Image": "a", "OnBuild": ["RUN x"] })),
        ("another hardware address", json!({ "Image": "a", "MacAddress": "02:42:ac:11:00:02" })),
        ("a fixed address", json!({ "Image": "a", "NetworkingConfig": { "EndpointsConfig": { "bridge": { "IPAMConfig": { "IPv4Address": "172.17.0.9" } } } } })),
        ("options of a driver", json!({ "Image": "a", "NetworkingConfig": { "EndpointsConfig": { "bridge": { "DriverOpts": { "a": "b" } } } } })),
        ("this computer's network beside", json!({ "Image": "a", "NetworkingConfig": { "EndpointsConfig": { "host": {} } } })),
        ("a list for a body", json!([])),
        ("a text for a body", json!("Privileged")),
    ]);
    all
}

#[test]
fn every_hostile_body_is_refused() {
    let all = hostile_bodies();
    for (name, body) in &all {
        let answer = create(body.clone());
        assert!(answer.is_err(), "{name} got through: {body}");
    }
    assert!(all.len() >= 80, "{}", all.len());
}

#[test]
fn every_hostile_request_is_refused() {
    let labelled = json!({ "Name": "v" });
    let long = format!("/containers/{}/json", "a".repeat(200));
    let endless = format!("/containers/json?filters={}", "a".repeat(20_000));
    let all: Vec<(&str, &str, &str, Value)> = vec![
        ("old semantics", "POST", "/v1.23/containers/a/start", json!({})),
        ("a version that is none", "GET", "/v1.041/version", json!({})),
        ("a version behind a version", "GET", "/v1.41/v1.41/version", json!({})),
        ("version 2", "GET", "/v2/version", json!({})),
        ("only a version", "GET", "/v1.41", json!({})),
        ("up and down", "GET", "/v1.41/../containers/a/json", json!({})),
        ("two slashes", "GET", "//containers/a/json", json!({})),
        ("two slashes inside", "GET", "/containers//a/json", json!({})),
        ("a dot", "GET", "/containers/./a/json", json!({})),
        ("encoded dots", "GET", "/containers/%2e%2e/volumes", json!({})),
        ("an encoded slash", "GET", "/containers/a%2fjson", json!({})),
        ("an encoded letter", "POST", "/containers/%61/start", json!({})),
        ("a slash at the end", "GET", "/containers/a/json/", json!({})),
        ("a backslash", "GET", "/containers\\a\\json", json!({})),
        ("a very long name", "GET", &long, json!({})),
        ("a very long query", "GET", &endless, json!({})),
        ("a key twice", "GET", "/containers/json?all=0&all=1", json!({})),
        ("a key twice in two cases", "POST", "/images/create?fromImage=a&fromimage=b", json!({})),
        ("a key without a value", "GET", "/containers/json?all", json!({})),
        ("a semicolon between", "POST", "/images/create?fromImage=a;fromSrc=http://x", json!({})),
        ("half an escape", "GET", "/containers/json?filters=%7", json!({})),
        ("bytes that are no text", "GET", "/containers/json?filters=%ff", json!({})),
        ("an encoded key", "POST", "/images/create?%66romSrc=x", json!({})),
        ("another method", "PATCH", "/containers/a/json", json!({})),
        ("a method in small letters", "get", "/version", json!({})),
        ("all events", "GET", "/events", json!({})),
        ("programs of this computer", "GET", "/containers/a/top?ps_args=aux", json!({})),
        ("a container changed", "POST", "/containers/a/update", json!({ "Memory": 1 })),
        ("containers cleared away", "POST", "/containers/prune", json!({})),
        ("volumes cleared away", "POST", "/volumes/prune", json!({})),
        ("images cleared away", "POST", "/images/prune", json!({})),
        ("all cleared away", "POST", "/system/prune", json!({})),
        ("another name", "POST", "/containers/a/rename?name=b", json!({})),
        ("an image of a container", "POST", "/commit?container=a", json!({})),
        ("an image under another's name", "POST", "/images/a/tag?repo=debian", json!({})),
        ("an image sent away", "POST", "/images/a/push", json!({})),
        ("a swarm", "POST", "/swarm/init", json!({})),
        ("a service", "POST", "/services/create", json!({})),
        ("a secret", "GET", "/secrets", json!({})),
        ("a node", "GET", "/nodes", json!({})),
        ("a plugin of the engine", "POST", "/plugins/pull?remote=x", json!({})),
        ("a session", "POST", "/session", json!({})),
        ("grpc", "POST", "/grpc", json!({})),
        ("a password", "POST", "/auth", json!({})),
        ("a web socket", "GET", "/containers/a/attach/ws", json!({})),
        ("an image from an address", "POST", "/images/create?fromSrc=http://169.254.169.254/x", json!({})),
        ("an image changed on the way", "POST", "/images/create?fromImage=a&changes=USER%20root", json!({})),
        ("a build from an address", "POST", "/build?t=kitbag/a&remote=http://x", json!({})),
        ("a build in this computer's network", "POST", "/build?t=kitbag/a&networkmode=host", json!({})),
        ("a build by another builder", "POST", "/build?t=kitbag/a&version=2", json!({})),
        ("a build under another's name", "POST", "/build?t=debian", json!({})),
        ("a build without a name", "POST", "/build", json!({})),
        ("a build file outside", "POST", "/build?t=kitbag/a&dockerfile=../../etc/passwd", json!({})),
        ("names in a build", "POST", "/build?t=kitbag/a&extrahosts=a:1.2.3.4", json!({})),
        ("links taken away", "DELETE", "/containers/a?link=1", json!({})),
        (
            "a volume that binds",
            "POST",
            "/volumes/create",
            json!({ "Name": "v", "DriverOpts": { "type": "none", "o": "bind", "device": "/" } }),
        ),
        ("a volume of another driver", "POST", "/volumes/create", json!({ "Name": "v", "Driver": "nfs" })),
        (
            "a volume in the cluster",
            "POST",
            "/volumes/create",
            json!({ "Name": "v", "ClusterVolumeSpec": { "Group": "a" } }),
        ),
        ("a volume that is a path", "POST", "/volumes/create", json!({ "Name": "/etc" })),
        ("a volume without a name", "POST", "/volumes/create", json!({})),
        ("a volume changed", "PUT", "/volumes/v", labelled.clone()),
        (
            "a network of another driver",
            "POST",
            "/networks/create",
            json!({ "Name": "n", "Driver": "macvlan" }),
        ),
        (
            "a network open to everybody",
            "POST",
            "/networks/create",
            json!({ "Name": "n", "Options": { "com.docker.network.bridge.host_binding_ipv4": "0.0.0.0" } }),
        ),
        (
            "a network of chosen addresses",
            "POST",
            "/networks/create",
            json!({ "Name": "n", "IPAM": { "Config": [{ "Subnet": "10.0.0.0/8" }] } }),
        ),
        (
            "a network to join from outside",
            "POST",
            "/networks/create",
            json!({ "Name": "n", "Attachable": true }),
        ),
        ("a network of a swarm", "POST", "/networks/create", json!({ "Name": "n", "Ingress": true })),
        ("another container in a network", "POST", "/networks/n/connect", json!({ "Container": "other" })),
        ("a privileged command", "POST", "/containers/a/exec", json!({ "Cmd": ["id"], "Privileged": true })),
        ("keys that detach", "POST", "/containers/a/exec", json!({ "Cmd": ["id"], "DetachKeys": "ctrl-a" })),
        ("a command that has no id", "GET", "/exec/nothex!/json", json!({})),
        (
            "a filter that takes away",
            "GET",
            "/containers/json?filters=%7B%22label!%22%3A%5B%22a%22%5D%7D",
            json!({}),
        ),
        ("a filter that is no object", "GET", "/containers/json?filters=%5B%5D", json!({})),
        (
            "a filter that says no",
            "GET",
            "/containers/json?filters=%7B%22label%22%3A%7B%22a%22%3Afalse%7D%7D",
            json!({}),
        ),
    ];
    for (name, method, target, body) in &all {
        let answer = ask(method, target, body.clone());
        assert!(answer.is_err(), "{name} got through: {method} {target} {body}");
    }
    for (name, value) in [
        ("x-registry-auth", "e30="),
        ("x-registry-config", "e30="),
        ("transfer-encoding", "chunked"),
        ("upgrade", "tcp"),
        ("connection", "upgrade"),
        ("expect", "100-continue"),
        ("x-http-method-override", "POST"),
        ("kitbag-start", "{}"),
    ] {
        let request =
            Request { method: "GET", target: "/version", headers: &[(name, value)], body: json!({}) };
        assert!(ask_with(&ALL, &owner(), &request).is_err(), "the header {name} got through");
    }
    for start in
        ["{\"Detach\":false,\"DetachKeys\":\"a\"}", "[]", "{", "{\"Tty\":1}", "{\"Privileged\":true}"]
    {
        let headers = [("kitbag-start", start)];
        let request =
            Request { method: "POST", target: "/exec/4f2a/start", headers: &headers, body: json!({}) };
        assert!(ask_with(&ALL, &owner(), &request).is_err(), "{start} got through");
    }
}

#[test]
fn what_needs_a_grant_of_its_own_is_refused_without() {
    for (right, method, target, body) in [
        (EngineRight::ImagesBuild, "POST", "/build?t=kitbag/a", json!({})),
        (EngineRight::ImagesBuild, "DELETE", "/images/kitbag/a", json!({})),
        (EngineRight::ImagesLoad, "POST", "/images/load", json!({})),
        (EngineRight::ImagesSave, "GET", "/images/a/b:c/get", json!({})),
        (EngineRight::ImagesSave, "GET", "/containers/a/export", json!({})),
        (EngineRight::Networks, "POST", "/networks/create", json!({ "Name": "n" })),
        (EngineRight::Networks, "GET", "/networks", json!({})),
        (
            EngineRight::Networks,
            "POST",
            "/containers/create",
            json!({ "Image": "a", "HostConfig": { "NetworkMode": "n" } }),
        ),
        (
            EngineRight::Gpu,
            "POST",
            "/containers/create",
            json!({ "Image": "a", "HostConfig": { "DeviceRequests": [{ "Count": -1, "Capabilities": [["gpu"]] }] } }),
        ),
    ] {
        let request = Request { method, target, headers: &[], body };
        let others: Vec<EngineRight> = ALL.into_iter().filter(|one| *one != right).collect();
        let refusal = ask_with(&others, &owner(), &request).unwrap_err();
        assert!(refusal.to_string().contains(right.as_str()), "{target}: {refusal}");
        ask_with(&[right], &owner(), &request).unwrap();
    }
}

#[test]
fn nothing_is_made_for_no_environment() {
    let nobody = Owner { environment: None, ..owner() };
    for (target, body) in [
        ("/containers/create", json!({ "Image": "a" })),
        ("/volumes/create", json!({ "Name": "v" })),
        ("/build?t=kitbag/a", json!({})),
        ("/containers/a/exec", json!({ "Cmd": ["id"] })),
    ] {
        let request = Request { method: "POST", target, headers: &[], body };
        assert!(ask_with(&ALL, &nobody, &request).is_err(), "{target}");
        ask_with(&ALL, &owner(), &request).unwrap();
    }
    let request = Request { method: "GET", target: "/containers/json", headers: &[], body: json!({}) };
    let pass = ask_with(&ALL, &nobody, &request).unwrap();
    assert!(pass.target(&[]).contains("org.kitbag.machine") && !pass.target(&[]).contains("environment"));
}

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
