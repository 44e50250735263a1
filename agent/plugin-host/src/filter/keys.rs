//! JSON objects by table: each key with what judges its value. A key the table does not know is left out when it
//! says nothing (null, false, 0, empty), as programs send many such, and is refused when it says something. Keys are
//! known by their exact letters only, since the engine takes other cases for the same.

use serde_json::{Map, Value};

use super::mounts::Source;
use super::table::Kind;
use super::{Check, LABEL, Refusal, Rules, Want, pattern};

/// Most objects one request may name.
const MOST: usize = 64;
/// Labels by which other programs know what is theirs.
const OTHERS: [&str; 4] = ["com.docker.", "desktop.docker.", "io.podman.", "io.containers."];

/// What is gathered while a body is judged.
#[derive(Debug)]
pub struct Look<'a> {
    /// What is judged by.
    pub rules: Rules<'a>,
    /// Objects that were named.
    pub checks: Vec<Check>,
    /// Folders that were named.
    pub sources: Vec<Source>,
}

impl<'a> Look<'a> {
    /// Nothing gathered yet.
    pub fn new(rules: Rules<'a>) -> Self {
        Self { rules, checks: Vec::new(), sources: Vec::new() }
    }

    /// An object was named.
    pub fn must(&mut self, kind: Kind, name: &str, want: Want) {
        if !self.checks.iter().any(|one| one.kind == kind && one.name == name && one.want == want) {
            self.checks.push(Check { kind, name: name.to_owned(), want, segment: None });
        }
    }

    /// Whether so many objects may be named.
    ///
    /// # Errors
    /// They are too many.
    pub fn bounded(&self) -> Result<(), Refusal> {
        if self.checks.len() > MOST {
            return Err(Refusal::new(format!("more than {MOST} objects are named")));
        }
        Ok(())
    }
}

/// Judges a value, and gives it as it is sent. The text says what is wrong with it.
pub type Judge = fn(&Value, &mut Look<'_>) -> Result<Value, String>;

/// Judge an object by its table.
pub fn object(value: &Value, table: &[(&str, Judge)], look: &mut Look<'_>) -> Result<Value, String> {
    let Value::Object(given) = value else { return Err("it is no object".to_owned()) };
    let mut out = Map::new();
    for (key, value) in given {
        if value.is_null() {
            continue;
        }
        match table.iter().find(|(name, _)| name == key) {
            Some((_, judge)) => {
                let judged = judge(value, look).map_err(|why| format!("{key}: {why}"))?;
                if !judged.is_null() {
                    out.insert(key.clone(), judged);
                }
            }
            None if says_nothing(value) => {}
            None => return Err(format!("{key}: this is not passed on")),
        }
    }
    Ok(Value::Object(out))
}

fn says_nothing(value: &Value) -> bool {
    match value {
        Value::Null => true,
        Value::Bool(flag) => !flag,
        Value::Number(number) => number.as_f64() == Some(0.0),
        Value::String(text) => text.is_empty(),
        Value::Array(list) => list.iter().all(says_nothing),
        Value::Object(map) => map.values().all(says_nothing),
    }
}

/// Yes or no.
pub fn flag(value: &Value, _: &mut Look<'_>) -> Result<Value, String> {
    if value.is_boolean() { Ok(value.clone()) } else { Err("it is neither true nor false".to_owned()) }
}

/// A whole number, -1 for none.
pub fn whole(value: &Value, _: &mut Look<'_>) -> Result<Value, String> {
    match value.as_i64() {
        Some(number) if number >= -1 => Ok(value.clone()),
        _ => Err("it is no whole number".to_owned()),
    }
}

/// One text.
pub fn text(value: &Value, _: &mut Look<'_>) -> Result<Value, String> {
    as_text(value).map(|_| value.clone())
}

/// Texts.
pub fn texts(value: &Value, look: &mut Look<'_>) -> Result<Value, String> {
    each(value, look, text)
}

/// A text with the letters of a pattern; empty: left out.
pub fn like(value: &Value, good: impl Fn(&str) -> bool) -> Result<Value, String> {
    let text = as_text(value)?;
    if text.is_empty() {
        return Ok(Value::Null);
    }
    if good(text) { Ok(value.clone()) } else { Err(format!("\"{text}\" is not passed on")) }
}

/// A list, each judged.
pub fn each(value: &Value, look: &mut Look<'_>, judge: Judge) -> Result<Value, String> {
    let list = value.as_array().ok_or("it is no list")?;
    if list.len() > 1000 {
        return Err("it has more than 1000 entries".to_owned());
    }
    let judged = list.iter().map(|one| judge(one, look)).collect::<Result<Vec<_>, _>>()?;
    Ok(judged.into_iter().filter(|one| !one.is_null()).collect())
}

/// An object whose keys are free within a pattern, each value judged.
pub fn map(value: &Value, look: &mut Look<'_>, key: fn(&str) -> bool, judge: Judge) -> Result<Value, String> {
    let given = value.as_object().ok_or("it is no object")?;
    let mut out = Map::new();
    for (name, value) in given {
        if !key(name) {
            return Err(format!("\"{name}\" is not passed on"));
        }
        out.insert(name.clone(), judge(value, look).map_err(|why| format!("{name}: {why}"))?);
    }
    Ok(Value::Object(out))
}

/// A text without NUL.
pub fn as_text(value: &Value) -> Result<&str, String> {
    let text = value.as_str().ok_or("it is no text")?;
    if text.contains('\0') { Err("it holds a NUL character".to_owned()) } else { Ok(text) }
}

/// The labels of something to be made: the plugin's, and ours over them.
pub fn labels(value: &Value, before: &str, look: &mut Look<'_>) -> Result<Value, String> {
    let mut out = Map::new();
    if !value.is_null() {
        for (key, value) in value.as_object().ok_or("labels: they are no object")? {
            let lower = key.to_ascii_lowercase();
            if OTHERS.iter().any(|others| lower.starts_with(others)) {
                return Err(format!("labels: {key} belongs to another program"));
            }
            if !lower.starts_with(LABEL) {
                out.insert(
                    key.clone(),
                    as_text(value).map_err(|why| format!("labels: {key}: {why}"))?.into(),
                );
            }
        }
    }
    for (key, value) in look.rules.owner.labels(before) {
        out.insert(key, value.into());
    }
    Ok(Value::Object(out))
}

/// The labels of a container, volume or network.
pub fn own_labels(value: &Value, look: &mut Look<'_>) -> Result<Value, String> {
    labels(value, LABEL, look)
}

/// A path in a container.
pub fn place(value: &Value, _: &mut Look<'_>) -> Result<Value, String> {
    like(value, pattern::place)
}
