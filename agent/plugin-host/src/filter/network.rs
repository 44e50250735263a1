//! Networks, and how a container is in one. A network is a plain bridge: no driver of its own, no addresses that
//! are chosen, no options, since one of them publishes ports on other addresses than this computer's own.

use serde_json::{Map, Value};

use super::keys::{self, Judge, Look, flag, object, own_labels, texts};
use super::table::Kind;
use super::{Want, pattern};
use crate::grants::EngineRight;

/// A network.
pub const CREATE: &[(&str, Judge)] = &[
    ("Name", |value, look| {
        let name = keys::like(value, pattern::name)?;
        look.must(Kind::Network, keys::as_text(&name)?, Want::OwnOrAbsent);
        Ok(name)
    }),
    ("Driver", |value, _| keys::like(value, |text| text == "bridge")),
    ("CheckDuplicate", flag),
    ("Internal", flag),
    ("IPAM", |value, look| {
        object(value, &[("Driver", |value, _| keys::like(value, |text| text == "default"))], look)?;
        Ok(Value::Null)
    }),
    ("Labels", own_labels),
];

const ENDPOINT: &[(&str, Judge)] = &[("Aliases", texts)];

/// A network that is everybody's.
fn common(name: &str) -> bool {
    matches!(name, "default" | "bridge" | "none")
}

fn own(name: &str, look: &mut Look<'_>) -> Result<(), String> {
    let granted = look
        .rules
        .grants
        .engine
        .as_ref()
        .is_some_and(|engine| engine.rights.contains(&EngineRight::Networks));
    if matches!(name, "host" | "container" | "ns") || !pattern::name(name) {
        return Err(format!("\"{name}\" is not passed on"));
    }
    if !granted {
        return Err(format!("the network \"{name}\" needs the grant \"networks\""));
    }
    look.must(Kind::Network, name, Want::Own);
    Ok(())
}

/// The network of a container.
pub fn mode(value: &Value, look: &mut Look<'_>) -> Result<Value, String> {
    let name = keys::as_text(value)?;
    if name.is_empty() {
        return Ok(Value::Null);
    }
    if !common(name) {
        own(name, look)?;
    }
    Ok(value.clone())
}

/// The networks of a container, with its names in them.
pub fn endpoints(value: &Value, look: &mut Look<'_>) -> Result<Value, String> {
    let mut out = Map::new();
    for (name, endpoint) in value.as_object().ok_or("it is no object")? {
        if !common(name) {
            own(name, look)?;
        }
        let endpoint =
            if endpoint.is_null() { Value::Object(Map::new()) } else { object(endpoint, ENDPOINT, look)? };
        out.insert(name.clone(), endpoint);
    }
    Ok(Value::Object(out))
}
