//! One cell by three. Source by lines, prose by words where lines fail; what is left is a conflict, and then both
//! versions stand below one another, the other one marked and not run. Outputs never conflict: they follow the source
//! they belong to, and say so where there is none; no setting drops them then, or two machines would merge the same
//! versions to other bytes. All else is name by name.

use std::borrow::Cow;
use std::cell::{Cell as Counter, RefCell};
use std::collections::BTreeSet;

use super::document::{Cell, CellKind};
use super::marks::{self, By as Whose, METADATA};
use super::style::{Object, Style};
use super::values::{self, By};
use super::{Note, json};
use crate::merge::text::{self, Asks, Merged};
use crate::merge::{lines, words};
use crate::mutation::{Rule, off};

/// What merging any cell needs to know.
pub struct Context<'c> {
    /// How the result is written.
    pub style: &'c Style,
    /// Is what is not ASCII escaped in it?
    pub ascii: bool,
    /// Does the format know ids?
    pub ids: bool,
    /// Whose the leading side is, and the other.
    pub whose: [Whose; 2],
    /// Lines a side must not drop without an answer.
    pub asks: [&'c BTreeSet<Vec<u8>>; 2],
    /// The result is a base for another merge and seen by nobody: no marks, no second versions.
    pub unseen: bool,
    /// What searching for equal lines may still cost.
    pub budget: Counter<usize>,
    /// What is to be told.
    pub notes: RefCell<Vec<Note>>,
}

/// What searching may cost in one notebook: some seconds at the very worst.
pub const BUDGET: usize = 2_000_000_000;

/// A cell of the result.
#[derive(Debug, Clone)]
pub struct Made<'a> {
    /// All of it.
    pub text: Cow<'a, str>,
    /// Its id.
    pub id: Option<Cow<'a, str>>,
    /// Its kind, that of an other version as it was.
    pub kind: CellKind,
    /// Its source.
    pub source: Cow<'a, [u8]>,
    /// Is it the other version of a cell?
    pub version: bool,
    /// Did it stand in the base?
    pub old: bool,
    /// The sources it was made of word by word: none of their lines need stand in it as it was.
    pub by_words: Vec<Cow<'a, [u8]>>,
}

impl<'a> Made<'a> {
    /// A cell as it stands on a side.
    pub fn untouched(cell: &Cell<'a>, old: bool) -> Self {
        let (text, id, source) = (Cow::Borrowed(cell.raw), cell.id.clone(), cell.source.clone());
        Made { text, id, kind: kind(cell), source, version: cell.tag.is_some(), old, by_words: Vec::new() }
    }
}

/// The kind a cell has when it is no other version of anything. Only code stands as something else meanwhile.
pub fn kind(cell: &Cell) -> CellKind {
    let tag = cell.tag.as_ref().filter(|_| cell.kind == CellKind::Raw);
    tag.and_then(|tag| tag.kind).unwrap_or(cell.kind)
}

/// What became of the source.
enum Source<'a> {
    /// As on the leading side, the other side, or both.
    Side([bool; 2]),
    /// Lines of both.
    New(Cow<'a, [u8]>),
    /// Words of both.
    Words(Vec<u8>),
    Conflict,
}

/// Does this side drop a line from the base that its asks name?
pub fn drops(base: &[u8], side: &[u8], asks: &BTreeSet<Vec<u8>>) -> bool {
    !asks.is_empty() && text::removed(base, side).keys().any(|line| asks.contains(*line))
}

impl Context<'_> {
    /// One cell that stands on both sides. `answered`: both sides answered an older conflict here, so every
    /// difference is a conflict again.
    pub fn both<'a>(
        &self,
        base: Option<&Cell<'a>>,
        lead: &Cell<'a>,
        other: &Cell<'a>,
        answered: bool,
    ) -> Vec<Made<'a>> {
        let old = base.is_some();
        if lead.same(other) {
            return vec![Made::untouched(lead, old)];
        }
        let source = self.source(base, lead, other, answered);
        if let (Some(base), Source::Side(_)) = (base, &source) {
            if other.same(base) {
                return vec![Made::untouched(lead, old)];
            }
            if lead.same(base) {
                return vec![Made::untouched(other, old)];
            }
        }
        match source {
            Source::Conflict if self.unseen => {
                let was = base.map(|base| &*base.source);
                let source = Source::New(Cow::Owned(text::merge_base(was, &lead.source, &other.source)));
                vec![self.joined(base, lead, other, &source)]
            }
            Source::Conflict if off(Rule::BothCellsStay) => {
                vec![self.joined(base, lead, other, &Source::Side([true, false]))]
            }
            Source::Conflict => {
                let first = self.joined(base, lead, other, &Source::Side([true, false]));
                let second = self.version(other, lead, first.id.as_deref());
                self.notes.borrow_mut().push(Note::Conflict { cell: name(&first) });
                vec![first, second]
            }
            source => vec![self.joined(base, lead, other, &source)],
        }
    }

    fn source<'a>(
        &self,
        base: Option<&Cell<'a>>,
        lead: &Cell<'a>,
        other: &Cell<'a>,
        answered: bool,
    ) -> Source<'a> {
        if lead.source == other.source {
            return Source::Side([true, true]);
        }
        let dropped = |base: &Cell| {
            drops(&base.source, &lead.source, self.asks[0])
                || drops(&base.source, &other.source, self.asks[1])
        };
        if answered || base.is_some_and(dropped) {
            return Source::Conflict;
        }
        if base.is_some_and(|base| base.source == other.source) {
            return Source::Side([true, false]);
        }
        if base.is_some_and(|base| base.source == lead.source) {
            return Source::Side([false, true]);
        }
        let count = |cell: &Cell| lines::split(&cell.source).count().min(8192);
        let cost = (count(lead) + count(other) + base.map_or(0, count)).pow(2);
        let Some(left) = self.budget.get().checked_sub(cost) else { return Source::Conflict };
        self.budget.set(left);
        let was = base.map(|base| &*base.source);
        let merged = text::merge(was, &lead.source, &other.source, &Asks::default());
        if let (Merged::Conflict, Some(was), CellKind::Markdown) = (&merged, was, lead.kind)
            && let Merged::Clean(bytes) = words::merge(was, &lead.source, &other.source)
        {
            return Source::Words(bytes);
        }
        match merged {
            Merged::Conflict => Source::Conflict,
            Merged::Clean(bytes) if *bytes == *lead.source => Source::Side([true, false]),
            Merged::Clean(bytes) if *bytes == *other.source => Source::Side([false, true]),
            Merged::Clean(bytes) => Source::New(Cow::Owned(bytes)),
        }
    }

    /// One cell of both, its source settled.
    fn joined<'a>(
        &self,
        base: Option<&Cell<'a>>,
        lead: &Cell<'a>,
        other: &Cell<'a>,
        source: &Source<'a>,
    ) -> Made<'a> {
        let changed = |cell: &Cell, base: &Cell| cell.kind != base.kind;
        let of_other = base.is_some_and(|base| changed(other, base) && !changed(lead, base));
        let frame = if of_other { other } else { lead };
        let kept = match source {
            Source::Side([false, _]) => other.source.clone(),
            Source::New(new) => new.clone(),
            Source::Words(new) => Cow::Owned(new.clone()),
            _ => lead.source.clone(),
        };
        let value = |cell: &Cell<'a>, key: &str| cell.get(key);
        let before = |key: &str| base.and_then(|base| base.get(key));
        let mut object = Object::framed(frame.frame, METADATA - 1);
        let mut all: Vec<_> = frame.members.iter().collect();
        let second = if of_other { lead } else { other };
        all.extend(second.members.iter().filter(|member| frame.get(&member.key).is_none()));
        if frame.members.is_sorted_by(|a, b| a.key <= b.key) {
            all.sort_by(|a, b| a.key.cmp(&b.key));
        }
        let (outputs, count, stale) = self.run(base, lead, other, source);
        let mut id: Option<Cow<'a, str>> = None;
        for member in all {
            let key = &*member.key;
            let plain = || {
                values::merge(
                    before(key),
                    value(lead, key),
                    value(other, key),
                    By::Name,
                    METADATA,
                    self.style,
                )
            };
            let new: Option<Cow<'a, str>> = match key {
                "cell_type" => Some(Cow::Borrowed(member.value)).filter(|_| frame.get(key).is_some()),
                "id" => {
                    let new = values::merge(
                        before(key),
                        value(lead, key),
                        value(other, key),
                        By::Whole,
                        METADATA,
                        self.style,
                    );
                    id = new.as_deref().and_then(json::text).map(|id| Cow::Owned(id.into_owned()));
                    new
                }
                "source" => match source {
                    Source::Side([false, _]) => value(other, key).map(Cow::Borrowed),
                    Source::New(_) | Source::Words(_) => {
                        Some(Cow::Owned(self.write_source(&kept, lead, other)))
                    }
                    _ => value(lead, key).map(Cow::Borrowed),
                },
                "metadata" => {
                    let new = values::merge(
                        before(key),
                        value(lead, key),
                        value(other, key),
                        By::Cell,
                        METADATA,
                        self.style,
                    );
                    new.map(|new| marks::set(new, "stale", stale.as_deref(), self.style))
                }
                "attachments" if frame.kind == CellKind::Code => None,
                "attachments" => {
                    let (new, renamed) = values::attachments(
                        before(key),
                        value(lead, key),
                        value(other, key),
                        METADATA,
                        self.style,
                    );
                    let mut notes = self.notes.borrow_mut();
                    notes.extend(renamed.into_iter().map(|name| Note::Attachment { name }));
                    new
                }
                "outputs" | "execution_count" => None,
                _ => plain(),
            };
            match (key, new) {
                ("outputs", _) if frame.kind == CellKind::Code => {
                    object.push(member.key.clone(), Cow::Borrowed(member.front), Cow::Borrowed(outputs));
                }
                ("execution_count", _) if frame.kind == CellKind::Code => {
                    object.push(member.key.clone(), Cow::Borrowed(member.front), Cow::Borrowed(count));
                }
                (_, Some(new)) => object.push(member.key.clone(), Cow::Borrowed(member.front), new),
                (_, None) => {}
            }
        }
        if stale.is_some() {
            self.notes.borrow_mut().push(Note::Stale { cell: id.as_deref().unwrap_or_default().to_owned() });
        }
        let by_words = match source {
            Source::Words(_) => vec![lead.source.clone(), other.source.clone()],
            _ => Vec::new(),
        };
        let text: Cow<str> = Cow::Owned(object.text(self.style));
        let (version, kind) = match Cell::read(&text) {
            Ok(cell) => (cell.tag.is_some(), kind(&cell)),
            Err(_) => (false, frame.kind),
        };
        Made { text, id, kind, source: kept, version, old: base.is_some(), by_words }
    }

    /// Which outputs with which count, and what the stale mark says where they are of another source.
    fn run<'a>(
        &self,
        base: Option<&Cell<'a>>,
        lead: &Cell<'a>,
        other: &Cell<'a>,
        source: &Source<'a>,
    ) -> (&'a str, &'a str, Option<String>) {
        let outputs =
            |cell: &Cell<'a>| cell.get("outputs").filter(|value| value.starts_with('[')).unwrap_or("[]");
        let count = |cell: &Cell<'a>| cell.get("execution_count").unwrap_or("null");
        let ran = |cell: &Cell<'a>| {
            base.is_none_or(|base| {
                !json::same(count(base), count(cell)) || !json::same(outputs(base), outputs(cell))
            })
        };
        let code = [lead, other].map(|cell| cell.kind == CellKind::Code);
        let fits = match source {
            Source::Side(fits) => *fits,
            _ => [false, false],
        };
        let order = [(0, lead), (1, other)];
        // a run of the source that is kept, then any run, then what was there
        let of_source = order.iter().find(|(side, cell)| code[*side] && fits[*side] && ran(cell));
        let any = || order.iter().find(|(side, cell)| code[*side] && ran(cell));
        let was = || order.iter().find(|(side, _)| code[*side] && fits[*side]);
        let Some((side, cell)) =
            of_source.or_else(any).or_else(was).or(order.iter().find(|(side, _)| code[*side]))
        else {
            return ("[]", "null", None);
        };
        let (outputs, count) = (outputs(cell), count(cell));
        let empty = count == "null" && json::items(outputs).is_none_or(|(_, items)| items.is_empty());
        let marked = cell.get("metadata").is_some_and(|metadata| marks::is_stale(metadata, outputs, count));
        let stale = !self.unseen && !empty && (!fits[*side] || marked);
        (outputs, count, stale.then(|| format!("\"{}\"", marks::stale_for(outputs, count))))
    }

    /// A new source, written as the leading side writes it. A line that stands on a side stays as it is written there.
    fn write_source(&self, source: &[u8], lead: &Cell, other: &Cell) -> String {
        let Some((_, first)) = lead.get("source").and_then(json::items) else {
            return json::encode(source, self.ascii);
        };
        let second = other.get("source").and_then(json::items).map(|(_, items)| items).unwrap_or_default();
        let written: std::collections::BTreeMap<_, _> =
            second.iter().chain(&first).map(|item| (json::decode(item), *item)).collect();
        let items: Vec<Cow<str>> = source
            .split_inclusive(|byte| *byte == b'\n')
            .map(|line| match written.get(line) {
                Some(written) => Cow::Borrowed(*written),
                None => Cow::Owned(json::encode(line, self.ascii)),
            })
            .collect();
        self.style.array(&items, METADATA + 1)
    }
}

/// An id made of these parts.
pub fn digest_id(parts: &[&[u8]]) -> String {
    let mut hasher = blake3::Hasher::new();
    for part in parts {
        hasher.update(&(part.len() as u64).to_le_bytes()).update(part);
    }
    hasher.finalize().to_hex()[..8].to_owned()
}

/// How a note names a cell.
pub fn name(made: &Made) -> String {
    made.id.as_deref().unwrap_or_default().to_owned()
}
