//! Metadata by three, name by name: what one side changed counts, and where both changed it the leading side does. It
//! never conflicts: most of it is what a machine says of itself. Lists of words, as tags are, lose what either side
//! took out and gain what either put in. Attachments are the exception: a picture is work, so both are kept, the
//! other one under a new name.

use std::borrow::Cow;
use std::collections::BTreeMap;

use super::json::{self, Member};
use super::style::{Object, Style};

/// How the members of a value are merged.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum By {
    /// Name by name.
    Name,
    /// Name by name, but what a kernel says of itself as one.
    Notebook,
    /// Name by name, and marks of earlier merges as [`By::Marks`].
    Cell,
    /// Marks of earlier merges, each by [`By::Mark`]; none at all is as good as an empty list of them.
    Marks,
    /// As one, and what either side took away is gone: a mark that was answered stays answered.
    Mark,
    /// As one.
    Whole,
}

impl By {
    fn below(self, key: &str) -> Self {
        match (self, key) {
            (By::Notebook, "kernelspec" | "language_info") => By::Whole,
            (By::Cell, "kitbag") => By::Marks,
            (By::Marks, "conflict" | "deleted" | "stale") => By::Mark,
            (By::Mark | By::Whole, _) => By::Whole,
            _ => By::Name,
        }
    }
}

/// Longest lists that are merged word by word.
const WORDS: usize = 100;

/// The merge of one value, none where it is gone. `depth` is how deep it stands.
pub fn merge<'a>(
    base: Option<&'a str>,
    lead: Option<&'a str>,
    other: Option<&'a str>,
    by: By,
    depth: usize,
    style: &Style,
) -> Option<Cow<'a, str>> {
    let equal = |a: Option<&str>, b: Option<&str>| match (a, b) {
        (Some(a), Some(b)) => json::same(a, b),
        (a, b) => a.is_none() && b.is_none(),
    };
    if equal(other, base) || equal(lead, other) {
        return lead.map(Cow::Borrowed);
    }
    if equal(lead, base) {
        return other.map(Cow::Borrowed);
    }
    if by == By::Marks {
        let marks = by_name(base, lead.unwrap_or("{}"), other.unwrap_or("{}"), by, depth, style);
        return marks.filter(|marks| marks != "{}");
    }
    let (Some(left), Some(right)) = (lead, other) else {
        let left = lead.or(other).filter(|_| by != By::Mark);
        return left.map(Cow::Borrowed);
    };
    if matches!(by, By::Mark | By::Whole) {
        return Some(Cow::Borrowed(left));
    }
    if let Some(words) = words(base, left, right) {
        return Some(Cow::Owned(style.array(&words, depth + 1)));
    }
    Some(by_name(base, left, right, by, depth, style).unwrap_or(Cow::Borrowed(left)))
}

fn by_name<'a>(
    base: Option<&'a str>,
    lead: &'a str,
    other: &'a str,
    by: By,
    depth: usize,
    style: &Style,
) -> Option<Cow<'a, str>> {
    let (frame, left) = json::members(lead)?;
    let (other_frame, right) = json::members(other)?;
    let before = base.and_then(json::members).map(|(_, members)| members).unwrap_or_default();
    if [&left, &right, &before].into_iter().any(|members| json::doubled(members)) {
        return None;
    }
    let [before, to_left, to_right] = [&before, &left, &right].map(|members| by_key(members));
    let mut merged = Object::framed(if left.is_empty() { other_frame } else { frame }, depth);
    let new: Vec<_> = right.iter().filter(|member| !to_left.contains_key(&*member.key)).collect();
    let sorted = left.is_sorted_by(|a, b| a.key <= b.key);
    let mut all: Vec<&Member<'a>> = left.iter().chain(new).collect();
    if sorted {
        all.sort_by(|a, b| a.key.cmp(&b.key));
    }
    for member in all {
        let key = &*member.key;
        let of = |members: &BTreeMap<&str, &'a str>| members.get(key).copied();
        let value = merge(of(&before), of(&to_left), of(&to_right), by.below(key), depth + 1, style);
        if let Some(value) = value {
            merged.push(member.key.clone(), Cow::Borrowed(member.front), value);
        }
    }
    Some(Cow::Owned(merged.text(style)))
}

fn by_key<'m, 'a>(members: &'m [Member<'a>]) -> BTreeMap<&'m str, &'a str> {
    members.iter().map(|member| (&*member.key, member.value)).collect()
}

/// Lists of strings: those of the leading side that the other did not take out, then what the other put in.
fn words<'a>(base: Option<&'a str>, lead: &'a str, other: &'a str) -> Option<Vec<Cow<'a, str>>> {
    let list = |value: &'a str| {
        let (_, items) = json::items(value)?;
        (items.len() <= WORDS && items.iter().all(|item| item.starts_with('"'))).then_some(items)
    };
    let (left, right) = (list(lead)?, list(other)?);
    let before = base.and_then(list).unwrap_or_default();
    let holds = |list: &[&str], word: &str| list.iter().any(|item| json::same(item, word));
    let stays = left.iter().filter(|word| holds(&right, word) || !holds(&before, word));
    let comes = right.iter().filter(|word| !holds(&left, word) && !holds(&before, word));
    Some(stays.chain(comes).map(|word| Cow::Borrowed(*word)).collect())
}

/// The attachments of a cell: where both sides changed one, the other side's goes under a new name. The new names
/// come out beside them.
pub fn attachments<'a>(
    base: Option<&'a str>,
    lead: Option<&'a str>,
    other: Option<&'a str>,
    depth: usize,
    style: &Style,
) -> (Option<Cow<'a, str>>, Vec<String>) {
    let merged = merge(base, lead, other, By::Name, depth, style);
    let (Some(lead), Some(other)) = (lead, other) else { return (merged, Vec::new()) };
    let (Some(text), Some((_, right))) = (&merged, json::members(other)) else { return (merged, Vec::new()) };
    let mut object = Object::read(text, depth);
    let mut names = Vec::new();
    let before = base.and_then(json::members).map(|(_, members)| members).unwrap_or_default();
    let left = json::members(lead).map(|(_, members)| members).unwrap_or_default();
    let (before, left) = (by_key(&before), by_key(&left));
    for member in &right {
        let (was, left) = (before.get(&*member.key).copied(), left.get(&*member.key).copied());
        let changed = |value: &str| was.is_none_or(|was| !json::same(was, value));
        let Some(left) = left.filter(|left| changed(left) && !json::same(left, member.value)) else {
            continue;
        };
        if changed(member.value) {
            let name = new_name(&member.key, member.value);
            object.set(&member.key, Some(Cow::Borrowed(left)), style);
            object.set(&name, Some(Cow::Borrowed(member.value)), style);
            names.push(name);
        }
    }
    if names.is_empty() {
        return (merged, names);
    }
    let text = object.text(style);
    (Some(Cow::Owned(text)), names)
}

/// `plot.png` becomes `plot-0a1b2c3d.png`, by what is in it.
fn new_name(name: &str, value: &str) -> String {
    let digest = &json::digest(&[value])[..8];
    match name.rsplit_once('.') {
        Some((stem, ending)) if !stem.is_empty() => format!("{stem}-{digest}.{ending}"),
        _ => format!("{name}-{digest}"),
    }
}
