//! The open questions in a notebook, read from its marks, and their answers. A person who edits the notebook and takes
//! the mark or the cell away has answered too; what stands here is for those who answer by command or on the page.

use std::borrow::Cow;

use super::Refused;
use super::cell::kind;
use super::document::{Cell, CellKind, Document};
use super::marks::{self, By, METADATA};
use super::style::Object;

/// One question about one cell.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize)]
pub struct CellConflict {
    /// The cell's id, or its number from 1 as `#3` where it has none. Answers name it so.
    pub cell: String,
    /// Its number, from 1.
    pub number: usize,
    /// Its kind.
    pub kind: CellKind,
    /// Its source; none where the cell was deleted and only another version is left.
    pub source: Option<String>,
    /// Whose version that is, where it is known.
    pub by: By,
    /// The versions it stood in when the others were put below it, one after the other: one of them, or a later edit,
    /// wrote it.
    #[serde(skip)]
    pub against: Vec<By>,
    /// The other versions. None of them: one side deleted the cell and the other edited it.
    pub others: Vec<OtherVersion>,
    /// Who deleted it.
    pub deleted_by: Option<By>,
}

/// Another version of a cell.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize)]
pub struct OtherVersion {
    /// The id of the cell that holds it, or its number as `#3`.
    pub cell: String,
    /// Whose it is.
    pub by: By,
    /// Its kind.
    pub kind: CellKind,
    /// Its source.
    pub source: String,
}

/// What a person keeps of a cell.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Answer {
    /// The cell as it stands; for a deleted cell: it stays.
    This,
    /// The other version, where there is one; for a deleted cell: it goes.
    Other,
    /// Both, as two cells.
    Both,
    /// The one of this machine, version or cell.
    Named(String),
}

/// Why an answer is none.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum NoAnswer {
    /// Nothing is open there.
    #[error("no question is open about the cell {0}")]
    NoConflict(String),
    /// It names no version.
    #[error("no version of the cell goes by that name; there are: {0}")]
    NoSuchVersion(String),
    /// It names several.
    #[error("several versions of the cell go by that name; name one by its cell: {0}")]
    Several(String),
    /// The notebook cannot be read.
    #[error(transparent)]
    Refused(#[from] Refused),
}

/// What answers call a cell.
pub(super) fn name(cell: &Cell, place: usize) -> String {
    cell.id.as_deref().map_or_else(|| format!("#{}", place + 1), str::to_owned)
}

fn shown(cell: &Cell) -> String {
    String::from_utf8_lossy(&cell.source).into_owned()
}

/// One question, by places.
struct Open {
    /// The cell.
    cell: Option<usize>,
    /// Other versions of it.
    others: Vec<usize>,
    deleted_by: Option<By>,
}

fn open(document: &Document) -> Vec<Open> {
    let versions = document.versions_of();
    let mut all: Vec<Open> = Vec::new();
    let mut at_cell = std::collections::BTreeMap::new();
    for (place, cell) in document.cells.iter().enumerate() {
        if cell.tag.is_some() {
            match versions.get(&place) {
                Some(of) => at_cell.entry(*of).or_insert_with(Vec::new).push(place),
                None => all.push(Open { cell: None, others: vec![place], deleted_by: None }),
            }
        } else if let Some(by) = cell.get("metadata").and_then(marks::deleted) {
            all.push(Open { cell: Some(place), others: Vec::new(), deleted_by: Some(by) });
        }
    }
    all.extend(at_cell.into_iter().map(|(cell, others)| Open { cell: Some(cell), others, deleted_by: None }));
    all.sort_by_key(|open| open.cell.or(open.others.first().copied()));
    all
}

/// The cells whose outputs are marked as those of another source, each by its name and its number from 1.
pub(super) fn stale(document: &Document) -> Vec<(String, usize)> {
    let cells = document.cells.iter().enumerate().filter(|(_, cell)| {
        let get = |name, default| cell.get(name).unwrap_or(default);
        marks::is_stale(get("metadata", "{}"), get("outputs", "[]"), get("execution_count", "null"))
    });
    cells.map(|(place, cell)| (name(cell, place), place + 1)).collect()
}

/// All open questions of a notebook, in the order of its cells.
///
/// # Errors
/// It is no notebook.
pub fn conflicts(bytes: &[u8]) -> Result<Vec<CellConflict>, Refused> {
    Ok(questions(&Document::read(bytes)?))
}

/// The same of a notebook that was read.
pub(super) fn questions(document: &Document) -> Vec<CellConflict> {
    let told = |open: &Open| {
        let place = open.cell.or(open.others.first().copied()).unwrap_or_default();
        let cell = &document.cells[place];
        let mut against: Vec<_> = open
            .others
            .iter()
            .filter_map(|at| Some(document.cells[*at].tag.as_ref()?.against.clone()))
            .collect();
        against.sort();
        against.dedup();
        let by = match &against[..] {
            [one] if open.cell.is_some() => one.clone(),
            _ => By::default(),
        };
        let other = |at: &usize| {
            let cell = &document.cells[*at];
            let by = cell.tag.as_ref().map(|tag| tag.by.clone()).unwrap_or_default();
            OtherVersion { cell: name(cell, *at), by, kind: kind(cell), source: shown(cell) }
        };
        CellConflict {
            cell: name(cell, place),
            number: place + 1,
            kind: kind(cell),
            source: open.cell.map(|_| shown(cell)),
            by,
            against,
            others: open.others.iter().map(other).collect(),
            deleted_by: open.deleted_by.clone(),
        }
    };
    open(document).iter().map(told).collect()
}

/// The notebook with the questions about this cell answered, or those about every cell. All else stays to the byte.
///
/// # Errors
/// Nothing is open there, or the answer names no version.
pub fn answer(bytes: &[u8], cell: Option<&str>, answer: &Answer) -> Result<Vec<u8>, NoAnswer> {
    let document = Document::read(bytes)?;
    let names = |open: &Open| {
        let places = open.cell.iter().chain(&open.others);
        places.map(|at| name(&document.cells[*at], *at)).collect::<Vec<_>>()
    };
    let all = open(&document);
    let asked: Vec<_> =
        all.iter().filter(|open| cell.is_none_or(|cell| names(open).iter().any(|n| n == cell))).collect();
    if asked.is_empty() {
        return Err(NoAnswer::NoConflict(cell.unwrap_or("any").to_owned()));
    }
    // none: the cell goes; else its new text
    let mut new: Vec<Option<Cow<str>>> =
        document.cells.iter().map(|cell| Some(Cow::Borrowed(cell.raw))).collect();
    for open in asked {
        match (choose(&document, open, answer)?, open.cell) {
            (Choice::All, _) => {
                for at in open.cell.iter().chain(&open.others) {
                    new[*at] = Some(Cow::Owned(plain(&document, *at)));
                }
            }
            (Choice::One(chosen), Some(cell)) => {
                // the place and the id stay those of the cell, so whoever edited it meanwhile edited this one
                let text =
                    if chosen == cell { plain(&document, cell) } else { instead(&document, cell, chosen) };
                new[cell] = Some(Cow::Owned(text));
                open.others.iter().for_each(|at| new[*at] = None);
            }
            (Choice::One(chosen), None) => new[chosen] = Some(Cow::Owned(plain(&document, chosen))),
            (Choice::None, _) => open.cell.iter().chain(&open.others).for_each(|at| new[*at] = None),
        }
    }
    Ok(write(bytes, &document, new))
}

enum Choice {
    One(usize),
    All,
    None,
}

fn choose(document: &Document, open: &Open, answer: &Answer) -> Result<Choice, NoAnswer> {
    let sides = || open.cell.iter().chain(&open.others);
    let list = || sides().map(|at| name(&document.cells[*at], *at)).collect::<Vec<_>>().join(", ");
    let found: Vec<usize> = match answer {
        Answer::Both => return Ok(Choice::All),
        Answer::This => return Ok(open.cell.map_or(Choice::None, Choice::One)),
        Answer::Other if open.others.is_empty() => return Ok(Choice::None),
        Answer::Other => open.others.clone(),
        Answer::Named(wanted) => {
            let whose = |by: &By| {
                let version = by.version.as_deref().is_some_and(|version| {
                    version == wanted || wanted.len() >= 8 && version.starts_with(wanted.as_str())
                });
                version || by.machine.as_ref() == Some(wanted)
            };
            if open.deleted_by.as_ref().is_some_and(whose) {
                return Ok(Choice::None);
            }
            let named = |at: usize| name(&document.cells[at], at) == *wanted;
            let tag = |at: &usize| document.cells[*at].tag.as_ref();
            let fits = |at: &usize| named(*at) || tag(at).is_some_and(|tag| whose(&tag.by));
            let mut found: Vec<_> = open.others.iter().copied().filter(fits).collect();
            let mut tags = open.others.iter().filter_map(tag).peekable();
            let this = tags.peek().is_some() && tags.all(|tag| whose(&tag.against));
            found.extend(open.cell.filter(|at| this || named(*at)));
            found
        }
    };
    match found[..] {
        [one] => Ok(Choice::One(one)),
        [] => Err(NoAnswer::NoSuchVersion(list())),
        _ => Err(NoAnswer::Several(list())),
    }
}

/// A cell without marks: an other version becomes what it was.
fn plain(document: &Document, at: usize) -> String {
    let cell = &document.cells[at];
    let style = &document.style;
    let mut object = Object::read(cell.raw, METADATA - 1);
    let metadata = Cow::Borrowed(cell.get("metadata").unwrap_or("{}"));
    let metadata = marks::set(marks::set(metadata, "conflict", None, style), "deleted", None, style);
    object.set("metadata", Some(metadata), style);
    if kind(cell) != cell.kind {
        object.set("cell_type", Some(Cow::Owned(format!("\"{}\"", kind(cell).name()))), style);
    }
    if kind(cell) == CellKind::Code && cell.kind != CellKind::Code {
        object.set("attachments", None, style);
        object.set("execution_count", Some(Cow::Borrowed("null")), style);
        object.set("outputs", Some(Cow::Borrowed("[]")), style);
    }
    object.text(style)
}

/// Another version in the place of the cell, under the cell's id. Where it is code the old outputs are gone.
fn instead(document: &Document, at: usize, chosen: usize) -> String {
    let text = plain(document, chosen);
    let mut object = Object::read(&text, METADATA - 1);
    object.set("id", document.cells[at].get("id").map(Cow::Borrowed), &document.style);
    object.text(&document.style)
}

/// The notebook with these cells in place of its own.
fn write(bytes: &[u8], document: &Document, new: Vec<Option<Cow<str>>>) -> Vec<u8> {
    let cells: Vec<Cow<str>> = new.into_iter().flatten().collect();
    let frame = document.cells_frame;
    let between = frame.between.map_or_else(|| format!(",{}", frame.open), str::to_owned);
    let list = if cells.is_empty() {
        "[]".to_owned()
    } else {
        format!("[{}{}{}]", frame.open, cells.join(between.as_str()), frame.close)
    };
    let (before, after) = document.around;
    let root = String::from_utf8_lossy(&bytes[before.len()..bytes.len() - after.len()]);
    let mut object = Object::read(&root, 0);
    object.set("cells", Some(Cow::Owned(list)), &document.style);
    [before, &object.text(&document.style), after].concat().into_bytes()
}
