//! What of this computer a container sees. Only folders that were granted, by their names, and volumes of our own;
//! short forms (`{work}:/work:ro`) become long ones, in which a path with a colon is a path. What the names stand for
//! is put in after everything was judged.

use kitbag_core::path::WorkPath;
use serde_json::{Map, Value, json};

use super::keys::{self, Judge, Look, as_text, flag, object, own_labels, whole};
use super::table::Kind;
use super::{Refusal, Want, pattern};
use crate::grants::Grants;

/// A granted folder, or a place below it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Source {
    /// As it stands in the body.
    pub token: String,
    /// The folder's name.
    pub folder: String,
    /// Where below it.
    pub below: Option<WorkPath>,
}

const MOUNT: &[(&str, Judge)] = &[
    ("Type", keys::text),
    ("Source", keys::text),
    ("Target", keys::place),
    ("ReadOnly", flag),
    ("BindOptions", |value, look| {
        let private = |value: &Value, _: &mut Look<'_>| {
            keys::like(value, |text| matches!(text, "private" | "rprivate"))
        };
        object(value, &[("Propagation", private), ("NonRecursive", flag)], look)
    }),
    ("VolumeOptions", |value, look| object(value, &[("NoCopy", flag), ("Labels", own_labels)], look)),
    ("TmpfsOptions", |value, look| object(value, &[("SizeBytes", whole), ("Mode", whole)], look)),
];

/// The long form.
pub fn mount(value: &Value, look: &mut Look<'_>) -> Result<Value, String> {
    let mut mount = object(value, MOUNT, look)?;
    let source = mount.get("Source").and_then(Value::as_str).unwrap_or_default().to_owned();
    let kind = mount.get("Type").and_then(Value::as_str).unwrap_or_default().to_owned();
    if mount.get("Target").is_none() {
        return Err("Target: it is missing".to_owned());
    }
    let options = ["BindOptions", "VolumeOptions", "TmpfsOptions"];
    let own = match kind.as_str() {
        "bind" => {
            folder(&source, look)?;
            Some("BindOptions")
        }
        "volume" => {
            volume(&source, look)?;
            let labels = own_labels(mount["VolumeOptions"].get("Labels").unwrap_or(&Value::Null), look)?;
            if mount.get("VolumeOptions").is_none_or(Value::is_null) {
                mount["VolumeOptions"] = json!({});
            }
            mount["VolumeOptions"]["Labels"] = labels;
            Some("VolumeOptions")
        }
        "tmpfs" if source.is_empty() => Some("TmpfsOptions"),
        _ => return Err(format!("Type: \"{kind}\" is not passed on")),
    };
    if let Some(other) =
        options.iter().find(|name| own != Some(*name) && mount.get(**name).is_some_and(|one| !one.is_null()))
    {
        return Err(format!("{other}: this does not belong to it"));
    }
    Ok(mount)
}

/// The short form, as a long one.
pub fn bind(text: &str, look: &mut Look<'_>) -> Result<Value, String> {
    let mut parts = text.split(':');
    let (Some(source), Some(target), options, None) =
        (parts.next(), parts.next(), parts.next(), parts.next())
    else {
        return Err(format!("\"{text}\" is no source:target"));
    };
    let mut out = json!({ "Source": source, "Target": target });
    let is_folder = source.starts_with('{');
    out["Type"] = if is_folder { "bind" } else { "volume" }.into();
    if source.is_empty() {
        return Err(format!("\"{text}\" has no source"));
    }
    for option in options.unwrap_or_default().split(',').filter(|one| !one.is_empty()) {
        match option {
            "ro" => out["ReadOnly"] = true.into(),
            "rw" => {}
            "rprivate" | "private" if is_folder => out["BindOptions"] = json!({ "Propagation": option }),
            "nocopy" if !is_folder => out["VolumeOptions"] = json!({ "NoCopy": true }),
            _ => return Err(format!("\"{text}\": \"{option}\" is not passed on")),
        }
    }
    mount(&out, look)
}

fn folder(token: &str, look: &mut Look<'_>) -> Result<(), String> {
    let refused = || format!("Source: \"{token}\" is no granted folder");
    let (name, rest) = token.strip_prefix('{').and_then(|rest| rest.split_once('}')).ok_or_else(refused)?;
    if !look.rules.grants.folders.contains_key(name) {
        return Err(refused());
    }
    let below = match rest.strip_prefix('/') {
        None if rest.is_empty() => None,
        None => return Err(refused()),
        // A slash to Windows, and what its drives end with.
        Some(below) if below.contains(['\\', ':']) => return Err(refused()),
        Some(below) => Some(WorkPath::parse(below).map_err(|error| format!("Source: \"{token}\": {error}"))?),
    };
    let source = Source { token: token.to_owned(), folder: name.to_owned(), below };
    if !look.sources.contains(&source) {
        look.sources.push(source);
    }
    Ok(())
}

fn volume(name: &str, look: &mut Look<'_>) -> Result<(), String> {
    // Without a name it is made with the container and goes with it.
    if name.is_empty() {
        return Ok(());
    }
    if !pattern::name(name) {
        return Err(format!("Source: \"{name}\" is no volume"));
    }
    look.must(Kind::Volume, name, Want::Own);
    Ok(())
}

/// Put in what names of folders and secrets stand for: `folders` maps the tokens of [`Source`] to paths.
///
/// # Errors
/// A folder has no path there.
pub fn fill(document: &mut Value, folders: &[(String, String)], grants: &Grants) -> Result<(), Refusal> {
    if let Some(Value::Array(mounts)) = document.get_mut("HostConfig").and_then(|host| host.get_mut("Mounts"))
    {
        for mount in mounts.iter_mut().filter(|mount| mount["Type"] == "bind") {
            let path = folders.iter().find(|(token, _)| mount["Source"] == token.as_str());
            let (_, path) = path.ok_or_else(|| Refusal::new("a folder was not looked up"))?;
            mount["Source"] = path.as_str().into();
        }
    }
    if let Some(Value::Array(env)) = document.get_mut("Env") {
        for one in env {
            if let Some((name, value)) = one.as_str().and_then(|text| text.split_once('=')) {
                *one = format!("{name}={}", grants.fill_secrets(value)).into();
            }
        }
    }
    Ok(())
}

/// Nothing but an object may follow a path in a container.
pub fn anonymous(value: &Value, look: &mut Look<'_>) -> Result<Value, String> {
    keys::map(value, look, pattern::place, |one, look| object(one, &[], look))
}

/// File systems in memory: a path, and a few options.
pub fn tmpfs(value: &Value, look: &mut Look<'_>) -> Result<Value, String> {
    keys::map(value, look, pattern::place, |one, _| {
        let good = |option: &str| {
            matches!(option, "" | "ro" | "rw" | "exec" | "noexec" | "nosuid" | "nodev")
                || option.split_once('=').is_some_and(|(key, value)| {
                    matches!(key, "size" | "mode" | "uid" | "gid")
                        && value.bytes().all(|byte| byte.is_ascii_alphanumeric())
                })
        };
        let text = as_text(one)?;
        match text.split(',').find(|option| !good(option)) {
            None => Ok(one.clone()),
            Some(option) => Err(format!("\"{option}\" is not passed on")),
        }
    })
}

/// Short forms, judged; they go into `Mounts`.
pub fn binds(value: &Value, look: &mut Look<'_>) -> Result<Vec<Value>, String> {
    let list = value.as_array().ok_or("it is no list")?;
    list.iter().map(|one| bind(as_text(one)?, look)).collect()
}

/// An object without anything.
pub fn empty() -> Value {
    Value::Object(Map::new())
}
