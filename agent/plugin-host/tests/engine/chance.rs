//! Bodies by chance: some of honest parts only, some with one that means harm. What the filter lets through is made
//! by a real engine, and what that says it made must keep the rules; what means harm must not get so far. A failure
//! names the seed: KITBAG_ENGINE_SEED=N replays it.

use serde_json::{Value, json};

use super::lab::{Lab, call};

/// xorshift64*; enough for choices.
struct Chance(u64);

impl Chance {
    fn below(&mut self, most: usize) -> usize {
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        usize::try_from(self.0.wrapping_mul(0x2545_F491_4F6C_DD1D) >> 33).unwrap() % most
    }
}

type Part = (&'static str, Value);

/// Parts of `HostConfig` that a course may want.
fn honest(volume: &str, net: &str) -> Vec<Part> {
    vec![
        ("Binds", json!(["{work}:/w", "{work}/notes:/w2:ro"])),
        ("Binds", json!([format!("{volume}:/v:nocopy"), "{data}:/d"])),
        ("Mounts", json!([{ "Type": "bind", "Source": "{work}/notes", "Target": "/m", "ReadOnly": true }])),
        ("Mounts", json!([{ "Type": "volume", "Source": volume, "Target": "/mv" }])),
        ("Mounts", json!([{ "Type": "volume", "Target": "/anonymous" }])),
        ("Mounts", json!([{ "Type": "tmpfs", "Target": "/t", "TmpfsOptions": { "SizeBytes": 65536 } }])),
        ("Tmpfs", json!({ "/run": "rw,noexec,size=1m" })),
        (
            "PortBindings",
            json!({ "80/tcp": [{ "HostPort": "45001" }], "81/udp": [{ "HostIp": "", "HostPort": "" }] }),
        ),
        (
            "PortBindings",
            json!({ "8888/tcp": [{ "HostIp": "127.0.0.1", "HostPort": "0" }, { "HostPort": "45003" }] }),
        ),
        ("NetworkMode", json!("none")),
        ("NetworkMode", json!("default")),
        ("NetworkMode", json!(net)),
        ("RestartPolicy", json!({ "Name": "on-failure", "MaximumRetryCount": 2 })),
        ("RestartPolicy", json!({ "Name": "no" })),
        ("Memory", json!(67_108_864)),
        ("NanoCpus", json!(500_000_000)),
        ("PidsLimit", json!(100)),
        ("ShmSize", json!(1_048_576)),
        ("Init", json!(true)),
        ("ReadonlyRootfs", json!(true)),
        ("CapDrop", json!(["ALL"])),
        ("SecurityOpt", json!(["no-new-privileges"])),
        ("IpcMode", json!("private")),
        ("LogConfig", json!({ "Type": "json-file", "Config": { "max-size": "1m" } })),
        ("Privileged", json!(false)),
        ("MaskedPaths", json!([])),
        ("ReadonlyPaths", json!([])),
        ("Devices", json!([])),
        ("CapAdd", json!(null)),
    ]
}

/// Parts an engine would take, and must not be given.
fn hostile(foreign: &str) -> Vec<Part> {
    vec![
        ("Privileged", json!(true)),
        ("privileged", json!(true)),
        ("CapAdd", json!(["SYS_ADMIN"])),
        ("capAdd", json!(["ALL"])),
        (
            "Devices",
            json!([{ "PathOnHost": "/dev/null", "PathInContainer": "/dev/x", "CgroupPermissions": "rwm" }]),
        ),
        ("DeviceCgroupRules", json!(["c 1:3 rwm"])),
        ("PidMode", json!("host")),
        ("IpcMode", json!("host")),
        ("UTSMode", json!("host")),
        ("UsernsMode", json!("host")),
        ("CgroupnsMode", json!("host")),
        ("NetworkMode", json!("host")),
        ("NetworkMode", json!(format!("container:{foreign}"))),
        ("VolumesFrom", json!([foreign])),
        ("Binds", json!(["/etc:/e"])),
        ("binds", json!(["/etc:/e"])),
        ("Binds", json!(["{work}/../..:/e"])),
        ("Binds", json!(["/var/run/docker.sock:/s"])),
        ("Mounts", json!([{ "Type": "bind", "Source": "/etc", "Target": "/e" }])),
        (
            "Mounts",
            json!([{ "Type": "volume", "Target": "/e", "VolumeOptions": { "DriverConfig": { "Name": "local", "Options": { "type": "none", "o": "bind", "device": "/etc" } } } }]),
        ),
        (
            "Mounts",
            json!([{ "Type": "bind", "Source": "{work}", "Target": "/e", "BindOptions": { "Propagation": "rshared" } }]),
        ),
        ("PortBindings", json!({ "80/tcp": [{ "HostIp": "0.0.0.0", "HostPort": "" }] })),
        ("PortBindings", json!({ "80/tcp": [{ "HostPort": "45100" }] })),
        ("PublishAllPorts", json!(true)),
        ("SecurityOpt", json!(["seccomp=unconfined"])),
        ("MaskedPaths", json!(["/nothing"])),
        ("Sysctls", json!({ "net.core.somaxconn": "1024" })),
        ("RestartPolicy", json!({ "Name": "always" })),
        ("GroupAdd", json!(["0"])),
        ("OomScoreAdj", json!(-1000)),
        ("CgroupParent", json!("/x")),
        ("ExtraHosts", json!(["a:1.2.3.4"])),
        ("LogConfig", json!({ "Type": "syslog" })),
        ("Runtime", json!("runc")),
    ]
}

/// The rules, read off what the engine says it made.
fn keeps(seen: &Value, lab: &Lab, net: &str, default: &Value) -> Result<(), String> {
    let host = &seen["HostConfig"];
    let empty = |value: &Value| match value {
        Value::Null => true,
        Value::Bool(flag) => !flag,
        Value::Number(number) => number.as_i64() == Some(0),
        Value::String(text) => text.is_empty(),
        Value::Array(list) => list.is_empty(),
        Value::Object(map) => map.is_empty(),
    };
    for key in [
        "Privileged",
        "CapAdd",
        "Devices",
        "DeviceCgroupRules",
        "DeviceRequests",
        "PidMode",
        "UTSMode",
        "UsernsMode",
        "VolumesFrom",
        "PublishAllPorts",
        "Sysctls",
        "GroupAdd",
        "OomScoreAdj",
        "CgroupParent",
        "ExtraHosts",
        "Links",
        "Binds",
        "VolumeDriver",
        "Ulimits",
        "StorageOpt",
    ] {
        if !empty(&host[key]) {
            return Err(format!("{key} is {}", host[key]));
        }
    }
    // What the engine hides and protects by itself must be as in a container nothing was asked for.
    for key in ["MaskedPaths", "ReadonlyPaths", "Runtime", "CgroupnsMode"] {
        if host[key] != default["HostConfig"][key] {
            return Err(format!("{key} is {}", host[key]));
        }
    }
    let one_of = |key: &str, good: &[&str]| {
        let is = host[key].as_str().unwrap_or_default();
        if good.contains(&is) { Ok(()) } else { Err(format!("{key} is {is}")) }
    };
    one_of("IpcMode", &["", "private", "none"])?;
    one_of("NetworkMode", &["default", "bridge", "none", net])?;
    for option in host["SecurityOpt"].as_array().into_iter().flatten() {
        if option != "no-new-privileges" {
            return Err(format!("SecurityOpt has {option}"));
        }
    }
    if !["", "no", "on-failure"].contains(&host["RestartPolicy"]["Name"].as_str().unwrap_or_default()) {
        return Err(format!("RestartPolicy is {}", host["RestartPolicy"]));
    }
    for one in host["PortBindings"].as_object().into_iter().flat_map(|map| map.values()) {
        for binding in one.as_array().into_iter().flatten() {
            let port = binding["HostPort"].as_str().unwrap_or_default();
            if binding["HostIp"] != "127.0.0.1" || !(port.is_empty() || port.starts_with("450")) {
                return Err(format!("a port is {binding}"));
            }
        }
    }
    for mount in seen["Mounts"].as_array().into_iter().flatten() {
        let source = mount["Source"].as_str().unwrap_or_default();
        match mount["Type"].as_str() {
            Some("bind") => {
                let granted = lab.bench.folder.path().to_str().unwrap();
                if !source.starts_with(&format!("{granted}/work"))
                    && !source.starts_with(&format!("{granted}/data"))
                {
                    return Err(format!("a bind is {mount}"));
                }
                if !["", "rprivate", "private"].contains(&mount["Propagation"].as_str().unwrap_or_default()) {
                    return Err(format!("a bind is {mount}"));
                }
            }
            Some("volume") => {
                let volume =
                    lab.direct("GET", &format!("/volumes/{}", mount["Name"].as_str().unwrap()), b"").1;
                if volume["Labels"]["org.kitbag.workspace"] != lab.tag.as_str() || !empty(&volume["Options"])
                {
                    return Err(format!("a volume is {volume}"));
                }
            }
            Some("tmpfs") => {}
            _ => return Err(format!("a mount is {mount}")),
        }
    }
    for (key, value) in [("workspace", lab.tag.as_str()), ("machine", "m1"), ("environment", "course")] {
        if seen["Config"]["Labels"][format!("org.kitbag.{key}")] != value {
            return Err(format!("the labels are {}", seen["Config"]["Labels"]));
        }
    }
    Ok(())
}

#[tokio::test]
async fn what_is_let_through_keeps_the_rules_in_a_real_engine() {
    let Some(lab) = Lab::open() else { return };
    let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap();
    let seed = match std::env::var("KITBAG_ENGINE_SEED") {
        Ok(text) => text.parse().unwrap(),
        Err(_) => u64::try_from(now.as_nanos() & 0xffff_ffff).unwrap() | 1,
    };
    println!("KITBAG_ENGINE_SEED={seed}");
    let mut chance = Chance(seed);
    let wire = lab.wire();
    let (volume, net) = (format!("{}-v", lab.tag), format!("{}-n", lab.tag));
    assert_eq!(call(&wire, "POST", "/volumes/create", json!({ "Name": volume })).await.unwrap().0, 201);
    assert_eq!(call(&wire, "POST", "/networks/create", json!({ "Name": net })).await.unwrap().0, 201);
    let foreign = lab.foreign("plain", json!({}));
    let default = lab.direct("GET", &format!("/containers/{foreign}/json"), b"").1;
    let (honest, hostile) = (honest(&volume, &net), hostile(&foreign));
    let (mut made, mut refused) = (0, 0);
    for round in 0..120 {
        let mut host = json!({});
        for _ in 0..=chance.below(5) {
            let (key, value) = honest[chance.below(honest.len())].clone();
            host[key] = value;
        }
        let harm = chance.below(3) == 0;
        if harm {
            let (key, value) = hostile[chance.below(hostile.len())].clone();
            host[key] = value;
        }
        let body = json!({ "Image": lab.image, "Cmd": ["/bin/busybox"], "Labels": { "org.kitbag.machine": "m2" }, "HostConfig": host });
        let answer = call(&lab.wire(), "POST", "/containers/create", body.clone()).await;
        let tell = format!("seed {seed}, round {round}: {body}");
        match answer {
            Err(why) => {
                assert!(harm, "{tell}\nwas refused: {why}");
                refused += 1;
            }
            Ok((status, said)) => {
                assert!(!harm, "{tell}\ngot through");
                assert_eq!(status, 201, "{tell}\n{said}");
                let id = said["Id"].as_str().unwrap();
                let seen = lab.direct("GET", &format!("/containers/{id}/json"), b"").1;
                if let Err(why) = keeps(&seen, &lab, &net, &default) {
                    panic!("{tell}\n{why}\n{seen}");
                }
                lab.direct("DELETE", &format!("/containers/{id}?force=1&v=1"), b"");
                made += 1;
            }
        }
    }
    assert!(made >= 40 && refused >= 15, "{made} made, {refused} refused: too few of one to say anything");
}
