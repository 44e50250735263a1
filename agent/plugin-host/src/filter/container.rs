//! A container to be made: what runs in it is the course's business, what it sees of this computer is not.

use serde_json::{Value, json};

use super::body::env;
use super::keys::{
    Judge, Look, as_text, each, flag, like, map, object, own_labels, place, text, texts, whole,
};
use super::{mounts, network, pattern};
use crate::grants::EngineRight;

/// The address of this computer that only it can reach.
const LOOPBACK: &str = "127.0.0.1";

const CONFIG: &[(&str, Judge)] = &[
    ("Hostname", |value, _| like(value, pattern::name)),
    ("Domainname", |value, _| like(value, pattern::name)),
    ("User", text),
    ("AttachStdin", flag),
    ("AttachStdout", flag),
    ("AttachStderr", flag),
    ("Tty", flag),
    ("OpenStdin", flag),
    ("StdinOnce", flag),
    ("Env", env),
    ("Cmd", texts),
    ("Entrypoint", texts),
    ("Image", |value, _| like(value, pattern::reference)),
    ("Labels", own_labels),
    ("Volumes", mounts::anonymous),
    ("WorkingDir", place),
    ("ExposedPorts", |value, look| map(value, look, pattern::port, |one, look| object(one, &[], look))),
    ("StopSignal", |value, _| like(value, pattern::word)),
    ("StopTimeout", whole),
    ("Healthcheck", |value, look| object(value, HEALTH, look)),
    ("NetworkDisabled", flag),
    ("HostConfig", host),
    ("NetworkingConfig", |value, look| object(value, &[("EndpointsConfig", network::endpoints)], look)),
];

const HEALTH: &[(&str, Judge)] = &[
    ("Test", texts),
    ("Interval", whole),
    ("Timeout", whole),
    ("Retries", whole),
    ("StartPeriod", whole),
    ("StartInterval", whole),
];

const HOST: &[(&str, Judge)] = &[
    // Judged with the mounts they become.
    ("Binds", |_, _| Ok(Value::Null)),
    ("Mounts", |value, look| each(value, look, mounts::mount)),
    ("Tmpfs", mounts::tmpfs),
    ("PortBindings", ports),
    ("NetworkMode", network::mode),
    ("RestartPolicy", |value, look| {
        object(
            value,
            &[
                ("Name", |one, _| like(one, |text| matches!(text, "no" | "on-failure"))),
                ("MaximumRetryCount", whole),
            ],
            look,
        )
    }),
    ("AutoRemove", flag),
    ("Init", flag),
    ("ReadonlyRootfs", flag),
    ("Memory", whole),
    ("MemoryReservation", whole),
    ("MemorySwap", whole),
    ("NanoCpus", whole),
    ("CpuShares", whole),
    ("CpuPeriod", whole),
    ("CpuQuota", whole),
    ("PidsLimit", whole),
    ("ShmSize", whole),
    ("CapDrop", |value, look| each(value, look, |one, _| like(one, pattern::word))),
    ("SecurityOpt", |value, look| each(value, look, security)),
    ("IpcMode", |value, _| like(value, |text| matches!(text, "private" | "none"))),
    ("CgroupnsMode", |value, _| like(value, |text| text == "private")),
    ("Isolation", |value, _| like(value, |text| text == "default")),
    ("LogConfig", |value, look| object(value, LOG, look)),
    ("DeviceRequests", |value, look| each(value, look, gpu)),
];

const LOG: &[(&str, Judge)] = &[
    ("Type", |value, _| like(value, |text| matches!(text, "json-file" | "local"))),
    ("Config", |value, look| {
        map(value, look, |key| matches!(key, "max-size" | "max-file"), |one, _| like(one, pattern::word))
    }),
];

const GPU: &[(&str, Judge)] = &[
    ("Driver", |value, _| like(value, |text| text == "nvidia")),
    ("Count", whole),
    ("DeviceIDs", |value, look| each(value, look, |one, _| like(one, pattern::name))),
    ("Capabilities", |value, look| {
        each(value, look, |set, look| {
            each(set, look, |one, _| {
                like(one, |text| matches!(text, "gpu" | "nvidia" | "compute" | "utility"))
            })
        })
    }),
];

/// Judge a container; gives it as it is sent.
pub fn judge(value: &Value, look: &mut Look<'_>) -> Result<Value, String> {
    let mut out = object(value, CONFIG, look)?;
    if out.get("Image").is_none() {
        return Err("Image: it is missing".to_owned());
    }
    if out.get("Labels").is_none() {
        out["Labels"] = own_labels(&Value::Null, look)?;
    }
    if out.get("HostConfig").is_none() {
        out["HostConfig"] = mounts::empty();
    }
    Ok(out)
}

fn host(value: &Value, look: &mut Look<'_>) -> Result<Value, String> {
    let mut out = object(value, HOST, look)?;
    if let Some(binds) = value.get("Binds").filter(|binds| !binds.is_null()) {
        let short = mounts::binds(binds, look).map_err(|why| format!("Binds: {why}"))?;
        if !out["Mounts"].is_array() {
            out["Mounts"] = json!([]);
        }
        if let Value::Array(all) = &mut out["Mounts"] {
            all.extend(short);
        }
    }
    if let Value::Array(all) = &out["Mounts"] {
        if all.len() > 64 {
            return Err("Mounts: there are more than 64".to_owned());
        }
    } else if let Value::Object(map) = &mut out {
        map.remove("Mounts");
    }
    Ok(out)
}

/// Ports of this computer: only those granted or one the engine chooses, only where this computer alone reaches them.
fn ports(value: &Value, look: &mut Look<'_>) -> Result<Value, String> {
    map(value, look, pattern::port, |list, look| {
        if list.is_null() {
            return Ok(json!([]));
        }
        each(list, look, |one, look| {
            let mut binding = object(one, &[("HostIp", address), ("HostPort", number)], look)?;
            binding["HostIp"] = LOOPBACK.into();
            Ok(binding)
        })
    })
}

fn address(value: &Value, _: &mut Look<'_>) -> Result<Value, String> {
    like(value, |text| text == LOOPBACK)
}

fn number(value: &Value, look: &mut Look<'_>) -> Result<Value, String> {
    let text = as_text(value)?;
    if matches!(text, "" | "0") {
        return Ok("".into());
    }
    match text.parse::<u16>() {
        Ok(port) if port.to_string() == text && look.rules.grants.ports.contains(&port) => Ok(value.clone()),
        _ => Err(format!("the port \"{text}\" was not granted")),
    }
}

fn security(value: &Value, _: &mut Look<'_>) -> Result<Value, String> {
    like(value, |text| {
        matches!(text, "no-new-privileges" | "no-new-privileges:true" | "no-new-privileges=true")
    })
}

fn gpu(value: &Value, look: &mut Look<'_>) -> Result<Value, String> {
    let granted =
        look.rules.grants.engine.as_ref().is_some_and(|engine| engine.rights.contains(&EngineRight::Gpu));
    if !granted {
        return Err("it needs the grant \"gpu\"".to_owned());
    }
    let out = object(value, GPU, look)?;
    let sets = out.get("Capabilities").and_then(Value::as_array).map(Vec::as_slice).unwrap_or_default();
    let every = sets.iter().all(|set| set.as_array().is_some_and(|set| set.contains(&"gpu".into())));
    if sets.is_empty() || !every {
        return Err("Capabilities: \"gpu\" is missing".to_owned());
    }
    Ok(out)
}
