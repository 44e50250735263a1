//! Notebooks by three: cell by cell, and one valid notebook out of it. Cells are paired by id, else by likeness; what
//! one side moved, put in, took out or edited counts; outputs never conflict. Where both sides wrote different things
//! into one cell both versions stay, below one another, the other one marked and not run: the notebook opens and runs,
//! and later merges carry the question along until somebody answers it, which is an ordinary edit of that cell.
//!
//! Everything is done on slices of the texts (`json.rs`), not on a parsed tree: what nobody changed stays to the byte,
//! with its numbers, escapes, key order and unknown names. The library's reader would lose doubled names, lone
//! surrogates and the spelling of numbers, and refuses NaN, which Jupyter writes.
//!
//! The sides are ordered before anything is decided, so it makes no difference which is named first. The leading side
//! is the one with the longer past: where both ran a cell its outputs stay, and its version of a conflict comes first.

mod assemble;
mod cell;
mod changes;
mod conflict;
mod document;
mod finish;
mod json;
mod kept;
mod marks;
mod order;
mod pair;
mod picture;
mod shown;
mod strings;
mod style;
mod table;
mod told;
mod values;
mod walk;

use std::cell::{Cell as Counter, RefCell};
use std::collections::BTreeSet;

pub use changes::{CellChange, Changes, Output, changes};
pub use conflict::{Answer, CellConflict, NoAnswer, OtherVersion, answer, conflicts};
pub use document::CellKind;
pub use marks::By;
pub use picture::Picture;
pub use shown::{Shown, ShownCell, shown};
pub use table::{Row, Table};
pub use told::{Told, merge_told};

use assemble::assemble;
use cell::{BUDGET, Context};
use document::Document;
use finish::{answered_by_itself, issue_ids, lost};
use order::Three;
use style::Style;

use super::text;
use crate::mutation::{self, Rule, off};

/// Largest notebook that is merged, in bytes.
pub const LARGEST: usize = 128 * 1024 * 1024;

/// Lines a side must not drop without a person's answer.
pub type Asks = BTreeSet<Vec<u8>>;

/// One side of a merge.
#[derive(Debug, Clone, Default)]
pub struct Side<'a> {
    /// The notebook.
    pub bytes: &'a [u8],
    /// Whose it is: written into the result where both versions of a cell stay.
    pub by: By,
    /// How many versions it comes from. The side with more leads; among equals the one whose version's name is
    /// greater, then the one with the greater bytes.
    pub depth: u64,
    /// Source lines this side must not drop, as [`removed`] finds them.
    pub asks: Asks,
}

impl Side<'_> {
    fn rank(&self) -> (u64, Option<&str>, &[u8], &By) {
        (self.depth, self.by.version.as_deref(), self.bytes, &self.by)
    }
}

/// Why a notebook cannot be merged.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Refused {
    /// No JSON.
    #[error("it is damaged in line {line}")]
    Broken {
        /// Where, from 1.
        line: usize,
    },
    /// JSON, but no notebook.
    #[error("it is no notebook: {why}")]
    NoNotebook {
        /// What is missing.
        why: String,
    },
    /// A format of before 2014.
    #[error(
        "it is of the old notebook format {major}; open and save it in Jupyter once, then it is of format 4"
    )]
    Older {
        /// Which.
        major: u32,
    },
    /// A format nobody knows yet.
    #[error(
        "it is of notebook format {major}, and this kitbag knows up to format 4; a newer kitbag may know it"
    )]
    Newer {
        /// Which.
        major: u32,
    },
    /// Larger than [`LARGEST`].
    #[error("it is larger than {} MiB", LARGEST >> 20)]
    TooLarge,
    /// Values within values without end.
    #[error("its values are nested more than {} deep", json::DEEPEST)]
    TooDeep,
    /// A line of one side would be missing. Both are kept whole instead.
    #[error("a line would be lost")]
    WouldLose,
}

/// Which notebook of a merge.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Which {
    /// The left one.
    Left,
    /// The right one.
    Right,
    /// Both together.
    Both,
}

/// No merge: the caller keeps both.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{why}")]
pub struct NotMergeable {
    /// Which one cannot be merged.
    pub side: Which,
    /// Why.
    pub why: Refused,
}

/// What a person may want to know of a merge. Cells are named by id, which is empty in formats without ids.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Note {
    /// Both sides wrote different things; both versions stay.
    Conflict {
        /// The cell whose other version stands below it.
        cell: String,
    },
    /// The outputs are those of another source than the cell has now.
    Stale {
        /// The cell.
        cell: String,
    },
    /// One side deleted it, the other edited it; it stays.
    KeptDeleted {
        /// The cell.
        cell: String,
        /// Who deleted it.
        by: By,
    },
    /// Both sides attached something else under one name; the other one has this name now.
    Attachment {
        /// The new name.
        name: String,
    },
}

/// One notebook of three.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Merged {
    /// It.
    pub bytes: Vec<u8>,
    /// All questions that are open in it, those of earlier merges too. A cell one side deleted and the other edited is
    /// none: it stays and says so, and stands among the [`conflicts`] of the notebook.
    pub conflicts: Vec<CellConflict>,
    /// What else is to be told of this merge.
    pub notes: Vec<Note>,
}

/// Is this all of a JSON text, as Jupyter reads and writes it? Half a notebook is not: it is being saved.
pub fn is_whole(bytes: &[u8]) -> bool {
    let text = std::str::from_utf8(bytes).map(|text| text.trim_start_matches('\u{feff}'));
    text.is_ok_and(|text| json::check(text).is_ok())
}

/// The cells that stand in several versions.
fn questions(bytes: &[u8]) -> Result<Vec<CellConflict>, Refused> {
    let mut all = conflicts(bytes)?;
    all.retain(|one| one.deleted_by.is_none());
    Ok(all)
}

/// How many cells of a notebook a person has to do with.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Marked {
    /// Questions that wait for an answer.
    pub questions: usize,
    /// Cells that were kept although one side deleted them.
    pub kept: usize,
}

/// How many cells of a notebook are marked; none where it is no notebook. Most have no mark anywhere, which is seen
/// without reading them.
pub fn marked(bytes: &[u8]) -> Marked {
    let Ok(text) = std::str::from_utf8(bytes) else { return Marked::default() };
    // as marks are written, or with one of these letters escaped
    if !["kitbag", "\\u006", "\\u007"].iter().any(|mark| text.contains(mark)) {
        return Marked::default();
    }
    let all = conflicts(bytes).unwrap_or_default();
    let kept = all.iter().filter(|one| one.deleted_by.is_some()).count();
    Marked { questions: all.len() - kept, kept }
}

/// Merge two notebooks over the one both come from. Without that, or where it cannot be read, nothing is removed and
/// every difference within a cell is a conflict. Which side is named left makes no difference.
///
/// # Errors
/// A side is no notebook of format 4, or is damaged, or too large.
pub fn merge(base: Option<&[u8]>, left: &Side, right: &Side) -> Result<Merged, NotMergeable> {
    if let Some(bytes) = untouched(base, left, right) {
        let conflicts = questions(bytes).unwrap_or_default();
        return Ok(Merged { bytes: bytes.to_vec(), conflicts, notes: Vec::new() });
    }
    let (bytes, notes) = in_order(base, left, right, &mut |_, _| ())?;
    let conflicts = questions(&bytes).map_err(|why| NotMergeable { side: Which::Both, why })?;
    Ok(Merged { bytes, conflicts, notes })
}

/// What comes out as it is, since one side changed nothing, or both the same.
fn untouched<'a>(base: Option<&[u8]>, left: &Side<'a>, right: &Side<'a>) -> Option<&'a [u8]> {
    if left.bytes == right.bytes || base == Some(right.bytes) && left.asks.is_empty() {
        return Some(left.bytes);
    }
    (base == Some(left.bytes) && right.asks.is_empty()).then_some(right.bytes)
}

/// Told of the base and of the left and the right side, when they are read.
type Look<'l> = dyn FnMut(Option<&Document>, [&Document; 2]) + 'l;

fn in_order(
    base: Option<&[u8]>,
    left: &Side,
    right: &Side,
    look: &mut Look,
) -> Result<(Vec<u8>, Vec<Note>), NotMergeable> {
    let turned = if off(Rule::NotebooksOrdered) { mutation::turned() } else { left.rank() < right.rank() };
    let (lead, other) = if turned { (right, left) } else { (left, right) };
    let mut look = |base: Option<&Document>, [lead, other]: [&Document; 2]| {
        look(base, if turned { [other, lead] } else { [lead, other] });
    };
    merged(base, lead, other, false, &mut look).map_err(|(side, why)| {
        let side = match side {
            0 if turned => Which::Right,
            0 => Which::Left,
            1 if turned => Which::Left,
            1 => Which::Right,
            _ => Which::Both,
        };
        NotMergeable { side, why }
    })
}

/// A base for histories that crossed, with nothing where the sides conflict; a base only, never a version. None where
/// a side cannot be merged.
pub fn merge_base(base: Option<&[u8]>, left: &[u8], right: &[u8]) -> Option<Vec<u8>> {
    let (lead, other) = if left < right { (right, left) } else { (left, right) };
    let side = |bytes| Side { bytes, ..Side::default() };
    merged(base, &side(lead), &side(other), true, &mut |_, _| ()).ok().map(|(bytes, _)| bytes)
}

/// The sources of all cells in order, each ended with a line end: what a person wrote, as a text whose lines can be
/// compared with those of another notebook. None where it is no notebook.
pub fn lines(bytes: &[u8]) -> Option<Vec<u8>> {
    let document = Document::read(bytes).ok()?;
    let mut text = Vec::new();
    for cell in document.cells.iter().filter(|cell| !cell.source.is_empty()) {
        text.extend_from_slice(&cell.source);
        if !text.ends_with(b"\n") {
            text.push(b'\n');
        }
    }
    Some(text)
}

/// The source lines that `to` holds less often than `from`; none where one of them is no notebook.
pub fn removed(from: &[u8], to: &[u8]) -> Option<Asks> {
    let (from, to) = (lines(from)?, lines(to)?);
    Some(text::removed(&from, &to).into_keys().map(<[u8]>::to_vec).collect())
}

type Failed = (usize, Refused);

fn merged(
    base: Option<&[u8]>,
    lead: &Side,
    other: &Side,
    unseen: bool,
    look: &mut Look,
) -> Result<(Vec<u8>, Vec<Note>), Failed> {
    let base = base.and_then(|bytes| Document::read(bytes).ok());
    fn read(side: usize, bytes: &[u8]) -> Result<Document<'_>, Failed> {
        Document::read(bytes).map_err(|why| (side, why))
    }
    let (left, right) = (read(0, lead.bytes)?, read(1, other.bytes)?);
    look(base.as_ref(), [&left, &right]);
    let combined =
        |left: &Document, right: &Document| combine(base.as_ref(), [left, right], [lead, other], unseen);
    if left.style == right.style {
        return combined(&left, &right);
    }
    // in the style of the side that changed it, else of the leading one
    if base.as_ref().is_some_and(|base| base.style == left.style) {
        let text = restyled(&left, &right.style);
        combined(&read(0, text.as_bytes())?, &right)
    } else {
        let text = restyled(&right, &left.style);
        combined(&left, &read(1, text.as_bytes())?)
    }
}

fn restyled(document: &Document, style: &Style) -> String {
    [document.around.0, &style.apply(document.root), document.around.1].concat()
}

fn combine(
    base: Option<&Document>,
    documents: [&Document; 2],
    sides: [&Side; 2],
    unseen: bool,
) -> Result<(Vec<u8>, Vec<Note>), Failed> {
    let [lead, other] = documents;
    let mut asks = sides.map(|side| side.asks.clone());
    for _ in 0..2 {
        let context = Context {
            style: &lead.style,
            ascii: lead.ascii || other.ascii && lead.cells.is_empty(),
            ids: lead.minor.max(other.minor) >= 5,
            whose: sides.map(|side| side.by.clone()),
            asks: [&asks[0], &asks[1]],
            unseen,
            budget: Counter::new(BUDGET),
            notes: RefCell::new(Vec::new()),
        };
        let mut cells = Three::over(base, documents).merge(&context);
        let lost = if unseen || off(Rule::CellGuard) { Asks::new() } else { lost(base, documents, &cells) };
        if lost.is_empty() {
            answered_by_itself(&mut cells);
            issue_ids(&mut cells, &context);
            let text = assemble(base, documents, &cells, &context);
            return Ok((text.into_bytes(), context.notes.into_inner()));
        }
        // a line that each side took somewhere else and the merge would take nowhere: no side's removal counts then
        asks.iter_mut().for_each(|asks| asks.extend(lost.iter().cloned()));
    }
    Err((2, Refused::WouldLose))
}

#[cfg(test)]
mod tests;
