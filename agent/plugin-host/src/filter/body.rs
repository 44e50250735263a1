//! The JSON documents but the container's: commands, volumes, networks, and the head of a command's start.

use serde_json::{Value, json};

use super::keys::{self, Judge, Look, flag, object, own_labels, text, texts};
use super::table::{Document, Kind};
use super::{Refusal, Want, container, network, pattern};

/// Longest name of a variable.
const LONGEST_NAME: usize = 256;

/// A command.
const EXEC: &[(&str, Judge)] = &[
    ("AttachStdin", flag),
    ("AttachStdout", flag),
    ("AttachStderr", flag),
    ("Tty", flag),
    ("Env", env),
    ("Cmd", texts),
    ("User", text),
    ("WorkingDir", keys::place),
];

/// A volume. Its driver's options are none of a plugin's business: with them the local driver binds any folder.
const VOLUME: &[(&str, Judge)] = &[
    ("Name", |value, look| {
        let name = keys::like(value, pattern::name)?;
        look.must(Kind::Volume, keys::as_text(&name)?, Want::OwnOrAbsent);
        Ok(name)
    }),
    ("Driver", |value, _| keys::like(value, |text| text == "local")),
    ("Labels", own_labels),
];

const START: [&str; 2] = ["Detach", "Tty"];

/// Judge a document; gives it as it is sent.
///
/// # Errors
/// What of it is not allowed.
pub fn judge(kind: Document, value: &Value, look: &mut Look<'_>) -> Result<Value, Refusal> {
    let (what, judged) = match kind {
        Document::Container => ("container", container::judge(value, look)),
        Document::Exec => ("command", object(value, EXEC, look)),
        Document::Volume => ("volume", object(value, VOLUME, look).and_then(|one| made(one, look))),
        Document::Network => {
            ("network", object(value, network::CREATE, look).and_then(|one| made(one, look)))
        }
    };
    let judged = judged.map_err(|why| Refusal::new(format!("the {what}'s {why}")))?;
    look.bounded()?;
    Ok(judged)
}

/// What is made has a name it can be found by, and our labels.
pub fn made(mut value: Value, look: &mut Look<'_>) -> Result<Value, String> {
    if value.get("Name").is_none() {
        return Err("Name: it is missing".to_owned());
    }
    if value.get("Labels").is_none() {
        value["Labels"] = own_labels(&Value::Null, look)?;
    }
    Ok(value)
}

/// `NAME=value`, many.
pub fn env(value: &Value, look: &mut Look<'_>) -> Result<Value, String> {
    keys::each(value, look, |one, _| {
        let text = keys::as_text(one)?;
        match text.split_once('=') {
            Some((name, _)) if !name.is_empty() && name.len() <= LONGEST_NAME => Ok(one.clone()),
            _ => Err(format!("\"{text}\" is not NAME=value")),
        }
    })
}

/// What the engine wants as the body of a command's start; an attached container wants nothing.
///
/// # Errors
/// It holds more than that.
pub fn start(segments: &[String], header: Option<&str>) -> Result<Option<Value>, Refusal> {
    if segments.first().is_none_or(|first| first != "exec") {
        return Ok(None);
    }
    let odd = |why: String| Refusal::new(format!("the header kitbag-start: {why}"));
    let Some(header) = header else { return Ok(Some(json!({ "Detach": false, "Tty": false }))) };
    let value: Value = serde_json::from_str(header).map_err(|error| odd(error.to_string()))?;
    let given = value.as_object().ok_or_else(|| odd("it is no object".to_owned()))?;
    let mut out = json!({ "Detach": false, "Tty": false });
    for (key, value) in given {
        if !START.contains(&key.as_str()) || !value.is_boolean() {
            return Err(odd(format!("{key}: this is not passed on")));
        }
        out[key] = value.clone();
    }
    Ok(Some(out))
}
