//! What a merge writes into a cell's metadata, under the one name `kitbag`, for people and for later merges:
//! `conflict` on the other version of a cell, `deleted` on a cell one side deleted and the other edited, `stale` on
//! outputs of another source than the cell's. A stale mark names the outputs it speaks of, so a cell that was run
//! again is not stale any more whoever left the mark there.

use std::borrow::Cow;

use super::document::CellKind;
use super::json;
use super::style::{Object, Style};

/// How deep a cell's metadata stands.
pub const METADATA: usize = 3;

/// Whose version something is. It is written into notebooks, so it must be the same wherever the same versions are
/// merged: the name of a version is, the name of a machine only where everybody reads it from the same place.
#[derive(Debug, Clone, Default, PartialEq, Eq, PartialOrd, Ord, serde::Serialize)]
pub struct By {
    /// The machine, as its owner named it.
    pub machine: Option<String>,
    /// The version, by its id or another name.
    pub version: Option<String>,
}

impl By {
    fn read(value: &str, before: &str) -> Self {
        let part = |key: &str| {
            let value = json::get(value, &format!("{before}{key}")).and_then(json::text)?;
            (!value.is_empty()).then(|| value.into_owned())
        };
        By { machine: part("machine"), version: part("version") }
    }

    fn write(&self, object: &mut Object, machine: &str, version: &str, style: &Style) {
        let quoted = |text: &Option<String>| {
            text.as_ref().map(|text| Cow::Owned(json::encode(text.as_bytes(), false)))
        };
        object.set(machine, quoted(&self.machine), style);
        object.set(version, quoted(&self.version), style);
    }
}

/// The mark of a cell that is the other version of a cell before it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Tag {
    /// What kind of cell it is when it is no other version any more; code stands as raw text until then.
    pub kind: Option<CellKind>,
    /// The id of the cell it is the other version of; none in formats without ids.
    pub of: Option<String>,
    /// Whose version it is.
    pub by: By,
    /// Whose version that cell was then.
    pub against: By,
}

impl Tag {
    /// The tag in a cell's metadata.
    pub fn read(metadata: &str) -> Option<Self> {
        let value = mark(metadata, "conflict")?;
        let text = |key: &str| json::get(value, key).and_then(json::text);
        Some(Tag {
            kind: text("cell_type").and_then(|name| CellKind::parse(&name)),
            of: text("of").map(Cow::into_owned),
            by: By::read(value, ""),
            against: By::read(value, "against_"),
        })
    }

    /// Its text.
    pub fn write(&self, style: &Style) -> String {
        let mut object = Object::read("", METADATA + 2);
        let quoted = |text: &str| Some(Cow::Owned(json::encode(text.as_bytes(), false)));
        object.set("cell_type", self.kind.and_then(|kind| quoted(kind.name())), style);
        object.set("of", self.of.as_deref().and_then(quoted), style);
        self.by.write(&mut object, "machine", "version", style);
        self.against.write(&mut object, "against_machine", "against_version", style);
        object.text(style)
    }
}

/// A mark's value in a cell's metadata; only objects and strings are marks.
fn mark<'a>(metadata: &'a str, name: &str) -> Option<&'a str> {
    let value = json::get(json::get(metadata, "kitbag")?, name)?;
    (value.starts_with('{') || value.starts_with('"')).then_some(value)
}

/// Who deleted this cell, which the other side edited.
pub fn deleted(metadata: &str) -> Option<By> {
    mark(metadata, "deleted").map(|value| By::read(value, ""))
}

/// The text of that mark.
pub fn write_deleted(by: &By, style: &Style) -> String {
    let mut object = Object::read("", METADATA + 2);
    by.write(&mut object, "machine", "version", style);
    object.text(style)
}

/// What a stale mark for this run says.
pub fn stale_for(outputs: &str, count: &str) -> String {
    json::digest(&[outputs, count])
}

/// Are these outputs marked as those of another source?
pub fn is_stale(metadata: &str, outputs: &str, count: &str) -> bool {
    mark(metadata, "stale").and_then(json::text).is_some_and(|mark| mark == stale_for(outputs, count))
}

/// The metadata with this mark, or without it; `kitbag` goes with its last one.
pub fn set<'a>(metadata: Cow<'a, str>, name: &str, value: Option<&str>, style: &Style) -> Cow<'a, str> {
    let kitbag = json::get(&metadata, "kitbag");
    if value.is_none() && kitbag.and_then(|kitbag| json::get(kitbag, name)).is_none() {
        return metadata;
    }
    let mut marks = Object::read(kitbag.unwrap_or_default(), METADATA + 1);
    marks.set(name, value.map(Cow::Borrowed), style);
    let marks = (!marks.is_empty()).then(|| Cow::Owned(marks.text(style)));
    let mut whole = Object::read(&metadata, METADATA);
    whole.set("kitbag", marks, style);
    Cow::Owned(whole.text(style))
}
