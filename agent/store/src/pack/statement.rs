//! The statements of a pack: JSON lines of one key each. Records and packages are taken out between the key
//! and the closing brace as the bytes they are, since those bytes are what their names are made of. A line
//! that cannot be taken is noted and the next one read; a key nobody knows yet is passed over in silence.

use std::collections::HashMap;
use std::collections::hash_map::Entry;

use kitbag_core::id::{ContentId, PackId, RecordId};
use kitbag_core::path::shown;
use kitbag_core::version::{LONGEST_RECORD, Label, Record};
use serde::{Deserialize, Serialize};

use super::{Pack, PackPackage, PackRecord, Package};

const RECORD: &[u8] = b"{\"record\":";
const LABEL: &[u8] = b"{\"label\":";
const PACKAGE: &[u8] = b"{\"package\":";
const GONE: &[u8] = b"{\"gone\":";
// A course of many thousand seeds still fits.
const LONGEST_PACKAGE: usize = 4 * 1024 * 1024;
const LONGEST_LABEL: usize = 1024;
const REPLACES: &[u8] = b"{\"replaces\":";
const LONGEST_GONE: usize = 1024;
const MOST_NOTES: usize = 100;
const LONGEST_NOTE: usize = 160;

#[derive(Serialize, Deserialize)]
struct LabelLine {
    record: RecordId,
    machine: String,
    time: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    modified: Option<i64>,
}

#[derive(Serialize, Deserialize)]
struct GoneLine {
    content: ContentId,
}

#[derive(Serialize, Deserialize)]
struct ReplacesLine {
    pack: PackId,
}

/// Words about what was skipped. Whoever fills a pack with rubbish gets a hundred lines of attention.
#[derive(Default)]
pub(super) struct Notes {
    lines: Vec<String>,
    more: usize,
}

impl Notes {
    pub(super) fn add(&mut self, what: &str) {
        if self.lines.len() < MOST_NOTES {
            // Parsers quote what they refuse, at any length.
            let short: String = what.chars().take(LONGEST_NOTE).collect();
            self.lines.push(shown(&short));
        } else {
            self.more += 1;
        }
    }

    pub(super) fn finish(mut self) -> Vec<String> {
        if self.more > 0 {
            self.lines.push(format!("and {} more", self.more));
        }
        self.lines
    }
}

pub(super) fn write_record(to: &mut Vec<u8>, raw: &[u8], id: RecordId, label: Option<&Label>) {
    wrap(to, RECORD, raw);
    if let Some(Label { machine, time, modified }) = label {
        let line =
            LabelLine { record: id, machine: machine.clone(), time: time.clone(), modified: *modified };
        let text = serde_json::to_vec(&line).unwrap_or_default();
        // A label is for people only; one the readers would refuse is left out.
        if text.len() <= LONGEST_LABEL {
            wrap(to, LABEL, &text);
        }
    }
}

pub(super) fn write_package(to: &mut Vec<u8>, raw: &[u8]) -> bool {
    let fits = raw.len() <= LONGEST_PACKAGE;
    if fits {
        wrap(to, PACKAGE, raw);
    }
    fits
}

pub(super) fn write_gone(to: &mut Vec<u8>, content: ContentId) {
    wrap(to, GONE, &serde_json::to_vec(&GoneLine { content }).unwrap_or_default());
}

pub(super) fn write_replaces(to: &mut Vec<u8>, pack: PackId) {
    wrap(to, REPLACES, &serde_json::to_vec(&ReplacesLine { pack }).unwrap_or_default());
}

fn wrap(to: &mut Vec<u8>, key: &[u8], value: &[u8]) {
    to.extend_from_slice(key);
    to.extend_from_slice(value);
    to.extend_from_slice(b"}\n");
}

fn between<'a>(line: &'a [u8], key: &[u8]) -> Option<&'a [u8]> {
    line.strip_prefix(key)?.strip_suffix(b"}")
}

pub(super) fn read(section: &[u8], pack: &mut Pack, notes: &mut Notes) {
    let mut labels = HashMap::new();
    let mut known = HashMap::new();
    for line in section.split(|&byte| byte == b'\n').filter(|line| !line.is_empty()) {
        if let Some(raw) = between(line, RECORD) {
            read_record(raw, pack, &mut known, notes);
        } else if let Some(raw) = between(line, LABEL) {
            read_label(raw, &mut labels, notes);
        } else if let Some(raw) = between(line, PACKAGE) {
            read_package(raw, pack, notes);
        } else if let Some(raw) = between(line, GONE) {
            read_gone(raw, pack, notes);
        } else if let Some(raw) = between(line, REPLACES) {
            read_replaces(raw, pack, notes);
        } else if line.starts_with(b"{\"") {
            pack.unknown += 1;
        } else {
            notes.add("a line that is no statement");
        }
    }
    for (id, label) in labels {
        if let Some(record) = known.get(&id).and_then(|&at: &usize| pack.records.get_mut(at)) {
            record.label = Some(label);
        }
    }
}

fn read_record(raw: &[u8], pack: &mut Pack, known: &mut HashMap<RecordId, usize>, notes: &mut Notes) {
    match Record::parse(raw) {
        Ok((id, record)) => {
            if let Entry::Vacant(free) = known.entry(id) {
                free.insert(pack.records.len());
                pack.records.push(PackRecord { id, record, raw: raw.to_vec(), label: None });
            }
        }
        Err(error) => notes.add(&error.to_string()),
    }
}

fn read_label(raw: &[u8], labels: &mut HashMap<RecordId, Label>, notes: &mut Notes) {
    if raw.len() > LONGEST_LABEL {
        return notes.add("a label that is too long");
    }
    match serde_json::from_slice(raw) {
        Ok(LabelLine { record, machine, time, modified }) => {
            labels.entry(record).or_insert(Label { time, machine, modified });
        }
        Err(error) => notes.add(&format!("not a label: {error}")),
    }
}

fn read_package(raw: &[u8], pack: &mut Pack, notes: &mut Notes) {
    if raw.len() > LONGEST_PACKAGE {
        return notes.add("a course package that is too long");
    }
    match Package::parse(raw) {
        Ok((id, package)) => pack.packages.push(PackPackage { id, package, raw: raw.to_vec() }),
        Err(error) => notes.add(&error.to_string()),
    }
}

fn read_gone(raw: &[u8], pack: &mut Pack, notes: &mut Notes) {
    if raw.len() > LONGEST_GONE {
        return notes.add("a word about a lost content that is too long");
    }
    match serde_json::from_slice(raw) {
        Ok(GoneLine { content }) => {
            pack.gone.insert(content);
        }
        Err(error) => notes.add(&format!("not a word about a lost content: {error}")),
    }
}

fn read_replaces(raw: &[u8], pack: &mut Pack, notes: &mut Notes) {
    match serde_json::from_slice(raw) {
        Ok(ReplacesLine { pack: old }) => {
            pack.replaces.insert(old);
        }
        Err(error) => notes.add(&format!("not a word about another pack: {error}")),
    }
}

/// Whether a reader will take these bytes as a record's line.
pub(super) fn fits(raw: &[u8]) -> bool {
    raw.len() <= LONGEST_RECORD && !raw.contains(&b'\n')
}
